import { describe, expect, it } from 'vitest';
import { classify, type Relation } from '../../../../src/core/distribution/fmuc/from-node.ts';
import { writeJoin } from '../../../../src/core/xep/xep0045.ts';
import { writeDelay } from '../../../../src/core/xep/xep0203.ts';
import { type Fmuc, writeFmuc } from '../../../../src/core/xep/xep0289.ts';
import { jid } from '../../../../src/core/xmpp/jid.ts';
import { NS } from '../../../../src/core/xmpp/namespaces.ts';
import { iq, message, presence } from '../../../../src/core/xmpp/stanza.ts';
import { instant } from '../../../../src/core/xmpp/time.ts';
import { el, type XmlElement } from '../../../../src/core/xmpp/xml.ts';

const peer = jid('rabbithole@rooms.wonderland.lit');
const room = jid('elsinore@talk.denmark.lit');
const alice = jid('rabbithole@rooms.wonderland.lit/Alice');
const from = writeFmuc({ kind: 'from', from: jid('alice@wonderland.lit/p') });
const fmuc = (what: Fmuc) => writeFmuc(what);
const body = el('body', NS.client, {}, 'hi');
const subject = el('subject', NS.client, {}, 'tea');
const delay = writeDelay({ from: peer, stamp: instant(0) });

const joinedUs: Relation = { peer, outbound: false, known: true, state: 'live' };
const weJoined: Relation = { peer, outbound: true, known: true, state: 'live' };
const stranger: Relation = { peer, outbound: false, known: false, state: undefined };
const available = (...payloads: XmlElement[]) => presence(alice, room, {}, ...payloads);
const said = (...payloads: XmlElement[]) => message(alice, room, { type: 'groupchat' }, ...payloads);

describe('what a stanza of another node is', () => {
  it.each([
    ['a ping of a node', iq(peer, room, { type: 'get' }), joinedUs, 'iq'],
    ['an iq of anybody else', iq(peer, room, { type: 'get' }), stranger, undefined],
    ['an error of a node', message(alice, room, { type: 'error' }), joinedUs, 'error'],
    ['an error of anybody else', message(alice, room, { type: 'error' }), stranger, undefined],
    ['§5.1 Example 2: a join', available(from, writeJoin({})), { ...joinedUs, state: undefined }, 'join'],
    ['a join of a node that may not', available(from, writeJoin({})), stranger, 'join'],
    ['a join of the room that we join', available(from, writeJoin({})), weJoined, 'presence'],
    ['a user’s own join', available(writeJoin({})), stranger, undefined],
    ['§5.1 Example 3', presence(peer, room, {}, fmuc({ kind: 'reject', text: 'no' })), weJoined, 'ended'],
    ['§5.4: left', presence(peer, room, {}, fmuc({ kind: 'left' })), weJoined, 'ended'],
    ['without a link', available(from), { ...weJoined, state: undefined }, 'unlinked'],
    ['while we are alone', said(from, body), { ...weJoined, state: 'split' }, 'unlinked'],
    ['a presence of a stranger', available(from), stranger, 'unlinked'],
    ['a message of a stranger', said(from, body), stranger, undefined],
    ['part of the answer to our join', said(from, body, delay), { ...weJoined, state: 'joining' }, 'answer'],
    ['after we left', available(from), { ...weJoined, state: 'leaving' }, 'tooLate'],
    ['§5.3', available(from), joinedUs, 'presence'],
    ['§5.2', said(from, body), joinedUs, 'message'],
    ['§5.6', message(alice, jid(`${room}/Hamlet`), { type: 'chat' }, body, from), weJoined, 'message'],
    ['a live subject', said(from, subject), weJoined, 'message'],
    ['a subject of before', said(from, subject, delay), weJoined, 'pastSubject'],
    ['a subject of before, of nobody', said(subject, delay), weJoined, 'pastSubject'],
    ['a message of before', said(from, body, delay), weJoined, 'pastMessage'],
    ['the same of a node that joined us', said(from, body, delay), joinedUs, 'message'],
    [
      'a message with a delay that its author gave it',
      said(from, body, writeDelay({ from: jid('alice@wonderland.lit'), stamp: instant(0) })),
      weJoined,
      'message',
    ],
    ['without a user', said(body), weJoined, 'nobodys'],
  ] as const)('%s', (_, stanza, relation, kind) => {
    expect(classify(stanza, relation)?.kind).toBe(kind);
  });
});
