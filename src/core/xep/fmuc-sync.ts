/** `urn:x-netsplit:sync:0` between FMUC nodes (XEP-0289). Its rules are the numbered entries of distribution/decisions.md. */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { payloadIn } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import { childOf, childrenOf, el, element, type XmlElement, type XmlNode } from '../xmpp/xml.ts';
import { count } from './sync.ts';
import { readStamp, writeStamp } from './xep0082.ts';

/**
 * `<s e n h/>` between FMUC nodes: a place in what one node sends another over one link. Decision #60. `session` is the id
 * of the join that made the link; `n` counts from 1, and 0 is what stands outside of the count.
 */
export interface LinkPlace {
  readonly session: string;
  readonly n: number;
  /** How much of the other direction had arrived when this was sent. */
  readonly h?: number | undefined;
}

export function readLinkPlace(parent: { readonly children: readonly XmlNode[] } | undefined): LinkPlace | undefined {
  const element = parent && childOf(parent, 's', NS.ext);
  const session = element?.attrs['e'];
  const n = count(element?.attrs['n']);
  const h = count(element?.attrs['h']);
  if (!session || session.length > 128 || n === undefined) return undefined;
  return { session, n, h };
}

export function writeLinkPlace({ session, n, h }: LinkPlace): XmlElement {
  const e = session;
  return element('s', NS.ext, h === undefined ? { e, n: String(n) } : { e, n: String(n), h: String(h) });
}

/**
 * `<change by id/>` and a `<via node/>` for each node on the way, inside `<fmuc/>`: where something of a user of another node
 * began, and the nodes that it has passed before the one that sends it. Decision #145.
 */
export interface Trail {
  readonly by: Jid;
  /** Absent where it is no news, such as a user in the answer to a join. */
  readonly id?: string | undefined;
  readonly via: readonly Jid[];
  /** It happened a while ago, and the sender has it from another node's history. */
  readonly past?: true | undefined;
  /** On its way it has passed a node that joins both its neighbours, so neither end is nearer the root. Decision #149. */
  readonly across?: true | undefined;
  /**
   * Of a message: its place among all that its node sent since it started, which is what `run` names. `before`: the start before,
   * if the sender heard its author then. Decision #163.
   */
  readonly order?: { readonly run: string; readonly n: number; readonly before?: string | undefined } | undefined;
}

/** @param peer  the node that sent it, which is where it began if nothing else is said */
export function readTrail(parent: { readonly children: readonly XmlNode[] } | undefined, peer: Jid): Trail | undefined {
  const change = parent && childOf(parent, 'change', NS.ext);
  if (parent === undefined || change === undefined) return undefined;
  const { id } = change.attrs;
  if (id !== undefined && (id === '' || id.length > 128)) return undefined;
  const via = childrenOf(parent, 'via', NS.ext).flatMap(({ attrs }) => parseJid(attrs['node'] ?? '') ?? []);
  const past = change.attrs['past'] === '1' ? { past: true as const } : {};
  const across = change.attrs['across'] === '1' ? { across: true as const } : {};
  const { e: run = '', n, p = '' } = change.attrs;
  const at = count(n);
  const before = p === '' || p.length > 128 ? {} : { before: p };
  const order = run === '' || run.length > 128 || at === undefined ? {} : { order: { run, n: at, ...before } };
  return { by: parseJid(change.attrs['by'] ?? '') ?? peer, id, via, ...past, ...across, ...order };
}

/** @param self  the node that sends it */
export function writeTrail({ by, id, via, past, across, order }: Trail, self: Jid): readonly XmlElement[] {
  const place = order && { e: order.run, n: String(order.n), p: order.before };
  const flags = { past: past ? '1' : undefined, across: across ? '1' : undefined, ...place };
  const change = el('change', NS.ext, { by: by === self ? undefined : by, id, ...flags });
  return [change, ...via.map((node) => element('via', NS.ext, { node }))];
}

/**
 * `<resync since now maxstanzas/>` inside `<fmuc/>`: what a node has missed, with a `<have by id/>` for each message that it has
 * of that time. Decision #181. `now`: its clock, of which `since` is a time.
 */
export interface Resync {
  readonly since: Instant;
  readonly now: Instant;
  readonly maxstanzas: number;
  readonly have: readonly { readonly by: Jid; readonly id: string }[];
}

