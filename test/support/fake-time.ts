import type { LinkHost } from '../../src/host/reconnecting-link.ts';

/** Time stands still until the test moves it. */
export class FakeTime implements LinkHost {
  time = 0;
  timers: { at: number; fn: () => void }[] = [];
  dice = 1;

  now(): number {
    return this.time;
  }
  setTimer(afterMs: number, fn: () => void): () => void {
    const timer = { at: this.time + afterMs, fn };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }
  random(): number {
    return this.dice;
  }
  passes(ms: number): void {
    this.time += ms;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { fn } of due) fn();
  }
}
