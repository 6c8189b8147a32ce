import type { HistoryItem, Occupant, Subject } from '../../room/event.ts';
import { authorJid } from '../../room/history.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { asFirst } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { writeSubject } from '../../room/subject.ts';
import { type PresenceParts, shownRank } from '../../room/visibility.ts';
import {
  type Resync,
  type Trail,
  writeClock,
  writeElsewhere,
  writeLoop,
  writeResync,
  writeSpare,
  writeTrail,
} from '../../xep/fmuc-sync.ts';
import { type JoinRequest, writeJoin, writeMucUser } from '../../xep/xep0045.ts';
import { writeDelay } from '../../xep/xep0203.ts';
import { writeFmuc, writeMode } from '../../xep/xep0289.ts';
import { writeStanzaId } from '../../xep/xep0359.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import {
  errorReply,
  make,
  message,
  payloadOf,
  presence,
  type Stanza,
  withMore,
  withPayloads,
} from '../../xmpp/stanza.ts';
import { el, element, type XmlElement } from '../../xmpp/xml.ts';
import type { Link } from '../link.ts';
import type { Links } from './links.ts';

/** §5.1: "the fmuc element is always added containing the JID of the user". */
function fmucFrom(room: RoomView, nick: string, jid: Jid | undefined) {
  return writeFmuc({ kind: 'from', from: jid ?? occupantJid(room.jid, nick) });
}

/** Decision #141: other nodes know a user by one JID, that of their first session. */
export function spokenFor(room: RoomView, author: Jid | undefined): Jid | undefined {
  const occupant = author === undefined ? undefined : room.occupantByJid(author);
  return occupant === undefined ? author : asFirst(occupant).jid;
}

function item(room: RoomView, occupant: Occupant, parts: PresenceParts) {
  const { item, type, statuses } = parts;
  const shown = shownRank(room, occupant);
  return writeMucUser({
    affiliation: item?.affiliation ?? shown.affiliation,
    role: item?.role ?? (type === 'unavailable' && item?.nick === undefined ? 'none' : shown.role),
    // §5.1: "the XEP-0045 rules apply for whether to include the jid in the muc#user element".
    jid: room.whois === 'anyone' && !occupant.guarded ? asFirst(occupant).jid : undefined,
    nick: item?.nick,
    reason: item?.reason,
    actor: item?.actor,
    destroy: undefined,
    statuses: statuses ?? [],
  });
}

/** Decision #146: the same, and the sender is no way to this user. */
export function isElsewhere(stanza: Stanza, when: 'now' | 'soon'): Stanza {
  return withPayloads(
    stanza,
    stanza.payloads.map((payload) =>
      payload.name === 'fmuc' && payload.xmlns === NS.fmuc
        ? element('fmuc', NS.fmuc, payload.attrs, [...payload.children, writeElsewhere(when)])
        : payload,
    ),
  );
}

/** The stanza with where it began and what it has passed inside `<fmuc/>`. Decision #145. */
export function trailed(room: RoomView, stanza: Stanza, trail: Trail): Stanza {
  return withinFmuc(stanza, writeTrail(trail, room.jid));
}

/** The stanza with more inside its `<fmuc/>`. */
function withinFmuc(stanza: Stanza, more: readonly XmlElement[]): Stanza {
  if (payloadOf(stanza, 'fmuc', NS.fmuc) === undefined) return withMore(stanza, el('fmuc', NS.fmuc, {}, ...more));
  return withPayloads(
    stanza,
    stanza.payloads.map((payload) =>
      payload.name === 'fmuc' && payload.xmlns === NS.fmuc
        ? element('fmuc', NS.fmuc, payload.attrs, [...payload.children, ...more])
        : payload,
    ),
  );
}

/** §5.1 Example 2: asks the other node to let us join, in the name of one user. */
export function joinRequest(
  room: RoomView,
  { mode }: Links,
  occupant: Occupant,
  peer: Jid,
  join: JoinRequest,
  ask: Resync | undefined,
): Stanza {
  const fmuc = fmucFrom(room, occupant.nick, asFirst(occupant).jid);
  const more = [
    ...(ask === undefined ? [] : [writeResync(ask)]),
    ...(mode === 'primary-replica' ? [writeMode(mode)] : []),
  ];
  return presence(
    occupantJid(room.jid, occupant.nick),
    occupantJid(peer, occupant.nick),
    {},
    ...occupant.presence,
    element('fmuc', NS.fmuc, fmuc.attrs, more),
    writeJoin(join),
    item(room, occupant, {}),
  );
}

