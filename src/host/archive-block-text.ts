/**
 * A block of an archive as text: what retention has to know of its rows, as JSON, a line feed, and their items, as JSON. So
 * what is only dropped is not parsed.
 */
import type { HistoryItem } from '../core/room/event.ts';
import type { ArchiveRow } from './archive-rows.ts';

type Head = readonly [place: string, bytes: number, nick: string];

export function textOfRows(rows: readonly ArchiveRow[]): string {
  const heads = rows.map(({ place, bytes, nick }): Head => [place, bytes, nick]);
  return `${JSON.stringify(heads)}\n[${rows.map(({ item, text }) => text ?? JSON.stringify(item)).join(',')}]`;
}

export function rowsOfText(text: string): readonly ArchiveRow[] {
  // No JSON that we write has one.
  const end = text.indexOf('\n');
  if (end < 0) return rowsOfFirstText(text);
  const heads = JSON.parse(text.slice(0, end)) as readonly Head[];
  let items: readonly HistoryItem[] | undefined;
  return heads.map(([place, bytes, nick], i) => ({
    place,
    bytes,
    nick,
    get item() {
      items ??= JSON.parse(text.slice(end + 1)) as readonly HistoryItem[];
      return items[i] as HistoryItem;
    },
  }));
}

/** As a first version wrote it. */
function rowsOfFirstText(text: string): readonly ArchiveRow[] {
  const rows = JSON.parse(text) as readonly (readonly [string, number, HistoryItem])[];
  return rows.map(([place, bytes, item]) => ({ place, bytes, nick: item.nick, item }));
}
