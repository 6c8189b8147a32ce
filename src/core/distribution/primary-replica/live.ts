import { commit } from '../../room/commit.ts';
import { type Happening, isLocal, type Occupant } from '../../room/event.ts';
import { delayedMessage } from '../../room/history.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import {
  asSession,
  hasSession,
  isServedHere,
  joined,
  localSessions,
  nextKey,
  servedElsewhere,
  sessionsOf,
  withHome,
  withSession,
} from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { subjectOf } from '../../room/subject.ts';
import { tell } from '../../room/tell.ts';
import { maySeeJids, presenceFor, seesPresence } from '../../room/visibility.ts';
import { type Position, readBans } from '../../xep/sync.ts';
import { readForm } from '../../xep/xep0004.ts';
import { changesSubject, type JoinRequest, type MucUser, readMucUser, readStatuses } from '../../xep/xep0045.ts';
import { type Dmuc, writeDmuc } from '../../xep/xep0282.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid, parseJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorReply, payloadOf, presence, type Stanza } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { timeoutMs } from '../keepalive.ts';
import { enterAgain } from './apart.ts';
import { stranger, visible } from './initial-state.ts';
import { leftUnder } from './leavers.ts';
import { besideOwn, clamp, itemOf, itemParts, leaveParts, merged, occupantOf } from './primary-stanzas.ts';
import { makeWay, type Provisional } from './provisional.ts';
import type { Relays } from './relays.ts';
import { readReplicaForm } from './replica-form.ts';
import type { Tickets } from './tickets.ts';

/**
 * What a replica does with the primary's changes, one by one and in their order: XEP-0282 §4.5 to §4.9. The same for a
 * change that happens now and for one that is caught up with after a split (§4.11.2), which users see as late.
 */
export class Live {
  readonly #self: Jid;
  readonly #tickets: Tickets;
  readonly #provisional: Provisional;
  readonly #relays: Relays;
  /** Users of ours whom the primary serves itself, and their nicks there, at the end of what is caught up with. */
  #direct: ReadonlyMap<Jid, string> = new Map();
  /** Who was in here, and served by whom, before that was caught up with. */
  #before: readonly Occupant[] = [];
  /** When a user whom the primary entered was refused for the last time. */
  #refused: Instant | undefined;

  constructor(self: Jid, tickets: Tickets, provisional: Provisional, relays: Relays) {
    this.#self = self;
    this.#tickets = tickets;
    this.#provisional = provisional;
    this.#relays = relays;
  }

  /** Decision #4 and #2: of a later epoch, or beyond the next place. */
  isAhead(room: RoomView, { epoch, n }: Position): boolean {
    return epoch > room.epoch || (epoch === room.epoch && n > room.n);
  }

  /** @param direct  users of ours whom the primary serves itself, and their nicks */
  catchesUp(room: RoomView, direct: ReadonlyMap<Jid, string>): void {
    this.#direct = direct;
    this.#before = direct.size === 0 ? [] : [...room.occupants.values()];
  }

