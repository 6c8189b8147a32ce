import { type OutputUnit, type Schema, Validator } from '@cfworker/json-schema';
import {
  createScanner,
  findNodeAtLocation,
  type Node as JsonNode,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { isXmlText } from '../core/xmpp/xml.ts';
import type { Location, Mistake } from './check.ts';

/** What is wrong in a file, and where. */
export interface FileError {
  /** From the root: `$.servers[0].domain`. */
  readonly path: string;
  /** Counted from 1. */
  readonly line?: number;
  readonly message: string;
}

export type ParsedFile =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly errors: readonly FileError[] };

/** 1 MiB: a file within the schema's limits is far smaller, and the text may come from anywhere. */
const maxLength = 1024 * 1024;
/** The deepest place of a schema is about 15 levels down; the parser below recurses. */
const maxDepth = 32;

/**
 * Reads a file of JSON whose mistakes are told with their lines. Never throws.
 *
 * @param mistakesIn  what is wrong with the value, by a schema and beyond
 */
export function parseJsonFile(text: string, mistakesIn: (value: unknown) => readonly Mistake[]): ParsedFile {
  if (text.length > maxLength) return refuse([{ path: '$', message: `longer than ${maxLength} characters` }]);
  const lineOf = lines(text);
  const tooDeep = firstTooDeep(text);
  if (tooDeep !== undefined)
    return refuse([{ path: '$', line: lineOf(tooDeep), message: `nested more than ${maxDepth} levels deep` }]);

  const syntax: ParseError[] = [];
  const tree = parseTree(text, syntax, { disallowComments: true });
  if (tree === undefined || syntax.length > 0) {
    const found = syntax.map(({ error, offset }) => ({
      path: '$',
      line: lineOf(offset),
      message: `not JSON: ${printParseErrorCode(error)}`,
    }));
    return refuse(found.length > 0 ? found : [{ path: '$', line: 1, message: 'not JSON: the text is empty' }]);
  }

  const place = (at: Location, message: string): FileError => ({
    path: pathOf(at),
    line: lineOf(nearest(tree, at).offset),
    message,
  });
  const badKeys = [...keyMistakes(tree)];
  if (badKeys.length > 0) return refuse(badKeys.map(({ at, message }) => place(at, message)));

  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The two parsers differ in a few corners, such as control characters inside strings.
    return refuse([{ path: '$', message: `not JSON: ${(error as Error).message}` }]);
  }
  const mistakes = mistakesIn(value);
  if (mistakes.length > 0) return refuse(mistakes.map(({ at, message }) => place(at, message)));
  return { ok: true, value };
}

/** What a schema finds wrong with a value. */
export function schemaMistakes(schema: unknown, value: unknown): readonly Mistake[] {
  const { valid, errors } = new Validator(schema as Schema, '2020-12', false).validate(value);
  if (valid) return [];
  return leaves(errors).map((unit) => ({ at: locationOf(unit.instanceLocation, value), message: wording(unit) }));
}

/** One line for each error, as compilers write them. */
export function formatErrors(file: string, errors: readonly FileError[]): string {
  return errors
    .map(({ path, line, message }) => `${file}${line === undefined ? '' : `:${line}`}: ${path}: ${message}`)
    .join('\n');
}

function refuse(errors: readonly FileError[]): ParsedFile {
  return { ok: false, errors };
}

function lines(text: string): (offset: number) => number {
  return (offset) => text.slice(0, offset).split('\n').length;
}

/** @returns the offset of the bracket that goes too deep; found without recursion */
function firstTooDeep(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (;;) {
    scanner.scan();
    const token = text[scanner.getTokenOffset()];
    if (scanner.getTokenLength() === 0) return undefined;
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth > maxDepth) return scanner.getTokenOffset();
  }
}

/** A key that is listed twice (JSON.parse would take the last), or that is no text (the validator throws on those). */
function* keyMistakes(node: JsonNode, at: Location = []): Generator<Mistake> {
  if (node.type === 'array')
    for (const [i, child] of (node.children ?? []).entries()) yield* keyMistakes(child, [...at, i]);
  if (node.type !== 'object') return;
  const seen = new Set<string>();
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key === undefined) continue;
    const name = String(key.value);
    if (!isXmlText(name)) yield { at, message: `unknown property ${JSON.stringify(name)}` };
    else if (seen.has(name)) yield { at: [...at, name], message: `the property "${name}" is listed twice` };
    seen.add(name);
    if (value !== undefined) yield* keyMistakes(value, [...at, name]);
  }
}

/** The node at a location, or the nearest one around it; for a property, its key. */
function nearest(tree: JsonNode, at: Location): JsonNode {
  for (let length = at.length; length > 0; length--) {
    const node = findNodeAtLocation(tree, at.slice(0, length) as (string | number)[]);
    if (node !== undefined) return node.parent?.type === 'property' ? node.parent : node;
  }
  return tree;
}

// Keywords that only say that something below them failed.
const wrappers = new Set([
  '$ref',
  'allOf',
  'if',
  'then',
  'else',
  'properties',
  'additionalProperties',
  'items',
  'prefixItems',
]);

function leaves(errors: readonly OutputUnit[]): readonly OutputUnit[] {
  const found = errors.filter((unit) => !wrappers.has(unit.keyword));
  return found.length > 0 ? found : errors;
}

function wording({ keyword, instanceLocation, error }: OutputUnit): string {
  if (keyword === 'false') return `unknown property "${segments(instanceLocation).at(-1) ?? ''}"`;
  return error
    .replace(/^Instance /, '')
    .replace(/^does not have required property/, 'lacks the property')
    .replace(/\.$/, '');
}

/** A JSON pointer (`#/servers/0/domain`) as a location in `value`: an index where `value` has an array. */
function locationOf(pointer: string, value: unknown): Location {
  let here = value;
  return segments(pointer).map((segment) => {
    const key = Array.isArray(here) ? Number(segment) : segment;
    here = (here as Record<string | number, unknown> | undefined)?.[key];
    return key;
  });
}

function segments(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => decodeURIComponent(segment).replaceAll('~1', '/').replaceAll('~0', '~'));
}

function pathOf(at: Location): string {
  return at.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
  }, '$');
}
