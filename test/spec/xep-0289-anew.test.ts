import { describe, expect, it } from 'vitest';
import { type Form, writeForm } from '../../src/core/xep/xep0004.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, iq } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, says, World } from '../support/world.ts';

// XEP-0289, decision #184: an owner changes what a room joins, or its mode, while its users wait for an answer of another room.

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const denmark = jid('talk.denmark.lit');
const alice = 'alice@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';

/** Alice is in rabbithole, and Hamlet, an owner, in elsinore, which has joined it. Then the link carries nothing. */
function cutOff(mode: string): World {
  const scenario = structuredClone(wonderland) as unknown as {
    nodes: { rooms: { affiliations: unknown; distribution: object }[] }[];
  };
  for (const { rooms } of scenario.nodes)
    for (const room of rooms) {
      room.affiliations = [{ jid: 'hamlet@denmark.lit', affiliation: 'owner' }];
      room.distribution = { ...room.distribution, mode };
    }
  const world = new World(scenario as unknown as Scenario);
  world.send(joins(alice, `${rabbithole}/Alice`), joins(hamlet, `${elsinore}/Hamlet`));
  world.cut('denmark.lit', 'wonderland.lit', 'silent');
  world.clear();
  return world;
}

function joinsNoOther(world: World, room: Jid): void {
  const fields = [{ var: `{${NS.ext}}fmuc_outbound_node`, values: [] }];
  const form = { type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields } as unknown as Form;
  world.send(iq(jid(hamlet), room, { type: 'set', id: 'set' }, el('query', NS.mucOwner, {}, writeForm(form))));
}

const errors = (world: World, user: string) =>
  world.got(user).flatMap((stanza) => (stanza.type === 'error' ? [[stanza.id, errorOf(stanza)?.condition]] : []));
const nicks = (world: World) => world.status(denmark).occupants.map(({ nick }) => nick);

describe('decision #184: a room joins another no more, and begins anew', () => {
  it('whoever waits for its primary is told at once, at the entrance or in the room, and may ask again', () => {
    const world = cutOff('primary-replica');
    world.send(joins(ophelia, `${elsinore}/Ophelia`), says(hamlet, elsinore, 'waits'));
    expect([world.got(ophelia), world.got(hamlet)]).toEqual([[], []]);
    joinsNoOther(world, elsinore);
    expect(errors(world, hamlet)).toEqual([['say-waits', 'remote-server-timeout']]);
    expect(errors(world, ophelia)).toEqual([['join', 'remote-server-timeout']]);
    world.clear();
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    expect(nicks(world)).toEqual(['Hamlet', 'Ophelia']);
    // What they were told of is over.
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.advance(60_000);
    expect([...errors(world, hamlet), ...errors(world, ophelia)]).toEqual([]);
  });
});
