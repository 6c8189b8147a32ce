import { isLocal, type LocalOccupant, type Occupant } from '../../room/event.ts';
import { delayedMessage, recent } from '../../room/history.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import { skeleton } from '../../room/nick.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { tell, tellOfSight } from '../../room/tell.ts';
import { maySeeJids, presenceFor, seesPresence } from '../../room/visibility.ts';
import { type Position, readBans } from '../../xep/sync.ts';
import { readForm } from '../../xep/xep0004.ts';
import { type JoinRequest, type MucUser, readMucUser, readStatuses, subjectChange } from '../../xep/xep0045.ts';
import { type Dmuc, writeDmuc } from '../../xep/xep0282.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { type Jid, occupantJid, parseJid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorReply, payloadOf, presence, type Stanza } from '../../xmpp/stanza.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { diverge, enterAgain } from './apart.ts';
import { besideProvisional, clamp, itemOf, itemParts, leaveParts, merged, occupantOf } from './from-primary.ts';
import { stranger, visible } from './initial-state.ts';
import { readReplicaForm } from './replica-form.ts';
import type { Tickets } from './tickets.ts';

/**
 * What a replica does with the primary's changes, one by one and in their order: XEP-0282 §4.5 to §4.9. The same for a
 * change that happens now and for one that is caught up with after a split (§4.11.2), which users see as late.
 */
export class Live {
  readonly #self: Jid;
  readonly #tickets: Tickets;
  /** Who entered at the primary under the nick of a provisional user here: perhaps that very user. Decision #44. */
  readonly #claims = new Map<string, Occupant>();
  /** Users who entered after something was said here during the split, and the ids of what of it was not judged yet. Decision #42. */
  readonly #newcomers = new Map<Jid, ReadonlySet<string>>();
  /** Users of ours whom the primary serves itself, and their nicks there, at the end of what is caught up with. */
  #direct: ReadonlyMap<Jid, string> = new Map();
  /** Who was in here, and served by whom, before that was caught up with. */
  #before: readonly Occupant[] = [];
  /** Ids of what was said here during the split and is accepted by now, until all who are in provisionally are judged. */
  readonly #accepted = new Set<string>();

