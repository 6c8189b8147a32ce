import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, it } from 'vitest';
import { conformanceHelp, readConformanceArguments } from '../../../src/headless/conformance-arguments.ts';

const directory = mkdtempSync(`${tmpdir()}/netsplit-kit-`);
afterAll(() => rmSync(directory, { recursive: true }));
writeFileSync(`${directory}/secret`, 's3cr3t\n');
writeFileSync(`${directory}/empty`, '\n');

const whole = {
  protocol: '0289',
  role: 'joined',
  peer: 'room@rooms.example.org',
  server: '127.0.0.1:5347',
  domain: 'kit.example.net',
  'secret-file': `${directory}/secret`,
};
/** The flags, but for what is given otherwise; undefined: left out. */
const args = (changes: Readonly<Record<string, string | boolean | undefined>> = {}) =>
  Object.entries<string | boolean | undefined>({ ...whole, ...changes }).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : value === true ? [`--${name}`] : [`--${name}`, value],
  );
const read = (changes?: Parameters<typeof args>[0]) => readConformanceArguments(args(changes));

describe('The flags of npm run conformance', () => {
  it('all that is needed', () => {
    expect(read()).toMatchObject({
      ...{ host: '127.0.0.1', port: 5347, secret: 's3cr3t', list: false },
      settings: [
        {
          ...{ protocol: '0289', role: 'joined', peer: 'room@rooms.example.org', domain: 'kit.example.net' },
          ...{ users: 'kit.example.net', node: 'conformance', mode: 'primary-primary', extension: false },
          ...{ timeoutMs: 10_000, quietMs: 1_000, patienceMs: 120_000 },
        },
      ],
    });
  });

  it('several roles in one run', () => {
    const more = ['--peer', 'joining=other@rooms.example.org'];
    const both = readConformanceArguments([
      ...args({ role: undefined, peer: 'joined=room@rooms.example.org' }),
      ...more,
    ]);
    expect(both).toMatchObject({
      settings: [
        { role: 'joined', peer: 'room@rooms.example.org' },
        { role: 'joining', peer: 'other@rooms.example.org' },
      ],
    });
  });

  it.each([
    ['--protocol is needed', { protocol: undefined }],
    ['--protocol: "0290"', { protocol: '0290' }],
    ['--role is needed', { role: undefined }],
    ['--role: "primary" is not one of joined, joining', { role: 'primary' }],
    ['--peer ADDRESS is needed', { peer: undefined }],
    ['--peer: "room@x/nick" is not a bare address', { peer: 'room@x/nick' }],
    ['--peer: "rooms.example.org" is a service', { peer: 'rooms.example.org' }],
    ['--peer: "room@x" is not a domain', { protocol: '0281', role: 'shadow', peer: 'room@x' }],
    ['--server HOST:PORT is needed', { server: undefined }],
    ['--server: "localhost" is not HOST:PORT', { server: 'localhost' }],
    ['--server: "h:99999" is not HOST:PORT', { server: 'h:99999' }],
    ['--domain DOMAIN is needed', { domain: undefined }],
    ['--domain: "a@b" is not a domain', { domain: 'a@b' }],
    ['--users: "a@b" is not a domain', { users: 'a@b' }],
    ['--node: "a/b" is no local part', { node: 'a/b' }],
    ['--mode: "both" is not one of', { mode: 'both' }],
    ['--mode is for --protocol 0289', { protocol: '0282', role: 'primary', mode: 'primary-replica' }],
    ['--extension and --no-extension', { extension: true, 'no-extension': true }],
    ['--timeout: "soon"', { timeout: 'soon' }],
    ['--quiet: "0"', { quiet: '0' }],
    ['--patience: "1e3"', { patience: '1e3' }],
    ['--only: "9.9" is no section and no check', { only: '9.9' }],
    ['--secret-file FILE is needed', { 'secret-file': undefined }],
    ['--secret-file: ', { 'secret-file': `${directory}/none` }],
    ['is empty', { 'secret-file': `${directory}/empty` }],
    ['--secret: every user of this machine', { secret: 's3cr3t' }],
    ['--junit: the name of a file', { junit: '' }],
    ['--colour', { colour: 'red' }],
  ] as const)('what is wrong is named: %s', (said, changes) => {
    const answer = read(changes);
    expect(answer).toMatchObject({ error: expect.stringContaining(said) });
    expect((answer as { error: string }).error).not.toContain('\n');
    expect((answer as { error: string }).error).not.toContain('s3cr3t');
  });

  it('a section stands for all below it', () => {
    const options = read({ only: '5.2,0289-joined-nick' });
    if (options === 'help' || 'error' in options) throw new Error('refused');
    const tried = (id: string, section: string) => options.only({ id, section });
    expect([tried('x', '5.2'), tried('0289-joined-nick', '5.3'), tried('x', '5.3')]).toEqual([true, true, false]);
    const five = read({ only: '5' });
    if (five === 'help' || 'error' in five) throw new Error('refused');
    expect(five.only({ id: 'x', section: '5.3' })).toBe(true);
    expect(five.only({ id: 'x', section: 'decision 5' })).toBe(false);
  });

  it('--list needs no server, and --help names each flag and what to set up for each role', () => {
    expect(readConformanceArguments(['--protocol', '0282', '--list'])).toMatchObject({
      list: true,
      settings: [{ role: 'primary' }, { role: 'replica' }],
    });
    expect(readConformanceArguments(['--help'])).toBe('help');
    for (const flag of [
      '--role',
      '--only',
      '--extension',
      '--no-extension',
      '--timeout',
      '--junit',
      '--json',
      '--list',
    ])
      expect(conformanceHelp).toContain(flag);
    for (const role of ['0281 source', '0281 shadow', '0282 primary', '0282 replica', '0289 joined', '0289 joining'])
      expect(conformanceHelp).toContain(`  ${role}\n    - `);
  });
});