/** So many messages are named at most; the rest is not read. */
export const haveMax = 100;

export function readResync(payloads: readonly XmlElement[]): Resync | undefined {
  const fmuc = payloadIn(payloads, 'fmuc', NS.fmuc);
  const resync = fmuc && childOf(fmuc, 'resync', NS.ext);
  const since = readStamp(resync?.attrs['since'] ?? '');
  if (resync === undefined || since === undefined) return undefined;
  const have = childrenOf(resync, 'have', NS.ext)
    .slice(0, haveMax)
    .flatMap(({ attrs: { by = '', id = '' } }) => {
      const room = parseJid(by);
      return room === undefined || id === '' ? [] : [{ by: room, id }];
    });
  const maxstanzas = count(resync.attrs['maxstanzas']) ?? haveMax;
  return { since, now: readStamp(resync.attrs['now'] ?? '') ?? since, maxstanzas, have };
}

export function writeResync({ since, now, maxstanzas, have }: Resync): XmlElement {
  const attrs = { since: writeStamp(since), now: writeStamp(now), maxstanzas: String(maxstanzas) };
  return element(
    'resync',
    NS.ext,
    attrs,
    have.map(({ by, id }) => element('have', NS.ext, { by, id })),
  );
}

/** `<clock now/>` inside `<fmuc/>`: the clock of which the delay of the same stanza is a time. Decision #164. */
export function writeClock(now: Instant): XmlElement {
  return element('clock', NS.ext, { now: writeStamp(now) });
}

export function readClock(payloads: readonly XmlElement[]): Instant | undefined {
  const fmuc = payloadIn(payloads, 'fmuc', NS.fmuc);
  return fmuc && readStamp(childOf(fmuc, 'clock', NS.ext)?.attrs['now'] ?? '');
}

/** `<way to/>`, in a ping and its answer: whether this user is reached by another way. Decision #146. */
export function writeWay(to: Jid): XmlElement {
  return element('way', NS.ext, { to });
}

export function readWay(parent: { readonly children: readonly XmlNode[] }): Jid | undefined {
  return parseJid(childOf(parent, 'way', NS.ext)?.attrs['to'] ?? '');
}

/** `<spare/>`: the link closes a ring, and this end can do without it. Decision #146. */
export function writeSpare(): XmlElement {
  return el('spare', NS.ext);
}

export function isSpare(payloads: readonly XmlElement[]): boolean {
  const fmuc = payloadIn(payloads, 'fmuc', NS.fmuc);
  return fmuc !== undefined && childOf(fmuc, 'spare', NS.ext) !== undefined;
}

/** `<loop/>`: the link closes a ring, and is given up; everybody is reached by another way. Decision #146. */
export function writeLoop(): XmlElement {
  return el('loop', NS.ext);
}

/**
 * `<elsewhere/>`: the sender is no way to this user any more (`now`), or will soon be none if there is another (`soon`). Decision
 * #146.
 */
export function writeElsewhere(when: 'now' | 'soon'): XmlElement {
  return el('elsewhere', NS.ext, { soon: when === 'soon' ? '1' : undefined });
}

export function readElsewhere(payloads: readonly XmlElement[]): 'now' | 'soon' | undefined {
  const fmuc = payloadIn(payloads, 'fmuc', NS.fmuc);
  const elsewhere = fmuc && childOf(fmuc, 'elsewhere', NS.ext);
  if (elsewhere === undefined) return undefined;
  return elsewhere.attrs['soon'] === '1' ? 'soon' : 'now';
}

/** `<refused/>`, in an error: the user is not in at the node that sends it, or what they said is not shown there. Decision #156. */
export function writeRefused(): XmlElement {
  return el('refused', NS.ext);
}

export function isRefused(payloads: readonly XmlElement[]): boolean {
  const fmuc = payloadIn(payloads, 'fmuc', NS.fmuc);
  return fmuc !== undefined && childOf(fmuc, 'refused', NS.ext) !== undefined;
}

export function isLoop(payloads: readonly XmlElement[]): boolean {
  const fmuc = payloadIn(payloads, 'fmuc', NS.fmuc);
  return fmuc !== undefined && childOf(fmuc, 'loop', NS.ext) !== undefined;
}
