import { bareOf, type Jid, occupantJid, parseNick } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, message, presence, type Stanza } from '../core/xmpp/stanza.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { Prng } from './prng.ts';

/** Where a hostile client stands. */
export interface Standpoint {
  readonly user: Jid;
  readonly room: Jid;
  readonly nick: string;
  /** Nicks and real JIDs of everybody, whom it likes to be. */
  readonly others: readonly { readonly jid: Jid; readonly nick: string }[];
  /** Addresses of nodes, whose words it likes to speak. */
  readonly nodes: readonly Jid[];
  /** A body that names its author: a forged message is theirs, whatever it claims. */
  body(): string;
}

type Forge = (at: Standpoint, prng: Prng) => readonly Stanza[];

const body = (at: Standpoint) => el('body', NS.client, {}, at.body());
const groupchat = (at: Standpoint, prng: Prng, ...payloads: readonly XmlElement[]) =>
  message(at.user, at.room, { type: 'groupchat', id: prng.id() }, ...payloads);
const victim = (at: Standpoint, prng: Prng) => prng.pick(at.others);

/** Payloads that only nodes and rooms may send. */
function payloads(at: Standpoint, prng: Prng): readonly XmlElement[] {
  const { jid, nick } = victim(at, prng);
  const stamp = prng.pick(['1990-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 'yesterday']);
  const number = String(prng.pick([0, 1, 2 ** 31, 2 ** 53]));
  return [
    el('x', NS.dmuc2, {}, el('enter', NS.dmuc2, { jid })),
    el('x', NS.dmuc2, {}, el('leave', NS.dmuc2, { jid })),
    el('x', NS.dmuc2, {}, el('s', NS.ext, { e: number, n: number }), el('delay', NS.delay, { from: at.room, stamp })),
    el('roster', NS.dmuc1, {}, el('item', NS.dmuc1, { affiliation: 'owner', jid, name: nick })),
    el('fmuc', NS.fmuc, { from: jid }),
    el('fmuc', NS.fmuc, {}, el('left', NS.fmuc)),
    el('fmuc', NS.fmuc, {}, el('reject', NS.fmuc, {}, 'go away')),
    el('fmuc', NS.fmuc, { from: jid }, el('conflict', NS.ext)),
    el(
      'x',
      NS.mucUser,
      {},
      el('item', NS.mucUser, { affiliation: 'owner', role: 'moderator', jid }),
      el('status', NS.mucUser, { code: prng.pick(['110', '301', '307', '333']) }),
    ),
    el('delay', NS.delay, { from: prng.pick([at.room, occupantJid(at.room, nick)]), stamp }),
    el('delay', NS.delay, { stamp }),
    el('stanza-id', NS.sid, { by: at.room, id: number }),
    el('occupant-id', NS.occupantId, { id: number }),
    el(
      'create',
      NS.ext,
      { epoch: number, h: number },
      el('serves', NS.ext, { domain: at.user.slice(at.user.indexOf('@') + 1, at.user.indexOf('/')) }),
    ),
    el('created', NS.ext, { session: 'x', epoch: number, n: number, mode: 'full', jids: 'all', whois: 'anyone' }),
    el('netjoin', NS.ext, { session: 'x', epoch: number, h: number }),
    el('ready', NS.ext, { n: number, roster: '0', history: '0' }),
    el('offer', NS.ext),
    el('destroy', NS.ext),
    el('a', NS.ext, { h: number }),
  ];
}

/** What a hostile client does, by name. It has XEP-0045's rights and nothing more (invariants.md, Who may be hostile). */
export const forgeries: Readonly<Record<string, Forge>> = {
  'a node’s payload in a message': (at, prng) => [groupchat(at, prng, body(at), prng.pick(payloads(at, prng)))],
  'a node’s payload inside another': (at, prng) => [
    groupchat(
      at,
      prng,
      body(at),
      el(
        'forwarded',
        'urn:xmpp:forward:0',
        {},
        el('message', NS.client, { from: at.room }, prng.pick(payloads(at, prng))),
      ),
    ),
  ],
  'a node’s payload in presence': (at, prng) => [
    presence(
      at.user,
      occupantJid(at.room, prng.pick([at.nick, victim(at, prng).nick])),
      { type: prng.pick([undefined, 'unavailable']) },
      prng.pick(payloads(at, prng)),
    ),
  ],
  'a node’s request': (at, prng) =>
    [at.room, prng.pick(at.nodes)].map((to) =>
      iq(at.user, to, { type: prng.pick(['set', 'get', 'result']), id: prng.id() }, prng.pick(payloads(at, prng))),
    ),
  'a node’s word to a node': (at, prng) => [
    presence(at.user, prng.pick(at.nodes), {}, prng.pick(payloads(at, prng))),
    message(at.user, prng.pick(at.nodes), { type: 'groupchat' }, body(at), prng.pick(payloads(at, prng))),
  ],
  // D13: a bounce of something that never was.
  'a forged bounce': (at, prng) =>
    [at.room, prng.pick(at.nodes), occupantJid(at.room, victim(at, prng).nick)].map((to) =>
      message(
        at.user,
        to,
        { type: 'error', id: prng.id() },
        el('error', NS.client, { type: 'cancel' }, el('service-unavailable', NS.stanzas)),
      ),
    ),
  'another’s leave': (at, prng) => [
    presence(at.user, occupantJid(at.room, victim(at, prng).nick), { type: 'unavailable' }),
  ],
  'another’s nick': (at, prng) => [presence(at.user, occupantJid(at.room, victim(at, prng).nick), {}, el('x', NS.muc))],
  'a nick that is no name': (at, prng) => {
    const nick = parseNick(prng.pick(['__proto__', 'constructor', 'nick0 ', 'NICK1', 'пick2', 'toString']));
    return nick === undefined ? [] : [presence(at.user, occupantJid(at.room, nick), {}, el('x', NS.muc))];
  },
  'a flood': (at, prng) => Array.from({ length: 100 }, () => groupchat(at, prng, body(at))),
  'a flood of presence': (at) =>
    Array.from({ length: 60 }, (_, i) =>
      presence(at.user, occupantJid(at.room, at.nick), {}, el('status', NS.client, {}, `${i}`)),
    ),
  'joins and leaves': (at, prng) =>
    Array.from({ length: 20 }, (_, i) =>
      presence(
        at.user,
        occupantJid(at.room, at.nick),
        prng.chance(0.5) && i % 2 === 1 ? { type: 'unavailable' } : {},
        ...(i % 2 === 0 ? [el('x', NS.muc)] : []),
      ),
    ),
  'a word before the join': (at, prng) => [
    presence(at.user, occupantJid(at.room, at.nick), { type: 'unavailable' }),
    groupchat(at, prng, body(at)),
    presence(at.user, occupantJid(at.room, at.nick), {}, el('x', NS.muc)),
    groupchat(at, prng, body(at)),
  ],
  'rank without right': (at, prng) => {
    const { jid, nick } = victim(at, prng);
    return [
      iq(
        at.user,
        at.room,
        { type: 'set', id: prng.id() },
        el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { affiliation: 'owner', jid: bareOf(at.user) })),
      ),
      iq(
        at.user,
        at.room,
        { type: 'set', id: prng.id() },
        el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { affiliation: 'outcast', jid: bareOf(jid) })),
      ),
      iq(
        at.user,
        at.room,
        { type: 'set', id: prng.id() },
        el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { role: 'none', nick })),
      ),
      iq(
        at.user,
        at.room,
        { type: 'get', id: prng.id() },
        el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { affiliation: 'member' })),
      ),
      iq(
        at.user,
        at.room,
        { type: 'set', id: prng.id() },
        el('query', NS.mucOwner, {}, el('x', NS.dataForms, { type: 'submit' })),
      ),
      // XEP-0045 §8.1: a message, whatever it looks like; who may speak may send it.
      // Without an id: what a node makes of it has one all the same (decision #10).
      message(
        at.user,
        at.room,
        { type: 'groupchat' },
        el('subject', NS.client, {}, `forged ${prng.id()}`),
        el('thread', NS.client, {}, prng.id()),
      ),
    ];
  },
  'a long word': (at, prng) => [groupchat(at, prng, el('body', NS.client, {}, `${at.body()} ${'x'.repeat(20_000)}`))],
};
