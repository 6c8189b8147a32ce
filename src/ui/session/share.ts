import { type Jid, parseJid, parseNick } from '../../core/xmpp/jid.ts';
import type { Deed, LabAct } from '../../sim/lab.ts';

/** A branch of the Lab, as a link carries it: what was done, and where it was left. */
export interface SharedBranch {
  readonly name: string;
  readonly deeds: readonly Deed[];
  /** They are done after the scenario's script. */
  readonly opened: boolean;
  /** Events of the world, and the time. */
  readonly until: { readonly events: number; readonly t: number };
  /** Lines of its trace there: another version of Netsplit may have others. */
  readonly lines: number;
}

/** What was done in the Lab, as a link carries it. */
export interface Shared {
  readonly branches: readonly SharedBranch[];
  /** Which of them is shown. */
  readonly shown: number;
  /** Of a scenario of one's own: as its file. */
  readonly scenario?: unknown;
}

const version = 1;
/** A link that unfolds to more than so many characters is refused. */
const unfoldedMax = 400_000;
const branchesMax = 20;
const deedsMax = 2_000;
const nameMax = 60;

/** @param start  of the run, in milliseconds since 1970: times are counted from it */
export async function writeShared({ branches, shown, scenario }: Shared, start: number): Promise<string> {
  const text = JSON.stringify({
    v: version,
    b: branches.map(({ name, deeds, opened, until, lines }) => ({
      n: name,
      d: deeds.map(({ after, at, act }) => [after, at - start, act]),
      u: [until.events, until.t - start, lines],
      ...(opened ? {} : { o: 0 }),
    })),
    s: shown,
    ...(scenario === undefined ? {} : { c: scenario }),
  });
  const bytes = await through(new TextEncoder().encode(text), new CompressionStream('deflate-raw'));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

/** @throws Error that says what is wrong with it */
export async function readShared(link: string, start: number): Promise<Shared> {
  const of = await unfolded(link);
  if (of?.['v'] !== version)
    throw new Error(
      typeof of?.['v'] === 'number' && of['v'] > version
        ? `This link is of version ${of['v']}, which is newer than this page: it reads version ${version}.`
        : 'This link is damaged: a part of it is missing, or it is no link of Netsplit’s.',
    );
  const list = of['b'];
  if (!Array.isArray(list) || list.length === 0 || list.length > branchesMax)
    throw new Error(`This link has no branch, or more than ${branchesMax}.`);
  const branches = list.map((one: unknown) => readBranch(one, start));
  const shown = Number(of['s']);
  return {
    branches,
    shown: Number.isInteger(shown) && branches[shown] ? shown : 0,
    ...(of['c'] === undefined ? {} : { scenario: of['c'] }),
  };
}

async function unfolded(link: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const bytes = Uint8Array.from(atob(link.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(
      await through(bytes, new DecompressionStream('deflate-raw')),
    );
    const of: unknown = JSON.parse(text);
    return typeof of === 'object' && of !== null ? (of as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

async function through(bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream) {
  const out: Uint8Array[] = [];
  let length = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > unfoldedMax) throw new RangeError('too long');
    out.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of out) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function readBranch(of: unknown, start: number): SharedBranch {
  const { n, d, u, o } = (typeof of === 'object' && of !== null ? of : {}) as Readonly<Record<string, unknown>>;
  if (!Array.isArray(d) || d.length > deedsMax || !Array.isArray(u) || !u.every(isCount))
    throw new Error(`This link is damaged: a branch of it has no acts, or more than ${deedsMax}.`);
  const [events = 0, t = 0, lines = 0] = u as readonly number[];
  return {
    name: typeof n === 'string' && n.trim() !== '' ? n.slice(0, nameMax) : 'main',
    deeds: d.map((one: unknown, i) => readDeed(one, i, start)),
    opened: o === undefined,
    until: { events, t: start + t },
    lines,
  };
}

function readDeed(of: unknown, i: number, start: number): Deed {
  const [after, ms, given] = Array.isArray(of) ? of : [];
  const act = readAct(given);
  if (!isCount(after) || !isCount(ms) || act === undefined)
    throw new Error(`This link is damaged: act ${i + 1} in it is none that there is.`);
  return { after, at: (start + ms) as Deed['at'], act };
}

/** An act from a link, which may hold anything; undefined if it is none. */
export function readAct(of: unknown): LabAct | undefined {
  if (typeof of !== 'object' || of === null) return undefined;
  const { kind, ...fields } = of as Readonly<Record<string, unknown>>;
  switch (kind) {
    case 'online':
      return { kind };
    case 'person': {
      const [who, act] = [address(fields['who']), readPersonAct(fields['act'])];
      return who && act && { kind, who, act };
    }
    case 'link': {
      const between = Array.isArray(fields['between']) ? fields['between'].flatMap((one) => address(one) ?? []) : [];
      const settings = readSettings(fields['settings']);
      const [a, b] = between;
      return a && b && settings && { kind, between: [a, b], settings };
    }
    case 'crash':
    case 'restart': {
      const node = address(fields['node']);
      return node && { kind, node };
    }
    case 'configure':
      return readConfigure(fields);
    default:
      return undefined;
  }
}

type PersonAct = Extract<LabAct, { kind: 'person' }>['act'];

function readPersonAct(of: unknown): PersonAct | undefined {
  if (typeof of !== 'object' || of === null) return undefined;
  const { act, room, text, nick, show, status, to, reason } = of as Readonly<Record<string, unknown>>;
  const isText = (one: unknown): one is string => typeof one === 'string';
  switch (act) {
    case 'join':
      return room === undefined ? { act } : address(room) && { act, room: address(room) as Jid };
    case 'leave':
    case 'accept':
    case 'decline':
      return { act };
    case 'say':
    case 'subject':
      return isText(text) ? { act, text } : undefined;
    case 'nick':
      return isText(nick) && parseNick(nick) !== undefined ? { act, nick } : undefined;
    case 'presence':
      if (!isText(show) || !(status === undefined || isText(status))) return undefined;
      return { act, show, ...(status === undefined ? {} : { status }) };
    case 'pm':
      return isText(to) && parseNick(to) !== undefined && isText(text) ? { act, to, text } : undefined;
    case 'kick':
      if (!isText(nick) || parseNick(nick) === undefined || !(reason === undefined || isText(reason))) return undefined;
      return { act, nick, ...(reason === undefined ? {} : { reason }) };
    default:
      return undefined;
  }
}

type Settings = Extract<LabAct, { kind: 'link' }>['settings'];

function readSettings(of: unknown): Settings | undefined {
  if (typeof of !== 'object' || of === null) return undefined;
  const found: { -readonly [K in keyof Settings]: Settings[K] } = {};
  for (const [name, value] of Object.entries(of)) {
    if (name === 'state' && (value === 'up' || value === 'bounce' || value === 'silent')) found.state = value;
    else if ((name === 'latencyMs' || name === 'jitterMs') && isNumber(value, 60_000)) found[name] = value;
    else if (name === 'bytesPerSecond' && isNumber(value, 1e12)) found[name] = value;
    else return undefined;
  }
  return found;
}

function readConfigure(fields: Readonly<Record<string, unknown>>): LabAct | undefined {
  const { split, distributed, list } = fields;
  const room = address(fields['room']);
  if (room === undefined || !(distributed === undefined || typeof distributed === 'boolean')) return undefined;
  const listed = list === undefined ? undefined : readList(list);
  if (list !== undefined && listed === undefined) return undefined;
  const values = split === undefined ? [] : Object.entries(split as object);
  if (!values.every(([name, value]) => /^[a-z]{1,10}$/.test(name) && /^(boolean|string)$/.test(typeof value)))
    return undefined;
  return {
    kind: 'configure',
    room,
    ...(split === undefined ? {} : { split: Object.fromEntries(values) }),
    ...(distributed === undefined ? {} : { distributed }),
    ...(listed === undefined ? {} : { list: listed }),
  };
}

function readList(of: unknown): Extract<LabAct, { kind: 'configure' }>['list'] {
  if (typeof of !== 'object' || of === null) return undefined;
  const { name, add, remove } = of as Readonly<Record<string, unknown>>;
  if (name !== 'replicas' && name !== 'peerhosts') return undefined;
  const [added, removed] = [address(add), address(remove)];
  return { name, ...(added ? { add: added } : {}), ...(removed ? { remove: removed } : {}) };
}

function address(of: unknown): Jid | undefined {
  return typeof of === 'string' ? parseJid(of) : undefined;
}

function isNumber(of: unknown, most: number): of is number {
  return typeof of === 'number' && of >= 0 && of <= most;
}

function isCount(of: unknown): of is number {
  return Number.isInteger(of) && isNumber(of, Number.MAX_SAFE_INTEGER);
}
