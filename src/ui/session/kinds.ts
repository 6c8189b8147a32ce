import type { SplitStatus } from '../../core/distribution/protocol.ts';
import { bareOf, type Jid, parseJid, parseNick, partsOf } from '../../core/xmpp/jid.ts';

/** What there is, for an act to name. */
export interface Known {
  /** Full JIDs. */
  readonly people: readonly string[];
  /** Bare JIDs of accounts with which this page logs in somebody new. */
  readonly guests: readonly string[];
  readonly nodes: readonly string[];
  readonly servers: readonly string[];
  readonly rooms: readonly string[];
}

/** What the field of an act may hold. */
export interface Kind<T> {
  /** As it goes on after "has to be". */
  readonly is: string;
  fits(value: unknown): value is T;
  /** Why a value that fits means nothing here; undefined if it does mean something. */
  unknown?(value: T, known: Known): string | undefined;
}

export type ValueOf<K> = K extends Kind<infer T> ? T : never;

const isText = (value: unknown): value is string => typeof value === 'string';

export const text: Kind<string> = { is: 'text', fits: isText };

export const flag: Kind<boolean> = {
  is: '`true` or `false`',
  fits: (value): value is boolean => typeof value === 'boolean',
};

export const nick: Kind<string> = {
  is: 'a nick (RFC 8266)',
  fits: (value): value is string => isText(value) && parseNick(value) !== undefined,
};

export function number(is: string, max: number): Kind<number> {
  return {
    is: `${is}, from 0 to ${max}`,
    fits: (value): value is number => typeof value === 'number' && value >= 0 && value <= max,
  };
}

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  const quoted = values.map((value) => `\`${JSON.stringify(value)}\``);
  return {
    is: `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`,
    fits: (value): value is T => values.some((one) => one === value),
  };
}

/** An address of one of the things that there are. */
function named(is: string, what: string, list: (known: Known) => readonly string[]): Kind<string> {
  return {
    is,
    fits: isText,
    unknown: (value, known) => (list(known).includes(value) ? undefined : missing(`${what} ${value}`, list(known))),
  };
}

export const node = named('the address of a node', 'node', ({ nodes }) => nodes);
export const server = named('the domain of a server', 'server', ({ servers }) => servers);
export const room = named('the address of a room', 'room', ({ rooms }) => rooms);

export const person: Kind<string> = {
  is: 'the full JID of a person, or of a further device of theirs; of a guest the bare JID',
  fits: isText,
  unknown: (value, { people, guests }) =>
    people.includes(value) || guests.includes(value) ? undefined : missing(`person ${value}`, people),
};

/** Another resource of somebody's account is a further device. */
export const entering: Kind<string> = {
  ...person,
  unknown: (value, known) => {
    const jid = parseJid(value);
    const isDevice =
      jid === value && bareOf(jid) !== jid && known.people.some((one) => bareOf(one as Jid) === bareOf(jid));
    return isDevice ? undefined : person.unknown?.(value, known);
  },
};

/** It may be one that nobody has made yet. */
export const anyRoom: Kind<string> = {
  is: room.is,
  fits: (value): value is string => {
    const jid = isText(value) ? parseJid(value) : undefined;
    return jid !== undefined && jid === value && jid === bareOf(jid) && partsOf(jid).local !== '';
  },
};

export const link: Kind<readonly [string, string]> = {
  is: 'the domains of two servers, as `["a.lit", "b.lit"]`',
  fits: (value): value is readonly [string, string] =>
    Array.isArray(value) && value.length === 2 && value.every(isText) && value[0] !== value[1],
  unknown: ([a, b], { servers }) => {
    if (servers.includes(a) && servers.includes(b)) return undefined;
    const links = servers.flatMap((one, i) => servers.slice(i + 1).map((other) => `${one} – ${other}`));
    return missing(`link ${a} – ${b}`, links);
  },
};

const splitFields: { readonly [F in keyof SplitStatus]: Kind<SplitStatus[F]> } = {
  policy: oneOf('freeze', 'local'),
  chat: flag,
  pm: flag,
  entry: flag,
  kick: flag,
  away: flag,
};

export const split: Kind<Partial<SplitStatus>> = {
  is: 'some of `policy` (`"freeze"` or `"local"`), `chat`, `pm`, `entry`, `kick` and `away` (`true` or `false`)',
  fits: (value): value is Partial<SplitStatus> =>
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length > 0 &&
    Object.entries(value).every(
      ([name, one]) => Object.hasOwn(splitFields, name) && splitFields[name as keyof SplitStatus].fits(one),
    ),
};

const listMax = 8;

/** A value that somebody gave, short enough to be repeated. */
export function shown(value: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch {
    // A circle, or a number that JSON does not have.
  }
  json ??= String(value);
  return json.length > 80 ? `${json.slice(0, 79)}…` : json;
}

/** The items, as many as one can read. */
function listed(items: readonly string[]): string {
  if (items.length === 0) return 'none';
  const more = items.length > listMax ? ` and ${items.length - listMax} more` : '';
  return `${items.slice(0, listMax).join(', ')}${more}`;
}

function missing(what: string, there: readonly string[]): string {
  return `there is no ${what}; there is ${listed(there)}`;
}
