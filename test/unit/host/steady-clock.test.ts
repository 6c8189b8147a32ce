import { expect, it } from 'vitest';
import { steadyClock } from '../../../src/host/steady-clock.ts';

const hour = 3_600_000;

/** A machine with two clocks. */
function machine() {
  const at = { wall: Date.UTC(2026, 0, 1), steady: 17 };
  const pass = (ms: number) => {
    at.wall += ms;
    at.steady += ms;
  };
  return {
    at,
    pass,
    now: steadyClock(
      () => at.wall,
      () => at.steady,
    ),
  };
}

it('goes as the wall clock does', () => {
  const { at, pass, now } = machine();
  expect(now()).toBe(at.wall);
  pass(1234);
  expect(now()).toBe(at.wall);
});

it('the wall clock is set back by hours: it never goes back, time-outs take about as long as ever, and in the end both agree', () => {
  const { at, pass, now } = machine();
  const before = now();
  at.wall -= 2 * hour;
  expect(now()).toBe(before);
  pass(60_000);
  expect(now() - before).toBeGreaterThanOrEqual(57_000);
  expect(now() - before).toBeLessThanOrEqual(60_000);
  for (let last = now(), i = 0; i < 50 * 60; i++) {
    pass(60_000);
    expect(now()).toBeGreaterThan(last);
    last = now();
  }
  expect(now()).toBe(at.wall);
});

it('the wall clock is set forward, or the machine slept: it goes on from there', () => {
  const { at, pass, now } = machine();
  at.wall += 3 * hour;
  expect(now()).toBe(at.wall);
  pass(5);
  expect(now()).toBe(at.wall);
});
