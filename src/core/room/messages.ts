import { changesSubject } from '../xep/xep0045.ts';
import { readRetract } from '../xep/xep0424.ts';
import type { Jid } from '../xmpp/jid.ts';
import { type HistoryItem, isLater } from './event.ts';
import { isKept } from './keeping.ts';
import { takesBack, tombstoneOf } from './retraction.ts';

/** Messages a room keeps for its archive. */
export const archiveMax = 10_000;
/** Messages that are known to have passed. */
const passedMax = 1000;

type Identity = Pick<HistoryItem, 'by' | 'id'>;

/** The messages that a room keeps, oldest first, and which have been here. */
export class Messages {
  #items: HistoryItem[] = [];
  /** Derived when it is asked for, and kept from then on: the ids by the room that gave them. Reading a log needs none. */
  #identities: Map<Jid, Set<string>> | undefined;
  /** The last messages that were not to be kept: where nodes are linked in a ring, each comes back once. */
  readonly #passed = new Set<string>();
  #hasRetractions = false;

  get all(): readonly HistoryItem[] {
    return this.#items;
  }

  /** The last so many but for the subjects, which a user who enters is told apart (XEP-0045 §7.2.15). */
  last(max: number): readonly HistoryItem[] {
    const shown: HistoryItem[] = [];
    for (let i = this.#items.length - 1; i >= 0 && shown.length < max; i--) {
      const item = this.#items[i] as HistoryItem;
      if (!changesSubject(item.payloads)) shown.push(item);
    }
    return shown.reverse();
  }

  /** Whether the message with this identity has been here. */
  holds({ by, id }: Identity): boolean {
    return this.#passed.has(`${by} ${id}`) || this.#identified().get(by)?.has(id) === true;
  }

  /** Whether there is a message that this one takes back. */
  retracts(item: HistoryItem): boolean {
    return this.#placeOfRetracted(item) >= 0;
  }

  /** @returns what is left of a message that this one takes back (XEP-0424 §4) */
  add(item: HistoryItem): HistoryItem | undefined {
    if (!isKept(item.payloads)) {
      // A log of an earlier version holds everything that was said.
      this.pass(item);
      return undefined;
    }
    const tombstone = this.#takeBack(item);
    if (readRetract(item.payloads) !== undefined) this.#hasRetractions = true;
    this.#items.push(wholeItem(item));
    if (this.#identities !== undefined) identify(this.#identities, item);
    // Trimmed by a quarter at a time: shifting an array for every message would cost its length every time.
    if (this.#items.length > archiveMax + archiveMax / 4) {
      for (const old of this.#items.splice(0, this.#items.length - archiveMax))
        for (const { by, id } of old.split === undefined ? [old] : [old, old.split])
          this.#identities?.get(by)?.delete(id);
    }
    return tombstone;
  }

  /** The same for one that was said a while ago: it goes where it belongs by its time. */
  addPast(item: HistoryItem): HistoryItem | undefined {
    // Mostly it is recent, so few messages come after it.
    const after: HistoryItem[] = [];
    for (let last = this.#items.at(-1); last !== undefined && isLater(last, item); last = this.#items.at(-1)) {
      after.push(last);
      this.#items.pop();
    }
    const tombstone = this.add(item);
    while (after.length > 0) this.#items.push(after.pop() as HistoryItem);
    // It may have been taken back before it came.
    const retraction = this.#hasRetractions ? this.#items.findLast((each) => takesBack(each, item)) : undefined;
    return retraction === undefined ? tombstone : this.#takeBack(retraction);
  }

  /** It was not to be kept. */
  pass({ by, id }: Identity): void {
    this.#passed.add(`${by} ${id}`);
    for (const oldest of this.#passed) {
      if (this.#passed.size <= passedMax) return;
      this.#passed.delete(oldest);
    }
  }

  /** What was said in a split is not accepted. */
  forget({ by, id }: Identity): void {
    // It is gone, but it was here: if it comes again under this identity, it is not new.
    this.#identified();
    this.#items = this.#items.filter((item) => item.provisional === undefined || item.by !== by || item.id !== id);
  }

  clear(): void {
    this.#items = [];
    this.#identities = undefined;
  }

  #takeBack(item: HistoryItem): HistoryItem | undefined {
    const place = this.#placeOfRetracted(item);
    const target = this.#items[place];
    if (target === undefined) return undefined;
    const tombstone = wholeItem(tombstoneOf(target, item));
    this.#items[place] = tombstone;
    return tombstone;
  }

  #placeOfRetracted(item: HistoryItem): number {
    if (readRetract(item.payloads) === undefined) return -1;
    return this.#items.findLastIndex((target) => takesBack(item, target));
  }

  #identified(): Map<Jid, Set<string>> {
    if (this.#identities === undefined) {
      this.#identities = new Map();
      for (const item of this.#items) identify(this.#identities, item);
    }
    return this.#identities;
  }
}

// A room looks at its history all the time, and engines are quick with what has one shape: so these have all parts, those
// that a rule left out too.
function wholeItem(item: HistoryItem): HistoryItem {
  const { by, id, nick, occupantId, author, at, stanzaId, lang, payloads, via, counted, split, provisional, order } =
    item;
  return { by, id, nick, occupantId, author, at, stanzaId, lang, payloads, via, counted, split, provisional, order };
}

/** An item's identity, and the one under which it was said during a split. */
function identify(identities: Map<Jid, Set<string>>, item: HistoryItem): void {
  for (const { by, id } of item.split === undefined ? [item] : [item, item.split]) {
    const ids = identities.get(by);
    if (ids === undefined) identities.set(by, new Set([id]));
    else ids.add(id);
  }
}
