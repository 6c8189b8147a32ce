import { type HopRecord, type SessionRecord, type StepRecord, tracedStanza } from '../core/node/trace.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import type { RunOptions, RunResult } from './simulator.ts';
import type { SimRecord } from './trace.ts';

/** A line but for its number. */
type Line =
  | Omit<HopRecord, 'seq'>
  | Omit<SessionRecord, 'seq'>
  | (StepRecord & { readonly cause?: number })
  | {
      readonly kind: 'append' | 'state' | 'link' | 'fault' | 'act';
      readonly t: number;
      readonly [more: string]: unknown;
    };

/** When a link that fate touched is sound again, unless fate touches it before. */
interface Mending {
  readonly at: number;
  readonly server: readonly [Jid, Jid];
}

/**
 * The trace of a run as NDJSON, in the form of README.md, section Trace: a header, then a record a line. `seq` counts the
 * lines from 1, and `cause` is the seq of an earlier one. The kinds that a server writes too (hop, session, step) are as
 * in core/node/trace.ts.
 */
export function* ndjson(
  seed: number,
  { mode, events, only, without, calm, absent }: RunOptions,
  result: RunResult,
): Generator<string> {
  const { plan, start, trace, violations } = result;
  let seq = 0;
  /** By index in the simulator's trace. */
  const seqs: number[] = [];
  const cause = (index: number | undefined) => (index === undefined ? {} : { cause: seqs[index] as number });
  const line = (one: Line): string => `${JSON.stringify({ seq: ++seq, ...one }, plain)}\n`;

  yield `${JSON.stringify(
    {
      format: 'netsplit-trace',
      version: 1,
      origin: 'sim',
      seed,
      mode,
      events,
      only,
      without,
      calm,
      absent,
      start,
      servers: plan.domains,
      nodes: plan.layout.nodes.map(({ address, server, kind }) => ({ address, server, kind })),
      people: plan.people,
      violations,
    },
    plain,
  )}\n`;

  const streams = new Streams();
  for (const { address, server, kind } of plan.layout.nodes)
    yield line({ kind: 'session', t: start, up: true, address, server, stream: streams.open(address), role: kind });

  const servers = new Map<Jid, Jid>(plan.layout.nodes.map(({ address, server }) => [address, server]));
  const serverOf = (address: Jid) => servers.get(address) ?? domainOf(address);
  const arrivals = arrivalsOf(trace);
  let mendings: Mending[] = [];
  const mended = ({ at: t, server }: Mending): Line => ({ kind: 'link', t, server, state: 'up' });

  for (const [i, record] of trace.entries()) {
    const due = mendings.filter(({ at }) => record.kind === 'phase' || at <= record.t);
    mendings = mendings.filter((one) => !due.includes(one));
    for (const one of due.sort((a, b) => a.at - b.at)) yield line(mended({ ...one, at: Math.min(one.at, record.t) }));
    seqs.push(seq + 1);
    yield line(lineOf(record, i));
    const step = record.kind === 'fault' ? plan.steps[record.step] : undefined;
    if (step?.kind !== 'link') continue;
    const { servers: server, state, loss, twice, forMs } = step;
    mendings = mendings.filter((other) => other.server.join() !== server.join());
    mendings.push({ at: record.t + forMs, server });
    // A link that is cut one way is in the state of that way; `ways` says it of each.
    const worst = state[0] === 'up' ? state[1] : state[0];
    yield line({ kind: 'link', t: record.t, server, state: worst, ways: state, loss, twice, ...cause(i) });
  }

  function lineOf(record: SimRecord, i: number): Line {
    const { t } = record;
    switch (record.kind) {
      case 'in': {
        const { by: from, stanza, spec } = record;
        const way = streams.next(from, 'in');
        return {
          kind: 'hop',
          t,
          leg: 'in',
          from,
          to: serverOf(from),
          stanza: tracedStanza(stanza),
          ...way,
          ...cause(record.cause),
          spec,
        };
      }
      case 'link': {
        const [from, to] = record.server;
        const { outcome } = record;
        const arrives = arrivals.get(i);
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
          ...cause(record.cause),
        };
      }
      case 'out': {
        const { to, stanza } = record;
        const way = streams.next(to, 'out');
        return {
          kind: 'hop',
          t,
          leg: 'out',
          from: serverOf(to),
          to,
          stanza: tracedStanza(stanza),
          ...way,
          ...cause(record.cause),
        };
      }
      case 'nobody': {
        const { to } = record.stanza;
        return {
          kind: 'state',
          t,
          from: serverOf(to),
          to,
          what: 'there is nobody',
          ...cause(record.cause),
          spec: '6121#8.5',
        };
      }
      case 'session': {
        const { user, up } = record;
        const stream = up ? streams.open(user) : streams.of(user);
        return { kind: 'session', t, up, address: user, server: serverOf(user), stream, role: 'user' };
      }
      case 'append':
        return { kind: 'append', t, from: record.node, events: record.events, ...cause(record.cause) };
      case 'forgotten':
        return { kind: 'fault', t, from: record.node, what: 'its whole log is gone' };
      case 'undone':
      case 'untold': {
        const appends = record.appends.map((append) => seqs[append]);
        const what = record.kind === 'undone' ? 'these appends are lost' : 'these appends are kept and nobody is told';
        return { kind: 'fault', t, from: record.node, what, appends };
      }
      case 'note': {
        const { node, spec, what } = record;
        const notes = [{ spec, what }];
        return { kind: 'step', t, node, stream: streams.of(node), tx: [], notes, appended: 0, ...cause(record.cause) };
      }
      case 'act':
      case 'fault':
        return { kind: record.kind, t, step: record.step, what: record.what };
      case 'phase':
        return { kind: 'state', t, what: record.phase };
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

/** When what crosses a link is there (the first copy of it): by index of the crossing. */
function arrivalsOf(trace: readonly SimRecord[]): ReadonlyMap<number, SimRecord['t']> {
  const found = new Map<number, SimRecord['t']>();
  for (const record of trace)
    if ((record.kind === 'out' || record.kind === 'nobody') && record.cause !== undefined && !found.has(record.cause))
      found.set(record.cause, record.t);
  return found;
}

/** Sets as lists, maps as lists of pairs. */
function plain(_key: string, value: unknown): unknown {
  return value instanceof Set || value instanceof Map ? [...value] : value;
}
