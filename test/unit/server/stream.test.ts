import { describe, expect, it } from 'vitest';
import { childOf, elementsOf } from '../../../src/core/xmpp/xml.ts';
import { fakeNetwork, framing } from '../../support/server.ts';

const saslNs = 'urn:ietf:params:xml:ns:xmpp-sasl';
const streamNs = 'http://etherx.jabber.org/streams';

describe('RFC 7395 framing', () => {
  it('§3.4 answers <open/> with <open/> and features, prefixed as clients expect', () => {
    const client = fakeNetwork().connect().open('avalon.irc');
    expect(client.frames[1]).toMatch(/^<stream:features xmlns:stream="http:\/\/etherx.jabber.org\/streams">/);
    const [open, features] = client.take();
    expect(open).toMatchObject({ name: 'open', xmlns: framing, attrs: { from: 'avalon.irc', version: '1.0' } });
    expect(open?.attrs['id']?.length).toBeGreaterThan(20);
    expect(features).toMatchObject({ name: 'features', xmlns: streamNs });
  });

  it('§3.6 answers <close/> with <close/> and closes', () => {
    const client = fakeNetwork().connect().open('avalon.irc');
    client.take();
    client.send(`<close xmlns="${framing}"/>`);
    expect(client.take()).toMatchObject([{ name: 'close', xmlns: framing }]);
    expect(client.closed).toBe(true);
  });

  it('answers an error of the very first frame inside a stream of its own', () => {
    const client = fakeNetwork().connect().send('<presence/>');
    expect(client.take().map(({ name }) => name)).toEqual(['open', 'error', 'close']);
    expect(client.closed).toBe(true);
  });

  it.each([
    ['binary frame', 'not-well-formed', undefined],
    ['two elements', 'not-well-formed', '<presence xmlns="jabber:client"/><presence xmlns="jabber:client"/>'],
    ['half a stanza', 'not-well-formed', '<message xmlns="jabber:client">'],
    ['comment', 'restricted-xml', '<presence xmlns="jabber:client"><!-- --></presence>'],
    ['no namespace', 'invalid-namespace', '<presence/>'],
    ['server namespace', 'invalid-namespace', '<presence xmlns="jabber:server"/>'],
    ['no stanza', 'unsupported-stanza-type', '<pubsub xmlns="jabber:client"/>'],
    ['another namespace', 'unsupported-stanza-type', '<message xmlns="urn:x"/>'],
    ['too long', 'policy-violation', `<message xmlns="jabber:client"><body>${'x'.repeat(256 * 1024)}</body></message>`],
  ])('ends the stream on a bad frame: %s', (_, condition, frame) => {
    const client = fakeNetwork().login('argl@avalon.irc');
    if (frame === undefined) client.sendBinary();
    else client.send(frame);
    expect(client.streamError).toBe(condition);
    expect(client.closed).toBe(true);
  });

  it('allows 8 KiB before login', () => {
    const client = fakeNetwork()
      .connect()
      .send(`<open xmlns="${framing}" to="avalon.irc" x="${'x'.repeat(8192)}"/>`);
    expect(client.streamError).toBe('policy-violation');
  });

  it('declares jabber:client on each stanza', () => {
    const { login } = fakeNetwork();
    const client = login('argl@avalon.irc/r');
    client.send('<iq xmlns="jabber:client" type="get" id="p" to="avalon.irc"><ping xmlns="urn:xmpp:ping"/></iq>');
    expect(client.frames[0]).toMatch(
      /^<iq xmlns="jabber:client" from="avalon.irc" to="argl@avalon.irc\/r" id="p" type="result"\/>$/,
    );
  });
});

describe('RFC 6120 §4.9.3 stream errors at the opening', () => {
  it.each([
    ['host-unknown', '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="evil.example" version="1.0"/>'],
    ['host-unknown', '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" version="1.0"/>'],
    ['unsupported-version', '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="avalon.irc"/>'],
    ['invalid-namespace', '<open to="avalon.irc" version="1.0"/>'],
    ['bad-format', '<opne xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="avalon.irc"/>'],
  ])('%s', (condition, frame) => {
    const client = fakeNetwork().connect().send(frame);
    expect(client.streamError).toBe(condition);
  });

  it('connection-timeout: nobody may sit there without logging in', () => {
    const { host, connect, login } = fakeNetwork();
    const idle = connect().open('avalon.irc');
    const user = login('argl@avalon.irc');
    host.advance(31_000);
    expect(idle.streamError).toBe('connection-timeout');
    expect(user.closed).toBe(false);
  });
});

