import type { MucNode } from '../core/node/node.ts';
import type { ArchiveChange, ArchiveEntry } from '../core/room/archive-store.ts';
import type { AtHandLimits } from '../core/room/limits.ts';
import { bytesOf } from '../core/room/size.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { EventStore } from './event-store.ts';

/**
 * Every room has the last of its messages at hand.
 *
 * @param archived  what the log that was read changes in the archives. They have it already, but for those that were kept in
 *   the snapshot by an earlier version
 */
export async function recallAll(node: MucNode, store: EventStore, archived: readonly ArchiveChange[]): Promise<void> {
  for (const { room, limits } of node.archives()) {
    const { entries, isWhole } = await lastOf(store, room, limits);
    const older = archived.filter((change) => change.room === room);
    if (entries.length > 0) node.recall(room, entries, isWhole);
    else if (older.length > 0) await store.append([], older);
  }
}

/** Read at a time: a large message may take a quarter of a megabyte. */
const pageMax = 50;

/** The last messages of a room's archive, as many as it has at hand, and whether there are no others. */
async function lastOf(
  store: EventStore,
  room: Jid,
  limits: AtHandLimits,
): Promise<{ readonly entries: readonly ArchiveEntry[]; readonly isWhole: boolean }> {
  let entries: readonly ArchiveEntry[] = [];
  let bytes = 0;
  for (let before: string | undefined = ''; before !== undefined; ) {
    const found = await store.search({ room, page: { max: pageMax, before } });
    if (found === undefined) break;
    entries = [...found.page, ...entries];
    if (found.complete) return { entries, isWhole: true };
    for (const { item } of found.page) bytes += bytesOf(item.payloads);
    if (entries.length >= limits.count || bytes >= limits.bytes) break;
    // One without an id cannot be named: what is older stays in the archive.
    before = entries[0]?.item.id || undefined;
  }
  return { entries, isWhole: false };
}
