import type { Jid } from '../core/xmpp/jid.ts';
import type { Aftermath } from './aftermath.ts';
import type { Plan } from './plan.ts';
import type { Seat } from './seat.ts';

/** What every honest node holds that others or the future depend on, as text. */
export function portraitOf(plan: Plan, seats: ReadonlyMap<Jid, Seat>, users: Aftermath['users']): Map<Jid, string> {
  const portraits = new Map<Jid, string>();
  // Whom a hostile node serves is in or not as it likes, and said what it likes. In an FMUC set it has a node in the set for
  // its users, and takes nicks that are free for a moment, as they are when all links are begun anew.
  const theirs = new Set(plan.people.filter(({ hostile }) => hostile === 'node').map(({ jid }) => jid));
  const honest = (user: Jid | undefined) => user === undefined || !theirs.has(user);
  // Who is gone and could not say so stays until the room writes to them, and that the repetition does.
  const counts = (user: Jid | undefined) => honest(user) && (user === undefined || users.get(user)?.online !== false);
  // Not every node knows whose a nick is.
  const strangers = new Set<string>();
  for (const { node } of seats.values())
    for (const { occupants } of node.snapshot().rooms)
      for (const { nick, jid } of occupants) if (!counts(jid)) strangers.add(nick);
  for (const [address, seat] of seats) {
    if (address === plan.hostileNode) continue;
    const shown = new Map(
      theirs.size > 0 ? [] : seat.node.status().rooms.map(({ room, historyLength }) => [room, historyLength]),
    );
    const rooms = seat.node.snapshot().rooms.map((room) => ({
      room: room.room,
      subject: room.subject?.text ?? '',
      affiliations: [...room.affiliations].map(([user, affiliation]) => `${user} ${affiliation}`).sort(),
      // Nicks and rank; who is behind which node may be known here and not there, and what another FMUC node claims of
      // its own users is its word.
      occupants: (theirs.size > 0 && plan.mode === '0289pp' ? [] : room.occupants)
        .filter(({ nick }) => !strangers.has(nick))
        .map(({ nick, affiliation, role, home }) =>
          home !== undefined && plan.mode === '0289pp' ? nick : `${nick} ${affiliation} ${role}`,
        )
        .sort(),
      // As much as the room shows: beyond that a replica keeps what it happened to hear. What hostile people said meanwhile
      // pushes others' words out of that, so then it is what the deciding node keeps.
      history: room.history
        .slice(
          theirs.size === 0
            ? room.history.length - (shown.get(room.room) ?? 0)
            : seat.room === undefined
              ? 0
              : room.history.length,
        )
        .filter(({ author }) => honest(author))
        .map(({ by, id }) => `${by} ${id}`),
    }));
    portraits.set(address, JSON.stringify(rooms));
  }
  return portraits;
}
