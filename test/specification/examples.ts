import { NS } from '../../src/core/xmpp/namespaces.ts';
import { type Stanza, stanzaElement } from '../../src/core/xmpp/stanza.ts';
import { elementsOf, escapeAttribute, escapeText, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Example } from '../../src/specification/document.ts';
import { Performance, readDialogues } from '../scenario/play.ts';

/** Columns; attributes of a longer tag stand below each other. */
const width = 88;
/** Fields of a form that are shown. */
const fieldsMax = 3;

/**
 * The stanzas of an example, from its dialogue, one after the other.
 *
 * @throws Error if there is no such dialogue, input or stanza
 */
export function takeExample({ caption, dialogue, input, picks }: Example): string {
  const fail = (why: string) => new Error(`example "${caption}": ${why}`);
  const played = readDialogues().find(({ file }) => file === `${dialogue}.txt`);
  if (played === undefined) throw fail(`no dialogue ${dialogue}`);
  for (const { step, sent } of new Performance(played.file, played.source).steps()) {
    if (step.given || step.text !== input) continue;
    const stanzas = picks.map((pick) => {
      const [name = '', which = '1'] = pick.split(':');
      const found = sent.map(({ stanza }) => stanza).filter((stanza) => has(stanza, name))[Number(which) - 1];
      if (found === undefined) throw fail(`no stanza with ${pick} at "${input}"`);
      return found;
    });
    return `${stanzas.map((stanza) => lines(stanzaElement(stanza), '', NS.client).join('\n')).join('\n\n')}\n`;
  }
  throw fail(`no input "${input}"`);
}

function has({ payloads }: Stanza, name: string): boolean {
  const within = (element: XmlElement): boolean => element.name === name || elementsOf(element).some(within);
  return payloads.some(within);
}

/** An element as people write it: a line for each, indented. */
function lines(element: XmlElement, indent: string, inherited: string): string[] {
  const { name, xmlns, attrs, children } = element;
  const attributes = [...(xmlns === inherited ? [] : [['xmlns', xmlns]]), ...Object.entries(attrs)].map(
    ([key, value = '']) => `${key}='${escapeAttribute(value).replaceAll('&quot;', '"')}'`,
  );
  const flat = [`${indent}<${name}`, ...attributes].join(' ');
  const deeper = `\n${indent}${' '.repeat(name.length + 2)}`;
  const open = flat.length <= width ? flat : `${indent}<${name} ${attributes.join(deeper)}`;
  if (children.length === 0) return [`${open}/>`];
  const inside = elementsOf(element);
  if (inside.length < children.length) {
    const text = children.map((child) => (typeof child === 'string' ? escapeText(child) : '')).join('');
    return [`${open}>${text}</${name}>`];
  }
  const isForm = xmlns === NS.dataForms && name === 'x';
  const shown = isForm ? inside.slice(0, fieldsMax) : inside;
  const left = inside.length - shown.length;
  return [
    `${open}>`,
    ...shown.flatMap((child) => lines(child, `${indent}  `, xmlns)),
    ...(left > 0 ? [`${indent}  <!-- and ${left} more fields -->`] : []),
    `${indent}</${name}>`,
  ];
}
