import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Names under which the loopback interface is known: with our port these are ours whatever else is configured. */
const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether a request is meant for us and comes from a page of ours: a page of another site may open a
 * WebSocket to this machine (CSWSH), or point its own name at it (DNS rebinding).
 *
 * `Host` must be a name we serve, or the very IP address that was connected to (which no DNS can point elsewhere), with
 * our port. `Origin` may be absent (no browser); else it must be an http(s) origin
 * of such a host, exactly.
 *
 * @param names  hosts beside the loopback names: what `--host` or the configuration says
 * @returns what is wrong, or undefined
 */
export function foreignRequest(request: IncomingMessage, names: readonly string[]): string | undefined {
  const { port } = (request.socket.address() as Partial<AddressInfo>) ?? {};
  const address = (request.socket.localAddress ?? '').replace(/^::ffff:/, '');
  const own = address.includes(':') ? `[${address}]` : address;
  const isOurs = (host: string) => {
    const match = /^(\[[0-9a-f:.]+\]|[^:]+)(?::(\d+))?$/.exec(host.toLowerCase());
    if (match === null) return false;
    const [, name = '', given] = match;
    return Number(given ?? 80) === port && (loopbackNames.includes(name) || names.includes(name) || name === own);
  };
  if (!isOurs(request.headers.host ?? '')) return 'this Host is not served here';
  const { origin } = request.headers;
  if (origin === undefined) return undefined;
  const match = /^https?:\/\/([^/?#@]+)$/.exec(origin);
  return match?.[1] !== undefined && isOurs(match[1]) ? undefined : 'this Origin may not connect';
}

/** Whether the other end is on this machine. */
export function isLoopback(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? '';
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
