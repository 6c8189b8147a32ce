/** What one instance writes to another: XEP-0281 §3.4, §3.6. */
import type { HistoryItem, Occupant } from '../../room/event.ts';
import { authorJid } from '../../room/history.ts';
import { asFirst } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { writeSubject } from '../../room/subject.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import { writeNews } from '../../xep/instances.ts';
import { writeMucUser } from '../../xep/xep0045.ts';
import { writeDelay } from '../../xep/xep0203.ts';
import type { RosterItem } from '../../xep/xep0281.ts';
import { writeStanzaId } from '../../xep/xep0359.ts';
import { writeOccupantId } from '../../xep/xep0421.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { make, type Stanza, stanzaElement, withMore } from '../../xmpp/stanza.ts';
import { el, type XmlElement } from '../../xmpp/xml.ts';
import type { Links } from './links.ts';

/**
 * §3.4 Example 18: "from the roomjid of the user at the shadow to a roomjid with the same roomnick".
 *
 * @param nick  what the instance that it goes to calls them
 */
export function occupantPresence(
  room: RoomView,
  links: Links,
  occupant: Occupant,
  peer: Jid,
  parts: PresenceParts = {},
  nick = occupant.nick,
): Stanza {
  const { type, item, statuses = [] } = parts;
  const gone = type === 'unavailable' && item?.nick === undefined;
  const user = writeMucUser({
    affiliation: item?.affiliation ?? occupant.affiliation,
    role: item?.role ?? (gone ? 'none' : occupant.role),
    jid: links.sees(peer) ? asFirst(occupant).jid : undefined,
    nick: item?.nick,
    reason: item?.reason,
    actor: item?.actor,
    destroy: undefined,
    statuses,
  });
  const said = [...(parts.payloads ?? occupant.presence), ...writeOccupantId(occupant.occupantId), user];
  return make('presence', occupantJid(room.jid, nick), occupantJid(peer, nick), { type }, said);
}

/** The same of a user of the instance that it goes to: what the source has decided about them. Decision #204. */
export function verdict(
  room: RoomView,
  links: Links,
  occupant: Occupant,
  peer: Jid,
  parts: PresenceParts = {},
): Stanza {
  const theirs = links.theirsOf(peer, occupant.nick);
  const stanza = occupantPresence(room, links, { ...occupant, presence: [] }, peer, { ...parts, payloads: [] }, theirs);
  return withMore(stanza, el('decided', NS.ext));
}

export function isVerdict(stanza: Stanza): boolean {
  return stanza.payloads.some(({ name, xmlns }) => name === 'decided' && xmlns === NS.ext);
}

/** §3.4: a change of nick, as XEP-0045 §7.6 has it. */
export function occupantRename(
  room: RoomView,
  links: Links,
  before: Occupant,
  after: Occupant,
  peer: Jid,
): readonly Stanza[] {
  const parts = { type: 'unavailable', item: { nick: after.nick }, statuses: [303], payloads: [] } as const;
  return [occupantPresence(room, links, before, peer, parts), occupantPresence(room, links, after, peer)];
}

/** §3.6: "from the roomjid of the user" to the same nick at the other instance; the room's own word goes from room to room. */
export function instanceMessage(room: RoomView, item: HistoryItem, peer: Jid): Stanza {
  const { by, id, nick, order, at, stanzaId, lang, payloads } = item;
  const news = writeNews({ order, at });
  const to = nick === '' ? peer : occupantJid(peer, nick);
  const rest = { type: 'groupchat', id: stanzaId, lang };
  return make('message', authorJid(room.jid, nick), to, rest, [...payloads, writeStanzaId({ by, id }), news]);
}

/** §3.2 Example 10: one message of the history. Real addresses only for those that may know them (S5). */
export function pastMessage(room: RoomView, links: Links, item: HistoryItem, peer: Jid): XmlElement {
  const { by, id, nick, occupantId, author, at, stanzaId: origin, lang, payloads, order } = item;
  const delay = writeDelay({ from: (links.sees(peer) ? author : undefined) ?? room.jid, stamp: at });
  const parts = [...writeOccupantId(occupantId), writeStanzaId({ by, id }), writeNews({ order, at, origin }), delay];
  const rest = { type: 'groupchat', id: origin, lang };
  return stanzaElement(make('message', authorJid(room.jid, nick), peer, rest, [...payloads, ...parts]));
}

/** The subject, as the source has it: who set it, and when. */
export function pastSubject(room: RoomView, peer: Jid): XmlElement {
  const { subject } = room;
  const { by, id, occupantId = '', at: stamp, nick = '', lang } = subject ?? {};
  const parts = [
    ...writeSubject(subject),
    ...writeOccupantId(occupantId),
    ...(by === undefined || id === undefined ? [] : [writeStanzaId({ by, id })]),
    ...(stamp === undefined ? [] : [writeDelay({ from: room.jid, stamp })]),
  ];
  return stanzaElement(make('message', authorJid(room.jid, nick), peer, { type: 'groupchat', lang }, parts));
}

/** §3.2 Example 7: a user of this instance. */
export function rosterItem(links: Links, occupant: Occupant, peer: Jid): RosterItem {
  const { affiliation, role, nick, occupantId, presence } = occupant;
  const jid = links.sees(peer) ? asFirst(occupant).jid : undefined;
  return { affiliation, jid, name: nick, role, occupantId, presence };
}
