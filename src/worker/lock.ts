/** A Web Lock held until released, or until the worker ends. */
export interface HeldLock {
  release(): void;
}

/**
 * Takes a Web Lock, whoever holds it: a page that is frozen holds its locks, too.
 *
 * @param lost  called when another worker takes it
 * @returns at once where the browser has no locks (a page that is no secure context) or denies them
 */
export function takeLock(name: string, lost: () => void): Promise<HeldLock> {
  const locks = (globalThis as { navigator?: { locks?: LockManager } }).navigator?.locks;
  const none = { release: () => undefined };
  if (locks === undefined) return Promise.resolve(none);
  return new Promise((resolve, reject) => {
    let isHeld = false;
    locks
      .request(name, { steal: true }, () => {
        isHeld = true;
        return new Promise<void>((release) => resolve({ release }));
      })
      .catch((error: unknown) => {
        if (isHeld) lost();
        // It denies storage then, too, so there is no log that two could write.
        else if (error instanceof DOMException && error.name === 'SecurityError') resolve(none);
        else reject(error);
      });
  });
}
