import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { nodeLimits } from '../core/xmpp/size.ts';
import type { Budgets } from '../server/budget.ts';
import type { ServerHost } from '../server/host.ts';
import { type FindNetwork, Stream } from '../server/stream.ts';
import { Flush } from './flush.ts';
import { guardSockets, type HalfOpen, newStrangers } from './half-open.ts';
import { foreignRequest } from './served-hosts.ts';

export const websocketPath = '/xmpp-websocket';

export interface WebSocketHostOptions {
  readonly host: ServerHost;
  readonly find: FindNetwork;
  /** Of an instance, by the name in the address (`?room=`); undefined: there is none. */
  readonly finder?: (instance: string) => FindNetwork | undefined;
  /** What differs from the default is in the networks' own configuration as well. */
  readonly budgets?: Budgets;
  /** Hosts under which the page is served, beside the names of the loopback interface. */
  readonly names?: readonly string[];
  /** Where a proxy in front of it is. */
  readonly publicUrl?: URL | undefined;
  /** Whether an upgrade at another path is somebody else's, such as Vite's; all that are nobody's are refused. */
  readonly isTaken?: (request: IncomingMessage) => boolean;
}

/** A peer that answers no ping for that long is gone: a socket can be half dead for many minutes otherwise. */
const pingMs = 30_000;
/** Above this much unsent there are no pings and pongs. */
const pongAboveBytes = 64 * 1024;
/** How long a refused peer may take to read why. */
const refusedMs = 1000;
/** A peer that never answers our close is cut off then. */
const closeMs = 2000;

/**
 * Serves XMPP over WebSocket (RFC 7395) on an HTTP server. Every refusal is an HTTP answer with one line of text.
 *
 * @returns closes all streams and stops listening for upgrades; the HTTP server itself is the caller's
 */
export function attachWebSocketHost(server: Server, options: WebSocketHostOptions): () => void {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: nodeLimits.bytes,
    perMessageDeflate: false,
    autoPong: false,
    handleProtocols: () => 'xmpp',
  });

  const unguard = guardSockets(server);
  const strangers = newStrangers();

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const [path, query] = (request.url ?? '').split('?');
    if (path !== websocketPath) {
      if (options.isTaken?.(request) !== true) refuse(socket, '404 Not Found', `the WebSocket is at ${websocketPath}`);
      return;
    }
    const foreign = foreignRequest(request, options.names ?? [], options.publicUrl);
    if (foreign !== undefined) return refuse(socket, '403 Forbidden', foreign);
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    if (!protocols.includes('xmpp'))
      return refuse(socket, '400 Bad Request', 'the subprotocol xmpp is needed (RFC 7395)');
    const room = new URLSearchParams(query).get('room') ?? '';
    const find = room === '' ? options.find : options.finder?.(room);
    if (find === undefined)
      return refuse(socket, '404 Not Found', `there is no room ${JSON.stringify(room.slice(0, 80))}`);
    sockets.handleUpgrade(request, socket, head, (webSocket) =>
      serve(webSocket, socket, request.socket.remoteAddress ?? '', strangers, { ...options, find }),
    );
  };
  server.on('upgrade', upgrade);
  return () => {
    server.off('upgrade', upgrade);
    unguard();
    for (const webSocket of sockets.clients) webSocket.terminate();
    sockets.close();
  };
}

const flush = new Flush();

function serve(
  webSocket: WebSocket,
  socket: Duplex,
  address: string,
  strangers: HalfOpen,
  { host, find, budgets }: WebSocketHostOptions,
): void {
  const known = strangers.add(address, () => webSocket.terminate());
  const connection = {
    address,
    loggedIn: known,
    send: (frame: string) => {
      if (webSocket.readyState !== webSocket.OPEN) return;
      flush.cork(socket);
      webSocket.send(frame);
    },
    close: () => {
      webSocket.close(1000);
      setTimeout(() => webSocket.terminate(), closeMs).unref();
    },
    buffered: () => webSocket.bufferedAmount,
    read: (on: boolean) => {
      if (on) webSocket.resume();
      else webSocket.pause();
    },
  };
  const stream = new Stream(connection, host, find, budgets);
  socket.on('drain', () => stream.drained());
  webSocket.on('message', (data, isBinary) => {
    if (isBinary) stream.binary();
    else stream.text(data.toString());
  });
  // A pong may wait behind much that is read slowly, or behind us when we do not read: the budgets see to both.
  let heard = true;
  let held = 0;
  const pinging = setInterval(() => {
    const { bufferedAmount } = webSocket;
    const moves = bufferedAmount > pongAboveBytes && bufferedAmount !== held;
    held = bufferedAmount;
    if (webSocket.isPaused || moves) return;
    if (!heard) webSocket.terminate();
    heard = false;
    webSocket.ping();
  }, pingMs).unref();
  webSocket.on('pong', (data) => {
    heard = true;
    stream.control(data.length);
  });
  // Whoever reads no pongs gets none: they would fill the memory.
  webSocket.on('ping', (data) => {
    stream.control(data.length);
    if (webSocket.readyState === webSocket.OPEN && webSocket.bufferedAmount <= pongAboveBytes) webSocket.pong(data);
  });
  webSocket.on('close', () => {
    clearInterval(pinging);
    known();
    stream.closed();
  });
  // Too long, not UTF-8, a broken frame: ws closes with the code that says so (RFC 6455 §7.4.1), and 'close' follows.
  webSocket.on('error', (error) => host.log?.(`websocket: ${error.message}`));
}

function refuse(socket: Duplex, status: string, reason: string): void {
  const body = `${reason}\n`;
  socket.on('error', () => undefined);
  // A peer that does not close its side would keep the socket otherwise.
  socket.on('finish', () => setTimeout(() => socket.destroy(), refusedMs).unref());
  socket.resume();
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
