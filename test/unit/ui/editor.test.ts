import { describe, expect, it } from 'vitest';
import { builtIn, builtInScenario } from '../../../src/scenario/built-in.ts';
import { federationOf, roomsOf } from '../../../src/scenario/federation.ts';
import { parseScenario } from '../../../src/scenario/load.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import schema from '../../../src/scenario/schema.json' with { type: 'json' };
import { addressKeys } from '../../../src/ui/editor/addresses.ts';
import { drawable, layOutDraft, placesIn } from '../../../src/ui/editor/drawing.ts';
import { Editing } from '../../../src/ui/editor/editing.ts';
import { faultsIn, nameOf, thingAt } from '../../../src/ui/editor/faults.ts';
import { type Field, fieldsOf, headFields, readField, writeField } from '../../../src/ui/editor/fields.ts';
import { begin, change, redo, undo } from '../../../src/ui/editor/history.ts';
import {
  addPerson,
  affiliationOf,
  movePerson,
  moveStep,
  readdressPerson,
  removePerson,
  setAffiliation,
  setJoinsAtStart,
  stepsOfNobody,
  withoutStepsOfNobody,
} from '../../../src/ui/editor/people.ts';
import { put, valueAt } from '../../../src/ui/editor/put.ts';
import { addRoom, moveNode, protocols, removeRoom, renameRoom } from '../../../src/ui/editor/rooms.ts';
import {
  addLink,
  addServer,
  placeServers,
  plainPairs,
  removeLink,
  removeServer,
  renameServer,
} from '../../../src/ui/editor/servers.ts';
import { setJoins, setMode, setProtocol, spread, spreadOf, withdraw } from '../../../src/ui/editor/spread.ts';
import { copyOf, empty } from '../../../src/ui/editor/starts.ts';

const known = (id: string) => copyOf(builtInScenario(id) as Scenario, new Set());
const messages = (scenario: Scenario) => faultsIn(scenario).map(({ message }) => message);
const room = 'room@rooms.server.example';
/** The empty scenario with a second server and somebody there. */
const two = addPerson(addServer(empty), 'server-2.example');
const other = 'server-2.example';

describe('What one begins with', () => {
  it('is right: an empty scenario, and a copy of each that comes with Netsplit, under another id', () => {
    expect(messages(empty)).toEqual([]);
    for (const { id } of builtIn) {
      expect(messages(known(id)), id).toEqual([]);
      expect(known(id).id).toBe(`my-${id}`);
    }
    expect(copyOf(empty, new Set(['mine', 'my-mine'])).id).toBe('my-mine-2');
  });

  it('the id of a scenario that comes with Netsplit is a fault', () => {
    expect(faultsIn({ ...empty, id: 'wallops' })).toEqual([
      { at: ['id'], message: 'wallops comes with Netsplit: a scenario of your own needs another id' },
    ]);
  });
});

describe('A change', () => {
  it('leaves the scenario before as it was, and can be undone and done again', () => {
    const frozen = JSON.stringify(empty);
    let history = begin(empty);
    history = change(history, addServer(history.now));
    history = change(history, removeServer(history.now, 'server.example'));
    expect(undo(undo(history)).now).toBe(empty);
    expect(undo(undo(undo(history))).now).toBe(empty);
    expect(redo(undo(history)).now).toBe(history.now);
    // What is done after an undo replaces what was undone.
    expect(redo(change(undo(history), two)).now).toBe(two);
    expect(JSON.stringify(empty)).toBe(frozen);
  });

  it('of one value leaves all others as they are, in their order', () => {
    const at = ['nodes', 0, 'rooms', 0, 'historyMax'];
    const changed = put(empty, at, 5);
    expect(valueAt(changed, at)).toBe(5);
    expect(changed.occupants).toBe(empty.occupants);
    expect(put(changed, at, undefined)).toEqual(empty);
    expect(Object.keys(put(empty, ['title'], 'x'))).toEqual(Object.keys(empty));
    expect(put(empty, ['script', 0], undefined).script).toEqual([empty.script[1]]);
  });

  it('is not made where somebody typed what is taken; the next one forgets that', () => {
    const editing = new Editing(two);
    editing.refuse(['servers', 0, 'domain'], 'taken');
    expect(editing.scenario).toBe(two);
    expect(editing.refusal?.message).toBe('taken');
    editing.change(addServer(two));
    expect(editing.refusal).toBeUndefined();
    editing.select(['servers', 2]);
    editing.undo();
    // What is not there is not selected.
    expect(editing.selected).toEqual([]);
  });
});

