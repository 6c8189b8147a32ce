/** XEP-0282 §4.8, §4.11.1.2: what became of what a replica relayed, and what its author is told. Decisions #130 to #132. */
import { refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { refuse } from '../../room/tell.ts';
import { readOutcomes, writeAsked } from '../../xep/sync.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { type Instant, instant } from '../../xmpp/time.ts';
import { timeoutMs } from '../keepalive.ts';
import { askedOf, isJoin, type Relay } from './relays.ts';
import { relayMs, type Session } from './session.ts';

/** The timer after a relay: the primary should have been heard by now (decision #72), and what was relayed have come back. */
export function lookAfterRelays(turn: RoomTurn, session: Session): void {
  const { room, env } = turn;
  const { relays, link } = session;
  session.looksAfterRelays = false;
  const now = session.now(room);
  if (now.phase !== 'live' || link === undefined) return;
  const isLate = (at: Instant | undefined) => at !== undefined && at + relayMs <= env.now;
  const due = relays.until(instant(env.now - relayMs), env.now);
  const isAsking = link.isWaiting || (relays.asking !== undefined && env.now - relays.asking.at < timeoutMs);
  const asks = !isAsking && (due.length > 0 || isLate(now.relayed));
  if (asks) {
    const asked = due.flatMap((relay) => askedOf(relay, env.now) ?? []);
    relays.asking = { id: link.ping(turn, ...writeAsked(asked)), at: env.now, relays: due };
    now.relayed = undefined;
  }
  const first = relays.oldest(env.now)?.at ?? now.relayed;
  if (first === undefined) return;
  const ms = isAsking || asks ? timeoutMs : Math.min(first, now.relayed ?? first) + relayMs - env.now;
  session.lookAfterRelays(turn, ms);
}

/** A result of the primary: perhaps that of the ping that asks. A relay that it does not name has arrived. */
export function answered(turn: RoomTurn, session: Session, stanza: Stanza): void {
  const { relays } = session;
  const { asking } = relays;
  if (asking === undefined || stanza.id !== asking.id) return;
  relays.asking = undefined;
  const outcomes = readOutcomes(stanza.payloads);
  for (const relay of asking.relays) {
    const outcome = outcomes.get(relay.n);
    if (!relays.forget(relay) || outcome === undefined) continue;
    // What the room accepts comes back, whatever the primary forgets.
    const isOfRoom = relay.stanza.type === 'groupchat';
    if (outcome === 'lost' || isOfRoom || isOpen(session, relay))
      tellUnknown(turn, session, relay, 'this may have got lost on its way');
  }
  lookAfterRelays(turn, session);
}

/** Decision #130: the replica is split, and what was relayed before has not come back. */
export function tellAllUnknown(turn: RoomTurn, session: Session, text: string): void {
  const { relays } = session;
  relays.asking = undefined;
  for (const relay of relays.all(turn.env.now)) if (isOpen(session, relay)) tellUnknown(turn, session, relay, text);
}

/**
 * Whether its author is told without the primary being asked. A user who asked to enter may be let in all the same, and what
 * was overtaken the primary has answered itself: of these only what never arrived is told (decision #132).
 */
function isOpen({ relays }: Session, relay: Relay): boolean {
  return !isJoin(relay.stanza) && !relays.isOvertaken(relay);
}

/** From the address that the author wrote to. */
function tellUnknown(turn: RoomTurn, { relays, tickets }: Session, relay: Relay, text: string): void {
  const { stanza } = relay;
  relays.told(relay, turn.env.now);
  if (isJoin(stanza)) {
    tickets.forget(stanza.from);
    tickets.settled(stanza.from);
  }
  refuse(turn, stanza, refusal('wait', 'remote-server-timeout', 'decision#130', text));
}
