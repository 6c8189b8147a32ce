import type { RoomSnapshot } from '../node/snapshot.ts';
import type { Affiliation } from '../xep/xep0045.ts';
import { assertNever } from '../xmpp/errors.ts';
import { bareOf, type Jid } from '../xmpp/jid.ts';
import type { RoomConfig } from './config.ts';
import type { HistoryItem, Occupant, PeerRecord, RoomEvent, Subject } from './event.ts';

/** What everything but `apply` may see of a room. */
export type RoomView = Omit<RoomState, 'apply' | 'restore'>;

/** All durable state of one room. `apply` is the one writer. */
export class RoomState {
  /** Fences the past: raised whenever the room starts without its log (decision #4). 0: not created yet. */
  epoch = 0;
  /** Place of the last accepted change in the accepting room's sequence (decision #1). */
  n = 0;
  subject: Subject | undefined;
  /** Who sees real JIDs (§4.2): the configuration's word, or the primary's at a replica. */
  whois: RoomConfig['whois'];
  readonly occupants = new Map<string, Occupant>();
  /** Affiliations given while the room runs; the configuration's own are the start. */
  readonly affiliations: Map<Jid, Affiliation>;
  readonly peers = new Map<Jid, PeerRecord>();
  readonly config: RoomConfig;
  #history: HistoryItem[] = [];
  /** Derived: real full JID -> nick. */
  readonly #nicks = new Map<Jid, string>();
  /** Derived: identities in the history. */
  readonly #identities = new Set<string>();

  constructor(config: RoomConfig) {
    this.config = config;
    this.whois = config.whois;
    this.affiliations = new Map(config.affiliations);
  }

  get jid(): Jid {
    return this.config.jid;
  }

  /** Oldest first, at most `config.historyMax`. */
  get history(): readonly HistoryItem[] {
    const { historyMax } = this.config;
    return this.#history.length > historyMax ? this.#history.slice(-historyMax) : this.#history;
  }

  occupantByJid(jid: Jid): Occupant | undefined {
    const nick = this.#nicks.get(jid);
    return nick === undefined ? undefined : this.occupants.get(nick);
  }

  affiliationOf(jid: Jid): Affiliation {
    return this.affiliations.get(bareOf(jid)) ?? 'none';
  }

  /** Whether the history holds the message with this identity. */
  holds(item: { readonly by: Jid; readonly id: string }): boolean {
    return this.#identities.has(identityOf(item));
  }

  apply(event: RoomEvent): void {
    if (event.n !== undefined) this.n = event.n;
    switch (event.kind) {
      case 'roomCreated':
        this.epoch = event.epoch;
        if (event.owner !== undefined) this.affiliations.set(bareOf(event.owner), 'owner');
        return;
      case 'roomDestroyed':
        return;
      case 'occupantEntered':
      case 'occupantChanged':
        return this.#put(event.occupant);
      case 'occupantLeft':
        return this.#remove(event.nick);
      case 'nickChanged': {
        const occupant = this.occupants.get(event.nick);
        if (occupant === undefined) return;
        this.#remove(event.nick);
        return this.#put({ ...occupant, nick: event.newNick });
      }
      case 'messageAccepted':
        return this.#remember(event.item);
      case 'subjectChanged':
        this.subject = event.subject;
        return;
      case 'peerChanged':
        if (event.record) this.peers.set(event.peer, event.record);
        else this.peers.delete(event.peer);
        return;
      case 'stateReplaced':
        this.epoch = event.epoch;
        this.whois = event.whois;
        this.#replace(event);
        return;
      default:
        assertNever(event);
    }
  }

  snapshot(): RoomSnapshot {
    return {
      room: this.jid,
      epoch: this.epoch,
      n: this.n,
      whois: this.whois,
      occupants: [...this.occupants.values()],
      affiliations: [...this.affiliations],
      history: this.history,
      subject: this.subject,
      peers: [...this.peers],
    };
  }

  restore(snapshot: RoomSnapshot): void {
    this.epoch = snapshot.epoch;
    this.n = snapshot.n;
    this.whois = snapshot.whois;
    this.affiliations.clear();
    for (const [jid, affiliation] of snapshot.affiliations) this.affiliations.set(jid, affiliation);
    this.peers.clear();
    for (const [jid, record] of snapshot.peers) this.peers.set(jid, record);
    this.#replace(snapshot);
  }

  #replace(state: Pick<RoomSnapshot, 'occupants' | 'history' | 'subject'>): void {
    this.occupants.clear();
    this.#nicks.clear();
    for (const occupant of state.occupants) this.#put(occupant);
    this.#history = [];
    this.#identities.clear();
    for (const item of state.history) this.#remember(item);
    this.subject = state.subject;
  }

  #put(occupant: Occupant): void {
    this.#remove(occupant.nick);
    this.occupants.set(occupant.nick, occupant);
    if (occupant.jid !== undefined) this.#nicks.set(occupant.jid, occupant.nick);
  }

  #remove(nick: string): void {
    const jid = this.occupants.get(nick)?.jid;
    if (jid !== undefined) this.#nicks.delete(jid);
    this.occupants.delete(nick);
  }

  #remember(item: HistoryItem): void {
    this.#history.push(item);
    this.#identities.add(identityOf(item));
    // Trimmed by a quarter at a time: shifting an array for every message would cost its length every time.
    const max = this.config.historyMax;
    if (this.#history.length > max + Math.max(16, max >> 2)) {
      for (const old of this.#history.splice(0, this.#history.length - max)) this.#identities.delete(identityOf(old));
    }
  }
}

function identityOf({ by, id }: { readonly by: Jid; readonly id: string }): string {
  return `${by} ${id}`;
}
