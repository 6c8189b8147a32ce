import { describe, expect, it } from 'vitest';
import { childrenOf, elementsOf, textOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { hostScenario } from '../../../src/headless/live-config.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { cast, errorCondition, errorText, FakeHost, fakeNetwork, type WireClient } from '../../support/server.ts';

/** One page at a time runs the nodes: the operator's command `lease`. */

/** What the nodes and the characters of a scenario are to whoever runs them. */
const leased = {
  accounts: cast.accounts.map((account) => ({
    ...account,
    leased: account.role === 'service' || account.role === 'replica' || account.address.startsWith('argl'),
  })),
};

function ask(client: WireClient, fields: Record<string, string>): XmlElement {
  const values = Object.entries(fields).map(([name, value]) => `<field var="${name}"><value>${value}</value></field>`);
  client.take();
  client.send(
    `<iq xmlns="jabber:client" type="set" id="o" to="avalon.irc"><command xmlns="http://jabber.org/protocol/commands" node="urn:x-netsplit:operator#lease"><x xmlns="jabber:x:data" type="submit">${values.join('')}</x></command></iq>`,
  );
  return client.take()[0] as XmlElement;
}

/** The fields of an answer; undefined if another page has the lease. */
function fieldsOf(answer: XmlElement): Record<string, string> | undefined {
  if (errorCondition(answer) === 'conflict') return undefined;
  const form = elementsOf(elementsOf(answer)[0] as XmlElement).find(({ name }) => name === 'x') as XmlElement;
  return Object.fromEntries(
    childrenOf(form, 'field', 'jabber:x:data').map((field) => [
      field.attrs['var'],
      elementsOf(field).map(textOf).join(),
    ]),
  );
}
const one = 'token-of-one';
const two = 'token-of-two';

/** Two pages, as the server sees them. */
function pages() {
  const { host, network, login, connect } = fakeNetwork(leased);
  const [first, second] = [login('operator@avalon.irc/one'), login('operator@avalon.irc/two')];
  return { host, network, login, connect, first, second };
}

describe('The lease of a network’s nodes', () => {
  it('is one page’s, as long as it asks again; the other’s after that', () => {
    const { host, first, second } = pages();
    expect(fieldsOf(ask(first, { token: one }))).toMatchObject({ secret: expect.any(String), ms: '2400' });
    for (let n = 0; n < 10; n++) {
      host.advance(500);
      expect(fieldsOf(ask(second, { token: two }))).toBeUndefined();
      expect(fieldsOf(ask(first, { token: one }))).toBeDefined();
    }
    host.advance(2_500);
    expect(fieldsOf(ask(second, { token: two }))).toBeDefined();
    expect(fieldsOf(ask(first, { token: one }))).toBeUndefined();
  });

  it('a page that was reloaded has it again at once, another a while after its connection has ended', () => {
    const { host, login, first, second } = pages();
    ask(first, { token: one });
    first.vanish();
    expect(fieldsOf(ask(second, { token: two }))).toBeUndefined();
    const reloaded = login('operator@avalon.irc/reloaded');
    expect(fieldsOf(ask(reloaded, { token: one }))).toBeDefined();
    reloaded.vanish();
    ask(second, { token: two });
    host.advance(1_900);
    expect(fieldsOf(ask(second, { token: two }))).toBeDefined();
  });

  it('a tab with the token of one that is open does not have it', () => {
    const { first, second } = pages();
    ask(first, { token: one });
    expect(fieldsOf(ask(second, { token: one }))).toBeUndefined();
  });

  it('is given up by whoever has it, and by nobody else', () => {
    const { first, second } = pages();
    ask(first, { token: one });
    ask(second, { release: 'true' });
    expect(fieldsOf(ask(second, { token: two }))).toBeUndefined();
    ask(first, { release: 'true' });
    expect(fieldsOf(ask(second, { token: two }))).toBeDefined();
  });

  it('with it nodes and characters are logged out, and get other passwords; all others stay', () => {
    const { login, connect, first, second } = pages();
    const old = login('channel.avalon.irc');
    const others = login('msa@vesa.irc/r');
    const { secret = '' } = fieldsOf(ask(first, { token: one })) ?? {};
    expect(old.streamError).toBe('conflict');
    expect(others.closed).toBe(false);
    const enters = (name: string, password: string) =>
      connect()
        .open('avalon.irc')
        .auth(name, password)
        .frames.some((frame) => frame.startsWith('<success'));
    expect(enters('argl', 'pw')).toBe(false);
    expect(enters('argl', `pw${secret}`)).toBe(true);
    first.vanish();
    ask(second, { release: 'true' });
    const node = login('channel.avalon.irc', `pw${secret}`);
    expect(node.streamError).toBeUndefined();
  });

  it('asked for again by the same page, it leaves the nodes alone', () => {
    const { login, first } = pages();
    const { secret = '' } = fieldsOf(ask(first, { token: one })) ?? {};
    const node = login('channel.avalon.irc', `pw${secret}`);
    expect(fieldsOf(ask(first, { token: one }))?.['secret']).toBe(secret);
    expect(node.closed).toBe(false);
  });

  it.each([
    [{}, /^token is missing/],
    [{ token: 'short' }, /^token is "short": 8 to 100 characters/],
    [{ token: one, release: 'perhaps' }, /^release is "perhaps": true or false/],
  ])('refuses %j and says why', (fields, why) => {
    const { first } = pages();
    const answer = ask(first, fields as Record<string, string>);
    expect(errorCondition(answer)).toBe('bad-request');
    expect(errorText(answer)).toMatch(why);
  });

  it('is nobody’s where the nodes run in the server’s own process', () => {
    const { network, first } = pages();
    network.openSession('channel.avalon.irc' as never, ['channel.avalon.irc' as never], {
      stanza: () => undefined,
      ended: () => undefined,
    });
    expect(fieldsOf(ask(first, { token: one }))).toBeUndefined();
  });

  it('of a scenario it is for nodes, replicas that may be added, and characters; guests keep their passwords', () => {
    const { network, credentials } = hostScenario(builtInScenario('wallops') as Scenario, new FakeHost());
    const isLeased = (address: string) => network.accounts.get(address as never)?.leased === true;
    for (const address of [...Object.keys(credentials.nodes), ...Object.keys(credentials.occupants)])
      expect([address, isLeased(address)]).toEqual([address, true]);
    for (const { jid } of [...credentials.guests, credentials.observer])
      expect([jid, isLeased(jid)]).toEqual([jid, false]);
  });
});
