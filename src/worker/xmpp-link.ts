/// <reference path="./xmpp.d.ts" />
import { Client, type Element } from '@xmpp/client-core';
import makeMiddleware from '@xmpp/middleware';
import addSasl from '@xmpp/sasl';
import addPlain from '@xmpp/sasl-plain';
import makeFeatures from '@xmpp/stream-features';
import addWebsocket from '@xmpp/websocket';
import { bareOf, domainOf, type Jid, jid, parseJid, partsOf, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, type Stanza, stanzaFrame } from '../core/xmpp/stanza.ts';
import { el, serialize, type XmlElement } from '../core/xmpp/xml.ts';
import { stanzaFrom } from '../host/ltx.ts';
import { LinkError, type LinkHandlers, type StanzaLink } from '../host/stanza-link.ts';
import { randomId } from './random-id.ts';
import { FastScramSha1, Mechanisms } from './scram.ts';

/** Who logs in, and what it binds. */
export type LinkAccount =
  /** A MUC service: its login name is its domain, which it binds as a host (XEP-0225). */
  | { readonly kind: 'service'; readonly domain: string; readonly server: string }
  /** A replica's account, which also binds the bare JID of one room on its own server (XEP-0225). */
  | { readonly kind: 'replica'; readonly jid: string; readonly room: string }
  /** A person: a full JID, or a bare one to be given a resource by the server. */
  | { readonly kind: 'user'; readonly jid: string };

/** Clock, timers and dice, for the tests to replace. */
export interface LinkHost {
  now(): number;
  setTimer(afterMs: number, fn: () => void): () => void;
  /** [0, 1) */
  random(): number;
}

export interface XmppLinkOptions {
  /** ws:// or wss:// */
  readonly service: string;
  readonly account: LinkAccount;
  readonly password: string;
  readonly host?: LinkHost;
  /** Stanzas that may wait for the link to come up; then the oldest are dropped. */
  readonly outboxMax?: number;
}

const bindNs = 'urn:ietf:params:xml:ns:xmpp-bind';
/** From the first byte to the last bind. Generous: a page logs in a dozen times at once. */
const attemptMs = 15_000;
const retryMinMs = 500;
const retryMaxMs = 10_000;
/** A session that lived shorter than this was no success: the back-off goes on. */
const steadyMs = 5_000;
const idleMs = 30_000;
const pongMs = 10_000;
/** Where more than this is unsent, whoever sends should wait, and for how long until the next look. */
const restAbove = 1024 * 1024;
const restMs = 5;
/** More than this unsent means that nobody reads at the other end. */
const unsentMax = 8 * 1024 * 1024;

