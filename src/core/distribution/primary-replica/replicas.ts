import type { PeerRecord } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { type Instant, instant } from '../../xmpp/time.ts';
import { defaultTimes, Keepalive } from '../keepalive.ts';
import { Outstanding } from '../outstanding.ts';
import { replicaPeer, replicaPeers } from '../peers.ts';
import type { Target } from './to-replica.ts';

/** What the primary knows of a replica only while it runs. */
export interface Volatile {
  readonly keepalive: Keepalive;
  readonly outstanding: Outstanding;
  /** Users handed over by `<enter/>`, by the id of the last one: refused, they fall back to direct service. */
  readonly entering: Map<Jid, { readonly id: string | undefined; readonly join: JoinRequest }>;
  /** Users whom the primary served itself until their replica said that it has them: they have heard it all. */
  readonly heard: Set<Jid>;
  tries: number;
  /** The earliest moment at which it may have noticed that it was split: nothing said meanwhile is older (decision #42). */
  readonly notBefore: Instant;
  /** What it relayed of a split, by its own ids, and how much of that were messages. */
  readonly relayed: Set<string>;
  messages: number;
  characters: number;
  /** It says that none of its users is a moderator, whatever is counted here (decision #7). */
  noModerators: boolean;
  offered: Instant | undefined;
  /** Id of the request for creation that was answered last: repeated by a link, it is no other. */
  created: string | undefined;
}

/** The replicas of one primary: what is known of them while it runs, and the one way by which something goes to them. */
export class Replicas {
  readonly #configured: ReadonlyMap<Jid, readonly Jid[]>;
  readonly #states = new Map<Jid, Volatile>();

  /** @param configured  the domains that the replicas of the configuration may serve; others serve their own */
  constructor(configured: ReadonlyMap<Jid, readonly Jid[]>) {
    this.#configured = configured;
  }

  /** The domains that an account may serve as a replica of this room; undefined: it is not on the room's list. */
  domainsOf({ config }: RoomView, replica: Jid): readonly Jid[] | undefined {
    if (!config.nodes.includes(replica)) return undefined;
    return this.#configured.get(replica) ?? [domainOf(replica)];
  }

  of(turn: RoomTurn, replica: Jid): Volatile {
    return this.#states.get(replica) ?? this.begin(turn, replica);
  }

  /** A session begins, or is taken up again: nothing of what went before is in flight. */
  begin(turn: RoomTurn, replica: Jid, moderators?: number): Volatile {
    const { room } = turn;
    const record = replicaPeer(room, replica);
    const heard = record?.heard ?? this.#states.get(replica)?.keepalive.lastHeard() ?? record?.since ?? turn.env.now;
    const { interval, timeout } = record?.keepalive ?? defaultTimes;
    const state: Volatile = {
      keepalive: new Keepalive(turn.env.now, record?.keepalive),
      outstanding: new Outstanding(),
      entering: new Map(),
      heard: new Set(),
      tries: 0,
      notBefore: instant(heard - (interval + 2 * timeout) * 1000),
      relayed: new Set(),
      messages: 0,
      characters: 0,
      noModerators: moderators === 0,
      offered: undefined,
      created: undefined,
    };
    this.#states.set(replica, state);
    return state;
  }

  forget(replica: Jid): void {
    this.#states.delete(replica);
  }

  /** One stanza to every replica that is not split. */
  sendAll(turn: RoomTurn, spec: string, make: (to: Target) => Stanza): void {
    const { room } = turn;
    for (const [replica, record] of room.peers) if (reachable(record)) this.send(turn, replica, spec, make);
  }

  send(turn: RoomTurn, replica: Jid, spec: string, make: (to: Target) => Stanza): void {
    const { room } = turn;
    const id = turn.env.newId();
    this.of(turn, replica).outstanding.add(id);
    turn.send(make({ replica, jids: this.mayHoldJids(room, replica), id }), spec, replica);
  }

  /** §4.7: full JIDs go only to a replica one of whose users is a moderator, or where everybody sees them. */
  mayHoldJids(room: RoomView, replica: Jid): boolean {
    if (room.whois === 'anyone') return true;
    if (this.#states.get(replica)?.noModerators) return false;
    for (const occupant of room.occupants.values()) {
      if (occupant.home === replica && occupant.role === 'moderator') return true;
    }
    return false;
  }
}

/** Whether broadcasts go to it. */
export function reachable(record: PeerRecord | undefined): boolean {
  return record?.state === 'live' || record?.state === 'syncing';
}

/** Whom the primary counts as a replica's users: nick and JID. */
export function usersOf(room: RoomView, replica: Jid): readonly (readonly [nick: string, jid: Jid])[] {
  const users: (readonly [string, Jid])[] = [];
  for (const { home, nick, jid } of room.occupants.values())
    if (home === replica && jid !== undefined) users.push([nick, jid]);
  return users;
}

/** The replica that serves this user's domain, if it is in one of these states. */
export function servedBy(room: RoomView, user: Jid, states: readonly PeerRecord['state'][]): Jid | undefined {
  const domain = domainOf(user);
  for (const [replica, record] of replicaPeers(room)) {
    if (states.includes(record.state) && record.serves.includes(domain)) return replica;
  }
  return undefined;
}
