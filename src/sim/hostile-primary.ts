import { writeDestroy, writeOffer, writePosition } from '../core/xep/sync.ts';
import { writeDmuc } from '../core/xep/xep0282.ts';
import { occupantJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, message, presence, type Stanza, withParts } from '../core/xmpp/stanza.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { Prng } from './prng.ts';
import type { Seating } from './protocol.ts';
import type { Person } from './trace.ts';
import { type Lie, rank, somewhere, twist } from './twist.ts';

/**
 * A XEP-0282 primary that lies. It decides what the room is. But it cannot make a user enter who did not ask (§4.5), take a
 * replica back to an earlier epoch (decision #4), or keep it waiting for ever.
 */
export function hostilePrimary(stanza: Stanza, prng: Prng, at: Seating): readonly Stanza[] {
  const dice = prng.unit();
  if (dice < 0.7) return [stanza];
  if (dice < 0.73) return [];
  if (dice < 0.76) return [stanza, stanza];
  if (dice < 0.9) return [withParts(stanza, { payloads: stanza.payloads.map((payload) => twist(payload, prng, at)) })];
  const lie = prng.pick(lies);
  return [stanza, lie(prng, at, prng.pick(at.people))];
}

/** The words of a primary, to another node; or to the primary itself. */
const asPrimary =
  (payload: (prng: Prng, whom: Person) => XmlElement, type?: string): Lie =>
  (prng, at, whom) =>
    presence(
      occupantJid(whom.room, whom.nick),
      prng.pick(at.nodes),
      { type, id: prng.id() },
      rank,
      payload(prng, whom),
    );

/** What a primary says of its own accord, in the name of anybody who may or may not be one. */
export const primarysWords: Readonly<Record<string, Lie>> = {
  'an enter': asPrimary((prng, whom) => writeDmuc({ enter: whom.jid, position: somewhere(prng) })),
  'a leave': asPrimary((_, whom) => writeDmuc({ leave: whom.jid }), 'unavailable'),
  'a change of the primary’s': asPrimary((prng) => writeDmuc({ position: somewhere(prng) })),
  'where the primary is': (prng, at, whom) =>
    iq(
      whom.room,
      prng.pick(at.nodes),
      { type: 'get', id: prng.id() },
      el('ping', NS.ping, {}, writePosition(somewhere(prng))),
    ),
};

const lies: readonly Lie[] = [
  ...Object.values(primarysWords),
  // Of somebody who is in, and may have left or never asked: the enter alone is the lie.
  asPrimary((_, whom) => writeDmuc({ enter: whom.jid })),
  (prng, at, whom) => message(whom.room, prng.pick(at.nodes), { id: prng.id() }, writeOffer()),
  (prng, at, whom) => iq(whom.room, prng.pick(at.nodes), { type: 'set', id: prng.id() }, writeDestroy(somewhere(prng))),
];
