import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { message } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { Bucket, type Budgets, markupCost } from '../../../src/server/budget.ts';
import { errorCondition, FakeHost, fakeNetwork, type WireClient } from '../../support/server.ts';

const mib = 1024 * 1024;
const say = (to: string, text: string, id = 'm') =>
  `<message xmlns="jabber:client" to="${to}" id="${id}" type="chat"><body>${text}</body></message>`;
const large = 'x'.repeat(250_000);
/** Legal, 247 KB long, and fifty thousand elements. */
const wide = `<message xmlns="jabber:client" to="argl@avalon.irc/r"><x xmlns="urn:x">${`<b>${'<a/>'.repeat(1990)}</b>`.repeat(31)}</x></message>`;
const idsOf = (client: WireClient) =>
  client
    .take()
    .filter(({ name }) => name === 'message')
    .map(({ attrs }) => attrs['id']);
const numbers = (n: number) => Array.from({ length: n }, (_, i) => `m${i}`);

describe('a bucket', () => {
  const rate = { perSecond: 1000, burst: 5000 };

  it('gives its burst at once, and then its rate', () => {
    const host = new FakeHost();
    const bucket = new Bucket(rate, host.now());
    expect(bucket.waitMs(host.now(), 5000)).toBe(0);
    bucket.take(host.now(), 5000);
    expect(bucket.waitMs(host.now(), 500)).toBe(500);
    host.advance(500);
    expect(bucket.waitMs(host.now(), 500)).toBe(0);
  });

  it('can be saved up beyond its burst for what costs more', () => {
    const host = new FakeHost();
    const bucket = new Bucket(rate, host.now());
    expect(bucket.waitMs(host.now(), 8000)).toBe(3000);
    host.advance(3000);
    expect(bucket.waitMs(host.now(), 8000)).toBe(0);
    bucket.take(host.now(), 8000);
    expect(bucket.waitMs(host.now(), 1000)).toBe(1000);
  });

  it('is not hurt by a clock that is set back, and never empty at rate 0', () => {
    const host = new FakeHost();
    const bucket = new Bucket(rate, host.now());
    bucket.take(host.now(), 5000);
    expect(bucket.waitMs((host.now() - 3_600_000) as never, 1000)).toBe(1000);
    const unlimited = new Bucket({ perSecond: 0, burst: 0 }, host.now());
    unlimited.take(host.now(), 1e9);
    expect(unlimited.waitMs(host.now(), 1e9)).toBe(0);
  });
});

describe('what markup costs', () => {
  it('is nothing for a usual stanza, and much for one that is all elements, attributes or references', () => {
    expect(markupCost(say('argl@avalon.irc/r', 'hello'))).toBe(0);
    expect(markupCost(say('argl@avalon.irc/r', large))).toBe(0);
    expect(markupCost(wide)).toBeGreaterThan(10 * wide.length);
    expect(markupCost(say('argl@avalon.irc/r', '&#120;'.repeat(40_000)))).toBeGreaterThan(mib);
    expect(markupCost(`<a ${Array.from({ length: 6000 }, (_, i) => `a${i}='x'`).join(' ')}/>`)).toBeGreaterThan(1e5);
  });
});

describe('a sender beyond its share', () => {
  it('waits: its socket is not read, nothing is lost, and others go on', () => {
    const { host, login } = fakeNetwork();
    const reader = login('argl@avalon.irc/r');
    const sender = login('msa@vesa.irc/r');
    const other = login('rubenro@vesa.irc/r');
    sender.send(...numbers(24).map((id) => say('argl@avalon.irc/r', large, id)));
    host.advance(5000);
    const first = idsOf(reader);
    expect(first.length).toBeGreaterThan(15);
    expect(first.length).toBeLessThan(24);
    expect(sender.isRead).toBe(false);
    other.send(say('argl@avalon.irc/r', 'hello', 'other'));
    host.advance(100);
    expect(idsOf(reader)).toEqual(['other']);
    host.advance(28_000);
    expect([...first, ...idsOf(reader)]).toEqual(numbers(first.length + 1));
  });

  it('is told after a while, and cut off at last', () => {
    const { host, login } = fakeNetwork();
    const sender = login('msa@vesa.irc/r');
    sender.send(...numbers(40).map((id) => say('msa@vesa.irc/r', large, id)));
    host.advance(9_000);
    sender.take();
    host.advance(6_000);
    const told = sender.take().filter((stanza) => errorCondition(stanza) !== undefined);
    expect(told.map(({ attrs }) => [attrs['from'], attrs['type']])).toEqual([['vesa.irc', 'error']]);
    expect(errorCondition(told[0])).toBe('resource-constraint');
    expect(sender.closed).toBe(false);
    host.advance(60_000);
    expect(sender.streamError).toBe('policy-violation');
    expect(sender.closed).toBe(true);
  });

  it('pays for markup what it costs: a stanza of fifty thousand elements is never read', () => {
    const { host, login } = fakeNetwork();
    const reader = login('argl@avalon.irc/r');
    const sender = login('msa@vesa.irc/r').send(wide);
    expect(sender.isRead).toBe(false);
    host.advance(70_000);
    expect(reader.take()).toEqual([]);
    expect(sender.streamError).toBe('policy-violation');
  });

  it('pays for pings of the WebSocket too', () => {
    const { host, login } = fakeNetwork({ budgets: { client: { perSecond: 1000, burst: 10_000 } } });
    const sender = login('msa@vesa.irc/r');
    for (let i = 0; i < 200; i++) sender.ping();
    expect(sender.isRead).toBe(false);
    host.advance(30_000);
    expect(sender.isRead).toBe(true);
  });

  it('who keeps to the share is read all the time', () => {
    const { host, login } = fakeNetwork();
    const sender = login('msa@vesa.irc/r');
    for (let i = 0; i < 500; i++) sender.send(say('msa@vesa.irc/r', 'hello', `m${i}`));
    expect(sender.isRead).toBe(true);
    expect(idsOf(sender)).toEqual(numbers(500));
    host.advance(120_000);
    expect(sender.closed).toBe(false);
  });

  it('a room is shared: when all together send it too much, those who send there wait', () => {
    const { host, login } = fakeNetwork({ budgets: { roomIn: { perSecond: 10_000, burst: 120_000 } } });
    const service = login('channel.avalon.irc');
    const [one, two] = [login('argl@avalon.irc/1'), login('argl@avalon.irc/2')];
    const text = 'x'.repeat(20_000);
    for (let i = 0; i < 3; i++)
      for (const sender of [one, two]) sender.send(say('r@channel.avalon.irc', text, `m${i}`));
    expect(idsOf(service)).toHaveLength(6);
    one.send(say('r@channel.avalon.irc', 'x', 'late'));
    expect(one.isRead).toBe(false);
    const elsewhere = login('argl@avalon.irc/3').send(say('other@channel.avalon.irc', 'x', 'elsewhere'));
    expect(elsewhere.isRead).toBe(true);
    expect(idsOf(service)).toEqual(['elsewhere']);
    host.advance(3000);
    expect(idsOf(service)).toEqual(['late']);
  });

  it('a node may send far more than a user', () => {
    const { login } = fakeNetwork();
    const reader = login('argl@avalon.irc/r');
    const service = login('channel.avalon.irc');
    for (let i = 0; i < 40; i++)
      service.send(say('argl@avalon.irc/r', large).replace('<message', '<message from="r@channel.avalon.irc/n"'));
    expect(service.isRead).toBe(true);
    expect(reader.take()).toHaveLength(40);
  });
});

