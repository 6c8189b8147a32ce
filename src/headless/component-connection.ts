import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { ping } from '../core/xep/xep0199.ts';
import { type Condition, LocalProtocolError, stanzaError, writeError } from '../core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid, parseJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { excess, insteadOf, nodeLimits } from '../core/xmpp/size.ts';
import { isStanzaText, make, type Stanza, stanzaText } from '../core/xmpp/stanza.ts';
import {
  childOf,
  el,
  elementsOf,
  escapeAttribute,
  serialize,
  serializedLength,
  textOf,
  type XmlElement,
} from '../core/xmpp/xml.ts';
import type { Connection, ConnectionEvents, LinkHost } from '../host/reconnecting-link.ts';
import { LinkError, type LinkErrorKind, type Written } from '../host/stanza-link.ts';
import { parseElement } from '../server/parser.ts';
import { Multicast } from './multicast.ts';
import { type Frame, FramingError, StreamFrames } from './stream-frames.ts';

export interface ComponentOptions {
  readonly host: string;
  readonly port: number;
  readonly domain: Jid;
  /** The server lets it speak in other names. */
  readonly trusted: boolean;
  readonly secret: string;
  readonly clock: LinkHost;
  /** What was refused or dropped, and why. */
  log(line: string): void;
}

const accept = 'jabber:component:accept';
const streams = 'http://etherx.jabber.org/streams';
const streamErrors = 'urn:ietf:params:xml:ns:xmpp-streams';

/** With the stream's own tags around it. */
const limits = { ...nodeLimits, bytes: nodeLimits.bytes + 4096, depth: nodeLimits.depth + 1 };

/** About a quarter of a million stanzas. A server that has not read these never will. */
const unsentMax = 256 * 1024 * 1024;
/** How long a half-dead connection may take to end properly. */
const farewellMs = 1_000;

/**
 * One connection of an external component (XEP-0114, `jabber:component:accept`) over plain TCP.
 *
 * It uses node:net and the strict parser of the embedded server instead of @xmpp/component, whose parser ends the stream at
 * the first stanza it does not like and accepts XML that other parsers refuse. Components have no stream management.
 */
export class ComponentConnection implements Connection {
  readonly #options: ComponentOptions;
  readonly #events: ConnectionEvents;
  readonly #socket: Socket;
  readonly #multicast: Multicast;
  readonly #frames = new StreamFrames(nodeLimits.bytes);
  /** The stream's opening tag, and the tag that closes it: a stanza is parsed between the two. */
  #header = '';
  #footer = '';
  #stream = '';
  #rx = 0;
  #tx = 0;
  #isUp = false;
  #hasEnded = false;
  /** Text that leaves at the end of this turn, in one write. */
  #pending = '';
  readonly #pingPrefix = `link-${randomBytes(8).toString('hex')}-`;
  #pings = 0;

