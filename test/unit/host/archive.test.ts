import { describe, expect, it } from 'vitest';
import { plainRoomConfig } from '../../../src/core/distribution/config.ts';
import { createMucNode } from '../../../src/core/node/muc-node.ts';
import { writeJoin } from '../../../src/core/xep/xep0045.ts';
import { domainOf, jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, message, payloadOf, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { Driver } from '../../../src/host/driver.ts';
import { StoreError, type StoreErrorCode } from '../../../src/host/event-store.ts';
import { type MemoryMedium, MemoryStore } from '../../../src/host/memory-store.ts';
import type { LinkHandlers } from '../../../src/host/stanza-link.ts';

const service = jid('chat.shakespeare.lit');
const server = jid('shakespeare.lit');
const room = jid('coven@chat.shakespeare.lit');
const witch = jid('wiccarocks@shakespeare.lit/laptop');
const mam = 'urn:xmpp:mam:2';

/** A driver with a node of its own, on a store that outlives it. */
async function started(medium: MemoryMedium, store = new MemoryStore(medium), count = 10, again?: () => MemoryStore) {
  const timers: { readonly at: number; readonly fn: () => void }[] = [];
  const told: string[] = [];
  const failed: unknown[] = [];
  const sent: Stanza[] = [];
  let handlers: LinkHandlers | undefined;
  let ids = 0;
  const rooms = [{ ...plainRoomConfig(room), logging: true, historyMax: 5, atHandLimits: { count, bytes: 1_000_000 } }];
  const config = { kind: 'service', address: service, server, rooms, openCreation: false, admins: [] } as const;
  const driver = new Driver({
    address: service,
    node: createMucNode(config),
    store,
    link: {
      start: async (given: LinkHandlers) => {
        handlers = given;
        given.up(server, 's');
      },
      send: (stanza: Stanza) => void sent.push(stanza),
      stop: async () => undefined,
      backlog: 0,
    } as never,
    host: {
      now: () => instant(Date.UTC(2026, 0, 1) + ids),
      setTimer: (at: number, fn: () => void) => {
        const timer = { at, fn };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
      newId: () => `${medium.events.length}-${++ids}`,
    },
    snapshotEvery: 20,
    failed: (error) => void failed.push(error),
    ...(again && {
      renewal: {
        node: () => createMucNode(config),
        store: async () => again(),
        tell: (what: string) => void told.push(what),
      },
    }),
  });
  await driver.start();
  const settled = async () => {
    for (let i = 0; i < 200; i++) await undefined;
  };
  const send = async (stanza: Stanza) => {
    sent.length = 0;
    handlers?.stanza(domainOf(stanza.from), stanza, { stream: 's', n: 1 });
    await settled();
    return [...sent];
  };
  const reads = async (max: number) => {
    const set = el(
      'set',
      'http://jabber.org/protocol/rsm',
      {},
      el('max', 'http://jabber.org/protocol/rsm', {}, String(max)),
    );
    return send(iq(witch, room, { type: 'set', id: 'q' }, el('query', mam, {}, set)));
  };
  const says = (text: string) => send(message(witch, room, { type: 'groupchat' }, el('body', NS.client, {}, text)));
  const enters = () => send(presence(witch, jid(`${room}/secondwitch`), {}, writeJoin({})));
  /** All timers are due at once. */
  const waits = async () => {
    for (const { fn } of timers.splice(0)) fn();
    await settled();
  };
  return { driver, reads, says, enters, waits, told, failed };
}

const results = (sent: readonly Stanza[]) => sent.filter((stanza) => payloadOf(stanza, 'result', mam)).length;

describe('Driver: archives', () => {
  it('what a room has at hand no longer is found in the store, also after a restart from a snapshot without history', async () => {
    const medium: MemoryMedium = { events: [] };
    const first = await started(medium);
    await first.enters();
    for (let i = 0; i < 50; i++) await first.says(`m${i}`);
    expect(results(await first.reads(100))).toBe(50);
    await first.driver.stop();
    expect(medium.snapshot?.rooms[0]).not.toHaveProperty('history');
    const second = await started(medium);
    expect((await second.enters()).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual([
      'm45',
      'm46',
      'm47',
      'm48',
      'm49',
    ]);
    await second.says('m50');
    expect(results(await second.reads(100))).toBe(51);
    await second.driver.stop();
  });

  it('a snapshot of an earlier version, which holds the history, is moved to the archive', async () => {
    const medium: MemoryMedium = { events: [] };
    const first = await started(medium, new MemoryStore(medium), 1000);
    await first.enters();
    for (let i = 0; i < 15; i++) await first.says(`m${i}`);
    await first.driver.stop();
    const { archives: _, ...old } = medium;
    const image = createMucNode({
      kind: 'service',
      address: service,
      server,
      rooms: [plainRoomConfig(room)],
      openCreation: false,
      admins: [],
    });
    for (const event of medium.events) image.apply(event);
    const moved: MemoryMedium = { ...old, events: [], snapshot: image.snapshot() };
    const second = await started(moved);
    expect(moved.archives?.entries(room)).toHaveLength(15);
    expect(results(await second.reads(100))).toBe(15);
    await second.driver.stop();
    // And once.
    const third = await started(moved);
    expect(moved.archives?.entries(room)).toHaveLength(15);
    await third.driver.stop();
  });

  it('a search that fails is answered with a reason to wait', async () => {
    const medium: MemoryMedium = { events: [] };
    const store = new MemoryStore(medium);
    const { driver, enters, says, reads } = await started(medium, store);
    await enters();
    for (let i = 0; i < 50; i++) await says(`m${i}`);
    store.search = () => Promise.reject(new Error('the disk is broken'));
    expect((await reads(10)).map(errorOf)).toMatchObject([{ type: 'wait', condition: 'resource-constraint' }]);
    await driver.stop();
  });
});

/** A store whose writes fail for the reason that is given. */
class FailingStore extends MemoryStore {
  code: StoreErrorCode | undefined;
  tellGone: ((why: string) => void) | undefined;

  onGone(tell: (why: string) => void): void {
    this.tellGone = tell;
  }

  override async append(...what: Parameters<MemoryStore['append']>): Promise<void> {
    if (this.code !== undefined) throw new StoreError(`the store is ${this.code}`, { code: this.code });
    await super.append(...what);
  }
}

describe.each(['full', 'read-only'] as const)('Driver: a store that is %s', (code) => {
  it('keeps what it has acknowledged, refuses the rest with a text, and goes on without a restart when there is room', async () => {
    const medium: MemoryMedium = { events: [] };
    const store = new FailingStore(medium);
    const { driver, enters, says, reads, waits, told, failed } = await started(medium, store, 10, () => store);
    await enters();
    await says('before');
    store.code = code;
    for (const text of ['lost', 'lost, too']) {
      const sent = await says(text);
      expect(sent.map(errorOf)).toMatchObject([
        { type: 'wait', condition: 'resource-constraint', text: `the store is ${code}` },
      ]);
    }
    expect(told).toEqual([`the store is ${code}: nothing is taken until there is room`]);
    expect((await reads(10)).map(errorOf)).toMatchObject([{ condition: 'resource-constraint' }]);
    // It is tried again, and there is no room yet.
    await waits();
    expect((await says('lost again')).map(errorOf)).toMatchObject([{ condition: 'resource-constraint' }]);
    store.code = undefined;
    await waits();
    expect((await says('after')).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['after']);
    expect(told.slice(1)).toEqual(['there is room again']);
    expect(results(await reads(10))).toBe(2);
    expect(failed).toEqual([]);
    await driver.stop();
  });
});

describe('Driver: a store that was deleted', () => {
  it('the room goes on from memory, and all of it is written anew', async () => {
    const medium: MemoryMedium = { events: [] };
    const store = new FailingStore(medium);
    const other: MemoryMedium = { events: [] };
    const { driver, enters, says, reads, told, failed } = await started(
      medium,
      store,
      10,
      () => new MemoryStore(other),
    );
    await enters();
    for (let i = 0; i < 50; i++) await says(`m${i}`);
    store.code = 'gone';
    expect((await says('on')).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['on']);
    expect(told).toEqual(['the store is gone: it was written anew from memory']);
    // What was at hand, and no more.
    const kept = results(await reads(100));
    expect(kept).toBeGreaterThanOrEqual(10);
    await says('and on');
    expect(failed).toEqual([]);
    await driver.stop();
    const after = await started(other);
    expect((await after.enters()).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual([
      'm47',
      'm48',
      'm49',
      'on',
      'and on',
    ]);
    expect(results(await after.reads(100))).toBe(kept + 1);
    await after.driver.stop();
  });

  it('at once, if the store notices while nobody speaks', async () => {
    const store = new FailingStore({ events: [] });
    const other: MemoryMedium = { events: [] };
    const { driver, enters, says, waits, told, failed } = await started(
      { events: [] },
      store,
      10,
      () => new MemoryStore(other),
    );
    await enters();
    await says('before');
    store.code = 'gone';
    store.tellGone?.('the store is gone');
    await waits();
    expect(told).toEqual(['the store is gone: it was written anew from memory']);
    expect(failed).toEqual([]);
    await driver.stop();
    const after = await started(other);
    expect((await after.enters()).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['before']);
    await after.driver.stop();
  });

  it('and stops where another log is in its place', async () => {
    const medium: MemoryMedium = { events: [] };
    const store = new FailingStore(medium);
    const { driver, enters, says, failed } = await started(medium, store, 10, () => new MemoryStore(medium));
    await enters();
    store.code = 'gone';
    expect(await says('on')).toEqual([]);
    expect(String(failed[0])).toContain('another log is in its place');
    await driver.stop();
  });
});
