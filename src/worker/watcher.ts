import type { StepRecord, TraceRecord } from '../core/node/trace.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { textOf } from '../core/xmpp/xml.ts';
import type { CommandFields, Result, Trouble } from '../host/control.ts';
import { type Answered, Operator, type OperatorOptions } from './operator.ts';

const stepsRemembered = 10_000;

export interface WatcherOptions extends OperatorOptions {
  records(batch: readonly TraceRecord[]): void;
  /** `undefined`: all is well again. */
  trouble(trouble: Trouble | undefined): void;
  /** The server does not know the account any more, or it is another run of it. */
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
        void this.#operator.command('trace', {}).then((answer) => {
          if (answer.ok) trouble(undefined);
          // Without a condition nobody has answered.
          else trouble({ kind: answer.condition === undefined ? 'offline' : 'failed', text: answer.error });
          subscribed(resultOf(answer));
        });
      },
      down: () => {
        trouble({ kind: 'offline', text: 'the connection to the server is lost' });
        this.#operator.down();
      },
      progress: (phase, detail) => {
        // Passwords last as long as the server runs.
        if (phase === 'failed' && first) trouble({ kind: 'failed', text: detail });
        else if (phase === 'failed') this.#options.gone();
        else if (phase === 'reconnecting') trouble({ kind: 'offline', text: detail });
      },
    });
    return result;
  }

  /** Executes `urn:x-netsplit:operator#<name>` in one stage. */
  async command(name: string, fields: CommandFields): Promise<Result> {
    return resultOf(await this.#operator.command(name, fields));
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
      if (own.seq <= this.#floor) return this.#options.gone();
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

function resultOf(answer: Answered): Result {
  return answer.ok ? { ok: true } : { ok: false, error: answer.error };
}

function stepKey({ node, stream, rx, input, t, tx }: StepRecord): string {
  return `${node} ${stream} ${rx ?? input} ${t} ${tx[0]?.n}`;
}
