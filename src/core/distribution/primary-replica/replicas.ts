import type { PeerRecord } from '../../room/event.ts';
import type { RoomView } from '../../room/state.ts';
import type { Turn } from '../../room/turn.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { type Instant, instant } from '../../xmpp/time.ts';
import { defaultTimes, Keepalive } from '../keepalive.ts';
import { Outstanding } from '../outstanding.ts';
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
}

/** The replicas of one primary: what is known of them while it runs, and the one way by which something goes to them. */
export class Replicas {
  readonly #states = new Map<Jid, Volatile>();

  of(turn: Turn, room: RoomView, replica: Jid): Volatile {
    return this.#states.get(replica) ?? this.begin(turn, room, replica);
  }

  /** A session begins, or is taken up again: nothing of what went before is in flight. */
  begin(turn: Turn, room: RoomView, replica: Jid, moderators?: number): Volatile {
    const record = room.peers.get(replica);
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
    };
    this.#states.set(replica, state);
    return state;
  }

  forget(replica: Jid): void {
    this.#states.delete(replica);
  }

  /** One stanza to every replica that is not split. */
  sendAll(turn: Turn, room: RoomView, spec: string, make: (to: Target) => Stanza): void {
    for (const [replica, record] of room.peers) if (reachable(record)) this.send(turn, room, replica, spec, make);
  }

  send(turn: Turn, room: RoomView, replica: Jid, spec: string, make: (to: Target) => Stanza): void {
    const id = turn.env.newId();
    this.of(turn, room, replica).outstanding.add(id);
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

/** The domains that an account may serve as a replica of this room; undefined: it is not on the room's list. */
export function domainsOf({ config }: RoomView, replica: Jid): readonly Jid[] | undefined {
  if (!config.replicas.includes(replica)) return undefined;
  const configured = config.distribution.kind === 'primary' ? config.distribution.replicas.get(replica) : undefined;
  return configured ?? [domainOf(replica)];
}

/** The replica that serves this user's domain, if it is in one of these states. */
export function servedBy(room: RoomView, user: Jid, states: readonly PeerRecord['state'][]): Jid | undefined {
  const domain = domainOf(user);
  for (const [replica, record] of room.peers) {
    if (states.includes(record.state) && record.serves?.includes(domain)) return replica;
  }
  return undefined;
}
