import { type MucUser, writeMucUser } from '../xep/xep0045.ts';
import { withOccupantId } from '../xep/xep0421.ts';
import { type Jid, occupantJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { make, readdressed, type Stanza } from '../xmpp/stanza.ts';
import { el, sameElements, type XmlElement } from '../xmpp/xml.ts';
import type { Occupant, Rank } from './event.ts';
import { hasSession } from './sessions.ts';
import type { RoomView } from './state.ts';

/** Whether `viewer` may see real JIDs in this room. XEP-0045 §4.2, §7.2.3, §7.2.4. */
export function maySeeJids(room: RoomView, viewer: Occupant): boolean {
  return room.whois === 'anyone' || viewer.role === 'moderator';
}

/** Whether `viewer` may see the real JID of this occupant: their own node may be stricter than this room. */
function maySeeJidOf(room: RoomView, subject: Occupant, viewer: Occupant): boolean {
  return subject.guarded ? viewer.role === 'moderator' : maySeeJids(room, viewer);
}

/**
 * The rank that is shown of an occupant: what another node claims of its user, but nobody is shown with a voice who has none
 * here.
 */
export function shownRank({ config }: RoomView, { affiliation, role, claimed }: Occupant): Rank {
  if (claimed === undefined) return { affiliation, role };
  const isMute = role === 'visitor' && config.moderated;
  return {
    affiliation: claimed.affiliation === 'outcast' ? 'none' : claimed.affiliation,
    role: isMute ? 'visitor' : claimed.role,
  };
}

/**
 * Whether `viewer` is told of this occupant's presence. Everybody hears of the roles that the room broadcasts and of
 * themselves; moderators hear of all.
 */
export function seesPresence(room: RoomView, subject: Occupant, viewer: Occupant): boolean {
  return (
    viewer.role === 'moderator' ||
    (viewer.jid !== undefined && hasSession(subject, viewer.jid)) ||
    room.config.presenceBroadcast.includes(subject.role)
  );
}

export interface PresenceParts {
  readonly type?: 'unavailable' | undefined;
  /** Of the user's own request: the answer to it has the same. What others are told has none. */
  readonly id?: string | undefined;
  /** Overrides of the item: role `none` on leaving, `nick` beside 303, `reason`. */
  readonly item?: Partial<Pick<MucUser, 'role' | 'affiliation' | 'nick' | 'reason' | 'actor' | 'actorJid'>> | undefined;
  /** `<destroy/>` beside the item (§10.9). */
  readonly destroy?: XmlElement | undefined;
  readonly statuses?: readonly number[] | undefined;
  /** Payloads in place of the occupant's last presence. */
  readonly payloads?: readonly XmlElement[] | undefined;
}

/** The same parts, for somebody who is gone. */
export function unavailable({ id, item, destroy, statuses, payloads }: PresenceParts): PresenceParts {
  return { type: 'unavailable', id, item, destroy, statuses, payloads };
}

/** What others see of a user's presence: behind a link that is cut, that they are away, and why (XEP-0282 §4.11.1). */
export function shownPresence({ presence: payloads, cutOff, provisional }: Occupant): readonly XmlElement[] {
  if (cutOff)
    return [el('show', NS.client, {}, 'away'), el('status', NS.client, {}, 'netsplit: out of reach for the moment')];
  if (provisional) {
    const rest = payloads.filter(({ name, xmlns }) => name !== 'status' || xmlns !== NS.client);
    return [...rest, el('status', NS.client, {}, 'netsplit: let in for the moment, the room has yet to agree')];
  }
  return payloads;
}

/** Whether somebody of whom another session is shown now looks different. @param jids  to those who see real JIDs */
export function looksDifferent(before: Occupant, after: Occupant, jids: boolean): boolean {
  return (jids && before.jid !== after.jid) || !sameElements(shownPresence(before), shownPresence(after));
}

/**
 * One presence about `subject`, as `viewer` may see it: from the occupant JID, with one muc#user element.
 * XEP-0045 §7.2.2; status 110 where it is about the viewer, 100 beside it in a non-anonymous room (§7.2.3).
 */
export function presenceFor(room: RoomView, subject: Occupant, viewer: Viewer, parts: PresenceParts = {}): Stanza {
  return write(room, subject, parts, viewer.jid, maySeeJidOf(room, subject, viewer) ? subject.jid : undefined);
}

/** What an occupant looks like in a room with this configuration. */
interface Look {
  readonly room: Jid;
  readonly config: RoomView['config'];
  readonly shownTo: (viewer: Viewer) => Stanza;
}

/** An occupant that is another one in anything is another object. */
const looks = new WeakMap<Occupant, Look>();

/** The same as `presenceFor`, for somebody who enters: what one who entered before was told is not written anew. */
export function presenceNow(room: RoomView, subject: Occupant, viewer: Viewer): Stanza {
  let look = looks.get(subject);
  if (look?.room !== room.jid || look.config !== room.config) {
    look = { room: room.jid, config: room.config, shownTo: presenceOf(room, subject) };
    looks.set(subject, look);
  }
  return look.shownTo(viewer);
}

type Viewer = Occupant & { readonly jid: Jid };

/** The same for many viewers. Apart from the address it is written once for those who may see the JID, and once for the rest. */
export function presenceOf(room: RoomView, subject: Occupant, parts: PresenceParts = {}): (viewer: Viewer) => Stanza {
  let open: Stanza | undefined;
  let closed: Stanza | undefined;
  return (viewer) => {
    const jid = maySeeJidOf(room, subject, viewer) ? subject.jid : undefined;
    if (hasSession(subject, viewer.jid)) return write(room, subject, parts, viewer.jid, jid);
    let known = jid === undefined ? closed : open;
    if (known === undefined) {
      known = write(room, subject, parts, viewer.jid, jid);
      if (jid === undefined) closed = known;
      else open = known;
    }
    return known.to === viewer.jid ? known : readdressed(known, viewer.jid);
  };
}

/** @param jid  of `subject`, where `to` may see it */
function write(room: RoomView, subject: Occupant, parts: PresenceParts, to: Jid, jid: Jid | undefined): Stanza {
  const { type, item } = parts;
  const shown = shownRank(room, subject);
  const user = {
    affiliation: item?.affiliation ?? shown.affiliation,
    role: item?.role ?? (type === 'unavailable' && item?.nick === undefined ? 'none' : shown.role),
    jid,
    nick: item?.nick,
    reason: item?.reason,
    actor: item?.actor,
    actorJid: item?.actorJid,
    destroy: parts.destroy,
    statuses: hasSession(subject, to) ? ownStatuses(room, parts) : (parts.statuses ?? []),
  };
  const said = withOccupantId(parts.payloads ?? shownPresence(subject), subject.occupantId);
  const id = to === subject.jid ? parts.id : undefined;
  return make('presence', occupantJid(room.jid, subject.nick), to, { type, id }, [...said, writeMucUser(user)]);
}

function ownStatuses(room: RoomView, { type, statuses }: PresenceParts): readonly number[] {
  const own = type === undefined && room.whois === 'anyone' ? [110, 100] : [110];
  return statuses === undefined ? own : [...statuses, ...own];
}
