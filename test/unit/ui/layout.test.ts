import { describe, expect, it } from 'vitest';
import type { OccupantStatus, TraceRecord } from '../../../src/core/node/trace.ts';
import type { Instant } from '../../../src/core/xmpp/time.ts';
import { builtIn } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import type { Box, Point } from '../../../src/ui/boxes.ts';
import { overlaps, pointAt } from '../../../src/ui/curves.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { type Layout, layOut, mayStand } from '../../../src/ui/layout.ts';
import { neighbour, placesOf } from '../../../src/ui/neighbours.ts';
import { fitted, widthOf } from '../../../src/ui/text-width.ts';
import { isLong } from '../../support/long.ts';

/** Of the picture: beside the inspector, by itself, projected, on a phone. */
const sizes = [
  [1092, 560],
  [932, 380],
  [1572, 700],
  [1900, 1000],
  [700, 480],
  [390, 560],
  [360, 420],
] as const;

/** Beside the inspector, and on a phone: enough for each day. */
const few = [sizes[0], sizes[5]] as const;

/** Without those that are too low to have room to spare. */
const ordinary = sizes.filter(([, height]) => height > 420);

const longNick = 'Wolfgang Amadeus Mozartmann of W';

/** A room in which guests are besides the characters, one after the other on each server in turn or all on one. */
function withGuests(scenario: Scenario, guests: number, servers = scenario.servers.map(({ domain }) => domain)): Model {
  const model = new Model(scenario);
  const node = scenario.nodes.find(({ kind }) => kind === 'service');
  if (node?.kind !== 'service') throw new Error('no service');
  const occupants: OccupantStatus[] = Array.from({ length: guests }, (_, i) => ({
    nick: `${longNick}${i}`,
    jid: `guest${i}@${servers[i % servers.length]}/x`,
    role: 'participant' as const,
    affiliation: 'none' as const,
  }));
  const room = {
    room: `r@${node.address}`,
    role: 'plain',
    epoch: 1,
    historyLength: 0,
    subject: '',
    peers: [],
    occupants,
  };
  const status = { address: node.address, server: node.server, rooms: [room] };
  model.fold([{ kind: 'status', t: 0 as Instant, node: node.address, status } as unknown as TraceRecord]);
  return model;
}

interface Named extends Box {
  readonly what: string;
}

const box = (what: string, { x, y, w, h }: Box): Named => ({ what, x, y, w, h });

/** What is written, and what can be pressed. */
function boxes(layout: Layout): readonly Named[] {
  const size = layout.compact ? 11.5 : 15;
  const r = layout.radius;
  return [
    ...[...layout.servers.values()].map((server) => {
      const h = layout.compact ? 17 : 22;
      const w = widthOf(fitted(server.domain, layout.compact ? 12.5 : 16, server.w - 20), layout.compact ? 12.5 : 16);
      return box(`title of ${server.domain}`, { x: server.x, y: server.y - server.h / 2 + 4 + h / 2, w, h });
    }),
    ...[...layout.servers.values()].map(({ domain, hub }) => box(`hub of ${domain}`, { ...hub, w: 8, h: 8 })),
    ...[...layout.nodes].map(([id, node]) => box(id, node)),
    ...[...layout.vacancies].map(([id, place]) => box(`vacancy of ${id}`, place)),
    ...[...layout.occupants].flatMap(([id, { x, y, nick, room }]) => [
      box(`disc of ${id}`, { x, y, w: 2 * r, h: 2 * r }),
      box(`nick of ${id}`, { x, y: y + r + (layout.compact ? 10 : 14), w: widthOf(nick, size), h: size }),
      // Where it says that somebody is cut off.
      box(`badge of ${id}`, { x, y: y + r + (layout.compact ? 20 : 30), ...badge(room, layout) }),
    ]),
    ...[...layout.links].flatMap(([id, { pill }]) => (pill ? [box(`counter of ${id}`, pill)] : [])),
  ];
}

function badge(room: number, { compact }: Layout): Pick<Box, 'w' | 'h'> {
  return compact ? { w: Math.min(room, 58), h: 8 } : { w: Math.min(room, 72), h: 12 };
}

function collisions(layout: Layout): readonly string[] {
  const all = boxes(layout);
  return all.flatMap((a, i) =>
    all.slice(i + 1).flatMap((b) => (overlaps(a, b, -0.01) ? [`${a.what} and ${b.what}`] : [])),
  );
}

function contains(outer: Box, inner: Box): boolean {
  return (
    Math.abs(inner.x - outer.x) <= (outer.w - inner.w) / 2 + 0.01 &&
    Math.abs(inner.y - outer.y) <= (outer.h - inner.h) / 2 + 0.01
  );
}

/** Whatever has to be inside of something, and is not. */
function outside(layout: Layout): readonly string[] {
  const frame = { x: layout.width / 2, y: layout.height / 2, w: layout.width, h: layout.height };
  const all = boxes(layout);
  return [
    ...[...layout.servers.values()].filter((server) => !contains(frame, server)).map(({ domain }) => domain),
    ...all.filter((one) => !contains(frame, one)).map(({ what }) => what),
    ...[...layout.occupants.values()]
      .flatMap(({ occupant: { jid, server } }) => {
        const hull = layout.servers.get(server) as Box;
        return all.filter(({ what }) => what.endsWith(` of ${jid}`)).filter((one) => !contains(hull, one));
      })
      .map(({ what }) => `${what}, outside of its hull`),
    ...all
      .filter(({ what }) => what.startsWith('counter'))
      .filter((pill) => [...layout.servers.values()].some((server) => overlaps(pill, server)))
      .map(({ what }) => `${what}, on a server`),
  ];
}

