import { rm } from 'node:fs/promises';
import { ClassicLevel } from 'classic-level';
import { type Lost, StoreError } from '../host/event-store.ts';
import { snapshotParts } from '../host/snapshot-parts.ts';
import { type OldLog, readOldLog, setOldLogAside } from './jsonl-log.ts';
import { moveOldIds } from './level-archive-care.ts';
import { Draft } from './level-draft.ts';
import { readValue } from './level-entries.ts';
import type { LevelFiles } from './level-files.ts';
import { behind, logKey, sealed, unsealed, versionKey } from './level-keys.ts';
import { type ReadLog, readLog, recordTexts, writeHead, writeParts, writePointer, writeRecords } from './level-log.ts';
import { codeOf, storeError } from './store-errors.ts';

const version = 1;
/** LevelDB writes a file when it has so many bytes in memory: more is quicker to write, and slower to read after a crash. */
const options = { writeBufferSize: 16 << 20, maxFileSize: 8 << 20, cacheSize: 16 << 20 };

/** An open database, what is whole in it, and what was found broken. */
export interface OpenedLevel {
  readonly db: ClassicLevel;
  readonly log: ReadLog;
  readonly lost?: Lost;
  readonly damage?: string;
  /** The archives have to be counted anew. */
  readonly isDoubtful: boolean;
}

/**
 * Opens the database of a store, or makes it of a store of before, and repairs what can be repaired.
 *
 * @throws StoreError with the code `lost` if something that was durable is missing, unless that is accepted; `newer`
 */
export async function openLevel(files: LevelFiles, acceptLoss: boolean): Promise<OpenedLevel> {
  const state = files.keep();
  if (state === undefined) return create(files, acceptLoss);
  const { db, isRepaired } = await openOrRepair(files);
  try {
    await checkVersion(files, db);
    const log = await readLog(db);
    // What a repair could not read may have been anything.
    const lost = log.lost ?? (isRepaired || state === 'damaged' ? 'records' : undefined);
    if (lost === undefined) {
      await files.forget();
      // A crash came between the making of the database and this.
      setOldLogAside(files.directory);
      await moveOldIds(db);
      if (state === 'whole') return { db, log, isDoubtful: false };
      return { db, log, lost: 'tail-torn', damage: tornText, isDoubtful: false };
    }
    if (!acceptLoss) throw lostError(files, lost);
    return await goOn(files, db, log, lost, isRepaired);
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** Opens the database for a store that is at work. */
export async function openDatabase(location: string): Promise<ClassicLevel> {
  const db = new ClassicLevel(location, options);
  await db.open({ ...options, createIfMissing: false });
  return db;
}

const tornText = 'a torn last entry was cut off';

const lostText: Record<Exclude<Lost, 'tail-torn'>, string> = {
  records: 'the log is damaged: some of its last entries are lost',
  snapshot: 'the snapshot is damaged: nothing can be restored',
};

function lostError({ directory }: LevelFiles, lost: Exclude<Lost, 'tail-torn'>, what = lostText[lost]): StoreError {
  return new StoreError(
    `${directory} has lost something: ${what}. Affiliations, bans and configuration of its rooms may be among what is lost`,
    { code: 'lost', lost },
  );
}

async function openOrRepair(files: LevelFiles): Promise<{ readonly db: ClassicLevel; readonly isRepaired: boolean }> {
  try {
    return { db: await openDatabase(files.db), isRepaired: false };
  } catch (error) {
    const code = (error as { cause?: { code?: string } }).cause?.code;
    if (code === 'LEVEL_LOCKED') throw storeError(files.directory, 'cannot be opened', error, 'in-use');
    const known = codeOf(error) ?? files.trouble();
    if (known !== undefined) throw storeError(files.directory, 'cannot be opened', error, known);
  }
  try {
    await files.repair();
    return { db: await openDatabase(files.repaired), isRepaired: true };
  } catch (error) {
    const known = codeOf(error) ?? files.trouble();
    throw storeError(files.directory, 'cannot be opened, nor repaired; move it away to begin anew', error, known);
  }
}

async function checkVersion({ directory }: LevelFiles, db: ClassicLevel): Promise<void> {
  const value = await readValue(db, versionKey);
  const text = value === undefined ? undefined : unsealed(versionKey, value);
  // Where it cannot be read, what else is broken says so.
  const found = Number(text ?? version);
  if (found > version)
    throw new StoreError(
      `${directory} was written by a later version of Netsplit (store ${found}; this one reads up to ${version})`,
      { code: 'newer' },
    );
}

async function goOn(
  files: LevelFiles,
  opened: ClassicLevel,
  log: ReadLog,
  lost: Exclude<Lost, 'tail-torn'>,
  isRepaired: boolean,
): Promise<OpenedLevel> {
  const damage = `${lostText[lost]}; all of it is kept in ${files.directory}/${files.setAside()}`;
  let db = opened;
  if (isRepaired || lost === 'snapshot') await db.close();
  if (lost === 'snapshot') {
    await makeDatabase(`${files.db}.new`);
    await files.replace(`${files.db}.new`);
  } else if (isRepaired) await files.replace(files.repaired);
  if (isRepaired || lost === 'snapshot') db = await openDatabase(files.db);
  const read: ReadLog = lost === 'snapshot' ? { events: [], last: 0, head: { n: 0, sum: 0 } } : log;
  await db.clear({ gt: logKey(read.head.n), lt: behind('l') });
  const draft = new Draft(db);
  writeHead(draft, read.head, read.head);
  draft.set(versionKey, sealed(versionKey, String(version)), undefined);
  await draft.write(true);
  await files.forget();
  return { db, log: read, lost, damage, isDoubtful: true };
}

/** Makes a database that is whole once it is there, and closes it. */
async function makeDatabase(location: string, old?: OldLog): Promise<void> {
  await rm(location, { recursive: true, force: true });
  const db = new ClassicLevel(location, options);
  await db.open();
  try {
    await db.batch([{ type: 'put', key: versionKey, value: sealed(versionKey, String(version)) }], { sync: true });
    if (old !== undefined) await write(db, old);
  } finally {
    await db.close();
  }
}

async function create(files: LevelFiles, acceptLoss: boolean): Promise<OpenedLevel> {
  const old = await readOldLog(files.directory);
  if (old?.lost !== undefined && old.lost !== 'tail-torn' && !acceptLoss) throw lostError(files, old.lost, old.damage);
  await makeDatabase(`${files.db}.new`, old);
  await files.replace(`${files.db}.new`);
  setOldLogAside(files.directory);
  const db = await openDatabase(files.db);
  const log = await readLog(db);
  const { lost, damage } = old ?? {};
  return { db, log, isDoubtful: false, ...(lost ? { lost } : {}), ...(damage ? { damage } : {}) };
}

async function write(db: ClassicLevel, { snapshot, appends }: OldLog): Promise<void> {
  const none = { n: 0, sum: 0 };
  if (snapshot !== undefined) {
    const parts = await writeParts(db, 1, [...snapshotParts(snapshot)]);
    const draft = new Draft(db);
    writePointer(draft, { ...parts, after: none }, undefined);
    await draft.write(true);
  }
  let head = none;
  for (let at = 0; at < appends.length; ) {
    const draft = new Draft(db);
    for (; at < appends.length && draft.length < 4 << 20; at++)
      head = writeRecords(draft, recordTexts(appends[at] ?? []), head);
    writeHead(draft, head, none);
    await draft.write(true);
  }
}
