import { describe, expect, it } from 'vitest';
import { plain } from '../../../src/core/distribution/plain.ts';
import { defaultRoomConfig } from '../../../src/core/room/config.ts';
import type { Happening, HistoryItem } from '../../../src/core/room/event.ts';
import { isKept } from '../../../src/core/room/keeping.ts';
import { RoomState } from '../../../src/core/room/state.ts';
import { subjectOf } from '../../../src/core/room/subject.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el, type XmlElement } from '../../../src/core/xmpp/xml.ts';

const room = jid('coven@chat.shakespeare.lit');
const peer = jid('heath@chat.fife.lit');
const body = el('body', NS.client, {}, 'hail');
const subject = el('subject', NS.client, {}, 'Fire Burn');
const thread = el('thread', NS.client, {}, 't');
const hint = (name: string) => el(name, 'urn:xmpp:hints');
const active = el('active', 'http://jabber.org/protocol/chatstates');
const item = (id: string, ...payloads: XmlElement[]): HistoryItem => ({
  by: room,
  id,
  nick: 'firstwitch',
  occupantId: 'o',
  at: instant(0),
  payloads,
});
const state = (...events: readonly Happening[]) => {
  const made = new RoomState(defaultRoomConfig(room), plain.traits);
  for (const event of events) made.apply({ room, ...event });
  return made;
};
const ids = (items: readonly HistoryItem[]) => items.map(({ id }) => id);

describe('XEP-0334 in rooms, decision #110', () => {
  it.each<[string, boolean, XmlElement[]]>([
    ['words', true, [body, active]],
    ['words and what asks for a receipt', true, [body, el('request', 'urn:xmpp:receipts')]],
    ['a subject with a thread, which is a message', true, [subject, thread]],
    ['a chat state', false, [active]],
    ['a chat state in a thread', false, [active, thread]],
    ['a chat state worth storing', true, [active, hint('store')]],
    ['words that are not to be stored', false, [body, hint('no-store')]],
    ['both hints', false, [body, hint('store'), hint('no-permanent-store')]],
    ['a hint about copies', true, [body, hint('no-copy')]],
    ['a hint inside another element', true, [body, el('x', 'urn:example', {}, hint('no-store'))]],
    ['a body of another namespace', false, [el('body', 'http://www.w3.org/1999/xhtml')]],
    ['nothing', false, []],
  ])('%s: kept %s', (_, kept, payloads) => expect(isKept(payloads)).toBe(kept));

  it('a log and a snapshot of before, which hold everything, are read: what is of the moment is left out', () => {
    const log = [item('one', body), item('two', active), item('three', body)].map(
      (each, i) => ({ kind: 'messageAccepted', n: i + 1, item: each }) as const,
    );
    const read = state(...log, { kind: 'subjectChanged', n: 4, subject: subjectOf(item('four', subject)) });
    expect([ids(read.atHand), read.n, read.subject?.text]).toEqual([['one', 'three'], 4, 'Fire Burn']);
    const restored = state();
    restored.restore({ ...read.snapshot(), history: [item('one', body), item('two', active)] });
    expect(ids(restored.atHand)).toEqual(['one']);
    // What was said in a split by this node's own users, too.
    const said = item('five', active);
    expect(ids(state({ kind: 'diverged', act: { kind: 'said', id: 'five', jid: peer, item: said } }).atHand)).toEqual(
      [],
    );
  });

  it('the subject is of the archive, and the history is filled without it', () => {
    const set = item('two', subject);
    const read = state(
      { kind: 'roomConfigured', changes: { historyMax: 2 } },
      { kind: 'messageAccepted', item: item('zero', body) },
      { kind: 'messageAccepted', item: item('one', body) },
      { kind: 'subjectChanged', subject: subjectOf(set), item: set },
      { kind: 'messageAccepted', item: item('three', body) },
    );
    expect([ids(read.atHand), ids(read.history)]).toEqual([
      ['zero', 'one', 'two', 'three'],
      ['one', 'three'],
    ]);
  });

  it('of the last that passed the identity remains, by which a ring of nodes ends', () => {
    const passed = (id: string) => ({ kind: 'positionPassed', passed: { by: peer, id } }) as const;
    const read = state(...Array.from({ length: 1001 }, (_, i) => passed(`id${i}`)));
    expect(['id0', 'id1', 'id1000', 'x'].map((id) => read.holds({ by: peer, id }))).toEqual([false, true, true, false]);
    expect(read.atHand).toEqual([]);
  });

  it('a subject of a while ago goes where it belongs by its time, and is there once', () => {
    const set = { ...item('two', subject), by: peer, at: instant(5) };
    const event = { kind: 'subjectChanged', subject: subjectOf(set), item: set, past: true } as const;
    const later = { ...item('three', body), at: instant(9) };
    const read = state({ kind: 'messageAccepted', item: item('one', body) }, { kind: 'messageAccepted', item: later });
    for (const _ of [1, 2]) read.apply({ room, ...event });
    expect(ids(read.atHand)).toEqual(['one', 'two', 'three']);
  });
});