/**
 * Where the presence of a user goes: to their own nick, as in the examples. A node without our extension may have a user of its own
 * under that nick, and take it for theirs: it gets what we say of users at its bare address. Decision #190.
 */
export function addressOf({ peer, counts }: Pick<Link, 'peer' | 'counts'>, nick: string): Jid {
  return counts ? occupantJid(peer, nick) : peer;
}

/** §5.3, §5.4: presence of one user for another node; addressed to the subject's own nick, as in the examples. */
export function occupantPresence(room: RoomView, occupant: Occupant, to: Jid, parts: PresenceParts = {}): Stanza {
  const said = parts.payloads ?? occupant.presence;
  const payloads = [...said, fmucFrom(room, occupant.nick, asFirst(occupant).jid), item(room, occupant, parts)];
  return make('presence', occupantJid(room.jid, occupant.nick), to, { type: parts.type }, payloads);
}

/** The way on which a user of another node came here. It is no news, and has no identity. */
export function wayOf({ paths }: Links, { home, jid }: Occupant): Trail | undefined {
  if (home === undefined || jid === undefined) return undefined;
  const { passed, across } = paths.route(jid, home);
  const [by = home, ...via] = passed;
  return { by, via, across, order: paths.orderOf(jid) };
}

/** The trail as it is from here to this peer. Decision #149. @param from  the peer that it came by */
export function onward(room: RoomView, links: Links, trail: Trail, from: Jid | undefined, to: Jid): Trail {
  const across = from !== undefined && links.isOutbound(room, from) && links.isOutbound(room, to);
  return across ? { ...trail, across } : trail;
}

/** §5.1: a user who is in, in the answer to a join. */
export function listed(turn: RoomTurn, links: Links, occupant: Occupant, { peer, counts }: Link): Stanza {
  const stanza = occupantPresence(turn.room, occupant, peer);
  const trail = counts ? trailFor(turn, links, occupant, peer) : undefined;
  return trail ? trailed(turn.room, stanza, trail) : stanza;
}

/** How this peer is told of a user who is in, which is no news. */
export function trailFor({ room, env }: RoomTurn, links: Links, occupant: Occupant, peer: Jid): Trail | undefined {
  const { home } = occupant;
  const { jid } = asFirst(occupant);
  if (jid === undefined) return undefined;
  const way = wayOf(links, occupant) ?? { by: room.jid, via: [], order: links.paths.placeOf(jid, env) };
  return onward(room, links, way, home, peer);
}

/** Decision #146: this room is, or will soon be, no way to this user. */
export function elsewhere(room: RoomView, occupant: Occupant, peer: Jid, when: 'now' | 'soon'): Stanza {
  const { jid, nick } = asFirst(occupant);
  const fmuc = el('fmuc', NS.fmuc, { from: jid }, writeElsewhere(when));
  return presence(occupantJid(room.jid, nick), occupantJid(peer, nick), { type: 'unavailable' }, fmuc);
}

/** §5.3: a change of nick, as XEP-0045 §7.6 has it. */
export function occupantRename(room: RoomView, before: Occupant, after: Occupant, link: Link): readonly Stanza[] {
  const parts = { type: 'unavailable', item: { nick: after.nick }, statuses: [303], payloads: [] } as const;
  return [
    occupantPresence(room, before, addressOf(link, before.nick), parts),
    occupantPresence(room, after, addressOf(link, after.nick)),
  ];
}

/** §8 "Describe collisions": this user cannot be here under this nick. Decision #23. */
export function nickConflict(room: RoomView, peer: Jid, nick: string, jid: Jid, counts: boolean): Stanza {
  const theirs = presence(occupantJid(peer, nick), occupantJid(room.jid, nick), {});
  // A node without EXT may take an error with fmuc for the user's presence.
  const fmuc = counts ? [el('fmuc', NS.fmuc, { from: jid }, el('conflict', NS.ext))] : [];
  return errorReply(theirs, stanzaError('cancel', 'conflict'), ...fmuc) as Stanza;
}

/** §5.2: a message to another node. The room's own word (decision #113) names no user. */
export function nodeMessage(room: RoomView, entry: HistoryItem, peer: Jid): Stanza {
  const from = entry.nick === '' ? [] : [fmucFrom(room, entry.nick, spokenFor(room, entry.author))];
  const payloads = [...entry.payloads, ...from, writeStanzaId({ by: entry.by, id: entry.id })];
  const rest = { type: 'groupchat', id: entry.stanzaId, lang: entry.lang };
  return make('message', authorJid(room.jid, entry.nick), peer, rest, payloads);
}

