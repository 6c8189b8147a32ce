import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { childOf, el, elementsOf, textOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { parseElement } from '../../../src/server/parser.ts';
import type { RoomClient } from './client.ts';
import type { ConverseLogin } from './converse.ts';
import { Traffic } from './traffic.ts';

const library = fileURLToPath(new URL('../../../node_modules/strophe.js/dist/strophe.umd.min.js', import.meta.url));
const mam = 'urn:xmpp:mam:2';
const rsm = 'http://jabber.org/protocol/rsm';
const roomConfig = `${NS.muc}#roomconfig`;

/** What is used of strophe.js. */
interface Builder {
  cnode(child: Element): Builder;
  t(text: string): Builder;
  up(): Builder;
  tree(): Element;
}
interface StropheWindow {
  Strophe: {
    Builder: new (name: string, attributes: Readonly<Record<string, string>>) => Builder;
    Connection: new (
      service: string,
    ) => {
      connect(jid: string, password: string, callback: (status: number) => void): void;
      addHandler(handler: (stanza: Element) => boolean, ...filter: null[]): void;
      send(stanza: Element): void;
      sendIQ(stanza: Element, callback: (answer: Element) => void, failed: (answer: Element | null) => void): void;
    };
    Status: Record<string, number>;
  };
  strophe: {
    send(tree: XmlElement): void;
    ask(tree: XmlElement): Promise<string>;
    status: number;
    readonly received: string[];
  };
}

/** A client with strophe.js, in a browser context of its own: the library writes and reads, and these lines keep the score. */
export class StropheClient implements RoomClient {
  readonly software = 'strophe.js';
  readonly account: string;
  readonly traffic = new Traffic();
  readonly #browser: Browser;
  readonly #login: ConverseLogin;
  readonly #complaints: string[] = [];
  readonly #archived: string[] = [];
  #context!: BrowserContext;
  #page!: Page;
  #nick = '';
  /** How many of the received stanzas came before the room was entered. */
  #entered = 0;

  private constructor(browser: Browser, login: ConverseLogin) {
    this.#browser = browser;
    this.#login = login;
    this.account = login.account;
  }

  static async login(browser: Browser, login: ConverseLogin): Promise<StropheClient> {
    const client = new StropheClient(browser, login);
    await client.#start();
    return client;
  }

  async #start(): Promise<void> {
    const { websocket, account } = this.#login;
    this.#context = await this.#browser.newContext();
    await this.#context.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '<!DOCTYPE html>' }));
    const page = await this.#context.newPage();
    this.#page = page;
    page.on('pageerror', (error) => this.#complaints.push(`page error: ${error.message}`));
    page.on('console', (line) => {
      if (line.type() === 'error') this.#complaints.push(line.text());
    });
    page.on('websocket', (socket) => {
      const stream = this.traffic.stream();
      socket.on('framesent', ({ payload }) => stream.sent(String(payload)));
      socket.on('framereceived', ({ payload }) => stream.received(String(payload)));
    });
    await page.goto(`${websocket.replace(/^ws/, 'http').replace(/\/[^/]*$/, '')}/strophe.html`);
    await page.addScriptTag({ path: library });
    await page.evaluate(
      ([service, jid]) => {
        const world = globalThis as unknown as StropheWindow;
        const { Strophe } = world;
        const connection = new Strophe.Connection(service);
        const received: string[] = [];
        const build = ({ name, xmlns, attrs, children }: XmlElement): Element => {
          const builder = new Strophe.Builder(name, { ...attrs, xmlns });
          for (const child of children) {
            if (typeof child === 'string') builder.t(child);
            else builder.cnode(build(child)).up();
          }
          return builder.tree();
        };
        world.strophe = {
          received,
          status: -1,
          send: (tree) => connection.send(build(tree)),
          ask: (tree) =>
            new Promise((resolve, reject) => {
              connection.sendIQ(
                build(tree),
                (answer) => resolve(answer.outerHTML),
                (answer) => reject(new Error(answer?.outerHTML ?? 'no answer')),
              );
            }),
        };
        connection.addHandler((stanza) => {
          if (/^(message|presence)$/.test(stanza.localName)) received.push(stanza.outerHTML);
          return true;
        }, null);
        connection.connect(`${jid}/strophe`, 'pw', (status) => {
          world.strophe.status = status;
        });
      },
      [websocket, account] as const,
    );
    await page.waitForFunction(() => {
      const { strophe, Strophe } = globalThis as unknown as StropheWindow;
      return strophe.status === Strophe.Status['CONNECTED'];
    });
    await this.#send(el('presence', NS.client));
  }

  #send(tree: XmlElement): Promise<void> {
    return this.#page.evaluate((stanza) => (globalThis as unknown as StropheWindow).strophe.send(stanza), tree);
  }

  async #ask(type: 'get' | 'set', payload: XmlElement): Promise<XmlElement> {
    const iq: XmlElement = el('iq', NS.client, { type, to: this.#login.room, id: crypto.randomUUID() }, payload);
    return read(await this.#page.evaluate((tree) => (globalThis as unknown as StropheWindow).strophe.ask(tree), iq));
  }

  async #stanzas(): Promise<readonly XmlElement[]> {
    const all = await this.#page.evaluate(() => (globalThis as unknown as StropheWindow).strophe.received);
    return all.map(read);
  }

  async enter(nick: string): Promise<void> {
    await this.#join(nick, []);
  }

  async #join(nick: string, wish: readonly XmlElement[]): Promise<void> {
    this.#entered = (await this.#stanzas()).length;
    await this.#send(el('presence', NS.client, { to: `${this.#login.room}/${nick}` }, el('x', NS.muc, {}, ...wish)));
    for (;;) {
      const since = (await this.#stanzas()).slice(this.#entered);
      const refusal = since.find(({ name, attrs }) => name === 'presence' && attrs['type'] === 'error');
      const error = refusal && childOf(refusal, 'error', NS.client);
      if (error) throw new Error(elementsOf(error)[0]?.name ?? 'refused');
      // The subject is the last thing that a join brings (XEP-0045 §7.1).
      if (since.some((stanza) => childOf(stanza, 'subject', NS.client))) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.#nick = nick;
  }

  leave = () => this.#send(el('presence', NS.client, { to: `${this.#login.room}/${this.#nick}`, type: 'unavailable' }));
  say = (text: string) =>
    this.#send(
      el('message', NS.client, { to: this.#login.room, type: 'groupchat', id: crypto.randomUUID() }, body(text)),
    );
  setSubject = (text: string) =>
    this.#send(
      el('message', NS.client, { to: this.#login.room, type: 'groupchat' }, el('subject', NS.client, {}, text)),
    );
  tell = (nick: string, text: string) =>
    this.#send(
      el('message', NS.client, { to: `${this.#login.room}/${nick}`, type: 'chat' }, body(text), el('x', NS.mucUser)),
    );
  rename = (nick: string) => this.#send(el('presence', NS.client, { to: `${this.#login.room}/${nick}` }));
  kick = (nick: string, reason: string) => this.#administer({ nick, role: 'none' }, reason);
  ban = ({ jid }: { readonly jid: string }, reason: string) =>
    this.#administer({ jid, affiliation: 'outcast' }, reason);

  async #administer(item: Readonly<Record<string, string>>, reason: string): Promise<void> {
    await this.#ask(
      'set',
      el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, item, el('reason', NS.mucAdmin, {}, reason))),
    );
  }

  async configuration(): Promise<Readonly<Record<string, string>>> {
    const answer = await this.#ask('get', el('query', NS.mucOwner));
    const query = childOf(answer, 'query', NS.mucOwner);
    const form = query && childOf(query, 'x', NS.dataForms);
    if (form === undefined) throw new Error('no form');
    return Object.fromEntries(
      elementsOf(form)
        .filter(({ name, attrs }) => name === 'field' && attrs['var'] !== undefined)
        .map((field) => [
          field.attrs['var'] as string,
          elementsOf(field)
            .filter(({ name }) => name === 'value')
            .map(textOf)
            .join('\n'),
        ]),
    );
  }

  async configure(changes: Readonly<Record<string, string>>): Promise<void> {
    const form = { ...(await this.configuration()), ...changes, FORM_TYPE: roomConfig };
    const fields = Object.entries(form).map(
      ([name, value]): XmlElement =>
        el(
          'field',
          NS.dataForms,
          { var: name },
          ...value.split('\n').map((line) => el('value', NS.dataForms, {}, line)),
        ),
    );
    await this.#ask('set', el('query', NS.mucOwner, {}, el('x', NS.dataForms, { type: 'submit' }, ...fields)));
  }

  async texts(): Promise<readonly string[]> {
    const said = (await this.#stanzas())
      .filter(({ name, attrs }) => name === 'message' && attrs['type'] === 'groupchat')
      .flatMap((stanza) => childOf(stanza, 'body', NS.client) ?? []);
    return [...this.#archived, ...said.map(textOf)];
  }

  async privateTexts(nick: string): Promise<readonly string[]> {
    return (await this.#stanzas())
      .filter(({ attrs }) => attrs['type'] === 'chat' && attrs['from'] === `${this.#login.room}/${nick}`)
      .flatMap((stanza) => childOf(stanza, 'body', NS.client) ?? [])
      .map(textOf);
  }

  async occupants(): Promise<readonly string[]> {
    const present = new Set<string>();
    for (const { name, attrs } of (await this.#stanzas()).slice(this.#entered)) {
      const nick = attrs['from']?.slice(this.#login.room.length + 1) ?? '';
      if (name !== 'presence' || nick === '') continue;
      if (attrs['type'] === 'unavailable') present.delete(nick);
      else if (attrs['type'] === undefined) present.add(nick);
    }
    return [...present];
  }

  async subject(): Promise<string> {
    const subjects = (await this.#stanzas()).flatMap((stanza) => childOf(stanza, 'subject', NS.client) ?? []);
    const last = subjects[subjects.length - 1];
    return last === undefined ? '' : textOf(last);
  }

  async removal(): Promise<string | undefined> {
    for (const stanza of (await this.#stanzas()).slice(this.#entered)) {
      const user = childOf(stanza, 'x', NS.mucUser);
      if (user === undefined || stanza.attrs['type'] !== 'unavailable') continue;
      const codes = elementsOf(user)
        .filter(({ name }) => name === 'status')
        .map(({ attrs }) => attrs['code']);
      if (!codes.includes('110') || codes.includes('303')) continue;
      const item = childOf(user, 'item', NS.mucUser);
      const reason = item && childOf(item, 'reason', NS.mucUser);
      const why = codes.includes('301') ? 'banned' : codes.includes('307') ? 'kicked' : 'left';
      return `${why} ${reason === undefined ? '' : textOf(reason)}`;
    }
    return undefined;
  }

  async reload(nick: string): Promise<void> {
    await this.#context.close();
    await this.#start();
    await this.#join(nick, [el('history', NS.muc, { maxstanzas: '0' })]);
    this.#archived.length = 0;
    let after: string | undefined;
    for (let complete = false; !complete; ) {
      const page = [el('max', rsm, {}, '3'), ...(after === undefined ? [] : [el('after', rsm, {}, after)])];
      const before = (await this.#stanzas()).length;
      const answer = await this.#ask('set', el('query', mam, {}, el('set', rsm, {}, ...page)));
      const fin = childOf(answer, 'fin', mam);
      if (fin === undefined) throw new Error('no fin');
      for (const stanza of (await this.#stanzas()).slice(before)) {
        const result = childOf(stanza, 'result', mam);
        const forwarded = result && childOf(result, 'forwarded', 'urn:xmpp:forward:0');
        const original = forwarded && childOf(forwarded, 'message', NS.client);
        const words = original && childOf(original, 'body', NS.client);
        if (result !== undefined) after = result.attrs['id'];
        if (words !== undefined) this.#archived.push(textOf(words));
      }
      complete = fin.attrs['complete'] === 'true';
    }
  }

  complaints(): readonly string[] {
    return [...this.#complaints, ...this.traffic.faults()];
  }

  async stop(): Promise<void> {
    await this.#context.close();
  }
}

const body = (text: string): XmlElement => el('body', NS.client, {}, text);

function read(text: string): XmlElement {
  const parsed = parseElement(text, { bytes: 1e8, depth: 100, attributes: 100, children: 1e6, declarations: 1e6 });
  if (!parsed.ok) throw new Error(`${parsed.text}: ${text}`);
  return parsed.element;
}
