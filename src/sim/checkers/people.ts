import { domainOf, type Jid, resourceOf } from '../../core/xmpp/jid.ts';
import { type Aftermath, type Evidence, isOut, lost } from '../evidence.ts';
import type { Checker, Place } from '../judge.ts';
import type { Verdict, Violation } from '../trace.ts';

/** Rooms of all honest nodes, as they are now. */
function rooms({ seats, plan }: Aftermath) {
  return [...seats.values()]
    .filter(({ config }) => config.address !== plan.hostileNode)
    .flatMap((seat) => seat.node.status().rooms.map((room) => ({ seat, room })));
}

/** G10: at each node a nick is one person's at every moment, and at the end the same person's everywhere. */
export const nicks: Checker = ({ world }) => {
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
          taken.delete(event.nick);
          give(taken, event.newNick, place, i);
          return;
        }
        case 'occupantEntered':
          give(takenAt(place), event.occupant.nick, place, i);
      }
    },
    verdict() {
      if (world) exercised += samePersonEverywhere(world, violations);
      return { violations, exercised };
    },
  };
};

/** @returns how many people were looked at */
function samePersonEverywhere(world: Aftermath, violations: Violation[]): number {
  let exercised = 0;
  const nodes = rooms(world).filter(
    ({ room }) => room.role !== 'fmuc' || (room.occupants.length > 0 && room.peers.length > 0),
  );
  // A node need not know who a remote occupant is, but each serves its own.
  const known = new Map<string, { readonly jid: string; readonly at: Jid }>();
  for (const { seat, room } of nodes) {
    const at = seat.config.address;
    for (const { nick, jid } of room.occupants) {
      if (jid === undefined) continue;
      exercised++;
      const there = known.get(nick) ?? { jid, at };
      known.set(nick, there);
      if (there.jid !== jid)
        violations.push({ invariant: 'G10', what: `${nick} is ${jid} at ${at} and ${there.jid} at ${there.at}` });
    }
  }
  return exercised;
}

/** G11: at the end all nodes have the same people, and each client sees whom its node has. */
export const rosters: Checker = (given) => ({ verdict: () => samePeople(given) });

function samePeople({ trace, views, world }: Evidence): Verdict {
  if (!world) return { violations: [], exercised: 0 };
  const violations: Violation[] = [];
  let exercised = 0;
  const nodes = rooms(world);
  const names = (room: (typeof nodes)[number]['room']) =>
    room.occupants
      .map(({ nick }) => nick)
      .sort()
      .join(' ');
  // A FMUC node without users is out of the set; so is the one that nobody joined.
  const alone = ({ role, occupants, peers }: (typeof nodes)[number]['room']) =>
    role === 'fmuc' &&
    (occupants.length === 0 || peers.every(({ peer }) => domainOf(peer as Jid) === world.plan.hostileNode));
  const linked = nodes.filter(({ room }) => !alone(room));
  const [reference] = linked;
  for (const { seat, room } of linked) {
    exercised++;
    if (reference && names(room) !== names(reference.room))
      violations.push({
        invariant: 'G11',
        what: `${seat.config.address} has ${names(room)}; ${reference.seat.config.address} has ${names(reference.room)}`,
      });
  }
  for (const view of views) {
    const { jid, room: roomJid } = view.person;
    const user = world.users.get(jid);
    if (user?.half.state().phase !== 'joined' || !user.online) continue;
    /** Who is shown, and the moment in which their last presence was sent. */
    const shown = new Map<Jid, number | undefined>();
    let since = 0;
    for (const one of view.seen) {
      const { i, sent, stanza } = one;
      if (i < view.born || stanza.name !== 'presence' || stanza.type === 'error') continue;
      const t = trace[sent]?.t;
      if (view.entries.has(i)) {
        since = sent;
        // The answer to a join says who is here: nobody else is, whatever was heard before (XEP-0045 §7.2.2).
        for (const [other, then] of shown) if (then !== t) shown.delete(other);
      }
      if (stanza.type === undefined) shown.set(stanza.from, t);
      else {
        shown.delete(stanza.from);
        if (isOut(one)) shown.clear();
      }
    }
    const node = nodes.find(
      ({ room }) =>
        room.room === roomJid && room.occupants.some((other) => other.jid === jid && other.home === undefined),
    );
    // Nobody can promise this to users whose only way to their node is a link that loses things.
    const unsure = lost(trace, view, Math.min(since, view.born), ({ name }) => name === 'presence');
    if (unsure || (node === undefined && !served(world, jid))) continue;
    if (node !== undefined && node.seat.config.server !== domainOf(jid) && world.everLost(jid)) continue;
    exercised++;
    const there = node === undefined ? '' : names(node.room);
    const here = [...shown.keys()].map(resourceOf).sort().join(' ');
    if (here !== there) violations.push({ invariant: 'G11', what: `${jid} sees ${here}; the room has ${there}` });
  }
  return { violations, exercised };
}

/** Whether an honest node stands on the user's own server. */
function served(world: Aftermath, jid: Jid): boolean {
  return [...world.seats.values()].some(({ config }) => config.server === domainOf(jid));
}
