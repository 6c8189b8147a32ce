import { describe, expect, it } from 'vitest';
import { plain } from '../../../src/core/distribution/plain.ts';
import { IncomingState, type Scope } from '../../../src/core/distribution/resync.ts';
import type { Change } from '../../../src/core/room/change.ts';
import { defaultRoomConfig } from '../../../src/core/room/config.ts';
import type { Happening, HistoryItem, Occupant, RoomEvent } from '../../../src/core/room/event.ts';
import { RoomTurn } from '../../../src/core/room/room-turn.ts';
import { RoomState } from '../../../src/core/room/state.ts';
import { Turn } from '../../../src/core/turn/turn.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';

const room = jid('room@a.lit');
const peer = jid('room@b.lit');
const someone = (nick: string, more: Partial<Occupant> = {}): Occupant => ({
  nick,
  jid: jid(`${nick}@b.lit/p`),
  affiliation: 'none',
  role: 'participant',
  occupantId: `id of ${nick}`,
  presence: [],
  home: peer,
  ...more,
});
const item = (id: string, at: number, more: Partial<HistoryItem> = {}): HistoryItem => ({
  by: peer,
  id,
  nick: 'alice',
  author: jid('alice@b.lit/p'),
  occupantId: 'id of alice',
  at: instant(at),
  payloads: [el('body', NS.client, {}, id)],
  ...more,
});

/** A room in which this happened. */
function roomOf(...happenings: Happening[]) {
  const state = new RoomState(defaultRoomConfig(room), plain.traits);
  for (const happening of happenings) state.apply({ room, ...happening });
  const env = { now: instant(0), newId: () => 'new' };
  return { state, env, turn: new RoomTurn(new Turn<RoomEvent>(env, () => {}), state, plain) };
}
const enters = (occupant: Occupant): Happening => ({ kind: 'occupantEntered', occupant });
const scope: Scope = { from: peer, speaksFor: ({ home }) => home === peer, lastingIds: true };
const incoming = (...occupants: Occupant[]): IncomingState => {
  const state = new IncomingState({ occupants: 3, messages: 3 });
  for (const occupant of occupants) state.addOccupant(occupant);
  return state;
};
const words = (changes: readonly Change[]) =>
  changes.map((change) => {
    if (change.kind === 'renamed') return `${change.before.nick} becomes ${change.after.nick}`;
    if (change.kind === 'message') return `${change.item.id}${change.late ? ' late' : ''}`;
    if (change.kind === 'subject') return `subject ${change.subject.text}${change.late ? ' late' : ''}`;
    return 'occupant' in change ? `${change.kind} ${change.occupant.nick}` : change.kind;
  });