  caughtUp(turn: RoomTurn): void {
    const { room } = turn;
    // Decision #43: the primary never told them of those who had gone when it showed them the room.
    const gone = this.#before.filter(({ nick }) => !room.occupants.has(nick));
    for (const viewer of this.#before.flatMap(localSessions)) {
      if (!this.#direct.get(viewer.jid)) continue;
      for (const one of gone)
        if (one.jid !== viewer.jid && seesPresence(room, one, viewer))
          turn.send(presenceFor(room, one, viewer, { type: 'unavailable', payloads: [] }), 'decision#43');
    }
    this.#before = [];
  }

  /**
   * @param late  it is caught up with
   * @returns false if it is nothing that the primary may send now
   */
  presence(
    turn: RoomTurn,
    nick: string,
    user: MucUser | undefined,
    dmuc: Dmuc | undefined,
    stanza: Stanza,
    late: boolean,
  ): boolean {
    if (dmuc?.enter) this.#enter(turn, nick, user, dmuc.enter, dmuc, stanza);
    else if (dmuc?.leave) this.#leave(turn, nick, dmuc.leave, user, stanza);
    else if (!user) return false;
    else if (dmuc?.position === undefined) return this.#rosterEntry(turn, nick, user, stanza);
    else if (stanza.type === undefined) this.#update(turn, nick, user, dmuc.position.n, stanza, late);
    else this.#departure(turn, nick, user, dmuc.position.n, stanza, late);
    this.purge(turn);
    return true;
  }

  /** §4.7. */
  #update(turn: RoomTurn, nick: string, user: MucUser, n: number, stanza: Stanza, late: boolean): void {
    const { room } = turn;
    const said = besideOwn(room, occupantOf(room, nick, user, stanza.payloads));
    let known = room.occupants.get(nick);
    if (known?.provisional) {
      const jid = known.jid as Jid;
      const asked = late ? this.#direct.get(jid) === nick : this.#tickets.valid(turn, jid, nick)?.provisional;
      if (asked || said.jid === known.jid) {
        // Theirs, if the JID says so, the primary serves them itself, or `<enter/>` follows; else somebody else was faster.
        this.#provisional.claim(nick, said);
        return turn.record({ kind: 'positionPassed', n });
      }
      makeWay(turn, new Set([nick]));
      known = room.occupants.get(nick);
    }
    // Someone who left here while the primary could not be told: it will be told (decision #42).
    if (known === undefined && leftUnder(turn, this.#tickets, nick)) return turn.record({ kind: 'positionPassed', n });
    const occupant = merged(known, said);
    const manner = { n, spec: '0282#4.7' };
    if (known === undefined) commit(turn, { kind: 'entered', occupant, join: {}, statuses: [] }, manner);
    else if (late && visible(known) === visible(occupant)) turn.record({ kind: 'occupantChanged', n, occupant });
    // XEP-0045 §8: a new moderator learns who the others are; the primary sent the JIDs before (decision #7).
    else if (known.jid !== undefined && occupant.jid !== known.jid)
      commit(turn, { kind: 'presence', occupant, before: known }, manner);
    else commit(turn, { kind: 'presence', occupant, parts: { item: itemParts(user) } }, manner);
  }

  /** §4.6, and a change of nick. */
  #departure(turn: RoomTurn, nick: string, user: MucUser, n: number, stanza: Stanza, late: boolean): void {
    const { room } = turn;
    const known = room.occupants.get(nick);
    const payloads = cleanPayloads(room.jid, stanza.payloads);
    const claim = this.#provisional.takeClaim(nick);
    if (late && known && isServedHere(known) && !known.provisional && isHeldNoMore(room, user))
      return enterAgain(turn, localSessions(known), n);
    if (known === undefined || known.provisional) {
      // A local user who left here first, or a nick that is a provisional user's here: only the place is news.
      const newNick = user.statuses.includes(303) ? user.nick : undefined;
      const left = leftUnder(turn, this.#tickets, nick);
      if (known) turn.record({ kind: 'positionPassed', n });
      else if (newNick !== undefined && left) turn.record({ kind: 'nickChanged', n, nick, newNick });
      else turn.record({ kind: 'occupantLeft', n, nick });
      if (newNick === undefined || (known && (claim === undefined || claim.jid === known.jid))) return;
      // Or someone who left here, of which the primary never heard, and asks to come back under another nick.
      const back = !left && !late && !room.occupants.has(newNick);
      const before = claim ?? (back ? occupantOf(room, newNick, user, stanza.payloads) : undefined);
      if (before === undefined) return;
      const occupant = { ...before, nick: newNick, presence: payloads };
      const manner = { n: 'none', spec: '0282#4.7' } as const;
      return commit(turn, { kind: 'entered', occupant, join: {}, statuses: [] }, manner);
    }
    if (user.statuses.includes(303) && user.nick !== undefined) {
      const holder = room.occupants.get(user.nick);
      if (holder?.provisional) {
        if (!late && this.#tickets.valid(turn, holder.jid as Jid, user.nick)?.provisional) {
          // The primary knew them under another nick, and `<enter/>` follows; else it is somebody else's, as above.
          this.#provisional.claim(user.nick, { ...known, nick: user.nick, presence: payloads });
          // To them, too: it is not they, as they are called here, who go.
          const { jid: _, ...nameless } = known;
          const left = { kind: 'left', occupant: nameless, parts: { payloads: [] } } as const;
          return commit(turn, left, { n, spec: 'decision#44' });
        }
        makeWay(turn, new Set([user.nick]));
      }
      const renamed = { ...known, nick: user.nick, presence: payloads };
      const other = room.occupants.get(user.nick);
      const after = other === undefined ? renamed : joined(renamed, other);
      for (const { jid } of localSessions(known)) this.#relays.forgetPresence(jid, turn.env.now);
      return commit(turn, { kind: 'renamed', before: known, after }, { n, spec: '0282#4.7' });
    }
    const occupant = { ...known, affiliation: user.affiliation };
    const alone = user.destroy !== undefined;
    const parts = { payloads, ...leaveParts(user) };
    commit(turn, { kind: 'left', occupant, parts, alone }, { n, spec: '0282#4.6' });
  }

  /** §4.3 outside of a sync: what this replica may now know; news only to those who may see JIDs and did not. */
  #rosterEntry(turn: RoomTurn, nick: string, user: MucUser, stanza: Stanza): boolean {
    const { room } = turn;
    const known = room.occupants.get(nick);
    if (known === undefined || known.provisional || stanza.type !== undefined) return false;
    const occupant = merged(known, besideOwn(room, occupantOf(room, nick, user, stanza.payloads)));
    turn.record({ kind: 'occupantChanged', occupant });
    if (known.jid !== undefined || occupant.jid === undefined) return true;
    for (const viewer of room.locals) {
      if (maySeeJids(room, viewer) && seesPresence(room, occupant, viewer))
        turn.send(presenceFor(room, occupant, viewer), 'decision#7');
    }
    return true;
  }

  /** §4.5: only for a user who asked (decision #6), under the nick of the primary's own update before it. */
  #enter(turn: RoomTurn, nick: string, user: MucUser | undefined, jid: Jid, dmuc: Dmuc, stanza: Stanza): void {
    const { room } = turn;
    this.#tickets.answered(turn, jid);
    this.#relays.forgetPresence(jid, turn.env.now);
    const ticket = this.#tickets.valid(turn, jid, nick);
    const known = room.occupants.get(nick);
    const session = known && asSession(known, jid);
    const served = session !== undefined && isLocal(session) && session.jid === jid;
    if (known === undefined || !(ticket || served)) {
      turn.note('0282#4.5', `enter for ${jid}, who did not ask: refused`);
      return this.refuseEnter(turn, nick, jid, stanza.id);
    }
    if (ticket && served && session.provisional) {
      // Whom the primary never missed it enters without an update before.
      const said = user && occupantOf(room, nick, user, stanza.payloads);
      this.#tickets.forget(jid);
      return this.#provisional.accept(turn, session, dmuc.history ?? ticket.join.history, said);
    }
    if (ticket) this.serve(turn, known, jid, dmuc.history ? { ...ticket.join, history: dmuc.history } : ticket.join);
  }

