import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bareOf, parseJid } from '../core/xmpp/jid.ts';
import { metricsOf } from './metrics.ts';
import type { MetricsPlace } from './metrics-place.ts';
import { foreignRequest, isPlainLoopback } from './served-hosts.ts';
import type { Watch } from './watch.ts';

/** Those who ask at once. */
const connectionsMax = 64;
const entriesDefault = 200;
const entriesMax = 1000;

/**
 * Serves what may be known of a service from outside: `/metrics`, `/health`, `/ready`, and to those on this machine `/links` and
 * `/trace?room=…&limit=…`.
 *
 * @throws Error of the system, such as EADDRINUSE
 */
export async function serveWatch(
  watch: Watch,
  place: MetricsPlace,
): Promise<{ readonly url: string; readonly server: Server }> {
  const metrics = metricsOf(watch);
  const isLoopback = /^(?:localhost|127\.|::1$)/.test(place.host);
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    // A page in a browser of this machine may have pointed its own name here.
    const foreign = isLoopback ? foreignRequest(request, []) : undefined;
    if (foreign !== undefined) return answer(response, 403, { error: foreign });
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, { error: `${request.method}: only GET` });
    switch (pathname) {
      case '/health':
        return answer(response, 200, { status: 'ok' });
      case '/ready': {
        const waitsFor = watch.waitsFor();
        return answer(response, waitsFor.length === 0 ? 200 : 503, { ready: waitsFor.length === 0, waitsFor });
      }
      case '/metrics':
        return void metrics.metrics().then(
          (text) => answerText(response, 200, metrics.contentType, text),
          () => answer(response, 500, { error: 'the figures cannot be read' }),
        );
      case '/links':
        return onThisMachine(request, response, () => answer(response, 200, watch.links()));
      case '/trace':
        return onThisMachine(request, response, () => answerTrace(response, watch, searchParams));
      default:
        return answer(response, 404, { error: 'there are /metrics, /health, /ready, /links and /trace?room=' });
    }
  });
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(place.port, place.host, resolve);
  });
  // It keeps no service alive that has nothing else to do.
  server.unref();
  const { address, port, family } = server.address() as AddressInfo;
  return { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`, server };
}

/** Rooms, users' addresses and peers are for whoever runs the service. */
function onThisMachine(request: IncomingMessage, response: ServerResponse, then: () => void): void {
  if (isPlainLoopback(request) && request.headers.origin === undefined) then();
  else answer(response, 403, { error: 'only for requests from this machine, to 127.0.0.1 or localhost' });
}

function answerTrace(response: ServerResponse, watch: Watch, search: URLSearchParams): void {
  const room = parseJid(search.get('room') ?? '');
  if (room === undefined || room !== bareOf(room))
    return answer(response, 400, { error: 'room: the address of a room is needed' });
  const limit = search.get('limit') ?? String(entriesDefault);
  const most = /^\d{1,4}$/.test(limit) ? Number(limit) : 0;
  if (most < 1 || most > entriesMax) return answer(response, 400, { error: `limit: a number from 1 to ${entriesMax}` });
  answer(response, 200, { room, entries: watch.ring.of(room, most) });
}

function answer(response: ServerResponse, status: number, body: object): void {
  answerText(response, status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`);
}

function answerText(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}
