import type { Change } from '../../room/change.ts';
import { mayRename } from '../../room/checks.ts';
import { leave } from '../../room/commit.ts';
import type { Traits } from '../../room/distribution.ts';
import type { Occupant } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { deliverPrivate, tell } from '../../room/tell.ts';
import {
  readAck,
  readCreate,
  readDestroy,
  readNetjoin,
  readRelayed,
  writePosition,
  writeStanding,
} from '../../xep/sync.ts';
import { type JoinRequest, readJoin } from '../../xep/xep0045.ts';
import { isPing, ping } from '../../xep/xep0199.ts';
import { readDmuc } from '../../xep/xep0282.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, iqResult, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import { jitter, probeMs } from '../keepalive.ts';
import { type ReplicaPeer, replicaPeer } from '../peers.ts';
import type { Protocol, ProtocolStatus } from '../protocol.ts';
import { primaryFields } from './config-fields.ts';
import { create, dismiss, end, netjoin, offer, pastMax } from './creation.ts';
import { judge } from './judge.ts';
import { markAway, probe, releaseHeld, split } from './netsplit.ts';
import { Replicas, reachable, servedBy, usersOf } from './replicas.ts';
import { splitStatus } from './split-status.ts';
import {
  affiliationOf,
  broadcast,
  configuration,
  departure,
  enterStanza,
  leaveStanza,
  renaming,
  rosterEntry,
  update,
} from './to-replica.ts';
import { usersDigest } from './users-digest.ts';

/**
 * XEP-0282, the primary's side: every stanza of the room is decided here; each replica gets one copy, whatever the
 * number of its users. Users of a domain without a live replica are served directly, as in a plain room.
 */
export class Primary implements Protocol {
  readonly traits = traits;
  readonly byService = true;
  readonly #replicas: Replicas;
  /** Users taken over from a replica that has not said yet how far it came (decision #40). */
  readonly #takenOver = new Map<string, { readonly n: number; readonly users: readonly Jid[] }>();

  /** @param configured  the replicas that the room starts with, and the domains each may serve */
  constructor(configured: ReadonlyMap<Jid, readonly Jid[]>) {
    this.#replicas = new Replicas(configured);
  }

  status({ config }: RoomView): ProtocolStatus {
    return { role: 'primary', split: splitStatus(config.split), replicas: config.nodes };
  }

