import type { HistoryItem, RoomEvent } from '../../core/room/event.ts';
import type { Jid } from '../../core/xmpp/jid.ts';
import { textOf } from '../../core/xmpp/xml.ts';
import type { Evidence } from '../evidence.ts';
import { fold, type Occupants, servedHere } from './occupants.ts';

/** Messages that a node kept and told nobody, for each user whom it served itself at that moment. */
export function untoldOf({ kept, untold }: Evidence): ReadonlyMap<Jid, ReadonlySet<string>> {
  const found = new Map<Jid, Set<string>>();
  const rooms = new Map<Jid, Occupants>();
  for (const { i, record } of untold.size === 0 ? [] : kept) {
    const occupants: Occupants = rooms.get(record.node) ?? new Map();
    rooms.set(record.node, occupants);
    for (const event of record.events) {
      fold(occupants, event);
      if (!untold.has(i)) continue;
      const items = itemsOf(event);
      const bodies = items.flatMap(({ payloads }) => payloads.filter(({ name }) => name === 'body').map(textOf));
      for (const jid of [...occupants.values()].flatMap(servedHere))
        found.set(jid, new Set([...(found.get(jid) ?? []), ...bodies]));
    }
  }
  return found;
}

/** The messages that an event keeps, also those of a replica that is cut off (decision #42). */
function itemsOf(event: RoomEvent): readonly HistoryItem[] {
  if (event.kind === 'messageAccepted') return [event.item];
  if (event.kind === 'stateReplaced') return event.history;
  return event.kind === 'diverged' && event.act.kind === 'said' ? [event.act.item] : [];
}
