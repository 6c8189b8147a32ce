import type { ModelEvent } from '../fold/event.ts';
import type { Network } from '../fold/network.ts';
import { participantOf } from './participants.ts';
import { Pings } from './pings.ts';
import { distance, rowHeight } from './spacing.ts';

/** A line of the diagram: an instant, or one step of cause and effect within an instant. */
export interface Row {
  /** In milliseconds since 1970. */
  readonly t: number;
  /** In pixels from the top of the diagram. */
  readonly y: number;
  /** Place of the first row of the same instant. */
  readonly first: number;
  /** Milliseconds since the row before; 0 for the first row of all. */
  readonly sinceMs: number;
}

/** The way of one stanza, from the participant that sent it to the one that got it. */
export interface Arrow {
  /** Its legs: into a server, over a link, out of a server. */
  readonly hops: ModelEvent[];
  /** Columns, by participant. While it is under way `to` is the server that it goes to. */
  readonly from: string;
  to: string;
  /** Of one that was lost: the server it was to go to. */
  toward: string | undefined;
  /** Of an answer: the stanza that the server could not pass on. */
  readonly answers: Arrow | undefined;
  /** Rows. */
  readonly start: number;
  end: number | undefined;
  /** `taken`: the server itself took it. `lost`, `bounced`: at a link that is cut, or loses stanzas. */
  fate: 'open' | 'got' | 'taken' | 'lost' | 'bounced';
}

export interface SheetOptions {
  /** Servers that are one column. What goes on within them is not shown. */
  readonly collapsed: ReadonlySet<string>;
  /** Kinds of stanzas that are left out: `message`, `presence`, `iq`, and `ping` for a part of the IQs. */
  readonly hidden: ReadonlySet<string>;
  /** The first leg of a stanza that is shown all the same. */
  readonly keep?: number | undefined;
}

/** So many of the newest events can be taken back one by one; the model puts no event further back. */
const revocable = 1_000;
const topMargin = 26;
const bottomMargin = 30;

/**
 * Rows and arrows of the space-time diagram, from the events of a model. What a participant does and gets is in the order of the
 * rows, and an arrow ends below where it begins, also if it took no time. Copies that a participant sends at once begin in one
 * row, and those that several get at once end in one.
 *
 * It grows with the events. Where an event came to stand before others, only those after it are laid out anew.
 */
export class Sheet {
  readonly rows: Row[] = [];
  readonly arrows: Arrow[] = [];
  /** Participants of whom only their stanzas tell, and their servers. */
  readonly met = new Map<string, string>();
  readonly #network: Network;
  readonly #options: SheetOptions;
  readonly #pings = new Pings();
  readonly #taken: ModelEvent[] = [];
  /** How to take an event back; undefined where that is not possible any more. */
  #undo: ((() => void)[] | undefined)[] = [];
  /** By the event that came last: the arrow that goes on from it; undefined if it is left out. */
  readonly #tips = new Map<number, Arrow | undefined>();
  readonly #rowOf = new Map<number, number>();
  readonly #arrowOf = new Map<number, Arrow>();
  /** By column: the row that was used last. */
  readonly #last = new Map<string, { readonly row: number; readonly kind: 'start' | 'end' }>();

  constructor(network: Network, options: SheetOptions) {
    this.#network = network;
    this.#options = options;
  }

