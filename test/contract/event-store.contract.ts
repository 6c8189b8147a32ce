import type { NodeSnapshot } from '../../src/core/node/snapshot.ts';
import type { ArchiveChange, ArchivePage, ArchiveSearch } from '../../src/core/room/archive-store.ts';
import type { HistoryItem, RoomEvent } from '../../src/core/room/event.ts';
import { pageOf } from '../../src/core/xep/xep0059.ts';
import { retractNs } from '../../src/core/xep/xep0424.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import type { EventStore } from '../../src/host/event-store.ts';

/** One medium (a database, a file, an object) that stores can be opened on again and again. */
export interface StoreMedium {
  open(): Promise<EventStore>;
  /** Ends the medium. */
  dispose?(): Promise<void>;
}

export interface ContractCase {
  readonly name: string;
  run(medium: StoreMedium): Promise<void>;
}

const room = jid('wallops@channel.avalon.irc');

export function happened(n: number): RoomEvent {
  return {
    kind: 'messageAccepted',
    room,
    item: {
      by: room,
      id: `id-${n}`,
      nick: 'BigCheese',
      occupantId: 'o-1',
      at: instant(1_000 + n),
      payloads: [{ name: 'body', xmlns: 'jabber:client', attrs: {}, children: [`line ${n} \u{1f9c0}`] }],
    },
  };
}

export function snapshotAt(n: number): NodeSnapshot {
  return {
    version: 1,
    rooms: [
      {
        room,
        epoch: 1,
        n,
        locked: false,
        changes: {},
        occupants: [],
        affiliations: [],
        reservedNicks: [],
        occupantIds: [],
        history: [],
        subject: undefined,
        peers: [],
      },
    ],
  };
}

/** A message of an archive; its place is that of its time, or somewhat later. */
export function kept(n: number, more: Partial<HistoryItem> = {}, late = 0): ArchiveChange & { readonly kind: 'kept' } {
  const { item } = happened(n) as RoomEvent & { readonly kind: 'messageAccepted' };
  const at = more.at ?? item.at;
  return { room, kind: 'kept', place: placeOf(at + late, n), item: { ...item, ...more } };
}

export function placeOf(ms: number, n: number): string {
  return `${String(ms).padStart(15, '0')} ${String(n).padStart(6, '0')}`;
}

async function opened(medium: StoreMedium): Promise<EventStore> {
  const store = await medium.open();
  await store.load();
  return store;
}

const ids = (found: ArchivePage) => found?.page.map(({ item }) => Number(item.id.slice(3)));

async function all(store: EventStore, of = room): Promise<number[] | undefined> {
  return ids(await store.search({ room: of, page: { max: 10_000 } }));
}

/** The same numbers in every run. */
function numbersFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The numbers that `happened` was given. */
export function numbers(events: readonly RoomEvent[]): number[] {
  return events.map((event) => (event.kind === 'messageAccepted' ? Number(event.item.id.slice(3)) : -1));
}

/**
 * What every EventStore promises (host/event-store.ts). Plain cases rather than a test runner's: Vitest runs them for
 * the stores of Node, a page runs them in a browser for IndexedDB.
 */
