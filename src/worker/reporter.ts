import type { StatusRecord, StepRecord } from '../core/node/trace.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { message } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import type { XmppLink } from './xmpp-link.ts';

type ReportingLink = Pick<XmppLink, 'address' | 'server' | 'backlog' | 'send'>;

const flushMs = 100;
/** Records that may wait; beyond that the oldest are dropped. The trace may have gaps, but no room may wait for it. */
const waitingMax = 1000;
const charactersPerMessage = 60_000;

/**
 * Sends what a node did to the server's trace, in batches, over the node's own stream and behind its own traffic.
 * Records that cannot leave for a long time are dropped, the oldest first.
 */
export class Reporter {
  readonly #link: ReportingLink;
  #waiting: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: ReportingLink) {
    this.#link = link;
  }

  add(batch: readonly (StepRecord | StatusRecord)[]): void {
    for (const record of batch) this.#waiting.push(xmlSafe(JSON.stringify(record)));
    if (this.#waiting.length > waitingMax) this.#waiting.splice(0, this.#waiting.length - waitingMax);
    this.#timer ??= setTimeout(() => this.#flush(), flushMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #flush(): void {
    this.#timer = undefined;
    const from = this.#link.address;
    if (from !== undefined && this.#link.backlog === 0) {
      while (this.#waiting.length > 0) {
        let characters = 0;
        let count = 0;
        while (count < this.#waiting.length && (count === 0 || characters < charactersPerMessage))
          characters += this.#waiting[count++]?.length ?? 0;
        const json = `[${this.#waiting.splice(0, count).join(',')}]`;
        this.#link.send(message(from, this.#link.server, { type: 'headline' }, el('report', NS.trace, {}, json)));
      }
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#flush(), flushMs);
  }
}

/** JSON allows two characters that XML does not. */
function xmlSafe(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (c) => (c === '\ufffe' ? '\\ufffe' : '\\uffff'));
}
