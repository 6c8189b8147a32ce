import { connect, createServer, type Server, type Socket } from 'node:net';

/** XMPP between servers, where no SRV record says otherwise (RFC 6120 §3.2.2). */
const s2sPort = 5269;

/**
 * The way to one server from the others: port 5269 on a loopback address of its own, so that nothing else on this machine
 * is in the way. What crosses it can be counted, swallowed and refused.
 */
export class Wan {
  readonly address: string;
  #server: Server | undefined;
  readonly #pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  #target = 0;
  #silent = false;
  /** What has come this way, towards the server. Without TLS, so it can be read. */
  text = '';

  private constructor(address: string) {
    this.address = address;
  }

  /** @throws Error if no loopback address takes a listener on port 5269 */
  static async open(): Promise<Wan> {
    for (let tries = 0; ; tries++) {
      const byte = () => 2 + Math.floor(Math.random() * 250);
      const wan = new Wan(`127.${byte()}.${byte()}.${byte()}`);
      try {
        await wan.#listen();
        return wan;
      } catch (error) {
        if (tries === 3) throw error;
      }
    }
  }

  leadsTo(port: number): void {
    this.#target = port;
  }

  /** `silent`: what is sent vanishes, and the connections stay. `refused`: connections end, and there are no new ones. */
  async cut(how: 'silent' | 'refused'): Promise<void> {
    if (how === 'silent') this.#silent = true;
    else await this.close();
  }

  /** Connections that swallowed something are over: both servers begin new ones. */
  async heal(): Promise<void> {
    if (this.#silent) this.#end();
    this.#silent = false;
    if (this.#server === undefined) await this.#listen();
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    this.#end();
    await closed;
  }

  async #listen(): Promise<void> {
    const server = createServer((near) => this.#accept(near));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(s2sPort, this.address, resolve);
    });
    this.#server = server;
  }

  #accept(near: Socket): void {
    const far = connect(this.#target, '127.0.0.1');
    const pair = { near, far };
    this.#pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      this.#pairs.delete(pair);
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    near.on('data', (data) => {
      if (this.#silent) return;
      this.text += data;
      far.write(data);
    });
    far.on('data', (data) => {
      if (!this.#silent) near.write(data);
    });
  }

  #end(): void {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    this.#pairs.clear();
  }
}
