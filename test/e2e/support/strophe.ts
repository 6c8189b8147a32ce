import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, expect, type Page } from '@playwright/test';

/** What is used of strophe.js. */
interface StropheBuilder {
  cnode(element: Element): StropheBuilder;
  c(name: string, attributes?: Record<string, string>): StropheBuilder;
  t(text: string): StropheBuilder;
}
interface StropheConnection {
  connect(jid: string, password: string, callback: (status: number) => void): void;
  addHandler(handler: (stanza: Element) => boolean, ...filter: null[]): void;
  send(stanza: StropheBuilder): void;
  sendIQ(stanza: StropheBuilder, answered: (answer: Element) => void, failed: (answer: Element | null) => void): void;
  disconnect(): void;
}
interface StropheGlobals {
  Strophe: { Connection: new (service: string) => StropheConnection; Status: Record<string, number> };
  $pres(attributes: Record<string, string>): StropheBuilder;
  $msg(attributes: Record<string, string>): StropheBuilder;
  $iq(attributes: Record<string, string>): StropheBuilder;
  connection: StropheConnection;
  received: string[];
  connectionStatus: number;
}

export interface Credentials {
  readonly websocket: string;
  readonly jid: string;
  readonly password: string;
  readonly room: string;
}

/** A client that nobody here wrote: strophe.js, in a browser of its own. */
export class StropheClient {
  readonly #page: Page;
  readonly #context: BrowserContext;
  readonly #login: Credentials;
  /** The full JID. */
  readonly jid: string;

  private constructor(context: BrowserContext, page: Page, login: Credentials, jid: string) {
    this.#context = context;
    this.#page = page;
    this.#login = login;
    this.jid = jid;
  }

  static async connect(browser: Browser, login: Credentials, resource = 'strophe'): Promise<StropheClient> {
    const full = `${login.jid}/${resource}`;
    // A document of the server's own origin, for it lets no other in; its security policy admits no script but the page's.
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.goto(new URL('/netsplit.json', login.websocket.replace(/^ws/, 'http')).href);
    await page.addScriptTag({
      path: fileURLToPath(new URL('../../../node_modules/strophe.js/dist/strophe.umd.min.js', import.meta.url)),
    });
    await page.evaluate(
      ([{ websocket, password }, jid]) => {
        const world = globalThis as unknown as StropheGlobals;
        world.received = [];
        world.connection = new world.Strophe.Connection(websocket);
        world.connection.addHandler((stanza) => {
          // The server's answer while logging in comes here too.
          if (/^(message|presence)$/.test(stanza.localName)) world.received.push(stanza.outerHTML);
          return true;
        }, null);
        world.connection.connect(jid, password, (status) => {
          world.connectionStatus = status;
        });
      },
      [login, full] as const,
    );
    await expect
      .poll(() =>
        page.evaluate(() => {
          const { connectionStatus, Strophe } = globalThis as unknown as StropheGlobals;
          return Object.keys(Strophe.Status).find((name) => Strophe.Status[name] === connectionStatus);
        }),
      )
      .toBe('CONNECTED');
    return new StropheClient(context, page, login, full);
  }

  presence(nick: string, type?: 'unavailable'): Promise<void> {
    return this.#page.evaluate(
      ([to, kind]) => {
        const { connection, $pres } = globalThis as unknown as StropheGlobals;
        connection.send(
          kind === undefined
            ? $pres({ to }).c('x', { xmlns: 'http://jabber.org/protocol/muc' })
            : $pres({ to, type: kind }),
        );
      },
      [`${this.#login.room}/${nick}`, type] as const,
    );
  }

  say(text: string): Promise<void> {
    return this.#page.evaluate(
      ([to, body]) => {
        const { connection, $msg } = globalThis as unknown as StropheGlobals;
        connection.send($msg({ to, type: 'groupchat' }).c('body').t(body));
      },
      [this.#login.room, text] as const,
    );
  }

  /** @param payload  XML; @returns the type of the answer */
  ask(to: string, payload: string): Promise<string | null> {
    return this.#page.evaluate(
      ([address, xml]) => {
        const { connection, $iq } = globalThis as unknown as StropheGlobals;
        const { documentElement } = new DOMParser().parseFromString(xml, 'text/xml');
        return new Promise<string | null>((resolve) =>
          connection.sendIQ(
            $iq({ to: address, type: 'set' }).cnode(documentElement),
            (answer) => resolve(answer.getAttribute('type')),
            (answer) => resolve(answer?.getAttribute('type') ?? null),
          ),
        );
      },
      [to, payload] as const,
    );
  }

  /** Texts of the messages and presences so far, oldest first. */
  received(): Promise<readonly string[]> {
    return this.#page.evaluate(() => (globalThis as unknown as StropheGlobals).received);
  }

  /** Gone without a word: no leaving, no end of the stream. */
  vanish(): Promise<void> {
    return this.#context.close();
  }
}
