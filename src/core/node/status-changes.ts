/**
 * A node's status as differences, so that what it says of itself does not grow with what it is: a service may have 20,000
 * rooms, and a room thousands of occupants, of which one has changed.
 */
import { isSameData } from '../xmpp/plain-data.ts';
import { escapeText, utf8Length } from '../xmpp/xml.ts';
import type { NodeStatus, OccupantStatus, PeerStatus, RoomChange, RoomStatus, StatusRecord } from './trace.ts';

/** What a record says beyond what and when it is. */
export type StatusChange = Pick<StatusRecord, 'status' | 'changes' | 'goneRooms'>;

/** Of one record, as JSON in XML: far below what a server takes from a node, so that what is between two of them need not wait. */
const bytesMost = 48 * 1024;
/** Of one list in one record: whoever reads a trace from a file takes so many. */
const itemsMost = 500;
/** What everything in a record but its rooms takes, and in a room everything but its occupants and peers, if it is as usual. */
const frameBytes = 1024;
/** A room with so many occupants and peers is said as a whole: that is simpler for whoever reads it, and hardly more. */
const smallRoom = 30;

/**
 * What has changed from one status to another, in as many records as it takes.
 *
 * @param before  undefined: nothing is known of the node, and the first record says so
 * @returns nothing, if nothing has changed
 */
export function statusChanges(before: NodeStatus | undefined, now: NodeStatus): readonly StatusChange[] {
  const { address, server } = now;
  const known = new Map(before?.rooms.map((room) => [room.room, room]));
  const parts: StatusChange[] = [];
  const tell = (rooms: readonly RoomChange[], goneRooms: readonly string[]) => {
    const isFirst = before === undefined && parts.length === 0;
    parts.push({
      status: { address, server, rooms },
      ...(isFirst ? {} : { changes: true }),
      ...(goneRooms.length === 0 ? {} : { goneRooms }),
    });
  };
  const changed: RoomChange[] = [];
  for (const room of now.rooms) {
    const was = known.get(room.room);
    known.delete(room.room);
    if (room !== was && !isSameData(room, was)) changed.push(...roomChanges(was, room));
  }
  for (const rooms of inParts(changed, bytesMost - frameBytes)) tell(rooms, []);
  for (const gone of inParts([...known.keys()], bytesMost - frameBytes)) tell([], gone);
  if (before === undefined && parts.length === 0) tell([], []);
  return parts;
}

/** The changes of one room, each of them small enough for a record. */
function roomChanges(was: RoomStatus | undefined, now: RoomStatus): readonly RoomChange[] {
  const size = ({ occupants, peers }: RoomStatus) => occupants.length + peers.length;
  const isWhole = was === undefined || Math.max(size(was), size(now)) <= smallRoom;
  const occupants = listChanges(isWhole ? [] : was.occupants, now.occupants, nickOf);
  const peers = listChanges(isWhole ? [] : was.peers, now.peers, peerOf);
  const { occupants: _, peers: __, ...head } = now;
  const share = Math.max(bytesMost / 4, bytesMost - 2 * frameBytes - bytesOf(head));
  const changes: RoomChange[] = [];
  const tell = (lists: Partial<RoomChange>) =>
    changes.push({
      ...head,
      occupants: [],
      peers: [],
      ...lists,
      ...(isWhole && changes.length === 0 ? {} : { changes: true }),
    });
  // Nearly always it is little.
  const isLittle = Math.max(occupants.changed.length, peers.changed.length) <= itemsMost;
  const isGone = occupants.gone.length + peers.gone.length > 0;
  if (isLittle && !isGone && bytesOf(peers.changed) + bytesOf(occupants.changed) <= share) {
    tell({ occupants: occupants.changed, peers: peers.changed });
    return changes;
  }
  for (const part of inParts(peers.changed, share)) tell({ peers: part });
  for (const part of inParts(occupants.changed, share)) tell({ occupants: part });
  for (const part of inParts(peers.gone, share)) tell({ gonePeers: part });
  for (const part of inParts(occupants.gone, share)) tell({ goneOccupants: part });
  return changes;
}

function listChanges<T>(before: readonly T[], now: readonly T[], keyOf: (item: T) => string) {
  const known = new Map(before.map((item) => [keyOf(item), item]));
  const changed: T[] = [];
  for (const item of now) {
    const key = keyOf(item);
    if (!isSameData(item, known.get(key))) changed.push(item);
    known.delete(key);
  }
  return { changed, gone: [...known.keys()] };
}

/** The items in order, in lists that are not too long; an item that is too long by itself is alone. */
function inParts<T>(items: readonly T[], bytesMax: number): readonly (readonly T[])[] {
  const parts: T[][] = [];
  let left = 0;
  for (const item of items) {
    const bytes = bytesOf(item) + 1;
    const part = parts.at(-1);
    if (part !== undefined && bytes <= left && part.length < itemsMost) {
      part.push(item);
      left -= bytes;
    } else {
      parts.push([item]);
      left = bytesMax - bytes;
    }
  }
  return parts;
}

/** Of its JSON, as XML has it. */
function bytesOf(value: unknown): number {
  return utf8Length(escapeText(JSON.stringify(value)));
}

const nickOf = ({ nick }: OccupantStatus) => nick;
const peerOf = ({ peer }: PeerStatus) => peer;
