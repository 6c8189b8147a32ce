/**
 * XEP-0281 §3.2 Example 5: what a shadow has from the source, which alone decides about it: the configuration, the lists, and who the
 * other instances are. Decision #201.
 */
import { changesOfAffiliation } from '../../room/affiliation.ts';
import { listsMax } from '../../room/bounds.ts';
import { commit, commitAll } from '../../room/commit.ts';
import { readConfigForm, roomConfigForm, statusesOf } from '../../room/config-form.ts';
import type { Actor } from '../../room/event.ts';
import { changesOfConfiguration } from '../../room/owner.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { settingFields } from '../../room/setting-fields.ts';
import type { RoomView } from '../../room/state.ts';
import { readPart, writePart } from '../../xep/instances.ts';
import { type Field, readForm, writeForm } from '../../xep/xep0004.ts';
import { type Affiliation, affiliations, writeWhy } from '../../xep/xep0045.ts';
import { avatarHashes, vcardNs } from '../../xep/xep0153.ts';
import { readConfig, writeConfig } from '../../xep/xep0281.ts';
import { bareOf, domainOf, type Jid, parseJid, parseNick } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { sha1 } from '../../xmpp/sha1.ts';
import { iq, message, payloadOf, type Stanza } from '../../xmpp/stanza.ts';
import { utf8 } from '../../xmpp/utf8.ts';
import { childOf, childrenOf, el, elementsOf, serializedLength, textOf, type XmlElement } from '../../xmpp/xml.ts';
import type { Links } from './links.ts';
import { inParts, Parts } from './parts.ts';

/** Entries of the lists in one stanza. */
const pageMax = 500;

/** One entry of the lists: an affiliation, a reserved nick, or both. */
interface Entry {
  readonly user: Jid;
  readonly affiliation: Affiliation;
  readonly nick: string | undefined;
  readonly by?: Actor | undefined;
}

/** Decision #201: the fields of a configuration that every instance has. How the room is distributed is not one of them. */
export function formOf({ config }: Pick<RoomView, 'config'>): readonly Field[] {
  const fields = settingFields.map(({ var: name, type, write }): Field => ({ var: name, type, values: write(config) }));
  const secret = config.password === '' ? [] : [config.password];
  const isProtected: Field = {
    var: 'muc#roomconfig_passwordprotectedroom',
    type: 'boolean',
    values: [config.password === '' ? '0' : '1'],
  };
  return [...fields, isProtected, { var: 'muc#roomconfig_roomsecret', type: 'text-private', values: secret }];
}

/** The lists as this peer may know them. */
function entriesOf(room: RoomView, links: Links, peer: Jid): readonly Entry[] {
  const users = new Set([...room.affiliations.keys(), ...room.reservedNicks.keys()]);
  return [...users]
    .filter((user) => isFor(links, peer, user))
    .sort()
    .map((user) => ({
      user,
      affiliation: room.affiliations.get(user) ?? 'none',
      nick: room.reservedNicks.get(user),
      by: room.bans.get(user),
    }));
}

/** S5: an instance that is told no real addresses gets those of its own users alone. */
function isFor(links: Links, peer: Jid, user: Jid): boolean {
  return links.sees(peer) || links.holds(peer, user) || domainOf(user) === user;
}

/** A digest of all that a shadow has from the source. @param entries  of the lists; @param others  all instances but the source */
function digestOf(room: RoomView, entries: readonly Entry[], others: readonly Jid[]): string {
  const form = formOf(room).map(({ var: name, values }) => [name, ...values]);
  const lists = entries.map(({ user, affiliation, nick }) => [user, affiliation, nick ?? '']);
  const { vcard } = room.config;
  const text = JSON.stringify([form, lists, [...others].sort(), vcard === 'none' ? '' : JSON.stringify(vcard)]);
  return sha1(utf8(text));
}

/** What the source says to this shadow, as a digest. */
export function digestFor(room: RoomView, links: Links, peer: Jid, shadows: readonly Jid[]): string {
  return digestOf(room, entriesOf(room, links, peer), shadows);
}

