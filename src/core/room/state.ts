import type { Affiliation } from '../xep/xep0045.ts';
import { readRetract } from '../xep/xep0424.ts';
import { assertNever } from '../xmpp/errors.ts';
import { bareOf, domainOf, type Jid } from '../xmpp/jid.ts';
import type { ArchiveChange, ArchiveEntry } from './archive-store.ts';
import { boundedIds } from './bounds.ts';
import { ChangeLog } from './change-log.ts';
import type { RoomConfig, RoomSettings } from './config.ts';
import {
  type Actor,
  type Divergence,
  type HistoryItem,
  isLocal,
  type LocalOccupant,
  type Occupant,
  type Order,
  type PeerRecord,
  type RoomEvent,
  type Subject,
} from './event.ts';
import { Invitations } from './invitations.ts';
import { keptOccupant } from './kept-occupant.ts';
import { type ArchiveLimits, type AtHandLimits, defaultLimits } from './limits.ts';
import { Messages } from './messages.ts';
import { Reached } from './reached.ts';
import { takesSubjectBack } from './retraction.ts';
import { asSession, joined, localSessions, sessionsOf } from './sessions.ts';
import { Shapes } from './shapes.ts';
import { boundedSubject } from './size.ts';
import type { RoomImage, RoomSnapshot } from './snapshot.ts';
import { TakenOut } from './taken-out.ts';
import type { Traits } from './traits.ts';

/** What everything but `apply` may see of a room. */
export type RoomView = Omit<RoomState, 'apply' | 'restore' | 'recall'>;

type RoomTraits = Pick<Traits, 'keepsChanges' | 'givesOccupantIds' | 'atHandLimits'>;

/** All durable state of one room. `apply` is the one writer. */
export class RoomState {
  /** Fences the past: raised whenever the room starts without its log (decision #4). 0: not created yet. */
  epoch = 0;
  /** Position of the last accepted change in the accepting room's sequence (decision #1). */
  n = 0;
  subject: Subject | undefined;
  /** It is new and its owner has not configured it yet, so nobody else may enter (§10.1). */
  locked = false;
  readonly occupants = new Map<string, Occupant>();
  /** Affiliations given while the room runs; the configuration's own are the start. */
  readonly affiliations: Map<Jid, Affiliation>;
  /** Who banned these users, and why, where that was said (§9.2). */
  readonly bans = new Map<Jid, Actor>();
  readonly peers = new Map<Jid, PeerRecord>();
  /** The configuration as it is now. */
  config: RoomConfig;
  /** Nicks that only these users (bare JIDs) may use. */
  readonly reservedNicks = new Map<Jid, string>();
  /** Given once to each user who ever was here, by bare JID (XEP-0421). */
  readonly occupantIds = new Map<Jid, string>();
  readonly invitations = new Invitations();
  /** Users of other nodes whom a moderator took out. XEP-0289 §5.5. */
  readonly takenOut = new TakenOut();
  /** How far all that a room has accepted has been here, by room: this one, and the others that count what they accept. */
  readonly reached = new Reached();
  /** The room of which this one is another instance; undefined: of none. */
  of: Jid | undefined;
  /** The last changes, for peer nodes that missed some; empty where the protocol does not need it. */
  readonly log = new ChangeLog();
  readonly #traits: RoomTraits;
  #divergence: readonly Divergence[] = [];
  #changes: Partial<RoomSettings> = {};
  readonly #messages: Messages;
  /** Derived when it is asked for: those whom this node serves itself. */
  #locals: readonly LocalOccupant[] | undefined;
  /** Derived: real full JID -> nick. */
  readonly #nicks = new Map<Jid, string>();
  readonly #shapes = new Shapes(this.occupants);

  constructor(config: RoomConfig, traits: RoomTraits) {
    this.config = config;
    this.#traits = traits;
    this.affiliations = new Map(config.affiliations);
    this.#messages = new Messages(config.jid, this.limits, keptOf(config, this.limits));
  }

  get jid(): Jid {
    return this.config.jid;
  }

  get whois(): RoomConfig['whois'] {
    return this.config.whois;
  }

  /** The last messages, oldest first: as many as it has at hand. The rest is in the archive (XEP-0313). */
  get atHand(): readonly HistoryItem[] {
    return this.#messages.all;
  }

  /** Whether the archive has nothing but what is at hand. */
  get isWhole(): boolean {
    return this.#messages.isWhole;
  }

  /** What a user who enters may be sent: oldest first, at most `config.historyMax`. */
  get history(): readonly HistoryItem[] {
    return this.#messages.last(this.config.historyMax);
  }

  /** XEP-0282: what this node's users did that the node that decides does not know of, oldest first. */
  get divergence(): readonly Divergence[] {
    return this.#divergence;
  }

