/** `urn:x-netsplit:sync:0` between instances of a room (XEP-0281). Its rules are the numbered entries of distribution/decisions.md. */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { payloadIn } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import { childOf, childrenOf, el, element, elementsOf, readCount, type XmlElement, type XmlNode } from '../xmpp/xml.ts';
import { type LinkPlace, readLinkPlace, writeLinkPlace } from './fmuc-sync.ts';
import { readStamp, writeStamp } from './xep0082.ts';
import { readOriginId, writeOriginId } from './xep0359.ts';

type Parent = { readonly children: readonly XmlNode[] };

/** How far all that a room has accepted has come: `epoch` of that room, and `n` of the last message. */
export interface Reached {
  readonly by: Jid;
  readonly epoch: number;
  readonly n: number;
}

/** So many are named at most, epochs of instances; the rest is not read. */
const instancesMax = 500;

/** `<have by e n/>`, for each room of which something has been here. Decision #203. */
export function writeHave(reached: Iterable<Reached>): readonly XmlElement[] {
  return [...reached].map(({ by, epoch, n }) => element('have', NS.ext, { by, e: String(epoch), n: String(n) }));
}

export function readHave(parent: Parent): readonly Reached[] {
  return childrenOf(parent, 'have', NS.ext)
    .slice(0, instancesMax)
    .flatMap(({ attrs }) => {
      const by = parseJid(attrs['by'] ?? '');
      const epoch = readCount(attrs['e'], 15);
      const n = readCount(attrs['n'], 15);
      return by === undefined || epoch === undefined || n === undefined ? [] : [{ by, epoch, n }];
    });
}

/** `<resync session config/>`: begins a link. Decision #202. */
export interface Greeting {
  readonly session: string;
  /** Digest of the configuration and the lists as the sender has them from the source. */
  readonly config: string;
  readonly have: readonly Reached[];
}

export function writeGreeting({ session, config, have }: Greeting): XmlElement {
  return element('resync', NS.ext, { session, config }, writeHave(have));
}

export function readGreeting(payloads: readonly XmlElement[]): Greeting | undefined {
  const resync = payloadIn(payloads, 'resync', NS.ext);
  const session = resync?.attrs['session'];
  if (resync === undefined || !session || session.length > 128) return undefined;
  return { session, config: resync.attrs['config'] ?? '', have: readHave(resync) };
}

/**
 * `<news/>` in each presence and message between instances: its place on the link, and of a message its place among all that its
 * room has accepted, when that was, and the id that its author gave it.
 */
export interface News {
  readonly place: LinkPlace | undefined;
  readonly order: { readonly epoch: number; readonly n: number } | undefined;
  readonly at: Instant | undefined;
  readonly origin: string | undefined;
}

export function writeNews({ place, order, at, origin }: Partial<News>): XmlElement {
  const stamp = at === undefined ? undefined : writeStamp(at);
  return el(
    'news',
    NS.ext,
    {},
    ...(place === undefined ? [] : [writeLinkPlace(place)]),
    ...(order === undefined ? [] : [el('order', NS.ext, { e: String(order.epoch), n: String(order.n), stamp })]),
    ...writeOriginId(origin),
  );
}

export function readNews(payloads: readonly XmlElement[]): News | undefined {
  const news = payloadIn(payloads, 'news', NS.ext);
  if (news === undefined) return undefined;
  const order = childOf(news, 'order', NS.ext);
  const epoch = readCount(order?.attrs['e'], 15);
  const n = readCount(order?.attrs['n'], 15);
  return {
    place: readLinkPlace(news),
    order: epoch === undefined || n === undefined ? undefined : { epoch, n },
    at: readStamp(order?.attrs['stamp'] ?? ''),
    origin: readOriginId(news),
  };
}

/** `<after by id/>`: the message with which the last page ended. */
export function writeAfter({ by, id }: { readonly by: Jid; readonly id: string }): XmlElement {
  return element('after', NS.ext, { by, id });
}

export function readAfter(parent: Parent): { readonly by: Jid; readonly id: string } | undefined {
  const after = childOf(parent, 'after', NS.ext);
  const by = parseJid(after?.attrs['by'] ?? '');
  const id = after?.attrs['id'];
  return by === undefined || !id ? undefined : { by, id };
}

/** One of the parts in which a long list is told, from 1. */
export interface Part {
  readonly n: number;
  readonly of: number;
}

/** `<part n of/>`; what is told at once has none. */
export function writePart({ n, of }: Part): readonly XmlElement[] {
  return of === 1 ? [] : [el('part', NS.ext, { n: String(n), of: String(of) })];
}

/** @returns undefined if it cannot be one */
export function readPart(parent: Parent): Part | undefined {
  const part = childOf(parent, 'part', NS.ext);
  if (part === undefined) return { n: 1, of: 1 };
  const [n, of] = [Number(part.attrs['n']), Number(part.attrs['of'])];
  return Number.isSafeInteger(n) && Number.isSafeInteger(of) && n >= 1 && n <= of ? { n, of } : undefined;
}

export function writeMore(): XmlElement {
  return el('more', NS.ext);
}
export function hasMore(parent: Parent): boolean {
  return childOf(parent, 'more', NS.ext) !== undefined;
}

/** `<topic/>`: the message that set the subject, at the end of a history. */
export function writeTopic(message: XmlElement): XmlElement {
  return el('topic', NS.ext, {}, message);
}
export function readTopic(parent: Parent): XmlElement | undefined {
  const topic = childOf(parent, 'topic', NS.ext);
  return topic && childOf(topic, 'message', NS.client);
}

/** `<asked from/>`: an iq of a user of a shadow, which the source is to answer. Decision #205. */
export function writeAsked(from: Jid, payload: XmlElement): XmlElement {
  return el('asked', NS.ext, { from }, payload);
}

export function readAsked(
  payloads: readonly XmlElement[],
): { readonly from: Jid; readonly payload: XmlElement } | undefined {
  const asked = payloadIn(payloads, 'asked', NS.ext);
  const from = parseJid(asked?.attrs['from'] ?? '');
  const [payload] = asked === undefined ? [] : elementsOf(asked);
  return from === undefined || payload === undefined ? undefined : { from, payload };
}

/** `<passed/>`: what an occupant asks one of another instance (XEP-0045 §17.4). */
export function writePassed(...payloads: readonly XmlElement[]): XmlElement {
  return element('passed', NS.ext, {}, payloads);
}

export function readPassed(payloads: readonly XmlElement[]): readonly XmlElement[] | undefined {
  const passed = payloadIn(payloads, 'passed', NS.ext);
  return passed && elementsOf(passed);
}