  /** Puts a user on the distribution list and gives them everything: roster, themselves, history, subject (§4.5). */
  serve(turn: RoomTurn, known: Occupant, jid: Jid, join: JoinRequest): void {
    const { room } = turn;
    this.#tickets.forget(jid);
    const occupant = serving(known, jid);
    const provisional = room.locals.find((local) => local.provisional && local.jid === jid);
    if (provisional) turn.record({ kind: 'occupantLeft', nick: provisional.nick });
    turn.record({ kind: 'occupantChanged', occupant, joining: true });
    // The primary has them under the nick of before: what they were called here meanwhile is given up.
    if (provisional) tell(turn, { kind: 'renamed', before: provisional, after: occupant }, 'decision#44');
    // They are back: whether the primary heard that they left is of no interest any more.
    if (room.divergence.some((act) => act.kind === 'left' && act.jid === jid))
      turn.record({ kind: 'divergenceSettled', ids: [], user: jid });
    const wasHere = isLocal(asSession(known, jid)) || provisional !== undefined;
    const accepted = this.#provisional.enters(turn, jid, wasHere);
    const { password: _, ...asked } = join;
    commit(turn, { kind: 'returned', occupant, join: asked, accepted }, { spec: '0282#4.5' });
  }

  /** Whether the primary may have spoken before it heard of a refusal: then it counts another user as ours (decision #70). */
  hasJustRefused({ env }: RoomTurn): boolean {
    return this.#refused !== undefined && env.now - this.#refused < timeoutMs;
  }

