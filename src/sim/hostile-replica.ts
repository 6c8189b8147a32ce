import {
  writeAck,
  writeCreate,
  writeCreated,
  writeDestroy,
  writeNetjoin,
  writeOffer,
  writePosition,
  writeReady,
  writeRelayed,
} from '../core/xep/sync.ts';
import { writeJoin } from '../core/xep/xep0045.ts';
import { type Dmuc, writeDmuc } from '../core/xep/xep0282.ts';
import { domainOf, type Jid, jid, occupantJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq, message, presence, type Stanza, withParts } from '../core/xmpp/stanza.ts';
import { instant } from '../core/xmpp/time.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import type { Prng } from './prng.ts';
import type { Seating } from './protocol.ts';
import type { Person } from './trace.ts';

/**
 * A XEP-0282 replica that lies in every field it controls (security.md 1.1, 1.5): it holds back, repeats and changes what
 * its honest half sends, and says what no rule asks for.
 */
export function hostileReplica(stanza: Stanza, prng: Prng, at: Seating): readonly Stanza[] {
  const dice = prng.unit();
  if (dice < 0.55) return [stanza];
  if (dice < 0.6) return [];
  if (dice < 0.65) return [stanza, stanza];
  if (dice < 0.78) return [withParts(stanza, { payloads: stanza.payloads.map((payload) => twist(payload, prng, at)) })];
  if (dice < 0.84)
    return [withParts(stanza, { payloads: [...stanza.payloads.filter(({ xmlns }) => xmlns !== NS.mucUser), rank] })];
  const lie = prng.pick(Object.values(lies));
  return [stanza, lie(prng, at, prng.pick(at.people))];
}

const rank = el('x', NS.mucUser, {}, el('item', NS.mucUser, { affiliation: 'owner', role: 'moderator' }));
const times = [0, -62_135_596_800_000, 253_402_300_799_000, Date.UTC(2026, 0, 1)];

/** The same element with other numbers, addresses, names and times. */
function twist(element: XmlElement, prng: Prng, at: Seating): XmlElement {
  const other = (key: string, value: string): string => {
    if (!prng.chance(0.5)) return value;
    if (/^\d+$/.test(value)) return number(prng);
    if (key === 'jid') return prng.pick(at.people).jid;
    if (key === 'domain') return domainOf(prng.pick(at.people).jid);
    if (key === 'stamp') return new Date(prng.pick(times)).toISOString();
    if (key === 'session' || key === 'id') return prng.id();
    return value;
  };
  const attrs = Object.fromEntries(Object.entries(element.attrs).map(([key, value]) => [key, other(key, value)]));
  const children = element.children.map((child) => (typeof child === 'string' ? child : twist(child, prng, at)));
  return { ...element, attrs, children };
}

function number(prng: Prng): string {
  return `${prng.pick([-1, 0, 1, 7, 1e9, 2 ** 53])}`;
}
const count = (prng: Prng) => prng.pick([0, 1, 3, 1e6, 2 ** 40]);
const somewhere = (prng: Prng) => ({ epoch: prng.pick([0, 1, Date.UTC(2026, 0, 1), 2 ** 45]), n: count(prng) });
const body = (prng: Prng, at: Seating, whom: Person) =>
  el('body', NS.client, {}, `!${at.people.indexOf(whom)}:${9_000_000 + prng.below(1_000_000)}`);

type Lie = (prng: Prng, at: Seating, whom: Person) => Stanza;
const toRoom =
  (name: string, type: string, payload: (prng: Prng, at: Seating, whom: Person) => XmlElement): Lie =>
  (prng, at, whom) => {
    const id = prng.pick([prng.id(), `ready-${prng.id()}`, `destroy-${count(prng)}`]);
    const parts = { type, id };
    return name === 'iq'
      ? iq(at.self, whom.room, parts, payload(prng, at, whom))
      : message(at.self, whom.room, parts, payload(prng, at, whom));
  };
const itself = (whom: Person, parts: { readonly type?: string }, ...payloads: readonly XmlElement[]) =>
  presence(whom.jid, occupantJid(whom.room, whom.nick), parts, ...payloads);
const marked = (prng: Prng, at: Seating, dmuc: Dmuc = {}) =>
  writeDmuc({ split: prng.id(), delay: { from: at.self, stamp: instant(prng.pick(times)) }, ...dmuc });
/** The words of a primary, to another node; or to the primary itself. */
const asPrimary =
  (payload: (prng: Prng, whom: Person) => XmlElement, type?: string): Lie =>
  (prng, at, whom) =>
    presence(
      occupantJid(whom.room, whom.nick),
      prng.pick(at.nodes),
      { type, id: prng.id() },
      rank,
      payload(prng, whom),
    );

const keepalive = (prng: Prng) => ({ interval: prng.pick([0, 10, 60, 1e9]), timeout: prng.pick([0, 1, 15, 1e9]) });

