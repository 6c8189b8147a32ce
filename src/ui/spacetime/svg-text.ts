import type { Model } from '../fold/model.ts';
import { type GlyphKind, glyphPath, glyphText } from '../glyphs.ts';
import { counted } from '../words.ts';
import { type Columns, placeColumns } from './columns.ts';
import { participantsOf } from './participants.ts';
import { type ArrowShape, arrowShape, type BarShape, barShapes, dashes, placesOfWords } from './shapes.ts';
import { Sheet, type SheetOptions } from './sheet.ts';
import { gapMs, lasted } from './spacing.ts';
import { arrowInWords, barInWords, barLabel } from './words.ts';

export interface PictureOptions extends SheetOptions {
  readonly title: string;
  /** A time of the run in words. */
  readonly when: (t: number) => string;
  /** More arrows than this are not drawn: the newest are. */
  readonly most?: number;
}

const mostArrows = 2_000;
const margin = 20;
const timesWidth = 100;
const headHeight = 120;
const legendHeight = 44;

/** Light, on paper; the page's own colours are in theme/colours.css. */
const colours = { ink: '#17212e', soft: '#475569', line: '#cdd5df', hull: '#eef2f7', gap: '#e9edf2', bad: '#b3261e' };
const strokes: Readonly<Record<GlyphKind, string>> = {
  message: '#d55e00',
  presence: '#0072b2',
  iq: '#009e73',
  error: colours.bad,
};
const inks: Readonly<Record<GlyphKind, string>> = { message: '#000', presence: '#fff', iq: '#000', error: '#000' };

/** The space-time diagram as the text of an SVG file that needs nothing else: its styles are attributes, its ground is white. */
export function spaceTimeSvg(model: Model, options: PictureOptions): string {
  const { title, when, collapsed, most = mostArrows } = options;
  const { sheet, all } = newest(model, options, most);
  const columns = placeColumns(participantsOf(model, collapsed, sheet.met));
  const width = Math.max(560, columns.width + timesWidth + 2 * margin);
  const height = headHeight + sheet.height + legendHeight;
  const { length } = sheet.arrows;
  const counts = length < all ? `the last ${length} of ${counted(all, 'stanza')}` : counted(all, 'stanza');
  const [first, last] = [sheet.rows[0], sheet.rows.at(-1)];
  const times = first && last ? `, ${when(first.t)} to ${when(last.t)}` : '';
  const bars = barShapes(model.spans.list, sheet, columns).filter(({ bottom }) => bottom > 0 && sheet.rows.length > 0);
  const shapes = sheet.arrows.flatMap((arrow) => arrowShape(arrow, sheet, columns) ?? []);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(margin, 30, title, `font-size="18" font-weight="600" fill="${colours.ink}"`),
    text(margin, 50, `Space-time diagram: ${counts}${times}`, `fill="${colours.soft}"`),
    `<g transform="translate(${margin + timesWidth} ${headHeight})">`,
    ...headsOf(columns, sheet.height),
    ...timesOf(sheet, columns, when),
    ...bars.map((bar) => barText(bar, barInWords(model, bar, when))),
    ...shapes.map((shape) => arrowText(shape, arrowInWords(model, sheet, shape.arrow, when))),
    '</g>',
    ...legend(height - legendHeight / 2),
    '</svg>',
  ].join('\n');
}

/** The diagram of the newest stanzas, and how many there are in all. */
function newest(model: Model, options: SheetOptions, most: number): { readonly sheet: Sheet; readonly all: number } {
  const { list } = model.events;
  const whole = new Sheet(model.network, options);
  whole.take(list);
  const all = whole.arrows.length;
  if (all <= most) return { sheet: whole, all };
  const from = whole.arrows[all - most]?.hops[0];
  const sheet = new Sheet(model.network, options);
  sheet.take(list.slice(from ? list.indexOf(from) : 0));
  // Of stanzas that were under way by then only the last legs are left.
  sheet.arrows.splice(0, Math.max(0, sheet.arrows.length - most));
  return { sheet, all };
}

function headsOf({ groups }: Columns, height: number): readonly string[] {
  return groups.flatMap(({ server, left, width, columns, size, isCollapsed }) => [
    `<rect x="${left + 1}" y="-54" width="${width - 2}" height="${height + 54}" rx="6" fill="${colours.hull}"/>`,
    text(
      left + width / 2,
      -40,
      fitting(server, width),
      `text-anchor="middle" font-weight="600" fill="${colours.soft}"`,
    ),
    ...columns.flatMap(({ id, x, name, kind, role, width: own }) => [
      `<line x1="${x}" x2="${x}" y1="0" y2="${height}" stroke="${colours.line}"${kind === 'server' ? ' stroke-dasharray="2 4"' : ''}/>`,
      ...(role === undefined
        ? []
        : [text(x, -22, fitting(role, own), `text-anchor="middle" font-size="10" fill="${colours.soft}"`)]),
      `<g><title>${escaped(id)}</title>${text(x, -8, isCollapsed ? `and ${size} more` : kind === 'server' ? name : fitting(name, own), `text-anchor="middle" fill="${colours.ink}"`)}</g>`,
    ]),
  ]);
}

