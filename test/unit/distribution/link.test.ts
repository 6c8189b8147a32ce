import { describe, expect, it } from 'vitest';
import { type Ends, Link, readLinkTimer, type Wording } from '../../../src/core/distribution/link.ts';
import { plain } from '../../../src/core/distribution/plain.ts';
import { defaultRoomConfig } from '../../../src/core/room/config.ts';
import type { RoomEvent } from '../../../src/core/room/event.ts';
import { RoomTurn } from '../../../src/core/room/room-turn.ts';
import { RoomState } from '../../../src/core/room/state.ts';
import type { Effect } from '../../../src/core/turn/effect.ts';
import { Turn } from '../../../src/core/turn/turn.ts';
import { readLinkPlace, writeLinkPlace } from '../../../src/core/xep/fmuc-sync.ts';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { message, type Stanza, withMore } from '../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';

const room = jid('room@a.lit');
const peer = jid('room@b.lit');
const state = new RoomState(defaultRoomConfig(room), plain.traits);

const counted: Wording = {
  keepalive: 'test',
  placed: (stanza, place, origin) => withMore(stanza, el('x', 'test', { origin }, writeLinkPlace(place))),
  position: (_, place) => (place ? [writeLinkPlace(place)] : []),
};

/** One end of a link, at a time of the test's own. */
function linked(given: Partial<Ends> = {}, wording: Wording = counted) {
  let ids = 0;
  const env = { now: instant(0), newId: () => `id${++ids}` };
  const ends = { self: room, peer, session: 's', ...given };
  const link = new Link(env, ends, wording);
  /** What the link does when `act` is done at that time, in milliseconds. */
  const at = (ms: number, act: (turn: RoomTurn) => unknown) => {
    env.now = instant(ms);
    const turn = new Turn<RoomEvent>(env, () => {});
    act(new RoomTurn(turn, state, plain));
    return turn.finish();
  };
  return { link, at };
}

const said = (id?: string) => message(room, peer, { type: 'groupchat', id }, el('body', NS.client, {}, 'hi'));
const topic = () => message(room, peer, { type: 'groupchat' }, el('subject', NS.client, {}, 'tea'));
const sends =
  (link: Link, ...stanzas: readonly Stanza[]) =>
  (turn: RoomTurn): void => {
    for (const stanza of stanzas) link.send(turn, stanza, 'test');
  };
const sent = (effects: readonly Effect<RoomEvent>[]): Stanza[] =>
  effects.flatMap((effect) => (effect.kind === 'send' ? [effect.stanza] : []));
const timers = (effects: readonly Effect<RoomEvent>[]): number[] =>
  effects.flatMap((effect) => (effect.kind === 'setTimer' ? [effect.at] : []));
const wordsOf = (stanza: Stanza | undefined) => stanza?.payloads.find(({ name }) => name === 'x');
const place = (n: number, h = 0, session = 's') => ({ session, n, h });

