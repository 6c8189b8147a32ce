import { describe, expect, it } from 'vitest';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import type { ModelEvent } from '../../../src/ui/fold/event.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { layOut } from '../../../src/ui/layout.ts';
import {
  type Follower,
  lagBehind,
  laneOffset,
  placeAfter,
  placeBehind,
  queuePlace,
  wayOf,
} from '../../../src/ui/token-way.ts';

const model = new Model(builtInScenario('wallops') as Scenario);
const layout = layOut(model, 1_400, 700);
const way = (leg: 'in' | 'link' | 'out', from: string, to: string) => {
  const found = wayOf({ leg, from, to } as ModelEvent, layout, model.network);
  if (!found) throw new Error('no way');
  return found;
};
const [avalon, vesa] = ['avalon.irc', 'vesa.yeggmaex.irc'];

describe('The way of a stanza', () => {
  it('leads from hub to hub along the curve, and back along the same', () => {
    const there = way('link', avalon, vesa);
    const back = way('link', vesa, avalon);
    expect(there.at(0)).toEqual(layout.servers.get(avalon)?.hub);
    expect(there.at(1)).toEqual(layout.servers.get(vesa)?.hub);
    expect(back.at(0.3)).toEqual({ x: expect.closeTo(there.at(0.7).x), y: expect.closeTo(there.at(0.7).y) });
    expect(back.seen).toEqual([1 - there.seen[1], 1 - there.seen[0]]);
  });

  it('an index stands on the other side of the link than its counter', () => {
    for (const [from, to] of [
      [avalon, vesa],
      [vesa, avalon],
    ] as const) {
      const { at, aside } = way('link', from, to);
      const pill = layout.links.get([avalon, vesa].sort().join('~'))?.label ?? { x: 0, y: 0 };
      const [p, normal] = [at(0.5), aside(0.5)];
      expect(Math.hypot(normal.x, normal.y)).toBeCloseTo(1);
      expect(normal.x * (pill.x - p.x) + normal.y * (pill.y - p.y)).toBeLessThan(0);
    }
  });

  it('from a server to a person it ends at the disc', () => {
    const jid = 'rubenro@vesa.yeggmaex.irc/shaver';
    expect(way('out', vesa, jid).at(1)).toMatchObject({ x: layout.occupants.get(jid)?.x });
    expect(way('in', jid, vesa).at(1)).toEqual(layout.servers.get(vesa)?.hub);
  });
});

describe('Stanzas on one link', () => {
  const [gap, length, ms] = [28, 400, 600];
  const speed = length / ms;
  const all = (starts: readonly number[]) => {
    const followers: Follower[] = [];
    for (const start of starts) followers.push({ start, lag: lagBehind(followers, start, speed, gap) });
    return followers;
  };
  const places = (followers: readonly Follower[], now: number) =>
    followers.map(({ start, lag }) => placeBehind((now - start) / ms, lag, length) * length);

  it('one alone is where its time says: half way at half time', () => {
    expect(places(all([0]), 300)).toEqual([length / 2]);
  });

  it('half way through its time it is in the middle of what is seen of its link, and it ends at its end', () => {
    for (const seen of [[0, 1] as const, [0.2, 0.5] as const, [0.45, 0.95] as const]) {
      expect(placeAfter(0.5, { seen })).toBeCloseTo((seen[0] + seen[1]) / 2);
      expect([placeAfter(0, { seen }), placeAfter(1, { seen })]).toEqual([0, 1]);
    }
  });

  it('those that set off together or soon after another follow each other, and do not lie on each other', () => {
    const followers = all([0, 0, 0, 10, 60, 61]);
    for (const now of [200, 250, 300, 350]) {
      const on = places(followers, now).filter((place) => place > 0);
      for (const [i, place] of on.slice(1).entries())
        expect((on[i] as number) - place, `after ${now} ms`).toBeGreaterThan(gap - 0.01);
    }
    expect(places(followers, 250).filter((place) => place > 0).length).toBeGreaterThan(3);
  });

  it('all have arrived when their time is over, and a later one is not held up', () => {
    const followers = all([0, 0, 500]);
    expect(followers[2]?.lag).toBe(0);
    for (const { start, lag } of followers) expect(placeBehind((start + ms - start) / ms, lag, length)).toBe(1);
  });

  it('those that paused links hold back stand in a row that fits, from both sides of the middle', () => {
    const there = way('link', avalon, vesa);
    const back = way('link', vesa, avalon);
    for (const waiting of [1, 2, 5, 40]) {
      const rows = [there, back].map((one) =>
        Array.from({ length: waiting }, (_, i) => one.at(queuePlace(one, i, waiting, 12))),
      );
      const points = rows.flat();
      for (const [i, p] of points.entries())
        for (const q of points.slice(i + 1)) expect(Math.hypot(p.x - q.x, p.y - q.y)).toBeGreaterThan(1);
      for (let i = 0; i < waiting; i++) {
        expect(queuePlace(there, i, waiting, 12)).toBeGreaterThanOrEqual(there.seen[0]);
        expect(queuePlace(there, i, waiting, 12)).toBeLessThan((there.seen[0] + there.seen[1]) / 2);
      }
    }
  });
});

it('side by side: the middle first, then one on each side', () => {
  expect([0, 1, 2, 3, 4].map(laneOffset)).toEqual([-0, 1, -1, 2, -2]);
});
