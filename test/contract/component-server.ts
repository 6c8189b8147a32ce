import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { jid, parseJid } from '../../src/core/xmpp/jid.ts';
import { stanzaText } from '../../src/core/xmpp/stanza.ts';
import { elementsOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { type Frame, StreamFrames } from '../../src/headless/stream-frames.ts';
import type { LocalSession, Network } from '../../src/server/network.ts';
import { parseElement } from '../../src/server/parser.ts';

export const accept = 'jabber:component:accept';
const streams = 'http://etherx.jabber.org/streams';
const header = (id: string, from: string) =>
  `<?xml version='1.0'?><stream:stream xmlns:stream='${streams}' xmlns='${accept}' id='${id}' from='${from}'>`;

/** One component's connection, as the server sees it. */
export class ServerSide {
  readonly received: XmlElement[] = [];
  readonly socket: Socket;
  id = '';
  domain = '';
  up = false;
  closed = false;
  /** Where the component ended the stream in order. */
  ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  send(data: string | Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(data);
  }
  streamError(condition: string, text = ''): void {
    const words = text === '' ? '' : `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${text}</text>`;
    this.send(
      `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>${words}</stream:error></stream:stream>`,
    );
    this.socket.end();
  }
}

export interface ComponentServerOptions {
  readonly secret?: string;
  /** Default: any free one. */
  readonly port?: number;
  /** Whether there is such a component; default: any. */
  known?(domain: string): boolean;
  /** The stream's id; default: a new one each time. */
  opened?(side: ServerSide): string;
  up?(side: ServerSide): void;
  element?(side: ServerSide, element: XmlElement): void;
  closed?(side: ServerSide): void;
}

/** The server's half of XEP-0114 on a free port of the loopback interface, for tests. */
export async function startComponentServer(options: ComponentServerOptions = {}) {
  const sides: ServerSide[] = [];
  const { secret = 'pw' } = options;
  let opened = 0;
  const server = createServer((socket) => {
    const side = new ServerSide(socket);
    sides.push(side);
    const frames = new StreamFrames(1e7);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      side.closed = true;
      options.closed?.(side);
    });
    socket.on('data', (chunk) => {
      for (const frame of frames.push(chunk)) take(side, frame);
    });
  });

  function take(side: ServerSide, frame: Frame): void {
    if (frame.kind === 'header') {
      side.domain = / to='([^']*)'/.exec(frame.text)?.[1] ?? '';
      const known = options.known?.(side.domain) ?? true;
      side.id = known ? (options.opened?.(side) ?? `stream${++opened}`) : 'none';
      side.send(header(side.id, side.domain));
      if (!known) side.streamError('host-unknown');
      return;
    }
    if (frame.kind === 'end') {
      side.ended = true;
      side.socket.end('</stream:stream>');
      return;
    }
    if (frame.kind !== 'element') throw new Error(frame.why);
    const parsed = parseElement(`${header('', '').replace(/^.*\?>/, '')}${frame.text}</stream:stream>`, {
      bytes: 1e7,
      depth: 1000,
      attributes: 100,
      children: 1e6,
      declarations: 1e6,
    });
    if (!parsed.ok) throw new Error(`${parsed.text}: ${frame.text}`);
    const element = elementsOf(parsed.element)[0] as XmlElement;
    if (element.name === 'handshake') {
      const right = createHash('sha1')
        .update(side.id + secret)
        .digest('hex');
      if (element.children.join('') !== right) return side.streamError('not-authorized', 'Given token does not match');
      side.send('<handshake/>');
      side.up = true;
      options.up?.(side);
      return;
    }
    side.received.push(element);
    options.element?.(side, element);
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    /** All connections so far. */
    sides,
    close: () =>
      new Promise<void>((resolve) => {
        for (const { socket } of sides) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Components of a network of the embedded server: the network routes, this speaks to the component. */
export function startNetworkComponents(network: Network) {
  const sessions = new Map<ServerSide, LocalSession>();
  const waiting = new Map<ServerSide, string[]>();
  return startComponentServer({
    known: (domain) => {
      const address = parseJid(domain);
      return address !== undefined && network.accounts.get(address) !== undefined;
    },
    opened(side) {
      waiting.set(side, []);
      const domain = jid(side.domain);
      const session = network.openSession(domain, [domain], {
        stanza: (stanza) => {
          const queue = waiting.get(side);
          if (queue === undefined) side.send(stanzaText(stanza));
          else queue.push(stanzaText(stanza));
        },
        ended: (condition, text) => side.streamError(condition, text),
      });
      if (!session.ok) throw new Error(session.error.condition);
      sessions.set(side, session.session);
      return session.session.stream;
    },
    up(side) {
      for (const text of waiting.get(side) ?? []) side.send(text);
      waiting.delete(side);
    },
    element(side, { name, attrs, children }) {
      const { from, to, id, type } = attrs;
      sessions.get(side)?.send({
        name: name as 'message',
        from: jid(from ?? ''),
        to: jid(to ?? ''),
        ...(id === undefined ? {} : { id }),
        ...(type === undefined ? {} : { type }),
        payloads: children
          .filter((child): child is XmlElement => typeof child !== 'string')
          .map((child) => ({ ...child, xmlns: child.xmlns === accept ? 'jabber:client' : child.xmlns })),
      });
    },
    closed: (side) => sessions.get(side)?.close(),
  });
}
