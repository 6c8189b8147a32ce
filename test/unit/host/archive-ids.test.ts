import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { type IdRecord, type IdWriter, runOf, runsWith, writeRuns } from '../../../src/host/archive-ids.ts';
import { type ArchiveMeta, type ArchiveRow, emptyMeta } from '../../../src/host/archive-rows.ts';

/** A table in memory. */
function tableOf(records: Map<string, IdRecord>): IdWriter {
  const key = ({ archive, shard, n }: Omit<IdRecord, 'runs'>) => `${archive} ${shard} ${n}`;
  return {
    ids: async (archive, shard, sum = '') =>
      [...records.values()].filter(
        (one) => one.archive === archive && one.shard === shard && one.runs.some(({ sums }) => sums.includes(sum)),
      ),
    writeIds: (record) => void records.set(key(record), record),
    removeIds: (record) => void records.delete(key(record)),
  };
}

const placeOf = (n: number) => String(n).padStart(9, '0');

function rowAt(n: number): ArchiveRow {
  const room = jid('coven@chat.shakespeare.lit');
  const item = { by: room, id: `id-${n}`, nick: 'hag', occupantId: 'o', at: instant(n), payloads: [] };
  return { place: placeOf(n), item, bytes: 1, nick: 'hag' };
}

describe('Where the ids of an archive are', () => {
  it('every message that is left is found, wherever the oldest are dropped', async () => {
    const records = new Map<string, IdRecord>();
    const table = tableOf(records);
    let meta: ArchiveMeta = emptyMeta(3);
    let first = 0;
    let end = 0;
    const sortedTo: number[] = [];
    for (let step = 0; step < 5000; step++) {
      const rows = Array.from({ length: 1 + ((step * 37) % 6) }, () => rowAt(end++));
      // Every seventh comes late, in an append of its own.
      const appended = rows.filter(({ item }) => item.at % 7 !== 0);
      const late = rows.filter(({ item }) => item.at % 7 === 0);
      meta = { ...meta, last: placeOf(end - 1), first: placeOf(first) };
      if (appended.length > 0) meta = await writeRuns(table, meta, [runOf(appended)]);
      if (meta.ids?.count === 0) sortedTo.push(end - 1);
      for (const row of late) meta = await writeRuns(table, meta, [runOf([row])]);
      // Just before the end of what was sorted at once.
      first = Math.max(first, (sortedTo.filter((to) => to <= end - 2000).at(-1) ?? 0) - 3);
    }
    const covers = async (n: number) =>
      (await runsWith(table, 3, `id-${n}`)).some((run) => run.first <= placeOf(n) && placeOf(n) <= run.last);
    const missing: number[] = [];
    for (let n = first; n < end; n += n < first + 100 ? 1 : 61) if (!(await covers(n))) missing.push(n);
    expect(missing).toEqual([]);
    // What was dropped long ago takes no room.
    expect(await covers(100)).toBe(false);
    const ids = [...records.values()].flatMap(({ runs }) => runs).reduce((sum, { sums }) => sum + sums.length / 8, 0);
    expect(ids).toBeLessThan(3 * 4096 + end - first);
  });

  it('a search reads of a long archive what is near', async () => {
    const table = tableOf(new Map());
    let meta = emptyMeta(0);
    for (let from = 0; from < 50_000; from += 64) {
      const rows = Array.from({ length: 64 }, (_, i) => rowAt(from + i));
      meta = await writeRuns(table, { ...meta, last: placeOf(from + 63) }, [runOf(rows)]);
    }
    for (const n of [0, 4095, 4096, 30_000, 49_999]) {
      const runs = await runsWith(table, 0, `id-${n}`);
      expect(runs.length).toBe(1);
      for (const { first, last } of runs) expect(Number(last) - Number(first)).toBeLessThan(1500);
    }
  });
});