/** How near a counter comes to a curve. */
function nearest(pill: Box, points: readonly Point[]): number {
  return Math.min(
    ...points.map(({ x, y }) =>
      Math.hypot(Math.max(0, Math.abs(x - pill.x) - pill.w / 2), Math.max(0, Math.abs(y - pill.y) - pill.h / 2)),
    ),
  );
}

describe.each(builtIn.map((scenario) => [scenario.id, scenario] as const))('The picture of %s', (_id, scenario) => {
  it.each(isLong ? sizes : few)(
    'nothing lies on anything at %i × %i, nor outside of where it belongs',
    (width, height) => {
      for (const guests of [0, 1, 3, 9, 30]) {
        for (const servers of [undefined, [scenario.servers[0]?.domain as string]]) {
          const layout = layOut(withGuests(scenario, guests, servers), width, height);
          expect([collisions(layout), outside(layout)], `${guests} guests`).toEqual([[], []]);
        }
      }
    },
  );

  it.each(ordinary)('each link has its counter at %i × %i, and a stanza on it has room', (width, height) => {
    const layout = layOut(new Model(scenario), width, height);
    for (const link of layout.links.values()) {
      const points = Array.from({ length: 101 }, (_, i) => pointAt(link, i / 100));
      expect(link.pill, link.key).toBeDefined();
      const token = layout.compact ? 0.85 * 8 : 1.25 * 8;
      expect(nearest(link.pill as Box, points), link.key).toBeGreaterThan(token);
    }
  });

  it.each(isLong ? sizes : few)('the arrow keys reach everything from anywhere at %i × %i', (width, height) => {
    for (const guests of [0, 7, 30]) {
      const layout = layOut(withGuests(scenario, guests), width, height);
      const places = placesOf(layout);
      const reached = new Set([[...places.keys()][0] as string]);
      for (const id of reached)
        for (const direction of [
          [1, 0],
          [-1, 0],
          [0, 1],
          [0, -1],
        ] as const) {
          const next = neighbour(places, id, direction);
          if (next) reached.add(next);
        }
      expect(
        [...places.keys()].filter((id) => !reached.has(id)),
        `${guests} guests`,
      ).toEqual([]);
    }
  });

  it('no server moves when a guest joins, and none when they leave', () => {
    for (const [width, height] of ordinary) {
      const before = layOut(new Model(scenario), width, height);
      for (const { domain } of scenario.servers) {
        const model = withGuests(scenario, 1, [domain]);
        const after = layOut(model, width, height, { before });
        const hubs = (layout: Layout) =>
          [...layout.servers.values()].map(({ domain: at, hub }) => [at, hub.x.toFixed(1), hub.y.toFixed(1)]);
        expect([after.scale, hubs(after)], `${domain} at ${width} × ${height}`).toEqual([before.scale, hubs(before)]);
        for (const [jid, { occupant, x, y }] of before.occupants)
          if (occupant.server !== domain) expect(after.occupants.get(jid)).toMatchObject({ x, y });
        expect(layOut(new Model(scenario), width, height, { before: after })).toEqual(before);
      }
    }
  });

  it('a server that a person moved stands there, with all that is on it, and the others stand where they stood', () => {
    const [width, height] = [1572, 700];
    const before = layOut(new Model(scenario), width, height);
    const [first, ...others] = [...before.servers.values()];
    if (!first) throw new Error('no server');
    const by = [40, -40, 80, -80].find((x) => mayStand(before, { ...first, x: first.x + x })) ?? 0;
    expect(by).not.toBe(0);
    const place = { x: (first.x + by) / before.width, y: (first.y - first.h / 2) / before.height };
    const held = { before, moved: new Map([[first.domain, place]]) };
    const after = layOut(new Model(scenario), width, height, held);
    expect(after.servers.get(first.domain)?.x).toBeCloseTo(first.x + by);
    for (const other of others) expect(after.servers.get(other.domain)).toMatchObject({ x: other.x, y: other.y });
    expect([collisions(after), outside(after)]).toEqual([[], []]);
    for (const [address, node] of before.nodes) {
      const stays = new Model(scenario).network.nodes.get(address)?.server !== first.domain;
      expect(after.nodes.get(address)?.x).toBeCloseTo(stays ? node.x : node.x + by);
    }
  });
});

describe('A nick', () => {
  it('is whole where it fits, and else ends with an ellipsis and is no wider than its room', () => {
    expect(fitted('WiZ', 15, 79)).toBe('WiZ');
    for (const nick of [
      'BigCheese the Third',
      'WWWWWWWWWWWW',
      '🧀🧀🧀🧀🧀🧀🧀',
      '漢字漢字漢字漢字',
      'iiiiiiiiiiiiiiiiiiiiiiiiiiii',
    ]) {
      expect(fitted(nick, 15, 79)).toMatch(/…$/);
      expect(widthOf(fitted(nick, 15, 79), 15)).toBeLessThanOrEqual(79);
    }
  });
});
