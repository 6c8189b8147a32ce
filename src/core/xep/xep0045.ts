/** XEP-0045: Multi-User Chat, version 1.35.4: the payloads of muc and muc#user. */
import { NS } from '../xmpp/namespaces.ts';
import { payloadIn, type Stanza } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import { childOf, childrenOf, el, element, readCount, textOf, type XmlElement } from '../xmpp/xml.ts';
import { readStamp } from './xep0082.ts';

export const affiliations = ['owner', 'admin', 'member', 'none', 'outcast'] as const;
export type Affiliation = (typeof affiliations)[number];
export const roles = ['moderator', 'participant', 'visitor', 'none'] as const;
export type Role = (typeof roles)[number];

/** How much history an entering user wants (§7.2.14): the smallest wins. */
export interface HistoryRequest {
  readonly maxchars?: number;
  readonly maxstanzas?: number;
  /** Seconds before now. */
  readonly seconds?: number;
  readonly since?: Instant;
}

/** `<x xmlns='…muc'/>` of a join (§7.2). */
export interface JoinRequest {
  readonly password?: string | undefined;
  readonly history?: HistoryRequest;
  /** Of the presence that asks: the answer to it, the user's own presence, has it, too (§7.2.2). It is no part of `<x/>`. */
  readonly id?: string;
}

/** A presence that asks to enter. */
export function joinOf({ id, payloads }: Stanza): JoinRequest | undefined {
  const join = readJoin(payloads);
  return join && id !== undefined ? { ...join, id } : join;
}

export function readJoin(payloads: readonly XmlElement[]): JoinRequest | undefined {
  const x = payloadIn(payloads, 'x', NS.muc);
  if (!x) return undefined;
  const password = childOf(x, 'password', NS.muc);
  const history = readHistory(childOf(x, 'history', NS.muc));
  return { ...(password ? { password: textOf(password) } : {}), ...(history ? { history } : {}) };
}

export function writeJoin(join: JoinRequest): XmlElement {
  const children: XmlElement[] = [];
  if (join.password !== undefined) children.push(el('password', NS.muc, {}, join.password));
  if (join.history) children.push(writeHistory(join.history, NS.muc));
  return el('x', NS.muc, {}, ...children);
}

/**
 * The new subject, if a message changes it (§8.1): it has a `<subject/>`, and neither a `<body/>` nor a `<thread/>`, with
 * which it "is a legitimate message, but it SHALL NOT be interpreted as a subject change".
 */
export function subjectChange({ name, type, payloads }: Stanza): string | undefined {
  if (name !== 'message' || type !== 'groupchat' || !changesSubject(payloads)) return undefined;
  const subject = payloadIn(payloads, 'subject', NS.client);
  return subject && textOf(subject);
}

/** The same of the payloads of a groupchat message. */
export function changesSubject(payloads: readonly XmlElement[]): boolean {
  let found = false;
  for (const { name, xmlns } of payloads) {
    if (xmlns !== NS.client) continue;
    if (name === 'body' || name === 'thread') return false;
    if (name === 'subject') found = true;
  }
  return found;
}

