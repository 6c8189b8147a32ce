import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type RawData, WebSocketServer } from 'ws';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { iq, make, message } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { LinkError } from '../../../src/host/stanza-link.ts';
import { XmppLink } from '../../../src/worker/xmpp-link.ts';
import { FakeTime } from '../../support/fake-time.ts';
import { withWebSocket } from '../../support/websocket.ts';

withWebSocket();

const framing = 'urn:ietf:params:xml:ns:xmpp-framing';

interface ToyOptions {
  /** Answers one frame; undefined: as a well-behaved server would. */
  answer?(frame: string, reply: (text: string) => void): boolean;
  password?: string;
  mechanisms?: readonly string[];
  /** What is offered beside the mechanisms, and later beside the bind. */
  features?: string;
}

/** A server of one service, PLAIN only, that does what the test wants it to do. */
async function toy({ answer, password = 'pw', mechanisms = ['PLAIN'], features = '' }: ToyOptions = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'xmpp' });
  await new Promise<void>((resolve) => server.once('listening', resolve));
  const frames: string[] = [];
  let connections = 0;
  let streams = 0;
  server.on('connection', (socket) => {
    connections++;
    let authenticated = false;
    const reply = (text: string) => socket.send(text);
    socket.on('message', (data: RawData) => {
      const frame = data.toString();
      frames.push(frame);
      if (answer?.(frame, reply)) return;
      const id = /id="([^"]+)"/.exec(frame)?.[1];
      if (frame.startsWith('<open')) {
        reply(`<open xmlns="${framing}" id="s${++streams}" version="1.0"/>`);
        const offered = mechanisms.map((name) => `<mechanism>${name}</mechanism>`).join('');
        const next = authenticated
          ? '<bind xmlns="urn:xmpp:component:0"/>'
          : `<mechanisms xmlns="urn:ietf:params:xml:ns:xmpp-sasl">${offered}</mechanisms>`;
        reply(`<stream:features xmlns:stream="http://etherx.jabber.org/streams">${features}${next}</stream:features>`);
      } else if (frame.startsWith('<auth')) {
        const right = frame.includes(Buffer.from(`\0talk.lit\0${password}`).toString('base64'));
        authenticated = right;
        reply(
          right
            ? '<success xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>'
            : '<failure xmlns="urn:ietf:params:xml:ns:xmpp-sasl"><not-authorized/></failure>',
        );
      } else if (frame.includes('urn:xmpp:component:0'))
        reply(
          `<iq xmlns="jabber:client" type="result" id="${id}"><bind xmlns="urn:xmpp:component:0"><hostname>talk.lit</hostname></bind></iq>`,
        );
      else if (frame.startsWith('<close')) {
        reply(`<close xmlns="${framing}"/>`);
        socket.close();
      }
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    frames,
    connections: () => connections,
    say: (text: string) => {
      for (const client of server.clients) client.send(text);
    },
    hangUp: () => {
      for (const client of server.clients) client.terminate();
    },
    close: () =>
      new Promise<void>((resolve) => {
        for (const client of server.clients) client.terminate();
        server.close(() => resolve());
      }),
  };
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function linked(options: ToyOptions & { outboxMax?: number } = {}) {
  const server = await toy(options);
  const host = new FakeTime();
  const link = new XmppLink({
    service: server.url,
    account: { kind: 'service', domain: 'talk.lit', server: 'lit' },
    password: 'pw',
    host,
    ...(options.outboxMax === undefined ? {} : { outboxMax: options.outboxMax }),
  });
  const log: string[] = [];
  const start = () =>
    link.start({
      stanza: (via, stanza, { stream, n }) => log.push(`${stanza.id} via ${via} ${stream}:${n}`),
      up: (peer, stream) => log.push(`up ${peer} ${stream}`),
      down: (peer) => log.push(`down ${peer}`),
      progress: (phase, detail) => {
        if (phase === 'reconnecting' || phase === 'failed') log.push(`${phase}: ${detail}`);
      },
    });
  ends.push(async () => {
    const stopping = link.stop();
    host.passes(100_000);
    await stopping;
    await server.close();
  });
  return { server, host, link, log, start };
}

const fromA = (id: string) => `<message xmlns="jabber:client" from="a@x.lit/r" to="talk.lit" id="${id}"/>`;
const toA = (id: string) => message(jid('room@talk.lit'), jid('a@x.lit'), { id });

describe('XmppLink', () => {
  it('loses no stanza that arrives together with the bind result, and delivers it after "up"', async () => {
    const { log, start } = await linked({
      answer(frame, reply) {
        if (!frame.includes('urn:xmpp:component:0')) return false;
        const id = /id="([^"]+)"/.exec(frame)?.[1];
        reply(`<iq xmlns="jabber:client" type="result" id="${id}"/>`);
        reply(fromA('early'));
        return true;
      },
    });
    await start();
    await expect.poll(() => log).toEqual(['up lit s2', 'early via x.lit s2:2']);
  });

  it('drops a stanza with a malformed address, but counts it', async () => {
    const { server, log, start } = await linked();
    await start();
    server.say('<message xmlns="jabber:client" from="a@@x" to="talk.lit" id="bad"/>');
    server.say(fromA('good'));
    await expect.poll(() => log.slice(1)).toEqual(['good via x.lit s2:3']);
  });

  it.each([
    ['a question', '<query xmlns="x:y"/>'],
    ['a ping', '<ping xmlns="urn:xmpp:ping"/>'],
    ['two payloads (RFC 6120 §8.2.3)', '<a xmlns="x:y"/><b xmlns="x:y"/>'],
    ['none', ''],
  ])('answers no iq by itself, since that is for the node: %s', async (_, payload) => {
    const { server, log, start } = await linked();
    await start();
    const before = server.frames.length;
    server.say(`<iq xmlns="jabber:client" type="get" id="q" from="a@x.lit/r" to="room@talk.lit">${payload}</iq>`);
    server.say(fromA('next'));
    await expect.poll(() => log.slice(1)).toEqual(['q via x.lit s2:2', 'next via x.lit s2:3']);
    server.say(fromA('later'));
    await expect.poll(() => log.length).toBe(4);
    expect(server.frames.slice(before)).toEqual([]);
  });

  it('leaves an answer to the node that has an id of ours, but not from our server', async () => {
    const { server, host, log, start } = await linked();
    await start();
    host.passes(30_000);
    await expect.poll(() => server.frames.at(-1)).toContain('urn:xmpp:ping');
    const id = /id="([^"]+)"/.exec(server.frames.at(-1) ?? '')?.[1];
    server.say(`<iq xmlns="jabber:client" type="result" id="${id}" from="a@x.lit" to="talk.lit"/>`);
    server.say(`<iq xmlns="jabber:client" type="result" id="${id}" from="lit" to="talk.lit"/>`);
    server.say(fromA('next'));
    await expect.poll(() => log.slice(1)).toEqual([`${id} via x.lit s2:2`, 'next via x.lit s2:4']);
  });

  it('enables no stream management (XEP-0198) and logs in as ever where SASL 2 (XEP-0388) is offered', async () => {
    const sasl2 =
      '<authentication xmlns="urn:xmpp:sasl:2"><mechanism>PLAIN</mechanism><inline><bind xmlns="urn:xmpp:bind:0"/><sm xmlns="urn:xmpp:sm:3"/></inline></authentication>';
    const { server, host, log, start } = await linked({ features: `<sm xmlns="urn:xmpp:sm:3"/>${sasl2}` });
    await start();
    server.hangUp();
    await expect.poll(() => log.at(-1)).toMatch(/^reconnecting/);
    host.passes(1_000);
    await expect.poll(() => log.at(-1)).toBe('up lit s4');
    expect(server.frames.filter((frame) => /urn:xmpp:(sm|sasl|bind):/.test(frame))).toEqual([]);
  });

  it('RFC 6120 §13.9.4: sends no password where the server offers SCRAM', async () => {
    const { server, start } = await linked({ mechanisms: ['PLAIN', 'ANONYMOUS', 'SCRAM-SHA-1'] });
    start().catch(() => undefined);
    await expect.poll(() => server.frames.find((frame) => frame.startsWith('<auth'))).toContain('"SCRAM-SHA-1"');
  });

  it('does not log in as nobody where there is no safe way to log in', async () => {
    const { server, start } = await linked({ mechanisms: ['ANONYMOUS'] });
    expect(await start().catch((error: unknown) => error)).toMatchObject({ name: 'LinkError', kind: 'permanent' });
    expect(server.frames.filter((frame) => frame.startsWith('<auth'))).toEqual([]);
  });

  it('rejects a wrong password with an error that says so, and does not try again', async () => {
    const { server, host, log, start } = await linked({ password: 'other' });
    const error = await start().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(LinkError);
    expect(String(error)).toBe('LinkError: wrong password for talk.lit');
    host.passes(60_000);
    expect(server.connections()).toBe(1);
    expect(log).toEqual(['failed: wrong password for talk.lit']);
  });

  it('tries again with growing delays, at most 10 s, until the server is there', async () => {
    const { server, host, link, log, start } = await linked();
    await start();
    await server.close();
    const delays = () => log.flatMap((line) => /again in (\S+) s$/.exec(line)?.[1] ?? []);
    for (let attempts = 1; attempts <= 7; attempts++) {
      await expect.poll(() => delays().length).toBe(attempts);
      host.passes(10_000);
    }
    expect(delays().slice(0, 7)).toEqual(['0.5', '1.0', '2.0', '4.0', '8.0', '10.0', '10.0']);
    expect(link.address).toBeUndefined();
  });

  it('pings an idle stream, and gives up one that does not answer', async () => {
    const { server, host, log, start } = await linked();
    await start();
    host.passes(30_000);
    await expect.poll(() => server.frames.filter((frame) => frame.includes('urn:xmpp:ping')).length).toBe(1);
    expect(server.frames.at(-1)).toContain('from="talk.lit" to="lit"');
    host.passes(10_000);
    expect(log.slice(1, 3)).toEqual([
      'down lit',
      'reconnecting: the server did not answer a ping for 10 s; again in 0.5 s',
    ]);
    host.passes(1_000);
    await expect.poll(() => log.at(-1)).toBe('up lit s4');
  });

  it('keeps a stream on which anything at all is heard', async () => {
    const { server, host, log, start } = await linked();
    await start();
    host.passes(30_000);
    server.say(fromA('alive'));
    await expect.poll(() => log.length).toBe(2);
    host.passes(10_000);
    host.passes(10_000);
    expect(log.filter((line) => line.startsWith('down'))).toEqual([]);
  });

  it('drops the oldest where more waits than the outbox holds, and says so', async () => {
    const { server, link, log, start } = await linked({ outboxMax: 2 });
    const started = start();
    for (const id of ['1', '2', '3']) link.send(toA(id));
    await started;
    await expect.poll(() => server.frames.filter((frame) => frame.startsWith('<message')).length).toBe(2);
    const ids = server.frames.filter((frame) => frame.startsWith('<message')).map((f) => /id="(\d)"/.exec(f)?.[1]);
    expect(ids).toEqual(['2', '3']);
    expect(log[0]).toBe('reconnecting: outbox full: 1 stanzas dropped');
  });

  it('sends nothing that would end the stream; a request is answered all the same', async () => {
    const { server, link, start } = await linked();
    await start();
    const before = server.frames.length;
    const large = el('body', 'jabber:client', {}, '&'.repeat(130_000));
    link.send(message(jid('room@talk.lit'), jid('a@x.lit'), { id: 'large' }, large));
    link.send(iq(jid('room@talk.lit'), jid('a@x.lit'), { id: 'q', type: 'result' }, large));
    link.send(toA('good'));
    await expect.poll(() => server.frames.length).toBe(before + 2);
    const [answer, good] = server.frames.slice(before);
    expect(answer).toMatch(/id="q" type="error".*policy-violation/);
    expect(good).toContain('id="good"');
  });

  it('does not fight for its address with another session', async () => {
    const { server, host, log, start } = await linked();
    await start();
    server.say(
      '<stream:error xmlns:stream="http://etherx.jabber.org/streams"><conflict xmlns="urn:ietf:params:xml:ns:xmpp-streams"/></stream:error>',
    );
    await expect.poll(() => log.at(-1)).toBe('failed: another session took talk.lit');
    host.passes(60_000);
    expect(server.connections()).toBe(1);
  });
});

