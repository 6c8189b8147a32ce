/** XEP-0282 §4.3, §4.11.2: the end of the primary's answer, `<ready/>`. */
import { commit } from '../../room/commit.ts';
import { isLocal } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { localSessions } from '../../room/sessions.ts';
import type { Ready } from '../../xep/sync.ts';
import { iqResult, type Stanza } from '../../xmpp/stanza.ts';
import { enterAgain, markOthers } from './apart.ts';
import { ask } from './asking.ts';
import { counted, leftHere } from './leavers.ts';
import type { PhaseOf } from './phase.ts';
import { makeWay } from './provisional.ts';
import { relayMs, type Session } from './session.ts';
import { settle } from './settling.ts';
import { usersDigest } from './users-digest.ts';

/** All of the answer is here, or part of it is asked for again: then it is not acknowledged, the request is the answer. */
export function ready(turn: RoomTurn, session: Session, now: PhaseOf<'syncing'>, said: Ready, stanza: Stanza): void {
  if (!now.answer.isComplete(said, turn.room.n)) {
    turn.note('decision#5', 'part of the state is missing: asked for again');
    return ask(turn, session);
  }
  if (said.users === undefined || said.users === usersDigest(counted(turn, session.tickets)))
    return goLive(turn, session, now, said, stanza);
  turn.note('decision#41', 'the primary counts others as our users: asked whom');
  // A primary that keeps them to itself is asked again when it is time, not in a circle.
  if (!now.request?.listUsers) ask(turn, session, true);
}

/** What the primary sent is complete: acknowledged, and what happened here meanwhile goes the other way. */
function goLive(turn: RoomTurn, session: Session, now: PhaseOf<'syncing'>, said: Ready, stanza: Stanza): void {
  const { room } = turn;
  const { tickets, live, provisional, relays } = session;
  const { answer, request, settling, destroying } = now;
  if (request) request.state = 'over';
  const waiting = room.locals.filter(
    (local) => !local.provisional && tickets.isUnanswered(turn, local.jid, local.nick),
  );
  tickets.settled();
  if (answer.mode === 'full') {
    // Decision #44; a room of a later epoch never knew them.
    if (room.config.split.policy === 'local' && answer.created.epoch === room.epoch)
      for (const occupant of [...room.occupants.values()]) {
        const here = localSessions(occupant);
        if (!occupant.provisional && !here.some(({ jid }) => answer.knows(jid))) enterAgain(turn, here);
      }
    makeWay(turn, answer.nicks);
  }
  const left = leftHere(turn, tickets);
  const talk = new Set(room.divergence.flatMap(({ kind, id }) => (kind === 'said' ? [id] : [])));
  const unserved = answer.take(turn, left, said);
  live.caughtUp(turn);
  if (answer.mode === 'full')
    for (const { nick, stanzaId } of answer.messages) relays.reflected(room, nick, stanzaId, turn.env.now);
  provisional.caughtUp(turn, talk);
  session.become(turn, { phase: 'live', relayed: undefined, request, settling, destroying });
  turn.clearTimer('create');
  session.watch(turn);
  const what = `${room.occupants.size} occupants, ${room.history.length} messages of history`;
  turn.note('decision#5', `replica live: ${what}`);
  markOthers(turn, false, () => false);
  turn.send(iqResult(stanza, session.ack(room)), 'decision#5', room.jid);
  settle(turn, session);
  for (const [jid, nick] of unserved) {
    // Their join passed here and crossed with the primary's state on the way: this is its answer (decision #6).
    const ticket = tickets.valid(turn, jid, nick);
    const occupant = room.occupants.get(nick);
    if (ticket && occupant) live.serve(turn, occupant, jid, ticket.join);
    else if (!left.has(jid)) live.refuseEnter(turn, nick, jid, undefined);
  }
  for (const { jid } of waiting) {
    // Decision #78: they were in and asked to enter again, and the primary's answer was lost with what went before.
    relays.forgetPresence(jid, turn.env.now);
    const local = room.occupantByJid(jid);
    if (local === undefined || !isLocal(local) || local.provisional) continue;
    const { join = {} } = tickets.valid(turn, jid, local.nick) ?? {};
    tickets.forget(jid);
    commit(turn, { kind: 'returned', occupant: local, join }, { spec: 'decision#78', n: 'none' });
  }
  live.purge(turn);
  // Of what was relayed before, the primary has to be asked.
  if (relays.oldest(turn.env.now)) session.lookAfterRelays(turn, relayMs);
}
