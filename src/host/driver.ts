import type { Holdings } from '../core/node/holdings.ts';
import type { Command, Input } from '../core/node/input.ts';
import type { MucNode, NodeEffect } from '../core/node/node.ts';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import { statusChanges } from '../core/node/status-changes.ts';
import type { NodeStatus } from '../core/node/trace.ts';
import type { ArchiveChange, Found } from '../core/room/archive-store.ts';
import type { RoomEvent } from '../core/room/event.ts';
import type { TimerId } from '../core/turn/effect.ts';
import type { Env } from '../core/turn/env.ts';
import { assertNever } from '../core/xmpp/errors.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import { recallAll } from './archive-tail.ts';
import type { DriverOptions, Restored } from './driver-options.ts';
import { type EventStore, type Recovered, StoreError } from './event-store.ts';
import { refuse, withoutHistory, writeAnew } from './renewal.ts';
import type { LinkHandlers } from './stanza-link.ts';
import { StepLog } from './step-log.ts';

/**
 * A batch of inputs ends when their answers exceed this together. A thousand users who enter a room at once cause a million
 * presences, which no link takes at one time.
 */
const sendsPerBatch = 5000;
/** Searches of archives that are under way at most; who asks beyond that is told to ask again later. */
const searchesMax = 100;
/** Statuses are sent at most this often: a burst of joins is shown as one change. */
const statusEveryMs = 100;
/** A store without room is tried again after so long, and then after twice as long, up to so long. */
const restMs = 5_000;
const restMsMax = 60_000;

