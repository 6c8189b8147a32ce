import { describe, expect, it } from 'vitest';
import { tracedStanza } from '../../../src/core/node/trace.ts';
import { writeJoin, writeKick } from '../../../src/core/xep/xep0045.ts';
import { type Condition, stanzaError } from '../../../src/core/xmpp/errors.ts';
import { type Jid, jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { errorReply, iq, message, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import type { Instant } from '../../../src/core/xmpp/time.ts';
import { el } from '../../../src/core/xmpp/xml.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { refusalInWords, refusalOf, refusalSentence } from '../../../src/ui/refused.ts';

const plain = builtInScenario('plain') as Scenario;
const witch = jid('firstwitch@localhost/desktop');
const room = jid('lobby@conference.localhost');
const occupant = jid(`${room}/firstwitch`);

/** A lobby in which stanzas of one witch go in and come out. */
function lobby() {
  const model = new Model(plain);
  let seq = 0;
  const hop = (leg: 'in' | 'out', stanza: Stanza, cause?: number) => {
    const [from, to] = leg === 'in' ? [stanza.from, jid('localhost')] : [jid('localhost'), stanza.to];
    const of = { kind: 'hop', seq: ++seq, t: seq as Instant, leg, from, to, stanza: tracedStanza(stanza) } as const;
    model.fold([{ ...of, ...(cause === undefined ? {} : { cause }) }]);
    return seq;
  };
  const refuse = (asked: Stanza, condition: Condition, text?: string) =>
    hop('out', errorReply(asked, stanzaError('cancel', condition, text)) as Stanza, hop('in', asked));
  const refused = () => refusalOf(model, { jid: witch, devices: [] });
  const words = () => {
    const refusal = refused();
    return refusal && refusalInWords(model, refusal);
  };
  return { model, hop, refuse, refused, words };
}

const says = (text = 'Hail', id = 'm1') =>
  message(witch, room, { type: 'groupchat', id }, el('body', NS.client, {}, text));
const joins = () => presence(witch, occupant, { id: 'j1' }, writeJoin({}));
const renames = (nick: string) => presence(witch, jid(`${room}/${nick}`), { id: 'n1' });
const kicks = (nick: string) => iq(witch, room, { type: 'set', id: 'k1' }, writeKick(nick));
const goes = (status: readonly number[], reason?: string, ...more: ReturnType<typeof el>[]) =>
  presence(
    occupant,
    witch,
    { type: 'unavailable' },
    el(
      'x',
      NS.mucUser,
      {},
      el(
        'item',
        NS.mucUser,
        { affiliation: 'none', role: 'none' },
        ...(reason === undefined ? [] : [el('reason', NS.mucUser, {}, reason)]),
      ),
      ...more,
      ...status.map((code) => el('status', NS.mucUser, { code: String(code) })),
    ),
  );

describe('Whoever was refused', () => {
  it.each([
    [
      'a message of somebody without voice',
      says(),
      'forbidden',
      undefined,
      'message',
      'not said: they have no voice, or no right to',
    ],
    [
      'a message of somebody outside',
      says(),
      'not-acceptable',
      'only occupants may send messages to the room',
      'message',
      'not said: only occupants may send messages to the room',
    ],
    [
      'a message that bounced',
      says(),
      'remote-server-timeout',
      'no connection from a to b',
      'message',
      'out of reach: no connection from a to b',
    ],
    [
      'a subject',
      message(witch, room, { type: 'groupchat', id: 's' }, el('subject', NS.client, {}, 'Toil')),
      'forbidden',
      undefined,
      'subject',
      'subject not set: they have no voice, or no right to',
    ],
    [
      'a private message',
      message(witch, jid(`${room}/nobody`), { type: 'chat', id: 'p' }, el('body', NS.client, {}, 'psst')),
      'item-not-found',
      'nobody here is called nobody',
      'private',
      'not delivered: nobody here is called nobody',
    ],
    [
      'a join, members only',
      joins(),
      'registration-required',
      undefined,
      'entry',
      'not let in: only members may enter',
    ],
    ['a join of somebody banned', joins(), 'forbidden', undefined, 'entry', 'not let in: they are banned'],
    ['a join with a nick that is taken', joins(), 'conflict', undefined, 'entry', 'not let in: somebody has this nick'],
    [
      'a join without the password',
      joins(),
      'not-authorized',
      undefined,
      'entry',
      'not let in: the password is missing or wrong',
    ],
    [
      'a nick that is taken',
      renames('secondwitch'),
      'conflict',
      undefined,
      'nick',
      'nick not changed: somebody has this nick',
    ],
    [
      'a presence',
      presence(witch, occupant, { id: 'w' }, el('show', NS.client, {}, 'away')),
      'not-allowed',
      undefined,
      'presence',
      'presence not shown: it is not allowed here',
    ],
    [
      'a kick by somebody who is no moderator',
      kicks('secondwitch'),
      'forbidden',
      'only moderators may kick',
      'kicking',
      'nobody kicked: only moderators may kick',
    ],
  ] as const)('%s', (_, asked, condition, text, what, words) => {
    const lobbied = lobby();
    const event = lobbied.refuse(asked, condition, text);
    const refusal = lobbied.refused();
    expect(refusal).toMatchObject({ event, condition });
    expect(refusal && lobbied.model.refusals.whatOf(refusal)).toBe(what);
    expect(lobbied.words()).toBe(words);
    expect(lobbied.model.refusals.untold.map((one) => refusalSentence(lobbied.model, one))).toEqual([
      `firstwitch, ${words}.`,
    ]);
  });

  it.each([
    ['kicked', goes([307, 110], 'avaunt'), 'kick', 'kicked: avaunt'],
    ['banned', goes([301, 110]), 'ban', 'banned'],
    [
      'put out of a room that is for members only by now',
      goes([322, 110]),
      'members-only',
      'put out: the room is for members only now',
    ],
    ['put out because the service ends', goes([332, 110]), 'shutdown', 'put out: the service ends'],
    [
      'put out because the room ends',
      goes([110], undefined, el('destroy', NS.mucUser, {})),
      'destroyed',
      'put out: the room is no more',
    ],
  ] as const)('%s', (_, out, what, words) => {
    const { hop, refused, model, words: inWords } = lobby();
    hop('out', out);
    const refusal = refused();
    expect(refusal && model.refusals.whatOf(refusal)).toBe(what);
    expect(inWords()).toBe(words);
  });

  it('is nobody who leaves, changes their nick, or sees another one kicked', () => {
    const { hop, refused, model } = lobby();
    hop('out', goes([110]));
    hop('out', goes([303, 110]));
    hop('out', goes([307]));
    expect(refused()).toBeUndefined();
    expect(model.refusals.untold).toEqual([]);
  });

  it('is nobody whose client asked the room something, or was asked, and got an error', () => {
    const { refuse, refused, model } = lobby();
    refuse(iq(witch, room, { type: 'get', id: 'q' }, el('query', NS.mucAdmin)), 'forbidden');
    refuse(iq(witch, room, { type: 'get', id: 'd' }, el('query', NS.discoInfo)), 'forbidden');
    expect(refused()).toBeUndefined();
    expect(model.refusals.untold).toEqual([]);
  });

  it('goes on with a kick that is let', () => {
    const { hop, refuse, refused } = lobby();
    refuse(says(), 'forbidden');
    hop('in', kicks('secondwitch'));
    expect(refused()).toBeUndefined();
  });

  it('goes on with the next thing that they do', () => {
    const { hop, refuse, refused } = lobby();
    refuse(says(), 'forbidden');
    hop('in', presence(witch, occupant, { id: 'again' }));
    expect(refused()).toBeUndefined();
  });

  it('is told of what came through after all', () => {
    const { hop, refuse, refused } = lobby();
    refuse(says('Hail', 'm7'), 'remote-server-timeout');
    const reflected = (id: string) =>
      message(occupant, witch, { type: 'groupchat', id }, el('body', NS.client, {}, 'Hail'));
    hop('out', reflected('m6'));
    expect(refused()).toBeDefined();
    hop('out', reflected('m7'));
    expect(refused()).toBeUndefined();
  });

  it('is whoever gets no answer, until it comes; not while the links are paused', () => {
    const { hop, refused, model, words } = lobby();
    const event = hop('in', says('Hail', 'm1'));
    hop('in', says('Macbeth', 'm2'));
    model.refusals.unanswered(witch, ['m1']);
    expect(refused()).toMatchObject({ event, condition: 'unanswered' });
    expect(words()).toBe('no answer: whether it was said is not known');
    // The page says it again with whatever else it says of them.
    model.refusals.unanswered(witch, ['m1']);
    expect(model.refusals.untold).toHaveLength(1);
    model.paused = true;
    expect(refused()).toBeUndefined();
    model.paused = false;
    hop('out', message(occupant, witch, { type: 'groupchat', id: 'm1' }, el('body', NS.client, {}, 'Hail')));
    expect(refused()).toBeUndefined();
  });

  it('is refused on any of their devices; the last counts', () => {
    const { hop, model } = lobby();
    const laptop: Jid = jid('firstwitch@localhost/laptop');
    const to = (who: Jid, text: string) => {
      const asked = message(who, room, { type: 'groupchat', id: text }, el('body', NS.client, {}, 'x'));
      hop('out', errorReply(asked, stanzaError('cancel', 'forbidden', text)) as Stanza);
    };
    to(laptop, 'first');
    to(witch, 'second');
    const devices = [witch, laptop].map((device) => ({ jid: device, phase: 'joined', mine: true }) as const);
    expect(refusalOf(model, { jid: witch, devices })?.text).toBe('second');
  });

  it('of a join the transcript has a line, as of a message', () => {
    const { refuse, model } = lobby();
    refuse(joins(), 'registration-required');
    refuse(says(), 'not-acceptable', 'only occupants');
    expect(model.transcripts.lines.get(witch)?.map(({ kind, text }) => [kind, text])).toEqual([
      ['error', 'registration-required'],
      ['error', 'only occupants'],
    ]);
  });
});
