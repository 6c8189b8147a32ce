import { describe, expect, it } from 'vitest';
import { plainRoomConfig } from '../../src/core/distribution/config.ts';
import { plain as plainDistribution } from '../../src/core/distribution/plain.ts';
import type { NodeConfig } from '../../src/core/node/config.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import { listsMax, occupantIdsMax, presencesMax } from '../../src/core/room/bounds.ts';
import type { Occupant } from '../../src/core/room/event.ts';
import { bytesOf } from '../../src/core/room/size.ts';
import { RoomState } from '../../src/core/room/state.ts';
import { writeJoin } from '../../src/core/xep/xep0045.ts';
import { domainOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, iq, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { instant } from '../../src/core/xmpp/time.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';

const service = jid('chat.shakespeare.lit');
const server = jid('shakespeare.lit');
const coven = jid('coven@chat.shakespeare.lit');
const owner = jid('crone1@shakespeare.lit/desktop');
const rooms = [
  { ...plainRoomConfig(coven), affiliations: new Map([[jid('crone1@shakespeare.lit'), 'owner' as const]]) },
];
const base = {
  kind: 'service',
  address: service,
  server,
  rooms,
  openCreation: true,
  lockNewRooms: false,
  admins: [],
} as const;

function started(config: NodeConfig = base) {
  const node = createMucNode(config);
  let ids = 0;
  const env = { now: instant(Date.UTC(2026, 0, 1)), newId: () => `id${++ids}` };
  node.handle({ kind: 'command', command: { name: 'start' } }, env);
  return (stanza: Stanza): readonly Stanza[] =>
    node
      .handle({ kind: 'stanza', via: domainOf(stanza.from), stanza }, env)
      .flatMap((effect) => (effect.kind === 'send' ? [effect.stanza] : []));
}

const enters = (user: Jid, room: string, nick: string, ...more: XmlElement[]) =>
  presence(user, jid(`${room}/${nick}`), {}, writeJoin({}), ...more);
const errorFor = (sent: readonly Stanza[]) => sent.map(errorOf).find((error) => error !== undefined);
const status = (bytes: number) => el('status', NS.client, {}, 'x'.repeat(bytes));

describe('decision #220: how much a room keeps beside its messages', () => {
  it('a large presence is taken while there is room for it, and a small one in any case', () => {
    const send = started();
    const large = 400 * 1024;
    const many = Math.floor(presencesMax / large);
    const user = (i: number) => jid(`u${i}@shakespeare.lit/r`);
    for (let i = 0; i < many; i++)
      expect(errorFor(send(enters(user(i), coven, `n${i}`, status(large))))).toBeUndefined();
    expect(errorFor(send(enters(user(many), coven, 'more', status(large))))).toMatchObject({
      condition: 'resource-constraint',
    });
    expect(errorFor(send(enters(user(many), coven, 'more', status(1000))))).toBeUndefined();
    const shows = presence(user(many), jid(`${coven}/more`), { id: 'p' }, status(large));
    expect(errorFor(send(shows))).toMatchObject({ condition: 'resource-constraint' });
    const renames = presence(user(many), jid(`${coven}/other`), { id: 'p' }, status(large));
    expect(errorFor(send(renames))).toMatchObject({ condition: 'resource-constraint' });
    // It replaces their own.
    expect(errorFor(send(presence(user(0), jid(`${coven}/n0`), {}, status(large))))).toBeUndefined();
  });

  it('a presence of 8 KiB is taken in a full room, and not one that is a byte larger', () => {
    const send = started();
    const of = (bytes: number) => status(bytes - bytesOf([status(0)]));
    const large = 400 * 1024;
    for (let i = 0; i <= presencesMax / large; i++)
      send(enters(jid(`u${i}@shakespeare.lit/r`), coven, `n${i}`, of(Math.min(large, presencesMax - i * large))));
    const comes = (bytes: number) => errorFor(send(enters(jid('late@shakespeare.lit/r'), coven, 'late', of(bytes))));
    expect(comes(8 * 1024 + 1)).toMatchObject({ condition: 'resource-constraint' });
    expect(comes(8 * 1024)).toBeUndefined();
  });

  it('of what another node tells of its users, the payloads are left out', () => {
    const state = new RoomState(plainRoomConfig(coven), plainDistribution.traits);
    const tells = (i: number): Occupant => ({
      nick: `n${i}`,
      jid: jid(`u${i}@evil.lit/r`),
      affiliation: 'none',
      role: 'participant',
      home: jid('replica@evil.lit'),
      occupantId: `o${i}`,
      presence: [status(400 * 1024)],
    });
    for (let i = 0; i < 60; i++) state.apply({ kind: 'occupantEntered', room: coven, occupant: tells(i) });
    const kept = [...state.occupants.values()].filter(({ presence: payloads }) => payloads.length > 0);
    expect([state.occupants.size, kept.length]).toEqual([60, Math.floor(presencesMax / (400 * 1024))]);
  });

  it('and of all sessions of one nick', () => {
    const state = new RoomState(plainRoomConfig(coven), plainDistribution.traits);
    const large = [status(400 * 1024)];
    for (let i = 0; i < 20; i++) {
      const sessions = Array.from({ length: 9 }, (_, k) => ({ jid: jid(`u${i}@evil.lit/${k}`), presence: large }));
      const rank = { affiliation: 'none', role: 'participant' } as const;
      const tells = {
        ...rank,
        nick: `n${i}`,
        jid: jid(`u${i}@evil.lit/r`),
        home: jid('replica@evil.lit'),
        occupantId: `o${i}`,
      };
      state.apply({ kind: 'occupantEntered', room: coven, occupant: { ...tells, presence: large, sessions } });
    }
    const kept = [...state.occupants.values()].flatMap(({ presence: own, sessions = [] }) => [
      own,
      ...sessions.map((one) => one.presence),
    ]);
    expect([kept.length, kept.filter(({ length }) => length > 0).length]).toEqual([200, 40]);
  });

  it('lists have an end, by whatever way somebody comes onto them', () => {
    const send = started();
    const admin = (...items: Record<string, string>[]) =>
      send(
        iq(
          owner,
          coven,
          { type: 'set', id: 'a' },
          el('query', NS.mucAdmin, {}, ...items.map((item) => el('item', NS.mucAdmin, item))),
        ),
      );
    for (let i = 1; i < listsMax; i += 500) {
      const users = Array.from({ length: Math.min(500, listsMax - i) }, (_, k) => ({
        affiliation: 'member',
        jid: `m${i + k}@a.lit`,
      }));
      expect(errorFor(admin(...users))).toBeUndefined();
    }
    expect(errorFor(admin({ affiliation: 'outcast', jid: 'one@b.lit' }))).toMatchObject({
      condition: 'resource-constraint',
    });
    const field = el('field', NS.dataForms, { var: 'muc#register_roomnick' }, el('value', NS.dataForms, {}, 'nick'));
    const form = el('x', NS.dataForms, { type: 'submit' }, field);
    const registers = iq(
      jid('two@b.lit/r'),
      coven,
      { type: 'set', id: 'r' },
      el('query', 'jabber:iq:register', {}, form),
    );
    expect(errorFor(send(registers))).toMatchObject({ condition: 'resource-constraint' });
    const admins = el(
      'field',
      NS.dataForms,
      { var: 'muc#roomconfig_roomadmins' },
      el('value', NS.dataForms, {}, 'three@b.lit'),
    );
    const submits = el('query', NS.mucOwner, {}, el('x', NS.dataForms, { type: 'submit' }, admins));
    expect(errorFor(send(iq(owner, coven, { type: 'set', id: 'f' }, submits)))).toMatchObject({
      condition: 'resource-constraint',
    });
    // Who is on a list may be on another, and who goes makes room.
    expect(errorFor(admin({ affiliation: 'outcast', jid: 'm1@a.lit' }))).toBeUndefined();
    expect(errorFor(admin({ affiliation: 'none', jid: 'm2@a.lit' }))).toBeUndefined();
    expect(errorFor(admin({ affiliation: 'outcast', jid: 'one@b.lit' }))).toBeUndefined();
  });

  it('occupant ids of those who were here first are forgotten, but for those who are in', () => {
    const state = new RoomState(plainRoomConfig(coven), plainDistribution.traits);
    const visit = (i: number, stays = false) => {
      const occupant = {
        nick: `n${i}`,
        jid: jid(`u${i}@a.lit/r`),
        affiliation: 'none',
        role: 'participant',
        occupantId: `o${i}`,
        presence: [],
      } as const;
      state.apply({ kind: 'occupantEntered', room: coven, occupant });
      if (!stays) state.apply({ kind: 'occupantLeft', room: coven, nick: occupant.nick });
    };
    visit(0, true);
    for (let i = 1; i <= occupantIdsMax * 1.25; i++) visit(i);
    expect(state.occupantIds.size).toBeLessThanOrEqual(occupantIdsMax * 1.25);
    expect(['u0', 'u1', 'u24999'].map((user) => state.occupantIdOf(jid(`${user}@a.lit/x`)))).toEqual([
      'o0',
      undefined,
      'o24999',
    ]);
  });
});

describe('decision #221: how many rooms a user may make', () => {
  const makes = (send: ReturnType<typeof started>, user: string, room: string) =>
    errorFor(send(enters(jid(`${user}@shakespeare.lit/r`), `${room}@chat.shakespeare.lit`, 'maker')));

  it('of one user, until one of theirs is gone; and of the service', () => {
    const send = started({ ...base, limits: { perUser: 2, all: 5 } });
    expect([makes(send, 'hag', 'a'), makes(send, 'hag', 'b')]).toEqual([undefined, undefined]);
    expect(makes(send, 'hag', 'c')).toMatchObject({ condition: 'resource-constraint' });
    // A temporary room ends with its last occupant.
    send(presence(jid('hag@shakespeare.lit/r'), jid('a@chat.shakespeare.lit/maker'), { type: 'unavailable' }));
    expect(makes(send, 'hag', 'c')).toBeUndefined();
    expect([makes(send, 'witch', 'd'), makes(send, 'crone', 'e')]).toEqual([undefined, undefined]);
    expect(makes(send, 'fourth', 'f')).toMatchObject({ condition: 'resource-constraint' });
  });

  it('admins of the service are not limited', () => {
    const send = started({ ...base, admins: [jid('hag@shakespeare.lit')], limits: { perUser: 0, all: 0 } });
    expect([makes(send, 'hag', 'a'), makes(send, 'hag', 'b')]).toEqual([undefined, undefined]);
  });

  it('they are counted over a restart, also where admins of the service own every room', () => {
    const config = { ...base, admins: [jid('crone1@shakespeare.lit')], limits: { perUser: 1 } };
    const node = createMucNode(config);
    const env = { now: instant(1), newId: () => 'id' };
    node.handle({ kind: 'command', command: { name: 'start' } }, env);
    const user = jid('hag@shakespeare.lit/r');
    node.handle({ kind: 'stanza', via: server, stanza: enters(user, 'a@chat.shakespeare.lit', 'maker') }, env);
    const after = createMucNode(config);
    after.restore(node.snapshot());
    const sent = after.handle(
      { kind: 'stanza', via: server, stanza: enters(user, 'b@chat.shakespeare.lit', 'maker') },
      env,
    );
    expect(errorFor(sent.flatMap((effect) => (effect.kind === 'send' ? [effect.stanza] : [])))).toMatchObject({
      condition: 'resource-constraint',
    });
  });
});

describe('decision #240: one service in several processes', () => {
  const elsewhere = {
    open: [{ jid: jid('cave@chat.shakespeare.lit'), name: 'The cave' }],
    rooms: 2,
    made: new Map([[jid('hag@shakespeare.lit'), 1]]),
  };
  const told = (limits: { perUser: number; all: number }) => {
    const node = createMucNode({ ...base, limits });
    const env = { now: instant(1), newId: () => 'id' };
    node.handle({ kind: 'command', command: { name: 'start' } }, env);
    node.handle({ kind: 'command', command: { name: 'elsewhere', holdings: elsewhere } }, env);
    const send = (stanza: Stanza) =>
      node
        .handle({ kind: 'stanza', via: domainOf(stanza.from), stanza }, env)
        .flatMap((effect) => (effect.kind === 'send' ? [effect.stanza] : []));
    const makes = (user: string, name: string) =>
      errorFor(send(enters(jid(`${user}@shakespeare.lit/r`), `${name}@chat.shakespeare.lit`, 'maker')));
    return { node, send, makes };
  };

  it('rooms that other processes have are listed with its own', () => {
    const { send } = told({ perUser: 9, all: 9 });
    const [answer] = send(iq(owner, service, { type: 'get', id: 'i' }, el('query', NS.discoItems)));
    const items = (answer?.payloads[0]?.children ?? []).flatMap((item) =>
      typeof item === 'string' ? [] : [item.attrs],
    );
    expect(items).toEqual([
      { jid: coven, name: 'coven' },
      { jid: 'cave@chat.shakespeare.lit', name: 'The cave' },
    ]);
  });

  it('they count in the limits of one user, and of the service; and it tells what it has itself', () => {
    const { makes, node } = told({ perUser: 2, all: 5 });
    expect(makes('hag', 'a')).toBeUndefined();
    expect(makes('hag', 'b')).toMatchObject({ condition: 'resource-constraint' });
    expect(makes('witch', 'b')).toBeUndefined();
    expect(makes('witch', 'c')).toMatchObject({ condition: 'resource-constraint' });
    const { open, rooms: count, made } = node.holdings();
    expect([open.map(({ name }) => name), count, [...made]]).toEqual([
      ['coven', 'a', 'b'],
      3,
      [
        ['hag@shakespeare.lit', 1],
        ['witch@shakespeare.lit', 1],
      ],
    ]);
  });
});
