/** XEP-0289 §5.1 Example 4: what a joined node answers, until its subject ends it (decision #22). */
import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { sameChange } from '../../room/subject.ts';
import { readResync } from '../../xep/fmuc-sync.ts';
import { subjectChange } from '../../xep/xep0045.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { usersMax } from '../budgets.ts';
import { IncomingState } from '../resync.ts';
import { mayBeIn, mayTellOf, ownedSubject } from './admission.ts';
import { yieldsTo } from './collision.ts';
import type { Links } from './links.ts';
import { ofOthers, sameUser } from './occupants.ts';
import { commitPast, isToldAnew } from './past.ts';
import type { PhaseOf } from './phase.ts';
import { routeOf, trailOf } from './place.ts';
import { tellsOf } from './presence.ts';
import { isModeration, itemOf, moderationOf, occupantOf, readSubject, saidAt } from './reading.ts';
import { keepsSubject } from './resync.ts';

/** Nothing of it has come; and what of it is believed at most. */
export function noAnswerYet(): IncomingState {
  return new IncomingState({ occupants: usersMax, messages: 10_000 });
}

/**
 * Takes one stanza of the answer: occupants, messages, and at last the subject, which may name no author.
 *
 * @returns `end`: it was the last; `no node`: no FMUC node answers like this (decision #180)
 */
export function readAnswer(
  turn: RoomTurn,
  links: Links,
  now: PhaseOf<'asking'>,
  named: Jid | undefined,
  stanza: Stanza,
): 'end' | 'no node' | undefined {
  const { room, env } = turn;
  const { answer } = now;
  const { peer } = now.link;
  const nick = resourceOf(stanza.from);
  // Of the past a node may name an address of its room for the author, which is nobody's (decision #190).
  const isRooms = named !== undefined && bareOf(named) === peer;
  const author = isRooms ? undefined : named;
  const asked = named === undefined && stanza.from === peer ? readResync(stanza.payloads) : undefined;
  if (asked) now.asked = asked;
  const isPresence = stanza.name === 'presence' && stanza.type === undefined;
  if (named === undefined && nick !== '' && isPresence) return 'no node';
  if (stanza.name === 'message' && stanza.type === 'groupchat' && subjectChange(stanza) !== undefined) {
    const setter = author === undefined ? undefined : answer.knownOccupantId(room, author);
    const subject = readSubject(turn, setter, stanza);
    answer.setSubject(subject && ownedSubject(room, links, peer, author, subject));
    return 'end';
  }
  const word = isModeration(stanza) ? moderationOf(turn, stanza) : undefined;
  if (word) answer.addMessage(word);
  if (named === undefined || nick === '') return undefined;
  if (isPresence) {
    if (author === undefined) return undefined;
    now.heard = env.now;
    now.begun = true;
    const route = routeOf(stanza, peer);
    // A user of ours, or of a node behind us, who came round.
    if (route.passed.includes(room.jid)) return undefined;
    const here = room.occupantByJid(author);
    if (!now.link.counts && here !== undefined && here.home !== peer) return undefined;
    const occupant = occupantOf(room, links, author, answer.occupantIdOf(room, author, env), stanza);
    const origin = route.passed[0] ?? peer;
    const guest = { peer, user: author, origin, counts: now.link.counts };
    // The user in whose name we joined comes back in the answer.
    const isOurs = author === now.announced.jid;
    const isHere = isOurs || sameUser(room, links, guest, nick) !== undefined;
    const inside = room.occupants.size + answer.occupants.length;
    const no = isHere ? undefined : mayBeIn(room, links, guest, nick, inside);
    if (no !== undefined) {
      now.unwelcome.push([guest, nick, no]);
      return undefined;
    }
    now.ways.set(author, { ...route, as: occupant, order: trailOf(stanza, peer)?.order });
    if (!isOurs) answer.addOccupant(occupant);
  } else if (stanza.name === 'message' && stanza.type === 'groupchat') {
    now.heard = env.now;
    const occupantId = author === undefined ? '' : answer.occupantIdOf(room, author, env);
    const item = itemOf(turn, { nick, jid: author, occupantId }, stanza, saidAt(env.now, stanza));
    if (isToldAnew(room, peer, item) && !room.holds(item)) return undefined;
    if (mayTellOf(room, links, peer, item, stanza)) answer.addMessage(item);
  }
  return undefined;
}

