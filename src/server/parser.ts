import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes';
import { NS } from '../core/xmpp/namespaces.ts';
import { clientLimits, type StanzaSize } from '../core/xmpp/size.ts';
import { el, isXmlText, ownText, utf8Length, type XmlElement, type XmlNode } from '../core/xmpp/xml.ts';

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
 * they differ in the attributes of the stanza alone. What is between the tags was read with the copy before. Or it comes with a
 * list of all their addresses (XEP-0033), which are alike.
 */
export class CopyParser {
  /** All after the open tag of the last stanza, and what it was read as. */
  #rest = '';
  #read: XmlElement | undefined;

  parse(text: string, limits: ParseLimits): Parsed {
    const head = simpleHead(text, limits);
    if (head === undefined) return parseElement(text, limits);
    const listed = simpleAddresses(text, head.length, limits);
    if (listed === undefined) return this.#copy(text, head, limits);
    const alone = this.#copy(text.slice(0, head.length) + text.slice(head.length + listed.length), head, limits);
    if (!alone.ok || alone.element.children.length >= limits.children) return parseElement(text, limits);
    return { ok: true, element: { ...alone.element, children: [listed.addresses, ...alone.element.children] } };
  }

  /** @param head  of the stanza, which is read already */
  #copy(text: string, head: SimpleHead, limits: ParseLimits): Parsed {
    const rest = text.slice(head.length);
    if (this.#read !== undefined && rest === this.#rest && this.#read.name === head.name)
      return { ok: true, element: { ...this.#read, attrs: head.attrs } };
    const parsed = parseElement(text, limits);
    this.#rest = rest;
    this.#read = parsed.ok ? parsed.element : undefined;
    return parsed;
  }
}

const openTag = /^<(message|presence|iq) xmlns="jabber:client"((?: (?:from|to|id|type|xml:lang)="[^"<>&\t\r\n]*")*)>/;

interface SimpleHead {
  readonly name: string;
  readonly attrs: Readonly<Record<string, string>>;
  /** Of the tag. */
  readonly length: number;
}

/** The open tag of a stanza that says nothing but its namespace and attributes in plain characters, each once. */
function simpleHead(text: string, limits: ParseLimits): SimpleHead | undefined {
  const match = openTag.exec(text);
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

const list =
  /<addresses xmlns="http:\/\/jabber\.org\/protocol\/address">((?:<address type="bcc" jid="[^"<>&\t\r\n]*"\/>)+)<\/addresses>/y;

/** The addresses of a stanza for many where they come first, and are as our nodes write them. */
function simpleAddresses(text: string, at: number, limits: ParseLimits) {
  list.lastIndex = at;
  const match = list.exec(text);
  if (match === null || !isXmlText(match[0])) return undefined;
  const parts = (match[1] as string).split('"');
  const children: XmlElement[] = [];
  for (let i = 3; i < parts.length; i += 4)
    children.push(el('address', NS.address, { type: 'bcc', jid: ownText(parts[i] as string) }));
  if (children.length > limits.children) return undefined;
  return { addresses: el('addresses', NS.address, {}, ...children), length: match[0].length };
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

/** Making one takes as long as reading a stanza with it, so all streams have one together. */
let idle: Reader | undefined;

function parse(text: string, limits: ParseLimits): XmlElement {
  const reader = idle ?? new Reader();
  // Where it refuses something it is in the middle of it, and of no more use.
  idle = undefined;
  const element = reader.read(text, limits);
  idle = reader;
  return element;
}

/** Reads one element after the other. */
class Reader {
  readonly #parser = new SaxesParser({
    xmlns: true,
    position: false,
    forceXMLVersion: true,
    defaultXMLVersion: '1.0',
  });
  #limits: ParseLimits = defaultLimits;
  readonly #stack: Open[] = [];
  #root: XmlElement | undefined;
  #attributes = 0;
  #declarations = 0;
  /** Character references are the one way to a character that the check of the whole text could not see. */
  #references = false;

  constructor() {
    const parser = this.#parser;
    parser.on('error', (error) => refuse('not-well-formed', error.message));
    parser.on('xmldecl', () => refuse('restricted-xml', 'no XML declaration'));
    parser.on('doctype', () => refuse('restricted-xml', 'no doctype'));
    parser.on('comment', () => refuse('restricted-xml', 'no comments'));
    parser.on('processinginstruction', () => refuse('restricted-xml', 'no processing instructions'));
    parser.on('opentagstart', () => this.#tagStarts());
    parser.on('attribute', (attribute) => this.#attribute(attribute));
    parser.on('opentag', (tag) => this.#tagOpens(tag));
    parser.on('text', (text) => this.#text(text));
    parser.on('cdata', (text) => this.#text(text));
    parser.on('closetag', () => this.#tagCloses());
  }

  /** @throws Refusal */
  read(text: string, limits: ParseLimits): XmlElement {
    this.#limits = limits;
    this.#attributes = this.#declarations = 0;
    this.#references = text.includes('&#');
    this.#parser.write(text).close();
    const root = this.#root;
    this.#root = undefined;
    if (root === undefined || this.#stack.length > 0) throw new Refusal('not-well-formed', 'not one complete element');
    return root;
  }

  get #parent(): Open | undefined {
    return this.#stack[this.#stack.length - 1];
  }

  #tagStarts(): void {
    const { depth, children } = this.#limits;
    this.#attributes = 0;
    if (this.#root !== undefined) refuse('not-well-formed', 'more than one element');
    if (this.#stack.length >= depth) refuse('policy-violation', `elements may be nested ${depth} deep`);
    const parent = this.#parent;
    if (parent !== undefined && ++parent.elements > children)
      refuse('policy-violation', `an element may have ${children} children`);
  }

  #attribute({ prefix, name, value }: SaxesAttributeNS): void {
    const { attributes, declarations } = this.#limits;
    if (++this.#attributes > attributes) refuse('policy-violation', `an element may have ${attributes} attributes`);
    if (prefix !== 'xmlns' && name !== 'xmlns') return;
    if (++this.#declarations > declarations)
      refuse('policy-violation', `a frame may have ${declarations} namespace declarations`);
    // saxes trims it, so that `urn:x ` would be taken for `urn:x`, which no other parser does.
    if (value !== value.trim()) refuse('not-well-formed', 'a namespace name with spaces around it');
  }

  #tagOpens(tag: SaxesTagNS): void {
    // `<xml:a/>` has a namespace that could not be written back: it may not be anyone's default (Namespaces in XML §3).
    if (tag.uri === NS.xml) refuse('not-well-formed', 'an element in the namespace of xml:');
    const attrs: Record<string, string> = {};
    for (const key in tag.attributes) {
      const attribute = tag.attributes[key];
      if (attribute === undefined || attribute.prefix === 'xmlns' || attribute.name === 'xmlns') continue;
      if (attribute.prefix !== '' && attribute.name !== 'xml:lang') continue;
      this.#checkText(attribute.value);
      // On a plain object this name would set the prototype; no protocol uses it.
      if (attribute.name === '__proto__') continue;
      attrs[ownText(attribute.name)] = ownText(attribute.value);
    }
    const parent = this.#parent;
    const xmlns = tag.uri === parent?.xmlns ? parent.xmlns : ownText(tag.uri);
    this.#stack.push({ name: ownText(tag.local), xmlns, attrs, children: [], elements: 0 });
  }

  #text(text: string): void {
    const children = this.#parent?.children;
    if (children === undefined || text === '') return;
    this.#checkText(text);
    const last = children.length - 1;
    const before = children[last];
    if (typeof before === 'string') children[last] = before + text;
    else children.push(text);
  }

  #checkText(text: string): void {
    if (this.#references && !isXmlText(text)) refuse('not-well-formed', 'a character XML 1.0 forbids');
  }

  #tagCloses(): void {
    const { name, xmlns, attrs, children } = this.#stack.pop() as Open;
    for (let i = 0; i < children.length; i++) {
      const child = children[i];
      if (typeof child === 'string') children[i] = ownText(child);
    }
    const element: XmlElement = { name, xmlns, attrs, children };
    const parent = this.#parent;
    if (parent === undefined) this.#root = element;
    else parent.children.push(element);
  }
}

function refuse(condition: ParseCondition, reason: string): never {
  throw new Refusal(condition, reason);
}
