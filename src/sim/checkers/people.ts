import { bareOf, domainOf, type Jid, resourceOf } from '../../core/xmpp/jid.ts';
import type { Aftermath } from '../aftermath.ts';
import type { Checker, Place } from '../judge.ts';
import type { Violation } from '../trace.ts';
import { isOut, lost } from '../view.ts';
import { servedHere, sessionsOf, userOf } from './occupants.ts';

/** Rooms of all honest nodes, as they are now. */
function rooms({ seats, plan }: Aftermath) {
  return [...seats.values()]
    .filter(({ config }) => config.address !== plan.hostileNode)
    .flatMap((seat) => seat.node.status().rooms.map((room) => ({ seat, room })));
}

/** G10: at each node a nick is one person's at every moment, and at the end the same person's everywhere. */
export const nicks: Checker = ({ contested, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const held = new Map<Place, Set<string>>();
  const takenAt = (place: Place) => {
    const known = held.get(place) ?? new Set();
    held.set(place, known);
    return known;
  };
  const give = (taken: Set<string>, nick: string, { node }: Place, at: number) => {
    exercised++;
    if (taken.has(nick)) violations.push({ invariant: 'G10', what: `at ${node} ${nick} is given twice`, at });
    taken.add(nick);
  };
  return {
    other(record) {
      // It knows of nobody any more.
      if (record.kind === 'forgotten')
        for (const place of held.keys()) if (place.node === record.node) held.delete(place);
    },
    kept(event, place, _, i) {
      if (place.node === world?.plan.hostileNode) return;
      switch (event.kind) {
        case 'stateReplaced': {
          exercised++;
          const all = new Set(event.occupants.map(({ nick }) => nick));
          held.set(place, all);
          if (all.size < event.occupants.length)
            violations.push({ invariant: 'G10', what: `at ${place.node} a nick is given twice at once`, at: i });
          return;
        }
        case 'occupantLeft':
          takenAt(place).delete(event.nick);
          return;
        case 'nickChanged': {
          const taken = takenAt(place);
          // Of nobody: a replica keeps up with the nick of one who left it, of which the primary is yet to hear.
          if (!taken.delete(event.nick)) return;
          // They may take the nick of another session of theirs; not every node knows whose sessions these are.
          const users = [event.nick, event.newNick].map((nick) => userOf(place.occupants.get(nick)));
          const unlike = !users.includes(undefined) && users[0] !== users[1];
          if (unlike || !place.occupants.has(event.newNick)) give(taken, event.newNick, place, i);
          return;
        }
        case 'occupantEntered':
          give(takenAt(place), event.occupant.nick, place, i);
          return;
        case 'occupantChanged': {
          const users = new Set(sessionsOf(event.occupant).map(({ jid }) => bareOf(jid)));
          if (users.size > 1)
            violations.push({
              invariant: 'G10',
              what: `at ${place.node} several people are ${event.occupant.nick}`,
              at: i,
            });
        }
      }
    },
    verdict() {
      if (world) exercised += samePersonEverywhere(world, contested, violations);
      return { violations, exercised };
    },
  };
};

/** @returns how many people were looked at */
function samePersonEverywhere(world: Aftermath, contested: ReadonlySet<Jid>, violations: Violation[]): number {
  let exercised = 0;
  const nodes = rooms(world).filter(
    ({ room }) => room.role !== 'fmuc' || (room.occupants.length > 0 && room.peers.length > 0),
  );
  // A node need not know who a remote occupant is, but each serves its own.
  const its = world.plan.mode === '0281' ? world.plan.hostileNode : undefined;
  const known = new Map<string, { readonly user: Jid; readonly at: Jid }>();
  for (const { seat, room } of nodes) {
    const at = seat.config.address;
    for (const { nick, jid, home } of room.occupants) {
      // Where they are not shown, their nick is free.
      if (jid === undefined || contested.has(bareOf(jid as Jid)) || domainOf((home ?? room.room) as Jid) === its)
        continue;
      exercised++;
      const user = bareOf(jid as Jid);
      const there = known.get(nick) ?? { user, at };
      known.set(nick, there);
      if (there.user !== user)
        violations.push({ invariant: 'G10', what: `${nick} is ${user} at ${at} and ${there.user} at ${there.at}` });
    }
  }
  return exercised;
}

/** G11: at the end all nodes have the same people, and each client sees whom its node has. */
export const rosters: Checker = ({ trace, views, contested, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  // Of each client: who is shown, with the moment in which their last presence was sent, since the last answer to a join.
  const shown = new Map(views.map((view) => [view, { people: new Map<Jid, number>(), since: 0 }]));
  return {
    got(seen) {
      const { i, view, ofRoom, sent, stanza } = seen;
      if (!ofRoom || i < view.born || stanza.name !== 'presence' || stanza.type === 'error') return;
      const client = shown.get(view);
      if (client === undefined) return;
      const t = trace[sent]?.t ?? 0;
      if (view.entries.has(i)) {
        client.since = sent;
        // The answer to a join says who is here: nobody else is, whatever was heard before (XEP-0045 §7.2.2).
        for (const [other, then] of client.people) if (then < t) client.people.delete(other);
      }
      if (stanza.type === undefined) client.people.set(stanza.from, t);
      else client.people.delete(stanza.from);
      if (isOut(seen)) client.people.clear();
    },
    verdict() {
      if (!world) return { violations, exercised };
      const nodes = rooms(world);
      // Where a contested user is shown, nobody else has their nick, and where they are not, somebody may.
      const but = new Set<string>();
      for (const { room } of nodes)
        for (const { nick, jid } of room.occupants)
          if (jid !== undefined && contested.has(bareOf(jid as Jid))) but.add(nick);
      // A node whose users all are refused elsewhere is alone, too.
      const linked = nodes.filter(
        ({ room }) => !isAlone(room, world) && (contested.size === 0 || names(room, but) !== ''),
      );
      // A hostile instance of XEP-0281 may name its users to one and not to another.
      const its = world.plan.mode === '0281' ? world.plan.hostileNode : undefined;
      const [reference] = linked;
      for (const { seat, room } of linked) {
        exercised++;
        const [here, there] = [names(room, but, its), names(reference?.room ?? room, but, its)];
        if (here !== there)
          violations.push({
            invariant: 'G11',
            what: `${seat.config.address} has ${here}; ${reference?.seat.config.address} has ${there}`,
          });
      }
      for (const [view, { people, since }] of shown) {
        const { jid, room: roomJid } = view.person;
        const user = world.users.get(jid);
        if (user?.half.state().phase !== 'joined' || !user.online) continue;
        const node = nodes.find(({ seat, room }) => room.room === roomJid && servedAt(seat).has(jid));
        // Nobody can promise this to users whose only way to their node is a link that loses things.
        const unsure = lost(trace, view, Math.min(since, view.born), ({ name }) => name === 'presence');
        const asks = view.unheard.some((hole) => hole > view.born);
        if (unsure || asks || (node === undefined && !served(world, jid))) continue;
        if (node !== undefined && node.seat.config.server !== domainOf(jid) && world.everLost(jid)) continue;
        exercised++;
        const there = node === undefined ? '' : names(node.room);
        const here = [...people.keys()].map(resourceOf).sort().join(' ');
        if (here !== there) violations.push({ invariant: 'G11', what: `${jid} sees ${here}; the room has ${there}` });
      }
      return { violations, exercised };
    },
  };
};

type Room = ReturnType<typeof rooms>[number]['room'];

/** @param but  users of whom nothing is said @param butOf  nor is it of those of this node */
function names({ occupants }: Room, but: ReadonlySet<string> = new Set(), butOf?: Jid): string {
  return occupants
    .filter(({ nick }) => !but.has(nick))
    .filter(({ home }) => home === undefined || domainOf(home as Jid) !== butOf)
    .map(({ nick }) => nick)
    .sort()
    .join(' ');
}

/** A FMUC node without users is out of the set; so is the one that nobody joined. */
function isAlone({ role, occupants, peers }: Room, { plan }: Aftermath): boolean {
  return (
    role === 'fmuc' && (occupants.length === 0 || peers.every(({ peer }) => domainOf(peer as Jid) === plan.hostileNode))
  );
}

/** Sessions that a node serves itself. */
function servedAt({ node }: ReturnType<typeof rooms>[number]['seat']): ReadonlySet<Jid> {
  return new Set(node.snapshot().rooms.flatMap(({ occupants }) => occupants.flatMap(servedHere)));
}

/** Whether an honest node stands on the user's own server. */
function served(world: Aftermath, jid: Jid): boolean {
  return [...world.seats.values()].some(({ config }) => config.server === domainOf(jid));
}
