import type { ClassicLevel } from 'classic-level';

/**
 * Changes that are written together, and what they change it from.
 */
export class Draft {
  readonly #db: ClassicLevel;
  readonly #changes = new Map<string, string | undefined>();
  /** Of those keys only that had a value. */
  readonly #before = new Map<string, Before>();
  /** About how many bytes are to be written. */
  length = 0;

  constructor(db: ClassicLevel) {
    this.#db = db;
  }

  /** @param before  what stands there now; it is made only if it is asked for */
  set(key: string, value: string | undefined, before: Before | undefined): void {
    if (before !== undefined && !this.#changes.has(key)) this.#before.set(key, before);
    this.#changes.set(key, value);
    this.length += key.length + (value?.length ?? 0);
  }

  get isEmpty(): boolean {
    return this.#changes.size === 0;
  }

  /** Resolves when all of it is written, all or none; with `sync`, when it is durable. */
  async write(sync: boolean): Promise<void> {
    await writeAll(this.#db, this.#changes, sync);
  }

  /** Makes a database, perhaps opened anew, what it was before. */
  async revert(db: ClassicLevel): Promise<void> {
    const before = new Map<string, string | undefined>();
    for (const key of this.#changes.keys()) {
      const value = this.#before.get(key);
      before.set(key, typeof value === 'function' ? value() : value);
    }
    await writeAll(db, before, true);
  }
}

type Before = string | (() => string);

async function writeAll(db: ClassicLevel, changes: ReadonlyMap<string, string | undefined>, sync: boolean) {
  // Several times as quick as an array of operations, which classic-level copies and checks one by one.
  const batch = db.batch();
  for (const [key, value] of changes) {
    if (value === undefined) batch.del(key);
    else batch.put(key, value);
  }
  await batch.write({ sync });
}
