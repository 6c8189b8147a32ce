/** Part of a line of text. */
export type Inline =
  | { readonly kind: 'text' | 'strong' | 'emphasis' | 'code'; readonly text: string }
  | { readonly kind: 'term' | 'xep' | 'view'; readonly text: string; readonly to: string };

export type Block =
  | { readonly kind: 'paragraph'; readonly inlines: readonly Inline[] }
  | { readonly kind: 'list'; readonly items: readonly (readonly Inline[])[] };

/** `**strong**`, `*emphasis*`, `` `code` ``, `[text](term:id)`, `[text](xep:0282#4.9)`, `[text](view:costs)`: each within one line, none in another. */
const marks = /\*\*([^*\n]+)\*\*|\*([^*\n]+)\*|`([^`\n]+)`|\[([^\]\n]+)\]\((term|xep|view):([^)\s]+)\)/g;

/** The blocks of a text: paragraphs, and lists whose items begin with `- `. Whatever is not of this small kind is text. */
export function parseMarkdown(text: string): readonly Block[] {
  return text
    .split(/\n\s*\n/)
    .map((block) => block.trim())
    .filter((block) => block !== '')
    .map((block): Block => {
      const lines = block.split('\n').map((line) => line.trim());
      if (!lines.every((line) => line.startsWith('- ')))
        return { kind: 'paragraph', inlines: inlinesOf(lines.join(' ')) };
      return { kind: 'list', items: lines.map((line) => inlinesOf(line.slice(2))) };
    });
}

/** Where a text leads to: terms, sections and views. */
export function referencesIn(text: string): readonly Extract<Inline, { readonly to: string }>[] {
  return parseMarkdown(text)
    .flatMap((block) => (block.kind === 'list' ? block.items.flat() : block.inlines))
    .flatMap((one) => ('to' in one ? [one] : []));
}

export function inlinesOf(text: string): readonly Inline[] {
  const found: Inline[] = [];
  let at = 0;
  const plain = (until: number) => {
    if (until > at) found.push({ kind: 'text', text: text.slice(at, until) });
  };
  for (const match of text.matchAll(marks)) {
    const [all, strong, emphasis, code, words = '', kind, to = ''] = match;
    plain(match.index);
    at = match.index + all.length;
    if (strong !== undefined) found.push({ kind: 'strong', text: strong });
    else if (emphasis !== undefined) found.push({ kind: 'emphasis', text: emphasis });
    else if (code !== undefined) found.push({ kind: 'code', text: code });
    else found.push({ kind: kind === 'term' || kind === 'view' ? kind : 'xep', text: words, to });
  }
  plain(text.length);
  return found;
}
