/** What archives in a database need beside reading and writing: to be kept within bounds, cleared, and counted again. */
import type { ClassicLevel } from 'classic-level';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Block, BlockArchiveReader, BlockArchiveWriter, boundArchives } from '../host/archive-blocks.ts';
import { type IdRun, runOf, shards, unsorted, writeRuns } from '../host/archive-ids.ts';
import type { ArchiveMeta } from '../host/archive-rows.ts';
import { LevelBlockReader, LevelBlockWriter, readRows } from './level-archive.ts';
import { Draft } from './level-draft.ts';
import { entriesOf, Unreadable } from './level-entries.ts';
import {
  behind,
  blockKey,
  garbageKey,
  idsKey,
  keysOf,
  metaKey,
  nickKey,
  oldIds,
  restOf,
  sealed,
  shardKey,
  unsealed,
} from './level-keys.ts';

type Broken = (key: string) => void;

const archiveDigits = blockKey(0, '').length - 1;

/** The first number that no archive has. */
export async function nextArchive(db: ClassicLevel): Promise<number> {
  let next = 0;
  for (const letter of ['i', 'e', 'g']) {
    try {
      for await (const some of entriesOf(db, { ...keysOf(letter), reverse: true, limit: 1 }))
        for (const [key] of some) next = Math.max(next, archiveIn(key) + 1);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  }
  for await (const { meta } of metasOf(db)) next = Math.max(next, meta.archive + 1);
  return next;
}

/** Drops what the retention of the rooms that were changed no longer allows. */
export async function dropOldestOf(
  db: ClassicLevel,
  metas: ReadonlyMap<Jid, ArchiveMeta>,
  broken: Broken,
): Promise<void> {
  const known: Block[] = [];
  const reader = new BlockArchiveReader(new LevelBlockReader(db, broken), (block) => known.push(block));
  await boundArchives(metas, reader, async (work) => {
    const draft = new Draft(db);
    const writer = new BlockArchiveWriter(new LevelBlockWriter(db, draft, () => 0, broken));
    for (const block of known.splice(0)) writer.know(block);
    await work(writer);
    await writer.finish();
    // No need to sync: what comes back after a crash goes again.
    if (!draft.isEmpty) await draft.write(false);
  });
}

/** Clears the archives that nobody refers to. */
export async function clearForsaken(db: ClassicLevel): Promise<void> {
  for (const key of await db.keys(keysOf('g')).all()) {
    const archive = archiveIn(key);
    for (const prefix of [blockKey(archive, ''), shardKey(archive, ''), nickKeys(archive)])
      await db.clear(keysOf(prefix));
    await db.del(garbageKey(archive));
  }
}

/** Sets something aside that cannot be read. What it held is no longer counted. */
export async function setBrokenAside(db: ClassicLevel, key: string): Promise<void> {
  const value = await db.get(key).catch(() => undefined);
  if (value === undefined) return;
  const draft = new Draft(db);
  draft.set(`x${key}`, value, undefined);
  draft.set(key, undefined, value);
  await draft.write(true);
  for await (const { room, meta } of metasOf(db)) if (meta.archive === archiveIn(key)) await count(db, room, meta);
}

/**
 * Counts the archives after something was lost.
 *
 * @returns how many messages are missing of which, in words; undefined: none
 */
export async function countAnew(db: ClassicLevel): Promise<string | undefined> {
  const missing: string[] = [];
  for await (const { room, meta } of metasOf(db)) {
    const counted = await count(db, room, meta);
    if (counted < meta.count) missing.push(`${meta.count - counted} messages of the archive of ${room}`);
  }
  return missing.length === 0 ? undefined : `lost: ${missing.join(', ')}`;
}

/** A first database had a key for each id in an archive. */
export async function moveOldIds(db: ClassicLevel): Promise<void> {
  try {
    let isOld = false;
    for await (const some of entriesOf(db, { ...keysOf(oldIds), limit: 1 })) isOld ||= some.length > 0;
    if (!isOld) return;
  } catch (error) {
    // It is moved when it can be read; who looks for something in it is told that it cannot.
    if (error instanceof Unreadable) return;
    throw error;
  }
  for await (const { room, meta } of metasOf(db)) await count(db, room, meta);
  await db.clear(keysOf(oldIds));
}

/** Counts an archive, and writes anew where its ids are. */
async function count(db: ClassicLevel, room: Jid, meta: ArchiveMeta): Promise<number> {
  const { archive, ids: { n } = { n: 0 } } = meta;
  let found: ArchiveMeta = { ...meta, count: 0, bytes: 0, ids: { n, count: 0, end: '' } };
  const ignored = () => undefined;
  try {
    for await (const some of entriesOf(db, keysOf(blockKey(archive, '')))) {
      const runs: IdRun[] = [];
      for (const [key, value] of some) {
        const rows = readRows(key, value) ?? [];
        const bytes = rows.reduce((sum, row) => sum + row.bytes, found.bytes);
        found = { ...found, count: found.count + rows.length, bytes };
        if (rows.length === 0) continue;
        const run = runOf(rows);
        if (run.last > found.last) found = { ...found, last: run.last };
        runs.push(run);
      }
      const draft = new Draft(db);
      found = await writeRuns(new LevelBlockWriter(db, draft, () => 0, ignored), found, runs);
      await draft.write(false);
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  const draft = new Draft(db);
  const key = metaKey(room);
  draft.set(key, sealed(key, JSON.stringify(found)), undefined);
  await draft.write(true);
  for (const shard of [unsorted, ...shards])
    await db.clear({ gte: shardKey(archive, shard), lt: idsKey(archive, shard, n) });
  return found.count;
}

async function* metasOf(db: ClassicLevel): AsyncGenerator<{ readonly room: Jid; readonly meta: ArchiveMeta }> {
  try {
    for await (const some of entriesOf(db, { gte: 'm', lt: behind('m') }))
      for (const [key, value] of some) {
        const text = unsealed(key, value);
        if (text !== undefined) yield { room: restOf(key, 'm') as Jid, meta: JSON.parse(text) as ArchiveMeta };
      }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
}

function archiveIn(key: string): number {
  return Number.parseInt(key.slice(1, 1 + archiveDigits), 36);
}

const nickKeys = (archive: number) => nickKey(archive, '', '').slice(0, -1);
