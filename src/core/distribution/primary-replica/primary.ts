import type { Change } from '../../room/change.ts';
import { mayRename } from '../../room/checks.ts';
import type { Occupant } from '../../room/event.ts';
import type { Asked } from '../../room/passed.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { everySession, withHome } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { deliverPrivate } from '../../room/tell.ts';
import type { Traits } from '../../room/traits.ts';
import { looksDifferent } from '../../room/visibility.ts';
import { writeOutcomes } from '../../xep/sync.ts';
import { type MucUser, readJoin } from '../../xep/xep0045.ts';
import { readDmuc } from '../../xep/xep0282.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, iqResult, type Stanza, saysGone } from '../../xmpp/stanza.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import { readLinkTimer } from '../link.ts';
import { type ReplicaPeer, replicaPeer } from '../peers.ts';
import type { Protocol, ProtocolStatus } from '../protocol.ts';
import { Arrivals } from './arrivals.ts';
import { primaryFields } from './config-fields.ts';
import { complete, create, netjoin, offer, pastMax } from './creation.ts';
import { dismiss, end, takeAnswer } from './dismissal.ts';
import { countModerators, enter, enterRefused, grantJids } from './entering.ts';
import { classify, type FromReplica } from './from-replica.ts';
import { judge, settleSplit } from './judge.ts';
import { probe, releaseHeld, split, spreadReach } from './netsplit.ts';
import { type ReplicaSession, Replicas } from './replicas.ts';
import { reachable, servedBy } from './served.ts';
import { splitStatus } from './split-status.ts';
import {
  affiliationOf,
  barePosition,
  broadcast,
  configuration,
  departure,
  leaveStanza,
  place,
  renaming,
  update,
} from './to-replica.ts';

/**
 * XEP-0282, the primary's side: every stanza of the room is decided here; each replica gets one copy, whatever the
 * number of its users. Users of a domain without a live replica are served directly, as in a plain room.
 */
export class Primary implements Protocol {
  readonly traits = traits;
  readonly byService = true;
  readonly #replicas: Replicas;
  readonly #arrivals = new Arrivals();

  /**
   * @param configured  the replicas that the room starts with, and the domains each may serve
   * @param leastInterval  the shortest keepalive interval that a replica may ask for, in seconds
   */
  constructor(configured: ReadonlyMap<Jid, readonly Jid[]>, leastInterval?: number) {
    this.#replicas = new Replicas(configured, leastInterval);
  }

  status({ config }: RoomView): ProtocolStatus {
    return { role: 'primary', split: splitStatus(config.split), replicas: config.nodes };
  }

