import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { LinkError, type LinkHandlers, type StanzaLink, type Written } from '../host/stanza-link.ts';
import type { LocalSession, Network } from '../server/network.ts';

export interface LocalLinkOptions {
  readonly network: Network;
  /** A service's domain, or the bare JID of an account. */
  readonly account: Jid;
  /** What to bind with XEP-0225: a service's domain, a replica's room. */
  readonly bind: readonly Jid[];
  readonly resource?: string;
  /** Stanzas that may wait while the link is down; then the oldest are dropped. */
  readonly outboxMax?: number;
}

/** How long until a session that was closed is opened again. */
const retryMs = 500;

/** A node's link to a server in the same process: with the same routing, trace and authority, but without XML text. */
export class LocalLink implements StanzaLink {
  readonly #options: LocalLinkOptions;
  #handlers: LinkHandlers | undefined;
  #session: LocalSession | undefined;
  #outbox: { readonly stanza: Stanza; readonly written: Written | undefined }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(options: LocalLinkOptions) {
    this.#options = options;
  }

  /** The session's own address while it is up. */
  get address(): Jid | undefined {
    return this.#session?.address;
  }

  async start(handlers: LinkHandlers): Promise<void> {
    this.#handlers = handlers;
    const refused = this.#connect();
    if (refused !== undefined) throw refused;
  }

  send(stanza: Stanza, written?: Written): void {
    if (this.#stopped) return;
    const session = this.#session;
    if (session === undefined) {
      this.#outbox.push({ stanza, written });
      if (this.#outbox.length > (this.#options.outboxMax ?? 10_000)) this.#outbox.shift();
      return;
    }
    const n = session.send(stanza);
    if (n !== undefined) written?.({ stream: session.stream, n });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#outbox = [];
    this.#session?.close();
    this.#session = undefined;
  }

  #connect(): LinkError | undefined {
    const { network, account, bind, resource } = this.#options;
    const server = network.hosting(domainOf(account))?.domain;
    this.#handlers?.progress?.('connecting', account);
    const opened = network.openSession(
      account,
      bind,
      {
        // Delivered later, in order, since the server is in the middle of serving the sender.
        stanza: (stanza, n) => queueMicrotask(() => this.#arrived(stream, stanza, n)),
        ended: (condition, text) => this.#ended(condition, text),
      },
      resource,
    );
    if (!opened.ok) {
      const reason = `${account}: ${opened.error.condition}${opened.error.text === undefined ? '' : ` (${opened.error.text})`}`;
      this.#handlers?.progress?.('failed', reason);
      return new LinkError(reason, 'permanent');
    }
    const { session } = opened;
    const { stream } = session;
    this.#session = session;
    this.#handlers?.progress?.('bound', session.address);
    this.#handlers?.up(server ?? session.server, stream);
    for (const { stanza, written } of this.#outbox.splice(0)) this.send(stanza, written);
    return undefined;
  }

  #arrived(stream: string, stanza: Stanza, n: number): void {
    if (this.#session?.stream === stream) this.#handlers?.stanza(domainOf(stanza.from), stanza, { stream, n });
  }

  #ended(condition: string, text: string): void {
    const session = this.#session;
    this.#session = undefined;
    if (this.#stopped || session === undefined) return;
    this.#handlers?.down(session.server);
    // Two sessions of one address would take it from each other forever.
    if (condition === 'conflict') this.#handlers?.progress?.('failed', text);
    else {
      this.#handlers?.progress?.('reconnecting', `${condition}: ${text}`);
      this.#timer = setTimeout(() => this.#connect(), retryMs);
    }
  }
}
