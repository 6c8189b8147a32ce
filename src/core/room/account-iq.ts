/**
 * XEP-0045 §17.4: iqs between occupants go on under their occupant JIDs. What a user's server answers for them goes to their
 * bare JID, and the answer comes back as if they had given it. Decision #111.
 */
import { bareOf, type Jid, occupantJid, resourceOf } from '../xmpp/jid.ts';
import { type Stanza, withParts } from '../xmpp/stanza.ts';
import type { XmlElement, XmlNode } from '../xmpp/xml.ts';
import { readAddress } from '../xmpp/xmpp-uri.ts';
import type { Occupant } from './event.ts';
import { inward, isOf, outward } from './sessions.ts';
import type { RoomView } from './state.ts';
import { maySeeJids } from './visibility.ts';

/** vCards (XEP-0054, XEP-0292) and what a user has published (XEP-0163). */
const ofAccounts: ReadonlySet<string> = new Set([
  'vcard-temp',
  'urn:ietf:params:xml:ns:vcard-4.0',
  'http://jabber.org/protocol/pubsub',
]);

/** Whether the user's server answers it for them. */
export function isForAccount({ payloads }: Stanza): boolean {
  return payloads.some(({ xmlns }) => ofAccounts.has(xmlns));
}

/**
 * An iq of an occupant as it goes to another: a question to the session that is shown, an answer to the session that asked.
 *
 * @returns undefined for an answer to a session that is gone
 */
export function relayedIq(
  room: RoomView,
  from: Occupant,
  to: Occupant & { readonly jid: Jid },
  stanza: Stanza,
): Stanza | undefined {
  const sender = occupantJid(room.jid, from.nick);
  if (stanza.type !== 'get' && stanza.type !== 'set') {
    const [id, session] = inward(to, stanza.id);
    return session && withParts(stanza, { id, from: sender, to: session });
  }
  const id = outward(from, stanza.id);
  if (!isForAccount(stanza)) return withParts(stanza, { id, from: sender, to: to.jid });
  return withParts(stanza, { id: idFor(to.nick, id ?? ''), from: sender, to: bareOf(to.jid) });
}

/**
 * The answer of an account, as it goes to the session that asked: from the occupant JID that it asked, and without the real
 * one where it may not see that. Nobody answers for a nick that is not theirs.
 */
export function answerOfAccount(room: RoomView, stanza: Stanza): Stanza | undefined {
  if (stanza.type !== 'result' && stanza.type !== 'error') return undefined;
  const asked = readId(stanza.id);
  const asker = room.occupants.get(resourceOf(stanza.to));
  const target = asked && room.occupants.get(asked.nick);
  if (asked === undefined || asker?.jid === undefined || target === undefined || !isOf(target, stanza.from))
    return undefined;
  const [id, session] = inward({ ...asker, jid: asker.jid }, asked.id);
  if (session === undefined) return undefined;
  const from = occupantJid(room.jid, target.nick);
  const payloads = maySeeJids(room, asker) ? stanza.payloads : withoutAccount(stanza, from);
  return withParts(stanza, { from, to: session, id, payloads });
}

// A bare JID may be in under several nicks, so the id says which of them was asked.
function idFor(nick: string, id: string): string {
  return `account:${encodeURIComponent(nick)}:${id}`;
}
function readId(text = ''): { readonly nick: string; readonly id: string } | undefined {
  const [, nick, id] = /^account:([^:]*):(.*)$/s.exec(text) ?? [];
  if (nick === undefined || id === undefined || /%(?![0-9A-F]{2})/.test(nick)) return undefined;
  return { nick: decodeURIComponent(nick), id };
}

/** What a user's server says for them, without their real address. @param occupant  theirs in the room */
export function withoutAccount({ from, payloads }: Stanza, occupant: Jid): readonly XmlElement[] {
  return payloads.map((element) => hidden(element, bareOf(from), occupant));
}

/** Servers name the user whose account it is: `by` of an error, `publisher` of an item, an address of the vCard. */
function hidden(element: XmlElement, user: Jid, occupant: Jid): XmlElement {
  const named = (text: string) => {
    const jid = readAddress(text.trim());
    return jid !== undefined && bareOf(jid) === user;
  };
  const attrs = Object.fromEntries(
    Object.entries(element.attrs).map(([key, value]) => [key, named(value) ? occupant : value]),
  );
  const children = element.children.map((node): XmlNode => {
    if (typeof node !== 'string') return hidden(node, user, occupant);
    return named(node) ? occupant : node;
  });
  return { ...element, attrs, children };
}
