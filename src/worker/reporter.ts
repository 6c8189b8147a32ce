import { KnownStatus } from '../core/node/known-status.ts';
import { statusChanges } from '../core/node/status-changes.ts';
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

/** Of a step that is more than that, so many stanzas and notes are reported. */
const itemsLeft = 1000;

/** A record as JSON, and its length in XML. */
interface Waiting {
  readonly isStatus: boolean;
  readonly json: string;
  readonly bytes: number;
}

/**
 * Sends what a node did to the server's trace, in batches, over the node's own stream and behind its own traffic.
 * Records that cannot leave for a long time are dropped, the oldest first; then what the node is follows as a whole.
 */
export class Reporter {
  readonly #link: ReportingLink;
  #waiting: Waiting[] = [];
  /** What the node is, as all its records say. */
  readonly #status = new KnownStatus();
  #lastStatus: StatusRecord | undefined;
  /** Records of what the node is were dropped. */
  #hasGap = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(link: ReportingLink) {
    this.#link = link;
  }

  add(batch: readonly (StepRecord | StatusRecord)[]): void {
    for (const record of batch) {
      if (record.kind === 'status') {
        this.#status.take(record);
        this.#lastStatus = record;
        if (this.#hasGap) continue;
      }
      this.#waits(record);
    }
    if (this.#waiting.length > waitingMax) {
      const dropped = this.#waiting.splice(0, this.#waiting.length - waitingMax);
      if (dropped.some(({ isStatus }) => isStatus)) {
        this.#hasGap = true;
        this.#waiting = this.#waiting.filter(({ isStatus }) => !isStatus);
      }
    }
    this.#timer ??= setTimeout(() => this.#flush(), flushMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  #waits(record: StepRecord | StatusRecord): void {
    let one = waiting(record);
    if (one.bytes > recordMax && record.kind === 'step')
      one = waiting({
        ...record,
        tx: record.tx.slice(0, itemsLeft),
        notes: record.notes.slice(0, itemsLeft),
        cut: true,
      });
    // A server would end the stream, and the rooms with it.
    if (one.bytes <= recordMax) this.#waiting.push(one);
  }

  /** Differences are of no use to whoever misses some. */
  #closeGap(): void {
    const { status } = this.#status;
    if (!this.#hasGap || status === undefined || this.#lastStatus === undefined) return;
    const { kind, t, node } = this.#lastStatus;
    for (const part of statusChanges(undefined, status)) this.#waits({ kind, t, node, ...part });
    this.#hasGap = false;
  }

  #flush(): void {
    this.#timer = undefined;
    const from = this.#link.address;
    if (from !== undefined && this.#link.backlog === 0) {
      this.#closeGap();
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

function waiting(record: StepRecord | StatusRecord): Waiting {
  const json = xmlSafe(JSON.stringify(record));
  return { isStatus: record.kind === 'status', json, bytes: utf8Length(escapeText(json)) };
}

/** JSON allows two characters that XML does not. */
function xmlSafe(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (c) => (c === '\ufffe' ? '\\ufffe' : '\\uffff'));
}
