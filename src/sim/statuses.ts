import type { NodeStatus } from '../core/node/trace.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { Seat } from './seat.ts';

/** What a node has become. */
export interface StatusChange {
  /** How many records of the trace are before it. */
  readonly after: number;
  readonly t: Instant;
  readonly node: Jid;
  /** undefined: it is down. */
  readonly status: NodeStatus | undefined;
}

/**
 * The status of every node at every moment, for a page that draws it. It is kept beside the trace and not in it, so that a
 * run with it and a run without it have the same records, with the same indices.
 */
export class Statuses {
  readonly changes: StatusChange[] = [];
  readonly #last = new Map<Jid, string | undefined>();

  /** Looks at a node that has handled something, came or went: what is as it was is not said again. */
  look({ config: { address }, up, node }: Seat, t: Instant, after: number): void {
    const status = up ? node.status() : undefined;
    const text = status && JSON.stringify(status);
    if (this.#last.has(address) && this.#last.get(address) === text) return;
    this.#last.set(address, text);
    this.changes.push({ after, t, node: address, status });
  }
}
