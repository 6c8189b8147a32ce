import { describe, expect, it } from 'vitest';
import { defaultRoomConfig } from '../../../src/core/room/config.ts';
import type { Happening, HistoryItem } from '../../../src/core/room/event.ts';
import { defaultLimits } from '../../../src/core/room/limits.ts';
import { Messages } from '../../../src/core/room/messages.ts';
import { takesBack, takesSubjectBack, tombstoneOf } from '../../../src/core/room/retraction.ts';
import { RoomState } from '../../../src/core/room/state.ts';
import { subjectOf } from '../../../src/core/room/subject.ts';
import { retractNs } from '../../../src/core/xep/xep0424.ts';
import { writeModeration } from '../../../src/core/xep/xep0425.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';

const room = jid('coven@chat.shakespeare.lit');
const peer = jid('heath@chat.fife.lit');
const other = jid('castle@chat.glamis.lit');
const said: HistoryItem = {
  by: room,
  id: 'm1',
  nick: 'thirdwitch',
  occupantId: 'hag',
  at: instant(10),
  stanzaId: 's1',
  lang: 'en',
  payloads: [el('body', NS.client, {}, 'wicked'), el('origin-id', NS.sid, { id: 'o' })],
};
const mine: HistoryItem = {
  ...said,
  id: 'r1',
  stanzaId: 's2',
  at: instant(20),
  payloads: [el('retract', retractNs, { id: 'm1' })],
};
const moderation: HistoryItem = {
  ...mine,
  nick: '',
  occupantId: '',
  payloads: [writeModeration(room, { id: 'm1', moderator: { nick: 'king', occupantId: 'k' }, reason: 'no' })],
};

describe('XEP-0424 §5, XEP-0425: who takes back what', () => {
  it.each<[string, boolean, Partial<HistoryItem>, Partial<HistoryItem>]>([
    ['its author', true, {}, mine],
    ['its author under another nick', true, {}, { ...mine, nick: 'hecate' }],
    ['another user', false, {}, { ...mine, occupantId: 'crone' }],
    ['users of nodes that give no occupant ids', false, { occupantId: '' }, { ...mine, occupantId: '' }],
    ['the room, what it accepted', true, {}, moderation],
    ['the room, what another accepted', false, { by: peer }, moderation],
    ['another node, what came by it', true, { by: peer, via: peer }, { ...moderation, by: peer, via: peer }],
    [
      'another node, what came by it from beyond',
      true,
      { by: other, via: peer },
      { ...moderation, by: other, via: peer },
    ],
    ['another node in the name of one beyond', false, { by: peer, via: peer }, { ...moderation, by: other, via: peer }],
    ['another node, what was accepted here', false, {}, { ...moderation, via: peer }],
    ['another node, what came by a third', false, { by: other, via: other }, { ...moderation, by: other, via: peer }],
    ['another node, in the name of a user who spoke here', false, {}, { ...mine, via: peer }],
    ['in a split, what is not accepted', false, { provisional: true }, mine],
    ['what is taken back already', false, tombstoneOf(said, mine), mine],
    ['another message', false, { id: 'm2' }, mine],
  ])('decision #113: %s: %s', (_, may, target, item) =>
    expect(takesBack({ ...mine, ...item }, { ...said, ...target })).toBe(may),
  );

  it('§4: of the message only who, when and under which ids is left', () => {
    expect(tombstoneOf(said, mine)).toEqual({
      ...said,
      lang: undefined,
      payloads: [el('retracted', retractNs, { id: 's2', stamp: '1970-01-01T00:00:00.020Z' })],
    });
    expect(tombstoneOf(said, moderation).payloads[0]?.children).toEqual(moderation.payloads[0]?.children);
  });

  it('decision #112: of a retraction that is taken back the retraction is left', () => {
    const withBody = { ...mine, payloads: [...mine.payloads, el('body', NS.client, {}, 'wicked')] };
    const left = tombstoneOf(withBody, { ...mine, id: 'r2', stanzaId: 's3' });
    expect(left.payloads.map(({ name, attrs }) => [name, attrs['id']])).toEqual([
      ['retracted', 's3'],
      ['retract', 'm1'],
    ]);
    expect([takesBack(left, said), takesBack({ ...mine, id: 'r3' }, left)]).toEqual([true, false]);
  });

  it('a subject is taken back by the same rule, be its message here or not', () => {
    const subject = subjectOf({ ...said, payloads: [el('subject', NS.client, {}, 'wicked')] });
    for (const item of [mine, moderation]) expect(takesSubjectBack(item, subject)).toBe(true);
    expect(takesSubjectBack({ ...mine, occupantId: 'crone' }, subject)).toBe(false);
    expect(takesSubjectBack({ ...moderation, via: peer }, subject)).toBe(false);
    expect(takesSubjectBack(mine, { text: 'x', nick: 'thirdwitch', occupantId: 'hag', at: instant(0) })).toBe(false);
  });
});

describe('the messages of a room', () => {
  it('a message that comes after its retraction comes as a tombstone', () => {
    const messages = new Messages(room, defaultLimits, {});
    messages.add({ ...said, id: 'm0', at: instant(5) });
    messages.add(moderation);
    expect(messages.retracts(moderation)).toBe(false);
    expect(messages.addPast(said)).toMatchObject({ id: 'r1' });
    expect(messages.all.map(({ id, payloads }) => [id, payloads[0]?.name])).toEqual([
      ['m0', 'body'],
      ['m1', 'retracted'],
      ['r1', 'retract'],
    ]);
  });

  it('decision #114: what nodes that missed it are told, and a snapshot, have nothing of the words', () => {
    const state = new RoomState(defaultRoomConfig(room), { keepsChanges: true, givesOccupantIds: true });
    const events: Happening[] = [
      { kind: 'messageAccepted', n: 1, item: said },
      { kind: 'messageAccepted', n: 2, item: moderation },
    ];
    for (const event of events) state.apply({ room, ...event });
    expect(JSON.stringify([state.log.since(0, 2), state.snapshot()])).not.toContain('wicked');
    expect(state.log.since(0, 2)?.map(({ n, kind }) => [n, kind])).toEqual([
      [1, 'messageAccepted'],
      [2, 'messageAccepted'],
    ]);
    const restored = new RoomState(defaultRoomConfig(room), { keepsChanges: true, givesOccupantIds: true });
    restored.restore(state.snapshot());
    expect(restored.snapshot()).toEqual(state.snapshot());
  });
});
