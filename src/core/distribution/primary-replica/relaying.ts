/** XEP-0282 §4.8: what a replica does with what its users send to the room. While it is split: apart.ts. */
import { leave, leaveSession } from '../../room/commit.ts';
import { isLocal, type LocalOccupant } from '../../room/event.ts';
import { saysGhost } from '../../room/ghosts.ts';
import { handBack } from '../../room/hand-back.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { localSessions, servedElsewhere } from '../../room/sessions.ts';
import { bounded } from '../../room/size.ts';
import type { RoomView } from '../../room/state.ts';
import { refuse } from '../../room/tell.ts';
import { presenceFor } from '../../room/visibility.ts';
import { joinOf } from '../../xep/xep0045.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorReply, presence, type Stanza, withPayloads } from '../../xmpp/stanza.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { diverge, whileApart } from './apart.ts';
import { leftHere } from './leavers.ts';
import type { Session } from './session.ts';

/** Relayed as it is. While split: §4.11.1.2. Leaving always works, here, at once. */
export function takeFromUser(turn: RoomTurn, session: Session, received: Stanza): void {
  const { room } = turn;
  const { tickets } = session;
  if (!tickets.serves(received.from)) return refuseForeign(turn, received);
  const stanza = bounded(withoutNodesWords(received));
  if ('kind' in stanza) return refuse(turn, received, stanza);
  const occupant = room.occupantByJid(stanza.from);
  const local = occupant && isLocal(occupant) ? occupant : undefined;
  const isSplit = session.isSplit(room);
  // An answer of one of them to another, while they are among themselves, is an answer like a result.
  if (stanza.type === 'error' && !(isSplit && stanza.name === 'iq')) return takeError(turn, session, local, stanza);
  // XEP-0045 §17.3: what they are told of the room comes from here (decision #47).
  if (stanza.name === 'presence' && stanza.type === 'probe' && local) {
    const target = room.occupants.get(resourceOf(stanza.to));
    if (target) turn.send(presenceFor(room, target, local), '0045#17.3');
    return;
  }
  if (stanza.name === 'presence' && stanza.type === 'unavailable') {
    tickets.forget(stanza.from);
    session.relays.forgetPresence(stanza.from, turn.env.now);
    if (!isSplit) tickets.settled(stanza.from);
    if (local) userLeft(turn, session, local, stanza, []);
    else if (isSplit) strangerLeft(turn, session, stanza);
    else session.relay(turn, stanza);
    return;
  }
  if (isSplit) {
    if (stanza.name === 'presence') session.relays.forgetPresence(stanza.from, turn.env.now);
    const kick = (target: LocalOccupant, item: { readonly actor: string; readonly reason?: string }) => {
      const gone = presence(target.jid, occupantJid(room.jid, target.nick), { type: 'unavailable' });
      const later: (() => void)[] = [];
      userLeft(turn, session, target, gone, [307], item, later);
      return later;
    };
    return whileApart(turn, session.self, stanza, session.mayBeAnswered(turn, stanza.from), kick);
  }
  if (stanza.name === 'presence' && stanza.type === undefined) rememberJoin(turn, session, stanza);
  session.relay(turn, stanza);
}

/** §4.1: they are no users of this replica. */
function refuseForeign(turn: RoomTurn, stanza: Stanza): void {
  turn.note('0282#4.1', `${stanza.from} is of no domain this replica serves: ignored`);
  if (stanza.name === 'iq' && (stanza.type === 'get' || stanza.type === 'set'))
    turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable', undefined, turn.room.jid)), '6120#8.2.3');
}

/**
 * An error. About what this replica itself sent its users it is as at any room (decision #125). The rest the primary sent, or
 * passed on for somebody else, and knows what to do: it decides who is in.
 */
function takeError(turn: RoomTurn, session: Session, local: LocalOccupant | undefined, stanza: Stanza): void {
  const { room } = turn;
  const isSplit = session.isSplit(room);
  if (stanza.name !== 'presence') {
    if (handBack(turn, stanza)) return;
    const ours = stanza.name === 'message' && (stanza.id === undefined || wasSaid(room, stanza.id));
    if (!isSplit && !ours) return turn.send(stanza, '0282#4.8', room.jid);
  }
  if (local === undefined || !saysGhost(stanza)) return;
  const gone = presence(stanza.from, occupantJid(room.jid, local.nick), { type: 'unavailable' });
  userLeft(turn, session, local, gone, [333]);
}

