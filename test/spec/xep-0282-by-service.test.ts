import { describe, expect, it } from 'vitest';
import { byService, meantBy } from '../../src/core/distribution/primary-replica/by-service.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import { replicaConfig } from '../../src/headless/component-config.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { plain, wallops } from '../support/scenarios.ts';
import { joins, says, World } from '../support/world.ts';

const room = jid('wallops@channel.avalon.irc');
const cheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const wumpus = 'argl@killrc.oulubox.irc/laptop';
const inService = (address: string) => byService(jid(address)) as Jid;

describe('XEP-0282 §4.8, where the room’s address is the replica’s on its server', () => {
  it('decision #46: the primary takes what is addressed to it by its service, with the user’s `from`', () => {
    const world = new World(wallops);
    world.send(joins(wumpus, `${room}/Wumpus`));
    world.clear();
    world.send(joins(cheese, inService(`${room}/BigCheese`)));
    world.send(says(cheese, inService(room), 'Phaedrus, we are having a rotten time.'));
    const from = (stanzas: readonly Stanza[]) => [...new Set(stanzas.map((stanza) => stanza.from))];
    expect(from(world.got(wumpus))).toEqual([`${room}/BigCheese`]);
    expect(world.got(wumpus).map(bodyOf).at(-1)).toBe('Phaedrus, we are having a rotten time.');
    world.send(iq(jid(cheese), inService(room), { type: 'get', id: 'd' }, el('query', NS.discoInfo)));
    expect(world.got(cheese).at(-1)).toMatchObject({ name: 'iq', type: 'result', from: room });
  });

  it('decision #46: only rooms with replicas have it', () => {
    const world = new World({ ...plain, script: [] } as Scenario);
    const user = 'alice@localhost/desk';
    world.send(joins(user, 'hall@conference.localhost/Alice'));
    world.clear();
    world.send(says(user, inService('hall@conference.localhost'), 'x'));
    expect(world.got(user).map((stanza) => errorOf(stanza)?.condition)).toEqual(['item-not-found']);
  });

  it.each([
    ['channel.avalon.irc'],
    ['channel.avalon.irc/wallops'],
    ['channel.avalon.irc/wallops@evil.irc'],
    ['channel.avalon.irc/channel.avalon.irc/x'],
    ['wallops@channel.avalon.irc/wallops@channel.avalon.irc'],
  ])('%s means nothing else', (address) => {
    expect(meantBy(jid(address))).toBeUndefined();
  });

  it('nicks with slashes and signs come through; an address that would be too long has no such form', () => {
    for (const nick of ['Big Cheese', 'a/b@c', 'wallops@channel.avalon.irc'])
      expect(meantBy(inService(`${room}/${nick}`))).toBe(`${room}/${nick}`);
    expect(byService(jid(`${room}/${'x'.repeat(1000)}`))).toBeUndefined();
  });
});

describe('XEP-0282 §4.2 in a service of primaries', () => {
  const owner = jid('gertrude@england.lit/desk');
  const hall = jid('hall@rooms.england.lit');
  const via = (address: Jid) => jid(address.replace(/^.*@|\/.*$/g, ''));
  let ids = 0;
  const env = () => ({ now: instant(Date.UTC(2026, 0, 1)), newId: () => `id${++ids}` });

  it('who makes a room by entering it says which replicas it has, in the configuration form', () => {
    const node = createMucNode({
      kind: 'service',
      address: jid('rooms.england.lit'),
      server: jid('england.lit'),
      rooms: [],
      openCreation: true,
      onDemand: { kind: 'primary', replicas: new Map() },
      admins: [],
    });
    const gives = (stanza: Stanza) =>
      node
        .handle({ kind: 'stanza', via: via(stanza.from), stanza }, env())
        .flatMap((effect) => (effect.kind === 'send' ? [effect.stanza] : []));
    const self = jid('replica@scotland.lit');
    const asks = () => {
      const config = replicaConfig(self, hall, [jid('scotland.lit')], undefined);
      const sends = createMucNode(config).handle({ kind: 'linkUp', peer: jid('scotland.lit') }, env());
      const create = sends.flatMap((effect) => (effect.kind === 'send' ? [effect.stanza] : []))[0] as Stanza;
      return gives({ ...create, to: byService(hall) as Jid })[0];
    };
    gives(joins(owner, `${hall}/Gertrude`));
    const refused = asks();
    expect(refused && errorOf(refused)?.condition).toBe('forbidden');
    const form = writeForm({
      type: 'submit',
      formType: `${NS.muc}#roomconfig`,
      fields: [{ var: `{${NS.ext}}dmuc_replicas`, values: [self] }],
    });
    const configured = gives(
      iq(owner, hall, { type: 'set', id: 'c' }, el('query', 'http://jabber.org/protocol/muc#owner', {}, form)),
    );
    expect(configured.find(({ id }) => id === 'c')?.type).toBe('result');
    expect(configured.filter(({ to }) => to === self).map(({ payloads }) => payloads[0]?.name)).toEqual(['offer']);
    expect(asks()).toMatchObject({ type: 'result', to: self, from: hall });
  });
});
