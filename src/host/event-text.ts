import type { HistoryItem, RoomEvent } from '../core/room/event.ts';

/**
 * An event as JSON.
 *
 * @param items  is given the JSON of the message in it: the archive keeps that, too, and making it costs more than writing it
 */
export function eventText(event: RoomEvent, items: Map<HistoryItem, string> | undefined): string {
  const text = JSON.stringify(event);
  if (items !== undefined && event.kind === 'messageAccepted') {
    const item = itemIn(event, text);
    if (item !== undefined) items.set(event.item, item);
  }
  return text;
}

const itemBegins = ',"item":{';

/** The message in the JSON of its event. @returns undefined if it is not the last thing in it, or stands behind another object */
function itemIn(event: RoomEvent, text: string): string | undefined {
  let last = '';
  for (const name in event) {
    const value: unknown = event[name as keyof RoomEvent];
    if (value === undefined) continue;
    if (last === 'item' || (name !== 'item' && typeof value === 'object')) return undefined;
    last = name;
  }
  // No string of JSON has a quotation mark in it that nothing escapes.
  const at = last === 'item' ? text.indexOf(itemBegins) : -1;
  return at < 0 ? undefined : text.slice(at + itemBegins.length - 1, -1);
}
