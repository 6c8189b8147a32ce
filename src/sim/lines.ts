import type { NodeConfig } from '../core/node/config.ts';
import {
  type HopRecord,
  type SessionRecord,
  type StatusRecord,
  type StepRecord,
  tracedStanza,
} from '../core/node/trace.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import type { Instant } from '../core/xmpp/time.ts';
import type { StatusChange } from './statuses.ts';
import type { SimRecord } from './trace.ts';

/** A line but for its number. */
type Line =
  | Omit<HopRecord, 'seq'>
  | Omit<SessionRecord, 'seq'>
  | StatusRecord
  | (StepRecord & { readonly cause?: number })
  | {
      readonly kind: 'append' | 'state' | 'link' | 'fault' | 'act';
      readonly t: number;
      readonly [more: string]: unknown;
    };

export type NumberedLine = Line & { readonly seq: number };

/**
 * What happens in a world, as the lines of a trace after its header (src/sim/README.md, section Trace), one after the other as it
 * happens. `seq` counts the lines from 1, and `cause` is the seq of an earlier one. The kinds that a server writes too (hop,
 * session, step, status) are as in core/node/trace.ts.
 */
export class TraceLines {
  /** By index in the world's trace: the number of the line. */
  readonly seqs: number[] = [];
  readonly #roles: ReadonlyMap<Jid, { readonly address: Jid; readonly server: Jid; readonly role: NodeConfig['kind'] }>;
  readonly #take: (line: NumberedLine) => void;
  readonly #streams = new Streams();
  readonly #down = new Set<Jid>();
  #count = 0;

  /** @param nodes  all that there may be */
  constructor(nodes: readonly NodeConfig[], take: (line: NumberedLine) => void) {
    this.#roles = new Map(nodes.map(({ address, server, kind }) => [address, { address, server, role: kind }]));
    this.#take = take;
  }

  /** @param down  nodes that do not run yet */
  begin(t: Instant, down: ReadonlySet<Jid> = new Set()): void {
    for (const [address, at] of this.#roles)
      if (down.has(address)) this.#down.add(address);
      else this.write({ kind: 'session', t, up: true, ...at, stream: this.#streams.open(address) });
  }

  /** @returns its number */
  write(line: Line): number {
    const seq = ++this.#count;
    this.#take({ seq, ...line });
    return seq;
  }

  /** The next record of the world's trace. */
  record(record: SimRecord): void {
    this.seqs.push(this.#count + 1);
    this.write(this.#lineOf(record));
  }

  status({ t, node, status }: StatusChange): void {
    const at = this.#roles.get(node);
    if (at === undefined) return;
    if (status === undefined) {
      if (this.#down.has(node)) return;
      this.#down.add(node);
      this.write({ kind: 'session', t, up: false, ...at, stream: this.#streams.of(node) });
      return;
    }
    if (this.#down.delete(node)) this.write({ kind: 'session', t, up: true, ...at, stream: this.#streams.open(node) });
    this.write({ kind: 'status', t, node, status });
  }

  #serverOf(address: Jid): Jid {
    return this.#roles.get(address)?.server ?? domainOf(address);
  }

  #cause(index: number | undefined): { readonly cause?: number } {
    return index === undefined ? {} : { cause: this.seqs[index] as number };
  }

  #lineOf(record: SimRecord): Line {
    const { t } = record;
    switch (record.kind) {
      case 'in': {
        const { by: from, stanza, spec } = record;
        const way = this.#streams.next(from, 'in');
        return {
          kind: 'hop',
          t,
          leg: 'in',
          from,
          to: this.#serverOf(from),
          stanza: tracedStanza(stanza),
          ...way,
          ...this.#cause(record.cause),
          spec,
        };
      }
      case 'link': {
        const [from, to] = record.server;
        const { outcome, arrives } = record;
        return {
          kind: 'hop',
          t,
          leg: 'link',
          from,
          to,
          server: record.server,
          stanza: tracedStanza(record.stanza),
          ...(arrives === undefined ? {} : { arrives }),
          ...(outcome === 'dropped' || outcome === 'bounced' ? { outcome } : {}),
          ...this.#cause(record.cause),
        };
      }
      case 'out': {
        const { to, stanza } = record;
        const way = this.#streams.next(to, 'out');
        return {
          kind: 'hop',
          t,
          leg: 'out',
          from: this.#serverOf(to),
          to,
          stanza: tracedStanza(stanza),
          ...way,
          ...this.#cause(record.cause),
        };
      }
      case 'nobody': {
        const { to } = record.stanza;
        return {
          kind: 'state',
          t,
          from: this.#serverOf(to),
          to,
          what: 'there is nobody',
          ...this.#cause(record.cause),
          spec: '6121#8.5',
        };
      }
      case 'session': {
        const { user, up } = record;
        const stream = up ? this.#streams.open(user) : this.#streams.of(user);
        return { kind: 'session', t, up, address: user, server: this.#serverOf(user), stream, role: 'user' };
      }
      case 'append':
        return { kind: 'append', t, from: record.node, events: record.events, ...this.#cause(record.cause) };
      case 'forgotten':
        return { kind: 'fault', t, from: record.node, what: 'its whole log is gone' };
      case 'undone':
      case 'untold': {
        const appends = record.appends.map((append) => this.seqs[append]);
        const what = record.kind === 'undone' ? 'these appends are lost' : 'these appends are kept and nobody is told';
        return { kind: 'fault', t, from: record.node, what, appends };
      }
      case 'note': {
        const { node, spec, what, peer, sign } = record;
        const notes = [
          { spec, what, ...(peer === undefined ? {} : { peer }), ...(sign === undefined ? {} : { sign }) },
        ];
        return {
          kind: 'step',
          t,
          node,
          stream: this.#streams.of(node),
          tx: [],
          notes,
          appended: 0,
          ...this.#cause(record.cause),
        };
      }
      case 'act':
      case 'fault':
        return {
          kind: record.kind,
          t,
          step: record.step,
          what: record.what,
          ...('by' in record && record.by !== undefined ? { from: record.by } : {}),
        };
      case 'phase':
        return { kind: 'state', t, what: record.phase };
      case 'relink': {
        const { server, settings, counters, cause } = record;
        return { kind: 'link', t, server, ...settings, ...counters, ...this.#cause(cause) };
      }
    }
  }
}

/** Streams of sessions by name, and how much each carried: as a server counts it. */
class Streams {
  readonly #opened = new Map<Jid, number>();
  readonly #counts = new Map<string, number>();

  open(address: Jid): string {
    this.#opened.set(address, (this.#opened.get(address) ?? 0) + 1);
    return this.of(address);
  }

  of(address: Jid): string {
    return `${address}#${this.#opened.get(address) ?? 0}`;
  }

  next(address: Jid, leg: 'in' | 'out'): { readonly stream: string; readonly n: number } {
    const stream = this.of(address);
    const n = (this.#counts.get(`${leg} ${stream}`) ?? 0) + 1;
    this.#counts.set(`${leg} ${stream}`, n);
    return { stream, n };
  }
}

/** Sets as lists, maps as lists of pairs. */
export function plain(_key: string, value: unknown): unknown {
  return value instanceof Set || value instanceof Map ? [...value] : value;
}
