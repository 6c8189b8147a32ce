import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { noEjabberd, startEjabberd } from '../bench/ejabberd.ts';
import { Occupant } from '../bench/occupant.ts';
import { startComponent } from './support/component.ts';

// XEP-0033 with ejabberd's mod_multicast: a message of our component to many leaves as one stanza, and nobody sees a difference.

const soon = <T>(get: () => T) => expect.poll(get, { timeout: 60_000, interval: 20 });
const users = 'localhost';
const rooms = 'rooms.localhost';
const room = `elsinore@${rooms}`;
const muc = 'http://jabber.org/protocol/muc';
const infinite = '{ message: infinite, presence: infinite }';

/** In `npm test`: one of them. */
const fast = process.env['INTEROP'] === 'fast';
/** What it is, how it is configured, and in how many stanzas 45 people are told something. */
const kinds: readonly [string, Readonly<Record<string, string>>, number][] = [
  ['not there', {}, 0],
  ['as it is by itself, for 20 addresses', { mod_multicast: '{}' }, 3],
  ['without a limit', { mod_multicast: `{ limits: { local: ${infinite}, remote: ${infinite} } }` }, 1],
];

/** In the order in which they are to be undone, the last first. */
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A user of the server, and what the room has told them: who is there (`+`), how they are, who has gone (`-`), what was said. */
class Client {
  readonly nick: string;
  readonly seen: string[] = [];
  readonly #occupant: Occupant;

  private constructor(nick: string, occupant: Occupant) {
    this.nick = nick;
    this.#occupant = occupant;
    occupant.watch((_kind, frame, start, end) => this.#take(frame.toString('utf8', start, end)));
  }

  static async enter(nick: string, websocket: string): Promise<Client> {
    const client = new Client(nick, await Occupant.login(nick, websocket, users, nick));
    undo.push(() => client.#occupant.end());
    client.#send(`<presence to="${room}/${nick}"><x xmlns="${muc}"/></presence>`);
    await soon(() => client.seen).toContain(`+${nick}`);
    return client;
  }

  say(text: string): void {
    this.#send(`<message to="${room}" type="groupchat"><body>${text}</body></message>`);
  }

  show(show: string): void {
    this.#send(`<presence to="${room}/${this.nick}"><show>${show}</show></presence>`);
  }

  leave(): void {
    this.#send(`<presence to="${room}/${this.nick}" type="unavailable"/>`);
  }

  #send(text: string): void {
    this.#occupant.send(text.replace(/^<\w+/, '$& xmlns="jabber:client"'));
  }

  #take(text: string): void {
    const of = (pattern: RegExp) => pattern.exec(text)?.[1];
    const nick = of(/^[^>]* from=['"][^/'"]*\/([^'"]*)['"]/);
    // What was said before they came is theirs alone.
    if (nick === undefined || text.includes('urn:xmpp:delay')) return;
    const [body, show] = [of(/<body[^>]*>([^<]*)/), of(/<show>([^<]*)/)];
    if (text.startsWith('<message') && body !== undefined) this.seen.push(`${nick}: ${body}`);
    if (!text.startsWith('<presence') || /^[^>]* type=['"]error/.test(text)) return;
    if (/^[^>]* type=['"]unavailable/.test(text)) this.seen.push(`-${nick}`);
    else this.seen.push(show === undefined ? `+${nick}` : `${nick} is ${show}`);
  }
}

/** A component of the server, and what it has written to it so far. */
async function listenedTo(serverPort: number) {
  let text = '';
  const proxy = createServer((socket) => {
    const onward = connect(serverPort, '127.0.0.1');
    socket.on('data', (data) => {
      text += data;
    });
    socket.pipe(onward).pipe(socket);
    for (const one of [socket, onward]) one.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  undo.push(() => proxy.close());
  const component = await startComponent(
    (proxy.address() as AddressInfo).port,
    'secret',
    '--domain',
    rooms,
    '--unlocked',
  );
  undo.push(() => component.end('SIGTERM'));
  return { text: () => text, complaints: component.complaints };
}

describe.skipIf(noEjabberd !== undefined)(
  `A component of an ejabberd with mod_multicast (${noEjabberd ?? 'there'})`,
  () => {
    it.each(fast ? kinds.slice(-1) : kinds)(
      '%s: everybody hears everything once and in one order',
      async (_, modules, stanzas) => {
        const ejabberd = await startEjabberd(users, `own.${rooms}`, { [rooms]: 'secret' }, { modules });
        undo.push(() => ejabberd.stop());
        const component = await listenedTo(ejabberd.componentPort);
        const clients: Client[] = [];
        for (let i = 0; i < 45; i++) clients.push(await Client.enter(`n${i}`, ejabberd.websocket));
        const [first, second, third] = clients as [Client, Client, Client];
        const all = (text: string) =>
          soon(() =>
            clients.filter(({ seen }) => !seen.includes(text)).map(({ nick, seen }) => [nick, ...seen]),
          ).toEqual([]);

        // Because of the first for so many the server is asked for such a service, and it takes a moment until it has answered.
        const hasFound = () => stanzas === 0 || component.text().includes('<addresses');
        for (let i = 0; i === 0 || (i < 100 && !hasFound()); i++) {
          second.say(`before ${i}`);
          await all(`n1: before ${i}`);
        }
        first.say('once');
        await all('n0: once');
        const written = component.text();
        expect(written.slice(written.indexOf('once')).match(/once/g)).toHaveLength(stanzas || 45);

        // Many at once, while somebody comes and goes and is told of it alone.
        for (const { seen } of clients) seen.length = 0;
        const said: string[] = [];
        const late: Client[] = [];
        for (let round = 0; round < 8; round++) {
          for (const client of clients.slice(0, 10)) {
            client.say(`${round}`);
            said.push(`${client.nick}: ${round}`);
          }
          third.show(round % 2 === 0 ? 'away' : 'dnd');
          late.push(await Client.enter(`late${round}`, ejabberd.websocket));
          if (round % 2 === 1) late[round]?.leave();
        }
        for (const text of [...said, 'n2 is dnd', '-late7']) await all(text);
        expect(said.filter((text) => first.seen.filter((one) => one === text).length !== 1)).toEqual([]);
        for (const { nick, seen } of clients) expect(seen, nick).toEqual(first.seen);
        for (const { nick, seen } of late) {
          const after = (list: readonly string[]) => list.slice(list.indexOf(`+${nick}`) + 1);
          const own = after(first.seen);
          const until = own.indexOf(`-${nick}`);
          expect(after(seen), nick).toEqual(until < 0 ? own : own.slice(0, until + 1));
        }
        expect(component.complaints()).toBe('');
      },
      240_000,
    );
  },
);
