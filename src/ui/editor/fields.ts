/** What can be said of a thing of a scenario, as the schema has it: a form is made of these. */
import schema from '../../scenario/schema.json' with { type: 'json' };

export interface Field {
  readonly key: string;
  readonly title: string;
  readonly description: string;
  /** What holds if it is absent; undefined: nothing that could be named. */
  readonly usual: string | number | boolean | undefined;
  readonly isRequired: boolean;
  readonly of: FieldKind;
}

export type FieldKind =
  | { readonly kind: 'text'; readonly max: number }
  | {
      readonly kind: 'number';
      readonly min: number | undefined;
      readonly max: number | undefined;
      readonly step: 1 | undefined;
    }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly options: readonly string[] }
  /** A word, or a number. */
  | { readonly kind: 'word'; readonly options: readonly string[] }
  | { readonly kind: 'list' }
  /** Lists by name. */
  | { readonly kind: 'map' }
  /** @property {fresh} what it is when it begins to be there */
  | { readonly kind: 'group'; readonly fields: readonly Field[]; readonly fresh: object }
  /** Something else. */
  | { readonly kind: 'data' };

interface Schema {
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: string | number | boolean;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
}

export type Definition = keyof typeof schema.$defs;

/** @param except  what is said elsewhere */
export function fieldsOf(definition: Definition, except: readonly string[] = []): readonly Field[] {
  return fieldsIn(schema.$defs[definition] as Schema).filter(({ key }) => !except.includes(key));
}

const head = ['title', 'id', 'description', 'xep'];

/** What the scenario says of itself, its title first. */
export function headFields(): readonly Field[] {
  // It is a schema of more kinds than the form has fields for: these are the ones of the head.
  const fields = fieldsIn(schema as unknown as Schema);
  return head.flatMap((key) => fields.filter((field) => field.key === key));
}

function fieldsIn({ properties = {}, required = [] }: Schema): readonly Field[] {
  return Object.entries(properties).flatMap(([key, given]) => {
    const of = resolved(given);
    // A constant is nothing to choose.
    if (of.const !== undefined || key === '$schema') return [];
    const { title = titleOf(key), description = '', default: usual } = of;
    return [{ key, title, description, usual, isRequired: required.includes(key), of: kindOf(of) }];
  });
}

function resolved(given: Schema): Schema {
  if (given.$ref === undefined) return given;
  const { $ref, ...own } = given;
  return { ...(schema.$defs[$ref.slice('#/$defs/'.length) as Definition] as Schema), ...own };
}

/** `title`, `id`: as a person writes it. */
function titleOf(key: string): string {
  return key === 'id' || key === 'xep' ? key.toUpperCase() : key.charAt(0).toUpperCase() + key.slice(1);
}

function kindOf(of: Schema): FieldKind {
  if (of.enum) return { kind: 'choice', options: of.enum };
  if (of.anyOf) return anyOf(of.anyOf.map(resolved));
  switch (of.type) {
    case 'boolean':
      return { kind: 'flag' };
    case 'string':
      return { kind: 'text', max: of.maxLength ?? 1_000 };
    case 'number':
    case 'integer':
      return { kind: 'number', min: of.minimum, max: of.maximum, step: of.type === 'integer' ? 1 : undefined };
    case 'array':
      return of.items && resolved(of.items).type === 'string' ? { kind: 'list' } : { kind: 'data' };
    default:
      return objectKind(of);
  }
}

function objectKind(of: Schema): FieldKind {
  if (typeof of.additionalProperties === 'object') return { kind: 'map' };
  if (!of.properties) return { kind: 'data' };
  return { kind: 'group', fields: fieldsIn(of), fresh: freshOf(of) };
}

/** A list is as good as the one address in it; a number as good as a word. */
function anyOf(all: readonly Schema[]): FieldKind {
  if (all.some(({ type }) => type === 'array')) return { kind: 'list' };
  const options = all.flatMap((one) => one.enum ?? (one.const === undefined ? [] : [one.const]));
  return all.some(({ type }) => type === 'integer') ? { kind: 'word', options } : { kind: 'data' };
}

/** The least that it has to say. */
function freshOf({ properties = {}, required = [] }: Schema): object {
  return Object.fromEntries(
    required.map((key) => {
      const of = resolved(properties[key] ?? {});
      return [key, of.const ?? of.default ?? (of.type === 'array' ? [] : '')];
    }),
  );
}

/** What somebody typed, as the value of a field; undefined: the property is absent. */
export function readField({ of, isRequired }: Field, typed: string): unknown {
  const text = typed.trim();
  if (text === '') return isRequired ? (of.kind === 'list' ? [] : '') : undefined;
  switch (of.kind) {
    case 'number':
    case 'word':
      return text !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
    case 'list':
      return words(text);
    case 'map':
      return Object.fromEntries(
        text.split('\n').flatMap((line) => {
          const [name, ...rest] = words(line.replace(':', ' '));
          return name === undefined ? [] : [[name, rest]];
        }),
      );
    case 'data':
      return readData(text);
    default:
      return typed;
  }
}

function words(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

/** JSON; what is none is a word. */
function readData(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The value of a field as somebody would type it. */
export function writeField({ of }: Field, value: unknown): string {
  if (value === undefined) return '';
  if (of.kind === 'list') return (Array.isArray(value) ? value : [value]).join('\n');
  if (of.kind === 'map')
    return Object.entries(value as Readonly<Record<string, readonly string[]>>)
      .map(([name, all]) => `${name}: ${all.join(' ')}`)
      .join('\n');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
