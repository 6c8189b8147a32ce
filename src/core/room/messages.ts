import { changesSubject } from '../xep/xep0045.ts';
import { readRetract } from '../xep/xep0424.ts';
import type { Jid } from '../xmpp/jid.ts';
import { dayMs, plus } from '../xmpp/time.ts';
import type { ArchiveChange, ArchiveEntry } from './archive-store.ts';
import { type HistoryItem, isLater } from './event.ts';
import { isKept } from './keeping.ts';
import type { ArchiveLimits, AtHandLimits } from './limits.ts';
import { placeAfter, placeBetween } from './place.ts';
import { takesBack, tombstoneOf } from './retraction.ts';
import { detached, itemBytes } from './size.ts';

/** After so many messages the archive is told what to keep. */
const boundEvery = 64;

/** Messages that are known to have passed. */
const passedMax = 1000;

type Identity = Pick<HistoryItem, 'by' | 'id'>;
type Change<C = ArchiveChange> = C extends ArchiveChange ? Omit<C, 'room'> : never;

/** Where a message stands in the archive, and its size. */
interface Standing {
  readonly place: string;
  readonly bytes: number;
}

/** The last messages of a room, oldest first, and which have been here; what it keeps for its archive it says as it comes. */
export class Messages {
  readonly #room: Jid;
  #limits: AtHandLimits;
  #kept: ArchiveLimits;
  /** Messages since the archive was told what to keep. */
  #unbounded = 0;
  #items: HistoryItem[] = [];
  /** Of each item. */
  #standings: Standing[] = [];
  #bytes = 0;
  /** The archive has more than what is at hand. */
  #hasOlder = false;
  /** Derived when it is asked for, and kept from then on: the ids by the room that gave them. Reading a log needs none. */
  #identities: Map<Jid, Set<string>> | undefined;
  /** The last messages that were not to be kept, or are at hand no longer: where nodes are linked in a ring, each comes back once. */
  readonly #passed = new Set<string>();
  #hasRetractions = false;
  #changes: ArchiveChange[] = [];

  constructor(room: Jid, limits: AtHandLimits, kept: ArchiveLimits) {
    this.#room = room;
    this.#limits = limits;
    this.#kept = kept;
  }

  /** From now on it has so much at hand, and the archive keeps so much. */
  keep(limits: AtHandLimits, kept: ArchiveLimits): void {
    this.#limits = limits;
    const { count, bytes, days } = this.#kept;
    this.#kept = kept;
    if (kept.count !== count || kept.bytes !== bytes || kept.days !== days) this.#bound();
  }

  get all(): readonly HistoryItem[] {
    return this.#items;
  }

