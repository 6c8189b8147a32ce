import { NS } from '../xmpp/namespaces.ts';
import { type Stanza, withParts } from '../xmpp/stanza.ts';
import { element, type XmlElement } from '../xmpp/xml.ts';
import { withoutAccount } from './account-iq.ts';
import { cleanPayloads } from './hygiene.ts';
import type { RoomTurn } from './room-turn.ts';
import { boundedAnswer } from './size.ts';

/**
 * An answer, or an error, to what the room passed on for somebody goes to that somebody, from the address to which they
 * wrote and with the id that they gave. Decision #123. Where it went to several, an error counts once it is all of them.
 *
 * @returns whether it was one: then it says nothing about the room
 */
export function handBack(turn: RoomTurn, answer: Stanza): boolean {
  const asked = turn.passed.take(answer);
  if (asked === undefined) return false;
  const { stanza, by, hides, left } = asked;
  const isError = answer.type === 'error';
  if (isError && left > 0) return true;
  const told = hides ? withoutAccount(answer, stanza.to) : answer.payloads;
  const said = answer.name === 'iq' ? told : cleanPayloads(turn.room.jid, answer.payloads);
  const ends = { from: stanza.to, to: stanza.from, id: stanza.id };
  // Another node may have other limits (decision #120).
  const fit = boundedAnswer(withParts(answer, { ...ends, payloads: isError ? said.map(withoutBy) : said }));
  const payloads = [...(isError ? (by?.mark ?? []) : []), ...fit.payloads];
  turn.send(withParts(fit, { payloads }), answer.name === 'iq' ? '0045#17.4' : 'decision#123', by?.node);
  return true;
}

/** Whoever set the error (RFC 6120 §8.3.1) knows the real address of the user whom it is about; §17.4: nobody else shall. */
function withoutBy(payload: XmlElement): XmlElement {
  if (payload.name !== 'error' || payload.xmlns !== NS.client || payload.attrs['by'] === undefined) return payload;
  const { by: _, ...attrs } = payload.attrs;
  return element(payload.name, payload.xmlns, attrs, payload.children);
}
