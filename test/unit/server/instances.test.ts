import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { badInstance, instancesMax } from '../../../src/headless/instances.ts';
import { hostScenarios } from '../../../src/headless/live-config.ts';
import { builtIn } from '../../../src/scenario/built-in.ts';
import { FakeHost, WireClient } from '../../support/server.ts';

/** Instances of the same networks, side by side: what a page gets that asks for `?room=NAME`. */

const avalon = jid('avalon.irc');
function hosted() {
  const host = new FakeHost();
  const live = hostScenarios(builtIn, host);
  const configOf = (instance: string, trusted = true) => live.configFor('wallops', trusted, false, instance);
  return { host, live, configOf };
}

describe('A network of one’s own', () => {
  it('has its own servers and accounts, and an address of its own', () => {
    const { live, configOf } = hosted();
    const [everybodys, mine] = [configOf(''), configOf('mine')];
    expect([everybodys?.websocket, mine?.websocket]).toEqual(['/xmpp-websocket', '/xmpp-websocket?room=mine']);
    expect(mine?.credentials.nodes).not.toEqual(everybodys?.credentials.nodes);
    expect(live.finder('mine')?.(avalon)).toBeDefined();
    expect(live.finder('mine')?.(avalon)).not.toBe(live.find(avalon));
    expect(live.finder('other')).toBeUndefined();
  });

  it('is made for a page that may run the nodes; a guest finds it once it is there', () => {
    const { configOf } = hosted();
    expect(configOf('group', false)).toBeUndefined();
    configOf('group');
    expect(configOf('group', false)).toMatchObject({ instance: 'group', credentials: { nodes: {}, occupants: {} } });
  });

  it('is gone a minute or two after nobody is there any more; everybody’s stays', () => {
    const { host, live, configOf } = hosted();
    configOf('mine');
    const network = live.finder('mine')?.(avalon);
    if (network === undefined) throw new Error('it was not made');
    network.addGuest(jid('late@avalon.irc'), 'pw');
    const client = new WireClient(network, host).open(avalon).auth('late', 'pw').open(avalon).bind('r');
    host.advance(600_000);
    expect(live.finder('mine')).toBeDefined();
    client.vanish();
    host.advance(130_000);
    expect(live.finder('mine')).toBeUndefined();
    expect(live.finder('')).toBeDefined();
  });

  it('there are so many at most; those that are there are still found', () => {
    const { configOf } = hosted();
    for (let n = 0; n < instancesMax; n++) expect(configOf(`n${n}`)).toBeDefined();
    expect(configOf('one-more')).toBeUndefined();
    expect(configOf('n0')).toBeDefined();
  });

  it('begins anew: other accounts, an empty trace, and everybody is logged out', () => {
    const { host, live, configOf } = hosted();
    const before = configOf('');
    const network = live.find(avalon);
    if (network === undefined) throw new Error('there is none');
    network.addGuest(jid('late@avalon.irc'), 'pw');
    const client = new WireClient(network, host).open(avalon).auth('late', 'pw').open(avalon).bind('r');
    network.startOver?.();
    expect(client.streamError).toBe('reset');
    const after = configOf('');
    expect([before?.begun, after?.begun, after?.run === before?.run]).toEqual([0, 1, true]);
    expect(after?.credentials.nodes).not.toEqual(before?.credentials.nodes);
    expect(live.find(avalon)).not.toBe(network);
    expect(live.networks.map(({ scenario }) => scenario.id)).toEqual(builtIn.map(({ id }) => id));
  });

  it.each([
    ['mine', true],
    ['group-7', true],
    ['', true],
    ['Mine', false],
    ['-mine', false],
    ['a'.repeat(33), false],
    ['../x', false],
  ])('%j may be a name: %s', (name, is) => {
    expect(badInstance(name) === undefined).toBe(is);
  });
});
