/** XEP-0289 §8, primary-replica mode: what waits for the echo of the primary, told apart. Decision #150. */
import type { Change } from '../../room/change.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { Awaited } from './awaited.ts';
import type { Known } from './reading.ts';

export type Held = 'message' | 'subject' | 'presence' | 'renamed';

/** Decision #150. What moderators do by iq is their own node's to decide, and an answer to a user is for nobody else. */
export function waits(change: Change, stanza: Stanza): change is Change & { kind: Held } {
  if (stanza.name === 'iq') return false;
  return (
    change.kind === 'message' || change.kind === 'subject' || change.kind === 'presence' || change.kind === 'renamed'
  );
}

/** Presence of a session that is in. */
export function isUpdate(change: Change): boolean {
  return change.kind === 'presence' && change.before === undefined;
}

/** The session, or the user of a node that joined this one, who says how available they are. */
export function updated({ author, name, nick, wish }: Awaited): Jid | undefined {
  if (wish.kind === 'change') return isUpdate(wish.change) ? wish.stanza.from : undefined;
  return wish.kind === 'relayed' && name === 'presence' && nick === undefined ? author : undefined;
}

/** A session that enters beside others of its user. */
export function isBeside(change: Change): boolean {
  return change.kind === 'presence' && change.before !== undefined;
}

/** That this user is to enter under this nick. */
export function isEntryOf({ jid, nick }: Known): (asked: Awaited) => boolean {
  return ({ author, nick: asked, wish }) => wish.kind === 'entry' && author === jid && asked === nick;
}
