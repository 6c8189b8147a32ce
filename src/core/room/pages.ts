import { asksForPage, pageOf, readPage, writePage } from '../xep/xep0059.ts';
import { serializedLength, type XmlElement } from '../xmpp/xml.ts';
import { type Refusal, refusal } from './refusal.ts';
import { roomLimits } from './size.ts';

/** One element of an answer that is a list. */
export interface Listed {
  /** Names it among the others, for a client that asks for those after it. */
  readonly id: string;
  readonly element: XmlElement;
}

/** Of the answer's children, one says which page it is. */
const itemsMax = roomLimits.children - 1;

/**
 * The children of an answer that is a list. Decision #122: the whole list where it fits into one stanza and no page is asked
 * for; else a page, which says that it is one (XEP-0059, XEP-0045 §6.3), and is as long as it may be.
 *
 * @param query  the request, with `<set/>` if a page is asked for
 */
export function listed(query: XmlElement, list: readonly Listed[]): readonly XmlElement[] | Refusal {
  if (!asksForPage(query) && fitting(query, list) === list.length) return list.map(({ element }) => element);
  const asked = readPage(query);
  const found = pageOf(list, () => true, { ...asked, max: Math.min(asked.max ?? itemsMax, itemsMax) });
  if (found === undefined) return refusal('cancel', 'item-not-found', '0059#2.4', 'there is no item with that id now');
  const { page, index } = found;
  const backwards = asked.before !== undefined;
  const length = fitting(query, backwards ? page.toReversed() : page);
  const kept = backwards ? page.slice(page.length - length) : page.slice(0, length);
  const first = backwards ? index + page.length - length : index;
  return [...kept.map(({ element }) => element), writePage({ page: kept, index: first, count: list.length })];
}

/** How many of them, from the first, go into one stanza. */
function fitting({ xmlns }: XmlElement, list: readonly Listed[]): number {
  let bytes = 0;
  for (const [i, { element }] of list.entries()) {
    bytes += serializedLength(element, xmlns);
    if (i >= itemsMax || bytes > roomLimits.bytes) return i;
  }
  return list.length;
}
