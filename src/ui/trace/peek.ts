import type { TracedStanza } from '../../core/node/trace.ts';

/** One direct child of a stanza, as far as summaries and transcripts need it. */
export interface Peeked {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string>>;
  /** Text directly inside it. */
  readonly text: string;
}

/**
 * The direct children of a serialised stanza, without a DOM: the model runs in Node as well. The text comes from the
 * server, which parsed and wrote it itself, or from a file, which may hold anything: what is not XML gives an incomplete
 * list, never an exception. Each character is looked at once or twice, whatever it is.
 */
export function peekChildren(xml: string): readonly Peeked[] {
  const found: { name: string; attrs: Record<string, string>; text: string }[] = [];
  let depth = 0;
  for (let at = 0; at < xml.length; ) {
    const open = xml.indexOf('<', at);
    const text = xml.slice(at, open < 0 ? xml.length : open);
    const last = found.at(-1);
    if (text !== '' && depth === 2 && last) last.text += unescapeXml(text);
    const close = open < 0 ? -1 : endOfTag(xml, open + 1);
    if (close < 0) break;
    const empty = xml[close - 1] === '/';
    if (xml[open + 1] === '/') depth--;
    else {
      if (depth === 1) found.push({ ...readTag(xml.slice(open + 1, empty ? close - 1 : close)), text: '' });
      if (!empty) depth++;
    }
    at = close + 1;
  }
  return found;
}

/** Remembered, because several views ask, and a recording is folded again whenever somebody steps back. */
const known = new WeakMap<TracedStanza, readonly Peeked[]>();

/** The direct children of a stanza of the trace. */
export function childrenOf(stanza: TracedStanza): readonly Peeked[] {
  const children = known.get(stanza) ?? peekChildren(stanza.xml);
  known.set(stanza, children);
  return children;
}

/** Where the tag closes: a `>` within quotes does not. */
function endOfTag(xml: string, from: number): number {
  let quote = '';
  for (let at = from; at < xml.length; at++) {
    const char = xml[at] as string;
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '>') return at;
  }
  return -1;
}

function readTag(text: string): { readonly name: string; readonly attrs: Record<string, string> } {
  const name = /^[^\s/]*/.exec(text)?.[0] ?? '';
  const attrs: Record<string, string> = {};
  // Sticky: it continues where it was or ends. Searching from every position would take quadratic time.
  const attribute = /\s*([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
  attribute.lastIndex = name.length;
  for (let part = attribute.exec(text); part; part = attribute.exec(text))
    attrs[part[1] ?? ''] = unescapeXml(part[2] ?? part[3] ?? '');
  return { name, attrs };
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos));/g, (whole, hex, decimal, name) => {
    if (name) return entities[name] ?? whole;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
