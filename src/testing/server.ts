import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { serveFiles } from '../headless/built-page.ts';
import { type HostedPage, hostPage, type NetsplitOptions } from '../headless/page-host.ts';
import { recordsOf, traceFile } from './trace-file.ts';

// As far from here as from dist/testing/, where the package has it.
const page = fileURLToPath(new URL('../../dist/', import.meta.url));

/** The built page and the embedded XMPP server, in this process and on any free port. */
export class Server {
  readonly #options: NetsplitOptions;
  #http: HttpServer | undefined;
  #hosted: HostedPage | undefined;
  #port = 0;

  constructor(options: NetsplitOptions = {}) {
    this.#options = options;
  }

  /** With a slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** Started again, it has the same address, but new accounts and an empty memory. */
  async start(): Promise<void> {
    const files = serveFiles(page);
    const http = createServer((request, response) => hosted.handle(request, response, () => files(request, response)));
    const hosted = hostPage(http, this.#options, { isBuilt: true });
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#http = http;
    this.#hosted = hosted;
    this.#port = (http.address() as AddressInfo).port;
  }

  /**
   * What happened in each scenario of a room of one's own (`?room=`) where anything did, as a file that the page opens (`?trace=`):
   * up to the last 5,000 records.
   */
  async traces(instance: string): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const { scenario, network } of this.#hosted?.live.networksOf(instance) ?? []) {
      const records = await recordsOf(network.trace);
      if (records.some(({ kind }) => kind === 'hop')) found.set(scenario.id, traceFile(scenario, records));
    }
    return found;
  }

  /** The room of one's own is gone, with everybody in it; nothing happens if there is none. */
  end(instance: string): void {
    this.#hosted?.live.end(instance);
  }

  async stop(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    if (http === undefined) return;
    const closed = new Promise((resolve) => http.close(resolve));
    http.closeAllConnections();
    await closed;
  }
}

/** What a test asks of its server. */
export interface ServerOptions extends NetsplitOptions {
  /** The test has it alone, for it stops it, or counts what is on it. */
  readonly own?: boolean;
}

/** The servers of one worker: one for all tests that ask for the same. */
export class Servers {
  readonly #shared = new Map<string, Promise<Server>>();
  readonly #own = new Set<Server>();

  async get({ own = false, ...options }: ServerOptions): Promise<Server> {
    if (own) {
      const server = await started(options);
      this.#own.add(server);
      return server;
    }
    const key = JSON.stringify(options);
    const server = this.#shared.get(key) ?? started(options);
    this.#shared.set(key, server);
    return server;
  }

  /** A test is done with it. */
  async release(server: Server): Promise<void> {
    if (this.#own.delete(server)) await server.stop();
  }

  async stop(): Promise<void> {
    const servers = [...this.#own, ...(await Promise.all(this.#shared.values()))];
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function started(options: NetsplitOptions): Promise<Server> {
  const server = new Server(options);
  await server.start();
  return server;
}
