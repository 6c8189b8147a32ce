import type { Duplex } from 'node:stream';

/** What holds less leaves before what holds more: it costs one short system call. */
const smallBytes = 16 * 1024;
/** So much of what is large leaves in one turn of the event loop; then others are heard, and what is small leaves again. */
const turnBytes = 1024 * 1024;

/**
 * What one turn of the event loop writes to a socket leaves in one system call, which costs more than all the rest. Large
 * texts for a thousand readers leave in slices, so that they hold nobody else up.
 */
export class Flush {
  readonly #corked = new Set<Duplex>();
  readonly #later: (fn: () => void) => void;

  constructor(later: (fn: () => void) => void = setImmediate) {
    this.#later = later;
  }

  /** To be called before a socket is written to. */
  cork(socket: Duplex): void {
    if (this.#corked.has(socket)) return;
    if (this.#corked.size === 0) this.#later(() => this.#flush());
    this.#corked.add(socket);
    socket.cork();
  }

  #flush(): void {
    let large = 0;
    for (const socket of [...this.#corked]) {
      const bytes = socket.writableLength;
      if (bytes > smallBytes) {
        if (large >= turnBytes) continue;
        large += bytes;
      }
      this.#corked.delete(socket);
      socket.uncork();
    }
    if (this.#corked.size > 0) this.#later(() => this.#flush());
  }
}