/**
 * The rest of it: roster, history and subject.
 *
 * @param here  users of it who are here by another way, and their sessions here
 * @returns whether this room keeps its own subject, which is newer
 */
export function takeAnswer(
  turn: RoomTurn,
  links: Links,
  { answer, link, ways }: PhaseOf<'asking'>,
  here: ReadonlyMap<Jid, Jid>,
): boolean {
  const { room } = turn;
  const { peer, counts } = link;
  const before = room.subject;
  const kept = keepsSubject(links, room.subject, answer.subject);
  if (kept) answer.setSubject(undefined);
  const speaksFor = ({ home }: Occupant) => home === peer;
  const changes = answer.diff(turn, { from: peer, speaksFor, lastingIds: counts });
  const messages = changes.filter(({ kind }) => kind === 'message').length;
  turn.note('0289#5.1', `joined ${peer}: ${answer.occupants.length} occupants, ${messages} messages`, { peer });
  for (const [user, session] of here) {
    const known = ofOthers(room, session, undefined);
    const way = ways.get(user);
    if (known && way) tellsOf(turn, links, peer, known, way, false);
  }
  for (const change of changes)
    if (change.kind !== 'entered' || hasRoom(turn, links, peer, ways, change.occupant)) commitPast(turn, change);
  // Two users may have changed their nicks with each other.
  for (const [user, session] of here) {
    const way = ways.get(user);
    if (way === undefined || room.occupantByJid(session) !== undefined || !hasRoom(turn, links, peer, ways, way.as))
      continue;
    const occupantId = room.occupantIdOf(user) ?? way.as.occupantId;
    commitPast(turn, { kind: 'entered', occupant: { ...way.as, occupantId }, join: {}, statuses: [] });
  }
  // The text may be the same, but not the author or the time: users who enter later get those.
  // Of one change the time that is known here stands, or it were newer after each join.
  if (answer.subject && answer.subject !== room.subject && !sameChange(before, answer.subject))
    turn.record({ kind: 'subjectChanged', subject: answer.subject });
  return kept;
}

/** Whether nobody who stays has the nick of a user of the answer, or is in by their session. */
function hasRoom(
  turn: RoomTurn,
  links: Links,
  peer: Jid,
  ways: PhaseOf<'asking'>['ways'],
  { nick, jid }: Occupant,
): boolean {
  const { room } = turn;
  const way = jid && ways.get(jid);
  const holders = [room.occupants.get(nick), jid && room.occupantByJid(jid)];
  return way ? yieldsTo(turn, links, peer, way, holders) : holders.every((holder) => holder === undefined);
}

/**
 * The answer is complete: which of its users come in. Both sides may have given a nick away while they did not know of each other
 * (decisions #23, #149).
 *
 * @returns those who are here by another way, by which they may have come since they were named in it (decision #145), and their
 * sessions here
 */
export function takeUsers(turn: RoomTurn, links: Links, now: PhaseOf<'asking'>): ReadonlyMap<Jid, Jid> {
  const { room } = turn;
  const { ways, answer, link } = now;
  const { peer } = link;
  const here = new Map<Jid, Jid>();
  for (const [user, { as, passed }] of ways) {
    const guest = { peer, user, origin: passed[0] ?? peer, counts: link.counts };
    const same = sameUser(room, links, guest, as.nick);
    // By another session of theirs, unless the answer names that, too.
    if (same && (same.jid === user || !ways.has(same.jid))) here.set(user, same.jid);
  }
  // What it calls otherwise is no hindrance.
  const moves = new Set(
    [...here].flatMap(([user, session]) =>
      ways.get(user)?.as.nick !== room.occupantByJid(session)?.nick ? [session] : [],
    ),
  );
  for (const [user, way] of ways) {
    const holders = [room.occupants.get(way.as.nick), room.occupantByJid(user)];
    const staying = holders.filter((holder) => holder?.jid === undefined || !moves.has(holder.jid));
    if (here.has(user) || !yieldsTo(turn, links, peer, way, staying)) answer.forget(user);
  }
  for (const [user, way] of ways) {
    if (here.has(user)) continue;
    links.paths.leadsTo(user, peer, way, way.as);
    if (way.order) links.paths.isLastOf(user, way.order, false, turn.env.now);
  }
  return here;
}
