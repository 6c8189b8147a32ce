import { describe, expect, it } from 'vitest';
import { builtIn, builtInScenario } from '../../../src/scenario/built-in.ts';
import { formatErrors, parseScenario } from '../../../src/scenario/load.ts';
import { ownersOf } from '../../../src/scenario/replicas.ts';
import type { Scenario, ScenarioRoom } from '../../../src/scenario/scenario.ts';
import type { VariantId } from '../../../src/scenario/variant-nodes.ts';
import { variantOf, variantsOf } from '../../../src/scenario/variants.ts';

const scenarioOf = (id: string) => builtInScenario(id) as Scenario;
const all = builtIn.flatMap((scenario) => variantsOf(scenario).map((id) => [scenario.id, id] as const));

function variant(scenario: string, id: VariantId) {
  const found = variantOf(scenarioOf(scenario), id);
  if (found === undefined) throw new Error(`${scenario} cannot be in ${id}`);
  return found;
}

const roomsIn = ({ nodes }: Scenario): readonly ScenarioRoom[] =>
  nodes.flatMap((node) => (node.kind === 'service' ? node.rooms : []));

describe('A scenario in another protocol', () => {
  it.each([
    ['wallops', ['plain', '0289', '0281']],
    ['growing', ['plain', '0289', '0281']],
    ['wonderland', ['plain', '0282', '0281']],
    ['ring', ['plain', '0282', '0281']],
    // The other mode of XEP-0289 is another protocol.
    ['mirror', ['plain', '0282', '0289', '0281']],
    ['coven', ['plain', '0282', '0289']],
    ['plain', ['0282', '0289', '0281']],
  ])('%s can be in all but its own: %j', (id, ids) => {
    expect(variantsOf(scenarioOf(id))).toEqual(ids);
  });

  it.each(all)('%s in %s is a scenario, with the same servers, links, people and script', (id, to) => {
    const { scenario } = variant(id, to);
    const parsed = parseScenario(JSON.stringify(scenario));
    expect(parsed.ok ? '' : formatErrors(id, parsed.errors)).toBe('');
    const { servers, links, script, occupants } = scenarioOf(id);
    expect(scenario).toMatchObject({ servers, script, ...(links ? { links } : {}) });
    const people = (list: Scenario['occupants']) => list.map(({ jid, nick }) => [jid, nick]);
    expect(people(scenario.occupants)).toEqual(people(occupants));
  });

  it.each(all)('%s in %s: whoever owns the room owns every part of it that the scenario lists', (id, to) => {
    const { scenario } = variant(id, to);
    const here = new Map(roomsIn(scenarioOf(id)).map(({ jid }) => [jid, ownersOf(scenarioOf(id), jid)]));
    const root = roomsIn(scenario).find(({ jid }) => here.has(jid))?.jid ?? '';
    for (const { jid } of roomsIn(scenario)) expect(ownersOf(scenario, jid)).toEqual(here.get(jid) ?? here.get(root));
  });

  it('plain: one room, where the primary, the source, or the root of the federation is; everybody enters that', () => {
    for (const [id, room] of [
      ['wallops', 'wallops@channel.avalon.irc'],
      ['coven', 'coven@chat.shakespeare.lit'],
      ['wonderland', 'rabbithole@rooms.wonderland.lit'],
      ['chain', undefined],
      ['ring', 'blasted@rooms.heath.lit'],
    ] as const) {
      const { scenario } = variant(id, 'plain');
      expect(scenario.nodes).toHaveLength(1);
      expect(roomsIn(scenario)).toEqual([expect.not.objectContaining({ distribution: expect.anything() })]);
      const [only] = roomsIn(scenario);
      if (room !== undefined) expect(only?.jid).toBe(room);
      expect(new Set(scenario.occupants.map((one) => one.room))).toEqual(new Set([only?.jid]));
    }
  });

  it('0282: a replica on every other server that has users; everybody enters the primary', () => {
    const { scenario } = variant('coven', '0282');
    expect(scenario.nodes.map(({ address }) => address)).toEqual([
      'chat.shakespeare.lit',
      'replica@macbeth.lit',
      'replica@marlowe.lit',
    ]);
    expect(new Set(scenario.occupants.map(({ room }) => room))).toEqual(new Set(['coven@chat.shakespeare.lit']));
  });

  it('0289: a room on a service at every other server, which joins the root; everybody enters that on their own server', () => {
    const { scenario, roomFor } = variant('wallops', '0289');
    const room = 'wallops@channel.avalon.irc';
    expect(scenario.nodes.map(({ address }) => address)).toEqual([
      'channel.avalon.irc',
      'rooms.killrc.oulubox.irc',
      'rooms.eris.dclxvii.irc',
      'rooms.vesa.yeggmaex.irc',
    ]);
    expect(roomFor('rubenro@vesa.yeggmaex.irc/shaver', room)).toBe('wallops@rooms.vesa.yeggmaex.irc');
    // A guest of the root's server; a room that the scenario does not have.
    expect(roomFor('guest1@avalon.irc/x', room)).toBe(room);
    expect(roomFor('guest1@avalon.irc/x', 'other@channel.avalon.irc')).toBe('other@channel.avalon.irc');
    // Rooms and services that are there already are used.
    expect(new Set(variant('mirror', '0289').scenario.occupants.map((one) => one.room))).toEqual(
      new Set(['rabbithole@rooms.mirror.lit', 'elsinore@talk.kronborg.lit']),
    );
    expect(variant('coven', '0289').roomFor('faustus@marlowe.lit/study', 'theroom@conference.marlowe.lit')).toBe(
      'coven@conference.marlowe.lit',
    );
  });

  it('0281: the source at the root, a shadow at every other server that has users; who was elsewhere enters the shadow', () => {
    const { scenario } = variant('wonderland', '0281');
    expect(scenario.nodes).toMatchObject([
      { address: 'rooms.wonderland.lit', rooms: [{ distribution: { peerhosts: ['talk.denmark.lit'] } }] },
      { address: 'talk.denmark.lit', rooms: [], hosting: { firsthosts: ['rooms.wonderland.lit'] } },
    ]);
    expect(scenario.occupants.find(({ nick }) => nick === 'Hamlet')?.room).toBe('rabbithole@talk.denmark.lit');
  });

  it('one that nobody enters from elsewhere can be in no other protocol', () => {
    const plain = scenarioOf('plain');
    const local = plain.occupants.filter(({ jid }) => jid.includes('@localhost/'));
    const script = plain.script.filter(({ who }) => local.some(({ jid }) => jid === who));
    expect(variantsOf({ ...plain, occupants: local, script })).toEqual([]);
  });

  it('a room with a password trusts its own parts to have asked for it', () => {
    const wallops = scenarioOf('wallops');
    const locked = { ...wallops, nodes: wallops.nodes.map((node) => ({ ...node })) };
    const [service] = locked.nodes;
    if (service?.kind !== 'service') throw new Error('no service');
    const nodes = [
      { ...service, rooms: service.rooms.map((room) => ({ ...room, password: 'x' })) },
      ...locked.nodes.slice(1),
    ];
    const made = variantOf({ ...wallops, nodes }, '0289');
    const [root] = made ? roomsIn(made.scenario) : [];
    expect(root?.distribution).toMatchObject({ trust: { vouching: { length: 3 } } });
  });
});