  fromPeer(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    const replica = bareOf(stanza.from);
    const set = stanza.name === 'iq' && stanza.type === 'set';
    const asked = set ? readCreate(stanza.payloads) : undefined;
    const joined = set ? readNetjoin(stanza.payloads) : undefined;
    if (asked) create(turn, this.#replicas, replica, asked, stanza);
    else if (joined) netjoin(turn, this.#replicas, replica, joined, stanza);
    else if (stanza.name === 'iq' && this.#takenOver.size > 0 && this.#takenOver.has(`${replica} ${stanza.id}`))
      this.#answeredDestroy(turn, replica, stanza);
    else if (this.#replicas.domainsOf(room, replica) === undefined) return false;
    else {
      const record = replicaPeer(room, replica);
      if (stanza.type === 'error') this.#bounced(turn, replica, record, stanza);
      else {
        this.#replicas.of(turn, replica).keepalive.heard(turn.env.now);
        if (stanza.name === 'iq') this.#iq(turn, replica, record, stanza);
        else
          turn.note('0282#4', `${replica} sent a ${stanza.name} in its own name, which no rule asks for: ignored`, {
            peer: replica,
          });
      }
    }
    return true;
  }

  /** What a replica relayed (§4.8) is a user's own; only what happened during a split is judged apart (§4.11.2). */
  fromUser(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    const dmuc = readDmuc(stanza.payloads);
    if (dmuc?.split !== undefined) {
      const replica = servedBy(room, stanza.from, ['live', 'syncing', 'split']);
      if (replica !== undefined && reachable(replicaPeer(room, replica)))
        return judge(turn, this.#replicas, replica, { ...dmuc, split: dmuc.split }, stanza);
      if (replica !== undefined) {
        // The replica believes that it is over. Once it knows it asks again, and relays all of it again.
        offer(turn, this.#replicas, replica);
        return true;
      }
    }
    const occupant = room.occupantByJid(stanza.from);
    if (!occupant && stanza.name === 'presence' && stanza.type === undefined && readJoin(stanza.payloads) === undefined)
      return this.#believesToBeIn(turn, stanza);
    const home = occupant?.home;
    const record = home === undefined ? undefined : replicaPeer(room, home);
    if (!occupant || home === undefined || record?.state !== 'split') return false;
    // Out of reach, as all behind it, for as long as they are held (decision #16); that is no news.
    if (stanza.type === 'error') return true;
    // They are here, so their replica may be too: it is asked to ask.
    if (stanza.name !== 'presence' || stanza.type !== undefined || !this.#returns(room, occupant, stanza)) {
      offer(turn, this.#replicas, home);
      return false;
    }
    // Decision #43: they came by themselves and wait for all that a join brings, which their replica cannot give.
    const { home: _, cutOff: __, ...direct } = occupant;
    turn.record({ kind: 'occupantChanged', occupant: direct, joining: true });
    this.#passes(turn, home, record, stanza.from);
    turn.note('decision#43', `${occupant.nick} joins past ${home}: served directly`, { peer: home });
    return false;
  }

  /** Whether it is a join that is answered with all that a join brings: not one for a nick that they may not have. */
  #returns(room: RoomView, occupant: Occupant, { payloads, to, from }: Stanza): boolean {
    const nick = resourceOf(to);
    if (readJoin(payloads) === undefined || nick === '') return false;
    return nick === occupant.nick || mayRename(room, from, nick) === undefined;
  }

  /**
   * XEP-0045 §7.2.18, decision #47: where a replica serves them it is the replica that tells them that they are out, after
   * all that it has for them before that, and nothing more from then on.
   */
  #believesToBeIn(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    const jid = stanza.from;
    const replica = servedBy(room, jid, ['live', 'syncing']);
    if (replica !== undefined) {
      const affiliation = room.affiliationOf(jid);
      const nick = resourceOf(stanza.to);
      const stranger = { nick, jid, affiliation, role: 'none', occupantId: '', presence: [] } as const;
      this.#replicas.send(turn, replica, '0282#4.6', (to) =>
        leaveStanza(room, stranger, { statuses: [307, 333] }, [], to),
      );
      return true;
    }
    const split = servedBy(room, jid, ['split']);
    const record = split === undefined ? undefined : replicaPeer(room, split);
    if (split !== undefined && record !== undefined) this.#passes(turn, split, record, jid);
    return false;
  }

  /** Decision #43: the replica will hear that it serves them no more. */
  #passes(turn: RoomTurn, replica: Jid, record: ReplicaPeer, user: Jid): void {
    const past = [...(record.past ?? []).filter((other) => other !== user), user].slice(-pastMax);
    const passed: ReplicaPeer = { ...record, past };
    turn.record({ kind: 'peerChanged', peer: replica, record: passed });
  }

  homeOf(room: RoomView, user: Jid): Jid | undefined {
    return servedBy(room, user, ['live']);
  }

  decide() {
    return 'commit' as const;
  }

  /** One copy a replica. §4.5 (enter), §4.6 (leave), §4.7 (presence), §4.9 (message). */
  spread(turn: RoomTurn, change: Change): void {
    const { room } = turn;
    const replicas = this.#replicas;
    switch (change.kind) {
      case 'entered': {
        const { occupant, join } = change;
        replicas.sendAll(turn, '0282#4.7', (to) => update(room, occupant, to));
        if (occupant.home !== undefined) this.#enter(turn, occupant, occupant.home, join);
        return;
      }
      case 'returned':
        if (change.occupant.home !== undefined) this.#enter(turn, change.occupant, change.occupant.home, change.join);
        return;
      case 'presence': {
        const { occupant, parts } = change;
        this.#grantJids(turn, occupant);
        return replicas.sendAll(turn, '0282#4.7', (to) => update(room, occupant, to, { ...parts?.item }));
      }
      case 'left':
        return this.#left(turn, change);
      case 'renamed': {
        const { before, after } = change;
        return replicas.sendAll(turn, '0282#4.7', (to) => renaming(room, before, after.nick, after.presence, to));
      }
      case 'configured': {
        replicas.sendAll(turn, 'decision#15', (to) => configuration(room, to, change.statuses));
        if (change.changes.nodes === undefined) return;
        for (const replica of [...room.peers.keys()])
          if (this.#replicas.domainsOf(room, replica) === undefined) this.#dismiss(turn, replica);
        for (const replica of room.config.nodes) if (!room.peers.has(replica)) offer(turn, replicas, replica);
        return;
      }
      case 'affiliated':
        return replicas.sendAll(turn, 'decision#53', (to) => affiliationOf(room, change, to));
      case 'message':
      case 'subject':
        return replicas.sendAll(turn, '0282#4.9', (to) => broadcast(room, change.item, to, room.n));
      case 'registered':
      case 'destroyed':
        return;
      default:
        assertNever(change);
    }
  }

  #left(turn: RoomTurn, { occupant, parts }: Extract<Change, { kind: 'left' }>): void {
    const { room } = turn;
    const payloads = parts.payloads ?? [];
    const item = {
      role: 'none',
      statuses: parts.statuses ?? [],
      ...(parts.destroy ? { destroy: parts.destroy } : {}),
      ...parts.item,
    } as const;
    const { home, jid } = occupant;
    if (home !== undefined && jid !== undefined && reachable(replicaPeer(room, home))) {
      this.#replicas.send(turn, home, '0282#4.6', (to) => leaveStanza(room, { ...occupant, jid }, item, payloads, to));
      this.#replicas.of(turn, home).entering.delete(jid);
    }
    this.#replicas.sendAll(turn, '0282#4.6', (to) => departure(room, occupant, item, payloads, to));
  }

  /** A private message to a user behind a replica goes to the user: one to one, it gains nothing from a replica (§1). */
  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza): void {
    if (to.jid !== undefined) deliverPrivate(turn, from, to.jid, stanza);
  }

  /** A new stream after a restart: the replicas of the log may be there or not; the timers find out. */
  linkUp(turn: RoomTurn): void {
    const { room } = turn;
    for (const replica of room.config.nodes) {
      const record = replicaPeer(room, replica);
      const { times } = this.#replicas.of(turn, replica).keepalive;
      // Without a session it may not know that there is a room to ask for.
      if (record?.session === undefined) offer(turn, this.#replicas, replica);
      if (record?.state === 'split') probe(turn, replica);
      else if (record !== undefined) turn.setTimer(`keepalive:${replica}`, jitter(turn.env, times.interval * 1000));
    }
  }

  /** §4.10 while live, §4.11.1.1 ("higher frequency") while split. */
  timer(turn: RoomTurn, name: string): void {
    const { room } = turn;
    const replica = name.slice(name.indexOf(':') + 1) as Jid;
    const record = replicaPeer(room, replica);
    if (record === undefined) return;
    if (name.startsWith('hold:')) return releaseHeld(turn, replica);
    if (!name.startsWith('keepalive:')) return;
    const state = this.#replicas.of(turn, replica);
    if (record.state === 'split') {
      const { id } = state.keepalive.ping(turn.env);
      turn.send(ping(room.jid, replica, id), '0282#4.11.1.1', replica);
      turn.setTimer(name, probeMs(turn.env, ++state.tries, state.keepalive.times));
      return;
    }
    const due = state.keepalive.due(turn.env);
    if (due.kind === 'lost')
      return split(turn, this.#replicas, replica, record, 'silence', 'two keepalives went unanswered');
    if (due.kind === 'ping') turn.send(ping(room.jid, replica, due.id, standing(room, replica)), '0282#4.10', replica);
    turn.setTimer(name, due.ms);
  }

  #iq(turn: RoomTurn, replica: Jid, record: ReplicaPeer | undefined, stanza: Stanza): void {
    const { room } = turn;
    const destroyed = stanza.type === 'set' ? readDestroy(stanza.payloads) : undefined;
    if (destroyed && record !== undefined) {
      // §1a.7: from the answer on the replica delivers nothing more. FIFO: it has what went before.
      const answer = iqResult(stanza, place(room));
      turn.send(answer, 'decision#40', replica);
      return end(turn, this.#replicas, replica);
    }
    const count = stanza.type === 'set' ? readRelayed(stanza.payloads) : undefined;
    const pinged = isPing(stanza);
    if (pinged)
      turn.send(iqResult(stanza, ...(reachable(record) ? [standing(room, replica)] : [])), '0282#4.10', replica);
    else if (count === undefined && (stanza.type === 'get' || stanza.type === 'set'))
      return turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable')), '6120#8.4', replica);
    // It is there, but not, or no longer, a replica here: it may not know. It is asked to ask (decision #5).
    if (record === undefined || record.state === 'split') return offer(turn, this.#replicas, replica);
    const ping = pinged ? stanza.payloads.find(({ xmlns }) => xmlns === NS.ping) : undefined;
    const ack = readAck(ping ? ping.children.filter((child) => typeof child !== 'string') : stanza.payloads);
    // Also where its answer to `ready` was lost: only a replica that has taken its state says how far it is.
    if (record.state === 'syncing' && (ack !== undefined || count !== undefined)) this.#live(turn, replica, record);
    if (ack?.moderators !== undefined) this.#countModerators(turn, replica, ack.moderators);
    if (count !== undefined) this.#relayed(turn, replica, count, stanza);
  }

  #live(turn: RoomTurn, replica: Jid, record: ReplicaPeer): void {
    const { past: _, ...rest } = record;
    const live: ReplicaPeer = { ...rest, state: 'live', since: turn.env.now };
    turn.record({ kind: 'peerChanged', peer: replica, record: live });
    turn.note('decision#5', `${replica} is live`, { peer: replica });
    const { times } = this.#replicas.of(turn, replica).keepalive;
    turn.setTimer(`keepalive:${replica}`, jitter(turn.env, times.interval * 1000));
    turn.clearTimer(`hold:${replica}`);
    markAway(turn, this.#replicas, replica, false);
  }

  /** Decision #42: all that the replica relayed of its split is judged, if all of it has arrived. */
  #relayed(turn: RoomTurn, replica: Jid, count: number, request: Stanza): void {
    const { room } = turn;
    const { relayed, messages } = this.#replicas.of(turn, replica);
    const arrived = relayed.size;
    relayed.clear();
    if (arrived < count) {
      const text = `${arrived} of ${count} arrived`;
      return turn.send(errorReply(request, stanzaError('wait', 'resource-constraint', text)), 'decision#42', replica);
    }
    const acts = count === 1 ? '1 act' : `${count} acts`;
    const taken = messages === 1 ? '1 message' : `${messages} messages`;
    const what = `judged: ${acts} of the split at ${replica}, ${taken} taken`;
    turn.note('decision#42', what, { peer: replica, sign: 'judged' });
    // Where what was accepted got lost on the way, the replica knows by the place.
    turn.send(iqResult(request, place(room)), 'decision#42', replica);
    this.#countModerators(turn, replica, undefined);
  }

  /** Decision #7: what the replica reports of its moderators, where the count here may be of the past. */
  #countModerators(turn: RoomTurn, replica: Jid, moderators: number | undefined): void {
    const { room } = turn;
    const state = this.#replicas.of(turn, replica);
    const before = this.#replicas.mayHoldJids(room, replica);
    state.noModerators = moderators === 0;
    if (before || room.whois === 'anyone' || !this.#replicas.mayHoldJids(room, replica)) return;
    for (const occupant of room.occupants.values())
      this.#replicas.send(turn, replica, 'decision#7', (to) => rosterEntry(room, occupant, { ...to, jids: true }));
  }

  #dismiss(turn: RoomTurn, replica: Jid): void {
    const { room } = turn;
    const users = [...room.occupants.values()].flatMap(({ home, jid }) => (home === replica && jid ? [jid] : []));
    if (reachable(replicaPeer(room, replica)))
      this.#takenOver.set(`${replica} destroy-${room.n}`, { n: room.n, users });
    for (const [oldest] of this.#takenOver) {
      if (this.#takenOver.size <= takenOverMax) break;
      this.#takenOver.delete(oldest);
    }
    dismiss(turn, this.#replicas, replica);
  }

  /** Decision #40: users of a replica that had missed something are out, and know it. */
  #answeredDestroy(turn: RoomTurn, replica: Jid, stanza: Stanza): void {
    const { room } = turn;
    const key = `${replica} ${stanza.id}`;
    const taken = this.#takenOver.get(key);
    this.#takenOver.delete(key);
    if (taken === undefined || stanza.type !== 'result' || readAck(stanza.payloads)?.h === taken.n) return;
    for (const user of taken.users) {
      const occupant = room.occupantByJid(user);
      if (occupant && occupant.home === undefined) leave(turn, occupant, { statuses: [333], payloads: [] });
    }
  }

  /** §4.11.1.1, with decision #10: an error from the replica's JID is a split only where it cannot mean anything else. */
  #bounced(turn: RoomTurn, replica: Jid, record: ReplicaPeer | undefined, stanza: Stanza): void {
    const state = this.#replicas.of(turn, replica);
    if (stanza.name === 'presence' && errorOf(stanza)?.condition === 'not-acceptable')
      return this.#enterRefused(turn, replica, stanza);
    if (record === undefined || record.state === 'split') return;
    const ours =
      stanza.id !== undefined &&
      (state.outstanding.has(stanza.id) ||
        state.keepalive.isPing(stanza.id) ||
        stanza.id === `ready-${record.session}`);
    if (ours && saysGone(stanza)) {
      const why = `it bounced: ${errorOf(stanza)?.condition}`;
      return split(turn, this.#replicas, replica, record, 'bounce', why);
    }
    turn.note('decision#10', `an error from ${replica} that is no bounce of ours: ignored`, {
      peer: replica,
    });
  }

  /** Decision #7: a replica that gets its first moderator, by entering or by promotion, first gets the JIDs of all. */
  #grantJids(turn: RoomTurn, moderator: Occupant): void {
    const { room } = turn;
    const { home } = moderator;
    if (
      moderator.role !== 'moderator' ||
      home === undefined ||
      room.whois === 'anyone' ||
      !reachable(replicaPeer(room, home))
    )
      return;
    const state = this.#replicas.of(turn, home);
    const others = [...room.occupants.values()].filter(({ nick }) => nick !== moderator.nick);
    if (!state.noModerators && others.some((other) => other.home === home && other.role === 'moderator')) return;
    state.noModerators = false;
    for (const other of others)
      this.#replicas.send(turn, home, 'decision#7', (to) => rosterEntry(room, other, { ...to, jids: true }));
  }

  /** §4.5, after `#grantJids`. */
  #enter(turn: RoomTurn, occupant: Occupant, replica: Jid, join: JoinRequest): void {
    const { room } = turn;
    const { jid } = occupant;
    if (jid === undefined || !reachable(replicaPeer(room, replica))) return;
    this.#grantJids(turn, occupant);
    const { entering, heard } = this.#replicas.of(turn, replica);
    const wanted = heard.delete(jid) ? { history: { maxstanzas: 0 } } : join;
    this.#replicas.send(turn, replica, '0282#4.5', (to) => {
      entering.set(jid, { id: to.id, join });
      return enterStanza(room, { ...occupant, jid }, wanted, to);
    });
  }

