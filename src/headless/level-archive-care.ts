/** What archives in a database need beside reading and writing: to be kept within bounds, cleared, and counted again. */
import type { ClassicLevel } from 'classic-level';
import type { ArchiveChange } from '../core/room/archive-store.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Block, BlockArchiveReader, BlockArchiveWriter, boundArchives } from '../host/archive-blocks.ts';
import type { ArchiveMeta } from '../host/archive-rows.ts';
import { LevelBlockReader, LevelBlockWriter, readRows } from './level-archive.ts';
import { Draft } from './level-draft.ts';
import { entriesOf, Unreadable } from './level-entries.ts';
import {
  behind,
  blockKey,
  garbageKey,
  idKey,
  keysOf,
  metaKey,
  nickKey,
  restOf,
  sealed,
  unsealed,
} from './level-keys.ts';

type Broken = (key: string) => void;

const archiveDigits = blockKey(0, '').length - 1;

/** The first number that no archive has. */
export async function nextArchive(db: ClassicLevel): Promise<number> {
  let next = 0;
  for (const letter of ['i', 'g']) {
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
export async function dropOldestOf(db: ClassicLevel, changes: readonly ArchiveChange[], broken: Broken): Promise<void> {
  const known: Block[] = [];
  const reader = new BlockArchiveReader(new LevelBlockReader(db, broken), (block) => known.push(block));
  await boundArchives(changes, reader, async (work) => {
    const draft = new Draft(db);
    const writer = new BlockArchiveWriter(new LevelBlockWriter(db, draft, () => 0, broken));
    for (const block of known.splice(0)) writer.know(block);
    await work(writer);
    writer.finish();
    // No need to sync: what comes back after a crash goes again.
    if (!draft.isEmpty) await draft.write(false);
  });
}

/** Clears the archives that nobody refers to. */
export async function clearForsaken(db: ClassicLevel): Promise<void> {
  for (const key of await db.keys(keysOf('g')).all()) {
    const archive = archiveIn(key);
    for (const prefix of [blockKey(archive, ''), idKeys(archive), nickKeys(archive)]) await db.clear(keysOf(prefix));
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

async function count(db: ClassicLevel, room: Jid, meta: ArchiveMeta): Promise<number> {
  const counted = { count: 0, bytes: 0, last: meta.last };
  try {
    for await (const some of entriesOf(db, keysOf(blockKey(meta.archive, ''))))
      for (const [key, value] of some)
        for (const { place, bytes } of readRows(key, value) ?? []) {
          counted.count++;
          counted.bytes += bytes;
          if (place > counted.last) counted.last = place;
        }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  const draft = new Draft(db);
  const key = metaKey(room);
  draft.set(key, sealed(key, JSON.stringify({ ...meta, ...counted })), undefined);
  await draft.write(true);
  return counted.count;
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

const idKeys = (archive: number) => idKey(archive, '', '').slice(0, -1);
const nickKeys = (archive: number) => nickKey(archive, '', '').slice(0, -1);