/** Events after which a snapshot is saved at the earliest. They are read in a few hundredths of a second. */
const snapshotEvery = 4000;

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
  #node: MucNode;
  #store: EventStore;
  /** Why the store is gone, if it has said so. */
  #gone: string | undefined;
  /** Streams that are up. */
  readonly #up = new Set<Jid>();
  /** Why the node does nothing for the moment; and how long it rests the next time. */
  #resting: string | undefined;
  #restMs = restMs;
  #queue: Queued[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;
  #sinceSnapshot = 0;
  /** Searches of archives that are under way. */
  #searches = 0;
  /** What the last snapshot held: occupants and affiliations. */
  #snapshotLength = 0;
  /** What was reported since the last stream began. */
  #lastStatus: NodeStatus | undefined;
  #wasUp = false;
  #cancelStatus: (() => void) | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#node = options.node;
    this.#store = options.store;
    this.#watch();
    this.#steps = new StepLog(options.address, (step) => options.report?.([step]));
  }

  /**
   * Reads the log, gives the node its state back, starts it and connects.
   *
   * @param onRestored  called once the log is read, before anything is sent
   * @throws StoreError, LinkError: what failed for good; the driver is stopped then
   */
  async start(onRestored?: (restored: Restored) => void): Promise<void> {
    try {
      const { snapshot, events, last, damage } = await this.#restore();
      onRestored?.({
        fromSnapshot: snapshot !== undefined,
        events: events.length,
        ...(damage === undefined ? {} : { damage }),
      });
      const untold = events.slice(events.length - last);
      this.#take({ input: { kind: 'command', command: { name: 'start', untold } } });
      await this.#options.link.start(this.#handlers());
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** What the node is now. */
  status(): NodeStatus {
    return this.#node.status();
  }

  /** Inputs that wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Why the node does nothing for the moment; undefined: it works. */
  get resting(): string | undefined {
    return this.#resting;
  }

  /** Gives the node a command and waits until what it does is durable and handed to the link. */
  async command(command: Command): Promise<void> {
    this.#take({ input: { kind: 'command', command } });
    await this.#running;
  }

  /** What the node tells the other processes of its service. */
  holdings(): Holdings {
    return this.#node.holdings();
  }

  /** Ends the node: nothing is handled or sent any more, the log is closed. */
  async stop(): Promise<void> {
    this.#halt();
    await this.#running;
    await this.#options.link.stop();
    await this.#store.close();
  }

  /** The node becomes what the store has. */
  async #restore(): Promise<Recovered> {
    const recovered = await this.#store.load();
    const { snapshot, events } = recovered;
    const archived = snapshot === undefined ? [] : [...this.#node.restore(snapshot)];
    this.#snapshotLength = lengthOf(snapshot);
    this.#sinceSnapshot = events.length;
    for (const event of events) for (const change of this.#node.apply(event)) archived.push(change);
    await recallAll(this.#node, this.#store, archived);
    return recovered;
  }

  #handlers(): LinkHandlers {
    const { progress } = this.#options;
    return {
      stanza: (via, stanza, rx) => this.#take({ input: { kind: 'stanza', via, stanza }, rx }),
      up: (peer, stream) => {
        this.#steps.streamUp(stream);
        this.#up.add(peer);
        // The server may be another run of itself, which knows nothing of this node.
        if (this.#wasUp) this.#lastStatus = undefined;
        this.#wasUp = true;
        this.#take({ input: { kind: 'linkUp', peer } });
      },
      down: (peer) => {
        this.#steps.streamDown();
        this.#up.delete(peer);
        this.#take({ input: { kind: 'linkDown', peer } });
      },
      ...(progress ? { progress } : {}),
    };
  }

  #take(queued: Queued): void {
    if (this.#stopped) return;
    if (this.#resting !== undefined) return refuse(this.#options.link, queued.input, this.#resting);
    this.#queue.push(queued);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Let everything that arrived in the same turn join the batch.
    await undefined;
    try {
      while ((this.#queue.length > 0 || this.#gone !== undefined) && !this.#stopped) {
        if (this.#gone !== undefined) await this.#renew(this.#gone);
        const handled: (Handled | undefined)[] = [];
        let taken = 0;
        for (let sends = 0; taken < this.#queue.length && sends < sendsPerBatch; taken++) {
          const one = this.#handle(this.#queue[taken] as Queued);
          sends += one?.effects.length ?? 0;
          handled.push(one);
        }
        const batch = this.#queue.splice(0, taken);
        const events: RoomEvent[] = [];
        const archived: ArchiveChange[] = [];
        for (const one of handled)
          for (const effect of one?.effects ?? [])
            if (effect.kind === 'append') {
              events.push(...effect.events);
              archived.push(...(effect.archived ?? []));
            }
        const full = events.length === 0 ? undefined : await this.#keep(events, archived);
        if (this.#stopped) return;
        if (full !== undefined) return this.#rest(full, batch, handled);
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
      this.#fail(error);
    } finally {
      this.#running = undefined;
    }
  }

  /** @returns why the events could not be kept, if the node may rest until they can */
  async #keep(events: readonly RoomEvent[], archived: readonly ArchiveChange[]): Promise<string | undefined> {
    const { renewal, host, meter } = this.#options;
    try {
      const began = host.now();
      await this.#store.append(events, archived);
      meter?.appended(host.now() - began);
      if (this.#restMs > restMs) renewal?.tell('there is room again', false);
      this.#restMs = restMs;
      return undefined;
    } catch (error) {
      const code = error instanceof StoreError ? error.code : undefined;
      if (renewal === undefined || (code !== 'full' && code !== 'read-only' && code !== 'gone')) throw error;
      if (code !== 'gone') return (error as StoreError).message;
      await this.#renew((error as StoreError).message);
      return undefined;
    }
  }

  async #renew(why: string): Promise<void> {
    const { renewal } = this.#options;
    this.#gone = undefined;
    if (renewal === undefined) throw new StoreError(why, { code: 'gone' });
    this.#store = await writeAnew(this.#store, this.#node, renewal, why);
    this.#watch();
  }

  /** A store that is deleted is written anew at once, also where nobody speaks. */
  #watch(): void {
    const store = this.#store;
    store.onGone?.((why) => {
      if (store !== this.#store || this.#stopped || this.#resting !== undefined) return;
      this.#gone = why;
      this.#running ??= this.#run();
    });
  }

  /** There is no room for what has just been decided: it did not happen, and who asked for it is told. */
  #rest(why: string, batch: readonly Queued[], handled: readonly (Handled | undefined)[]): void {
    const { renewal } = this.#options;
    if (this.#restMs === restMs) renewal?.tell(`${why}: nothing is taken until there is room`, true);
    this.#resting = why;
    for (const one of handled) one?.step.end();
    const refused = [...batch, ...this.#queue];
    this.#queue = [];
    this.#forgetTimers();
    for (const { input } of refused) refuse(this.#options.link, input, why);
    this.#wakeLater();
  }

  #wakeLater(): void {
    const { host } = this.#options;
    host.setTimer(plus(host.now(), this.#restMs), () => void this.#wake());
    this.#restMs = Math.min(2 * this.#restMs, restMsMax);
  }

  /** The node goes on from what is durable. */
  async #wake(): Promise<void> {
    const { renewal } = this.#options;
    if (this.#stopped || renewal === undefined) return;
    // A database that is opened where there is no room looks like a broken one.
    if (this.#store.hasRoom?.() === false) return this.#wakeLater();
    try {
      this.#node = renewal.node();
      await this.#restore();
    } catch (error) {
      if (!this.#stopped) this.#fail(error);
      return;
    }
    if (this.#stopped) return;
    this.#resting = undefined;
    this.#take({ input: { kind: 'command', command: { name: 'start' } } });
    for (const peer of this.#up) this.#take({ input: { kind: 'linkUp', peer } });
  }

  #handle({ input, rx, timer }: Queued): Handled | undefined {
    if (input.kind === 'timer') {
      // Cleared or set anew since it fired.
      if (this.#timers.get(input.timer) !== timer) return undefined;
      this.#timers.delete(input.timer);
    }
    const { host } = this.#options;
    const env: Env = { now: host.now(), newId: () => host.newId() };
    const step = this.#steps.begin(env.now, input, rx);
    const effects = this.#node.handle(input, env);
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
          if (effect.sign !== undefined) this.#options.meter?.noted(effect.sign);
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

  /** What is found is an input of its own: the rooms go on meanwhile. */
  #search({ search, asked }: Extract<NodeEffect, { kind: 'search' }>): void {
    const { host, meter } = this.#options;
    const began = host.now();
    const answer = (found: Found) => {
      this.#searches--;
      meter?.searched(host.now() - began);
      this.#take({ input: { kind: 'found', search, asked, found } });
    };
    if (++this.#searches > searchesMax) return answer('failed');
    this.#store.search(search).then(
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
    if (!now && this.#sinceSnapshot < Math.max(this.#snapshotLength, this.#options.snapshotEvery ?? snapshotEvery))
      return;
    this.#sinceSnapshot = 0;
    const snapshot = withoutHistory(this.#node.snapshot());
    this.#snapshotLength = lengthOf(snapshot);
    await this.#store.saveSnapshot(snapshot).catch(() => undefined);
    // XEP-0282 §4.7, decisions #7 and #112. It may take long, and nothing waits for it.
    if (now) void this.#store.erase?.().catch(() => undefined);
  }

  #statusChanged(): void {
    const { host, report } = this.#options;
    if (this.#cancelStatus !== undefined || report === undefined) return;
    const send = () => {
      const { address } = this.#options;
      const status = this.#node.status();
      const changes = statusChanges(this.#lastStatus, status);
      this.#lastStatus = status;
      if (changes.length > 0)
        report(changes.map((change) => ({ kind: 'status', t: host.now(), node: address, ...change })));
    };
    if (this.#lastStatus === undefined) send();
    else
      this.#cancelStatus = host.setTimer(plus(host.now(), statusEveryMs), () => {
        this.#cancelStatus = undefined;
        if (!this.#stopped) send();
      });
  }

  #fail(error: unknown): void {
    this.#halt();
    this.#options.failed?.(error);
    void this.stop();
  }

  #forgetTimers(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #halt(): void {
    this.#stopped = true;
    this.#queue = [];
    this.#forgetTimers();
    this.#cancelStatus?.();
    this.#steps.streamDown();
  }
}

function lengthOf(snapshot: NodeSnapshot | undefined): number {
  return (
    snapshot?.rooms.reduce((sum, { occupants, affiliations }) => sum + occupants.length + affiliations.length, 0) ?? 0
  );
}