describe('Servers', () => {
  it('a new one stands away from the others, with a domain that nobody has', () => {
    expect(two.servers.map(({ domain }) => domain)).toEqual(['server.example', other]);
    expect(two.servers[1]?.at).not.toEqual(two.servers[0]?.at);
    expect(messages(two)).toEqual([]);
  });

  for (const { id } of builtIn)
    it(`${id}: renamed, each takes along what is there, and everything still fits`, () => {
      const scenario = known(id);
      for (const { domain } of scenario.servers) {
        const renamed = renameServer(scenario, domain, 'renamed.example');
        expect(messages(renamed)).toEqual([]);
        expect(JSON.stringify(renamed.occupants)).not.toContain(`@${domain}/`);
        expect(renameServer(renamed, 'renamed.example', domain)).toEqual(scenario);
      }
    });

  it('the domain of another server that is below it stays', () => {
    const scenario = { ...two, servers: [{ ...two.servers[0], domain: 'example' }, two.servers[1]] } as Scenario;
    expect(renameServer(scenario, 'example', 'x').servers[1]?.domain).toBe(other);
  });

  for (const { id } of builtIn)
    it(`${id}: without one of them, nothing is wrong but people and steps that have lost their room or themselves`, () => {
      const scenario = known(id);
      for (const { domain } of scenario.servers.slice(1)) {
        const rest = withoutStepsOfNobody(removeServer(scenario, domain));
        const wrong = messages(rest).filter((message) => !message.startsWith('no room '));
        expect(wrong, domain).toEqual([]);
        expect(JSON.stringify(rest.links ?? [])).not.toContain(`"${domain}"`);
      }
    });

  it('a link has settings of its own, or is like any other', () => {
    const [pair] = plainPairs(two);
    const linked = addLink(two, pair as readonly [string, string]);
    expect(linked.links).toEqual([{ between: ['server.example', other] }]);
    expect(addLink(linked, [other, 'server.example'])).toBe(linked);
    expect(plainPairs(linked)).toEqual([]);
    expect(removeLink(linked, 0).links).toEqual([]);
    expect(messages(put(linked, ['links', 0, 'latencyMs'], -5))).toEqual(['-5 is less than 0']);
  });
});

