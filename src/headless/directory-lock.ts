import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { StoreError } from '../host/event-store.ts';
import { storeError } from './store-errors.ts';

/** Directories that this process holds. */
const held = new Set<string>();

/**
 * Takes a directory for this process alone, and makes it if need be.
 *
 * The lock is a file that names the process, and when that process began: after `kill -9` it is left behind, and whoever
 * comes next sees that nobody of that name lives, even if the number was given to another process meanwhile.
 *
 * @returns gives the directory back
 * @throws StoreError if somebody holds it, or it cannot be made
 */
export function lockDirectory(directory: string): () => void {
  const path = resolve(directory);
  const file = `${path}/lock`;
  if (held.has(path))
    throw new StoreError(`${directory} is in use by another node of this process`, { code: 'in-use' });
  const mine = JSON.stringify({ pid: process.pid, began: beginOf(process.pid) });
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    for (let attempt = 0; ; attempt++) {
      if (create(file, mine)) break;
      const holder = read(file);
      if (holder === undefined) continue;
      if (isAlive(holder)) throw new StoreError(`${directory} is in use by process ${holder.pid}`, { code: 'in-use' });
      if (attempt > 20) throw new StoreError(`${directory}: the lock of a dead process cannot be removed`);
      // Moved away, not deleted: of two who see the dead lock, one moves it. The other may move the new lock, so that
      // both look again below.
      const aside = `${file}.${process.pid}`;
      if (!unlessGone(() => renameSync(file, aside))) continue;
      const moved = readFileSync(aside, 'utf8');
      if (moved !== holder.text && isAlive(parse(moved))) renameSync(aside, file);
      else rmSync(aside, { force: true });
    }
    if (read(file)?.text !== mine) throw new StoreError(`${directory} was taken by another process`);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw storeError(directory, 'cannot be used as a store', error);
  }
  held.add(path);
  return () => {
    held.delete(path);
    if (read(file)?.text === mine) rmSync(file, { force: true });
  };
}

/** Whether a process that lives has it. */
export function isHeld(directory: string): boolean {
  const path = resolve(directory);
  const holder = read(`${path}/lock`);
  return held.has(path) || (holder !== undefined && isAlive(holder));
}

interface Holder {
  readonly pid: number;
  readonly began: string | undefined;
  readonly text: string;
}

/** With its text from the first moment on: nobody sees a lock without a name. */
function create(file: string, text: string): boolean {
  const made = `${file}.${process.pid}`;
  writeFileSync(made, text, { mode: 0o600 });
  try {
    linkSync(made, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(made, { force: true });
  }
}

function unlessGone(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function read(file: string): Holder | undefined {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A file that a crash left empty names process 0, which is nobody. */
function parse(text: string): Holder {
  try {
    const { pid, began } = JSON.parse(text) as { pid?: unknown; began?: unknown };
    return { pid: Number(pid), began: typeof began === 'string' ? began : undefined, text };
  } catch {
    return { pid: 0, began: undefined, text };
  }
}

function isAlive({ pid, began }: Holder): boolean {
  // Our own number, but not in `held`: the process of that number that wrote it was another one.
  if (!(pid > 0) || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return began === undefined || beginOf(pid) === began;
}

/** When a process began, in words of this system; undefined where there is no /proc. */
function beginOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // Field 22, counted after the name in parentheses, which may hold anything.
    return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}
