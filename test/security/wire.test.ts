import { get } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { builtIn } from '../../src/scenario/built-in.ts';
import { startServer } from '../support/server.ts';

let server: Awaited<ReturnType<typeof startServer>>;
beforeAll(async () => {
  server = await startServer(builtIn);
});
afterAll(() => server.close());

/** Asks for an upgrade by hand. @returns status line and body */
function upgrade(
  headers: Record<string, string | undefined>,
  path = '/xmpp-websocket',
): Promise<{ status: string; body: string }> {
  const all: Record<string, string | undefined> = {
    Host: `127.0.0.1:${server.port}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'xmpp',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (text.startsWith('HTTP/1.1 101')) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () =>
      resolve({ status: text.split('\r\n')[0] ?? '', body: text.split('\r\n\r\n').slice(1).join('') }),
    );
  });
}

describe('W15: pages of other sites and rebound names get no WebSocket', () => {
  it.each([
    ['no Origin (no browser)', {}],
    ['our own Origin', { Origin: 'http://127.0.0.1:PORT' }],
    ['another of our names', { Origin: 'http://localhost:PORT' }],
    ['several subprotocols', { 'Sec-WebSocket-Protocol': 'chat, xmpp' }],
    ['localhost', { Host: 'localhost:PORT' }],
    ['[::1]', { Host: '[::1]:PORT' }],
  ])('lets in: %s', async (_, headers) => {
    const withPort = Object.fromEntries(
      Object.entries(headers).map(([k, v]) => [k, v.replace('PORT', String(server.port))]),
    );
    const { status, body } = await upgrade(withPort);
    expect(status).toContain('101');
    expect(body).toBe('');
  });

  it.each([
    ['an evil Origin', { Origin: 'https://evil.example' }, '403'],
    ['the null Origin', { Origin: 'null' }, '403'],
    ['an empty Origin', { Origin: '' }, '403'],
    ['a lookalike', { Origin: 'http://127.0.0.1.evil.example:PORT' }, '403'],
    ['a lookalike user part', { Origin: 'http://127.0.0.1:PORT@evil.example' }, '403'],
    ['another port', { Origin: 'http://127.0.0.1:1' }, '403'],
    ['no port', { Origin: 'http://127.0.0.1' }, '403'],
    ['another scheme', { Origin: 'file://127.0.0.1:PORT' }, '403'],
    ['an Origin with a path', { Origin: 'http://127.0.0.1:PORT/' }, '403'],
    ['a rebound Host', { Host: 'evil.example:PORT' }, '403'],
    ['a rebound Host with its own Origin', { Host: 'evil.example:PORT', Origin: 'http://evil.example:PORT' }, '403'],
    ['a Host with another port', { Host: '127.0.0.1:1' }, '403'],
    ['no Host', { Host: undefined }, '40'],
    ['no subprotocol', { 'Sec-WebSocket-Protocol': undefined }, '400'],
    ['another subprotocol', { 'Sec-WebSocket-Protocol': 'xmpp2' }, '400'],
    ['another WebSocket version', { 'Sec-WebSocket-Version': '7' }, '400'],
    ['a broken key', { 'Sec-WebSocket-Key': 'x' }, '400'],
  ])('refuses %s with an HTTP answer, not one byte of XMPP', async (_, headers, expected) => {
    const withPort = Object.fromEntries(
      Object.entries(headers).map(([k, v]) => [k, v?.replace('PORT', String(server.port))]),
    );
    const { status, body } = await upgrade(withPort);
    expect(status).toMatch(new RegExp(`^HTTP/1.1 ${expected}`));
    expect(body).not.toContain('<');
  });

  it('refuses other paths', async () => {
    expect((await upgrade({}, '/xmpp-websocket/x')).status).toContain('404');
  });
});

const framing = 'urn:ietf:params:xml:ns:xmpp-framing';

function dial(domain = 'avalon.irc'): Promise<{ socket: WebSocket; frames: string[]; closed: Promise<number> }> {
  const socket = new WebSocket(server.url, ['xmpp']);
  const frames: string[] = [];
  socket.on('message', (data) => frames.push(data.toString()));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      socket.send(`<open xmlns="${framing}" to="${domain}" version="1.0"/>`);
      const wait = setInterval(() => {
        if (frames.length < 2) return;
        clearInterval(wait);
        resolve({ socket, frames, closed });
      }, 2);
    });
  });
}

describe('W1-W5 on a real socket', () => {
  it.each([
    [
      'W1 8 KiB + 1 before login',
      Buffer.from(`<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl">${'A'.repeat(8192)}</auth>`),
      false,
      'policy-violation',
    ],
    ['W2 depth', Buffer.from('<a>'.repeat(100)), false, 'policy-violation'],
    ['W3 entity bomb', Buffer.from('<!DOCTYPE m [<!ENTITY a "aaaa">]><m>&a;</m>'), false, 'restricted-xml'],
    ['W4 NUL', Buffer.from('<a>\u0000</a>'), false, 'not-well-formed'],
    ['W5 binary', Buffer.from('<a/>'), true, 'not-well-formed'],
    ['W5 two stanzas', Buffer.from('<iq xmlns="jabber:client"/><iq xmlns="jabber:client"/>'), false, 'not-well-formed'],
  ])('%s ends the stream', async (_, data, binary, condition) => {
    const { socket, frames, closed } = await dial();
    socket.send(data, { binary });
    await closed;
    expect(frames.at(-2)).toContain(`<${condition} `);
    expect(frames.at(-1)).toBe(`<close xmlns="${framing}"/>`);
  });

  it('W1 a message beyond any limit is not even read', async () => {
    const { socket, closed } = await dial();
    socket.send('x'.repeat(600 * 1024));
    expect(await closed).toBe(1009);
  });

  it('W4 invalid UTF-8 is refused by the socket', async () => {
    const { socket, closed } = await dial();
    socket.send(Buffer.from([0x3c, 0xc3, 0x28]), { binary: false });
    expect(await closed).toBe(1007);
  });

  it("a service's domain selects its network, an unknown one none", async () => {
    expect((await dial('rooms.wonderland.lit')).frames[0]).toContain('from="rooms.wonderland.lit"');
    const { frames, closed } = await dial('nowhere.example');
    await closed;
    expect(frames[1]).toContain('<host-unknown ');
  });
});

describe('W17: nothing is served over plain HTTP', () => {
  it('answers 404', async () => {
    const status = await new Promise((resolve) =>
      get({ port: server.port, path: '/' }, (response) => resolve(response.statusCode)),
    );
    expect(status).toBe(404);
  });
});
