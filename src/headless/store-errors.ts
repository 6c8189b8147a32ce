import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { StoreError, type StoreErrorCode } from '../host/event-store.ts';

/** As much as LevelDB may want at one time. */
const probeBytes = 16 << 20;

/** What Node's own errors say of a directory. */
export function codeOf(error: unknown): StoreErrorCode | undefined {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'full';
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return 'read-only';
    case 'ENOENT':
      return 'gone';
    case 'LEVEL_LOCKED':
      return 'in-use';
    default:
      return undefined;
  }
}

/** LevelDB says what failed in prose alone: so what it did is tried again with files whose errors have codes. */
export function probe(directory: string): StoreErrorCode | undefined {
  const file = `${directory}/probe`;
  try {
    const handle = openSync(file, 'w', 0o600);
    try {
      for (let at = 0; at < probeBytes; ) at += writeSync(handle, Buffer.alloc(1 << 20));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
      rmSync(file, { force: true });
    }
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

const reasons: Partial<Record<StoreErrorCode, string>> = {
  full: 'the disk is full',
  'read-only': 'it cannot be written',
  gone: 'it was deleted',
  'in-use': 'another process has it',
};

export function storeError(directory: string, what: string, error: unknown, code = codeOf(error)): StoreError {
  if (error instanceof StoreError) return error;
  const why = (code === undefined ? undefined : reasons[code]) ?? messageOf(error);
  return new StoreError(`${directory} ${what}: ${why}`, { code, cause: error });
}

/** What classic-level wraps is what says it. */
function messageOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
