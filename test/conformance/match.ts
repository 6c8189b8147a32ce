import { elementsOf, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { scriptNs } from './script.ts';

/** Values that a match found for `{set:name}`; kept only if the whole stanza matches. */
export type Captures = Map<string, string>;

/**
 * Whether `actual` has all that `expected` names: attributes, text and children, in any order; what is not named does
 * not matter.
 *
 *     {any}       some value        {set:name}  some value, remembered
 *     {absent}    no such attribute
 *     <s:no>…</s:no>     none of these children is there
 *     <s:only/>          no children but those named
 *
 * @returns the first difference, in words; undefined if there is none
 */
export function difference(expected: XmlElement, actual: XmlElement, captures: Captures): string | undefined {
  if (expected.name !== actual.name || expected.xmlns !== actual.xmlns)
    return `<${actual.name} xmlns="${actual.xmlns}"> where <${expected.name} xmlns="${expected.xmlns}"> was expected`;
  const where = `<${expected.name}>`;
  for (const [name, value] of Object.entries(expected.attrs)) {
    const differs = differentText(value, actual.attrs[name], captures);
    if (differs !== undefined) return `${where} ${name} is ${differs}`;
  }
  const text = textOf(expected).trim();
  if (text !== '') {
    const differs = differentText(text, textOf(actual).trim(), captures);
    if (differs !== undefined) return `the text of ${where} is ${differs}`;
  }
  const left = elementsOf(actual);
  let only = false;
  for (const child of elementsOf(expected)) {
    if (child.xmlns === scriptNs) {
      only ||= child.name === 'only';
      for (const unwanted of child.name === 'no' ? elementsOf(child) : [])
        if (elementsOf(actual).some((other) => difference(unwanted, other, new Map()) === undefined))
          return `${where} has <${unwanted.name}>, which must not be there`;
      continue;
    }
    let nearest: string | undefined;
    const found = left.findIndex((other) => {
      const trial = new Map(captures);
      const why = difference(child, other, trial);
      if (why === undefined) for (const [name, value] of trial) captures.set(name, value);
      else if (other.name === child.name && other.xmlns === child.xmlns) nearest = why;
      return why === undefined;
    });
    if (found < 0) return nearest ?? `${where} has no <${child.name} xmlns="${child.xmlns}">`;
    left.splice(found, 1);
  }
  if (only && left.length > 0) return `${where} has <${left[0]?.name}> besides`;
  return undefined;
}

function differentText(expected: string, actual: string | undefined, captures: Captures): string | undefined {
  if (expected === '{absent}') return actual === undefined ? undefined : `"${actual}", which must not be there`;
  if (actual === undefined) return 'not there';
  if (expected === '{any}') return undefined;
  const name = /^\{set:([\w.]+)\}$/.exec(expected)?.[1];
  if (name !== undefined) {
    captures.set(name, actual);
    return undefined;
  }
  return expected === actual ? undefined : `"${actual}" instead of "${expected}"`;
}
