import { describe, expect, it } from 'vitest';
import { classify } from '../../../../src/core/distribution/primary-replica/from-replica.ts';
import {
  askedMax,
  readAsked,
  readOutcomes,
  writeAck,
  writeAsked,
  writeCreate,
  writeDestroy,
  writeNetjoin,
  writePosition,
  writeRelayed,
} from '../../../../src/core/xep/sync.ts';
import { writeDmuc } from '../../../../src/core/xep/xep0282.ts';
import { stanzaError, writeError } from '../../../../src/core/xmpp/errors.ts';
import { jid } from '../../../../src/core/xmpp/jid.ts';
import { NS } from '../../../../src/core/xmpp/namespaces.ts';
import { iq, message, presence } from '../../../../src/core/xmpp/stanza.ts';
import { el, type XmlElement } from '../../../../src/core/xmpp/xml.ts';

const replica = jid('replica@scotland.lit');
const room = jid('wallops@rooms.england.lit');
const user = jid('macbeth@scotland.lit/castle');
const set = (...payloads: XmlElement[]) => iq(replica, room, { type: 'set', id: 'q' }, ...payloads);
const get = (...payloads: XmlElement[]) => iq(replica, room, { type: 'get', id: 'q' }, ...payloads);
const result = (...payloads: XmlElement[]) => iq(replica, room, { type: 'result', id: 'q' }, ...payloads);
const refusal = writeError(stanzaError('modify', 'not-acceptable'));
const gone = writeError(stanzaError('cancel', 'item-not-found'));
const create = writeCreate({ serves: [jid('scotland.lit')], keepalive: { interval: 60, timeout: 15 }, maxstanzas: 9 });
const netjoin = writeNetjoin({ session: 's', have: { epoch: 1, n: 2 }, moderators: 0 });

describe('what a stanza of a replica in its own name is', () => {
  it.each([
    ['decision #5: it asks to be one', set(create), { kind: 'create' }],
    ['decision #41: it asks for what it missed', set(netjoin), { kind: 'netjoin' }],
    ['decision #40: it ends the session', set(writeDestroy({ epoch: 1, n: 2 })), { kind: 'destroy' }],
    ['decision #42: all of a split is relayed', set(writeRelayed(3)), { kind: 'relayed', count: 3, ack: undefined }],
    ['§4.10: a ping', get(el('ping', NS.ping)), { kind: 'ping', ack: undefined }],
    [
      'decision #2: a ping that says how far it is',
      get(el('ping', NS.ping, {}, writeAck({ h: 4, moderators: 1 }))),
      { kind: 'ping', ack: { h: 4, moderators: 1 } },
    ],
    [
      'decision #131: a ping that asks what became of relays',
      get(el('ping', NS.ping, {}, ...writeAsked([{ n: 1, name: 'message', from: user, id: 'm1', ago: 5 }]))),
      { kind: 'ping', asked: [{ n: 1, name: 'message', from: user, id: 'm1', ago: 5 }] },
    ],
    ['the answer to a request of ours', result(writeAck({ h: 4 })), { kind: 'result', ack: { h: 4 } }],
    ['a position is no <a/>', result(writePosition({ epoch: 1, n: 4 })), { kind: 'result', ack: undefined }],
    ['a question about the room', get(el('query', NS.discoInfo)), { kind: 'unknown' }],
    ['a set that no rule knows', set(el('query', 'test')), { kind: 'unknown' }],
    [
      'decision #6: it will not serve somebody',
      presence(replica, room, { type: 'error' }, writeDmuc({ enter: user }), refusal),
      { kind: 'enterRefused', user },
    ],
    ['§4.11.1: a presence that bounces', presence(replica, room, { type: 'error' }, gone), { kind: 'error' }],
    ['a message that bounces', message(replica, room, { type: 'error' }, refusal), { kind: 'error' }],
    ['a request of ours that bounces', iq(replica, room, { type: 'error', id: 'q' }, gone), { kind: 'error' }],
    ['a message of its own', message(replica, room, { type: 'groupchat' }), { kind: 'unasked' }],
    ['a presence of its own', presence(replica, room, {}), { kind: 'unasked' }],
  ] as const)('%s', (_, stanza, what) => {
    expect(classify(stanza, true)).toMatchObject(what);
  });

  it('decision #131: of relays that are asked about, what is malformed or too much is not read; nor is it in the answer', () => {
    const relay = (attrs: Record<string, string>) => el('relay', NS.ext, attrs);
    const good = { n: '1', kind: 'iq', from: user, id: 'q', ago: '5' };
    const bad = [{ n: 'x' }, { kind: 'stream' }, { from: '@' }, { ago: '-1' }].map((wrong) =>
      relay({ ...good, ...wrong }),
    );
    const ping = (...relays: XmlElement[]) => el('ping', NS.ping, {}, el('relays', NS.ext, {}, ...relays));
    expect(readAsked(ping(...bad, relay(good)))).toEqual([{ n: 1, name: 'iq', from: user, id: 'q', ago: 5 }]);
    expect(readAsked(ping(...Array.from({ length: askedMax + 1 }, () => relay(good))))).toHaveLength(askedMax);
    expect(readAsked(el('ping', NS.ping))).toEqual([]);
    const answer = el(
      'relays',
      NS.ext,
      {},
      relay({ n: '1', outcome: 'lost' }),
      relay({ n: '2', outcome: 'x' }),
      relay({}),
    );
    expect([...readOutcomes([answer])]).toEqual([[1, 'lost']]);
    expect(readOutcomes([]).size).toBe(0);
  });

  it('of an account that is not on the list only what asks for a session is: it is told that it may not', () => {
    expect([set(create), set(netjoin)].map((stanza) => classify(stanza, false)?.kind)).toEqual(['create', 'netjoin']);
    for (const stanza of [set(writeRelayed(1)), get(el('ping', NS.ping)), result(), message(replica, room, {})])
      expect(classify(stanza, false)).toBeUndefined();
  });
});
