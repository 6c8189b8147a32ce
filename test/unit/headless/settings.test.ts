import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { readArguments } from '../../../src/headless/component-arguments.ts';
import { reloadable, reloadOnHangup } from '../../../src/headless/reload.ts';
import { readServeArguments, serveHelp } from '../../../src/headless/serve-arguments.ts';
import { flagOf, settingsOf } from '../../../src/headless/settings.mjs';
import { readSettings, type Settings } from '../../../src/headless/settings-file.ts';

const directory = mkdtempSync(`${tmpdir()}/netsplit-settings-`);
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = `${directory}/netsplit.json`;
function write(text: string): string {
  writeFileSync(file, text);
  return file;
}
const serve = (...args: readonly string[]) => readServeArguments(['--config', file, ...args]);
const errorOf = (read: unknown) => (read as { error: string }).error.replaceAll(file, 'FILE');

describe('--config FILE', () => {
  it('says what flags say, with comments', () => {
    write(
      '{\n  // A port of ours.\n  "port": 5281, "auth": "open", /* all */ "clientRate": "20000/40000", "logLevel": "warn"\n}',
    );
    expect(serve()).toMatchObject({
      port: 5281,
      open: true,
      budgets: { client: { perSecond: 20_000, burst: 40_000 } },
      log: { level: 'warn', format: 'text' },
    });
  });

  it('a flag outranks it', () => {
    write('{"port": 5281, "auth": "open"}');
    expect(serve('--port', '5282')).toMatchObject({ port: 5282, open: true });
  });

  it('every mistake is told with its line, and in the words that a flag is refused with', () => {
    write('{\n  "port": 70000,\n  "prt": 1,\n  "acceptLoss": "yes"\n}');
    expect(errorOf(serve()).split('\n')).toEqual([
      'FILE:2: $.port: 70000 is not a port (0 to 65535)',
      'FILE:3: $.prt: unknown property "prt"',
      'FILE:4: $.acceptLoss: "yes" is not true or false',
    ]);
    expect(errorOf(readServeArguments(['--port', '70000']))).toBe('--port: "70000" is not a port (0 to 65535)');
  });

  it('so is what only two settings together say, or a file that they name', () => {
    write('{\n  "acceptLoss": true\n}');
    expect(errorOf(serve())).toBe('FILE:2: $.acceptLoss has no effect without --store');
    write('{\n\n  "scenario": "nope"}');
    expect(errorOf(serve())).toMatch(/^FILE:3: \$\.scenario: "nope" is neither a file nor one of /);
  });

  it.each([
    ['{"port": 1,}', /^FILE:1: \$: not JSON: /],
    ['[]', /^FILE:1: \$: is not an object$/],
    ['{"port": 1, "port": 2}', /^FILE:1: \$\.port: the property "port" is listed twice$/],
    ['{"config": "other.json"}', /unknown property "config"/],
    ['{"secret": "x"}', /unknown property "secret"/],
  ])('%s is refused', (text, message) => {
    write(text);
    expect(errorOf(serve())).toMatch(message);
  });

  it('a component’s has the rooms as well; its server is a place, and without a port what a scenario calls so', () => {
    const text = `{
  "server": "127.0.0.1:5347", // here
  "rooms": [{ "jid": "lobby@rooms.example.org" }],
  "domain": "rooms.example.org",
  "admins": ["you@example.org"],
  "secretFile": ${JSON.stringify(`${directory}/secret`)}
}`;
    writeFileSync(`${directory}/secret`, 's\n');
    write(text);
    expect(readArguments(['--config', file], {})).toMatchObject({
      ...{ host: '127.0.0.1', port: 5347, domain: 'rooms.example.org', secret: 's' },
      config: { rooms: [{ jid: 'lobby@rooms.example.org' }], admins: ['you@example.org'] },
    });
    write(text.replace('lobby@', 'lobby @'));
    const [error = ''] = readArguments(['--config', file], {}) as string[];
    expect(error.replaceAll(file, 'FILE')).toMatch(/^FILE:3: \$\.rooms\[0\]\.jid: /);
    write(text.replace('127.0.0.1:5347', 'example.org'));
    expect(readArguments(['--config', file], {})).toEqual(['--server HOST:PORT is needed']);
    expect(readArguments(['--config', file, '--server', '[::1]:1'], {})).toMatchObject({
      config: { server: 'example.org' },
    });
  });

  it('is for the page, too', () => {
    write('{"port": 5200, "frameAncestors": ["https://notes.example.org"]}');
    expect(readSettings('start', ['--config', file])).toMatchObject({
      values: { port: '5200', 'frame-ancestors': ['https://notes.example.org'] },
    });
  });

  it('every setting is a flag that --help names', () => {
    for (const property of Object.keys(settingsOf('serve'))) expect(serveHelp).toContain(`--${flagOf(property)}`);
  });

  it('--log without a word tells all, as it always did', () => {
    const logOf = (...args: readonly string[]) => readServeArguments(args);
    expect(logOf('--log')).toMatchObject({ log: { level: 'debug', format: 'text' } });
    expect(logOf('--log', 'json', '--port', '0')).toMatchObject({ log: { level: 'info', format: 'json' } });
    expect(logOf('--log', '--port', '0')).toMatchObject({ log: { level: 'debug' }, port: 0 });
  });

  it.each([
    ['9464', { host: '127.0.0.1', port: 9464 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
  ])('--metrics %s', (text, place) => {
    expect(readServeArguments(['--metrics', text])).toMatchObject({ metrics: place });
  });
  it.each(['nine', '99999', ':9464', 'a:99999'])('--metrics %s is refused', (text) => {
    expect(errorOf(readServeArguments(['--metrics', text]))).toMatch(/^--metrics: .* is not PORT or HOST:PORT/);
  });
});

describe('SIGHUP', () => {
  const settings = (text: string) => {
    write(text);
    return readSettings('serve', ['--config', file]);
  };
  /** Hangs up with one file after another. */
  function reloaded(first: string, ...texts: readonly string[]): { lines: string[]; applied: Settings[] } {
    const signals = new EventEmitter();
    const [lines, applied]: [string[], Settings[]] = [[], []];
    const say = (message: string) => void lines.push(message.replaceAll(file, 'FILE'));
    const log = { info: say, warn: say, error: say };
    let now = first;
    reloadOnHangup(
      settings(first) as Settings,
      () => settings(now),
      (one) => applied.push(one),
      log,
      signals,
    );
    for (now of texts) signals.emit('SIGHUP');
    return { lines, applied };
  }

  it('takes what may change, and names what needs a restart, until it is as it was', () => {
    const { lines, applied } = reloaded(
      '{"port": 1}',
      '{"port": 2, "logLevel": "debug"}',
      '{"port": 2}',
      '{"port": 1}',
    );
    expect(lines).toEqual([
      '--port has changed: needs a restart',
      'reloaded: --log-level',
      '--port has changed: needs a restart',
      'reloaded: --log-level',
      'reloaded',
    ]);
    expect(applied[0]?.values).toMatchObject({ 'log-level': 'debug' });
  });

  it('with a mistake in the file everything stays as it is', () => {
    const { lines, applied } = reloaded('{"port": 1}', '{"port": "x"}');
    expect(lines).toEqual(['not reloaded, everything stays as it is: FILE:1: $.port: "x" is not a port (0 to 65535)']);
    expect(applied).toEqual([]);
  });

  it('what may change is settings', () => {
    const flags = [...Object.keys(settingsOf('serve')), ...Object.keys(settingsOf('component'))].map(flagOf);
    expect(flags).toEqual(expect.arrayContaining([...reloadable]));
  });
});
