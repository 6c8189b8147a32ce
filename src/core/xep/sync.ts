/**
 * `urn:x-netsplit:sync:0`: our one extension, for what XEP-0281 (instances.ts), XEP-0289 (fmuc-sync.ts) and, here, XEP-0282
 * leave open. Not a XEP; its rules are the numbered entries of distribution/decisions.md.
 */
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { payloadIn, type Stanza } from '../xmpp/stanza.ts';
import { childOf, childrenOf, el, element, readCount, type XmlElement, type XmlNode } from '../xmpp/xml.ts';
import { type Form, readForm, writeForm } from './xep0004.ts';

/** `<s e n/>`: a position in a room's sequence. Decision #1. */
export interface Position {
  readonly epoch: number;
  readonly n: number;
}

const countDigits = 15;
/** The highest count that is read. */
export const countMax = 10 ** countDigits - 1;

/** A count from an attribute: a plain non-negative integer that a double holds exactly. */
export function count(text: string | undefined): number | undefined {
  return readCount(text, countDigits);
}

export function readPosition(element: XmlElement | undefined): Position | undefined {
  const epoch = count(element?.attrs['e']);
  const n = count(element?.attrs['n']);
  return epoch === undefined || n === undefined ? undefined : { epoch, n };
}

export function writePosition({ epoch, n }: Position): XmlElement {
  return element('s', NS.ext, { e: String(epoch), n: String(n) });
}

/** `<s e n users/>` in a keepalive: where the primary is, and a digest of whom it counts as the replica's users. Decision #70. */
export interface Standing extends Position {
  readonly users?: string | undefined;
}

export function readStanding(element: XmlElement | undefined): Standing | undefined {
  const position = readPosition(element);
  return position && { ...position, users: element?.attrs['users'] };
}

export function writeStanding({ epoch, n, users }: Standing): XmlElement {
  return el('s', NS.ext, { e: String(epoch), n: String(n), users });
}

/** `<create/>`: a replica asks to be created. Decision #5. */
export interface Create {
  readonly serves: readonly Jid[];
  /** Seconds. */
  readonly keepalive: { readonly interval: number; readonly timeout: number };
  readonly maxstanzas: number;
  /** Moderators among the replica's users, as far as it knows; absent: it did not say. Decision #7. */
  readonly moderators?: number;
  /** Where the replica stands, if it has state: the epoch and the last position it holds. */
  readonly have?: Position;
}

export function readCreate(payloads: readonly XmlElement[]): Create | undefined {
  const create = payloadIn(payloads, 'create', NS.ext);
  if (!create) return undefined;
  const serves: Jid[] = [];
  for (const element of childrenOf(create, 'serves', NS.ext)) {
    const domain = parseJid(element.attrs['domain'] ?? '');
    if (domain) serves.push(domain);
  }
  const epoch = count(create.attrs['epoch']);
  const n = count(create.attrs['h']);
  const moderators = readModerators(create);
  return {
    serves,
    keepalive: readKeepalive(create),
    maxstanzas: count(childOf(create, 'history', NS.ext)?.attrs['maxstanzas']) ?? 200,
    ...(moderators === undefined ? {} : { moderators }),
    ...(epoch === undefined || n === undefined ? {} : { have: { epoch, n } }),
  };
}

export function writeCreate(create: Create): XmlElement {
  return el(
    'create',
    NS.ext,
    { epoch: create.have?.epoch.toString(), h: create.have?.n.toString() },
    ...create.serves.map((domain) => el('serves', NS.ext, { domain })),
    writeKeepalive(create.keepalive),
    el('history', NS.ext, { maxstanzas: String(create.maxstanzas) }),
    ...writeModerators(create.moderators),
  );
}

function readKeepalive(parent: XmlElement): Create['keepalive'] {
  const keepalive = childOf(parent, 'keepalive', NS.ext);
  return {
    interval: count(keepalive?.attrs['interval']) ?? 60,
    timeout: count(keepalive?.attrs['timeout']) ?? 15,
  };
}
function writeKeepalive({ interval, timeout }: Create['keepalive']): XmlElement {
  return el('keepalive', NS.ext, { interval: String(interval), timeout: String(timeout) });
}
function readModerators(parent: XmlElement): number | undefined {
  return count(childOf(parent, 'moderators', NS.ext)?.attrs['count']);
}
function writeModerators(moderators: number | undefined): readonly XmlElement[] {
  return moderators === undefined ? [] : [el('moderators', NS.ext, { count: String(moderators) })];
}

/** `<netjoin/>`: a replica that was created before asks for what it missed. Decision #41. */
export interface Netjoin {
  readonly session: string;
  /** The last position that the replica holds. */
  readonly have: Position;
  readonly moderators: number;
  /** Whether it wants the list of its users as the primary has it: the digest in `<ready/>` was not that of its own. */
  readonly listUsers?: boolean;
}

