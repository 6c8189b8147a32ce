import { assertNever } from '../xmpp/errors.ts';
import { clientLimits } from '../xmpp/size.ts';
import { escapeText, isXmlText, utf8Length } from '../xmpp/xml.ts';
import type { OccupantAct, OccupantState } from './occupant.ts';

/** Of the bytes that a server takes from a client, some are for the addresses and the rest of the stanza. */
const textMax = clientLimits.bytes - 8 * 1024;

/** Why no client could send that; undefined if it can. */
export function mistakeIn(act: OccupantAct): string | undefined {
  const texts = Object.values(act);
  if (!texts.every(isXmlText)) return 'the text holds a character that XML cannot carry';
  const bytes = Math.max(...texts.map((text) => utf8Length(escapeText(text))));
  return bytes > textMax ? `the text is ${bytes} bytes long, and may be ${textMax}` : undefined;
}

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
    case 'kick':
      return `${nick} kicks ${act.nick}`;
    default:
      return assertNever(act);
  }
}
