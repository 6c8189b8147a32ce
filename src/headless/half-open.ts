import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** A socket that has asked for nothing, or has not logged in yet. */
const requestMs = 10_000;
const silentMax = 1024;
const strangersMax = 1024;
/** A socket that does not move any more, whatever it is in the middle of; not those of WebSockets, which are pinged. */
const idleMs = 120_000;

/**
 * Sockets of those who have not said yet what they want. There may be so many from one address; then the oldest goes, which
 * is no honest client's: those are done in a moment.
 */
export class HalfOpen {
  readonly #max: number;
  readonly #byAddress = new Map<string, Set<() => void>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns to be called when it has said so, or is gone */
  add(address: string, close: () => void): () => void {
    const known = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, known);
    const done = () => {
      known.delete(close);
      if (known.size === 0 && this.#byAddress.get(address) === known) this.#byAddress.delete(address);
    };
    known.add(close);
    if (known.size > this.#max) {
      const [oldest] = known;
      known.delete(oldest as () => void);
      oldest?.();
    }
    return done;
  }
}

/** Streams that have not logged in, of one server. */
export const newStrangers = () => new HalfOpen(strangersMax);

/** Closes sockets that ask for nothing, that ask too slowly, or that take no answer. @returns stops it */
export function guardSockets(server: Server, max = silentMax): () => void {
  const silent = new HalfOpen(max);
  const waiting = new Map<Socket, () => void>();
  const connected = (socket: Socket) => {
    const timer = setTimeout(() => socket.destroy(), requestMs).unref();
    const left = silent.add(socket.remoteAddress ?? '', () => socket.destroy());
    const done = () => {
      clearTimeout(timer);
      left();
      waiting.delete(socket);
    };
    waiting.set(socket, done);
    socket.once('close', done);
  };
  const asked = ({ socket }: { readonly socket: Socket }) => waiting.get(socket)?.();
  server.on('connection', connected);
  server.on('request', asked);
  server.prependListener('upgrade', asked);
  server.requestTimeout = 30_000;
  server.setTimeout(idleMs);
  return () => {
    server.off('connection', connected);
    server.off('request', asked);
    server.off('upgrade', asked);
    for (const done of [...waiting.values()]) done();
  };
}
