/**
 * XEP-0045 §17.4 between the users of two nodes (decision #182): an iq goes over the links inside `<fmuc/>`, because an iq has one
 * child, and its answer comes back over them, from the occupant JID that was asked.
 */
import { isLocal, type Occupant } from '../../room/event.ts';
import { type Asked, asks } from '../../room/passed.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst } from '../../room/sessions.ts';
import { writeFmuc } from '../../xep/xep0289.ts';
import { type Condition, stanzaError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorReply, payloadOf, type Stanza, withParts } from '../../xmpp/stanza.ts';
import { element, elementsOf } from '../../xmpp/xml.ts';
import { refusesExcess } from '../excess.ts';
import { handOver } from '../hand-over.ts';
import type { Links } from './links.ts';
import { writesBy } from './occupants.ts';

/** To the node by which the target is reached. @returns false where there is no such way: it may not know our extension */
export function routeIq(
  turn: RoomTurn,
  links: Links,
  from: Occupant,
  to: Occupant,
  stanza: Stanza,
  asked: Asked,
): boolean {
  const author = asFirst(from).jid;
  const link = to.home === undefined ? undefined : links.live(turn.room, to.home);
  if (link === undefined || author === undefined || !link.counts) return false;
  const fmuc = writeFmuc({ kind: 'from', from: author });
  const sent = withParts(stanza, {
    from: occupantJid(turn.room.jid, from.nick),
    to: occupantJid(link.peer, to.nick),
    id: turn.env.newId(),
    payloads: [element('fmuc', NS.fmuc, fmuc.attrs, stanza.payloads)],
  });
  turn.passed.add(sent, asked);
  turn.send(links.names.outward(turn.room, link.peer, sent), 'decision#182', link.peer);
  return true;
}

/** One that came over a link. RFC 6120 §8.2.3: it is answered, whatever becomes of it. */
export function takeIq(turn: RoomTurn, links: Links, peer: Jid, author: Jid, stanza: Stanza): void {
  const { room } = turn;
  const no = (condition: Condition) =>
    turn.send(errorReply(stanza, stanzaError('cancel', condition)), 'decision#182', peer);
  const from = links.live(room, peer)?.counts
    ? writesBy(room, links, peer, author, resourceOf(stanza.from))
    : undefined;
  if (from === undefined) return no('not-acceptable');
  const target = room.occupants.get(resourceOf(stanza.to));
  if (target?.jid === undefined) return no('item-not-found');
  const fmuc = payloadOf(stanza, 'fmuc', NS.fmuc);
  const payloads = fmuc === undefined ? [] : elementsOf(fmuc).filter(({ xmlns }) => xmlns !== NS.ext);
  if (payloads.length !== 1) return no('bad-request');
  const question = withParts(stanza, { payloads });
  if (refusesExcess(turn, peer, question)) return;
  const by = { node: peer, mark: [] };
  if (!isLocal(target)) {
    if (!routeIq(turn, links, from, target, question, asks(stanza, by))) no('service-unavailable');
    return;
  }
  // No user of another node is a moderator here, who may see real JIDs.
  const isOpen = room.whois === 'anyone' && links.names.sees(room, peer);
  handOver(turn, peer, from, target.jid, question, isOpen);
}
