import type { Log } from './log.ts';

/** As long as a service may take to say goodbye, in milliseconds; systemd waits longer (netsplit.service). */
export const drainMs = 10_000;

export interface EndingOptions {
  readonly log: Pick<Log, 'debug' | 'error'>;
  /** Tells everybody, and closes what is open. */
  drain(): Promise<void>;
  readonly signals?: Pick<NodeJS.EventEmitter, 'on'>;
  exit?(status: number): void;
  readonly drainMs?: number;
}

/** How a service ends. */
export interface Ending {
  readonly isEnding: boolean;
  /** The service cannot go on: it drains, and ends with that status. */
  end(status: number): void;
}

/**
 * SIGTERM and SIGINT drain the service and end it with status 0. It has ten seconds for that; then it ends with status 1.
 * A second signal ends it at once.
 */
export function endOnSignal(options: EndingOptions): Ending {
  const { log, drain, signals = process, exit = (status: number) => process.exit(status) } = options;
  const boundMs = options.drainMs ?? drainMs;
  let isEnding = false;
  const end = (status: number) => {
    if (isEnding) return;
    isEnding = true;
    const late = setTimeout(() => {
      log.error(`not done after ${boundMs / 1000} s: ended all the same`);
      exit(status === 0 ? 1 : status);
    }, boundMs);
    void drain()
      .catch((error: Error) => log.error(`not ended as it should: ${error.message}`))
      .then(() => {
        clearTimeout(late);
        exit(status);
      });
  };
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const)
    signals.on(signal, () => {
      if (isEnding) return exit(128 + number);
      log.debug(`${signal}: stopping; a second one stops at once`);
      end(0);
    });
  return {
    get isEnding() {
      return isEnding;
    },
    end,
  };
}
