/** XEP-0059: Result Set Management, version 1.0.1. */
import { childOf, el, readCount, textOf, type XmlElement } from '../xmpp/xml.ts';

export const rsm = 'http://jabber.org/protocol/rsm';

export interface PageRequest {
  readonly max?: number;
  /** The page after this id; with `before`, only what lies between. */
  readonly after?: string;
  /** The page before this id; empty: the last page (§2.5). */
  readonly before?: string;
  /** The page that begins at this place, from 0 (§2.6). */
  readonly index?: number;
}

export function readPage(parent: XmlElement): PageRequest {
  const set = childOf(parent, 'set', rsm);
  if (!set) return {};
  const text = (name: string) => {
    const child = childOf(set, name, rsm);
    return child && textOf(child);
  };
  const max = readCount(text('max'), 6);
  const index = readCount(text('index'), 9);
  const after = text('after');
  const before = text('before');
  return {
    ...(max === undefined ? {} : { max }),
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    ...(index === undefined ? {} : { index }),
  };
}

/** Whether a page is asked for. */
export function asksForPage(parent: XmlElement): boolean {
  return childOf(parent, 'set', rsm) !== undefined;
}

export interface Page<T> {
  readonly page: readonly T[];
  /** Place of its first item among all that are wanted, and their number. */
  readonly index: number;
  readonly count: number;
  /** Whether nothing that is wanted lies beyond it, in the direction of paging. */
  readonly complete: boolean;
}

/**
 * One page of those among `items` that are wanted; undefined if `after` or `before` names an item that is not there. The
 * item that is named need not be a wanted one: a filter changes nothing about where it stands.
 */
export function pageOf<T extends { readonly id: string }>(
  items: readonly T[],
  wanted: (item: T) => boolean,
  { max = 50, after, before, index: from }: PageRequest,
): Page<T> | undefined {
  const place = (wantedId: string) => items.findIndex(({ id }) => id === wantedId);
  const first = after === undefined ? 0 : place(after) + 1;
  const end = before === undefined || before === '' ? items.length : place(before);
  if ((after !== undefined && first === 0) || end < 0) return undefined;
  const earlier = items.slice(0, first).filter(wanted).length;
  const between = items.slice(first, end).filter(wanted);
  const isForward = before === undefined;
  const skipped = isForward ? Math.min(from ?? 0, between.length) : Math.max(0, between.length - max);
  const page = between.slice(skipped, skipped + max);
  const later = items.slice(Math.max(first, end)).filter(wanted).length;
  const count = earlier + between.length + later;
  return {
    page,
    index: earlier + skipped,
    count,
    complete: page.length === between.length - (isForward ? skipped : 0),
  };
}

/** §2.6: where its first item stands, and how many there are, is said if it is known. */
export function writePage({
  page,
  index,
  count,
}: {
  readonly page: readonly { readonly id: string }[];
  readonly index?: number | undefined;
  readonly count?: number | undefined;
}): XmlElement {
  const [first] = page;
  const last = page.at(-1);
  return el(
    'set',
    rsm,
    {},
    ...(first && last
      ? [el('first', rsm, index === undefined ? {} : { index: String(index) }, first.id), el('last', rsm, {}, last.id)]
      : []),
    ...(count === undefined ? [] : [el('count', rsm, {}, String(count))]),
  );
}
