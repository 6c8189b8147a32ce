import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bareOf, jid, resourceOf } from '../../../src/core/xmpp/jid.ts';
import { bodyOf, message, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { type LocalNodes, startLocalNodes } from '../../../src/headless/local-nodes.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import { LinkError } from '../../../src/host/stanza-link.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import type { LinkAccount } from '../../../src/worker/xmpp-connection.ts';
import { XmppLink } from '../../../src/worker/xmpp-link.ts';
import { startServer } from '../../support/server.ts';
import { withWebSocket } from '../../support/websocket.ts';

withWebSocket();

const plain = builtInScenario('plain') as Scenario;
const coven = builtInScenario('coven') as Scenario;
const wallops = builtInScenario('wallops') as Scenario;
let server: Awaited<ReturnType<typeof startServer>>;
let nodes: LocalNodes;
beforeAll(async () => {
  server = await startServer([plain, wallops]);
  nodes = await startLocalNodes(server.live.networks[0] as never, nodeServerHost(), (_, error) => {
    throw error;
  });
});
afterAll(async () => {
  await nodes.stop();
  await server.close();
});

const password = (address: string) => {
  for (const { credentials } of server.live.networks) {
    const found = credentials.nodes[address] ?? credentials.occupants[address];
    if (found !== undefined) return found;
  }
  throw new Error(`no password of ${address}`);
};

const start = async (account: LinkAccount, secret: string) => {
  const link = new XmppLink({ service: server.url, account, password: secret });
  const seen: Stanza[] = [];
  await link.start({ stanza: (_, stanza) => seen.push(stanza), up: () => undefined, down: () => undefined });
  return { link, seen };
};

describe('@xmpp/client', () => {
  it('RFC 5802, RFC 6120 §7, XEP-0225: person, service and replica log in with SCRAM-SHA-1 and bind', async () => {
    const user = await start({ kind: 'user', jid: 'msa@vesa.yeggmaex.irc/bicycle' }, password('msa@vesa.yeggmaex.irc'));
    const service = await start(
      { kind: 'service', domain: 'channel.avalon.irc', server: 'avalon.irc' },
      password('channel.avalon.irc'),
    );
    const replica = await start(
      { kind: 'replica', jid: 'replica@vesa.yeggmaex.irc', room: 'wallops@channel.avalon.irc' },
      password('replica@vesa.yeggmaex.irc'),
    );
    expect([user.link.address, service.link.address]).toEqual(['msa@vesa.yeggmaex.irc/bicycle', 'channel.avalon.irc']);
    const room = jid('wallops@channel.avalon.irc');
    user.link.send(
      message(jid('msa@vesa.yeggmaex.irc/bicycle'), room, { id: 'm' }, el('body', 'jabber:client', {}, 'ünï <&>')),
    );
    await expect.poll(() => replica.seen).toMatchObject([{ id: 'm', payloads: [{ children: ['ünï <&>'] }] }]);
    replica.link.send(replica.seen[0] as Stanza);
    await expect.poll(() => service.seen).toMatchObject([{ id: 'm', from: 'msa@vesa.yeggmaex.irc/bicycle' }]);
    await Promise.all([user, service, replica].map(({ link }) => link.stop()));
  });

  it('RFC 6120 §6.5.10: is told of a wrong password', async () => {
    await expect(start({ kind: 'user', jid: 'msa@vesa.yeggmaex.irc' }, 'wrong')).rejects.toThrow(LinkError);
  });
});

describe("Room nodes in the server's process (npm run serve)", () => {
  it('XEP-0045 §7.2, §7.4: somebody from outside enters a room and hears herself', async () => {
    const me = jid('secondwitch@localhost/laptop');
    const room = jid('lobby@conference.localhost');
    const { link, seen } = await start({ kind: 'user', jid: me }, password('secondwitch@localhost'));
    const from = (name: string) => seen.filter((stanza) => stanza.name === name).map((stanza) => stanza.from);
    link.send(presence(me, jid(`${room}/second`), {}, el('x', 'http://jabber.org/protocol/muc')));
    await expect.poll(() => from('presence')).toEqual([`${room}/second`]);
    link.send(message(me, room, { type: 'groupchat', id: 'm1' }, el('body', 'jabber:client', {}, 'Double, double')));
    await expect.poll(() => seen.filter((stanza) => stanza.id === 'm1').map(bodyOf)).toEqual(['Double, double']);
    await link.stop();
  });
});

describe('Scenario coven (npm run serve -- --scenario coven)', () => {
  it('XEP-0281: once it is up, who enters a shadow and who enters the source hear each other', async () => {
    const open = await startServer([coven], { open: true });
    const instances = await startLocalNodes(open.live.networks[0] as never, nodeServerHost(), (_, error) => {
      throw error;
    });
    const people = [
      { me: jid('crone1@shakespeare.lit/desktop'), at: 'coven@chat.shakespeare.lit/foo' },
      { me: jid('somewitch@macbeth.lit/mobile'), at: 'theroom@rooms.macbeth.lit/firstwitch' },
      { me: jid('faustus@marlowe.lit/study'), at: 'theroom@conference.marlowe.lit/faustus' },
    ].map(({ me, at }) => {
      const link = new XmppLink({ service: open.url, account: { kind: 'user', jid: me }, password: 'any' });
      const seen: Stanza[] = [];
      return { me, link, seen, at: jid(at) };
    });
    for (const { me, link, seen, at } of people) {
      await link.start({ stanza: (_, stanza) => seen.push(stanza), up: () => undefined, down: () => undefined });
      link.send(presence(me, at, {}, el('x', 'http://jabber.org/protocol/muc')));
    }
    for (const { seen } of people)
      await expect
        .poll(() =>
          [...new Set(seen.filter(({ name }) => name === 'presence').map(({ from }) => resourceOf(from)))].sort(),
        )
        .toEqual(['faustus', 'firstwitch', 'foo']);
    for (const { me, link, at } of people)
      link.send(message(me, bareOf(at), { type: 'groupchat' }, el('body', 'jabber:client', {}, resourceOf(at))));
    for (const { seen } of people)
      await expect
        .poll(() => seen.flatMap((stanza) => bodyOf(stanza) ?? []).sort())
        .toEqual(['faustus', 'firstwitch', 'foo']);
    for (const { link } of people) await link.stop();
    await instances.stop();
    await open.close();
  });
});

describe('An open server (npm run serve -- --auth open)', () => {
  it('lets any user in by PLAIN, and creates the account', async () => {
    const open = await startServer([plain], { open: true });
    const link = new XmppLink({
      service: open.url,
      account: { kind: 'user', jid: 'someone@localhost/r' },
      password: 'anything',
    });
    await link.start({ stanza: () => undefined, up: () => undefined, down: () => undefined });
    expect(link.address).toBe('someone@localhost/r');
    await link.stop();
    await open.close();
  });
});
