import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { RoomSnapshot } from '../core/room/snapshot.ts';

/** About so many characters are in a part. One item is never divided. */
const partLength = 1 << 19;

/** The beginning of a room: all of it but its lists, of which the parts after it hold the items. */
interface RoomPart {
  readonly room: Record<string, unknown>;
  readonly lists: readonly string[];
}

interface ListPart {
  readonly list: string;
  readonly items: readonly unknown[];
}

/**
 * A snapshot as JSON texts of a moderate length: no engine makes a string of a gigabyte, and a room may have a million
 * affiliations. The first part is the snapshot without its rooms.
 */
export function* snapshotParts({ rooms, ...rest }: NodeSnapshot): Generator<string> {
  yield JSON.stringify(rest);
  for (const whole of rooms) {
    const entries = Object.entries(whole);
    const lists = entries.filter((entry): entry is [string, readonly unknown[]] => Array.isArray(entry[1]));
    const room = Object.fromEntries(entries.filter(([, value]) => !Array.isArray(value)));
    const part: RoomPart = { room, lists: lists.map(([name]) => name) };
    yield JSON.stringify(part);
    for (const [list, items] of lists) yield* listParts(list, items);
  }
}

function* listParts(list: string, items: readonly unknown[]): Generator<string> {
  let texts: string[] = [];
  let length = 0;
  const part = () => `{"list":${JSON.stringify(list)},"items":[${texts.join(',')}]}`;
  for (const item of items) {
    const text = JSON.stringify(item);
    texts.push(text);
    length += text.length;
    if (length < partLength) continue;
    yield part();
    texts = [];
    length = 0;
  }
  if (texts.length > 0) yield part();
}

/** Puts the parts of `snapshotParts` together again, in their order. */
export class SnapshotReader {
  #rest: Omit<NodeSnapshot, 'rooms'> | undefined;
  readonly #rooms: Record<string, unknown>[] = [];

  /** @throws SyntaxError if it is no JSON */
  add(text: string): void {
    const part = JSON.parse(text) as Omit<NodeSnapshot, 'rooms'> | RoomPart | ListPart;
    if ('list' in part) {
      const list = this.#rooms.at(-1)?.[part.list] as unknown[];
      for (const item of part.items) list.push(item);
    } else if ('lists' in part)
      this.#rooms.push({ ...part.room, ...Object.fromEntries(part.lists.map((name) => [name, []])) });
    else this.#rest = part;
  }

  /** @returns undefined if there was no part */
  get snapshot(): NodeSnapshot | undefined {
    // The parts are those of a snapshot, and together they are one again.
    return this.#rest && { ...this.#rest, rooms: this.#rooms as unknown as readonly RoomSnapshot[] };
  }
}
