import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { type LinkHost, ReconnectingLink } from '../host/reconnecting-link.ts';
import { refuse } from '../host/renewal.ts';
import type { LinkHandlers, StanzaLink, Written } from '../host/stanza-link.ts';
import { ComponentConnection } from './component-connection.ts';
import { restAboveBytes, systemClock } from './component-link.ts';
import { type Seat, SeatConnection } from './seat-connection.ts';

export interface ShardLinkOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: Jid;
  /** Asked for at each connection, where it may change. */
  readonly secret: string | (() => string);
  readonly server: Jid;
  readonly seats: number;
  /** Rooms of the configuration: which of them are here? */
  readonly rooms: readonly Jid[];
  readonly clock?: LinkHost;
  readonly testMs?: number;
  log?(line: string): void;
}

const retryMaxMs = 2_000;
const pongMs = 15_000;
const testMs = 2_000;
/** Stanzas that may come before the rooms are read; more are refused. */
const earlyMax = 10_000;

/**
 * The link of one process of several that share the rooms of a domain. Which rooms are its own is known only once it is connected,
 * so it connects before there is a node: what arrives before that waits.
 *
 * It fails for good where the server gives it other rooms later: the process then begins anew with those.
 */
export class ShardLink implements StanzaLink {
  readonly #inner: ReconnectingLink;
  #seat: Seat | undefined;
  #handlers: LinkHandlers | undefined;
  #early: ((handlers: LinkHandlers) => void)[] = [];

  constructor(options: ShardLinkOptions) {
    const { host, port, domain, secret, server, seats, rooms, clock = systemClock } = options;
    this.#inner = new ReconnectingLink({
      host: clock,
      server,
      service: `${host}:${port}`,
      open: (events) =>
        new SeatConnection(
          {
            ...{ domain, seats, rooms, clock, testMs: options.testMs ?? testMs },
            held: () => this.#seat,
            taken: (seat) => {
              this.#seat = seat;
            },
            open: (inner) =>
              new ComponentConnection(
                {
                  ...{ host, port, domain, clock },
                  trusted: false,
                  secret: typeof secret === 'string' ? secret : secret(),
                  log: (line) => options.log?.(line),
                },
                inner,
              ),
          },
          events,
        ),
      retryMaxMs,
      pongMs,
      restAboveBytes,
    });
  }

  /** Connects; resolves once the server has given it rooms. @throws LinkError where trying again cannot help */
  async take(progress: LinkHandlers['progress']): Promise<Seat> {
    await this.#inner.start({
      stanza: (via, stanza, rx) => {
        if (this.#early.length < earlyMax) this.#tell((handlers) => handlers.stanza(via, stanza, rx));
        else refuse(this.#inner, { kind: 'stanza', via, stanza }, 'the rooms are being read');
      },
      up: (peer, stream) => this.#tell((handlers) => handlers.up(peer, stream)),
      down: (peer) => this.#tell((handlers) => handlers.down(peer)),
      progress: (phase, detail) => (this.#handlers?.progress ?? progress)?.(phase, detail),
    });
    // It is up, so it has been told.
    return this.#seat as Seat;
  }

  get backlog(): number {
    return this.#inner.backlog;
  }

  async start(handlers: LinkHandlers): Promise<void> {
    this.#handlers = handlers;
    for (const tell of this.#early.splice(0)) tell(handlers);
  }

  send(stanza: Stanza, written?: Written): void {
    this.#inner.send(stanza, written);
  }

  drained(): Promise<void> | undefined {
    return this.#inner.drained();
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }

  #tell(what: (handlers: LinkHandlers) => void): void {
    if (this.#handlers === undefined) this.#early.push(what);
    else what(this.#handlers);
  }
}
