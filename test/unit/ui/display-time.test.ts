import { describe, expect, it } from 'vitest';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { Display, displayTime, leastMs } from '../../../src/ui/display-time.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { RecordedSession } from '../../../src/ui/session/recorded.ts';
import type { SessionListener } from '../../../src/ui/session/session.ts';
import type { ModelRecord } from '../../../src/ui/trace/records.ts';
import { bigCheeseSpeaks } from '../../support/fake-session.ts';
import { readAll, simulated } from '../../support/traces.ts';

const calm = { at: 1_000, causeEnd: undefined, pace: 1, busy: 0 };

describe('Time of an event on the screen', () => {
  it('a leg that took 2 ms is stretched until an eye can follow it', () => {
    expect(displayTime({ kind: 'hop', leg: 'link', t: 0, arrives: 2 }, calm)).toEqual({
      start: 1_000,
      end: 1_000 + leastMs.link,
    });
  });
  it('a slow link is shown as slow as it is', () => {
    expect(displayTime({ kind: 'hop', leg: 'link', t: 0, arrives: 3_000 }, calm)).toEqual({ start: 1_000, end: 4_000 });
  });
  it('a leg starts when the display of its cause has ended, not before', () => {
    expect(displayTime({ kind: 'hop', leg: 'out', t: 0 }, { ...calm, causeEnd: 1_800 }).start).toBe(1_800);
    expect(displayTime({ kind: 'hop', leg: 'out', t: 0 }, { ...calm, causeEnd: 400 }).start).toBe(1_000);
  });
  it('far behind the trace, and in a crowd, it hurries', () => {
    const late = displayTime({ kind: 'hop', leg: 'in', t: 0 }, { ...calm, causeEnd: 11_000 });
    expect(late.end - late.start).toBeLessThan(leastMs.in / 2);
    const crowded = displayTime({ kind: 'hop', leg: 'in', t: 0 }, { ...calm, busy: 1_000 });
    expect(crowded.end).toBe(crowded.start);
  });
  it('pace 0 moves nothing', () => {
    const still = displayTime({ kind: 'hop', leg: 'link', t: 0, arrives: 500 }, { ...calm, pace: 0 });
    expect(still.end).toBe(still.start);
  });
});

describe('Display of a recording', () => {
  it('moves at once what it is offered, each leg after its cause, and waits for no slow link', () => {
    const session = new RecordedSession(readAll(simulated(4, '0289pp')));
    const model = new Model(session.scenario, true);
    const display = new Display(model, true);
    const hops = session.length;
    expect(hops).toBeGreaterThan(100);
    const offered = new Map<number, number>();
    let now = 5_000;
    const listener = {
      records: (batch: readonly ModelRecord[]) => {
        const fresh = model.fold(batch);
        for (const { id } of fresh) offered.set(id, now);
        display.offer(fresh, now);
      },
      node: () => {},
      moved: () => {},
    };
    session.listen(listener as unknown as SessionListener);
    const spans = new Map<number, { start: number; end: number }>();
    for (let at = 1; at <= 100; at++, now += 400) {
      session.seek(at);
      for (const flight of display.at(now, 0)) spans.set(flight.event.id, flight);
    }
    expect(spans.size).toBeGreaterThan(50);
    for (const [id, { start, end }] of spans) {
      const cause = spans.get(model.events.get(id)?.cause ?? 0);
      expect(start).toBe(Math.max(offered.get(id) ?? 0, cause?.end ?? 0));
      expect(end - start).toBeLessThanOrEqual(1_500);
    }
  });
});

describe('Display of a message', () => {
  it('shows each leg after its cause, whichever record came first, and is idle afterwards', () => {
    const model = new Model(builtInScenario('wallops') as Scenario);
    const display = new Display(model);
    const { hops, steps } = bigCheeseSpeaks('hello');
    let now = 10_000;
    display.offer(model.fold(hops), now);
    const spans = new Map<number, { start: number; end: number }>();
    const look = () => {
      for (const flight of display.at(now, 0)) spans.set(flight.event.id, flight);
    };
    look();
    now += 100;
    display.offer(model.fold(steps), now);
    for (; now < 30_000 && !display.idle; now += 50) look();
    expect(display.idle).toBe(true);
    expect(spans.size).toBe(hops.length);
    for (const [id, span] of spans) {
      const cause = model.events.get(id)?.cause;
      const before = cause === undefined ? undefined : spans.get(cause);
      if (before) expect(span.start).toBeGreaterThanOrEqual(before.end);
    }
  });
});
