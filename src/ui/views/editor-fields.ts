/** Forms made of the schema: what a thing of a scenario may say, with what is wrong with it beside. */
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import { addressesIn } from '../editor/addresses.ts';
import type { Editing } from '../editor/editing.ts';
import { faultsAt, keyOf } from '../editor/faults.ts';
import { type Field, readField, writeField } from '../editor/fields.ts';
import { type Place, put, valueAt } from '../editor/put.ts';
import { icon } from './icons.ts';

/** A label, what it is about, and what is wrong. */
export interface Row {
  readonly label: string;
  readonly place: Place;
  readonly hint?: string;
  /** What is wrong; absent: what the checker says of the place. */
  readonly faults?: readonly string[];
}

const idOf = (place: Place) => `edit-${keyOf(place).replaceAll(/[^\w-]/g, '-')}`;

/** @param control  gets the attributes that tie it to its label, its hint and its faults */
export function row(
  editing: Editing,
  { label, place, hint, faults: found = faultsAt(editing.faults, place) }: Row,
  control: (ids: {
    readonly id: string;
    readonly described: string | typeof nothing;
    readonly invalid: 'true' | 'false';
  }) => TemplateResult,
): TemplateResult {
  const id = idOf(place);
  const { refusal } = editing;
  const faults = refusal && keyOf(refusal.place) === keyOf(place) ? [...found, refusal.message] : found;
  const described = [hint ? `${id}-hint` : '', faults.length > 0 ? `${id}-fault` : ''].filter(Boolean).join(' ');
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${control({ id, described: described || nothing, invalid: faults.length > 0 ? 'true' : 'false' })}
    ${hint ? html`<small id=${`${id}-hint`}>${hint}</small>` : nothing}
    ${faultNote(faults, `${id}-fault`)}
  </div>`;
}

export function faultNote(faults: readonly string[], id: string): TemplateResult | typeof nothing {
  if (faults.length === 0) return nothing;
  return html`<p class="fault" id=${id} data-testid="fault">${icon('warn')}<span>${faults.map(sentence).join(' ')}</span></p>`;
}

/** The checker writes for a line of a terminal. What begins with an address is left as it is. */
export function sentence(message: string): string {
  const begun = /^[a-z]+ /.test(message) ? `${message.charAt(0).toUpperCase()}${message.slice(1)}` : message;
  return `${begun}${/[.?!]$/.test(message) ? '' : '.'}`;
}

/** A line of text that somebody types and then leaves. */
export function textRow(editing: Editing, what: Row, value: string, changed: (text: string) => void): TemplateResult {
  return row(
    editing,
    what,
    ({ id, described, invalid }) =>
      html`<input id=${id} type="text" autocomplete="off" spellcheck="false" .value=${live(value)} aria-describedby=${described} aria-invalid=${invalid} @change=${(event: Event) => changed(typedIn(event))} />`,
  );
}

/** An address that names one thing: another one cannot have it, or nobody could tell which of them is meant. */
export function addressRow(
  editing: Editing,
  what: Row,
  address: string,
  changed: (to: string) => void,
): TemplateResult {
  return textRow(editing, what, address, (text) => {
    const to = text.trim();
    if (to === address) return;
    if (addressesIn(editing.scenario).has(to))
      editing.refuse(what.place, `the name ${to} is taken: it stays ${address}`);
    else changed(to);
  });
}

export type Options = readonly (readonly [value: string, label: string])[];

/** One of several. A value that is none of them is listed as well, for it is what the scenario says. */
export function choiceRow(
  editing: Editing,
  what: Row,
  value: string,
  options: Options,
  changed: (value: string) => void,
): TemplateResult {
  const all = options.some(([one]) => one === value)
    ? options
    : [...options, [value, value === '' ? '(none)' : value] as const];
  return row(
    editing,
    what,
    ({ id, described, invalid }) =>
      html`<select id=${id} .value=${live(value)} aria-describedby=${described} aria-invalid=${invalid} @change=${(event: Event) => changed(typedIn(event))}>
        ${all.map(([one, label]) => html`<option value=${one} .selected=${one === value}>${label}</option>`)}
      </select>`,
  );
}

export function checkRow(
  what: { readonly place: Place; readonly label: string },
  checked: boolean,
  changed: (checked: boolean) => void,
): TemplateResult {
  return html`<label class="check"><input id=${idOf(what.place)} type="checkbox" .checked=${live(checked)} @change=${(event: Event) => changed((event.target as HTMLInputElement).checked)} /><span>${what.label}</span></label>`;
}

function typedIn(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement).value;
}

/** Everything that may be said at a place. */
export function fieldRows(editing: Editing, fields: readonly Field[], place: Place): readonly TemplateResult[] {
  return fields.map((field) => fieldRow(editing, field, [...place, field.key]));
}

function fieldRow(editing: Editing, field: Field, place: Place): TemplateResult {
  const { of, title, description, usual } = field;
  const value = valueAt(editing.scenario, place);
  const set = (next: unknown) => editing.change(put(editing.scenario, place, next));
  const what = { label: title, place, hint: description };
  switch (of.kind) {
    case 'group':
      return groupRow(editing, field, of, place);
    case 'flag':
      return html`<div class="field">
        ${checkRow(what, (value ?? usual ?? false) === true, (checked) => set(checked === (usual ?? false) ? undefined : checked))}
        ${description ? html`<small>${description}</small>` : nothing}
        ${faultNote(faultsAt(editing.faults, place), `${idOf(place)}-fault`)}
      </div>`;
    case 'choice': {
      const none = field.isRequired || usual !== undefined ? [] : [['', '(not said)'] as const];
      const options = [...none, ...of.options.map((one) => [one, one === usual ? `${one} (default)` : one] as const)];
      return choiceRow(editing, what, String(value ?? usual ?? ''), options, (next) =>
        set(next === '' || (next === usual && !field.isRequired) ? undefined : next),
      );
    }
    default:
      return row(editing, what, ({ id, described, invalid }) => {
        const changed = (event: Event) => set(readField(field, typedIn(event)));
        const text = live(writeField(field, value));
        const isLong = of.kind === 'list' || of.kind === 'map' || field.key === 'description';
        if (isLong)
          return html`<textarea id=${id} rows="2" spellcheck="false" .value=${text} placeholder=${of.kind === 'map' ? 'name: domain domain' : ''} aria-describedby=${described} aria-invalid=${invalid} @change=${changed}></textarea>`;
        const mode = of.kind === 'number' ? 'decimal' : nothing;
        return html`<input id=${id} type="text" inputmode=${mode} autocomplete="off" .value=${text} placeholder=${usual === undefined ? '' : String(usual)} aria-describedby=${described} aria-invalid=${invalid} @change=${changed} />`;
      });
  }
}

/** Something that is there with all its parts, or not at all. */
function groupRow(
  editing: Editing,
  { title, description, isRequired }: Field,
  of: Extract<Field['of'], { kind: 'group' }>,
  place: Place,
): TemplateResult {
  const isThere = valueAt(editing.scenario, place) !== undefined;
  const set = (there: boolean) => editing.change(put(editing.scenario, place, there ? of.fresh : undefined));
  const own = editing.faults.filter(({ at }) => keyOf(at) === keyOf(place)).map(({ message }) => message);
  return html`<fieldset class="group">
    <legend>${isRequired ? title : checkRow({ label: title, place }, isThere, set)}</legend>
    ${description ? html`<small>${description}</small>` : nothing}
    ${faultNote(own, `${idOf(place)}-fault`)}
    ${isThere ? fieldRows(editing, of.fields, place) : nothing}
  </fieldset>`;
}