  constructor(options: ComponentOptions, events: ConnectionEvents) {
    this.#options = options;
    this.#events = events;
    const { host, port, domain, clock } = options;
    this.#multicast = new Multicast({
      domain,
      clock,
      write: (stanza, written) => this.#write(stanza, written),
      log: (line) => this.#log(line),
    });
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    this.#socket = socket;
    socket.on('connect', () => {
      socket.write(
        `<?xml version='1.0'?><stream:stream xmlns='${accept}' xmlns:stream='${streams}' to='${escapeAttribute(domain)}'>`,
      );
    });
    socket.on('data', (chunk) => {
      events.heard();
      try {
        for (const frame of this.#frames.push(chunk)) {
          if (this.#hasEnded) return;
          this.#take(frame);
        }
      } catch (error) {
        if (error instanceof FramingError) this.#fail(new LinkError(`the server's stream is broken: ${error.message}`));
        else if (error instanceof LinkError) this.#fail(error);
        else throw error;
      }
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const what = error.code === 'ECONNREFUSED' ? 'the connection was refused' : error.message;
      this.#fail(new LinkError(what, 'transient', { cause: error }));
    });
    socket.on('close', () => this.#fail(new LinkError('the server closed the connection')));
  }

  get unsentBytes(): number {
    return this.#socket.writableLength + this.#pending.length;
  }

  /** Sends nothing that would end the stream: a foreign `from`, characters that XML forbids, more than a server accepts. */
  send(stanza: Stanza, written: Written | undefined): void {
    const { domain, trusted } = this.#options;
    if (!trusted && domainOf(stanza.from) !== domain)
      return this.#report(new LocalProtocolError(`a stanza from ${stanza.from} to ${stanza.to} over ${domain}`));
    const why = excess(stanza, nodeLimits);
    if (why !== undefined) {
      this.#report(new LocalProtocolError(`to ${stanza.to}: ${why}`));
      const { answer, bounce } = insteadOf(stanza, why);
      if (answer && excess(answer, nodeLimits) === undefined) this.send(answer, written);
      if (bounce) this.#events.stanza(domainOf(bounce.from), bounce, { stream: this.#stream, n: this.#rx });
      return;
    }
    if (!isStanzaText(stanza))
      return this.#report(new LocalProtocolError(`a character XML 1.0 forbids, to ${stanza.to}`));
    this.#multicast.send(stanza, written);
  }

  #write(stanza: Stanza, written: Written | undefined): void {
    const n = ++this.#tx;
    this.#enqueue(stanzaText(stanza));
    written?.({ stream: this.#stream, n });
  }

  /** From our own domain to itself. Every server routes that back to us, so we need not know the server's name. */
  ping(): void {
    const { domain } = this.#options;
    const id = `${this.#pingPrefix}${++this.#pings}`;
    this.#tx++;
    this.#enqueue(stanzaText(ping(domain, domain, id)));
  }

  async close(): Promise<void> {
    if (this.#isUp) await this.#farewell();
    this.abandon();
  }

  abandon(): void {
    this.#hasEnded = true;
    this.#multicast.stop();
    this.#socket.destroy();
  }

  #fail(error: LinkError): void {
    if (this.#hasEnded) return;
    this.abandon();
    this.#events.lost(error);
  }

  /** @throws LinkError where the stream must end */
  #take(frame: Frame): void {
    switch (frame.kind) {
      case 'header':
        return this.#open(frame.text);
      case 'element':
        return this.#element(frame.text);
      case 'unreadable':
        this.#rx++;
        this.#log(`dropped a stanza: ${frame.why}`);
        return this.#unreadable(frame.why, 'policy-violation');
      case 'end':
        throw new LinkError('the server closed the stream');
    }
  }

  /** XEP-0114 §3: the stream's id and the secret make the handshake. */
  #open(text: string): void {
    const name = /^<([^\s/>]+)/.exec(text)?.[1] ?? '';
    this.#header = text;
    this.#footer = `</${name}>`;
    const parsed = parseElement(text + this.#footer, limits);
    if (!parsed.ok) throw new LinkError(`the stream header: ${parsed.text}`);
    const { id } = parsed.element.attrs;
    if (parsed.element.name !== 'stream' || parsed.element.xmlns !== streams)
      throw new LinkError('this is no XMPP server');
    // A server that refuses the header may leave out the id; the error follows.
    this.#stream = id ?? '';
    if (id === undefined) return;
    const digest = createHash('sha1')
      .update(id + this.#options.secret)
      .digest('hex');
    this.#socket.write(`<handshake>${digest}</handshake>`);
  }

  #element(text: string): void {
    const parsed = parseElement(this.#header + text + this.#footer, limits);
    const element = parsed.ok ? elementsOf(parsed.element)[0] : undefined;
    if (!parsed.ok || element === undefined) {
      this.#rx++;
      const why = parsed.ok ? 'empty' : parsed.text;
      this.#log(`dropped a stanza: ${why}`);
      const isTooMuch = !parsed.ok && parsed.condition === 'policy-violation';
      return this.#unreadable(why, isTooMuch ? 'policy-violation' : 'bad-request');
    }
    if (element.xmlns === streams && element.name === 'error') throw this.#streamError(element);
    if (element.name === 'handshake' && !this.#isUp) return this.#becomeUp();
    this.#rx++;
    if (!this.#isUp) return this.#log(`dropped <${element.name}/> before the handshake`);
    this.#stanza(asClient(element), this.#rx);
  }

  /**
   * A stanza that cannot be read, or is more than is taken. RFC 6120 §8.2.3: a request is answered all the same, and a
   * message bounces. An answer and a leave count without what is inside, because somebody waits for them.
   */
  #unreadable(why: string, condition: Condition): void {
    const { head } = this.#frames;
    if (head === undefined || !this.#isUp) return;
    const alone = head.endsWith('/>') ? head : `${head.slice(0, -1)}/>`;
    const parsed = parseElement(this.#header + alone + this.#footer, limits);
    const element = parsed.ok ? elementsOf(parsed.element)[0] : undefined;
    if (element === undefined) return;
    const { name, attrs } = asClient(element);
    const { from = '', to = '', id, type } = attrs;
    if (!isStanzaName(name) || !isOf(this.#options.domain, to)) return;
    const error = writeError(stanzaError('modify', condition, why));
    if (type === 'error' || (name === 'iq' && type === 'result'))
      this.#stanza(el(name, NS.client, { from, to, id, type: 'error' }, error), this.#rx);
    else if (name !== 'presence' || type === undefined) this.#refuse({ name, from, to, id }, error);
    else if (type === 'unavailable') this.#stanza(el(name, NS.client, attrs), this.#rx);
  }

  #stanza(element: XmlElement, n: number): void {
    const { name, xmlns, attrs } = element;
    if (xmlns !== NS.client || !isStanzaName(name))
      return this.#log(`dropped <${name} xmlns="${xmlns}"/>, which is no stanza`);
    const { from: fromText, to: toText, id, type, 'xml:lang': lang } = attrs;
    if (fromText === undefined || toText === undefined)
      return this.#log(`dropped <${name}/> without ${fromText === undefined ? 'from' : 'to'}`);
    const from = parseJid(fromText);
    const to = parseJid(toText);
    if (from === undefined || to === undefined) return this.#malformed(element, from === undefined);
    const { domain } = this.#options;
    if (domainOf(to) !== domain && bareOf(to) !== domain)
      return this.#log(`dropped <${name}/> to ${to}, which is not of ${domain}`);
    // Our own ping, routed back to us by the server.
    if (from === domain && to === domain && id?.startsWith(this.#pingPrefix)) return;
    const stanza = make(name, from, to, { id, type, lang }, elementsOf(element));
    if (!this.#multicast.take(stanza)) this.#events.stanza(domainOf(from), stanza, { stream: this.#stream, n });
  }

  /**
   * RFC 6120 §8.3.3.8: RFC 7622 forbids an address that the server let pass, perhaps because it still uses stringprep.
   */
  #malformed({ name, attrs }: XmlElement, sender: boolean): void {
    const { from = '', to = '', id, type } = attrs;
    this.#log(`${sender ? `from ${JSON.stringify(from)}` : `to ${JSON.stringify(to)}`}: not a JID`);
    if (type === 'error' || (name === 'iq' && type === 'result')) return;
    const text = `the ${sender ? "sender's" : "recipient's"} address is not valid (RFC 7622)`;
    this.#refuse({ name, from, to, id }, writeError(stanzaError('modify', 'jid-malformed', text)));
  }

  /** The server wrote both addresses, so the answer can use them as they are. */
  #refuse(
    { name, from, to, id }: { name: string; from: string; to: string; id: string | undefined },
    error: XmlElement,
  ): void {
    const { domain } = this.#options;
    const attrs = { from: isOf(domain, to) ? to : domain, to: from, id, type: 'error' };
    const answer = el(name, NS.client, attrs, error);
    if (from === '' || serializedLength(answer, NS.client) > nodeLimits.bytes) return;
    this.#tx++;
    this.#enqueue(serialize(answer, NS.client));
  }

  /** XEP-0114 §3, RFC 6120 §4.9: what is wrong according to the server, worded for the person who configures it. */
  #streamError(error: XmlElement): LinkError {
    const condition =
      elementsOf(error).find(({ xmlns, name }) => xmlns === streamErrors && name !== 'text')?.name ?? '';
    const text = childOf(error, 'text', streamErrors);
    const said = text === undefined || textOf(text) === '' ? '' : ` (the server says: ${textOf(text)})`;
    const known = meaningOf(condition, this.#options);
    const what = condition || 'stream error';
    return new LinkError(known === undefined ? `${what}${said}` : `${what}: ${known[1]}${said}`, known?.[0]);
  }

  #becomeUp(): void {
    this.#isUp = true;
    this.#events.up(this.#options.domain, this.#stream);
  }

  /** Everything of one turn leaves in one write, since a room's message is as many stanzas as the room has occupants. */
  #enqueue(text: string): void {
    if (this.#pending === '') queueMicrotask(() => this.#flush());
    this.#pending += text;
  }

  #flush(): void {
    const text = this.#pending;
    this.#pending = '';
    if (text === '' || this.#hasEnded) return;
    this.#socket.write(text);
    if (this.#socket.writableLength > unsentMax) this.#fail(new LinkError('the server does not read what is sent'));
  }

  /** Ends the stream properly, so that the server handles what was sent. */
  async #farewell(): Promise<void> {
    this.#multicast.flush();
    this.#flush();
    this.#hasEnded = true;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.setTimer(farewellMs, resolve);
      this.#socket.once('close', () => {
        cancel();
        resolve();
      });
      this.#socket.end('</stream:stream>');
    });
  }

  #report(error: LocalProtocolError): void {
    this.#log(`not sent: ${error.message}`);
  }

  #log(line: string): void {
    this.#options.log(line);
  }
}

function isStanzaName(name: string): name is Stanza['name'] {
  return name === 'message' || name === 'presence' || name === 'iq';
}

/** What a stream error means for the configuration, and whether another attempt can help. */
function meaningOf(
  condition: string,
  { domain, trusted }: ComponentOptions,
): readonly [LinkErrorKind, string] | undefined {
  switch (condition) {
    case 'not-authorized':
      return ['misconfigured', `the secret is not the one that the server has for ${domain}`];
    case 'host-unknown':
      return ['misconfigured', `the server has no component ${domain}`];
    case 'invalid-namespace':
      return ['misconfigured', 'this port is not for components (XEP-0114)'];
    case 'conflict':
      return ['taken', `another connection holds ${domain}`];
    case 'invalid-from':
      // Nothing that a trusted component sends will ever pass.
      return [
        trusted ? 'permanent' : 'transient',
        `${domain} may not speak in the names of others there (Prosody: validate_from_addresses = false)`,
      ];
    default:
      return undefined;
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
