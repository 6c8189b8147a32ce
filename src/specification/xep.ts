import { type Block, type Document, type Inline, type Section, type Sources, statedIn } from './document.ts';
import { cdata, type Markup, tag, textOf } from './markup.ts';

/** Of the latest revision. */
const revision = { version: '0.1.0', date: '2026-11-30', remark: 'First draft.' };

/** The specification in the XML of the XSF's extensions (xep.dtd), as one would submit it. */
export function writeXep(document: Document, sources: Sources): string {
  const sections = document.sections.map((section) => written(section, 1, document, sources));
  const xep = tag('xep', {}, headerOf(document), ...sections);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xep SYSTEM "xep.dtd">\n<?xml-stylesheet type="text/xsl" href="xep.xsl"?>\n${xep.markup}\n`;
}

function headerOf({ title, abstract }: Document): Markup {
  const specs = [
    'XMPP Core',
    'XEP-0030',
    'XEP-0045',
    'XEP-0059',
    'XEP-0199',
    'XEP-0281',
    'XEP-0282',
    'XEP-0289',
    'XEP-0359',
  ];
  const { version, date, remark } = revision;
  return tag(
    'header',
    {},
    tag('title', {}, title),
    tag('abstract', {}, abstract),
    tag('legal', {}, tag('copyright', {}, 'This document is a part of Netsplit, and has its licence (MIT).')),
    tag('number', {}, 'XXXX'),
    tag('status', {}, 'ProtoXEP'),
    tag('type', {}, 'Standards Track'),
    tag('sig', {}, 'Standards'),
    tag('approver', {}, 'Council'),
    tag('dependencies', {}, ...specs.map((spec) => tag('spec', {}, spec))),
    tag('supersedes'),
    tag('supersededby'),
    tag('shortname', {}, 'NOT_YET_ASSIGNED'),
    tag('author', {}, tag('firstname', {}, 'Netsplit'), tag('surname', {}, 'contributors')),
    tag(
      'revision',
      {},
      tag('version', {}, version),
      tag('date', {}, date),
      tag('initials', {}, 'ns'),
      tag('remark', {}, tag('p', {}, remark)),
    ),
  );
}

function written(section: Section, level: number, document: Document, sources: Sources): Markup {
  const { title, anchor, blocks, sections } = section;
  return tag(
    `section${level}`,
    { topic: title, anchor },
    ...blocks.map((block) => blockOf(block, document, sources)),
    ...sections.map((inner) => written(inner, level + 1, document, sources)),
  );
}

function blockOf(block: Block, document: Document, sources: Sources): Markup {
  switch (block.kind) {
    case 'paragraph':
      return tag('p', {}, ...block.inlines.map(inlineOf));
    case 'list':
      return tag('ul', {}, ...block.items.map((item) => tag('li', {}, ...item.map(inlineOf))));
    case 'table': {
      const rows = block.rows.map((row) => row.map((cell) => tag('td', {}, ...cell.map(inlineOf))));
      return table('', [block.head.map((cell) => tag('th', {}, ...cell.map(inlineOf))), ...rows]);
    }
    case 'example':
      return tag('example', { caption: block.caption }, cdata(`\n${sources.example(block.caption).trimEnd()}\n`));
    case 'schema':
      return tag('code', {}, cdata(`\n${sources.schema(block.file).trimEnd()}\n`));
    case 'tests': {
      const tests = block.tests.map(({ file, title }) => tag('li', {}, `test/${file}: ${title}`));
      return {
        markup: textOf([tag('p', {}, 'Tests of this section in the implementation:'), tag('ul', {}, ...tests)]),
      };
    }
    case 'decisions': {
      const stated = statedIn(document);
      const rows = Object.entries(sources.decisions).map(([number, title]) =>
        [`#${number}`, title, (stated.get(number) ?? []).map((one) => one.title).join('; ')].map((cell) =>
          tag('td', {}, cell),
        ),
      );
      return table('Decisions', [
        ['decision', 'what it is about', 'section'].map((cell) => tag('th', {}, cell)),
        ...rows,
      ]);
    }
  }
}

function table(caption: string, rows: readonly (readonly Markup[])[]): Markup {
  return tag('table', { caption }, ...rows.map((row) => tag('tr', {}, ...row)));
}

function inlineOf(inline: Inline): Markup | string {
  switch (inline.kind) {
    case 'text':
      return inline.text;
    case 'code':
      return tag('tt', {}, inline.text);
    case 'link':
      return tag('link', { url: `#${inline.anchor}` }, inline.text);
    case 'decision':
      return `#${inline.number}`;
  }
}
