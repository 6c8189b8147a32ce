/** A node's status, put together from the differences that its records say (status-changes.ts). */
import type { StatusChange } from './status-changes.ts';
import type { NodeStatus, OccupantStatus, PeerStatus, RoomChange, RoomStatus, StatusRecord } from './trace.ts';

const nickOf = ({ nick }: OccupantStatus) => nick;
const peerOf = ({ peer }: PeerStatus) => peer;

/** What a node is, as its records have said so far. */
export class KnownStatus {
  readonly #rooms = new Map<string, RoomStatus>();
  #status: NodeStatus | undefined;

  /** @returns what the node is now */
  take({ status, changes, goneRooms = [] }: StatusChange): NodeStatus {
    if (changes === undefined) this.#rooms.clear();
    for (const room of status.rooms) this.#rooms.set(room.room, roomAfter(this.#rooms.get(room.room), room));
    for (const room of goneRooms) this.#rooms.delete(room);
    this.#status = { address: status.address, server: status.server, rooms: [...this.#rooms.values()] };
    return this.#status;
  }

  get status(): NodeStatus | undefined {
    return this.#status;
  }
}

function roomAfter(was: RoomStatus | undefined, change: RoomChange): RoomStatus {
  const { changes, goneOccupants, gonePeers, ...room } = change;
  if (changes === undefined) return room;
  return {
    ...room,
    occupants: listAfter(was?.occupants, room.occupants, goneOccupants, nickOf),
    peers: listAfter(was?.peers, room.peers, gonePeers, peerOf),
  };
}

function listAfter<T>(
  was: readonly T[] = [],
  changed: readonly T[],
  gone: readonly string[] = [],
  keyOf: (item: T) => string,
): readonly T[] {
  const items = new Map(was.map((item) => [keyOf(item), item]));
  for (const item of changed) items.set(keyOf(item), item);
  for (const key of gone) items.delete(key);
  return [...items.values()];
}

/** What several nodes are. */
export class KnownStatuses {
  readonly #nodes = new Map<string, KnownStatus>();

  /** @returns what the node is now */
  take(record: StatusRecord): NodeStatus {
    const known = this.#nodes.get(record.node) ?? new KnownStatus();
    this.#nodes.set(record.node, known);
    return known.take(record);
  }
}
