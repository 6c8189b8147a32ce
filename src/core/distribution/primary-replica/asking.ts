/** XEP-0282 §4.2, §4.11.2: how a replica asks for creation or netjoin, and what it makes of silence, bounces and refusals. */
import { leave } from '../../room/commit.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { type Created, type Position, writeCreate, writeNetjoin } from '../../xep/sync.ts';
import { ping } from '../../xep/xep0199.ts';
import { type Jid, occupantJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, iq, presence, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import { el } from '../../xmpp/xml.ts';
import { defaultTimes, jitter, probeMs } from '../keepalive.ts';
import { primaryPeer } from '../peers.ts';
import { markOthers } from './apart.ts';
import { CatchUp } from './catch-up.ts';
import { InitialState } from './initial-state.ts';
import { givenUp } from './leavers.ts';
import { tellAllUnknown } from './outcomes.ts';
import { isUnderWay, type Request } from './phase.ts';
import type { Session } from './session.ts';

/**
 * Right after its own start a replica asks again after 0.25, 0.5, 1, 2 and 4 s before it calls a bounce a split: the
 * primary may be starting in the same moment. Decision #3.
 */
const earlyMs = 250;
const earlyTries = 5;

/** §4.2 (decision #5), or, where there was a session already, §4.11.2 (decision #41). Only ever at our own wish. */
export function ask(turn: RoomTurn, session: Session, listUsers = false): void {
  const { room, env } = turn;
  const { self, wish } = session;
  const request: Request = { id: env.newId(), listUsers, state: 'open', moving: false };
  const now = session.now(room);
  if (now.phase === 'live' || now.phase === 'split') now.request = request;
  else session.move({ phase: 'asking', request, settling: now.settling, destroying: now.destroying });
  const moderators = session.moderators(room);
  const have = { epoch: room.epoch, n: room.n };
  const id = primaryPeer(room, room.jid)?.session;
  if (id !== undefined) {
    const netjoin = writeNetjoin({ session: id, have, moderators, listUsers });
    turn.send(iq(self, room.jid, { type: 'set', id: request.id }, netjoin), 'decision#41', room.jid);
  } else {
    const create = writeCreate({
      serves: session.serves,
      keepalive: wish,
      maxstanzas: room.config.historyMax,
      moderators,
      // Also where nothing has happened since: its epoch counts (decision #4).
      ...(room.epoch > 0 ? { have } : {}),
    });
    turn.send(iq(self, room.jid, { type: 'set', id: request.id }, create), 'decision#5', room.jid);
  }
  turn.setTimer('create', now.phase === 'split' ? probeMs(env, ++now.tries, wish) : answerMs(turn));
}

/** How long the primary has for its answer, or for more of it. Decision #3. */
function answerMs({ env }: RoomTurn): number {
  return jitter(env, defaultTimes.timeout * 1000);
}

/** The primary is there. It is asked, but for what may still be on its way. */
export function askAgain(turn: RoomTurn, session: Session): void {
  const { request } = session.now(turn.room);
  if (!isUnderWay(request)) ask(turn, session);
  else if (request.probe === undefined) sound(turn, session, request);
}

/** A ping that says nothing of how far we are, for we are not anywhere yet: is the request, or the answer, lost? */
function sound(turn: RoomTurn, { self }: Session, request: Request): void {
  const { room } = turn;
  request.probe = turn.env.newId();
  turn.send(ping(self, room.jid, request.probe), '0282#4.11.1.1', room.jid);
}

/** The result of that ping: what was asked for before has come, or is lost. */
export function sounded(turn: RoomTurn, session: Session): void {
  const { phase, request } = session.now(turn.room);
  if (request) request.probe = undefined;
  if (isUnderWay(request) && phase !== 'live') ask(turn, session);
}

/** Decision #3: of several answers on one slow link each makes the others later, so there is never more than one. */
export function overdue(turn: RoomTurn, session: Session): void {
  const now = session.now(turn.room);
  const { request } = now;
  if (!isUnderWay(request)) return ask(turn, session);
  if (now.phase === 'split') {
    sound(turn, session, request);
    return turn.setTimer('create', probeMs(turn.env, ++now.tries, session.wish));
  }
  const begun = now.phase === 'syncing' && request.probe === undefined;
  // Neither state nor refusal came: the same as a bounce, only without the courtesy. Also where all seemed well and the
  // primary offered (decision #5).
  if (!request.moving && !begun) return split(turn, session, 'unanswered', 'no answer to the request');
  request.moving = false;
  if (request.probe === undefined) sound(turn, session, request);
  turn.setTimer('create', answerMs(turn));
}

/** The primary's answer begins. Decision #4: an older epoch is a primary of the past. */
export function created(turn: RoomTurn, session: Session, said: Created): void {
  const { room } = turn;
  const now = session.now(room);
  const { request, settling, destroying } = now;
  if (request === undefined) return;
  if (said.epoch < room.epoch) {
    request.state = 'over';
    turn.note('decision#4', `the primary is of epoch ${said.epoch}, ours is ${room.epoch}: not believed`);
    return;
  }
  session.live.catchesUp(room, said.past ?? new Map());
  const answer = said.mode === 'full' ? new InitialState(said) : new CatchUp(said);
  const answered: Request = { ...request, state: 'answering', moving: true };
  session.become(turn, { phase: 'syncing', answer, request: answered, settling, destroying }, said.session);
  // Decision #43: what they missed they have from the primary. Who is in provisionally has asked here since (decision #44).
  for (const local of room.locals)
    if (said.mode === 'delta' && !local.provisional && said.past?.has(local.jid))
      turn.record({ kind: 'occupantChanged', occupant: givenUp(room, local) });
}

/** Decision #2: what was between is lost, and is asked for. */
export function gap(turn: RoomTurn, session: Session, { epoch, n }: Position): void {
  const { room } = turn;
  outOfStep(turn, session, `position ${epoch}/${n} after ${room.epoch}/${room.n}: something`);
}

/** Decision #41: the two do not count the same users. */
export function otherUsers(turn: RoomTurn, session: Session): void {
  outOfStep(turn, session, 'who enters here, or is no user of ours,', true);
}

function outOfStep(turn: RoomTurn, session: Session, what: string, listUsers = false): void {
  const { room } = turn;
  turn.note('decision#2', `${what} is missing`, { peer: room.jid, sign: 'gap' });
  const { settling, destroying } = session.now(room);
  session.become(turn, { phase: 'asking', settling, destroying });
  ask(turn, session, listUsers);
}

/** An error in answer to the request. */
export function refused(turn: RoomTurn, session: Session, stanza: Stanza, condition: string): void {
  const { room } = turn;
  const now = session.now(room);
  if (now.request) now.request.state = 'over';
  const record = primaryPeer(room, room.jid);
  if (condition === 'unexpected-request' && record?.session !== undefined) {
    session.forget(turn, record);
    return ask(turn, session);
  }
  if (saysGone(stanza) && now.phase !== 'split' && session.bounces < earlyTries)
    return turn.setTimer('create', earlyMs * 2 ** session.bounces++);
  const destroyed = condition === 'item-not-found' && record?.session !== undefined;
  if (!destroyed && (saysGone(stanza) || errorOf(stanza)?.type === 'wait'))
    return split(turn, session, 'bounce', `the request for creation bounced: ${condition}`);
  turn.note('decision#5', `the primary refuses: ${condition} ${errorOf(stanza)?.text ?? ''}`, {
    peer: room.jid,
    sign: 'refused',
  });
  turn.clearTimer('create');
  session.become(turn, { phase: 'dismissed' });
  tellAllUnknown(turn, session, 'the room has ended, and may not have had this');
  session.relays.clear();
  session.live.dissolve(turn, destroyed ? el('destroy', NS.mucUser) : undefined);
}

/** The ping behind the request came back. */
export function soundingBounced(turn: RoomTurn, session: Session, stanza: Stanza, condition: string): void {
  const { request } = session.now(turn.room);
  if (request === undefined) return;
  request.probe = undefined;
  if (!saysGone(stanza)) return;
  request.state = request.state === 'open' ? 'lost' : 'over';
  split(turn, session, 'bounce', `a ping bounced: ${condition}`);
}

/** §4.11.1.2: nothing is submitted any more; netjoin is asked for again and again, with back-off. */
export function split(turn: RoomTurn, session: Session, how: 'bounce' | 'silence' | 'unanswered', why: string): void {
  const { room, env } = turn;
  let now = session.now(room);
  if (now.phase !== 'split') {
    const { request, destroying } = now;
    now = { phase: 'split', tries: 0, request, destroying };
    session.become(turn, now);
    const spec = how === 'bounce' ? '0282#4.11.1.2' : 'decision#3';
    turn.note(spec, `split from the primary: ${why}`, { peer: room.jid, sign: how });
    tellAllUnknown(turn, session, 'the room is cut off from its primary, which may not have this');
    if (room.config.split.away) markOthers(turn, true, (user) => session.mayBeAnswered(turn, user));
  }
  turn.setTimer('create', probeMs(env, now.tries, session.wish));
}

/** Decision #40: our users are the primary's from here on, and notice nothing. */
export function dismissed(turn: RoomTurn, session: Session): void {
  const { room } = turn;
  session.become(turn, { phase: 'dismissed' });
  // What is on its way to the primary comes back from the primary itself.
  session.relays.clear();
  turn.clearTimer('create');
  turn.note('decision#40', 'no replica any more: the primary serves our users');
  // What happened while it was cut off is the primary's to judge, and there is no session any more in which it could be.
  for (const act of room.divergence) if (act.kind === 'left') relayLeave(turn, act);
  for (const local of room.locals) {
    if (!local.provisional) {
      turn.record({ kind: 'occupantChanged', occupant: givenUp(room, local) });
      continue;
    }
    leave(turn, local, { statuses: [333], payloads: [] }, { spec: 'decision#44', n: 'none' });
    relayLeave(turn, local);
  }
  turn.record({ kind: 'divergenceSettled', ids: room.divergence.map(({ id }) => id) });
  session.live.purge(turn);
}

function relayLeave(turn: RoomTurn, { jid, nick }: { readonly jid: Jid; readonly nick: string }): void {
  const { room } = turn;
  turn.send(presence(jid, occupantJid(room.jid, nick), { type: 'unavailable' }), '0282#4.8', room.jid);
}
