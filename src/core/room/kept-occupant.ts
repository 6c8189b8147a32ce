import { type Inside, tooManyPresences } from './bounds.ts';
import type { Occupant } from './event.ts';
import { boundedPayloads, detached } from './size.ts';

/** Somebody as the room keeps them: with as much of their presence as it takes, which other nodes may not have looked at. */
// A room looks at its people all the time, and engines are quick with what has one shape: so these have all parts, those that
// a rule left out too.
export function keptOccupant(room: Inside, occupant: Occupant): Occupant {
  const { nick, jid, affiliation, role, claimed, guarded, home, occupantId } = occupant;
  const { presence, cutOff, provisional, key, sessions } = occupant;
  const isTooMuch =
    tooManyPresences(room, nick, presence, ...(sessions ?? []).map((session) => session.presence)) !== undefined;
  return {
    nick,
    jid,
    affiliation,
    role,
    claimed,
    guarded,
    home,
    occupantId,
    presence: isTooMuch ? [] : detached(boundedPayloads(presence)),
    cutOff,
    provisional,
    key,
    sessions: isTooMuch ? sessions?.map((session) => ({ ...session, presence: [] })) : sessions,
  };
}