export function readNetjoin(payloads: readonly XmlElement[]): Netjoin | undefined {
  const netjoin = payloadIn(payloads, 'netjoin', NS.ext);
  const session = netjoin?.attrs['session'];
  const epoch = count(netjoin?.attrs['epoch']);
  const n = count(netjoin?.attrs['h']);
  if (!netjoin || !session || epoch === undefined || n === undefined) return undefined;
  const listUsers = netjoin.attrs['users'] === 'list';
  return { session, have: { epoch, n }, moderators: readModerators(netjoin) ?? 0, listUsers };
}

export function writeNetjoin({ session, have, moderators, listUsers }: Netjoin): XmlElement {
  const attrs = { session, epoch: String(have.epoch), h: String(have.n), users: listUsers ? 'list' : undefined };
  return el('netjoin', NS.ext, attrs, ...writeModerators(moderators));
}

/** `<item affiliation jid/>`: a user of a domain that the replica serves is banned, or no longer is. Decision #92. */
export interface Ban {
  readonly user: Jid;
  readonly affiliation: 'outcast' | 'none';
}

export function readBans(parent: { readonly children: readonly XmlNode[] }): readonly Ban[] {
  return childrenOf(parent, 'item', NS.ext).flatMap(({ attrs }): Ban[] => {
    const user = parseJid(attrs['jid'] ?? '');
    return user === undefined ? [] : [{ user, affiliation: attrs['affiliation'] === 'outcast' ? 'outcast' : 'none' }];
  });
}
export function writeBan({ user, affiliation }: Ban): XmlElement {
  return el('item', NS.ext, { affiliation, jid: user });
}

/** `<created/>`: the primary's answer. Decision #5. */
export interface Created {
  readonly session: string;
  readonly epoch: number;
  readonly n: number;
  /** `full`: roster, history and subject follow, then `<ready/>`; `delta`: the changes after the replica's last. */
  readonly mode: 'full' | 'delta';
  readonly jids: 'none' | 'all';
  readonly keepalive: Create['keepalive'];
  /** Messages of history at most. */
  readonly maxstanzas: number;
  /** What the replica must know of the room's configuration. Decision #15. */
  readonly config?: Form;
  /** In mode `full`: the banned users of the domains that the replica serves. Decision #92. */
  readonly bans?: readonly Ban[];
  /** Its users whom the primary serves itself, and their nicks; of those whom it told that they are not in, none. Decision #43. */
  readonly past?: ReadonlyMap<Jid, string>;
}

export function readCreated(payloads: readonly XmlElement[]): Created | undefined {
  const created = payloadIn(payloads, 'created', NS.ext);
  const session = created?.attrs['session'];
  const epoch = count(created?.attrs['epoch']);
  const n = count(created?.attrs['n']);
  const { mode, jids } = created?.attrs ?? {};
  if (!created || !session || epoch === undefined || n === undefined || (mode !== 'full' && mode !== 'delta'))
    return undefined;
  const config = readForm(created);
  return {
    session,
    epoch,
    n,
    mode,
    jids: jids === 'all' ? 'all' : 'none',
    keepalive: readKeepalive(created),
    maxstanzas: count(childOf(created, 'history', NS.ext)?.attrs['maxstanzas']) ?? 200,
    ...(config ? { config } : {}),
    bans: readBans(created),
    past: new Map(childrenOf(created, 'direct', NS.ext).flatMap(({ attrs }) => readDirect(attrs))),
  };
}

function readDirect({ jid: address = '', nick = '' }: XmlElement['attrs']): (readonly [Jid, string])[] {
  const user = parseJid(address);
  return user === undefined ? [] : [[user, nick]];
}

export function writeCreated(created: Created): XmlElement {
  const { session, epoch, n, mode, jids, keepalive, maxstanzas, config, bans, past } = created;
  return el(
    'created',
    NS.ext,
    { session, epoch: String(epoch), n: String(n), mode, jids },
    writeKeepalive(keepalive),
    el('history', NS.ext, { maxstanzas: String(maxstanzas) }),
    ...(bans ?? []).map(writeBan),
    ...[...(past ?? [])].map(([jid, nick]) => el('direct', NS.ext, { jid, nick: nick === '' ? undefined : nick })),
    ...(config ? [writeForm(config)] : []),
  );
}

/** `<ready n roster history/>`: the state is complete up to n, if this much of it has arrived. Decision #5. */
export interface Ready {
  readonly n: number;
  /** Number of roster entries and of messages that went before. */
  readonly roster: number;
  readonly history: number;
  /** In place of the list of the replica's users: a digest of it (decision #41). */
  readonly users?: string;
}

