import { assertNever } from '../xmpp/errors.ts';
import type { OccupantAct, OccupantState } from './occupant.ts';

/** Why a user cannot do that now; undefined if they can, and also if it is done already. */
export function whyNot(act: OccupantAct, { phase, nick, room, offer }: OccupantState): string | undefined {
  switch (act.act) {
    case 'join':
      if (phase !== 'joined' || act.room === undefined || act.room === room) return undefined;
      return `${nick} is in ${room}, and has to leave it first`;
    case 'accept':
    case 'decline':
      return offer === undefined ? `nobody sends ${nick} to another room` : undefined;
    case 'nick':
      return undefined;
    default:
      return phase === 'joined' ? undefined : `${nick} is not in the room`;
  }
}

/** An act as it is told. */
export function inWords(nick: string, act: OccupantAct): string {
  switch (act.act) {
    case 'join':
      return act.room === undefined ? `${nick} joins` : `${nick} joins ${act.room}`;
    case 'accept':
      return `${nick} goes where the room sends them`;
    case 'decline':
      return `${nick} stays away`;
    case 'leave':
      return `${nick} leaves`;
    case 'say':
      return `${nick} says`;
    case 'subject':
      return `${nick} sets the subject`;
    case 'nick':
      return `${nick} becomes ${act.nick}`;
    case 'presence':
      return `${nick} is ${act.show === '' ? 'available' : act.show}`;
    case 'pm':
      return `${nick} sends ${act.to} a private message`;
    default:
      return assertNever(act);
  }
}
