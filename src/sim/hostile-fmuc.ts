import { writeLinkPlace } from '../core/xep/fmuc-sync.ts';
import { writeJoin } from '../core/xep/xep0045.ts';
import { writeFmuc } from '../core/xep/xep0289.ts';
import { bareOf, type Jid, jid, occupantJid, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, message, presence, type Stanza, withParts } from '../core/xmpp/stanza.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { Prng } from './prng.ts';
import type { Seating } from './protocol.ts';
import { count, type Lie, rank, twist } from './twist.ts';

/**
 * A node of an FMUC set that lies in every field it controls (invariants.md, Who may be hostile): it holds back, repeats and
 * disguises what its honest half sends, place in the link and all, and says what no rule asks for.
 */
export function hostileFmuc(stanza: Stanza, prng: Prng, at: Seating): readonly Stanza[] {
  const dice = prng.unit();
  if (dice < 0.6) return [stanza];
  if (dice < 0.66) return [];
  if (dice < 0.72) return [stanza, stanza];
  if (dice < 0.9) return [prng.pick(disguises)(stanza, prng, at)];
  return [stanza, prng.pick(lies)(prng, at, prng.pick(at.people))];
}

type Disguise = (stanza: Stanza, prng: Prng, at: Seating) => Stanza;

/** Somebody else’s author. */
const misattributed: Disguise = (stanza, prng, at) =>
  withParts(stanza, {
    payloads: stanza.payloads.map((payload) =>
      payload.xmlns === NS.fmuc && payload.attrs['from'] !== undefined
        ? { ...payload, attrs: { ...payload.attrs, from: prng.pick(at.people).jid } }
        : payload,
    ),
  });