  /** The replica never saw this user ask (§4.5: it MUST verify): decision #6. */
  #enterRefused(turn: RoomTurn, replica: Jid, stanza: Stanza): void {
    const { room } = turn;
    // By JID: they may be called otherwise by now.
    const user = readDmuc(stanza.payloads)?.enter;
    const occupant = user === undefined ? undefined : room.occupantByJid(user);
    if (occupant?.home !== replica || occupant.jid === undefined) return;
    const { entering } = this.#replicas.of(turn, replica);
    const { id, join } = entering.get(occupant.jid) ?? {};
    // They asked again since: what becomes of that is still to be heard.
    if (join !== undefined && id !== stanza.id) return;
    entering.delete(occupant.jid);
    const { home: _, cutOff: __, ...direct } = occupant;
    const joining = join === undefined ? {} : ({ joining: true } as const);
    turn.record({ kind: 'occupantChanged', occupant: direct, ...joining });
    if (join === undefined) {
      turn.note('decision#8', `${replica} no longer knows ${occupant.nick}`, { peer: replica });
      return leave(turn, direct, { statuses: [333], payloads: [] });
    }
    turn.note('decision#6', `${replica} will not serve ${occupant.nick}: served directly`, {
      peer: replica,
    });
    tell(turn, { kind: 'returned', occupant: direct, join });
  }
}

/** Users behind replicas know the room by the same address as everybody. */
const traits: Traits = {
  features: [NS.dmuc2, NS.ext],
  configFields: primaryFields,
  keepsChanges: true,
  givesOccupantIds: true,
  reaches: () => true,
  decidesAbout: () => true,
};

/** Takings-over whose answer is waited for. */
const takenOverMax = 100;

/** Where the room is: what a replica that missed the last change learns it from (decision #2). */
function place(room: RoomView) {
  return writePosition({ epoch: room.epoch, n: room.n });
}

/** The same, and whom the primary counts as this replica's users: what it learns from that one of those words got lost. */
function standing(room: RoomView, replica: Jid) {
  return writeStanding({ epoch: room.epoch, n: room.n, users: usersDigest(usersOf(room, replica)) });
}
