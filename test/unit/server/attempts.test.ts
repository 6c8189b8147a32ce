import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { fakeNetwork, type WireClient } from '../../support/server.ts';

type Fake = ReturnType<typeof fakeNetwork>;
const attacker = '192.0.2.66';

/** Tries passwords of one account for so long, on many connections that are opened anew whenever they end. */
function guess({ host, connect }: Fake, name: string, seconds: number, from = attacker, connections = 50) {
  let checked = 0;
  const fresh = () => connect(from).open('avalon.irc');
  let clients: WireClient[] = Array.from({ length: connections }, fresh);
  for (let t = 0; t < seconds * 10; t++) {
    clients = clients.map((client) => {
      const frames = client.frames.join('');
      client.frames.length = 0;
      if (/not-authorized/.test(frames)) checked++;
      if (client.closed) return fresh();
      if (/features|failure/.test(frames)) client.auth(name, `guess${t}`);
      return client;
    });
    host.advance(100);
  }
  return checked;
}

const answer = (client: WireClient) =>
  client.frames.map((frame) => /<(success|not-authorized|temporary-auth-failure)/.exec(frame)?.[1]).find(Boolean);

describe('failed logins, RFC 6120 §13.10 and W16', () => {
  it('are counted over all connections of an address: after the first few an account is tried once in ten seconds', () => {
    expect(guess(fakeNetwork(), 'argl', 60)).toBeLessThanOrEqual(3 + 6);
  });

  it('are refused meanwhile with a condition that says to come back', () => {
    const network = fakeNetwork();
    guess(network, 'argl', 10);
    const client = network.connect(attacker).open('avalon.irc').auth('argl', 'pw');
    network.host.advance(3000);
    expect(answer(client)).toBe('temporary-auth-failure');
  });

  it('hinder nobody with another account, from the same address too, nor the same account from elsewhere', () => {
    const network = fakeNetwork();
    guess(network, 'argl', 30);
    const neighbour = network.connect(attacker).open('avalon.irc').auth('operator', 'pw');
    const owner = network.connect('198.51.100.7').open('avalon.irc').auth('argl', 'pw');
    expect([answer(neighbour), answer(owner)]).toEqual(['success', 'success']);
  });

  it('are counted for an address with all accounts together, whether there are such or not', () => {
    const network = fakeNetwork();
    let checked = 0;
    for (let i = 0; i < 400; i++) {
      const client = network.connect(attacker).open('avalon.irc').auth(`name${i}`, 'guess');
      network.host.advance(100);
      if (answer(client) === 'not-authorized') checked++;
    }
    expect(checked).toBeLessThanOrEqual(20 + 20);
  });

  it('are counted for an account from all addresses together', () => {
    const network = fakeNetwork();
    let checked = 0;
    for (let i = 0; i < 400; i++) {
      const client = network
        .connect(`192.0.2.${i % 256}`)
        .open('avalon.irc')
        .auth('argl', 'guess');
      network.host.advance(100);
      if (answer(client) === 'not-authorized') checked++;
    }
    expect(checked).toBeLessThanOrEqual(30 + 40);
  });

  it('are those of a whole network of IPv6, where every machine has addresses without end', () => {
    const network = fakeNetwork();
    let checked = 0;
    for (let i = 0; i < 100; i++) {
      const client = network
        .connect(`2001:db8::${i.toString(16)}`)
        .open('avalon.irc')
        .auth('argl', 'guess');
      network.host.advance(100);
      if (answer(client) === 'not-authorized') checked++;
    }
    expect(checked).toBeLessThanOrEqual(5);
  });

  it('are forgotten by a success', () => {
    const { host, connect } = fakeNetwork();
    for (let i = 0; i < 10; i++) {
      const client = connect(attacker).open('avalon.irc').auth('argl', 'wrong');
      host.advance(3000);
      client.auth('argl', 'pw');
      expect(client.frames.at(-1)).toMatch(/<success/);
    }
  });
});

describe('accounts that are made while the server runs', () => {
  it('are so many: then those that nobody uses are forgotten, the longest unused first', () => {
    const { host, connect, network } = fakeNetwork({
      servers: [{ domain: 'avalon.irc', services: [], open: true }],
      accounts: [{ address: 'argl@avalon.irc', password: 'pw', role: 'user' }],
      grants: [],
    });
    const inUse = connect().open('avalon.irc').auth('first', 'any').open('avalon.irc').bind('r');
    for (let i = 0; i < 1500; i++) {
      const client = connect().open('avalon.irc').auth(`name${i}`, 'any');
      expect(answer(client)).toBe('success');
      client.vanish();
    }
    host.advance(1000);
    const has = (name: string) => network.accounts.get(jid(`${name}@avalon.irc`)) !== undefined;
    expect(['argl', 'first', 'name0', 'name400', 'name1499'].map(has)).toEqual([true, true, false, false, true]);
    expect(inUse.closed).toBe(false);
  });
});
