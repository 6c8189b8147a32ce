import type { Jid } from '../core/xmpp/jid.ts';
import type { Instant } from '../core/xmpp/time.ts';
import { Bucket, type Rate } from './budget.ts';

/** Failures, not bytes. One address with one account: a person who has forgotten a password, or a program that guesses. */
const pairRate: Rate = { perSecond: 0.1, burst: 3 };
/** One account from all addresses. */
const accountRate: Rate = { perSecond: 1, burst: 30 };
/** One address with all accounts. */
const addressRate: Rate = { perSecond: 0.5, burst: 20 };
/** What would have to wait longer is refused. */
const waitMaxMs = 5000;
/** How many of each kind are remembered. */
const rememberedMax = 10_000;
const answerMinMs = 100;
const answerMaxMs = 2000;

/** What became of a request to check a password. */
export type Admission =
  /** It may be checked after so many milliseconds; then `settle` is to be called. */
  | { readonly kind: 'checked'; readonly afterMs: number; settle(succeeded: boolean): void }
  | { readonly kind: 'refused' };

/**
 * Counts failed logins over all connections, by address and by account: whoever guesses is soon checked once in ten seconds.
 * An account that has seen no failure from an address is checked at once, so that nobody is locked out by a neighbour.
 */
export class LoginAttempts {
  readonly #pairs = new Failures(pairRate);
  readonly #accounts = new Failures(accountRate);
  readonly #addresses = new Failures(addressRate);

  /**
   * @param address  of the peer, undefined if it has none
   * @param known  whether there is such an account
   */
  admit(peer: string | undefined, account: Jid, known: boolean, now: Instant): Admission {
    const address = networkOf(peer ?? '');
    const pair = `${address} ${account}`;
    // The first guess at each account that there is costs the address nothing, or a neighbour could lock its owner out.
    const isFresh = known && !this.#pairs.has(pair);
    const buckets = [this.#pairs.of(pair, now), this.#accounts.of(account, now)];
    const ofAddress = this.#addresses.of(address, now);
    if (!isFresh) buckets.push(ofAddress);
    const afterMs = Math.max(...buckets.map((bucket) => bucket.waitMs(now, 1)));
    if (afterMs > waitMaxMs) return { kind: 'refused' };
    // Taken before the check, since many may be under way at once.
    for (const bucket of buckets) bucket.take(now, 1);
    return {
      kind: 'checked',
      afterMs,
      settle: (succeeded) => {
        if (succeeded) {
          for (const bucket of buckets) bucket.giveBack(1);
          this.#pairs.forget(pair);
        } else if (isFresh) ofAddress.take(now, 1);
      },
    };
  }

  /** How long to hold a failure back, in milliseconds: twice as long as the one before. */
  answerMs(peer: string | undefined, account: Jid, now: Instant): number {
    const used = this.#pairs.of(`${networkOf(peer ?? '')} ${account}`, now).used(now);
    return Math.min(answerMaxMs, answerMinMs * 2 ** Math.max(0, used - 1));
  }
}

class Failures {
  readonly #rate: Rate;
  /** The longest unused first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  has(key: string): boolean {
    return this.#buckets.has(key);
  }

  of(key: string, now: Instant): Bucket {
    const bucket = this.#buckets.get(key) ?? new Bucket(this.#rate, now);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > rememberedMax) {
      const [oldest] = this.#buckets.keys();
      this.#buckets.delete(oldest as string);
    }
    return bucket;
  }

  forget(key: string): void {
    this.#buckets.delete(key);
  }
}

/** Whoever has one address of IPv6 has at least the 2^64 with the same first half. RFC 4291 §2.5.1. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.startsWith('::ffff:')) return address.replace('::ffff:', '');
  const [before = '', after = ''] = address.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === '' ? [] : after.split(':');
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return groups.slice(0, 4).join(':');
}
