/** XEP-0082: XMPP Date and Time Profiles, version 1.1. Used wherever a stamp stands in a stanza. */
import { type Instant, instant } from '../xmpp/time.ts';

const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Reads a DateTime; undefined if it is none (a year beyond 9999, `20120419T16:00:44`, 30 February, 25:00, …). */
export function readStamp(text: string): Instant | undefined {
  const known = read.get(text);
  if (known !== undefined) return known;
  const at = parseStamp(text);
  if (at !== undefined && text.length <= 'YYYY-MM-DDTHH:MM:SS.mmm+HH:MM'.length) {
    if (read.size >= stampsMax) read.clear();
    read.set(text, at);
  }
  return at;
}

function parseStamp(text: string): Instant | undefined {
  const match = dateTime.exec(text);
  if (!match) return undefined;
  const part = (index: number) => Number(match[index] ?? 0);
  const [month, day] = [part(2) - 1, part(3)];
  const [hour, minute, second] = [part(4), part(5), part(6)];
  const offset = part(9) * 60 + part(10);
  // The ranges are those of `dateTime` in XML Schema, on which the profile is based: no leap second, no zone beyond 14:00.
  if (hour > 23 || minute > 59 || second > 59 || part(10) > 59 || offset > 14 * 60) return undefined;
  // `Date.UTC` would make 1 March of 30 February, and 1950 of the year 50.
  const date = new Date(0);
  date.setUTCFullYear(part(1), month, day);
  if (date.getUTCMonth() !== month || date.getUTCDate() !== day) return undefined;
  const ms = date.setUTCHours(hour, minute - (match[8] === '-' ? -offset : offset), second);
  return instant(ms + Math.round(part(7) * 1000));
}

/** Writes a DateTime in UTC with milliseconds, which keep the order of a busy room. */
export function writeStamp(at: Instant): string {
  let text = written.get(at);
  if (text === undefined) {
    text = new Date(at).toISOString();
    if (written.size >= stampsMax) written.clear();
    written.set(at, text);
  }
  return text;
}

// The copies of a message, and all who are given the same history, have the same stamps: bounded memos of what the pure
// functions returned, as for JIDs.
const read = new Map<string, Instant>();
const written = new Map<Instant, string>();
const stampsMax = 1024;