/** What it says of itself, in the name of anybody, and in that of the primary. */
const lies: Readonly<Record<string, Lie>> = {
  'a creation for other domains': toRoom('iq', 'set', (prng, at, whom) =>
    writeCreate({
      serves: prng.pick([[domainOf(whom.jid)], [...new Set(at.people.map((one) => domainOf(one.jid)))], []]),
      keepalive: keepalive(prng),
      maxstanzas: count(prng),
      moderators: count(prng),
      have: somewhere(prng),
    }),
  ),
  'a netjoin of no session': toRoom('iq', 'set', (prng) =>
    writeNetjoin({ session: prng.id(), have: somewhere(prng), moderators: count(prng) }),
  ),
  'an answer to nothing': toRoom('iq', 'result', (prng) => writeAck({ h: count(prng), moderators: count(prng) })),
  'a place that it has not': toRoom('iq', 'get', (prng) =>
    el('ping', NS.ping, {}, writeAck({ h: count(prng), moderators: count(prng) })),
  ),
  'an end': toRoom('iq', 'set', (prng) => writeDestroy(somewhere(prng))),
  'a count of what it relayed': toRoom('iq', 'set', (prng) => writeRelayed(count(prng))),
  'an offer': toRoom('message', 'normal', () => writeOffer()),
  'a primary’s answer': toRoom('iq', 'result', (prng) =>
    writeCreated({
      session: prng.id(),
      ...somewhere(prng),
      mode: prng.pick(['full', 'delta']),
      jids: 'all',
      keepalive: keepalive(prng),
      maxstanzas: count(prng),
      past: [],
    }),
  ),
  'a primary’s end of a state': toRoom('iq', 'set', (prng) =>
    writeReady({ n: count(prng), roster: count(prng), history: count(prng) }),
  ),
  'a bounce': (prng, at, whom) =>
    prng.pick([message, presence])(
      at.self,
      occupantJid(whom.room, whom.nick),
      { type: 'error', id: prng.id() },
      el('error', NS.client, { type: 'cancel' }, el('service-unavailable', NS.stanzas)),
    ),
  'a refusal to enter somebody': (prng, at, whom) =>
    presence(
      at.self,
      occupantJid(whom.room, prng.pick(at.people).nick),
      { type: 'error', id: prng.id() },
      writeDmuc({ enter: whom.jid }),
      el('error', NS.client, { type: 'modify' }, el('not-acceptable', NS.stanzas)),
    ),
  'somebody’s word': (prng, at, whom) =>
    message(whom.jid, whom.room, { type: 'groupchat', id: prng.id() }, body(prng, at, whom)),
  'somebody’s word of a split': (prng, at, whom) =>
    message(whom.jid, whom.room, { type: 'groupchat', id: prng.id() }, body(prng, at, whom), marked(prng, at)),
  'somebody’s word at a place': (prng, at, whom) =>
    message(
      whom.jid,
      whom.room,
      { type: 'groupchat', id: prng.id() },
      body(prng, at, whom),
      marked(prng, at, { position: somewhere(prng) }),
    ),
  'somebody’s join': (_, __, whom) => itself(whom, {}, writeJoin({}), rank),
  'somebody’s join of a split': (prng, at, whom) => itself(whom, {}, writeJoin({}), marked(prng, at)),
  'somebody’s leave': (_, __, whom) => itself(whom, { type: 'unavailable' }),
  'somebody’s leave of a split': (prng, at, whom) => itself(whom, { type: 'unavailable' }, marked(prng, at)),
  'somebody’s presence of a split': (prng, at, whom) =>
    itself(whom, {}, el('show', NS.client, {}, 'xa'), marked(prng, at)),
  'another nick for somebody': (prng, at, whom) =>
    presence(whom.jid, occupantJid(whom.room, prng.pick(at.people).nick), {}, marked(prng, at)),
  'somebody’s order': (prng, at, whom) =>
    iq(
      whom.jid,
      whom.room,
      { type: 'set', id: prng.id() },
      el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: prng.pick(at.people).nick, role: 'none' })),
    ),
  'a word for another room': (prng, at, whom) =>
    message(whom.jid, anotherRoom(whom.room), { type: 'groupchat' }, body(prng, at, whom), marked(prng, at)),
  'an enter': asPrimary((prng, whom) => writeDmuc({ enter: whom.jid, position: somewhere(prng) })),
  'a leave': asPrimary((_, whom) => writeDmuc({ leave: whom.jid }), 'unavailable'),
  'a change of the primary’s': asPrimary((prng) => writeDmuc({ position: somewhere(prng) })),
  'where the primary is': (prng, at, whom) =>
    iq(
      whom.room,
      prng.pick(at.nodes),
      { type: 'get', id: prng.id() },
      el('ping', NS.ping, {}, writePosition(somewhere(prng))),
    ),
};

function anotherRoom(room: Jid): Jid {
  return jid(`cellar@${domainOf(room)}`);
}
