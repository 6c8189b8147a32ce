import { type Instant, plus } from '../xmpp/time.ts';

/**
 * What the way between two servers is like.
 *
 * - `up`: stanzas arrive
 * - `bounce`: the peer is known to be unreachable; the sender is told so
 * - `silent`: stanzas vanish and nobody is told (a black hole)
 */
export type LinkState = 'up' | 'bounce' | 'silent';

export interface LinkSettings {
  readonly state: LinkState;
  readonly latencyMs: number;
  /** Up to this much is added to the latency, evenly distributed; it never reorders (a stream is FIFO). */
  readonly jitterMs: number;
  /** 0 means unlimited. Each direction has the whole of it. */
  readonly bytesPerSecond: number;
}

/** Both directions together. */
export interface LinkCounters {
  /** Stanzas that were carried. */
  readonly stanzas: number;
  readonly bytes: number;
  /** Stanzas that were bounced or vanished. */
  readonly dropped: number;
}

export type Transmission =
  | { readonly arrives: Instant; readonly outcome?: undefined }
  | { readonly outcome: 'bounced' | 'dropped'; readonly arrives?: undefined };

/** What a link is unless a scenario says otherwise: 20 ms, no jitter, unlimited. */
export const defaultLink: LinkSettings = { state: 'up', latencyMs: 20, jitterMs: 0, bytesPerSecond: 0 };

/** Direction 0 goes from the first server of the pair to the second, 1 the other way. */
export type Direction = 0 | 1;

/**
 * The link model between two servers: when a stanza arrives at the other side, or that it does not.
 * It holds no stanzas and no clock: its driver keeps the queue (FIFO per direction holds by construction,
 * since no stanza arrives before the one sent earlier).
 */
export class Link {
  #settings: LinkSettings;
  #stanzas = 0;
  #bytes = 0;
  #dropped = 0;
  /** When the last byte of what was sent so far leaves, and when the last stanza arrives; by direction. */
  readonly #leaves: [number, number] = [0, 0];
  readonly #arrives: [number, number] = [0, 0];

  constructor(settings: Partial<LinkSettings> = {}) {
    this.#settings = { ...defaultLink, ...settings };
  }

  get settings(): LinkSettings {
    return this.#settings;
  }

  get counters(): LinkCounters {
    return { stanzas: this.#stanzas, bytes: this.#bytes, dropped: this.#dropped };
  }

  /** Changes some settings. What is under way already arrives as it was going to. */
  change(settings: Partial<LinkSettings>): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  /**
   * Sends one stanza.
   *
   * @param bytes  UTF-8 length of the stanza
   * @param random  a number of [0, 1): the only randomness of the model
   */
  transmit(direction: Direction, bytes: number, now: Instant, random: number): Transmission {
    const { state, latencyMs, jitterMs, bytesPerSecond } = this.#settings;
    if (state !== 'up') {
      this.#dropped++;
      return { outcome: state === 'bounce' ? 'bounced' : 'dropped' };
    }
    this.#stanzas++;
    this.#bytes += bytes;
    const begins = bytesPerSecond > 0 ? Math.max(now, this.#leaves[direction]) : now;
    const leaves = bytesPerSecond > 0 ? begins + (bytes * 1000) / bytesPerSecond : begins;
    this.#leaves[direction] = leaves;
    const arrives = Math.max(leaves + latencyMs + jitterMs * random, this.#arrives[direction]);
    this.#arrives[direction] = arrives;
    return { arrives: plus(now, arrives - now) };
  }
}