describe('Copies for many (XEP-0033)', () => {
  const body = [el('body', 'jabber:client', {}, 'to all')];
  const copy = (n: number) =>
    make('message', jid('r@talk.lit/n'), jid(`u${n}@lit/r`), { id: 'm', type: 'groupchat' }, body);
  const listed = (frame: string) => [...frame.matchAll(/<address type="bcc" jid="([^"]*)"\/>/g)].map(([, to]) => to);
  const features = '<addresses xmlns="http://jabber.org/protocol/address"/>';
  const sent = async (server: { readonly frames: string[] }, send: () => void) => {
    server.frames.length = 0;
    send();
    await expect.poll(() => server.frames.some((frame) => frame.includes('the end'))).toBe(true);
    return server.frames.slice(0, -1);
  };
  const end = message(jid('r@talk.lit'), jid('u@lit/r'), {}, el('body', 'jabber:client', {}, 'the end'));

  it('leave as one where the server takes it, each with the number of that one', async () => {
    const { server, link, start } = await linked({ features });
    await start();
    const numbers: number[] = [];
    const frames = await sent(server, () => {
      for (let n = 0; n < 30; n++) link.send(copy(n), (at) => numbers.push(at.n));
      link.send(end, (at) => numbers.push(at.n));
    });
    expect(frames.map(listed)).toEqual([Array.from({ length: 30 }, (_, n) => `u${n}@lit/r`)]);
    expect(frames[0]).toMatch(
      /^<message xmlns="jabber:client" from="r@talk.lit\/n" to="lit" id="m" type="groupchat"><addresses/,
    );
    expect(new Set(numbers.slice(0, 30)).size).toBe(1);
    expect(numbers[30]).toBe((numbers[0] ?? 0) + 1);
  });

  it.each([
    ['the server does not offer it', '', 30],
    ['they are few', features, 19],
  ])('leave one by one, in order, where %s', async (_, offered, count) => {
    const { server, link, start } = await linked({ features: offered });
    await start();
    const frames = await sent(server, () => {
      for (let n = 0; n < count; n++) link.send(copy(n));
      link.send(end);
    });
    expect(frames.map((frame) => / to="([^"]*)"/.exec(frame)?.[1])).toEqual(
      Array.from({ length: count }, (_, n) => `u${n}@lit/r`),
    );
  });

  it('are as many stanzas as the limits ask for', async () => {
    const { server, link, start } = await linked({ features });
    await start();
    const large = [el('body', 'jabber:client', {}, 'x'.repeat(510_000))];
    const frames = await sent(server, () => {
      for (let n = 0; n < 2_500; n++) link.send(copy(n));
      for (let n = 0; n < 100; n++) link.send({ ...copy(n), payloads: large });
      link.send(end);
    });
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThanOrEqual(512 * 1024);
    expect(frames.slice(0, 3).map((frame) => listed(frame).length)).toEqual([1000, 1000, 500]);
    expect(frames.flatMap(listed)).toEqual(
      [2_500, 100].flatMap((count) => Array.from({ length: count }, (_, n) => `u${n}@lit/r`)),
    );
  });
});
