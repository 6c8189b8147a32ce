/** XEP-0004: Data Forms, version 2.13.2, and XEP-0068 FORM_TYPE. */
import { NS } from '../xmpp/namespaces.ts';
import { childOf, childrenOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';

export interface Field {
  /** Empty: it says something, and is not filled in. */
  readonly var: string;
  readonly type?:
    | 'boolean'
    | 'fixed'
    | 'hidden'
    | 'jid-multi'
    | 'jid-single'
    | 'list-multi'
    | 'list-single'
    | 'text-multi'
    | 'text-private'
    | 'text-single';
  readonly label?: string;
  /** Whether the form counts only with it (§3.2). */
  readonly required?: boolean;
  readonly values: readonly string[];
  /** Value and label of each. */
  readonly options?: readonly (readonly [string, string])[];
}

export interface Form {
  readonly type: 'form' | 'submit' | 'cancel' | 'result';
  /** XEP-0068; undefined if the form has none. */
  readonly formType?: string;
  readonly title?: string;
  readonly fields: readonly Field[];
}

/** Reads the first form among the children; undefined if there is none or its type is unknown. */
export function readForm(parent: { readonly children: readonly (XmlElement | string)[] }): Form | undefined {
  const x = childOf(parent, 'x', NS.dataForms);
  const type = (['form', 'submit', 'cancel', 'result'] as const).find((known) => known === x?.attrs['type']);
  if (!x || !type) return undefined;
  const fields = childrenOf(x, 'field', NS.dataForms).map((field) => ({
    var: field.attrs['var'] ?? '',
    values: childrenOf(field, 'value', NS.dataForms).map(textOf),
  }));
  const formType = fields.find((field) => field.var === 'FORM_TYPE')?.values[0] ?? '';
  return {
    type,
    ...(formType === '' ? {} : { formType }),
    fields: fields.filter((field) => field.var !== 'FORM_TYPE' && field.var !== ''),
  };
}

export function writeForm(form: Form): XmlElement {
  const hidden: readonly Field[] =
    form.formType === undefined ? [] : [{ var: 'FORM_TYPE', type: 'hidden', values: [form.formType] }];
  const title = form.title === undefined ? [] : [el('title', NS.dataForms, {}, form.title)];
  return el('x', NS.dataForms, { type: form.type }, ...title, ...[...hidden, ...form.fields].map(writeField));
}

function writeField({ var: name, type, label, required, values, options }: Field): XmlElement {
  return el(
    'field',
    NS.dataForms,
    { var: name === '' ? undefined : name, type, label },
    ...(required ? [el('required', NS.dataForms)] : []),
    ...values.map((value) => el('value', NS.dataForms, {}, value)),
    ...(options ?? []).map(([value, text]) =>
      el('option', NS.dataForms, { label: text }, el('value', NS.dataForms, {}, value)),
    ),
  );
}

/** §3.6: an empty value and none are the same to whoever reads a field. */
export function givenValues(values: readonly string[]): readonly string[] {
  return values.filter((value) => value !== '');
}

/** §3.3, of a field that is there: `1` and `true`, `0` and `false`; without a value false; undefined for anything else. */
export function readBoolean(values: readonly string[]): boolean | undefined {
  const [value = '0'] = givenValues(values);
  if (value === '1' || value === 'true') return true;
  if (value === '0' || value === 'false') return false;
  return undefined;
}
