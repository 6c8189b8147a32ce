import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Link } from '../../../src/core/net/link.ts';
import { instant } from '../../../src/core/xmpp/time.ts';

const t0 = instant(1000);

describe('The link model', () => {
  it('adds the latency', () => {
    expect(new Link({ latencyMs: 50 }).transmit(0, 100, t0, 0)).toEqual({ arrives: 1050 });
  });

  it('adds up to the jitter, and never reorders', () => {
    const link = new Link({ latencyMs: 10, jitterMs: 40 });
    expect(link.transmit(0, 1, t0, 0.5)).toEqual({ arrives: 1030 });
    expect(link.transmit(0, 1, t0, 0)).toEqual({ arrives: 1030 });
  });

  it('serialises the bytes of one direction, not of the other', () => {
    const link = new Link({ latencyMs: 0, bytesPerSecond: 1000 });
    expect(link.transmit(0, 500, t0, 0)).toEqual({ arrives: 1500 });
    expect(link.transmit(0, 500, t0, 0)).toEqual({ arrives: 2000 });
    expect(link.transmit(1, 500, t0, 0)).toEqual({ arrives: 1500 });
  });

  it('stays FIFO when the latency is lowered', () => {
    const link = new Link({ latencyMs: 100 });
    link.transmit(0, 1, t0, 0);
    link.change({ latencyMs: 0 });
    expect(link.transmit(0, 1, t0, 0)).toEqual({ arrives: 1100 });
  });

  it('tells the sender when it is cut, unless it is cut silently, and counts', () => {
    const link = new Link();
    link.transmit(0, 10, t0, 0);
    link.change({ state: 'bounce' });
    expect(link.transmit(0, 10, t0, 0)).toEqual({ outcome: 'bounced' });
    link.change({ state: 'silent' });
    expect(link.transmit(1, 10, t0, 0)).toEqual({ outcome: 'dropped' });
    link.change({ state: 'up' });
    link.transmit(1, 7, t0, 0);
    expect(link.counters).toEqual({ stanzas: 2, bytes: 17, dropped: 2 });
  });

  it('is FIFO whatever happens to its settings (property)', () => {
    const step = fc.record({
      wait: fc.nat(50),
      bytes: fc.nat(5000),
      random: fc.double({ min: 0, max: 0.999, noNaN: true }),
      settings: fc.option(fc.record({ latencyMs: fc.nat(100), jitterMs: fc.nat(100), bytesPerSecond: fc.nat(10_000) })),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const link = new Link();
        let now = 0;
        let last = 0;
        for (const { wait, bytes, random, settings } of steps) {
          now += wait;
          if (settings !== null) link.change(settings);
          const { arrives } = link.transmit(0, bytes, instant(now), random);
          expect(arrives).toBeGreaterThanOrEqual(Math.max(last, now));
          last = arrives as number;
        }
      }),
    );
  });
});