describe('RFC 6120 §6 SASL', () => {
  it('§6.4.1 offers SCRAM-SHA-1 first, PLAIN, and ANONYMOUS only where configured', () => {
    const offered = (changes = {}) => {
      const [, features] = fakeNetwork(changes).connect().open('avalon.irc').take();
      return elementsOf(childOf(features as never, 'mechanisms', saslNs) as never).map(({ children }) => children[0]);
    };
    expect(offered()).toEqual(['SCRAM-SHA-1', 'PLAIN']);
    const servers = [{ domain: 'avalon.irc', services: [] }];
    expect(offered({ servers: [{ ...servers[0], anonymous: true }], accounts: [], grants: [] })).toEqual([
      'SCRAM-SHA-1',
      'PLAIN',
      'ANONYMOUS',
    ]);
    expect(offered({ servers: [{ ...servers[0], open: true }], accounts: [], grants: [] })).toEqual(['PLAIN']);
  });

  it('§6.5.10 a wrong password, an unknown user and an account of another server are not-authorized', () => {
    const { host, connect } = fakeNetwork();
    for (const [name, password] of [
      ['argl', 'wrong'],
      ['nobody', 'pw'],
      ['msa', 'pw'],
      ['msa@vesa.irc/x', 'pw'],
      ['idle.avalon.irc', 'wrong'],
      ['rooms.vesa.irc', 'pw'],
    ] as const) {
      const client = connect().open('avalon.irc');
      client.take();
      client.auth(name, password);
      host.advance(3000);
      expect(client.take()).toMatchObject([{ name: 'failure', children: [{ name: 'not-authorized' }] }]);
    }
  });

  it('closes after three failures, each answered later than the one before', () => {
    const { host, connect } = fakeNetwork();
    const client = connect().open('avalon.irc');
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      client.take();
      client.auth('argl', 'wrong');
      let waited = 0;
      for (; client.frames.length === 0 && waited < 5000; waited += 10) host.advance(10);
      waits.push(waited);
    }
    expect(client.streamError).toBe('policy-violation');
    expect(waits[0]).toBeGreaterThanOrEqual(50);
    expect(waits[2]).toBeGreaterThan(waits[1] as number);
  });

  it('does not take another try while a failure is held back', () => {
    const client = fakeNetwork().connect().open('avalon.irc').auth('argl', 'wrong').auth('argl', 'pw');
    expect(client.streamError).toBe('policy-violation');
  });

  it.each([
    [
      '§6.5.7 invalid-mechanism',
      '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>',
      'invalid-mechanism',
    ],
    [
      '§6.5.7 invalid-mechanism',
      '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="__proto__">=</auth>',
      'invalid-mechanism',
    ],
    [
      '§6.5.5 incorrect-encoding',
      '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">a_b</auth>',
      'incorrect-encoding',
    ],
    [
      '§6.5.5 incorrect-encoding (not UTF-8)',
      '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">wyg=</auth>',
      'incorrect-encoding',
    ],
    [
      '§6.5.8 malformed-request',
      '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">YQ==</auth>',
      'malformed-request',
    ],
    [
      '§6.5.8 malformed-request',
      '<response xmlns="urn:ietf:params:xml:ns:xmpp-sasl">YQ==</response>',
      'malformed-request',
    ],
    ['§6.5.1 aborted', '<abort xmlns="urn:ietf:params:xml:ns:xmpp-sasl"/>', 'aborted'],
  ])('%s', (_, frame, condition) => {
    const { host, connect } = fakeNetwork();
    const client = connect().open('avalon.irc');
    client.take();
    client.send(frame);
    host.advance(200);
    expect(client.take()).toMatchObject([{ name: 'failure', children: [{ name: condition }] }]);
    client.auth('argl', 'pw');
    expect(client.take()).toMatchObject([{ name: 'success' }]);
  });

  it('RFC 4616: an authzid may only be the account itself', () => {
    const { host, connect } = fakeNetwork();
    const plain = (authzid: string) => {
      const client = connect().open('avalon.irc');
      client.take();
      const data = Buffer.from(`${authzid}\0argl\0pw`).toString('base64');
      client.send(`<auth xmlns="${saslNs}" mechanism="PLAIN">${data}</auth>`);
      host.advance(3000);
      return client.take();
    };
    expect(plain('argl@avalon.irc')).toMatchObject([{ name: 'success' }]);
    expect(plain('operator@avalon.irc')).toMatchObject([{ name: 'failure', children: [{ name: 'invalid-authzid' }] }]);
  });

  it('RFC 4505: ANONYMOUS gives a throw-away account where it is configured', () => {
    const { connect } = fakeNetwork({
      servers: [{ domain: 'avalon.irc', services: [], anonymous: true }],
      accounts: [],
      grants: [],
    });
    const client = connect()
      .open('avalon.irc')
      .send(`<auth xmlns="${saslNs}" mechanism="ANONYMOUS"/>`)
      .open('avalon.irc')
      .bind('r');
    expect(client.frames.at(-1)).toMatch(/<jid>anonymous-[0-9a-z]+@avalon.irc\/r<\/jid>/);
  });

  it('an open server takes any password of a user, and of nobody else', () => {
    const { host, connect, network } = fakeNetwork({
      servers: [{ domain: 'avalon.irc', services: ['channel.avalon.irc'], open: true }],
      accounts: [
        { address: 'channel.avalon.irc', password: 'pw', role: 'service' },
        { address: 'operator@avalon.irc', password: 'pw', role: 'operator' },
      ],
      grants: [],
    });
    const login = (name: string) => {
      const client = connect().open('avalon.irc');
      client.take();
      client.auth(name, 'anything');
      host.advance(3000);
      return client.take()[0]?.name;
    };
    expect(login('newcomer')).toBe('success');
    expect(network.accounts.get('newcomer@avalon.irc' as never)).toBeDefined();
    expect(login('channel.avalon.irc')).toBe('failure');
    expect(login('operator')).toBe('failure');
  });

  it('stanzas before login end the stream', () => {
    const client = fakeNetwork().connect().open('avalon.irc').send('<presence xmlns="jabber:client"/>');
    expect(client.streamError).toBe('not-authorized');
  });
});