describe('People', () => {
  it('a new one enters at the start, under a free nick, through the room of their server', () => {
    const [person] = two.occupants.slice(-1);
    expect(person).toEqual({ jid: `carol@${other}/client`, nick: 'Carol', room });
    expect(two.script.at(-1)).toEqual({ act: 'join', who: person?.jid });
    const away = setJoinsAtStart(two, person?.jid ?? '', false);
    expect(away.script).toEqual(empty.script);
    expect(setJoinsAtStart(away, person?.jid ?? '', true)).toEqual(two);
  });

  it('move to another server with their steps and their affiliation', () => {
    const moved = movePerson(two, 0, other);
    expect(moved.occupants[0]?.jid).toBe(`alice@${other}/client`);
    expect(moved.script[0]?.who).toBe(`alice@${other}/client`);
    expect(roomsOf(moved)[0]?.affiliations).toEqual([{ jid: `alice@${other}`, affiliation: 'owner' }]);
    expect(messages(moved)).toEqual([]);
    // Somebody of that name is there: both can still be told apart.
    const twin = movePerson(readdressPerson(two, 2, `alice@${other}/client`), 0, other);
    expect(twin.occupants.map(({ jid }) => jid)).toContain(`alice-2@${other}/client`);
    expect(messages(twin)).toEqual([]);
  });

  it('the affiliation of an account stays with its other device', () => {
    const device = { ...empty.occupants[0], jid: 'alice@server.example/phone' } as Scenario['occupants'][number];
    const both = { ...empty, occupants: [...empty.occupants, device] };
    const renamed = readdressPerson(both, 2, 'alicia@server.example/phone');
    expect(affiliationOf(renamed, renamed.occupants[0] as typeof device)).toBe('owner');
    expect(affiliationOf(renamed, renamed.occupants[2] as typeof device)).toBeUndefined();
  });

  it('removed, their steps stay until somebody drops them', () => {
    const gone = removePerson(empty, 0);
    expect(stepsOfNobody(gone)).toEqual([{ act: 'join', who: 'alice@server.example/client' }]);
    expect(messages(gone)).toEqual(['no occupant alice@server.example/client in this scenario']);
    expect(messages(withoutStepsOfNobody(gone))).toEqual([]);
    expect(withoutStepsOfNobody(gone).script).toEqual([empty.script[1]]);
  });

  it('have an affiliation in the room that they enter, or none', () => {
    const [, bob] = empty.occupants;
    const member = setAffiliation(empty, bob as Scenario['occupants'][number], 'member');
    expect(affiliationOf(member, bob as Scenario['occupants'][number])).toBe('member');
    expect(setAffiliation(member, bob as Scenario['occupants'][number], undefined)).toEqual(empty);
  });

  it('steps of the script go earlier and later, and no further than its ends', () => {
    expect(moveStep(empty, 0, 1).script).toEqual(empty.script.toReversed());
    expect(moveStep(empty, 0, -1)).toBe(empty);
    expect(moveStep(empty, 1, 1)).toBe(empty);
  });
});

describe('Rooms', () => {
  it('renamed, those who enter it enter it still', () => {
    const renamed = renameRoom(empty, room, 'hall@rooms.server.example');
    expect(messages(renamed)).toEqual([]);
    expect(messages(renameRoom(empty, room, 'hall@elsewhere.example'))).toEqual([
      'hall@elsewhere.example is not a room of the service rooms.server.example',
    ]);
  });

  it('removed, its people have nowhere to go, which is said of each of them', () => {
    const two = addRoom(empty, 'rooms.server.example');
    expect(messages(removeRoom(two, room))).toEqual(Array(2).fill(expect.stringContaining(`no room ${room}`)));
  });

  for (const protocol of protocols)
    it(`${protocol}: with a part on another server and without it, everything fits`, () => {
      const there = spread(setProtocol(two, room, protocol), room, other);
      expect(messages(there)).toEqual([]);
      expect(spreadOf(there, room)).toEqual(protocol === 'none' ? [] : [other]);
      expect(spread(there, room, other)).toBe(there);
      const alone = withdraw(there, room, other);
      expect(messages(alone)).toEqual([]);
      expect(alone).toEqual(setProtocol(two, room, protocol));
      // In any other protocol it is over the same servers, and back it is as it was.
      for (const next of protocols.filter((one) => one !== 'none' && protocol !== 'none')) {
        const changed = setProtocol(there, room, next);
        expect(messages(changed), next).toEqual([]);
        expect(spreadOf(changed, room), next).toEqual([other]);
        expect(setProtocol(changed, room, protocol)).toEqual(there);
      }
    });

  for (const id of ['wallops', 'chain', 'ring', 'coven', 'mirror'])
    it(`${id}: made a plain room, and distributed anew in each protocol, it is right`, () => {
      const scenario = known(id);
      const [first] = roomsOf(scenario);
      for (const protocol of protocols) {
        const changed = setProtocol(scenario, first?.jid ?? '', protocol);
        expect(messages(changed), protocol).toEqual([]);
      }
    });

  it('federated ones have one mode, and join each other or do so no more', () => {
    const fmuc = spread(setProtocol(two, room, 'fmuc'), room, other);
    const joining = federationOf(fmuc, room).find((one) => one !== room) ?? '';
    // Those of that server enter there.
    expect(fmuc.occupants.at(-1)?.room).toBe(joining);
    expect(messages(setMode(fmuc, joining, 'primary-replica'))).toEqual([]);
    const apart = setJoins(fmuc, joining, room, false);
    expect(federationOf(apart, room)).toEqual([room]);
    expect(setJoins(apart, joining, room, true)).toEqual(fmuc);
  });

  it('a service moves to another server with its rooms', () => {
    const moved = moveNode(two, 0, other);
    expect(moved.nodes[0]?.address).toBe(`rooms.${other}`);
    expect(messages(moved)).toEqual([]);
  });
});

