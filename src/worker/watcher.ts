import type { StepRecord, TraceRecord } from '../core/node/trace.ts';
import { writeCommand } from '../core/xep/xep0050.ts';
import { isPing } from '../core/xep/xep0199.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorOf, iq, iqResult, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { textOf, type XmlElement } from '../core/xmpp/xml.ts';
import type { CommandFields, Result } from '../host/control.ts';
import type { StanzaLink } from '../host/stanza-link.ts';

const answerMs = 10_000;
const stepsRemembered = 10_000;
const restarted = 'the server was restarted: reload the page';

/** Stands for the reply that a lost connection will never bring. */
const lost = {} as Stanza;

export interface WatcherOptions {
  readonly link: StanzaLink & { readonly address: Jid | undefined; readonly server: Jid };
  records(batch: readonly TraceRecord[]): void;
  /** `undefined`: all is well again. */
  trouble(text: string | undefined): void;
  newId(): string;
  setTimer(afterMs: number, fn: () => void): () => void;
}

/**
 * The page's own session: subscribes to the trace of the server and executes operator commands (XEP-0050).
 *
 * After a reconnect the server sends its state and the last records again: what was seen is dropped, by sequence number.
 */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #pending = new Map<string, (reply: Stanza) => void>();
  #seqSeen = 0;
  #stepsSeen = new Set<string>();
  #stream = '';
  /** Everything up to here was seen before this subscription. */
  #floor = 0;
  /** Our own session has not shown up in the trace yet: it tells whether this is still the run we know. */
  #resuming = false;

  constructor(options: WatcherOptions) {
    this.#options = options;
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
        for (const answered of [...this.#pending.values()]) answered(lost);
        this.#pending.clear();
      },
      progress: (phase, detail) => {
        // Passwords last as long as the server runs.
        if (phase === 'failed') trouble(first ? detail : restarted);
        else if (phase === 'reconnecting') trouble(detail);
      },
    });
    return result;
  }

  /** Executes `urn:x-netsplit:operator#<name>` in one stage. */
  async command(name: string, fields: CommandFields): Promise<Result> {
    const values = Object.entries(fields).map(([name, value]) => ({ var: name, values: [value] }));
    const form = values.length === 0 ? undefined : ({ type: 'submit', fields: values } as const);
    const reply = await this.#request(writeCommand({ node: `${NS.operator}#${name}`, action: 'execute', form }));
    if (reply === undefined) return { ok: false, error: 'the server did not answer' };
    if (reply === lost) return { ok: false, error: 'the connection to the server is lost' };
    if (reply.type === 'result') return { ok: true };
    const error = errorOf(reply);
    return { ok: false, error: error?.text ?? error?.condition ?? 'the server refused' };
  }

  #request(payload: XmlElement): Promise<Stanza | undefined> {
    const { link, newId, setTimer } = this.#options;
    const { address, server } = link;
    if (address === undefined) return Promise.resolve(lost);
    const id = newId();
    return new Promise((resolve) => {
      const key = `${server} ${id}`;
      const cancel = setTimer(answerMs, () => {
        this.#pending.delete(key);
        resolve(undefined);
      });
      this.#pending.set(key, (reply) => {
        cancel();
        this.#pending.delete(key);
        resolve(reply);
      });
      link.send(iq(address, server, { type: 'set', id }, payload));
    });
  }

  #receive(stanza: Stanza): void {
    const { link } = this.#options;
    if (stanza.name === 'iq') {
      if (isPing(stanza)) link.send(iqResult(stanza));
      else if (stanza.type === 'result' || stanza.type === 'error')
        this.#pending.get(`${stanza.from} ${stanza.id}`)?.(stanza);
      return;
    }
    if (stanza.from !== link.server) return;
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