  /** Takes what is new in the events of the model. */
  take(list: readonly ModelEvent[]): void {
    let same = 0;
    while (same < this.#taken.length && this.#taken[same] === list[same]) same++;
    this.#takeBack(same);
    for (let i = this.#taken.length; i < list.length; i++) {
      const event = list[i] as ModelEvent;
      this.#undo.push([]);
      this.#taken.push(event);
      this.#place(event);
      if (i >= revocable) this.#undo[i - revocable] = undefined;
    }
  }

  /** In pixels. */
  get height(): number {
    return (this.rows.at(-1)?.y ?? 0) + bottomMargin;
  }

  rowOf(event: number): Row | undefined {
    return this.rows[this.#rowOf.get(event) ?? -1];
  }

  arrowOf(event: number): Arrow | undefined {
    return this.#arrowOf.get(event);
  }

  /** In pixels from the top: where an arrow begins and ends. One that is under way ends below everything. */
  reach({ start, end, hops }: Arrow): readonly [number, number] {
    const y = this.rows[start]?.y ?? 0;
    if (end !== undefined) return [y, this.rows[end]?.y ?? y];
    return [y, hops.at(-1)?.leg === 'link' ? this.height - 12 : y + rowHeight * 0.75];
  }

  /** The arrows of which a part is between two heights. */
  within(top: number, bottom: number): readonly Arrow[] {
    return this.arrows.filter((arrow) => {
      const [start, end] = this.reach(arrow);
      return start <= bottom && end >= top;
    });
  }

  /** @returns the first row at this time or later; the number of rows if there is none */
  rowAt(t: number): number {
    return firstWhere(this.rows, (row) => row.t >= t);
  }

  /** Where a time is, in pixels from the top. */
  yAt(t: number): number {
    return this.rows[this.rowAt(t)]?.y ?? this.height - bottomMargin / 2;
  }

  /** @returns the place of the first row that is this far down */
  rowAtHeight(y: number): number {
    return firstWhere(this.rows, (row) => row.y >= y);
  }

  #takeBack(length: number): void {
    if (this.#undo[length] === undefined && length < this.#taken.length) return this.#clear();
    while (this.#taken.length > length) {
      this.#taken.pop();
      for (const undo of (this.#undo.pop() ?? []).toReversed()) undo();
    }
  }

  #clear(): void {
    for (const list of [this.rows, this.arrows, this.#taken, this.#undo]) list.length = 0;
    for (const map of [this.#tips, this.#rowOf, this.#arrowOf, this.#last]) map.clear();
  }

  #place(event: ModelEvent): void {
    const { leg, id, t } = event;
    if (leg === 'in') this.#sent(event);
    else if (leg === 'link') this.#crossed(event);
    else if (leg === 'out') this.#arrived(event);
    else if (this.#isMark(event)) this.#set(this.#rowOf, id, this.#row(t, 0));
  }

  /** What a bar begins or ends with. */
  #isMark({ kind, from, sign }: ModelEvent): boolean {
    return (
      kind === 'link' || (kind === 'session' && this.#network.isNode(from)) || (kind === 'state' && sign !== undefined)
    );
  }

  #sent(event: ModelEvent): void {
    const { from, to: server, t } = event;
    const column = this.#column(from, server);
    const isInside = column === server && this.#network.serverOf(event.stanza?.to ?? '') === server;
    if (isInside || this.#isHidden(event)) return this.#set(this.#tips, event.id, undefined);
    this.#begin([event], column, server, this.#slot(column, 'start', t));
  }

  #crossed(event: ModelEvent): void {
    const { from, to, t, outcome } = event;
    const arrow = this.#arrowFor(event, from);
    if (!arrow) return;
    this.#change(arrow, { to });
    if (!outcome) return;
    const end = this.#slot(from, 'end', t, arrow.start);
    this.#change(arrow, { to: from, toward: to, end, fate: outcome === 'bounced' ? 'bounced' : 'lost' });
    this.#set(this.#rowOf, event.id, end);
  }

  #arrived(event: ModelEvent): void {
    const { from: server, t, id } = event;
    const to = this.#column(event.to, server);
    const before = this.#tips.get(event.cause ?? Number.NaN);
    const arrow = before && isAnswer(event, before) ? this.#answered(event, before) : this.#arrowFor(event, server);
    if (!arrow) return;
    // An error that comes back within a server that is one column.
    if (arrow.from === to && to === server) {
      const at = this.arrows.lastIndexOf(arrow);
      this.arrows.splice(at, 1);
      this.#undo.at(-1)?.push(() => this.arrows.splice(at, 0, arrow));
      return;
    }
    const end = this.#slot(to, 'end', t, arrow.start);
    this.#change(arrow, { to, end, fate: 'got' });
    this.#set(this.#rowOf, id, end);
  }

  /** The arrow of an answer that the server itself gives: it begins where the stanza ended. */
  #answered(event: ModelEvent, before: Arrow): Arrow {
    const { from: server, t } = event;
    if (before.end === undefined) {
      const end = this.#slot(server, 'end', t, before.start);
      this.#change(before, { to: server, end, fate: 'taken' });
    }
    return this.#begin([event], server, server, before.end ?? before.start, before);
  }

  /** The arrow that this leg goes on with: that of its cause, or a new one where the cause is not known or went on already. */
  #arrowFor(event: ModelEvent, server: string): Arrow | undefined {
    const { cause = Number.NaN, id, t } = event;
    if (this.#tips.has(cause)) {
      const arrow = this.#tips.get(cause);
      if (!arrow) {
        this.#set(this.#tips, id, undefined);
        return undefined;
      }
      const legs = arrow.hops.slice(0, arrow.hops.findIndex((hop) => hop.id === cause) + 1);
      if (legs.length < arrow.hops.length) return this.#begin([...legs, event], arrow.from, server, arrow.start);
      arrow.hops.push(event);
      this.#undo.at(-1)?.push(() => arrow.hops.pop());
      this.#set(this.#tips, id, arrow);
      this.#set(this.#arrowOf, id, arrow);
      this.#set(this.#rowOf, id, arrow.start);
      return arrow;
    }
    if (this.#isHidden(event)) {
      this.#set(this.#tips, id, undefined);
      return undefined;
    }
    return this.#begin([event], server, server, this.#slot(server, 'start', t));
  }

  #begin(hops: ModelEvent[], from: string, to: string, start: number, answers?: Arrow): Arrow {
    const arrow: Arrow = { hops, from, to, toward: undefined, answers, start, end: undefined, fate: 'open' };
    this.arrows.push(arrow);
    this.#undo.at(-1)?.push(() => this.arrows.pop());
    const { id } = hops.at(-1) as ModelEvent;
    this.#set(this.#tips, id, arrow);
    this.#set(this.#arrowOf, id, arrow);
    this.#set(this.#rowOf, id, start);
    return arrow;
  }

  #isHidden(event: ModelEvent): boolean {
    const { hidden, keep } = this.#options;
    if (event.id === keep) return false;
    const isPing = this.#pings.has(event);
    return hidden.has(event.stanza?.name ?? '') || (isPing && hidden.has('ping'));
  }

  #column(address: string, server: string): string {
    const id = participantOf(this.#network, address);
    if (!this.met.has(id)) this.met.set(id, server);
    return this.#options.collapsed.has(server) ? server : id;
  }

  /** The next free place of a column at this time. */
  #slot(column: string, kind: 'start' | 'end', t: number, after = -1): number {
    const last = this.#last.get(column);
    const free = last === undefined ? 0 : kind === 'start' && last.kind === 'start' ? last.row : last.row + 1;
    const row = this.#row(t, Math.max(after + 1, free));
    this.#set(this.#last, column, { row, kind });
    return row;
  }