function timesOf(sheet: Sheet, { width }: Columns, when: (t: number) => string): readonly string[] {
  return sheet.rows.flatMap(({ t, y, sinceMs }, i) => [
    ...(sinceMs >= gapMs
      ? [
          `<rect x="0" y="${y - 36}" width="${width}" height="18" fill="${colours.gap}"/>`,
          text(-10, y - 23, `${lasted(sinceMs)} later`, `text-anchor="end" font-style="italic" fill="${colours.soft}"`),
        ]
      : []),
    ...(sinceMs > 0 || i === 0 ? [text(-10, y + 4, when(t), `text-anchor="end" fill="${colours.soft}"`)] : []),
  ]);
}

function barText(bar: BarShape, words: string): string {
  const { span, x, top, bottom } = bar;
  const width = span.kind === 'cut' ? 5 : 12;
  const height = Math.max(6, bottom - top);
  const dash = span.how === 'silent' ? '2 6' : span.kind === 'down' ? 'none' : '7 5';
  const ends = span.kind === 'cut' ? [top, ...(span.to === undefined ? [] : [bottom])] : [];
  return [
    `<g><title>${escaped(words)}</title>`,
    `<rect x="${x - width / 2}" y="${top}" width="${width}" height="${height}" fill="#fbe4e1" stroke="${colours.bad}" stroke-dasharray="${dash}"/>`,
    ...ends.map((y) => crossText(x, y)),
    ...placesOfWords(bar, 120).map((y) =>
      text(x + 8, y + 14, barLabel(bar), `font-size="11" fill="${colours.bad}" ${halo}`),
    ),
    '</g>',
  ].join('');
}

function arrowText({ kind, path, head, cross, mark, label }: ArrowShape, words: string): string {
  const stroke = strokes[kind];
  return [
    `<g><title>${escaped(words)}</title>`,
    `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="1.6" stroke-dasharray="${dashes[kind]}"/>`,
    head
      ? `<polygon points="${head.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}" fill="${stroke}"/>`
      : '',
    cross ? crossText(cross.x, cross.y) : '',
    markText(kind, mark.x, mark.y),
    label
      ? text(label.at.x, label.at.y, label.text, `text-anchor="${label.anchor}" fill="${colours.ink}" ${halo}`)
      : '',
    '</g>',
  ].join('');
}

const halo = 'stroke="#ffffff" stroke-width="3" paint-order="stroke"';

function markText(kind: GlyphKind, x: number, y: number): string {
  const fill = kind === 'error' ? '#f0e442" stroke="#000' : strokes[kind];
  return `<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(0.62)"><path d="${glyphPath[kind]}" fill="${fill}"/>${text(0, 4, glyphText[kind], `text-anchor="middle" font-size="11" font-weight="700" fill="${inks[kind]}"`)}</g>`;
}

function crossText(x: number, y: number): string {
  return `<path d="M-5-5L5 5M5-5L-5 5" transform="translate(${x} ${y})" stroke="${colours.bad}" stroke-width="2.4"/>`;
}

function legend(y: number): readonly string[] {
  const all = ['message', 'presence', 'iq', 'error'] as const;
  return [
    ...all.map((kind, i) => {
      const x = margin + i * 110;
      const line = `<line x1="${x}" x2="${x + 34}" y1="${y}" y2="${y}" stroke="${strokes[kind]}" stroke-width="1.6" stroke-dasharray="${dashes[kind]}"/>`;
      return `${line}${markText(kind, x + 17, y)}${text(x + 42, y + 4, kind, `fill="${colours.soft}"`)}`;
    }),
    crossText(margin + 4 * 110 + 6, y),
    text(margin + 4 * 110 + 20, y + 4, 'lost or bounced', `fill="${colours.soft}"`),
  ];
}

/** As much of a name as a column has room for, at about 6.5 pixels a letter. */
function fitting(name: string, width: number): string {
  const letters = Math.max(3, Math.floor(width / 6.5));
  return [...name].length > letters ? `${[...name].slice(0, letters - 1).join('')}…` : name;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

/** What may stand in XML 1.0, with its markup as text. */
function escaped(content: string): string {
  return content
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
