import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { childOf, elementsOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { parseElement } from '../../../src/server/parser.ts';

const anything = { bytes: 1e8, depth: 100, attributes: 100, children: 1e6, declarations: 1e6 };

/** One question of the client and what came back. */
export interface Exchange {
  /** "get" or "set". */
  readonly type: string;
  /** Absent: its own server or account. */
  readonly to: string | undefined;
  /** Namespace, name and node of what was asked. */
  readonly payload: string;
  readonly answers: { readonly type: string; readonly condition: string | undefined; readonly from?: string }[];
}

interface Stream {
  sent(frame: string): void;
  received(frame: string): void;
}

/**
 * What a client asks everybody in case they have it. That a room is not there before it is made is right (XEP-0045
 * §17.2), that nobody has a visiting card here too, and that an account keeps no bookmarks.
 */
function mayBeRefused(payload: string, condition: string): boolean {
  if (condition === 'item-not-found') return /disco#info|vcard-temp|pubsub/.test(payload);
  return condition === 'service-unavailable' && /vcard-temp|pubsub/.test(payload);
}

/** What went over a client's WebSocket streams (RFC 7395), as far as it is questions and answers. */
export class Traffic {
  readonly exchanges: Exchange[] = [];
  readonly #faults: string[] = [];
  readonly #streams: Map<string, Exchange>[] = [];
  readonly frames: string[] = [];

  stream(): Stream {
    const open = new Map<string, Exchange>();
    this.#streams.push(open);
    return {
      sent: (frame) => {
        this.frames.push(`> ${frame}`);
        const iq = this.#iq(frame);
        if (iq === undefined) return;
        const { type = '', id = '', to } = iq.attrs;
        if (type !== 'get' && type !== 'set') return;
        const [payload] = elementsOf(iq);
        const node = payload?.attrs['node'];
        const exchange = {
          type,
          to,
          payload: `${payload?.xmlns} ${payload?.name}${node === undefined ? '' : ` node=${node}`}`,
          answers: [],
        };
        open.set(id, exchange);
        this.exchanges.push(exchange);
      },
      received: (frame) => {
        this.frames.push(`< ${frame}`);
        const iq = this.#iq(frame);
        if (iq === undefined) return;
        const { type = '', id = '', from } = iq.attrs;
        if (type !== 'result' && type !== 'error') return;
        const exchange = open.get(id);
        if (exchange === undefined) {
          this.#faults.push(`an answer that nobody asked for: ${frame}`);
          return;
        }
        const error = childOf(iq, 'error', NS.client);
        const condition = error && elementsOf(error)[0]?.name;
        exchange.answers.push({ type, condition, ...(from === undefined ? {} : { from }) });
        if ((type === 'error') !== (condition !== undefined))
          this.#faults.push(`an error without a condition: ${frame}`);
      },
    };
  }

  #iq(frame: string): XmlElement | undefined {
    if (!/^<iq[\s>]/.test(frame)) return undefined;
    const parsed = parseElement(frame, anything);
    if (parsed.ok) return parsed.element;
    this.#faults.push(`${parsed.text}: ${frame}`);
    return undefined;
  }

  /** Breaches of RFC 6120 §8.2.3: a question has one answer, from whom it was put to. */
  faults(): readonly string[] {
    const wrong = this.exchanges.flatMap((exchange) => {
      const { type, to, payload, answers } = exchange;
      const what = `${type} ${payload} to ${to ?? 'its server'}`;
      if (answers.length !== 1) return [`${answers.length} answers: ${what}`];
      if (to !== undefined && answers[0]?.from !== undefined && answers[0].from !== to)
        return [`answered by ${answers[0].from}: ${what}`];
      return [];
    });
    const refused = this.exchanges.flatMap(({ type, to, payload, answers }) => {
      const condition = answers[0]?.condition;
      if (condition === undefined || mayBeRefused(payload, condition)) return [];
      return [`${condition}: ${type} ${payload} to ${to ?? 'its server'}`];
    });
    return [...this.#faults, ...wrong, ...refused];
  }

  /** A line for each kind of question, with its answer. */
  summary(): readonly string[] {
    return [
      ...new Set(
        this.exchanges.map(
          ({ type, to, payload, answers }) =>
            `${type} ${payload} → ${to ?? '-'}: ${answers.map((answer) => answer.condition ?? answer.type).join(', ') || 'NOTHING'}`,
        ),
      ),
    ];
  }
}
