import { WebSocket } from 'ws';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { childOf, elementsOf, escapeAttribute, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { parseElement } from '../../src/server/parser.ts';

const framing = 'urn:ietf:params:xml:ns:xmpp-framing';
const sasl = 'urn:ietf:params:xml:ns:xmpp-sasl';
const bind = 'urn:ietf:params:xml:ns:xmpp-bind';
const limits = { bytes: 1e7, depth: 100, attributes: 100, children: 1e5, declarations: 1e5 };

/** Longest wait for anything, in ms: only a failing test waits so long. */
const patienceMs = 3_000;

/**
 * An XMPP client that knows nothing: it logs in over WebSocket (RFC 7395), sends what it is given and keeps what comes.
 * No library, so that nothing is answered, reordered or hidden behind a test's back.
 */
export class RawClient {
  readonly #socket: WebSocket;
  readonly #frames: XmlElement[] = [];
  readonly #waiting = new Set<() => void>();
  #broken: string | undefined;
  /** Stanzas in order of arrival; who reads them takes them out. */
  readonly inbox: XmlElement[] = [];
  /** The full JID the server gave. */
  address = '';
  #ids = 0;

  constructor(url: string) {
    this.#socket = new WebSocket(url, 'xmpp');
    this.#socket.on('message', (data) => this.#frame(String(data)));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the server closed the stream'));
  }

  async login(address: string, password: string): Promise<void> {
    const [account = '', resource = ''] = address.split('/');
    const [local = '', domain = ''] = account.split('@');
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('open', resolve);
      this.#socket.once('error', reject);
    });
    await this.#open(domain);
    const secret = Buffer.from(`\0${local}\0${password}`).toString('base64');
    this.#socket.send(`<auth xmlns="${sasl}" mechanism="PLAIN">${secret}</auth>`);
    const answer = await this.#next();
    if (answer.name !== 'success') throw new Error(`login of ${address} refused`);
    await this.#open(domain);
    const bound = await this.ask(`<iq type="set"><bind xmlns="${bind}"><resource>${resource}</resource></bind></iq>`);
    const reply = childOf(bound, 'bind', bind);
    const jid = reply && childOf(reply, 'jid', bind);
    if (!jid) throw new Error(`binding of ${address} refused`);
    this.address = textOf(jid);
    this.send('<presence/>');
  }

  /** Sends one stanza; the namespace is said where it is not (RFC 7395 §3.3.3). */
  send(xml: string): void {
    const text = xml.trim();
    const [head = ''] = /^<[\w:-]+[^>]*/.exec(text) ?? [];
    this.#socket.send(
      /\sxmlns=/.test(head) ? text : text.replace(/^<[\w:-]+/, (name) => `${name} xmlns="${NS.client}"`),
    );
  }

  /** Sends an iq get or set, gives it an id, and waits for its answer; what comes meanwhile stays in the inbox. */
  async ask(xml: string): Promise<XmlElement> {
    const id = `ask-${++this.#ids}`;
    this.send(xml.replace(/^<iq/, `<iq id="${escapeAttribute(id)}"`));
    const isAnswer = (stanza: XmlElement) => stanza.name === 'iq' && stanza.attrs['id'] === id;
    await this.until(() => this.inbox.some(isAnswer), `the answer to ${xml}`);
    return this.inbox.splice(this.inbox.findIndex(isAnswer), 1)[0] as XmlElement;
  }

  /** @throws Error naming what did not come */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!condition()) {
      const left = deadline - Date.now();
      if (this.#broken !== undefined) throw new Error(`${this.#broken}, while ${this.address} waited for ${what}`);
      if (left <= 0) throw new Error(`${this.address} waited for ${what} in vain`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.#waiting.add(wake);
      });
    }
  }

  /** Goes as a client does whose connection breaks: without a word. */
  close(): void {
    this.#broken ??= 'closed';
    this.#socket.terminate();
  }

  async #open(domain: string): Promise<void> {
    this.#socket.send(`<open xmlns="${framing}" to="${domain}" version="1.0"/>`);
    while ((await this.#next()).name !== 'features');
  }

  async #next(): Promise<XmlElement> {
    await this.until(() => this.#frames.length > 0, 'the stream');
    return this.#frames.shift() as XmlElement;
  }

  #frame(text: string): void {
    const parsed = parseElement(text.trim(), limits);
    if (!parsed.ok) return this.#fail(`${parsed.text}: ${text}`);
    const { element } = parsed;
    if (element.xmlns !== NS.client) {
      if (element.name === 'error') this.#fail(`stream error ${elementsOf(element)[0]?.name ?? ''}`);
      this.#frames.push(element);
    } else if (!this.#own(element)) this.inbox.push(element);
    this.#wake();
  }

  /** What one's own server tells of one's own sessions is no part of a dialogue. */
  #own({ name, attrs }: XmlElement): boolean {
    const [account] = this.address.split('/');
    return name === 'presence' && (attrs['from'] ?? '').split('/')[0] === account;
  }

  #fail(why: string): void {
    this.#broken ??= why;
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
