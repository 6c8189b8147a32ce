import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { childOf, elementsOf } from '../../../src/core/xmpp/xml.ts';
import { errorCondition, fakeNetwork } from '../../support/server.ts';

const c = 'xmlns="jabber:client"';
const room = 'wallops@channel.avalon.irc';

describe('XEP-0225 §4 host binding', () => {
  it('a service logs in by its domain and is offered host binding, and copies for many', () => {
    const { connect } = fakeNetwork();
    for (const to of ['channel.avalon.irc', 'avalon.irc']) {
      const client = connect().open(to).auth('channel.avalon.irc', 'pw').open(to);
      const features = client.take().at(-1);
      expect(elementsOf(features as never)).toMatchObject([
        { name: 'bind', xmlns: 'urn:xmpp:component:0', children: [{ name: 'required' }] },
        { name: 'addresses', xmlns: 'http://jabber.org/protocol/address' },
      ]);
      client.bindHost('channel.avalon.irc');
      expect(client.take()).toMatchObject([
        {
          name: 'iq',
          attrs: { type: 'result', id: 'h' },
          children: [{ name: 'bind', children: [{ name: 'hostname', children: ['channel.avalon.irc'] }] }],
        },
      ]);
    }
  });

  it.each([
    ["another service's domain", 'idle.avalon.irc', 'not-allowed'],
    ['a server', 'avalon.irc', 'not-allowed'],
    ['a subdomain', 'x.channel.avalon.irc', 'not-allowed'],
    ['a room', room, 'not-allowed'],
    ['what is no host name', 'channel.avalon.irc/x', 'bad-request'],
    ['nothing', '', 'bad-request'],
    ['its own domain twice', 'channel.avalon.irc', 'conflict'],
  ])('a service may not bind %s', (_, hostname, condition) => {
    const client = fakeNetwork().login('channel.avalon.irc').bindHost(hostname);
    expect(client.take().map(errorCondition)).toEqual([condition]);
    expect(client.closed).toBe(false);
  });

  it('several host names a stream, where granted; each can be unbound', () => {
    const grants = [{ server: 'avalon.irc', account: 'channel.avalon.irc', address: 'idle.avalon.irc' }];
    const { login } = fakeNetwork({ grants });
    const service = login('channel.avalon.irc').bindHost('idle.avalon.irc');
    expect(service.take().map(errorCondition)).toEqual([undefined]);
    const user = login('argl@avalon.irc/r').send(`<message ${c} to="x@idle.avalon.irc"/>`);
    expect(service.take()).toHaveLength(1);
    service.send(`<message ${c} from="x@idle.avalon.irc" to="argl@avalon.irc/r"/>`);
    expect(user.take()).toHaveLength(1);
    service.send(
      `<iq ${c} type="set" id="u"><unbind xmlns="urn:xmpp:component:0"><hostname>idle.avalon.irc</hostname></unbind></iq>`,
    );
    expect(service.take()).toMatchObject([{ attrs: { type: 'result', id: 'u' }, children: [] }]);
    user.send(`<message ${c} to="x@idle.avalon.irc"/>`);
    expect(user.take().map(errorCondition)).toEqual(['service-unavailable']);
    service.send(`<message ${c} from="x@idle.avalon.irc" to="argl@avalon.irc/r"/>`);
    expect(service.streamError).toBe('invalid-from');
  });

  it('a newer session of the same account takes the host over; of another account it is a conflict', () => {
    const grants = [{ server: 'avalon.irc', account: 'idle.avalon.irc', address: 'channel.avalon.irc' }];
    const { login } = fakeNetwork({ grants });
    const older = login('channel.avalon.irc');
    const newer = login('channel.avalon.irc');
    expect(older.streamError).toBe('conflict');
    const other = login('idle.avalon.irc').bindHost('channel.avalon.irc');
    expect(other.take().map(errorCondition)).toEqual(['conflict']);
    login('argl@avalon.irc/r').send(`<message ${c} to="x@channel.avalon.irc"/>`);
    expect(newer.take()).toHaveLength(1);
  });

  it('people have no host binding', () => {
    const client = fakeNetwork().login('argl@avalon.irc/r').bindHost('channel.avalon.irc');
    expect(client.take().map(errorCondition)).toEqual(['not-allowed']);
  });
});

