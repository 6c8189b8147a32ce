/**
 * No server at all: `ws` alone, which sends the load generator's sockets the bytes that our room does. It reads no XML, checks
 * nothing and remembers nothing, so this is what Node and `ws` cost by themselves.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

const domain = 'localhost';
const rooms = `conference.${domain}`;
const framing = 'xmlns="urn:ietf:params:xml:ns:xmpp-framing"';
const streams = 'xmlns:stream="http://etherx.jabber.org/streams"';
const client = 'xmlns="jabber:client"';
/** What our room adds to each message: XEP-0421, XEP-0359. */
const occupantId = (nick: string) => `<occupant-id xmlns="urn:xmpp:occupant-id:0" id="${nick.padEnd(12, 'x')}"/>`;
const stanzaId = (room: string) =>
  `<stanza-id xmlns="urn:xmpp:sid:0" by="${room}" id="${randomBytes(6).toString('hex')}"/>`;
const self = '<status code="110"/>';

interface Occupant {
  readonly socket: WebSocket;
  readonly jid: string;
  readonly nick: string;
}

const inside = new Map<string, Occupant[]>();
/** Rooms that tell occupants of themselves alone. */
const hushed = new Set<string>();

class Session {
  readonly #socket: WebSocket;
  #user = '';
  #nick = '';

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#take(String(data)));
  }

  #take(text: string): void {
    if (text.startsWith('<open')) {
      this.#socket.send(`<open ${framing} from="${domain}" id="a" version="1.0"/>`);
      this.#socket.send(`<stream:features ${streams}/>`);
    } else if (text.startsWith('<auth')) {
      this.#user = (Buffer.from(/>([^<]*)/.exec(text)?.[1] ?? '', 'base64')
        .toString()
        .split('\0')[1] ?? '') as string;
      this.#socket.send('<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>');
    } else if (text.startsWith('<iq'))
      this.#socket.send(
        `<iq ${client} type="result" id="${/ id="([^"]*)"/.exec(text)?.[1]}"><jid>${this.#jid}</jid></iq>`,
      );
    if (text.includes('presencebroadcast')) hushed.add(this.#roomIn(text));
    if (text.startsWith('<presence')) this.#enter(text);
    if (text.startsWith('<message')) this.#say(text);
  }

  get #jid(): string {
    return `${this.#user}@${domain}/bench`;
  }

  #roomIn(text: string): string {
    return / to="([^"/]*)/.exec(text)?.[1] ?? '';
  }

  #enter(text: string): void {
    const room = this.#roomIn(text);
    this.#nick = / to="[^"/]*\/([^"]*)/.exec(text)?.[1] ?? '';
    const occupants = inside.get(room) ?? [];
    inside.set(room, occupants);
    const shown = (nick: string, to: string, status = '') =>
      `<presence ${client} from="${room}/${nick}" to="${to}">${occupantId(nick)}<x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="none" role="participant"/>${status}</x></presence>`;
    if (!hushed.has(room))
      for (const { socket, jid, nick } of occupants) {
        this.#socket.send(shown(nick, this.#jid));
        socket.send(shown(this.#nick, jid));
      }
    occupants.push({ socket: this.#socket, jid: this.#jid, nick: this.#nick });
    this.#socket.send(shown(this.#nick, this.#jid, self));
    this.#socket.send(`<message ${client} from="${room}" to="${this.#jid}" type="groupchat"><subject/></message>`);
  }

  #say(text: string): void {
    const room = this.#roomIn(text);
    const id = / id="([^"]*)"/.exec(text)?.[1];
    const body = /<body>.*<\/body>/.exec(text)?.[0];
    const before = `<message ${client} from="${room}/${this.#nick}" to="`;
    const after = `" type="groupchat" id="${id}">${body}${occupantId(this.#nick)}${stanzaId(room)}</message>`;
    for (const { socket, jid } of inside.get(room) ?? []) socket.send(before + jid + after);
  }
}

const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false, handleProtocols: () => 'xmpp' });
sockets.on('connection', (socket) => new Session(socket));
http.listen(0, '127.0.0.1', () => {
  console.log(`ready ws://127.0.0.1:${(http.address() as AddressInfo).port}/ ${rooms}`);
});
