import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { LocalProtocolError, stanzaError, writeError } from '../core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid, parseJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { type Stanza, stanzaText } from '../core/xmpp/stanza.ts';
import {
  childOf,
  el,
  elementsOf,
  escapeAttribute,
  isXmlText,
  serialize,
  textOf,
  utf8Length,
  type XmlElement,
} from '../core/xmpp/xml.ts';
import { LinkError, type LinkHandlers, type StanzaLink } from '../host/stanza-link.ts';
import { defaultLimits, parseElement } from '../server/parser.ts';
import { type Frame, FramingError, StreamFrames } from './stream-frames.ts';

/** Clock, timers and dice, for the tests to replace. */
export interface ComponentLinkHost {
  now(): number;
  setTimer(afterMs: number, fn: () => void): () => void;
  /** [0, 1) */
  random(): number;
}

export interface ComponentLinkOptions {
  readonly host: string;
  readonly port: number;
  /** The component's own domain; Prosody also takes a bare JID, and routes that one address to the component. */
  readonly domain: Jid;
  /** The server lets it speak in other names (Prosody: `validate_from_addresses = false`). */
  readonly trusted?: boolean;
  readonly secret: string;
  /** The server behind, as records name it; the component protocol itself never says. Default: the component's domain. */
  readonly server?: Jid;
  readonly clock?: ComponentLinkHost;
  /** What was refused or dropped, and why. */
  log?(line: string): void;
  /** Stanzas that may wait while the link is down; then the oldest are dropped. */
  readonly outboxMax?: number;
}

const accept = 'jabber:component:accept';
const streams = 'http://etherx.jabber.org/streams';
const streamErrors = 'urn:ietf:params:xml:ns:xmpp-streams';

/** What a server may send us in one stanza, and we it: Prosody's own limit on component streams, and twice ejabberd's. */
const stanzaMax = 512 * 1024;
const limits = { ...defaultLimits, bytes: stanzaMax + 4096, depth: defaultLimits.depth + 1 };

/** From the connection to the handshake's answer. */
const attemptMs = 15_000;
const retryMinMs = 500;
const retryMaxMs = 30_000;
/** A stream that lived shorter than this was no success: the back-off goes on. */
const steadyMs = 5_000;
const idleMs = 30_000;
const pongMs = 15_000;
/** A quarter of a million stanzas that the server has not read: it never will. */
const unsentMax = 256 * 1024 * 1024;
/** At the first start: the connection of a process that was killed may live on for a moment. */
const conflictsMax = 3;

