import type { StatusRecord, StepRecord } from '../core/node/trace.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { nodeLimits } from '../core/xmpp/size.ts';
import { message } from '../core/xmpp/stanza.ts';
import { el, escapeText, utf8Length } from '../core/xmpp/xml.ts';
import type { XmppLink } from './xmpp-link.ts';

type ReportingLink = Pick<XmppLink, 'address' | 'server' | 'backlog' | 'send'>;

const flushMs = 100;
/** Records that may wait; beyond that the oldest are dropped. The trace may have gaps, but no room may wait for it. */
const waitingMax = 1000;
const bytesPerMessage = 60_000;
/** More than that no server takes from a node. */
const recordMax = nodeLimits.bytes - 8 * 1024;

/** A record as JSON, and its length in XML. */
interface Waiting {
  readonly json: string;
  readonly bytes: number;
}

/**
 * Sends what a node did to the server's trace, in batches, over the node's own stream and behind its own traffic.
 * Records that cannot leave for a long time are dropped, the oldest first.
 */
export class Reporter {
  readonly #link: ReportingLink;
  #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: ReportingLink) {
    this.#link = link;
  }

  add(batch: readonly (StepRecord | StatusRecord)[]): void {
    for (const record of batch) {
      const json = xmlSafe(JSON.stringify(record));
      const bytes = utf8Length(escapeText(json));
      // The status of a very large room, for example: a server would end the stream, and the room with it.
      if (bytes <= recordMax) this.#waiting.push({ json, bytes });
    }
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
        let count = 0;
        for (let bytes = 0; count < this.#waiting.length && bytes < bytesPerMessage; count++) {
          bytes += (this.#waiting[count] as Waiting).bytes + 1;
          if (count > 0 && bytes > recordMax) break;
        }
        const records = this.#waiting.splice(0, count).map(({ json }) => json);
        const json = `[${records.join(',')}]`;
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
