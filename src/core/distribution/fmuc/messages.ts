/** XEP-0289 §5.2, §5.6: what users of other nodes say, and what users here say to one of them alone. */

import { stampOf } from '../../room/checks.ts';
import { commit } from '../../room/commit.ts';
import type { Occupant } from '../../room/event.ts';
import { isKept } from '../../room/keeping.ts';
import { type Asked, asks } from '../../room/passed.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst, localSessions } from '../../room/sessions.ts';
import { subjectOf } from '../../room/subject.ts';
import { deliverPrivate } from '../../room/tell.ts';
import { changesSubject } from '../../xep/xep0045.ts';
import { writeFmuc } from '../../xep/xep0289.ts';
import { type Condition, stanzaError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { errorReply, type Stanza, withParts } from '../../xmpp/stanza.ts';
import { lateMessage } from '../resync.ts';
import { maySay, refuseWords } from './admission.ts';
import type { Links } from './links.ts';
import { spokenForBy, writesBy } from './occupants.ts';
import { commitPast } from './past.ts';
import { originOf, passedBy, trailOf } from './place.ts';
import { isDelayedBy, itemOf, type Known, moderationOf, wordsOf } from './reading.ts';

/** @param before  the author as they were when it came, where it had to wait and they may have left since */
export function takeMessage(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  author: Jid,
  stanza: Stanza,
  before?: Known,
): void {
  const speaks = stanza.type === 'groupchat' ? spokenForBy : writesBy;
  const occupant = speaks(turn.room, links, peer, author, resourceOf(stanza.from)) ?? before;
  // A node in a ring speaks for users whom we know by another way: decision #145.
  if (occupant === undefined && links.paths.knows(author, peer)) return;
  if (occupant === undefined)
    return turn.note('0289#7', `${peer} speaks for ${author}, whom it has not introduced: dropped`, { peer });
  const no = before ? undefined : maySay(turn.room, occupant, stanza);
  if (no) return refuseWords(turn, links, peer, occupant, stanza, no);
  if (stanza.type === 'groupchat') takeGroupchat(turn, links, peer, occupant, stanza);
  else takePrivate(turn, links, peer, occupant, stanza);
}

function takeGroupchat(turn: RoomTurn, links: Links, peer: Jid, occupant: Known, stanza: Stanza): void {
  const { room, env } = turn;
  const said = itemOf(turn, occupant, stanza, stampOf(room, env.now));
  // Decision #157: a peer names what its users say, and nodes behind it theirs, but nobody what others' users will say.
  const isNamed = said.by === room.jid || said.by === peer || said.by === passedBy(stanza, peer)[0];
  const trail = trailOf(stanza, peer);
  const item = { ...said, ...(isNamed ? {} : { by: peer, id: env.newId() }), counted: trail?.order };
  if (room.holds(item)) return turn.note('decision#27', 'a message that is here already: dropped');
  links.paths.recall(room.atHand, env.now);
  const late = trail !== undefined && links.paths.isLate(occupant.jid, trail, env.now);
  // Decision #163: what is of the moment is over.
  if (late && !isKept(item.payloads)) return;
  if (late && !changesSubject(item.payloads)) return commitPast(turn, lateMessage(item, occupant, peer));
  if (!changesSubject(item.payloads)) return commit(turn, { kind: 'message', occupant, item }, { spec: '0289#5.2' });
  // Decision #63: our subject is on its way there, and replaces it.
  if (links.mode === 'primary-primary' && !links.isOutbound(room, peer) && links.of(peer)?.subjectIsUnderWay)
    return turn.note('decision#63', 'a subject that crossed ours on the way: dropped');
  commit(turn, { kind: 'subject', occupant, subject: subjectOf(item), item }, { spec: '0289#5.2' });
}

/** XEP-0425, decision #113: a room is believed about what came by it, and about nothing else. */
export function takeModeration(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
  const { room } = turn;
  const item = moderationOf(turn, stanza);
  if (item && room.holds(item)) return turn.note('decision#27', 'a retraction that is here already: dropped');
  if (item === undefined || !room.retracts(item))
    return turn.note('decision#113', `${peer} takes back what did not come by it: not believed`, { peer });
  const occupant = { nick: '', affiliation: 'none', role: 'none', occupantId: '', presence: [], home: peer } as const;
  const late = isDelayedBy(stanza, peer);
  const as = { kind: 'messageAccepted', item, past: late ? true : undefined } as const;
  commit(turn, { kind: 'message', occupant, item, late }, { spec: '0425#3', as });
}

/** §5.6: "each node that receives it is responsible for routing it"; never to anybody else. */
function takePrivate(turn: RoomTurn, links: Links, peer: Jid, from: Known, stanza: Stanza): void {
  const { room } = turn;
  const nick = resourceOf(stanza.to);
  const target = room.occupants.get(nick);
  const clean = withParts(stanza, { id: originOf(stanza), payloads: wordsOf(room, from.jid, stanza) });
  if (target === undefined) {
    const error = stanzaError('cancel', 'item-not-found', `nobody here is called ${nick}`);
    return turn.send(errorReply(stanza, error), '0045#7.5', peer);
  }
  // Decision #123: an error about it goes back over the link, and says that it is not about the link.
  const mark = links.of(peer)?.counts ? [writeFmuc({ kind: 'from', from: from.jid })] : [];
  const asked = asks(stanza, { node: peer, mark });
  for (const { jid } of localSessions(target)) deliverPrivate(turn, from, jid, clean, asked, '0289#5.6');
  if (target.home !== undefined && target.home !== peer) routePrivate(turn, links, from, target, clean, asked);
}

const noPrivate = 'private messages do not reach this user, whose server does not know how to pass them on';

/** It goes no further, and whoever asked is told. */
function sendBack(turn: RoomTurn, { stanza, by }: Asked, condition: Condition, text?: string): void {
  const error = stanzaError('cancel', condition, text, turn.room.jid);
  turn.send(errorReply(stanza, error, ...(by?.mark ?? [])), 'decision#182', by?.node);
}

/** §5.6: to the node by which the target is reached, marked with its sender. */
export function routePrivate(
  turn: RoomTurn,
  links: Links,
  from: Occupant,
  to: Occupant,
  stanza: Stanza,
  asked: Asked,
): void {
  const { room } = turn;
  const author = asFirst(from).jid;
  const link = to.home === undefined ? undefined : links.of(to.home);
  if (link === undefined || author === undefined) return sendBack(turn, asked, 'recipient-unavailable');
  if (links.isRefused(link.peer, author)) return sendBack(turn, asked, 'forbidden', `${link.peer} does not show you`);
  // Decision #182: it would show the message to its whole room, and keep it.
  if (!link.counts) {
    if (room.whois !== 'anyone' || to.jid === undefined) return sendBack(turn, asked, 'not-acceptable', noPrivate);
    return deliverPrivate(turn, from, to.jid, stanza, asked, 'decision#182');
  }
  const payloads = [...stanza.payloads, writeFmuc({ kind: 'from', from: author })];
  const ends = { from: occupantJid(turn.room.jid, from.nick), to: occupantJid(link.peer, to.nick) };
  const sent = withParts(stanza, { ...ends, payloads });
  turn.passed.add(withParts(sent, { id: link.send(turn, sent, '0289#5.6') }), asked);
}
