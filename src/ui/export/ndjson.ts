import { possibleReplicas } from '../../scenario/replicas.ts';
import { withoutRoomPasswords } from '../../scenario/without-passwords.ts';
import type { News } from '../trace/records.ts';
import type { Trace, TraceLine } from '../trace/trace.ts';
import { withoutPasswords } from './secrets.ts';

/**
 * A trace as NDJSON, in the form of src/sim/README.md, section Trace: a header, then a record a line. What was opened from a file is that
 * file again. Without passwords.
 */
export async function ndjsonOf(trace: Trace): Promise<string> {
  return withoutPasswords(trace.source ? await trace.source.text() : [...linesOf(trace)].join(''));
}

/** Of a live session. Lines are numbered anew; the ids and times that events had in the page are beside it where they differ. */
function* linesOf({ lines, start, base, firstOwn, ...trace }: Trace): Generator<string> {
  const scenario = withoutRoomPasswords(trace.scenario);
  const { servers, links = [], occupants: people } = scenario;
  const known = new Set(lines.flatMap(({ record }) => (record.kind === 'session' ? [record.address] : [])));
  const services = scenario.nodes.filter(({ kind }) => kind === 'service');
  const replicas = possibleReplicas(scenario).filter(({ address }) => known.has(address));
  yield written({
    ...{ format: 'netsplit-trace', version: 1, origin: 'live', mode: scenario.id, start },
    servers: servers.map(({ domain }) => domain),
    ...{ links, nodes: [...services, ...replicas], people, violations: [], scenario, base, firstOwn },
  });
  const numbers = new Map<number, number>();
  for (const [i, line] of lines.entries()) yield written(lineOf(line, i + 1, start, numbers));
}

/** @param numbers  of the lines so far, by the number that the server gave them */
function lineOf({ record, t: when }: TraceLine, seq: number, start: number, numbers: Map<number, number>): object {
  const t = Math.max(start, when);
  if ('progress' in record) return { seq, ...record, t };
  const at = record.t === t ? {} : { at: record.t };
  if (!isNumbered(record)) return { ...record, seq, t, ...at };
  const id = record.seq === seq ? {} : { id: record.seq };
  numbers.set(record.seq, seq);
  if (!('cause' in record)) return { ...record, ...id, seq, t, ...at };
  const { cause: led, ...rest } = record;
  const cause = led === undefined ? undefined : numbers.get(led);
  return { ...rest, ...id, seq, t, ...at, ...(cause === undefined ? {} : { cause }) };
}

function isNumbered(record: News): record is Extract<News, { readonly seq: number }> {
  return 'seq' in record;
}

function written(line: object): string {
  return `${JSON.stringify(line)}\n`;
}
