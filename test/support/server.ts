import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TraceRecord } from '../../src/core/node/trace.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { type Instant, instant } from '../../src/core/xmpp/time.ts';
import { childOf, elementsOf, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { hostScenarios, type Live, type LiveOptions } from '../../src/headless/live-config.ts';
import { nodeCrypto, nodeServerHost } from '../../src/headless/node-host.ts';
import { attachWebSocketHost, websocketPath } from '../../src/headless/websocket-host.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import type { NetworkConfig } from '../../src/server/config.ts';
import type { ServerHost } from '../../src/server/host.ts';
import { Network } from '../../src/server/network.ts';
import { parseElement } from '../../src/server/parser.ts';
import type { Gateway } from '../../src/server/real-server.ts';
import { Stream } from '../../src/server/stream.ts';

/** Boots the embedded server for scenarios on a free port of the loopback interface. */
export async function startServer(
  scenarios: readonly Scenario[],
  options: LiveOptions = {},
): Promise<{ readonly url: string; readonly port: number; readonly live: Live; close(): Promise<void> }> {
  const host = nodeServerHost();
  const live = hostScenarios(scenarios, host, options);
  const http = createServer((_request, response) => response.writeHead(404).end());
  const detach = attachWebSocketHost(http, { host, find: live.find });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}${websocketPath}`,
    port,
    live,
    close: () =>
      new Promise((resolve) => {
        detach();
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  };
}

/** A host whose time stands still until a test moves it. */
export class FakeHost implements ServerHost {
  #now = 1_700_000_000_000;
  #timers: { readonly at: number; readonly order: number; readonly fn: () => void }[] = [];
  #order = 0;
  #ids = 0;
  readonly crypto = nodeCrypto;
  readonly lines: string[] = [];
  /** What `random()` gives. */
  dice = 0;

  now(): Instant {
    return instant(this.#now);
  }
  setTimer(at: Instant, fn: () => void): () => void {
    const timer = { at, order: ++this.#order, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  randomId(): string {
    return `id${String(++this.#ids).padStart(30, '0')}`;
  }
  random(): number {
    return this.dice;
  }
  log(line: string): void {
    this.lines.push(line);
  }

  /** Moves time on, timer by timer. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = end;
  }
}

/** The cast of the tests: two XEP worlds' servers, a service on each, a replica on the second. Passwords are "pw". */
export const cast: NetworkConfig = {
  id: 'cast',
  servers: [
    { domain: 'avalon.irc', services: ['channel.avalon.irc', 'idle.avalon.irc'] },
    { domain: 'vesa.irc', services: ['rooms.vesa.irc'] },
    { domain: 'eris.irc', services: [] },
  ],
  accounts: [
    ...['channel.avalon.irc', 'idle.avalon.irc', 'rooms.vesa.irc'].map((address) => ({
      address,
      password: 'pw',
      role: 'service' as const,
    })),
    ...['argl@avalon.irc', 'msa@vesa.irc', 'rubenro@vesa.irc', 'troy@eris.irc'].map((address) => ({
      address,
      password: 'pw',
      role: 'user' as const,
    })),
    { address: 'replica@vesa.irc', password: 'pw', role: 'replica' },
    { address: 'other@vesa.irc', password: 'pw', role: 'replica' },
    { address: 'replica@eris.irc', password: 'pw', role: 'replica' },
    { address: 'operator@avalon.irc', password: 'pw', role: 'operator' },
    { address: 'observer@avalon.irc', password: 'pw', role: 'observer' },
  ],
  grants: [
    { server: 'vesa.irc', account: 'replica@vesa.irc', address: 'wallops@channel.avalon.irc' },
    { server: 'eris.irc', account: 'replica@eris.irc', address: 'wallops@channel.avalon.irc' },
  ],
};

export const framing = 'urn:ietf:params:xml:ns:xmpp-framing';

/** A client that speaks text frames, and sees what it is sent at once. */
export class WireClient {
  readonly frames: string[] = [];
  readonly #stream: Stream;
  closed = false;
  buffered = 0;
  /** Whether the server reads its socket. */
  isRead = true;
  address = '';

  constructor(network: Network, host: ServerHost, peer?: string) {
    this.#stream = new Stream(
      {
        address: peer,
        send: (frame) => this.frames.push(frame),
        close: () => {
          this.closed = true;
        },
        buffered: () => this.buffered,
        read: (on) => {
          this.isRead = on;
        },
      },
      host,
      (domain) => (network.hosting(domain) === undefined ? undefined : network),
      network.budgets,
    );
  }

  send(...frames: readonly string[]): this {
    for (const frame of frames) this.#stream.text(frame);
    return this;
  }
  sendBinary(): void {
    this.#stream.binary();
  }
  /** The socket takes more again. */
  drains(buffered = 0): void {
    this.buffered = buffered;
    this.#stream.drained();
  }
  /** A ping of RFC 6455. */
  ping(bytes = 0): void {
    this.#stream.control(bytes);
  }
  /** The socket is gone, without a word. */
  vanish(): void {
    this.#stream.closed();
  }

  /** Everything since the last call. */
  take(): XmlElement[] {
    return this.frames.splice(0).map((frame) => {
      const parsed = parseElement(frame, { bytes: 1e8, depth: 100, attributes: 100, children: 1e6, declarations: 1e6 });
      if (!parsed.ok) throw new Error(`${parsed.text}: ${frame}`);
      return parsed.element;
    });
  }

  open(to: string): this {
    return this.send(`<open xmlns="${framing}" to="${to}" version="1.0"/>`);
  }
  auth(name: string, password: string): this {
    const response = Buffer.from(`\0${name}\0${password}`).toString('base64');
    return this.send(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${response}</auth>`);
  }
  bindHost(hostname: string, id = 'h'): this {
    return this.send(
      `<iq xmlns="jabber:client" type="set" id="${id}"><bind xmlns="urn:xmpp:component:0"><hostname>${hostname}</hostname></bind></iq>`,
    );
  }
  bind(resource: string): this {
    return this.send(
      `<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>${resource}</resource></bind></iq>`,
    );
  }

  /** Text of the stream error's condition, if the stream ended with one. */
  get streamError(): string | undefined {
    for (const frame of this.frames) {
      const match = /^<stream:error[^>]*><([a-z-]+) /.exec(frame);
      if (match !== null) return match[1];
    }
    return undefined;
  }
}

/** A network on a fake clock, with people and nodes logged in over the wire. */
export function fakeNetwork(changes: Partial<NetworkConfig> = {}, gateway?: Gateway) {
  const host = new FakeHost();
  const network = new Network({ ...cast, ...changes }, host, undefined, gateway);
  /** @param peer  the address it comes from */
  const connect = (peer?: string) => new WireClient(network, host, peer);
  const login = (address: string, password = 'pw') => {
    const at = jid(address);
    const [account = '', resource] = at.split('/');
    const [local, domain] = account.includes('@') ? account.split('@') : [account, account];
    const client = connect()
      .open(domain as string)
      .auth(local as string, password)
      .open(domain as string);
    if (account.includes('@')) client.bind(resource ?? 'r');
    else client.bindHost(account);
    client.address = address;
    client.take();
    return client;
  };
  const trace: TraceRecord[] = [];
  network.trace.subscribe({ ready: () => true, batch: (json) => trace.push(...(JSON.parse(json) as TraceRecord[])) });
  return {
    host,
    network,
    connect,
    /** `user@domain/resource` binds a resource, a bare domain is a service that binds it. */
    login,
    /** All records so far. */
    trace: () => {
      host.advance(100);
      return trace;
    },
  };
}

/** A stanza's first payload, and the condition of its error. */
export function errorCondition(stanza: XmlElement | undefined): string | undefined {
  const error = stanza && childOf(stanza, 'error', 'jabber:client');
  return error && elementsOf(error)[0]?.name;
}
export function errorText(stanza: XmlElement | undefined): string {
  const error = stanza && childOf(stanza, 'error', 'jabber:client');
  const text = error && childOf(error, 'text', 'urn:ietf:params:xml:ns:xmpp-stanzas');
  return text === undefined ? '' : textOf(text);
}
