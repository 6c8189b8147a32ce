import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import type { Holdings } from '../core/node/holdings.ts';
import { type Jid, parseJid } from '../core/xmpp/jid.ts';
import { StoreError } from '../host/event-store.ts';
import { isHeld } from './directory-lock.ts';
import { nodeDirectory } from './level-store.ts';
import { storeError } from './store-errors.ts';

/** Public rooms that one process tells the others of; the others are not listed, but they are counted. */
const openMax = 10_000;
/** Bytes of one process's file that the others read. */
const fileMax = 16 * 1024 * 1024;
/** A process that has said nothing for so long does not run. It says something every second, or every few if there is much. */
const silentMs = 15_000;

/** What the others have, and which of them do not run. */
export interface Others {
  readonly holdings: Holdings;
  /** Their seats, with how many rooms each has that nobody can reach now. */
  readonly silent: ReadonlyMap<number, number>;
}

interface Known {
  readonly text: string;
  readonly holdings: Holdings;
}

/**
 * The directory in which the processes of one domain meet: below it each seat has its store, and beside that a file of what is there.
 * It is that of the domain with the number of seats behind it: `rooms.example.org+4`.
 *
 * Files are written aside and put in place as a whole. What is read is checked, though nobody but the owner of the processes can write.
 */
export class ShardIndex {
  readonly #directory: string;
  /** What was read last: where it is the same text, it is the same object. */
  readonly #known = new Map<string, Known>();
  #written = '';

  /** @throws StoreError where rooms are kept there that were divided in another way */
  constructor(store: string, domain: Jid, seats: number) {
    checkDivision(store, domain, seats);
    this.#directory = `${nodeDirectory(store, domain)}+${seats}`;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw storeError(this.#directory, 'cannot be used as a store', error);
    }
  }

  /** Where the rooms of one seat are kept. */
  storeOf(seat: number): string {
    return `${this.#directory}/${seat}`;
  }

  /** How many processes have a seat. */
  running(): number {
    return this.#names(/^\d+$/).filter((name) => isHeld(`${this.#directory}/${name}`)).length;
  }

  /** Tells the others what this process has. */
  write(seat: number, { open, rooms, made }: Holdings): void {
    const file = `${this.#directory}/${seat}.json`;
    const text = JSON.stringify({
      rooms,
      open: open.slice(0, openMax).map(({ jid, name }) => [jid, name]),
      made: [...made],
    });
    if (text === this.#written) {
      const now = new Date();
      utimesSync(file, now, now);
      return;
    }
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    this.#written = text;
  }

  /** This process ends: what it has is not reached until another takes it. */
  leave(seat: number): void {
    utimesSync(`${this.#directory}/${seat}.json`, 0, 0);
  }

  /** @param seat  whose process asks; @param now  milliseconds since 1970 */
  others(seat: number, now: number): Others {
    const silent = new Map<number, number>();
    const running: Holdings[] = [];
    let rooms = 0;
    const made = new Map<Jid, number>();
    for (const name of this.#names(/^\d+\.json$/)) {
      const number = Number.parseInt(name, 10);
      const known = number === seat ? undefined : this.#read(name);
      if (known === undefined) continue;
      const { holdings, mtimeMs } = known;
      rooms += holdings.rooms;
      for (const [user, count] of holdings.made) made.set(user, (made.get(user) ?? 0) + count);
      if (now - mtimeMs > silentMs) silent.set(number, holdings.rooms);
      else running.push(holdings);
    }
    return { holdings: { open: running.flatMap(({ open }) => open), rooms, made }, silent };
  }

  #names(pattern: RegExp): string[] {
    return readdirSync(this.#directory).filter((name) => pattern.test(name));
  }

  /** Undefined: it says nothing that can be read, and counts as nothing. */
  #read(name: string): { readonly mtimeMs: number; readonly holdings: Holdings } | undefined {
    const file = `${this.#directory}/${name}`;
    try {
      const { mtimeMs, size } = statSync(file);
      if (size > fileMax) return undefined;
      const before = this.#known.get(name);
      const text = readFileSync(file, 'utf8');
      const holdings = before?.text === text ? before.holdings : parse(text);
      if (holdings === undefined) return undefined;
      this.#known.set(name, { text, holdings });
      return { mtimeMs, holdings };
    } catch {
      return undefined;
    }
  }
}

function parse(text: string): Holdings | undefined {
  const { rooms, open, made } = JSON.parse(text) as { rooms?: unknown; open?: unknown; made?: unknown };
  if (typeof rooms !== 'number' || !Array.isArray(open) || !Array.isArray(made)) return undefined;
  return {
    rooms,
    open: pairs(open).flatMap(([jid, name]) => (typeof name === 'string' ? [{ jid, name }] : [])),
    made: new Map(pairs(made).flatMap(([user, count]) => (typeof count === 'number' ? [[user, count] as const] : []))),
  };
}

function pairs(list: readonly unknown[]): readonly (readonly [Jid, unknown])[] {
  return list.flatMap((pair) => {
    const [address, value] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    const jid = typeof address === 'string' ? parseJid(address) : undefined;
    return jid === undefined ? [] : [[jid, value] as const];
  });
}

/**
 * Rooms do not go from one store to another, so a domain whose rooms are divided in another way than before would seem to have lost
 * them.
 *
 * @param seats  1: they are not divided
 * @throws StoreError
 */
export function checkDivision(store: string, domain: Jid, seats: number): void {
  const own = nodeDirectory('', domain).slice(1);
  let names: string[];
  try {
    names = readdirSync(store);
  } catch {
    return;
  }
  for (const name of names) {
    const [kept, count = '1', ...more] = name.split('+');
    if (kept !== own || more.length > 0 || Number(count) === seats) continue;
    const [before, now] = [Number(count), seats].map((n) => (n === 1 ? 'one process' : `${n} processes`));
    throw new StoreError(
      `${store}/${name} has the rooms of ${domain} for ${before}, and they cannot be divided for ${now}; without them, move it away`,
    );
  }
}
