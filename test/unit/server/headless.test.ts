import { afterEach, describe, expect, it } from 'vitest';
import type { Jid } from '../../../src/core/xmpp/jid.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { message, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { hostScenarios, networkOf } from '../../../src/headless/live-config.ts';
import { LocalLink } from '../../../src/headless/local-link.ts';
import { builtIn, builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { FakeHost, fakeNetwork } from '../../support/server.ts';

const wallops = builtInScenario('wallops') as Scenario;
const room = jid('wallops@channel.avalon.irc');

describe('The network of a scenario', () => {
  const { config, credentials } = networkOf(wallops);

  it('has an account for each node, character and guest, an operator and an observer, each with a password of its own', () => {
    expect(Object.keys(credentials.nodes)).toEqual(wallops.nodes.map(({ address }) => address));
    expect(Object.keys(credentials.occupants)).toHaveLength(7);
    expect(credentials.guests.map((guest) => guest.jid).slice(0, 2)).toEqual([
      'guest1@avalon.irc',
      'guest2@avalon.irc',
    ]);
    expect([credentials.operator?.jid, credentials.observer.jid]).toEqual([
      'operator@avalon.irc',
      'observer@avalon.irc',
    ]);
    const passwords = config.accounts.map(({ password }) => password);
    expect(new Set(passwords).size).toBe(passwords.length);
    expect(Math.min(...passwords.map(({ length }) => length))).toBe(32);
  });

  it('grants each replica its room on its server, and nothing else', () => {
    expect(config.grants).toEqual(
      ['vesa.yeggmaex.irc', 'killrc.oulubox.irc', 'eris.dclxvii.irc'].map((server) => ({
        server,
        account: `replica@${server}`,
        address: room,
      })),
    );
  });

  it('knows the administrators of a service', () => {
    expect(networkOf(builtInScenario('plain') as Scenario).credentials.occupants).toHaveProperty('admin@localhost');
  });

  it('hosts all built-in scenarios in one process; a domain twice is an error that names it', () => {
    const live = hostScenarios(builtIn, new FakeHost());
    expect(live.find(jid('talk.denmark.lit'))?.id).toBe('wonderland');
    expect(() => hostScenarios([wallops, { ...wallops, id: 'copy' }], new FakeHost())).toThrow('avalon.irc');
  });

  it('gives the passwords of nodes and the operator to pages on this machine only', () => {
    const live = hostScenarios(builtIn, new FakeHost());
    expect(live.configFor('wallops', true)?.credentials.operator).toBeDefined();
    const elsewhere = live.configFor('wallops', false);
    expect(elsewhere?.credentials.nodes).toEqual({});
    expect(elsewhere?.credentials).not.toHaveProperty('operator');
    const secrets = Object.values(live.networks[0]?.credentials.nodes ?? {});
    expect(secrets.some((secret) => JSON.stringify(elsewhere).includes(secret))).toBe(false);
    expect(live.configFor('nope', true)).toBeUndefined();
  });
});

describe('StanzaLink in the same process', () => {
  const links: LocalLink[] = [];
  afterEach(async () => {
    for (const link of links.splice(0)) await link.stop();
  });

  const start = async (network: ReturnType<typeof fakeNetwork>['network'], account: Jid, bind: readonly Jid[]) => {
    const link = new LocalLink({ network, account, bind, resource: 'node' });
    links.push(link);
    const seen: { stanzas: { via: Jid; stanza: Stanza; n: number }[]; events: string[] } = { stanzas: [], events: [] };
    await link.start({
      stanza: (via, stanza, { n }) => seen.stanzas.push({ via, stanza, n }),
      up: (peer, stream) => seen.events.push(`up ${peer} ${stream.length > 0}`),
      down: (peer) => seen.events.push(`down ${peer}`),
    });
    return { link, ...seen };
  };

  it("carries a service's stanzas both ways and counts them", async () => {
    const { network, login } = fakeNetwork();
    const { link, stanzas, events } = await start(network, jid('channel.avalon.irc'), [jid('channel.avalon.irc')]);
    expect(events).toEqual(['up avalon.irc true']);
    const user = login('argl@avalon.irc/r').send('<presence xmlns="jabber:client" to="r@channel.avalon.irc/n"/>');
    await Promise.resolve();
    expect(stanzas).toMatchObject([
      { via: 'avalon.irc', n: 1, stanza: { name: 'presence', from: 'argl@avalon.irc/r' } },
    ]);
    const sent: number[] = [];
    link.send(presence(jid('r@channel.avalon.irc/n'), jid('argl@avalon.irc/r'), {}), ({ n }) => sent.push(n));
    expect(sent).toEqual([1]);
    expect(user.take()).toHaveLength(1);
  });

  it('gives a replica its room, with the same authority as on the wire', async () => {
    const { network, login } = fakeNetwork();
    const { link, stanzas, events } = await start(network, jid('replica@vesa.irc'), [room]);
    login('msa@vesa.irc/r').send(`<message xmlns="jabber:client" to="${room}"/>`);
    await Promise.resolve();
    expect(stanzas[0]?.stanza.to).toBe(room);
    link.send(message(jid('troy@eris.irc/r'), room, {}));
    expect(events).toEqual(['up vesa.irc true', 'down vesa.irc']);
  });

  it('is refused what is not granted', async () => {
    const { network } = fakeNetwork();
    await expect(start(network, jid('other@vesa.irc'), [room])).rejects.toThrow('not-allowed');
    await expect(start(network, jid('nobody@vesa.irc'), [])).rejects.toThrow('not-authorized');
  });

  it('lets no character out that XML forbids', async () => {
    const { network } = fakeNetwork();
    const { link, events } = await start(network, jid('channel.avalon.irc'), [jid('channel.avalon.irc')]);
    link.send(message(jid('r@channel.avalon.irc'), jid('argl@avalon.irc'), { id: 'a\u0002b' }));
    expect(events.at(-1)).toBe('down avalon.irc');
  });
});