  /** The first row of an instant that is not before `least`. */
  #row(t: number, least: number): number {
    const { rows } = this;
    const last = rows.at(-1);
    const isSame = last !== undefined && t <= last.t;
    if (isSame && Math.max(least, last.first) < rows.length) return Math.max(least, last.first);
    const sinceMs = last === undefined || isSame ? 0 : t - last.t;
    rows.push({
      t: isSame ? last.t : t,
      y: last === undefined ? topMargin : last.y + distance(sinceMs),
      first: isSame ? last.first : rows.length,
      sinceMs,
    });
    this.#undo.at(-1)?.push(() => rows.pop());
    return rows.length - 1;
  }

  #change(arrow: Arrow, change: Partial<Pick<Arrow, 'to' | 'toward' | 'end' | 'fate'>>): void {
    const { to, toward, end, fate } = arrow;
    Object.assign(arrow, change);
    this.#undo.at(-1)?.push(() => Object.assign(arrow, { to, toward, end, fate }));
  }

  #set<K, V>(map: Map<K, V>, key: K, value: V): void {
    const had = map.has(key);
    const before = map.get(key);
    map.set(key, value);
    this.#undo.at(-1)?.push(() => (had ? map.set(key, before as V) : map.delete(key)));
  }
}

/** The server did not pass the stanza on, but answered it: with an error, or with the result of an IQ. */
function isAnswer({ stanza }: ModelEvent, { hops }: Arrow): boolean {
  const asked = hops[0]?.stanza?.type;
  return stanza !== undefined && stanza.type !== asked && (stanza.type === 'error' || stanza.type === 'result');
}

/** @returns the place of the first item for which `holds` is true, as it is for all items after it */
function firstWhere<T>(list: readonly T[], holds: (item: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
