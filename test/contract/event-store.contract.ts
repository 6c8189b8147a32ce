import type { NodeSnapshot } from '../../src/core/node/snapshot.ts';
import type { RoomEvent } from '../../src/core/room/event.ts';
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
