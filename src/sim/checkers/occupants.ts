import type { Occupant, RoomEvent } from '../../core/room/event.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';

/** The occupants at a node, by its events. It does not share the code that applies them. */
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
      if (occupant) occupants.set(event.newNick, renamed(occupant, event.newNick, occupants.get(event.newNick)));
      break;
    }
  }
}

/** Under the nick of another occupant of theirs, the sessions of both are one's. */
function renamed(comes: Occupant, nick: string, holder: Occupant | undefined): Occupant {
  if (holder === undefined) return { ...comes, nick };
  const [shown, ...others] = [...sessionsOf(comes), ...sessionsOf(holder)];
  const { jid: _, home: __, ...rest } = holder;
  return { ...rest, ...(shown && { jid: shown.jid, home: shown.home }), sessions: others };
}

type Session = NonNullable<Occupant['sessions']>[number];

/** The sessions of an occupant, as far as a node knows JIDs. */
export function sessionsOf({ jid, home, presence, sessions = [] }: Occupant): readonly Session[] {
  return jid === undefined ? sessions : [{ jid, home, presence }, ...sessions];
}

/** Whether it is a session of theirs. */
export function has(occupant: Occupant | undefined, session: Jid): boolean {
  return occupant !== undefined && sessionsOf(occupant).some(({ jid }) => jid === session);
}

/** Sessions of theirs that a node serves itself. */
export function servedHere(occupant: Occupant | undefined): readonly Jid[] {
  if (occupant === undefined) return [];
  return sessionsOf(occupant).flatMap(({ jid, home }) => (home === undefined ? [jid] : []));
}

/** Whose nick that is, by bare JID; undefined: the node does not know. */
export function userOf(occupant: Occupant | undefined): Jid | undefined {
  const session = occupant && sessionsOf(occupant)[0];
  return session && bareOf(session.jid);
}
