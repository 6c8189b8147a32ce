import { type Node as JsonNode, parseTree, stripComments } from 'jsonc-parser';
import { formatErrors, type ParsedFile, parseJsonFile } from '../scenario/json-file.ts';
import { flagOf, readFlags, settingsOf, type Values, wrongWith } from './settings.mjs';
import { type Configured, ofTheService } from './settings-schema.mjs';
import { readTextFile } from './text-file.ts';

/** What a file says, as if it were flags. */
export interface SettingsFile {
  readonly path: string;
  readonly values: Values;
  /** In which line a flag's property stands. */
  readonly lines: ReadonlyMap<string, number>;
  /** What it says of the rooms, as a file of its own with the same lines; undefined: nothing. */
  readonly rooms: string | undefined;
}

export interface Settings {
  readonly values: Values;
  readonly file: SettingsFile | undefined;
  /** The same of a mistake that a reader of the values has found: where the file said it, with its line. */
  told(error: string): string;
}

/**
 * Flags, and what the file of `--config` says where they say nothing.
 *
 * @param more  flags that take a value and have no place in a file
 * @returns what is wrong, a line for each mistake of the file
 */
export function readSettings(
  command: Configured,
  args: readonly string[],
  more: readonly string[] = [],
): Settings | { readonly error: string } {
  const flags = readFlags(command, args, more);
  if ('error' in flags) return flags;
  const path = flags.values['config'];
  if (typeof path !== 'string' || flags.values['help'] === true)
    return { values: flags.values, file: undefined, told: (error) => error };
  const file = readSettingsFile(command, path);
  if ('error' in file) return file;
  return { values: merged(file.values, flags.values), file, told: (error) => placed(file, flags.values, error) };
}

/** A flag outranks the file. */
export function merged(file: Values, flags: Values): Values {
  return { ...file, ...Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) };
}

/** `--port: …` as `netsplit.json:3: $.port: …`, where the file has said it. */
export function placed({ path, lines }: SettingsFile, flags: Values, error: string): string {
  const [start = '', flag = ''] = /^--([a-z-]+)/.exec(error) ?? [];
  const line = lines.get(flag);
  if (line === undefined || flags[flag] !== undefined) return error;
  return `${path}:${line}: $.${propertyOf(flag)}${error.slice(start.length)}`;
}

/** Reads a file of JSON, which may have comments. */
export function readSettingsFile(command: Configured, path: string): SettingsFile | { readonly error: string } {
  const given = readTextFile(path);
  if (typeof given !== 'string') return { error: `--config: ${given.error}` };
  // Each line stays where it is.
  const text = stripComments(given, ' ');
  const settings = settingsOf(command);
  const isOfService = (property: string) => command === 'component' && ofTheService.includes(property);
  const parsed = parseJsonFile(text, (value) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      return [{ at: [], message: 'is not an object' }];
    return Object.entries(value).flatMap(([property, one]) => {
      if (property === '$schema' || isOfService(property)) return [];
      const schema = property === 'config' ? undefined : settings[property];
      const wrong = schema === undefined ? `unknown property "${property}"` : wrongWith(schema, one);
      return wrong === undefined ? [] : [{ at: [property], message: wrong }];
    });
  });
  if (!parsed.ok) return { error: formatErrors(path, parsed.errors) };
  return { path, ...split(text, parsed, (property) => !isOfService(property)) };
}

function propertyOf(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function split(
  text: string,
  { value }: Extract<ParsedFile, { ok: true }>,
  isSetting: (property: string) => boolean,
): Omit<SettingsFile, 'path'> {
  const values: Record<string, string | boolean | readonly string[]> = {};
  const lines = new Map<string, number>();
  const others: JsonNode[] = [];
  for (const property of parseTree(text)?.children ?? []) {
    const name = String(property.children?.[0]?.value);
    if (name === '$schema') continue;
    const one = (value as Record<string, unknown>)[name];
    if (!isSetting(name) || (name === 'server' && !isPlace(one))) {
      others.push(property);
      continue;
    }
    lines.set(flagOf(name), text.slice(0, property.offset).split('\n').length);
    values[flagOf(name)] = typeof one === 'number' ? String(one) : (one as string | boolean | readonly string[]);
  }
  return { values, lines, rooms: others.length === 0 ? undefined : only(text, others) };
}

/** A scenario's service has a `server`, too, which is a domain: one with a port is the flag's. */
function isPlace(server: unknown): boolean {
  return typeof server === 'string' && /:\d+$/.test(server);
}

/** The object of the text with these properties alone, each where it was. */
function only(text: string, properties: readonly JsonNode[]): string {
  const blank = (from: number, to: number) => text.slice(from, to).replace(/[^\n]/g, ' ');
  const begin = text.indexOf('{') + 1;
  const end = text.lastIndexOf('}');
  let at = begin;
  let rest = text.slice(0, begin);
  for (const [i, { offset, length }] of properties.entries()) {
    // Between two properties there is a comma, and so there is room for one.
    const gap = blank(at, offset);
    rest += (i === 0 ? gap : `,${gap.slice(1)}`) + text.slice(offset, offset + length);
    at = offset + length;
  }
  return rest + blank(at, end) + text.slice(end);
}
