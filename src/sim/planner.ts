import { type DistributedRoomConfig, plainRoomConfig } from '../core/distribution/config.ts';
import type { LinkState } from '../core/net/link.ts';
import type { RoomConfig } from '../core/room/config.ts';
import type { Affiliation } from '../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid, jid } from '../core/xmpp/jid.ts';
import { forgeries } from './adversary.ts';
import { withArchives, withClocks } from './archives.ts';
import { withDevices } from './devices.ts';
import type { Faults } from './ground.ts';
import type { Circumstances, Mode, Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import { protocols } from './protocols.ts';
import { moderations, type Step, type Unplanned } from './step.ts';
import type { Person } from './trace.ts';

export function plan(prng: Prng, mode: Mode, events: number, given?: Faults): Plan {
  const protocol = protocols[mode];
  const faults = given ?? swarm(prng.fork());
  const domains = Array.from({ length: servers(prng, protocol.serversMax) }, (_, i) => jid(`s${i}.sim`));
  const crowd = prng.chance(0.1) ? 8 : 3;
  const who = domains.flatMap((domain, d) =>
    Array.from({ length: 1 + prng.below(crowd) }, (_, i) => jid(`u${d}${i}@${domain}/r`)),
  );
  const layout = protocol.layout(domains, room(who, prng), prng);
  const hostileNode =
    faults.hostileNode && protocol.mayBeHostile(layout).length > 0
      ? prng.pick(protocol.mayBeHostile(layout))
      : undefined;
  const hostileServer = layout.nodes.find(({ address }) => address === hostileNode)?.server;
  // One or two clients are hostile, too.
  const hostileUsers = new Set(faults.forge > 0 ? [prng.pick(who), prng.pick(who)] : []);
  const people = who.map((user, i) => ({
    jid: user,
    nick: `nick${i}`,
    room: layout.roomOf(domainOf(user)),
    hostile:
      domainOf(user) === hostileServer ? ('node' as const) : hostileUsers.has(user) ? ('client' as const) : undefined,
  }));
  const base = { mode, layout, domains, people, hostileNode, faults };
  const disk = { appendMs: 1 + prng.below(20), searchFails: 0.1, bounceToRelay: prng.chance(0.5) };
  const ordinary = stepsOf(base, [...hostileUsers], events, prng.fork());
  const { settingsOf, emptyUntil, lingerMs, primary } = protocol.circumstances?.(prng, who, layout) ?? calm;
  const whole = given === undefined ? [...ordinary, ...swizzle(base, ordinary.at(-1)?.at ?? 0, prng)] : ordinary;
  const isAway = (user: Jid, at: number) => at < (emptyUntil.get(domainOf(user)) ?? 0);
  const present = (steps: readonly Step[]) =>
    emptyUntil.size === 0 ? steps : steps.filter((step) => !('user' in step) || !isAway(step.user, step.at));
  const nodes = layout.nodes.map((node) => {
    const settings = settingsOf(node.address);
    return node.kind === 'service'
      ? { ...node, rooms: node.rooms.map((room) => ({ ...room, ...settings })) }
      : { ...node, room: { ...node.room, ...settings } };
  });
  const alone = {
    ...base,
    ...disk,
    layout: { ...layout, nodes },
    steps: present(whole),
    afterwards: [],
    lingerMs,
    primary,
    emptyUntil,
  };
  // Drawn last, so that the rest of the plan does not depend on it.
  const several = withDevices(alone, events, prng);
  const all: Plan = { ...several, steps: present(several.steps) };
  if (primary !== 'hostile') {
    const more = protocol.more?.(all, prng) ?? all;
    const read = withArchives(protocol.vary?.(more, prng) ?? more, prng);
    const varied = given === undefined ? withClocks(read, prng) : read;
    return { ...varied, steps: present(varied.steps), plainer: more };
  }
  // Everybody is at its mercy.
  const hostile = 'node' as const;
  const address = layout.nodes.find(({ kind }) => kind === 'service')?.address;
  return { ...all, people: all.people.map((person) => ({ ...person, hostile })), hostileNode: address };
}

const calm: Circumstances = { settingsOf: () => ({}), emptyUntil: new Map(), lingerMs: 0, primary: 'sound' };

function room(who: readonly Jid[], prng: Prng): (room: Jid) => DistributedRoomConfig {
  const affiliations = new Map<Jid, Affiliation>();
  for (const person of who)
    if (prng.chance(0.3)) affiliations.set(jid(person.slice(0, -2)), prng.pick(['owner', 'admin', 'member'] as const));
  const settings: Partial<RoomConfig> = {
    whois: prng.chance(0.7) ? 'moderators' : 'anyone',
    moderated: prng.chance(0.2),
    historyMax: prng.pick([0, 5, 200]),
    changeSubject: true,
    affiliations,
  };
  return (jid) => ({ ...plainRoomConfig(jid), ...settings });
}

/** `events` steps with pauses between them. Each is somebody's act or, at the given rates, a fault. */
function stepsOf(
  { layout, domains, people, faults }: Pick<Plan, 'layout' | 'domains' | 'people' | 'faults'>,
  hostile: readonly Jid[],
  events: number,
  prng: Prng,
): Step[] {
  const nodes = layout.nodes.map(({ address }) => address);
  const nicks = people.length + 4;
  let at = 500;
  const pairOf = (): readonly [Jid, Jid] => {
    const a = prng.below(domains.length);
    const b = (a + 1 + prng.below(domains.length - 1)) % domains.length;
    return [domains[Math.min(a, b)] as Jid, domains[Math.max(a, b)] as Jid];
  };
  const link = (state: readonly [LinkState, LinkState], loss = 0, twice = 0) =>
    ({
      kind: 'link',
      servers: pairOf(),
      state,
      loss,
      twice,
      forMs: 1 + prng.below(prng.chance(0.3) ? 400_000 : 60_000),
    }) as const;
  const fates: readonly (readonly [number, () => Unplanned])[] = [
    [faults.cut, () => link(prng.chance(0.5) ? ['bounce', 'bounce'] : ['silent', 'silent'])],
    [
      faults.oneWay,
      () =>
        link(
          prng.pick([
            ['up', 'silent'],
            ['silent', 'up'],
            ['bounce', 'up'],
            ['silent', 'bounce'],
          ] as const),
        ),
    ],
    [faults.lossy, () => link(['up', 'up'], 0.3 * prng.unit())],
    [faults.twice, () => link(['up', 'up'], 0, 0.5 * prng.unit())],
    [faults.reconnect, () => ({ kind: 'reconnect', servers: pairOf(), latencyMs: 1 + prng.below(400) })],
    [
      faults.crash,
      () => ({ kind: 'crash', node: prng.pick(nodes), forMs: prng.below(prng.chance(0.2) ? 300_000 : 20_000) }),
    ],
    // For minutes, rarely hours: a background tab, a closed laptop.
    [
      faults.freeze,
      () => ({ kind: 'freeze', node: prng.pick(nodes), forMs: prng.below(prng.chance(0.1) ? 7_200_000 : 300_000) }),
    ],
    [faults.vanish, () => ({ kind: 'vanish', user: prng.pick(people).jid })],
    [faults.forge, () => ({ kind: 'forge', user: prng.pick(hostile), what: prng.pick(Object.keys(forgeries)) })],
    [
      faults.moderate,
      () => ({
        kind: 'moderate',
        user: prng.pick(people).jid,
        target: prng.pick(people).jid,
        what: prng.pick(moderations),
      }),
    ],
    [0.01, () => ({ kind: 'compact', node: prng.pick(nodes) })],
  ];
  const steps: Step[] = [];
  for (let i = 0; i < events; i++) {
    at += prng.chance(0.3) ? prng.below(4000) : prng.below(300);
    let dice = prng.unit();
    let made: Unplanned | undefined;
    for (const fate of fates) {
      dice -= fate[0];
      if (dice < 0) {
        made = fate[1]();
        break;
      }
    }
    made ??= act(people[prng.below(people.length)]?.jid as Jid, nicks, prng);
    steps.push({ at, luck: prng.bits(), ...made });
  }
  return steps;
}

/** Servers of a run, at most, and of one of a protocol that may have more. */
const serversMax = 4;
const moreServersMax = 6;
/** Words that are said in a swizzle; and all its steps: those, two orders, cuts of all links. */
const swizzleWords = 5;
export const swizzleMax = (moreServersMax * (moreServersMax - 1)) / 2 + 2 + swizzleWords;

/** At least two. Of the runs with the most a part has more, if the protocol may: the rest of the same draw says which. */
function servers(prng: Prng, most: number = serversMax): number {
  const drawn = prng.unit() * (serversMax - 1);
  const some = 2 + Math.floor(drawn);
  return some < serversMax ? some : some + Math.floor((drawn % 1) * (most - serversMax + 1));
}

/**
 * Happens late in every run with faults: some of the links fail one after the other and come back in another order. So
 * nodes see each other fail and return in orders that no single cut causes. Meanwhile an owner or admin changes others'
 * rights, and people talk: what was said behind a cut is then judged by the new rights. These steps are numbered after the
 * ordinary ones.
 */
function swizzle(
  { domains, people, layout }: Pick<Plan, 'domains' | 'people' | 'layout'>,
  endMs: number,
  prng: Prng,
): Step[] {
  const pairs = domains.flatMap((a, i) => domains.slice(i + 1).map((b) => [a, b] as const));
  const chosen = prng.shuffled(pairs).slice(0, 1 + prng.below(pairs.length));
  const state = prng.pick([
    ['silent', 'silent'],
    ['bounce', 'bounce'],
  ] as const);
  const begin = Math.round(endMs * (0.6 + 0.3 * prng.unit()));
  const betweenMs = 200 + prng.below(3_000);
  const allDownMs = prng.below(prng.chance(0.3) ? 120_000 : 10_000);
  const heals = prng.shuffled(chosen.map((_, i) => i));
  const step = (at: number, what: Unplanned): Step => ({ at: begin + at, luck: prng.bits(), ...what });
  const cuts = chosen.map((servers, i) => {
    const downs = chosen.length - i + (heals[i] as number);
    const forMs = downs * betweenMs + allDownMs;
    return step(i * betweenMs, { kind: 'link', servers, state, loss: 0, twice: 0, forMs });
  });
  const apartMs = chosen.length * betweenMs + allDownMs;
  const [deciding] = layout.nodes;
  const ranks = deciding?.kind === 'service' ? deciding.rooms[0]?.affiliations : undefined;
  // Preferably, the one who orders it reaches the deciding node, and its target does not hear of it.
  const near = (jid: Jid) => domainOf(jid) === deciding?.server;
  const pick = (...groups: readonly (readonly Person[])[]) =>
    prng.pick(groups.find(({ length }) => length > 0) ?? people).jid;
  const rulers = people.filter(({ jid }) => ['owner', 'admin'].includes(ranks?.get(bareOf(jid)) ?? ''));
  const user = pick(
    rulers.filter(({ jid }) => near(jid)),
    rulers,
  );
  const target = pick(people.filter(({ jid }) => !near(jid) && jid !== user));
  const orders = prng.pick([['ban'], ['membersOnly'], ['moderated', 'mute']] as const).map((what) => ({
    ...step(prng.below(apartMs), { kind: 'moderate', user, target, what }),
    luck: 0,
  }));
  const words = Array.from({ length: swizzleWords }, () =>
    step(prng.below(apartMs), { kind: 'say', user: prng.chance(0.5) ? target : pick() }),
  );
  return [...cuts, ...orders, ...words];
}

function act(user: Jid, nicks: number, prng: Prng): Unplanned {
  const dice = prng.unit();
  const nick = `nick${prng.below(nicks)}`;
  if (dice < 0.6) return { kind: 'say', user };
  if (dice < 0.7) return { kind: 'presence', user, show: prng.pick(['', 'away', 'dnd']) };
  if (dice < 0.78) return { kind: 'nick', user, nick };
  if (dice < 0.88) return { kind: 'leave', user };
  if (dice < 0.93) return { kind: 'subject', user, text: `subject ${prng.below(1000)}` };
  return { kind: 'pm', user, nick };
}

/** A random part of all faults, with random rates. */
export function swarm(prng: Prng): Faults {
  const some = (most: number) => (prng.chance(0.5) ? most * prng.unit() : 0);
  return {
    cut: some(0.08),
    oneWay: some(0.03),
    lossy: some(0.02),
    twice: some(0.02),
    reconnect: some(0.03),
    crash: some(0.04),
    freeze: some(0.03),
    vanish: some(0.05),
    forge: some(0.1),
    moderate: some(0.1),
    skewMs: Math.round(some(3_600_000)),
    quota: some(0.004),
    relaxed: 0,
    hostileNode: prng.chance(0.2),
    diskLost: some(0.3),
  };
}
