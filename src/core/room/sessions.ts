/**
 * Several sessions of one user under one nick (XEP-0045 §7.2.8, decision #140): an occupant is a nick, and every session is
 * a full JID of the same bare JID. The occupant's own `jid`, `home` and `presence` are those of the session that is shown,
 * which is the one that sent available presence last; `sessions` has the others, the most recent first.
 */
import { bareOf, type Jid } from '../xmpp/jid.ts';
import { isLocal, type LocalOccupant, type Occupant, type Session } from './event.ts';

/** Sessions that one occupant may have. Each of them gets every broadcast. */
export const sessionsMax = 32;

/** The same occupant as this session of theirs sees it: the session is the one that is shown. */
export function asSession(occupant: Occupant, jid: Jid): Occupant {
  const session = occupant.jid === jid ? undefined : occupant.sessions?.find((one) => one.jid === jid);
  return session === undefined ? occupant : withSession(occupant, session);
}

/** A session enters, or is heard of again: from now on it is the one that is shown. */
export function withSession(occupant: Occupant, { jid, home, presence, key }: Session): Occupant {
  const { jid: _, home: __, presence: ___, sessions: ____, key: _____, ...rest } = occupant;
  const others = sessionsOf(occupant).filter((one) => one.jid !== jid);
  return {
    ...rest,
    jid,
    presence,
    ...(home === undefined ? {} : { home }),
    ...(key === undefined ? {} : { key }),
    ...(others.length === 0 ? {} : { sessions: others }),
  };
}

/** A session is gone, and the most recent of the others is shown if it was that one. @returns undefined: it was the last one */
export function withoutSession(occupant: Occupant, jid: Jid): Occupant | undefined {
  const { sessions = [], ...rest } = occupant;
  if (rest.jid !== jid) {
    const others = sessions.filter((one) => one.jid !== jid);
    return others.length === 0 ? rest : { ...rest, sessions: others };
  }
  const [next, ...others] = sessions;
  if (next === undefined) return undefined;
  const { jid: _, home: __, presence: ___, key: ____, ...same } = rest;
  return { ...same, ...next, ...(others.length === 0 ? {} : { sessions: others }) };
}

/** A user takes the nick of their own other occupant (§7.6): the two are one from now on, and have the rank of that one. */
export function joined(comes: Occupant, holder: Occupant): Occupant {
  const sessions = sessionsOf(comes);
  // After those who were there, and among themselves in the order in which they entered.
  const order = [...sessions].sort((a, b) => (a.key ?? 0) - (b.key ?? 0));
  const next = nextKey(holder);
  let one = holder;
  for (const session of sessions.toReversed())
    one = withSession(one, { ...session, key: next + order.indexOf(session) });
  return one;
}

/** The same occupant where another node, or this one, serves a session from now on; which one is shown stays as it is. */
export function withHome(occupant: Occupant, jid: Jid, home: Jid | undefined): Occupant {
  if (occupant.jid === jid) {
    const { home: _, ...rest } = occupant;
    return home === undefined ? rest : { ...rest, home };
  }
  const sessions = occupant.sessions?.map((one) => {
    if (one.jid !== jid) return one;
    const { home: _, ...rest } = one;
    return home === undefined ? rest : { ...rest, home };
  });
  return sessions === undefined ? occupant : { ...occupant, sessions };
}

/**
 * The same where a node stops serving a session and does not know who does: of several it forgets this one, and the last one
 * stays, as somebody whom another node serves.
 */
export function servedElsewhere(occupant: Occupant, jid: Jid, home: Jid): Occupant {
  const others = sessionsOf(occupant).some((one) => one.jid !== jid && one.home === undefined);
  const after = others ? withoutSession(occupant, jid) : undefined;
  if (after) return after;
  const { sessions: _, ...alone } = asSession(occupant, jid);
  return { ...alone, home };
}

/** All sessions whose JIDs this node knows; the one that is shown comes first. */
export function sessionsOf({ jid, home, presence, key, sessions = [] }: Occupant): readonly Session[] {
  if (jid === undefined) return sessions;
  const shown: Session = {
    jid,
    presence,
    ...(home === undefined ? {} : { home }),
    ...(key === undefined ? {} : { key }),
  };
  return [shown, ...sessions];
}

/** The occupant as each of those sessions sees it whom this node serves itself. */
export function localSessions(occupant: Occupant): readonly LocalOccupant[] {
  if (occupant.sessions === undefined) return isLocal(occupant) ? [occupant] : [];
  return sessionsOf(occupant)
    .map(({ jid }) => asSession(occupant, jid))
    .filter(isLocal);
}

/** The occupant as the one of their sessions that entered first, and is still in, sees it. */
export function asFirst(occupant: Occupant): Occupant {
  if (occupant.sessions === undefined) return occupant;
  const [first, ...rest] = sessionsOf(occupant);
  let earliest = first;
  for (const session of rest) if (earliest && (session.key ?? 0) < (earliest.key ?? 0)) earliest = session;
  return earliest === undefined ? occupant : { ...asSession(occupant, earliest.jid), presence: occupant.presence };
}

/** The occupant as each session sees it, wherever it is served; where no JID is known, there is one. */
export function everySession(occupant: Occupant): readonly Occupant[] {
  if (occupant.sessions === undefined) return [occupant];
  const known = sessionsOf(occupant).map(({ jid }) => asSession(occupant, jid));
  return occupant.jid === undefined ? [occupant, ...known] : known;
}

/** The JIDs of all sessions that this node knows, the one that entered first before the others. */
export function byEntry(occupant: Occupant): readonly Jid[] {
  return sessionsOf(occupant)
    .toSorted((a, b) => (a.key ?? 0) - (b.key ?? 0))
    .map(({ jid }) => jid);
}

/** Whether this node serves a session of theirs itself. */
export function isServedHere(occupant: Occupant): boolean {
  return isLocal(occupant) || occupant.sessions?.some(({ home }) => home === undefined) === true;
}

/** Whether it is one of their sessions. */
export function hasSession({ jid, sessions }: Occupant, session: Jid): boolean {
  return jid === session || sessions?.some((one) => one.jid === session) === true;
}

/** Whether this is a user's own occupant, as far as this node knows JIDs. */
export function isOf({ jid, sessions }: Occupant, user: Jid): boolean {
  const known = jid ?? sessions?.[0]?.jid;
  return known !== undefined && bareOf(known) === bareOf(user);
}

/** The number of a session that enters now: an answer finds its way back by it, and it says nothing about who it is. */
export function nextKey(occupant: Occupant): number {
  return Math.max(...sessionsOf(occupant).map(({ key = 0 }) => key)) + 1;
}

const asked = /^s(\d+)\//;

/**
 * §17.4: the answer to an iq goes back to the session that asked, so where there are several the id says which. What the user's
 * own client chose stands behind it, also if it looks like this.
 */
export function outward(asker: Occupant, id: string | undefined): string | undefined {
  const { key = 0, sessions } = asker;
  if (id === undefined || (sessions === undefined && key === 0 && !asked.test(id))) return id;
  return `s${key}/${id}`;
}

/** @returns the id that the asker's client chose, and the session whose question it was; undefined JID: it is gone */
export function inward(
  asker: Occupant & { readonly jid: Jid },
  id: string | undefined,
): readonly [id: string | undefined, session: Jid | undefined] {
  const number = id === undefined ? undefined : asked.exec(id)?.[1];
  if (id === undefined || number === undefined) return [id, asker.jid];
  const session = sessionsOf(asker).find(({ key = 0 }) => key === Number(number));
  return [id.slice(number.length + 2), session?.jid];
}
