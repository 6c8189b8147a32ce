import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { errorCondition, errorText, fakeNetwork, type WireClient } from '../../support/server.ts';

const c = 'xmlns="jabber:client"';

/** What arrives at a client, in brief: name, type, from. */
const brief = (client: WireClient) =>
  client
    .take()
    .map((stanza) =>
      [stanza.name, stanza.attrs['type'] ?? '', stanza.attrs['from'], errorCondition(stanza) ?? ''].join(' ').trim(),
    );

describe('RFC 6120 §8.1.2.1 from is stamped, never believed', () => {
  it.each([
    ['none', ''],
    ['its bare JID', 'from="argl@avalon.irc"'],
    ['its full JID', 'from="argl@avalon.irc/r"'],
    ['its full JID, not prepared', 'from="Argl@Avalon.IRC/r"'],
  ])('a person who says %s is stamped with the full JID', (_, from) => {
    const { login } = fakeNetwork();
    const service = login('channel.avalon.irc');
    login('argl@avalon.irc/r').send(`<message ${c} ${from} to="r@channel.avalon.irc"/>`);
    expect(service.take()[0]?.attrs['from']).toBe('argl@avalon.irc/r');
  });

  it.each([
    ['another resource', 'argl@avalon.irc/other'],
    ['another user', 'operator@avalon.irc'],
    ['another domain', 'argl@vesa.irc'],
    ['the server', 'avalon.irc'],
    ['a room', 'wallops@channel.avalon.irc/Nick'],
    ['what is no JID', '@'],
    ['an empty one', ''],
  ])('a person who claims %s is overruled, an operator loses the stream', (_, from) => {
    const { login } = fakeNetwork();
    const service = login('channel.avalon.irc');
    const forged = `<message ${c} from="${from}" to="r@channel.avalon.irc"/>`;
    expect(login('argl@avalon.irc/r').send(forged).streamError).toBeUndefined();
    expect(service.take().map(({ attrs }) => attrs['from'])).toEqual(['argl@avalon.irc/r']);
    expect(login('operator@avalon.irc/o').send(forged).streamError).toBe(
      from === 'operator@avalon.irc' ? undefined : 'invalid-from',
    );
    expect(service.take()).toHaveLength(from === 'operator@avalon.irc' ? 1 : 0);
  });

  it('XEP-0225: a service may send from any address of its domain, and no other', () => {
    const { login } = fakeNetwork();
    const user = login('argl@avalon.irc/r');
    const service = login('channel.avalon.irc');
    service.send(
      `<message ${c} from="a@channel.avalon.irc/Nick" to="argl@avalon.irc/r"/>`,
      `<message ${c} from="channel.avalon.irc" to="argl@avalon.irc/r"/>`,
      `<message ${c} to="argl@avalon.irc/r"/>`,
    );
    expect(user.take().map(({ attrs }) => attrs['from'])).toEqual([
      'a@channel.avalon.irc/Nick',
      'channel.avalon.irc',
      'channel.avalon.irc',
    ]);
    for (const from of ['argl@avalon.irc', 'avalon.irc', 'a@idle.avalon.irc', 'a@sub.channel.avalon.irc']) {
      const other = fakeNetwork().login('channel.avalon.irc');
      expect(other.send(`<message ${c} from="${from}" to="argl@avalon.irc/r"/>`).streamError).toBe('invalid-from');
    }
  });
});

