import { describe, expect, it } from 'vitest';
import { childOf, textOf } from '../../../src/core/xmpp/xml.ts';
import { errorCondition, fakeNetwork, type WireClient } from '../../support/server.ts';

const c = 'xmlns="jabber:client"';
const body = '<body>to all</body>';
const address = (jid: string, type = 'bcc') => `<address type="${type}" jid="${jid}"/>`;
const addresses = (...of: readonly string[]) =>
  `<addresses xmlns="http://jabber.org/protocol/address">${of.join('')}</addresses>`;
const toAll = (jids: readonly string[], inner = body, to = 'avalon.irc', from = 'r@channel.avalon.irc/Nick') =>
  `<message ${c} from="${from}" to="${to}" id="m1" type="groupchat">${addresses(...jids.map((jid) => address(jid)))}${inner}</message>`;

const heard = (client: WireClient) => client.take().map((stanza) => [stanza.attrs, stanza.children.length]);
const copyFor = (to: string) => [{ from: 'r@channel.avalon.irc/Nick', to, id: 'm1', type: 'groupchat' }, 1];

describe('XEP-0033: one stanza of a node for many', () => {
  it('§6: each addressee gets a copy, on their own server too, and none is told of the others', () => {
    const { host, login } = fakeNetwork();
    const [argl, msa, troy] = ['argl@avalon.irc/r', 'msa@vesa.irc/r', 'troy@eris.irc/r'].map((jid) => login(jid));
    const service = login('channel.avalon.irc');
    service.send(toAll(['argl@avalon.irc/r', 'msa@vesa.irc/r']));
    host.advance(1000);
    expect(heard(argl as WireClient)).toEqual([copyFor('argl@avalon.irc/r')]);
    expect(heard(msa as WireClient)).toEqual([copyFor('msa@vesa.irc/r')]);
    expect([heard(troy as WireClient), heard(service)]).toEqual([[], []]);
  });

  it('§9: it is offered to nodes alone; a person is told so', () => {
    const { login, connect } = fakeNetwork();
    const features = (domain: string, name: string) =>
      connect()
        .open(domain)
        .auth(name, 'pw')
        .open(domain)
        .take()
        .some(
          (element) =>
            element.name === 'features' && childOf(element, 'addresses', 'http://jabber.org/protocol/address'),
        );
    expect(features('channel.avalon.irc', 'channel.avalon.irc')).toBe(true);
    expect(features('vesa.irc', 'replica')).toBe(true);
    expect(features('avalon.irc', 'argl')).toBe(false);
    const msa = login('msa@vesa.irc/r');
    const argl = login('argl@avalon.irc/r');
    argl.send(toAll(['msa@vesa.irc/r'], body, 'avalon.irc', 'argl@avalon.irc/r'));
    expect(heard(msa)).toEqual([]);
    expect(argl.take().map(errorCondition)).toEqual(['forbidden']);
  });

  it('what a user said may hold addresses, too: it is passed on, and goes nowhere else', () => {
    const { login } = fakeNetwork();
    const [argl, msa] = [login('argl@avalon.irc/r'), login('msa@vesa.irc/r')];
    const theirs = `${body}${addresses(address('msa@vesa.irc/r'))}`;
    login('channel.avalon.irc').send(toAll(['argl@avalon.irc/r'], theirs));
    expect(argl.take().map(({ children }) => children.length)).toEqual([2]);
    expect(msa.take()).toEqual([]);
  });

  it('§10: a service has only addresses of its own; then its stream ends, and nobody has anything', () => {
    const { login } = fakeNetwork();
    const argl = login('argl@avalon.irc/r');
    const service = login('channel.avalon.irc');
    service.send(toAll(['argl@avalon.irc/r'], body, 'avalon.irc', 'r@rooms.vesa.irc/Nick'));
    expect(service.streamError).toBe('invalid-from');
    expect(heard(argl)).toEqual([]);
  });

  it('a replica speaks in the room’s name to users of its own server alone', () => {
    const copies = (...jids: readonly string[]) => {
      const { login } = fakeNetwork();
      const [msa, argl] = [login('msa@vesa.irc/r'), login('argl@avalon.irc/r')];
      const replica = login('replica@vesa.irc/node').bindHost('wallops@channel.avalon.irc');
      replica.take();
      replica.send(toAll(jids, body, 'vesa.irc', 'wallops@channel.avalon.irc/Nick'));
      return [msa.take().length, argl.take().length, replica.streamError];
    };
    expect(copies('msa@vesa.irc/r')).toEqual([1, 0, undefined]);
    expect(copies('msa@vesa.irc/r', 'argl@avalon.irc/r')).toEqual([0, 0, 'invalid-from']);
  });

  it.each([
    [
      'another type of address',
      addresses(address('argl@avalon.irc/r'), address('msa@vesa.irc/r', 'to')),
      'feature-not-implemented',
    ],
    ['an address without a JID', addresses('<address type="bcc" uri="tel:1"/>'), 'feature-not-implemented'],
    ['no address', addresses(), 'feature-not-implemented'],
    ['what is no JID', addresses(address('argl@avalon.irc/r'), address('@')), 'jid-malformed'],
  ])('§9: %s is refused as a whole', (_, header, condition) => {
    const { login } = fakeNetwork();
    const argl = login('argl@avalon.irc/r');
    const service = login('channel.avalon.irc');
    service.send(`<message ${c} from="r@channel.avalon.irc" to="avalon.irc" id="m1">${header}${body}</message>`);
    expect(service.take().map(errorCondition)).toEqual([condition]);
    expect(heard(argl)).toEqual([]);
  });

  it('§4.5: where somebody has delivered it already it does not go again', () => {
    const { login } = fakeNetwork();
    const argl = login('argl@avalon.irc/r');
    const header = addresses(address('argl@avalon.irc/r').replace('/>', ' delivered="true"/>'));
    const service = login('channel.avalon.irc');
    service.send(`<message ${c} from="r@channel.avalon.irc" to="avalon.irc" id="m1">${header}${body}</message>`);
    expect([heard(argl), heard(service)]).toEqual([[], []]);
  });

  it('one who is not there is refused alone', () => {
    const { host, login } = fakeNetwork();
    const argl = login('argl@avalon.irc/r');
    const service = login('channel.avalon.irc');
    service.send(toAll(['troy@eris.irc/r', 'argl@avalon.irc/r']));
    host.advance(1000);
    expect(argl.take().map((stanza) => textOf(childOf(stanza, 'body', 'jabber:client') ?? stanza))).toEqual(['to all']);
    expect(service.take().map((stanza) => [stanza.attrs['from'], errorCondition(stanza)])).toEqual([
      ['troy@eris.irc/r', 'service-unavailable'],
    ]);
  });

  it('§2.1: a node that asks is told of it', () => {
    const service = fakeNetwork().login('channel.avalon.irc');
    service.send(
      `<iq ${c} from="channel.avalon.irc" type="get" id="1" to="avalon.irc"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
    );
    expect(JSON.stringify(service.take())).toContain('"var":"http://jabber.org/protocol/address"');
  });

  it('it costs a node what the copies would', () => {
    const { host, login } = fakeNetwork({ budgets: { node: { perSecond: 1000, burst: 10_000 } } });
    const argl = login('argl@avalon.irc/r');
    const service = login('channel.avalon.irc');
    const large = `<body>${'x'.repeat(1000)}</body>`;
    service.send(toAll(Array<string>(20).fill('argl@avalon.irc/r'), large));
    expect(argl.take()).toHaveLength(20);
    service.send(toAll(['argl@avalon.irc/r']));
    host.advance(5_000);
    expect(argl.take()).toEqual([]);
    host.advance(20_000);
    expect(argl.take()).toHaveLength(1);
  });

  it('its copies are counted as if each had come by itself', () => {
    const { login } = fakeNetwork({ budgets: { node: { perSecond: 0, burst: 0 } } });
    const service = login('channel.avalon.irc');
    // Where nobody is, nobody is told of it (RFC 6121 §8.5.3.2).
    const header = addresses(...Array.from({ length: 1000 }, () => address('argl@avalon.irc/r')));
    const flood = `<presence ${c} from="r@channel.avalon.irc/n" to="avalon.irc" type="unavailable">${header}</presence>`;
    for (let i = 0; i < 400; i++) service.send(flood);
    expect(service.streamError).toBeUndefined();
    service.send(flood);
    expect(service.streamError).toBe('policy-violation');
  });

  it('in the trace it comes in once, and goes out to each', () => {
    const { login, trace } = fakeNetwork();
    for (const jid of ['argl@avalon.irc/r', 'msa@vesa.irc/r']) login(jid);
    login('channel.avalon.irc').send(toAll(['argl@avalon.irc/r', 'msa@vesa.irc/r']));
    const hops = trace().flatMap((record) => (record.kind === 'hop' && record.stanza.id === 'm1' ? [record] : []));
    const [first] = hops;
    expect(hops.map(({ leg, to, cause }) => [leg, to, cause === first?.seq])).toEqual([
      ['in', 'avalon.irc', false],
      ['out', 'argl@avalon.irc/r', true],
      ['link', 'vesa.irc', true],
      ['out', 'msa@vesa.irc/r', false],
    ]);
  });
});
