import { writeLinkPlace } from '../core/xep/fmuc-sync.ts';
import { writeAfter, writeAsked, writeGreeting, writeHave, writeNews, writeTopic } from '../core/xep/instances.ts';
import { writeHistoryRequest, writeHistoryResult, writeRoster, writeServiceOrder } from '../core/xep/xep0281.ts';
import { bareOf, domainOf, type Jid, occupantJid, parseJid, partsOf, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, message, presence, type Stanza, stanzaElement, withMore, withParts } from '../core/xmpp/stanza.ts';
import { instant } from '../core/xmpp/time.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { Prng } from './prng.ts';
import type { Seating } from './protocol.ts';
import type { Person } from './trace.ts';
import { count, type Lie, rank, somewhere, times, twist } from './twist.ts';

/**
 * An instance of a room of XEP-0281 that lies in every field it controls (invariants.md, Who may be hostile): it holds back,
 * repeats and changes what its honest half sends, says what no rule asks for, and sometimes a lot of it.
 */
export function hostileInstance(stanza: Stanza, prng: Prng, at: Seating): readonly Stanza[] {
  const dice = prng.unit();
  if (dice < 0.6) return [stanza];
  if (dice < 0.65) return [];
  if (dice < 0.7) return [stanza, stanza];
  // The source may send people anywhere, and ask for any room of its own.
  if (at.self === at.nodes[0] && dice < 0.75)
    return [
      stanza.name === 'presence' && at.people.some(({ jid }) => jid === stanza.to)
        ? sent(stanza, prng, at)
        : anew(prng, at),
    ];
  if (dice < 0.85) return [prng.pick(disguises)(stanza, prng, at)];
  const some = prng.chance(0.002) ? flood : 1;
  return [stanza, ...Array.from({ length: some }, () => prng.pick(lies)(prng, at, prng.pick(at.people)))];
}

/** Away, to a room that is no shadow, or one of another server. */
function sent(stanza: Stanza, prng: Prng, at: Seating): Stanza {
  const to = prng.chance(0.5) ? other(prng, at) : `${prng.id()}@${prng.pick(at.nodes)}`;
  const error = el('error', NS.client, { type: 'cancel' }, el('redirect', NS.stanzas, {}, `xmpp:${to}?join`));
  return withParts(stanza, { type: 'error', id: undefined, payloads: [error] });
}

function anew(prng: Prng, at: Seating): Stanza {
  const instance = parseJid(`${prng.id()}@${at.self}`);
  const order = writeServiceOrder('replicate', { id: prng.id(), instance });
  return iq(at.self, prng.pick(at.nodes.slice(1)), { type: 'set', id: prng.id() }, order);
}

/** So many at once: more than may be taken of it. */
const flood = 700;

type Disguise = (stanza: Stanza, prng: Prng, at: Seating) => Stanza;

/** But for what it tells of others' past, of which a room believes whoever has it. */
const twisted: Disguise = (stanza, prng, at) =>
  stanza.payloads.some(({ name }) => name === 'history')
    ? stanza
    : withParts(stanza, { payloads: stanza.payloads.map((payload) => twist(payload, prng, at)) });

