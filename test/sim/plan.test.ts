import { describe, expect, it } from 'vitest';
import type { DistributedRoomConfig } from '../../src/core/distribution/config.ts';
import type { SplitSettings } from '../../src/core/room/config.ts';
import { domainOf } from '../../src/core/xmpp/jid.ts';
import { type Faults, noFaults } from '../../src/sim/ground.ts';
import { type Circumstances, type Mode, modes, type Plan } from '../../src/sim/plan.ts';
import { plan } from '../../src/sim/planner.ts';
import { Prng } from '../../src/sim/prng.ts';
import { calmed } from '../../src/sim/reduction.ts';
import { named, type Step, type Unplanned } from '../../src/sim/step.ts';

const plans = (mode: Mode) => Array.from({ length: 300 }, (_, seed) => plan(new Prng(seed + 1).fork(), mode, 20));

const roomsOf = ({ layout }: Plan): readonly DistributedRoomConfig[] =>
  layout.nodes.flatMap((node) => (node.kind === 'service' ? node.rooms : [node.room]));

const withoutBurst = ({ steps }: Plan) => steps.filter(({ kind }) => kind !== 'burst' && kind !== 'peerhosts');

/** What differs from plan to plan, or from room to room, which a list says. */
type Varying = Readonly<Record<string, (plan: Plan) => unknown>>;

/** Logs are strict (decision #45), but for a planted bug. */
const strict = 'relaxed';
const faults = (Object.keys(noFaults) as (keyof Faults)[]).filter((name) => name !== strict);

const everywhere: Varying = {
  servers: ({ domains }) => domains.length,
  people: ({ people }) => people.length,
  'further sessions of a user': ({ people }) => people.filter(({ device }) => device).length,
  'a third session': ({ people }) => people.some(({ jid }) => jid.endsWith('/tablet')),
  'a session under another nick': ({ people }) =>
    people.some((one) => one.device && people.every((other) => other === one || other.nick !== one.nick)),
  'hostile clients': ({ people }) => people.filter(({ hostile }) => hostile === 'client').length,
  'time to disk': ({ appendMs }) => appendMs,
  'who gets the bounce of a relay': ({ bounceToRelay }) => bounceToRelay,
  ranks: (one) => roomsOf(one).map(({ affiliations }) => [...affiliations.values()].sort().join()),
  ...Object.fromEntries(faults.map((name) => [name, (one: Plan) => one.faults[name]])),
  ...settings('whois', 'moderated', 'historyMax'),
};

const federated: Varying = {
  ...everywhere,
  ...settings('membersOnly', 'changeSubject'),
  tree: (one) => JSON.stringify(roomsOf(one).map(({ distribution }) => distribution)),
  'hostile node': ({ hostileNode }) => hostileNode,
  bans: (one) => roomsOf(one).some(({ affiliations }) => [...affiliations.values()].includes('outcast')),
  'rooms that are empty at first': ({ emptyUntil }) => [...emptyUntil.values()].some(Number.isFinite),
  'rooms without users of their own': ({ emptyUntil }) => [...emptyUntil.values()].includes(Number.POSITIVE_INFINITY),
  'a room without users between others': (one) => isBetween(one),
  'settings of nodes': (one) =>
    Object.keys(settings('whois', 'moderated', 'membersOnly', 'changeSubject', 'historyMax')).filter(
      (name) => new Set(roomsOf(one).map((room) => room[name as keyof DistributedRoomConfig])).size > 1,
    ),
};

