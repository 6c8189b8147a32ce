import { discoInfoResult, readDisco, writeDiscoItem } from '../../src/core/xep/xep0030.ts';
import { readJoin, subjectChange, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { isPing } from '../../src/core/xep/xep0199.ts';
import { writeDelay } from '../../src/core/xep/xep0203.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { stanzaError } from '../../src/core/xmpp/errors.ts';
import { bareOf, type Jid, jid, occupantJid, resourceOf } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import {
  bodyOf,
  errorReply,
  iqResult,
  make,
  message,
  payloadOf,
  presence,
  type Stanza,
  withParts,
} from '../../src/core/xmpp/stanza.ts';
import type { Instant } from '../../src/core/xmpp/time.ts';
import { childOf, el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { ForeignService } from './world.ts';

interface User {
  readonly nick: string;
  readonly jid: Jid;
  /** The node by which they are here; absent: its own. */
  readonly by?: Jid;
  role: 'moderator' | 'participant' | 'visitor';
}

interface Said {
  readonly nick: string;
  readonly jid: Jid;
  readonly at: Instant;
  readonly payloads: readonly XmlElement[];
}

/** What differs from one Openfire to another. */
export interface OpenfireSettings {
  /** The room that it joins. */
  readonly outbound?: Jid;
  /** Nicks whose users are moderators. */
  readonly moderators?: readonly string[];
  /** Whom it lists who asks who is there: everybody, if nothing else is said. */
  readonly tells?: 'nobody' | 'error';
  /** `fmuc@from` of what it says of the past. */
  readonly past?: 'occupant' | 'room';
}

/**
 * A room of an Openfire that federates by XEP-0289, in primary-primary mode: a model of what was seen of it on the wire, which
 * goes by no word of its code. It knows nothing of our extension, has no time-outs, no keepalive and no resync, and
 * believes whatever a peer says.
 */
export class Openfire implements ForeignService {
  readonly room: Jid;
  readonly domain: string;
  readonly server: string;
  /** FMUC is configured. */
  enabled = true;
  /** The room is there. */
  exists = true;
  /** What it failed at. */
  readonly exceptions: string[] = [];
  readonly #settings: OpenfireSettings;
  /** Those who are in, as everybody in the room sees it. */
  readonly #users = new Map<string, User>();
  /** Nodes that have joined it, with the users whom it counts as theirs. */
  readonly #inbound = new Map<Jid, Set<Jid>>();
  #outbound: 'none' | 'joining' | 'joined' = 'none';
  /** Its own users whose join waits for the node that it joins. */
  #waiting: User[] = [];
  readonly #history: Said[] = [];
  #subject: { readonly text: string; readonly nick: string; readonly jid: Jid; readonly at: Instant } | undefined;
  #now = 0 as Instant;
  #out: Stanza[] = [];

  constructor(room: string, settings: OpenfireSettings = {}) {
    this.room = jid(room);
    this.domain = room.slice(room.indexOf('@') + 1);
    this.server = this.domain.slice(this.domain.indexOf('.') + 1);
    this.#settings = settings;
  }

  /** Who is in the room, as it sees it. */
  get roster(): readonly string[] {
    return [...this.#users.values()].map(({ nick, jid: who }) => `${nick} ${bareOf(who)}`).sort();
  }

  /** How it stands with the room that it joins. */
  get outbound(): 'none' | 'joining' | 'joined' {
    return this.#outbound;
  }

  /** The nodes that have joined it. */
  get inbound(): readonly Jid[] {
    return [...this.#inbound.keys()];
  }

  /** What it keeps of the room's words. */
  get history(): readonly (string | undefined)[] {
    return this.#history.map(({ nick, jid: who, payloads }) =>
      bodyOf(message(who, this.room, {}, ...payloads)) === undefined
        ? nick
        : bodyOf(message(who, this.room, {}, ...payloads)),
    );
  }

  get subject(): string {
    return this.#subject?.text ?? '';
  }

  /** A topic of a while ago. */
  setSubject(text: string, nick: string, who: string, at: Instant): void {
    this.#subject = { text, nick, jid: jid(who), at };
  }

  /** The process ends without a word, and starts again: the room is there, and nobody is in it. */
  restart(): void {
    this.#users.clear();
    this.#inbound.clear();
    this.#outbound = 'none';
    this.#waiting = [];
  }

  receive(stanza: Stanza, now: Instant): readonly Stanza[] {
    this.#now = now;
    this.#out = [];
    const peer = bareOf(stanza.from);
    const isPeers = payloadOf(stanza, 'fmuc', NS.fmuc) !== undefined || this.#isLinked(peer) || this.#isAsked(peer);
    if (stanza.name === 'iq') this.#iq(stanza);
    else if (stanza.type === 'error' || !this.exists) return [];
    else if (!isPeers) this.#ofUser(stanza);
    else if (!this.enabled) return [];
    else if (stanza.name === 'message') this.#peerMessage(stanza, peer);
    else this.#peerPresence(stanza, peer);
    return this.#out;
  }

  #isAsked(peer: Jid): boolean {
    return this.#settings.outbound === peer && this.#outbound === 'joining';
  }

  #isLinked(peer: Jid): boolean {
    return this.#inbound.has(peer) || (this.#settings.outbound === peer && this.#outbound === 'joined');
  }

  /** About the room, and nothing else. */
  #iq(stanza: Stanza): void {
    if (stanza.type === 'set') return this.#admin(stanza);
    if (stanza.type !== 'get') return;
    const disco = readDisco(stanza);
    if (!this.exists) this.#reply(stanza, 'item-not-found');
    else if (isPing(stanza)) this.#out.push(iqResult(stanza));
    else if (disco?.kind === 'items' && this.#settings.tells === 'error') this.#reply(stanza, 'forbidden');
    else if (disco?.kind === 'items') {
      const nicks = this.#settings.tells === 'nobody' ? [] : [...this.#users.keys()];
      const items = nicks.map((nick) => writeDiscoItem({ jid: occupantJid(this.room, nick), name: nick }));
      this.#out.push(iqResult(stanza, el('query', NS.discoItems, {}, ...items)));
    } else if (disco) {
      const identity = { category: 'conference', type: 'text' };
      this.#out.push(discoInfoResult(stanza, { identity, features: [NS.muc, NS.discoInfo, NS.discoItems] }));
    } else this.#reply(stanza, 'service-unavailable');
  }

  #reply(stanza: Stanza, condition: 'conflict' | 'item-not-found' | 'service-unavailable' | 'forbidden'): void {
    const error = errorReply(stanza, stanzaError('cancel', condition));
    if (error) this.#out.push(error);
  }

  // Its own users.

  #ofUser(stanza: Stanza): void {
    const user = [...this.#users.values()].find(({ jid: who, by }) => who === stanza.from && by === undefined);
    const nick = resourceOf(stanza.to);
    if (stanza.name === 'presence') {
      if (stanza.type === 'unavailable') {
        this.#waiting = this.#waiting.filter(({ jid: who }) => who !== stanza.from);
        if (user) this.#leaves(user, stanza);
      } else if (user === undefined) this.#wantsIn(stanza, nick);
      else if (user.nick !== nick) this.#renames(user, nick);
      else this.#changes(user, stanza);
    } else if (user && nick !== '') this.#private(user, nick, stanza);
    else if (user) this.#says(user, stanza);
  }

  #wantsIn(stanza: Stanza, nick: string): void {
    if (!readJoin(stanza.payloads)) return;
    if (this.#users.has(nick) || this.#waiting.some((other) => other.nick === nick))
      return this.#reply(stanza, 'conflict');
    const role = this.#settings.moderators?.includes(nick) ? 'moderator' : 'participant';
    const user: User = { nick, jid: stanza.from, role };
    const { outbound } = this.#settings;
    if (!this.enabled || outbound === undefined || this.#outbound === 'joined') return this.#enters(user, 'twice');
    this.#waiting.push(user);
    if (this.#outbound === 'joining') return;
    this.#outbound = 'joining';
    this.#out.push(this.#request(user, outbound));
  }

  #request(user: User, peer: Jid): Stanza {
    const to = occupantJid(peer, user.nick);
    return make('presence', occupantJid(this.room, user.nick), to, {}, [
      writeFmuc({ kind: 'from', from: user.jid }),
      writeJoin({}),
      this.#item(user),
    ]);
  }

  #item({ role, jid: who }: Pick<User, 'role' | 'jid'>, ...statuses: number[]): XmlElement {
    return writeMucUser({ affiliation: role === 'moderator' ? 'owner' : 'none', role, jid: who, statuses });
  }

  /** @param tell  whether the peers hear of it twice, as they do, or know the user by the join */
  #enters(user: User, tell: 'twice' | 'full'): void {
    for (const other of this.#users.values())
      this.#out.push(presence(occupantJid(this.room, other.nick), user.jid, {}, this.#item(other)));
    this.#users.set(user.nick, user);
    this.#shows(user, {});
    for (const said of this.#history)
      this.#out.push(withParts(this.#past(said, user.jid), { payloads: said.payloads }));
    this.#out.push(message(this.room, user.jid, { type: 'groupchat' }, el('subject', NS.client, {}, this.subject)));
    for (const peer of this.#peersBut(user.by)) this.#announces(user, peer, tell);
  }

  #announces(user: User, peer: Jid, how: 'twice' | 'full'): void {
    const request = this.#request(user, peer);
    if (how === 'twice') this.#out.push(withParts(request, { to: this.#addressOf(peer, user.nick) }));
    this.#tells(user, peer, {}, this.#item(user));
  }

  /** What it says to the node that it joins goes to that room's occupant JID. */
  #addressOf(peer: Jid, nick: string): Jid {
    return this.#inbound.has(peer) ? peer : occupantJid(peer, nick);
  }

  #tells(user: Pick<User, 'nick' | 'jid'>, peer: Jid, { type }: Pick<Stanza, 'type'>, ...payloads: XmlElement[]): void {
    const to = this.#addressOf(peer, user.nick);
    const all = [...payloads, writeFmuc({ kind: 'from', from: user.jid })];
    this.#out.push(make('presence', occupantJid(this.room, user.nick), to, { type }, all));
  }

  /** To everybody of its own. */
  #shows(user: User, { type }: Pick<Stanza, 'type'>, ...statuses: number[]): void {
    for (const other of this.#own()) {
      const self = other.jid === user.jid ? [110] : [];
      const item = this.#item(user, ...statuses, ...self);
      this.#out.push(presence(occupantJid(this.room, user.nick), other.jid, { type }, item));
    }
  }

  #own(): User[] {
    return [...this.#users.values()].filter(({ by }) => by === undefined);
  }

  #peersBut(by?: Jid): Jid[] {
    const outbound = this.#outbound === 'joined' && this.#settings.outbound ? [this.#settings.outbound] : [];
    return [...this.#inbound.keys(), ...outbound].filter((peer) => peer !== by);
  }

  #leaves(user: User, { payloads }: Pick<Stanza, 'payloads'>): void {
    this.#shows(user, { type: 'unavailable' });
    this.#users.delete(user.nick);
    const rank = writeMucUser({ affiliation: 'none', role: 'none', jid: user.jid, statuses: [] });
    const said = payloads.filter(({ xmlns }) => xmlns === NS.client);
    for (const peer of this.#peersBut(user.by)) this.#tells(user, peer, { type: 'unavailable' }, ...said, rank);
  }

  #renames(user: User, nick: string): void {
    if (this.#users.has(nick)) return this.#reply(presence(user.jid, occupantJid(this.room, nick), {}), 'conflict');
    const { role } = user;
    const affiliation = role === 'moderator' ? 'owner' : 'none';
    const item = writeMucUser({ affiliation, role, jid: user.jid, nick, statuses: [303] });
    for (const other of this.#own())
      this.#out.push(presence(occupantJid(this.room, user.nick), other.jid, { type: 'unavailable' }, item));
    const after = { ...user, nick };
    this.#users.delete(user.nick);
    this.#users.set(nick, after);
    this.#shows(after, {});
    for (const peer of this.#peersBut()) {
      this.#tells(user, peer, { type: 'unavailable' }, item);
      this.#tells(after, peer, {}, this.#item(after));
    }
  }

  #changes(user: User, { payloads }: Stanza): void {
    for (const other of this.#own())
      this.#out.push(presence(occupantJid(this.room, user.nick), other.jid, {}, ...payloads, this.#item(user)));
    for (const peer of this.#peersBut()) this.#tells(user, peer, {}, ...payloads, this.#item(user));
  }

  #says(user: User, { type, id, payloads }: Stanza): void {
    if (type !== 'groupchat') return;
    this.#speaks(user, id, payloads);
    const text = subjectChange(message(user.jid, this.room, { type }, ...payloads));
    if (text !== undefined) this.#subject = { text, nick: user.nick, jid: user.jid, at: this.#now };
  }

  /** To its own users, and to every node but the one it came from; with the real address of whoever said it. */
  #speaks(user: User, id: string | undefined, payloads: readonly XmlElement[]): void {
    for (const other of this.#own())
      this.#out.push(message(occupantJid(this.room, user.nick), other.jid, { type: 'groupchat', id }, ...payloads));
    if (payloads.some(({ name }) => name === 'body'))
      this.#history.push({ nick: user.nick, jid: user.jid, at: this.#now, payloads });
    for (const peer of this.#peersBut(user.by)) {
      const more = [...payloads, writeFmuc({ kind: 'from', from: user.jid }), addresses(user.jid)];
      const to = this.#addressOf(peer, user.nick);
      this.#out.push(make('message', occupantJid(this.room, user.nick), to, { type: 'groupchat', id }, more));
    }
  }

  /** To the user's real address. */
  #private(user: User, nick: string, { id, payloads }: Stanza): void {
    const target = this.#users.get(nick);
    if (target === undefined) return;
    const fmuc = target.by === undefined ? [] : [writeFmuc({ kind: 'from', from: user.jid })];
    this.#out.push(message(occupantJid(this.room, user.nick), target.jid, { type: 'chat', id }, ...payloads, ...fmuc));
  }

  /** XEP-0045 §8.2, §9.1, §8.4: a moderator kicks, bans, or changes a role. To nodes it goes in the name of the moderator. */
  #admin(stanza: Stanza): void {
    const query = payloadOf(stanza, 'query', NS.mucAdmin);
    const item = query && childOf(query, 'item', NS.mucAdmin);
    const actor = this.#own().find(({ jid: who }) => who === stanza.from);
    const target = [...this.#users.values()].find(
      ({ nick, jid: who }) => nick === item?.attrs['nick'] || bareOf(who) === item?.attrs['jid'],
    );
    if (actor?.role !== 'moderator' || target === undefined || item === undefined)
      return this.#reply(stanza, 'forbidden');
    this.#out.push(iqResult(stanza));
    const { role, affiliation } = item.attrs;
    const statuses = affiliation === 'outcast' ? [301] : role === 'none' ? [307] : [];
    if (statuses.length === 0) {
      target.role = role as User['role'];
      this.#shows(target, {});
      for (const peer of this.#peersBut()) this.#tells(actor, peer, {}, this.#item(target));
      return;
    }
    this.#shows(target, { type: 'unavailable' }, ...statuses);
    // Whoever is another node's stays in the set that it counts as that node's.
    this.#users.delete(target.nick);
    const out = statuses[0] === 301 ? 'outcast' : 'none';
    const rank = writeMucUser({ affiliation: out, role: 'none', jid: target.jid, actor: actor.nick, statuses });
    for (const peer of this.#peersBut()) this.#tells(actor, peer, { type: 'unavailable' }, rank);
  }

  // Other nodes.

  #peerPresence(stanza: Stanza, peer: Jid): void {
    const fmuc = readFmuc(stanza.payloads);
    if (fmuc?.kind === 'reject') return this.#isAsked(peer) ? this.#joined('none') : undefined;
    if (fmuc?.kind === 'left') return this.#isLeft(peer);
    const own = this.#users.get(resourceOf(stanza.to));
    if (own && own.by === undefined)
      return stanza.type === 'unavailable' ? this.#leaves(own, stanza) : this.#shows(own, {});
    if (fmuc === undefined) {
      if (this.#isAsked(peer)) this.exceptions.push('a presence of the answer whose fmuc has no from');
      return;
    }
    const nick = resourceOf(stanza.from);
    const user: User = { nick, jid: fmuc.from, by: peer, role: 'participant' };
    if (this.#isLinked(peer) || this.#isAsked(peer)) this.#peersUser(stanza, user, peer);
    else if (stanza.type === undefined && readJoin(stanza.payloads)) this.#isJoined(stanza, user, peer);
  }

  #peersUser({ type }: Stanza, user: User, peer: Jid): void {
    const known = [...this.#users.values()].find(({ jid: who, by }) => who === user.jid && by === peer);
    const set = this.#inbound.get(peer);
    if (type === 'unavailable') {
      if (known === undefined) {
        if (set?.has(user.jid)) this.exceptions.push(`the leave of ${user.jid}, who is not in`);
        return;
      }
      this.#leaves(known, { payloads: [] });
      set?.delete(user.jid);
      if (set?.size !== 0) return;
      this.#inbound.delete(peer);
      this.#out.push(presence(this.room, peer, {}, writeFmuc({ kind: 'left' })));
    } else if (type === undefined && known === undefined && !this.#users.has(user.nick)) {
      set?.add(user.jid);
      this.#takesIn(user);
    }
  }

  #takesIn(user: User): void {
    this.#users.set(user.nick, user);
    this.#shows(user, {});
    for (const other of this.#peersBut(user.by)) this.#announces(user, other, 'twice');
  }

  /** Another node joins it: it answers with occupants, all of its history, and a subject. */
  #isJoined(stanza: Stanza, user: User, peer: Jid): void {
    if (this.#settings.outbound === peer) {
      const fmuc = writeFmuc({ kind: 'reject', text: 'We are configured to join you.' });
      this.#out.push(presence(this.room, stanza.from, {}, fmuc));
      return;
    }
    this.#inbound.set(peer, new Set([user.jid]));
    if (!this.#users.has(user.nick)) this.#takesIn(user);
    for (const other of this.#users.values()) this.#tells(other, peer, {}, this.#item(other));
    for (const said of this.#history) this.#out.push(this.#past(said, peer));
    const set = this.#subject;
    const setter = set && [...this.#users.values()].find(({ jid: who }) => who === set.jid);
    const from = setter?.jid ?? this.room;
    const payloads = [
      el('subject', NS.client, {}, ...(set ? [set.text] : [])),
      writeFmuc({ kind: 'from', from }),
      ...(set ? [writeDelay({ from: set.jid, stamp: set.at })] : []),
    ];
    const nick = set?.nick;
    const room = nick === undefined ? this.room : occupantJid(this.room, nick);
    this.#out.push(message(room, peer, { type: 'groupchat' }, ...payloads));
  }

  #past({ nick, jid: who, at, payloads }: Said, to: Jid): Stanza {
    const said = occupantJid(this.room, nick);
    const from = this.#settings.past === 'room' ? this.room : said;
    const more = [writeFmuc({ kind: 'from', from }), writeDelay({ from: who, stamp: at }), addresses(who)];
    return message(said, to, { type: 'groupchat' }, ...payloads, ...more);
  }

  /** It is out of the set, and does not ask again before another of its own users comes. */
  #isLeft(peer: Jid): void {
    if (this.#isAsked(peer)) this.exceptions.push('<left/> while it joins');
    if (this.#outbound !== 'joined' || this.#settings.outbound !== peer) return;
    for (const user of [...this.#users.values()]) if (user.by === peer) this.#leaves(user, { payloads: [] });
    this.#outbound = 'none';
  }

  #peerMessage(stanza: Stanza, peer: Jid): void {
    const fmuc = readFmuc(stanza.payloads);
    if (fmuc?.kind !== 'from') {
      const error = stanzaError('cancel', 'not-acceptable', 'You are not in the room');
      const bounce = errorReply(withParts(stanza, { id: undefined }), error);
      if (bounce) this.#out.push(bounce);
      return;
    }
    const said = stanza.payloads.filter(({ name, xmlns }) => name !== 'fmuc' || xmlns !== NS.fmuc);
    if (this.#isAsked(peer)) {
      const subject = payloadOf(stanza, 'subject', NS.client);
      // What it is told of the past it does not keep.
      if (subject === undefined) return;
      const text = subject.children.filter((child) => typeof child === 'string').join('');
      this.#subject = { text, nick: resourceOf(stanza.from), jid: fmuc.from, at: this.#now };
      return this.#joined('joined');
    }
    if (!this.#isLinked(peer)) return;
    const nick = resourceOf(stanza.from);
    this.#speaks({ nick, jid: fmuc.from, by: peer, role: 'participant' }, stanza.id, said);
  }

  /** The end of its own join, for better or worse: those who waited are in. */
  #joined(phase: 'none' | 'joined'): void {
    this.#outbound = phase;
    const waiting = this.#waiting.splice(0);
    for (const [i, user] of waiting.entries()) this.#enters(user, i === 0 ? 'full' : 'twice');
  }
}

/** XEP-0033, as a server adds it. */
function addresses(user: Jid): XmlElement {
  const xmlns = 'http://jabber.org/protocol/address';
  return el('addresses', xmlns, {}, el('address', xmlns, { type: 'ofrom', jid: user }));
}
