// Flags of `start`, `serve` and `component`. Plain JavaScript, so that a mistake is told before anything is installed; the
// file of --config is read by settings-file.ts.
import { parseArgs } from 'node:util';
import { badArgument } from './arguments.mjs';
import { schemas } from './settings-schema.mjs';

/**
 * @typedef {import('./settings-schema.mjs').Configured} Configured
 * @typedef {{ readonly type?: string | readonly string[], readonly enum?: readonly string[], readonly items?: Schema, readonly pattern?: string, readonly minLength?: number, readonly minimum?: number, readonly maximum?: number, readonly description: string }} Schema
 * @typedef {Readonly<Record<string, string | boolean | readonly string[] | undefined>>} Values  by flag, as text; lists of those that may be repeated
 */

/** @param {string} property @returns {string} `publicUrl` as `public-url` */
export function flagOf(property) {
  return property.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** @param {Configured} command @returns {Readonly<Record<string, Schema>>} */
export function settingsOf(command) {
  const { $schema: _, ...settings } = schemas[command].properties;
  return settings;
}

/**
 * @param {Schema} schema
 * @param {unknown} value
 * @param {unknown} [shown]  as it was written
 * @returns {string | undefined} what is wrong with a value, such as `"five" is not a port`
 */
export function wrongWith(schema, value, shown = value) {
  if (schema.items !== undefined && Array.isArray(value)) {
    const { items } = schema;
    return value.map((one) => wrongWith(items, one)).find((wrong) => wrong !== undefined);
  }
  const wrong = `${JSON.stringify(shown)?.slice(0, 200)} is not ${schema.description}`;
  if (schema.enum !== undefined) return schema.enum.some((one) => one === value) ? undefined : wrong;
  const types = [schema.type ?? []].flat();
  if (typeof value === 'number') {
    const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = schema;
    return types.includes('integer') && Number.isInteger(value) && value >= minimum && value <= maximum
      ? undefined
      : wrong;
  }
  if (!types.includes(typeof value)) return wrong;
  if (typeof value !== 'string') return undefined;
  if (value.length < (schema.minLength ?? 0)) return wrong;
  return schema.pattern === undefined || new RegExp(schema.pattern).test(value) ? undefined : wrong;
}

/**
 * What a flag says is text: a number where the schema wants one.
 *
 * @param {Schema} schema
 * @param {string | boolean | readonly string[]} given
 */
function asGiven(schema, given) {
  if (Array.isArray(given)) return given.flatMap((one) => one.split(',')).map((one) => one.trim());
  return schema.type === 'integer' && /^\d{1,16}$/.test(String(given)) ? Number(given) : given;
}

/**
 * @param {Configured} command
 * @param {readonly string[]} args
 * @param {readonly string[]} [more]  flags that take a value and have no place in a file
 * @returns {{ values: Values } | { error: string }} what is wrong, in one line
 */
export function readFlags(command, args, more = []) {
  const settings = settingsOf(command);
  /** @type {Record<string, { type: 'string' | 'boolean', multiple?: boolean, short?: string }>} */
  const options = { help: { type: 'boolean', short: 'h' } };
  for (const name of more) options[name] = { type: 'string' };
  for (const [property, { type }] of Object.entries(settings))
    options[flagOf(property)] =
      type === 'boolean' ? { type: 'boolean' } : { type: 'string', multiple: type === 'array' };
  /** @type {Record<string, string | boolean | string[] | undefined>} */
  let values;
  try {
    values = /** @type {typeof values} */ (parseArgs({ args: withLogLevel(args, 'log' in settings), options }).values);
  } catch (error) {
    return { error: badArgument(error) };
  }
  for (const [property, schema] of Object.entries(settings)) {
    const given = values[flagOf(property)];
    const wrong = given === undefined ? undefined : wrongWith(schema, asGiven(schema, given), given);
    if (wrong !== undefined) return { error: `--${flagOf(property)}: ${wrong}` };
  }
  return { values };
}

/**
 * `--log` without a word means that all is told, as it always did.
 *
 * @param {readonly string[]} args
 * @param {boolean} hasLog
 */
function withLogLevel(args, hasLog) {
  if (!hasLog) return [...args];
  return args.flatMap((one, i) =>
    one === '--log' && !/^(?:text|json)$/.test(args[i + 1] ?? '') ? ['--log-level', 'debug'] : [one],
  );
}
