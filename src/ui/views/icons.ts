import { html, type SVGTemplateResult, svg, type TemplateResult } from 'lit';
import { type GlyphKind, glyphPath, glyphText } from '../glyphs.ts';

const shapes: Record<string, SVGTemplateResult> = {
  pause: svg`<path d="M6 4v12M14 4v12" stroke-width="3"/>`,
  play: svg`<path d="M6 4l10 6-10 6z" fill="currentColor"/>`,
  add: svg`<path d="M10 4v12M4 10h12" stroke-width="2.2"/>`,
  remove: svg`<path d="M4 10h12" stroke-width="2.2"/>`,
  policy: svg`<path d="M4 6h6M14 6h2M4 14h2M10 14h6"/><circle cx="12" cy="6" r="2"/><circle cx="8" cy="14" r="2"/>`,
  cut: svg`<path d="M4 4l12 12M16 4L4 16" stroke-width="2.2"/>`,
  heal: svg`<path d="M7 13l6-6M8 6l2-2a4 4 0 016 6l-2 2M12 14l-2 2a4 4 0 01-6-6l2-2"/>`,
  slow: svg`<circle cx="10" cy="11" r="6.5"/><path d="M10 11V7M8 2h4"/>`,
  crash: svg`<path d="M10 3v7M5.5 5.8a6.5 6.5 0 109 0"/>`,
  restart: svg`<path d="M16 10a6 6 0 11-2-4.5M16 3v4h-4"/>`,
  say: svg`<path d="M3 4h14v9H9l-4 4v-4H3z"/>`,
  whisper: svg`<path d="M3 4h14v9H9l-4 4v-4H3z" stroke-dasharray="2.5 2"/>`,
  kick: svg`<circle cx="7" cy="6" r="3"/><path d="M2 17c0-4 2-6 5-6 1.500 0 2.700.5 3.500 1.500M12 12l6 6M18 12l-6 6"/>`,
  join: svg`<path d="M11 4h5v12h-5M3 10h9M9 7l3 3-3 3"/>`,
  leave: svg`<path d="M9 4H4v12h5M8 10h9M14 7l3 3-3 3"/>`,
  nick: svg`<path d="M4 16l1-4 8-8 3 3-8 8z"/>`,
  away: svg`<path d="M15 12a6 6 0 01-7-7 6 6 0 107 7z"/>`,
  help: svg`<path d="M7 7.5a3 3 0 116 .3c0 2-3 2.2-3 4.2M10 15.5v.5"/>`,
  copy: svg`<path d="M7 7h9v9H7zM4 13V4h9"/>`,
  client: svg`<path d="M3 4h14v9H3zM7 17h6M10 13v4"/>`,
  close: svg`<path d="M5 5l10 10M15 5L5 15"/>`,
  link: svg`<path d="M3 10h14"/>`,
  in: svg`<path d="M4 15L15 4M8 4h7v7"/>`,
  out: svg`<path d="M15 5L4 16M5 9v7h7"/>`,
  hop: svg`<path d="M3 10h13M12 6l4 4-4 4"/>`,
  state: svg`<circle cx="10" cy="10" r="5.5"/><path d="M10 7v3l2 1.5"/>`,
  act: svg`<circle cx="10" cy="6" r="3"/><path d="M4 17c0-4 3-6 6-6s6 2 6 6"/>`,
  session: svg`<path d="M7 3v5M13 3v5M5 8h10v3a5 5 0 01-10 0zM10 16v2"/>`,
  theme: svg`<circle cx="10" cy="10" r="6.5"/><path d="M10 3.5a6.5 6.5 0 010 13z" fill="currentColor"/>`,
  open: svg`<path d="M3 16V5h5l2 2h7v9z"/>`,
  save: svg`<path d="M10 3v9M6 8.5l4 4 4-4M4 16h12"/>`,
  rewind: svg`<path d="M10 5l-6 5 6 5zM17 5l-6 5 6 5z"/>`,
  first: svg`<path d="M5 4v12M16 4l-8 6 8 6z"/>`,
  last: svg`<path d="M15 4v12M4 4l8 6-8 6z"/>`,
  back: svg`<path d="M13 4l-8 6 8 6"/>`,
  forward: svg`<path d="M7 4l8 6-8 6"/>`,
  up: svg`<path d="M4 13l6-8 6 8"/>`,
  down: svg`<path d="M4 7l6 8 6-8"/>`,
  undo: svg`<path d="M8 5L4 9l4 4M4 9h8a4 4 0 010 8H8"/>`,
  redo: svg`<path d="M12 5l4 4-4 4M16 9H8a4 4 0 000 8h4"/>`,
  append: svg`<path d="M5 3h10v14H5zM8 7h4M8 10h4M8 13h2"/>`,
  fault: svg`<path d="M11 3l-6 8h4l-1 6 7-9h-5z"/>`,
  menu: svg`<circle cx="4.5" cy="10" r="1.2" fill="currentColor"/><circle cx="10" cy="10" r="1.2" fill="currentColor"/><circle cx="15.5" cy="10" r="1.2" fill="currentColor"/>`,
  todo: svg`<circle cx="10" cy="10" r="5.5"/>`,
  lesson: svg`<path d="M10 5c-2-1.5-4.5-2-7-2v12c2.500 0 5 .5 7 2 2-1.500 4.500-2 7-2V3c-2.500 0-5 .5-7 2zM10 5v12"/>`,
  check: svg`<path d="M4 11l4 4 8-10"/>`,
  warn: svg`<path d="M10 3l8 14H2zM10 8v4M10 14.5v.5"/>`,
  present: svg`<path d="M3 4h14v9H3zM10 13v2M6 17l4-2 4 2"/>`,
  maximise: svg`<path d="M4 12V4h12v8M4 16h12M7 9l3-3 3 3"/>`,
  restore: svg`<path d="M4 9V4h12v5M4 16h12M7 10l3 3 3-3"/>`,
  print: svg`<path d="M6 8V3h8v5M6 14H3V8h14v6h-3M6 12h8v5H6z"/>`,
  'out-of': svg`<path d="M8 5H4v11h11v-4M11 4h5v5M16 4l-7 7"/>`,
  embed: svg`<path d="M7 5l-5 5 5 5M13 5l5 5-5 5"/>`,
  info: svg`<circle cx="10" cy="10" r="7"/><path d="M10 9v5M10 6v.5"/>`,
};

/** A line icon of 20 by 20, in the colour of the text around it. The text beside it says what it means. */
export function icon(name: keyof typeof shapes & string): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">${shapes[name]}</svg>`;
}

/** Kind of a stanza as shape and letters: square, circle, hexagon; an error is a diamond. */
export function stanzaIcon(name: 'message' | 'presence' | 'iq', error: boolean): TemplateResult {
  const kind = error ? 'error' : name;
  return html`<svg class="icon glyph" data-kind=${kind} viewBox="-11 -11 22 22" role="img" aria-label=${error ? `${name} error` : name}>${glyph(kind)}</svg>`;
}

function glyph(kind: GlyphKind): SVGTemplateResult {
  return svg`<path d=${glyphPath[kind]}/><text y="4" text-anchor="middle">${glyphText[kind]}</text>`;
}
