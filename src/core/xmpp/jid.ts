import { utf8Length } from './xml.ts';

/** A prepared JID (RFC 7622): prepared once at the edge, then compared with `===`. */
export type Jid = string & { readonly _jid: unique symbol };

export interface JidParts {
  readonly local: string;
  readonly domain: string;
  readonly resource: string;
}

/**
 * Prepares a JID as RFC 7622 asks: the localpart by the PRECIS profile UsernameCaseMapped, the resourcepart by
 * OpaqueString, the domainpart as lower-case labels; each at most 1,023 bytes.
 *
 * No maintained PRECIS library exists for JavaScript, so the two profiles are written here over the engine's own
 * Unicode tables (`\p{…}` and `normalize`). Left out, and said: the Bidi rule of RFC 5893 (the engine has no
 * bidi classes) and the contextual rules for the few CONTEXTO code points, which are refused instead.
 *
 * @returns undefined if the text is no JID; the caller answers `jid-malformed`
 */
export function parseJid(text: string): Jid | undefined {
  const known = prepared.get(text);
  if (known !== undefined) return known;
  // What is absent reads as nothing, and that is no address.
  if (text === '') return undefined;
  const jid = prepare(text);
  if (jid !== undefined) remember(text, jid);
  return jid;
}

/**
 * A JID that this code base wrote itself (a constant, a test).
 *
 * @throws RangeError if it is malformed
 */
export function jid(text: string): Jid {
  const result = parseJid(text);
  if (result === undefined) throw new RangeError(`not a JID: ${JSON.stringify(text)}`);
  return result;
}

// Preparing costs some microseconds and a room sees the same few addresses all the time: a bounded memo of what the
// pure function returned. Cleared rather than aged: simple, and no order to keep.
const prepared = new Map<string, Jid>();
const preparedMax = 4096;
function remember(text: string, jid: Jid): void {
  if (prepared.size >= preparedMax) prepared.clear();
  prepared.set(text, jid);
}

function prepare(text: string): Jid | undefined {
  if (text.length > 3 * 1023 + 2) return undefined;
  // RFC 7622 §3.2: the first '/' ends the address proper, then the first '@' before it ends the localpart.
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const at = address.indexOf('@');
  const domain = prepareDomain(address.slice(at + 1));
  if (domain === undefined) return undefined;
  const local = at < 0 ? '' : prepareLocal(address.slice(0, at));
  const resource = slash < 0 ? '' : prepareResource(text.slice(slash + 1));
  if (local === undefined || resource === undefined) return undefined;
  return makeJid(local, domain, resource);
}

function makeJid(local: string, domain: string, resource: string): Jid {
  return `${local === '' ? '' : `${local}@`}${domain}${resource === '' ? '' : `/${resource}`}` as Jid;
}

function fits(part: string): boolean {
  const bytes = utf8Length(part);
  return bytes > 0 && bytes <= 1023;
}

// RFC 8264 §9: never valid, in either string class. Unassigned, surrogates, private use, controls,
// default-ignorable code points (ZWJ, bidi overrides, …), old Hangul jamo, noncharacters.
const neverValid =
  /[\p{Cn}\p{Cs}\p{Co}\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]/u;
