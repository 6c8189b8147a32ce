import { html, nothing, type TemplateResult } from 'lit';
import { termOf } from '../../lessons/glossary.ts';
import { type Inline, parseMarkdown } from '../../lessons/markdown.ts';
import { specEntry } from '../spec-index.ts';

/** What a text of a lesson needs to explain its terms. */
export interface TermNotes {
  /** The term that is explained now, with the place of its word. */
  readonly open: string | undefined;
  toggle(place: string): void;
  /** Shows what a room costs at any size. */
  costs(): void;
}

/**
 * A text of a lesson: text nodes only. A term is a button, and what it means is shown below its paragraph.
 *
 * @param place  names the text within the lesson
 */
export function lessonText(text: string, place: string, notes: TermNotes): TemplateResult {
  const blocks = parseMarkdown(text).map((block, i) => {
    const inlines = block.kind === 'list' ? block.items.flat() : block.inlines;
    const at = (inline: Inline) => `${place}/${i}/${inlines.indexOf(inline)}`;
    const body =
      block.kind === 'list'
        ? html`<ul>${block.items.map((item) => html`<li>${item.map((one) => inlineOf(one, at(one), notes))}</li>`)}</ul>`
        : html`<p>${block.inlines.map((one) => inlineOf(one, at(one), notes))}</p>`;
    const open = inlines.find((one) => one.kind === 'term' && at(one) === notes.open);
    return html`${body}${open?.kind === 'term' ? explained(open.to) : nothing}`;
  });
  return html`${blocks}`;
}

function inlineOf(inline: Inline, place: string, notes: TermNotes): TemplateResult | string {
  switch (inline.kind) {
    case 'text':
      return inline.text;
    case 'strong':
      return html`<strong>${inline.text}</strong>`;
    case 'emphasis':
      return html`<em>${inline.text}</em>`;
    case 'code':
      return html`<code>${inline.text}</code>`;
    case 'term':
      return termButton(inline.text, inline.to, place, notes);
    case 'view':
      return wordButton(inline.text, notes.costs);
    case 'xep': {
      const { label, url, title } = specEntry(inline.to);
      return url === undefined
        ? html`<span title=${`${label}, ${title}`}>${inline.text}</span>`
        : html`<a href=${url} rel="noopener noreferrer" target="_blank" title=${`${label}, ${title}`}>${inline.text}</a>`;
    }
  }
}

function termButton(text: string, term: string, place: string, notes: TermNotes): TemplateResult {
  const toggle = () => notes.toggle(place);
  return html`<span role="button" tabindex="0" class="term" data-term=${term} aria-expanded=${notes.open === place ? 'true' : 'false'} @click=${toggle} @keydown=${onKeys(toggle)}>${text}</span>`;
}

/** A word that shows a view of the page. */
function wordButton(text: string, show: () => void): TemplateResult {
  return html`<span role="button" tabindex="0" class="term" data-testid="lesson-costs" aria-haspopup="dialog" @click=${show} @keydown=${onKeys(show)}>${text}</span>`;
}

/** A word in the middle of a line: a button would be a box, which no comma stays beside. */
function onKeys(press: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    press();
  };
}

/** What a term means, and what it was called. */
export function explained(id: string): TemplateResult {
  const known = termOf(id);
  if (known === undefined) return html``;
  const { term, means, was, section } = known;
  return html`<p class="term-note" role="note" data-testid="term-note"><b>${term}</b>: ${parseMarkdown(means).map((block) => (block.kind === 'list' ? nothing : block.inlines.map((one) => (one.kind === 'code' ? html`<code>${one.text}</code>` : one.text))))}${was ? html` <small>Earlier editions say ${was.join(', ')}.</small>` : nothing}${section ? html` <small>${specEntry(section).label}</small>` : nothing}</p>`;
}