export const eventStoreContract: readonly ContractCase[] = [
  {
    name: 'a new store is empty',
    async run(medium) {
      const store = await medium.open();
      same(await store.load(), { events: [], last: 0 });
      await store.close();
    },
  },
  {
    name: 'what was appended is there after reopening, in order and unchanged',
    async run(medium) {
      const store = await medium.open();
      await store.load();
      await store.append([happened(1), happened(2)]);
      await store.append([happened(3)]);
      await store.close();
      const again = await medium.open();
      const { events, last } = await again.load();
      same(events, [happened(1), happened(2), happened(3)]);
      // What was appended last may never have been heard of: the node is told how much that is.
      same(last, 1);
      await again.append([happened(4), happened(5)]);
      await again.close();
      const third = await medium.open();
      same((await third.load()).last, 2);
      await third.close();
    },
  },
  {
    name: 'appends that were not awaited keep their order',
    async run(medium) {
      const store = await medium.open();
      await store.load();
      await Promise.all([1, 2, 3, 4, 5].map((n) => store.append([happened(n)])));
      await store.close();
      const again = await medium.open();
      same(numbers((await again.load()).events), [1, 2, 3, 4, 5]);
      await again.close();
    },
  },
  {
    name: 'a snapshot replaces what came before it, and later events follow it',
    async run(medium) {
      const store = await medium.open();
      await store.load();
      await store.append([happened(1), happened(2)]);
      await store.saveSnapshot(snapshotAt(2));
      await store.append([happened(3)]);
      await store.close();
      const again = await medium.open();
      const { snapshot, events } = await again.load();
      same(JSON.parse(JSON.stringify(snapshot)), JSON.parse(JSON.stringify(snapshotAt(2))));
      same(numbers(events), [3]);
      await again.append([happened(4)]);
      await again.saveSnapshot(snapshotAt(4));
      await again.close();
      const third = await medium.open();
      const last = await third.load();
      same([last.snapshot?.rooms[0]?.n, last.events.length, last.last], [4, 0, 0]);
      await third.close();
    },
  },
  {
    name: 'a log that goes on after a restart stays whole',
    async run(medium) {
      for (let n = 1; n <= 4; n++) {
        const store = await medium.open();
        same((await store.load()).events.length, n - 1);
        await store.append([happened(n)]);
        await store.close();
      }
      const store = await medium.open();
      const recovered = await store.load();
      same(numbers(recovered.events), [1, 2, 3, 4]);
      same(recovered.damage, undefined);
      await store.close();
    },
  },
  {
    name: 'appending nothing is allowed',
    async run(medium) {
      const store = await medium.open();
      await store.load();
      await store.append([]);
      same((await store.load()).events, []);
      await store.close();
    },
  },
  {
    name: 'a closed store refuses with StoreError',
    async run(medium) {
      const store = await medium.open();
      await store.load();
      await store.close();
      const error = await store.append([happened(1)]).then(
        () => undefined,
        (e: unknown) => e,
      );
      same(error instanceof Error && error.name, 'StoreError');
    },
  },
  {
    name: 'an archive keeps what was said in the order of its places, over restarts and snapshots',
    async run(medium) {
      let store = await opened(medium);
      await store.append([happened(1)], [kept(1), kept(3)]);
      await store.append([], [kept(2)]);
      await store.saveSnapshot(snapshotAt(3), [kept(4)]);
      same(await all(store), [1, 2, 3, 4]);
      await store.close();
      store = await opened(medium);
      same(await all(store), [1, 2, 3, 4]);
      same(ids(await store.search({ room, page: { max: 1, before: '' } })), [4]);
      // Another room has another archive.
      same(await all(store, jid('other@channel.avalon.irc')), []);
      await store.close();
    },
  },
  {
    name: 'places are compared by code units',
    async run(medium) {
      const store = await opened(medium);
      const places = ['a', 'a\ufffd', 'a\u{1f9c0}', 'a\ud7ff', 'ab', 'a\ue000', 'A', 'a\u00e9'];
      await store.append(
        [],
        places.map((place, n) => ({ ...kept(n), place })),
      );
      same(
        await all(store),
        [...places.keys()].sort((x, y) => ((places[x] ?? '') < (places[y] ?? '') ? -1 : 1)),
      );
      await store.close();
    },
  },
  {
    name: 'a message that is taken back leaves a tombstone in its place, wherever it is kept',
    async run(medium) {
      const store = await opened(medium);
      const retraction = (of: number): HistoryItem => ({
        ...kept(9).item,
        payloads: [{ name: 'retract', xmlns: retractNs, attrs: { id: `id-${of}` }, children: [] }],
      });
      await store.append([], [kept(1), kept(2), { room, kind: 'takenBack', retraction: retraction(2) }]);
      await store.append([], [{ room, kind: 'takenBack', retraction: retraction(1) }]);
      await store.append([], [{ room, kind: 'takenBack', retraction: retraction(7) }]);
      const found = await store.search({ room, page: { max: 10 } });
      same(
        found?.page.map(({ item: { id, payloads } }) => [id, payloads[0]?.name]),
        [
          ['id-1', 'retracted'],
          ['id-2', 'retracted'],
        ],
      );
      await store.close();
    },
  },
  {
    name: 'what was said in a split and is not accepted goes; what was accepted stays',
    async run(medium) {
      const store = await opened(medium);
      await store.append([], [kept(1, { provisional: true }), kept(2)]);
      await store.append(
        [],
        [1, 2, 3].map((n) => ({ room, kind: 'forgotten', by: room, id: `id-${n}` })),
      );
      same(await all(store), [2]);
      same((await store.search({ room, page: { max: 10 } }))?.count, 1);
      await store.close();
    },
  },
  {
    name: 'a room that is emptied begins anew, also within one append',
    async run(medium) {
      let store = await opened(medium);
      await store.append([], [kept(1), kept(2)]);
      await store.append([], [kept(3), { room, kind: 'emptied' }, kept(1)]);
      same(await all(store), [1]);
      await store.close();
      store = await opened(medium);
      same(await all(store), [1]);
      same(await store.search({ room, page: { max: 10, after: 'id-2' } }), undefined);
      await store.close();
    },
  },
  {
    name: 'retention drops the oldest: by number, by age, by bytes, and what comes later, too',
    async run(medium) {
      const store = await opened(medium);
      const many = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => kept(from + i));
      await store.append([], [...many(1, 200), { room, kind: 'bounded', retention: { count: 150 } }]);
      same((await all(store))?.at(0), 51);
      await store.append([], many(201, 210));
      const left = await all(store);
      same([left?.length, left?.at(0), left?.at(-1)], [150, 61, 210]);
      same(await store.search({ room, page: { max: 1, after: 'id-60' } }), undefined);
      await store.append([], [{ room, kind: 'bounded', retention: { before: kept(200).item.at } }]);
      same((await all(store))?.at(0), 200);
      await store.append([], [kept(5)]);
      same((await all(store))?.at(0), 200);
      await store.append([], [{ room, kind: 'bounded', retention: { bytes: 1000 } }]);
      const few = (await all(store)) ?? [];
      same([few.length > 0 && few.length < 10, few.at(-1)], [true, 210]);
      await store.append([], [{ room, kind: 'bounded', retention: { count: 0 } }]);
      same(await all(store), []);
      await store.close();
    },
  },
  {
    name: 'every page of every archive is the one that RSM has of it (XEP-0059)',
    async run(medium) {
      const random = numbersFrom(7);
      const store = await opened(medium);
      let items: { readonly place: string; readonly item: HistoryItem }[] = [];
      // Longer than what a store may read as a whole, with some that come late, in appends of all sizes.
      for (let n = 0; n < 1500; ) {
        const changes: ReturnType<typeof kept>[] = [];
        for (let size = 1 + random(120); size > 0 && n < 1500; size--, n++)
          changes.push(
            kept(5000 + n * 10 - (random(20) === 0 ? random(3000) : 0), { nick: `nick${random(5)}` }, random(3)),
          );
        const fresh = changes.filter(
          ({ place }, i) =>
            !items.some((one) => one.place === place) && changes.findIndex((one) => one.place === place) === i,
        );
        await store.append([], fresh);
        items.push(...fresh);
      }
      items = items.sort((a, b) => (a.place < b.place ? -1 : 1));
      const own = items.map(({ item }) => item);
      for (let n = 0; n < 400; n++) {
        const idAt = () => (random(10) === 0 ? 'nowhere' : own[random(own.length)]?.id);
        const page = {
          max: [0, 1, 10, 100][random(4)] ?? 0,
          ...(random(3) === 0 ? { after: idAt() } : {}),
          ...(random(3) === 0 ? { before: random(2) === 0 ? '' : idAt() } : {}),
          ...(random(5) === 0 ? { index: random(1600) } : {}),
        } as ArchiveSearch['page'];
        const [start, end] = [own[random(own.length)]?.at, own[random(own.length)]?.at];
        const search: ArchiveSearch = {
          ...{ room, page },
          ...(random(3) === 0 ? { nick: `nick${random(6)}` } : {}),
          ...(random(3) === 0 ? { start } : {}),
          ...(random(3) === 0 ? { end } : {}),
        };
        const isWanted = (item: HistoryItem) =>
          item.at >= (search.start ?? -Infinity) &&
          item.at <= (search.end ?? Infinity) &&
          (search.nick === undefined || item.nick === search.nick);
        const expected = pageOf(own, isWanted, page);
        const found = await store.search(search);
        const what = JSON.stringify(search);
        same(
          [what, ids(found), found?.complete],
          [what, expected?.page.map(({ id }) => Number(id.slice(3))), expected?.complete],
        );
        // They may be left out, but they are never wrong.
        if (found?.count !== undefined) same([what, found.count], [what, expected?.count]);
        if (found?.index !== undefined) same([what, found.index], [what, expected?.index]);
      }
      await store.close();
    },
  },
  {
    name: 'in a long archive each message is found by its id, also one that came late, and after a restart',
    async run(medium) {
      let store = await opened(medium);
      const isLate = (n: number) => n % 500 === 7;
      const count = 10_000;
      for (let from = 0; from < count; from += 700) {
        const batch = Array.from({ length: Math.min(700, count - from) }, (_, i) => from + i);
        await store.append(
          [],
          batch.filter((n) => !isLate(n)).map((n) => kept(n)),
        );
        // Those of the batch before this one.
        for (const n of batch.map((each) => each - 700)) if (n >= 0 && isLate(n)) await store.append([], [kept(n)]);
      }
      const check = async (first: number) => {
        for (const n of [first, first + 1, 4207, 4095, 4096, 4097, 5007, 8191, 8192, 9001, 9207, count - 1]) {
          const found = await store.search({ room, id: `id-${n}`, page: { max: 2 } });
          same([n, ids(found)], [n, n < first ? [] : [n]]);
        }
        same(await store.search({ room, page: { max: 1, after: 'id-99999' } }), undefined);
        same(ids(await store.search({ room, page: { max: 3, after: 'id-5005' } })), [5006, 5007, 5008]);
      };
      await check(0);
      await store.append([], [{ room, kind: 'bounded', retention: { count: 5900 } }]);
      const left = (await all(store))?.at(0) ?? 0;
      await check(left);
      same(await store.search({ room, page: { max: 1, after: `id-${left - 1}` } }), undefined);
      // What was dropped is forgotten when there is enough that is new.
      for (let from = count; from < count + 5000; from += 1000)
        await store.append(
          [],
          Array.from({ length: 1000 }, (_, i) => kept(from + i)),
        );
      await store.close();
      store = await opened(medium);
      same(ids(await store.search({ room, id: `id-${count + 4000}`, page: { max: 2 } })), [count + 4000]);
      same(ids(await store.search({ room, id: `id-${left + 100}`, page: { max: 2 } })), []);
      await store.close();
    },
  },
  {
    name: 'a closed store is not searched',
    async run(medium) {
      const store = await opened(medium);
      await store.close();
      const error = await store.search({ room, page: { max: 1 } }).catch((e: unknown) => e);
      same(error instanceof Error && error.name, 'StoreError');
    },
  },
];

/** @throws Error with both values, if they differ as JSON */
export function same(actual: unknown, expected: unknown): void {
  const [a, b] = [canonical(actual), canonical(expected)];
  if (a !== b) throw new Error(`expected ${b}, got ${a}`);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, v: unknown) =>
      v !== null && typeof v === 'object' && !Array.isArray(v)
        ? Object.fromEntries(Object.entries(v).sort(([x], [y]) => (x < y ? -1 : 1)))
        : v,
    ) ?? 'undefined'
  );
}