describe('RFC 5802 SCRAM-SHA-1', () => {
  const message = (text: string) => Buffer.from(text).toString('base64');
  const start = (first: string) => {
    const network = fakeNetwork();
    const client = network.connect().open('avalon.irc');
    client.take();
    client.send(`<auth xmlns="${saslNs}" mechanism="SCRAM-SHA-1">${message(first)}</auth>`);
    network.host.advance(500);
    const [answer] = client.take();
    return { ...network, client, answer, text: Buffer.from(String(answer?.children[0] ?? ''), 'base64').toString() };
  };

  it("§5.1 answers with its nonce after the client's, a salt and at least 4096 iterations", () => {
    const { answer, text } = start('n,,n=argl,r=abcd');
    expect(answer?.name).toBe('challenge');
    expect(text).toMatch(/^r=abcd.{16,},s=[A-Za-z0-9+/=]{24},i=4096$/);
  });

  it('§5.1 a name nobody has gets a salt too, the same each time', () => {
    const network = fakeNetwork();
    const salts = [1, 2].map(() => {
      const client = network.connect().open('avalon.irc');
      client.take();
      client.send(`<auth xmlns="${saslNs}" mechanism="SCRAM-SHA-1">${message('n,,n=nobody,r=abcd')}</auth>`);
      return /s=([^,]+)/.exec(Buffer.from(String(client.take()[0]?.children[0]), 'base64').toString())?.[1];
    });
    expect(salts[0]).toBe(salts[1]);
    expect(salts[0]).toHaveLength(24);
  });

  it.each([
    'p=tls-unique,,n=argl,r=abcd',
    'n,,m=x,n=argl,r=abcd',
    'n,,n=argl',
    'n,n=argl,r=abcd',
    'n,,n=ar=gl,r=abcd',
    '',
  ])('§5.1, §7 refuses client-first %j', (first) => {
    const { answer } = start(first === '' ? 'x' : first);
    expect(answer).toMatchObject({ name: 'failure', children: [{ name: 'malformed-request' }] });
  });

  it('§5.1 a channel binding other than that of the first message is refused', () => {
    const { client, text, host } = start('y,,n=argl,r=abcd');
    const nonce = /r=([^,]+)/.exec(text)?.[1];
    client.send(`<response xmlns="${saslNs}">${message(`c=biws,r=${nonce},p=${message('x'.repeat(20))}`)}</response>`);
    host.advance(3000);
    expect(client.take()).toMatchObject([{ name: 'failure', children: [{ name: 'not-authorized' }] }]);
  });

  it('§5.1 without an initial response an empty challenge asks for it', () => {
    const { connect } = fakeNetwork();
    const client = connect().open('avalon.irc');
    client.take();
    client.send(`<auth xmlns="${saslNs}" mechanism="SCRAM-SHA-1"/>`);
    expect(client.take()).toMatchObject([{ name: 'challenge', children: [] }]);
    client.send(`<response xmlns="${saslNs}">${message('n,,n=argl,r=abcd')}</response>`);
    expect(client.take()).toMatchObject([{ name: 'challenge' }]);
  });
});

