import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { createMucNode } from '../../../src/core/node/muc-node.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { elementsOf, textOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { readArguments } from '../../../src/headless/component-arguments.ts';
import { defaultConfig, readComponentConfig, type ServiceConfig } from '../../../src/headless/component-config.ts';
import { openStore } from '../../../src/headless/local-nodes.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import { openLeft, takeShard, tellOthers } from '../../../src/headless/shard.ts';
import { checkDivision, ShardIndex } from '../../../src/headless/shard-index.ts';
import { Driver } from '../../../src/host/driver.ts';
import type { LinkHost } from '../../../src/host/reconnecting-link.ts';
import { type Balancer, startBalancer } from '../../support/balancer.ts';
import { startCommand } from '../../support/commands.ts';
import { isLong } from '../../support/long.ts';

/** Two cores that others use as well: what comes, may come late. */
const soon = <T>(get: () => T) => expect.poll(get, { timeout: 15_000, interval: 10 });
const domain = jid('rooms.denmark.lit');
const muc = 'http://jabber.org/protocol/muc';
const hamlet = 'hamlet@denmark.lit/desk';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function newDirectory(): string {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-shards-`);
  ends.push(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

async function newBalancer(count: number, way?: 'random' | 'first'): Promise<Balancer> {
  const balancer = await startBalancer(domain, count, way);
  ends.push(balancer.close);
  return balancer;
}

/** Nobody waits for a back-off. The tests of a seat may still take their time. */
const impatient: LinkHost = {
  now: () => performance.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs < 2_000 ? afterMs / 10 : afterMs);
    return () => clearTimeout(timer);
  },
  random: () => 0,
};

/** What `component` does with --shards, without a process of its own. */
async function startShard(balancer: Balancer, store: string, config: ServiceConfig = defaultConfig(domain)) {
  const seats = balancer.parts.length;
  const index = new ShardIndex(store, domain, seats);
  const said: string[] = [];
  let isEnding = false;
  let stop: () => Promise<void> = async () => undefined;
  const waiting = takeShard(
    {
      host: '127.0.0.1',
      port: balancer.port,
      domain,
      secret: 'pw',
      server: jid('denmark.lit'),
      seats,
      clock: impatient,
    },
    config,
    index,
    (line) => said.push(line),
    undefined,
    () => isEnding,
  );
  const started = waiting.then(async (shard) => {
    if (shard === undefined) return undefined;
    const { now, setTimer, randomId } = nodeServerHost();
    const driver = new Driver({
      address: domain,
      node: createMucNode(shard.config),
      store: await openLeft(() => openStore(shard.directory, {})),
      link: shard.link,
      host: { now, setTimer, newId: randomId },
    });
    await driver.start();
    const stopTelling = tellOthers(index, shard.seat, driver, domain, (line) => said.push(line));
    stop = async () => {
      stopTelling();
      await driver.stop();
    };
    return { ...shard, driver };
  });
  const end = async () => {
    isEnding = true;
    await started.catch(() => undefined);
    await stop();
    stop = async () => undefined;
  };
  ends.push(end);
  return { started, said, end };
}

const enter = (room: string, nick = 'Hamlet', from = hamlet) =>
  `<presence from='${from}' to='${room}@${domain}/${nick}'><x xmlns='${muc}'/></presence>`;
const open = (room: string) =>
  `<iq type='set' id='open' from='${hamlet}' to='${room}@${domain}'><query xmlns='${muc}#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`;
const say = (room: string, text: string) =>
  `<message type='groupchat' from='${hamlet}' to='${room}@${domain}'><body>${text}</body></message>`;

const bodies = (to: readonly XmlElement[], user: string) =>
  to
    .filter(({ name, attrs }) => name === 'message' && attrs['to'] === user)
    .flatMap((one) =>
      elementsOf(one)
        .filter(({ name }) => name === 'body')
        .map(textOf),
    );

function makeRooms(balancer: Balancer, names: readonly string[]): void {
  for (const name of names) {
    balancer.fromUser(`${name}@${domain}`, enter(name));
    balancer.fromUser(`${name}@${domain}`, open(name));
  }
}

/** @returns addresses that the service lists */
async function listed(balancer: Balancer): Promise<string[]> {
  const id = `items${Math.random()}`;
  const query = "<query xmlns='http://jabber.org/protocol/disco#items'/>";
  balancer.fromUser(domain, `<iq type='get' id='${id}' from='${hamlet}' to='${domain}'>${query}</iq>`);
  const answer = () => balancer.toUsers.find(({ attrs }) => attrs['id'] === id);
  await soon(answer).toBeDefined();
  const [list] = elementsOf(answer() as XmlElement);
  return list === undefined
    ? []
    : elementsOf(list)
        .map(({ attrs }) => attrs['jid'] ?? '')
        .sort();
}

const names = ['elsinore', 'castle', 'platform', 'churchyard', 'closet', 'hall'];
const addresses = names.map((name) => `${name}@${domain}`).sort();

describe('Rooms on several processes (decision #240)', { timeout: 60_000 }, () => {
  it('each finds out which rooms are its own, and whoever is asked lists those of all', async () => {
    const balancer = await newBalancer(2);
    const store = newDirectory();
    const [one, other] = await Promise.all(
      [await startShard(balancer, store), await startShard(balancer, store)].map(({ started }) => started),
    );
    expect(one?.seat.number).not.toBe(other?.seat.number);
    makeRooms(balancer, names);
    const all = () => [one, other].map((shard) => shard?.driver.holdings().rooms ?? 0);
    await soon(() => all().reduce((sum, n) => sum + n, 0)).toBe(names.length);
    expect(Math.min(...all())).toBeGreaterThan(0);
    await expect.poll(() => listed(balancer), { timeout: 15_000 }).toEqual(addresses);
  });

  it('a room of the configuration is made by the one process that has it', async () => {
    const balancer = await newBalancer(3);
    const store = newDirectory();
    const text = JSON.stringify({ rooms: addresses.map((address) => ({ jid: address })) });
    const read = readComponentConfig('rooms.json', text, domain, 'plain');
    if (!read.ok) throw new Error(read.error);
    const shards = await Promise.all(
      [1, 2, 3].map(async () => (await startShard(balancer, store, read.config)).started),
    );
    const rooms = shards.flatMap((shard) => shard?.config.rooms.map(({ jid }) => jid) ?? []);
    expect(rooms.sort()).toEqual(addresses);
  });

  it('one more waits, and takes the rooms of the one that goes, with who is in and what was said', async () => {
    const balancer = await newBalancer(2);
    const store = newDirectory();
    const one = await startShard(balancer, store);
    const first = await one.started;
    const other = await startShard(balancer, store);
    const second = await other.started;
    const standby = await startShard(balancer, store);
    await soon(() => standby.said).toEqual([
      'rooms.denmark.lit: 2 processes have its rooms; this one waits until one of them is gone',
    ]);
    makeRooms(balancer, names);
    const mine = names.find((name) => balancer.parts[0] && balancer.partOf(`${name}@${domain}`) === 0) as string;
    balancer.fromUser(`${mine}@${domain}`, say(mine, 'Who is there?'));
    await soon(() => bodies(balancer.toUsers, hamlet)).toEqual(['Who is there?']);

    await one.end();
    const third = await standby.started;
    expect(third?.seat.number).toBe(first?.seat.number);
    expect(third?.seat.number).not.toBe(second?.seat.number);
    const horatio = 'horatio@denmark.lit/watch';
    balancer.fromUser(`${mine}@${domain}`, enter(mine, 'Horatio', horatio));
    await soon(() => bodies(balancer.toUsers, horatio)).toEqual(['Who is there?']);
    balancer.fromUser(`${mine}@${domain}`, say(mine, 'Stand and unfold yourself'));
    await soon(() => bodies(balancer.toUsers, horatio)).toContain('Stand and unfold yourself');
  });

  it.each([
    ['random', /the server gives the same room of rooms.denmark.lit now to one process and now to another/],
    ['first', /the server gives all rooms of rooms.denmark.lit to one process/],
  ] as const)('a server that divides them in another way (%s) is told from one that does', async (way, why) => {
    const balancer = await newBalancer(2, way);
    const { started } = await startShard(balancer, newDirectory());
    await expect(started).rejects.toThrow(why);
  });

  it.runIf(isLong)('processes that are given the rooms of each other begin anew with these', async () => {
    const balancer = await newBalancer(2);
    const store = newDirectory();
    const start = async () => {
      const args = ['--server', `127.0.0.1:${balancer.port}`, '--domain', domain, '--store', store, '--shards', '2'];
      const child = await startCommand('component', args, { NETSPLIT_COMPONENT_SECRET: 'pw' });
      ends.push(() => child.kill('SIGKILL'));
      let output = '';
      child.stdout.on('data', (data) => {
        output += data;
      });
      const seats = () => [...output.matchAll(/^ready .*, seat (\d+)$/gm)].map(([, seat]) => seat);
      await soon(() => seats().length).toBe(1);
      return seats;
    };
    const [one, other] = [await start(), await start()];
    makeRooms(balancer, names);
    await expect.poll(() => listed(balancer), { timeout: 15_000 }).toEqual(addresses);
    // Whoever is first gets the first part; by chance that is who had it, and then it is tried again.
    for (let round = 0; round < 10 && one().length + other().length === 2; round++) {
      balancer.restart();
      await soon(() => balancer.parts.filter((part) => part?.closed === false).length).toBe(2);
      await expect.poll(() => listed(balancer).catch(() => []), { timeout: 15_000 }).toEqual(addresses);
    }
    await expect.poll(() => listed(balancer), { timeout: 30_000 }).toEqual(addresses);
    expect(one().length + other().length).toBeGreaterThan(2);
    expect(one().at(-1)).not.toBe(other().at(-1));
  });
});

describe('What the processes of one domain tell each other', () => {
  const held = (name: string, made = 1) => ({
    open: [{ jid: jid(`${name}@${domain}`), name }],
    rooms: 3,
    made: new Map([[jid('hamlet@denmark.lit'), made]]),
  });

  it('rooms of one that says nothing are not listed, but they are counted', () => {
    const store = newDirectory();
    const index = new ShardIndex(store, domain, 3);
    index.write(0, held('elsinore'));
    index.write(1, held('castle', 2));
    index.write(2, held('hall', 4));
    const now = Date.now();
    const here = index.others(0, now);
    expect(here.holdings.open.map(({ name }) => name)).toEqual(['castle', 'hall']);
    expect([here.holdings.rooms, [...here.holdings.made.values()], here.silent.size]).toEqual([6, [6], 0]);

    utimesSync(`${store}/${domain}+3/1.json`, new Date(now - 20_000), new Date(now - 20_000));
    const later = index.others(0, now);
    expect(later.holdings.open.map(({ name }) => name)).toEqual(['hall']);
    expect([later.holdings.rooms, [...later.silent]]).toEqual([6, [[1, 3]]]);
    index.leave(2);
    expect([...index.others(0, now).silent.keys()]).toEqual([1, 2]);
  });

  it('what is no such file, or is of no form, counts as nothing', () => {
    const store = newDirectory();
    const index = new ShardIndex(store, domain, 2);
    for (const text of ['', '[]', '{"rooms":"9","open":[],"made":[]}', '{"rooms":1,"open":{},"made":[]}']) {
      writeFileSync(`${store}/${domain}+2/5.json`, text);
      expect(index.others(0, Date.now()).holdings.rooms).toBe(0);
    }
    const odd = {
      rooms: 1,
      open: [['a@b', 1], 'x', [7, 'y'], ['a b@c@d', 'z']],
      made: [
        ['u@v', '9'],
        ['u@v', 2],
      ],
    };
    writeFileSync(`${store}/${domain}+2/5.json`, JSON.stringify(odd));
    const { holdings } = index.others(0, Date.now());
    expect([holdings.rooms, holdings.open, [...holdings.made]]).toEqual([1, [], [['u@v', 2]]]);
  });

  it('rooms that are kept for another number of processes are not left behind unnoticed', () => {
    const store = newDirectory();
    mkdirSync(`${store}/${domain}+2`);
    checkDivision(store, domain, 2);
    checkDivision(store, jid('other.lit'), 4);
    expect(() => checkDivision(store, domain, 4)).toThrow(
      `${store}/rooms.denmark.lit+2 has the rooms of rooms.denmark.lit for 2 processes, and they cannot be divided for 4 processes`,
    );
    expect(() => checkDivision(store, domain, 1)).toThrow(
      'for 2 processes, and they cannot be divided for one process',
    );
    const other = newDirectory();
    mkdirSync(`${other}/${domain}`);
    checkDivision(other, domain, 1);
    expect(() => checkDivision(other, domain, 2)).toThrow(
      'for one process, and they cannot be divided for 2 processes',
    );
  });

  it.each([
    [[], '--shards needs --store DIR, where the processes meet'],
    [['--store', 'x', '--mode', 'primary'], '--shards is for --mode plain and --mode fmuc'],
  ])('%j: one line that says what is wrong', (more, line) => {
    const args = ['--server', 'localhost:5347', '--domain', domain, '--shards', '2', ...more];
    expect(readArguments(args, { NETSPLIT_COMPONENT_SECRET: 'pw' })).toEqual([line]);
  });
});
