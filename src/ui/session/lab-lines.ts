import type { SessionRecord } from '../../core/node/trace.ts';
import type { LabNews } from '../../sim/lab-branches.ts';
import { Fields } from '../trace/fields.ts';
import { readLine } from '../trace/read-line.ts';
import type { News } from '../trace/records.ts';
import { Places } from './places.ts';
import type { NodeProgress, OccupantProgress } from './progress.ts';

/** What has happened on a branch of the Lab: the lines of the world's trace, and between them how far nodes and people's clients are. */
export class LabLines {
  readonly places: Places;
  readonly #domains: readonly string[];
  /** By line: the number of the last line of the world's trace by then. */
  readonly #trace: number[];

  /** @param domains  of the scenario's servers */
  constructor(domains: readonly string[], places = new Places([], 0), trace: readonly number[] = []) {
    this.#domains = domains;
    this.places = places;
    this.#trace = [...trace];
  }

  /** The last line of the world's trace. */
  get last(): number {
    return this.#trace.at(-1) ?? 0;
  }

  /** The last line of the world's trace among so many lines. */
  lastOf(lines: number): number {
    return this.#trace[lines - 1] ?? 0;
  }

  /** The place right after a line of the world's trace. */
  placeAfter(line: number): number {
    return this.places.placeOfLines(this.#count(line));
  }

  /** The same without what comes after a line of the world's trace. */
  until(line: number): LabLines {
    const count = this.#count(line);
    return new LabLines(this.#domains, this.places.until(count), this.#trace.slice(0, count));
  }

  append({ lines, people, now }: Pick<LabNews, 'lines' | 'people' | 'now'>): void {
    let known = this.last;
    const add = (t: number, record: News, events: readonly number[]) => {
      this.places.add({ t, record, events });
      this.#trace.push(known);
    };
    let reported = 0;
    const tell = (until: number, t: number) => {
      for (let report = people[reported]; report !== undefined && report.after <= until; report = people[++reported])
        add(t, { kind: 'occupant', progress: occupantProgress(report) }, []);
    };
    for (const text of lines) {
      const of = JSON.parse(text);
      tell(of.seq - 1, of.t);
      known = of.seq;
      const record = readLine(new Fields(of, of.seq + 1), this.#domains);
      if (record === undefined) continue;
      add(of.t, record, record.kind === 'status' ? [] : [of.seq]);
      if (record.kind === 'session' && record.role !== 'user')
        add(of.t, { kind: 'node', progress: this.#nodeProgress(record) }, []);
    }
    tell(Number.POSITIVE_INFINITY, now);
  }

  /** A node is up while it has its session. */
  #nodeProgress({ address: node, up, role }: SessionRecord): NodeProgress {
    if (up) return { node, phase: 'ready', detail: '' };
    const told = this.places.lines.findLast(({ record }) => replicasIn(record) !== undefined);
    const listed = (told && replicasIn(told.record)) ?? [];
    if (role === 'replica' && !listed.includes(node)) return { node, phase: 'gone', detail: '' };
    return { node, phase: 'down', detail: 'it crashed' };
  }

  /** How many lines there are until a line of the world's trace. */
  #count(line: number): number {
    let [low, high] = [0, this.#trace.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#trace[middle] as number) > line) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function occupantProgress({ who, state }: LabNews['people'][number]): OccupantProgress {
  const { phase, nick, room, offer, error: detail = '' } = state;
  return { who, phase, nick, room, detail, ...(offer === undefined ? {} : { offer: offer.room }) };
}

/** The replicas of the rooms of a node, if it is a primary that tells of them. */
function replicasIn(record: News): readonly string[] | undefined {
  if (record.kind !== 'status') return undefined;
  const lists = record.status.rooms.flatMap(({ replicas }) => (replicas ? [replicas] : []));
  return lists.length === 0 ? undefined : lists.flat();
}
