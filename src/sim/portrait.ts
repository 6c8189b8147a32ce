import { defaultLimits } from '../core/room/limits.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Aftermath } from './aftermath.ts';
import { historyOf } from './archives.ts';
import { servedHere, sessionsOf } from './checkers/occupants.ts';
import { isFederated, isPlural, type Plan } from './plan.ts';
import type { Seat } from './seat.ts';

/** What every honest node holds that others or the future depend on, as text. */
export function portraitOf(plan: Plan, seats: ReadonlyMap<Jid, Seat>, users: Aftermath['users']): Map<Jid, string> {
  const portraits = new Map<Jid, string>();
  // A hostile node decides whether its users are in, and what they said. In an FMUC set it may also take nicks that are free
  // for a moment, as they are while all links are set up again.
  const theirs = new Set(plan.people.filter(({ hostile }) => hostile === 'node').map(({ jid }) => jid));
  const honest = (user: Jid | undefined) => user === undefined || !theirs.has(user);
  // A user whose leave was lost stays until the room writes to them, and the repetition makes it write.
  const counts = (user: Jid | undefined) => honest(user) && (user === undefined || users.get(user)?.online !== false);
  // Not every node knows whose nick it is.
  const strangers = new Set<string>();
  for (const { node } of seats.values())
    for (const { occupants } of node.snapshot().rooms)
      for (const occupant of occupants) {
        const known = sessionsOf(occupant);
        if (known.length > 0 && !known.some(({ jid }) => counts(jid))) strangers.add(occupant.nick);
      }
  for (const [address, seat] of seats) {
    if (address === plan.hostileNode) continue;
    const hasFew = fewAtHand(seat);
    const shown = new Map(
      theirs.size > 0 ? [] : seat.node.status().rooms.map(({ room, historyLength }) => [room, historyLength]),
    );
    const rooms = seat.node
      .snapshot()
      .rooms.map((image) => ({ ...image, history: historyOf(seat, image) }))
      .map((room) => ({
        room: room.room,
        subject: room.subject?.text ?? '',
        affiliations: [...room.affiliations].map(([user, affiliation]) => `${user} ${affiliation}`).sort(),
        // Nicks and rank; who is behind which node may be known here and not there, and what another FMUC node claims of
        // its own users is its word.
        occupants: (theirs.size > 0 && isPlural(plan.mode) ? [] : room.occupants)
          .filter(({ nick }) => !strangers.has(nick))
          .map((occupant) => {
            const { nick, affiliation, role, home } = occupant;
            if (home !== undefined && isFederated(plan.mode)) return nick;
            return `${nick} ${affiliation} ${role} ${servedHere(occupant).filter(counts).sort().join(' ')}`;
          })
          .sort(),
        // As much as the room shows: beyond that, a replica keeps what it happened to hear. Where hostile people's messages
        // push others out of that part, the whole history of the deciding node is compared instead.
        history: room.history
          .slice(
            theirs.size === 0 && !hasFew
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

/** A room that has hardly more at hand than it shows may show less after a start, where changes of the subject take the place. */
function fewAtHand({ config }: Seat): boolean {
  const [room] = config.kind === 'service' ? config.rooms : [config.room];
  return room?.atHandLimits !== undefined && room.atHandLimits.count < defaultLimits.count;
}
