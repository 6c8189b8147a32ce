import { describe, expect, it } from 'vitest';
import type { TraceRecord } from '../../../src/core/node/trace.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { hasPeers } from '../../../src/host/peers.ts';
import { shadowsAtStart } from '../../../src/scenario/instances.ts';
import type { Scenario, ScenarioSource } from '../../../src/scenario/scenario.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { LiveShadows } from '../../../src/ui/session/live-shadows.ts';
import { roleOf, stateOf } from '../../../src/ui/words.ts';
import { plainCost } from '../../support/plain-rooms.ts';
import { coven } from '../../support/scenarios.ts';
import { joins, World } from '../../support/world.ts';

const firsthost = 'chat.shakespeare.lit';
const macbeth = 'rooms.macbeth.lit';
const marlowe = 'conference.marlowe.lit';
const services = [firsthost, macbeth, marlowe] as const;
const source = 'coven@chat.shakespeare.lit';
const shadow = 'theroom@rooms.macbeth.lit';
const crone = 'crone1@shakespeare.lit/desktop';
const witch = 'somewitch@macbeth.lit/mobile';
const faustus = 'faustus@marlowe.lit/study';

const statusOf = (world: World, node: string): TraceRecord => ({
  kind: 'status',
  t: world.now,
  node: jid(node),
  status: world.seat(jid(node)).node.status(),
});
/** The page after it has heard of all nodes. */
const shown = (world: World, scenario: Scenario = coven) => {
  const model = new Model(scenario);
  model.fold(services.map((node) => statusOf(world, node)));
  for (const node of services) model.network.progress({ node, phase: 'ready', detail: '' });
  return model;
};
const words = (model: Model) =>
  [...model.network.nodes.values()].map((node) => [node.address, roleOf(node), stateOf(model, node).word]);
const started = (scenario: Scenario = coven) => {
  const world = new World(scenario);
  world.advance(60_000);
  return world;
};
/** A peerhost that replicates nobody's rooms. */
const unwilling: Scenario = {
  ...coven,
  nodes: coven.nodes.map((node) =>
    node.kind === 'service' && node.address === marlowe ? { ...node, hosting: { firsthosts: [] } } : node,
  ),
};

describe('Instances of a room (XEP-0281) on the page', () => {
  it('a peerhost has no room until it is asked; then all are live', () => {
    expect(words(shown(new World(coven)))).toEqual([
      [firsthost, 'source', 'joining'],
      [macbeth, 'peerhost', 'no room'],
      [marlowe, 'peerhost', 'no room'],
    ]);
    expect(words(shown(started()))).toEqual([
      [firsthost, 'source', 'live'],
      [macbeth, 'shadow', 'live'],
      [marlowe, 'shadow', 'live'],
    ]);
  });

  it('one that refuses is named, with its reason', () => {
    const model = shown(started(unwilling), unwilling);
    expect(words(model)).toEqual([
      [firsthost, 'source', '1 of 2 rejected'],
      [macbeth, 'shadow', 'live'],
      [marlowe, 'room service', 'live'],
    ]);
    const [, peer] = model.network.sourceStatus(source)?.peers ?? [];
    expect(peer).toMatchObject({ state: 'rejected', reason: `rooms of ${firsthost} are not replicated here` });
  });

  it('a plain room with the same people is at the firsthost: one in, and one for each session elsewhere', () => {
    const world = started();
    world.send(joins(crone, `${source}/foo`));
    world.send(joins(witch, `${shadow}/firstwitch`));
    world.send(joins(faustus, `theroom@${marlowe}/faustus`));
    const model = shown(world);
    expect(plainCost(coven, model, witch, shadow)?.crossed).toBe(3);
    expect(plainCost(coven, model, crone, source)?.crossed).toBe(2);
    expect(model.people.all().flatMap(({ nick, node, phase }) => (phase === 'joined' ? [[nick, node]] : []))).toEqual([
      ['foo', firsthost],
      ['firstwitch', macbeth],
      ['faustus', marlowe],
    ]);
    // Each tells of its own users, so a split changes nothing in that.
    for (const other of ['macbeth.lit', 'marlowe.lit']) world.cut('shakespeare.lit', other, 'bounce');
    world.advance(120_000);
    const apart = shown(world);
    expect(words(apart)).toEqual([
      [firsthost, 'source', 'split'],
      [macbeth, 'shadow', '1 of 2 split'],
      [marlowe, 'shadow', '1 of 2 split'],
    ]);
    expect(plainCost(coven, apart, witch, shadow)?.crossed).toBe(3);
  });
});

describe('Whether a node is up', () => {
  const status = (world: World, node: string) => world.seat(jid(node)).node.status();

  it('a source once its shadows are, a peerhost once it has those that the scenario starts with', () => {
    expect(services.map((service) => shadowsAtStart(coven, service))).toEqual([0, 1, 1]);
    const [early, late] = [new World(coven), started()];
    const up = (world: World) =>
      services.map((service) => hasPeers('service', status(world, service), shadowsAtStart(coven, service)));
    expect(up(early)).toEqual([false, false, false]);
    expect(up(late)).toEqual([true, true, true]);
  });

  it('a peerhost that is asked later waits for nobody', () => {
    const later = (distribution: Partial<ScenarioSource>): Scenario => ({
      ...coven,
      nodes: coven.nodes.map((node) =>
        node.kind === 'service'
          ? {
              ...node,
              rooms: node.rooms.map((room) => ({
                ...room,
                distribution: { ...(room.distribution as ScenarioSource), ...distribution },
              })),
            }
          : node,
      ),
    });
    for (const distribution of [{ distribute: 'on-request' }, { replicate: 2 }] as const)
      expect(shadowsAtStart(later(distribution), macbeth)).toBe(0);
  });
});

describe('Shadows that come and go', () => {
  const asked = (world: World) => {
    const changes: object[] = [];
    const shadows: LiveShadows = new LiveShadows(coven, async (change) => {
      changes.push(change);
      follow();
      return { ok: true };
    });
    const follow = () => {
      for (const node of services) shadows.follow(world.seat(jid(node)).node.status());
    };
    follow();
    return { shadows, changes, follow };
  };

  it('an owner puts a service on the list, and the act is done when its shadow is there', async () => {
    const world = new World(coven);
    const { shadows, changes, follow } = asked(world);
    const adding = shadows.add(macbeth, undefined);
    world.advance(60_000);
    follow();
    expect(await adding).toEqual({ ok: true });
    expect(changes).toEqual([{ room: source, addPeerhost: macbeth, distributed: true }]);
  });

  it('what the service answers is told, and what cannot be is not asked', async () => {
    const { shadows, changes } = asked(started(unwilling));
    expect(await shadows.add(marlowe, undefined)).toEqual({
      ok: false,
      error: `${marlowe} refuses: rooms of ${firsthost} are not replicated here`,
    });
    changes.length = 0;
    expect(await shadows.add(macbeth, undefined)).toMatchObject({
      error: `${macbeth} has a shadow of ${source} already`,
    });
    expect(await shadows.add(firsthost, undefined)).toMatchObject({ error: `${firsthost} is the firsthost itself` });
    expect(await shadows.add('rooms.evil.lit', undefined)).toMatchObject({
      error: 'there is no service rooms.evil.lit',
    });
    expect(await shadows.add(marlowe, 'heath@chat.shakespeare.lit')).toMatchObject({
      error: 'no room can have a shadow',
    });
    expect(changes).toEqual([]);
  });
});
