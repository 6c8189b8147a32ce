/** What a primary sends its replicas: XEP-0282 §4.3 to §4.9, each stanza for one replica. */

import type { ChangeOf } from '../../room/change.ts';
import type { Placed } from '../../room/change-log.ts';
import { statusesOf } from '../../room/config-form.ts';
import type { HistoryItem, Leaving, Occupant, Subject } from '../../room/event.ts';
import { authorJid } from '../../room/history.ts';
import { boundedPayloads, boundedSubject, isSendable } from '../../room/size.ts';
import type { RoomView } from '../../room/state.ts';
import { writeSubject } from '../../room/subject.ts';
import { shownPresence } from '../../room/visibility.ts';
import { writeBan, writePosition } from '../../xep/sync.ts';
import { writeForm } from '../../xep/xep0004.ts';
import { type JoinRequest, type MucUser, writeAffiliation, writeMucUser, writeStatuses } from '../../xep/xep0045.ts';
import { type Dmuc, writeDmuc } from '../../xep/xep0282.ts';
import { writeStanzaId } from '../../xep/xep0359.ts';
import { withOccupantId, writeOccupantId } from '../../xep/xep0421.ts';
import { bareOf, domainOf, type Jid, occupantJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { make, message, presence, type Stanza } from '../../xmpp/stanza.ts';
import { element, type XmlElement } from '../../xmpp/xml.ts';
import { replicaPeer } from '../peers.ts';
import { replicaForm } from './replica-form.ts';

/** Where a stanza goes: `jids` if full JIDs may go there (§4.7). Its id it gets from the link (decision #10). */
export interface Target {
  readonly replica: Jid;
  readonly jids: boolean;
}

export function itemOf(occupant: Occupant, parts: Partial<MucUser>, jids: boolean): XmlElement {
  return writeMucUser({
    affiliation: parts.affiliation ?? occupant.affiliation,
    role: parts.role ?? occupant.role,
    jid: parts.jid ?? (jids ? occupant.jid : undefined),
    nick: parts.nick,
    reason: parts.reason,
    actor: parts.actor,
    actorJid: parts.actorJid,
    destroy: parts.destroy,
    statuses: parts.statuses ?? [],
  });
}

/** Decision #1: the place of a change; or of the room, from which a replica that missed the last one learns it. */
export function place(room: RoomView, n = room.n): XmlElement {
  return writePosition({ epoch: room.epoch, n });
}

/** The same inside the XEP's own element. */
function positionOf(room: RoomView, n?: number): XmlElement {
  return element('x', NS.dmuc2, {}, [place(room, n)]);
}

/** Somebody who is in, as the replica may see them, and what the protocol says beside that. */
function someone(
  room: RoomView,
  occupant: Occupant,
  { replica, jids }: Target,
  dmuc: XmlElement | undefined,
  parts: Partial<MucUser> = {},
): Stanza {
  // The replica's own users are not away to it, whatever others are shown.
  const shown = occupant.home === replica ? occupant.presence : shownPresence(occupant);
  const said = withOccupantId(shown, occupant.occupantId);
  const item = itemOf(occupant, parts, jids);
  const payloads = dmuc === undefined ? [...said, item] : [...said, item, dmuc];
  return make('presence', occupantJid(room.jid, occupant.nick), replica, {}, payloads);
}

/** §4.3: someone who is in, for the replica's roster; not news, so it has no place in the sequence. */
export function rosterEntry(room: RoomView, occupant: Occupant, to: Target, dmuc?: Dmuc): Stanza {
  return someone(room, occupant, to, dmuc && writeDmuc(dmuc));
}

/** §4.7. */
export function update(
  room: RoomView,
  occupant: Occupant,
  to: Target,
  item: Partial<MucUser> = {},
  n?: number,
): Stanza {
  return someone(room, occupant, to, positionOf(room, n), item);
}

/** §4.5: "requesting it to add the user to the distribution list". Who they are the replica knows from their join. */
export function enterStanza(room: RoomView, occupant: Occupant & { jid: Jid }, join: JoinRequest, to: Target): Stanza {
  const dmuc = writeDmuc({
    enter: occupant.jid,
    ...(join.history ? { history: join.history } : {}),
    position: { epoch: room.epoch, n: room.n },
  });
  return someone(room, occupant, { ...to, jids: false }, dmuc);
}

/**
 * §4.6, to the replica of the one who left: "remove the user from the distribution list". Its place is that of the change
 * which it goes ahead of; or the room's, where it is about somebody who was not in.
 */
export function leaveStanza(
  room: RoomView,
  occupant: Occupant & { jid: Jid },
  item: Partial<MucUser>,
  payloads: readonly XmlElement[],
  { replica }: Target,
): Stanza {
  const from = occupantJid(room.jid, occupant.nick);
  const leave = writeDmuc({ leave: occupant.jid, position: { epoch: room.epoch, n: room.n } });
  return presence(from, replica, { type: 'unavailable' }, ...payloads, itemOf(occupant, item, false), leave);
}

/** §4.6: "The primary then sends a presence update to all replicas". */
export function departure(
  room: RoomView,
  occupant: Occupant,
  item: Partial<MucUser>,
  payloads: readonly XmlElement[],
  { replica, jids }: Target,
  n?: number,
): Stanza {
  const from = occupantJid(room.jid, occupant.nick);
  const rest = { type: 'unavailable' };
  return presence(from, replica, rest, ...payloads, itemOf(occupant, item, jids), positionOf(room, n));
}

/** §4.7, a change of nick: both presences of XEP-0045 §7.6 in one, which has the payloads of the new one. */
export function renaming(
  room: RoomView,
  before: Occupant,
  nick: string,
  payloads: readonly XmlElement[],
  { replica, jids }: Target,
  n?: number,
): Stanza {
  const item = itemOf(before, { nick, statuses: [303] }, jids);
  const from = occupantJid(room.jid, before.nick);
  const rest = [...writeOccupantId(before.occupantId), item, positionOf(room, n)];
  return presence(from, replica, { type: 'unavailable' }, ...payloads, ...rest);
}

/** §4.9: the message with the time at which the primary accepted it, and its author's id, inside the dmuc element. @param n  none: of before */
export function broadcast(room: RoomView, item: HistoryItem, { replica }: Target, n?: number): Stanza {
  const from = authorJid(room.jid, item.nick);
  const said = withOccupantId(item.payloads, item.occupantId);
  const position = n === undefined ? undefined : { epoch: room.epoch, n };
  const { split, stanzaId: origin } = item;
  const accepted = writeDmuc({ delay: { from, stamp: item.at }, split: split?.id, origin, position });
  const payloads = [...said, accepted, writeStanzaId({ by: item.by, id: item.id })];
  return make('message', from, replica, { type: 'groupchat', lang: item.lang }, payloads);
}

/** §4.4: the subject, as it is; with a position, as a change that was missed. */
export function subjectStanza(room: RoomView, subject: Subject, { replica }: Target, n?: number): Stanza {
  const from = authorJid(room.jid, subject.nick);
  const delay = { from: room.jid, stamp: subject.at };
  const dmuc = writeDmuc({ delay, ...(n === undefined ? {} : { position: { epoch: room.epoch, n } }) });
  const author = writeOccupantId(subject.occupantId ?? '');
  const { by, id, lang } = subject;
  const identity = by === undefined || id === undefined ? [] : [writeStanzaId({ by, id })];
  return message(from, replica, { type: 'groupchat', lang }, ...writeSubject(subject), ...author, dmuc, ...identity);
}

/** Decision #15: a new configuration, and what users are told of it. */
export function configuration(room: RoomView, { replica }: Target, statuses: readonly number[], n?: number): Stanza {
  const told = statuses.length === 0 ? [] : [writeStatuses(statuses)];
  return message(room.jid, replica, {}, ...told, positionOf(room, n), writeForm(replicaForm(room)));
}

/**
 * Decision #53: an affiliation that no presence tells of: to a replica that may hold JIDs for its moderators, and to that of the
 * user's domain whether they are banned. To others it is a place in the sequence.
 */
export function affiliationOf(
  room: RoomView,
  { user, affiliation, absent, by }: Pick<ChangeOf<'affiliated'>, 'user' | 'affiliation' | 'absent' | 'by'>,
  { replica, jids }: Target,
  n?: number,
): Stanza {
  const banned = affiliation === 'outcast' ? 'outcast' : 'none';
  const own = replicaPeer(room, replica)?.serves.includes(domainOf(user)) === true;
  const position = place(room, n);
  const dmuc = element('x', NS.dmuc2, {}, own ? [position, writeBan({ user, affiliation: banned })] : [position]);
  const told = absent && jids ? [writeAffiliation({ user, affiliation }, by)] : [];
  return message(room.jid, replica, {}, ...told, dmuc);
}

/** A change that is none to this replica: only its place counts. Decision #1. */
export function barePosition(room: RoomView, { replica }: Target, n?: number): Stanza {
  return message(room.jid, replica, {}, positionOf(room, n));
}

/** A change of the log once more, for a replica that missed it (§4.11.2, decision #41). What it may see is today's. */
export function missed(room: RoomView, change: Placed, to: Target): Stanza {
  const { n } = change;
  switch (change.kind) {
    case 'occupantEntered':
    case 'occupantChanged': {
      // To their own replica they never were away; what they are may have changed meanwhile all the same.
      const occupant = { ...change.occupant, presence: boundedPayloads(change.occupant.presence) };
      const { cutOff: _, ...here } = occupant;
      return update(room, here.home === to.replica ? here : occupant, to, {}, n);
    }
    case 'occupantLeft': {
      const leaving: Leaving = change.leaving ?? {};
      const { affiliation = 'none', statuses = [], reason, actor, actorJid, payloads = [] } = leaving;
      const gone = { nick: change.nick, affiliation, role: 'none', occupantId: '', presence: [] } as const;
      return departure(room, gone, { statuses, reason, actor, actorJid }, payloads, to, n);
    }
    case 'nickChanged': {
      // Rank does not change with the nick: the replica keeps what it knows.
      const before = { nick: change.nick, affiliation: 'none', role: 'none', occupantId: '', presence: [] } as const;
      return renaming(room, before, change.newNick, change.presence ?? [], to, n);
    }
    case 'affiliationChanged': {
      const { user, affiliation, by } = change;
      const absent = ![...room.occupants.values()].some(({ jid }) => jid !== undefined && bareOf(jid) === user);
      return affiliationOf(room, { user, affiliation, absent, by }, to, n);
    }
    case 'messageAccepted':
      // Decision #121: its place counts all the same.
      return isSendable(change.item) ? broadcast(room, change.item, to, n) : barePosition(room, to, n);
    case 'subjectChanged':
      if (change.item === undefined) return subjectStanza(room, boundedSubject(change.subject), to, n);
      return isSendable(change.item) ? broadcast(room, change.item, to, n) : barePosition(room, to, n);
    case 'roomConfigured':
      return configuration(room, to, statusesOf(change.changes), n);
    default:
      return barePosition(room, to, n);
  }
}