describe('RFC 6120 §8.2.3, §8.3 malformed stanzas', () => {
  it.each([
    ['no id', `<iq ${c} type="get" to="avalon.irc"><ping xmlns="urn:xmpp:ping"/></iq>`, 'bad-request'],
    ['no type', `<iq ${c} id="1" to="avalon.irc"><ping xmlns="urn:xmpp:ping"/></iq>`, 'bad-request'],
    ['no child', `<iq ${c} id="1" type="get" to="avalon.irc"/>`, 'bad-request'],
    [
      'two children',
      `<iq ${c} id="1" type="get" to="avalon.irc"><ping xmlns="urn:xmpp:ping"/><a xmlns="b"/></iq>`,
      'bad-request',
    ],
    ['an address that is none', `<message ${c} to="a@b@c"/>`, 'jid-malformed'],
    ['an empty address', `<message ${c} to=""/>`, 'jid-malformed'],
  ])('%s is answered, and the stream lives', (_, frame, condition) => {
    const client = fakeNetwork().login('argl@avalon.irc/r').send(frame);
    expect(errorCondition(client.take()[0])).toBe(condition);
    expect(client.closed).toBe(false);
  });

  it('§8.3.1 an error is never answered with an error', () => {
    const client = fakeNetwork().login('argl@avalon.irc/r');
    client.send(
      `<message ${c} type="error" to="nobody@nowhere.example"/>`,
      `<presence ${c} type="error" to="a@idle.avalon.irc"/>`,
      `<iq ${c} type="error" id="1" to="nobody@avalon.irc"/>`,
      `<iq ${c} type="result" id="1" to="nobody@avalon.irc/r"/>`,
    );
    expect(client.take()).toEqual([]);
  });
});

