import type { Command, Input } from '../core/node/input.ts';
import type { MucNode, NodeEffect } from '../core/node/node.ts';
import type { NodeImage, NodeSnapshot } from '../core/node/snapshot.ts';
import type { NodeStatus, StatusRecord, StepRecord } from '../core/node/trace.ts';
import type { ArchiveChange, Found } from '../core/room/archive-store.ts';
import type { RoomEvent } from '../core/room/event.ts';
import type { TimerId } from '../core/turn/effect.ts';
import type { Env } from '../core/turn/env.ts';
import { assertNever } from '../core/xmpp/errors.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import { lastOf } from './archive-tail.ts';
import type { EventStore } from './event-store.ts';
import type { LinkHandlers, StanzaLink } from './stanza-link.ts';
import { StepLog } from './step-log.ts';

/** What the driver needs of the world around it; a worker, Node and the tests each have their own. */
export interface DriverHost {
  now(): Instant;
  /** Calls `fn` at `at` or later (a frozen page wakes late); returns how to cancel it. */
  setTimer(at: Instant, fn: () => void): () => void;
  newId(): string;
}

export interface DriverOptions {
  /** Address of the node, as its records name it. */
  readonly address: string;
  readonly node: MucNode;
  readonly store: EventStore;
  readonly link: StanzaLink;
  readonly host: DriverHost;
  /** What was done, and what the node is now, in batches. */
  report?(batch: readonly (StepRecord | StatusRecord)[]): void;
  /** The driver stopped by itself, because the log failed or the node threw. Memory is ahead of the log: restart from it. */
  failed?(error: unknown): void;
  /** For the progress list; "ready" and what was restored come from `start`. */
  readonly progress?: LinkHandlers['progress'];
  /** A snapshot is saved after this many events at the earliest; a longer one less often (see #snapshotIfDue). */
  readonly snapshotEvery?: number;
}

/** What a node came back with. */
export interface Restored {
  readonly fromSnapshot: boolean;
  readonly events: number;
  readonly damage?: string;
}

/**
 * A batch of inputs ends when their answers exceed this together. A thousand users who enter a room at once cause a million
 * presences, which no link takes at one time.
 */
const sendsPerBatch = 5000;
/** Searches of archives that are under way at most; who asks beyond that is told to ask again later. */
const searchesMax = 100;
/** Statuses are sent at most this often: a burst of joins is shown as one change. */
const statusEveryMs = 100;

interface Handled {
  readonly effects: readonly NodeEffect[];
  readonly step: ReturnType<StepLog['begin']>;
}

interface Queued {
  readonly input: Input;
  readonly rx?: { readonly stream: string; readonly n: number };
  /** Set for a timer: it counts only while the node still has it set. */
  readonly timer?: ArmedTimer;
}

interface ArmedTimer {
  cancel(): void;
}

/**
 * Runs one node: takes all queued inputs, lets the node decide on each, appends all their events at once (group commit),
 * and only then lets the other effects happen, in order. Nothing leaves before what it rests on is durable.
 */