export function readReady(payloads: readonly XmlElement[]): Ready | undefined {
  const attrs = payloadIn(payloads, 'ready', NS.ext)?.attrs;
  const [n, roster, history] = [count(attrs?.['n']), count(attrs?.['roster']), count(attrs?.['history'])];
  if (n === undefined || roster === undefined || history === undefined) return undefined;
  const users = attrs?.['users'];
  return { n, roster, history, ...(users === undefined ? {} : { users }) };
}
export function writeReady({ n, roster, history, users }: Ready): XmlElement {
  return el('ready', NS.ext, { n: String(n), roster: String(roster), history: String(history), users });
}

/** `<a h moderators/>`: a replica holds everything up to h, and this is the number of its moderators. Decisions #2, #7. */
export interface Ack {
  readonly h: number;
  readonly moderators?: number;
}

export function readAck(payloads: readonly XmlElement[]): Ack | undefined {
  const attrs = payloadIn(payloads, 'a', NS.ext)?.attrs;
  const [h, moderators] = [count(attrs?.['h']), count(attrs?.['moderators'])];
  return h === undefined ? undefined : { h, ...(moderators === undefined ? {} : { moderators }) };
}
export function writeAck({ h, moderators }: Ack): XmlElement {
  return el('a', NS.ext, { h: String(h), moderators: moderators?.toString() });
}

/** `<relayed count/>`: this many acts happened here during the split, and all of them were relayed. Decision #42. */
export function readRelayed(payloads: readonly XmlElement[]): number | undefined {
  return count(payloadIn(payloads, 'relayed', NS.ext)?.attrs['count']);
}
export function writeRelayed(relayed: number): XmlElement {
  return el('relayed', NS.ext, { count: String(relayed) });
}

/** Of what a replica relayed, in `<relays/>` in a ping: what it has seen nothing of since, and how many seconds ago. Decision #131. */
export interface Asked {
  /** Names it in the answer. */
  readonly n: number;
  readonly name: Stanza['name'];
  readonly from: Jid;
  readonly id: string;
  readonly ago: number;
}

/** One ping asks about so many at most; the rest is not read. */
export const askedMax = 100;

export function readAsked(ping: XmlElement): readonly Asked[] {
  const relays = childOf(ping, 'relays', NS.ext);
  return (relays ? childrenOf(relays, 'relay', NS.ext).slice(0, askedMax) : []).flatMap(({ attrs }): Asked[] => {
    const [n, ago] = [count(attrs['n']), count(attrs['ago'])];
    const from = parseJid(attrs['from'] ?? '');
    const { kind, id } = attrs;
    if (n === undefined || ago === undefined || from === undefined || id === undefined) return [];
    return kind === 'message' || kind === 'presence' || kind === 'iq' ? [{ n, name: kind, from, id, ago }] : [];
  });
}
export function writeAsked(asked: readonly Asked[]): readonly XmlElement[] {
  if (asked.length === 0) return [];
  const relays = asked.map(({ n, name, from, id, ago }) =>
    el('relay', NS.ext, { n: String(n), kind: name, from, id, ago: String(ago) }),
  );
  return [el('relays', NS.ext, {}, ...relays)];
}

/** `<relays/>` in the answer: those of which the primary knows that they never came, or of which it does not know. Others came. */
export type Outcome = 'lost' | 'unknown';

export function readOutcomes(payloads: readonly XmlElement[]): ReadonlyMap<number, Outcome> {
  const relays = payloadIn(payloads, 'relays', NS.ext);
  const outcomes = (relays ? childrenOf(relays, 'relay', NS.ext) : []).flatMap(({ attrs }) => {
    const n = count(attrs['n']);
    const { outcome } = attrs;
    return n !== undefined && (outcome === 'lost' || outcome === 'unknown') ? [[n, outcome] as const] : [];
  });
  return new Map(outcomes);
}
export function writeOutcomes(outcomes: ReadonlyMap<number, Outcome>): readonly XmlElement[] {
  if (outcomes.size === 0) return [];
  return [
    el('relays', NS.ext, {}, ...[...outcomes].map(([n, outcome]) => el('relay', NS.ext, { n: String(n), outcome }))),
  ];
}

/** `<destroy/>`: the session between primary and replica ends after the change at this position. Decision #40. */
export function readDestroy(payloads: readonly XmlElement[]): Position | undefined {
  const destroy = payloadIn(payloads, 'destroy', NS.ext);
  return destroy && readPosition(childOf(destroy, 's', NS.ext));
}
export function writeDestroy(position: Position): XmlElement {
  return el('destroy', NS.ext, {}, writePosition(position));
}

/** `<offer/>`: the primary asks a replica to ask for creation. It creates no state. Decision #5. */
export function isOffer(payloads: readonly XmlElement[]): boolean {
  return payloads.some((payload) => payload.name === 'offer' && payload.xmlns === NS.ext);
}
export function writeOffer(): XmlElement {
  return el('offer', NS.ext);
}