describe('RFC 6120 §7 resource binding', () => {
  const bindNs = 'urn:ietf:params:xml:ns:xmpp-bind';

  it('§7.6 binds the resource that was asked for, or one of its own', () => {
    const { connect } = fakeNetwork();
    const client = connect().open('avalon.irc').auth('argl', 'pw').open('avalon.irc');
    const features = client.take().at(-1);
    expect(childOf(features as never, 'bind', bindNs)).toBeDefined();
    expect(childOf(features as never, 'bind', 'urn:xmpp:component:0')).toBeUndefined();
    client.bind('laptop');
    expect(client.frames[0]).toContain('<jid>argl@avalon.irc/laptop</jid>');
    const other = connect().open('avalon.irc').auth('argl', 'pw').open('avalon.irc');
    other.send(`<iq xmlns="jabber:client" type="set" id="b"><bind xmlns="${bindNs}"/></iq>`);
    expect(other.frames.at(-1)).toMatch(/<jid>argl@avalon.irc\/.{8,}<\/jid>/);
  });

  it('§7.7.2.2 the newer session wins; rooms hear that the older one is gone first', () => {
    const { login } = fakeNetwork();
    const service = login('channel.avalon.irc');
    const older = login('argl@avalon.irc/laptop').send('<presence xmlns="jabber:client" to="r@channel.avalon.irc/n"/>');
    expect(service.take()).toHaveLength(1);
    const newer = login('argl@avalon.irc/laptop');
    expect(older.streamError).toBe('conflict');
    expect(service.take()).toMatchObject([
      { name: 'presence', attrs: { type: 'unavailable', from: 'argl@avalon.irc/laptop' } },
    ]);
    newer.send('<presence xmlns="jabber:client" to="r@channel.avalon.irc/n"/>');
    older.vanish();
    expect(service.take()).toHaveLength(1);
  });

  it('§7.1 nothing but binding before binding', () => {
    const { connect } = fakeNetwork();
    const client = connect()
      .open('avalon.irc')
      .auth('argl', 'pw')
      .open('avalon.irc')
      .send('<presence xmlns="jabber:client"/>');
    expect(client.streamError).toBe('not-authorized');
  });

  it('RFC 3921 §3: an old client may still ask for a session', () => {
    const client = fakeNetwork().login('argl@avalon.irc/r');
    client.send(
      '<iq xmlns="jabber:client" type="set" id="s"><session xmlns="urn:ietf:params:xml:ns:xmpp-session"/></iq>',
    );
    expect(client.take()).toMatchObject([{ name: 'iq', attrs: { type: 'result', id: 's' } }]);
  });
});
