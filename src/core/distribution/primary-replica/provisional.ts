import { commit } from '../../room/commit.ts';
import type { LocalOccupant, Occupant } from '../../room/event.ts';
import { delayedMessage, recent, wantedHistory } from '../../room/history.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { skeleton } from '../../room/skeleton.ts';
import { presenceFor, seesPresence } from '../../room/visibility.ts';
import type { JoinRequest } from '../../xep/xep0045.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { diverge } from './apart.ts';
import { stranger } from './initial-state.ts';

/**
 * Those whom a replica let in while it was split (XEP-0282 §4.11.1.2 "enable local users to enter the room"), until the
 * primary has accepted or refused them, and what was said beside them. Decisions #42, #44.
 */
export class Provisional {
  /** Who entered at the primary under the nick of a provisional user here: perhaps that very user. */
  readonly #claims = new Map<string, Occupant>();
  /** Users who entered after something was said here during the split, and the ids of what of it was not judged yet. */
  readonly #newcomers = new Map<Jid, ReadonlySet<string>>();
  /** Ids of what was said here during the split and is accepted by now, until all who are in provisionally are judged. */
  readonly #accepted = new Set<string>();

  claim(nick: string, occupant: Occupant): void {
    this.#claims.set(nick, occupant);
  }

  takeClaim(nick: string): Occupant | undefined {
    const claim = this.#claims.get(nick);
    this.#claims.delete(nick);
    return claim;
  }

  /**
   * All that was missed has come.
   *
   * @param said  ids of what was said here during the split: what of it is the room's by now, all here have heard
   */
  caughtUp(turn: RoomTurn, said: ReadonlySet<string>): void {
    this.#claims.clear();
    if (said.size === 0) return;
    for (const { id, split } of turn.room.atHand) if (split !== undefined && said.has(split.id)) this.#accepted.add(id);
  }

  /**
   * A user of ours enters the room.
   *
   * @param heardAll  they were in all the time
   * @returns whether what was said here during the split, and is not judged, comes to them once it is
   */
  enters(turn: RoomTurn, user: Jid, heardAll: boolean): boolean {
    const said = turn.room.divergence.flatMap(({ kind, id }) => (kind === 'said' ? [id] : []));
    const awaits = !heardAll && said.length > 0;
    if (awaits) this.#newcomers.set(user, new Set(said));
    else this.#newcomers.delete(user);
    return awaits;
  }

  /** What was said here during the split, under this id, is the room's by now, under this one. */
  accepted(id: string, said: string | undefined): (user: Jid) => boolean {
    this.#accepted.add(id);
    return (user) => this.#newcomers.get(user)?.has(said ?? '') === true;
  }

  /**
   * The primary has let them in. They have the roster; what they get now is the history that was withheld.
   *
   * @param said  how the primary describes them, where it did
   */
  accept(turn: RoomTurn, known: LocalOccupant, history: JoinRequest['history'], said: Occupant | undefined): void {
    const { room } = turn;
    const claim = this.takeClaim(known.nick) ?? said;
    const { home: _, provisional: __, ...occupant } = { ...known, ...claim, jid: known.jid };
    commit(turn, { kind: 'presence', occupant }, { n: 'none', spec: 'decision#44' });
    // Whom the primary served itself until then it showed those who left here, too, and it has yet to hear of that.
    for (const act of history?.maxstanzas === 0 ? room.divergence : []) {
      if (act.kind !== 'left' || room.occupants.has(act.nick)) continue;
      const gone = { ...stranger(room, act.nick), occupantId: room.occupantIdOf(act.jid) ?? '' };
      const parts = { type: 'unavailable', payloads: [] } as const;
      if (seesPresence(room, gone, known)) turn.send(presenceFor(room, gone, known, parts), 'decision#44');
    }
    const entry = room.divergence.find((act) => act.kind === 'entered' && act.jid === known.jid);
    const after = entry?.kind === 'entered' ? entry.after : undefined;
    // What was said beside them takes no place among what the room shows to who enters; who was in before has seen what was
    // before.
    const ofRoom = room.atHand.filter(({ provisional }) => !provisional);
    const first =
      after === undefined ? ofRoom.length - room.config.historyMax : ofRoom.findIndex(({ id }) => id === after) + 1;
    const withheld = ofRoom.slice(Math.max(0, first)).filter(({ id }) => !this.#accepted.has(id));
    const wanted = wantedHistory(room.config, history);
    for (const item of after === undefined ? recent(withheld, wanted, turn.env.now) : withheld)
      turn.send(delayedMessage(room.jid, item, known.jid), 'decision#44');
  }

  /** All are judged: who is still in provisionally the primary did not let in. It told them why. */
  refuseOthers(turn: RoomTurn): void {
    const manner = { n: 'none', spec: 'decision#44' } as const;
    for (const occupant of turn.room.locals) {
      // Once, for all sessions.
      if (!occupant.provisional || !turn.room.occupants.has(occupant.nick)) continue;
      commit(turn, { kind: 'left', occupant, parts: { payloads: [] } }, manner);
      const claim = this.#claims.get(occupant.nick);
      if (claim) commit(turn, { kind: 'entered', occupant: claim, join: {}, statuses: [] }, manner);
    }
    this.#claims.clear();
    this.#accepted.clear();
    this.#newcomers.clear();
  }
}

/** The nicks are others' at the primary. A provisional user who has one is called something else. Decision #44. */
export function makeWay(turn: RoomTurn, nicks: ReadonlySet<string>): void {
  const { room } = turn;
  const shapes = new Set([...nicks].map(skeleton));
  const manner = { n: 'none', spec: 'decision#44' } as const;
  for (const before of room.locals) {
    if (!before.provisional || !room.occupants.has(before.nick) || !shapes.has(skeleton(before.nick))) continue;
    if (room.config.nicksLocked) {
      commit(turn, { kind: 'left', occupant: before, parts: { statuses: [333], payloads: [] } }, manner);
      // Perhaps it is they who have it, by another way: the primary hears of every leave (decision #9).
      const { jid, nick } = before;
      diverge(turn, { kind: 'left', id: turn.env.newId(), jid, nick, unserved: true, provisional: true });
      continue;
    }
    let nick = `${before.nick}_`;
    while (room.occupantsByShape(skeleton(nick)).length > 0 || shapes.has(skeleton(nick))) nick += '_';
    commit(turn, { kind: 'renamed', before, after: { ...before, nick }, statuses: [210] }, manner);
  }
}
