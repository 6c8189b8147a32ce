/** A Web Lock held until released, or until the worker ends. */
export interface HeldLock {
  release(): void;
}

/** A reloaded page meets its own predecessor for a moment: that is not "elsewhere" yet. */
const patienceMs = 600;

/**
 * Waits for a Web Lock, as long as it takes.
 *
 * @param waiting  called if another worker holds it for longer than a page takes to go
 * @returns at once where the browser has no locks (a page that is no secure context)
 */
export function holdLock(name: string, waiting: () => void, signal: AbortSignal): Promise<HeldLock> {
  const locks = (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
  if (locks === undefined) return Promise.resolve({ release: () => undefined });
  const timer = setTimeout(waiting, patienceMs);
  return new Promise((resolve, reject) => {
    locks
      .request(name, { signal }, () => {
        clearTimeout(timer);
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch((error: unknown) => {
        clearTimeout(timer);
        reject(error);
      });
  });
}
