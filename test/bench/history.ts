import { plainRoomConfig } from '../../src/core/distribution/config.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { ArchiveChange } from '../../src/core/room/archive-store.ts';
import type { RoomEvent } from '../../src/core/room/event.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { message, presence } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import { recallAll } from '../../src/host/archive-tail.ts';
import { Driver } from '../../src/host/driver.ts';
import type { EventStore } from '../../src/host/event-store.ts';
import type { LinkHandlers } from '../../src/host/stanza-link.ts';

export interface HistoryFigures {
  /** Messages accepted, made durable and reflected, snapshots included. */
  readonly messagesPerSecond: number;
  /** Reading a log of `logged` messages that no snapshot has shortened, and bringing the room to that state. */
  readonly recoveryMs: number;
  readonly logged: number;
}

export interface ArchiveFigures {
  readonly archived: number;
  /** Messages kept in a room's archive, made durable with their events, snapshots included. */
  readonly archivedPerSecond: number;
  /** Until the room is back, with what it has at hand. */
  readonly archiveRecoveryMs: number;
  /** A page of 100 from the middle, by an id; the median of several. */
  readonly pageMs: number;
}

const service = jid('conference.localhost');
const server = jid('localhost');
const room = jid('lobby@conference.localhost');
const witch = jid('firstwitch@localhost/desktop');
const text = 'Double, double toil and trouble; fire burn and caldron bubble.';
/** Messages that are under way at once, as from a busy network; they share transactions. */
const window = 500;

/** Runs a node on a store, in Node or in a worker: the link is the only thing that is not real. */
export async function measureHistory(
  open: (name: string) => Promise<EventStore>,
  messages: number,
): Promise<HistoryFigures> {
  return { ...(await measureAppends(await open('appends'), messages)), ...(await measureRecovery(open, messages)) };
}

const newNode = () =>
  createMucNode({
    kind: 'service',
    address: service,
    server,
    rooms: [{ ...plainRoomConfig(room), persistent: true }],
    openCreation: false,
    admins: [],
  });

async function measureAppends(store: EventStore, messages: number): Promise<{ readonly messagesPerSecond: number }> {
  let handlers: LinkHandlers | undefined;
  let ids = 0;
  let sent = 0;
  let reflected = 0;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const receive = (stanza: ReturnType<typeof message>) => handlers?.stanza(server, stanza, { stream: 's', n: ++ids });
  const say = () => {
    sent++;
    receive(message(witch, room, { type: 'groupchat', id: `m${sent}` }, el('body', NS.client, {}, `${sent} ${text}`)));
  };
  const driver = new Driver({
    address: service,
    node: newNode(),
    store,
    link: {
      start: async (given) => {
        handlers = given;
        given.up(server, 's');
      },
      send: (stanza) => {
        if (stanza.name !== 'message' || stanza.id === undefined) return;
        reflected++;
        if (sent < messages) say();
        else if (reflected === messages) done();
      },
      stop: async () => undefined,
    },
    host: {
      now: () => instant(Date.now()),
      setTimer: (at, fn) => {
        const timer = setTimeout(fn, Math.max(0, at - Date.now()));
        return () => clearTimeout(timer);
      },
      newId: () => `id-${++ids}`,
    },
  });
  await driver.start();
  receive(presence(witch, jid(`${room}/firstwitch`), {}, el('x', NS.muc)));
  const began = performance.now();
  for (let i = 0; i < Math.min(window, messages); i++) say();
  await all;
  const ms = performance.now() - began;
  await driver.stop();
  return { messagesPerSecond: (messages / ms) * 1000 };
}

export interface AppendFigures {
  /** Appends of 500 messages, one after the other, with what the archive keeps of them. */
  readonly appendsPerSecond: number;
}

