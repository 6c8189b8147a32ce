import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { endOnSignal } from '../../../src/headless/ending.ts';
import { Log } from '../../../src/headless/log.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('A service that is told to end', () => {
  function service(drain: () => Promise<void>, drainMs?: number) {
    const signals = new EventEmitter();
    const [statuses, errors]: [number[], string[]] = [[], []];
    const log = { debug: () => undefined, error: (line: string) => void errors.push(line) };
    const ended = new Promise<void>((resolve) => {
      const exit = (status: number) => {
        statuses.push(status);
        resolve();
      };
      endOnSignal({ log, drain, signals, exit, ...(drainMs === undefined ? {} : { drainMs }) });
    });
    return { signals, statuses, errors, ended };
  }

  it('drains, and ends with status 0', async () => {
    let finish: () => void = () => undefined;
    const { signals, statuses, ended } = service(() => new Promise((resolve) => (finish = resolve)));
    signals.emit('SIGTERM');
    await settled();
    expect(statuses).toEqual([]);
    finish();
    await ended;
    expect(statuses).toEqual([0]);
  });

  it('ends at once when it is told twice', () => {
    const { signals, statuses } = service(() => new Promise(() => undefined));
    signals.emit('SIGTERM');
    signals.emit('SIGTERM');
    expect(statuses).toEqual([143]);
  });

  it('ends with status 1 when draining takes too long, and says so', async () => {
    const { signals, statuses, errors, ended } = service(() => new Promise(() => undefined), 5);
    signals.emit('SIGINT');
    await ended;
    expect([statuses, errors]).toEqual([[1], ['not done after 0.005 s: ended all the same']]);
  });

  it('ends all the same when draining fails', async () => {
    const { signals, statuses, errors, ended } = service(() => Promise.reject(new Error('disk full')));
    signals.emit('SIGTERM');
    await ended;
    expect([statuses, errors]).toEqual([[0], ['not ended as it should: disk full']]);
  });
});

describe('Its log', () => {
  function logged(settings: ConstructorParameters<typeof Log>[0], write: (log: Log) => void) {
    const [out, err]: [string[], string[]] = [[], []];
    const into = (lines: string[]) => ({ write: (line: string) => lines.push(line) > 0 });
    write(new Log(settings, into(out), into(err), () => new Date(0)));
    return { out, err };
  }
  const all = (log: Log) => {
    log.error('e');
    log.warn('w', { peer: 'a "quoted" one\n' });
    log.info('i');
    log.debug('d');
  };

  it('is lines for people: what was asked for on standard output, the rest on standard error', () => {
    expect(logged({ level: 'debug', format: 'text' }, all)).toEqual({ out: ['i\n'], err: ['e\n', 'w\n', 'd\n'] });
  });
  it('or objects, one a line, with time and level', () => {
    const { err } = logged({ level: 'warn', format: 'json' }, all);
    expect(err.map((line) => JSON.parse(line))).toEqual([
      { time: '1970-01-01T00:00:00.000Z', level: 'error', message: 'e' },
      { time: '1970-01-01T00:00:00.000Z', level: 'warn', message: 'w', peer: 'a "quoted" one\n' },
    ]);
    expect(err.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
  });
  it('leaves out what is below its level', () => {
    expect(logged({ level: 'error', format: 'text' }, all)).toEqual({ out: [], err: ['e\n'] });
  });
});
