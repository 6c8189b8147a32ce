import type { Jid } from '../core/xmpp/jid.ts';
import { type LinkHost, ReconnectingLink } from '../host/reconnecting-link.ts';
import { ComponentConnection } from './component-connection.ts';

export interface ComponentLinkOptions {
  readonly host: string;
  readonly port: number;
  /** The component's own domain; Prosody also takes a bare JID, and routes that one address to the component. */
  readonly domain: Jid;
  /** The server lets it speak in other names (Prosody: `validate_from_addresses = false`). */
  readonly trusted?: boolean;
  /** Asked for at each connection, where it may change. */
  readonly secret: string | (() => string);
  /** The server behind, as records name it; the component protocol itself never says. Default: the component's domain. */
  readonly server?: Jid;
  readonly clock?: LinkHost;
  /** What was refused or dropped, and why. */
  log?(line: string): void;
  /** Stanzas that may wait while the link is down; then the oldest are dropped. */
  readonly outboxMax?: number;
}

const retryMaxMs = 30_000;
const pongMs = 15_000;
export const restAboveBytes = 4 * 1024 * 1024;

/** Its timers keep the process alive. */
export const systemClock: LinkHost = {
  now: () => performance.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** A service's link to a real server, as an external component (XEP-0114) over plain TCP. */
export class ComponentLink extends ReconnectingLink {
  constructor(options: ComponentLinkOptions) {
    const { host, port, domain, trusted = false, secret, server = domain, clock = systemClock, outboxMax } = options;
    super({
      host: clock,
      server,
      service: `${host}:${port}`,
      open: (events) =>
        new ComponentConnection(
          {
            host,
            port,
            domain,
            trusted,
            secret: typeof secret === 'string' ? secret : secret(),
            clock,
            log: (line) => options.log?.(line),
          },
          events,
        ),
      retryMaxMs,
      pongMs,
      restAboveBytes,
      outboxMax,
    });
  }
}
