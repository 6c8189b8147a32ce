import { domainOf, type Jid, jid } from '../core/xmpp/jid.ts';
import { type LinkHost, ReconnectingLink } from '../host/reconnecting-link.ts';
import { retryChannel } from '../scenario/node-names.ts';
import { type LinkAccount, XmppConnection } from './xmpp-connection.ts';

export interface XmppLinkOptions {
  /** ws:// or wss:// */
  readonly service: string;
  readonly account: LinkAccount;
  readonly password: string;
  readonly host?: LinkHost;
  /** Stanzas that may wait for the link to come up; then the oldest are dropped. */
  readonly outboxMax?: number;
  /** Asked once, with the first session: it is bound at once, but up only when this resolves. */
  readonly turn?: () => Promise<void>;
}

const retryMaxMs = 10_000;
const pongMs = 10_000;
const restAboveBytes = 1024 * 1024;

export const browserHost: LinkHost = {
  now: () => Date.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** A node's or a person's XMPP session over RFC 7395. */
export class XmppLink extends ReconnectingLink {
  /** Where a page says that its user does not want to wait. */
  readonly #retry = new BroadcastChannel(retryChannel);

  constructor({ service, account, password, host = browserHost, outboxMax, turn }: XmppLinkOptions) {
    const server: Jid = account.kind === 'service' ? jid(account.server) : domainOf(jid(account.jid));
    super({
      host,
      server,
      service,
      open: (events) => new XmppConnection({ service, server, account, password, host }, events),
      retryMaxMs,
      pongMs,
      restAboveBytes,
      outboxMax,
      turn,
    });
    this.#retry.onmessage = () => this.retry();
  }

  override async stop(): Promise<void> {
    this.#retry.close();
    await super.stop();
  }
}
