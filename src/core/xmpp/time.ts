/** Milliseconds since the Unix epoch. Only a host or the simulator makes one. */
export type Instant = number & { readonly _ms: unique symbol };

export const dayMs = 24 * 3_600_000;

export function instant(ms: number): Instant {
  return ms as Instant;
}

export function plus(at: Instant, ms: number): Instant {
  return (at + ms) as Instant;
}
