import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Scenario } from '../../scenario/scenario.ts';
import { untaken } from './addresses.ts';
import type { KeptAs } from './editing.ts';

/** A scenario that this browser keeps. */
export interface Saved extends KeptAs {
  readonly scenario: Scenario;
  /** When it was saved, in milliseconds since 1970. */
  readonly at: number;
}

interface Schema extends DBSchema {
  scenarios: { key: string; value: Saved };
}

/** Why something is not kept, and what to do about it. */
export class NotSavedError extends Error {
  readonly why: 'denied' | 'full';
  constructor(why: NotSavedError['why']) {
    super(
      why === 'full'
        ? 'There is no more room in this browser’s storage. The scenario stays as long as this page is open: save it as a file.'
        : 'This browser keeps nothing for this page. The scenario stays as long as this page is open: save it as a file.',
    );
    this.why = why;
  }
}

/** All tabs of a browser have the same ones. A tab that saves what another one has changed meanwhile saves it beside. */
export class SavedScenarios {
  readonly #db: Promise<IDBPDatabase<Schema>>;

  constructor(name = 'netsplit-scenarios') {
    // Where there is no storage at all, asking for it throws.
    this.#db = Promise.resolve().then(() =>
      openDB<Schema>(name, 1, {
        upgrade: (db) => {
          db.createObjectStore('scenarios', { keyPath: 'key' });
        },
      }),
    );
    // Whoever asks for something is told.
    this.#db.catch(() => undefined);
  }

  /** The latest first. @throws NotSavedError */
  async list(): Promise<readonly Saved[]> {
    const all = await attempt(async () => (await this.#db).getAll('scenarios'));
    return all.toSorted((a, b) => b.at - a.at);
  }

  /** @throws NotSavedError */
  async get(key: string): Promise<Saved | undefined> {
    return attempt(async () => (await this.#db).get('scenarios', key));
  }

  /**
   * @param over  what it takes the place of: which one, as it was when it was read
   * @returns `beside`: another tab has changed that one meanwhile, so this is a second one, with another title
   * @throws NotSavedError
   */
  async save(scenario: Scenario, over: KeptAs | undefined, at: number): Promise<Saved & { readonly beside: boolean }> {
    return attempt(async () => {
      const transaction = (await this.#db).transaction('scenarios', 'readwrite', { durability: 'strict' });
      const there = over && (await transaction.store.get(over.key));
      const beside = there !== undefined && there.revision !== over?.revision;
      const titles = beside ? (await transaction.store.getAll()).map((one) => one.scenario.title) : [];
      const title = beside ? titled(scenario.title, titles) : scenario.title;
      const key = there === undefined || beside ? newKey() : there.key;
      const saved = {
        key,
        revision: beside ? 1 : (there?.revision ?? 0) + 1,
        scenario: title === scenario.title ? scenario : { ...scenario, title },
        at,
      };
      await transaction.store.put(saved);
      await transaction.done;
      return { ...saved, beside };
    });
  }

  /** @throws NotSavedError */
  async remove(key: string): Promise<void> {
    await attempt(async () => (await this.#db).delete('scenarios', key));
  }
}

async function attempt<T>(what: () => Promise<T>): Promise<T> {
  try {
    return await what();
  } catch (error) {
    throw new NotSavedError(error instanceof DOMException && error.name === 'QuotaExceededError' ? 'full' : 'denied');
  }
}

/** A title that none of these is: `verona`, then `verona (2)`. */
function titled(title: string, others: readonly string[]): string {
  return untaken(
    (one) => others.includes(one),
    (suffix) => (suffix === '' ? title : `${title.slice(0, 94)} (${suffix.slice(1)})`),
  );
}

function newKey(): string {
  return [...crypto.getRandomValues(new Uint32Array(3))].map((n) => n.toString(36)).join('');
}
