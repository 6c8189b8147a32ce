import type { ClassicLevel } from 'classic-level';

/**
 * Changes that are written together, and what they change it from.
 */
export class Draft {
  readonly #db: ClassicLevel;
  readonly #changes = new Map<string, string | undefined>();
  readonly #before = new Map<string, string | undefined>();
  /** About how many bytes are to be written. */
  length = 0;

  constructor(db: ClassicLevel) {
    this.#db = db;
  }

  /** @param before  what stands there now */
  set(key: string, value: string | undefined, before: string | undefined): void {
    if (!this.#changes.has(key)) this.#before.set(key, before);
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
    await writeAll(db, this.#before, true);
  }
}

async function writeAll(db: ClassicLevel, changes: ReadonlyMap<string, string | undefined>, sync: boolean) {
  // Several times as quick as an array of operations, which classic-level copies and checks one by one.
  const batch = db.batch();
  for (const [key, value] of changes) {
    if (value === undefined) batch.del(key);
    else batch.put(key, value);
  }
  await batch.write({ sync });
}
