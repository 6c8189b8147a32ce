import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { crc32 } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { drainMs } from '../../../src/headless/ending.ts';
import { root } from '../../../src/headless/install.mjs';
import { Occupant } from '../../bench/occupant.ts';
import { startComponentServer } from '../../contract/component-server.ts';
import { type Started, startCommand } from '../../support/commands.ts';

const directory = mkdtempSync(`${tmpdir()}/netsplit-lifecycle-`);
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const running = new Set<Started>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** A command of ours, and what it has printed. */
async function start(command: 'serve' | 'component', args: readonly string[], env: Record<string, string> = {}) {
  const child = await startCommand(command, args, env);
  running.add(child);
  let output = '';
  let looks: (() => void)[] = [];
  const hear = (data: unknown) => {
    output += data;
    for (const look of looks) look();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const status = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  const printed = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(output);
        if (found) resolve(found[1] ?? found[0]);
      };
      looks = [...looks, look];
      look();
      void status.then((code) => reject(new Error(`ended with ${code}: ${output}`)));
    });
  return { child, printed, status };
}

const get = async (url: string) => {
  const answer = await fetch(url);
  return { status: answer.status, text: await answer.text() };
};
/** With a header that fetch does not let anybody set. */
const statusFor = (url: string, host: string) =>
  new Promise<number | undefined>((resolve) =>
    request(url, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).end(),
  );

const join = (nick: string) =>
  `<presence xmlns="jabber:client" to="lobby@conference.localhost/${nick}"><x xmlns="http://jabber.org/protocol/muc"/></presence>`;
const says = (text: string) =>
  `<message xmlns="jabber:client" type="groupchat" to="lobby@conference.localhost" id="m"><body>${text}</body></message>`;

describe('serve, from outside', () => {
  it('has figures, links and a trace without words; SIGTERM tells everybody, and ends it with status 0', async () => {
    const flags = ['--port', '0', '--auth', 'open', '--metrics', '0', '--store', `${directory}/rooms`];
    const { child, printed, status } = await start('serve', flags);
    const metrics = await printed(/^metrics (http:.*)\/metrics$/m);
    const url = await printed(/^ready (ws:.*)$/m);
    const user = await Occupant.login('n', url, 'localhost', 'somebody');
    let heard = '';
    let waiting: { readonly text: string; done(): void } | undefined;
    user.watch((_, frame, begin, end) => {
      heard += frame.toString('utf8', begin, end);
      if (waiting && heard.includes(waiting.text)) waiting.done();
    });
    const until = (text: string) =>
      heard.includes(text) ? undefined : new Promise<void>((done) => (waiting = { text, done }));
    user.send(join('n'));
    await until('<subject');
    user.send(says('my secret words'));
    await until('my secret words');
    user.send('<iq xmlns="jabber:client" type="get" id="q" to="localhost"><q xmlns="urn:unknown"/></iq>');
    await until('service-unavailable');

    expect(JSON.parse((await get(`${metrics}/ready`)).text)).toEqual({ ready: true, waitsFor: [] });
    expect((await get(`${metrics}/health`)).status).toBe(200);
    const { text } = await get(`${metrics}/metrics`);
    const value = (series: string) =>
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')
        .at(-1);
    const node = 'node="conference.localhost"';
    expect(value('netsplit_ready')).toBe('1');
    expect(value(`netsplit_occupants{${node},served="here"}`)).toBe('1');
    expect(value('netsplit_sessions{server="localhost",role="user"}')).toBe('1');
    expect(value('netsplit_stanzas_total{link="users",direction="in",kind="presence"}')).toBe('1');
    expect(Number(value('netsplit_bytes_total{link="users",direction="out",kind="message"}'))).toBeGreaterThan(100);
    expect(Number(value(`netsplit_deliveries_total{${node}}`))).toBeGreaterThan(0);
    expect(value('netsplit_refusals_total{by="server",reason="service-unavailable"}')).toBe('1');
    expect(Number(value(`netsplit_log_append_seconds_count{${node}}`))).toBeGreaterThan(0);
    expect(value(`netsplit_queue_length{queue="inputs",of="conference.localhost"}`)).toBe('0');
    // Whoever was there, and where, is no label.
    expect(text).not.toMatch(/somebody|lobby/);

    const trace = (await get(`${metrics}/trace?room=lobby@conference.localhost`)).text;
    const { entries } = JSON.parse(trace);
    expect(entries).toContainEqual(
      expect.objectContaining({ way: 'in', stanza: 'message', payloads: ['<body jabber:client>'], copies: 1 }),
    );
    expect(trace).not.toContain('my secret words');
    expect((await get(`${metrics}/trace`)).status).toBe(400);
    expect((await get(`${metrics}/trace?room=lobby@conference.localhost&limit=1001`)).status).toBe(400);
    expect(JSON.parse((await get(`${metrics}/links`)).text)).toMatchObject({
      nodes: [{ node: 'conference.localhost', state: 'up' }],
      peers: [],
    });
    expect(await statusFor(`${metrics}/metrics`, 'elsewhere.example')).toBe(403);
    expect((await fetch(`${metrics}/ready`, { method: 'POST' })).status).toBe(405);

    child.kill('SIGTERM');
    expect(await status).toBe(0);
    await until('system-shutdown');
    // XEP-0045 §11.2, before the stream ends.
    expect(heard.indexOf('code="332"')).toBeGreaterThan(0);
    expect(heard.indexOf('code="332"')).toBeLessThan(heard.indexOf('system-shutdown'));
    expect(readdirSync(`${directory}/rooms/conference.localhost`)).toContain('db');
  }, 120_000);
});

