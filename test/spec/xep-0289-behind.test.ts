import { describe, expect, it } from 'vitest';
import { domainOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { plain } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

// XEP-0289 in primary-replica mode, decision #171: rabbithole is the primary of elsinore, and that is the primary of kronborg.

const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const elsinore = jid('elsinore@talk.denmark.lit');
const kronborg = jid('kronborg@halls.helsingor.lit');
const [rooms, denmark, helsingor] = [rabbithole, elsinore, kronborg].map(domainOf) as [Jid, Jid, Jid];
const alice = 'alice@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const yorick = 'yorick@helsingor.lit/p';
const osric = 'osric@helsingor.lit/p';
const gertrude = 'gertrude@denmark.lit/p';

/** Alice, Hamlet and Yorick are in, each at their own room. Gertrude owns all of them. */
function occupied(): World {
  const of = (room: Jid, server: string, distribution: object) => ({
    kind: 'service',
    address: domainOf(room),
    server,
    rooms: [
      {
        jid: room,
        whois: 'anyone',
        affiliations: [{ jid: 'gertrude@denmark.lit', affiliation: 'owner' }],
        distribution: { kind: 'fmuc', mode: 'primary-replica', ...distribution },
      },
    ],
  });
  const nodes = [
    of(rabbithole, 'wonderland.lit', { allowedNodes: [elsinore] }),
    of(elsinore, 'denmark.lit', { outbound: [rabbithole], allowedNodes: [kronborg] }),
    of(kronborg, 'helsingor.lit', { outbound: [elsinore] }),
  ];
  const servers = nodes.map(({ server }, i) => ({ domain: server, at: [i / 5, 0.5] }));
  const world = new World({ ...plain, servers, nodes, occupants: [], script: [] } as unknown as Scenario);
  world.send(joins(alice, `${rabbithole}/Alice`), joins(hamlet, `${elsinore}/Hamlet`));
  world.send(joins(yorick, `${kronborg}/Yorick`));
  world.clear();
  return world;
}

const shown = (stanza: Stanza): string => {
  if (stanza.type === 'error') return `error ${errorOf(stanza)?.condition}`;
  if (stanza.name === 'message') return bodyOf(stanza) ?? 'subject';
  return `${stanza.type ?? 'available'} ${stanza.from.split('/')[1]}`;
};
const seen = (world: World, user: string) => world.got(user).map(shown);
const nicks = (world: World, node: Jid) =>
  world
    .status(node)
    .occupants.map(({ nick }) => nick)
    .sort();
const onLink = (world: World, one: string, other: string) =>
  world.crossed().filter(({ server }) => server?.includes(one) && server.includes(other));
const bans = (world: World, room: Jid, user: string) =>
  world.send(
    iq(
      jid(gertrude),
      room,
      { type: 'set', id: 'ban' },
      el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { jid: user, affiliation: 'outcast' })),
    ),
  );

describe('decision #171: a further user of a node behind a replica', () => {
  it('who is banned at the replica is refused there, and the primary is not asked', () => {
    const world = occupied();
    bans(world, elsinore, 'osric@helsingor.lit');
    world.clear();
    world.send(joins(osric, `${kronborg}/Osric`));
    expect(seen(world, osric)).toEqual(['error forbidden']);
    expect(onLink(world, 'denmark.lit', 'wonderland.lit')).toEqual([]);
    for (const node of [rooms, denmark, helsingor]) expect(nicks(world, node)).toEqual(['Alice', 'Hamlet', 'Yorick']);
  });

  it('enters under a nick that is free, and under one that is taken keeps out, and costs nobody theirs', () => {
    const world = occupied();
    world.send(joins(osric, `${kronborg}/Hamlet`));
    expect(seen(world, osric)).toEqual(['error conflict']);
    world.send(joins(osric, `${kronborg}/Osric`));
    for (const node of [rooms, denmark, helsingor])
      expect(nicks(world, node)).toEqual(['Alice', 'Hamlet', 'Osric', 'Yorick']);
  });

  it('speaks, changes their nick and leaves, in the order of the primary', () => {
    const world = occupied();
    world.send(joins(osric, `${kronborg}/Osric`));
    world.clear();
    world.send(says(osric, kronborg, 'good my lord'));
    world.send({ ...joins(osric, `${kronborg}/Waterfly`), payloads: [] });
    world.send(leaves(osric, `${kronborg}/Waterfly`));
    const expected = ['good my lord', 'unavailable Osric', 'available Waterfly', 'unavailable Waterfly'];
    for (const user of [alice, hamlet, yorick]) expect([user, seen(world, user)]).toEqual([user, expected]);
  });
});