/** What this shadow has, as a digest. @param shadows  the other ones that it knows, and itself */
export function ownDigest(room: RoomView, shadows: readonly Jid[]): string {
  const users = [...new Set([...room.affiliations.keys(), ...room.reservedNicks.keys()])].sort();
  const entries = users.map((user) => ({
    user,
    affiliation: room.affiliations.get(user) ?? 'none',
    nick: room.reservedNicks.get(user),
  }));
  return digestOf(room, entries, shadows);
}

/** §3.2 Example 5, with the lists if `whole`. */
export function pushConfig(turn: RoomTurn, links: Links, peer: Jid, shadows: readonly Jid[], whole: boolean): void {
  const { room } = turn;
  const form = writeForm({ type: 'submit', formType: roomConfigForm, fields: formOf(room) });
  const others = el('instances', NS.ext, {}, ...shadows.map((jid) => el('instance', NS.ext, { jid })));
  const { vcard } = room.config;
  const first = [others, ...(vcard === 'none' ? [] : [vcard])];
  const entries = whole ? entriesOf(room, links, peer).map((entry) => writeEntry(links, peer, entry)) : [];
  const parts = inParts(entries, pageMax, (item) => serializedLength(item));
  for (const [i, items] of parts.entries()) {
    const part = writePart({ n: i + 1, of: parts.length });
    const lists = whole ? [el('query', NS.mucAdmin, {}, ...items)] : [];
    const config = writeConfig(form, ...(i === 0 ? first : []), ...lists, ...part);
    links.ask(turn, iq(room.jid, peer, { type: 'set', id: turn.env.newId() }, config), 'config', '0281#3.2');
  }
}

/** S5: nor is it told by which real address somebody has decided so. */
function writeEntry(links: Links, peer: Jid, { user, affiliation, nick, by }: Entry): XmlElement {
  return el(
    'item',
    NS.mucAdmin,
    { affiliation, jid: user, nick },
    ...(by === undefined ? [] : writeWhy(links.sees(peer) ? by : { ...by, actorJid: undefined }, NS.mucAdmin)),
  );
}

function readEntry(item: XmlElement): Entry | undefined {
  const user = parseJid(item.attrs['jid'] ?? '');
  const affiliation = affiliations.find((known) => known === item.attrs['affiliation']);
  if (user === undefined || affiliation === undefined || bareOf(user) !== user) return undefined;
  const nick = item.attrs['nick'] === undefined ? undefined : parseNick(item.attrs['nick']);
  const reason = childOf(item, 'reason', NS.mucAdmin);
  const actor = childOf(item, 'actor', NS.mucAdmin);
  const by = {
    ...(actor?.attrs['nick'] === undefined ? {} : { actor: actor.attrs['nick'] }),
    ...(actor?.attrs['jid'] === undefined ? {} : { actorJid: actor.attrs['jid'] }),
    ...(reason === undefined ? {} : { reason: textOf(reason) }),
  };
  return { user, affiliation, nick, ...(Object.keys(by).length === 0 ? {} : { by }) };
}

/** One change of the lists, to every shadow that may know of it: from room to room. */
export function tellEntry(turn: RoomTurn, links: Links, entry: Entry): void {
  const { room } = turn;
  for (const link of links.live()) {
    if (!isFor(links, link.peer, entry.user)) continue;
    const query = el('query', NS.mucAdmin, {}, writeEntry(links, link.peer, entry));
    link.send(turn, message(room.jid, link.peer, {}, query), '0281#3.6');
  }
}

/** The same at a shadow. @returns whether it was one */
export function takeEntries(turn: RoomTurn, stanza: Stanza): boolean {
  const query = payloadOf(stanza, 'query', NS.mucAdmin);
  if (query === undefined) return false;
  for (const item of childrenOf(query, 'item', NS.mucAdmin)) {
    const entry = readEntry(item);
    if (entry !== undefined) take(turn, entry);
  }
  return true;
}