/** Reads `<history/>` in any namespace; attributes that are no numbers or stamps are as if absent. */
export function readHistory(element: XmlElement | undefined): HistoryRequest | undefined {
  if (!element) return undefined;
  const { attrs } = element;
  const maxchars = readCount(attrs['maxchars'], 9);
  const maxstanzas = readCount(attrs['maxstanzas'], 9);
  const seconds = readCount(attrs['seconds'], 9);
  const since = attrs['since'] === undefined ? undefined : readStamp(attrs['since']);
  return {
    ...(maxchars === undefined ? {} : { maxchars }),
    ...(maxstanzas === undefined ? {} : { maxstanzas }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(since === undefined ? {} : { since }),
  };
}

export function writeHistory(request: HistoryRequest, xmlns: string): XmlElement {
  return el('history', xmlns, {
    maxchars: request.maxchars?.toString(),
    maxstanzas: request.maxstanzas?.toString(),
    seconds: request.seconds?.toString(),
    since: request.since === undefined ? undefined : new Date(request.since).toISOString(),
  });
}

/** `<item/>` and `<status/>` of `<x xmlns='…muc#user'/>`. */
export interface MucUser {
  readonly affiliation: Affiliation;
  readonly role: Role;
  readonly jid?: string | undefined;
  /** The new nick, beside status 303. */
  readonly nick?: string | undefined;
  readonly reason?: string | undefined;
  /** Nick of the user who did it (§8.2, §9.1). */
  readonly actor?: string | undefined;
  /** Their bare JID. */
  readonly actorJid?: string | undefined;
  readonly statuses: readonly number[];
  /** `<destroy/>` (§10.9). */
  readonly destroy?: XmlElement | undefined;
}

export function writeMucUser(user: MucUser): XmlElement {
  const item = element('item', NS.mucUser, itemAttrs(user), itemChildren(user));
  const { destroy, statuses } = user;
  // Most of what a room says is of this kind, and mostly it is the item alone.
  if (destroy === undefined && statuses.length === 0) return element('x', NS.mucUser, {}, [item]);
  return element('x', NS.mucUser, {}, [item, ...(destroy ? [destroy] : []), ...statuses.map(writeStatus)]);
}

function itemAttrs({ affiliation, role, jid, nick }: MucUser): Readonly<Record<string, string>> {
  if (nick === undefined) return jid === undefined ? { affiliation, role } : { affiliation, role, jid };
  return jid === undefined ? { affiliation, role, nick } : { affiliation, role, jid, nick };
}

function itemChildren({ reason, actor, actorJid }: MucUser): readonly XmlElement[] {
  if (reason === undefined && actor === undefined && actorJid === undefined) return [];
  return writeWhy({ reason, actor, actorJid }, NS.mucUser);
}

/** `<actor/>` and `<reason/>` of an item, in muc#user (§8.2, §9.1) or in muc#admin (§9.2). */
export function writeWhy(
  { reason, actor: nick, actorJid: jid }: Pick<MucUser, 'reason' | 'actor' | 'actorJid'>,
  xmlns: string,
): readonly XmlElement[] {
  return [
    ...(nick === undefined && jid === undefined ? [] : [el('actor', xmlns, { jid, nick })]),
    ...(reason === undefined ? [] : [el('reason', xmlns, {}, reason)]),
  ];
}

function writeStatus(code: number): XmlElement {
  return element('status', NS.mucUser, { code: String(code) });
}

/** What those who may know it are told of the affiliation of somebody who is not in (§9.3); of a ban with its status (§9.1). */
export function writeAffiliation(
  { user, affiliation }: { readonly user: string; readonly affiliation: Affiliation },
  why: Pick<MucUser, 'reason' | 'actor' | 'actorJid'> = {},
): XmlElement {
  const statuses = affiliation === 'outcast' ? [301] : [];
  return writeMucUser({ ...why, affiliation, role: 'none', jid: user, statuses });
}

/** What those inside are told of a new configuration (§10.2.1): nothing but codes. */
export function writeStatuses(codes: readonly number[]): XmlElement {
  return element('x', NS.mucUser, {}, codes.map(writeStatus));
}
export function readStatuses(payloads: readonly XmlElement[]): readonly number[] {
  const x = payloadIn(payloads, 'x', NS.mucUser);
  const codes = x === undefined ? [] : childrenOf(x, 'status', NS.mucUser).map(({ attrs }) => attrs['code'] ?? '');
  return codes.filter((code) => /^\d{3}$/.test(code)).map(Number);
}

/** Whether a presence has this status, such as 110 for one's own: a look at what `readMucUser` reads whole. */
export function hasStatus(payloads: readonly XmlElement[], code: number): boolean {
  const text = String(code);
  for (const payload of payloads) {
    if (payload.name !== 'x' || payload.xmlns !== NS.mucUser) continue;
    for (const child of payload.children)
      if (
        typeof child !== 'string' &&
        child.name === 'status' &&
        child.attrs['code'] === text &&
        child.xmlns === NS.mucUser
      )
        return true;
    return false;
  }
  return false;
}

/** What a moderator asks for who kicks somebody (§8.2). */
export function writeKick(nick: string, reason?: string): XmlElement {
  const reasons = reason === undefined ? [] : [el('reason', NS.mucAdmin, {}, reason)];
  return el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick, role: 'none' }, ...reasons));
}

/** `<item/>`s of a muc#admin query (§8, §9), as far as a kick needs them. */
export function readMucItems(query: XmlElement) {
  return childrenOf(query, 'item', NS.mucAdmin).map((item) => {
    const reason = childOf(item, 'reason', NS.mucAdmin);
    const { nick, role } = item.attrs;
    return {
      ...(nick === undefined ? {} : { nick }),
      ...(role === undefined ? {} : { role }),
      ...(reason ? { reason: textOf(reason) } : {}),
    };
  });
}

function oneOf<T extends string>(words: readonly T[], said: string | undefined): T | undefined {
  for (const word of words) if (word === said) return word;
  return undefined;
}

/** Reads what a room or a peer node says of an occupant; unknown words read as the least rank. */
export function readMucUser(payloads: readonly XmlElement[]): MucUser | undefined {
  const x = payloadIn(payloads, 'x', NS.mucUser);
  if (!x) return undefined;
  const item = childOf(x, 'item', NS.mucUser);
  const affiliation = oneOf(affiliations, item?.attrs['affiliation']) ?? 'none';
  const role = oneOf(roles, item?.attrs['role']) ?? 'none';
  const reason = item && childOf(item, 'reason', NS.mucUser);
  const actor = item && childOf(item, 'actor', NS.mucUser);
  const statuses: number[] = [];
  for (const status of childrenOf(x, 'status', NS.mucUser)) {
    const code = Number(status.attrs['code']);
    if (Number.isInteger(code)) statuses.push(code);
  }
  // All of them, there or not: nodes read this of every presence, and one shape is quick.
  return {
    affiliation,
    role,
    jid: item?.attrs['jid'],
    nick: item?.attrs['nick'],
    reason: reason && textOf(reason),
    actor: actor?.attrs['nick'],
    actorJid: actor?.attrs['jid'],
    destroy: childOf(x, 'destroy', NS.mucUser),
    statuses,
  };
}