  /** Those whom this node serves itself, in order of entry; an occupant with several sessions stands here for each of them. */
  get locals(): readonly LocalOccupant[] {
    if (this.#locals !== undefined) return this.#locals;
    const locals: LocalOccupant[] = [];
    for (const occupant of this.occupants.values()) {
      if (occupant.sessions !== undefined) locals.push(...localSessions(occupant));
      else if (isLocal(occupant)) locals.push(occupant);
    }
    this.#locals = locals;
    return locals;
  }

  /** The occupant whose session this is, as that session sees it. */
  occupantByJid(jid: Jid): Occupant | undefined {
    const nick = this.#nicks.get(jid);
    const occupant = nick === undefined ? undefined : this.occupants.get(nick);
    return occupant?.sessions === undefined ? occupant : asSession(occupant, jid);
  }

  /** The users whose nicks look like this (nick.ts). There may be several, because other nodes let in whom they want. */
  occupantsByShape(shape: string): readonly Occupant[] {
    return this.#shapes.alike(shape).flatMap((nick) => this.occupants.get(nick) ?? []);
  }

  /** The XEP-0421 id of a user who was here before. */
  occupantIdOf(jid: Jid): string | undefined {
    return this.occupantIds.get(bareOf(jid));
  }

  affiliationOf(jid: Jid): Affiliation {
    const own = this.affiliations.get(bareOf(jid));
    if (own !== undefined) return own;
    // §9.2: of a domain as a whole only a ban counts.
    return this.affiliations.get(domainOf(jid)) === 'outcast' ? 'outcast' : 'none';
  }

  /** Whether the message with this identity has been here: it is kept, or it passed lately. */
  holds(item: Pick<HistoryItem, 'by' | 'id'>): boolean {
    return this.#messages.holds(item);
  }

  /** The same of one that is told late (decision #222). */
  holdsPast(item: HistoryItem): boolean {
    return this.#messages.holdsPast(item);
  }

  /** Whether there is a message that this one takes back (XEP-0424, XEP-0425). */
  retracts(item: HistoryItem): boolean {
    return this.#messages.retracts(item);
  }

  /** @returns what changes with it in the room's archive */
  apply(event: RoomEvent): readonly ArchiveChange[] {
    this.#apply(event);
    return this.#messages.takeChanges();
  }

  #apply(event: RoomEvent): void {
    if (event.n !== undefined) this.n = event.n;
    if (this.#traits.keepsChanges) this.log.add(event);
    switch (event.kind) {
      case 'roomCreated':
        this.epoch = event.epoch;
        this.locked = event.owner !== undefined && event.open === undefined;
        this.of = event.of;
        if (event.owner !== undefined) this.affiliations.set(bareOf(event.owner), 'owner');
        return;
      case 'epochBegun':
        this.epoch = event.epoch;
        return;
      case 'roomConfigured':
        // A vCard is no configuration that a new room waits for (§10.1).
        if (event.changes.vcard === undefined) this.locked = false;
        return this.#configure(event.changes);
      case 'affiliationChanged':
        if (event.affiliation === 'none') this.affiliations.delete(event.user);
        else this.affiliations.set(event.user, event.affiliation);
        if (event.affiliation === 'outcast' && event.by !== undefined) this.bans.set(event.user, event.by);
        else this.bans.delete(event.user);
        return;
      case 'nickReserved':
        if (event.nick === undefined) this.reservedNicks.delete(event.user);
        else this.reservedNicks.set(event.user, event.nick);
        return;
      case 'takenOut':
        return this.takenOut.set(event.user, event.why);
      case 'invited':
        return this.invitations.add(event.invitation);
      case 'invitationEnded':
        return this.invitations.end(event.invitation);
      case 'roomDestroyed':
        return this.#messages.clear();
      case 'occupantEntered':
        if (event.occupant.jid !== undefined) this.invitations.accepted(event.occupant.jid);
        return this.#put(event.occupant);
      case 'occupantChanged':
        return this.#put(event.occupant);
      case 'occupantLeft':
        if (event.n !== undefined) this.#settleLeave(event.nick);
        return this.#remove(event.nick);
      case 'nickChanged':
        return this.#rename(event);
      case 'messageAccepted':
        if (event.item.split !== undefined) this.#settleWord(event.item.split.id);
        this.#count(event.item);
        if (event.past) return this.#rememberPast(event.item);
        return this.#remember(event.item);
      case 'subjectChanged':
        this.subject = boundedSubject(event.subject);
        if (event.item === undefined) return;
        this.#count(event.item);
        if (!event.past) return this.#remember(event.item);
        // The other node may tell of one that was here before.
        return this.holdsPast(event.item) ? undefined : this.#rememberPast(event.item);
      case 'positionPassed':
        if (event.passed === undefined) return;
        this.#count(event.passed);
        return this.#messages.pass(event.passed);
      case 'reached':
        this.reached.set(event.by, event.order, event.by === this.jid ? this.epoch : undefined);
        return;
      case 'diverged':
        return this.#diverge(event.act);
      case 'divergenceSettled':
        return this.#settleActs(event.ids, event.user);
      case 'peerChanged':
        if (event.record) this.peers.set(event.peer, event.record);
        else this.peers.delete(event.peer);
        return;
      case 'stateReplaced':
        this.epoch = event.epoch;
        this.#configure({ whois: event.whois, ...event.config });
        // The node that decides has still to judge what was said here while this node was cut off.
        this.#replace({ ...event, history: [...event.history, ...this.atHand.filter((item) => item.provisional)] });
        return;
      default:
        assertNever(event);
    }
  }

  snapshot(): RoomImage {
    return {
      room: this.jid,
      epoch: this.epoch,
      n: this.n,
      locked: this.locked,
      changes: this.#changes,
      occupants: [...this.occupants.values()],
      affiliations: [...this.affiliations],
      bans: [...this.bans],
      reservedNicks: [...this.reservedNicks],
      occupantIds: [...this.occupantIds],
      history: [...this.atHand],
      invitations: this.invitations.entries,
      takenOut: this.takenOut.entries,
      log: [...this.log.entries],
      divergence: this.#divergence,
      subject: this.subject,
      peers: [...this.peers],
      reached: this.reached.entries,
      of: this.of,
    };
  }

  /** @returns what it has of the archive, where the snapshot is of the time when that was part of it */
  restore(snapshot: RoomSnapshot): readonly ArchiveChange[] {
    this.epoch = snapshot.epoch;
    this.n = snapshot.n;
    this.locked = snapshot.locked;
    this.#changes = {};
    this.#configure(snapshot.changes);
    refill(this.reservedNicks, snapshot.reservedNicks);
    refill(this.occupantIds, snapshot.occupantIds);
    refill(this.affiliations, snapshot.affiliations);
    refill(this.bans, snapshot.bans ?? []);
    refill(this.peers, snapshot.peers);
    // A snapshot of an earlier version may have none.
    this.invitations.restore(snapshot.invitations ?? []);
    this.reached.restore(snapshot.reached ?? []);
    this.takenOut.restore(snapshot.takenOut ?? []);
    this.of = snapshot.of;
    this.log.restore(snapshot.log ?? []);
    this.#divergence = snapshot.divergence ?? [];
    this.#replace({ ...snapshot, history: snapshot.history ?? [] });
    return this.#messages.takeChanges();
  }

  /** After a start, when the log is read: the last entries of the archive. @param isWhole  it has no others */
  recall(entries: readonly ArchiveEntry[], isWhole: boolean): void {
    this.#messages.recall(entries, isWhole);
  }

  /** How much of its messages it has at hand. A user who enters may be sent so many in any case. */
  get limits(): AtHandLimits {
    const limits = this.config.atHandLimits ?? this.#traits.atHandLimits ?? defaultLimits;
    return { ...limits, count: Math.max(limits.count, this.config.historyMax) };
  }

  #configure(given: Partial<RoomSettings>): void {
    // A log of before may have 0 where an owner wanted no limit.
    const changes = given.maxOccupants === 0 ? { ...given, maxOccupants: 'none' as const } : given;
    this.#changes = { ...this.#changes, ...changes };
    this.config = { ...this.config, ...changes };
    this.#messages.keep(this.limits, keptOf(this.config, this.limits));
  }

