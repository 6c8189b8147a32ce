import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Prng } from './prng.ts';
import type { Seating } from './protocol.ts';
export function hostileInstance(stanza: Stanza, _prng: Prng, _at: Seating): readonly Stanza[] {
  return [stanza];
}
