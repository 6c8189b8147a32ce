import type { ArchiveChange, ArchiveEntry, ArchiveSearch } from '../room/archive-store.ts';
import type { RoomEvent } from '../room/event.ts';
import type { AtHandLimits } from '../room/limits.ts';
import type { Effect } from '../turn/effect.ts';
import type { Env } from '../turn/env.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Holdings } from './holdings.ts';
import type { Input } from './input.ts';
import type { NodeImage, NodeSnapshot } from './snapshot.ts';
import type { NodeStatus } from './trace.ts';

/** What a node asks of its host. */
export type NodeEffect = Effect<RoomEvent, ArchiveChange, ArchiveSearch>;

/** Rooms and their distributions behind one function; made by createMucNode (muc-node.ts). */
export interface MucNode {
  /** Decides; changes state only through `apply`, of the very events it returns in `append`. */
  handle(input: Input, env: Env): readonly NodeEffect[];
  /**
   * The one writer. Restart = `restore(snapshot)`, then `apply` for the tail of the log, then `recall` for each of its rooms.
   *
   * @returns what changes with it in the archive, where that does not have it yet
   */
  apply(event: RoomEvent): readonly ArchiveChange[];
  snapshot(): NodeImage;
  /** @returns what of the archive the snapshot has, if it is of a version that kept it there */
  restore(snapshot: NodeSnapshot): readonly ArchiveChange[];
  /** The rooms, and how much each of them has at hand of its archive. */
  archives(): readonly { readonly room: Jid; readonly limits: AtHandLimits }[];
  /** The last entries of a room's archive, oldest first. @param isWhole  it has no others */
  recall(room: Jid, entries: readonly ArchiveEntry[], isWhole: boolean): void;
  /** What the page shows. */
  status(): NodeStatus;
  /** What it tells the other processes of its service. */
  holdings(): Holdings;
}
