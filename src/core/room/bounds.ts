/** How much a room keeps beside its messages, whoever makes it do so: decision #220. */
import type { Jid } from '../xmpp/jid.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { Occupant } from './event.ts';
import { type Refusal, refusal } from './refusal.ts';
import { bytesOf } from './size.ts';

/** Who is in a room. */
export interface Inside {
  readonly occupants: ReadonlyMap<string, Occupant>;
}

/** Who is on a room's lists. */
export interface Listed {
  readonly affiliations: ReadonlyMap<Jid, unknown>;
  readonly reservedNicks: ReadonlyMap<Jid, unknown>;
}

const spec = 'decision#220';

/** A presence of so many bytes is always taken: an avatar's hash, capabilities and a line of text are a tenth of it. */
const smallPresence = 8 * 1024;
/** Bytes of all presences in a room, beyond which it takes none that is larger. */
export const presencesMax = 16 * 1024 * 1024;
/** Users on the lists of one room, and nicks that are theirs. */
export const listsMax = 10_000;
/** Users who were here, whose occupant ids are known. */
export const occupantIdsMax = 20_000;

/** Why a room takes no such presences, of one nick's sessions, from one who is in or enters; undefined: it does. */
export function tooManyPresences(
  { occupants }: Inside,
  nick: string,
  ...presences: readonly (readonly XmlElement[])[]
): Refusal | undefined {
  const bytes = presences.reduce((sum, payloads) => sum + bytesOf(payloads), 0);
  if (bytes <= smallPresence) return undefined;
  let all = bytes;
  for (const other of occupants.values()) if (other.nick !== nick) all += presenceBytes(other);
  if (all <= presencesMax) return undefined;
  return refusal('wait', 'resource-constraint', spec, `a presence here may be ${smallPresence} bytes long now`);
}

function presenceBytes({ presence, sessions = [] }: Occupant): number {
  return sessions.reduce((sum, session) => sum + bytesOf(session.presence), bytesOf(presence));
}

/** Why the lists of a room take none of these users who are on none; undefined: they do. */
export function listsAreFull({ affiliations, reservedNicks }: Listed, users: readonly Jid[]): Refusal | undefined {
  const more = new Set(users.filter((user) => !affiliations.has(user))).size;
  const held = Math.max(affiliations.size, reservedNicks.size);
  if (more === 0 || held + more <= listsMax) return undefined;
  return refusal('wait', 'resource-constraint', spec, `a room has at most ${listsMax} users on its lists`);
}

/** The ids without those of users who were here first and are not in, if they are too many. */
export function boundedIds(
  ids: ReadonlyMap<Jid, string>,
  present: () => ReadonlySet<Jid>,
): readonly (readonly [Jid, string])[] | undefined {
  // A quarter at a time: looking at all of them for each user would cost their number every time.
  if (ids.size <= occupantIdsMax * 1.25) return undefined;
  let surplus = ids.size - occupantIdsMax;
  const inside = present();
  return [...ids].filter(([user]) => surplus <= 0 || inside.has(user) || surplus-- <= 0);
}
