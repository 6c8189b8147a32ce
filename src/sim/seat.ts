import type { NodeConfig } from '../core/node/config.ts';
import type { Input } from '../core/node/input.ts';
import { createMucNode } from '../core/node/muc-node.ts';
import type { MucNode, NodeEffect } from '../core/node/node.ts';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import { ArchiveList } from '../core/room/archive-list.ts';
import type { ArchiveChange } from '../core/room/archive-store.ts';
import type { HistoryItem, RoomEvent } from '../core/room/event.ts';
import type { TimerId } from '../core/turn/effect.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Instant, instant, plus } from '../core/xmpp/time.ts';

/** What a seat needs of the world. */
export interface Surroundings {
  now(): Instant;
  at(afterMs: number, run: () => void): void;
  /** The same for a timer of the node's, which may have been cleared by then. */
  timer(afterMs: number, run: () => void): void;
  newId(): string;
  /** Milliseconds until the next batch is durable; undefined: the disk is full and refuses it. */
  append(): number | undefined;
  /** Milliseconds until an archive is searched; undefined: it cannot be. */
  search(): number | undefined;
  /** @returns index of the record */
  appended(events: readonly RoomEvent[], cause: number | undefined): number;
  note(effect: Extract<NodeEffect, { kind: 'trace' }>, cause: number | undefined): void;
  send(effect: Extract<NodeEffect, { kind: 'send' }>, cause: number | undefined): void;
  /** The disk refused: the node stops, and somebody will start it again. */
  failed(): void;
  /** The node may be another than before: it handled something, came up or went down. Absent: nobody wants to know. */
  changed?(): void;
}

/** More than this waiting means that a queue grows without bound (G13). */
const inboxMax = 20_000;

/** What is made durable together. */
interface Batch {
  readonly events: readonly RoomEvent[];
  readonly archived: readonly ArchiveChange[];
  /** Indices of their records in the trace. */
  readonly appends: readonly number[];
}

interface Handled {
  readonly effects: readonly NodeEffect[];
  /** Index of the record of the append, or, where nothing was appended, of what was handled. */
  readonly cause: number | undefined;
}

interface Waiting {
  readonly input: Input;
  readonly cause: number | undefined;
  /** Of a timer: it counts only while the node still has it set. */
  readonly armed?: number;
}

/** A production node, run in the order in which the driver does things. Its disk and its clock are simulated. */
export class Seat {
  readonly config: NodeConfig;
  /** The room of a replica. */
  readonly room: Jid | undefined;
  /** Added to the time of the world, in milliseconds. */
  skewMs: number;
  node: MucNode;
  up = false;
  frozen = false;
  /** The longest that the inbox ever was. */
  longest = 0;
  readonly #around: Surroundings;
  readonly #env: { now: Instant; newId(): string };
  /** Raised by every start and stop, so that what an earlier life planned is recognised. */
  #life = 0;
  #writing: Batch | undefined;
  #inbox: Waiting[] = [];
  readonly #timers = new Map<TimerId, number>();
  #armed = 0;
  /** Durable batches, oldest first, after the snapshot. */
  #log: Batch[] = [];
  #snapshot: NodeSnapshot | undefined;
  /** The archives as they were at the snapshot. */
  #archive = new ArchiveList();

  constructor(config: NodeConfig, skewMs: number, around: Surroundings) {
    this.config = config;
    this.room = config.kind === 'replica' ? config.room.jid : undefined;
    this.skewMs = skewMs;
    this.node = createMucNode(config);
    this.#around = around;
    this.#env = { now: around.now(), newId: () => around.newId() };
  }

  get timers(): number {
    return this.#timers.size;
  }

