import { describe, expect, it } from 'vitest';
import { apart, stepPath, ticks } from '../../../src/ui/growth.ts';

describe('The chart of what links have carried', () => {
  const frame = { left: 10, top: 0, width: 100, height: 50, mostMs: 1_000, most: 5 };
  const at = (ms: number, stanzas: number) => ({ ms, stanzas, bytes: 100 * stanzas });

  it('goes up in steps, each when a stanza sets out, and ends at the time that is shown', () => {
    expect(stepPath([at(100, 1), at(500, 2)], 'stanzas', frame)).toBe('M10 50H20V40H60V30H110');
    expect(stepPath([], 'stanzas', frame)).toBe('M10 50H110');
    expect(stepPath([at(100, 1)], 'bytes', { ...frame, most: 200 })).toBe('M10 50H20V25H110');
  });

  it('has one step a pixel, however many stanzas there are', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => at(i / 5, i + 1));
    expect(stepPath(many, 'stanzas', { ...frame, most: 5_000 }).split('V').length - 1).toBe(101);
  });

  it('has round numbers at its axes; stanzas are whole', () => {
    expect(ticks(76, 4)).toEqual([0, 20, 40, 60]);
    expect(ticks(1_109, 6)).toEqual([0, 200, 400, 600, 800, 1_000]);
    expect(ticks(0.3, 3)).toEqual([0, 0.1, 0.2, 0.3]);
    expect(ticks(1, 4)).toEqual([0, 0.5, 1]);
    expect(ticks(1, 4, true)).toEqual([0, 1]);
  });

  it('keeps the names at the ends of its lines apart, and within the frame', () => {
    expect(apart(20, 80, 30, [0, 100])).toEqual([20, 80]);
    expect(apart(50, 40, 30, [0, 100])).toEqual([60, 30]);
    expect(apart(50, 50, 30, [0, 100])).toEqual([35, 65]);
    expect(apart(2, 4, 30, [8, 100])).toEqual([8, 38]);
    expect(apart(99, 98, 30, [8, 100])).toEqual([100, 70]);
  });
});
