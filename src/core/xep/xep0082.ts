/** XEP-0082: XMPP Date and Time Profiles, version 1.1. Used wherever a stamp stands in a stanza. */
import { type Instant, instant } from '../xmpp/time.ts';

const dateTime = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/;

/** Reads a DateTime; undefined if it is none (a year beyond 9999, `20120419T16:00:44`, …). */
export function readStamp(text: string): Instant | undefined {
  // A message and its copies come one after the other, with one stamp.
  if (lastRead.text !== text) lastRead = { text, at: parseStamp(text) };
  return lastRead.at;
}

let lastRead: { readonly text: string; readonly at: Instant | undefined } = { text: '', at: undefined };

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
  // The copies of a message and its place in the history have one stamp: the last is at hand.
  if (lastWritten.at !== at) lastWritten = { at, text: new Date(at).toISOString() };
  return lastWritten.text;
}

let lastWritten = { at: Number.NaN, text: '' };
