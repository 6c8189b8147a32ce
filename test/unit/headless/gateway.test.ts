import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { bodyOf, errorOf, message, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { pageOptions } from '../../../src/headless/arguments.mjs';
import { openGateway, refusalOf } from '../../../src/headless/gateway.ts';
import { type GatewayFlags, readGateway } from '../../../src/headless/gateway-arguments.ts';
import { networkOf } from '../../../src/headless/live-config.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import { hostPage } from '../../../src/headless/page-host.ts';
import { readFlags } from '../../../src/headless/settings.mjs';
import { builtIn } from '../../../src/scenario/built-in.ts';
import { areLinked, withRealServers } from '../../../src/scenario/real-servers.ts';
import { Network } from '../../../src/server/network.ts';
import { type ComponentServerOptions, startComponentServer } from '../../contract/component-server.ts';

const scenarioOf = (id: string) => {
  const found = builtIn.find((one) => one.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};
const wonderland = scenarioOf('wonderland');
const elsinore = jid('talk.denmark.lit');
const visitor = jid('iago@venice.lit/desk');

const directory = mkdtempSync(`${tmpdir()}/netsplit-gateway-`);
const secretFile = `${directory}/secret`;
writeFileSync(secretFile, 'canary-3c7f\n');
writeFileSync(`${directory}/other`, 'other');
writeFileSync(`${directory}/empty`, '\n');
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Two cores that others use as well: what comes, may come late. */
const soon = <T>(get: () => T) => expect.poll(get, { timeout: 20_000, interval: 5 });

describe('npm start -- --server', () => {
  const read = (flags: Partial<GatewayFlags>, id = 'wonderland') =>
    readGateway({ servers: [], secretFiles: [], ...flags }, scenarioOf(id), {});
  const all = { servers: ['127.0.0.1:5347'], secretFiles: [secretFile] };

  it('makes every service of the scenario a component of that server, which is in the picture', () => {
    const setup = read(all);
    if ('error' in setup) throw new Error(setup.error);
    const place = { host: '127.0.0.1', port: 5347, secret: 'canary-3c7f' };
    expect(setup.places).toEqual([
      { ...place, service: 'talk.denmark.lit' },
      { ...place, service: 'rooms.wonderland.lit' },
    ]);
    expect(setup.scenario.servers.at(-1)).toEqual({
      domain: '127.0.0.1',
      at: [0.5, 0.2],
      components: ['talk.denmark.lit', 'rooms.wonderland.lit'],
    });
  });

  it('with the names of services, each has the server and the secret of its own', () => {
    const setup = read({
      servers: ['talk.denmark.lit=localhost:5347', 'rooms.wonderland.lit=[::1]:6347'],
      secretFiles: [secretFile, `talk.denmark.lit=${directory}/other`],
    });
    if ('error' in setup) throw new Error(setup.error);
    expect(setup.places).toEqual([
      { host: 'localhost', port: 5347, service: 'talk.denmark.lit', secret: 'other' },
      { host: '::1', port: 6347, service: 'rooms.wonderland.lit', secret: 'canary-3c7f' },
    ]);
    expect(setup.scenario.servers.slice(2).map(({ domain }) => domain)).toEqual(['localhost', '[::1]']);
  });

  it('calls two servers of one host by their ports', () => {
    const setup = read({
      servers: ['127.0.0.1:5347', 'rooms.wonderland.lit=127.0.0.1:6347'],
      secretFiles: [secretFile],
    });
    if ('error' in setup) throw new Error(setup.error);
    expect(setup.scenario.servers.slice(2)).toMatchObject([
      { domain: '127.0.0.1-5347', components: ['talk.denmark.lit'] },
      { domain: '127.0.0.1-6347', components: ['rooms.wonderland.lit'] },
    ]);
  });

  it.each<[string, Partial<GatewayFlags>, string]>([
    ['no port', { ...all, servers: ['localhost'] }, '--server: "localhost" is not HOST:PORT'],
    ['a port of 0', { ...all, servers: ['localhost:0'] }, '--server: "localhost:0" is not HOST:PORT'],
    [
      'two for all',
      { ...all, servers: ['a:1', 'b:2'] },
      '--server: a:1 and b:2 are both for all services; write SERVICE=…',
    ],
    [
      'an unknown service',
      { ...all, servers: ['x.lit=a:1'] },
      '--server: no service x.lit in this scenario (it has talk.denmark.lit, rooms.wonderland.lit)',
    ],
    [
      'a service twice',
      { ...all, servers: ['talk.denmark.lit=a:1', 'talk.denmark.lit=b:2'] },
      '--server: talk.denmark.lit is there twice',
    ],
    [
      'no secret',
      { servers: ['a:1'] },
      'a secret is needed: --secret-file FILE, or the variable NETSPLIT_COMPONENT_SECRET',
    ],
    [
      'an empty secret',
      { servers: ['a:1'], secretFiles: [`${directory}/empty`] },
      `--secret-file: ${directory}/empty is empty`,
    ],
    [
      'a secret for nobody',
      { servers: ['talk.denmark.lit=a:1'], secretFiles: [secretFile, `rooms.wonderland.lit=${secretFile}`] },
      '--secret-file: rooms.wonderland.lit has no --server',
    ],
    [
      'the name of a server here',
      { ...all, servers: ['denmark.lit:5347'] },
      '--server: the scenario has a denmark.lit of its own; write the server’s IP address',
    ],
    [
      'a host that is no domain',
      { ...all, servers: ['my_server:5347'] },
      '--server: "my_server" cannot be shown as a domain; write another name of the host',
    ],
  ])('refuses %s, and says what is wrong', (_, flags, error) => {
    expect(read(flags)).toEqual({ error });
  });

  it('is read from the command line; a secret without a server is refused', () => {
    const read = (args: readonly string[]) => {
      const flags = readFlags('start', args);
      return 'error' in flags ? flags : pageOptions(flags.values, {});
    };
    expect(read(['--server', 'a=b:1', '--server', 'c:2', '--secret-file', 'f'])).toMatchObject({
      gateway: { servers: ['a=b:1', 'c:2'], secretFiles: ['f'] },
    });
    expect(read(['--secret-file', 'f'])).toEqual({ error: '--secret-file: --server HOST:PORT is needed, too' });
  });

  it('leaves no replica and no account to a real server, and links it with the servers of its components alone', () => {
    const growing = scenarioOf('growing');
    const scenario = withRealServers(growing, [{ domain: '127.0.0.1', components: ['rooms.neverland.pan'] }]);
    const { config, credentials } = networkOf(scenario);
    const before = networkOf(growing);
    expect(config.servers).toEqual(before.config.servers);
    expect(Object.keys(credentials.nodes)).toEqual(Object.keys(before.credentials.nodes));
    expect(credentials.guests.map(({ jid }) => jid)).toEqual(before.credentials.guests.map(({ jid }) => jid));
    expect(config.realServers).toEqual([{ domain: '127.0.0.1', services: ['rooms.neverland.pan'] }]);
    const real = scenario.servers.at(-1);
    const linked = scenario.servers.filter((server) => real && server !== real && areLinked(scenario, server, real));
    expect(linked.map(({ domain }) => domain)).toEqual(['neverland.pan']);
  });
});

describe('The gateway', () => {
  const secret = 'canary-3c7f';
  const serverOf = async (options: ComponentServerOptions = {}) => {
    const server = await startComponentServer({ secret, ...options });
    ends.push(() => server.close());
    return server;
  };
  const placeAt = (port: number) => ({ host: '127.0.0.1', port, service: elsinore, secret });

  /** A network with a node that is logged in, and its component stream. */
  function login(port: number) {
    const scenario = withRealServers(wonderland, [{ domain: '127.0.0.1', components: [elsinore] }]);
    const lines: string[] = [];
    const gateway = openGateway([placeAt(port)], (line) => lines.push(line));
    const network = new Network(networkOf(scenario).config, nodeServerHost(), undefined, gateway);
    const received: Stanza[] = [];
    const open = () => {
      const opened = network.openSession(elsinore, [elsinore], {
        stanza: (stanza) => received.push(stanza),
        ended: () => undefined,
      });
      if (!opened.ok) throw new Error(opened.error.condition);
      return opened.session;
    };
    const session = open();
    ends.push(async () => network.end('the test is over'));
    let away: string | undefined;
    network.trace.subscribe({
      ready: () => true,
      batch: (json) => {
        for (const record of JSON.parse(json))
          if (record.kind === 'link' && record.server.includes('127.0.0.1')) away = record.away;
      },
    });
    return { session, open, received, lines, away: () => away, say: (body: string) => session.send(said(body)) };
  }
  const said = (body: string) =>
    message(jid(`r@${elsinore}/Nick`), visitor, { type: 'groupchat', id: body }, el('body', 'jabber:client', {}, body));
  const bodiesAt = (server: Awaited<ReturnType<typeof serverOf>>) =>
    server.sides.flatMap(({ received }) => received.map(({ attrs }) => attrs['id']));

  it('carries stanzas between the node and the component stream, in the names that each side knows', async () => {
    const server = await serverOf();
    const { say, received } = login(server.port);
    say('out');
    await soon(() => bodiesAt(server)).toEqual(['out']);
    const [side] = server.sides;
    expect(side?.received[0]).toMatchObject({
      xmlns: 'jabber:component:accept',
      attrs: { from: `r@${elsinore}/Nick`, to: visitor },
    });
    side?.send(`<message from='${visitor}' to='r@${elsinore}' type='groupchat' id='in'><body>in</body></message>`);
    await soon(() => received.map((stanza) => [stanza.from, bodyOf(stanza)])).toEqual([[visitor, 'in']]);
  });

  it('drops what the server sends to others than the component, and what is too much, and stays', async () => {
    const server = await serverOf();
    const { received, say } = login(server.port);
    say('up');
    await soon(() => bodiesAt(server)).toEqual(['up']);
    const [side] = server.sides;
    side?.send(`<message from='${visitor}' to='x@rooms.wonderland.lit' id='astray'><body>astray</body></message>`);
    side?.send(
      `<message from='${visitor}' to='r@${elsinore}' id='deep'>${'<a>'.repeat(100)}${'</a>'.repeat(100)}</message>`,
    );
    side?.send(`<message from='${visitor}' to='r@${elsinore}' id='big'><body>${'x'.repeat(600_000)}</body></message>`);
    side?.send(`<message from='${visitor}' to='r@${elsinore}' id='fine'><body>fine</body></message>`);
    await soon(() => received.map(({ id }) => id)).toEqual(['fine']);
    await soon(() => bodiesAt(server)).toEqual(['up', 'deep', 'big']);
  });

  it('connects again by itself when the server was away, and says so meanwhile', async () => {
    let isUp = true;
    const server = await serverOf({ known: () => isUp });
    const { say, received, away } = login(server.port);
    say('before');
    await soon(() => bodiesAt(server)).toEqual(['before']);
    isUp = false;
    server.sides[0]?.socket.destroy();
    await soon(away).toMatch(/talk\.denmark\.lit: the server closed the connection/);
    say('meanwhile');
    await soon(() => received.map((stanza) => [stanza.id, errorOf(stanza)?.condition])).toEqual([
      ['meanwhile', 'remote-server-timeout'],
    ]);
    isUp = true;
    await soon(away).toBeUndefined();
    say('after');
    await soon(() => bodiesAt(server)).toEqual(['before', 'after']);
  });

  it('has one stream for each service: a new one waits until the one before has ended', async () => {
    let open = 0;
    let most = 0;
    const server = await serverOf({
      up: () => {
        most = Math.max(most, ++open);
      },
      closed: (side) => {
        if (side.up) open--;
      },
    });
    const { open: again, say } = login(server.port);
    say('one');
    await soon(() => bodiesAt(server)).toEqual(['one']);
    const session = again();
    session.send(said('two'));
    await soon(() => bodiesAt(server)).toEqual(['one', 'two']);
    expect([server.sides.length, most, server.sides[0]?.ended]).toEqual([2, 1, true]);
  });

  it('finds out before anything starts whether the server takes a component', async () => {
    const server = await serverOf({ known: (domain) => domain === elsinore });
    expect(await refusalOf(placeAt(server.port))).toBeUndefined();
    await soon(() => server.sides[0]?.ended).toBe(true);
    expect(await refusalOf({ ...placeAt(server.port), secret: 'wrong' })).toMatch(
      /^not-authorized: the secret is not the one that the server has for talk\.denmark\.lit/,
    );
    expect(await refusalOf({ ...placeAt(server.port), service: jid('rooms.wonderland.lit') })).toMatch(
      /^host-unknown: the server has no component rooms\.wonderland\.lit/,
    );
    await server.close();
    expect(await refusalOf(placeAt(server.port))).toBe('the connection was refused');
  });

  it('the page is told of its own scenario alone, has no other instance, and gets no secret', async () => {
    const server = await serverOf();
    const http = createServer((request, response) =>
      page.handle(request, response, () => response.writeHead(404).end()),
    );
    const gateway = { servers: [`127.0.0.1:${server.port}`], secretFiles: [secretFile] };
    const page = hostPage(http, { scenario: wonderland, gateway }, { isBuilt: true });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => http.close(resolve)));
    const { port } = http.address() as AddressInfo;
    const ask = async (query: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/netsplit.json${query}`);
      return { status: response.status, text: await response.text() };
    };
    const { status, text } = await ask('');
    expect(status).toBe(200);
    expect(text).not.toContain(secret);
    const { scenario, scenarios } = JSON.parse(text);
    expect(scenarios.map(({ id }: { id: string }) => id)).toEqual(['wonderland']);
    expect(scenario.servers.at(-1)).toMatchObject({
      domain: '127.0.0.1',
      components: [elsinore, 'rooms.wonderland.lit'],
    });
    const other = await ask('?room=mine');
    expect([other.status, JSON.parse(other.text).error]).toEqual([
      409,
      'no room mine: on a real server there is one network, because each service is one component there',
    ]);
  });
});