function take(turn: RoomTurn, { user, affiliation, nick, by = {} }: Entry): void {
  const { room, distribution } = turn;
  commitAll(turn, changesOfAffiliation(room, distribution, user, affiliation, by), { spec: '0281#3.6' });
  if (room.reservedNicks.get(user) !== nick) commit(turn, { kind: 'registered', user, nick });
}

/** What has come of a configuration. */
export interface Taken {
  /** All shadows, if this was its last part. */
  readonly shadows: readonly Jid[] | undefined;
  /** Whether all of it is here, with the lists. */
  readonly isWhole: boolean;
}

/** What a shadow is told in parts, until the last of them is here. */
export class Configuration {
  /** Who is on a list, and who has a nick reserved. */
  readonly #parts = new Parts<Entry>(2 * listsMax);
  #instances: readonly Jid[] | undefined;

  /**
   * §3.2 Example 5, at the shadow.
   *
   * @returns undefined if it is no configuration
   */
  take(turn: RoomTurn, stanza: Stanza): Taken | undefined {
    const config = readConfig(stanza);
    if (config === undefined) return undefined;
    const query = childOf(config, 'query', NS.mucAdmin);
    const items = query === undefined ? [] : childrenOf(query, 'item', NS.mucAdmin);
    const entries = this.#parts.take(
      readPart(config),
      items.flatMap((item) => readEntry(item) ?? []),
    );
    if (entries === 'dropped') {
      turn.note('decision#212', 'a part of a configuration that is not the next: dropped');
      return { shadows: undefined, isWhole: false };
    }
    const instances = childOf(config, 'instances', NS.ext);
    if (instances !== undefined) {
      this.#instances = childrenOf(instances, 'instance', NS.ext).flatMap(
        ({ attrs }) => parseJid(attrs['jid'] ?? '') ?? [],
      );
      this.#takeVcard(turn, config);
    }
    if (entries === 'more') return { shadows: undefined, isWhole: false };
    if (query !== undefined) takeLists(turn, entries);
    this.#takeForm(turn, config);
    return { shadows: this.#instances, isWhole: query !== undefined || isPlainConfig(stanza) };
  }

  /** It comes in the first part, with the instances. */
  #takeVcard(turn: RoomTurn, config: XmlElement): void {
    const vcard = elementsOf(config).find(({ name, xmlns }) => name === 'vCard' && xmlns === vcardNs) ?? 'none';
    if (JSON.stringify(vcard) === JSON.stringify(turn.room.config.vcard)) return;
    const changes = { vcard, avatars: vcard === 'none' ? [] : (avatarHashes(vcard) ?? []) } as const;
    commit(turn, { kind: 'configured', changes, statuses: statusesOf(changes) }, { spec: '0281#3.2' });
  }

  #takeForm(turn: RoomTurn, config: XmlElement): void {
    const { room, distribution } = turn;
    const form = readForm(config);
    if (form === undefined) return;
    const submitted = readConfigForm(room, [], { ...form, type: 'submit' });
    if (submitted.kind === 'refusal')
      return turn.note('0281#3.2', `a configuration that cannot be: ${submitted.text ?? submitted.condition}`);
    if (Object.keys(submitted.changes).length === 0) return;
    commitAll(turn, changesOfConfiguration(room, distribution, submitted.changes), { spec: '0281#3.2' });
    turn.note('0281#3.2', `the source has configured the room: ${statusesOf(submitted.changes).join(' ')}`);
  }
}

/** Whether it is of the plain XEP, which has neither lists nor other shadows in it. */
export function isPlainConfig(stanza: Stanza): boolean {
  const config = readConfig(stanza);
  return config !== undefined && elementsOf(config).every(({ xmlns }) => xmlns === NS.dataForms);
}

/** Who is not on the source's lists is on none. */
function takeLists(turn: RoomTurn, entries: readonly Entry[]): void {
  const { room } = turn;
  const named = new Set(entries.map(({ user }) => user));
  for (const user of new Set([...room.affiliations.keys(), ...room.reservedNicks.keys()]))
    if (!named.has(user)) take(turn, { user, affiliation: 'none', nick: undefined });
  for (const entry of entries) take(turn, entry);
}
