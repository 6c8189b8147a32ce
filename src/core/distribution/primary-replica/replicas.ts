import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { Spec } from '../../turn/spec.ts';
import { writeStanding } from '../../xep/sync.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { type Instant, instant } from '../../xmpp/time.ts';
import { Link, type Wording } from '../link.ts';
import { type ReplicaPeer, replicaPeer } from '../peers.ts';
import { Pending } from '../pending.ts';
import { isBehind, reachable, usersOf } from './served.ts';
import type { Target } from './to-replica.ts';
import { usersDigest } from './users-digest.ts';

/** What the primary knows of a replica only while it runs, and only for one session, or until it is taken up again. */
export interface ReplicaSession {
  readonly link: Link;
  /** Users handed over by `<enter/>`: refused, they fall back to direct service. */
  readonly entering: Pending<Jid, HandedOver>;
  /** Users whom the primary served itself until their replica said that it has them: they have heard it all. */
  readonly heard: Set<Jid>;
  /** The earliest moment at which it may have noticed that it was split: nothing said meanwhile is older (decision #42). */
  readonly notBefore: Instant;
  /** What it relayed of a split, by its own ids, and how much of that were messages. */
  readonly relayed: Set<string>;
  messages: number;
  characters: number;
  /** It says that none of its users is a moderator, whatever is counted here (decision #7). */
  noModerators: boolean;
  /** Id of the request for creation that this session answers: repeated by a link, it is no other. */
  created: string | undefined;
}

/** Why a user is on their way to a replica, and the id of the `<enter/>` that says so. */
export interface HandedOver {
  readonly id: string;
  readonly join: JoinRequest;
}

/** Users whom the primary serves itself since it dismissed their replica. */
export interface TakenOver {
  /** The room's place when it did. */
  readonly n: number;
  readonly users: readonly Jid[];
}

/** Users handed over to one replica whose refusal would be understood. More than are on their way at any time. */
const enteringMax = 10_000;
/** Takings-over whose answer is waited for. */
const takenOverMax = 100;
/** A primary offers again after that many milliseconds at the earliest. */
const offerMs = 5_000;

/** The replicas of one primary: what is known of them while it runs, and the one way by which something goes to them. */
export class Replicas {
  /** Those who were taken over from a replica that has not said yet how far it came (decision #40), by `takingOver`. */
  readonly takenOver = new Pending<string, TakenOver>(takenOverMax);
  readonly #configured: ReadonlyMap<Jid, readonly Jid[]>;
  readonly #sessions = new Map<Jid, ReplicaSession>();
  /** When those that have no session, or are split, were asked to ask. */
  readonly #offered = new Map<Jid, Instant>();
  /** Those that have named a later epoch than the room's. */
  readonly #knewLater = new Set<Jid>();

  /** The shortest keepalive interval that a replica may ask for, in seconds. Decision #5. */
  readonly leastInterval: number;

  /** @param configured  the domains that the replicas of the configuration may serve; others serve their own */
  constructor(configured: ReadonlyMap<Jid, readonly Jid[]>, leastInterval = 10) {
    this.leastInterval = leastInterval;
    this.#configured = configured;
  }

  /** The domains that an account may serve as a replica of this room; undefined: it is not on the room's list. */
  domainsOf({ config }: RoomView, replica: Jid): readonly Jid[] | undefined {
    if (!config.nodes.includes(replica)) return undefined;
    return this.#configured.get(replica) ?? [domainOf(replica)];
  }

  of(turn: RoomTurn, replica: Jid, record: ReplicaPeer): ReplicaSession {
    return this.#sessions.get(replica) ?? this.begin(turn, replica, record);
  }

  /** A session begins, or is taken up again: nothing of what went before is in flight. */
  begin(turn: RoomTurn, replica: Jid, record: ReplicaPeer, moderators?: number): ReplicaSession {
    const { session, keepalive: times } = record;
    const heard = record.heard ?? this.#sessions.get(replica)?.link.lastHeard ?? record.since;
    const begun: ReplicaSession = {
      link: new Link(turn.env, { self: turn.room.jid, peer: replica, session, times }, wordingFor(replica)),
      entering: new Pending(enteringMax),
      heard: new Set(),
      notBefore: instant(heard - (times.interval + 2 * times.timeout) * 1000),
      relayed: new Set(),
      messages: 0,
      characters: 0,
      noModerators: moderators === 0,
      created: undefined,
    };
    this.#sessions.set(replica, begun);
    this.#offered.delete(replica);
    return begun;
  }

  /** The session is over. */
  end(turn: RoomTurn, replica: Jid): void {
    this.#sessions.get(replica)?.link.unwatch(turn);
    this.#sessions.delete(replica);
    this.#offered.delete(replica);
  }

  /** @returns false if it was asked to ask just now */
  mayOffer(replica: Jid, now: Instant): boolean {
    const offered = this.#offered.get(replica);
    if (offered !== undefined && now - offered < offerMs) return false;
    this.#offered.set(replica, now);
    return true;
  }

  /** Decision #4: one that has named a later epoch than the room's learns all others from this node, as long as it runs. */
  mayNameEpoch(replica: Jid): boolean {
    if (this.#knewLater.has(replica)) return false;
    this.#knewLater.add(replica);
    return true;
  }

  /** One stanza to every replica that is not split. */
  sendAll(turn: RoomTurn, spec: Spec, make: (to: Target) => Stanza): void {
    for (const [replica, record] of turn.room.peers) if (reachable(record)) this.send(turn, replica, spec, make);
  }

  /** @returns the id of what went out; undefined: the replica has no session */
  send(turn: RoomTurn, replica: Jid, spec: Spec, make: (to: Target) => Stanza): string | undefined {
    const { room } = turn;
    const record = replicaPeer(room, replica);
    if (record === undefined) return undefined;
    const stanza = make({ replica, jids: this.mayHoldJids(room, replica) });
    return this.of(turn, replica, record).link.send(turn, stanza, spec);
  }

  /** §4.7: full JIDs go only to a replica one of whose users is a moderator, or where everybody sees them. */
  mayHoldJids(room: RoomView, replica: Jid): boolean {
    if (room.whois === 'anyone') return true;
    if (this.#sessions.get(replica)?.noModerators) return false;
    for (const occupant of room.occupants.values()) {
      if (occupant.role === 'moderator' && isBehind(occupant, replica)) return true;
    }
    return false;
  }
}

/** Decision #2: what a replica that missed something learns it from. One that is split is told when it asks. */
function wordingFor(replica: Jid): Wording {
  return {
    keepalive: '0282#4.10',
    position(room) {
      if (!reachable(replicaPeer(room, replica))) return [];
      const users = usersDigest(usersOf(room, replica));
      return [writeStanding({ epoch: room.epoch, n: room.n, users })];
    },
  };
}
