import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { childrenOf, el, elementsOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { parseElement } from '../../src/server/parser.ts';
import { type Sample, samples, signs } from './samples.ts';
import { hasSchema, judged, verdicts } from './valid.ts';

const codecs = 'src/core/xep/';
const schemas = { xep0281: NS.dmuc1, xep0282: NS.dmuc2, xep0289: NS.fmuc, sync: NS.ext } as const;
const xsd = 'http://www.w3.org/2001/XMLSchema';
const limits = { bytes: 1e6, depth: 50, attributes: 50, children: 1e4, declarations: 50 };

/** Name and attributes of each element that a schema declares, as `{namespace}name` and `{namespace}name@attribute`. */
function declared(file: string, xmlns: string): Set<string> {
  const source = readFileSync(`${codecs}${file}.xsd`, 'utf8').replace(/^<\?xml.*\?>|<!--[\s\S]*?-->/g, '');
  const parsed = parseElement(source.replaceAll(/<!--[\s\S]*?-->/g, '').trim(), limits);
  if (!parsed.ok) throw new Error(`${file}.xsd: ${parsed.text}`);
  const types = new Map(childrenOf(parsed.element, 'complexType', xsd).map((type) => [type.attrs['name'], type]));
  const names = new Set<string>();
  const attributesIn = (element: XmlElement): string[] =>
    elementsOf(element).flatMap((child) => {
      if (child.name === 'attribute') return [child.attrs['name'] ?? ''];
      return child.name === 'element' ? [] : attributesIn(child);
    });
  const collect = (element: XmlElement) => {
    const { name } = element.attrs;
    if (element.name === 'element' && name !== undefined) {
      names.add(`{${xmlns}}${name}`);
      const type = types.get(element.attrs['type']);
      for (const attribute of attributesIn(type ?? element)) names.add(`{${xmlns}}${name}@${attribute}`);
    }
    elementsOf(element).forEach(collect);
  };
  collect(parsed.element);
  return names;
}

/** The same of what is written. */
function written(elements: readonly XmlElement[]): Set<string> {
  return new Set(
    elements.flatMap((element) => [
      ...(hasSchema(element)
        ? [element.name, ...Object.keys(element.attrs).map((key) => `${element.name}@${key}`)].map(
            (name) => `{${element.xmlns}}${name}`,
          )
        : []),
      ...written(elementsOf(element)),
    ]),
  );
}

const all = Object.entries(schemas).flatMap(([file, xmlns]) => [...declared(file, xmlns)]);
const everything = [...samples.map((sample) => sample.written), ...signs];

describe('A schema and its codec', () => {
  it('agree on what the codec writes: it is valid, and read again', () => {
    expect(verdicts(everything).filter((what) => what !== '')).toEqual([]);
    expect(verdicts(judged(everything)).filter((what) => what !== '')).toEqual([]);
    expect(samples.filter((sample) => sample.read(sample.written) === undefined)).toEqual([]);
  });

  it('have the same elements and attributes, each that is declared and each that is written', () => {
    expect([...written(everything)].sort()).toEqual([...new Set(all)].sort());
  });

  it('have every name that the core reads or writes', () => {
    const named = new Set<string>();
    const namespace: Readonly<Record<string, string>> = NS;
    for (const file of readdirSync('src/core', { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const source = readFileSync(join('src/core', file), 'utf8');
      for (const [, name = '', key = ''] of source.matchAll(/'([\w-]+)',\s*NS\.(ext|dmuc1|dmuc2|fmuc)\b/g))
        named.add(`{${namespace[key]}}${name}`);
    }
    expect(named.size).toBeGreaterThan(40);
    expect([...named].filter((name) => !all.includes(name))).toEqual([]);
    const attributes = new Set(all.map((name) => name.split('@')[1]));
    for (const file of ['sync', 'fmuc-sync', 'instances', 'xep0281', 'xep0282', 'xep0289']) {
      const source = readFileSync(`${codecs}${file}.ts`, 'utf8');
      // Of a form, `var` is a field.
      const read = [...source.matchAll(/attrs\??\.?\['(\w+)'\]/g)]
        .map(([, name]) => name)
        .filter((name) => name !== 'var');
      expect(read.filter((name) => !attributes.has(name))).toEqual([]);
    }
  });
});

/** One change of an element, and what it changed. */
interface Mutant {
  readonly sample: Sample;
  readonly what: string;
  readonly element: XmlElement;
}

/** Each attribute absent, each count no number, each child absent, another in its place, and one more that nobody knows. */
function mutantsOf(sample: Sample): Mutant[] {
  const within = (element: XmlElement, path: string, rebuild: (changed: XmlElement) => XmlElement): Mutant[] => {
    if (!hasSchema(element)) return [];
    const at = path === '' ? element.name : `${path}/${element.name}`;
    const mutant = (what: string, changed: XmlElement) => ({ sample, what: `${at}${what}`, element: rebuild(changed) });
    const attributes = Object.keys(element.attrs).flatMap((key) => {
      const { [key]: value, ...rest } = element.attrs;
      return [
        mutant(`@${key} absent`, { ...element, attrs: rest }),
        ...(/^\d+$/.test(value ?? '')
          ? [mutant(`@${key} no number`, { ...element, attrs: { ...rest, [key]: 'many' } })]
          : []),
      ];
    });
    const children = element.children.flatMap((child, i) => {
      if (typeof child === 'string' || !hasSchema(child)) return [];
      const put = (...instead: readonly XmlElement[]) => ({
        ...element,
        children: element.children.toSpliced(i, 1, ...instead),
      });
      return [
        mutant(`/${child.name} absent`, put()),
        mutant(`/${child.name} another`, put({ ...child, name: 'other' })),
        ...within(child, at, (changed) => rebuild(put(changed))),
      ];
    });
    const more = mutant(' and a stranger', {
      ...element,
      children: [...element.children, el('stranger', element.xmlns)],
    });
    return [...attributes, ...children, more];
  };
  return within(sample.written, '', (changed) => changed);
}

/** What a reader does without, though every writer writes it: it has a default, or is one of a list of which the rest is read. */
const doneWithout = [
  'config/instances/instance@jid',
  'config/part@n',
  'config/part@of',
  'create/history@maxstanzas',
  'create/keepalive@interval',
  'create/keepalive@timeout',
  'create/moderators@count',
  'created/history@maxstanzas',
  'created/item@affiliation',
  'created/keepalive@interval',
  'created/keepalive@timeout',
  'created@jids',
  'item@affiliation',
  'netjoin/moderators@count',
  'peerhost/room/instance@jid',
  'replicate/room/instance@jid',
  'resync@config',
  'resync@maxstanzas',
  'resync@now',
  'room@id',
  'roster/item/shown@role',
  'roster/item@affiliation',
];
/** What a schema cannot ask for: the element may stand for something else, or has other forms. */
const ofOneForm = [
  'create/serves',
  'created/direct',
  'created/item',
  'fmuc/left',
  'fmuc/reject',
  'fmuc@from',
  'news/order',
  'news/s',
  'resync/have',
  'room/after',
  'room/have',
  'roster/item',
  'x/direct',
  'x/enter',
  'x/leave',
  'x/s',
  'x/split',
];
/** An epoch is a count where it is of a room, and any id where it is of a link. */
const anyId = ['destroy/s@e', 's@e', 'x/s@e'];

describe('What is wrong', () => {
  const mutants = samples.flatMap(mutantsOf);
  const all = mutants.map(({ element }) => judged([element]));
  const complaints = verdicts(all.flat()).values();
  const found = mutants.map(({ sample, what, element }, i) => ({
    what,
    isValid: (all[i] ?? []).map(() => complaints.next().value).every((complaint) => complaint === ''),
    isTaken: sample.read(element) !== undefined,
  }));
  const takenWithout = new Map(found.map(({ what, isTaken }) => [what, isTaken]));
  /** Those that are changed in a way, without the way. */
  const those = (way: string, like: (one: (typeof found)[number]) => boolean) => [
    ...new Set(
      found.filter((one) => one.what.endsWith(way) && like(one)).map(({ what }) => what.slice(0, -way.length)),
    ),
  ];

  it('is refused by both where something is absent that has to be there', () => {
    expect(those(' absent', ({ isValid, isTaken }) => !isValid && !isTaken).length).toBeGreaterThan(40);
    expect(those(' absent', ({ isValid, isTaken }) => !isValid && isTaken).sort()).toEqual(doneWithout);
    expect(those(' absent', ({ isValid, isTaken }) => isValid && !isTaken).sort()).toEqual(ofOneForm);
  });
  it('a count that is no number is invalid, and for the codec it is as if it were absent', () => {
    expect(those(' no number', ({ isValid }) => isValid).sort()).toEqual(anyId);
    for (const { what, isTaken } of found)
      if (what.endsWith(' no number') && what !== 's@e no number')
        expect(isTaken, what).toBe(takenWithout.get(what.replace('no number', 'absent')));
  });
  it('a child that nobody knows is invalid, and the codec does not see it', () => {
    expect(those(' another', ({ isValid }) => isValid)).toEqual([]);
    expect(those(' and a stranger', ({ isValid, isTaken }) => isValid || !isTaken)).toEqual([]);
    for (const { what, isTaken } of found)
      if (what.endsWith(' another')) expect(isTaken, what).toBe(takenWithout.get(what.replace('another', 'absent')));
  });
});