  refuseEnter(turn: RoomTurn, nick: string, jid: Jid, id: string | undefined): void {
    const { room } = turn;
    this.#refused = turn.env.now;
    const enter = presence(occupantJid(room.jid, nick), this.#self, { id });
    turn.send(
      errorReply(
        enter,
        stanzaError('modify', 'not-acceptable', 'this user did not ask to enter'),
        writeDmuc({ enter: jid }),
      ),
      'decision#6',
      room.jid,
    );
  }

  /** §4.6: "The replica removes user and forwards the stanza to user". The others hear of it by the update after it. */
  #leave(turn: RoomTurn, nick: string, jid: Jid, user: MucUser | undefined, stanza: Stanza): void {
    const { room } = turn;
    const known = room.occupants.get(nick);
    if (stanza.type !== 'unavailable') return;
    // They believe to be in, and are neither here nor there (decision #47).
    const unknown = room.occupantByJid(jid) === undefined && !room.divergence.some((act) => act.jid === jid);
    if (user?.statuses.includes(333) && unknown && this.#tickets.serves(jid) && !this.#tickets.waits(turn, jid)) {
      const stranger = { nick, jid, affiliation: 'none', role: 'none', occupantId: '', presence: [] } as const;
      const parts = { type: 'unavailable', payloads: [], ...leaveParts(user) } as const;
      return turn.send(presenceFor(room, stranger, stranger, parts), 'decision#47');
    }
    // Of somebody provisional it is about what was before: their entry is judged by itself (decision #44).
    // The primary has heard of it: where another session of theirs is in, no leave of the user follows.
    const act = room.divergence.find((one) => one.kind === 'left' && one.jid === jid);
    if (act?.kind === 'left' && !act.unserved && !act.back) turn.record({ kind: 'divergenceSettled', ids: [act.id] });
    const session = known && asSession(known, jid);
    if (known === undefined || session === undefined || !isLocal(session)) return;
    if (session.provisional || session.jid !== jid) return;
    turn.record({ kind: 'occupantChanged', occupant: servedElsewhere(known, jid, room.jid) });
    const parts = {
      type: 'unavailable',
      payloads: cleanPayloads(room.jid, stanza.payloads),
      ...(user ? leaveParts(user) : {}),
    } as const;
    const occupant = { ...session, affiliation: user?.affiliation ?? known.affiliation };
    turn.send(presenceFor(room, occupant, occupant, parts), '0282#4.6');
  }

