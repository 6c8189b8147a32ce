/** What a room has at hand of its messages. The rest is in its archive. */
export interface AtHandLimits {
  readonly count: number;
  /** Of the payloads, as they are written. */
  readonly bytes: number;
  /** The archive is asked also for what is at hand: a room that is only tried out hardly has anything else. */
  readonly asks?: true;
}

export const defaultLimits: AtHandLimits = { count: 1000, bytes: 4 * 1024 * 1024 };
/** How much the archive keeps; the oldest beyond any of these goes. What is absent is no limit. */
export interface ArchiveLimits {
  readonly count?: number;
  readonly bytes?: number;
  readonly days?: number;
}
