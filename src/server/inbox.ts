import { type Instant, plus } from '../core/xmpp/time.ts';
import { utf8Length } from '../core/xmpp/xml.ts';
import { Bucket, type Budgets, markupCost } from './budget.ts';
import type { Cancel, ServerHost } from './host.ts';
import type { Share } from './shares.ts';

/** What an inbox asks of its stream. */
export interface Reading {
  /** Handles one frame. */
  frame(text: string, cost: number): void;
  /** Stops or goes on reading the socket. */
  read(on: boolean): void;
  /** How long the next frame has to wait, in milliseconds, for its sender's share of what frames cause. */
  ownMs(): number;
  /** The same for what is not its sender's fault. */
  othersMs(cost: number): number;
  /** Its sender has waited long for its own share. */
  tell(text: string): void;
  /** Its sender has waited too long for its own share. */
  cut(text: string): void;
}

interface Frame {
  readonly text: string;
  readonly bytes: number;
  readonly markup: number;
}

/** A sender that is back so soon after it could go on has never stopped. */
const sameMs = 1000;

/**
 * What one sender sends, as fast as it may: each frame is handled once it is paid for, and meanwhile the socket is not
 * read, so that the sender's own buffers fill. Nothing is dropped.
 */
export class Inbox {
  readonly #host: ServerHost;
  readonly #budgets: Budgets;
  readonly #reading: Reading;
  #bytes: Bucket;
  #markup: Bucket | undefined;
  #queue: Frame[] = [];
  #isReading = true;
  #timer: Cancel | undefined;
  /** Since when it has waited for its own share, and when it last did. */
  #since: Instant | undefined;
  #last: Instant | undefined;
  #isTold = false;
  #isClosed = false;
  #isHandling = false;

  constructor(host: ServerHost, budgets: Budgets, reading: Reading) {
    this.#host = host;
    this.#budgets = budgets;
    this.#reading = reading;
    this.#bytes = new Bucket(budgets.client, host.now());
    this.#markup = new Bucket(budgets.markup, host.now());
  }

  /** It is a node's, whose share is larger. */
  becomeNode(): void {
    this.#bytes = new Bucket(this.#budgets.node, this.#host.now());
    this.#markup = undefined;
  }

  /** It is a user's, whose sessions have one share together. */
  becomeUser({ bytes, markup }: Share): void {
    this.#bytes = bytes;
    this.#markup = markup;
  }

  take(frame: string): void {
    if (this.#isClosed) return;
    const markup = this.#markup === undefined ? 0 : markupCost(frame);
    this.#queue.push({ text: frame, bytes: utf8Length(frame), markup });
    if (!this.#isHandling) this.#go();
  }

  /** Something came that is no frame, such as a ping of the WebSocket; or the frame that is handled costs more than its bytes. */
  charge(bytes: number): void {
    this.#bytes.take(this.#host.now(), bytes);
    if (!this.#isHandling && this.#bytes.waitMs(this.#host.now()) > 0 && this.#timer === undefined) this.#go();
  }

  close(): void {
    this.#isClosed = true;
    this.#queue = [];
    this.#timer?.();
    this.#timer = undefined;
  }

  #go(): void {
    this.#isHandling = true;
    let taken = 0;
    for (; taken < this.#queue.length && !this.#isClosed; taken++) {
      const { text, bytes, markup } = this.#queue[taken] as Frame;
      const now = this.#host.now();
      const ownMs = Math.max(
        ...[this.#bytes.waitMs(now, bytes), this.#markup?.waitMs(now, markup) ?? 0, this.#reading.ownMs()],
      );
      const waitMs = ownMs > 0 ? ownMs : this.#reading.othersMs(bytes + markup);
      if (waitMs > 0) {
        this.#wait(now, waitMs, ownMs > 0);
        break;
      }
      this.#bytes.take(now, bytes);
      this.#markup?.take(now, markup);
      this.#reading.frame(text, bytes + markup);
    }
    this.#isHandling = false;
    if (this.#isClosed) return;
    this.#queue = this.#queue.slice(taken);
    if (this.#queue.length > 0) return;
    const owedMs = this.#bytes.waitMs(this.#host.now());
    if (owedMs > 0) this.#wait(this.#host.now(), owedMs, true);
    else this.#read(true);
  }

  #wait(now: Instant, waitMs: number, own: boolean): void {
    this.#read(false);
    if (own) {
      if (this.#last === undefined || now - this.#last > sameMs) {
        this.#since = now;
        this.#isTold = false;
      }
      this.#last = now;
      const waitedMs = now - (this.#since ?? now);
      const { tellMs, cutMs } = this.#budgets;
      if (waitedMs >= cutMs) {
        this.#reading.cut(`sends more than its share, for ${cutMs / 1000} s`);
        return;
      }
      if (waitedMs >= tellMs && !this.#isTold) {
        this.#isTold = true;
        this.#reading.tell('more is sent than this stream may; it is read slowly, and ends if that goes on');
      }
    }
    this.#timer?.();
    this.#timer = this.#host.setTimer(plus(now, Math.min(waitMs, sameMs / 2)), () => {
      this.#timer = undefined;
      this.#go();
    });
  }

  #read(on: boolean): void {
    if (on === this.#isReading) return;
    this.#isReading = on;
    this.#reading.read(on);
  }
}