export const browserHost: LinkHost = {
  now: () => Date.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

interface Waiting {
  readonly stanza: Stanza;
  readonly sent?: ((tx: { readonly stream: string; readonly n: number }) => void) | undefined;
}

/** One WebSocket and what was agreed on it; a new one for every attempt, so nothing of an old stream can leak in. */
interface Attempt {
  readonly entity: Client;
  /** Id of the last `<open/>` received, after SASL the one that counts. */
  stream: string;
  rx: number;
  tx: number;
  up: boolean;
  upAt: number;
  heardAt: number;
  /** The full JID or domain that was bound. */
  address: Jid | undefined;
  /** Stanzas that came between the bind result and `up`. */
  readonly early: { readonly element: Element; readonly n: number }[];
  readonly pending: Map<string, (reply: Element) => void>;
  cancelTimer: () => void;
  fail(error: unknown): void;
}

/**
 * A node's or a person's XMPP session over RFC 7395, with the parts of @xmpp/client that fit.
 *
 * Not with its `client()`: that answers every iq to our rooms by itself (iqCallee). Nor with its stream management: after
 * a drop the node's own resync (XEP-0282 netjoin, a rejoin) must run in any case, and a resumed stream would hide the
 * split from it. So every new stream is a new session, and `up` says so.
 */
export class XmppLink implements StanzaLink {
  readonly #options: XmppLinkOptions;
  readonly #host: LinkHost;
  readonly #server: Jid;
  readonly #outbox: Waiting[] = [];
  #handlers: LinkHandlers | undefined;
  #attempt: Attempt | undefined;
  #failures = 0;
  #dropped = 0;
  #stopped = false;
  #cancelRetry: () => void = () => undefined;
  #settle: { up(): void; failed(error: LinkError): void } | undefined;

  constructor(options: XmppLinkOptions) {
    this.#options = options;
    this.#host = options.host ?? browserHost;
    const { account } = options;
    this.#server = account.kind === 'service' ? jid(account.server) : domainOf(jid(account.jid));
  }

  /** The session's own address while it is up: the domain of a service, else the full JID. */
  get address(): Jid | undefined {
    return this.#attempt?.up ? this.#attempt.address : undefined;
  }

  get server(): Jid {
    return this.#server;
  }

  /** Stanzas that wait for the link. */
  get backlog(): number {
    return this.#outbox.length;
  }

  start(handlers: LinkHandlers): Promise<void> {
    this.#handlers = handlers;
    return new Promise((resolve, reject) => {
      this.#settle = { up: resolve, failed: reject };
      void this.#connect();
    });
  }

  send(stanza: Stanza, sent?: Waiting['sent']): void {
    if (this.#stopped) return;
    const attempt = this.#attempt;
    if (attempt?.up && attempt.entity.socket !== null) {
      this.#write(attempt, stanza, sent);
      return;
    }
    this.#outbox.push({ stanza, sent });
    if (this.#outbox.length <= (this.#options.outboxMax ?? 10_000)) return;
    this.#outbox.shift();
    // Once per power of two: said, but not 10,000 times.
    this.#dropped++;
    if ((this.#dropped & (this.#dropped - 1)) === 0)
      this.#handlers?.progress?.('reconnecting', `outbox full: ${this.#dropped} stanzas dropped`);
  }

  drained(): Promise<void> | undefined {
    const attempt = this.#attempt;
    const isFull = () => this.#attempt === attempt && unsentOn(attempt) > restAbove;
    if (!isFull()) return undefined;
    return new Promise((resolve) => {
      const look = () => (isFull() ? this.#host.setTimer(restMs, look) : resolve());
      look();
    });
  }

  /** Closes the stream; what still waits is dropped. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelRetry();
    this.#outbox.length = 0;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#settle?.failed(new LinkError('stopped'));
    this.#settle = undefined;
    if (attempt === undefined) return;
    attempt.cancelTimer();
    await this.#close(attempt.entity);
  }

  async #connect(): Promise<void> {
    const { service, account } = this.#options;
    this.#handlers?.progress?.('connecting', service);
    const domain = account.kind === 'service' ? account.domain : this.#server;
    const entity = new Client({ service, domain, timeout: attemptMs });
    let attempt: Attempt | undefined;
    const bound = new Promise<Jid>((resolve, reject) => {
      attempt = this.#prepare(entity, resolve, reject);
    });
    // Waited for below; an error may come before that.
    bound.catch(() => undefined);
    if (attempt === undefined) return;
    const current = attempt;
    this.#attempt = current;
    current.cancelTimer = this.#host.setTimer(attemptMs, () =>
      current.fail(new LinkError(`no login within ${attemptMs / 1000} s`)),
    );
    try {
      await Promise.race([entity.connect(service).then(() => entity.open({ domain })), bound]);
      current.address = await bound;
    } catch (error) {
      if (this.#attempt === current) this.#lost(current, error);
      return;
    }
    if (this.#attempt === current) this.#becomeUp(current);
  }

  /** Puts the entity together: WebSocket, SASL with SCRAM first, our own binds. */
  #prepare(entity: Client, bound: (address: Jid) => void, failed: (error: unknown) => void): Attempt {
    const { account, password } = this.#options;
    const attempt: Attempt = {
      entity,
      stream: '',
      rx: 0,
      tx: 0,
      up: false,
      upAt: 0,
      heardAt: this.#host.now(),
      address: undefined,
      early: [],
      pending: new Map(),
      cancelTimer: () => undefined,
      fail: (error) => {
        if (attempt.up && this.#attempt === attempt) this.#lost(attempt, error);
        else failed(error);
      },
    };
    addWebsocket({ entity });
    const middleware = makeMiddleware({ entity });
    const streamFeatures = makeFeatures({ middleware });
    const saslFactory = new Mechanisms();
    saslFactory.use(FastScramSha1);
    addPlain(saslFactory);
    addSasl({ streamFeatures, saslFactory }, async (authenticate, mechanisms) => {
      // SCRAM needs crypto.subtle, PLAIN a connection nobody can listen to.
      const usable = mechanisms.find((m) => (m === 'PLAIN' ? entity.isSecure() : crypto.subtle !== undefined));
      if (usable === undefined)
        throw new LinkError('no safe way to log in: open the page over https or from localhost');
      const username = account.kind === 'service' ? account.domain : partsOf(jid(account.jid)).local;
      await authenticate({ username, password }, usable);
      this.#handlers?.progress?.('logged-in', accountName(account));
    });
    const bindWith = (bind: () => Promise<Jid>) => async () => {
      try {
        bound(await bind());
      } catch (error) {
        failed(error);
      }
    };
    if (account.kind === 'service')
      streamFeatures.use(
        'bind',
        NS.component,
        bindWith(() => this.#bindHost(attempt, account.domain)),
      );
    else
      streamFeatures.use(
        'bind',
        bindNs,
        bindWith(async () => {
          const address = await this.#bindResource(attempt, resourceOf(jid(account.jid)));
          if (account.kind === 'replica') await this.#bindHost(attempt, account.room);
          return address;
        }),
      );
    entity.on('open', (element) => {
      attempt.stream = element.attrs['id'] ?? '';
      attempt.rx = 0;
      attempt.tx = 0;
    });
    entity.on('element', () => {
      attempt.heardAt = this.#host.now();
    });
    entity.on('stanza', (element) => this.#receive(attempt, element));
    entity.on('error', (error) => attempt.fail(error));
    entity.on('disconnect', () => attempt.fail(new LinkError('the connection was closed')));
    return attempt;
  }

  /** RFC 6120 §7 */
  async #bindResource(attempt: Attempt, resource: string): Promise<Jid> {
    const wanted = resource === '' ? [] : [el('resource', bindNs, {}, resource)];
    const reply = await this.#request(attempt, el('bind', bindNs, {}, ...wanted));
    const address = parseJid(reply.getChild('bind', bindNs)?.getChildText('jid', bindNs) ?? '');
    if (address === undefined) throw new LinkError('the server bound no JID');
    return address;
  }

  /** XEP-0225 §3.2, also for the bare JID of a room (the grant of a replica). */
  async #bindHost(attempt: Attempt, hostname: string): Promise<Jid> {
    const bind = el('bind', NS.component, {}, el('hostname', NS.component, {}, hostname));
    const reply = await this.#request(attempt, bind, hostname);
    const text = reply.getChild('bind', NS.component)?.getChildText('hostname', NS.component) ?? hostname;
    const address = parseJid(text);
    if (address === undefined) throw new LinkError(`the server bound ${JSON.stringify(text)}`);
    return address;
  }

  async #request(attempt: Attempt, payload: XmlElement, what: string = 'the resource'): Promise<Element> {
    const id = this.#newId();
    const reply = await new Promise<Element>((resolve) => {
      attempt.pending.set(id, resolve);
      attempt.tx++;
      attempt.entity
        .write(serialize(el('iq', NS.client, { type: 'set', id }, payload)))
        .catch((error: unknown) => attempt.fail(error));
    });
    if (reply.attrs['type'] === 'result') return reply;
    const condition = conditionOf(reply);
    throw new RefusedError(`the server refused to bind ${what}: ${condition}`, condition);
  }

  #receive(attempt: Attempt, element: Element): void {
    attempt.rx++;
    if (this.#attempt !== attempt) return;
    if (element.name === 'iq' && (element.attrs['type'] === 'result' || element.attrs['type'] === 'error')) {
      const id = element.attrs['id'] ?? '';
      const waiting = attempt.pending.get(id);
      if (waiting !== undefined && this.#isOurServer(attempt, element.attrs['from'])) {
        attempt.pending.delete(id);
        waiting(element);
        return;
      }
    }
    if (attempt.up) this.#deliver(attempt, element, attempt.rx);
    else attempt.early.push({ element, n: attempt.rx });
  }

  #isOurServer(attempt: Attempt, from: string | undefined): boolean {
    if (from === undefined) return true;
    const sender = parseJid(from);
    const own = attempt.address;
    return (
      sender === this.#server || (sender !== undefined && own !== undefined && sender === bareOf(own)) || sender === own
    );
  }

  #deliver(attempt: Attempt, element: Element, n: number): void {
    const absent = { from: this.#server, ...(attempt.address ? { to: attempt.address } : {}) };
    const stanza = stanzaFrom(element, absent);
    if (stanza === undefined) return;
    this.#handlers?.stanza(domainOf(stanza.from), stanza, { stream: attempt.stream, n });
  }

  #becomeUp(attempt: Attempt): void {
    attempt.cancelTimer();
    attempt.up = true;
    attempt.upAt = this.#host.now();
    this.#watch(attempt);
    this.#handlers?.progress?.('bound', attempt.address ?? '');
    this.#handlers?.up(this.#server, attempt.stream);
    for (const { element, n } of attempt.early.splice(0)) this.#deliver(attempt, element, n);
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.up();
    const waiting = this.#outbox.splice(0);
    this.#dropped = 0;
    for (const { stanza, sent } of waiting) this.send(stanza, sent);
  }

  #write(attempt: Attempt, stanza: Stanza, sent: Waiting['sent']): void {
    const { entity, stream } = attempt;
    const n = ++attempt.tx;
    entity.write(stanzaFrame(stanza)).catch((error: unknown) => attempt.fail(error));
    sent?.({ stream, n });
    if (n % 64 === 0 && unsentOn(attempt) > unsentMax)
      attempt.fail(new LinkError('the server does not read what is sent'));
  }

  /** XEP-0199 ping on an idle stream: a half-dead socket looks open for many minutes otherwise. */
  #watch(attempt: Attempt): void {
    const quietMs = this.#host.now() - attempt.heardAt;
    if (quietMs < idleMs) {
      attempt.cancelTimer = this.#host.setTimer(idleMs - quietMs, () => this.#watch(attempt));
      return;
    }
    const pingedAt = this.#host.now();
    const id = this.#newId();
    attempt.pending.set(id, () => undefined);
    this.#write(
      attempt,
      iq(attempt.address ?? this.#server, this.#server, { type: 'get', id }, el('ping', NS.ping)),
      undefined,
    );
    attempt.cancelTimer = this.#host.setTimer(pongMs, () => {
      attempt.pending.delete(id);
      if (attempt.heardAt >= pingedAt) this.#watch(attempt);
      else attempt.fail(new LinkError(`the server did not answer a ping for ${pongMs / 1000} s`));
    });
  }

  /** The stream ended or never came about: tell, and try again if that may help. */
  #lost(attempt: Attempt, error: unknown): void {
    attempt.cancelTimer();
    this.#attempt = undefined;
    if (attempt.up && this.#host.now() - attempt.upAt >= steadyMs) this.#failures = 0;
    void this.#close(attempt.entity);
    if (attempt.up) this.#handlers?.down(this.#server);
    if (this.#stopped) return;
    const final = finalError(error, this.#options.account);
    if (final !== undefined) {
      this.#stopped = true;
      this.#handlers?.progress?.('failed', final.message);
      this.#settle?.failed(final);
      this.#settle = undefined;
      return;
    }
    const ceiling = Math.min(retryMaxMs, retryMinMs * 2 ** this.#failures++);
    const delayMs = Math.round(ceiling * (0.5 + this.#host.random() / 2));
    this.#handlers?.progress?.('reconnecting', `${describe(error)}; again in ${(delayMs / 1000).toFixed(1)} s`);
    this.#cancelRetry = this.#host.setTimer(delayMs, () => void this.#connect());
  }

  async #close(entity: Client): Promise<void> {
    const socket = entity.socket;
    if (socket === null) return;
    // A half-dead socket never ends the stream: one second of courtesy.
    await new Promise<void>((resolve) => {
      const cancel = this.#host.setTimer(1_000, resolve);
      entity
        .disconnect()
        .catch(() => undefined)
        .then(() => {
          cancel();
          resolve();
        });
    });
    if (entity.socket !== null) socket.end();
  }

  #newId(): string {
    return `link-${randomId()}`;
  }
}

class RefusedError extends LinkError {
  readonly condition: string;
  constructor(message: string, condition: string) {
    super(message);
    this.condition = condition;
  }
}

function unsentOn(attempt: Attempt | undefined): number {
  return attempt?.entity.socket?.socket?.bufferedAmount ?? 0;
}

function accountName(account: LinkAccount): string {
  return account.kind === 'service' ? account.domain : account.jid;
}

function conditionOf(iqError: Element): string {
  const children = iqError.getChild('error')?.children ?? [];
  for (const child of children) if (typeof child !== 'string' && child.name !== 'text') return child.name;
  return 'undefined-condition';
}

/** The server may see it otherwise in a moment. */
const passing = [
  'conflict',
  'internal-server-error',
  'resource-constraint',
  'service-unavailable',
  'temporary-auth-failure',
];

/** @returns what to tell, where trying again cannot help */
function finalError(error: unknown, account: LinkAccount): LinkError | undefined {
  if (error instanceof RefusedError) return passing.includes(error.condition) ? undefined : error;
  if (!(error instanceof Error)) return undefined;
  const condition = 'condition' in error && typeof error.condition === 'string' ? error.condition : '';
  if (error.name === 'SASLError') {
    if (passing.includes(condition)) return undefined;
    const what = condition === 'not-authorized' ? 'wrong password' : `login refused (${condition || error.message})`;
    return new LinkError(`${what} for ${accountName(account)}`, { cause: error });
  }
  // Two sessions of one address would take it from each other without end.
  if (error.name === 'StreamError' && condition === 'conflict')
    return new LinkError(`another session took ${accountName(account)}`, { cause: error });
  if (error instanceof LinkError && error.message.startsWith('no safe way')) return error;
  return undefined;
}

function describe(error: unknown): string {
  // What @xmpp/websocket makes of a browser's error event, which says nothing.
  if (error instanceof Error && 'code' in error && error.code === 'ECONNERROR')
    return 'no server answers (is it still running?)';
  return error instanceof Error && error.message !== '' ? error.message : 'connection lost';
}