describe('another node’s state on its way', () => {
  it('is told by what is different: who is gone, called otherwise, other, or new', () => {
    const { turn } = roomOf(...['gone', 'same', 'other', 'before'].map((nick) => enters(someone(nick))));
    const state = new IncomingState({ occupants: 10, messages: 10 });
    const after = someone('after', { jid: jid('before@b.lit/p') });
    for (const each of [someone('new'), someone('same'), someone('other', { role: 'visitor' }), after])
      state.addOccupant(each);
    expect(words(state.diff(turn, scope))).toEqual([
      'left gone',
      'presence other',
      'before becomes after',
      'entered new',
    ]);
  });

  it('has no say in those for whom the other node does not speak', () => {
    const { home: _, ...ours } = someone('ours');
    const { turn } = roomOf(enters(ours), enters(someone('theirs')));
    expect(words(incoming().diff(turn, scope))).toEqual(['left theirs']);
  });

  it('XEP-0045 §11.1: who is served here and is not in is told that it was nobody’s wish', () => {
    const { home: _, ...ours } = someone('ours');
    const { turn } = roomOf(enters(ours));
    const [change] = incoming().diff(turn, { ...scope, speaksFor: () => true });
    expect(change).toMatchObject({ kind: 'left', parts: { statuses: [333] } });
  });

  it('somebody else under the same nick is somebody else; whose session nobody knows is known by the nick', () => {
    const { turn } = roomOf(enters(someone('queen')), enters(someone('king', { jid: undefined })));
    const state = incoming(someone('queen', { jid: jid('other@b.lit/p') }), someone('king'));
    expect(words(state.diff(turn, scope))).toEqual(['left queen', 'entered queen']);
  });

  it('decision #25: what was said is told in the order of its time, nothing twice, and as of the past', () => {
    const { turn } = roomOf({ kind: 'messageAccepted', item: item('held', 5) });
    const state = incoming(someone('alice'));
    for (const each of [item('late', 9), item('held', 5), item('early', 1), item('early', 1)]) state.addMessage(each);
    expect(words(state.diff(turn, scope))).toEqual(['entered alice', 'early late', 'late late']);
  });

  it('decision #28: without ids that last, the same words of the same author are the same message', () => {
    const { turn } = roomOf({ kind: 'messageAccepted', item: item('hi', 5, { by: room, stanzaId: 'm1' }) });
    const state = incoming();
    state.addMessage(item('new id', 5, { stanzaId: 'm1', payloads: item('hi', 5).payloads }));
    expect(words(state.diff(turn, scope))).toEqual(['new id late']);
    expect(words(state.diff(turn, { ...scope, lastingIds: false }))).toEqual([]);
  });

  it('nothing goes back to the node that said it, not even the words of one of our own', () => {
    const { home: _, ...ours } = someone('alice');
    const { turn } = roomOf(enters(ours));
    const state = incoming();
    state.addMessage(item('old', 1));
    state.setSubject({ text: 'tea', nick: 'alice', at: instant(1) });
    for (const change of state.diff(turn, scope)) expect('occupant' in change && change.occupant.home).toBe(peer);
  });

  it('a subject is news where its text is another', () => {
    const { turn } = roomOf({ kind: 'subjectChanged', subject: { text: 'tea', nick: 'alice', at: instant(1) } });
    const state = incoming();
    expect(words(state.diff(turn, scope))).toEqual([]);
    state.setSubject({ text: 'tea', nick: 'hatter', at: instant(2) });
    expect(words(state.diff(turn, scope))).toEqual([]);
    state.setSubject({ text: 'hats', nick: 'hatter', at: instant(2) });
    expect(words(state.diff(turn, scope))).toEqual(['subject hats late']);
  });

  it('is bounded, and knows whether all of it is here', () => {
    const state = incoming(...['a', 'b', 'c', 'd'].map((nick) => someone(nick)));
    for (const id of ['1', '2', '3', '4']) state.addMessage(item(id, 1));
    expect([state.occupants.length, state.messages.length]).toEqual([3, 3]);
    expect(state.isComplete({ occupants: 3, messages: 3 })).toBe(true);
    expect(state.isComplete({ occupants: 4, messages: 3 })).toBe(false);
  });

  it('the last word about a nick, and about a session, counts', () => {
    const state = incoming(someone('alice'), someone('alice', { role: 'visitor' }));
    state.addOccupant(someone('queen', { jid: jid('alice@b.lit/p') }));
    expect(state.occupants.map(({ nick }) => nick)).toEqual(['queen']);
    expect(state.hasNickOrSession(someone('alice'))).toBe(true);
    expect(state.hasNickOrSession(someone('queen', { jid: undefined }))).toBe(true);
    expect(state.hasNickOrSession(someone('hatter'))).toBe(false);
  });

  it('XEP-0421: gives a user one occupant id for all sessions, the room’s own where there is one', () => {
    let ids = 0;
    const { state: view } = roomOf(enters(someone('alice')));
    const env = { now: instant(0), newId: () => `new ${++ids}` };
    const state = incoming();
    expect(state.knownOccupantId(view, jid('hatter@b.lit/x'))).toBeUndefined();
    const given = ['alice@b.lit/other', 'hatter@b.lit/x', 'hatter@b.lit/y'].map((user) =>
      state.occupantIdOf(view, jid(user), env),
    );
    expect(given).toEqual(['id of alice', 'new 1', 'new 1']);
  });
});

describe('what a room keeps of the past', () => {
  it('decision #25: a message of the past stands where it belongs by (time, by, id), and its author’s id is kept', () => {
    const { state } = roomOf(
      { kind: 'messageAccepted', item: item('m1', 1) },
      { kind: 'messageAccepted', item: item('m3', 3) },
      { kind: 'messageAccepted', item: item('m2', 2, { author: jid('hatter@b.lit/p'), occupantId: 'h' }), past: true },
      { kind: 'messageAccepted', item: item('m2a', 2), past: true },
      { kind: 'messageAccepted', item: item('m4', 4), past: true },
      // Live: appended, whatever its time.
      { kind: 'messageAccepted', item: item('m0', 0) },
    );
    expect(state.atHand.map(({ id }) => id)).toEqual(['m1', 'm2', 'm2a', 'm3', 'm4', 'm0']);
    expect(state.holds(item('m2', 2))).toBe(true);
    expect(state.occupantIdOf(jid('hatter@b.lit/other'))).toBe('h');
  });
});
