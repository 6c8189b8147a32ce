import type { Occupant, RoomEvent } from '../../core/room/event.ts';

/** Who is in at a node by its events: read apart from the code that applies them. */
export type Occupants = Map<string, Occupant>;

export function fold(occupants: Occupants, event: RoomEvent): void {
  switch (event.kind) {
    case 'stateReplaced':
      occupants.clear();
      for (const occupant of event.occupants) occupants.set(occupant.nick, occupant);
      break;
    case 'occupantEntered':
    case 'occupantChanged':
      occupants.set(event.occupant.nick, event.occupant);
      break;
    case 'occupantLeft':
      occupants.delete(event.nick);
      break;
    case 'nickChanged': {
      const occupant = occupants.get(event.nick);
      occupants.delete(event.nick);
      if (occupant) occupants.set(event.newNick, { ...occupant, nick: event.newNick });
      break;
    }
  }
}