  /** Whether this is what the archive has: neither does that have more, nor may it keep less. */
  get isWhole(): boolean {
    const { count = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = this.#kept;
    return !this.#hasOlder && !this.#limits.asks && this.#items.length <= count && this.#bytes <= bytes;
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

  /**
   * The same of one that is told late. Decision #222: what is older than all at hand is taken for one of the archive, if that has
   * more.
   */
  holdsPast(item: HistoryItem): boolean {
    return this.#isOlder(item) || this.holds(item);
  }

  /** Whether there is a message at hand that this one takes back. */
  retracts(item: HistoryItem): boolean {
    return this.#placeOfRetracted(item) >= 0;
  }

  /** What has changed in the archive since this was asked for the last time. */
  takeChanges(): readonly ArchiveChange[] {
    if (this.#changes.length === 0) return none;
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  add(item: HistoryItem): void {
    if (isKept(item.payloads)) this.#insert(this.#items.length, item);
    // A log of an earlier version holds everything that was said.
    else this.pass(item);
  }

  /**
   * The same for one that was said a while ago: it goes where it belongs by its time.
   *
   * @returns what took it back before it came
   */
  addPast(item: HistoryItem): HistoryItem | undefined {
    if (!isKept(item.payloads) || this.#isOlder(item)) {
      this.pass(item);
      return undefined;
    }
    // Mostly it is recent, so few messages come after it.
    let index = this.#items.length;
    while (index > 0 && isLater(this.#items[index - 1] as HistoryItem, item)) index--;
    this.#insert(index, item);
    const retraction = this.#hasRetractions ? this.#items.findLast((each) => takesBack(each, item)) : undefined;
    if (retraction) this.#takeBack(retraction);
    return retraction;
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
    const index = this.#items.findIndex((item) => item.provisional && item.by === by && item.id === id);
    if (index >= 0) {
      this.#bytes -= this.#standings[index]?.bytes ?? 0;
      this.#items.splice(index, 1);
      this.#standings.splice(index, 1);
    }
    this.#change({ kind: 'forgotten', by, id });
  }

  /** The room holds something else from now on. */
  clear(): void {
    this.#set([]);
    this.#hasOlder = false;
    this.#change({ kind: 'emptied' });
  }

  /** After a start: the last entries of the archive. @param isWhole  it has no others */
  recall(entries: readonly ArchiveEntry[], isWhole: boolean): void {
    this.#set(entries);
    this.#hasRetractions = entries.some(({ item }) => readRetract(item.payloads) !== undefined);
    this.#hasOlder = !isWhole;
    this.#changes = [];
    this.#trim();
  }

  #set(entries: readonly ArchiveEntry[]): void {
    this.#items = entries.map(({ item }) => wholeItem(item));
    this.#standings = entries.map(({ place, item }) => ({ place, bytes: itemBytes(item) }));
    this.#bytes = sum(this.#standings);
    this.#identities = undefined;
  }

  #insert(index: number, given: HistoryItem): void {
    const item = wholeItem(given);
    const before = this.#standings[index - 1]?.place;
    const after = this.#standings[index]?.place;
    const place = after === undefined ? placeAfter(before, item.at) : placeBetween(before, after, item.at);
    // As the event has it, so that a store need write it down once.
    this.#change({ kind: 'kept', place, item: given });
    const bytes = itemBytes(given);
    this.#items.splice(index, 0, item);
    this.#standings.splice(index, 0, { place, bytes });
    this.#bytes += bytes;
    if (this.#identities !== undefined) identify(this.#identities, item);
    if (++this.#unbounded >= boundEvery) this.#bound();
    if (readRetract(item.payloads) !== undefined) {
      this.#hasRetractions = true;
      this.#takeBack(item);
    }
    this.#trim();
  }

  #isOlder(item: HistoryItem): boolean {
    const [first] = this.#items;
    return this.#hasOlder && first !== undefined && isLater(first, item);
  }

  #bound(): void {
    this.#unbounded = 0;
    const { count, bytes, days } = this.#kept;
    const now = this.#items.at(-1)?.at;
    const before = days === undefined || now === undefined ? undefined : plus(now, -days * dayMs);
    this.#change({ kind: 'bounded', retention: { count, bytes, before } });
  }

  #trim(): void {
    const { count, bytes } = this.#limits;
    // Trimmed by a quarter at a time: shifting an array for every message would cost its length every time.
    if (this.#items.length <= count + count / 4 && this.#bytes <= bytes) return;
    let first = Math.max(0, this.#items.length - count);
    let left = sum(this.#standings.slice(first));
    const enough = this.#bytes > bytes ? bytes * 0.75 : bytes;
    for (; left > enough && first < this.#items.length - 1; first++) left -= this.#standings[first]?.bytes ?? 0;
    for (const item of this.#items.splice(0, first))
      for (const old of item.split === undefined ? [item] : [item, item.split]) {
        this.#identities?.get(old.by)?.delete(old.id);
        this.pass(old);
      }
    this.#standings.splice(0, first);
    this.#bytes = left;
    this.#hasOlder ||= first > 0;
  }

  /** XEP-0424 §4. */
  #takeBack(retraction: HistoryItem): void {
    this.#change({ kind: 'takenBack', retraction });
    const index = this.#placeOfRetracted(retraction);
    const target = this.#items[index];
    const standing = this.#standings[index];
    if (target === undefined || standing === undefined) return;
    const tombstone = wholeItem(tombstoneOf(target, retraction));
    const bytes = itemBytes(tombstone);
    this.#items[index] = tombstone;
    this.#standings[index] = { place: standing.place, bytes };
    this.#bytes += bytes - standing.bytes;
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

  #change(change: Change): void {
    this.#changes.push({ room: this.#room, ...change } as ArchiveChange);
  }
}

const none: readonly ArchiveChange[] = [];

function sum(standings: readonly Standing[]): number {
  return standings.reduce((all, { bytes }) => all + bytes, 0);
}

// A room looks at its history all the time, and engines are quick with what has one shape: so these have all parts, those
// that a rule left out too.
function wholeItem(item: HistoryItem): HistoryItem {
  const { by, id, nick, occupantId, author, at, stanzaId, lang, payloads, via, counted, split, provisional, order } =
    item;
  return {
    by,
    id,
    nick,
    occupantId,
    author,
    at,
    stanzaId,
    lang,
    payloads: detached(payloads),
    via,
    counted,
    split,
    provisional,
    order,
  };
}

/** An item's identity, and the one under which it was said during a split. */
function identify(identities: Map<Jid, Set<string>>, item: HistoryItem): void {
  for (const { by, id } of item.split === undefined ? [item] : [item, item.split]) {
    const ids = identities.get(by);
    if (ids === undefined) identities.set(by, new Set([id]));
    else ids.add(id);
  }
}
