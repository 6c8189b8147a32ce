import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { type ComponentOptions, readArguments } from '../../../src/headless/component-arguments.ts';
import { type Mode, readComponentConfig } from '../../../src/headless/component-config.ts';
import { startComponentServer } from '../../contract/component-server.ts';

const script = fileURLToPath(new URL('../../../src/headless/component.ts', import.meta.url));
const directory = mkdtempSync(`${tmpdir()}/netsplit-component-`);
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const secretFile = `${directory}/secret`;
writeFileSync(secretFile, 'pw\n');

/** Runs the command; once `until` appears on its output, it is interrupted as by Ctrl-C. */
function component(args: readonly string[], until?: RegExp, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { env: { ...process.env, ...env } });
  let output = '';
  let error = '';
  child.stderr.on('data', (data) => {
    error += data;
  });
  child.stdout.on('data', (data) => {
    output += data;
    if (until?.test(output)) child.kill('SIGINT');
  });
  return new Promise<{ status: number | null; output: string; error: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, output, error })),
  );
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

describe('npm run component', () => {
  const where = ['--server', 'localhost:5347', '--domain', 'talk.denmark.lit'];
  it.each([
    [['--sever', 'x'], /^Unknown option '--sever'/],
    [['--secret', 'x'], /^--secret: every user of this machine can read a command line/],
    [['--mode', 'source'], /^--mode: "source" is not one of plain, fmuc, primary$/m],
    [['--mode', 'x'], /^--mode: "x" is not one of plain, fmuc, primary$/m],
    [[], /^--server HOST:PORT is needed/],
    [['--server', '[::1]:5347', '--domain', 'a@b'], /^--domain: "a@b" is not a domain/],
    [where, /^a secret is needed: --secret-file FILE, or the variable NETSPLIT_COMPONENT_SECRET/],
    [[...where, '--secret-file', secretFile, '--mode', 'fmuc'], /^--mode fmuc needs --config FILE/],
  ])('%j: one line that says what is wrong', (args, line) => {
    expect(readArguments(args, {})).toEqual([expect.stringMatching(line)]);
  });

  it('what is wrong with its arguments goes to the error output, with exit status 2', async () => {
    const { status, output, error } = await component(['--sever', 'x']);
    expect([status, output]).toEqual([2, '']);
    expect(error).toMatch(/^Unknown option '--sever'.*\n$/);
  });

  const replica = (address: string, ...more: string[]) => [
    ...['--server', 'localhost:5347', '--domain', address, '--secret-file', secretFile],
    ...['--replica-of', 'wallops@rooms.england.lit', ...more],
  ];
  it.each([
    [[...where, '--secret-file', secretFile, '--serves', 'x.lit'], /^--serves is for a replica: --replica-of ROOM/],
    [replica('a@b/c'), /^--domain: "a@b\/c" is not a domain, nor a bare JID$/m],
    [replica('replica@scotland.lit', '--replica-of', 'england.lit'), /^--replica-of: "england.lit" is not a room$/m],
    [replica('wallops@rooms.england.lit'), /^--domain: a replica has an address of its own/],
    [replica('rooms.england.lit'), /^--domain: rooms.england.lit is where the primary is/],
    [replica('replica@scotland.lit', '--serves', 'scotland.lit,x@y'), /^--serves: "x@y" is not a domain$/m],
    [replica('replica@scotland.lit', '--mode', 'primary'), /^--mode: a replica has one room/],
    [replica('replica@scotland.lit', '--unlocked'), /^--unlocked: a replica has one room/],
    [replica('replica@scotland.lit', '--keepalive', '5'), /^--keepalive: "5" is not S or S\/T/],
  ])('%j: one line about the replica', (args, line) => {
    const read = readArguments(args, {});
    expect(read).toEqual([expect.stringMatching(line)]);
  });

  it('a replica serves the domain of its address, of a component’s domain the one above, or those that are named', () => {
    const serves = (...args: string[]) => {
      const read = readArguments(replica(args[0] as string, ...args.slice(1)), {});
      if (read === 'help' || Array.isArray(read)) throw new Error(String(read));
      const { config } = read as ComponentOptions;
      const distribution = config.kind === 'replica' ? config.room.distribution : undefined;
      return distribution?.kind === 'replica'
        ? [distribution.serves, config.server, distribution.keepalive]
        : undefined;
    };
    expect(serves('replica@scotland.lit')).toEqual([['scotland.lit'], 'scotland.lit', undefined]);
    expect(serves('replica.scotland.lit', '--keepalive', '30')).toEqual([
      ['scotland.lit'],
      'scotland.lit',
      { interval: 30, timeout: 15 },
    ]);
    expect(
      serves('replica@scotland.lit', '--serves', 'a.lit, b.lit', '--serves', 'c.lit', '--keepalive', '10/1'),
    ).toEqual([['a.lit', 'b.lit', 'c.lit'], 'scotland.lit', { interval: 10, timeout: 1 }]);
  });

  it('--replica-of: ready when the server has accepted both components; a server that lacks one is named', {
    timeout: 60_000,
  }, async () => {
    const server = await startComponentServer();
    ends.push(server.close);
    const args = [...replica('replica@scotland.lit'), '--server', `localhost:${server.port}`];
    const { status, output, error } = await component(args, /ready/);
    expect([status, output, error]).toEqual([0, `ready replica@scotland.lit on localhost:${server.port}\n`, '']);
    expect(server.sides.map(({ domain }) => domain).sort()).toEqual([
      'replica@scotland.lit',
      'wallops@rooms.england.lit',
    ]);

    const other = await startComponentServer({ known: (domain) => domain === 'replica@scotland.lit' });
    ends.push(other.close);
    const refused = await component([...args, '--server', `localhost:${other.port}`]);
    expect([refused.status, refused.error]).toEqual([
      1,
      'host-unknown: the server has no component wallops@rooms.england.lit\n',
    ]);
  });

  it('prints ready when the server has accepted it, and ends the stream on Ctrl-C', async () => {
    const server = await startComponentServer();
    ends.push(server.close);
    const args = ['--server', `localhost:${server.port}`, '--domain', 'talk.denmark.lit', '--secret-file', secretFile];
    const { status, output, error } = await component(args, /ready/);
    expect([status, output, error]).toEqual([0, `ready talk.denmark.lit on localhost:${server.port}\n`, '']);
    expect(server.sides[0]?.ended).toBe(true);
  });

  it('takes the secret from the environment; a wrong one is one line and exit status 1', async () => {
    const server = await startComponentServer();
    ends.push(server.close);
    const args = ['--server', `127.0.0.1:${server.port}`, '--domain', 'talk.denmark.lit'];
    const { status, error } = await component(args, undefined, { NETSPLIT_COMPONENT_SECRET: 'wrong' });
    expect([status, error]).toEqual([
      1,
      'not-authorized: the secret is not the one that the server has for talk.denmark.lit (the server says: Given token does not match)\n',
    ]);
  });
});

