import type { Writable } from 'node:stream';

/** From the gravest. `debug` is what the server refused or dropped, and why. */
export const levels = ['error', 'warn', 'info', 'debug'] as const;
export type Level = (typeof levels)[number];

export interface LogSettings {
  readonly level: Level;
  readonly format: 'text' | 'json';
}

/** The lines of a command: words for people, or one object of JSON each. What is asked for is told on standard output. */
export class Log {
  #settings: LogSettings;
  readonly #out: Pick<Writable, 'write'>;
  readonly #err: Pick<Writable, 'write'>;
  readonly #now: () => Date;

  constructor(
    settings: LogSettings,
    out: Pick<Writable, 'write'> = process.stdout,
    err: Pick<Writable, 'write'> = process.stderr,
    now = () => new Date(),
  ) {
    this.#settings = settings;
    this.#out = out;
    this.#err = err;
    this.#now = now;
  }

  get isJson(): boolean {
    return this.#settings.format === 'json';
  }

  /** From the next line on. */
  change(settings: LogSettings): void {
    this.#settings = settings;
  }

  /** @param fields  for a program; people read the message, which says the same */
  readonly error = (message: string, fields?: object): void => this.#write('error', message, fields);
  readonly warn = (message: string, fields?: object): void => this.#write('warn', message, fields);
  readonly info = (message: string, fields?: object): void => this.#write('info', message, fields);
  readonly debug = (message: string, fields?: object): void => this.#write('debug', message, fields);

  #write(level: Level, message: string, fields: object = {}): void {
    const { level: most, format } = this.#settings;
    if (levels.indexOf(level) > levels.indexOf(most)) return;
    const line =
      format === 'json' ? JSON.stringify({ time: this.#now().toISOString(), level, message, ...fields }) : message;
    (level === 'info' ? this.#out : this.#err).write(`${line}\n`);
  }
}

/** What the settings say of it. */
export function logSettings(values: Readonly<Record<string, unknown>>): LogSettings {
  return {
    level: levels.find((one) => one === values['log-level']) ?? 'info',
    format: values['log'] === 'json' ? 'json' : 'text',
  };
}