const varying: Readonly<Record<Mode, Varying>> = {
  plain: everywhere,
  '0282': {
    ...everywhere,
    ...settings('nicksLocked'),
    ...splitSettings('policy', 'chat', 'private', 'entry', 'kick', 'away'),
    replicas: ({ layout }) => layout.nodes.length,
    'hostile node': ({ hostileNode }) => hostileNode,
    primary: ({ primary }) => primary,
    'how long faults stay': ({ lingerMs }) => lingerMs,
  },
  '0281': {
    ...everywhere,
    ...settings('membersOnly', 'changeSubject', 'nicksLocked'),
    instances: ({ layout }) => layout.nodes.length,
    ...Object.fromEntries(
      (['peerhosts', 'distribute', 'id', 'replicate', 'redirect'] as const).map((name) => [
        name,
        (one: Plan) => roomsOf(one).map(({ distribution }) => distribution.kind === 'source' && distribution[name]),
      ]),
    ),
    'who sees addresses': (one) =>
      roomsOf(one).map(({ distribution }) => distribution.kind === 'source' && distribution.trust?.seeJids),
    'hostile node': ({ hostileNode }) => hostileNode,
    source: ({ primary }) => primary,
    'how long faults stay': ({ lingerMs }) => lingerMs,
    'a password': (one) => roomsOf(one).some(({ password }) => password !== ''),
    'who knows it': ({ people }) => people.filter(({ password }) => password !== undefined).length,
    'long lists': (one) => roomsOf(one).some(({ affiliations }) => affiliations.size > 600),
    'large presences': ({ steps }) => steps.some((step) => step.kind === 'presence' && step.bytes !== undefined),
    'opaque ids': (one) => JSON.stringify(roomsOf(one)[0]?.distribution).match(/sha-256|uuid/)?.[0],
    'how many orders': ({ steps }) => steps.filter(({ kind }) => kind === 'moderate').length,
    'a shadow that comes and goes': ({ steps }) => steps.some(({ kind }) => kind === 'peerhosts'),
    'who enters at the source': ({ people, layout }) =>
      people.some(
        ({ jid, room }) => domainOf(room) === layout.nodes[0]?.address && domainOf(jid) !== layout.nodes[0]?.server,
      ),
  },
  '0289pp': federated,
  '0289pr': {
    ...federated,
    chains: (one) =>
      roomsOf(one).every(({ distribution }) => distribution.kind === 'fmuc' && distribution.allowedNodes.length < 2),
    'a burst of words': ({ steps }) => steps.some(({ kind }) => kind === 'burst'),
  },
};

function settings(...names: readonly (keyof DistributedRoomConfig)[]): Varying {
  return Object.fromEntries(names.map((name) => [name, (one: Plan) => roomsOf(one).map((room) => room[name])]));
}

function splitSettings(...names: readonly (keyof SplitSettings)[]): Varying {
  return Object.fromEntries(
    names.map((name) => [`split: ${name}`, (one: Plan) => roomsOf(one).map(({ split }) => split[name])]),
  );
}

/** Whether a room whose users are never there has joined one, and been joined by another. */
function isBetween(one: Plan): boolean {
  return one.layout.nodes.some(
    (node) =>
      one.emptyUntil.get(node.server) === Number.POSITIVE_INFINITY &&
      node.kind === 'service' &&
      node.rooms.some(
        ({ distribution }) =>
          distribution.kind === 'fmuc' && distribution.outbound !== undefined && distribution.allowedNodes.length > 0,
      ),
  );
}

describe.each(modes)('%s: in 300 plans', (mode) => {
  const all = plans(mode);
  it.each(Object.entries(varying[mode]))('%s varies', (_, look) => {
    const values = new Set(all.flatMap(look).map((value) => JSON.stringify(value)));
    expect(values.size).toBeGreaterThan(1);
  });
});

it.each(modes)('%s: further sessions change nothing else of a plan', (mode) => {
  const kinds = new Set<string>();
  for (const varied of plans(mode)) {
    const one = calmed(varied, new Set(['variety'] as const));
    const devices = new Set(one.people.flatMap(({ jid, device }) => (device ? [jid] : [])));
    const alone = calmed(one, new Set(['devices'] as const));
    expect(one.people.slice(0, one.people.length - devices.size)).toEqual(alone.people);
    // A burst, and a shadow that comes and goes, are drawn last, of anybody.
    const isTheirs = (step: Step) => named(step).some((user) => devices.has(user));
    const steps = withoutBurst(one);
    expect(steps.filter((step) => !isTheirs(step))).toEqual(withoutBurst(alone));
    const more = steps.filter(isTheirs);
    for (const { kind } of more) kinds.add(kind);
  }
  expect([...kinds]).toEqual(expect.arrayContaining(['share', 'whisper', 'linger', 'anew', 'leave', 'moderate']));
});

it('0289pp: within one plan, nodes differ in each of their settings', () => {
  const differing = plans('0289pp').flatMap((one) => varying['0289pp']['settings of nodes']?.(one) as string[]);
  expect([...new Set(differing)].sort()).toEqual(['changeSubject', 'historyMax', 'membersOnly', 'moderated', 'whois']);
});

it('0289pp: nobody does anything on a server whose users are still away', () => {
  for (const { steps, emptyUntil } of plans('0289pp'))
    for (const step of steps)
      for (const [server, ms] of emptyUntil)
        if ('user' in step && domainOf(step.user) === server) expect(step.at).toBeGreaterThanOrEqual(ms);
});

it('a circumstance or a step that is misspelt does not compile', () => {
  // @ts-expect-error: splitPm is none, it is splitPrivate
  const settings: ReturnType<Circumstances['settingsOf']> = { splitPm: true };
  // @ts-expect-error: who, instead of user
  const step: Unplanned = { kind: 'say', who: 'u00@s0.sim/r' };
  expect([settings, step]).toHaveLength(2);
});