export class Driver {
  readonly #options: DriverOptions;
  readonly #steps: StepLog;
  readonly #timers = new Map<TimerId, ArmedTimer>();
  #queue: Queued[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;
  #sinceSnapshot = 0;
  /** Searches of archives that are under way. */
  #searches = 0;
  /** What the last snapshot held: occupants and affiliations. */
  #snapshotLength = 0;
  #lastStatus: NodeStatus | undefined;
  #cancelStatus: (() => void) | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#steps = new StepLog(options.address, (step) => options.report?.([step]));
  }

  /**
   * Reads the log, gives the node its state back, starts it and connects.
   *
   * @param onRestored  called once the log is read, before anything is sent
   * @throws StoreError, LinkError: what failed for good; the driver is stopped then
   */
  async start(onRestored?: (restored: Restored) => void): Promise<void> {
    const { node, store, link } = this.#options;
    try {
      const { snapshot, events, last, damage } = await store.load();
      const archived = snapshot === undefined ? [] : [...node.restore(snapshot)];
      this.#snapshotLength = lengthOf(snapshot);
      this.#sinceSnapshot = events.length;
      for (const event of events) for (const change of node.apply(event)) archived.push(change);
      await this.#recall(archived);
      onRestored?.({
        fromSnapshot: snapshot !== undefined,
        events: events.length,
        ...(damage === undefined ? {} : { damage }),
      });
      const untold = events.slice(events.length - last);
      this.#take({ input: { kind: 'command', command: { name: 'start', untold } } });
      await link.start(this.#handlers());
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Gives the node a command and waits until what it does is durable and handed to the link. */
  async command(command: Command): Promise<void> {
    this.#take({ input: { kind: 'command', command } });
    await this.#running;
  }

  /** Ends the node: nothing is handled or sent any more, the log is closed. */
  async stop(): Promise<void> {
    this.#halt();
    await this.#running;
    await this.#options.link.stop();
    await this.#options.store.close();
  }

  #handlers(): LinkHandlers {
    const { progress } = this.#options;
    return {
      stanza: (via, stanza, rx) => this.#take({ input: { kind: 'stanza', via, stanza }, rx }),
      up: (peer, stream) => {
        this.#steps.streamUp(stream);
        this.#take({ input: { kind: 'linkUp', peer } });
      },
      down: (peer) => {
        this.#steps.streamDown();
        this.#take({ input: { kind: 'linkDown', peer } });
      },
      ...(progress ? { progress } : {}),
    };
  }

  #take(queued: Queued): void {
    if (this.#stopped) return;
    this.#queue.push(queued);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Let everything that arrived in the same turn join the batch.
    await undefined;
    try {
      while (this.#queue.length > 0 && !this.#stopped) {
        const handled: (Handled | undefined)[] = [];
        let taken = 0;
        for (let sends = 0; taken < this.#queue.length && sends < sendsPerBatch; taken++) {
          const one = this.#handle(this.#queue[taken] as Queued);
          sends += one?.effects.length ?? 0;
          handled.push(one);
        }
        this.#queue.splice(0, taken);
        const events: RoomEvent[] = [];
        const archived: ArchiveChange[] = [];
        for (const one of handled)
          for (const effect of one?.effects ?? [])
            if (effect.kind === 'append') {
              events.push(...effect.events);
              archived.push(...(effect.archived ?? []));
            }
        if (events.length > 0) await this.#options.store.append(events, archived);
        if (this.#stopped) return;
        for (const one of handled) {
          if (one) this.#release(one);
          // One message may be many and large: the next waits until this one has left.
          const leaves = this.#options.link.drained?.();
          if (leaves !== undefined) await leaves;
        }
        this.#statusChanged();
        const now = handled.some((one) => one?.effects.some(({ kind }) => kind === 'compact'));
        await this.#snapshotIfDue(events.length, now);
      }
    } catch (error) {
      this.#halt();
      this.#options.failed?.(error);
      void this.stop();
    } finally {
      this.#running = undefined;
    }
  }

  #handle({ input, rx, timer }: Queued): Handled | undefined {
    if (input.kind === 'timer') {
      // Cleared or set anew since it fired.
      if (this.#timers.get(input.timer) !== timer) return undefined;
      this.#timers.delete(input.timer);
    }
    const { host, node } = this.#options;
    const env: Env = { now: host.now(), newId: () => host.newId() };
    const step = this.#steps.begin(env.now, input, rx);
    const effects = node.handle(input, env);
    // Timers never leave the host, so they need not wait for the log; a later input of the batch sees them as set.
    for (const effect of effects) {
      if (effect.kind === 'setTimer') this.#setTimer(effect.timer, effect.at);
      else if (effect.kind === 'clearTimer') this.#clearTimer(effect.timer);
    }
    return { effects, step };
  }

  #release({ effects, step }: Handled): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'append':
          step.appended(effect.events.length);
          break;
        case 'send':
          this.#options.link.send(effect.stanza, step.sending(effect.spec));
          break;
        case 'trace':
          step.note(effect);
          break;
        case 'search':
          this.#search(effect);
          break;
        case 'setTimer':
        case 'clearTimer':
        case 'compact':
          break;
        default:
          assertNever(effect);
      }
    }
    step.end();
  }

  /**
   * Every room has the last of its messages at hand.
   *
   * @param archived  what the log that was read changes in the archives. They have it already, but for those that were kept in
   *   the snapshot by an earlier version
   */
  async #recall(archived: readonly ArchiveChange[]): Promise<void> {
    const { node, store } = this.#options;
    for (const { room, limits } of node.archives()) {
      const { entries, isWhole } = await lastOf(store, room, limits);
      if (entries.length > 0) node.recall(room, entries, isWhole);
      else
        await store.append(
          [],
          archived.filter((change) => change.room === room),
        );
    }
  }

  /** What is found is an input of its own: the rooms go on meanwhile. */
  #search({ search, asked }: Extract<NodeEffect, { kind: 'search' }>): void {
    const answer = (found: Found) => {
      this.#searches--;
      this.#take({ input: { kind: 'found', search, asked, found } });
    };
    if (++this.#searches > searchesMax) return answer('failed');
    this.#options.store.search(search).then(
      (page) => answer({ page }),
      () => answer('failed'),
    );
  }

  #setTimer(id: TimerId, at: Instant): void {
    this.#clearTimer(id);
    const timer: ArmedTimer = {
      cancel: this.#options.host.setTimer(at, () => this.#take({ input: { kind: 'timer', timer: id }, timer })),
    };
    this.#timers.set(id, timer);
  }

  #clearTimer(id: TimerId): void {
    this.#timers.get(id)?.cancel();
    this.#timers.delete(id);
  }

  /**
   * The next snapshot is due when the log is as long as the last one, so all snapshots together cost no more than the log
   * itself. It is due at once where the log holds what the node may no longer keep. A snapshot that cannot be saved costs
   * nothing but a longer log, since the events are durable.
   */
  async #snapshotIfDue(appended: number, now: boolean): Promise<void> {
    this.#sinceSnapshot += appended;
    if (!now && this.#sinceSnapshot < Math.max(this.#snapshotLength, this.#options.snapshotEvery ?? 500)) return;
    this.#sinceSnapshot = 0;
    const snapshot = withoutHistory(this.#options.node.snapshot());
    this.#snapshotLength = lengthOf(snapshot);
    await this.#options.store.saveSnapshot(snapshot).catch(() => undefined);
  }

  #statusChanged(): void {
    const { host, report } = this.#options;
    if (this.#cancelStatus !== undefined || report === undefined) return;
    const send = () => {
      const status = this.#options.node.status();
      if (this.#lastStatus !== undefined && isSame(status, this.#lastStatus)) return;
      this.#lastStatus = status;
      report([{ kind: 'status', t: host.now(), node: this.#options.address, status }]);
    };
    if (this.#lastStatus === undefined) send();
    else
      this.#cancelStatus = host.setTimer(plus(host.now(), statusEveryMs), () => {
        this.#cancelStatus = undefined;
        if (!this.#stopped) send();
      });
  }

  #halt(): void {
    this.#stopped = true;
    this.#queue = [];
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#cancelStatus?.();
    this.#steps.streamDown();
  }
}

/** The archive has it. */
function withoutHistory({ version, rooms }: NodeImage): NodeSnapshot {
  return { version, rooms: rooms.map(({ history: _, ...room }) => room) };
}

function lengthOf(snapshot: NodeSnapshot | undefined): number {
  return (
    snapshot?.rooms.reduce((sum, { occupants, affiliations }) => sum + occupants.length + affiliations.length, 0) ?? 0
  );
}

/** A room to which nothing has happened has the very status that it had. */
function isSame(a: NodeStatus, b: NodeStatus): boolean {
  return (
    a.rooms.length === b.rooms.length &&
    a.rooms.every((room, i) => room === b.rooms[i] || JSON.stringify(room) === JSON.stringify(b.rooms[i]))
  );
}