const disguises: readonly Disguise[] = [
  // A rank, and what only the source says of somebody.
  (stanza) => withParts(stanza, { payloads: [...stanza.payloads.filter(({ xmlns }) => xmlns !== NS.mucUser), rank] }),
  (stanza) => (stanza.name === 'presence' ? withMore(stanza, el('decided', NS.ext)) : stanza),
  // What the source would decide about somebody else, in the right place of the link.
  (stanza, prng, at) => {
    if (stanza.name !== 'presence' || stanza.type === 'error') return stanza;
    const { nick } = prng.pick(at.people);
    const isKick = prng.chance(0.5);
    const kick = el('status', NS.mucUser, { code: '307' });
    const x = isKick ? el('x', NS.mucUser, {}, el('item', NS.mucUser, { role: 'none' }), kick) : rank;
    return withParts(stanza, {
      type: isKick ? 'unavailable' : undefined,
      from: occupantJid(bareOf(stanza.from), nick),
      to: occupantJid(bareOf(stanza.to), nick),
      payloads: [...stanza.payloads.filter(({ xmlns }) => xmlns !== NS.mucUser), x, el('decided', NS.ext)],
    });
  },
  (stanza, prng) => {
    const status = el('status', NS.mucUser, { code: prng.pick(['307', '301', '303', '110', '333']) });
    const x = { ...rank, children: [...rank.children, status] };
    return withParts(stanza, { payloads: [...stanza.payloads.filter(({ xmlns }) => xmlns !== NS.mucUser), x] });
  },
  // Somebody else's nick.
  (stanza, prng, at) =>
    resourceOf(stanza.from) === ''
      ? stanza
      : withParts(stanza, { from: occupantJid(bareOf(stanza.from), prng.pick(at.people).nick) }),
  // They are out.
  (stanza) => (stanza.name === 'presence' ? withParts(stanza, { type: 'unavailable' }) : stanza),
  // With real addresses beside it, as servers put them there.
  (stanza, prng, at) => {
    const { jid: whom } = prng.pick(at.people);
    const ns = 'http://jabber.org/protocol/address';
    const addresses = el('addresses', ns, {}, el('address', ns, { type: 'ofrom', jid: whom }));
    const delay = el('delay', NS.delay, { from: whom, stamp: '1990-01-01T00:00:00Z' });
    return withParts(stanza, { payloads: [...stanza.payloads, addresses, delay] });
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
  // Other numbers, addresses, names and times; places too.
  twisted,
  twisted,
];

/** The instances as far as people enter them. */
const roomsOf = (at: Seating): readonly Jid[] => [...new Set(at.people.map(({ room }) => room))];
const own = (at: Seating): Jid => roomsOf(at).find((room) => domainOf(room) === at.self) ?? bareOf(at.self);
const other = (prng: Prng, at: Seating): Jid => prng.pick(roomsOf(at).filter((room) => room !== own(at)));
/** Its own, or in one lie of five another's. */
const speaker = (prng: Prng, at: Seating): Jid => (prng.chance(0.8) ? own(at) : other(prng, at));

/** Words of a user of its own, in whosever name. */
const body = (prng: Prng, at: Seating) => {
  const own = Math.max(
    0,
    at.people.findIndex(({ hostile }) => hostile === 'node'),
  );
  return el('body', NS.client, {}, `!${own}:${9_000_000 + prng.below(1_000_000)}`);
};
const place = (prng: Prng) => ({ session: prng.id(), n: count(prng), h: count(prng) });
const news = (prng: Prng): XmlElement =>
  writeNews({
    place: prng.chance(0.5) ? place(prng) : undefined,
    order: somewhere(prng),
    at: instant(prng.pick(times)),
    origin: prng.id(),
  });
const have = (prng: Prng, at: Seating) => roomsOf(at).map((by) => ({ by, ...somewhere(prng) }));

/** A message of a history, of anybody, by any instance. */
const past = (prng: Prng, at: Seating, whom: Person): XmlElement =>
  stanzaElement(
    message(
      occupantJid(own(at), whom.nick),
      other(prng, at),
      { type: 'groupchat', id: prng.id() },
      body(prng, at),
      news(prng),
      el('stanza-id', NS.sid, { by: other(prng, at), id: prng.id() }),
      // Of before its beginning a room believes whoever has something of it (decision #203).
      el('delay', NS.delay, { from: whom.jid, stamp: '2026-01-01T02:00:00Z' }),
    ),
  );

const toRoom =
  (name: 'iq' | 'message', type: string | undefined, say: (prng: Prng, at: Seating, whom: Person) => XmlElement): Lie =>
  (prng, at, whom) => {
    const id = prng.id();
    const [from, to] = [speaker(prng, at), other(prng, at)];
    return name === 'iq'
      ? iq(from, to, { type: type ?? 'set', id }, say(prng, at, whom))
      : message(from, to, { type, id }, say(prng, at, whom));
  };
const ofUser =
  (type: string | undefined, ...more: readonly XmlElement[]): Lie =>
  (prng, at, { nick }) =>
    presence(occupantJid(speaker(prng, at), nick), occupantJid(other(prng, at), nick), { type }, news(prng), ...more);
const configured = (_: Prng, at: Seating, whom: Person) =>
  el(
    'config',
    NS.dmuc1,
    {},
    el(
      'x',
      NS.dataForms,
      { type: 'submit' },
      el('field', NS.dataForms, { var: 'FORM_TYPE' }, el('value', NS.dataForms, {}, `${NS.muc}#roomconfig`)),
      el('field', NS.dataForms, { var: 'muc#roomconfig_whois' }, el('value', NS.dataForms, {}, 'anyone')),
    ),
    el('instances', NS.ext, {}, el('instance', NS.ext, { jid: own(at) }), el('instance', NS.ext, { jid: whom.room })),
    owner(at),
  );
const owner = (at: Seating) =>
  el(
    'query',
    NS.mucAdmin,
    {},
    el('item', NS.mucAdmin, { affiliation: 'owner', jid: bareOf(at.people.at(-1)?.jid ?? at.self) }),
  );
const order =
  (kind: 'replicate' | 'peerhost', stops: boolean): Lie =>
  (prng, at) =>
    iq(
      at.self,
      prng.pick(at.nodes.filter((node) => node !== at.self)),
      { type: 'set', id: prng.id() },
      writeServiceOrder(kind, {
        id: prng.pick([partsOf(own(at)).local, prng.id()]),
        instance: prng.chance(0.5) ? own(at) : other(prng, at),
        stops,
      }),
    );

const lies: readonly Lie[] = [
  // A user whom nobody has, or everybody; of this room, or of the one that is told.
  ofUser(undefined, rank),
  ofUser('unavailable', rank),
  (prng, at, whom) =>
    ofUser(undefined, {
      ...rank,
      children: [el('item', NS.mucUser, { affiliation: 'owner', role: 'moderator', jid: whom.jid })],
    })(prng, at, whom),
  // What the source decides, by one that is none.
  ofUser(undefined, rank, el('decided', NS.ext)),
  ofUser(
    'unavailable',
    el('x', NS.mucUser, {}, el('item', NS.mucUser, { role: 'none' }), el('status', NS.mucUser, { code: '307' })),
    el('decided', NS.ext),
  ),
  (prng, at, whom) =>
    message(
      occupantJid(speaker(prng, at), whom.nick),
      occupantJid(other(prng, at), whom.nick),
      { type: prng.pick(['groupchat', 'chat']), id: prng.id() },
      body(prng, at),
      news(prng),
    ),
  // What only the source says, or an instance about another.
  toRoom('iq', 'set', configured),
  toRoom('message', undefined, (_, at) => owner(at)),
  toRoom('iq', 'set', (_, __, { jid, nick }) =>
    writeRoster([{ affiliation: 'owner', jid, name: nick, role: 'moderator', occupantId: 'x', presence: [] }]),
  ),
  order('replicate', false),
  order('replicate', true),
  order('peerhost', false),
  order('peerhost', true),
  // Links that were never asked for, and places that it has not.
  toRoom('iq', 'set', (prng, at) => writeGreeting({ session: prng.id(), config: 'x', have: have(prng, at) })),
  toRoom('iq', 'result', (prng, at) => writeGreeting({ session: prng.id(), config: 'x', have: have(prng, at) })),
  toRoom('iq', 'get', (prng, at) => el('ping', NS.ping, {}, writeLinkPlace(place(prng)), ...writeHave(have(prng, at)))),
  toRoom('iq', 'get', (prng, at) =>
    writeHistoryRequest(
      partsOf(own(at)).local,
      { maxstanzas: count(prng) },
      ...writeHave(have(prng, at)),
      writeAfter({ by: other(prng, at), id: prng.id() }),
    ),
  ),
  toRoom('iq', 'result', (prng, at, whom) =>
    writeHistoryResult([past(prng, at, whom)], ...writeHave(have(prng, at)), writeTopic(past(prng, at, whom))),
  ),
  // What somebody asks of the source.
  toRoom('iq', 'set', (_, at, whom) => writeAsked(whom.jid, owner(at))),
  toRoom('iq', 'set', (prng, at, whom) =>
    writeAsked(
      whom.jid,
      el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: prng.pick(at.people).nick, role: 'none' })),
    ),
  ),
  (prng, at) =>
    message(
      speaker(prng, at),
      other(prng, at),
      { type: 'error', id: prng.id() },
      el('error', NS.client, { type: 'cancel' }, el('service-unavailable', NS.stanzas)),
    ),
];