const systemClock: ComponentLinkHost = {
  now: () => performance.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

type Sent = Parameters<StanzaLink['send']>[1];

/** One TCP connection; a new one for every attempt, so nothing of an old stream can leak in. */
interface Attempt {
  readonly socket: Socket;
  readonly frames: StreamFrames;
  /** The stream's opening tag, and the tag that closes it: a stanza is parsed between the two. */
  header: string;
  footer: string;
  stream: string;
  rx: number;
  tx: number;
  up: boolean;
  upAt: number;
  heardAt: number;
  /** Text that leaves at the end of this turn, in one write. */
  pending: string;
  cancelTimer: () => void;
  ended: boolean;
}

/** Why an attempt failed: the stream error's condition, where the server named one. */
class StreamFailure extends LinkError {
  readonly condition: string;
  constructor(message: string, condition = '') {
    super(message);
    this.condition = condition;
  }
}

/**
 * A service's link to a real server: an external component (XEP-0114, `jabber:component:accept`) over plain TCP.
 *
 * Over node:net and the strict parser of the embedded server, not over @xmpp/component: its parser ends the stream at
 * the first stanza it dislikes, and accepts XML that other parsers refuse. There is no stream management for components:
 * what was in flight when a stream broke is lost, so every stream is a new session, and `up` says so.
 */
export class ComponentLink implements StanzaLink {
  readonly #options: ComponentLinkOptions;
  readonly #clock: ComponentLinkHost;
  readonly #server: Jid;
  readonly #pingPrefix = `link-${randomBytes(8).toString('hex')}-`;
  #pings = 0;
  #handlers: LinkHandlers | undefined;
  #attempt: Attempt | undefined;
  #outbox: { readonly stanza: Stanza; readonly sent: Sent }[] = [];
  #dropped = 0;
  #failures = 0;
  #conflicts = 0;
  #stopped = false;
  #cancelRetry: () => void = () => undefined;
  /** Set until the first `up`. */
  #settle: { up(): void; failed(error: LinkError): void } | undefined;

  constructor(options: ComponentLinkOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#server = options.server ?? options.domain;
  }

  /** The component's domain while it is up. */
  get address(): Jid | undefined {
    return this.#attempt?.up ? this.#options.domain : undefined;
  }

  start(handlers: LinkHandlers): Promise<void> {
    this.#handlers = handlers;
    return new Promise((resolve, reject) => {
      this.#settle = { up: resolve, failed: reject };
      this.#connect();
    });
  }

  send(stanza: Stanza, sent?: Sent): void {
    if (this.#stopped) return;
    if (this.#attempt?.up) return this.#write(this.#attempt, stanza, sent);
    this.#outbox.push({ stanza, sent });
    if (this.#outbox.length <= (this.#options.outboxMax ?? 10_000)) return;
    this.#outbox.shift();
    // Once per power of two: said, but not 10,000 times.
    this.#dropped++;
    if ((this.#dropped & (this.#dropped - 1)) === 0)
      this.#log(`not connected, and the outbox is full: ${this.#dropped} stanzas dropped`);
  }

  /** Closes the stream after what was sent; what still waits is dropped. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelRetry();
    this.#outbox = [];
    this.#settle?.failed(new LinkError('stopped'));
    this.#settle = undefined;
    const attempt = this.#attempt;
    this.#attempt = undefined;
    if (attempt === undefined) return;
    attempt.cancelTimer();
    if (attempt.up) await this.#farewell(attempt);
    attempt.ended = true;
    attempt.socket.destroy();
  }

  #connect(): void {
    const { host, port, domain } = this.#options;
    this.#handlers?.progress?.('connecting', `${host}:${port}`);
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    const attempt: Attempt = {
      socket,
      frames: new StreamFrames(stanzaMax),
      header: '',
      footer: '',
      stream: '',
      rx: 0,
      tx: 0,
      up: false,
      upAt: 0,
      heardAt: this.#clock.now(),
      pending: '',
      cancelTimer: () => undefined,
      ended: false,
    };
    this.#attempt = attempt;
    attempt.cancelTimer = this.#clock.setTimer(attemptMs, () =>
      this.#lost(attempt, new LinkError(`no handshake within ${attemptMs / 1000} s`)),
    );
    socket.on('connect', () => {
      socket.write(
        `<?xml version='1.0'?><stream:stream xmlns='${accept}' xmlns:stream='${streams}' to='${escapeAttribute(domain)}'>`,
      );
    });
    socket.on('data', (chunk) => {
      attempt.heardAt = this.#clock.now();
      try {
        for (const frame of attempt.frames.push(chunk)) {
          if (attempt.ended || this.#attempt !== attempt) return;
          this.#frame(attempt, frame);
        }
      } catch (error) {
        if (!(error instanceof FramingError) && !(error instanceof LinkError)) throw error;
        this.#lost(attempt, error);
      }
    });
    socket.on('error', (error) => this.#lost(attempt, error));
    socket.on('close', () => this.#lost(attempt, new LinkError('the server closed the connection')));
  }

  /** @throws LinkError where the stream must end */
  #frame(attempt: Attempt, frame: Frame): void {
    switch (frame.kind) {
      case 'header':
        return this.#header(attempt, frame.text);
      case 'element':
        return this.#element(attempt, frame.text);
      case 'unreadable':
        attempt.rx++;
        return this.#log(`dropped a stanza: ${frame.why}`);
      case 'end':
        throw new LinkError('the server closed the stream');
    }
  }

  /** XEP-0114 §3: the stream's id and the secret make the handshake. */
  #header(attempt: Attempt, text: string): void {
    const name = /^<([^\s/>]+)/.exec(text)?.[1] ?? '';
    attempt.header = text;
    attempt.footer = `</${name}>`;
    const parsed = parseElement(text + attempt.footer, limits);
    if (!parsed.ok) throw new LinkError(`the stream header: ${parsed.text}`);
    const { id } = parsed.element.attrs;
    if (parsed.element.name !== 'stream' || parsed.element.xmlns !== streams)
      throw new LinkError('this is no XMPP server');
    // A server that refuses the header may leave the id out; the error follows.
    attempt.stream = id ?? '';
    if (id === undefined) return;
    const digest = createHash('sha1')
      .update(id + this.#options.secret)
      .digest('hex');
    attempt.socket.write(`<handshake>${digest}</handshake>`);
  }

  #element(attempt: Attempt, text: string): void {
    const parsed = parseElement(attempt.header + text + attempt.footer, limits);
    const element = parsed.ok ? elementsOf(parsed.element)[0] : undefined;
    if (!parsed.ok || element === undefined) {
      attempt.rx++;
      return this.#log(`dropped a stanza: ${parsed.ok ? 'empty' : parsed.text}`);
    }
    if (element.xmlns === streams && element.name === 'error') throw this.#streamError(element);
    if (element.name === 'handshake' && !attempt.up) return this.#becomeUp(attempt);
    attempt.rx++;
    if (!attempt.up) return this.#log(`dropped <${element.name}/> before the handshake`);
    this.#stanza(attempt, asClient(element), attempt.rx);
  }

  #stanza(attempt: Attempt, element: XmlElement, n: number): void {
    const { name, xmlns, attrs } = element;
    if (xmlns !== NS.client || (name !== 'message' && name !== 'presence' && name !== 'iq'))
      return this.#log(`dropped <${name} xmlns="${xmlns}"/>, which is no stanza`);
    const { from: fromText, to: toText, id, type, 'xml:lang': lang } = attrs;
    if (fromText === undefined || toText === undefined)
      return this.#log(`dropped <${name}/> without ${fromText === undefined ? 'from' : 'to'}`);
    const from = parseJid(fromText);
    const to = parseJid(toText);
    if (from === undefined || to === undefined) return this.#malformed(attempt, element, from === undefined);
    const { domain } = this.#options;
    if (domainOf(to) !== domain && bareOf(to) !== domain)
      return this.#log(`dropped <${name}/> to ${to}, which is not of ${domain}`);
    // Our own ping, back from the server: what was heard is enough.
    if (from === domain && to === domain && id?.startsWith(this.#pingPrefix)) return;
    const payloads = elementsOf(element);
    this.#handlers?.stanza(
      domainOf(from),
      {
        name,
        from,
        to,
        ...(id === undefined ? {} : { id }),
        ...(type === undefined ? {} : { type }),
        ...(lang === undefined ? {} : { lang }),
        payloads,
      },
      { stream: attempt.stream, n },
    );
  }

  /**
   * RFC 6120 §8.3.3.8: an address that RFC 7622 forbids, though the server let it pass (it may prepare addresses by the
   * older stringprep). The server wrote both addresses, so it can be answered in its own words.
   */
  #malformed(attempt: Attempt, { name, attrs }: XmlElement, sender: boolean): void {
    const { from = '', to = '', id, type } = attrs;
    this.#log(`${sender ? `from ${JSON.stringify(from)}` : `to ${JSON.stringify(to)}`}: not a JID`);
    if (type === 'error' || (name === 'iq' && type === 'result')) return;
    const { domain } = this.#options;
    const text = `the ${sender ? "sender's" : "recipient's"} address is not valid (RFC 7622)`;
    this.#enqueue(
      attempt,
      serialize(
        el(
          name,
          NS.client,
          { from: isOf(domain, to) ? to : domain, to: from, id, type: 'error' },
          writeError(stanzaError('modify', 'jid-malformed', text)),
        ),
        NS.client,
      ),
    );
  }

  /** XEP-0114 §3, RFC 6120 §4.9: what the server says is wrong, in words for the person who configures it. */
  #streamError(error: XmlElement): StreamFailure {
    const condition =
      elementsOf(error).find(({ xmlns, name }) => xmlns === streamErrors && name !== 'text')?.name ?? '';
    const text = childOf(error, 'text', streamErrors);
    const said = text === undefined || textOf(text) === '' ? '' : ` (the server says: ${textOf(text)})`;
    const { domain } = this.#options;
    const words: Readonly<Record<string, string>> = {
      'not-authorized': `the secret is not the one that the server has for ${domain}`,
      'host-unknown': `the server has no component ${domain}`,
      conflict: `another connection holds ${domain}`,
      'invalid-from': `${domain} may not speak in the names of others there (Prosody: validate_from_addresses = false)`,
      'invalid-namespace': 'this port is not for components (XEP-0114)',
    };
    const known = words[condition];
    return new StreamFailure(
      `${condition || 'stream error'}${known === undefined ? '' : `: ${known}`}${said}`,
      condition,
    );
  }

  #becomeUp(attempt: Attempt): void {
    const { domain } = this.#options;
    attempt.cancelTimer();
    attempt.up = true;
    attempt.upAt = this.#clock.now();
    this.#conflicts = 0;
    this.#watch(attempt);
    this.#handlers?.progress?.('bound', domain);
    this.#handlers?.up(this.#server, attempt.stream);
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.up();
    this.#dropped = 0;
    for (const { stanza, sent } of this.#outbox.splice(0)) this.send(stanza, sent);
  }

  /** Nothing leaves that would cost the stream: a foreign `from`, characters XML forbids, more than a server takes. */
  #write(attempt: Attempt, stanza: Stanza, sent: Sent): void {
    const { domain, trusted } = this.#options;
    if (!trusted && domainOf(stanza.from) !== domain)
      return this.#report(new LocalProtocolError(`a stanza from ${stanza.from} to ${stanza.to} over ${domain}`));
    const text = stanzaText(stanza);
    if (!isXmlText(text)) return this.#report(new LocalProtocolError(`a character XML 1.0 forbids, to ${stanza.to}`));
    if (text.length > stanzaMax / 3 && utf8Length(text) > stanzaMax)
      return this.#report(new LocalProtocolError(`${utf8Length(text)} bytes to ${stanza.to}`));
    const n = ++attempt.tx;
    this.#enqueue(attempt, text);
    sent?.({ stream: attempt.stream, n });
  }

  /** All of one turn in one write: a room's message is as many stanzas as it has occupants. */
  #enqueue(attempt: Attempt, text: string): void {
    if (attempt.pending === '') queueMicrotask(() => this.#flush(attempt));
    attempt.pending += text;
  }

  #flush(attempt: Attempt): void {
    const text = attempt.pending;
    attempt.pending = '';
    if (text === '' || attempt.ended) return;
    attempt.socket.write(text);
    if (attempt.socket.writableLength > unsentMax)
      this.#lost(attempt, new LinkError('the server does not read what is sent'));
  }

  /**
   * A half-dead connection looks open for many minutes otherwise. The ping goes from our domain to our domain: every
   * server routes that back to us, and none needs to be known by name.
   */
  #watch(attempt: Attempt): void {
    const quietMs = this.#clock.now() - attempt.heardAt;
    if (quietMs < idleMs) {
      attempt.cancelTimer = this.#clock.setTimer(idleMs - quietMs, () => this.#watch(attempt));
      return;
    }
    const { domain } = this.#options;
    const pingedAt = this.#clock.now();
    const id = `${this.#pingPrefix}${++this.#pings}`;
    attempt.tx++;
    this.#enqueue(
      attempt,
      serialize(el('iq', NS.client, { type: 'get', id, from: domain, to: domain }, el('ping', NS.ping)), NS.client),
    );
    attempt.cancelTimer = this.#clock.setTimer(pongMs, () => {
      if (attempt.heardAt > pingedAt) this.#watch(attempt);
      else this.#lost(attempt, new LinkError(`the server did not answer a ping for ${pongMs / 1000} s`));
    });
  }

  /** The stream ended or never came about: tell, and try again if that may help. */
  #lost(attempt: Attempt, error: Error): void {
    if (attempt.ended) return;
    attempt.ended = true;
    attempt.cancelTimer();
    attempt.socket.destroy();
    if (this.#attempt !== attempt) return;
    this.#attempt = undefined;
    if (attempt.up) {
      if (this.#clock.now() - attempt.upAt >= steadyMs) this.#failures = 0;
      this.#handlers?.down(this.#server);
    }
    if (this.#stopped) return;
    const reason = describe(error);
    if (this.#isFinal(attempt, error)) {
      this.#stopped = true;
      this.#handlers?.progress?.('failed', reason);
      this.#settle?.failed(new LinkError(reason, { cause: error }));
      this.#settle = undefined;
      return;
    }
    const ceiling = Math.min(retryMaxMs, retryMinMs * 2 ** this.#failures++);
    const delayMs = Math.round(ceiling * (0.5 + this.#clock.random() / 2));
    this.#handlers?.progress?.('reconnecting', `${reason}; again in ${(delayMs / 1000).toFixed(1)} s`);
    this.#cancelRetry = this.#clock.setTimer(delayMs, () => this.#connect());
  }

  /**
   * At the first start a wrong secret or an unknown domain is a mistake to be told at once; later the server may be in
   * the middle of being configured. A stream that another one replaced must not take the domain back: the two would do
   * that without end.
   */
  #isFinal(attempt: Attempt, error: Error): boolean {
    if (!(error instanceof StreamFailure)) return false;
    // Nothing that it sends will ever pass.
    if (error.condition === 'invalid-from' && this.#options.trusted) return true;
    if (error.condition === 'conflict') {
      if (attempt.up) return true;
      return this.#settle !== undefined && ++this.#conflicts >= conflictsMax;
    }
    return (
      this.#settle !== undefined && ['not-authorized', 'host-unknown', 'invalid-namespace'].includes(error.condition)
    );
  }

  /** Ends the stream in order, so that the server handles what was sent; a half-dead one gets a second. */
  async #farewell(attempt: Attempt): Promise<void> {
    this.#flush(attempt);
    attempt.ended = true;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.setTimer(1_000, resolve);
      attempt.socket.once('close', () => {
        cancel();
        resolve();
      });
      attempt.socket.end('</stream:stream>');
    });
  }

  #report(error: LocalProtocolError): void {
    this.#log(`not sent: ${error.message}`);
  }

  #log(line: string): void {
    this.#options.log?.(line);
  }
}

/** The component's namespace is the client's under another name (XEP-0114): the core knows the one. */
function asClient(element: XmlElement): XmlElement {
  const { name, xmlns, attrs, children } = element;
  return {
    name,
    xmlns: xmlns === accept ? NS.client : xmlns,
    attrs,
    children: children.map((child) => (typeof child === 'string' ? child : asClient(child))),
  };
}

/** Whether an address that as a whole is malformed is one of the component's. RFC 7622 §3.2 */
function isOf(component: Jid, address: string): boolean {
  const bare = address.split('/', 1)[0] as string;
  return parseJid(bare) === component || parseJid(bare.slice(bare.indexOf('@') + 1)) === component;
}

function describe(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return 'the connection was refused';
  return error instanceof FramingError ? `the server's stream is broken: ${error.message}` : error.message;
}
