import type { TraceRecord } from '../core/node/trace.ts';
import { possibleReplicas } from '../scenario/replicas.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { TraceLog } from '../server/trace.ts';

/** The log hands out what it has in one go, and nothing if it has nothing. */
const logMs = 200;

/** What a network has told, oldest first. */
export async function recordsOf(log: TraceLog): Promise<readonly TraceRecord[]> {
  const records: TraceRecord[] = [];
  let cancel = () => {};
  await new Promise<void>((resolve) => {
    const patience = setTimeout(resolve, logMs);
    cancel = log.subscribe({
      ready: () => true,
      batch: (json) => {
        records.push(...JSON.parse(json));
        clearTimeout(patience);
        setImmediate(resolve);
      },
    });
  });
  cancel();
  return records;
}

/** A live network's trace as NDJSON, in the form of src/sim/README.md, section Trace: a header, then a record a line. */
export function traceFile(scenario: Scenario, records: readonly TraceRecord[]): string {
  const { servers, links = [], occupants } = scenario;
  const known = new Set(records.flatMap((record) => (record.kind === 'session' ? [record.address] : [])));
  const services = scenario.nodes.filter(({ kind }) => kind === 'service');
  const replicas = possibleReplicas(scenario).filter(({ address }) => known.has(address));
  const header = {
    ...{ format: 'netsplit-trace', version: 1, origin: 'live', mode: scenario.id },
    start: records[0]?.t ?? 0,
    servers: servers.map(({ domain }) => domain),
    links,
    nodes: [...services, ...replicas],
    people: occupants,
  };
  return [header, ...numbered(records)].map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** `seq` counts the lines and `cause` is that of an earlier one. The clocks of nodes and server differ: time stands still, then. */
function numbered(records: readonly TraceRecord[]): readonly object[] {
  const lines = new Map<number, number>();
  let t = Number.NEGATIVE_INFINITY;
  return records.map((record, i) => {
    const seq = i + 1;
    t = Math.max(t, record.t);
    if (!('seq' in record)) return { ...record, seq, t };
    lines.set(record.seq, seq);
    if (record.kind !== 'hop') return { ...record, seq, t };
    const { cause, ...hop } = record;
    const earlier = cause === undefined ? undefined : lines.get(cause);
    return { ...hop, seq, t, ...(earlier === undefined ? {} : { cause: earlier }) };
  });
}
