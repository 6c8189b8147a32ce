import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The way from clients to a server: a port of its own, so that their connections can be broken. */
export class Wire {
  readonly #server: Server;
  readonly #pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  /** What the server still holds for connections, although the client is gone. */
  readonly #stranded = new Set<Socket>();

  private constructor(target: number) {
    this.#server = createServer((near) => this.#accept(near, target));
  }

  /** @param target  port of the server on the loopback interface */
  static async to(target: number): Promise<Wire> {
    const wire = new Wire(target);
    await new Promise<void>((resolve, reject) => {
      wire.#server.once('error', reject);
      wire.#server.listen(0, '127.0.0.1', resolve);
    });
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that the server holds although the client is gone. */
  get held(): number {
    return this.#stranded.size;
  }

  /** All connections break, as where a phone loses its network: the client notices, and the server does not. */
  strand(): void {
    for (const { near, far } of this.#pairs) {
      this.#stranded.add(far);
      near.destroy();
    }
    this.#pairs.clear();
  }

  /** The server notices, too. */
  giveUp(): void {
    for (const far of this.#stranded) far.destroy();
    this.#stranded.clear();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.giveUp();
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    await closed;
  }

  #accept(near: Socket, target: number): void {
    const far = connect(target, '127.0.0.1');
    const pair = { near, far };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      if (!this.#stranded.has(far)) far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    far.on('close', () => this.#stranded.delete(far));
    near.on('data', (data) => far.write(data));
    far.on('data', (data) => {
      if (!near.destroyed) near.write(data);
    });
  }
}