describe('RFC 6120 §10 routing', () => {
  it('§10.4 an unknown domain is remote-server-not-found', () => {
    const client = fakeNetwork().login('argl@avalon.irc/r').send(`<message ${c} id="m" to="a@nowhere.example"/>`);
    const [error] = client.take();
    expect(error?.attrs).toMatchObject({ type: 'error', id: 'm', from: 'a@nowhere.example', to: 'argl@avalon.irc/r' });
    expect(errorCondition(error)).toBe('remote-server-not-found');
  });

  it('§8.3.3.19 a service that is not connected is service-unavailable, here and behind a link', () => {
    const { host, login } = fakeNetwork();
    const client = login('argl@avalon.irc/r').send(`<presence ${c} to="a@idle.avalon.irc/n"/>`);
    expect(brief(client)).toEqual(['presence error a@idle.avalon.irc/n service-unavailable']);
    client.send(`<message ${c} to="a@rooms.vesa.irc"/>`);
    expect(client.take()).toEqual([]);
    host.advance(40);
    expect(brief(client)).toEqual(['message error a@rooms.vesa.irc service-unavailable']);
  });

  it('XEP-0410 §3: to a ping by way of its room that would mean "still in", so it is remote-server-timeout', () => {
    const client = fakeNetwork().login('argl@avalon.irc/r');
    const ping = '<ping xmlns="urn:xmpp:ping"/>';
    client.send(
      `<iq ${c} type="get" id="1" to="a@idle.avalon.irc/n">${ping}</iq>`,
      `<iq ${c} type="get" id="2" to="a@idle.avalon.irc">${ping}</iq>`,
    );
    expect(client.take().map(errorCondition)).toEqual(['remote-server-timeout', 'service-unavailable']);
  });

  it('§8.2.3 an id that no node could send back is refused here', () => {
    const { login } = fakeNetwork();
    const service = login('channel.avalon.irc');
    const client = login('argl@avalon.irc/r');
    const id = "'".repeat(1_000);
    client.send(`<iq ${c} type="get" id="${id}" to="channel.avalon.irc"><ping xmlns="urn:xmpp:ping"/></iq>`);
    expect([client.take().map((answer) => [answer.attrs['id'], errorText(answer)]), service.take()]).toEqual([
      [[id, 'an id may be 4096 bytes long']],
      [],
    ]);
  });

  it('the link takes its time, in order, in each direction', () => {
    const { host, login } = fakeNetwork({ links: [{ between: ['vesa.irc', 'avalon.irc'], latencyMs: 50 }] });
    const service = login('channel.avalon.irc');
    const client = login('msa@vesa.irc/r').send(
      `<message ${c} id="1" to="r@channel.avalon.irc"/>`,
      `<message ${c} id="2" to="r@channel.avalon.irc"/>`,
    );
    host.advance(49);
    expect(service.take()).toEqual([]);
    host.advance(1);
    expect(service.take().map(({ attrs }) => attrs['id'])).toEqual(['1', '2']);
    service.send(`<message ${c} from="r@channel.avalon.irc" to="msa@vesa.irc/r"/>`);
    host.advance(49);
    expect(client.take()).toEqual([]);
    host.advance(1);
    expect(client.take()).toHaveLength(1);
  });

  it('§8.3.3.17 a cut link is remote-server-timeout, at once; healed, it carries again', () => {
    const { host, login, network } = fakeNetwork();
    const service = login('channel.avalon.irc');
    const client = login('msa@vesa.irc/r');
    network.changeLink(jid('vesa.irc'), jid('avalon.irc'), { state: 'bounce' });
    client.send(`<message ${c} to="r@channel.avalon.irc"/>`);
    expect(brief(client)).toEqual(['message error r@channel.avalon.irc remote-server-timeout']);
    network.changeLink(jid('avalon.irc'), jid('vesa.irc'), { state: 'up' });
    client.send(`<message ${c} id="2" to="r@channel.avalon.irc"/>`);
    host.advance(20);
    expect(service.take().map(({ attrs }) => attrs['id'])).toEqual(['2']);
  });

  it('a silent cut says nothing to anybody', () => {
    const { host, login, network } = fakeNetwork();
    const service = login('channel.avalon.irc');
    const client = login('msa@vesa.irc/r');
    network.changeLink(jid('vesa.irc'), jid('avalon.irc'), { state: 'silent' });
    client.send(`<message ${c} to="r@channel.avalon.irc"/>`);
    host.advance(10_000);
    expect([service.take(), client.take()]).toEqual([[], []]);
  });

  it('what is under way when the link is cut still arrives', () => {
    const { host, login, network } = fakeNetwork();
    const service = login('channel.avalon.irc');
    login('msa@vesa.irc/r').send(`<message ${c} to="r@channel.avalon.irc"/>`);
    network.changeLink(jid('vesa.irc'), jid('avalon.irc'), { state: 'bounce' });
    host.advance(20);
    expect(service.take()).toHaveLength(1);
  });

  it('while paused nothing crosses a link; then all goes on, in the order of arrival over all links', () => {
    const { host, login, network } = fakeNetwork({ links: [{ between: ['vesa.irc', 'avalon.irc'], latencyMs: 60 }] });
    const service = login('channel.avalon.irc');
    const vesa = login('msa@vesa.irc/r');
    const eris = login('troy@eris.irc/r');
    network.pause(true);
    vesa.send(`<message ${c} id="slow" to="r@channel.avalon.irc"/>`);
    eris.send(`<message ${c} id="1" to="r@channel.avalon.irc"/>`, `<message ${c} id="2" to="r@channel.avalon.irc"/>`);
    login('argl@avalon.irc/r').send(`<message ${c} id="local" to="r@channel.avalon.irc"/>`);
    host.advance(1000);
    expect(service.take().map(({ attrs }) => attrs['id'])).toEqual(['local']);
    network.pause(false);
    expect(service.take().map(({ attrs }) => attrs['id'])).toEqual(['1', '2', 'slow']);
    vesa.send(`<message ${c} id="later" to="r@channel.avalon.irc"/>`);
    host.advance(60);
    expect(service.take()).toHaveLength(1);
  });
});

