/** XEP-0289 §8: what a user asked for, as it happens now that it has come back. Decision #150. */
import type { Change } from '../../room/change.ts';
import { checkPresence, entry, renamed, stampOf } from '../../room/checks.ts';
import { commit } from '../../room/commit.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf } from '../../room/sessions.ts';
import { subjectOf } from '../../room/subject.ts';
import type { Wish } from './awaited.ts';

export function commitWish(turn: RoomTurn, wish: Exclude<Wish, { kind: 'entry' }>): void {
  if (wish.kind === 'relayed') return wish.by.admit(turn);
  const change = asOfNow(turn, wish);
  if (change) commit(turn, change, { spec: '0289#8' });
}

/** @returns undefined where there is nobody any more to whom it happens */
function asOfNow(turn: RoomTurn, { change, stanza, isOver }: Wish & { kind: 'change' }): Change | undefined {
  const { room, env } = turn;
  if (isOver) return undefined;
  const occupant = room.occupantByJid(stanza.from);
  switch (change.kind) {
    case 'message':
    case 'subject': {
      if (room.holds(change.item)) return undefined;
      // What everybody else has read is said, whoever has left since.
      const item = { ...change.item, nick: occupant?.nick ?? change.item.nick, at: stampOf(room, env.now) };
      return change.kind === 'message' ? { ...change, item } : { ...change, item, subject: subjectOf(item) };
    }
    case 'presence': {
      if (change.before === undefined) return occupant && checkPresence(room, occupant, stanza);
      const { jid } = change.occupant;
      return occupant || jid === undefined ? undefined : entry(room, { ...change.occupant, jid }, change.join ?? {});
    }
    case 'renamed': {
      const { nick } = change.after;
      const holder = room.occupants.get(nick);
      if (occupant === undefined || (holder && !isOf(holder, stanza.from))) return undefined;
      return renamed(room, occupant, nick, stanza);
    }
    default:
      return change;
  }
}