describe('a link numbers both ways', () => {
  it('decision #60: what is due is next; a repetition and another session are of the past; more is a gap', () => {
    const { link } = linked();
    expect([place(1), place(1), place(3), place(2, 0, 'other'), place(2)].map((each) => link.take(each))).toEqual([
      'next',
      'past',
      'gap',
      'past',
      'next',
    ]);
  });

  it('decision #60: what goes out has the next number, and acknowledges what has come', () => {
    const { link, at } = linked();
    link.take(place(1));
    link.take(place(2));
    const places = sent(at(0, sends(link, said(), said())));
    expect(places.map((stanza) => readLinkPlace(wordsOf(stanza)))).toEqual([place(1, 2), place(2, 2)]);
  });

  it('decision #60: the position in a ping tells of what was lost, in this session alone', () => {
    const { link } = linked();
    link.take(place(1));
    expect([place(1), place(2), place(2, 0, 'other'), undefined].map((each) => link.misses(each))).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  it('decision #28: a peer whose first stanza has no place is not counted with', () => {
    const { link, at } = linked();
    expect([link.take(undefined), link.take(undefined), link.counts]).toEqual(['next', 'next', false]);
    expect(wordsOf(sent(at(0, (turn) => link.send(turn, said(), 'test')))[0])).toBeUndefined();
  });

  it('decision #63: a subject is under way until what comes says that it has arrived', () => {
    const { link, at } = linked();
    expect(link.subjectIsUnderWay).toBe(false);
    at(0, sends(link, said(), topic(), said()));
    link.take(place(1, 1));
    expect(link.subjectIsUnderWay).toBe(true);
    link.take(place(2, 2));
    expect(link.subjectIsUnderWay).toBe(false);
  });
});

describe('a link knows its bounces', () => {
  it('decision #10: every stanza has an id of ours, and its author’s goes inside', () => {
    const { link, at } = linked();
    const [named, nameless] = sent(at(0, sends(link, said('mine'), said())));
    expect(wordsOf(named)?.attrs['origin']).toBe('mine');
    expect(wordsOf(nameless)?.attrs['origin']).toBeUndefined();
    expect([named?.id, nameless?.id].map((id) => link.isOurs(id))).toEqual([true, true]);
    expect([link.isOurs('mine'), link.isOurs(undefined)]).toEqual([false, false]);
    expect(link.originOf(named?.id)).toBe('mine');
  });

  it('decision #1: where the room numbers, a link adds nothing but an id of ours, and says which', () => {
    const { link, at } = linked({}, { keepalive: 'test', position: () => [] });
    let id: string | undefined;
    const [stanza] = sent(
      at(0, (turn) => {
        id = link.send(turn, said('a'), 'test');
      }),
    );
    expect(stanza).toEqual({ ...said('a'), id });
    expect([link.isOurs(id), link.isOurs('a'), link.originOf(id), link.counts]).toEqual([true, false, 'a', true]);
  });
  it('decision #28: to a peer that does not count the author’s id stays where there is one', () => {
    const { link, at } = linked();
    link.doesNotCount();
    const ids = sent(at(0, sends(link, said('mine'), said()))).map(({ id }) => id);
    expect(ids[0]).toBe('mine');
    expect(ids.map((id) => link.isOurs(id))).toEqual([true, true]);
  });
});

describe('a link notices silence', () => {
  it('decision #3: after the agreed time it pings, and two pings without an answer are a loss', () => {
    const { link, at } = linked({ times: { interval: 10, timeout: 2 } });
    const [first] = timers(at(0, (turn) => link.watch(turn)));
    expect(first).toBeGreaterThanOrEqual(8_000);
    expect(first).toBeLessThanOrEqual(12_000);
    expect(sent(at(12_000, (turn) => expect(link.keepAlive(turn)).toBe(true)))).toHaveLength(1);
    expect(sent(at(14_000, (turn) => expect(link.keepAlive(turn)).toBe(true)))).toHaveLength(1);
    expect(sent(at(16_000, (turn) => expect(link.keepAlive(turn)).toBe(false)))).toEqual([]);
  });

  it('anything that comes is an answer', () => {
    const { link, at } = linked({ times: { interval: 10, timeout: 2 } });
    at(12_000, (turn) => link.keepAlive(turn));
    link.heard(instant(13_000));
    at(14_000, (turn) => expect(link.keepAlive(turn)).toBe(true));
    expect(link.lastHeard).toBe(13_000);
  });

  it('XEP-0282 §4.11.1.1: while split it pings more often than the keepalive would, however long it takes', () => {
    for (const interval of [10, 60]) {
      const { link, at } = linked({ times: { interval, timeout: 2 } });
      let [due] = timers(at(0, (turn) => link.watchSplit(turn)));
      const waits: number[] = [due ?? 0];
      for (let i = 0; i < 10; i++) {
        const before = due ?? 0;
        const effects = at(before, (turn) => link.probe(turn, 'test'));
        expect(sent(effects)).toHaveLength(1);
        [due] = timers(effects);
        waits.push((due ?? 0) - before);
      }
      expect(waits[0]).toBeLessThan(7_000);
      expect(Math.max(...waits)).toBeLessThanOrEqual(interval * 1000);
    }
  });

  it('its timer bears the name of the peer', () => {
    const { link, at } = linked();
    const names = at(0, (turn) => link.watch(turn)).flatMap((effect) =>
      effect.kind === 'setTimer' ? [effect.timer.split(' ')[0] ?? ''] : [],
    );
    expect(names.map(readLinkTimer)).toEqual([peer]);
    expect(readLinkTimer('answer')).toBeUndefined();
  });
});
