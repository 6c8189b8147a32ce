import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/**
 * A room's occupant as light as it can be, so that a thousand of them do not measure themselves: its own WebSocket
 * framing (RFC 6455) on a bare socket, or none (RFC 6120 over TCP), and no XML parser. Logging in looks at text; once `live`,
 * only at bytes.
 */
export class Occupant {
  readonly nick: string;
  readonly #socket: Socket;
  readonly #isTcp: boolean;
  /** The start of a frame whose rest is still under way. */
  #rest: Buffer = Buffer.alloc(0);
  #waiting: { readonly pattern: RegExp; done(match: RegExpExecArray): void } | undefined;
  #texts: string[] = [];
  #live: ((kind: number, frame: Buffer, start: number, end: number) => void) | undefined;
  /** Set when the server has ended the stream: nothing more will come. */
  closed: string | undefined;

  private constructor(nick: string, port: number, isTcp: boolean) {
    this.nick = nick;
    this.#isTcp = isTcp;
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      // One buffer for all sockets: what arrives is looked at before the next read.
      onread: {
        buffer: shared,
        callback: (length, buffer) => {
          this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, length));
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#close(error.message));
    this.#socket.on('close', () => this.#close('the connection was closed'));
  }

  /**
   * Logs in with SASL PLAIN and binds a resource. RFC 7395, RFC 6120 §6 and §7.
   *
   * @param url  ws:// or tcp://
   */
  static async login(nick: string, url: string, domain: string, user: string): Promise<Occupant> {
    const { port, pathname, host, protocol } = new URL(url);
    const isTcp = protocol === 'tcp:';
    const occupant = new Occupant(nick, Number(port), isTcp);
    const plain = Buffer.from(`\0${user}\0pw`).toString('base64');
    const auth = `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${plain}</auth>`;
    const bind =
      '<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>bench</resource></bind></iq>';
    if (isTcp) {
      const stream = `<?xml version="1.0"?><stream:stream xmlns="jabber:client" xmlns:stream="http://etherx.jabber.org/streams" to="${domain}" version="1.0">`;
      await occupant.#ask(stream, /<\/stream:features>/);
      await occupant.#ask(auth, /<success[^>]*>/);
      await occupant.#ask(stream, /<\/stream:features>/);
      await occupant.#ask(bind, /<\/iq>/);
      return occupant;
    }
    const upgraded = occupant.#expect(/^HTTP\/1\.1 101/);
    occupant.#socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n`,
    );
    await upgraded;
    const open = `<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="${domain}" version="1.0"/>`;
    await occupant.#ask(open, /<(?:stream:)?features/);
    await occupant.#ask(auth, /<success/);
    await occupant.#ask(open, /<(?:stream:)?features/);
    await occupant.#ask(bind, /<jid>/);
    return occupant;
  }

  /** From now on every stanza is given as bytes; `kind` is the letter after `<`. */
  watch(live: (kind: number, frame: Buffer, start: number, end: number) => void): void {
    this.#live = live;
    this.#texts = [];
  }

  send(text: string): void {
    this.#socket.write(this.#isTcp ? text : frameOf(1, Buffer.from(text)));
  }

  end(): void {
    this.#socket.destroy();
  }

  #close(why: string): void {
    this.closed ??= why;
  }

  #ask(text: string, answer: RegExp): Promise<RegExpExecArray> {
    const answered = this.#expect(answer);
    this.send(text);
    return answered;
  }

  #expect(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.end();
        reject(new Error(`${this.nick}: no ${pattern} but ${this.#texts.at(-1)}`));
      }, 20_000);
      this.#waiting = {
        pattern,
        done: (match) => {
          clearTimeout(timer);
          resolve(match);
        },
      };
    });
  }

  #text(text: string): void {
    this.#texts.push(text.slice(0, 300));
    const match = this.#waiting?.pattern.exec(text);
    if (!match) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.done(match);
  }

  #upgraded = false;

  #read(chunk: Buffer): void {
    let data = chunk;
    if (this.#rest.length > 0) data = Buffer.concat([this.#rest, chunk]);
    if (this.#isTcp) return this.#readStream(data);
    let at = 0;
    if (!this.#upgraded) {
      const end = data.indexOf('\r\n\r\n');
      if (end >= 0) {
        this.#upgraded = true;
        this.#text(data.toString('latin1', 0, end));
        at = end + 4;
      }
    }
    while (this.#upgraded && at + 2 <= data.length) {
      const opcode = (data[at] as number) & 0x0f;
      let length = (data[at + 1] as number) & 0x7f;
      let start = at + 2;
      if (length === 126) {
        if (at + 4 > data.length) break;
        length = data.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length === 127) {
        if (at + 10 > data.length) break;
        length = Number(data.readBigUInt64BE(at + 2));
        start = at + 10;
      }
      const end = start + length;
      if (end > data.length) break;
      this.#frame(opcode, data, start, end);
      at = end;
    }
    // The shared buffer is read into again: what is kept is copied.
    this.#rest = at === data.length ? empty : Buffer.from(data.subarray(at));
  }

  /** Stanzas between the others. What the bench's rooms send holds no stanza in another, and no `>` in an attribute. */
  #readStream(data: Buffer): void {
    if (this.#live === undefined) {
      const text = data.toString('latin1');
      // A part of an answer waits for the rest.
      const isWhole = this.#waiting?.pattern.test(text) === true;
      if (isWhole) this.#text(text);
      this.#rest = isWhole ? empty : Buffer.from(data);
      return;
    }
    let at = 0;
    for (;;) {
      const start = data.indexOf(0x3c, at);
      if (start < 0) break;
      const opened = data.indexOf(0x3e, start);
      if (opened < 0) break;
      const kind = data[start + 1] as number;
      let end = opened + 1;
      if (data[opened - 1] !== slash && kind !== slash) {
        const close = closing.get(kind);
        const found = close === undefined ? -1 : data.indexOf(close, opened);
        if (close !== undefined && found < 0) break;
        if (close !== undefined) end = found + close.length;
      }
      if (kind === slash || kind === letterS)
        this.#close(data.toString('latin1', start, Math.min(data.length, start + 300)));
      else this.#live(kind, data, start, end);
      at = end;
    }
    this.#rest = at >= data.length ? empty : Buffer.from(data.subarray(at));
  }

  #frame(opcode: number, data: Buffer, start: number, end: number): void {
    if (opcode === 1) {
      if (this.#live !== undefined) this.#live(data[start + 1] as number, data, start, end);
      else this.#text(data.toString('latin1', start, end));
      if (data[start + 1] === letterS && data.toString('latin1', start, start + 13) === '<stream:error')
        this.#close(data.toString('latin1', start, end));
    } else if (opcode === 9) this.#socket.write(frameOf(10, data.subarray(start, end)));
    else if (opcode === 8) this.#close('the server closed the WebSocket');
  }
}

const letterS = 's'.charCodeAt(0);
const slash = '/'.charCodeAt(0);
const closing: ReadonlyMap<number, Buffer> = new Map(
  ['message', 'presence', 'iq'].map((name) => [name.charCodeAt(0), Buffer.from(`</${name}>`)]),
);
const empty = Buffer.alloc(0);
const shared = Buffer.alloc(256 * 1024);

/** A client's frame: masked (RFC 6455 §5.3), here with a mask of zeros, which leaves the bytes as they are. */
function frameOf(opcode: number, payload: Buffer): Buffer {
  const long = payload.length >= 126;
  const frame = Buffer.alloc((long ? 8 : 6) + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (long ? 126 : payload.length);
  if (long) frame.writeUInt16BE(payload.length, 2);
  payload.copy(frame, long ? 8 : 6);
  return frame;
}
