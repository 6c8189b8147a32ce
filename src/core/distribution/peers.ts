import type { PeerRecord } from '../room/event.ts';
import type { RoomView } from '../room/state.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Instant } from '../xmpp/time.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { KeepaliveTimes } from './keepalive.ts';

/** XEP-0282, at a primary: one of its replicas. */
export interface ReplicaPeer extends PeerRecord {
  readonly kind: 'replica';
  /** Given at creation (decision #5). */
  readonly session: string;
  /** The domains whose users it serves. */
  readonly serves: readonly Jid[];
  /** What was agreed on at creation. */
  readonly keepalive: KeepaliveTimes;
  /** Messages of history that it wants. */
  readonly maxstanzas: number;
  /** When it was heard for the last time before it was split. */
  readonly heard?: Instant;
  /** Users of its domains who have joined past it since it was split. Decision #43. */
  readonly past?: readonly Jid[];
}

/** XEP-0282, at a replica: its primary. `session`: absent if none was given, or if it is over. */
export interface PrimaryPeer extends PeerRecord {
  readonly kind: 'primary';
  readonly session?: string;
}

/** XEP-0289: another FMUC node. */
export interface FmucPeer extends PeerRecord {
  readonly kind: 'fmuc';
  /** `outbound`: this node joined the other; `inbound`: the other joined this one. */
  readonly direction: 'outbound' | 'inbound';
  /** It is known not to know our extension. */
  readonly plain?: true;
  /** The id of the peer's join; absent where it gave none. */
  readonly session?: string;
  /** While split: when the two were in step for the last time. */
  readonly heard?: Instant;
}

interface WithPeers {
  readonly peers: ReadonlyMap<Jid, PeerRecord>;
}

/** XEP-0281: another instance of the room. Its room is the key, and `id` is what all but the source are called. */
export interface InstancePeer extends PeerRecord {
  readonly kind: 'instance';
  readonly seat: 'source' | 'shadow';
  /** At the source: it has accepted to replicate the room (§3.2). */
  readonly accepted?: true;
  /** At a shadow, of the source: what users asked for that the source is to decide, oldest first. Decision #206. */
  readonly asked?: readonly Asked[];
}

/** Something that a user asked the room for while the source was out of reach. */
export interface Asked {
  readonly id: string;
  readonly from: Jid;
  readonly payload: XmlElement;
}

export function instancePeer(room: WithPeers, peer: Jid): InstancePeer | undefined {
  return peerOf<InstancePeer>(room, peer, 'instance');
}
export function instancePeers(room: WithPeers): readonly (readonly [Jid, InstancePeer])[] {
  return peersOf<InstancePeer>(room, 'instance');
}

export function replicaPeer(room: RoomView, peer: Jid): ReplicaPeer | undefined {
  return peerOf<ReplicaPeer>(room, peer, 'replica');
}
export function primaryPeer(room: RoomView, peer: Jid): PrimaryPeer | undefined {
  return peerOf<PrimaryPeer>(room, peer, 'primary');
}
export function fmucPeer(room: RoomView, peer: Jid): FmucPeer | undefined {
  return peerOf<FmucPeer>(room, peer, 'fmuc');
}

function peerOf<P extends PeerRecord>(room: WithPeers, peer: Jid, kind: P['kind']): P | undefined {
  const record = room.peers.get(peer);
  return record?.kind === kind ? (record as P) : undefined;
}

export function replicaPeers(room: RoomView): readonly (readonly [Jid, ReplicaPeer])[] {
  return peersOf<ReplicaPeer>(room, 'replica');
}
export function fmucPeers(room: RoomView): readonly (readonly [Jid, FmucPeer])[] {
  return peersOf<FmucPeer>(room, 'fmuc');
}

function peersOf<P extends PeerRecord>(room: WithPeers, kind: P['kind']): readonly (readonly [Jid, P])[] {
  const found: (readonly [Jid, P])[] = [];
  for (const [peer, record] of room.peers) if (record.kind === kind) found.push([peer, record as P]);
  return found;
}