describe('The forms', () => {
  const all = (fields: readonly Field[]): readonly Field[] =>
    fields.flatMap((field) => [field, ...(field.of.kind === 'group' ? all(field.of.fields) : [])]);
  const field = (of: Parameters<typeof fieldsOf>[0], key: string) =>
    fieldsOf(of).find((one) => one.key === key) as Field;

  it('have every property of a thing, with a title of its own', () => {
    const keys = ({ properties }: { readonly properties: object }) => Object.keys(properties);
    for (const of of ['link', 'room', 'replica', 'service', 'split', 'trust', 'hosting', 'fmuc', 'source'] as const) {
      const own = keys(schema.$defs[of]).filter((key) => key !== 'kind');
      expect(
        fieldsOf(of).map(({ key }) => key),
        of,
      ).toEqual(own);
      const titles = fieldsOf(of).map(({ title }) => title);
      expect(new Set(titles).size, of).toBe(titles.length);
    }
    expect(headFields().map(({ key }) => key)).toEqual(['title', 'id', 'description', 'xep']);
  });

  it('read what they write, for every field of every room of every scenario', () => {
    let read = 0;
    for (const { id } of builtIn)
      for (const one of roomsOf(known(id)))
        for (const of of fieldsOf('room', ['affiliations', 'distribution'])) {
          const value = valueAt(one, [of.key]);
          if (value === undefined || of.of.kind === 'group' || of.of.kind === 'flag') continue;
          expect(readField(of, writeField(of, value))).toEqual(value);
          read++;
        }
    expect(read).toBeGreaterThan(10);
  });

  it('take lists line by line, numbers as numbers, and what is empty as absent', () => {
    expect(readField(field('fmuc', 'allowedNodes'), 'a@b\n c@d, e@f')).toEqual(['a@b', 'c@d', 'e@f']);
    expect(readField(field('link', 'latencyMs'), ' 500 ')).toBe(500);
    expect(readField(field('link', 'latencyMs'), 'slow')).toBe('slow');
    expect(readField(field('link', 'latencyMs'), '')).toBeUndefined();
    expect(readField(field('source', 'redirect'), 'never')).toBe('never');
    expect(readField(field('source', 'redirect'), '3')).toBe(3);
    expect(readField(field('source', 'id'), '{"text":"x"}')).toEqual({ text: 'x' });
    expect(readField(field('trust', 'scope'), 'a@b: c.d *\n')).toEqual({ 'a@b': ['c.d', '*'] });
    expect(writeField(field('trust', 'scope'), { 'a@b': ['c.d', '*'] })).toBe('a@b: c.d *');
  });

  it('a group begins as the schema allows it', () => {
    const node = put(two, ['nodes', 0, 'hosting'], (field('service', 'hosting').of as { fresh: object }).fresh);
    expect(messages(node)).toEqual([]);
    const keepalive = fieldsOf('replica').find(({ key }) => key === 'keepalive')?.of;
    expect(keepalive).toMatchObject({ kind: 'group', fresh: { interval: 60, timeout: 15 } });
    expect(all(fieldsOf('service')).length).toBeGreaterThan(fieldsOf('service').length);
  });

  it('every property of the format that is an address is renamed with what it names', () => {
    const found = new Set<string>();
    const look = (of: unknown, key: string): void => {
      if (typeof of !== 'object' || of === null) return;
      const { $ref } = of as { readonly $ref?: string };
      if ($ref === '#/$defs/jid' || $ref === '#/$defs/domain') found.add(key);
      for (const [name, value] of Object.entries(of))
        look(value, ['items', 'anyOf', 'additionalProperties', '0', '1'].includes(name) ? key : name);
    };
    look(schema, '');
    expect([...found].sort()).toEqual([...addressKeys].sort());
  });
});

