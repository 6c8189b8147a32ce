import type { DistributedRoomConfig } from '../core/distribution/config.ts';
import type { LinkState } from '../core/net/link.ts';
import type { NodeConfig } from '../core/node/config.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import { plain, TraceLines } from './lines.ts';
import type { RunOptions, RunResult } from './simulator.ts';

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
  const all = new TraceLines(plan.layout.nodes, (line) => lines.push(`${JSON.stringify(line, plain)}\n`));
  all.begin(start);
  let mendings: Mending[] = [];
  /** @param whole  whatever is still broken is mended by now */
  const mend = (t: Instant, whole = false) => {
    const due = mendings.filter(({ at }) => whole || at <= t);
    mendings = mendings.filter((one) => !due.includes(one));
    for (const { at, server } of due.sort((a, b) => a.at - b.at))
      all.write({ kind: 'link', t: at < t ? at : t, server, state: 'up' });
  };
  let changed = 0;
  const changeUntil = (record: number) => {
    for (let next = statuses[changed]; next !== undefined && next.after <= record; next = statuses[++changed]) {
      mend(next.t);
      all.status(next);
    }
  };
  for (const [i, record] of trace.entries()) {
    changeUntil(i);
    mend(record.t, record.kind === 'phase');
    all.record(record);
    const step = record.kind === 'fault' ? plan.steps[record.step] : undefined;
    const cause = all.seqs[i] as number;
    if (step?.kind === 'reconnect') {
      const { servers: server, latencyMs } = step;
      const state = mendings.find((other) => other.server.join() === server.join())?.state ?? 'up';
      all.write({ kind: 'link', t: record.t, server, state, latencyMs, cause });
    }
    if (step?.kind !== 'link') continue;
    const { servers: server, state: ways, loss, twice, forMs } = step;
    // A link that is cut one way is in the state of that way; `ways` says it of each.
    const state = ways[0] === 'up' ? ways[1] : ways[0];
    mendings = mendings.filter((other) => other.server.join() !== server.join());
    mendings.push({ at: plus(record.t, forMs), server, state });
    all.write({ kind: 'link', t: record.t, server, state, ways, loss, twice, cause });
  }
  changeUntil(trace.length);
  return { lines, seqs: all.seqs };
}
