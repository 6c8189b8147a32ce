import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { JsonlStore, nodeDirectory } from '../../../src/headless/jsonl-store.ts';
import { StoreError } from '../../../src/host/event-store.ts';
import { eventStoreContract, happened, numbers, snapshotAt } from '../../contract/event-store.contract.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});
function newDirectory(): string {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-store-`);
  directories.push(directory);
  return directory;
}

/** A store with one append for each of the numbers. */
async function storeOf(directory: string, appends: readonly (readonly number[])[]): Promise<void> {
  const store = await JsonlStore.open(directory);
  await store.load();
  for (const batch of appends) await store.append(batch.map(happened));
  await store.close();
}

async function loaded(directory: string) {
  const store = await JsonlStore.open(directory);
  const recovered = await store.load();
  await store.close();
  return { ...recovered, numbers: numbers(recovered.events) };
}

describe('Store in a directory: the contract of every store', () => {
  for (const { name, run } of eventStoreContract) {
    it(name, async () => {
      const directory = `${newDirectory()}/new`;
      await run({ open: () => JsonlStore.open(directory) });
    });
  }
});

describe('Store in a directory', () => {
  it('is read by any tool that reads JSON lines: one line an append', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1, 2], [3]]);
    const lines = readFileSync(`${directory}/log-0.jsonl`, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { events: unknown[] }).events.length)).toEqual([2, 1]);
  });

  it('a snapshot leaves one log and one snapshot; the lock goes with the store', async () => {
    const directory = newDirectory();
    const store = await JsonlStore.open(directory);
    await store.load();
    for (let n = 1; n <= 3; n++) {
      await store.append([happened(n)]);
      await store.saveSnapshot(snapshotAt(n));
    }
    expect(readdirSync(directory).sort()).toEqual(['lock', 'log-3.jsonl', 'snapshot.json']);
    await store.close();
    expect(readdirSync(directory).sort()).toEqual(['log-3.jsonl', 'snapshot.json']);
  });

  it('appends around a snapshot that nobody waits for land before and after it', async () => {
    const directory = newDirectory();
    const store = await JsonlStore.open(directory);
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

  it('names a node by its address, whatever is in it', () => {
    expect(nodeDirectory('d', 'conference.localhost')).toBe('d/conference.localhost');
    expect(nodeDirectory('d', 'replica@vesa.irc')).toBe('d/replica@vesa.irc');
    expect(nodeDirectory('d', 'a@b/../../c')).toBe('d/a@b%2F..%2F..%2Fc');
  });
});

describe('Store in a directory: damage', () => {
  const log = (directory: string) => `${directory}/log-0.jsonl`;

  it('a torn tail is cut off and reported once', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1], [2, 3]]);
    const whole = readFileSync(log(directory));
    writeFileSync(log(directory), whole.subarray(0, whole.length - 5));
    const torn = await loaded(directory);
    expect([torn.numbers, torn.damage]).toEqual([[1], 'a torn last entry was cut off']);
    expect((await loaded(directory)).damage).toBeUndefined();
  });

  it('what is appended after a cut is there', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1], [2]]);
    writeFileSync(log(directory), `${readFileSync(log(directory), 'utf8')}{"sum":1,"ev`);
    await storeOf(directory, [[3]]);
    const again = await loaded(directory);
    expect([again.numbers, again.damage]).toEqual([[1, 2, 3], undefined]);
  });

  it('a broken middle ends the log there; the rest is kept aside', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1], [2], [3], [4]]);
    writeFileSync(log(directory), readFileSync(log(directory), 'utf8').replace('line 2', 'line 7'));
    const damaged = await loaded(directory);
    expect([damaged.numbers, damaged.damage]).toEqual([[1], 'the log was damaged: its last 3 entries are lost']);
    expect(readFileSync(`${directory}/damaged-log-0.jsonl`, 'utf8')).toContain('line 7');
  });

  it('a line taken out, or two exchanged, do not go unnoticed', async () => {
    for (const change of [([a, _, c]: readonly string[]) => [a, c], ([a, b, c]: readonly string[]) => [a, c, b]]) {
      const directory = newDirectory();
      await storeOf(directory, [[1], [2], [3]]);
      const lines = readFileSync(log(directory), 'utf8').trimEnd().split('\n');
      writeFileSync(log(directory), `${change(lines).join('\n')}\n`);
      expect((await loaded(directory)).numbers).toEqual([1]);
    }
  });

  it('a damaged snapshot is said, and set aside with its log', async () => {
    const directory = newDirectory();
    const store = await JsonlStore.open(directory);
    await store.load();
    await store.append([happened(1)]);
    await store.saveSnapshot(snapshotAt(1));
    await store.append([happened(2)]);
    await store.close();
    const file = `${directory}/snapshot.json`;
    writeFileSync(file, readFileSync(file, 'utf8').replace('"epoch":1', '"epoch":2'));
    const damaged = await loaded(directory);
    expect([damaged.snapshot, damaged.numbers]).toEqual([undefined, []]);
    expect(damaged.damage).toContain('snapshot was damaged');
    expect(readdirSync(directory).sort()).toEqual(['damaged-log-1.jsonl', 'damaged-snapshot.json', 'log-0.jsonl']);
    await storeOf(directory, [[5]]);
    expect((await loaded(directory)).numbers).toEqual([5]);
  });

  it('a crash between the steps of a snapshot leaves the old one or the new one', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1], [2]]);
    // The new log is made, the snapshot half written.
    writeFileSync(`${directory}/log-1.jsonl`, '');
    writeFileSync(`${directory}/snapshot.json.new`, '{"sum":1,"log":1,"snap');
    expect((await loaded(directory)).numbers).toEqual([1, 2]);
    expect(readdirSync(directory)).toEqual(['log-0.jsonl']);
    // The snapshot is in place, the old log still there.
    const store = await JsonlStore.open(directory);
    await store.load();
    const old = readFileSync(log(directory));
    await store.saveSnapshot(snapshotAt(2));
    await store.append([happened(3)]);
    await store.close();
    writeFileSync(log(directory), old);
    const again = await loaded(directory);
    expect([again.snapshot?.rooms[0]?.n, again.numbers]).toEqual([2, [3]]);
    expect(existsSync(log(directory))).toBe(false);
  });

  it('a log that went missing is said', async () => {
    const directory = newDirectory();
    const store = await JsonlStore.open(directory);
    await store.load();
    await store.saveSnapshot(snapshotAt(1));
    await store.close();
    rmSync(`${directory}/log-1.jsonl`);
    expect((await loaded(directory)).damage).toContain('missing');
  });

  it('whatever the point at which the log is cut, a prefix of whole appends comes back', async () => {
    const directory = newDirectory();
    const appends = [[1, 2], [3], [4, 5, 6], [7], [8, 9]];
    await storeOf(directory, appends);
    const whole = readFileSync(log(directory));
    const prefixes = appends.map((_, i) => appends.slice(0, i + 1).flat());
    // Where each append is complete.
    const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at + 1);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), async (length) => {
        writeFileSync(log(directory), whole.subarray(0, length));
        const { numbers: found, damage } = await loaded(directory);
        const complete = ends.filter((end) => end <= length).length;
        expect(found).toEqual(prefixes[complete - 1] ?? []);
        expect(damage === undefined).toBe(length === 0 || ends.includes(length));
      }),
      { numRuns: 60 },
    );
  });

  it('whatever byte is changed, nothing but a prefix of what was written comes back', async () => {
    const directory = newDirectory();
    await storeOf(directory, [[1, 2], [3], [4]]);
    const whole = readFileSync(log(directory));
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] as number) ^ flip;
        writeFileSync(log(directory), bytes);
        expect([[], [1, 2], [1, 2, 3]]).toContainEqual((await loaded(directory)).numbers);
      }),
      { numRuns: 60 },
    );
  });

  it('a disk that fails: the append rejects, and nothing is written after it', async () => {
    const directory = newDirectory();
    const store = await JsonlStore.open(directory);
    await store.load();
    await store.append([happened(1)]);
    rmSync(directory, { recursive: true });
    await expect(store.saveSnapshot(snapshotAt(1))).rejects.toThrow(StoreError);
    await expect(store.append([happened(2)])).rejects.toThrow(/snapshot cannot be written/);
    await store.close();
  });
});

