/** XEP-0282 §4.11.2: what a replica's users did during a split goes to the primary, which judges it. Decision #42. */
import type { RoomTurn } from '../../room/room-turn.ts';
import { type Position, writeRelayed } from '../../xep/sync.ts';
import { resourceOf } from '../../xmpp/jid.ts';
import { iq, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import { diverge } from './apart.ts';
import { gap, split } from './asking.ts';
import { relayOf } from './divergence.ts';
import type { Session } from './session.ts';

/** When what was relayed after a split is relayed again, if the primary has not answered that it has it all. */
const settleMs = 15_000;
const resettleMs = 1_000;

/** What our users did that the primary does not know of, in the order in which they did it. */
export function settle(turn: RoomTurn, session: Session): void {
  const { room, env } = turn;
  const { self, tickets } = session;
  const now = session.now(room);
  now.settling = undefined;
  turn.clearTimer('settle');
  if (room.divergence.length === 0) return;
  let count = 0;
  const acts: string[] = [];
  for (const act of room.divergence) {
    // They left and ask to come back: the answer to that says more.
    if (act.kind === 'left' && tickets.waits(turn, act.jid)) continue;
    acts.push(act.id);
    const stanza = relayOf(room, self, act);
    if (stanza === undefined) continue;
    if (act.kind === 'entered') {
      const join = act.history === undefined ? {} : { history: act.history };
      tickets.add(turn, act.jid, { nick: resourceOf(stanza.to), join, provisional: true });
    }
    turn.send(stanza, '0282#4.8', room.jid);
    count++;
  }
  if (acts.length === 0) return;
  now.settling = { id: env.newId(), acts };
  turn.send(iq(self, room.jid, { type: 'set', id: now.settling.id }, writeRelayed(count)), 'decision#42', room.jid);
  turn.setTimer('settle', settleMs);
}

/** The primary has judged all of it. @param place  of the last that it accepted */
export function settled(turn: RoomTurn, session: Session, place: Position | undefined): void {
  const { room } = turn;
  const { live, provisional } = session;
  const now = session.now(room);
  const acts = now.settling?.acts ?? [];
  now.settling = undefined;
  turn.clearTimer('settle');
  // What was accepted is not all here: forgotten now, it would come as news to those who have seen it.
  if (place && live.isAhead(room, place)) {
    if (now.phase === 'live') gap(turn, session, place);
    return;
  }
  turn.record({ kind: 'divergenceSettled', ids: acts });
  const refused = room.locals.filter(({ provisional }) => provisional);
  provisional.refuseOthers(turn);
  // The primary may have them from before, under another nick: it hears of every leave (decision #9).
  for (const { jid, nick } of refused)
    diverge(turn, { kind: 'left', id: turn.env.newId(), jid, nick, unserved: true, provisional: true });
  if (refused.length > 0) settle(turn, session);
}

/** The primary could not be asked, or has no answer for the moment. */
export function settlingBounced(turn: RoomTurn, session: Session, stanza: Stanza, condition: string): void {
  session.now(turn.room).settling = undefined;
  if (saysGone(stanza)) return split(turn, session, 'bounce', `what we relayed bounced: ${condition}`);
  turn.setTimer('settle', resettleMs);
}
