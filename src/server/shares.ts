import type { Instant } from '../core/xmpp/time.ts';
import { Bucket, type Budgets } from './budget.ts';

/** One stanza may be to many, and large: nobody waits longer for what it has cost, and so nobody is cut off for it. */
const debtMaxMs = 30_000;

/** A page of an archive, as long as nothing larger is known. */
const pageMin = 64 * 1024;

/** What all sessions of one user may send, and may cause, together: a session that comes again is no new user. */
export class Share {
  readonly bytes: Bucket;
  readonly markup: Bucket;
  /** What rooms send to all because of what the user says. */
  readonly fanOut: Bucket;
  /** What rooms send to the user who asked for it: it is waited for, and nobody is cut off for it. */
  readonly answers: Bucket;
  sessions = 0;
  /** Of the page that is asked for: what is paid already, and what has come of it. The last one was so large. */
  #paid = 0;
  #come = 0;
  #page = pageMin;

  constructor(budgets: Budgets, now: Instant) {
    this.bytes = new Bucket(budgets.client, now);
    this.markup = new Bucket(budgets.markup, now);
    this.fanOut = new Bucket(budgets.fanOut, now, debtMaxMs);
    this.answers = new Bucket(budgets.fanOut, now, debtMaxMs);
  }

  /** A page is asked for. It is paid when it is, or many could be asked for before the first has come. @returns its price */
  ask(now: Instant): number {
    this.answers.take(now, this.#page);
    this.#paid = this.#page;
    return this.#page;
  }

  /** @param isLast  nothing more comes of what was asked for */
  answer(weight: number, isLast: boolean, now: Instant): void {
    const paid = Math.min(this.#paid, weight);
    this.#paid -= paid;
    this.answers.take(now, weight - paid);
    this.#come += weight;
    if (!isLast) return;
    this.#page = Math.max(pageMin, this.#come);
    this.#come = 0;
  }

  isUnused(now: Instant): boolean {
    const buckets = [this.bytes, this.markup, this.fanOut, this.answers];
    return this.sessions === 0 && buckets.every((bucket) => bucket.isFull(now));
  }
}
