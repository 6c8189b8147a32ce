/** XEP-0082: XMPP Date and Time Profiles, version 1.1. Used wherever a stamp stands in a stanza. */
import { type Instant, instant } from '../xmpp/time.ts';

const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Reads a DateTime; undefined if it is none (a year beyond 9999, `20120419T16:00:44`, …). */
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
  const [, year, month, day, hour, minute, second, fraction, sign, offsetHours, offsetMinutes] = match;
  const offset = (Number(offsetHours ?? 0) * 60 + Number(offsetMinutes ?? 0)) * (sign === '-' ? -1 : 1);
  const ms = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute) - offset,
    Number(second),
  );
  return Number.isNaN(ms) ? undefined : instant(ms + Math.round(Number(fraction ?? 0) * 1000));
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
