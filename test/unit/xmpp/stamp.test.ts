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
  });
});
