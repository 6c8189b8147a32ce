import { type Instant, instant } from '../core/xmpp/time.ts';

/** How much faster or slower than time it goes while it is ahead of the wall clock. */
const slewing = 0.05;

/**
 * A clock that never goes back. Where the wall clock is set back, it goes a little slower until that has caught up; where that
 * is set forward, or the machine slept, it goes on from there, and those who wait for others can tell that they were away.
 *
 * @param wall  milliseconds since the Unix epoch, which somebody may set
 * @param steady  milliseconds since some moment, which nobody sets
 */
export function steadyClock(wall: () => number, steady: () => number): () => Instant {
  let last = steady();
  let seen = wall();
  let now = seen;
  let shown = instant(Math.floor(now));
  return () => {
    const at = wall();
    // It is asked several times for each stanza, and tells whole milliseconds.
    if (at === seen) return shown;
    seen = at;
    const elapsed = Math.max(0, steady() - last);
    last += elapsed;
    const ahead = now + elapsed - at;
    now += elapsed - Math.min(Math.max(0, ahead), elapsed * slewing);
    if (ahead < 0) now -= ahead;
    shown = instant(Math.floor(now));
    return shown;
  };
}
