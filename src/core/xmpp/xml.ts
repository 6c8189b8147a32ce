/** An XML element as plain readonly data: survives structuredClone, postMessage and JSON. */
export interface XmlElement {
  readonly name: string;
  readonly xmlns: string;
  /** Unprefixed attributes, and `xml:lang`. Other prefixed attributes are never read (they are not ours). */
  readonly attrs: Readonly<Record<string, string>>;
  readonly children: readonly XmlNode[];
}
export type XmlNode = XmlElement | string;

/**
 * Builds an element. Attributes that are `undefined` are left out.
 *
 * @example el('delay', NS.delay, { from: room, stamp })
 */
export function el(
  name: string,
  xmlns: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly XmlNode[]
): XmlElement {
  // Mostly there is nothing to leave out, and nobody writes to attributes: what was given is kept as it is.
  for (const key in attrs) if (attrs[key] === undefined) return { name, xmlns, attrs: present(attrs), children };
  return { name, xmlns, attrs: attrs as Readonly<Record<string, string>>, children };
}

/** The same where all is at hand as it is to be kept: attributes that are there, and the list of children. */
export function element(
  name: string,
  xmlns: string,
  attrs: Readonly<Record<string, string>>,
  children: readonly XmlNode[] = [],
): XmlElement {
  return { name, xmlns, attrs, children };
}

function present(attrs: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const key in attrs) {
    const value = attrs[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

/** The first direct child with that name and namespace; prefixes never matter, nesting always does. */
export function childOf(parent: { readonly children: readonly XmlNode[] }, name: string, xmlns: string) {
  for (const node of parent.children) {
    if (typeof node !== 'string' && node.name === name && node.xmlns === xmlns) return node;
  }
  return undefined;
}

/** A count in an attribute or a field: digits alone, at least one and at most a few. Anything else counts as absent. */
export function readCount(text: string | undefined, digits: number): number | undefined {
  return text !== undefined && text.length <= digits && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Whether two lists of elements say the same; the order of attributes says nothing (XML 1.0 §3.1). */
export function sameElements(a: readonly XmlNode[], b: readonly XmlNode[]): boolean {
  if (a === b) return true;
  return a.length === b.length && a.every((node, i) => sameNode(node, b[i] as XmlNode));
}

function sameNode(a: XmlNode, b: XmlNode): boolean {
  if (a === b) return true;
  if (typeof a === 'string' || typeof b === 'string') return false;
  return (
    a.name === b.name && a.xmlns === b.xmlns && sameAttrs(a.attrs, b.attrs) && sameElements(a.children, b.children)
  );
}

function sameAttrs(a: XmlElement['attrs'], b: XmlElement['attrs']): boolean {
  for (const key in a) if (a[key] !== b[key]) return false;
  for (const key in b) if (a[key] === undefined) return false;
  return true;
}

/** All direct child elements with that name and namespace. */
export function childrenOf(parent: { readonly children: readonly XmlNode[] }, name: string, xmlns: string) {
  const found: XmlElement[] = [];
  for (const node of parent.children)
    if (typeof node !== 'string' && node.name === name && node.xmlns === xmlns) found.push(node);
  return found;
}

/** All direct child elements. */
export function elementsOf(parent: { readonly children: readonly XmlNode[] }): XmlElement[] {
  return parent.children.filter((node): node is XmlElement => typeof node !== 'string');
}

/** The concatenated text of an element, its descendants not included. */
export function textOf(element: XmlElement): string {
  let text = '';
  for (const node of element.children) if (typeof node === 'string') text += node;
  return text;
}

// XML 1.0 §2.2 Char, and no lone surrogate: a socket would turn one into U+FFFD and histories would diverge.
const invalidText =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters XML 1.0 forbids
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Whether a string may stand in XML 1.0 text or attributes (RFC 6120 §11, XML 1.0 §2.2). */
export function isXmlText(text: string): boolean {
  return !invalidText.test(text);
}

const textEscapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' };
const attributeEscapes: Record<string, string> = {
  ...textEscapes,
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#x9;',
  '\n': '&#xA;',
};

export function escapeText(text: string): string {
  return /[&<>\r]/.test(text) ? text.replace(/[&<>\r]/g, (c) => textEscapes[c] as string) : text;
}

export function escapeAttribute(text: string): string {
  return /[&<>"'\t\n\r]/.test(text) ? text.replace(/[&<>"'\t\n\r]/g, (c) => attributeEscapes[c] as string) : text;
}

/**
 * Serialises an element; a namespace is declared only where it differs from the parent's.
 *
 * @param inherited  the default namespace in scope where the text will stand
 */
export function serialize(element: XmlElement, inherited = ''): string {
  let out = `<${element.name}`;
  if (element.xmlns !== inherited) out += ` xmlns="${escapeAttribute(element.xmlns)}"`;
  for (const key in element.attrs) out += ` ${key}="${escapeAttribute(element.attrs[key] as string)}"`;
  if (element.children.length === 0) return `${out}/>`;
  out += '>';
  for (const node of element.children)
    out += typeof node === 'string' ? escapeText(node) : serialize(node, element.xmlns);
  return `${out}</${element.name}>`;
}

/** `utf8Length(serialize(element, inherited))`, if only the length of the text is needed. */
export function serializedLength(element: XmlElement, inherited = ''): number {
  const { name, xmlns, attrs, children } = element;
  let bytes = '</>'.length + utf8Length(name);
  if (xmlns !== inherited) bytes += ' xmlns=""'.length + attributeLength(xmlns);
  for (const key in attrs) bytes += ' =""'.length + utf8Length(key) + attributeLength(attrs[key] as string);
  if (children.length === 0) return bytes;
  bytes += '<>'.length + utf8Length(name);
  for (const node of children) bytes += typeof node === 'string' ? textLength(node) : serializedLength(node, xmlns);
  return bytes;
}

/** UTF-8 length of an attribute's value as it is written. */
export function attributeLength(value: string): number {
  return plain.test(value) ? value.length : utf8Length(escapeAttribute(value));
}

function textLength(text: string): number {
  return plain.test(text) ? text.length : utf8Length(escapeText(text));
}

// Printable ASCII; and that without what is ever escaped. A pattern is far quicker than a loop over characters, where there
// are more than a few.
const ascii = /^[ -~]*$/;
const shortText = 10;
const plain = /^[ !#-%(-;=?-~]*$/;

/** Engines copy a piece that is so short. */
const copiedLength = 12;

/**
 * A piece of a text of its own: engines keep the whole of a text in memory for as long as a piece that was cut from it. Several
 * times as quick as a way through JSON.
 */
export function ownText<T extends string>(text: T): T {
  return text.length <= copiedLength ? text : (` ${text}`.slice(1) as T);
}

/** Length in UTF-8 bytes, without an encoder (the core has none). */
export function utf8Length(text: string): number {
  if (text.length >= shortText && ascii.test(text)) return text.length;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}
