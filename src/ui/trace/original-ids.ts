import type { Instant } from '../../core/xmpp/time.ts';
import type { Fields } from './fields.ts';
import type { News } from './records.ts';

/**
 * In a file lines are numbered one by one, and no line is earlier than the one before. In the page that recorded them events had other
 * ids, and the clocks of server and nodes differed. The fields `id` and `at` say so; with them events are what they were.
 */
export class OriginalIds {
  /** By line. */
  readonly #ids = new Map<number, number>();

  /** @throws TraceError */
  restore(record: News, fields: Fields): News {
    if ('progress' in record) return record;
    const t = (fields.maybe('at', (name) => fields.instant(name)) ?? record.t) as Instant;
    if (record.kind === 'step') {
      const { seq: _seq, cause: _cause, ...step } = { seq: 0, cause: 0, ...record };
      return { ...step, t };
    }
    if (!('seq' in record)) return { ...record, t };
    const id = fields.maybe('id', (name) => fields.count(name, 1)) ?? record.seq;
    this.#ids.set(record.seq, id);
    if (!('cause' in record) || record.cause === undefined) return { ...record, seq: id, t };
    return { ...record, seq: id, t, cause: this.#ids.get(record.cause) ?? record.cause };
  }
}
