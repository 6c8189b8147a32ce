import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { type ComponentOptions, readArguments } from '../../../src/headless/component-arguments.ts';
import { type Mode, readComponentConfig } from '../../../src/headless/component-config.ts';
import { startComponentServer } from '../../contract/component-server.ts';
import { startCommand } from '../../support/commands.ts';

const directory = mkdtempSync(`${tmpdir()}/netsplit-component-`);
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const secretFile = `${directory}/secret`;
writeFileSync(secretFile, 'pw\n');

/** Runs the command; once `until` appears on its output, it is interrupted as by Ctrl-C. */
async function component(args: readonly string[], until?: RegExp, env: Record<string, string> = {}) {
  const child = await startCommand('component', args, env);
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
    [['--mode', 'x'], /^--mode: "x" is not one of plain, fmuc, primary, source$/m],
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

describe('--mode source: rooms that are on several services (XEP-0281)', () => {
  const where = ['--server', 'localhost:5347', '--domain', 'chat.shakespeare.lit', '--secret-file', secretFile];
  const source = [...where, '--mode', 'source'];
  const file = `${directory}/source.json`;
  const config = (...args: string[]) => {
    const read = readArguments([...source, ...args], {});
    if (read === 'help' || Array.isArray(read) || read.config.kind !== 'service') throw new Error(String(read));
    return read.config;
  };

  it.each([
    [[...where, '--peerhost', 'rooms.macbeth.lit'], '--peerhost is for --mode source'],
    [[...where, '--mode', 'primary', '--firsthost', 'x.lit'], '--firsthost is for --mode source'],
    [[...where, '--max-rooms', '5'], '--max-rooms is for --mode source'],
    [[...source, '--peerhost', 'coven@rooms.macbeth.lit'], '--peerhost: "coven@rooms.macbeth.lit" is not a domain'],
    [[...source, '--peerhost', 'a.lit,,b.lit'], '--peerhost: "" is not a domain'],
    [[...source, '--peerhost', 'Chat.Shakespeare.lit'], '--peerhost: chat.shakespeare.lit is this component itself'],
    [[...source, '--firsthost', 'chat.shakespeare.lit'], '--firsthost: chat.shakespeare.lit is this component itself'],
    [[...source, '--max-rooms', '5'], '--max-rooms is of the rooms of each --firsthost DOMAIN, and there is none'],
    [
      [...source, '--firsthost', 'x.lit', '--max-rooms', '-1x'],
      "Option '--max-rooms' argument is ambiguous (--help lists the flags)",
    ],
    [[...source, '--firsthost', 'x.lit', '--max-rooms=1.5'], '--max-rooms: "1.5" is not a number from 0 to 100000'],
    [[...source, '--firsthost', 'x.lit', '--max-rooms=-1'], '--max-rooms: "-1" is not a number from 0 to 100000'],
    [[...source, '--replica-of', 'a@b.lit'], '--mode: a replica has one room, which its primary configures'],
    [
      [...where, '--replica-of', 'a@b.lit', '--peerhost', 'x.lit'],
      '--peerhost: a replica has one room, which its primary configures',
    ],
    [[...source, '--serves', 'x.lit'], '--serves is for a replica: --replica-of ROOM says of which room'],
  ])('%j: one line that says what is wrong', (args, line) => {
    expect(readArguments(args, {})).toEqual([line]);
  });

  it('rooms that users create have shadows on the services that are named, and the service hosts those of others', () => {
    expect(
      config(...['--peerhost', 'rooms.macbeth.lit, conference.marlowe.lit', '--peerhost', 'rooms.macbeth.lit']),
    ).toMatchObject({
      openCreation: true,
      onDemand: {
        kind: 'source',
        distribute: 'always',
        peerhosts: ['rooms.macbeth.lit', 'conference.marlowe.lit'],
      },
    });
    expect(config()).not.toHaveProperty('hosting');
    const hosting = (...args: string[]) => config(...args).hosting;
    expect(hosting('--firsthost', 'rooms.macbeth.lit')).toEqual({ firsthosts: ['rooms.macbeth.lit'], maxRooms: 100 });
    expect(hosting('--firsthost', 'a.lit', '--firsthost', 'b.lit', '--max-rooms', '0')).toEqual({
      firsthosts: ['a.lit', 'b.lit'],
      maxRooms: 0,
    });
  });

  it('without one, rooms are distributed as soon as an owner names a service', () => {
    expect(config()).toMatchObject({ onDemand: { kind: 'source', distribute: 'always', peerhosts: [] } });
  });

  it('rooms of the file are as it says, and those of which it says nothing are like those that users create', () => {
    const rooms = [
      { jid: 'coven@chat.shakespeare.lit' },
      { jid: 'heath@chat.shakespeare.lit', distribution: { kind: 'none' } },
      {
        jid: 'castle@chat.shakespeare.lit',
        distribution: { kind: 'source', peerhosts: ['talk.scotland.lit'], distribute: 'on-request', redirect: 'never' },
      },
    ];
    writeFileSync(file, JSON.stringify({ rooms }));
    const { rooms: read } = config('--config', file, '--peerhost', 'rooms.macbeth.lit');
    expect(read.map(({ distribution }) => distribution)).toEqual([
      { kind: 'source', distribute: 'always', peerhosts: ['rooms.macbeth.lit'] },
      { kind: 'none' },
      { kind: 'source', distribute: 'on-request', redirect: 'never', peerhosts: ['talk.scotland.lit'] },
    ]);
    const onDemand = { kind: 'source', peerhosts: ['talk.scotland.lit'], id: 'uuid', redirect: 3 };
    const hosting = { firsthosts: ['rooms.macbeth.lit'], trust: { scope: { 'rooms.macbeth.lit': ['macbeth.lit'] } } };
    writeFileSync(file, JSON.stringify({ rooms, onDemand, hosting }));
    expect(config('--config', file)).toMatchObject({
      onDemand: { ...onDemand, distribute: 'always' },
      hosting: { firsthosts: ['rooms.macbeth.lit'], maxRooms: 100 },
      rooms: [{ distribution: onDemand }, {}, {}],
    });
  });

  const said = (text: string, ...args: string[]) => {
    writeFileSync(file, text);
    const read = readArguments([...source, '--config', file, ...args], {});
    return Array.isArray(read) ? read[0]?.replaceAll(file, 'rooms.json') : read;
  };
  it.each([
    [
      '{"hosting": {"firsthosts": ["x.lit"]}}',
      ['--firsthost', 'y.lit'],
      'rooms.json: --firsthost: the file says it, too, at $.hosting',
    ],
    [
      '{"onDemand": {"kind": "source", "peerhosts": []}}',
      ['--peerhost', 'y.lit'],
      'rooms.json: --peerhost: the file says it, too, at $.onDemand',
    ],
    [
      '{"openCreation": false}',
      [],
      "rooms.json: no room is distributed, and no service's rooms are replicated (--mode source)",
    ],
    [
      '{\n "hosting": {"firsthosts": ["chat.shakespeare.lit"]}}',
      [],
      'rooms.json:2: $.hosting.firsthosts[0]: chat.shakespeare.lit cannot replicate its own rooms',
    ],
    [
      '{\n\n "hosting": {"firsthosts": ["coven@x.lit"]}}',
      [],
      'rooms.json:3: $.hosting.firsthosts[0]: coven@x.lit is not a plain domain',
    ],
    [
      '{"onDemand": {"kind": "source",\n "peerhosts": ["X.lit"]}}',
      [],
      'rooms.json:2: $.onDemand.peerhosts[0]: "X.lit" is not in its prepared form: write "x.lit"',
    ],
    [
      '{"onDemand": {"kind": "source", "peerhosts": ["x.lit"],\n "id": {"text": "theroom"}}}',
      [],
      'rooms.json:2: $.onDemand.id: the shadows of several rooms cannot all have the same name',
    ],
    [
      '{"rooms": [{"jid": "coven@chat.shakespeare.lit", "distribution":\n{"kind": "source", "peerhosts": ["chat.shakespeare.lit"]}}]}',
      [],
      'rooms.json:2: $.rooms[0].distribution.peerhosts[0]: chat.shakespeare.lit hosts the room already',
    ],
    [
      '{"rooms": [{"jid": "coven@chat.shakespeare.lit", "distribution": {"kind": "primary", "replicas": []}}]}',
      [],
      'rooms.json: $.rooms[0].distribution: primary, but this is --mode source',
    ],
  ])('%s %j: %s', (text, args, line) => {
    expect(said(text, ...args)).toBe(line);
  });

  it('a file that does not say which services fit another mode', () => {
    const read = (text: string, mode: Mode) => {
      const result = readComponentConfig('rooms.json', text, jid('chat.shakespeare.lit'), mode);
      return result.ok ? result.config : result.error;
    };
    expect(read('{"hosting": {"firsthosts": ["x.lit"]}}', 'plain')).toBe(
      'rooms.json: $.hosting is for --mode source, not plain',
    );
    expect(read('{"onDemand": {"kind": "source", "peerhosts": ["x.lit"]}}', 'primary')).toBe(
      'rooms.json: $.onDemand is for --mode source, not primary',
    );
    const room = '{"jid": "a@chat.shakespeare.lit", "distribution": {"kind": "source", "peerhosts": ["x.lit"]}}';
    expect(read(`{"rooms": [${room}]}`, 'fmuc')).toBe(
      'rooms.json: $.rooms[0].distribution: source, but this is --mode fmuc',
    );
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
