import { describe, expect, it } from 'vitest';
import { instant } from '../../src/core/xmpp/time.ts';
import { Schedule } from '../../src/sim/schedule.ts';

describe('The schedule', () => {
  it('lets things happen in the order of time, and those of one moment in the order in which they were planned', () => {
    const schedule = new Schedule(instant(100));
    const happened: string[] = [];
    const plan = (at: number, name: string, then = () => {}) =>
      schedule.add(instant(at), () => {
        happened.push(`${name} ${schedule.now}`);
        then();
      });
    plan(120, 'c', () => plan(120, 'e', () => plan(119, 'f')));
    plan(100, 'a', () => plan(100, 'b'));
    plan(130, 'g');
    plan(120, 'd');
    plan(140, 'late');
    while (schedule.isDue(instant(139))) schedule.take()();
    expect(happened).toEqual(['a 100', 'b 100', 'c 120', 'd 120', 'e 120', 'f 120', 'g 130']);
    expect(schedule.isDue(instant(140))).toBe(true);
    schedule.take()();
    expect(schedule.isDue(instant(1e9))).toBe(false);
    expect(() => schedule.take()).toThrow(RangeError);
  });
});
