import type { HopRecord, StepRecord } from '../../core/node/trace.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import type { ModelEvent } from './event.ts';
import type { Events } from './events.ts';

/** What arrived over a link is told of by then, if it led to anything: hardly any stanza does not. */
const lateMs = 2_000;
/** A node that takes longer for a stanza is stuck, or its record of it was lost. */
const stuckMs = 10_000;
/** Older events are on no link any more. */
const lookedAt = 400;

/** What is still to come: stanzas on the links, and nodes that have not said what they made of what they were handed. */
export class Waiting {
  readonly #events: Events;
  /** By stream of a node that reports: the last stanza it handled. */
  readonly #handled = new Map<string, number>();
  /** By stream: the last stanza that it was handed. */
  readonly #handed = new Map<string, { readonly n: number; readonly t: number }>();

  constructor(events: Events) {
    this.#events = events;
  }

  handed(hop: HopRecord): void {
    if (!isServersAnswer(hop)) this.#handed.set(hop.stream ?? '', { n: hop.n ?? 0, t: hop.t });
  }

  handled({ stream, rx = 0 }: StepRecord): void {
    this.#handled.set(stream, Math.max(rx, this.#handled.get(stream) ?? 0));
  }

  /** A stream has ended: nobody waits for it. */
  ended(stream: string): void {
    this.#handed.delete(stream);
    this.#handled.delete(stream);
  }

  /** Nodes that were handed a stanza and have not said what they made of it: their log may be on a slow disk. */
  busy(now: number): number {
    let count = 0;
    for (const [stream, { n, t }] of this.#handed)
      if (n > (this.#handled.get(stream) ?? n) && now - t < stuckMs) count++;
    return count;
  }

  /**
   * Stanzas on links that have neither arrived nor been lost, as far as the server said.
   *
   * @param paused  nothing that is on a link arrives
   */
  inFlight(now: number, paused: boolean): number {
    const { list } = this.#events;
    return list.slice(-lookedAt + 1).filter((event) => this.#isOnLink(event, now, paused)).length;
  }

  #isOnLink({ id, leg, outcome, arrives, t }: ModelEvent, now: number, paused: boolean): boolean {
    if (leg !== 'link' || outcome || this.#events.effectsOf(id).length > 0) return false;
    return paused || (arrives ?? t) + lateMs > now;
  }
}

/** What the server answers to a ping or a bind: the node's connection takes it, and the node never sees it. */
function isServersAnswer({ stanza, from, to }: HopRecord): boolean {
  return (
    stanza.name === 'iq' &&
    (stanza.type === 'result' || stanza.type === 'error') &&
    [from, to, bareOf(to as Jid)].includes(stanza.from)
  );
}