describe('component', () => {
  it('may start before its server, over a store of an earlier version; it is ready when both are there', async () => {
    const domain = 'talk.denmark.lit';
    const store = `${directory}/old`;
    mkdirSync(`${store}/${domain}`, { recursive: true });
    // As version 0.1.0 wrote it.
    const room = `elsinore@${domain}`;
    const events = JSON.stringify([
      { kind: 'roomCreated', room, epoch: 1 },
      { kind: 'roomConfigured', room, changes: { persistent: true } },
      { kind: 'affiliationChanged', room, user: 'hamlet@denmark.lit', affiliation: 'owner' },
    ]);
    writeFileSync(`${store}/${domain}/log-0.jsonl`, `{"sum":${crc32(events)},"events":${events}}\n`);

    const probe = createServer();
    const port = await new Promise<number>((resolve) =>
      probe.listen(0, '127.0.0.1', () => resolve((probe.address() as { port: number }).port)),
    );
    await new Promise((resolve) => probe.close(resolve));
    const flags = ['--server', `127.0.0.1:${port}`, '--domain', domain, '--metrics', '0', '--store', store];
    const { child, printed, status } = await start('component', [...flags, '--log', 'json'], {
      NETSPLIT_COMPONENT_SECRET: 'pw',
    });
    const metrics = await printed(/"metrics":"(http:[^"]*)\/metrics"/);
    await printed(/"phase":"reconnecting"/);
    const early = await get(`${metrics}/ready`);
    expect(early.status).toBe(503);
    expect(JSON.parse(early.text).waitsFor).toEqual([expect.stringMatching(/^talk\.denmark\.lit: .*refused/)]);

    const server = await startComponentServer({ port });
    await printed(/"ready":"talk\.denmark\.lit"/);
    expect((await get(`${metrics}/ready`)).status).toBe(200);
    expect((await get(`${metrics}/metrics`)).text).toContain(`netsplit_rooms{node="${domain}"} 1\n`);
    expect(readdirSync(`${store}/${domain}`)).toEqual(expect.arrayContaining(['db', 'old-log-0.jsonl']));
    child.kill('SIGTERM');
    expect(await status).toBe(0);
    expect(server.sides.at(-1)?.ended).toBe(true);
    await server.close();
  }, 120_000);
});

describe('netsplit.service', () => {
  const unit = readFileSync(`${root}src/headless/netsplit.service`, 'utf8');

  it('waits longer than the service drains', () => {
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]) * 1000).toBeGreaterThan(drainMs);
  });

  const has = (program: string) => spawnSync('which', [program]).status === 0;
  it.skipIf(!has('systemd-analyze'))('is a unit that systemd understands, and keeps to itself', () => {
    const file = `${directory}/netsplit.service`;
    writeFileSync(file, unit.replace('/usr/local/bin/netsplit', process.execPath));
    const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect([verified.status, verified.stderr.includes('netsplit.service')]).toEqual([0, false]);
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', file], { encoding: 'utf8' });
    expect(Number(/exposure level for netsplit\.service: ([\d.]+)/.exec(stdout)?.[1])).toBeLessThan(2);
  });
});
