import { ownText, utf8Length } from './xml.ts';

/** A prepared JID (RFC 7622): prepared once at the edge, then compared with `===`. */
export type Jid = string & { readonly _jid: unique symbol };

export interface JidParts {
  readonly local: string;
  readonly domain: Jid;
  readonly resource: string;
  /** The address without its resource. */
  readonly bare: Jid;
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
  const fresh = prepare(text);
  if (fresh === undefined) return undefined;
  // It is kept, and what the text was cut from is not.
  const jid = ownText(fresh);
  remember(text === jid ? jid : ownText(text), jid);
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
  return name.split('.').every(isLabel) && name.normalize('NFKC') === name ? name : undefined;
}

function isLabel(text: string): boolean {
  if (text.length > 63) return false;
  // Most are of ASCII, and the classes below take 20 ms to compile, in each worker of a page.
  return asciiLabel.test(text) || (domainLabel.test(text) && !neverValid.test(text));
}

const asciiLabel = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const domainLabel =
  /^[\p{Ll}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}](?:[\p{Ll}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}-]*[\p{Ll}\p{Lo}\p{Nd}\p{Lm}\p{Mn}\p{Mc}])?$/u;

/** Fullwidth and halfwidth forms to their decompositions (RFC 8265 §3.3.2 rule 1). */
function mapWidth(text: string): string {
  return text.replace(/[\uff01-\uffee]/g, (c) => c.normalize('NFKC'));
}

export function partsOf(jid: Jid): JidParts {
  const known = parts.get(jid);
  if (known !== undefined) return known;
  const slash = jid.indexOf('/');
  const bare = slash < 0 ? jid : (jid.slice(0, slash) as Jid);
  const at = bare.indexOf('@');
  const taken: JidParts = {
    local: at < 0 ? '' : bare.slice(0, at),
    domain: bare.slice(at + 1) as Jid,
    resource: slash < 0 ? '' : jid.slice(slash + 1),
    bare,
  };
  if (parts.size >= partsMax) parts.clear();
  parts.set(jid, taken);
  return taken;
}

// Every stanza is looked at by the parts of its addresses, several times and at every hop: a bounded memo, as above.
const parts = new Map<Jid, JidParts>();
const partsMax = 4096;

/** The address without its resource. */
export function bareOf(jid: Jid): Jid {
  return partsOf(jid).bare;
}

export function domainOf(jid: Jid): Jid {
  return partsOf(jid).domain;
}

/** The resourcepart; in a room's occupant JID, the nick. Empty if there is none. */
export function resourceOf(jid: Jid): string {
  return partsOf(jid).resource;
}

/** The occupant JID `room@service/nick` (XEP-0045 §4.1). The nick was a prepared resource before. */
export function occupantJid(room: Jid, nick: string): Jid {
  let ofRoom = occupants.get(room);
  let known = ofRoom?.get(nick);
  if (known !== undefined) return known;
  known = `${room}/${nick}` as Jid;
  if (occupantsCount >= occupantsMax) {
    occupants.clear();
    occupantsCount = 0;
    ofRoom = undefined;
  }
  occupantsCount++;
  if (ofRoom === undefined) occupants.set(room, new Map([[nick, known]]));
  else ofRoom.set(nick, known);
  return known;
}

// Everything that a room sends is from one of these, and everybody who gets it looks it up: a bounded memo, as for preparing.
const occupants = new Map<Jid, Map<string, Jid>>();
let occupantsCount = 0;
const occupantsMax = 4096;

/** A nick prepared as a resourcepart; undefined if it may be none. */
export function parseNick(text: string): string | undefined {
  return prepareResource(text);
}