describe('decision #106: new rooms of a component', () => {
  const where = ['--server', 'localhost:5347', '--domain', 'talk.denmark.lit', '--secret-file', secretFile];
  const file = `${directory}/rooms.json`;
  const locks = (...args: string[]) => {
    const read = readArguments([...where, ...args], {});
    if (read === 'help' || Array.isArray(read) || read.config.kind !== 'service') throw new Error(String(read));
    return read.config.lockNewRooms ?? true;
  };
  it('are locked until they are configured; --unlocked, or the file, says that they are not', () => {
    writeFileSync(file, '{"lockNewRooms": false}');
    expect([locks(), locks('--mode', 'primary'), locks('--unlocked'), locks('--config', file)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    writeFileSync(file, '{"lockNewRooms": true}');
    expect([locks('--config', file), locks('--config', file, '--unlocked')]).toEqual([true, false]);
  });
});

describe('Rooms of a component (--config)', () => {
  const domain = jid('talk.denmark.lit');
  const read = (text: string, mode: Mode = 'plain') => {
    const result = readComponentConfig('rooms.json', text, domain, mode);
    return result.ok ? result.config : result.error;
  };

  it('is what a scenario has as a service; kind, address and server go without saying', () => {
    const room = '{"jid": "elsinore@talk.denmark.lit", "name": "Elsinore", "password": "x"}';
    for (const text of [
      `{"rooms": [${room}], "admins": ["hamlet@denmark.lit"]}`,
      ` \n {"kind": "service", "address": "talk.denmark.lit", "server": "denmark.lit", "openCreation": true,
         "rooms": [${room}], "admins": ["hamlet@denmark.lit"]}`,
    ])
      expect(read(text)).toMatchObject({
        kind: 'service',
        address: domain,
        server: 'denmark.lit',
        openCreation: true,
        admins: ['hamlet@denmark.lit'],
        rooms: [{ jid: 'elsinore@talk.denmark.lit', name: 'Elsinore', password: 'x' }],
      });
    expect(read('{}')).toMatchObject({ rooms: [], openCreation: true });
    expect(read('{ "openCreation": false }')).toMatchObject({ openCreation: false });
  });

  it('a room that joins a node elsewhere (XEP-0289), and one with replicas elsewhere (XEP-0282)', () => {
    const fmuc = (outbound: string) =>
      `{"rooms": [{"jid": "elsinore@talk.denmark.lit", "distribution": {"kind": "fmuc", "outbound": "${outbound}"}}]}`;
    expect(read(fmuc('rabbithole@rooms.wonderland.lit'), 'fmuc')).toMatchObject({
      openCreation: false,
      rooms: [{ distribution: { kind: 'fmuc', outbound: ['rabbithole@rooms.wonderland.lit'] } }],
    });
    expect(read(fmuc('nobody@talk.denmark.lit'), 'fmuc')).toBe(
      'rooms.json:1: $.rooms[0].distribution.outbound: no room nobody@talk.denmark.lit in this scenario',
    );
    const primary = `{"rooms": [{"jid": "hamlet@talk.denmark.lit", "distribution":
      {"kind": "primary", "replicas": [{"jid": "replica@england.lit", "serves": ["england.lit"]}]}}]}`;
    expect(read(primary, 'primary')).toMatchObject({ rooms: [{ distribution: { kind: 'primary' } }] });
    expect(read(primary, 'fmuc')).toBe('rooms.json: $.rooms[0].distribution: primary, but this is --mode fmuc');
    expect(read('{"rooms": []}', 'fmuc')).toBe('rooms.json: $.rooms: no room is distributed as fmuc (--mode fmuc)');
    // Anyone makes rooms, with a file as without one, unless it says no.
    expect(read(primary, 'primary')).toMatchObject({ openCreation: true, onDemand: { kind: 'primary' } });
    expect(read('{"admins": ["hamlet@denmark.lit"]}', 'primary')).toMatchObject({ openCreation: true, rooms: [] });
    expect(read('{"openCreation": false}', 'primary')).toBe(
      'rooms.json: $.rooms: no room is distributed as primary (--mode primary)',
    );
  });

  it.each([
    ['', /^rooms\.json:1: \$: not JSON/],
    ['{"rooms": []}, {"kind": "service"}', /^rooms\.json:1: \$: not JSON/],
    ['[]', /^rooms\.json:1: \$: is not an object/],
    ['{\n "rooms": [\n', /^rooms\.json:\d: \$: not JSON/],
    [
      '{\n "rooms": [{"jid": "a@elsewhere.lit"}]}',
      /^rooms\.json:2: \$\.rooms\[0\]\.jid: a@elsewhere\.lit is not a room of/,
    ],
    ['{\n "rooms": [],\n "addmins": []}', /^rooms\.json:3: \$\.addmins: unknown property "addmins"/],
    ['{"rooms": [{"jid": "A@talk.denmark.lit"}]}', /not in its prepared form: write "a@talk\.denmark\.lit"/],
    ['{"rooms": [null, 7]}', /^rooms\.json:1: \$\.rooms\[0\]/],
    ['{"address": "other.lit", "rooms": []}', /\$\.address: "other\.lit" is not the component's domain/],
    ['{"kind": "replica"}', /a component is a service/],
  ])('%j: says where the mistake is', (text, line) => {
    expect(read(text)).toMatch(line);
  });
});