const disguises: readonly Disguise[] = [
  // Rank, and what only a room says of somebody.
  (stanza, prng) => {
    const status = el('status', NS.mucUser, { code: prng.pick(['307', '301', '303', '110', '333']) });
    const x = { ...rank, children: [...rank.children, status] };
    return withParts(stanza, { payloads: [...stanza.payloads.filter(({ xmlns }) => xmlns !== NS.mucUser), x] });
  },
  misattributed,
  (stanza, prng, at) => (stanza.name === 'message' ? misattributed(stanza, prng, at) : stanza),
  (stanza, prng, at) => (stanza.name === 'message' ? misattributed(stanza, prng, at) : stanza),
  // Somebody else’s nick.
  (stanza, prng, at) =>
    resourceOf(stanza.from) === ''
      ? stanza
      : withParts(stanza, { from: occupantJid(bareOf(stanza.from), prng.pick(at.people).nick) }),
  // They are out: a kick, or a leave.
  (stanza) => (stanza.name === 'presence' ? withParts(stanza, { type: 'unavailable' }) : stanza),
  // A join again.
  (stanza) =>
    stanza.name === 'presence' ? withParts(stanza, { payloads: [...stanza.payloads, writeJoin({})] }) : stanza,
  // Of another time.
  (stanza, prng) => {
    const stamp = prng.pick(['1990-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 'yesterday']);
    return withParts(stanza, { payloads: [...stanza.payloads, el('delay', NS.delay, { from: stanza.from, stamp })] });
  },
  // With real addresses beside it, as servers put them there.
  (stanza, prng, at) => {
    const { jid: whom } = prng.pick(at.people);
    const ns = 'http://jabber.org/protocol/address';
    const addresses = el('addresses', ns, {}, el('address', ns, { type: 'ofrom', jid: whom }));
    const delay = el('delay', NS.delay, { from: whom, stamp: '1990-01-01T00:00:00Z' });
    return withParts(stanza, { payloads: [...stanza.payloads, addresses, delay] });
  },
  // Somebody else is kicked.
  (stanza, prng, at) => {
    if (stanza.name !== 'presence') return stanza;
    const { jid: whom, nick } = prng.pick(at.people);
    const kick = el(
      'x',
      NS.mucUser,
      {},
      el('item', NS.mucUser, { role: 'none' }),
      el('status', NS.mucUser, { code: '307' }),
    );
    const named = stanza.payloads.map((payload) =>
      payload.xmlns === NS.fmuc ? { ...payload, attrs: { ...payload.attrs, from: whom } } : payload,
    );
    const payloads = [...named.filter(({ xmlns }) => xmlns !== NS.mucUser && xmlns !== NS.muc), kick];
    return withParts(stanza, { type: 'unavailable', from: occupantJid(bareOf(stanza.from), nick), payloads });
  },
  // Another rank, of somebody who is there.
  (stanza) => {
    if (stanza.name !== 'presence') return stanza;
    return withParts(stanza, { payloads: [...stanza.payloads.filter(({ xmlns }) => xmlns !== NS.mucUser), rank] });
  },
  // A subject instead of words.
  (stanza) =>
    stanza.type === 'groupchat'
      ? withParts(stanza, {
          payloads: [
            ...stanza.payloads.filter(({ name }) => name !== 'body'),
            el('subject', NS.client, {}, 'a hostile subject'),
          ],
        })
      : stanza,
  // Other numbers, names and times; places too.
  (stanza, prng, at) => withParts(stanza, { payloads: stanza.payloads.map((payload) => twist(payload, prng, at)) }),
];

/** The room at a node of the simulator’s sets. */
const hall = (address: Jid) => jid(`hall@${address}`);
const elsewhere = (prng: Prng, at: Seating) => hall(prng.pick(at.nodes));
const place = (prng: Prng) => writeLinkPlace({ session: prng.id(), n: count(prng), h: count(prng) });
const fmuc = (prng: Prng, from: Jid): XmlElement => {
  const written = writeFmuc({ kind: 'from', from });
  return prng.chance(0.5) ? written : { ...written, children: [place(prng)] };
};
const toNode =
  (say: (prng: Prng, from: Jid, to: Jid, at: Seating) => Stanza): Lie =>
  (prng, at) =>
    say(prng, hall(at.self), elsewhere(prng, at), at);

const lies: readonly Lie[] = [
  // A user whom nobody has, or everybody.
  (prng, at, { jid: whom, nick }) =>
    presence(
      occupantJid(hall(at.self), nick),
      occupantJid(elsewhere(prng, at), nick),
      { type: prng.pick([undefined, 'unavailable']) },
      fmuc(prng, whom),
      rank,
    ),
  (prng, at, { jid: whom, nick }) =>
    message(
      occupantJid(hall(at.self), nick),
      elsewhere(prng, at),
      { type: prng.pick(['groupchat', 'chat']), id: prng.id() },
      el(
        'body',
        NS.client,
        {},
        `!${at.people.findIndex((one) => one.jid === whom)}:${9_000_000 + prng.below(1_000_000)}`,
      ),
      fmuc(prng, whom),
    ),
  // §5.1, §5.4: the end of a link, in its own name and in another's.
  toNode((_, from, to) => presence(from, to, {}, writeFmuc({ kind: 'left' }))),
  toNode((_, from, to) => presence(from, to, {}, writeFmuc({ kind: 'reject', text: 'go away' }))),
  toNode((prng, _, to, at) => presence(elsewhere(prng, at), to, {}, writeFmuc({ kind: 'left' }))),
  // §8: somebody's nick is another's.
  (prng, at, { jid: whom, nick }) =>
    presence(
      occupantJid(hall(at.self), nick),
      occupantJid(elsewhere(prng, at), nick),
      { type: 'error', id: prng.id() },
      { ...writeFmuc({ kind: 'from', from: whom }), children: [el('conflict', NS.ext)] },
      el('error', NS.client, { type: 'cancel' }, el('conflict', NS.stanzas)),
    ),
  // §5.5: what a moderator would ask for.
  (prng, at, { nick }) =>
    iq(
      occupantJid(hall(at.self), nick),
      elsewhere(prng, at),
      { type: 'set', id: prng.id() },
      el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: prng.pick(at.people).nick, role: 'none' })),
    ),
  // Pings that have counted otherwise.
  toNode((prng, from, to) => iq(from, to, { type: 'get', id: prng.id() }, el('ping', NS.ping, {}, place(prng)))),
  toNode((prng, from, to) => iq(from, to, { type: 'result', id: prng.id() }, place(prng))),
  toNode((prng, from, to) =>
    message(
      from,
      to,
      { type: 'error', id: prng.id() },
      el('error', NS.client, { type: 'cancel' }, el('service-unavailable', NS.stanzas)),
    ),
  ),
];
