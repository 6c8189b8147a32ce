import type { RoomEvent } from '../../core/room/event.ts';
import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import { stanzaText } from '../../core/xmpp/stanza.ts';
import { historyOf } from '../archives.ts';
import type { Checker } from '../judge.ts';
import type { Violation } from '../trace.ts';
import { nodesOf } from './nodes.ts';
import { fold, type Occupants, servedHere, sessionsOf } from './occupants.ts';

/**
 * D-6 (XEP-0282 §4.7): where JIDs are for moderators, a replica without one is sent none but its own users', and keeps
 * none. The primary's account of who is where, at the moment when it decided, is what counts.
 */
export const jidsOfReplicas: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { world, people, leaks } = given;
  const { primary, replicas } = nodesOf(given);
  if (!world || !primary || primary.rooms.some(({ whois }) => whois === 'anyone'))
    return { verdict: () => ({ violations, exercised }) };
  const served = new Map<Jid, (user: Jid) => boolean>(
    replicas.map(({ address, server }) => [address, (user) => domainOf(user) === server]),
  );
  // Where there are moderators, after each append of the primary.
  const occupants: Occupants = new Map();
  const entitled: { readonly i: number; homes: ReadonlySet<Jid> }[] = [{ i: -1, homes: new Set() }];
  return {
    kept(event, { node }, _, i) {
      if (node !== primary.address || !follows.has(event.kind)) return;
      fold(occupants, event);
      if (entitled.at(-1)?.i === i) entitled.pop();
      entitled.push({ i, homes: moderated(occupants) });
    },
    sent({ by, stanza, cause }, i) {
      if (by !== primary.address || cause === undefined) return;
      const to = bareOf(stanza.to);
      const own = served.get(to);
      if (own === undefined) return;
      exercised++;
      const [leaked] = leaks(stanza, own);
      if (leaked === undefined) return;
      // From the state before the step that sent it, for the last moderator's own leave names JIDs still, to this moment.
      let k = entitled.length - 1;
      while (k > 0 && (entitled[k] as { i: number }).i >= cause) k--;
      if (entitled.slice(k).some(({ homes }) => homes.has(to))) return;
      const what = `${to} has no moderator and is told ${leaked}: ${stanzaText(stanza)}`;
      violations.push({ invariant: 'D-6', what, at: i });
    },
    verdict() {
      const users = people.map(({ jid }) => bareOf(jid));
      for (const { address, server } of replicas) {
        const seat = world.seats.get(address);
        const room = seat?.node.snapshot().rooms[0];
        if (!room || room.occupants.some((one) => one.role === 'moderator' && servedHere(one).length > 0)) continue;
        exercised++;
        const text = JSON.stringify([room.occupants, (seat ? historyOf(seat, room) : []).map(({ author }) => author)]);
        const leaked = users.find((jid) => domainOf(jid) !== server && text.includes(jid));
        if (leaked) violations.push({ invariant: 'D-6', what: `${address} has no moderator and keeps ${leaked}` });
      }
      return { violations, exercised };
    },
  };
};

/** What is about somebody's being in, or their rank. */
const follows: ReadonlySet<RoomEvent['kind']> = new Set([
  'occupantEntered',
  'occupantChanged',
  'occupantLeft',
  'nickChanged',
]);

/** The nodes behind which a session of a moderator is. */
function moderated(occupants: Occupants): ReadonlySet<Jid> {
  const homes = new Set<Jid>();
  for (const occupant of occupants.values())
    if (occupant.role === 'moderator')
      for (const { home } of sessionsOf(occupant)) if (home !== undefined) homes.add(home);
  return homes;
}
