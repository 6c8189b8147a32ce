/** XEP-0281 §3.6: what users say, at this instance and at others; and what is for one of them alone. */

import type { ChangeOf } from '../../room/change.ts';
import { aheadMs, mayNameSubject, mayTalk, mayWhisper, stampOf } from '../../room/checks.ts';
import { commit } from '../../room/commit.ts';
import { type HistoryItem, isLater, isLocal, type Occupant, type Subject } from '../../room/event.ts';
import { cleanDecided, cleanPayloads, withoutAddresses } from '../../room/hygiene.ts';
import { type Asked, asks } from '../../room/passed.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { everySession } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { subjectOf } from '../../room/subject.ts';
import { deliverPrivate } from '../../room/tell.ts';
import { readNews, readPassed, writeNews, writePassed } from '../../xep/instances.ts';
import { changesSubject } from '../../xep/xep0045.ts';
import { readStanzaId } from '../../xep/xep0359.ts';
import { readModeration } from '../../xep/xep0425.ts';
import { type Condition, stanzaError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { errorReply, type Stanza, withMore, withParts } from '../../xmpp/stanza.ts';
import { type Instant, plus } from '../../xmpp/time.ts';
import { refusesExcess } from '../excess.ts';
import { handOver } from '../hand-over.ts';
import { type Links, sourceOf } from './links.ts';
import { theirs } from './people.ts';

/** Decision #203: a message of this room gets its place among all that the room accepts, and a time that is not before the last. */
export function placed(
  { room, env }: RoomTurn,
  change: ChangeOf<'message'> | ChangeOf<'subject'>,
): ChangeOf<'message'> | ChangeOf<'subject'> {
  const order = { epoch: room.epoch, n: room.reached.in(room.jid, room.epoch) + 1 };
  // What is answered comes before the answer, also where the clock of its instance was ahead.
  const last = room.atHand.at(-1);
  const at = stampOf(room, env.now);
  const now: HistoryItem = { ...change.item, at, order };
  // At one time another room's may stand after it, and of two subjects of one time neither is the newer: so it is not of that time.
  const isTied = last !== undefined && last.at === at && (change.kind === 'subject' || isLater(last, now));
  const item = isTied ? { ...now, at: plus(at, 1) } : now;
  return change.kind === 'subject' ? { ...change, item, subject: subjectOf(item) } : { ...change, item };
}

/** Whether a subject is newer than the room's own. Decision #203. */
export function isNewer(subject: Subject, before: Subject | undefined): boolean {
  if (before === undefined) return true;
  return subject.at === before.at ? (subject.by ?? '') > (before.by ?? '') : subject.at > before.at;
}

/** §3.6 Example 25: a message of another instance, to all or to one. */
export function takeMessage(turn: RoomTurn, links: Links, peer: Jid, stanza: Stanza): void {
  const nick = resourceOf(stanza.from);
  const author = nick === '' ? undefined : theirs(turn.room, links, peer, nick);
  if (nick === '') return takeRoomsWord(turn, peer, stanza);
  if (author === undefined)
    return turn.note('0281#3.6', `${peer} speaks for ${nick}, who is not in by it: dropped`, { peer });
  if (stanza.type === 'groupchat') takeGroupchat(turn, peer, author, stanza);
  else takePrivate(turn, peer, author, stanza);
}

function itemOf(turn: RoomTurn, peer: Jid, stanza: Stanza): HistoryItem | undefined {
  const { room, env } = turn;
  const news = readNews(stanza.payloads);
  // What has no place has no time either that would go with one: it is said now.
  const at = news?.order === undefined ? stampOf(room, env.now) : ((news.at ?? env.now) as Instant);
  if (at > plus(env.now, aheadMs)) {
    turn.note('decision#203', `the clock of ${peer} is more than a day ahead: dropped`, { peer });
    return undefined;
  }
  const id = readStanzaId(stanza.payloads, peer)?.id ?? env.newId();
  return {
    by: peer,
    id,
    nick: '',
    occupantId: '',
    at,
    stanzaId: news === undefined ? stanza.id : news.origin,
    lang: stanza.lang,
    payloads: cleanPayloads(peer, cleanPayloads(room.jid, stanza.payloads)),
    via: peer,
    order: news?.order,
  };
}

function takeGroupchat(turn: RoomTurn, peer: Jid, author: Occupant, stanza: Stanza): void {
  const { room } = turn;
  const said = itemOf(turn, peer, stanza);
  if (said === undefined) return;
  const { nick, occupantId, jid } = author;
  const payloads = withoutAddresses(said.payloads, jid ?? peer);
  const item: HistoryItem = { ...said, nick, occupantId, author: jid, payloads };
  if (room.holds(item)) return turn.note('decision#27', 'a message that is here already: dropped');
  const no = changesSubject(item.payloads) ? mayNameSubject(room, author) : mayTalk(room, author);
  if (no !== undefined)
    return turn.note(no.spec, `${nick} of ${peer} may not speak here: dropped`, { peer, sign: 'refused' });
  if (!changesSubject(item.payloads))
    return commit(turn, { kind: 'message', occupant: author, item }, { spec: '0281#3.6' });
  const subject = subjectOf(item);
  if (isNewer(subject, room.subject))
    return commit(turn, { kind: 'subject', occupant: author, subject, item }, { spec: '0281#3.6' });
  // Another instance has a newer one, which it did not know of yet.
  turn.record({ kind: 'messageAccepted', n: room.n + 1, item, past: true });
}

/** XEP-0425, decision #113: moderators of an instance take back what was said there, and its word is believed about that alone. */
function takeRoomsWord(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
  const { room } = turn;
  if (readModeration(stanza.payloads) === undefined)
    return turn.note('decision#113', `${peer} speaks as the room: dropped`, { peer });
  const said = itemOf(turn, peer, stanza);
  if (said === undefined) return;
  const item = { ...said, payloads: cleanDecided(room.jid, stanza.payloads) };
  if (room.holds(item)) return;
  const occupant = { nick: '', affiliation: 'none', role: 'none', occupantId: '', presence: [], home: peer } as const;
  commit(turn, { kind: 'message', occupant, item }, { spec: '0425#3' });
}

/** XEP-0045 §7.5 between instances: to the instance where the addressee is, and to nobody else. */
export function routePrivate(
  turn: RoomTurn,
  links: Links,
  from: Occupant,
  to: Occupant,
  stanza: Stanza,
  asked: Asked,
): void {
  const link = to.home === undefined ? undefined : links.of(to.home);
  if (link === undefined) {
    const error = stanzaError('wait', 'recipient-unavailable', undefined, turn.room.jid);
    return turn.send(errorReply(asked.stanza, error, ...(asked.by?.mark ?? [])), '0281#3.6', asked.by?.node);
  }
  const ends = {
    from: occupantJid(turn.room.jid, from.nick),
    to: occupantJid(link.peer, links.theirsOf(link.peer, to.nick)),
  };
  const sent = withParts(withMore(stanza, writeNews({})), ends);
  turn.passed.add(withParts(sent, { id: link.send(turn, sent, '0281#3.6') }), asked);
}

function takePrivate(turn: RoomTurn, peer: Jid, from: Occupant, stanza: Stanza): void {
  const { room } = turn;
  const nick = resourceOf(stanza.to);
  const target = room.occupants.get(nick);
  const no = (condition: Condition, text?: string) =>
    turn.send(errorReply(stanza, stanzaError('cancel', condition, text, room.jid)), '0045#7.5', peer);
  if (target === undefined || !isLocal(target)) return no('item-not-found', `nobody here is called ${nick}`);
  const refused = mayWhisper(room, from);
  if (refused) return no(refused.condition, refused.text);
  const clean = cleanPayloads(room.jid, stanza.payloads);
  const payloads = withoutAddresses(clean, from.jid ?? peer);
  const origin = readNews(stanza.payloads)?.origin;
  const asked = asks(stanza, { node: peer, mark: [] });
  for (const { jid } of everySession(target))
    if (jid !== undefined)
      deliverPrivate(turn, from, jid, withParts(stanza, { id: origin, payloads }), asked, '0281#3.6');
}

/** XEP-0045 §17.4 between instances: an iq goes inside an element of ours, as it has one child. */
export function routeIq(
  turn: RoomTurn,
  links: Links,
  from: Occupant,
  to: Occupant,
  stanza: Stanza,
  asked: Asked,
): boolean {
  const link = to.home === undefined ? undefined : links.of(to.home);
  if (link === undefined || !link.counts) return false;
  const sent = withParts(stanza, {
    from: occupantJid(turn.room.jid, from.nick),
    to: occupantJid(link.peer, links.theirsOf(link.peer, to.nick)),
    id: turn.env.newId(),
    payloads: [writePassed(...stanza.payloads)],
  });
  turn.passed.add(sent, asked);
  turn.send(sent, '0045#17.4', link.peer);
  return true;
}

/** One that came from another instance. RFC 6120 §8.2.3: it is answered, whatever becomes of it. */
export function takeIq(turn: RoomTurn, links: Links, peer: Jid, stanza: Stanza): void {
  const { room } = turn;
  const no = (condition: Condition) =>
    turn.send(errorReply(stanza, stanzaError('cancel', condition)), '0045#17.4', peer);
  const from = theirs(room, links, peer, resourceOf(stanza.from));
  const target = room.occupants.get(resourceOf(stanza.to));
  const payloads = readPassed(stanza.payloads) ?? [];
  if (from === undefined) return no('not-acceptable');
  if (target === undefined || !isLocal(target)) return no('item-not-found');
  if (payloads.length !== 1) return no('bad-request');
  const question = withParts(stanza, { payloads });
  if (refusesExcess(turn, peer, question)) return;
  const isOpen = room.whois === 'anyone' || from.role === 'moderator';
  handOver(turn, peer, from, target.jid, question, isOpen);
}

/** Whether an item is of the room as this instance keeps it: what a peer may speak of in a history (F8, S8). */
export function mayTellOf(room: RoomView, links: Links, peer: Jid, item: HistoryItem): boolean {
  const source = sourceOf(room);
  if (peer === source) return true;
  // The room's own messages of before it lost its log come back from whoever has them.
  if (item.by === room.jid) return item.order === undefined ? item.at < room.epoch : item.order.epoch !== room.epoch;
  return item.by === peer && (item.author === undefined || links.holds(peer, item.author));
}
