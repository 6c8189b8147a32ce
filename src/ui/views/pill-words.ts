import { type SVGTemplateResult, svg } from 'lit';
import type { LinkView } from '../fold/links.ts';
import type { Store } from '../store.ts';
import { bytes, counted, variantName } from '../words.ts';

/** Two numbers, and what both of them count. */
interface Pair {
  readonly here: string;
  readonly there: string;
  readonly unit: string;
}

/** What one line of a counter says. */
type Words = string | Pair;

/**
 * What the counter of a link says.
 *
 * @param other  the same link in the run with which this one is compared
 */
export function pillWords(
  link: LinkView,
  other: LinkView | undefined,
  compact: boolean,
): { readonly first: Words; readonly second: Words } {
  const isCut = link.state !== 'up';
  if (link.away !== undefined) return { first: 'away', second: `${counted(link.stanzas, 'stanza')} before` };
  if (other === undefined)
    return isCut
      ? { first: 'cut', second: `${counted(link.dropped, 'stanza')} lost` }
      : { first: counted(link.stanzas, 'stanza'), second: `${bytes(link.bytes)}, ${link.latencyMs} ms` };
  if (isCut) return { first: 'cut', second: pairOf(link.dropped, other.dropped, ' stanzas lost') };
  return {
    // Where there is little room the legend alone says what is counted.
    first: pairOf(link.stanzas, other.stanzas, compact ? '' : ' stanzas'),
    second: pairOf(bytes(link.bytes), bytes(other.bytes), ''),
  };
}

/** The same for those who hear it. */
export function carriedInWords(link: LinkView, { comparison, session }: Store): string {
  const told = ({ stanzas, bytes: size }: LinkView) => `${counted(stanzas, 'stanza')}, ${bytes(size)}`;
  const other = comparison?.model.network.links.get(link.key);
  if (comparison === undefined || other === undefined) return told(link);
  return `this run: ${told(link)}; ${variantName(comparison.run.variant.id, session.scenario).short}: ${told(other)}`;
}

/** Two numbers side by side, each in its colour. */
export function drawn(words: Words): SVGTemplateResult | string {
  if (typeof words === 'string') return words;
  const { here, there, unit } = words;
  return svg`<tspan class="here">${here}</tspan><tspan class="bar"> | </tspan><tspan class="there">${there}</tspan>${unit}`;
}

export function textOf(words: Words): string {
  return typeof words === 'string' ? words : `${words.here} | ${words.there}${words.unit}`;
}

function pairOf(here: number | string, there: number | string, unit: string): Pair {
  return { here: String(here), there: String(there), unit };
}