describe("A replica's grant: (server, account, room)", () => {
  const bound = () => {
    const network = fakeNetwork();
    const replica = network.login('replica@vesa.irc/node').bindHost(room);
    const primary = network.login('channel.avalon.irc');
    const msa = network.login('msa@vesa.irc/r');
    const troy = network.login('troy@eris.irc/r');
    expect(replica.take().map(errorCondition)).toEqual([undefined]);
    return { ...network, replica, primary, msa, troy };
  };

  it('is offered both kinds of binding', () => {
    const client = fakeNetwork().connect().open('vesa.irc').auth('replica', 'pw').open('vesa.irc');
    const features = client.take().at(-1) as never;
    expect(childOf(features, 'bind', 'urn:ietf:params:xml:ns:xmpp-bind')).toBeDefined();
    expect(childOf(features, 'bind', 'urn:xmpp:component:0')).toBeDefined();
  });

  it.each([
    ['an account without the grant', 'other@vesa.irc/node', room],
    ['another room', 'replica@vesa.irc/node', 'other@channel.avalon.irc'],
    ["the room's whole domain", 'replica@vesa.irc/node', 'channel.avalon.irc'],
    ['another service', 'replica@vesa.irc/node', 'rooms.vesa.irc'],
    ['its own server', 'replica@vesa.irc/node', 'vesa.irc'],
    ['a user', 'replica@vesa.irc/node', 'msa@vesa.irc'],
  ])('not-allowed: %s', (_, account, host) => {
    expect(fakeNetwork().login(account).bindHost(host).take().map(errorCondition)).toEqual(['not-allowed']);
  });

  it('is handed, unchanged, what other local sessions send to the room and its occupants', () => {
    const { host, replica, primary, msa } = bound();
    msa.send(
      `<presence ${c} to="${room}/Efchen"/>`,
      `<message ${c} type="groupchat" to="${room}"/>`,
      `<iq ${c} type="get" id="1" to="${room}/X"><a xmlns="b"/></iq>`,
    );
    expect(replica.take().map(({ name, attrs }) => `${name} ${attrs['from']} ${attrs['to']}`)).toEqual([
      `presence msa@vesa.irc/r ${room}/Efchen`,
      `message msa@vesa.irc/r ${room}`,
      `iq msa@vesa.irc/r ${room}/X`,
    ]);
    host.advance(100);
    expect(primary.take()).toEqual([]);
  });

  it('is not handed what is for other rooms, or sent on other servers', () => {
    const { host, replica, primary, msa, troy } = bound();
    msa.send(`<message ${c} to="other@channel.avalon.irc"/>`);
    troy.send(`<message ${c} to="${room}"/>`);
    host.advance(20);
    expect(replica.take()).toEqual([]);
    expect(primary.take()).toHaveLength(2);
  });

  it("hears of a vanished local user in the room's stead", () => {
    const { replica, msa } = bound();
    msa.send(`<presence ${c} to="${room}/Efchen"/>`);
    replica.take();
    msa.vanish();
    expect(replica.take()).toMatchObject([
      { attrs: { type: 'unavailable', from: 'msa@vesa.irc/r', to: `${room}/Efchen` } },
    ]);
  });

  it('hears of a vanished local user it sent to', () => {
    const { replica, msa } = bound();
    msa.vanish();
    replica.send(`<message ${c} type="groupchat" from="${room}/X" to="msa@vesa.irc/r"/>`);
    expect(replica.take().map(errorCondition)).toEqual(['service-unavailable']);
  });

  it.each([
    ['XEP-0282 §4.8 a local user, to the room', 'msa@vesa.irc/r', `${room}/X`, 'primary'],
    ['a local user who is gone, to the room', 'gone@vesa.irc/r', room, 'primary'],
    ['its own bare JID, to the room', 'replica@vesa.irc', room, 'primary'],
    ['its own full JID, to the room', 'replica@vesa.irc/node', room, 'primary'],
    ['XEP-0282 §4.9 an occupant, to a local user', `${room}/Wumpus`, 'msa@vesa.irc/r', 'msa'],
    ['the room, to a local user', room, 'msa@vesa.irc/r', 'msa'],
  ] as const)('may send from %s', (_, from, to, receiver) => {
    const network = bound();
    network.replica.send(`<message ${c} from="${from}" to="${to}"/>`);
    network.host.advance(20);
    expect(network[receiver].take().map(({ attrs }) => [attrs['from'], attrs['to']])).toEqual([[from, to]]);
  });

  it.each([
    ['the room, to a user elsewhere', room, 'troy@eris.irc/r'],
    ['the room, to a service', room, 'rooms.vesa.irc'],
    ['the room, to the server', room, 'vesa.irc'],
    ['the room, to nobody', room, ''],
    ['the room, to the room', `${room}/A`, `${room}/B`],
    ['another room of the domain', 'other@channel.avalon.irc/X', 'msa@vesa.irc/r'],
    ["the room's domain", 'channel.avalon.irc', 'msa@vesa.irc/r'],
    ['a local user, to another local user', 'rubenro@vesa.irc/r', 'msa@vesa.irc/r'],
    ['a local user, to another room', 'msa@vesa.irc/r', 'other@channel.avalon.irc'],
    ["a local user, to the room's domain", 'msa@vesa.irc/r', 'channel.avalon.irc'],
    ['a user elsewhere, to the room', 'troy@eris.irc/r', room],
    ['another replica, to the room', 'other@vesa.irc/x', room],
    ['the server itself, to the room', 'vesa.irc', room],
    ['a local service, to the room', 'x@rooms.vesa.irc', room],
    ['another of its resources', 'replica@vesa.irc/other', room],
  ])('invalid-from: %s', (_, from, to) => {
    const network = bound();
    network.replica.send(`<message ${c} from="${from}" ${to === '' ? '' : `to="${to}"`}/>`);
    network.host.advance(100);
    expect(network.replica.streamError).toBe('invalid-from');
    for (const client of [network.msa, network.troy, network.primary]) expect(client.take()).toEqual([]);
  });

  it('may not speak for the room or relay before it is bound, nor after it is unbound', () => {
    const attempt = (bind: boolean, from: string, to: string) => {
      const replica = fakeNetwork().login('replica@vesa.irc/node');
      if (bind) {
        replica.bindHost(room);
        replica.send(
          `<iq ${c} type="set" id="u"><unbind xmlns="urn:xmpp:component:0"><hostname>${room}</hostname></unbind></iq>`,
        );
      }
      return replica.send(`<message ${c} from="${from}" to="${to}"/>`).streamError;
    };
    for (const before of [false, true]) {
      expect(attempt(before, `${room}/X`, 'msa@vesa.irc/r')).toBe('invalid-from');
      expect(attempt(before, 'msa@vesa.irc/r', room)).toBe('invalid-from');
    }
  });

  it('learns itself that its relaying failed: the error comes back to its stream, addressed as it relayed', () => {
    const { network, replica, msa } = bound();
    network.changeLink(jid('vesa.irc'), jid('avalon.irc'), { state: 'bounce' });
    replica.send(`<message ${c} id="m" from="msa@vesa.irc/r" to="${room}"/>`);
    const [error] = replica.take();
    expect(error?.attrs).toMatchObject({ type: 'error', id: 'm', from: room, to: 'msa@vesa.irc/r' });
    expect(errorCondition(error)).toBe('remote-server-timeout');
    expect(msa.take()).toEqual([]);
  });

  it("does not get what is the room's own: the bounce of a stanza that came over the link goes back over it", () => {
    const { host, replica, primary } = bound();
    primary.send(`<message ${c} id="m" type="groupchat" from="${room}/X" to="gone@vesa.irc/r"/>`);
    host.advance(40);
    expect(replica.take()).toEqual([]);
    expect(primary.take().map(errorCondition)).toEqual(['service-unavailable']);
  });

  it('when it is gone, the room is reached as if it had never been there', () => {
    const { host, replica, primary, msa } = bound();
    replica.vanish();
    msa.send(`<message ${c} to="${room}"/>`);
    host.advance(20);
    expect(primary.take()).toHaveLength(1);
  });

  it('may be taken over by a newer session of the same account', () => {
    const { login, replica, msa } = bound();
    const newer = login('replica@vesa.irc/reloaded').bindHost(room);
    expect(newer.take().map(errorCondition)).toEqual([undefined]);
    expect(replica.streamError).toBe('conflict');
    msa.send(`<message ${c} to="${room}"/>`);
    expect(newer.take()).toHaveLength(1);
  });
});
