import { fileURLToPath } from 'node:url';
import { nodeNamespaces } from '../../src/core/xmpp/namespaces.ts';
import { elementsOf, serialize, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { xmllint } from './xmllint.ts';

const driver = fileURLToPath(new URL('./batch.xsd', import.meta.url));
const namespaces: ReadonlySet<string> = new Set(nodeNamespaces);

export function hasSchema({ xmlns }: XmlElement): boolean {
  return namespaces.has(xmlns);
}

/**
 * What a schema has to judge: each element of one of the four namespaces that stands in one of another. A wildcard of a schema
 * overlooks what it does not know, and here is nothing overlooked but what is forwarded (XEP-0297): that is what somebody said
 * elsewhere, and no node reads it.
 */
export function judged(payloads: readonly XmlElement[], outside = ''): XmlElement[] {
  return payloads.flatMap((element) => [
    ...(hasSchema(element) && element.xmlns !== outside ? [element] : []),
    ...(element.xmlns === 'urn:xmpp:forward:0' ? [] : judged(elementsOf(element), element.xmlns)),
  ]);
}

/** libxml2 counts no further lines. */
const linesMax = 60_000;

/** @returns for each element what is wrong with it, empty where it is valid; all of them by one process */
export function verdicts(elements: readonly XmlElement[]): readonly string[] {
  if (elements.length > linesMax)
    return [...verdicts(elements.slice(0, linesMax)), ...verdicts(elements.slice(linesMax))];
  const lines = elements.map((element) => serialize(element).replaceAll('\n', '&#10;'));
  const found = elements.map(() => '');
  for (const complaint of xmllint(['<batch>', ...lines, '</batch>'].join('\n'), '--schema', driver)) {
    const [, line = '', what = ''] = /^-:(\d+): (.*)$/.exec(complaint) ?? [];
    const at = Number(line) - 2;
    if (found[at] === undefined) throw new Error(complaint);
    found[at] += `${what}\n`;
  }
  return found;
}

/** The elements that are not valid, once each, with what is wrong. */
export function faults(elements: Iterable<XmlElement>): readonly string[] {
  const all = [...new Map([...elements].map((element) => [serialize(element), element])).values()];
  return verdicts(all).flatMap((what, i) => (what === '' ? [] : [`${serialize(all[i] as XmlElement)}\n${what}`]));
}
