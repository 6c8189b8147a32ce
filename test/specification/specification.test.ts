import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSpecification, sources, specificationFiles } from '../../src/headless/specification.ts';
import { parseElement } from '../../src/server/parser.ts';
import { allSections, type Example, exampleFile, readDocument, statedIn } from '../../src/specification/document.ts';
import { deadLinks, writeDecisions } from '../../src/specification/page.ts';
import { decisions } from '../../src/ui/decision-titles.ts';
import { faults, judged } from '../schemas/valid.ts';
import { xmllint } from '../schemas/xmllint.ts';
import { takeExample } from './examples.ts';

const folder = 'src/specification/';
const document = readSpecification();
const sections = allSections(document);
const blocks = sections.flatMap((section) => section.blocks);
const examples = blocks.filter((block): block is Example => block.kind === 'example');
const limits = { bytes: 1e6, depth: 50, attributes: 50, children: 1e4, declarations: 50 };

/** What xep.dtd knows of, as far as we use it. */
const xepElements = new Set(
  (
    'xep header title abstract legal copyright number status type sig approver dependencies spec supersedes supersededby ' +
    'shortname author firstname surname revision version date initials remark section1 section2 p ul li table tr th td ' +
    'example code tt link'
  ).split(' '),
);

describe('The specification', () => {
  // With -u vitest writes the files; without, it fails and shows the difference.
  it.each(examples.map((example) => [example.caption, example] as const))(
    'takes every example from its dialogue: %s',
    async (caption, example) => {
      await expect(takeExample(example)).toMatchFileSnapshot(`../../${folder}examples/${exampleFile(caption)}`);
    },
  );

  it('has no other examples, each with a caption of its own, and all are valid by the schemas', () => {
    const files = examples.map(({ caption }) => exampleFile(caption));
    expect(readdirSync(`${folder}examples`).sort()).toEqual([...files].sort());
    const stanzas = files.flatMap((file) =>
      readFileSync(`${folder}examples/${file}`, 'utf8')
        .replaceAll(/<!--.*?-->/g, '')
        .trim()
        .split('\n\n')
        .map((xml) => {
          const parsed = parseElement(xml, limits);
          if (!parsed.ok) throw new Error(`${file}: ${parsed.text}`);
          return parsed.element;
        }),
    );
    expect(stanzas.length).toBeGreaterThan(20);
    expect(faults(judged(stanzas))).toEqual([]);
  });

  it('states every decision, and none that is not there', async () => {
    expect([...statedIn(document).keys()].sort()).toEqual(Object.keys(decisions).sort());
    await expect(writeDecisions(document, decisions)).toMatchFileSnapshot(`../../${folder}decisions.md`);
    expect(readFileSync('src/core/distribution/decisions.md', 'utf8')).toContain('](../../specification/decisions.md)');
  });

  it('names tests of every section, which exist', () => {
    const untested = sections.filter(
      (section) => section.sections.length === 0 && !section.blocks.some(({ kind }) => kind === 'tests'),
    );
    expect(untested.map(({ title }) => title)).toEqual([]);
    const tests = blocks.flatMap((block) => (block.kind === 'tests' ? block.tests : []));
    const missing = tests.filter(
      ({ file, title }) =>
        title === '' || !existsSync(`test/${file}`) || !readFileSync(`test/${file}`, 'utf8').includes(title),
    );
    expect(missing).toEqual([]);
  });

  it('has the sections that the XSF asks for, one of each name, and links that lead somewhere', () => {
    const titles = sections.map(({ title }) => title);
    expect(titles).toEqual(
      expect.arrayContaining([
        'Introduction',
        'Requirements',
        'Glossary',
        'Implementation Notes',
        'Security Considerations',
        'IANA Considerations',
        'XMPP Registrar Considerations',
        'XML Schema',
      ]),
    );
    expect(new Set(sections.map(({ anchor }) => anchor)).size).toBe(sections.length);
    expect(deadLinks(document)).toEqual([]);
  });

  it('says what it does not understand', () => {
    expect(() => readDocument('# A\n\n## B\n\n```poem\nx\n```')).toThrow('line 5: what is ```poem?');
  });
});

describe('Its files', () => {
  const files = specificationFiles();
  const xml = files.get('specification.xml') ?? '';

  it('are well-formed, the page, too', () => {
    expect(xmllint(xml)).toEqual([]);
    expect(xmllint((files.get('specification.html') ?? '').replace('<!doctype html>', ''))).toEqual([]);
  });

  it('the XSF’s XML has elements of xep.dtd alone, and every section and example', () => {
    const text = xml.replaceAll(/<!\[CDATA\[[\s\S]*?\]\]>/g, '');
    const names = [...text.matchAll(/<([a-z]\w*)[\s>]/g)].map(([, name = '']) => name);
    expect([...new Set(names)].filter((name) => !xepElements.has(name))).toEqual([]);
    expect(names.filter((name) => /^section\d$/.test(name))).toHaveLength(sections.length);
    expect(xml.match(/<example caption=/g)).toHaveLength(examples.length);
    for (const { caption } of examples) expect(xml).toContain(sources.example(caption).trimEnd());
  });
});