  fromPeer(turn: RoomTurn, stanza: Stanza): boolean {
    const replica = bareOf(stanza.from);
    if (takeAnswer(turn, this.#replicas, replica, stanza)) return true;
    const what = classify(stanza, this.#replicas.domainsOf(turn.room, replica) !== undefined);
    if (what === undefined) return false;
    this.#fromReplica(turn, replica, what, stanza);
    return true;
  }

  /** What a replica relayed (§4.8) is a user's own; only what happened during a split is judged apart (§4.11.2). */
  fromUser(turn: RoomTurn, stanza: Stanza): boolean {
    const { room } = turn;
    if (room.peers.size > 0) this.#arrivals.add(stanza, turn.env.now);
    const dmuc = readDmuc(stanza.payloads);
    if (dmuc?.split !== undefined) {
      const replica = servedBy(room, stanza.from, ['live', 'syncing', 'split']);
      if (replica !== undefined) {
        const record = replicaPeer(room, replica);
        if (reachable(record))
          return judge(turn, this.#replicas.of(turn, replica, record), { ...dmuc, split: dmuc.split }, stanza);
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
    const { cutOff: _, ...whole } = room.occupants.get(occupant.nick) ?? occupant;
    const direct = withHome(whole, stanza.from, undefined);
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
        return enter(turn, replicas, occupant, join);
      }
      case 'returned':
        return enter(turn, replicas, change.occupant, change.join);
      case 'presence': {
        const { occupant, parts, before } = change;
        if (change.reach) return spreadReach(turn, replicas, change);
        grantJids(turn, replicas, occupant);
        if (before) return this.#spreadSessions(turn, before, occupant);
        return replicas.sendAll(turn, '0282#4.7', (to) => update(room, occupant, to, { ...parts?.item }));
      }
      case 'sessionLeft': {
        const { occupant, before, after, parts } = change;
        const item = { role: 'none', statuses: parts.statuses ?? [], ...parts.item } as const;
        this.#sendLeave(turn, occupant, item, parts.payloads ?? []);
        return this.#spreadSessions(turn, before, after, occupant.home);
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
          if (replicas.domainsOf(room, replica) === undefined) dismiss(turn, replicas, replica);
        for (const replica of room.config.nodes) if (!room.peers.has(replica)) offer(turn, replicas, replica);
        return;
      }
      case 'affiliated':
        return replicas.sendAll(turn, 'decision#53', (to) => affiliationOf(room, change, to));
      case 'message':
      case 'subject':
        return replicas.sendAll(turn, '0282#4.9', (to) => broadcast(room, change.item, to, room.n));
      case 'registered':
      case 'invited':
      case 'uninvited':
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
    for (const session of everySession(occupant)) this.#sendLeave(turn, session, item, payloads);
    this.#replicas.sendAll(turn, '0282#4.6', (to) => departure(room, occupant, item, payloads, to));
  }

  /** §4.6, to the replica that serves this session. */
  #sendLeave(turn: RoomTurn, session: Occupant, item: Partial<MucUser>, payloads: readonly XmlElement[]): void {
    const { room } = turn;
    const { home, jid } = session;
    const record = home === undefined ? undefined : replicaPeer(room, home);
    if (home === undefined || jid === undefined || !reachable(record)) return;
    this.#replicas.send(turn, home, '0282#4.6', (to) => leaveStanza(room, { ...session, jid }, item, payloads, to));
    this.#replicas.of(turn, home, record).entering.delete(jid);
  }

  /**
   * Another session of a user is shown now (decision #140): one update for each replica that sees a difference.
   *
   * @param served  the replica of the session that left: it may have taken the user for gone
   */
  #spreadSessions(turn: RoomTurn, before: Occupant, after: Occupant, served?: Jid): void {
    const { room } = turn;
    this.#replicas.sendAll(turn, '0282#4.7', (to) =>
      to.replica === served || looksDifferent(before, after, to.jids)
        ? update(room, after, to)
        : barePosition(room, to),
    );
  }

  /** A private message to a user behind a replica goes to the user: one to one, it gains nothing from a replica (§1). */
  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): void {
    if (to.jid !== undefined) deliverPrivate(turn, from, to.jid, stanza, asked);
  }

  /** A new stream after a restart: the replicas of the log may be there or not; the timers find out. */
  linkUp(turn: RoomTurn): void {
    const { room } = turn;
    this.#arrivals.begin(turn.env.now);
    for (const replica of room.config.nodes) {
      const record = replicaPeer(room, replica);
      // Without a session it may not know that there is a room to ask for.
      if (record === undefined) offer(turn, this.#replicas, replica);
      else if (record.state === 'split') probe(turn, this.#replicas.of(turn, replica, record), record);
      else this.#replicas.of(turn, replica, record).link.watch(turn);
    }
  }

  /** §4.10 while live, §4.11.1.1 ("higher frequency") while split. */
  timer(turn: RoomTurn, name: string): void {
    if (name.startsWith('hold:')) return releaseHeld(turn, name.slice('hold:'.length) as Jid);
    const replica = readLinkTimer(name);
    const record = replica && replicaPeer(turn.room, replica);
    if (replica === undefined || record === undefined) return;
    const session = this.#replicas.of(turn, replica, record);
    if (record.state === 'split') return session.link.probe(turn, '0282#4.11.1.1');
    if (!session.link.keepAlive(turn)) split(turn, session, record, 'silence', 'two keepalives went unanswered');
  }

  #fromReplica(turn: RoomTurn, replica: Jid, what: FromReplica, stanza: Stanza): void {
    const replicas = this.#replicas;
    switch (what.kind) {
      case 'create':
        return create(turn, replicas, replica, what.asked, stanza);
      case 'netjoin':
        return netjoin(turn, replicas, replica, what.asked, stanza);
      case 'enterRefused':
        return enterRefused(turn, replicas, replica, what.user, stanza);
      case 'error':
        return this.#bounced(turn, replica, stanza);
      default: {
        const record = replicaPeer(turn.room, replica);
        const known = record && { record, session: replicas.of(turn, replica, record) };
        known?.session.link.heard(turn.env.now);
        this.#heard(turn, replica, known, what, stanza);
      }
    }
  }

  /** What says that the replica is there. @param known  undefined: it has no session */
  #heard(
    turn: RoomTurn,
    replica: Jid,
    known: Known | undefined,
    what: Exclude<FromReplica, { kind: 'create' | 'netjoin' | 'enterRefused' | 'error' }>,
    stanza: Stanza,
  ): void {
    switch (what.kind) {
      case 'destroy':
        if (known === undefined) return refuse(turn, replica, stanza);
        // From the answer on the replica delivers nothing more. FIFO: it has what went before.
        turn.send(iqResult(stanza, place(turn.room)), 'decision#40', replica);
        return end(turn, this.#replicas, replica);
      case 'ping': {
        const standing = known?.session.link.position(turn.room) ?? [];
        const domains = this.#replicas.domainsOf(turn.room, replica) ?? [];
        const outcomes = this.#arrivals.outcomesOf(what.asked, domains, turn.env.now);
        turn.send(iqResult(stanza, ...standing, ...writeOutcomes(outcomes)), '0282#4.10', replica);
        return this.#acknowledged(turn, replica, known, what, stanza);
      }
      case 'result':
      case 'relayed':
        return this.#acknowledged(turn, replica, known, what, stanza);
      case 'unknown':
        return refuse(turn, replica, stanza);
      case 'unasked':
        return turn.note(
          '0282#4',
          `${replica} sent a ${stanza.name} in its own name, which no rule asks for: ignored`,
          { peer: replica },
        );
      default:
        assertNever(what);
    }
  }

  /** It says how far it is, or at least that it is there. */
  #acknowledged(
    turn: RoomTurn,
    replica: Jid,
    known: Known | undefined,
    what: Extract<FromReplica, { kind: 'ping' | 'result' | 'relayed' }>,
    stanza: Stanza,
  ): void {
    const replicas = this.#replicas;
    // It is not, or no longer, a replica here, and may not know: it is asked to ask (decision #5).
    if (known === undefined || known.record.state === 'split') return offer(turn, replicas, replica);
    const { record, session } = known;
    const { kind, ack } = what;
    // Also where its answer to `ready` was lost: only a replica that has taken its state says how far it is.
    if (record.state === 'syncing' && (ack !== undefined || kind === 'relayed'))
      complete(turn, replicas, replica, record);
    if (ack?.moderators !== undefined) countModerators(turn, replicas, session, ack.moderators);
    if (kind === 'relayed' && settleSplit(turn, session, what.count, stanza))
      countModerators(turn, replicas, session, undefined);
  }

  /** §4.11.1.1, with decision #10: an error from the replica's JID is a split only where it cannot mean anything else. */
  #bounced(turn: RoomTurn, replica: Jid, stanza: Stanza): void {
    const record = replicaPeer(turn.room, replica);
    if (record === undefined || record.state === 'split') return;
    const session = this.#replicas.of(turn, replica, record);
    if (session.link.isOurs(stanza.id) && saysGone(stanza))
      return split(turn, session, record, 'bounce', `it bounced: ${errorOf(stanza)?.condition}`);
    turn.note('decision#10', `an error from ${replica} that is no bounce of ours: ignored`, {
      peer: replica,
    });
  }
}

/** A replica that has a session. */
interface Known {
  readonly record: ReplicaPeer;
  readonly session: ReplicaSession;
}

function refuse(turn: RoomTurn, replica: Jid, request: Stanza): void {
  turn.send(errorReply(request, stanzaError('cancel', 'service-unavailable')), '6120#8.4', replica);
}

/** Users behind replicas know the room by the same address as everybody. */
const traits: Traits = {
  features: [NS.dmuc2, NS.ext],
  configFields: primaryFields,
  keepsChanges: true,
  givesOccupantIds: true,
  reaches: () => true,
  decidesAbout: () => true,
  mayRemove: () => true,
};
