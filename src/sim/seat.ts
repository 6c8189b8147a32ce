import type { NodeConfig } from '../core/node/config.ts';
import type { Effect } from '../core/node/effect.ts';
import type { Input, TimerId } from '../core/node/input.ts';
import { createMucNode } from '../core/node/muc-node.ts';
import type { MucNode } from '../core/node/node.ts';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { RoomEvent } from '../core/room/event.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Instant, instant, plus } from '../core/xmpp/time.ts';

/** What a seat needs of the world. */
export interface Surroundings {
  now(): Instant;
  at(afterMs: number, run: () => void): void;
  newId(): string;
  /** Milliseconds until the next batch is durable; undefined: the disk is full and refuses it. */
  append(): number | undefined;
  /** @returns index of the record */
  appended(events: readonly RoomEvent[], cause: number | undefined): number;
  note(effect: Extract<Effect, { kind: 'trace' }>, cause: number | undefined): void;
  send(effect: Extract<Effect, { kind: 'send' }>, cause: number | undefined): void;
  /** The disk refused: the node stops, and somebody will start it again. */
  failed(): void;
}

/** More than this waiting means that a queue grows without bound (G13). */
const inboxMax = 20_000;

interface Batch {
  readonly events: readonly RoomEvent[];
  /** Indices of their records in the trace. */
  readonly appends: readonly number[];
}

interface Waiting {
  readonly input: Input;
  readonly cause: number | undefined;
  /** Of a timer: it counts only while the node still has it set. */
  readonly armed?: number;
}

/** A production node with its driver's order of things; its disk and its clock are simulated. */
export class Seat {
  readonly config: NodeConfig;
  /** The room of a replica. */
  readonly room: Jid | undefined;
  /** Added to the time of the world, in milliseconds. */
  readonly skewMs: number;
  node: MucNode;
  up = false;
  frozen = false;
  /** The longest that the inbox ever was. */
  longest = 0;
  readonly #around: Surroundings;
  /** Raised by every start and stop, so that what an earlier life planned is recognised. */
  #life = 0;
  #writing: Batch | undefined;
  #inbox: Waiting[] = [];
  readonly #timers = new Map<TimerId, number>();
  #armed = 0;
  /** Durable batches, oldest first, after the snapshot. */
  #log: Batch[] = [];
  #snapshot: NodeSnapshot | undefined;

  constructor(config: NodeConfig, skewMs: number, around: Surroundings) {
    this.config = config;
    this.room = config.kind === 'replica' ? config.room.jid : undefined;
    this.skewMs = skewMs;
    this.node = createMucNode(config);
    this.#around = around;
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
    }
    return { appends: gone.flatMap(({ appends }) => appends), untold };
  }

  /** The page sleeps: nothing is handled, timers fire late, and everything waits. */
  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    if (!this.frozen) return;
    this.frozen = false;
    this.#pump();
  }

  /** A snapshot replaces the log so far. */
  compact(): void {
    if (!this.up || this.#writing) return;
    this.#snapshot = this.node.snapshot();
    this.#log = [];
  }

  take(input: Input, cause?: number): void {
    this.#take({ input, cause });
  }

  #take(waiting: Waiting): void {
    if (!this.up) return;
    this.#inbox.push(waiting);
    if (this.#inbox.length > this.longest) this.longest = this.#inbox.length;
    if (this.#inbox.length > inboxMax) throw new Error(`${this.config.address}: ${inboxMax} inputs wait`);
    this.#pump();
  }

  /** What is on the disk, as a node. */
  #recovered(): MucNode {
    const node = createMucNode(this.config);
    if (this.#snapshot !== undefined) node.restore(this.#snapshot);
    for (const { events } of this.#log) for (const event of events) node.apply(event);
    return node;
  }

  /** The driver: all that waits is handled as one batch, made durable, and only then heard of. */
  #pump(): void {
    if (this.#writing || this.frozen || !this.up || this.#inbox.length === 0) return;
    const around = this.#around;
    const handled: { readonly effects: readonly Effect[]; readonly cause: number | undefined }[] = [];
    const events: RoomEvent[] = [];
    const appends: number[] = [];
    const env = { now: instant(around.now() + this.skewMs), newId: () => around.newId() };
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const { input, cause: from, armed } of inbox) {
      if (input.kind === 'timer') {
        if (this.#timers.get(input.timer) !== armed) continue;
        this.#timers.delete(input.timer);
      }
      const effects = this.node.handle(input, env);
      let cause = from;
      for (const effect of effects) {
        if (effect.kind === 'append') {
          events.push(...effect.events);
          cause = around.appended(effect.events, from);
          appends.push(cause);
        } else if (effect.kind === 'setTimer') this.#setTimer(effect.timer, effect.at);
        else if (effect.kind === 'clearTimer') this.#timers.delete(effect.timer);
      }
      if (effects.length > 0) handled.push({ effects, cause });
    }
    const release = () => {
      for (const { effects, cause } of handled)
        for (const effect of effects) {
          if (effect.kind === 'send') around.send(effect, cause);
          else if (effect.kind === 'trace') around.note(effect, cause);
        }
    };
    if (events.length === 0) return release();
    const batch = { events, appends };
    this.#writing = batch;
    const ms = around.append();
    if (ms === undefined) return around.failed();
    const life = this.#life;
    around.at(ms, () => {
      if (this.#life !== life) return;
      this.#log.push(batch);
      this.#writing = undefined;
      release();
      this.#pump();
    });
  }

  #setTimer(timer: TimerId, at: Instant): void {
    const armed = ++this.#armed;
    const life = this.#life;
    this.#timers.set(timer, armed);
    this.#around.at(plus(at, -this.skewMs) - this.#around.now(), () => {
      if (this.#life !== life || this.#timers.get(timer) !== armed) return;
      this.#take({ input: { kind: 'timer', timer }, cause: undefined, armed });
    });
  }
}
