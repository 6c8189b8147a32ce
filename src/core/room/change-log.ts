import type { HistoryItem, RoomEvent } from './event.ts';
import { takesBack, tombstoneOf } from './retraction.ts';
import { bytesOf, itemBytes } from './size.ts';
import { subjectOf } from './subject.ts';

/** Changes that a room can tell again. A peer node that missed more is given the whole state. Decision #41. */
export const changesMax = 1000;
/** And bytes of what was said with them. */
const changesBytes = 8 * 1024 * 1024;

/** An event that has a position in the room's sequence. */
export type Placed = RoomEvent & { readonly n: number };

/** Nodes are told that there is another vCard, and of its hashes. It is large, and a thousand of them would be too large. */
function withoutVcard(change: Placed): Placed {
  if (change.kind !== 'roomConfigured' || change.changes.vcard === undefined) return change;
  const { vcard: _, ...changes } = change.changes;
  return { ...change, changes };
}

/** The last changes of a room, in the order of their n: what a peer node that missed some is told from (XEP-0282 §4.11.2). */
export class ChangeLog {
  #changes: Placed[] = [];
  #bytes = 0;

  get entries(): readonly Placed[] {
    return this.#changes;
  }

  add(event: RoomEvent): void {
    if (event.n === undefined) return;
    const change = withoutVcard(event as Placed);
    this.#changes.push(change);
    this.#bytes += weightOf(change);
    // Trimmed by a quarter at a time: shifting an array for every change would cost its length every time.
    if (this.#changes.length > changesMax + changesMax / 4) this.#trim(changesMax, changesBytes);
    else if (this.#bytes > changesBytes) this.#trim(changesMax, changesBytes * 0.75);
  }

  /** Everything after n, if nothing of it is missing. @param last  n of the room */
  since(n: number, last: number): readonly Placed[] | undefined {
    if (n === last) return [];
    const first = this.#changes.findIndex((change) => change.n === n + 1);
    return first < 0 || n > last ? undefined : this.#changes.slice(first);
  }

  /** A message was taken back: a node that missed it is told of what is left. */
  takeBack(retraction: HistoryItem): void {
    this.#changes = this.#changes.map((change): Placed => {
      const said = change.kind === 'messageAccepted' || change.kind === 'subjectChanged' ? change.item : undefined;
      if (said === undefined || !takesBack(retraction, said)) return change;
      const { room, n } = change;
      const item = tombstoneOf(said, retraction);
      if (change.kind === 'messageAccepted') return { kind: 'messageAccepted', room, n, item };
      // It ended the subject before it all the same.
      return { kind: 'subjectChanged', room, n, subject: subjectOf({ ...item, payloads: [] }) };
    });
  }

  restore(changes: readonly Placed[]): void {
    this.#changes = [...changes];
    this.#bytes = changes.reduce((sum, change) => sum + weightOf(change), 0);
  }

  #trim(count: number, bytes: number): void {
    let first = Math.max(0, this.#changes.length - count);
    let left = this.#changes.slice(first).reduce((sum, change) => sum + weightOf(change), 0);
    for (; left > bytes; first++) left -= weightOf(this.#changes[first] as Placed);
    this.#changes.splice(0, first);
    this.#bytes = left;
  }
}

/** Bytes of what clients say in it. */
function weightOf(change: Placed): number {
  switch (change.kind) {
    case 'messageAccepted':
      return itemBytes(change.item);
    case 'subjectChanged':
      return change.item === undefined ? 0 : itemBytes(change.item);
    case 'occupantEntered':
    case 'occupantChanged':
      return bytesOf(change.occupant.presence);
    default:
      return 0;
  }
}
