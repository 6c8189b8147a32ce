import { entriesPage } from '../core/room/archive-list.ts';
import type { ArchiveEntry, ArchivePage, ArchiveSearch } from '../core/room/archive-store.ts';
import { type ArchiveMeta, type ArchiveRange, type ArchiveReader, type ArchiveRow, placeAt } from './archive-rows.ts';

/** An archive within both of these is read as a whole, so that every page has its exact index and count. */
const shortCount = 1000;
const shortBytes = 1 << 20;
/** So many rows are read at once where a page begins far behind a place that is known. */
const chunk = 500;

/**
 * One page (XEP-0059) of an archive that is not in memory. It reads about as many rows as the page has, except where the
 * page is asked for by its index: those before it are counted.
 */
export async function searchArchive(reader: ArchiveReader, search: ArchiveSearch): Promise<ArchivePage> {
  const meta = await reader.meta(search.room);
  const isWanted = wanted(search);
  if (meta === undefined) return entriesPage([], isWanted, search.page);
  if (meta.count <= shortCount && meta.bytes <= shortBytes) {
    const rows = await reader.rows({ archive: meta.archive, from: meta.first }, shortCount, false);
    return entriesPage(rows, isWanted, search.page);
  }
  if (search.id !== undefined) return named(reader, meta, search.id, search.page.max);
  const range = await rangeOf(reader, meta, search);
  if (range === undefined) return undefined;
  return search.page.before === undefined
    ? forward(reader, meta, search, range, isWanted)
    : backward(reader, meta, search, range, isWanted);
}

const entryOf = ({ place, item }: ArchiveRow): ArchiveEntry => ({ place, item });

function wanted({ nick, start, end, id }: ArchiveSearch) {
  return ({ item }: ArchiveEntry) =>
    (start === undefined || item.at >= start) &&
    (end === undefined || item.at <= end) &&
    (nick === undefined || item.nick === nick) &&
    (id === undefined || item.id === id);
}

const isFiltered = ({ nick, start, end }: ArchiveSearch) =>
  nick !== undefined || start !== undefined || end !== undefined;

/** Those with one id: messages of different nodes may have the same. */
async function named(
  reader: ArchiveReader,
  { archive, first }: ArchiveMeta,
  id: string,
  max: number,
): Promise<ArchivePage> {
  const places = (await reader.placesOf(archive, id)).filter((place) => place >= first);
  const page: ArchiveEntry[] = [];
  for (const place of places.slice(0, max))
    for (const row of await reader.rows({ archive, from: place }, 1, false))
      if (row.place === place) page.push(entryOf(row));
  return { page, index: 0, count: places.length, complete: places.length <= max };
}

/** @returns undefined if the page begins or ends at an id that is not there */
async function rangeOf(
  reader: ArchiveReader,
  { archive, first, lag }: ArchiveMeta,
  { nick, start, end, page }: ArchiveSearch,
): Promise<ArchiveRange | undefined> {
  const placeOf = async (id: string) => (await reader.placesOf(archive, id))[0];
  const after = page.after === undefined ? undefined : await placeOf(page.after);
  if (page.after !== undefined && after === undefined) return undefined;
  const ends = page.before === undefined || page.before === '' ? undefined : await placeOf(page.before);
  if (page.before !== undefined && page.before !== '' && ends === undefined) return undefined;
  const from = start === undefined || placeAt(start) < first ? first : placeAt(start);
  const until = end === undefined ? undefined : placeAt(end + lag + 1);
  return {
    archive,
    nick,
    ...(after !== undefined && after >= from ? { after } : { from }),
    before: ends === undefined || (until !== undefined && until < ends) ? until : ends,
  };
}

async function forward(
  reader: ArchiveReader,
  meta: ArchiveMeta,
  search: ArchiveSearch,
  range: ArchiveRange,
  isWanted: (entry: ArchiveEntry) => boolean,
): Promise<ArchivePage> {
  const { max, after, index = 0 } = search.page;
  const page: ArchiveEntry[] = [];
  let skipped = 0;
  let rest = range;
  for (let hasMore = true; hasMore && page.length <= max; ) {
    const limit = Math.min(chunk, index - skipped + max + 1 - page.length);
    const rows = await reader.rows(rest, limit, false);
    hasMore = rows.length > 0;
    for (const row of rows) {
      if (!isWanted(row)) continue;
      if (skipped < index) skipped++;
      else page.push(entryOf(row));
    }
    rest = { ...rest, from: undefined, after: rows.at(-1)?.place };
  }
  const complete = page.length <= max;
  if (!complete) page.pop();
  const count = isFiltered(search) ? undefined : meta.count;
  const known = after === undefined ? skipped : complete && count !== undefined ? count - page.length : undefined;
  return { page, index: known, count, complete };
}

async function backward(
  reader: ArchiveReader,
  meta: ArchiveMeta,
  search: ArchiveSearch,
  range: ArchiveRange,
  isWanted: (entry: ArchiveEntry) => boolean,
): Promise<ArchivePage> {
  const { max, after, before } = search.page;
  const page: ArchiveEntry[] = [];
  let rest = range;
  for (let hasMore = true; hasMore && page.length <= max; ) {
    const rows = await reader.rows(rest, Math.min(chunk, max + 1 - page.length), true);
    hasMore = rows.length > 0;
    for (const row of rows) if (isWanted(row)) page.push(entryOf(row));
    rest = { ...rest, before: rows.at(-1)?.place };
  }
  const complete = page.length <= max;
  if (!complete) page.pop();
  page.reverse();
  const count = isFiltered(search) ? undefined : meta.count;
  let index: number | undefined;
  if (complete && after === undefined) index = 0;
  else if (before === '' && count !== undefined) index = count - page.length;
  return { page, index, count, complete };
}
