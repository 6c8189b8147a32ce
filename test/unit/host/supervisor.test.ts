import { describe, expect, it } from 'vitest';
import type { NodeReport, NotKept, Result } from '../../../src/host/control.ts';
import { type SupervisedWorker, Supervisor, type SupervisorHost } from '../../../src/ui/session/supervisor.ts';

class FakeWorker implements SupervisedWorker {
  answers = true;
  ended = false;
  #report: ((report: NodeReport) => void) | undefined;
  #onError: ((text: string) => void) | undefined;
  start(report: (report: NodeReport) => void): Promise<Result> {
    this.#report = report;
    return new Promise(() => undefined);
  }
  ping(): Promise<unknown> {
    return this.answers ? Promise.resolve(true) : new Promise(() => undefined);
  }
  stop(): Promise<void> {
    return this.answers ? Promise.resolve() : new Promise(() => undefined);
  }
  terminate(): void {
    this.ended = true;
  }
  onError(listener: (text: string) => void): void {
    this.#onError = listener;
  }
  says(phase: NodeReport['phase'], detail = '', notKept?: NotKept): void {
    this.#report?.({ node: 'n', phase, detail, ...(notKept === undefined ? {} : { notKept }) });
  }
  throws(text: string): void {
    this.#onError?.(text);
  }
}

class FakeTime implements SupervisorHost {
  time = 0;
  #timers: { at: number; fn: () => void }[] = [];
  now(): number {
    return this.time;
  }
  setTimer(afterMs: number, fn: () => void): () => void {
    const timer = { at: this.time + afterMs, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  /** Timer by timer, with the promises in between. */
  async passes(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.time = Math.max(this.time, next.at);
      next.fn();
      for (let i = 0; i < 5; i++) await undefined;
    }
    this.time = end;
  }
  /** The page was frozen: time went on, timers did not. */
  async frozenFor(ms: number): Promise<void> {
    this.time += ms;
    await this.passes(0);
  }
}

function supervised() {
  const workers: FakeWorker[] = [];
  const told: string[] = [];
  const time = new FakeTime();
  const supervisor = new Supervisor(
    'n',
    () => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker;
    },
    time,
    ({ phase, detail, notKept }) =>
      told.push(`${phase}${detail && `: ${detail}`}${notKept === undefined ? '' : ` (${notKept})`}`),
  );
  supervisor.start();
  return { supervisor, workers, told, time, current: () => workers.at(-1) as FakeWorker };
}

describe('Supervisor of a node’s worker', () => {
  it('passes on what the worker says, and leaves a healthy one alone', async () => {
    const { told, time, workers, current } = supervised();
    current().says('restoring');
    current().says('ready', 'history restored: 3 messages');
    await time.passes(60_000);
    expect(told).toEqual(['waiting: starting the worker', 'restoring', 'ready: history restored: 3 messages']);
    expect(workers).toHaveLength(1);
  });

  it('replaces a worker that does not answer for 3 s', async () => {
    const { told, time, workers, current } = supervised();
    current().says('ready');
    await time.passes(0);
    current().answers = false;
    await time.passes(2_900);
    expect(workers).toHaveLength(1);
    await time.passes(400);
    expect(workers[0]?.ended).toBe(true);
    expect(workers).toHaveLength(2);
    expect(told).toContain('restarting: the worker stopped answering; again in 0.2 s');
  });

  it('does not take a frozen page for a dead worker', async () => {
    const { time, workers, current } = supervised();
    current().says('ready');
    await time.passes(5_000);
    await time.frozenFor(120_000);
    await time.passes(5_000);
    expect(workers).toHaveLength(1);
  });

  it('gives a worker time to load, and restarts one that cannot', async () => {
    const { time, workers, current, told } = supervised();
    current().answers = false;
    await time.passes(20_000);
    expect(workers).toHaveLength(1);
    current().throws('404');
    await time.passes(200);
    expect(workers).toHaveLength(2);
    expect(told.at(-2)).toBe('restarting: the worker did not start: 404; again in 0.2 s');
  });

  it('restarts a node that stopped itself, with growing delays up to 5 s', async () => {
    const { told, time, current, workers } = supervised();
    for (let i = 0; i < 7; i++) {
      current().says('stopped', 'disk full');
      await time.passes(5_000);
    }
    const delays = told.flatMap((text) => /again in (\S+) s/.exec(text)?.[1] ?? []);
    expect(delays).toEqual(['0.2', '0.4', '0.8', '1.6', '3.2', '5.0', '5.0']);
    expect(workers).toHaveLength(8);
  });

  it('leaves a node alone whose login was refused', async () => {
    const { told, time, current, workers, supervisor } = supervised();
    current().says('failed', 'wrong password for talk.lit');
    await supervisor.settled();
    await time.passes(60_000);
    expect(workers).toHaveLength(1);
    expect(told.at(-1)).toBe('failed: wrong password for talk.lit');
  });

  it('crash ends the worker until somebody restarts it; the dead one is not heard any more', async () => {
    const { told, time, current, workers, supervisor } = supervised();
    current().says('ready');
    supervisor.crash();
    expect(current().ended).toBe(true);
    workers[0]?.says('ready', 'ghost');
    await time.passes(60_000);
    expect(told.at(-1)).toBe('down: crashed: its log is kept');
    const restarted = supervisor.restart();
    expect(workers).toHaveLength(2);
    current().says('ready', 'back');
    await restarted;
    expect(told.at(-1)).toBe('ready: back');
  });

  it('says what is not kept for as long as it is so, and what a crash has lost', () => {
    const { told, current, supervisor } = supervised();
    current().says('ready', 'no room', 'full');
    current().says('ready', 'room again');
    current().says('ready', 'in memory', 'denied');
    supervisor.crash();
    expect(told.slice(1)).toEqual([
      'ready: no room (full)',
      'ready: room again',
      'ready: in memory (denied)',
      'down: crashed: what it had was in memory only (denied)',
    ]);
  });

  it('stop does not wait for ever for a dead worker', async () => {
    const { time, current, supervisor } = supervised();
    current().says('ready');
    current().answers = false;
    const stopping = supervisor.stop();
    await time.passes(2_000);
    await stopping;
    expect(current().ended).toBe(true);
  });

  it('lets go of those who wait for a node that is stopped before it is ready', async () => {
    const { time, current, supervisor } = supervised();
    current().says('connecting');
    let settled = false;
    void supervisor.settled().then(() => {
      settled = true;
    });
    await time.passes(1_000);
    expect(settled).toBe(false);
    await supervisor.stop();
    await time.passes(0);
    expect(settled).toBe(true);
  });
});
