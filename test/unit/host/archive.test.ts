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
import { type MemoryMedium, MemoryStore } from '../../../src/host/memory-store.ts';
import type { LinkHandlers } from '../../../src/host/stanza-link.ts';

const service = jid('chat.shakespeare.lit');
const server = jid('shakespeare.lit');
const room = jid('coven@chat.shakespeare.lit');
const witch = jid('wiccarocks@shakespeare.lit/laptop');
const mam = 'urn:xmpp:mam:2';

/** A driver with a node of its own, on a store that outlives it. */
async function started(medium: MemoryMedium, store = new MemoryStore(medium), count = 10) {
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
      setTimer: () => () => undefined,
      newId: () => `${medium.events.length}-${++ids}`,
    },
    snapshotEvery: 20,
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
  return { driver, reads, says, enters };
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
