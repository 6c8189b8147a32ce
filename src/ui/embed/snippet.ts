import { type Embedding, embedParameters } from './embedding.ts';

/** What an author chooses; sizes in CSS pixels. */
export interface Snippet extends Embedding {
  readonly width: number;
  readonly height: number;
  /** What a screen reader calls the frame. */
  readonly title: string;
}

/** The same page as a whole: an address without what is said of embedding. */
export function wholeAddress(address: string): string {
  const url = new URL(address);
  for (const name of embedParameters) url.searchParams.delete(name);
  return url.href;
}

/** The address of a page, with how it is embedded. */
export function embedAddress(address: string, { regions, keys, autoplay }: Embedding): string {
  const url = new URL(wholeAddress(address));
  url.searchParams.set('embed', '1');
  url.searchParams.set('region', regions.join(','));
  url.searchParams.set('keys', keys ? '1' : '0');
  url.searchParams.set('autoplay', autoplay ? '1' : '0');
  // A comma needs no escape, and is read more easily without one.
  url.search = url.search.replaceAll('%2C', ',');
  return url.href;
}

/**
 * What a frame may do. Scripts and storage are the page’s own, for it is another site’s; forms are for speaking; a new tab is for the
 * link to the whole page. It may not lead its parent elsewhere, open dialogs of the browser, or save files.
 */
const sandbox = 'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox';

/** The HTML to copy into a page of one’s own. */
export function snippetOf(address: string, snippet: Snippet): string {
  const attributes = [
    ['src', embedAddress(address, snippet)],
    ['title', snippet.title],
    ['width', String(snippet.width)],
    ['height', String(snippet.height)],
    ['loading', 'lazy'],
    ['sandbox', sandbox],
    ['style', 'border: 0; max-width: 100%'],
  ] as const;
  return `<iframe ${attributes.map(([name, value]) => `${name}="${escaped(value)}"`).join(' ')}></iframe>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
