/// <reference path="./xmpp.d.ts" />
import { type Client, client, type Element, xml } from '@xmpp/client';
import { writeAddresses } from '../core/xep/xep0033.ts';
import { ping } from '../core/xep/xep0199.ts';
import { readHostBinding, writeHostBinding } from '../core/xep/xep0225.ts';
import { bareOf, domainOf, type Jid, jid, parseJid, partsOf, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { clientLimits, excess, insteadOf, nodeLimits, type StanzaSize } from '../core/xmpp/size.ts';
import { isCopy, make, type Stanza, stanzaFrame, stanzaLength } from '../core/xmpp/stanza.ts';
import type { XmlElement } from '../core/xmpp/xml.ts';
import { copiesLeast, portions, type Sending } from '../host/copies.ts';
import { stanzaFrom, xmlFrom } from '../host/ltx.ts';
import type { Connection, ConnectionEvents, LinkHost } from '../host/reconnecting-link.ts';
import { LinkError, type Written } from '../host/stanza-link.ts';
import { randomId } from './random-id.ts';
import { preferScram } from './scram.ts';

/** The account that logs in, and what it binds. */
export type LinkAccount =
  /** A MUC service: its login name is its domain, which it binds as a host (XEP-0225). */
  | { readonly kind: 'service'; readonly domain: string; readonly server: string }
  /** A replica's account, which also binds the bare JID of one room on its own server (XEP-0225). */
  | { readonly kind: 'replica'; readonly jid: string; readonly room: string }
  /** A person: a full JID, or a bare one to be given a resource by the server. */
  | { readonly kind: 'user'; readonly jid: string };

export interface XmppOptions {
  /** ws:// or wss:// */
  readonly service: string;
  /** The server that the account is of. */
  readonly server: Jid;
  readonly account: LinkAccount;
  readonly password: string;
  readonly host: LinkHost;
}

const saslNs = 'urn:ietf:params:xml:ns:xmpp-sasl';
const bindNs = 'urn:ietf:params:xml:ns:xmpp-bind';
/** How long the server may take to answer when a stream is opened or closed. */
const answerMs = 15_000;
/** How long a half-dead connection may take to end properly. */
const farewellMs = 1_000;
/**
 * If more than this is unsent, nobody reads at the other end: what one message makes of a full room is less. A server that
 * is slow is waited for (`drained`), and one that is gone answers no ping.
 */
const unsentMax = 256 * 1024 * 1024;
/** An element may have 2,000 children. */
const copiesMost = 1_000;
/** What such a stanza has beside its payloads and addresses: tags and declarations. */
const multicastBytes = 200;

/**
 * One session over RFC 7395, with `client()` of @xmpp/client.
 *
 * The library logs in (SASL, RFC 6120 §6) and binds. The rest is kept from it:
 * - Stanzas, except the answers to its own requests. Its middleware would refuse every iq that has no handler there, but
 *   only the node answers an iq to its rooms.
 * - Reconnecting, which is up to the link (host/reconnecting-link.ts).
 * - Stream management (XEP-0198). Where a server offers it, it is not enabled. A resumed stream would hide a split from
 *   the node, whose own resync (a XEP-0282 netjoin, a rejoin) must run after every drop. Besides, a session that may be
 *   resumed stays on the server for minutes and holds the address that the next session needs.
 * - SASL 2 and Bind 2 (XEP-0388, XEP-0386), which would enable stream management as part of the login.
 */
export class XmppConnection implements Connection {
  readonly #options: XmppOptions;
  readonly #events: ConnectionEvents;
  readonly #client: Client;
  /** The library's own listeners. */
  readonly #library: readonly ((element: Element) => void)[];
  /** Id of the last `<open/>` received; the one after SASL counts. */
  #stream = '';
  #rx = 0;
  #tx = 0;
  #address: Jid | undefined;
  #isUp = false;
  /** Stanzas that came between the bind result and `up`. */
  readonly #early: { readonly element: Element; readonly n: number }[] = [];
  #pingId = '';
  /** The server passes one stanza on to many. */
  #hasMulticast = false;
  /** Copies of one stanza that are about to leave. */
  #copies: Sending[] = [];

  constructor(options: XmppOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    const { service, server, account } = options;
    const domain = account.kind === 'service' ? account.domain : server;
    const resource = account.kind === 'service' ? '' : resourceOf(jid(account.jid));
    const connection = client({
      service,
      domain,
      timeout: answerMs,
      resource: resource || undefined,
      // The library's default needs crypto.randomUUID, which only a secure context has.
      userAgent: xml('user-agent', {}),
      credentials: (authenticate, mechanisms) => this.#logIn(authenticate, mechanisms),
    });
    this.#client = connection;
    connection.reconnect.stop();
    preferScram(connection.saslFactory);
    if (account.kind === 'service')
      connection.streamFeatures.use('bind', NS.component, async () => this.#becomeUp(await this.#bindHost(domain)));
    this.#library = connection.listeners('element');
    connection.removeAllListeners('element');
    connection.on('element', (element) => this.#receive(element));
    connection.on('open', ({ attrs }) => {
      this.#stream = attrs['id'] ?? '';
      this.#rx = 0;
      this.#tx = 0;
    });
    connection.on('send', ({ name }) => {
      if (name === 'iq') this.#tx++;
    });
    connection.on('online', (address) => this.#resourceBound(address.toString()).catch((error) => this.#fail(error)));
    connection.on('error', (error) => this.#fail(error));
    connection.on('disconnect', () => this.#fail(new LinkError('the connection was closed')));
    connection
      .connect(service)
      .then(() => connection.open({ domain }))
      .catch((error: unknown) => this.#fail(error));
  }

  get #limits(): StanzaSize {
    return this.#options.account.kind === 'user' ? clientLimits : nodeLimits;
  }

  get unsentBytes(): number {
    return this.#client.socket?.socket?.bufferedAmount ?? 0;
  }

  /** Sends nothing that is more than the server takes, which would end the stream. */
  send(stanza: Stanza, written: Written | undefined): void {
    const why = excess(stanza, this.#limits);
    if (why !== undefined) {
      console.warn(`not sent to ${stanza.to}: ${why}`);
      const { answer, bounce } = insteadOf(stanza, why);
      if (answer && excess(answer, this.#limits) === undefined) this.send(answer, written);
      if (bounce) this.#events.stanza(domainOf(bounce.from), bounce, { stream: this.#stream, n: this.#rx });
      return;
    }
    if (!this.#hasMulticast) return this.#write(stanza, written);
    const [first] = this.#copies;
    if (first !== undefined && !isCopy(first.stanza, stanza)) this.#sendCopies();
    if (this.#copies.length === 0) queueMicrotask(() => this.#sendCopies());
    this.#copies.push({ stanza, written });
    if (stanza.name === 'iq') this.#sendCopies();
  }

  #sendCopies(): void {
    const copies = this.#copies;
    this.#copies = [];
    const [first] = copies;
    if (first === undefined) return;
    if (copies.length < copiesLeast) for (const { stanza, written } of copies) this.#write(stanza, written);
    else
      for (const some of portions(copies, copiesMost, nodeLimits.bytes - stanzaLength(first.stanza) - multicastBytes)) {
        const { name, from, payloads, ...rest } = first.stanza;
        const addresses = writeAddresses(some.map(({ stanza }) => stanza.to));
        const all = make(name, from, this.#options.server, rest, [addresses, ...payloads]);
        if (excess(all, nodeLimits) === undefined)
          this.#write(all, (at) => {
            for (const { written } of some) written?.(at);
          });
        else for (const { stanza, written } of some) this.#write(stanza, written);
      }
  }

  #write(stanza: Stanza, written: Written | undefined): void {
    const n = ++this.#tx;
    this.#client.write(stanzaFrame(stanza)).catch((error: unknown) => this.#fail(error));
    written?.({ stream: this.#stream, n });
    if (n % 64 === 0 && this.unsentBytes > unsentMax)
      this.#fail(new LinkError('the server does not read what is sent'));
  }

  ping(): void {
    const { server } = this.#options;
    this.#pingId = `link-${randomId()}`;
    this.send(ping(this.#address ?? server, server, this.#pingId), undefined);
  }

  async close(): Promise<void> {
    this.#sendCopies();
    if (this.#client.socket === null) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.host.setTimer(farewellMs, resolve);
      this.#client
        .disconnect()
        .catch(() => undefined)
        .then(() => {
          cancel();
          resolve();
        });
    });
    this.#client.socket?.end();
  }

  abandon(): void {
    void this.close();
  }

  /** SCRAM needs crypto.subtle; PLAIN needs a connection that nobody can listen to. */
  async #logIn(
    authenticate: (credentials: { username: string; password: string }, mechanism: string) => Promise<void>,
    offered: readonly string[],
  ): Promise<void> {
    const { account, password } = this.#options;
    const isSafe = (mechanism: string) =>
      mechanism === 'PLAIN' ? this.#client.isSecure() : mechanism === 'SCRAM-SHA-1' && crypto.subtle !== undefined;
    const mechanism = offered.find(isSafe);
    if (mechanism === undefined)
      throw new LinkError('no safe way to log in: open the page over https or from localhost', 'permanent');
    const username = account.kind === 'service' ? account.domain : partsOf(jid(account.jid)).local;
    await authenticate({ username, password }, mechanism);
    this.#events.loggedIn(nameOf(account));
  }

  /** RFC 6120 §7: the library has bound it. */
  async #resourceBound(text: string): Promise<void> {
    const { account } = this.#options;
    const address = parseJid(text);
    if (address === undefined) throw new LinkError(`the server bound ${JSON.stringify(text)}`);
    this.#address = address;
    if (account.kind === 'replica') await this.#bindHost(account.room);
    this.#becomeUp(address);
  }

  /** XEP-0225 §4, also for the bare JID of a room (the grant of a replica). */
  async #bindHost(hostname: string): Promise<Jid> {
    const request = xml('iq', { type: 'set' }, ltxOf(writeHostBinding({ action: 'bind', hostname })));
    const reply = await this.#client.iqCaller.request(request).catch((error: unknown) => {
      throw conditionOf(error) === undefined ? error : refusedToBind(hostname, error);
    });
    const payload = reply.getChild('bind', NS.component);
    const bound = payload && xmlFrom(payload);
    const text = (bound && readHostBinding(bound)?.hostname) ?? hostname;
    const address = parseJid(text);
    if (address === undefined) throw new LinkError(`the server bound ${JSON.stringify(text)}`);
    return address;
  }

  #becomeUp(address: Jid): void {
    this.#address = address;
    this.#isUp = true;
    this.#events.up(address, this.#stream);
    for (const { element, n } of this.#early.splice(0)) this.#deliver(element, n);
  }

  #receive(element: Element): void {
    this.#events.heard();
    if (!isStanza(element)) {
      if (element.is('features', 'http://etherx.jabber.org/streams')) this.#hideFeatures(element);
      this.#leaveToLibrary(element);
      return;
    }
    const n = ++this.#rx;
    const { type, from, id } = element.attrs;
    if (element.name === 'iq' && (type === 'result' || type === 'error') && this.#isOurServer(from)) {
      if (id === this.#pingId) return;
      if (!this.#isUp) return this.#leaveToLibrary(element);
    }
    if (this.#isUp) this.#deliver(element, n);
    else this.#early.push({ element, n });
  }

  #leaveToLibrary(element: Element): void {
    for (const listener of this.#library) listener(element);
  }

  /** Leaves only the login and the bind that the account needs for the library to see. */
  #hideFeatures(features: Element): void {
    this.#hasMulticast = features.getChild('addresses', NS.address) !== undefined;
    const bind = this.#options.account.kind === 'service' ? NS.component : bindNs;
    features.children = features.children.filter(
      (child) => typeof child !== 'string' && (child.is('mechanisms', saslNs) || child.is('bind', bind)),
    );
  }

  /** RFC 6120 §8.1.2.1: the server's own stanzas come from its address, from our own or from none. */
  #isOurServer(from: string | undefined): boolean {
    if (from === undefined) return true;
    const sender = parseJid(from);
    if (sender === undefined) return false;
    const own = this.#address;
    return sender === this.#options.server || (own !== undefined && (sender === bareOf(own) || sender === own));
  }

  #deliver(element: Element, n: number): void {
    const { server } = this.#options;
    const absent = { from: server, ...(this.#address ? { to: this.#address } : {}) };
    const stanza = stanzaFrom(element, absent);
    if (stanza !== undefined) this.#events.stanza(domainOf(stanza.from), stanza, { stream: this.#stream, n });
  }

  #fail(error: unknown): void {
    this.#events.lost(linkErrorOf(error, this.#options.account));
  }
}

function isStanza({ name }: Element): boolean {
  return name === 'message' || name === 'presence' || name === 'iq';
}

function ltxOf({ name, xmlns, attrs, children }: XmlElement): Element {
  const inner = children.map((child) => (typeof child === 'string' ? child : ltxOf(child)));
  return xml(name, { ...attrs, xmlns }, ...inner);
}

function nameOf(account: LinkAccount): string {
  return account.kind === 'service' ? account.domain : account.jid;
}

/** Conditions that may pass in a moment. */
const passing: readonly string[] = [
  'conflict',
  'internal-server-error',
  'resource-constraint',
  'service-unavailable',
  'temporary-auth-failure',
];

/** The library's errors: of a stanza (RFC 6120 §8.3), of a stream (§4.9), of SASL (§6.5). */
function conditionOf(error: unknown): string | undefined {
  return error instanceof Error && 'condition' in error && typeof error.condition === 'string'
    ? error.condition
    : undefined;
}

function refusedToBind(what: string, cause: unknown): LinkError {
  const condition = conditionOf(cause) ?? 'undefined-condition';
  const kind = passing.includes(condition) ? 'transient' : 'permanent';
  return new LinkError(`the server refused to bind ${what}: ${condition}`, kind, { cause });
}

function linkErrorOf(error: unknown, account: LinkAccount): LinkError {
  if (error instanceof LinkError) return error;
  if (!(error instanceof Error)) return new LinkError('connection lost', 'transient', { cause: error });
  const condition = conditionOf(error);
  switch (error.name) {
    case 'StanzaError':
      return refusedToBind('the resource', error);
    case 'SASLError': {
      const isPassing = condition !== undefined && passing.includes(condition);
      const wrongPassword = condition === 'not-authorized';
      const what = wrongPassword ? 'wrong password' : `login refused (${condition || error.message})`;
      return new LinkError(`${what} for ${nameOf(account)}`, isPassing ? 'transient' : 'permanent', { cause: error });
    }
    case 'StreamError':
      if (condition === 'conflict')
        return new LinkError(`another session took ${nameOf(account)}`, 'taken', { cause: error });
      break;
  }
  // The library's code for a browser's error event, which carries no details.
  if ('code' in error && error.code === 'ECONNERROR')
    return new LinkError('no server answers (is it still running?)', 'transient', { cause: error });
  return new LinkError(error.message || 'connection lost', 'transient', { cause: error });
}
