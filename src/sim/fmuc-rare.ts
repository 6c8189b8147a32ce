import type { DistributedRoomConfig } from '../core/distribution/config.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import type { Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import type { Step, Unplanned } from './step.ts';

/** Steps that one of these situations adds to a plan, at most. */
export const rareSteps = 100;

/** Long after the last step: by then most faults are over, so that the network is as the situation needs it. */
const calmMs = 420_000;
/** A nick that nobody else has. */
const contested = 'everybody’s';

/** A situation that steps at random seldom come to, since it needs several things in one order. */
interface Rare {
  readonly steps: readonly (readonly [at: number, what: Unplanned])[];
  /** The nodes of these servers are set up otherwise. */
  readonly rooms: ReadonlyMap<Jid, (room: DistributedRoomConfig) => DistributedRoomConfig>;
  /** The server whose room has no history. */
  readonly withoutHistory?: Jid;
}

/** The same plan, in some runs with a situation of that kind. Its steps stand at the end. */
export function withRareSituations(plan: Plan, prng: Prng): Plan {
  const drawn = prng.unit();
  const { hostileNode, faults } = plan;
  if (hostileNode !== undefined || (faults.cut === 0 && faults.freeze === 0)) return plan;
  const rare = drawn < 0.4 ? overtaking(plan, prng) : drawn > 0.55 ? oneNick(plan, prng) : undefined;
  if (rare === undefined) return plan;
  const begin = Math.max(0, ...plan.steps.map(({ at }) => at)) + calmMs;
  const steps = rare.steps.map(([at, what]): Step => ({ at: begin + at, luck: prng.bits(), ...what }));
  const nodes = plan.layout.nodes.map((node) => {
    const set = rare.rooms.get(node.server);
    if (node.kind !== 'service' || !set) return node;
    const past = node.server === rare.withoutHistory ? { historyMax: 0 } : {};
    return { ...node, rooms: node.rooms.map((room) => ({ ...set(room), ...past })) };
  });
  return { ...plan, layout: { ...plan.layout, nodes }, steps: [...plan.steps, ...steps] };
}

/**
 * Words of one user overtake one another (decision #163). A room without a history, and without users of its own, joins two others,
 * which are linked, too. The one has let it in, and the other has not yet, when the first falls asleep on what it is to pass on:
 * that a user of a room behind enters, and what they say. The other has not heard of them. So it lets them in, and hears what they
 * say next before that.
 */
function overtaking(plan: Plan, prng: Prng): Rare | undefined {
  const alive = plan.domains.filter((domain) => !plan.emptyUntil.has(domain));
  const [home, far] = prng.shuffled(alive.filter((domain) => peopleOf(plan, domain).length > 0));
  const [between, sleeper, ...others] = plan.domains.filter((domain) => domain !== home && domain !== far);
  if (home === undefined || far === undefined || between === undefined || sleeper === undefined) return undefined;
  const speaker = peopleOf(plan, home)[0]?.jid as Jid;
  const before = peopleOf(plan, home).find(({ jid }) => bareOf(jid) !== bareOf(speaker))?.jid;
  if (before === undefined) return undefined;
  const leaving = plan.people.filter(({ jid }) => [home, between].includes(domainOf(jid)));
  const listeners = peopleOf(plan, far).map(({ jid }) => jid);
  const node = plan.layout.nodes.find(({ server }) => server === sleeper)?.address as Jid;
  const gone = (at: number, user: Jid): Rare['steps'][number] => [at, { kind: 'vanish', user }];
  // Until then the others have found each other without it.
  const wake = 200_000;
  const steps: Rare['steps'] = [
    ...listeners.flatMap((user) => [say(0, user), say(30_000, user)]),
    ...leaving.map(({ jid }) => gone(60_000, jid)),
    say(wake, before),
    say(wake, speaker),
    [wake + 5_000, cut(between, far, 3_500)],
    say(wake + 5_100, before),
    [wake + 7_000, { kind: 'freeze', node, forMs: 20_000 }],
    say(wake + 7_200, speaker),
    gone(wake + 7_500, before),
    ...[7_700, 13_000, 15_000, 20_000, 30_000].map((at) => say(wake + at, speaker)),
  ];
  const rooms = joining(plan, [
    [home, [between]],
    [between, [sleeper, far]],
    ...[sleeper, ...others].map((server) => [server, [far]] as const),
  ]);
  return { steps, rooms, withoutHistory: between };
}

/**
 * Users of two rooms take the same nick at once, and neither room is nearer the root (decision #149): the link between the two is
 * cut, and they hear each other by a third room, which joins both.
 */
function oneNick(plan: Plan, prng: Prng): Rare | undefined {
  const [root, below, between] = prng.shuffled(plan.domains.filter((domain) => peopleOf(plan, domain).length > 0));
  if (root === undefined || below === undefined || between === undefined) return undefined;
  const users = [root, below].flatMap((server) => peopleOf(plan, server)[0]?.jid ?? []);
  const steps: Rare['steps'] = [
    ...[...users, ...peopleOf(plan, between).map(({ jid }) => jid)].flatMap((user) => [
      say(0, user),
      say(30_000, user),
    ]),
    [60_000, cut(root, below, 100_000)],
    ...users.map((user) => say(60_100, user)),
    ...users.map((user) => [120_000 + prng.below(20), { kind: 'nick', user, nick: contested }] as const),
    ...users.map((user) => say(130_000, user)),
  ];
  const others = plan.domains.filter((domain) => domain !== root && domain !== between);
  const rooms = joining(plan, [[between, [root, below]], ...others.map((server) => [server, [root]] as const)]);
  return { steps, rooms };
}

/** These rooms join those, and no others; each of them lets in users of any other, and lets them speak. */
function joining(plan: Plan, joins: readonly (readonly [from: Jid, to: readonly Jid[]])[]): Rare['rooms'] {
  const roomsOf = (servers: readonly Jid[]) => servers.map((server) => plan.layout.roomOf(server));
  return new Map(
    plan.domains.map((server) => {
      const outbound = roomsOf(joins.flatMap(([from, to]) => (from === server ? to : [])));
      const allowedNodes = roomsOf(joins.flatMap(([from, to]) => (to.includes(server) ? [from] : [])));
      return [
        server,
        (room) =>
          room.distribution.kind === 'fmuc'
            ? {
                ...room,
                membersOnly: false,
                moderated: false,
                distribution: { ...room.distribution, outbound, allowedNodes },
              }
            : room,
      ];
    }),
  );
}

function say(at: number, user: Jid): Rare['steps'][number] {
  return [at, { kind: 'say', user }];
}

function cut(one: Jid, other: Jid, forMs: number): Unplanned {
  const servers = one < other ? ([one, other] as const) : ([other, one] as const);
  return { kind: 'link', servers, state: ['bounce', 'bounce'], loss: 0, twice: 0, forMs };
}

/** Who is there all the time. */
function peopleOf({ people, emptyUntil }: Plan, server: Jid): Plan['people'] {
  if (emptyUntil.has(server)) return [];
  return people.filter(({ jid, hostile }) => domainOf(jid) === server && hostile === undefined);
}
