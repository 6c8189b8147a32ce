import { describe, expect, it } from 'vitest';
import { type Form, readForm, writeForm } from '../../src/core/xep/xep0004.ts';
import { readJoin, readMucUser, subjectChange } from '../../src/core/xep/xep0045.ts';
import { readFmuc } from '../../src/core/xep/xep0289.ts';
import { bareOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, payloadOf, presence, type Stanza, stanzaText } from '../../src/core/xmpp/stanza.ts';
import { childOf, el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const alice = 'alice@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';
const owners = { [rabbithole]: alice, [elsinore]: hamlet } as Record<Jid, string>;

/** Both rooms with an owner; `config` replaces what is configured of a room's federation. */
function worldOf(config: Partial<Record<Jid, object>> = {}, inside = [alice, hamlet]): World {
  const scenario = structuredClone(wonderland) as unknown as {
    nodes: { rooms: { jid: Jid; affiliations: unknown; distribution: object }[] }[];
  };
  for (const { rooms: all } of scenario.nodes)
    for (const room of all) {
      room.affiliations = [{ jid: bareOf(jid(owners[room.jid] as string)), affiliation: 'owner' }];
      room.distribution = config[room.jid] ?? room.distribution;
    }
  const world = new World(scenario as unknown as Scenario);
  if (inside.includes(alice)) world.send(joins(alice, `${rabbithole}/Alice`));
  if (inside.includes(hamlet)) world.send(joins(hamlet, `${elsinore}/Hamlet`));
  world.clear();
  return world;
}

const field = (name: string) => `{${NS.ext}}fmuc_${name}`;

function formOf(world: World, room: Jid): Form {
  const owner = owners[room] as string;
  world.send(iq(jid(owner), room, { type: 'get', id: 'form' }, el('query', NS.mucOwner)));
  const answer = world.got(owner).findLast(({ id }) => id === 'form') as Stanza;
  return readForm(payloadOf(answer, 'query', NS.mucOwner) ?? el('none', '')) as Form;
}
const given = (form: Form, name: string) => form.fields.find((one) => one.var === field(name))?.values;

/** @returns the condition and the text of the refusal; undefined: it is done */
function configures(
  world: World,
  room: Jid,
  values: Record<string, readonly string[]>,
): readonly unknown[] | undefined {
  const owner = owners[room] as string;
  const fields = Object.entries(values).map(([name, of]) => ({ var: field(name), values: of }));
  const form = { type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields } as unknown as Form;
  world.send(iq(jid(owner), room, { type: 'set', id: 'set' }, el('query', NS.mucOwner, {}, writeForm(form))));
  const answer = world.got(owner).findLast(({ id }) => id === 'set') as Stanza;
  const error = errorOf(answer);
  return error && [error.condition, error.text];
}

const shown = (stanza: Stanza) =>
  stanza.name === 'presence'
    ? `${stanza.type ?? 'available'} ${stanza.from.split('/')[1]}${
        readMucUser(stanza.payloads)
          ?.statuses.map((code) => ` ${code}`)
          .join('') ?? ''
      }`
    : (bodyOf(stanza) ?? `subject: ${subjectChange(stanza)}`);
const nicks = (world: World, node: Jid) => world.status(node).occupants.map(({ nick }) => nick);
const peers = (world: World, node: Jid) => world.status(node).peers.map(({ peer, state }) => [peer, state]);
const crossings = (world: World) => world.crossed().map(({ stanza }) => stanza);

describe('XEP-0289 §5.1 “including it in the standard MUC room configuration form”', () => {
  it('decision #184: the form says how the room starts', () => {
    const form = formOf(worldOf(), elsinore);
    expect(
      [
        'enabled',
        'outbound_node',
        'mode',
        'allowed_nodes',
        'others',
        'nodes_may_kick',
        'jids',
        'nodes_see_jids',
        'history_max',
        'collision',
        'resync',
        'keepalive',
      ].map((name) => [name, given(form, name)]),
    ).toEqual([
      ['enabled', ['1']],
      ['outbound_node', [rabbithole]],
      ['mode', ['primary-primary']],
      ['allowed_nodes', []],
      ['others', ['refuse']],
      ['nodes_may_kick', []],
      ['jids', ['all']],
      ['nodes_see_jids', []],
      ['history_max', ['200']],
      ['collision', ['refuse']],
      ['resync', ['1']],
      ['keepalive', ['1']],
    ]);
  });

  it('decision #184: submitted as it is, nothing is different', () => {
    const world = worldOf();
    const form = formOf(world, elsinore);
    world.clear();
    const values = Object.fromEntries(
      form.fields
        .filter((one) => one.var.startsWith(`{${NS.ext}}fmuc_`))
        .map((one) => [one.var.slice(field('').length), one.values]),
    );
    expect(configures(world, elsinore, values)).toBeUndefined();
    expect(crossings(world)).toEqual([]);
    expect(given(formOf(world, elsinore), 'jids')).toEqual(['all']);
  });

  it.each([
    [{ outbound_node: ['wonderland.lit'] }, 'wonderland.lit is a service, and a room joins a room'],
    [{ outbound_node: [elsinore] }, 'a room cannot join itself'],
    [
      { outbound_node: [rabbithole, 'coven@x.lit'], mode: ['primary-replica'] },
      'in primary-replica mode a room joins one room',
    ],
    [
      { allowed_nodes: [rabbithole], mode: ['primary-replica'] },
      `${rabbithole} is the primary of this room, and cannot be its replica`,
    ],
    [{ nodes_may_kick: ['coven@x.lit'] }, 'coven@x.lit is no room that this one joins, or lets in'],
    [{ nodes_see_jids: ['coven@x.lit'] }, 'coven@x.lit is no room that this one joins, or lets in'],
    [{ allowed_nodes: ['a@@b'] }, `${field('allowed_nodes')} cannot be "a@@b"`],
    [{ mode: ['primary'] }, `${field('mode')} cannot be "primary"`],
    [{ history_max: ['lots'] }, `${field('history_max')} cannot be "lots"`],
  ])('decision #184: %j is refused, and nothing is different', (values, text) => {
    const world = worldOf();
    const before = world.status(denmark);
    expect(configures(world, elsinore, values as Record<string, string[]>)).toEqual([
      'not-acceptable',
      expect.stringContaining(text),
    ]);
    expect(world.status(denmark)).toEqual(before);
  });

  it('decision #184: a room that joins no other any more is alone at once, and everybody is told', () => {
    const world = worldOf();
    expect(configures(world, elsinore, { outbound_node: [] })).toBeUndefined();
    expect(world.got(hamlet).map(shown)).toEqual(
      expect.arrayContaining([
        'unavailable Alice 333',
        `${rabbithole} is not linked with this room any more: its users are out`,
      ]),
    );
    expect(world.got(alice).map(shown)).toEqual(['unavailable Hamlet']);
    expect([peers(world, denmark), peers(world, rooms)]).toEqual([[], []]);
    world.clear();
    world.send(says(hamlet, elsinore, 'alone'));
    world.advance(600_000);
    expect(crossings(world)).toEqual([]);

    expect(configures(world, elsinore, { outbound_node: [rabbithole] })).toBeUndefined();
    expect(nicks(world, denmark)).toEqual(['Hamlet', 'Alice']);
    expect(world.got(alice).map(shown)).toEqual(['available Hamlet']);
  });

  it('decision #184: federation switched off, on both sides, and on again', () => {
    const world = worldOf();
    configures(world, rabbithole, { enabled: ['0'] });
    expect([nicks(world, rooms), nicks(world, denmark)]).toEqual([['Alice'], ['Hamlet']]);
    world.clear();
    world.send(leaves(hamlet, `${elsinore}/Hamlet`), joins(hamlet, `${elsinore}/Hamlet`));
    expect(world.got(hamlet).map(shown)).toContain(
      `This room is not linked with ${rabbithole}: This room does not federate with yours.`,
    );
    configures(world, rabbithole, { enabled: ['1'] });
    world.send(leaves(hamlet, `${elsinore}/Hamlet`), joins(hamlet, `${elsinore}/Hamlet`));
    expect(nicks(world, denmark)).toContain('Alice');
  });

  it('decision #184: after a restart it is as the owner left it', () => {
    const world = worldOf({ [elsinore]: { kind: 'fmuc' } });
    expect(configures(world, elsinore, { outbound_node: [rabbithole] })).toBeUndefined();
    expect(nicks(world, denmark)).toContain('Alice');
    world.boot(denmark, world.crash(denmark));
    world.advance(10_000);
    expect([nicks(world, denmark), peers(world, denmark)]).toEqual([
      expect.arrayContaining(['Alice']),
      [[rabbithole, 'live']],
    ]);
  });

  it('decision #184: a room that is taken off the list is out at once, and is refused when it comes back', () => {
    const world = worldOf();
    expect(configures(world, rabbithole, { allowed_nodes: [] })).toBeUndefined();
    expect(world.got(alice).map(shown)).toEqual(
      expect.arrayContaining([
        'unavailable Hamlet 333',
        `${elsinore} may not join this room any more: its users are out`,
      ]),
    );
    world.advance(600_000);
    expect(peers(world, rooms)).toEqual([]);
    expect(nicks(world, denmark)).toEqual(['Hamlet']);
  });

  it('decision #184: a service stands for all its rooms', () => {
    const world = worldOf({ [rabbithole]: { kind: 'fmuc' } }, [alice]);
    expect(configures(world, rabbithole, { allowed_nodes: [denmark] })).toBeUndefined();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(nicks(world, denmark)).toContain('Alice');
  });

  it('decision #184: a room on no list waits for an owner, who is told once; put on the list, it is let in', () => {
    const world = worldOf({ [rabbithole]: { kind: 'fmuc' } }, [alice]);
    expect(configures(world, rabbithole, { others: ['ask'] })).toBeUndefined();
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const asked = `${elsinore} asks to join this room. It is let in once an owner puts it on the list of rooms that may.`;
    expect(world.got(alice).map(shown)).toEqual([asked]);
    expect(nicks(world, rooms)).toEqual(['Alice']);
    // Nothing of the room went there.
    expect(
      crossings(world)
        .filter(({ from }) => bareOf(from) === rabbithole)
        .map(({ type }) => type),
    ).toEqual(['error']);
    expect(nicks(world, denmark)).toEqual(['Hamlet']);
    world.advance(120_000);
    expect(world.got(alice).map(shown)).toEqual([asked]);
    expect(configures(world, rabbithole, { allowed_nodes: [elsinore] })).toBeUndefined();
    world.advance(70_000);
    expect(nicks(world, denmark)).toContain('Alice');
  });

  it('decision #184: owners are told of at most 100 such rooms', () => {
    const world = worldOf({ [rabbithole]: { kind: 'fmuc' } }, [alice]);
    configures(world, rabbithole, { others: ['ask'] });
    world.clear();
    for (let n = 0; n < 101; n++) {
      const from = el('fmuc', NS.fmuc, { from: `hag@x${n}.lit/p` });
      const join = presence(jid(`coven@x${n}.lit/Hag`), jid(`${rabbithole}/Hag`), {}, from, el('x', NS.muc));
      world.inject(rooms, `x${n}.lit`, join);
    }
    const told = world.got(alice).map(shown);
    expect(told).toHaveLength(100);
    expect(told.at(-1)).toContain('coven@x99.lit asks to join this room');
  });

  it('decision #184: without our extension such a room is rejected with a text', () => {
    const world = worldOf({ [rabbithole]: { kind: 'fmuc' } }, [alice]);
    configures(world, rabbithole, { others: ['ask'] });
    world.clear();
    const plain = presence(
      jid('coven@x.lit/Hag'),
      jid(`${rabbithole}/Hag`),
      {},
      el('fmuc', NS.fmuc, { from: 'hag@x.lit/p' }),
      el('x', NS.muc),
    );
    world.inject(rooms, 'x.lit', plain);
    expect(world.to('coven@x.lit').map((stanza) => readFmuc(stanza.payloads))).toEqual([
      { kind: 'reject', text: 'An owner of this room has to let yours in.' },
    ]);
  });

  it('decision #184: real addresses for those that are named: a change is made for all who are in', () => {
    const world = worldOf();
    expect(configures(world, rabbithole, { jids: ['listed'] })).toBeUndefined();
    world.advance(10_000);
    expect(nicks(world, denmark)).toEqual(expect.arrayContaining(['Hamlet', 'Alice']));
    const known = world.status(denmark).occupants.find(({ nick }) => nick === 'Alice')?.jid;
    expect(known).not.toContain('alice@');
    world.clear();
    world.send(says(alice, rabbithole, 'who am I?'));
    expect(crossings(world).map(stanzaText).join('')).not.toContain('alice@wonderland.lit');

    expect(configures(world, rabbithole, { nodes_see_jids: [elsinore] })).toBeUndefined();
    world.advance(10_000);
    expect(world.status(denmark).occupants.find(({ nick }) => nick === 'Alice')?.jid).toBe(alice);
  });

  it('decision #184: without keepalive an idle day costs nothing', () => {
    const world = worldOf();
    configures(world, rabbithole, { keepalive: ['0'] });
    configures(world, elsinore, { keepalive: ['0'] });
    world.clear();
    world.advance(86_400_000);
    expect(crossings(world)).toEqual([]);
    world.send(says(hamlet, elsinore, 'still here'));
    expect(world.got(alice).map(shown)).toEqual(['still here']);
    configures(world, elsinore, { keepalive: ['1'] });
    world.advance(80_000);
    expect(crossings(world).some(({ payloads }) => payloads.some(({ name }) => name === 'ping'))).toBe(true);
  });

  it('decision #184: without resync what was said in a split stays where it was said', () => {
    const world = worldOf();
    configures(world, rabbithole, { resync: ['0'] });
    configures(world, elsinore, { resync: ['0'] });
    world.cut('denmark.lit', 'wonderland.lit', 'bounce');
    world.send(says(alice, rabbithole, 'tea'), says(hamlet, elsinore, 'to be'));
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.clear();
    world.advance(80_000);
    expect([nicks(world, denmark), nicks(world, rooms)]).toEqual([
      expect.arrayContaining(['Alice']),
      expect.arrayContaining(['Hamlet']),
    ]);
    const bodies = (user: string) => world.got(user).flatMap((stanza) => bodyOf(stanza) ?? []);
    expect([bodies(alice), bodies(hamlet)]).toEqual([[], []]);
  });

  it('decision #184: a room that joins gets so many messages', () => {
    const world = worldOf({}, [alice]);
    configures(world, rabbithole, { history_max: ['2'] });
    for (const line of ['one', 'two', 'three']) world.send(says(alice, rabbithole, line));
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(crossings(world).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['two', 'three']);
  });

  it('decision #184: the mode: rooms of two modes are not linked, with a reason; of one they are', () => {
    const world = worldOf();
    configures(world, elsinore, { mode: ['primary-replica'] });
    world.advance(10_000);
    expect(world.status(denmark).peers[0]).toMatchObject({
      state: 'rejected',
      reason: 'This room is in primary-primary mode, and yours is in primary-replica mode.',
    });
    expect(configures(world, rabbithole, { mode: ['primary-replica'] })).toBeUndefined();
    world.send(leaves(hamlet, `${elsinore}/Hamlet`), joins(hamlet, `${elsinore}/Hamlet`));
    world.advance(1_000);
    expect(nicks(world, denmark)).toEqual(expect.arrayContaining(['Hamlet', 'Alice']));
    world.clear();
    world.send(says(hamlet, elsinore, 'echo'));
    expect(crossings(world).flatMap((stanza) => bodyOf(stanza) ?? [])).toEqual(['echo', 'echo']);
  });

  it('only owners see the form, and change it', () => {
    const world = worldOf();
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    world.send(iq(jid(ophelia), elsinore, { type: 'get', id: 'o' }, el('query', NS.mucOwner)));
    const answer = world.got(ophelia).findLast(({ id }) => id === 'o') as Stanza;
    expect(errorOf(answer)?.condition).toBe('forbidden');
    expect(childOf(payloadOf(answer, 'query', NS.mucOwner) ?? el('none', ''), 'x', NS.dataForms)).toBeUndefined();
  });
});

describe('XEP-0289 §8 Collisions: another nick', () => {
  const renaming = () => {
    const world = worldOf({}, []);
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    configures(world, elsinore, { collision: ['rename'] });
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.clear();
    return world;
  };

  it('decision #185: the first user, whose nick is taken there, enters under another, and is told with 210', () => {
    const world = renaming();
    world.send(joins(ophelia, `${elsinore}/Alice`));
    expect(world.got(ophelia).map(shown)).toEqual([
      'available Alice',
      'available Alice (2) 210 110 100',
      'subject: This is the subject',
    ]);
    expect(nicks(world, rooms)).toEqual(['Alice', 'Alice (2)']);
  });

  it('decision #185: so does one who had it on this side of a split', () => {
    const world = renaming();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.cut('denmark.lit', 'wonderland.lit', 'bounce');
    world.send(says(hamlet, elsinore, 'x'), says(alice, rabbithole, 'y'));
    world.send(joins(ophelia, `${elsinore}/Alice`));
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.clear();
    world.advance(80_000);
    expect(nicks(world, rooms).slice().sort()).toEqual(['Alice', 'Alice (2)', 'Hamlet']);
    expect(nicks(world, denmark).slice().sort()).toEqual(['Alice', 'Alice (2)', 'Hamlet']);
    expect(world.got(ophelia).map(shown)).toEqual(
      expect.arrayContaining(['unavailable Alice 303 110', 'available Alice (2) 210 110 100']),
    );
  });

  it('decision #185: refused, where the owner has not said so', () => {
    const world = worldOf({}, [alice]);
    world.send(joins(ophelia, `${elsinore}/Alice`));
    expect(world.got(ophelia).map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
  });
});

describe('decision #184: a room that is not to exchange what was said in a split', () => {
  it('asks for the history all the same where it has never been linked', () => {
    const world = worldOf({}, [alice]);
    expect(configures(world, elsinore, { resync: ['0'] })).toBeUndefined();
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const [request] = crossings(world);
    expect(request && readJoin(request.payloads)?.history).toEqual({ maxstanzas: 200 });
  });
});

describe('decision #156: a nick that is registered at one room (XEP-0045 §7.10)', () => {
  it('is no nick for a user of the other: who takes it is out there, and in at home', () => {
    const world = worldOf();
    const nick = { var: 'muc#register_roomnick', values: ['Prince'] };
    const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#register', fields: [nick] });
    world.send(iq(jid(alice), rabbithole, { type: 'set', id: 'r' }, el('query', 'jabber:iq:register', {}, form)));
    expect(world.got(alice).at(-1)?.type).toBe('result');
    world.clear();
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), {}));
    expect(world.got(alice).map(shown)).toEqual(['unavailable Hamlet']);
    expect(nicks(world, rooms)).toEqual(['Alice']);
    expect(nicks(world, denmark)).toContain('Prince');
  });
});