/** Whether it is the id of a message to all, as far as this replica keeps them. */
function wasSaid({ atHand }: RoomView, id: string): boolean {
  return atHand.findLast(({ stanzaId }) => stanzaId === id) !== undefined;
}

/** Decision #6: a join allows one `<enter/>`. */
function rememberJoin(turn: RoomTurn, { tickets }: Session, stanza: Stanza): void {
  const { room } = turn;
  const join = joinOf(stanza);
  if (join === undefined) return;
  tickets.add(turn, stanza.from, { nick: resourceOf(stanza.to), join });
  tickets.relayed(turn, stanza.from, resourceOf(stanza.to));
  const left = room.divergence.find((act) => act.kind === 'left' && act.jid === stanza.from);
  if (left?.kind === 'left' && !left.back) diverge(turn, { ...left, back: true });
}

/**
 * Decision #9: the user is out at once, whatever the primary does; the primary learns of it now or after the split.
 *
 * @param later  where the others are to hear of it only after something else (XEP-0045 §8.2), what tells them is put here
 */
function userLeft(
  turn: RoomTurn,
  session: Session,
  occupant: LocalOccupant,
  stanza: Stanza,
  statuses: readonly number[],
  item: { readonly actor?: string; readonly reason?: string } = {},
  later?: (() => void)[],
): void {
  const { room } = turn;
  const payloads = cleanPayloads(room.jid, stanza.payloads);
  const isSplit = session.isSplit(room);
  const { nick } = occupant;
  // XEP-0045 §7.2.2: what a client waits for has the id of its request.
  const { id } = stanza;
  // The primary may know a provisional user, too, from before the split: it hears of every leave.
  const unserved = occupant.provisional ? ({ unserved: true, provisional: true } as const) : {};
  // A user who is kicked goes with all of their sessions.
  for (const { jid } of later ? localSessions(occupant) : [occupant])
    diverge(turn, { kind: 'left', id: turn.env.newId(), jid, nick, ...unserved });
  const manner = { n: 'none', spec: '0282#4.11.1.2', later } as const;
  const parts = { id, payloads, statuses, item };
  if (later) leave(turn, occupant, parts, manner);
  else if (isSplit || occupant.provisional) leaveSession(turn, occupant, parts, manner);
  else {
    turn.record({ kind: 'occupantChanged', occupant: servedElsewhere(occupant, occupant.jid, room.jid) });
    turn.send(presenceFor(room, occupant, occupant, { type: 'unavailable', id, payloads, statuses }), 'decision#9');
  }
  if (!isSplit) session.relay(turn, stanza);
  session.live.purge(turn);
}

/**
 * Decision #9: someone whom the primary serves itself, or who waits to enter. That they are out is the primary's to say,
 * for what it sends may still reach them; it is told after the split (§4.11.1.2 "stop submitting").
 */
function strangerLeft(turn: RoomTurn, { tickets }: Session, stanza: Stanza): void {
  const nick = resourceOf(stanza.to);
  // Said twice: what is known of the first leave is more.
  if (nick === '' || leftHere(turn, tickets).has(stanza.from)) return;
  const request = stanza.id === undefined ? {} : { request: stanza.id };
  diverge(turn, { kind: 'left', id: turn.env.newId(), jid: stanza.from, nick, unserved: true, ...request });
}

/** D4: what only nodes say to each other is no user's to say; the rest of the stanza is relayed as it is. */
function withoutNodesWords(stanza: Stanza): Stanza {
  if (!stanza.payloads.some(isNodesWord)) return stanza;
  return withPayloads(
    stanza,
    stanza.payloads.filter((payload) => !isNodesWord(payload)),
  );
}

function isNodesWord({ xmlns }: XmlElement): boolean {
  return xmlns === NS.dmuc2 || xmlns === NS.ext || xmlns === NS.dmuc1;
}
