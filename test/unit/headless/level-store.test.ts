import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { crc32 } from 'node:zlib';
import { ClassicLevel } from 'classic-level';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LevelStore, nodeDirectory } from '../../../src/headless/level-store.ts';
import { type LossOptions, StoreError } from '../../../src/host/event-store.ts';
import { eventStoreContract, happened, kept, numbers, snapshotAt } from '../../contract/event-store.contract.ts';
import { howMany, isLong } from '../../support/long.ts';

const directories: string[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});
function newDirectory(): string {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-store-`);
  directories.push(directory);
  return directory;
}

/** A store with one append for each of the numbers. */
async function storeOf(directory: string, appends: readonly (readonly number[])[]): Promise<void> {
  const store = await LevelStore.open(directory);
  await store.load();
  for (const batch of appends) await store.append(batch.map(happened));
  await store.close();
}

async function loaded(directory: string, options?: LossOptions) {
  const store = await LevelStore.open(directory, options);
  try {
    const recovered = await store.load();
    return { ...recovered, numbers: numbers(recovered.events) };
  } finally {
    await store.close();
  }
}

const refusal = (directory: string) => loaded(directory).catch((error: StoreError) => error);
const { room } = kept(1);
const page = { max: 1000 };

/** All files of a directory and below it. */
function filesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}

/** The logs of the database, the largest last: of the others nothing was written to. */
function logs(directory: string): string[] {
  return filesIn(`${directory}/db`)
    .filter((file) => file.endsWith('.log'))
    .sort((a, b) => statSync(a).size - statSync(b).size);
}

describe('Store in a directory: the contract of every store', () => {
  for (const { name, run } of eventStoreContract) {
    it(name, async () => {
      const directory = `${newDirectory()}/new`;
      await run({ open: () => LevelStore.open(directory) });
    });
  }
});

describe('Store in a directory', () => {
  it('leaves its database and nothing else', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    for (let n = 1; n <= 3; n++) {
      await store.append([happened(n)]);
      await store.saveSnapshot(snapshotAt(n));
    }
    expect(readdirSync(directory).sort()).toEqual(['db', 'lock']);
    await store.close();
    expect(readdirSync(directory)).toEqual(['db']);
  });

  it('appends around a snapshot that nobody waits for land before and after it', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    const all = [
      store.append([happened(1)]),
      store.append([happened(2)]),
      store.saveSnapshot(snapshotAt(2)),
      store.append([happened(3)]),
      store.append([happened(4)]),
    ];
    await store.close();
    await Promise.all(all);
    const again = await loaded(directory);
    expect([again.snapshot?.rooms[0]?.n, again.numbers, again.damage]).toEqual([2, [3, 4], undefined]);
  });

  it('an append and a snapshot may be longer than a record', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    const [whole] = snapshotAt(1).rooms;
    const long = 'x'.repeat(300_000);
    const events = Array.from({ length: 12 }, (_, n) => ({ ...happened(n), long }));
    await store.append(events);
    await store.saveSnapshot({ version: 1, rooms: [{ ...whole, history: events.map(() => ({ long })) }] as never });
    await store.append(events);
    await store.close();
    const again = await loaded(directory);
    expect([again.events.length, again.last, again.snapshot?.rooms[0]?.history?.length]).toEqual([12, 12, 12]);
    expect(again.events).toEqual(events);
  });

  it('names a node by its address, whatever is in it', () => {
    expect(nodeDirectory('d', 'conference.localhost')).toBe('d/conference.localhost');
    expect(nodeDirectory('d', 'replica@vesa.irc')).toBe('d/replica@vesa.irc');
    expect(nodeDirectory('d', 'a@b/../../c')).toBe('d/a@b%2F..%2F..%2Fc');
  });

  it('nobody but its owner may read it: not what it makes, and not what was there', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1]]);
    chmodSync(directory, 0o755);
    for (const file of filesIn(directory)) chmodSync(file, 0o644);
    const store = await LevelStore.open(directory);
    await store.load();
    await store.append([happened(2)], [kept(2)]);
    const modes = (paths: readonly string[]) => new Set(paths.map((path) => statSync(path).mode & 0o777));
    expect(modes(filesIn(directory))).toEqual(new Set([0o600]));
    expect(modes([directory, `${directory}/db`])).toEqual(new Set([0o700]));
    await store.close();
  });
});

describe('Store in a directory: one of before', () => {
  /** As version 0.1.0 and those after it wrote it. */
  function writeOld(directory: string, appends: readonly (readonly number[])[], snapshot?: number): string[] {
    let sum = 0;
    let log = 0;
    if (snapshot !== undefined) {
      const text = JSON.stringify(snapshotAt(snapshot));
      log = 3;
      sum = crc32(text, log);
      writeFileSync(`${directory}/snapshot.json`, `{"sum":${sum},"log":${log},"snapshot":${text}}\n`);
    }
    const lines = appends.map((batch) => {
      const text = JSON.stringify(batch.map(happened));
      sum = crc32(text, sum);
      return `{"sum":${sum},"events":${text}}\n`;
    });
    writeFileSync(`${directory}/log-${log}.jsonl`, lines.join(''));
    return lines;
  }

  it('is read once, and its files are renamed', async () => {
    const directory = newDirectory();
    writeOld(directory, [[3], [4, 5]], 2);
    const moved = await loaded(directory);
    expect([moved.snapshot?.rooms[0]?.n, moved.numbers, moved.last, moved.lost]).toEqual([2, [3, 4, 5], 2, undefined]);
    expect(readdirSync(directory).sort()).toEqual(['db', 'old-log-3.jsonl', 'old-snapshot.json']);
    await storeOf(directory, [[6]]);
    expect((await loaded(directory)).numbers).toEqual([3, 4, 5, 6]);
  });

  it('a crash before they are renamed does not read them again', async () => {
    const directory = newDirectory();
    writeOld(directory, [[1]]);
    await loaded(directory);
    renameSync(`${directory}/old-log-0.jsonl`, `${directory}/log-0.jsonl`);
    expect((await loaded(directory)).numbers).toEqual([1]);
    expect(readdirSync(directory).sort()).toEqual(['db', 'old-log-0.jsonl']);
  });

  it('a torn last line is cut off; damage before it needs an operator', async () => {
    const directory = newDirectory();
    const [, second = ''] = writeOld(directory, [[1], [2]]);
    truncateSync(`${directory}/log-0.jsonl`, readFileSync(`${directory}/log-0.jsonl`).length - (second.length >> 1));
    const torn = await loaded(directory);
    expect([torn.numbers, torn.lost]).toEqual([[1], 'tail-torn']);

    const other = newDirectory();
    const lines = writeOld(other, [[1], [2], [3]]);
    writeFileSync(`${other}/log-0.jsonl`, lines.join('').replace('line 2', 'line 7'));
    expect(await refusal(other)).toMatchObject({ code: 'lost', lost: 'records' });
    expect(readdirSync(other)).toEqual(['log-0.jsonl']);
    expect((await loaded(other, { acceptLoss: true })).numbers).toEqual([1]);
    expect(readFileSync(`${other}/old-log-0.jsonl`, 'utf8')).toContain('line 7');
  });
});

describe('Store in a directory: damage', () => {
  it('a tail that a crash tore off is cut off, said once, and no loss', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1], [2, 3]]);
    const file = logs(directory).at(-1) ?? '';
    truncateSync(file, statSync(file).size - 5);
    const torn = await loaded(directory);
    expect([torn.numbers, torn.damage, torn.lost]).toEqual([[1], 'a torn last entry was cut off', 'tail-torn']);
    expect(await loaded(directory)).not.toHaveProperty('damage');
    await storeOf(directory, [[4]]);
    expect((await loaded(directory)).numbers).toEqual([1, 4]);
  });

  it('wherever the log is cut, a prefix of whole appends comes back', async () => {
    const directory = newDirectory();
    const appends = [[1, 2], [3], [4, 5, 6], [7], [8, 9]];
    await storeOf(directory, appends);
    const file = logs(directory).at(-1) ?? '';
    const whole = readFileSync(file);
    const prefixes = appends.map((_, i) => appends.slice(0, i).flat()).concat([appends.flat()]);
    const copy = newDirectory();
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (length) => {
        rmSync(copy, { recursive: true });
        cpSync(directory, copy, { recursive: true });
        truncateSync(file.replace(directory, copy), length);
        const { numbers: found, lost } = await loaded(copy);
        expect(prefixes).toContainEqual(found);
        expect([undefined, 'tail-torn']).toContain(lost);
      }),
      { numRuns: howMany(7, 40) },
    );
  });

  it('whatever byte of a log is changed, nothing is missing without a word, and all of it is kept aside', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1, 2], [3], [4]]);
    const file = logs(directory).at(-1) ?? '';
    const whole = readFileSync(file);
    const copy = newDirectory();
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        rmSync(copy, { recursive: true });
        cpSync(directory, copy, { recursive: true });
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] as number) ^ flip;
        writeFileSync(file.replace(directory, copy), bytes);
        // Twice: the first time changes nothing.
        expect(await refusal(copy)).toMatchObject({ code: 'lost', lost: 'records' });
        expect(await refusal(copy)).toMatchObject({ code: 'lost', lost: 'records' });
        const { numbers: found, lost, damage } = await loaded(copy, { acceptLoss: true });
        expect([[], [1, 2], [1, 2, 3]]).toContainEqual(found);
        expect([lost, damage]).toEqual(['records', expect.stringContaining(`${copy}/damaged-1`)]);
        const aside = file.replace(`${directory}/db`, `${copy}/damaged-1`);
        expect(readFileSync(aside).equals(bytes)).toBe(true);
        await storeOf(copy, [[8]]);
        expect((await loaded(copy)).numbers).toEqual([...found, 8]);
      }),
      { numRuns: howMany(4, 25) },
    );
  }, 60_000);

  it('whatever file of the database is changed or removed, nothing is missing without a word', async () => {
    const directory = newDirectory();
    for (let n = 1; n <= 3; n++) await storeOf(directory, [[n]]);
    const store = await LevelStore.open(directory);
    await store.load();
    await store.saveSnapshot(snapshotAt(3));
    await store.append([happened(4)]);
    await store.close();
    await storeOf(directory, [[5]]);
    const files = filesIn(`${directory}/db`).filter((file) => /ldb|log|MANIFEST|CURRENT/.test(file));
    const copy = newDirectory();
    const damages: ((file: string) => void)[] = [
      (file) => rmSync(file),
      (file) => truncateSync(file, Math.floor(statSync(file).size / 2)),
      ...(isLong ? [0.1, 0.3, 0.5, 0.7, 0.9] : [0.5]).map((where) => (file: string) => {
        const bytes = readFileSync(file);
        const at = Math.floor(bytes.length * where);
        if (bytes.length > 0) bytes[at] = (bytes[at] as number) ^ 0x55;
        writeFileSync(file, bytes);
      }),
    ];
    for (const file of files)
      for (const damage of damages) {
        rmSync(copy, { recursive: true });
        cpSync(directory, copy, { recursive: true });
        damage(file.replace(directory, copy));
        const found = await refusal(copy);
        if (!(found instanceof StoreError)) {
          // It was none that counts, or the log was cut like a crash cuts it.
          expect(found.snapshot?.rooms[0]?.n, file).toBe(3);
          expect([[4, 5], found.lost === 'tail-torn' ? [4] : [4, 5]], file).toContainEqual(found.numbers);
          continue;
        }
        expect(found.code, `${file}: ${found.message}`).toBe('lost');
        const accepted = await loaded(copy, { acceptLoss: true });
        expect(accepted.lost).toBe(found.lost);
        // An older state, if nothing newer is whole.
        const states = accepted.snapshot === undefined ? [[], [1], [1, 2], [1, 2, 3]] : [[], [4], [4, 5]];
        expect(states).toContainEqual(accepted.numbers);
        expect(readdirSync(copy)).toContain('damaged-1');
        expect((await loaded(copy)).lost).toBeUndefined();
      }
  }, 120_000);

  it('a record that is missing or exchanged in the middle is noticed', async () => {
    for (const change of [
      (db: ClassicLevel, keys: readonly string[]) => db.del(keys[1] ?? ''),
      async (db: ClassicLevel, keys: readonly string[]) => {
        const [one = '', other = ''] = await Promise.all([db.get(keys[1] ?? ''), db.get(keys[2] ?? '')]);
        await db.put(keys[1] ?? '', other).then(() => db.put(keys[2] ?? '', one));
      },
      (db: ClassicLevel, keys: readonly string[]) => db.del(keys.at(-1) ?? ''),
    ]) {
      const directory = newDirectory();
      await storeOf(directory, [[1], [2], [3]]);
      const db = new ClassicLevel(`${directory}/db`);
      await change(db, await db.keys({ gte: 'l', lt: 'm' }).all());
      await db.close();
      expect(await refusal(directory)).toMatchObject({ code: 'lost', lost: 'records' });
      const { numbers: found } = await loaded(directory, { acceptLoss: true });
      expect([[1], [1, 2]]).toContainEqual(found);
    }
  });

  it('a snapshot that is damaged takes the archive with it: whoever makes the room anew must not read it', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    await store.append([happened(1)], [kept(1)]);
    await store.saveSnapshot(snapshotAt(1));
    await store.append([happened(2)]);
    await store.close();
    const db = new ClassicLevel(`${directory}/db`);
    const [part = ''] = await db.keys({ gte: 's', lt: 't' }).all();
    await db.put(part, (await db.get(part))?.replace('version', 'verzion') ?? '');
    await db.close();
    expect(await refusal(directory)).toMatchObject({ code: 'lost', lost: 'snapshot' });
    const again = await LevelStore.open(directory, { acceptLoss: true });
    const recovered = await again.load();
    expect([recovered.snapshot, recovered.events, recovered.lost]).toEqual([undefined, [], 'snapshot']);
    expect(await again.search({ room, page })).toMatchObject({ page: [] });
    await again.append([happened(7)]);
    await again.close();
    expect((await loaded(directory)).numbers).toEqual([7]);
  });

  it('a message of an archive that is damaged is left out, said once, and set aside', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    for (let n = 1; n <= 3; n++) await store.append([], [kept(n)]);
    await store.close();
    const db = new ClassicLevel(`${directory}/db`);
    const keys = await db.keys({ gte: 'i', lt: 'j' }).all();
    const value = (await db.get(keys[1] ?? ''))?.replace('line 2', 'line 7') ?? '';
    await db.put(keys[1] ?? '', value);
    await db.close();
    const said: string[] = [];
    const again = await LevelStore.open(directory, { damaged: (damage) => said.push(damage) });
    expect((await again.load()).lost).toBeUndefined();
    const found = await again.search({ room, page });
    expect(found?.page.map(({ item }) => item.id)).toEqual(['id-1', 'id-3']);
    await again.append([], [kept(4)]);
    expect(await again.search({ room, page })).toMatchObject({ count: 3 });
    await again.close();
    expect(said).toEqual([expect.stringContaining('is damaged and left out')]);
    const raw = new ClassicLevel(`${directory}/db`);
    expect(await raw.get(`x${keys[1]}`)).toBe(value);
    await raw.close();
  });

  it('where ids are is written anew when it is damaged, and what was there is set aside', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    // So many that they are not read as a whole, and some of them are sorted.
    const batch = (from: number) => Array.from({ length: 1500 }, (_, n) => kept(from + n));
    for (const from of [0, 1500, 3000, 4500]) await store.append([], batch(from));
    await store.close();
    const db = new ClassicLevel(`${directory}/db`);
    const keys = await db.keys({ gte: 'e', lt: 'f' }).all();
    expect(keys.length).toBeGreaterThan(10);
    for (const key of keys) await db.put(key, (await db.get(key))?.replace('000', '001') ?? '');
    await db.close();
    const said: string[] = [];
    const again = await LevelStore.open(directory, { damaged: (damage) => said.push(damage) });
    await again.load();
    const found = (n: number) => again.search({ room, id: `id-${n}`, page: { max: 1 } });
    await Promise.all([found(10), found(5990)]);
    expect(said.length).toBeGreaterThan(0);
    await again.append([], [kept(7000)]);
    for (const n of [10, 1499, 1500, 5990, 7000]) expect((await found(n))?.page[0]?.item.id).toBe(`id-${n}`);
    expect((await again.search({ room, page: { max: 1 } }))?.count).toBe(6001);
    await again.close();
  });

  it('a database of before, with a key for each id and blocks of rows, is moved and goes on', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    await store.append([], [kept(1), kept(2)]);
    await store.close();
    const db = new ClassicLevel(`${directory}/db`);
    const [block = ''] = await db.keys({ gte: 'i', lt: 'j' }).all();
    const rows = [kept(1), kept(2)].map(({ place, item }) => [place, JSON.stringify(item).length, item]);
    const text = JSON.stringify(rows);
    await db.put(block, crc32(text, crc32(block, 0)).toString(16).padStart(8, '0') + text);
    await db.clear({ gte: 'e', lt: 'f' });
    for (const n of [1, 2]) await db.put(`d${block.slice(1, 8)}id-${n}\0${block.slice(8)}`, '');
    await db.close();
    const again = await LevelStore.open(directory);
    await again.load();
    await again.append(
      [],
      Array.from({ length: 1200 }, (_, n) => kept(n + 3)),
    );
    expect((await again.search({ room, page: { max: 2, after: 'id-1' } }))?.page.map(({ item }) => item.id)).toEqual([
      'id-2',
      'id-3',
    ]);
    await again.close();
    const moved = new ClassicLevel(`${directory}/db`);
    expect(await moved.keys({ gte: 'd', lt: 'e' }).all()).toEqual([]);
    await moved.close();
  });

  it('a store of a later version is refused, and left as it is', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1]]);
    const db = new ClassicLevel(`${directory}/db`);
    const text = '2';
    await db.put('v', `${crc32(text, crc32('v', 0)).toString(16).padStart(8, '0')}${text}`);
    await db.close();
    const refused = await loaded(directory, { acceptLoss: true }).catch((error: StoreError) => error);
    expect(refused).toMatchObject({ code: 'newer', message: expect.stringContaining(directory) });
    expect(existsSync(`${directory}/db`)).toBe(true);
  });
});

describe('Store in a directory: a disk that fails', () => {
  it('a directory that was deleted under it: the next append says so, and nothing is written any more', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    await store.append([happened(1)]);
    rmSync(directory, { recursive: true });
    await expect(store.append([happened(2)])).rejects.toMatchObject({ name: 'StoreError', code: 'gone' });
    await expect(store.append([happened(3)])).rejects.toMatchObject({ code: 'gone' });
    await expect(store.saveSnapshot(snapshotAt(1))).rejects.toMatchObject({ code: 'gone' });
    await store.close();
  });

  it('a directory that was replaced is not taken for its own', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    await store.append([happened(1)]);
    const copy = newDirectory();
    cpSync(directory, copy, { recursive: true });
    renameSync(directory, `${directory}-away`);
    directories.push(`${directory}-away`);
    renameSync(copy, directory);
    await expect(store.append([happened(2)])).rejects.toMatchObject({ code: 'gone' });
    await store.close();
    rmSync(`${directory}/lock`, { force: true });
    expect((await loaded(directory)).numbers).toEqual([1]);
  });
});

describe('Store in a directory: a write that failed', () => {
  /** The next write of the database is done, and then said to have failed: a sync that failed, say. */
  function failNextWrite(earlier = 0): void {
    const batch = ClassicLevel.prototype.batch as () => ReturnType<ClassicLevel['batch']>;
    const spy = vi.spyOn(ClassicLevel.prototype, 'batch');
    for (let n = 0; n < earlier; n++) spy.mockImplementationOnce(batch as never);
    spy.mockImplementationOnce(function (this: ClassicLevel) {
      spy.mockRestore();
      const made = batch.call(this);
      const write = made.write.bind(made);
      made.write = async (options: { sync?: boolean | undefined } = {}) => {
        await write(options);
        throw new Error('IO error: it cannot be synced');
      };
      return made;
    } as never);
  }

  it('is taken back, in the log and in the archive; the store goes on without a restart', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    await store.append([happened(1)], [kept(1), kept(2), kept(5, { provisional: true })]);
    const before = await store.search({ room, page });
    failNextWrite();
    const changes = [kept(3), { room, kind: 'forgotten', by: room, id: 'id-5' }, { room, kind: 'emptied' }] as const;
    await expect(store.append([happened(2)], changes)).rejects.toThrow(StoreError);
    await store.append([happened(3)]);
    expect(await store.search({ room, page })).toEqual(before);
    failNextWrite();
    await expect(store.append([], [kept(6)])).rejects.toThrow(StoreError);
    await store.append([], [kept(7)]);
    expect(await store.search({ room, page })).toMatchObject({ count: 4 });
    await store.close();
    const again = await loaded(directory);
    expect([again.numbers, again.lost]).toEqual([[1, 3], undefined]);
  });

  it('a snapshot that could not be written costs nothing', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    await store.append([happened(1)]);
    for (const earlier of [0, 1]) {
      failNextWrite(earlier);
      await expect(store.saveSnapshot(snapshotAt(1))).rejects.toThrow(StoreError);
    }
    await store.append([happened(2)]);
    await store.saveSnapshot(snapshotAt(2));
    await store.append([happened(3)]);
    await store.close();
    const again = await loaded(directory);
    expect([again.snapshot?.rooms[0]?.n, again.numbers, again.lost]).toEqual([2, [3], undefined]);
  });
});

// A file system of a few megabytes: only root may make one.
const mayMount =
  process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;

describe.runIf(mayMount)('Store in a directory: a small disk', () => {
  let directory: string;
  const mount = (...args: string[]) => {
    const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  beforeEach((context) => {
    directory = newDirectory();
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', directory]).status !== 0) context.skip();
  });
  afterEach(() => {
    spawnSync('umount', ['-l', directory]);
  });

  it('a full disk refuses what is new and keeps what was acknowledged; with room it works again', async () => {
    const store = await LevelStore.open(`${directory}/store`);
    await store.load();
    await store.append([happened(1)]);
    const filler = `${directory}/filler`;
    writeFileSync(filler, Buffer.alloc(100 << 20));
    const long = { ...happened(2), long: randomBytes(2 << 20).toString('hex') };
    let refused: unknown;
    for (let n = 0; refused === undefined && n < 20; n++)
      refused = await store.append([long]).then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(refused).toMatchObject({ name: 'StoreError', code: 'full', message: expect.stringContaining('full') });
    await expect(store.append([long])).rejects.toMatchObject({ code: 'full' });
    await expect(store.saveSnapshot(snapshotAt(1))).rejects.toMatchObject({ code: 'full' });
    rmSync(filler);
    await store.saveSnapshot(snapshotAt(2));
    await store.append([happened(3)], [kept(3)]);
    expect(await store.search({ room, page })).toMatchObject({ count: 1 });
    await store.close();
    const again = await loaded(`${directory}/store`);
    expect([again.snapshot?.rooms[0]?.n, again.numbers, again.lost]).toEqual([2, [3], undefined]);
  });

  it('a directory that became read-only is named, at once and at the next start', async () => {
    const store = await LevelStore.open(`${directory}/store`);
    await store.load();
    await store.append([happened(1)]);
    await store.close();
    mount('-o', 'remount,ro', directory);
    await expect(LevelStore.open(`${directory}/store`)).rejects.toMatchObject({ code: 'read-only' });
    mount('-o', 'remount,rw', directory);
    expect((await loaded(`${directory}/store`)).numbers).toEqual([1]);
  });
});

describe('Store in a directory: what is removed', () => {
  it('is off the disk once that is asked for: words that were taken back, and a log that a snapshot replaced', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await store.load();
    const secret = 'wicked-secret-words';
    const onDisk = () =>
      readdirSync(directory, { recursive: true, encoding: 'utf8' }).some((name) => {
        const path = `${directory}/${name}`;
        return statSync(path).isFile() && readFileSync(path).includes(secret);
      });
    const change = kept(1) as Extract<ReturnType<typeof kept>, { kind: 'kept' }>;
    const item = {
      ...change.item,
      payloads: [{ name: 'body', xmlns: 'jabber:client', attrs: {}, children: [secret] }],
    };
    await store.append([{ ...happened(1), secret } as never], [{ ...change, item }]);
    expect(onDisk()).toBe(true);
    await store.saveSnapshot(snapshotAt(1), [{ ...change, item: { ...item, payloads: [] } }]);
    await store.erase();
    expect(onDisk()).toBe(false);
    expect(await store.search({ room, page })).toMatchObject({ count: 1 });
    await store.close();
  });
});

describe('Store in a directory: one process at a time', () => {
  it('refuses a directory that is in use here', async () => {
    const directory = newDirectory();
    const store = await LevelStore.open(directory);
    await expect(LevelStore.open(directory)).rejects.toThrow(/is in use by another node of this process/);
    await store.close();
    await (await LevelStore.open(directory)).close();
  });

  it('refuses a directory that another process holds, and takes it once that was killed', async () => {
    const directory = newDirectory();
    const script = `import { LevelStore } from ${JSON.stringify(new URL('../../../src/headless/level-store.ts', import.meta.url).href)};
      const store = await LevelStore.open(process.argv[1]); await store.load(); console.log('held'); setInterval(() => store, 1e6);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, directory]);
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    await expect(LevelStore.open(directory)).rejects.toThrow(`is in use by process ${child.pid}`);
    // LevelDB's own lock: another container, say, that shares the directory and not the numbers of processes.
    rmSync(`${directory}/lock`);
    await expect(loaded(directory)).rejects.toMatchObject({ code: 'in-use' });
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await gone;
    expect((await loaded(directory)).damage).toBeUndefined();
  });

  it('takes over from a process of the same number that is another one', async () => {
    const directory = newDirectory();
    writeFileSync(`${directory}/lock`, JSON.stringify({ pid: 1, began: 'before the last boot' }));
    await (await LevelStore.open(directory)).close();
    writeFileSync(`${directory}/lock`, '');
    await (await LevelStore.open(directory)).close();
  });

  it('says what is wrong with the directory', async () => {
    const directory = newDirectory();
    writeFileSync(`${directory}/file`, '');
    await expect(LevelStore.open(`${directory}/file/store`)).rejects.toThrow(/cannot be used as a store: /);
  });
});
