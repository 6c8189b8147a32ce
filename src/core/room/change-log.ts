import type { HistoryItem, RoomEvent } from './event.ts';
import { subjectOf } from './subject.ts';

/** Changes that a room can tell again. A peer node that missed more is given the whole state. Decision #41. */
export const changesMax = 1000;

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

  get entries(): readonly Placed[] {
    return this.#changes;
  }

  add(event: RoomEvent): void {
    if (event.n === undefined) return;
    this.#changes.push(withoutVcard(event as Placed));
    // Trimmed by a quarter at a time: shifting an array for every change would cost its length every time.
    if (this.#changes.length > changesMax + changesMax / 4) this.#changes.splice(0, this.#changes.length - changesMax);
  }

  /** Everything after n, if nothing of it is missing. @param last  n of the room */
  since(n: number, last: number): readonly Placed[] | undefined {
    if (n === last) return [];
    const first = this.#changes.findIndex((change) => change.n === n + 1);
    return first < 0 || n > last ? undefined : this.#changes.slice(first);
  }

  /** A message was taken back: a node that missed it is told of what is left. */
  replace(item: HistoryItem): void {
    this.#changes = this.#changes.map((change): Placed => {
      const said = change.kind === 'messageAccepted' || change.kind === 'subjectChanged' ? change.item : undefined;
      if (said?.by !== item.by || said.id !== item.id) return change;
      const { room, n } = change;
      if (change.kind === 'messageAccepted') return { kind: 'messageAccepted', room, n, item };
      // It ended the subject before it all the same.
      return { kind: 'subjectChanged', room, n, subject: subjectOf({ ...item, payloads: [] }) };
    });
  }

  restore(changes: readonly Placed[]): void {
    this.#changes = [...changes];
  }
}
