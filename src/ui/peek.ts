/** One direct child of a stanza, as far as summaries and transcripts need it. */
export interface Peeked {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string>>;
  /** Text directly inside it. */
  readonly text: string;
}

const tag = /<(\/?)([^\s/>]+)((?:[^>"']|"[^"]*"|'[^']*')*?)(\/?)>|([^<]+)/g;
const attribute = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;

/**
 * The direct children of a serialised stanza, without a DOM: the model runs in Node as well. The text comes from the
 * server, which parsed and wrote it itself; anything else gives an incomplete list, never an exception.
 */
export function peekChildren(xml: string): readonly Peeked[] {
  const found: { name: string; attrs: Record<string, string>; text: string }[] = [];
  let depth = 0;
  for (const [, closing, name, attrs, empty, text] of xml.matchAll(tag)) {
    if (text !== undefined) {
      const last = found.at(-1);
      if (depth === 2 && last) last.text += unescapeXml(text);
    } else if (closing) {
      depth--;
    } else {
      if (depth === 1) found.push({ name: name ?? '', attrs: readAttributes(attrs ?? ''), text: '' });
      if (!empty) depth++;
    }
  }
  return found;
}

function readAttributes(text: string): Record<string, string> {
  const attrs: Record<string, string> = {};
  for (const [, name, double, single] of text.matchAll(attribute))
    attrs[name ?? ''] = unescapeXml(double ?? single ?? '');
  return attrs;
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));/g, (whole, hex, decimal, name) => {
    if (name) return entities[name] ?? whole;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
