import { type Stanza, stanzaFrame, stanzaLength } from '../core/xmpp/stanza.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import type { Budgets } from './budget.ts';
import type { Cancel, ServerHost } from './host.ts';

/** The writing side of a socket. */
export interface Sink {
  send(frame: string): void;
  /** Bytes sent and not yet gone. */
  buffered(): number;
}

/** So much is handed to the socket ahead of its reader; the rest waits here, as stanzas whose copies share what is in them. */
const aheadBytes = 256 * 1024;
/** How often a reader that is behind is looked at, in milliseconds. */
const lookMs = 1000;
/** How long others rest for one reader in all; one second comes back in thirty. */
const patienceMs = 1000;

interface Waiting {
  readonly item: string | Stanza;
  readonly bytes: number;
}

/**
 * What one reader is sent. It waits for the reader: only one that takes nothing for a long time is given up, or one for
 * whom more waits than memory allows.
 */
export class Outbox {
  readonly #sink: Sink;
  readonly #host: ServerHost;
  readonly #budgets: Budgets;
  readonly #givenUp: (why: string) => void;
  #queue: Waiting[] = [];
  #head = 0;
  #bytes = 0;
  /** What the socket held when it was last looked at, and when that last shrank. */
  #held = 0;
  #takenAt: Instant;
  #behindSince: Instant | undefined;
  #patience = patienceMs;
  #patienceAt: Instant;
  #timer: Cancel | undefined;
  #behind: Set<Outbox> | undefined;

  constructor(sink: Sink, host: ServerHost, budgets: Budgets, givenUp: (why: string) => void) {
    this.#sink = sink;
    this.#host = host;
    this.#budgets = budgets;
    this.#givenUp = givenUp;
    this.#takenAt = this.#patienceAt = host.now();
  }

  /** Bytes that have not gone. */
  get unsent(): number {
    return this.#bytes + this.#sink.buffered();
  }

  /** More waits than the socket is given ahead. */
  get isBehind(): boolean {
    return this.#head < this.#queue.length;
  }

  /** Has itself listed while it is behind, for those who send much (`worthWaiting`). */
  listIn(behind: Set<Outbox>): void {
    this.#behind = behind;
    if (this.#behindSince !== undefined) behind.add(this);
  }

  send(item: string | Stanza): void {
    if (!this.isBehind && this.#sink.buffered() <= aheadBytes) return this.#write(item);
    const bytes = typeof item === 'string' ? item.length : stanzaLength(item);
    this.#queue.push({ item, bytes });
    this.#bytes += bytes;
    if (this.#behindSince === undefined) {
      this.#spendPatience();
      this.#behind?.add(this);
      this.#behindSince = this.#takenAt = this.#host.now();
      this.#held = this.#sink.buffered();
    }
    if (this.#bytes > this.#budgets.waitingBytes) this.#givenUp(`reads too slowly: ${this.#bytes} bytes wait`);
    else this.#look();
  }

  /** Hands on what the socket takes. To be called when it has room again. */
  pump(): void {
    while (this.isBehind && this.#sink.buffered() <= aheadBytes) {
      const { item, bytes } = this.#queue[this.#head++] as Waiting;
      this.#bytes -= bytes;
      this.#write(item);
      this.#held = this.#sink.buffered();
      this.#takenAt = this.#host.now();
    }
    if (this.isBehind) {
      if (this.#head < 1000 || this.#head * 2 < this.#queue.length) return;
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
      return;
    }
    this.clear();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#spendPatience();
    this.#queue = [];
    this.#head = this.#bytes = 0;
    this.#behindSince = undefined;
    this.#behind?.delete(this);
    this.#timer?.();
    this.#timer = undefined;
  }

  /** What a sender should wait for: all that waits, unless the reader has tried the patience of others enough. */
  worthWaiting(): number {
    return this.#behindSince !== undefined && this.#spendPatience() > 0 ? this.#bytes : 0;
  }

  #spendPatience(): number {
    const now = this.#host.now();
    const passed = Math.max(0, now - this.#patienceAt);
    this.#patienceAt = now;
    this.#patience = Math.max(
      0,
      this.#behindSince === undefined
        ? Math.min(patienceMs, this.#patience + passed / 30)
        : this.#patience - Math.min(passed, now - this.#behindSince),
    );
    return this.#patience;
  }

  #write(item: string | Stanza): void {
    this.#sink.send(typeof item === 'string' ? item : stanzaFrame(item));
  }

  #look(): void {
    this.#timer ??= this.#host.setTimer(plus(this.#host.now(), lookMs), () => {
      this.#timer = undefined;
      const now = this.#host.now();
      const held = this.#sink.buffered();
      if (held < this.#held) this.#takenAt = now;
      this.#held = held;
      this.pump();
      if (!this.isBehind) return;
      if (now - this.#takenAt >= this.#budgets.stallMs)
        this.#givenUp(`reads too slowly: nothing for ${this.#budgets.stallMs / 1000} s`);
      else this.#look();
    });
  }
}
