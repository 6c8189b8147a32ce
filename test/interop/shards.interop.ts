import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { jid } from '../../src/core/xmpp/jid.ts';
import { bodyOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el, elementsOf } from '../../src/core/xmpp/xml.ts';
import { XmppLink } from '../../src/worker/xmpp-link.ts';
import { type Ejabberd, noEjabberd, startEjabberd } from '../bench/ejabberd.ts';
import { type Component, startComponent } from './support/component.ts';

// @xmpp/websocket takes the browser's.
Object.assign(globalThis, { WebSocket });

/** Real programs on two cores: what comes, may come late. */
const soon = <T>(get: () => T) => expect.poll(get, { timeout: 30_000, interval: 20 });
const users = 'localhost';
const domain = jid('rooms.localhost');
const secret = 's3cr3t';
const muc = 'http://jabber.org/protocol/muc';
const items = 'http://jabber.org/protocol/disco#items';
const names = ['elsinore', 'castle', 'platform', 'churchyard', 'closet', 'hall', 'plain', 'lobby'];
const addresses = names.map((name) => `${name}@${domain}`).sort();

/** In the order in which they are to be undone, the last first. */
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function login(websocket: string, user: string) {
  const me = jid(`${user}@${users}/desk`);
  const link = new XmppLink({ service: websocket, account: { kind: 'user', jid: me }, password: 'pw' });
  undo.push(() => link.stop());
  const seen: Stanza[] = [];
  let ids = 0;
  await link.start({ stanza: (_, stanza) => seen.push(stanza), up: () => undefined, down: () => undefined });
  const ask = async (to: string, type: 'get' | 'set', payload: ReturnType<typeof el>) => {
    const id = `q${++ids}`;
    link.send(iq(me, jid(to), { type, id }, payload));
    await soon(() => seen.some((s) => s.name === 'iq' && s.id === id)).toBe(true);
    return seen.find((s) => s.name === 'iq' && s.id === id) as Stanza;
  };
  const bodies = (room: string) =>
    seen.filter(({ from }) => from.startsWith(`${room}@`)).flatMap((stanza) => bodyOf(stanza) ?? []);
  return {
    bodies,
    seen,
    async enter(room: string) {
      link.send(presence(me, jid(`${room}@${domain}/${user}`), {}, el('x', muc)));
      const own = jid(`${room}@${domain}/${user}`);
      await soon(() => seen.some(({ name, from, type }) => name === 'presence' && !type && from === own)).toBe(true);
    },
    open: async (room: string) => {
      const form = el('x', 'jabber:x:data', { type: 'submit' });
      expect((await ask(`${room}@${domain}`, 'set', el('query', `${muc}#owner`, {}, form))).type).toBe('result');
    },
    async say(room: string, text: string) {
      link.send(message(me, jid(`${room}@${domain}`), { type: 'groupchat' }, el('body', 'jabber:client', {}, text)));
      await soon(() => bodies(room)).toContain(text);
    },
    async listed() {
      const answer = await ask(domain, 'get', el('query', items));
      const list = payloadOf(answer, 'query', items);
      return (list === undefined ? [] : elementsOf(list)).map(({ attrs }) => attrs['jid']).sort();
    },
    stop: () => link.stop(),
  };
}

async function startShard(port: number, store: string): Promise<Component> {
  const component = await startComponent(port, secret, '--domain', domain, '--store', store, '--shards', '2');
  undo.push(() => component.end('SIGKILL'));
  return component;
}

const seatOf = (component: Component) => /seat (\d+)/.exec(component.said())?.[1];

async function makeRooms(user: Awaited<ReturnType<typeof login>>, store: string, shards: readonly Component[]) {
  for (const name of names) {
    await user.enter(name);
    await user.open(name);
    await user.say(name, `Welcome to the ${name}`);
  }
  await expect.poll(user.listed, { timeout: 30_000 }).toEqual(addresses);
  // Or nothing here would be about several processes.
  for (const shard of shards) {
    const { rooms } = JSON.parse(readFileSync(`${store}/${domain}+2/${seatOf(shard)}.json`, 'utf8')) as {
      rooms: number;
    };
    expect(rooms).toBeGreaterThan(0);
  }
}

function newStore(): string {
  const store = mkdtempSync(`${tmpdir()}/netsplit-shards-`);
  undo.push(() => rmSync(store, { recursive: true, force: true, maxRetries: 5 }));
  return store;
}

const startNode = (joins?: Ejabberd) =>
  startEjabberd(
    users,
    `own.${domain}`,
    { [domain]: secret },
    { spread: { [domain]: 2 }, ...(joins === undefined ? {} : { joins }) },
  );

// `npm test` has no time for it: `npm run interop` does.
describe.skipIf(noEjabberd !== undefined || process.env['INTEROP'] === 'fast')(
  `Rooms on two processes of an ejabberd${noEjabberd ? ` (skipped: ${noEjabberd})` : ''}`,
  { timeout: 240_000 },
  () => {
    it('one of them is killed: a third takes its rooms, with those who are in and what was said', async () => {
      const ejabberd = await startNode();
      undo.push(ejabberd.stop);
      const store = newStore();
      const shards = [
        await startShard(ejabberd.componentPort, store),
        await startShard(ejabberd.componentPort, store),
      ] as const;
      expect(seatOf(shards[0])).not.toBe(seatOf(shards[1]));
      const hamlet = await login(ejabberd.websocket, 'hamlet');
      await makeRooms(hamlet, store, shards);

      const standby = startShard(ejabberd.componentPort, store);
      await shards[0].end('SIGKILL');
      const third = await standby;
      expect(seatOf(third)).toBe(seatOf(shards[0]));
      const horatio = await login(ejabberd.websocket, 'horatio');
      for (const name of names) {
        await horatio.enter(name);
        await soon(() => horatio.bodies(name)).toEqual([`Welcome to the ${name}`]);
        // Hamlet never left, and has not been put out.
        await horatio.say(name, `Stand and unfold yourself in the ${name}`);
        await soon(() => hamlet.bodies(name).length).toBe(2);
      }
      expect(hamlet.seen.filter(({ name, type }) => name === 'presence' && type === 'unavailable')).toEqual([]);
      await expect.poll(horatio.listed, { timeout: 30_000 }).toEqual(addresses);
    });

    it('two nodes of one cluster, with a process each: everybody is in every room', async () => {
      const first = await startNode();
      undo.push(first.stop);
      const second = await startNode(first);
      undo.push(second.stop);
      const store = newStore();
      const shards = [
        await startShard(first.componentPort, store),
        await startShard(second.componentPort, store),
      ] as const;
      expect(seatOf(shards[0])).not.toBe(seatOf(shards[1]));
      const hamlet = await login(first.websocket, 'hamlet');
      const horatio = await login(second.websocket, 'horatio');
      await makeRooms(hamlet, store, shards);
      for (const name of names) {
        await horatio.enter(name);
        await horatio.say(name, `So have I heard of the ${name}`);
        await soon(() => hamlet.bodies(name)).toEqual([`Welcome to the ${name}`, `So have I heard of the ${name}`]);
      }
      await expect.poll(horatio.listed, { timeout: 30_000 }).toEqual(addresses);
    });
  },
);
