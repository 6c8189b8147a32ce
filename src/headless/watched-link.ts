import { type Condition, readError } from '../core/xmpp/errors.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';
import type { LinkHandlers, StanzaLink, Written } from '../host/stanza-link.ts';
import { count, countedByKind } from '../server/tally.ts';
import type { TraceRing } from './trace-ring.ts';

/** How a node's link is, for people. */
export interface LinkReport {
  readonly state: 'up' | 'down';
  readonly since: string;
  /** What it does to come up, or why it is down. */
  readonly detail: string;
  readonly waiting: number;
}

/** A node's link, which counts what goes over it. Without `--metrics` there is none. */
export class WatchedLink implements StanzaLink {
  readonly received = countedByKind();
  readonly sent = countedByKind();
  /** Errors that the node answered with. */
  readonly refused = new Map<Condition, number>();
  /** Copies of messages that went to occupants and to other nodes. */
  deliveries = 0;
  isUp = false;
  readonly #node: Jid;
  readonly #inner: StanzaLink;
  readonly #ring: TraceRing;
  #since = new Date();
  #detail = 'not yet connected';

  constructor(node: Jid, inner: StanzaLink, ring: TraceRing) {
    this.#node = node;
    this.#inner = inner;
    this.#ring = ring;
  }

  get backlog(): number {
    return this.#inner.backlog ?? 0;
  }

  report(): LinkReport {
    return {
      state: this.isUp ? 'up' : 'down',
      since: this.#since.toISOString(),
      detail: this.#detail,
      waiting: this.backlog,
    };
  }

  start(handlers: LinkHandlers): Promise<void> {
    const become = (isUp: boolean) => {
      this.isUp = isUp;
      this.#since = new Date();
    };
    return this.#inner.start({
      stanza: (via, stanza, rx) => {
        const bytes = stanzaLength(stanza);
        const counted = this.received[stanza.name];
        counted.stanzas++;
        counted.bytes += bytes;
        this.#ring.add(this.#node, 'in', stanza, bytes);
        handlers.stanza(via, stanza, rx);
      },
      up: (peer, stream) => {
        become(true);
        this.#detail = `connected to ${peer}`;
        handlers.up(peer, stream);
      },
      down: (peer) => {
        become(false);
        this.#detail = `the connection to ${peer} was lost`;
        handlers.down(peer);
      },
      progress: (phase, detail) => {
        if (!this.isUp) this.#detail = `${phase}: ${detail}`;
        handlers.progress?.(phase, detail);
      },
    });
  }

  send(stanza: Stanza, written?: Written): void {
    const bytes = stanzaLength(stanza);
    const counted = this.sent[stanza.name];
    counted.stanzas++;
    counted.bytes += bytes;
    if (stanza.type === 'groupchat') this.deliveries++;
    else if (stanza.type === 'error') count(this.refused, conditionOf(stanza));
    this.#ring.add(this.#node, 'out', stanza, bytes);
    this.#inner.send(stanza, written);
  }

  drained(): Promise<void> | undefined {
    return this.#inner.drained?.();
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }
}

function conditionOf(stanza: Stanza): Condition {
  const error = payloadOf(stanza, 'error', NS.client);
  return error === undefined ? 'undefined-condition' : readError(error).condition;
}
