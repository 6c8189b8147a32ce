import { escapeAttribute, escapeText } from '../core/xmpp/xml.ts';

/** A piece of markup that is finished; a string beside it is text. */
export interface Markup {
  readonly markup: string;
}

type Attributes = Readonly<Record<string, string | undefined>>;

/** An element, in the form that XML and HTML share: only what is always empty in HTML closes itself. */
export function tag(name: string, attributes: Attributes = {}, ...children: readonly (Markup | string)[]): Markup {
  let open = `<${name}`;
  for (const [key, value] of Object.entries(attributes))
    if (value !== undefined) open += ` ${key}="${escapeAttribute(value)}"`;
  if (/^(meta|link)$/.test(name) && children.length === 0) return { markup: `${open}/>` };
  return { markup: `${open}>${textOf(children)}</${name}>` };
}

/** Text as it is, between marks that keep it from being read. */
export function cdata(text: string): Markup {
  return { markup: `<![CDATA[${text.replaceAll(']]>', ']]]]><![CDATA[>')}]]>` };
}

export function textOf(children: readonly (Markup | string)[]): string {
  return children.map((child) => (typeof child === 'string' ? escapeText(child) : child.markup)).join('');
}
