import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { type Connection, type ConnectionEvents, type LinkHost, ReconnectingLink } from '../host/reconnecting-link.ts';
import { LinkError, type Written } from '../host/stanza-link.ts';
import type { LocalSession, Network } from '../server/network.ts';

export interface LocalLinkOptions {
  readonly network: Network;
  /** A service's domain, or the bare JID of an account. */
  readonly account: Jid;
  /** What to bind with XEP-0225: a service's domain, a replica's room. */
  readonly bind: readonly Jid[];
  readonly resource?: string;
  /** Asked once, with the first session: it is bound at once, but up only when this resolves. */
  readonly turn?: () => Promise<void>;
}

const retryMaxMs = 500;
const pongMs = 10_000;
const restAboveBytes = 8 * 1024 * 1024;

/** Its timers keep no process alive. */
const systemHost: LinkHost = {
  now: () => performance.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs).unref();
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** A node's link to a server in the same process: with the same routing, trace and authority, but without XML text. */
export class LocalLink extends ReconnectingLink {
  constructor(options: LocalLinkOptions) {
    const { network, account, turn } = options;
    const domain = domainOf(account);
    super({
      host: systemHost,
      server: network.hosting(domain)?.domain ?? domain,
      service: account,
      open: (events) => new LocalConnection(options, events),
      retryMaxMs,
      pongMs,
      restAboveBytes,
      turn,
    });
  }
}

class LocalConnection implements Connection {
  readonly #events: ConnectionEvents;
  #session: LocalSession | undefined;
  #isOver = false;

  constructor(options: LocalLinkOptions, events: ConnectionEvents) {
    this.#events = events;
    queueMicrotask(() => this.#open(options));
  }

  send(stanza: Stanza, written: Written | undefined): void {
    const session = this.#session;
    const n = session?.send(stanza);
    if (session !== undefined && n !== undefined) written?.({ stream: session.stream, n });
  }

  get unsentBytes(): number {
    return this.#session?.unsent() ?? 0;
  }

  /** A server in the same process is alive as long as we are. */
  ping(): void {
    this.#events.heard();
  }

  async close(): Promise<void> {
    this.abandon();
  }

  abandon(): void {
    this.#isOver = true;
    this.#session?.close();
    this.#session = undefined;
  }

  #open({ network, account, bind, resource }: LocalLinkOptions): void {
    if (this.#isOver) return;
    const opened = network.openSession(
      account,
      bind,
      {
        // Delivered later, in order, since the server is in the middle of serving the sender.
        stanza: (stanza, n) => queueMicrotask(() => this.#arrived(stanza, n)),
        ended: (condition, text) => this.#ended(condition, text),
      },
      resource,
    );
    if (!opened.ok) {
      const { condition, text } = opened.error;
      const reason = `${account}: ${condition}${text === undefined ? '' : ` (${text})`}`;
      return this.#events.lost(new LinkError(reason, 'permanent'));
    }
    this.#session = opened.session;
    this.#events.up(opened.session.address, opened.session.stream);
  }

  #arrived(stanza: Stanza, n: number): void {
    const stream = this.#session?.stream;
    if (stream !== undefined) this.#events.stanza(domainOf(stanza.from), stanza, { stream, n });
  }

  #ended(condition: string, text: string): void {
    this.#session = undefined;
    if (condition === 'conflict') this.#events.lost(new LinkError(text, 'taken'));
    else this.#events.lost(new LinkError(`${condition}: ${text}`));
  }
}