describe('Faults', () => {
  it('are those that npm start finds, and each belongs to a thing with a name', () => {
    const wrong = put(put(two, ['occupants', 0, 'room'], 'x@y'), ['nodes', 0, 'rooms', 0, 'historyMax'], 2);
    const parsed = parseScenario(JSON.stringify(wrong));
    expect(parsed.ok ? [] : parsed.errors.map(({ message }) => message)).toEqual(messages(wrong));
    expect(faultsIn(wrong).map(({ at }) => nameOf(wrong, thingAt(at)))).toEqual(['Alice']);
    const deep = faultsIn(put(two, ['nodes', 0, 'rooms', 0, 'historyMax'], -2));
    expect(deep.map(({ at }) => nameOf(two, thingAt(at)))).toEqual([`Room ${room}`]);
  });
});

describe('The picture', () => {
  for (const { id } of builtIn)
    it(`${id}: servers that are moved nowhere stay about where they are drawn`, () => {
      const scenario = known(id);
      for (const [w, h] of [
        [960, 820],
        [700, 600],
        [390, 700],
      ] as const) {
        const layout = layOutDraft(scenario, w, h, undefined);
        if (!layout) throw new Error('there is nothing to draw');
        const again = layOutDraft(placeServers(scenario, placesIn(layout, scenario)), w, h, undefined);
        for (const [domain, { x, y }] of layout.servers) {
          const now = again?.servers.get(domain);
          expect(Math.hypot((now?.x ?? 0) - x, (now?.y ?? 0) - y), `${domain} at ${w} × ${h}`).toBeLessThan(80);
        }
      }
    });

  it('a server that is moved a little goes a little', () => {
    const layout = layOutDraft(two, 960, 820, undefined);
    const before = layout?.servers.get(other);
    if (!layout || !before) throw new Error('there is nothing to draw');
    const share = { x: (before.x - 24) / layout.width, y: (before.y - before.h / 2) / layout.height };
    const moved = layOutDraft(two, 960, 820, new Map([[other, share]]));
    const placed = moved && placeServers(two, placesIn(moved, two));
    const [a, b] = [layout, placed && layOutDraft(placed, 960, 820, undefined)].map((one) => {
      const [from, to] = ['server.example', other].map((domain) => one?.servers.get(domain)?.x ?? 0);
      return (to ?? 0) - (from ?? 0);
    });
    expect(Math.abs((b ?? 0) - (a ?? 0))).toBeGreaterThan(10);
    expect(Math.abs((b ?? 0) - (a ?? 0))).toBeLessThan(60);
  });

  it('is drawn while things are wrong, without what cannot be drawn', () => {
    const twice = {
      ...two,
      servers: [...two.servers, two.servers[0]],
      occupants: [...two.occupants, two.occupants[0]],
    } as Scenario;
    expect(drawable(twice).servers).toEqual(two.servers);
    expect(drawable(twice).occupants).toEqual(two.occupants);
    const lost = put(two, ['occupants', 0, 'jid'], 'alice@nowhere.example/x');
    expect(drawable(lost).occupants.map(({ nick }) => nick)).toEqual(['Bob', 'Carol']);
    expect(layOutDraft({ ...two, servers: [] }, 960, 820, undefined)).toBeUndefined();
  });
});
