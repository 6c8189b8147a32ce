import { describe, expect, it } from 'vitest';
import { readStamp, writeStamp } from '../../../src/core/xep/xep0082.ts';
import { instant } from '../../../src/core/xmpp/time.ts';

describe('XEP-0082 stamps', () => {
  const times = [
    0,
    -1,
    1,
    999,
    86_399_999,
    86_400_000,
    -86_400_000,
    Date.UTC(2026, 1, 28, 23, 59, 59, 7),
    1e12 + 12_345,
  ];

  it('are written as the engine writes them, in any order of days', () => {
    for (const ms of [...times, -62_135_596_800_000, 253_402_300_800_000, ...times.toReversed()])
      expect(writeStamp(instant(ms))).toBe(new Date(ms).toISOString());
    expect(() => writeStamp(instant(Number.NaN))).toThrow(RangeError);
  });

  it('are read as they were written, once and again', () => {
    for (const ms of [...times, ...times]) expect(readStamp(writeStamp(instant(ms)))).toBe(ms);
    for (const text of ['', '20120419T16:00:44', '2012-04-19', '2012-04-19T16:00:44Z ', '2012-04-19T16:00:44'])
      expect(readStamp(text)).toBeUndefined();
    expect(readStamp('2012-04-19T16:00:44.5+02:30')).toBe(Date.UTC(2012, 3, 19, 13, 30, 44, 500));
    expect(readStamp('2012-04-19T00:10:00-02:30')).toBe(Date.UTC(2012, 3, 19, 2, 40));
    expect(readStamp('2012-01-01T00:00:00+01:00')).toBe(Date.UTC(2011, 11, 31, 23));
    expect(readStamp('2024-02-29T00:00:00Z')).toBe(Date.UTC(2024, 1, 29));
    expect(readStamp('0050-01-01T00:00:00Z')).toBe(Date.parse('0050-01-01T00:00:00Z'));
  });

  it.each([
    '2026-13-45T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-01T99:99:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T12:60:00Z',
    '2026-01-01T12:00:60Z',
    '2026-01-01T12:00:00+99:99',
    '2026-01-01T12:00:00+14:30',
    '2026-01-01T12:00:00-01:60',
  ])('%s is impossible, so it is no date', (text) => expect(readStamp(text)).toBeUndefined());
});
