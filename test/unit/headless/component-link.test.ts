import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { iq, message, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { plus } from '../../../src/core/xmpp/time.ts';
import { childOf, el, elementsOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { ComponentLink, type ComponentLinkOptions } from '../../../src/headless/component-link.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import { type Frame, FramingError, StreamFrames } from '../../../src/headless/stream-frames.ts';
import type { LinkHost } from '../../../src/host/reconnecting-link.ts';
import { LinkError } from '../../../src/host/stanza-link.ts';
import { Network } from '../../../src/server/network.ts';
import {
  accept,
  type ComponentServerOptions,
  startComponentServer,
  startNetworkComponents,
} from '../../contract/component-server.ts';
import { stanzaLinkContract } from '../../contract/stanza-link.contract.ts';
import { cast, FakeHost } from '../../support/server.ts';

/** Two cores that others use as well: what comes, may come late. */
const soon = <T>(get: () => T) => expect.poll(get, { timeout: 10_000, interval: 5 });

/** No test waits for a back-off. */
const impatient: LinkHost = {
  now: () => performance.now(),
  setTimer(afterMs, fn) {
    const timer = setTimeout(fn, afterMs < 1_000 ? 0 : afterMs);
    return () => clearTimeout(timer);
  },
  random: () => 0,
};

stanzaLinkContract(
  'Link of a component (XEP-0114)',
  async () => {
    const network = new Network(cast, nodeServerHost());
    const server = await startNetworkComponents(network);
    return {
      network,
      link: (of) => {
        if (of.kind !== 'service') throw new Error('a component is a service');
        return new ComponentLink({
          host: '127.0.0.1',
          port: server.port,
          domain: jid(of.domain),
          server: jid(of.server),
          secret: 'pw',
          clock: impatient,
        });
      },
      close: () => server.close(),
    };
  },
  true,
);

const domain = jid('talk.denmark.lit');
const room = jid('elsinore@talk.denmark.lit');
const hamlet = jid('hamlet@denmark.lit/desk');

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function setup(options: ComponentServerOptions = {}, changes: Partial<ComponentLinkOptions> = {}) {
  const server = await startComponentServer(options);
  const seen: Stanza[] = [];
  const vias: string[] = [];
  const log: string[] = [];
  const progress: string[] = [];
  const states: string[] = [];
  const link = new ComponentLink({
    host: '127.0.0.1',
    port: server.port,
    domain,
    secret: 'pw',
    clock: impatient,
    log: (line) => log.push(line),
    ...changes,
  });
  ends.push(server.close, () => link.stop());
  const start = () =>
    link.start({
      stanza: (via, stanza) => {
        vias.push(via);
        seen.push(stanza);
      },
      up: (_, stream) => states.push(`up ${stream}`),
      down: () => states.push('down'),
      progress: (phase, detail) => progress.push(`${phase} ${detail}`),
    });
  return { server, link, seen, vias, log, progress, states, start };
}

async function upAndRunning(changes: Partial<ComponentLinkOptions> = {}) {
  const all = await setup({}, changes);
  await all.start();
  return { ...all, side: all.server.sides[0] as (typeof all.server.sides)[number] };
}

const chat = (id: string, body: string, from: string = hamlet, to: string = room) =>
  `<message from='${from}' to='${to}' id='${id}' type='chat'><body>${body}</body></message>`;
const good = chat('good', 'still here');
const ids = (stanzas: readonly Stanza[]) => stanzas.map(({ id }) => id);
const condition = (stanza: XmlElement | undefined) => {
  const error = stanza && childOf(stanza, 'error', accept);
  return error && elementsOf(error)[0]?.name;
};

describe('XEP-0114 §3 Protocol flow', () => {
  it('Example 1-4: opens with its own domain, shakes hands with SHA-1 of stream id and secret', async () => {
    const { server, states, link } = await upAndRunning();
    expect(server.sides[0]).toMatchObject({ domain: 'talk.denmark.lit', up: true });
    expect([states, link.address]).toEqual([['up stream1'], domain]);
  });

  it.each([
    ['not-authorized', /^not-authorized: the secret is not the one that the server has for talk\.denmark\.lit/],
    ['host-unknown', /^host-unknown: the server has no component talk\.denmark\.lit/],
    ['conflict', /^conflict: another connection holds talk\.denmark\.lit/],
    ['invalid-namespace', /^invalid-namespace: this port is not for components/],
  ])('%s: says what is wrong, and tries no more', async (name, words) => {
    const { start, server } = await setup({
      ...(name === 'not-authorized' ? { secret: 'other' } : {}),
      ...(name === 'host-unknown' ? { known: () => false } : {}),
      ...(name === 'conflict' || name === 'invalid-namespace' ? { up: (side) => side.streamError(name) } : {}),
      ...(name === 'invalid-namespace' || name === 'conflict'
        ? {
            opened: (side) => {
              queueMicrotask(() => side.streamError(name));
              return 's';
            },
            up: () => undefined,
            secret: 'never',
          }
        : {}),
    });
    const error = await start().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LinkError);
    // A conflict may pass: the connection of a process that was killed.
    expect(server.sides.length).toBe(name === 'conflict' ? 3 : 1);
    expect((error as Error).message).toMatch(words);
  });

  it('a server that is not there yet is tried again, and what was sent meanwhile leaves in order', async () => {
    const { server, link, states, progress } = await upAndRunning();
    server.sides[0]?.socket.destroy();
    await soon(() => states).toEqual(['up stream1', 'down', 'up stream2']);
    expect(progress.join('\n')).toMatch(/reconnecting the server closed the connection; again in 0\.\d s/);
    for (const id of ['a', 'b']) link.send(message(room, hamlet, { id }));
    await soon(() => server.sides[1]?.received.map(({ attrs }) => attrs['id'])).toEqual(['a', 'b']);
  });

  it('backs off from 0.5 to 30 s, with jitter, while the server is away', async () => {
    const delays: number[] = [];
    let away = false;
    const { server, states } = await upAndRunning({
      clock: {
        ...impatient,
        random: () => 1,
        setTimer: (afterMs, fn) => {
          // Not the time for an attempt, nor for silence.
          if (!away || afterMs === 15_000) return () => undefined;
          delays.push(afterMs);
          const timer = setTimeout(fn, delays.length > 9 ? 1e6 : 0);
          return () => clearTimeout(timer);
        },
      },
    });
    away = true;
    await server.close();
    await soon(() => delays).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 30000]);
    expect(states).toEqual(['up stream1', 'down']);
  });

  it('does not take the domain back from another connection that replaced this one', async () => {
    const { server, side, states, progress } = await upAndRunning();
    side.streamError('conflict');
    await soon(() => states).toEqual(['up stream1', 'down']);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect([server.sides.length, progress.at(-1)]).toEqual([
      1,
      'failed conflict: another connection holds talk.denmark.lit',
    ]);
  });

  it('after a while of silence asks whether the server is there, and reconnects if not', async () => {
    const clock = new FakeHost();
    const { side, states, server, seen } = await upAndRunning({
      clock: {
        now: () => clock.now(),
        setTimer: (afterMs, fn) => clock.setTimer(plus(clock.now(), afterMs), fn),
        random: () => 0,
      },
    });
    clock.advance(30_000);
    await soon(() => side.received[0]?.attrs).toMatchObject({ type: 'get', from: domain, to: domain });
    clock.advance(14_999);
    expect(states).toEqual(['up stream1']);
    clock.advance(1);
    expect(states).toEqual(['up stream1', 'down']);
    clock.advance(1_000);
    await soon(() => states.at(-1)).toBe('up stream2');
    // A server that routes it back is alive, and the node sees nothing of it.
    const second = server.sides[1] as typeof side;
    clock.advance(30_000);
    await soon(() => second.received.length).toBe(1);
    const { id = '' } = second.received[0]?.attrs ?? {};
    clock.advance(5_000);
    second.send(`<iq type='get' id='${id}' from='${domain}' to='${domain}'><ping xmlns='urn:xmpp:ping'/></iq>`);
    second.send(good);
    await soon(() => ids(seen)).toEqual(['good']);
    clock.advance(20_000);
    expect(states.at(-1)).toBe('up stream2');
  });

  it('stop ends the stream in order, after what was sent', async () => {
    const { side, link } = await upAndRunning();
    link.send(presence(room, hamlet, { type: 'unavailable' }));
    await link.stop();
    expect([side.received.length, side.ended]).toEqual([1, true]);
  });
});

