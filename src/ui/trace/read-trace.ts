import { Model } from '../fold/model.ts';
import { OwnIds } from '../fold/own-ids.ts';
import { Fields, TraceError } from './fields.ts';
import { OriginalIds } from './original-ids.ts';
import { readHeader } from './read-header.ts';
import { readLine } from './read-line.ts';
import type { Trace, TraceHeader, TraceLine } from './trace.ts';

/** A simulated run of the default length has 1,000 to 10,000 lines. */
const linesMax = 100_000;
/** npm first writes what it runs: blank lines, and lines that begin with `>`. */
const bannerMax = 8;
/** Characters of a line: a node that takes over a whole room's history keeps it in one. */
const lineMax = 2_000_000;

/**
 * Reads a trace (src/sim/README.md, section Trace) piece by piece, so that a page can do other things in between. A file may
 * hold anything: whatever is wrong in it ends the reading with a TraceError.
 */
export class TraceReader {
  readonly #lines: TraceLine[] = [];
  readonly #skipped = new Map<string, number>();
  #header: TraceHeader | undefined;
  #domains: readonly string[] = [];
  /** Which events each line makes. */
  #model: Model | undefined;
  #ids: OriginalIds | undefined;
  #rest = '';
  /** Lines of the file so far. */
  #count = 0;
  /** Lines after the header so far. */
  #seq = 0;
  #t = Number.NEGATIVE_INFINITY;

  /** @throws TraceError */
  push(text: string): void {
    const parts = text.split('\n');
    for (const [i, part] of parts.entries()) {
      this.#rest += part;
      if (this.#rest.length > lineMax)
        throw new TraceError(`Line ${this.#count + 1}: it has more than ${lineMax.toLocaleString('en')} characters.`);
      if (i === parts.length - 1) break;
      this.#line(this.#rest);
      this.#rest = '';
    }
  }

  /** @throws TraceError */
  end(): Trace {
    if (this.#rest.trim() !== '') this.#lastLine(this.#rest);
    if (this.#header === undefined) throw new TraceError('It is empty.');
    return { ...this.#header, lines: this.#lines, skipped: this.#skipped };
  }

  /** Every line ends with a line feed. If the last one has none and is no JSON, the rest of it is missing. */
  #lastLine(text: string): void {
    if (this.#header !== undefined && parsed(text) === undefined)
      throw new TraceError(
        `The file was cut off: it ends in the middle of line ${this.#count + 1}.`,
        'Copy or write it again: the whole file is needed.',
      );
    this.#line(text);
  }

  #line(text: string): void {
    const number = ++this.#count;
    if (this.#header === undefined && number <= bannerMax && /^(?:>.*)?\r?$/.test(text)) return;
    if (this.#seq >= linesMax)
      throw new TraceError(`It has more than ${linesMax.toLocaleString('en')} lines after the header.`);
    const of = parsed(text);
    if (of === undefined)
      throw new TraceError(
        this.#header === undefined
          ? `It is not a trace: line ${number} is not JSON.`
          : `Line ${number}: it is not JSON.`,
      );
    const fields = new Fields(of, number);
    if (this.#header === undefined) {
      this.#header = readHeader(fields);
      const { scenario, firstOwn, isFixed, hasIds } = this.#header;
      this.#domains = scenario.servers.map(({ domain }) => domain);
      this.#model = new Model(scenario, true, new OwnIds(firstOwn), isFixed);
      if (hasIds) this.#ids = new OriginalIds();
      return;
    }
    const seq = ++this.#seq;
    if (fields.count('seq') !== seq) fields.refuse('seq', `is not ${seq}, though this is line ${seq} after the header`);
    const t = fields.instant('t');
    if (t < this.#t) fields.refuse('t', 'is earlier than that of the line before');
    this.#t = t;
    const read = readLine(fields, this.#domains);
    const record = read && this.#ids ? this.#ids.restore(read, fields) : read;
    if (record !== undefined) {
      const events = 'progress' in record ? [] : (this.#model?.fold([record]) ?? []);
      this.#lines.push({ t, record, events: events.map(({ id }) => id) });
    } else {
      const kind = fields.text('kind', 100);
      // Any number of made-up kinds count as one.
      const name = this.#skipped.has(kind) || this.#skipped.size < 10 ? kind : 'other';
      this.#skipped.set(name, (this.#skipped.get(name) ?? 0) + 1);
    }
  }
}

/** @returns undefined if it is not JSON */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
