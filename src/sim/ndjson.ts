import type { DistributedRoomConfig } from '../core/distribution/config.ts';
import type { LinkState } from '../core/net/link.ts';
import type { NodeConfig } from '../core/node/config.ts';
import {
  type HopRecord,
  type SessionRecord,
  type StatusRecord,
  type StepRecord,
  tracedStanza,
} from '../core/node/trace.ts';
import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import type { RunOptions, RunResult } from './simulator.ts';
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

/** When a link that fate touched is sound again, unless fate touches it before. */
interface Mending {
  readonly at: Instant;
  readonly server: readonly [Jid, Jid];
  /** What it is until then. */
  readonly state: LinkState;
}

/**
 * The trace of a run as NDJSON, in the form of src/sim/README.md, section Trace: a header, then a record a line. `seq` counts the
 * lines from 1, and `cause` is the seq of an earlier one. The kinds that a server writes too (hop, session, step, status)
 * are as in core/node/trace.ts; there are statuses if the run was asked for them.
 */
export function* ndjson(seed: number, options: RunOptions, result: RunResult): Generator<string> {
  // The header names lines, so they come first.
  const { lines, seqs } = linesOf(result);
  yield `${JSON.stringify(headerOf(seed, options, result, seqs), plain)}\n`;
  yield* lines;
}

/** What was run, and all that a picture of it begins with: nodes and links are in the form of a scenario's. */
function headerOf(
  seed: number,
  { mode, events, only, without, calm, absent }: RunOptions,
  { plan, start, links, violations }: RunResult,
  seqs: readonly number[],
) {
  return {
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
    links: links.map(({ servers: between, latencyMs, jitterMs, bytesPerSecond }) => ({
      between,
      latencyMs,
      jitterMs,
      bytesPerSecond,
    })),
    nodes: plan.layout.nodes.map(nodeOf),
    hostileNode: plan.hostileNode,
    people: plan.people,
    violations: violations.map(({ invariant, what, at }) => ({
      invariant,
      what,
      ...(at === undefined ? {} : { seq: seqs[at] }),
    })),
  };
}

function nodeOf(config: NodeConfig) {
  const { kind, address, server } = config;
  if (config.kind === 'service') {
    const hosting = config.hosting && { firsthosts: config.hosting.firsthosts };
    return { address, server, kind, rooms: config.rooms.map(roomOf), hosting };
  }
  const { jid: replicaOf, distribution } = config.room;
  return { address, server, kind, replicaOf, serves: distribution.kind === 'replica' ? distribution.serves : [] };
}

function roomOf({ jid, distribution }: DistributedRoomConfig) {
  if (distribution.kind === 'source')
    return { jid, distribution: { kind: distribution.kind, peerhosts: distribution.peerhosts } };
  if (distribution.kind !== 'primary') return { jid, distribution };
  const replicas = [...distribution.replicas].map(([replica, serves]) => ({ jid: replica, serves }));
  return { jid, distribution: { kind: distribution.kind, replicas } };
}

/** @returns the lines, and by index in the simulator's trace the number of each record's own */
function linesOf({ plan, start, trace, statuses }: RunResult) {
  const lines: string[] = [];
  /** By index in the simulator's trace. */
  const seqs: number[] = [];
  const cause = (index: number | undefined) => (index === undefined ? {} : { cause: seqs[index] as number });
  const write = (one: Line) => lines.push(`${JSON.stringify({ seq: lines.length + 1, ...one }, plain)}\n`);

  const streams = new Streams();
  const roles = new Map(
    plan.layout.nodes.map(({ address, server, kind }) => [address, { address, server, role: kind }]),
  );
  for (const [address, at] of roles)
    write({ kind: 'session', t: start, up: true, ...at, stream: streams.open(address) });

  const serverOf = (address: Jid) => roles.get(address)?.server ?? domainOf(address);
  const arrivals = arrivalsOf(trace);
  let mendings: Mending[] = [];
  /** @param all  whatever is still broken is mended by now */
  const mend = (t: Instant, all = false) => {
    const due = mendings.filter(({ at }) => all || at <= t);
    mendings = mendings.filter((one) => !due.includes(one));
    for (const { at, server } of due.sort((a, b) => a.at - b.at))
      write({ kind: 'link', t: at < t ? at : t, server, state: 'up' });
  };
  const down = new Set<Jid>();
  const change = ({ t, node, status }: StatusChange) => {
    const at = roles.get(node);
    if (at === undefined) return;
    mend(t);
    const was = down.has(node);
    if (status === undefined) {
      down.add(node);
      write({ kind: 'session', t, up: false, ...at, stream: streams.of(node) });
      return;
    }
    if (was) write({ kind: 'session', t, up: true, ...at, stream: streams.open(node) });
    down.delete(node);
    write({ kind: 'status', t, node, status });
  };

  let changed = 0;
  const changeUntil = (record: number) => {
    for (let next = statuses[changed]; next !== undefined && next.after <= record; next = statuses[++changed])
      change(next);
  };
  for (const [i, record] of trace.entries()) {
    changeUntil(i);
    mend(record.t, record.kind === 'phase');
    seqs.push(lines.length + 1);
    write(lineOf(record, i));
    const step = record.kind === 'fault' ? plan.steps[record.step] : undefined;
    if (step?.kind === 'reconnect') {
      const { servers: server, latencyMs } = step;
      const state = mendings.find((other) => other.server.join() === server.join())?.state ?? 'up';
      write({ kind: 'link', t: record.t, server, state, latencyMs, ...cause(i) });
    }
    if (step?.kind !== 'link') continue;
    const { servers: server, state: ways, loss, twice, forMs } = step;
    // A link that is cut one way is in the state of that way; `ways` says it of each.
    const state = ways[0] === 'up' ? ways[1] : ways[0];
    mendings = mendings.filter((other) => other.server.join() !== server.join());
    mendings.push({ at: plus(record.t, forMs), server, state });
    write({ kind: 'link', t: record.t, server, state, ways, loss, twice, ...cause(i) });
  }
  changeUntil(trace.length);
  return { lines, seqs };

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
        const { node, spec, what, peer, sign } = record;
        const notes = [
          { spec, what, ...(peer === undefined ? {} : { peer }), ...(sign === undefined ? {} : { sign }) },
        ];
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
