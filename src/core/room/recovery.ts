import type { Divergence, Occupant, RoomEvent } from './event.ts';
import type { RoomTurn } from './room-turn.ts';
import { hasSession, isOf, isServedHere, localSessions } from './sessions.ts';
import { tell, tellOthersOfPresence } from './tell.ts';
import { presenceFor } from './visibility.ts';

/**
 * What was appended last may be durable and yet never have left the node that crashed right then. So at its start a node
 * tells its own users once more what does no harm when it is heard twice: who is here, with which role, and who is gone.
 * Messages are not repeated: a user who missed one finds it in the history, and nobody sees one twice. Decision #50.
 *
 * @param gone  those who left in these events, as they were before, by nick
 */
export function retell(turn: RoomTurn, events: readonly RoomEvent[], gone: ReadonlyMap<string, Occupant>): void {
  const { room } = turn;
  const touched = new Set<string>();
  const entered = new Set<string>();
  for (const event of events) {
    if (event.room !== room.jid) continue;
    if (event.kind === 'diverged') retellLeave(turn, event.act);
    else if (event.kind === 'occupantLeft') touched.add(event.nick);
    else if (event.kind === 'nickChanged') touched.add(event.nick).add(event.newNick);
    else if (event.kind === 'occupantChanged' || event.kind === 'occupantEntered') {
      touched.add(event.occupant.nick);
      if (event.kind === 'occupantEntered' || event.joining) entered.add(event.occupant.nick);
    }
  }
  for (const nick of touched) {
    const occupant = room.occupants.get(nick);
    const before = gone.get(nick);
    if (occupant === undefined) {
      const after = before?.jid === undefined ? undefined : room.occupantByJid(before.jid);
      if (before && after) tell(turn, { kind: 'renamed', before, after }, 'decision#50');
      else if (before) tell(turn, { kind: 'left', occupant: before, parts: { payloads: [] } }, 'decision#50');
      continue;
    }
    const here = localSessions(occupant);
    if (here.length === 0) {
      tell(turn, { kind: 'presence', occupant }, 'decision#50');
      continue;
    }
    // A user who entered may lack the whole answer: the others, themselves, history, subject. Any other may have asked to
    // enter anew, with a join that the crash took, and would take their own presence alone for the answer to it.
    const join = entered.has(nick) ? {} : { history: { maxstanzas: 0 } };
    const [shown, ...more] = here;
    if (shown) tellOthersOfPresence(turn, { kind: 'presence', occupant: shown });
    for (const session of [...more, ...here.slice(0, 1)])
      tell(turn, { kind: 'returned', occupant: session, join }, 'decision#50');
  }
}

/**
 * A user who left a node that does not decide is out there (decision #9), and stays on its roster until the node that
 * decides has heard of it. If they asked to come back since, that node may have let them in itself, and this one does not
 * know it yet.
 */
function retellLeave(turn: RoomTurn, act: Divergence): void {
  const { room } = turn;
  if (!room.divergence.some((one) => one.id === act.id && !(one.kind === 'left' && one.back))) return;
  const known = act.kind === 'left' && !act.unserved ? room.occupants.get(act.nick) : undefined;
  if (known === undefined) return;
  // Or this node still serves another session of theirs.
  const unnamed = known.jid === undefined && !isServedHere(known);
  if (!unnamed && !(isOf(known, act.jid) && !(isServedHere(known) && hasSession(known, act.jid)))) return;
  const self = { ...known, jid: act.jid };
  turn.send(presenceFor(room, self, self, { type: 'unavailable', payloads: [] }), 'decision#50');
}
