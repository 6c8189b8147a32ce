/**
 * Where a message stands in the archive of its room: a text that sorts as the archive does. It begins with the time of the
 * message, or with that of the one before it where that is later, so that a time leads to a place.
 */
import type { Instant } from '../xmpp/time.ts';

const timeDigits = 15;
const base = 36;
/** Length of what follows the time where nothing has to go between two others, and the step from one to the next. */
const width = 6;
const step = base ** 2;
/** No place ends with the first digit: there is always another between two. */
const last = 'i';
const middle = `i${last.padStart(width - 1, '0')}`;

/** The place of what is said after all others. @param before  the place of the last of them */
export function placeAfter(before: string | undefined, at: Instant): string {
  const time = timeText(at);
  if (before === undefined || timeOf(before) < time) return time + middle;
  const number = Number.parseInt(orderOf(before).slice(0, width).padEnd(width, '0'), base);
  const next = (Math.floor(number / step) + 1) * step + digit(last);
  const text = next.toString(base).padStart(width, '0');
  return timeOf(before) + (text.length > width ? `${orderOf(before)}${middle}` : text);
}

/** The place of what was said a while ago. @param before, after  its neighbours; `before` is absent for the first of all */
export function placeBetween(before: string | undefined, after: string, at: Instant): string {
  const time = timeText(at);
  const isLater = before === undefined || timeOf(before) < time;
  if (isLater && time < timeOf(after)) return time + middle;
  // It is told late, and stands among others of their time.
  const next = before === undefined || isLater ? undefined : placeAfter(before, at);
  if (next !== undefined && next < after) return next;
  const shared = before !== undefined && timeOf(before) === timeOf(after) ? orderOf(before) : '';
  return timeOf(after) + between(shared, orderOf(after));
}

/** What a search from this time on begins with. */
export function placeFrom(at: Instant): string {
  return timeText(at);
}

function timeText(at: Instant): string {
  return String(Math.max(0, at)).padStart(timeDigits, '0');
}

function timeOf(place: string): string {
  return place.slice(0, timeDigits);
}

function orderOf(place: string): string {
  return place.slice(timeDigits);
}

/** A text between two others, of which the second does not end with the first digit. */
function between(a: string, b: string): string {
  let shared = 0;
  while (shared < b.length && (a[shared] ?? '0') === b[shared]) shared++;
  const low = digit(a[shared]);
  const high = shared < b.length ? digit(b[shared]) : base;
  const start = b.slice(0, shared);
  if (high - low > 1) return start + Math.floor((low + high) / 2).toString(base);
  // There is no digit between the two: it begins as the lower one does, and goes on after it.
  const rest = a.slice(shared + 1);
  return start + low.toString(base) + after(rest);
}

function after(text: string): string {
  for (let i = 0; ; i++) {
    const next = Math.ceil((digit(text[i]) + base) / 2);
    if (next < base) return text.slice(0, i).padEnd(i, '0') + next.toString(base);
  }
}

function digit(character: string | undefined): number {
  return character === undefined ? 0 : Number.parseInt(character, base);
}
