/**
 * What stands where in the database of a node (level-store.ts). Every value begins with a checksum of its own key and text,
 * because LevelDB checks nothing of what it reads.
 *
 * | key | value |
 * |---|---|
 * | `a`, `z` | nothing: everything else is between them |
 * | `v` | version of this table |
 * | `h` | the last append: its number and its sum |
 * | `c` | the snapshot: its number, how many parts it has, and the append after which it was made |
 * | `l` number | a record of the log: `.` or, if the append goes on in the next record, `+`, and its events |
 * | `s` number part | a part of a snapshot |
 * | `m` room | what is known of the room's archive |
 * | `g` archive | an archive that nobody refers to any more, to be cleared |
 * | `i` archive place | a block of an archive, which begins with this place |
 * | `e` archive shard number | where items of some ids are (archive-ids.ts) |
 * | `n` archive nick NUL place | a block with something that this author has said |
 * | `x` key | what was found broken, as it was |
 */
import { crc32 } from 'node:zlib';

/** Nothing stands before the one, and nothing behind the other: they are there to be merged with all that is between. */
export const firstKey = 'a';
export const lastKey = 'z';
export const versionKey = 'v';
export const headKey = 'h';
export const snapshotKey = 'c';

export const logKey = (n: number) => `l${fixed(n, 11)}`;
export const partKey = (snapshot: number, part: number) => `s${fixed(snapshot, 7)}${fixed(part, 7)}`;
export const metaKey = (room: string) => `m${ordered(room)}`;
export const garbageKey = (archive: number) => `g${fixed(archive, 7)}`;
export const blockKey = (archive: number, place: string) => `i${fixed(archive, 7)}${ordered(place)}`;
/** Begins what a first database had for each id, and is moved from there. */
export const oldIds = 'd';
export const shardKey = (archive: number, shard: string) => `e${fixed(archive, 7)}${shard}`;
export const idsKey = (archive: number, shard: string, n: number) => shardKey(archive, shard) + fixed(n, 7);
export const nickKey = (archive: number, nick: string, place: string) => nickKeys(archive, place)(nick);

/** A nick to its key, for a block that begins with this place. */
export const nickKeys = (archive: number, place: string) => keysBefore(`n${fixed(archive, 7)}`, place);

function keysBefore(prefix: string, place: string): (name: string) => string {
  const rest = `\0${ordered(place)}`;
  return (name) => prefix + ordered(name) + rest;
}

/** Every key that begins so, and no other. */
export function keysOf(prefix: string): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: behind(prefix) };
}

/** The first key behind all that begin so. No key has the code point that is added. */
export function behind(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** What stands in a key behind this prefix. */
export function restOf(key: string, prefix: string): string {
  const text = key.slice(prefix.length);
  return text.includes('\ud7ff')
    ? text.replace(/\ud7ff([\s\S])/g, (_, unit: string) => String.fromCharCode(unit.charCodeAt(0) + 0xd7ff))
    : text;
}

/** @param chain  sum of the record before this one; absent if the value stands for itself */
export function sealed(key: string, text: string, chain?: number): string {
  return withSum(sumOf(key, text, chain), text);
}

export function withSum(sum: number, text: string): string {
  return hex(sum) + text;
}

/** @returns the text; undefined if it is not what was written under this key */
export function unsealed(key: string, value: string, chain?: number): string | undefined {
  const text = value.slice(8);
  return value.slice(0, 8) === hex(sumOf(key, text, chain)) ? text : undefined;
}

export function sumOf(key: string, text: string, chain = 0): number {
  return crc32(text, crc32(key, chain));
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}

function fixed(n: number, length: number): string {
  return n.toString(36).padStart(length, '0');
}

/**
 * LevelDB compares bytes, which for UTF-8 is the order of code points. Places are compared by code units: so the surrogates
 * and what lies behind them become two characters below the surrogates.
 */
function ordered(text: string): string {
  return /[\ud7ff-\uffff]/.test(text)
    ? text.replace(/[\ud7ff-\uffff]/g, (unit) => `\ud7ff${String.fromCharCode(unit.charCodeAt(0) - 0xd7ff)}`)
    : text;
}
