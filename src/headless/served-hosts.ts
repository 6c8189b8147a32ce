import { createHash, timingSafeEqual } from 'node:crypto';
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
 * @param publicUrl  where a proxy in front of us is, which hands on `Host` and `Origin` as they are
 * @returns what is wrong, or undefined
 */
export function foreignRequest(
  request: IncomingMessage,
  names: readonly string[],
  publicUrl?: URL,
): string | undefined {
  const { port } = (request.socket.address() as Partial<AddressInfo>) ?? {};
  const address = (request.socket.localAddress ?? '').replace(/^::ffff:/, '');
  const own = address.includes(':') ? `[${address}]` : address;
  const isOurs = (host: string) => {
    const match = /^(\[[0-9a-f:.]+\]|[^:]+)(?::(\d+))?$/.exec(host.toLowerCase());
    if (match === null) return false;
    const [, name = '', given] = match;
    return Number(given ?? 80) === port && (loopbackNames.includes(name) || names.includes(name) || name === own);
  };
  const isPublic = publicUrl !== undefined && request.headers.host?.toLowerCase() === publicUrl.host;
  if (isPublic)
    return request.headers.origin === undefined || request.headers.origin === publicUrl.origin
      ? undefined
      : 'this Origin may not connect';
  if (!isOurs(request.headers.host ?? '')) return 'this Host is not served here';
  const { origin } = request.headers;
  if (origin === undefined) return undefined;
  const match = /^https?:\/\/([^/?#@]+)$/.exec(origin);
  return match?.[1] !== undefined && isOurs(match[1]) ? undefined : 'this Origin may not connect';
}

/** What a proxy adds to a request: RFC 7239, and what there was before it. */
const forwarding = /^(?:forwarded|via|x-forwarded-|x-real-ip$|x-client-ip$|true-client-ip$|cf-connecting-ip$)/;

/**
 * Whether a request was made by somebody on this machine, as far as that can be seen: a proxy need not say that it is one.
 * So it opens no door where there may be one (`npm start` makes a token instead).
 */
export function isPlainLoopback(request: IncomingMessage): boolean {
  const name = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
  return (
    isLoopback(request) &&
    loopbackNames.includes(name) &&
    !Object.keys(request.headers).some((header) => forwarding.test(header))
  );
}

/** Whether a request shows the token that was printed at start (RFC 6750 §2.1). */
export function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const given = /^Bearer ([0-9a-f]+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

/** Whether the other end is on this machine. */
function isLoopback(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? '';
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