  constructor(self: Jid, tickets: Tickets) {
    this.#self = self;
    this.#tickets = tickets;
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

  /** @param said  ids of what was said here during the split: what of it is the room's by now, all here have heard */
  caughtUp(turn: RoomTurn, said: ReadonlySet<string>): void {
    const { room } = turn;
    this.#claims.clear();
    // Decision #43: the primary never told them of those who had gone when it showed them the room.
    const gone = this.#before.filter(({ nick }) => !room.occupants.has(nick));
    for (const viewer of this.#before) {
      if (!isLocal(viewer) || !this.#direct.get(viewer.jid)) continue;
      for (const one of gone)
        if (one.jid !== viewer.jid && seesPresence(room, one, viewer))
          turn.send(presenceFor(room, one, viewer, { type: 'unavailable', payloads: [] }), 'decision#43');
    }
    this.#before = [];
    if (said.size === 0) return;
    for (const { id, split } of room.archive) if (split !== undefined && said.has(split.id)) this.#accepted.add(id);
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
    const said = besideProvisional(room, occupantOf(room, nick, user, stanza.payloads));
    let known = room.occupants.get(nick);
    if (known?.provisional) {
      const jid = known.jid as Jid;
      const asked = late ? this.#direct.get(jid) === nick : this.#tickets.valid(turn, jid, nick)?.provisional;
      if (asked || said.jid === known.jid) {
        // Theirs, if the JID says so, the primary serves them itself, or `<enter/>` follows; else somebody else was faster.
        this.#claims.set(nick, said);
        return turn.record({ kind: 'positionPassed', n });
      }
      this.makeWay(turn, new Set([nick]));
      known = room.occupants.get(nick);
    }
    // Someone who left here while the primary could not be told: it will be told (decision #42).
    if (known === undefined && this.#leftAs(turn, nick)) return turn.record({ kind: 'positionPassed', n });
    const occupant = merged(known, said);
    turn.record({ kind: known ? 'occupantChanged' : 'occupantEntered', n, occupant });
    if (known === undefined) return tell(turn, { kind: 'entered', occupant, join: {}, statuses: [] }, '0282#4.7');
    if (late && visible(known) === visible(occupant)) return;
    tell(turn, { kind: 'presence', occupant, parts: { item: itemParts(user) } }, '0282#4.7');
    // XEP-0045 §8: a new moderator learns who the others are; the primary sent the JIDs before (decision #7).
    tellOfSight(turn, known, occupant);
  }

  /** Users who left here, of which the primary is about to hear; not those who ask to come back. */
  left(turn: RoomTurn): ReadonlySet<Jid> {
    const { room } = turn;
    const left = new Set<Jid>();
    for (const { kind, jid } of room.divergence) if (kind === 'left' && !this.#tickets.waits(turn, jid)) left.add(jid);
    return left;
  }

  /** Whether somebody left here, of which the primary is about to hear, and asks to come back. */
  comesBack(turn: RoomTurn): boolean {
    const { room } = turn;
    return room.divergence.some(({ kind, jid }) => kind === 'left' && this.#tickets.waits(turn, jid));
  }

  /** Whom the primary should count as this replica's users: those served here, and those of whose leave it is to hear. */
  counted(turn: RoomTurn): readonly (readonly [nick: string, jid: Jid])[] {
    const { room } = turn;
    const left = this.left(turn);
    const served = room.locals.filter(({ provisional }) => !provisional);
    const gone = room.divergence.flatMap((act) =>
      act.kind === 'left' && !act.unserved && left.has(act.jid) ? [act] : [],
    );
    return [...served, ...gone].map(({ nick, jid }) => [nick, jid]);
  }

  #leftAs(turn: RoomTurn, nick: string): boolean {
    const { room } = turn;
    if (room.divergence.length === 0) return false;
    const left = this.left(turn);
    return room.divergence.some(
      (act) => act.kind === 'left' && act.nick === nick && !act.unserved && left.has(act.jid),
    );
  }

  /** §4.6, and a change of nick. */
  #departure(turn: RoomTurn, nick: string, user: MucUser, n: number, stanza: Stanza, late: boolean): void {
    const { room } = turn;
    const known = room.occupants.get(nick);
    const payloads = cleanPayloads(room.jid, stanza.payloads);
    const claim = this.#claims.get(nick);
    this.#claims.delete(nick);
    if (late && known && isLocal(known) && !known.provisional && isHeldNoMore(room, user))
      return enterAgain(turn, known, n);
    if (known === undefined || known.provisional) {
      // A local user who left here first, or a nick that is a provisional user's here: only the place is news.
      const newNick = user.statuses.includes(303) ? user.nick : undefined;
      const left = this.#leftAs(turn, nick);
      if (known) turn.record({ kind: 'positionPassed', n });
      else if (newNick !== undefined && left) turn.record({ kind: 'nickChanged', n, nick, newNick });
      else turn.record({ kind: 'occupantLeft', n, nick });
      if (newNick === undefined || (known && (claim === undefined || claim.jid === known.jid))) return;
      // Or someone who left here, of which the primary never heard, and asks to come back under another nick.
      const back = !left && !late && !room.occupants.has(newNick);
      const before = claim ?? (back ? occupantOf(room, newNick, user, stanza.payloads) : undefined);
      if (before === undefined) return;
      const occupant = { ...before, nick: newNick, presence: payloads };
      turn.record({ kind: 'occupantEntered', occupant });
      return tell(turn, { kind: 'entered', occupant, join: {}, statuses: [] }, '0282#4.7');
    }
    if (user.statuses.includes(303) && user.nick !== undefined) {
      const holder = room.occupants.get(user.nick);
      if (holder?.provisional) {
        if (!late && this.#tickets.valid(turn, holder.jid as Jid, user.nick)?.provisional) {
          // The primary knew them under another nick, and `<enter/>` follows; else it is somebody else's, as above.
          this.#claims.set(user.nick, { ...known, nick: user.nick, presence: payloads });
          turn.record({ kind: 'occupantLeft', n, nick });
          // To them, too: it is not they, as they are called here, who go.
          const { jid: _, ...nameless } = known;
          return tell(turn, { kind: 'left', occupant: nameless, parts: { payloads: [] } }, 'decision#44');
        }
        this.makeWay(turn, new Set([user.nick]));
      }
      turn.record({ kind: 'nickChanged', n, nick, newNick: user.nick, presence: payloads });
      const after = { ...known, nick: user.nick, presence: payloads };
      return tell(turn, { kind: 'renamed', before: known, after }, '0282#4.7');
    }
    turn.record({ kind: 'occupantLeft', n, nick });
    const occupant = { ...known, affiliation: user.affiliation };
    const alone = user.destroy !== undefined;
    tell(turn, { kind: 'left', occupant, parts: { payloads, ...leaveParts(user) }, alone }, '0282#4.6');
  }

  /** §4.3 outside of a sync: what this replica may now know; news only to those who may see JIDs and did not. */
  #rosterEntry(turn: RoomTurn, nick: string, user: MucUser, stanza: Stanza): boolean {
    const { room } = turn;
    const known = room.occupants.get(nick);
    if (known === undefined || known.provisional || stanza.type !== undefined) return false;
    const occupant = merged(known, besideProvisional(room, occupantOf(room, nick, user, stanza.payloads)));
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
    this.#tickets.answered(jid);
    const ticket = this.#tickets.valid(turn, jid, nick);
    const known = room.occupants.get(nick);
    const served = known !== undefined && isLocal(known) && known.jid === jid;
    if (known === undefined || !(ticket || served)) {
      turn.note('0282#4.5', `enter for ${jid}, who did not ask: refused`);
      return this.refuseEnter(turn, nick, jid, stanza.id);
    }
    if (ticket && served && known.provisional) {
      // Whom the primary never missed it enters without an update before.
      const said = user && occupantOf(room, nick, user, stanza.payloads);
      return this.#accept(turn, known, dmuc.history ?? ticket.join.history, this.#claims.get(nick) ?? said);
    }
    if (ticket) this.serve(turn, known, jid, dmuc.history ? { history: dmuc.history } : ticket.join);
  }

  /** Puts a user on the distribution list and gives them everything: roster, themselves, history, subject (§4.5). */
  serve(turn: RoomTurn, known: Occupant, jid: Jid, join: JoinRequest): void {
    const { room } = turn;
    this.#tickets.forget(jid);
    const { home: _, ...rest } = known;
    const occupant: Occupant = { ...rest, jid };
    const provisional = room.locals.find((local) => local.provisional && local.jid === jid);
    if (provisional) turn.record({ kind: 'occupantLeft', nick: provisional.nick });
    turn.record({ kind: 'occupantChanged', occupant, joining: true });
    // The primary has them under the nick of before: what they were called here meanwhile is given up.
    if (provisional) tell(turn, { kind: 'renamed', before: provisional, after: occupant }, 'decision#44');
    // They are back: whether the primary heard that they left is of no interest any more.
    if (room.divergence.some((act) => act.kind === 'left' && act.jid === jid))
      turn.record({ kind: 'divergenceSettled', ids: [], user: jid });
    const wasHere = isLocal(known) || provisional !== undefined;
    const said = room.divergence.flatMap(({ kind, id }) => (kind === 'said' ? [id] : []));
    if (wasHere || said.length === 0) this.#newcomers.delete(jid);
    else this.#newcomers.set(jid, new Set(said));
    const history = join.history ? { history: join.history } : {};
    const accepted = this.#newcomers.has(jid);
    tell(turn, { kind: 'returned', occupant, join: history, accepted }, '0282#4.5');
  }

  /** Decision #44: they have the roster; what they get now is the history that was withheld. */
  #accept(turn: RoomTurn, known: LocalOccupant, history: JoinRequest['history'], claim: Occupant | undefined): void {
    const { room } = turn;
    this.#tickets.forget(known.jid);
    this.#claims.delete(known.nick);
    const { home: _, provisional: __, ...occupant } = { ...known, ...claim, jid: known.jid };
    turn.record({ kind: 'occupantChanged', occupant });
    tell(turn, { kind: 'presence', occupant }, 'decision#44');
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
    const ofRoom = room.archive.filter(({ provisional }) => !provisional);
    const first =
      after === undefined ? ofRoom.length - room.config.historyMax : ofRoom.findIndex(({ id }) => id === after) + 1;
    const withheld = ofRoom.slice(Math.max(0, first)).filter(({ id }) => !this.#accepted.has(id));
    for (const item of after === undefined ? recent(withheld, history, turn.env.now) : withheld)
      turn.send(delayedMessage(room.jid, item, known.jid), 'decision#44');
  }

  refuseEnter(turn: RoomTurn, nick: string, jid: Jid, id: string | undefined): void {
    const { room } = turn;
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

  /** Decision #44: whom the primary did not let in. It told them why. */
  refuseProvisional(turn: RoomTurn): void {
    const { room } = turn;
    for (const occupant of room.locals) {
      if (!occupant.provisional) continue;
      const claim = this.#claims.get(occupant.nick);
      turn.record({ kind: 'occupantLeft', nick: occupant.nick });
      tell(turn, { kind: 'left', occupant, parts: { payloads: [] } }, 'decision#44');
      if (claim === undefined) continue;
      turn.record({ kind: 'occupantEntered', occupant: claim });
      tell(turn, { kind: 'entered', occupant: claim, join: {}, statuses: [] }, 'decision#44');
    }
    this.#claims.clear();
    this.#accepted.clear();
    this.#newcomers.clear();
  }

  /** Decision #44: the nicks are others' at the primary. A provisional user who has one is called something else. */
  makeWay(turn: RoomTurn, nicks: ReadonlySet<string>): void {
    const { room } = turn;
    const shapes = new Set([...nicks].map(skeleton));
    for (const before of room.locals) {
      if (!before.provisional || !shapes.has(skeleton(before.nick))) continue;
      if (room.config.nicksLocked) {
        turn.record({ kind: 'occupantLeft', nick: before.nick });
        // Perhaps it is they who have it, by another way: the primary hears of every leave (decision #9).
        const { jid, nick } = before;
        diverge(turn, { kind: 'left', id: turn.env.newId(), jid, nick, unserved: true, provisional: true });
        tell(turn, { kind: 'left', occupant: before, parts: { statuses: [333], payloads: [] } }, 'decision#44');
        continue;
      }
      let newNick = `${before.nick}_`;
      while (room.occupantsByShape(skeleton(newNick)).length > 0 || shapes.has(skeleton(newNick))) newNick += '_';
      turn.record({ kind: 'nickChanged', nick: before.nick, newNick });
      const after = { ...before, nick: newNick };
      tell(turn, { kind: 'renamed', before, after, statuses: [210] }, 'decision#44');
    }
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
    if (known === undefined || !isLocal(known) || known.provisional || known.jid !== jid) return;
    turn.record({ kind: 'occupantChanged', occupant: { ...known, home: room.jid } });
    const parts = {
      type: 'unavailable',
      payloads: cleanPayloads(room.jid, stanza.payloads),
      ...(user ? leaveParts(user) : {}),
    } as const;
    const occupant = { ...known, affiliation: user?.affiliation ?? known.affiliation };
    turn.send(presenceFor(room, occupant, occupant, parts), '0282#4.6');
  }

  /** §4.9. */
  message(turn: RoomTurn, nick: string, dmuc: Dmuc, stanza: Stanza, late: boolean): void {
    const { room } = turn;
    const n = dmuc.position?.n ?? 0;
    const at = clamp(dmuc.delay?.stamp ?? turn.env.now, turn.env.now);
    const occupant = room.occupants.get(nick) ?? stranger(room, nick);
    const text = subjectChange(stanza);
    const item = itemOf(room, turn, stanza, nick, at, dmuc, this.#self);
    if (text !== undefined) {
      const subject = { text, nick, ...(item.occupantId === '' ? {} : { occupantId: item.occupantId }), at };
      turn.record({ kind: 'subjectChanged', n, subject });
      return tell(turn, { kind: 'subject', occupant, subject, item }, '0282#4.9');
    }
    // Said here during a split: those here have seen it (decision #42).
    const mine = room.divergence.some((act) => act.kind === 'said' && act.id === dmuc.split);
    turn.record({ kind: 'messageAccepted', n, item });
    if (!mine)
      return tell(turn, { kind: 'message', occupant, item, late: late || dmuc.split !== undefined }, '0282#4.9');
    this.#accepted.add(item.id);
    for (const { jid } of room.locals)
      if (this.#newcomers.get(jid)?.has(dmuc.split ?? ''))
        turn.send(delayedMessage(room.jid, item, jid), 'decision#42');
  }

  /** Decision #15: what an owner changed. */
  configured(turn: RoomTurn, n: number, stanza: Stanza): void {
    const { room } = turn;
    const form = readForm({ children: stanza.payloads });
    if (form === undefined) return this.#affiliated(turn, n, stanza);
    const changes = readReplicaForm(room, form);
    turn.record({ kind: 'roomConfigured', n, changes });
    const statuses = readStatuses(stanza.payloads);
    tell(turn, { kind: 'configured', changes, statuses });
    this.purge(turn);
  }

  /** Decision #53, or a place in the sequence that holds nothing for this replica. */
  #affiliated(turn: RoomTurn, n: number, stanza: Stanza): void {
    const dmuc = payloadOf(stanza, 'x', NS.dmuc2);
    const [ban] = dmuc === undefined ? [] : readBans(dmuc);
    if (ban && this.#tickets.serves(ban.user)) turn.record({ kind: 'affiliationChanged', n, ...ban });
    else turn.record({ kind: 'positionPassed', n });
    const { jid, affiliation = 'none' } = readMucUser(stanza.payloads) ?? {};
    const user = jid === undefined ? undefined : parseJid(jid);
    if (user) tell(turn, { kind: 'affiliated', user, affiliation, absent: true, placed: true }, 'decision#53');
  }

  /** The session is over for good: everybody here is out. */
  dissolve(turn: RoomTurn, destroyed: XmlElement | undefined): void {
    const { room } = turn;
    for (const occupant of [...room.occupants.values()]) {
      turn.record({ kind: 'occupantLeft', nick: occupant.nick });
      if (!isLocal(occupant)) continue;
      const parts = destroyed ? { destroy: destroyed, payloads: [] } : { statuses: [333], payloads: [] };
      tell(turn, { kind: 'left', occupant, parts, alone: true }, 'decision#40');
      // Where the primary counts them as its own, it must not go on.
      if (!destroyed)
        turn.send(
          presence(occupant.jid, occupantJid(room.jid, occupant.nick), { type: 'unavailable' }),
          '0282#4.8',
          room.jid,
        );
    }
    turn.record({ kind: 'divergenceSettled', ids: room.divergence.map(({ id }) => id) });
  }

  /** Decision #7: without a moderator of its own the replica forgets the JIDs of the others. */
  purge(turn: RoomTurn): void {
    const { room } = turn;
    if (room.whois === 'anyone' || room.locals.some(({ role }) => role === 'moderator')) return;
    for (const occupant of room.occupants.values()) {
      if (isLocal(occupant) || occupant.jid === undefined) continue;
      const { jid, ...unknown } = occupant;
      turn.record({ kind: 'occupantChanged', occupant: unknown });
      // Its own users' addresses it knows in any case.
      if (!this.#tickets.serves(jid)) turn.compact();
    }
  }
}

/** Whether it is the end of the primary's patience with those behind this replica, who under `local` went on meanwhile. */
function isHeldNoMore({ config }: RoomView, { statuses }: MucUser): boolean {
  return config.split.policy === 'local' && statuses.includes(333);
}
