import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { networkOf } from '../../../src/headless/live-config.ts';
import { builtIn, builtInScenario } from '../../../src/scenario/built-in.ts';
import { parseScenario } from '../../../src/scenario/load.ts';
import { nodeConfigOf } from '../../../src/scenario/node-config.ts';
import { ownersOf, possibleReplicas } from '../../../src/scenario/replicas.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';

const growing = builtInScenario('growing') as Scenario;
const local = builtInScenario('local') as Scenario;
const hideout = 'hideout@rooms.neverland.pan';

describe('Replicas that there may be', () => {
  it('one for each server that has none, but not for the primary’s own; with an account and the right to stand there', () => {
    const spare = { server: 'london.pan', address: 'replica@london.pan', replicaOf: hideout, serves: ['london.pan'] };
    expect(possibleReplicas(growing)).toEqual([{ kind: 'replica', ...spare }]);
    const { config, credentials } = networkOf(growing);
    expect(credentials.nodes).toHaveProperty('replica@london.pan');
    expect(config.grants).toEqual([{ server: 'london.pan', account: 'replica@london.pan', address: hideout }]);
    for (const scenario of builtIn.filter(({ id }) => id !== 'growing'))
      expect(possibleReplicas(scenario)).toEqual(scenario.nodes.filter(({ kind }) => kind === 'replica'));
  });

  it('its account is nobody else’s, and no domain gets a second one', () => {
    const taken = { jid: 'replica@london.pan/nursery', nick: 'Nana', room: hideout };
    const other = { ...growing, occupants: [...growing.occupants, taken] };
    expect(possibleReplicas(other).map(({ address }) => address)).toEqual(['replica-2@london.pan']);
    const text = JSON.stringify(growing);
    const listed = text.replace('"replicas":[]', '"replicas":[{"jid":"r@london.pan","serves":["london.pan"]}]');
    expect(listed).not.toBe(text);
    expect(possibleReplicas(JSON.parse(listed) as Scenario)).toEqual([]);
  });

  it('owners of a room: those of its affiliations, and the admins of its service', () => {
    expect(ownersOf(growing, hideout)).toEqual(['peter@neverland.pan']);
    const plain = builtInScenario('plain') as Scenario;
    expect(ownersOf(plain, plain.occupants[0]?.room ?? '')).toContain('admin@localhost');
    expect(ownersOf(growing, 'elsewhere@rooms.neverland.pan')).toEqual([]);
  });
});

describe('What a replica does while it is cut off, and when it notices', () => {
  it('is in the room’s configuration; what is not said is as by default', () => {
    const [service, replica] = local.nodes.map((node) => nodeConfigOf(local, node));
    const room = service?.kind === 'service' ? service.rooms[0] : undefined;
    const said = { split: { policy: 'local', entry: true, away: true, chat: true, kick: true } };
    expect(room).toMatchObject(said);
    expect(replica).toMatchObject({ room: { ...said, distribution: { keepalive: { interval: 10, timeout: 3 } } } });
    expect(room?.affiliations.get(jid('antonio@naples.tempest'))).toBe('owner');
  });

  it('a keepalive shorter than ten seconds: the primary of the same scenario agrees to it (decision #5)', () => {
    const parsed = parseScenario(JSON.stringify(local).replace('"interval":10', '"interval":3'));
    expect(parsed.ok).toBe(true);
    if (!parsed.ok) return;
    const leastOf = (scenario: Scenario) => {
      const [service] = scenario.nodes;
      const config = service && nodeConfigOf(scenario, service);
      return config?.kind === 'service' ? config.rooms[0]?.distribution : undefined;
    };
    expect(leastOf(parsed.scenario)).toMatchObject({ kind: 'primary', leastInterval: 3 });
    expect(leastOf(local)).not.toHaveProperty('leastInterval');
  });

  it('an answer that may take longer than the interval is a mistake, and so is a policy that nobody knows', () => {
    const wrong = (from: string, to: string) => {
      const text = JSON.stringify(local, undefined, 2);
      expect(text).toContain(from);
      const parsed = parseScenario(text.replace(from, to));
      return parsed.ok ? [] : parsed.errors.map(({ path }) => path);
    };
    expect(wrong('"timeout": 3', '"timeout": 11')).toEqual(['$.nodes[1].keepalive.timeout']);
    expect(wrong('"policy": "local"', '"policy": "brave"')).toEqual(['$.nodes[0].rooms[0].distribution.split.policy']);
  });
});
