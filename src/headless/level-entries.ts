import type { ClassicLevel } from 'classic-level';

export interface KeyRange {
  readonly gt?: string;
  readonly gte?: string;
  readonly lt?: string;
  readonly lte?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Some blocks of LevelDB's files cannot be read: entries are missing among those that were. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** Whether LevelDB could not read a file: its content is broken, or it ends too early. */
export function isUnreadable(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === 'LEVEL_CORRUPTION' || code === 'LEVEL_IO_ERROR';
}

/** One value. @returns 'unreadable' if the file that should hold it cannot be read */
export async function readValue(db: ClassicLevel, key: string): Promise<string | 'unreadable' | undefined> {
  try {
    return await db.get(key);
  } catch (error) {
    if (isUnreadable(error)) return 'unreadable';
    throw error;
  }
}

/** As `readValue`, on this thread: for what is small, and mostly in memory. */
export async function readSmallValue(db: ClassicLevel, key: string): Promise<string | 'unreadable' | undefined> {
  try {
    return db.getSync(key);
  } catch {
    // It does not say why.
    return readValue(db, key);
  }
}

/**
 * The entries of a range, many at a time.
 *
 * @throws Unreadable at the end, after all that can be read
 */
export async function* entriesOf(db: ClassicLevel, range: KeyRange): AsyncGenerator<readonly [string, string][]> {
  let last: string | undefined;
  const iterator = db.iterator({ ...range, highWaterMarkBytes: 1 << 20 });
  try {
    for (let some = await iterator.nextv(1000); some.length > 0; some = await iterator.nextv(1000)) {
      last = some.at(-1)?.[0];
      yield some;
    }
    return;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  } finally {
    await iterator.close();
  }
  // LevelDB goes past what it cannot read, and says so at the end: what came with that is read again one by one.
  const rest = last === undefined ? range : range.reverse ? { ...range, lt: last } : { ...range, gte: `${last}\0` };
  const again = db.iterator({ ...rest, highWaterMarkBytes: 0 });
  try {
    for (let some = await again.nextv(1); some.length > 0; some = await again.nextv(1)) yield some;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    throw new Unreadable('a block of the database cannot be read', { cause: error });
  } finally {
    await again.close();
  }
}
