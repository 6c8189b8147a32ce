import { readForm } from '../core/xep/xep0004.ts';
import { writeCommand } from '../core/xep/xep0050.ts';
import { isPing } from '../core/xep/xep0199.ts';
import type { Condition } from '../core/xmpp/errors.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorOf, iq, iqResult, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import type { CommandFields } from '../host/control.ts';
import type { StanzaLink } from '../host/stanza-link.ts';

const answerMs = 10_000;

export interface OperatorOptions {
  readonly link: StanzaLink & { readonly address: Jid | undefined; readonly server: Jid };
  newId(): string;
  setTimer(afterMs: number, fn: () => void): () => void;
}

/** What came of a command. `condition`: absent if the server has not answered. */
export type Answered =
  | { readonly ok: true; readonly fields: CommandFields }
  | { readonly ok: false; readonly error: string; readonly condition?: Condition };

/** Stands for the reply that a lost connection will never bring. */
const lost = {} as Stanza;

/** Executes commands of the server's operator interface (XEP-0050) over a session. */
export class Operator {
  readonly #options: OperatorOptions;
  readonly #pending = new Map<string, (reply: Stanza) => void>();

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** Executes `urn:x-netsplit:operator#<name>` in one stage. */
  async command(name: string, fields: CommandFields): Promise<Answered> {
    const values = Object.entries(fields).map(([name, value]) => ({ var: name, values: [value] }));
    const form = values.length === 0 ? undefined : ({ type: 'submit', fields: values } as const);
    const reply = await this.#request(name, form);
    if (reply === undefined) return { ok: false, error: 'the server did not answer' };
    if (reply === lost) return { ok: false, error: 'the connection to the server is lost' };
    if (reply.type === 'result') return { ok: true, fields: fieldsOf(reply) };
    const error = errorOf(reply);
    const text = error?.text ?? error?.condition ?? 'the server refused';
    return { ok: false, error: text, ...(error === undefined ? {} : { condition: error.condition }) };
  }

  /** An iq has come. */
  receive(stanza: Stanza): void {
    if (isPing(stanza)) this.#options.link.send(iqResult(stanza));
    else if (stanza.type === 'result' || stanza.type === 'error')
      this.#pending.get(`${stanza.from} ${stanza.id}`)?.(stanza);
  }

  /** The session is lost, and with it the answers. */
  down(): void {
    for (const answered of [...this.#pending.values()]) answered(lost);
    this.#pending.clear();
  }

  #request(name: string, form: Parameters<typeof writeCommand>[0]['form']): Promise<Stanza | undefined> {
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
      const command = writeCommand({ node: `${NS.operator}#${name}`, action: 'execute', form });
      link.send(iq(address, server, { type: 'set', id }, command));
    });
  }
}

function fieldsOf(reply: Stanza): CommandFields {
  const form = readForm(payloadOf(reply, 'command', NS.commands) ?? { children: [] });
  return Object.fromEntries((form?.fields ?? []).map(({ var: name, values: [value = ''] }) => [name, value]));
}
