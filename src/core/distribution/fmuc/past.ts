/** XEP-0289 §5.1, decision #93: what was said a while ago, and reaches this room when another node has got it by a join. */
import type { Change } from '../../room/change.ts';
import { commit } from '../../room/commit.ts';
import type { HistoryItem } from '../../room/event.ts';
import { isKept } from '../../room/keeping.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { sameSubject } from '../../room/subject.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { resourceOf } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { lateMessage, lateSubject, sameWords } from '../resync.ts';
import { isOwnUser } from '../scope.ts';
import { mayHaveNamed, mayTellOf, ownedSubject } from './admission.ts';
import type { Links } from './links.ts';
import { itemOf, readSubject, saidAt } from './reading.ts';
import { keepsSubject } from './resync.ts';

/** A message of the history of a node further on, which the peer has got since. */
export function takePastMessage(turn: RoomTurn, links: Links, peer: Jid, author: Jid, stanza: Stanza): void {
  const { room, env } = turn;
  const nick = resourceOf(stanza.from);
  const occupantId = room.occupantIdOf(author) ?? env.newId();
  const item = itemOf(turn, { nick, jid: author, occupantId }, stanza, saidAt(env.now, stanza));
  if (!isKept(item.payloads)) return;
  if (room.holdsPast(item)) turn.note('decision#27', 'a message that is here already: dropped');
  else if (isToldAnew(room, peer, item))
    turn.note('decision#168', `${peer} gives what ${author} has said another identity: dropped`, { peer });
  else if (!mayTellOf(room, links, peer, item, stanza))
    turn.note('decision#157', `${peer} tells of what ${author} is to have said: not believed`, { peer });
  else commitPast(turn, lateMessage(item, room.occupants.get(nick), peer));
}

/** Decision #168: what is here already, under an identity that nobody but the author's own node may change. */
export function isToldAnew({ atHand }: RoomView, peer: Jid, item: HistoryItem): boolean {
  const { author, stanzaId } = item;
  if (author === undefined || stanzaId === undefined || isOwnUser(peer, author)) return false;
  return atHand.some((known) => known.author === author && known.stanzaId === stanzaId && sameWords(known, item));
}

/** The subject of such a join. */
export function takePastSubject(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  author: Jid | undefined,
  stanza: Stanza,
): void {
  const { room } = turn;
  const setter = author === undefined ? undefined : room.occupantIdOf(author);
  const said = readSubject(turn, setter, stanza);
  const subject = said && ownedSubject(room, links, peer, author, said);
  if (subject === undefined || sameSubject(subject, room.subject) || keepsSubject(links, room.subject, subject)) return;
  if (!mayHaveNamed(room, links, peer, author, subject.by ?? peer))
    return turn.note('decision#157', `a subject that ${peer} may not bring in: dropped`, { peer });
  commitPast(turn, lateSubject(room, subject, room.occupants.get(subject.nick), peer));
}

/** Something of a while ago happens here, too: told to our own users, and passed on to the nodes that joined this one. */
export function commitPast(turn: RoomTurn, change: Change): void {
  if (change.kind !== 'message') return commit(turn, change, { spec: '0289#5.1' });
  // Decision #113.
  if (change.item.nick === '' && !turn.room.retracts(change.item)) return;
  const as = { kind: 'messageAccepted', item: change.item, past: true } as const;
  commit(turn, change, { spec: '0289#5.1', as });
}