describe('a reader that is slow', () => {
  const slowly = (budgets: Partial<Budgets> = {}) => {
    const network = fakeNetwork({ budgets });
    const service = network.login('channel.avalon.irc');
    const reader = network.login('argl@avalon.irc/r');
    reader.buffered = 300_000;
    const history = (n: number) =>
      service.send(
        ...numbers(n).map((id) =>
          say('argl@avalon.irc/r', large, id).replace('<message', '<message from="r@channel.avalon.irc/n"'),
        ),
      );
    return { ...network, service, reader, history };
  };

  it('is sent all that a room has for it, in order, when it reads', () => {
    const { host, reader, history } = slowly();
    history(40);
    expect(reader.take()).toEqual([]);
    host.advance(50_000);
    reader.drains();
    expect(idsOf(reader)).toEqual(numbers(40));
    expect(reader.closed).toBe(false);
  });

  it('is cut off only when it has read nothing for a minute', () => {
    const { host, reader, history } = slowly();
    history(10);
    for (let left = 300_000; left > 270_000; left -= 1000) {
      reader.buffered = left;
      host.advance(10_000);
    }
    expect(reader.closed).toBe(false);
    host.advance(61_000);
    expect(reader.streamError).toBe('policy-violation');
  });

  it('is cut off when more waits for it than memory allows, whatever it is', () => {
    const { host, reader, history } = slowly({ waitingBytes: 5_000_000 });
    history(19);
    host.advance(3000);
    expect(reader.closed).toBe(false);
    history(2);
    host.advance(3000);
    expect(reader.streamError).toBe('policy-violation');
  });

  it('waits for the answers of the server itself as for anything else', () => {
    const { reader } = slowly();
    reader.send('<iq xmlns="jabber:client" type="get" id="p" to="avalon.irc"><ping xmlns="urn:xmpp:ping"/></iq>');
    expect(reader.take()).toEqual([]);
    reader.drains();
    expect(reader.take()).toHaveLength(1);
  });

  it('RFC 6120 §7: and so do answers to binding', () => {
    const { connect } = fakeNetwork();
    const client = connect().open('avalon.irc').auth('argl', 'pw').open('avalon.irc');
    client.take();
    client.buffered = 300_000;
    client.bind('r');
    for (let i = 0; i < 50; i++) client.bind(`again${i}`);
    expect(client.take()).toEqual([]);
    client.drains();
    expect(client.take()).toMatchObject([{ name: 'iq', attrs: { type: 'result', id: 'b' } }]);
  });

  it('may not ask for more before it has read what it asked for', () => {
    const { host, service, reader, history } = slowly();
    history(2);
    reader.send(say('r@channel.avalon.irc', 'and the next page?', 'asks'));
    host.advance(1000);
    expect(reader.isRead).toBe(false);
    expect(service.take()).toEqual([]);
    reader.drains();
    host.advance(1000);
    expect(idsOf(service)).toEqual(['asks']);
  });

  it('a node in the same process rests while much waits for those who read, but for nobody else', () => {
    const { host, network, login } = fakeNetwork();
    const opened = network.openSession(jid('rooms.vesa.irc'), [jid('rooms.vesa.irc')], {
      stanza: () => undefined,
      ended: () => undefined,
    });
    if (!opened.ok) throw new Error('no session');
    const { session } = opened;
    const reader = login('msa@vesa.irc/r');
    expect(session.unsent()).toBe(0);
    reader.buffered = 300_000;
    for (let i = 0; i < 5; i++)
      session.send(message(jid('r@rooms.vesa.irc/n'), jid('msa@vesa.irc/r'), {}, el('body', NS.client, {}, large)));
    expect(session.unsent()).toBeGreaterThan(mib);
    host.advance(1500);
    expect(session.unsent()).toBe(0);
    expect(reader.closed).toBe(false);
    reader.drains();
    expect(reader.take()).toHaveLength(5);
  });
});
