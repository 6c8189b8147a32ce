import { type Instant, instant } from '../../xmpp/time.ts';

/**
 * What was said so long before a loss, in milliseconds, may not have arrived: a ping shows it late (decision #3). Clocks that
 * differ by less are the same.
 */
export const underWayMs = 120_000;

/** A time of another node's clock, which was at `theirs` when ours is at `now`, by our own clock. Decisions #164, #181. */
export function byOwnClock(now: Instant, theirs: Instant, at: Instant): Instant {
  const ahead = now - theirs;
  return Math.abs(ahead) <= underWayMs ? at : instant(at + ahead);
}
