/** The specification as specification.md has it: read once, written as a page (page.ts) and as the XSF's XML (xep.ts). */

export type Inline =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  /** To a section of this document. */
  | { readonly kind: 'link'; readonly text: string; readonly anchor: string }
  /** A number of decisions.md. */
  | { readonly kind: 'decision'; readonly number: string };

type Inlines = readonly Inline[];

/** Stanzas of a golden dialogue: of one input of it the first that is so called or has such an element (`a:2`: the second). */
export interface Example {
  readonly kind: 'example';
  readonly caption: string;
  readonly dialogue: string;
  readonly input: string;
  readonly picks: readonly string[];
}

/** Where a section is tested: a file below test/, and the beginning of the test's title. */
export interface Test {
  readonly file: string;
  readonly title: string;
}

export type Block =
  | { readonly kind: 'paragraph'; readonly inlines: Inlines }
  | { readonly kind: 'list'; readonly items: readonly Inlines[] }
  | { readonly kind: 'table'; readonly head: readonly Inlines[]; readonly rows: readonly (readonly Inlines[])[] }
  | Example
  /** A schema beside the codecs, by its file. */
  | { readonly kind: 'schema'; readonly file: string }
  | { readonly kind: 'tests'; readonly tests: readonly Test[] }
  /** The table of all decisions. */
  | { readonly kind: 'decisions' };

export interface Section {
  readonly title: string;
  readonly anchor: string;
  /** As in "4.2". */
  readonly number: string;
  readonly blocks: readonly Block[];
  readonly sections: readonly Section[];
}

export interface Document {
  readonly title: string;
  readonly abstract: string;
  readonly sections: readonly Section[];
}

/** What stands beside the text: read by whoever builds the page. */
export interface Sources {
  /** An example's stanzas, by its caption. */
  readonly example: (caption: string) => string;
  readonly schema: (file: string) => string;
  /** Headings of decisions.md, by number. */
  readonly decisions: Readonly<Record<string, string>>;
}

type Draft = Omit<Section, 'blocks' | 'sections'> & { blocks: Block[]; sections: Draft[] };

/** @throws Error that names the line of what it does not understand */
export function readDocument(source: string): Document {
  const lines = source.split('\n');
  const sections: Draft[] = [];
  let title = '';
  let abstract = '';
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (line.trim() === '') continue;
    const [, marks = '', heading = ''] = /^(#+) (.+)$/.exec(line) ?? [];
    if (marks === '#') {
      title = heading;
      continue;
    }
    if (marks !== '') {
      const beside = marks === '##' ? sections : (sections.at(-1)?.sections ?? []);
      const before = marks === '##' ? '' : `${sections.length}.`;
      beside.push({
        title: heading,
        anchor: anchorOf(heading),
        number: `${before}${beside.length + 1}`,
        blocks: [],
        sections: [],
      });
      continue;
    }
    const first = at;
    const isFence = line.startsWith('```');
    const ends = isFence ? (text: string) => text === '```' : (text: string) => text.trim() === '';
    while (at + 1 < lines.length && !ends(lines[at + 1] ?? '')) at++;
    const own = lines.slice(first, at + 1);
    if (isFence) at++;
    const parent = sections.at(-1);
    if (parent === undefined) abstract = own.join(' ');
    else (parent.sections.at(-1) ?? parent).blocks.push(readBlock(own, first + 1));
  }
  return { title, abstract, sections };
}

/** As GitHub makes it of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function readBlock(lines: readonly string[], number: number): Block {
  const [head = '', ...body] = lines;
  const [, kind, caption = ''] = /^```(\w+) ?(.*)$/.exec(head) ?? [];
  switch (kind) {
    case undefined:
      if (head.startsWith('- ')) return { kind: 'list', items: lines.map((line) => readInlines(line.slice(2))) };
      if (head.startsWith('|')) return readTable(lines);
      return { kind: 'paragraph', inlines: readInlines(lines.join(' ')) };
    case 'example': {
      const [dialogue = '', input = '', picks = ''] = body.join('').split(' | ');
      return { kind, caption, dialogue, input, picks: picks.split(', ') };
    }
    case 'tests':
      return {
        kind,
        tests: body.map((line) => {
          const [, file = '', title = ''] = /^(\S+): (.+)$/.exec(line) ?? [];
          return { file, title };
        }),
      };
    case 'schema':
      return { kind, file: body.join('') };
    case 'decisions':
      return { kind };
    default:
      throw new Error(`line ${number}: what is \`\`\`${kind}?`);
  }
}

function readTable(lines: readonly string[]): Block {
  const [head = [], , ...rows] = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => readInlines(cell.trim())),
  );
  return { kind: 'table', head, rows };
}

function readInlines(text: string): Inlines {
  return [...text.matchAll(/`([^`]+)`|\[([^\]]+)\]\(#([^)]+)\)|#(\d+)|[^`[#]+|./g)].map(
    ([all, code, label, anchor, decision]): Inline => {
      if (code !== undefined) return { kind: 'code', text: code };
      if (label !== undefined && anchor !== undefined) return { kind: 'link', text: label, anchor };
      if (decision !== undefined) return { kind: 'decision', number: decision };
      return { kind: 'text', text: all };
    },
  );
}

/** A document's sections, those inside others too, in order. */
export function allSections({ sections }: { readonly sections: readonly Section[] }): Section[] {
  return sections.flatMap((section) => [section, ...allSections(section)]);
}

/** The sections that state each decision, by its number. */
export function statedIn(document: Document): ReadonlyMap<string, readonly Section[]> {
  const stated = new Map<string, Section[]>();
  for (const section of allSections(document))
    for (const number of new Set(section.blocks.flatMap(decisionsIn)))
      stated.set(number, [...(stated.get(number) ?? []), section]);
  return stated;
}

function decisionsIn(block: Block): string[] {
  const inlines =
    block.kind === 'paragraph'
      ? block.inlines
      : block.kind === 'list'
        ? block.items.flat()
        : block.kind === 'table'
          ? [...block.head, ...block.rows.flat()].flat()
          : [];
  return inlines.flatMap((inline) => (inline.kind === 'decision' ? [inline.number] : []));
}

/** The file of an example's stanzas. */
export function exampleFile(caption: string): string {
  return `${anchorOf(caption)}.xml`;
}
