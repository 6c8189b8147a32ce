import {
  allSections,
  type Block,
  type Document,
  type Inline,
  type Section,
  type Sources,
  statedIn,
} from './document.ts';
import { type Markup, tag } from './markup.ts';

/** The specification as a page of its own. @param style  address of its style sheet */
export function writePage(document: Document, sources: Sources, style: string): string {
  const head = tag(
    'head',
    {},
    tag('meta', { charset: 'utf-8' }),
    tag('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    tag('meta', { name: 'color-scheme', content: 'light dark' }),
    tag('title', {}, `${document.title} – Netsplit`),
    tag('link', { rel: 'icon', href: 'specification.svg', type: 'image/svg+xml' }),
    tag('link', { rel: 'stylesheet', href: style }),
  );
  const header = tag(
    'header',
    {},
    tag('p', {}, tag('a', { href: './' }, 'Netsplit')),
    tag('h1', {}, document.title),
    tag('p', { class: 'abstract' }, document.abstract),
    tag('p', {}, tag('a', { href: 'specification.xml' }, 'The same as XML of the XSF')),
  );
  const nav = tag('nav', { 'aria-label': 'Contents' }, contents(document.sections));
  const main = tag('main', {}, ...document.sections.map((section) => written(section, 2, document, sources)));
  return `<!doctype html>\n${tag('html', { lang: 'en' }, head, tag('body', {}, header, nav, main)).markup}\n`;
}

function contents(sections: readonly Section[]): Markup {
  const items = sections.map(({ number, title, anchor, sections: inner }) =>
    tag(
      'li',
      {},
      `${number} `,
      tag('a', { href: `#${anchor}` }, title),
      ...(inner.length > 0 ? [contents(inner)] : []),
    ),
  );
  return tag('ul', {}, ...items);
}

function written(section: Section, level: number, document: Document, sources: Sources): Markup {
  const { number, title, anchor } = section;
  return tag(
    'section',
    { id: anchor },
    tag(`h${level}`, {}, `${number} ${title}`),
    ...section.blocks.map((block) => blockOf(block, document, sources)),
    ...section.sections.map((inner) => written(inner, level + 1, document, sources)),
  );
}

function blockOf(block: Block, document: Document, sources: Sources): Markup {
  switch (block.kind) {
    case 'paragraph':
      return tag('p', {}, ...block.inlines.map(inlineOf));
    case 'list':
      return tag('ul', {}, ...block.items.map((item) => tag('li', {}, ...item.map(inlineOf))));
    case 'table':
      return table(
        block.head.map((cell) => cell.map(inlineOf)),
        block.rows.map((row) => row.map((cell) => cell.map(inlineOf))),
      );
    case 'example': {
      const caption = tag('figcaption', {}, `Example: ${block.caption}`);
      return tag('figure', {}, caption, code(sources.example(block.caption)));
    }
    case 'schema':
      return code(sources.schema(block.file));
    case 'tests': {
      const tests = block.tests.map(({ file, title }) => tag('li', {}, tag('code', {}, `test/${file}`), ` ${title}`));
      return tag('details', {}, tag('summary', {}, 'Tests of this section'), tag('ul', {}, ...tests));
    }
    case 'decisions':
      return decisions(document, sources);
  }
}

/** What is too wide can be scrolled, by keyboard too. */
function code(text: string): Markup {
  return tag('pre', { tabindex: '0' }, tag('code', {}, text.trimEnd()));
}

function table(
  head: readonly (readonly (Markup | string)[])[],
  rows: readonly (readonly (readonly (Markup | string)[])[])[],
): Markup {
  const first = tag('thead', {}, tag('tr', {}, ...head.map((cell) => tag('th', { scope: 'col' }, ...cell))));
  const rest = tag('tbody', {}, ...rows.map((row) => tag('tr', {}, ...row.map((cell) => tag('td', {}, ...cell)))));
  return tag(
    'div',
    { class: 'wide', tabindex: '0', role: 'group', 'aria-label': 'Table' },
    tag('table', {}, first, rest),
  );
}

/** Where each decision is stated; other pages link its rows. */
function decisions(document: Document, { decisions: titles }: Sources): Markup {
  const stated = statedIn(document);
  const rows = Object.entries(titles).map(([number, title]) => [
    [tag('span', { id: `decision-${number}` }, `#${number}`)],
    [title],
    (stated.get(number) ?? []).flatMap(({ number: at, anchor }, i) => [
      ...(i > 0 ? [', '] : []),
      tag('a', { href: `#${anchor}` }, `§${at}`),
    ]),
  ]);
  return table([['decision'], ['what it is about'], ['section']], rows);
}

function inlineOf(inline: Inline): Markup | string {
  switch (inline.kind) {
    case 'text':
      return inline.text;
    case 'code':
      return tag('code', {}, inline.text);
    case 'link':
      return tag('a', { href: `#${inline.anchor}` }, inline.text);
    case 'decision':
      return tag('a', { href: `#decision-${inline.number}` }, `#${inline.number}`);
  }
}

/** The table of decisions as Markdown: decisions.md links it. */
export function writeDecisions(document: Document, titles: Sources['decisions']): string {
  const stated = statedIn(document);
  const rows = Object.entries(titles).map(([number, title]) => {
    const sections = (stated.get(number) ?? []).map(
      ({ number: at, title: name, anchor }) => `[${at} ${name}](specification.md#${anchor})`,
    );
    return `| #${number} | ${title} | ${sections.join(', ')} |`;
  });
  const head = '# Which section states a decision\n\nThe test of the specification writes this table.\n\n';
  return `${head}| decision | what it is about | section |\n|---|---|---|\n${rows.join('\n')}\n`;
}

/** Links that lead nowhere in the document. */
export function deadLinks(document: Document): string[] {
  const anchors = new Set(allSections(document).map(({ anchor }) => anchor));
  return allSections(document)
    .flatMap(({ blocks }) => blocks)
    .flatMap((block) => (block.kind === 'paragraph' ? block.inlines : []))
    .flatMap((inline) => (inline.kind === 'link' && !anchors.has(inline.anchor) ? [inline.anchor] : []));
}