  #replace(state: Required<Pick<RoomSnapshot, 'occupants' | 'history' | 'subject'>>): void {
    this.occupants.clear();
    this.#locals = undefined;
    this.#nicks.clear();
    this.#shapes.clear();
    for (const occupant of state.occupants) this.#put(occupant);
    this.#messages.clear();
    for (const item of state.history) {
      this.#remember(item);
      // An answer to a join also brings authors who are gone.
      const { author } = item;
      if (author !== undefined && !this.occupantIds.has(bareOf(author))) this.#identifyUser(author, item.occupantId);
    }
    this.subject = state.subject && boundedSubject(state.subject);
  }

  #put(occupant: Occupant): void {
    const { nick, jid, sessions } = occupant;
    const before = this.occupants.get(nick);
    this.#locals = undefined;
    // Set, not deleted and set: an occupant keeps their place in the order of entry.
    this.occupants.set(nick, keptOccupant(this, occupant));
    if (before === undefined) {
      this.#shapes.add(nick);
    } else {
      if (before.jid !== undefined && before.jid !== jid) this.#nicks.delete(before.jid);
      for (const gone of before.sessions ?? []) this.#nicks.delete(gone.jid);
    }
    if (jid !== undefined) this.#nicks.set(jid, nick);
    for (const one of sessions ?? []) this.#nicks.set(one.jid, nick);
    // It does not matter how they came. Where another node gives the ids, this one keeps only the addresses of its own users.
    const known = this.#traits.givesOccupantIds || isLocal(occupant) ? jid : localSessions(occupant)[0]?.jid;
    if (known !== undefined) this.#identifyUser(known, occupant.occupantId);
  }

  #identifyUser(user: Jid, id: string): void {
    if (id === '') return;
    this.occupantIds.set(bareOf(user), id);
    const kept = boundedIds(this.occupantIds, () => new Set([...this.#nicks.keys()].map(bareOf)));
    if (kept) refill(this.occupantIds, kept);
  }

  #remove(nick: string): void {
    const before = this.occupants.get(nick);
    if (before === undefined) return;
    for (const { jid } of sessionsOf(before)) this.#nicks.delete(jid);
    this.occupants.delete(nick);
    this.#locals = undefined;
    this.#shapes.remove(nick);
  }

  #rename({ nick, newNick, presence, session }: Extract<RoomEvent, { kind: 'nickChanged' }>): void {
    // The node that decides has yet to hear that they left, and knows them by the new nick.
    if (this.#divergence.length > 0)
      this.#divergence = this.#divergence.map((act) =>
        act.kind === 'left' && !act.unserved && act.nick === nick ? { ...act, nick: newNick } : act,
      );
    const known = this.occupants.get(nick);
    if (known === undefined) return;
    const occupant = session === undefined ? known : asSession(known, session);
    this.#remove(nick);
    const after = { ...occupant, nick: newNick, presence: presence ?? occupant.presence };
    const holder = this.occupants.get(newNick);
    this.#put(holder === undefined ? after : joined(after, holder));
  }

  #diverge(act: Divergence): void {
    if (act.kind === 'said') this.#remember(act.item);
    else this.#settle(({ kind, jid }) => kind !== 'said' && jid === act.jid);
    // They enter again, and had said something before: it is taken only from a user who is in.
    const first = act.kind === 'entered' ? this.#divergence.findIndex(({ jid }) => jid === act.jid) : -1;
    this.#divergence = this.#divergence.toSpliced(first < 0 ? this.#divergence.length : first, 0, act);
  }

  /**
   * The node that decides tells of a leave that was passed on to it. If it served the user itself, it may be telling of an
   * earlier leave again: this one is settled when all was relayed (decision #42).
   */
  #settleLeave(nick: string): void {
    this.#settle((act) => act.kind === 'left' && !act.unserved && act.nick === nick);
  }

  /** What was said here, under this id of this node's, is accepted. */
  #settleWord(said: string): void {
    this.#settle(({ id, kind }) => kind === 'said' && id === said);
  }

  #settleActs(ids: readonly string[], user: Jid | undefined): void {
    this.#settle(({ id, kind, jid }) => ids.includes(id) || (kind !== 'said' && jid === user));
  }

  /** Takes acts off the divergence; what was said and is not accepted by now is no part of the room. */
  #settle(which: (act: Divergence) => boolean): void {
    if (this.#divergence.length === 0) return;
    for (const act of this.#divergence) if (which(act) && act.kind === 'said') this.#messages.forget(act.item);
    this.#divergence = this.#divergence.filter((act) => !which(act));
  }

  #count({ by, order }: { readonly by: Jid; readonly order?: Order | undefined }): void {
    if (order !== undefined) this.reached.count(by, order);
  }

  #rememberPast(item: HistoryItem): void {
    const { author, occupantId } = item;
    // Who was given one since is not called by that of before.
    const isUnknown = author !== undefined && !this.occupantIds.has(bareOf(author));
    if (isUnknown && this.#traits.givesOccupantIds) this.#identifyUser(author, occupantId);
    const retraction = this.#messages.addPast(item);
    if (retraction) this.log.takeBack(retraction);
    this.#takesBack(item);
  }

  #remember(item: HistoryItem): void {
    this.#messages.add(item);
    this.#takesBack(item);
  }

  /** What it takes back nobody is told of, and nodes that missed it neither. */
  #takesBack(item: HistoryItem): void {
    if (readRetract(item.payloads) === undefined) return;
    this.log.takeBack(item);
    if (this.subject && takesSubjectBack(item, this.subject)) this.subject = undefined;
  }
}

/** Without an archive that may be read, a room keeps what it needs itself. */
function keptOf({ logging, archive }: RoomConfig, { count }: AtHandLimits): ArchiveLimits {
  return logging ? archive : { ...archive, count };
}

function refill<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}