describe('What the server sends, however it is cut', () => {
  it('half a stanza, two in a chunk, a character in two chunks', async () => {
    const { side, seen } = await upAndRunning();
    const text = Buffer.from(`${chat('1', 'ü🧀')} \n ${chat('2', 'é')}${chat('3', '&lt;&amp;&#xE9;<![CDATA[<x>]]>')}`);
    for (let i = 0; i < text.length; i += 3) {
      side.send(text.subarray(i, i + 3));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await soon(() => ids(seen)).toEqual(['1', '2', '3']);
    expect(seen.map(({ payloads }) => payloads[0]?.children)).toEqual([['ü🧀'], ['é'], ['<&é<x>']]);
  });

  it('jabber:component:accept and jabber:client are one to the node, at every depth', async () => {
    const { side, seen, link } = await upAndRunning();
    side.send(
      `<message from='${hamlet}' to='${room}'><body>a</body><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='${accept}'/></forwarded></message>` +
        `<message xmlns='jabber:client' from='${hamlet}' to='${room}'><body>b</body></message>`,
    );
    await soon(() => seen.length).toBe(2);
    const namespaces = (node: XmlElement): string[] => [node.xmlns, ...elementsOf(node).flatMap(namespaces)];
    expect(seen.flatMap(({ payloads }) => payloads.flatMap(namespaces))).toEqual([
      'jabber:client',
      'urn:xmpp:forward:0',
      'jabber:client',
      'jabber:client',
    ]);
    link.send(message(room, hamlet, { id: 'x' }, el('body', 'jabber:client', {}, 'c')));
    await soon(() => side.received.length).toBe(1);
    expect(namespaces(side.received[0] as XmlElement)).toEqual([accept, accept]);
  });

  it('via is the domain of the sender, as the server vouches', async () => {
    const { side, vias } = await upAndRunning();
    side.send(chat('1', 'a', 'alice@wonderland.lit/r') + chat('2', 'b', 'rooms.wonderland.lit'));
    await soon(() => vias).toEqual(['wonderland.lit', 'rooms.wonderland.lit']);
  });

  it.each([
    ['a prefix bound nowhere', `<message from='${hamlet}' to='${room}'><p:x/></message>`],
    ['an attribute twice', `<message from='${hamlet}' from='a@b' to='${room}'/>`],
    ['a forbidden character', chat('x', 'a&#x1;b')],
    ['an undeclared entity', chat('x', '&xxe;')],
    ['a comment', chat('x', '<!-- > </message> -->')],
    ['a processing instruction', chat('x', '<?php > ?>')],
    ['nesting ten thousand deep', chat('x', `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`)],
    ['two thousand attributes', `<message ${Array.from({ length: 2000 }, (_, i) => `a${i}=''`).join(' ')}/>`],
    ['a megabyte', chat('x', 'm'.repeat(1024 * 1024))],
    ['an element that is no stanza', "<log xmlns='jabber:component:accept'>x</log>"],
    ['no from', `<message to='${room}'/>`],
    ['no to', `<message from='${hamlet}'/>`],
    ['a recipient of another domain', chat('x', 'x', hamlet, 'room@elsewhere.lit')],
  ])('%s costs that stanza alone', async (_what, bad) => {
    const { side, seen, log, states } = await upAndRunning();
    side.send(bad);
    side.send(good);
    await soon(() => ids(seen)).toEqual(['good']);
    expect(states).toEqual(['up stream1']);
    expect(log).toHaveLength(1);
  });

  it.each([
    ['a megabyte', `<a xmlns='x'>${'m'.repeat(1024 * 1024)}</a>`],
    ['an attribute of a megabyte', `<a xmlns='x' b='${'m'.repeat(1024 * 1024)}'/>`],
    ['nesting ten thousand deep', `<a xmlns='x'>${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}</a>`],
    ['two thousand and one children', `<a xmlns='x'>${'<b/>'.repeat(2_001)}</a>`],
    ['a forbidden character', "<a xmlns='x'>&#x1;</a>"],
    ['a prefix bound nowhere', '<p:x/>'],
  ])('RFC 6120 §8.2.3: every request is answered, and a message bounces, also with %s', async (_what, inside) => {
    const { side, seen, states } = await upAndRunning();
    const of = (name: string, id: string, type: string) =>
      `<${name} from='${hamlet}' to='${room}/Hamlet' id='${id}'${type && ` type='${type}'`}>${inside}</${name}>`;
    for (const stanza of [
      of('iq', 'get', 'get'),
      of('iq', 'set', 'set'),
      of('message', 'chat', 'chat'),
      of('message', 'all', 'groupchat'),
      of('presence', 'join', ''),
      of('presence', 'probe', 'probe'),
    ])
      side.send(stanza);
    side.send(good);
    await soon(() => ids(seen)).toEqual(['good']);
    await soon(() => side.received.length).toBe(5);
    expect(side.received.map(({ name, attrs: { id, type, from, to } }) => [name, id, type, from, to])).toEqual(
      [
        ['iq', 'get'],
        ['iq', 'set'],
        ['message', 'chat'],
        ['message', 'all'],
        ['presence', 'join'],
      ].map(([name, id]) => [name, id, 'error', `${room}/Hamlet`, hamlet]),
    );
    for (const answer of side.received) expect(condition(answer)).toMatch(/^(policy-violation|bad-request)$/);
    expect(states).toEqual(['up stream1']);
  });

  it('an answer and a leave count without what is inside: somebody waits for them', async () => {
    const { side, seen } = await upAndRunning();
    const inside = `<a xmlns='x'>${'m'.repeat(1024 * 1024)}</a>`;
    const at = `from='${hamlet}' to='${room}/Hamlet'`;
    side.send(`<iq ${at} id='r' type='result'>${inside}</iq>`);
    side.send(`<message ${at} id='e' type='error'>${inside}</message>`);
    side.send(`<presence ${at} id='l' type='unavailable'>${inside}</presence>`);
    await soon(() => ids(seen)).toEqual(['r', 'e', 'l']);
    expect(seen.map(({ name, type, payloads }) => [name, type, payloads.map((payload) => payload.name)])).toEqual([
      ['iq', 'error', ['error']],
      ['message', 'error', ['error']],
      ['presence', 'unavailable', []],
    ]);
    expect(side.received).toEqual([]);
  });

  it('nobody is answered who cannot be named, or who wrote to another', async () => {
    const { side, seen } = await upAndRunning();
    const inside = `<a xmlns='x'>${'m'.repeat(1024 * 1024)}</a>`;
    side.send(`<iq to='${room}' id='1' type='get'>${inside}</iq>`);
    side.send(`<iq from='${hamlet}' to='room@elsewhere.lit' id='2' type='get'>${inside}</iq>`);
    side.send(`<iq from='${hamlet}' to='${room}' id='${'3'.repeat(1024 * 1024)}' type='get'/>`);
    side.send(good);
    await soon(() => ids(seen)).toEqual(['good']);
    expect(side.received).toEqual([]);
  });

  it('bytes that are not UTF-8 cost that stanza alone', async () => {
    const { side, seen, log } = await upAndRunning();
    side.send(Buffer.concat([Buffer.from(chat('x', '\u00e9'), 'latin1'), Buffer.from(good)]));
    await soon(() => ids(seen)).toEqual(['good']);
    expect(log).toEqual(['dropped a stanza: not UTF-8']);
  });

  it.each([
    ['a closing tag that closes another element', `<message from='a@b' to='${room}'><body></message>`],
    ['a doctype', '<!DOCTYPE m [<!ENTITY a "b">]>'],
    ['a tag within a tag', '<message <a>'],
    ['the end of the stream', '</stream:stream>'],
  ])('%s is the end of the stream, and a new one follows', async (_what, bad) => {
    const { side, states } = await upAndRunning();
    side.send(bad);
    await soon(() => states).toEqual(['up stream1', 'down', 'up stream2']);
  });

  it('RFC 6120 §8.3.3.8: an address that is no JID is answered with jid-malformed, but never an error or a result', async () => {
    const { side, seen } = await upAndRunning();
    side.send(`<presence from='${hamlet}' to='${room}/\u200b\u200b' id='1'/>`);
    side.send(`<iq type='get' id='2' from='hamlet@denmark.lit/\u200d' to='${domain}'><q xmlns='x'/></iq>`);
    side.send(`<iq type='result' id='3' from='${hamlet}' to='a b@${domain}'/>`);
    side.send(`<message type='error' id='4' from='${hamlet}' to='a b@${domain}'/>`);
    side.send(good);
    await soon(() => ids(seen)).toEqual(['good']);
    await soon(() => side.received.length).toBe(2);
    expect(side.received.map(({ attrs: { id, from, to } }) => [id, from, to])).toEqual([
      ['1', `${room}/\u200b\u200b`, hamlet],
      ['2', domain, 'hamlet@denmark.lit/\u200d'],
    ]);
    expect(side.received.map(condition)).toEqual(['jid-malformed', 'jid-malformed']);
  });
});

describe('What the node sends', () => {
  it('a from that is not ours never reaches the server: it would end the stream', async () => {
    const { side, link, log } = await upAndRunning();
    let written = 0;
    link.send(message(jid('room@talk.denmark.lit.evil.example'), hamlet, {}), () => written++);
    link.send(message(jid('denmark.lit'), hamlet, {}), () => written++);
    link.send(message(room, hamlet, { id: 'ours' }), () => written++);
    await soon(() => side.received.map(({ attrs }) => attrs['id'])).toEqual(['ours']);
    expect([written, log.length, log[0]]).toEqual([1, 2, expect.stringMatching(/^not sent: a stanza from room@talk/)]);
  });

  it('nor does a character that XML forbids, or more than a server takes', async () => {
    const { side, link, log } = await upAndRunning();
    link.send(message(room, hamlet, {}, el('body', 'jabber:client', {}, 'a\u0002b')));
    link.send(message(room, hamlet, {}, el('body', 'jabber:client', {}, '\ud800')));
    link.send(message(room, hamlet, {}, el('body', 'jabber:client', {}, 'é'.repeat(300_000))));
    link.send(message(room, hamlet, { id: 'ok' }, el('body', 'jabber:client', {}, 'x'.repeat(300_000))));
    await soon(() => side.received.map(({ attrs }) => attrs['id'])).toEqual(['ok']);
    expect(log).toHaveLength(3);
  });

  it('what is more than a server takes comes back to the node, as from a server that could not pass it on', async () => {
    const { link, seen, vias } = await upAndRunning();
    const large = el('body', 'jabber:client', {}, '&'.repeat(130_000));
    link.send(message(room, hamlet, { id: 'm', type: 'chat' }, large));
    link.send(iq(room, hamlet, { id: 'q', type: 'get' }, large));
    expect(seen.map(({ name, id, type, from, to }) => [name, id, type, from, to])).toEqual([
      ['message', 'm', 'error', hamlet, room],
      ['iq', 'q', 'error', hamlet, room],
    ]);
    expect(vias).toEqual(['denmark.lit', 'denmark.lit']);
  });

  it('RFC 6120 §8.2.3: a request is answered also where the answer is more than a server takes', async () => {
    const { side, link, log } = await upAndRunning();
    let written = 0;
    const many = Array.from({ length: 2_100 }, () => el('item', 'jabber:client'));
    link.send(
      iq(room, hamlet, { id: 'q', type: 'result' }, el('query', 'jabber:client', {}, ...many)),
      () => written++,
    );
    await soon(() => side.received.map(({ attrs: { id, type } }) => [id, type])).toEqual([['q', 'error']]);
    expect([condition(side.received[0]), written, log.length]).toEqual(['policy-violation', 1, 1]);
  });

  it('the outbox is bounded: the oldest go first, and that is said', async () => {
    const { link, server, start, progress } = await setup({}, { outboxMax: 3 });
    const started = start();
    for (let n = 1; n <= 5; n++) link.send(message(room, hamlet, { id: `${n}` }));
    await started;
    await soon(() => server.sides[0]?.received.map(({ attrs }) => attrs['id'])).toEqual(['3', '4', '5']);
    expect(progress).toContain('reconnecting outbox full: 1 stanzas dropped');
  });
});

describe('Cutting a stream into elements', () => {
  const cut = (bytes: Uint8Array, at: readonly number[], max = 1e6): Frame[] => {
    const frames = new StreamFrames(max);
    const found: Frame[] = [];
    let from = 0;
    for (const to of [...at, bytes.length].sort((a, b) => a - b)) {
      found.push(...frames.push(bytes.subarray(from, to)));
      from = to;
    }
    return found;
  };
  const header = "<s:s a='>' xmlns:s='x'>";
  const children = [
    '<a/>',
    "<a b='/>' c=\"'\"/>",
    '<a><b/><c>t > t</c></a>',
    '<ü>é🧀</ü>',
    '<a><![CDATA[</a>]]]></a>',
    '<a><!-- </a> -- ></a> --></a>',
  ];

  it('wherever the chunks end, the same elements come out', () => {
    const text = Buffer.from(`<?xml version='1.0'?> ${header}${children.join(' \n')}</s:s>`);
    const whole = cut(text, []);
    expect(whole).toEqual([
      { kind: 'header', text: header },
      ...children.map((child) => ({ kind: 'element', text: child })),
      { kind: 'end' },
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 40 }), (at) => {
        expect(cut(text, at)).toEqual(whole);
      }),
    );
  });

  it('what is too long is skipped without being kept, and the next is found', () => {
    const long = `<a b='${'x'.repeat(40)}'>${'<c>y</c>'.repeat(500)}</a>`;
    const text = Buffer.from(`${header}${long}<b/>`);
    const everyByte = Array.from({ length: text.length }, (_, i) => i);
    for (const at of [[], everyByte]) {
      expect(cut(text, at, 100)).toEqual([
        { kind: 'header', text: header },
        { kind: 'unreadable', why: `${long.length} bytes long` },
        { kind: 'element', text: '<b/>' },
      ]);
    }
  });

  it('a tag that is too long is skipped in the same way, and the open tag of its stanza is known', () => {
    const long = `<a b='c'><d e="${'x'.repeat(20_000)}" f='>'/><g ${"h='i' ".repeat(4_000)}></g></a>`;
    const text = Buffer.from(`${header}${long}<b/>`);
    const bits = Array.from({ length: Math.floor(text.length / 7) }, (_, i) => 7 * i);
    for (const at of [[], bits]) {
      const frames = new StreamFrames(1_000);
      const found: (readonly [Frame, string | undefined])[] = [];
      let from = 0;
      for (const to of [...at, text.length]) {
        for (const frame of frames.push(text.subarray(from, to))) found.push([frame, frames.head]);
        from = to;
      }
      expect(found).toEqual([
        [{ kind: 'header', text: header }, undefined],
        [{ kind: 'unreadable', why: `${long.length} bytes long` }, "<a b='c'>"],
        [{ kind: 'element', text: '<b/>' }, '<b/>'],
      ]);
    }
  });

  it('a name without end is the end', () => {
    const cut = () => [...new StreamFrames(100).push(Buffer.from(`${header}<a><${'n'.repeat(10_000)}`))];
    expect(cut).toThrow(FramingError);
  });

  it('random bytes end in an error or in nothing, never in a crash', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>/"\'!-[]?ab =') }), (text) => {
        try {
          cut(Buffer.from(`${header}${text}`), []);
        } catch (error) {
          expect(error).toBeInstanceOf(FramingError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