describe('RFC 6121 §8.5 delivery to local users', () => {
  const frames = { message: (type: string, to: string) => `<message ${c} type="${type}" to="${to}"/>` };

  it.each([
    ['§8.5.1 nobody by that name: normal', frames.message('normal', 'nobody@avalon.irc'), 'service-unavailable'],
    ['§8.5.1 nobody by that name: presence', `<presence ${c} to="nobody@avalon.irc"/>`, ''],
    [
      '§8.5.1 nobody by that name: iq',
      `<iq ${c} type="get" id="1" to="nobody@avalon.irc"><ping xmlns="urn:xmpp:ping"/></iq>`,
      'service-unavailable',
    ],
    ['§8.5.2.2 nobody available: chat', frames.message('chat', 'operator@avalon.irc'), 'service-unavailable'],
    ['§8.5.2.2 nobody available: headline', frames.message('headline', 'operator@avalon.irc'), ''],
    ['§8.5.2.2 groupchat', frames.message('groupchat', 'operator@avalon.irc'), 'service-unavailable'],
    ['§8.5.3.2 no such resource: chat', frames.message('chat', 'argl@avalon.irc/x'), 'service-unavailable'],
    ['§8.5.3.2 no such resource: groupchat', frames.message('groupchat', 'argl@avalon.irc/x'), 'service-unavailable'],
    ['§8.5.3.2 no such resource: headline', frames.message('headline', 'argl@avalon.irc/x'), ''],
    ['§8.5.3.2 no such resource: presence', `<presence ${c} to="argl@avalon.irc/x"/>`, ''],
    [
      '§8.5.3.2 no such resource: iq get',
      `<iq ${c} type="get" id="1" to="argl@avalon.irc/x"><a xmlns="b"/></iq>`,
      'service-unavailable',
    ],
    ['§8.5.3.2 no such resource: iq result', `<iq ${c} type="result" id="1" to="argl@avalon.irc/x"/>`, ''],
  ])('%s', (_, frame, expected) => {
    const client = fakeNetwork().login('argl@avalon.irc/r').send(frame);
    expect(client.take().map(errorCondition).join()).toBe(expected);
  });

  it('§8.5.2.1.1 a message to a bare JID goes to all that are available with a priority of 0 or more', () => {
    const { login } = fakeNetwork();
    const sender = login('operator@avalon.irc/r');
    const a = login('argl@avalon.irc/a').send(`<presence ${c}/>`);
    const b = login('argl@avalon.irc/b').send(`<presence ${c}><priority>5</priority></presence>`);
    const negative = login('argl@avalon.irc/n').send(`<presence ${c}><priority>-1</priority></presence>`);
    const silent = login('argl@avalon.irc/s');
    for (const client of [a, b, negative]) client.take();
    sender.send(frames.message('chat', 'argl@avalon.irc'));
    expect([a, b, negative, silent].map((client) => client.take().length)).toEqual([1, 1, 0, 0]);
    sender.send(frames.message('groupchat', 'argl@avalon.irc'));
    expect([a, b].map((client) => client.take().length)).toEqual([0, 0]);
  });

  it('§8.5.3.1 a full JID gets its stanzas, available or not', () => {
    const { login } = fakeNetwork();
    const silent = login('argl@avalon.irc/s');
    login('operator@avalon.irc/r').send(
      frames.message('groupchat', 'argl@avalon.irc/s'),
      `<presence ${c} to="argl@avalon.irc/s"/>`,
    );
    expect(brief(silent)).toEqual(['message groupchat operator@avalon.irc/r', 'presence  operator@avalon.irc/r']);
  });

  it('a replica is handed what is addressed to its bare JID, iqs too: it is a node behind an account', () => {
    const { host, login } = fakeNetwork();
    const replica = login('replica@vesa.irc/node');
    const primary = login('channel.avalon.irc');
    const from = 'from="wallops@channel.avalon.irc"';
    primary.send(
      `<iq ${c} ${from} type="get" id="1" to="replica@vesa.irc"><ping xmlns="urn:xmpp:ping"/></iq>`,
      `<presence ${c} ${from} to="replica@vesa.irc"/>`,
    );
    host.advance(20);
    expect(brief(replica)).toEqual(['iq get wallops@channel.avalon.irc', 'presence  wallops@channel.avalon.irc']);
  });

  it('§8.5.2.1.3 the server answers an iq for an account', () => {
    const client = fakeNetwork().login('argl@avalon.irc/r');
    client.send(
      `<iq ${c} type="get" id="1"><query xmlns="jabber:iq:roster"/></iq>`,
      `<iq ${c} type="get" id="2" to="argl@avalon.irc"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
      `<iq ${c} type="get" id="3"><vCard xmlns="vcard-temp"/></iq>`,
      `<iq ${c} type="get" id="4" to="operator@avalon.irc"><query xmlns="jabber:iq:roster"/></iq>`,
    );
    const answers = client.take();
    expect(answers.map((a) => [a.attrs['id'], a.attrs['type'], a.attrs['from'], errorCondition(a)])).toEqual([
      ['1', 'result', 'argl@avalon.irc', undefined],
      ['2', 'result', 'argl@avalon.irc', undefined],
      ['3', 'error', 'argl@avalon.irc', 'service-unavailable'],
      ['4', 'error', 'operator@avalon.irc', 'service-unavailable'],
    ]);
    expect(answers[0]?.children).toMatchObject([{ name: 'query', children: [] }]);
  });
});

describe('RFC 6121 §4.6.3 directed presence ends with the session', () => {
  const present = () => {
    const network = fakeNetwork();
    const service = network.login('channel.avalon.irc');
    const client = network
      .login('argl@avalon.irc/r')
      .send(
        `<presence ${c} to="a@channel.avalon.irc/n"/>`,
        `<presence ${c} to="b@channel.avalon.irc/n"/>`,
        `<presence ${c} to="gone@channel.avalon.irc/n"/>`,
        `<presence ${c} type="unavailable" to="gone@channel.avalon.irc/n"/>`,
      );
    service.take();
    const heard = () => service.take().map(({ attrs }) => `${attrs['type']} ${attrs['from']} ${attrs['to']}`);
    const expected = ['a', 'b'].map((room) => `unavailable argl@avalon.irc/r ${room}@channel.avalon.irc/n`);
    return { ...network, client, heard, expected };
  };

  it('§4.6: a session has it at 10,000 addresses at most, so what is kept of it is bounded', () => {
    const rate = { perSecond: 0, burst: 0 };
    const { host, login } = fakeNetwork({
      budgets: { client: rate, markup: rate, fanOut: rate, roomIn: rate, turnsPerSecond: 0 },
    });
    login('channel.avalon.irc');
    const client = login('argl@avalon.irc/r');
    const to = (from: number, length: number) => {
      for (let i = from; i < from + length; i++) {
        client.send(`<presence ${c} id="${i}" to="x@channel.avalon.irc/${i}"/>`);
        // So that none has to wait.
        host.advance(10);
      }
      return client.take().map(({ attrs, children }) => [attrs['type'], attrs['id'], JSON.stringify(children)]);
    };
    expect(to(0, 10_000)).toEqual([]);
    expect(to(10_000, 1)).toEqual([['error', '10000', expect.stringContaining('resource-constraint')]]);
    // Of one that has it already it goes on.
    expect(to(0, 1)).toEqual([]);
  });

  it('when the socket vanishes', () => {
    const { client, heard, expected } = present();
    client.vanish();
    expect(heard()).toEqual(expected);
  });

  it('when it is closed in order', () => {
    const { client, heard, expected } = present();
    client.send('<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>');
    expect(heard()).toEqual(expected);
  });

  it('when the stream breaks a rule', () => {
    const { client, heard, expected } = present();
    client.send('<a/>');
    expect(heard()).toEqual(expected);
  });

  it('§4.5.2 when it goes unavailable to all; then not again', () => {
    const { client, heard, expected } = present();
    client.send(`<presence ${c} type="unavailable"><status>bye</status></presence>`);
    expect(heard()).toEqual(expected);
    client.vanish();
    expect(heard()).toEqual([]);
  });
});

describe('RFC 6121 §4.2.2 "an entity is implicitly subscribed to its own presence"', () => {
  const two = () => {
    const network = fakeNetwork();
    const phone = network.login('argl@avalon.irc/phone');
    const laptop = network.login('argl@avalon.irc/laptop');
    const other = network.login('operator@avalon.irc/r').send(`<presence ${c}/>`);
    other.take();
    return { ...network, phone, laptop, other };
  };
  const told = (client: WireClient) =>
    client.take().map(({ attrs }) => [attrs['type'], attrs['from'], attrs['to'], attrs['id']].join(' ').trim());

  it('initial presence goes to all available resources of the user, also to the one that sent it, and to no others', () => {
    const { phone, laptop, other } = two();
    phone.send(`<presence ${c} id="p"><status>here</status></presence>`);
    expect(phone.take()).toMatchObject([
      {
        name: 'presence',
        attrs: { from: 'argl@avalon.irc/phone', to: 'argl@avalon.irc', id: 'p' },
        children: [{ name: 'status', children: ['here'] }],
      },
    ]);
    expect([told(laptop), told(other)]).toEqual([[], []]);
    laptop.send(`<presence ${c} id="l"/>`);
    for (const client of [phone, laptop]) expect(told(client)).toEqual(['argl@avalon.irc/laptop argl@avalon.irc l']);
  });

  it('§4.4.2 so does every later one', () => {
    const { phone, laptop } = two();
    phone.send(`<presence ${c}/>`);
    laptop.send(`<presence ${c}/>`);
    for (const client of [phone, laptop]) client.take();
    phone.send(`<presence ${c} id="away"><show>away</show></presence>`);
    for (const client of [phone, laptop]) expect(told(client)).toEqual(['argl@avalon.irc/phone argl@avalon.irc away']);
  });

  it('§4.5.2 and the last one, once, whether it is said or the stream ends', () => {
    for (const end of ['said', 'vanished']) {
      const { phone, laptop } = two();
      phone.send(`<presence ${c}/>`);
      laptop.send(`<presence ${c}/>`);
      for (const client of [phone, laptop]) client.take();
      if (end === 'said') phone.send(`<presence ${c} type="unavailable" id="bye"/>`);
      const id = end === 'said' ? ' bye' : '';
      expect(told(phone)).toEqual(end === 'said' ? [`unavailable argl@avalon.irc/phone argl@avalon.irc${id}`] : []);
      phone.vanish();
      expect(told(laptop)).toEqual([`unavailable argl@avalon.irc/phone argl@avalon.irc${id}`]);
    }
  });

  it('a node is no user: what a replica’s account says to all is not its own presence', () => {
    const { login } = fakeNetwork();
    expect(told(login('replica@vesa.irc/node').send(`<presence ${c}/>`))).toEqual([]);
  });
});

describe('XEP-0030, XEP-0199 of the server', () => {
  it('tells what it is and lists its own services only', () => {
    const client = fakeNetwork().login('argl@avalon.irc/r');
    client.send(
      `<iq ${c} type="get" id="1" to="avalon.irc"><query xmlns="http://jabber.org/protocol/disco#info"/></iq>`,
      `<iq ${c} type="get" id="2" to="avalon.irc"><query xmlns="http://jabber.org/protocol/disco#items"/></iq>`,
      `<iq ${c} type="get" id="3" to="avalon.irc"><ping xmlns="urn:xmpp:ping"/></iq>`,
      `<iq ${c} type="get" id="4" to="avalon.irc"><query xmlns="jabber:iq:version"/></iq>`,
    );
    const [info, items, ping, version] = client.take();
    expect(info).toMatchObject({
      children: [
        {
          children: [{ name: 'identity', attrs: { category: 'server', type: 'im' } }, { name: 'feature' }, {}, {}, {}],
        },
      ],
    });
    expect(items).toMatchObject({
      children: [{ children: [{ attrs: { jid: 'channel.avalon.irc' } }, { attrs: { jid: 'idle.avalon.irc' } }] }],
    });
    expect(ping?.attrs['type']).toBe('result');
    expect(errorText(version)).toContain('query');
  });
});
