import { retractNs } from '../xep/xep0424.ts';
import { moderateNs } from '../xep/xep0425.ts';
import { bareOf, type Jid, parseJid } from '../xmpp/jid.ts';
import { NS, nodeNamespaces } from '../xmpp/namespaces.ts';
import { childOf, type XmlElement } from '../xmpp/xml.ts';
import { readAddress } from '../xmpp/xmpp-uri.ts';

// What only rooms and nodes may say. If a client sends one of these as a direct child, that child is removed and the rest
// of the stanza counts. The same child deeper inside, or in a similar namespace, means nothing to anybody.
const reserved: ReadonlySet<string> = new Set([...nodeNamespaces, NS.muc, NS.mucUser, NS.occupantId]);

/**
 * Removes what a user may not say in a room's name: payloads of muc and of what nodes tell each other, delays
 * that claim to be the room's or an occupant's, stanza-ids that claim to be by the room, what a moderator would have done.
 * XEP-0045 §17.4, XEP-0359 §3, XEP-0282 §4.9, XEP-0425 §5.
 */
export function cleanPayloads(room: Jid, payloads: readonly XmlElement[]): readonly XmlElement[] {
  for (const payload of payloads)
    if (forged(room, payload) || moderates(payload))
      return payloads.filter((each) => !forged(room, each) && !moderates(each));
  return payloads;
}

/** The same of what the node that decides says: retractions and tombstones are its to tell. */
export function cleanDecided(room: Jid, payloads: readonly XmlElement[]): readonly XmlElement[] {
  return payloads.filter((each) => !forged(room, each));
}

/** A tombstone, or a retraction in the room's name. */
function moderates(payload: XmlElement): boolean {
  if (payload.xmlns !== retractNs) return payload.xmlns === moderateNs;
  return payload.name === 'retracted' || childOf(payload, 'moderated', moderateNs) !== undefined;
}

/** What people write, in which they may name whom they like. */
const words: ReadonlySet<string> = new Set(['body', 'subject', 'status', 'thread']);

/** XEP-0033: a server may say in it by which real address something came (`ofrom`). */
const addressNs = 'http://jabber.org/protocol/address';

/**
 * Without what another node, or its server, has put beside a user's words that holds the user's real address: delays, XEP-0033
 * addresses, and whatever else names it. What the user wrote themselves is in no such element.
 */
export function withoutAddresses(payloads: readonly XmlElement[], user: Jid): readonly XmlElement[] {
  const bare = bareOf(user);
  return payloads.filter((payload) => {
    const { name, xmlns } = payload;
    if (xmlns === NS.client && words.has(name)) return true;
    return xmlns !== addressNs && xmlns !== NS.delay && xmlns !== 'jabber:x:delay' && !names(payload, bare);
  });
}

/** Whether an element says this address anywhere. */
function names({ attrs, children }: XmlElement, bare: Jid): boolean {
  const isIt = (text: string) => {
    const jid = /@|%40/.test(text) ? readAddress(text.trim()) : undefined;
    return jid !== undefined && bareOf(jid) === bare;
  };
  return (
    Object.values(attrs).some(isIt) ||
    children.some((node) => (typeof node === 'string' ? isIt(node) : names(node, bare)))
  );
}

function forged(room: Jid, payload: XmlElement): boolean {
  if (reserved.has(payload.xmlns)) return true;
  if (payload.name === 'stanza-id' && payload.xmlns === NS.sid) return parseJid(payload.attrs['by'] ?? '') === room;
  // A delay with no sender, or with one of ours, would let a user choose when something was said.
  if (payload.name === 'delay' && payload.xmlns === NS.delay) {
    const from = parseJid(payload.attrs['from'] ?? '');
    return from === undefined || bareOf(from) === room;
  }
  return payload.name === 'x' && payload.xmlns === 'jabber:x:delay';
}
