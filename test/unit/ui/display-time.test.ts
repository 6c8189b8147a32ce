import { describe, expect, it } from 'vitest';
import { displayTime, leastMs } from '../../../src/ui/display-time.ts';

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
