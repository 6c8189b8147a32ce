import type { ModelEvent } from '../fold/event.ts';
import { childrenOf } from '../trace/peek.ts';

const mostIds = 2_000;

/** Tells pings (XEP-0199) and their answers from other IQs. An answer says nothing but the id of what it answers. */
export class Pings {
  readonly #ids = new Set<string>();

  has({ stanza }: ModelEvent): boolean {
    if (stanza?.name !== 'iq' || stanza.id === undefined) return false;
    const { id, from, to, type } = stanza;
    if (type !== 'get') return this.#ids.has(`${to} ${from} ${id}`);
    if (!childrenOf(stanza).some(({ name, attrs }) => name === 'ping' && attrs['xmlns'] === 'urn:xmpp:ping'))
      return false;
    this.#ids.add(`${from} ${to} ${id}`);
    if (this.#ids.size > mostIds) for (const old of this.#ids) if (this.#ids.delete(old)) break;
    return true;
  }
}
