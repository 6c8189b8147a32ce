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

/** One page of `items`; undefined if `after` or `before` names an item that is not there. */
export function pageOf<T extends { readonly id: string }>(
  items: readonly T[],
  { max = 50, after, before, index: place }: PageRequest,
): { readonly page: readonly T[]; readonly index: number; readonly complete: boolean } | undefined {
  let first = Math.min(place ?? 0, items.length);
  let end = items.length;
  if (after !== undefined) {
    const found = items.findIndex(({ id }) => id === after);
    if (found < 0) return undefined;
    first = found + 1;
  }
  if (before !== undefined && before !== '') {
    const found = items.findIndex(({ id }) => id === before);
    if (found < 0) return undefined;
    end = found;
  }
  const size = Math.min(max, Math.max(0, end - first));
  const index = before === undefined ? first : Math.max(first, end - size);
  return { page: items.slice(index, index + size), index, complete: size === Math.max(0, end - first) };
}

export function writePage(page: readonly { readonly id: string }[], index: number, count: number): XmlElement {
  const [first] = page;
  const last = page.at(-1);
  return el(
    'set',
    rsm,
    {},
    ...(first && last ? [el('first', rsm, { index: String(index) }, first.id), el('last', rsm, {}, last.id)] : []),
    el('count', rsm, {}, String(count)),
  );
}
