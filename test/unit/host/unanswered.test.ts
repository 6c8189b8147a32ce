import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { message, presence } from '../../../src/core/xmpp/stanza.ts';
import { Unanswered } from '../../../src/worker/unanswered.ts';

const witch = jid('firstwitch@localhost/desktop');
const room = jid('lobby@conference.localhost');
const says = (id: string) => message(witch, room, { type: 'groupchat', id });
const back = (id: string, type: 'groupchat' | 'error' = 'groupchat') => message(room, witch, { type, id });

describe('What a user said and nobody has answered', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is told after ten seconds, and no more once an answer comes', () => {
    let told = 0;
    const unanswered = new Unanswered(() => told++);
    for (const id of ['one', 'two', 'three']) unanswered.sent(says(id));
    unanswered.received(back('one'));
    unanswered.received(back('two', 'error'));
    vi.advanceTimersByTime(9_999);
    expect([told, unanswered.late]).toEqual([0, []]);
    vi.advanceTimersByTime(1);
    expect([told, unanswered.late]).toEqual([1, ['three']]);
    unanswered.received(back('three'));
    expect(unanswered.late).toEqual([]);
  });

  it('is only what a room gives back', () => {
    const unanswered = new Unanswered(() => undefined);
    unanswered.sent(message(witch, jid(`${room}/secondwitch`), { type: 'chat', id: 'private' }));
    unanswered.sent(presence(witch, room, { id: 'presence' }));
    vi.advanceTimersByTime(60_000);
    expect(unanswered.late).toEqual([]);
  });
});