  /** §4.9. */
  message(turn: RoomTurn, nick: string, dmuc: Dmuc, stanza: Stanza, late: boolean): void {
    const { room } = turn;
    const n = dmuc.position?.n ?? 0;
    const at = clamp(dmuc.delay?.stamp ?? turn.env.now, turn.env.now);
    const occupant = room.occupants.get(nick) ?? stranger(room, nick);
    const isSubject = changesSubject(stanza.payloads);
    // A subject that was missed may come without its author's id.
    if (!late || !isSubject) this.#relays.reflected(room, nick, dmuc.origin, turn.env.now);
    const item = itemOf(room, turn, stanza, nick, at, dmuc, this.#self);
    if (isSubject)
      return commit(turn, { kind: 'subject', occupant, subject: subjectOf(item), item }, { n, spec: '0282#4.9' });
    // Said here during a split: those here have seen it (decision #42).
    const mine = room.divergence.some((act) => act.kind === 'said' && act.id === dmuc.split);
    if (!mine) {
      const isLate = late || dmuc.split !== undefined;
      return commit(turn, { kind: 'message', occupant, item, late: isLate }, { n, spec: '0282#4.9' });
    }
    turn.record({ kind: 'messageAccepted', n, item });
    const isNewTo = this.#provisional.accepted(item.id, dmuc.split);
    for (const { jid } of room.locals) if (isNewTo(jid)) turn.send(delayedMessage(room.jid, item, jid), 'decision#42');
  }

  /** Decision #15: what an owner changed. */
  configured(turn: RoomTurn, n: number, stanza: Stanza): void {
    const { room } = turn;
    const form = readForm({ children: stanza.payloads });
    if (form === undefined) return this.#affiliated(turn, n, stanza);
    const changes = readReplicaForm(room, form);
    commit(turn, { kind: 'configured', changes, statuses: readStatuses(stanza.payloads) }, { n });
    this.purge(turn);
  }

  /** Decision #53, or a place in the sequence that holds nothing for this replica. */
  #affiliated(turn: RoomTurn, n: number, stanza: Stanza): void {
    const dmuc = payloadOf(stanza, 'x', NS.dmuc2);
    const [ban] = dmuc === undefined ? [] : readBans(dmuc);
    const isOurs = ban !== undefined && this.#tickets.serves(ban.user);
    const as: Happening = isOurs ? { kind: 'affiliationChanged', n, ...ban } : { kind: 'positionPassed', n };
    const told = readMucUser(stanza.payloads);
    const user = told?.jid === undefined ? undefined : parseJid(told.jid);
    const { affiliation = 'none' } = told ?? {};
    const by = told && itemParts(told);
    const change = user && ({ kind: 'affiliated', user, affiliation, by, absent: true, placed: true } as const);
    if (change) commit(turn, change, { spec: 'decision#53', as });
    else turn.record(as);
  }

  /** The session is over for good: everybody here is out. */
  dissolve(turn: RoomTurn, destroyed: XmlElement | undefined): void {
    const { room } = turn;
    for (const occupant of [...room.occupants.values()]) {
      const parts = destroyed ? { destroy: destroyed, payloads: [] } : { statuses: [333], payloads: [] };
      commit(turn, { kind: 'left', occupant, parts, alone: true }, { n: 'none', spec: 'decision#40' });
      // Where the primary counts them as its own, it must not go on.
      for (const { jid } of destroyed ? [] : localSessions(occupant))
        turn.send(presence(jid, occupantJid(room.jid, occupant.nick), { type: 'unavailable' }), '0282#4.8', room.jid);
    }
    turn.record({ kind: 'divergenceSettled', ids: room.divergence.map(({ id }) => id) });
  }

  /** Decision #7: without a moderator of its own the replica forgets the JIDs of the others. */
  purge(turn: RoomTurn): void {
    const { room } = turn;
    if (room.whois === 'anyone' || room.locals.some(({ role }) => role === 'moderator')) return;
    for (const occupant of room.occupants.values()) {
      const [known] = sessionsOf(occupant);
      if (isServedHere(occupant) || known === undefined) continue;
      const { jid: _, sessions: __, key: ___, ...unknown } = occupant;
      turn.record({ kind: 'occupantChanged', occupant: unknown });
      // Its own users' addresses it knows in any case.
      if (!this.#tickets.serves(known.jid)) turn.compact();
    }
  }
}

/** Somebody who is in, where this replica serves a session of theirs from now on, which is the one that is shown. */
function serving(known: Occupant, jid: Jid): Occupant {
  if (hasSession(known, jid)) {
    const session = withHome(asSession(known, jid), jid, undefined);
    return session.sessions && session.key === undefined ? { ...session, key: nextKey(session) } : session;
  }
  if (isServedHere(known)) return withSession(known, { jid, presence: known.presence, key: nextKey(known) });
  const { home: _, ...rest } = known;
  return { ...rest, jid };
}

/** Whether it is the end of the primary's patience with those behind this replica, who under `local` went on meanwhile. */
function isHeldNoMore({ config }: RoomView, { statuses }: MucUser): boolean {
  return config.split.policy === 'local' && statuses.includes(333);
}