describe('Store in a directory: one process at a time', () => {
  it('refuses a directory that is in use here', async () => {
    const directory = newDirectory();
    const store = await JsonlStore.open(directory);
    await expect(JsonlStore.open(directory)).rejects.toThrow(/is in use by another node of this process/);
    await store.close();
    await (await JsonlStore.open(directory)).close();
  });

  it('refuses a directory that another process holds, and takes it once that was killed', async () => {
    const directory = newDirectory();
    const script = `import { JsonlStore } from ${JSON.stringify(new URL('../../../src/headless/jsonl-store.ts', import.meta.url).href)};
      const store = await JsonlStore.open(process.argv[1]); console.log('held'); setInterval(() => store, 1e6);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, directory]);
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    await expect(JsonlStore.open(directory)).rejects.toThrow(`is in use by process ${child.pid}`);
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await gone;
    expect(existsSync(`${directory}/lock`)).toBe(true);
    await (await JsonlStore.open(directory)).close();
  });

  it('takes over from a process of the same number that is another one', async () => {
    const directory = newDirectory();
    writeFileSync(`${directory}/lock`, JSON.stringify({ pid: 1, began: 'before the last boot' }));
    await (await JsonlStore.open(directory)).close();
    writeFileSync(`${directory}/lock`, '');
    await (await JsonlStore.open(directory)).close();
  });

  it('says what is wrong with the directory', async () => {
    const directory = newDirectory();
    writeFileSync(`${directory}/file`, '');
    await expect(JsonlStore.open(`${directory}/file/store`)).rejects.toThrow(/cannot be used as a store: /);
  });
});
