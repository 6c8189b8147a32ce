import type { StepRecord, TraceRecord } from '../core/node/trace.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { textOf } from '../core/xmpp/xml.ts';
import type { CommandFields, Result } from '../host/control.ts';
import { Operator, type OperatorOptions } from './operator.ts';

const stepsRemembered = 10_000;
const restarted = 'the server was restarted: reload the page';

export interface WatcherOptions extends OperatorOptions {
  records(batch: readonly TraceRecord[]): void;
  /** `undefined`: all is well again. */
  trouble(text: string | undefined): void;
  /** The server does not know the account any more. */
  gone(): void;
}

/**
 * The page's own session: subscribes to the trace of the server and executes operator commands (XEP-0050).
 *
 * After a reconnect the server sends its state and the last records again: what was seen is dropped, by sequence number.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #operator: Operator;
  #seqSeen = 0;
  #stepsSeen = new Set<string>();
  #stream = '';
  /** Everything up to here was seen before this subscription. */
  #floor = 0;
  /** Our own session has not shown up in the trace yet: it tells whether this is still the run we know. */
  #resuming = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#operator = new Operator(options);
  }

  /** Connects and subscribes; later connections subscribe by themselves. */
  async start(): Promise<Result> {
    const { link, trouble } = this.#options;
    let first = true;
    let subscribed: (result: Result) => void = () => undefined;
    const result = new Promise<Result>((resolve) => {
      subscribed = resolve;
    });
    await link.start({
      stanza: (_via, stanza) => this.#receive(stanza),
      up: (_peer, stream) => {
        this.#stream = stream;
        this.#floor = this.#seqSeen;
        this.#resuming = !first;
        first = false;
        void this.command('trace', {}).then((answer) => {
          trouble(answer.ok ? undefined : answer.error);
          subscribed(answer);
        });
      },
      down: () => {
        trouble('the connection to the server is lost');
        this.#operator.down();
      },
      progress: (phase, detail) => {
        // Passwords last as long as the server runs.
        if (phase === 'failed' && first) trouble(detail);
        else if (phase === 'failed') this.#options.gone();
        else if (phase === 'reconnecting') trouble(detail);
      },
    });
    return result;
  }

  /** Executes `urn:x-netsplit:operator#<name>` in one stage. */
  async command(name: string, fields: CommandFields): Promise<Result> {
    const answer = await this.#operator.command(name, fields);
    return answer.ok ? { ok: true } : { ok: false, error: answer.error };
  }

  #receive(stanza: Stanza): void {
    if (stanza.name === 'iq') return this.#operator.receive(stanza);
    if (stanza.from !== this.#options.link.server) return;
    const trace = payloadOf(stanza, 'trace', NS.trace);
    if (trace !== undefined) this.#take(JSON.parse(textOf(trace)) as TraceRecord[]);
  }

  #take(batch: readonly TraceRecord[]): void {
    const own = batch.find((record) => record.kind === 'session' && record.up && record.stream === this.#stream);
    if (this.#resuming && own?.kind === 'session') {
      this.#resuming = false;
      // Our new session is younger than all we saw, unless the numbers began again.
      if (own.seq <= this.#floor) {
        this.#options.trouble(restarted);
        this.#floor = 0;
        this.#seqSeen = 0;
        this.#stepsSeen.clear();
      }
    }
    const fresh = batch.filter((record) => this.#isNew(record));
    if (fresh.length > 0) this.#options.records(fresh);
  }

  #isNew(record: TraceRecord): boolean {
    switch (record.kind) {
      case 'status':
        return true;
      case 'step': {
        const key = stepKey(record);
        if (this.#stepsSeen.has(key)) return false;
        if (this.#stepsSeen.size >= stepsRemembered)
          this.#stepsSeen = new Set([...this.#stepsSeen].slice(stepsRemembered / 2));
        this.#stepsSeen.add(key);
        return true;
      }
      default:
        if (record.seq <= this.#floor) return false;
        this.#seqSeen = Math.max(this.#seqSeen, record.seq);
        return true;
    }
  }
}

function stepKey({ node, stream, rx, input, t, tx }: StepRecord): string {
  return `${node} ${stream} ${rx ?? input} ${t} ${tx[0]?.n}`;
}
