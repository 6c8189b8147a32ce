import type { Instant } from '../core/xmpp/time.ts';

/** How much there may be: so much a second in the long run, and `burst` at once. Bytes, if nothing else is said; 0 a second is unlimited. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Who may send how much to the embedded server, and how long a sender may wait for its share. */
export interface Budgets {
  /** All sessions of one user together. */
  readonly client: Rate;
  /** Their markup beyond what stanzas usually have (`markupCost`). */
  readonly markup: Rate;
  /**
   * What rooms send to all because of what one user says, and as much again of what they send to the user who asks for it.
   * A copy counts at least 1 KiB: a message costs more in a large room than in a small one, and a long one more than a short.
   */
  readonly fanOut: Rate;
  /** What all users together whom rooms are busy for may cause in a second, before they wait for each other (turns.ts). */
  readonly turnsPerSecond: number;
  /** One session of a node: a message in is as many stanzas out as the room has occupants. */
  readonly node: Rate;
  /** What all users together send to one room. */
  readonly roomIn: Rate;
  /** What one room sends to all users together. */
  readonly roomOut: Rate;
  /** A sender that has waited so long is told why. */
  readonly tellMs: number;
  /** A sender that has waited so long is cut off. */
  readonly cutMs: number;
  /** A reader that takes nothing for so long, although something waits for it, is cut off. */
  readonly stallMs: number;
  /** What may wait for one reader; the room's history and archive are less. */
  readonly waitingBytes: number;
  /** What the trace of a network keeps in memory for those who begin to watch. */
  readonly traceBytes: number;
}

const kib = 1024;
const mib = 1024 * kib;

export const defaultBudgets: Budgets = {
  client: { perSecond: 10_000, burst: 5 * mib },
  markup: { perSecond: 10_000, burst: 256 * kib },
  fanOut: { perSecond: 2_000_000, burst: 16 * mib },
  turnsPerSecond: 5_000_000,
  node: { perSecond: 20_000_000, burst: 256 * mib },
  roomIn: { perSecond: 2_000_000, burst: 32 * mib },
  roomOut: { perSecond: 20_000_000, burst: 256 * mib },
  tellMs: 10_000,
  cutMs: 60_000,
  stallMs: 60_000,
  waitingBytes: 64 * mib,
  traceBytes: 16 * mib,
};

/**
 * A token bucket. What is taken may be more than there is: then it owes, and `waitMs` says until when.
 */
export class Bucket {
  readonly #rate: Rate;
  readonly #least: number;
  #tokens: number;
  #refilled: number;

  /** @param debtMaxMs  whoever comes next need not wait for longer */
  constructor(rate: Rate, now: Instant, debtMaxMs = Number.POSITIVE_INFINITY) {
    this.#rate = rate;
    this.#least = -(rate.perSecond * debtMaxMs) / 1000;
    this.#tokens = rate.burst;
    this.#refilled = now;
  }

  /**
   * How long until `cost` is there to be taken, in milliseconds; 0: it is. More than a full bucket can be saved up for,
   * so that nothing is impossible, only dear.
   */
  waitMs(now: Instant, cost = 0): number {
    if (this.#rate.perSecond === 0) return 0;
    this.#refill(now, Math.max(this.#rate.burst, cost));
    return this.#tokens >= cost ? 0 : Math.ceil(((cost - this.#tokens) / this.#rate.perSecond) * 1000);
  }

  take(now: Instant, cost: number): void {
    if (this.#rate.perSecond === 0) return;
    this.#refill(now, this.#rate.burst);
    this.#tokens = Math.max(this.#least, this.#tokens - cost);
  }

  giveBack(amount: number): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + amount);
  }

  /** How much of a full bucket is gone. */
  used(now: Instant): number {
    this.#refill(now, this.#rate.burst);
    return this.#rate.burst - this.#tokens;
  }

  /** Nothing is owed or used: it says no more than a new one. */
  isFull(now: Instant): boolean {
    return this.waitMs(now, this.#rate.burst) === 0;
  }

  #refill(now: Instant, full: number): void {
    const passed = now - this.#refilled;
    this.#refilled = now;
    // A clock that was set back gives nothing, and takes nothing.
    if (passed > 0 && this.#tokens < full)
      this.#tokens = Math.min(full, this.#tokens + (passed / 1000) * this.#rate.perSecond);
  }
}

/** Tags and attributes in a frame that cost nothing of their own, counted in halves of a tag. */
const freeHalves = 40;
/** What reading a tag costs, in the time that so many characters of text take. An attribute or a reference is half of that. */
const tagCost = 64;

/**
 * What the markup of a frame costs to read and to hand on beyond its length, in bytes of plain text that would cost as much:
 * an element of four characters takes twenty times as long as its text would.
 */
export function markupCost(frame: string): number {
  let halves = 0;
  for (let i = 0; i < frame.length; i++) {
    const c = frame.charCodeAt(i);
    if (c === 0x3c) halves += 2;
    else if (c === 0x26) halves++;
    else if (c === 0x3d) {
      const next = frame.charCodeAt(i + 1);
      if (next === 0x22 || next === 0x27) halves++;
    }
  }
  return Math.max(0, halves - freeHalves) * (tagCost / 2);
}
