import { SaxesParser } from 'saxes';
import { NS } from '../core/xmpp/namespaces.ts';
import { clientLimits, type StanzaSize } from '../core/xmpp/size.ts';
import { isXmlText, ownText, utf8Length, type XmlElement, type XmlNode } from '../core/xmpp/xml.ts';

/** Limits of one frame. */
export type ParseLimits = StanzaSize;

export const defaultLimits: ParseLimits = clientLimits;

/** Stream error conditions that a frame can earn by its form alone. RFC 6120 §4.9.3. */
export type ParseCondition = 'not-well-formed' | 'restricted-xml' | 'policy-violation';

export type Parsed =
  | { readonly ok: true; readonly element: XmlElement }
  | { readonly ok: false; readonly condition: ParseCondition; readonly text: string };

/**
 * Reads one complete element from one text frame. RFC 7395 §3.3.3, RFC 6120 §11.1.
 *
 * Strict on purpose: nothing before or after the element, no declaration, comment, processing
 * instruction or doctype, only characters of XML 1.0, no unbound prefix, no attribute twice. Attributes in a namespace
 * are not read, except xml:lang. What comes back is a tree: received text is never handed on, and is not kept by whoever keeps
 * a piece of the tree.
 */
export function parseElement(text: string, limits: ParseLimits = defaultLimits): Parsed {
  if (text.length > limits.bytes || utf8Length(text) > limits.bytes)
    return { ok: false, condition: 'policy-violation', text: `a frame may hold ${limits.bytes} bytes` };
  if (text[0] !== '<' || text[text.length - 1] !== '>')
    return { ok: false, condition: 'not-well-formed', text: 'a frame must begin with < and end with >' };
  if (!isXmlText(text)) return { ok: false, condition: 'not-well-formed', text: 'a character XML 1.0 forbids' };
  try {
    return { ok: true, element: parse(text, limits) };
  } catch (thrown) {
    if (thrown instanceof Refusal) return { ok: false, condition: thrown.condition, text: thrown.message };
    return { ok: false, condition: 'not-well-formed', text: 'not well-formed' };
  }
}

/**
 * Parses the frames of a node: a room's message comes in as many copies as it has occupants, one after the other, and
 * they differ in the attributes of the stanza alone. What is between the tags was read with the copy before.
 */
export class CopyParser {
  /** All after the open tag of the last stanza, and what it was read as. */
  #rest = '';
  #read: XmlElement | undefined;

  parse(text: string, limits: ParseLimits): Parsed {
    const attrs = simpleHead(text, limits);
    if (attrs === undefined) return parseElement(text, limits);
    const rest = text.slice(attrs.length);
    if (this.#read !== undefined && rest === this.#rest && this.#read.name === attrs.name)
      return { ok: true, element: { ...this.#read, attrs: attrs.attrs } };
    const parsed = parseElement(text, limits);
    this.#rest = rest;
    this.#read = parsed.ok ? parsed.element : undefined;
    return parsed;
  }
}

const head = /^<(message|presence|iq) xmlns="jabber:client"((?: (?:from|to|id|type|xml:lang)="[^"<>&\t\r\n]*")*)>/;

/** The open tag of a stanza that says nothing but its namespace and attributes in plain characters, each once. */
function simpleHead(text: string, limits: ParseLimits) {
  const match = head.exec(text);
  if (match === null || text.length * 3 > limits.bytes || !isXmlText(match[0])) return undefined;
  const attrs: Record<string, string> = {};
  const parts = (match[2] as string).split('"');
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const name = (parts[i] as string).slice(1, -1);
    if (name in attrs) return undefined;
    attrs[name] = ownText(parts[i + 1] as string);
  }
  return { name: match[1] as string, attrs, length: match[0].length };
}

/** Leaves the parser from within one of its handlers; never leaves this file. */
class Refusal extends Error {
  readonly condition: ParseCondition;
  constructor(condition: ParseCondition, text: string) {
    super(text);
    this.condition = condition;
  }
}

interface Open {
  readonly name: string;
  readonly xmlns: string;
  readonly attrs: Record<string, string>;
  readonly children: XmlNode[];
  elements: number;
}

function parse(text: string, limits: ParseLimits): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: false, forceXMLVersion: true, defaultXMLVersion: '1.0' });
  const stack: Open[] = [];
  let root: XmlElement | undefined;
  let attributes = 0;
  let declarations = 0;
  // Character references are the one way to a character that the check of the whole text could not see.
  const references = text.includes('&#');

