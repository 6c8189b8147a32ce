import type { RoomEvent } from '../../core/room/event.ts';
import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import { stanzaText } from '../../core/xmpp/stanza.ts';
import type { Checker } from '../judge.ts';
import type { Violation } from '../trace.ts';
import { nodesOf } from './nodes.ts';

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
  // Moderators by home, after each append of the primary.
  const roles = new Map<string, { readonly home: Jid | undefined; readonly moderator: boolean }>();
  const entitled: { readonly i: number; homes: ReadonlySet<Jid> }[] = [{ i: -1, homes: new Set() }];
  return {
    kept(event, { node }, _, i) {
      if (node !== primary.address || !follow(roles, event)) return;
      if (entitled.at(-1)?.i === i) entitled.pop();
      entitled.push({ i, homes: moderated(roles) });
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
        if (!room || room.occupants.some(({ home, role }) => home === undefined && role === 'moderator')) continue;
        exercised++;
        const text = JSON.stringify([room.occupants, room.history.map(({ author }) => author)]);
        const leaked = users.find((jid) => domainOf(jid) !== server && text.includes(jid));
        if (leaked) violations.push({ invariant: 'D-6', what: `${address} has no moderator and keeps ${leaked}` });
      }
      return { violations, exercised };
    },
  };
};

function moderated(
  roles: ReadonlyMap<string, { readonly home: Jid | undefined; readonly moderator: boolean }>,
): ReadonlySet<Jid> {
  const homes = new Set<Jid>();
  for (const { home, moderator } of roles.values()) if (moderator && home !== undefined) homes.add(home);
  return homes;
}

/** @returns whether the event is about somebody's being in, or their rank */
function follow(
  roles: Map<string, { readonly home: Jid | undefined; readonly moderator: boolean }>,
  event: RoomEvent,
): boolean {
  if (event.kind === 'occupantEntered' || event.kind === 'occupantChanged')
    roles.set(event.occupant.nick, { home: event.occupant.home, moderator: event.occupant.role === 'moderator' });
  else if (event.kind === 'occupantLeft') roles.delete(event.nick);
  else if (event.kind === 'nickChanged') {
    const known = roles.get(event.nick);
    roles.delete(event.nick);
    if (known) roles.set(event.newNick, known);
  } else return false;
  return true;
}