  start(): void {
    if (this.up) return;
    this.up = true;
    this.frozen = false;
    this.#life++;
    this.node = this.#recovered();
    this.#around.changed?.();
    this.take({ kind: 'command', command: { name: 'start', untold: this.#log.at(-1)?.events ?? [] } });
    this.take({ kind: 'linkUp', peer: this.config.server });
  }

  /**
   * @param written  whether the batch that is being written is on the disk all the same, though nobody heard of it
   * @param lost  batches that were durable only in a relaxed way and are gone
   * @param whole  the disk is gone with all that was on it
   * @returns records of the appends that are gone, and of those that are not and that nobody heard of
   */
  crash(
    written: boolean,
    lost: number,
    whole = false,
  ): { readonly appends: readonly number[]; readonly untold: readonly number[] } {
    this.up = false;
    this.#life++;
    const gone: Batch[] = [];
    const untold = written ? (this.#writing?.appends ?? []) : [];
    if (this.#writing) (written ? this.#log : gone).push(this.#writing);
    this.#writing = undefined;
    this.#inbox = [];
    this.#timers.clear();
    if (lost > 0) gone.push(...this.#log.splice(Math.max(0, this.#log.length - lost)));
    if (whole) {
      this.#log = [];
      this.#snapshot = undefined;
      this.#archive = new ArchiveList();
    }
    this.#around.changed?.();
    return { appends: gone.flatMap(({ appends }) => appends), untold };
  }

  /** The page sleeps: nothing is handled, timers fire late, and everything waits. */
  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    this.#catchUp();
  }

  /** A snapshot replaces the log so far. */
  compact(): void {
    if (!this.up || this.#writing) return;
    this.#archive = this.#archived();
    const { version, rooms } = this.node.snapshot();
    this.#snapshot = { version, rooms: rooms.map(({ history: _, ...room }) => room) };
    this.#log = [];
  }

  archive(room: Jid): readonly HistoryItem[] {
    return this.#archived()
      .entries(room)
      .map(({ item }) => item);
  }

  take(input: Input, cause?: number): void {
    this.#take({ input, cause });
  }

  #take(waiting: Waiting): void {
    if (!this.up) return;
    const { length } = this.#inbox;
    if (length >= this.longest) this.longest = length + 1;
    if (length === 0 && !this.#isBusy()) return this.#pump([waiting]);
    if (length >= inboxMax) throw new Error(`${this.config.address}: ${inboxMax} inputs wait`);
    this.#inbox.push(waiting);
  }

  #isBusy(): boolean {
    return this.#writing !== undefined || this.frozen || !this.up;
  }

  /** What is on the disk, as a node. */
  #recovered(): MucNode {
    const node = createMucNode(this.config);
    if (this.#snapshot !== undefined) node.restore(this.#snapshot);
    for (const { events } of this.#log) for (const event of events) node.apply(event);
    const archive = this.#archived();
    for (const { room, limits } of node.archives()) {
      const entries = archive.entries(room);
      node.recall(room, entries.slice(-limits.count), entries.length <= limits.count);
    }
    return node;
  }

  /** The archives as they are on the disk. */
  #archived(): ArchiveList {
    const archive = new ArchiveList(this.#archive);
    for (const { archived } of this.#log) archive.apply(archived);
    return archive;
  }

  /** Handles all that waits, if now is the time for it. */
  #catchUp(): void {
    if (this.#inbox.length === 0 || this.#isBusy()) return;
    const inbox = this.#inbox;
    this.#inbox = [];
    this.#pump(inbox);
  }

  /** The driver: all that waits is handled as one batch, made durable, and only then heard of. */
  #pump(inbox: readonly Waiting[]): void {
    const around = this.#around;
    this.#env.now = instant(around.now() + this.skewMs);
    let batch: Batch | undefined;
    let handled: Handled[] | undefined;
    for (const { input, cause, armed } of inbox) {
      if (input.kind === 'timer') {
        if (this.#timers.get(input.timer) !== armed) continue;
        this.#timers.delete(input.timer);
      }
      const effects = this.node.handle(input, this.#env);
      if (effects.length === 0) continue;
      const kept = this.#keep(effects, cause);
      if (kept !== undefined) batch = batch === undefined ? kept : both(batch, kept);
      handled = withOne(handled, { effects, cause: kept === undefined ? cause : kept.appends[0] });
    }
    if (handled === undefined) return;
    if (batch === undefined) return this.#release(handled);
    this.#write(batch, handled);
  }

  #write(batch: Batch, handled: readonly Handled[]): void {
    this.#writing = batch;
    const ms = this.#around.append();
    if (ms === undefined) return this.#around.failed();
    const life = this.#life;
    this.#around.at(ms, () => {
      if (this.#life !== life) return;
      this.#log.push(batch);
      this.#writing = undefined;
      this.#release(handled);
      this.#catchUp();
    });
  }

  /** What a node asks for that nobody hears of: its timers are set; @returns what it wants to be durable */
  #keep(effects: readonly NodeEffect[], cause: number | undefined): Batch | undefined {
    let kept: Batch | undefined;
    for (const effect of effects) {
      if (effect.kind === 'send') continue;
      if (effect.kind === 'append')
        kept = {
          events: effect.events,
          archived: effect.archived ?? [],
          appends: [this.#around.appended(effect.events, cause)],
        };
      else if (effect.kind === 'setTimer') this.#setTimer(effect.timer, effect.at);
      else if (effect.kind === 'clearTimer') this.#timers.delete(effect.timer);
    }
    return kept;
  }

  #release(handled: readonly Handled[]): void {
    for (const { effects, cause } of handled)
      for (const effect of effects) {
        if (effect.kind === 'send') this.#around.send(effect, cause);
        else if (effect.kind === 'trace') this.#around.note(effect, cause);
        else if (effect.kind === 'search') this.#search(effect, cause);
      }
    this.#around.changed?.();
  }

  #search({ search, asked }: Extract<NodeEffect, { kind: 'search' }>, cause: number | undefined): void {
    const life = this.#life;
    const ms = this.#around.search();
    const page = this.#archived().search(search);
    this.#around.at(ms ?? 0, () => {
      if (this.#life !== life) return;
      const found = ms === undefined ? 'failed' : { page };
      this.#take({ input: { kind: 'found', search, asked, found }, cause });
    });
  }

  #setTimer(timer: TimerId, at: Instant): void {
    const armed = ++this.#armed;
    const life = this.#life;
    this.#timers.set(timer, armed);
    this.#around.timer(plus(at, -this.skewMs) - this.#around.now(), () => {
      if (this.#life !== life || this.#timers.get(timer) !== armed) return;
      this.#take({ input: { kind: 'timer', timer }, cause: undefined, armed });
    });
  }
}

function both(a: Batch, b: Batch): Batch {
  const archived = [...a.archived, ...b.archived];
  return { events: [...a.events, ...b.events], archived, appends: [...a.appends, ...b.appends] };
}

/** The list with one more: mostly it is the only one, and engines keep much room behind what is pushed to an empty list. */
function withOne<T>(list: T[] | undefined, item: T): T[] {
  if (list === undefined) return [item];
  list.push(item);
  return list;
}
