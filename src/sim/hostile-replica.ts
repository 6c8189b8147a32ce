import {
  writeAck,
  writeCreate,
  writeCreated,
  writeDestroy,
  writeNetjoin,
  writeOffer,
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
import { primarysWords } from './hostile-primary.ts';
import type { Prng } from './prng.ts';
import type { Seating } from './protocol.ts';
import type { Person } from './trace.ts';
import { count, keepalive, type Lie, rank, somewhere, times, twist } from './twist.ts';

/**
 * A XEP-0282 replica that lies in every field it controls (invariants.md, Who may be hostile): it holds back, repeats and
 * changes what its honest half sends, and says what no rule asks for.
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

const body = (prng: Prng, at: Seating, whom: Person) =>
  el('body', NS.client, {}, `!${at.people.indexOf(whom)}:${9_000_000 + prng.below(1_000_000)}`);

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
      past: new Map(),
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
  ...primarysWords,
};

function anotherRoom(room: Jid): Jid {
  return jid(`cellar@${domainOf(room)}`);
}