  const refuse = (condition: ParseCondition, reason: string) => {
    throw new Refusal(condition, reason);
  };
  const addText = (data: string) => {
    const parent = stack[stack.length - 1];
    if (parent === undefined || data === '') return;
    if (references && !isXmlText(data)) refuse('not-well-formed', 'a character XML 1.0 forbids');
    const last = parent.children.length - 1;
    const before = parent.children[last];
    if (typeof before === 'string') parent.children[last] = before + data;
    else parent.children.push(data);
  };

  parser.on('error', (error) => refuse('not-well-formed', error.message));
  parser.on('xmldecl', () => refuse('restricted-xml', 'no XML declaration'));
  parser.on('doctype', () => refuse('restricted-xml', 'no doctype'));
  parser.on('comment', () => refuse('restricted-xml', 'no comments'));
  parser.on('processinginstruction', () => refuse('restricted-xml', 'no processing instructions'));
  parser.on('opentagstart', () => {
    attributes = 0;
    if (root !== undefined) refuse('not-well-formed', 'more than one element');
    if (stack.length >= limits.depth) refuse('policy-violation', `elements may be nested ${limits.depth} deep`);
    const parent = stack[stack.length - 1];
    if (parent !== undefined && ++parent.elements > limits.children)
      refuse('policy-violation', `an element may have ${limits.children} children`);
  });
  parser.on('attribute', (attribute) => {
    if (++attributes > limits.attributes)
      refuse('policy-violation', `an element may have ${limits.attributes} attributes`);
    if ((attribute.prefix === 'xmlns' || attribute.name === 'xmlns') && ++declarations > limits.declarations)
      refuse('policy-violation', `a frame may have ${limits.declarations} namespace declarations`);
    // saxes trims it, so that `urn:x ` would be taken for `urn:x`, which no other parser does.
    if ((attribute.prefix === 'xmlns' || attribute.name === 'xmlns') && attribute.value !== attribute.value.trim())
      refuse('not-well-formed', 'a namespace name with spaces around it');
  });
  parser.on('opentag', (tag) => {
    // `<xml:a/>` has a namespace that could not be written back: it may not be anyone's default (Namespaces in XML §3).
    if (tag.uri === NS.xml) refuse('not-well-formed', 'an element in the namespace of xml:');
    const attrs: Record<string, string> = {};
    for (const key in tag.attributes) {
      const attribute = tag.attributes[key];
      if (attribute === undefined || attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue;
      if (attribute.prefix !== '' && attribute.name !== 'xml:lang') continue;
      if (references && !isXmlText(attribute.value)) refuse('not-well-formed', 'a character XML 1.0 forbids');
      // On a plain object this name would set the prototype; no protocol uses it.
      if (attribute.name === '__proto__') continue;
      attrs[ownText(attribute.name)] = ownText(attribute.value);
    }
    const parent = stack[stack.length - 1];
    const xmlns = tag.uri === parent?.xmlns ? parent.xmlns : ownText(tag.uri);
    stack.push({ name: ownText(tag.local), xmlns, attrs, children: [], elements: 0 });
  });
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const { name, xmlns, attrs, children } = stack.pop() as Open;
    for (let i = 0; i < children.length; i++) {
      const child = children[i];
      if (typeof child === 'string') children[i] = ownText(child);
    }
    const element: XmlElement = { name, xmlns, attrs, children };
    const parent = stack[stack.length - 1];
    if (parent === undefined) root = element;
    else parent.children.push(element);
  });
  parser.write(text).close();
  if (root === undefined || stack.length > 0) throw new Refusal('not-well-formed', 'not one complete element');
  return root;
}