/** What a store alone takes. */
export async function measureStore(store: EventStore, messages: number): Promise<AppendFigures> {
  await store.load();
  let ms = 0;
  for (let n = 0; n < messages; n += window) {
    const changes = Array.from({ length: window }, (_, i) => keptAt(n + i));
    const events = changes.map(({ item }): RoomEvent => ({ kind: 'messageAccepted', room, item }));
    const began = performance.now();
    await store.append(events, changes);
    ms += performance.now() - began;
  }
  await store.close();
  return { appendsPerSecond: (messages / ms) * 1000 };
}

async function measureRecovery(open: (name: string) => Promise<EventStore>, messages: number) {
  const store = await open('recovery');
  await store.load();
  const at = instant(Date.now());
  await store.append([{ kind: 'roomCreated', room, epoch: at }]);
  for (let n = 1; n <= messages; ) {
    const batch: RoomEvent[] = [];
    for (; batch.length < 100 && n <= messages; n++)
      batch.push({
        kind: 'messageAccepted',
        room,
        n,
        item: {
          by: room,
          id: `5f1d7a84-${n}`,
          nick: 'firstwitch',
          occupantId: 'c0ffee',
          author: witch,
          at,
          stanzaId: `m${n}`,
          payloads: [el('body', NS.client, {}, `${n} ${text}`)],
        },
      });
    await store.append(batch);
  }
  await store.close();
  const again = await open('recovery');
  const began = performance.now();
  const { snapshot, events } = await again.load();
  const node = newNode();
  if (snapshot !== undefined) node.restore(snapshot);
  for (const event of events) node.apply(event);
  const recoveryMs = performance.now() - began;
  await again.close();
  if (events.length !== messages + 1) throw new Error(`${events.length} events came back`);
  return { recoveryMs, logged: messages };
}

/** A room with a long archive, of which its own state holds no message: that is what a store alone is asked for. */
export async function measureArchive(
  open: (name: string) => Promise<EventStore>,
  messages: number,
): Promise<ArchiveFigures> {
  const store = await open('archive');
  await store.load();
  const made = newNode();
  made.apply({ kind: 'roomCreated', room, epoch: instant(0) });
  const snapshot = made.snapshot();
  const began = performance.now();
  for (let n = 0; n < messages; n += window) {
    const changes = Array.from({ length: window }, (_, i) => keptAt(n + i));
    await store.append(
      changes.map(({ item }) => ({ kind: 'messageAccepted', room, item })),
      changes,
    );
    if (n % (40 * window) === 0) await store.saveSnapshot(snapshot);
  }
  const ms = performance.now() - began;
  await store.close();
  const again = await open('archive');
  const from = performance.now();
  const recovered = await again.load();
  const node = newNode();
  if (recovered.snapshot !== undefined) node.restore(recovered.snapshot);
  for (const event of recovered.events) node.apply(event);
  await recallAll(node, again, []);
  const archiveRecoveryMs = performance.now() - from;
  const pages: number[] = [];
  for (let n = 0; n < 20; n++) {
    const asked = performance.now();
    const after = keptAt(Math.floor((messages * (n + 1)) / 22)).item.id;
    const found = await again.search({ room, page: { max: 100, after } });
    pages.push(performance.now() - asked);
    if (found?.page.length !== 100) throw new Error(`a page of ${found?.page.length}`);
  }
  await again.close();
  const pageMs = pages.sort((a, b) => a - b)[10] ?? 0;
  return { archived: messages, archivedPerSecond: (messages / ms) * 1000, archiveRecoveryMs, pageMs };
}

function keptAt(n: number): ArchiveChange & { readonly kind: 'kept' } {
  const at = instant(1_700_000_000_000 + n);
  const place = `${String(at).padStart(15, '0')} ${n}`;
  const payloads = [el('body', NS.client, {}, `${n} ${text}`)];
  const item = { by: room, id: `5f1d7a84-${n}`, nick: 'firstwitch', occupantId: 'c0ffee', author: witch, at, payloads };
  return { room, kind: 'kept', place, item };
}
