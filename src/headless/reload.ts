import type { Log } from './log.ts';
import type { Settings } from './settings-file.ts';

/** What may change while a service runs. The secret is used when it connects the next time. */
export const reloadable: readonly string[] = ['log', 'log-level', 'trace-bodies', 'secret-file'];

/**
 * SIGHUP: the file is read again. What may change does, what needs a restart is named, and with a mistake in the file
 * everything stays as it is.
 *
 * @param read  the settings as they are now
 * @param apply  takes what may change
 */
export function reloadOnHangup(
  first: Settings,
  read: () => Settings | { readonly error: string },
  apply: (settings: Settings) => void,
  log: Pick<Log, 'info' | 'warn' | 'error'>,
  signals: Pick<NodeJS.EventEmitter, 'on'> = process,
): void {
  let last = first;
  signals.on('SIGHUP', () => {
    const now = read();
    if ('error' in now) return log.error(`not reloaded, everything stays as it is: ${now.error}`);
    const changed = changesBetween(last, now);
    const later = changed.filter((name) => !reloadable.includes(name));
    for (const name of later) log.warn(`--${name} has changed: needs a restart`);
    if (now.file?.rooms !== first.file?.rooms) log.warn('the rooms of the file have changed: needs a restart');
    apply(now);
    const done = changed.filter((name) => reloadable.includes(name)).map((name) => `--${name}`);
    log.info(`reloaded${done.length === 0 ? '' : `: ${done.join(', ')}`}`);
    // What needs a restart is named again the next time.
    last = { ...now, values: { ...now.values, ...Object.fromEntries(later.map((name) => [name, last.values[name]])) } };
  });
}

function changesBetween({ values: was }: Settings, { values: is }: Settings): string[] {
  const names = new Set([...Object.keys(was), ...Object.keys(is)]);
  return [...names].filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]));
}