// RFC 8264 §4.2 IdentifierClass: letters, digits, marks, and printable ASCII.
const identifier = /^[\p{Ll}\p{Lu}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}\u0021-\u007e]+$/u;
// RFC 7622 §3.3.1: characters a localpart may not hold.
const localForbidden = /["&'/:<>@]/;

/** RFC 7622 §3.3, UsernameCaseMapped (RFC 8265 §3.3): width and case mapping, then NFC. */
function prepareLocal(text: string): string | undefined {
  if (/^[a-z0-9._-]+$/.test(text)) return text.length <= 1023 ? text : undefined;
  const mapped = mapWidth(text).toLowerCase().normalize('NFC');
  if (!fits(mapped) || localForbidden.test(mapped) || neverValid.test(mapped) || !identifier.test(mapped))
    return undefined;
  // HasCompat (RFC 8264 §9.17): a character with a compatibility form is no identifier.
  if (mapped.normalize('NFKC') !== mapped) return undefined;
  return mapped;
}

/** RFC 7622 §3.4, OpaqueString (RFC 8265 §4.2): other spaces become U+0020, NFC, case kept. */
function prepareResource(text: string): string | undefined {
  if (/^[\x21-\x7e]+$/.test(text)) return text.length <= 1023 ? text : undefined;
  const mapped = text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
  // A nick of spaces alone cannot be seen (XEP-0045 §17.1.1 wants such nicks refused).
  if (!fits(mapped) || neverValid.test(mapped) || mapped.trim() === '') return undefined;
  return mapped;
}

/** RFC 7622 §3.2: IP literal, or labels of letters, digits and inner hyphens; a trailing dot is dropped. */
function prepareDomain(text: string): string | undefined {
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase().normalize('NFC');
  if (!fits(name)) return undefined;
  if (/^\[[0-9a-f:.]{2,45}\]$/.test(name)) return name;
  return name.split('.').every((label) => label.length <= 63 && domainLabel.test(label) && !neverValid.test(label)) &&
    name.normalize('NFKC') === name
    ? name
    : undefined;
}
const domainLabel =
  /^[\p{Ll}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}](?:[\p{Ll}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}-]*[\p{Ll}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}])?$/u;

/** Fullwidth and halfwidth forms to their decompositions (RFC 8265 §3.3.2 rule 1). */
function mapWidth(text: string): string {
  return text.replace(/[\uff01-\uffee]/g, (c) => c.normalize('NFKC'));
}

export function partsOf(jid: Jid): JidParts {
  const slash = jid.indexOf('/');
  const address = slash < 0 ? jid : jid.slice(0, slash);
  const at = address.indexOf('@');
  return {
    local: at < 0 ? '' : address.slice(0, at),
    domain: address.slice(at + 1),
    resource: slash < 0 ? '' : jid.slice(slash + 1),
  };
}

/** The address without its resource. */
export function bareOf(jid: Jid): Jid {
  const slash = jid.indexOf('/');
  return slash < 0 ? jid : (jid.slice(0, slash) as Jid);
}

export function domainOf(jid: Jid): Jid {
  const slash = jid.indexOf('/');
  const at = jid.indexOf('@');
  const start = at >= 0 && (slash < 0 || at < slash) ? at + 1 : 0;
  return (slash < 0 ? jid.slice(start) : jid.slice(start, slash)) as Jid;
}

/** `bareOf(jid) === bare`, asked of every stanza: so no string is made only to be compared. */
export function isUnder(jid: Jid, bare: Jid): boolean {
  if (jid.length === bare.length) return jid === bare;
  return jid.charCodeAt(bare.length) === slashCode && jid.startsWith(bare);
}

/** `domainOf(jid) === domain`, in the same way. In a prepared JID the only '@' before the resource ends the localpart. */
export function isOfDomain(jid: Jid, domain: Jid): boolean {
  const slash = jid.indexOf('/');
  const start = (slash < 0 ? jid.length : slash) - domain.length;
  if (start < 0 || !jid.startsWith(domain, start)) return false;
  return start === 0 || jid.charCodeAt(start - 1) === atCode;
}

const slashCode = '/'.charCodeAt(0);
const atCode = '@'.charCodeAt(0);

/** The resourcepart; in a room's occupant JID, the nick. Empty if there is none. */
export function resourceOf(jid: Jid): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? '' : jid.slice(slash + 1);
}

/** The occupant JID `room@service/nick` (XEP-0045 §4.1). The nick was a prepared resource before. */
export function occupantJid(room: Jid, nick: string): Jid {
  return `${room}/${nick}` as Jid;
}

/** A nick prepared as a resourcepart; undefined if it may be none. */
export function parseNick(text: string): string | undefined {
  return prepareResource(text);
}
