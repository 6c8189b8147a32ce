import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import type { RoomClient } from './client.ts';
import { Traffic } from './traffic.ts';

const dist = fileURLToPath(new URL('../../../node_modules/converse.js/dist/', import.meta.url));

/** Of a Chromium in which such clients run. */
export const chromiumArgs = [
  // The page does not come over the network: Playwright answers. Else Chromium keeps it from this machine's sockets.
  '--disable-features=LocalNetworkAccessChecks',
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

export interface ConverseLogin {
  /** ws:// */
  readonly websocket: string;
  /** Bare JID; the password is "pw". */
  readonly account: string;
  readonly room: string;
  /** Default "converse". */
  readonly resource?: string;
}

/** What is used of converse.js beside its page. */
interface ConverseWindow {
  converse: {
    plugins: { add(name: string, plugin: { initialize(this: { _converse: { api: ConverseApi } }): void }): void };
    initialize(settings: Record<string, unknown>): Promise<void>;
  };
  api: ConverseApi;
}
interface ConverseApi {
  rooms: {
    open(jid: string, attributes: Record<string, unknown>, force: boolean): Promise<unknown>;
    get(jid: string): Promise<{ save(attributes: Record<string, unknown>): void; close(): Promise<void> } | null>;
  };
}

/** The pictures that it asks another site for, in vain. */
const sponsors = 'net::ERR_FAILED';

/** It logs the refusal where an account keeps no bookmarks: without PEP that is the right answer (RFC 6121 §8.5.2.1.3). */
function noBookmarks(text: string, account: string): boolean {
  return (
    text.startsWith('<iq ') && text.includes(`from="${account}"`) && /<service-unavailable .*>pubsub is not/.test(text)
  );
}

/** converse.js in a browser context of its own, used as a person uses it: through its page. */
export class ConverseClient implements RoomClient {
  readonly software = 'converse.js';
  readonly account: string;
  readonly traffic = new Traffic();
  readonly #browser: Browser;
  readonly #login: ConverseLogin;
  readonly #complaints: string[] = [];
  #context!: BrowserContext;
  #page!: Page;
  #nick = '';

  private constructor(browser: Browser, login: ConverseLogin) {
    this.#browser = browser;
    this.#login = login;
    this.account = login.account;
  }

  static async login(browser: Browser, login: ConverseLogin): Promise<ConverseClient> {
    const client = new ConverseClient(browser, login);
    await client.#start();
    return client;
  }

  async #start(): Promise<void> {
    const { websocket, account, resource = 'converse' } = this.#login;
    // The page has the server's own origin, which is the only one that our server lets in.
    const origin = websocket.replace(/^ws/, 'http').replace(/\/[^/]*$/, '');
    this.#context = await this.#browser.newContext({ viewport: { width: 1400, height: 1000 }, locale: 'en-GB' });
    this.#context.setDefaultTimeout(10_000);
    await this.#context.route('**/*', (route) => {
      const { pathname, href } = new URL(route.request().url());
      if (!href.startsWith(`${origin}/`)) return route.abort();
      if (pathname.startsWith('/dist/')) return route.fulfill({ path: dist + pathname.slice('/dist/'.length) });
      if (pathname === '/favicon.ico') return route.fulfill({ status: 204 });
      return route.fulfill({
        contentType: 'text/html; charset=utf-8',
        body: '<!DOCTYPE html><title>converse.js</title><link rel="stylesheet" href="/dist/converse.min.css"><body class="converse-fullscreen"><div id="conversejs-bg"></div><script type="module" src="/dist/converse.min.js"></script>',
      });
    });
    const page = await this.#context.newPage();
    this.#page = page;
    page.on('pageerror', (error) => this.#complaints.push(`page error: ${error.message}`));
    page.on('console', (line) => {
      const text = line.text();
      if (line.type() !== 'error' || text.includes(sponsors) || noBookmarks(text, account)) return;
      this.#complaints.push(text);
    });
    page.on('websocket', (socket) => {
      const stream = this.traffic.stream();
      socket.on('framesent', ({ payload }) => stream.sent(String(payload)));
      socket.on('framereceived', ({ payload }) => stream.received(String(payload)));
    });
    await page.goto(`${origin}/converse.html`);
    await page.waitForFunction(() => 'converse' in globalThis);
    await page.evaluate(
      async ([service, jid]) => {
        const world = globalThis as unknown as ConverseWindow;
        world.converse.plugins.add('interop', {
          initialize() {
            world.api = this._converse.api;
          },
        });
        await world.converse.initialize({
          websocket_url: service,
          discover_connection_methods: false,
          assets_path: '/dist/',
          authentication: 'login',
          auto_login: true,
          jid,
          password: 'pw',
          view_mode: 'fullscreen',
          blacklisted_plugins: ['converse-omemo'],
          whitelisted_plugins: ['interop'],
          play_sounds: false,
          show_desktop_notifications: false,
          clear_cache_on_logout: true,
          // Else a new session enters the bookmarked room by itself, with the bookmarked nick, while we enter it with ours.
          muc_respect_autojoin: false,
        });
      },
      [websocket, `${account}/${resource}`] as const,
    );
    await page.locator('converse-root').waitFor({ state: 'attached' });
  }

  get #room() {
    return this.#page.locator(`converse-muc[jid="${this.#login.room}"]`);
  }
  get #input() {
    return this.#room.locator('converse-muc-bottom-panel textarea.chat-textarea');
  }
  get #refusal() {
    return this.#room.locator('.disconnect-msg');
  }

  async enter(nick: string): Promise<void> {
    await this.#page.evaluate(
      async ([room, name]) => {
        const { api } = globalThis as unknown as ConverseWindow;
        // One that it was removed from stays open and says so, until it is closed.
        const before = await api.rooms.get(room);
        await before?.close();
        await api.rooms.open(room, { nick: name }, true);
      },
      [this.#login.room, nick] as const,
    );
    await this.#input.or(this.#refusal).first().waitFor();
    const refusal = await this.removal();
    if (refusal !== undefined) throw new Error(refusal);
    this.#nick = nick;
    await this.#show('occupants');
    await this.#room.locator('.occupant-nick', { hasText: nick }).first().waitFor();
  }

  /** What the sidebar has: the list of occupants, or one of them. */
  async #show(view: string): Promise<void> {
    await this.#page.evaluate(
      async ([jid, name]) => {
        const room = await (globalThis as unknown as ConverseWindow).api.rooms.get(jid);
        room?.save({ sidebar_view: name, hidden_occupants: false });
      },
      [this.#login.room, view] as const,
    );
  }

  async leave(): Promise<void> {
    await this.#menu('.close-chatbox-button');
    await this.#page.locator('.modal.show button[type="submit"], .modal.show .btn-primary').first().click();
    await this.#room.waitFor({ state: 'detached' });
  }

  async #menu(item: string): Promise<void> {
    await this.#room.locator('.chatbox-title__buttons .dropdown-toggle').first().click();
    await this.#room.locator(item).first().click();
  }

  async #type(text: string): Promise<void> {
    await this.#input.fill(text);
    await this.#input.press('Enter');
  }

  say = (text: string) => this.#type(text);

  async rename(nick: string): Promise<void> {
    const before = this.#nick;
    await this.#type(`/nick ${nick}`);
    // A nick that is taken makes it ask for another, as if it were outside: the person takes the old one again.
    const form = this.#room.locator('converse-muc-nickname-form form');
    const own = this.#room.getByText(`Your nickname has been changed to ${nick}`);
    await form.or(own).first().waitFor();
    if (await form.isVisible()) {
      await form.locator('input[name="nick"]').fill(before);
      await form.locator('input[type="submit"]').click();
      await this.#input.waitFor();
    } else this.#nick = nick;
  }

  setSubject = (text: string) => this.#type(`/topic ${text}`);
  kick = (nick: string, reason: string) => this.#type(`/kick @${nick} ${reason}`);
  ban = ({ nick }: { readonly nick: string }, reason: string) => this.#type(`/ban @${nick} ${reason}`);

  async #openOccupant(nick: string) {
    const one = this.#room.locator('converse-muc-occupant');
    if (
      !(await one.isVisible()) ||
      (await one.locator('.occupant-details-nickname').textContent({ timeout: 1000 })) !== nick
    ) {
      await this.#show('occupants');
      await this.#room.locator('.occupant-nick').getByText(nick, { exact: true }).click();
      await one.locator('.occupant-details-nickname').getByText(nick, { exact: true }).waitFor();
    }
    return one;
  }

  async tell(nick: string, text: string): Promise<void> {
    const input = (await this.#openOccupant(nick)).locator('textarea');
    await input.fill(text);
    await input.press('Enter');
  }

  async privateTexts(nick: string): Promise<readonly string[]> {
    return (await this.#openOccupant(nick)).locator('.chat-msg__text').allInnerTexts();
  }

  async #openForm() {
    await this.#menu('.configure-chatroom-button');
    const form = this.#page.locator('converse-muc-config-modal form');
    await form.locator('input[type="submit"]').waitFor();
    return form;
  }

  async configure(changes: Readonly<Record<string, string>>): Promise<void> {
    const form = await this.#openForm();
    for (const [name, value] of Object.entries(changes)) {
      const field = form.locator(`[name="${name}"]`);
      const kind = await field.evaluate((node) => (node as HTMLInputElement).type);
      if (kind === 'checkbox') await field.setChecked(value === '1');
      else if (kind.startsWith('select')) await field.selectOption(value);
      else await field.fill(value);
    }
    await form.locator('input[type="submit"]').click();
    await form.waitFor({ state: 'hidden' });
  }

  async configuration(): Promise<Readonly<Record<string, string>>> {
    const form = await this.#openForm();
    const values = await form.evaluate((node) => {
      const fields = [...(node as HTMLFormElement).elements] as HTMLInputElement[];
      return Object.fromEntries(
        fields
          .filter(({ name, type }) => name !== '' && type !== 'submit' && type !== 'file')
          .map(({ name, type, value, checked }) => [name, type === 'checkbox' ? (checked ? '1' : '0') : value]),
      );
    });
    await this.#page.locator('converse-muc-config-modal .modal-header [data-bs-dismiss]').click();
    await form.waitFor({ state: 'hidden' });
    return values;
  }

  async texts(): Promise<readonly string[]> {
    return this.#room.locator('converse-muc-chat-content .chat-msg__text').allInnerTexts();
  }

  async occupants(): Promise<readonly string[]> {
    await this.#show('occupants');
    // Those who are only on a list of the room are shown too, as offline.
    const present = 'converse-muc-occupants li.occupant:not(:has(converse-icon[color*="offline"]))';
    return this.#room.locator(`${present} .occupant-nick`).allInnerTexts();
  }

  async subject(): Promise<string> {
    return ((await this.#room.locator('.chat-head__desc').textContent()) ?? '').trim();
  }

  async removal(): Promise<string | undefined> {
    const words = await this.#refusal.allInnerTexts();
    return words.length === 0 ? undefined : words.join(' ');
  }

  async reload(nick: string): Promise<void> {
    await this.#context.close();
    await this.#start();
    await this.enter(nick);
  }

  complaints(): readonly string[] {
    return [...this.#complaints, ...this.traffic.faults()];
  }

  async stop(): Promise<void> {
    await this.#context.close();
  }
}