/** §5.1 Example 4: the same with the time it was said; the XEP's own stamp is malformed (test/spec/errata.md). */
export function nodeHistory(room: RoomView, entry: HistoryItem, peer: Jid): Stanza {
  const stanza = nodeMessage(room, entry, peer);
  return withMore(stanza, writeDelay({ from: room.jid, stamp: entry.at }));
}

/** Decision #114: what moderators took back, but for what the peer itself told. */
export function retractionsFor({ history }: RoomView, peer: Jid): readonly HistoryItem[] {
  return history.filter(({ nick, via }) => nick === '' && via !== peer);
}

/**
 * §5.1: the subject ends the answer to a join. It is sent even if it is empty, because there is no other end (decision #22). To a
 * node without our extension it is somebody's in any case: the room's own, if nobody's else.
 */
export function nodeSubject({ room, env }: RoomTurn, { peer, counts }: Pick<Link, 'peer' | 'counts'>): Stanza {
  const { subject } = room;
  const author = (subject && setterOf(room, subject)) ?? (counts ? undefined : room.jid);
  const stanza = message(
    authorJid(room.jid, subject?.nick ?? ''),
    peer,
    { type: 'groupchat', lang: subject?.lang },
    ...(author ? [writeFmuc({ kind: 'from', from: author })] : []),
    ...writeSubject(subject),
    ...(subject ? [writeDelay({ from: room.jid, stamp: subject.at })] : []),
    ...(subject?.by !== undefined && subject.id !== undefined
      ? [writeStanzaId({ by: subject.by, id: subject.id })]
      : []),
  );
  return counts && subject ? withinFmuc(stanza, [writeClock(env.now)]) : stanza;
}

/** The user who set the subject: by bare JID if they are gone, because somebody else may have the nick now (decision #94). */
function setterOf(room: RoomView, { nick, occupantId }: Subject): Jid | undefined {
  const named = room.occupants.get(nick);
  if (named !== undefined && (occupantId === undefined || occupantId === named.occupantId)) return asFirst(named).jid;
  for (const [user, id] of room.occupantIds) if (id === occupantId) return user;
  return undefined;
}

/** §5.1 Example 3, bare to bare. */
export function reject(room: RoomView, peer: Jid, text: string): Stanza {
  return presence(room.jid, peer, {}, writeFmuc({ kind: 'reject', text }));
}

/** Decision #146: this end can do without the link. */
export function spare(room: RoomView, peer: Jid): Stanza {
  return message(room.jid, peer, {}, el('fmuc', NS.fmuc, {}, writeSpare()));
}

/** Decision #146: the link closes a ring. From the joined node it is a refusal, from the joining one the end of its stay. */
export function looped(room: RoomView, peer: Jid, joined: boolean): Stanza {
  const fmuc = joined
    ? el('fmuc', NS.fmuc, {}, el('reject', NS.fmuc, {}, 'You are linked with this room by another way.'), writeLoop())
    : el('fmuc', NS.fmuc, {}, el('left', NS.fmuc), writeLoop());
  return presence(room.jid, peer, joined ? {} : { type: 'unavailable' }, fmuc);
}

/** Decision #181: what the joined node has missed, on the way that it came. */
export function pastMessage(room: RoomView, links: Links, entry: HistoryItem, peer: Jid): Stanza {
  const { by, via, author } = entry;
  const way = via === undefined || author === undefined ? [] : links.paths.from(author, via);
  const [start = by, ...rest] = way;
  return trailed(room, nodeHistory(room, entry, peer), { by: start, via: rest, past: true });
}

/** Decision #181: a subject that is newer than the other node's. One without our extension takes it as set now. */
export function pastSubject(turn: RoomTurn, link: Link): Stanza {
  const { room } = turn;
  const subject = nodeSubject(turn, link);
  return link.counts ? trailed(room, subject, { by: room.jid, via: [], past: true }) : subject;
}

/** Decision #181, bare to bare: what the joined node has missed. */
export function resyncRequest(room: RoomView, peer: Jid, ask: Resync): Stanza {
  return presence(room.jid, peer, {}, el('fmuc', NS.fmuc, {}, writeResync(ask)));
}

/** §5.4, bare to bare: the other node is out of the set. */
export function left(room: RoomView, peer: Jid): Stanza {
  return presence(room.jid, peer, {}, writeFmuc({ kind: 'left' }));
}
