import type { TimerId } from '../../node/input.ts';
import type { HistoryItem, Occupant, PeerRecord } from '../../room/event.ts';
import { leave, saysGone } from '../../room/room.ts';
import type { RoomView } from '../../room/state.ts';
import { tell } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
import type { PresenceParts } from '../../room/visibility.ts';
import { type Create, readAck, readCreate, writeCreated, writeOffer, writeReady } from '../../xep/sync.ts';
import { type JoinRequest, type MucUser, writeMucUser } from '../../xep/xep0045.ts';
import { isPing, ping } from '../../xep/xep0199.ts';
import { type Dmuc, writeDmuc } from '../../xep/xep0282.ts';
import { writeStanzaId } from '../../xep/xep0359.ts';
import { writeOccupantId } from '../../xep/xep0421.ts';
import { assertNever, type Condition, type ErrorType, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, errorReply, iq, iqResult, message, presence, type Stanza } from '../../xmpp/stanza.ts';
import { el } from '../../xmpp/xml.ts';
import { type Change, type Distribution, readTimer, timerOf } from '../distribution.ts';
import { backoffMs, spread as jitter, Keepalive, keepaliveMs, timeoutMs } from '../keepalive.ts';

/** Stanzas whose bounce would be believed, a replica. More than are in flight at any time on a link that works. */
const outstandingMax = 256;

/** What the primary knows of a replica only while it runs. */
interface Volatile {
  readonly keepalive: Keepalive;
  /** Ids of what went to the replica lately: only a bounce of one of them is believed (decision #10). */
  readonly outstanding: Set<string>;
  /** Users handed over by `<enter/>` whose joins are not settled: refused ones fall back to direct service. */
  readonly entering: Map<Jid, JoinRequest>;
  tries: number;
}

/**
 * XEP-0282, the primary's side: every stanza of the room is decided here; each replica gets one copy, whatever the
 * number of its users. Users of a domain without a live replica are served directly, as in a plain room.
 */
export class Primary implements Distribution {
  readonly role = 'primary';
  /** Which replicas may be created, and the domains each may serve. */
  readonly #allowed: ReadonlyMap<Jid, readonly Jid[]>;
  readonly #volatile = new Map<Jid, Volatile>();

  constructor(allowed: ReadonlyMap<Jid, readonly Jid[]>) {
    this.#allowed = allowed;
  }

  fromPeer(turn: Turn, room: RoomView, stanza: Stanza): boolean {
    const replica = bareOf(stanza.from);
    const create = stanza.name === 'iq' && stanza.type === 'set' ? readCreate(stanza.payloads) : undefined;
    if (create) {
      this.#create(turn, room, replica, create, stanza);
      return true;
    }
    if (!this.#allowed.has(replica)) return false;
    const record = room.peers.get(replica);
    if (stanza.type === 'error') this.#bounced(turn, room, replica, record, stanza);
    else {
      this.#of(replica, turn).keepalive.heard(turn.env.now);
      if (stanza.name === 'iq') this.#iq(turn, room, replica, record, stanza);
      else
        turn.note('0282#4', `${replica} sent a ${stanza.name} in its own name, which no rule asks for: ignored`, {
          room: room.jid,
          peer: replica,
        });
    }
    return true;
  }

  fromUser(): boolean {
    return false;
  }

  homeOf(room: RoomView, user: Jid): Jid | undefined {
    const domain = domainOf(user);
    for (const [replica, record] of room.peers) {
      if (record.state === 'live' && record.serves?.includes(domain)) return replica;
    }
    return undefined;
  }

  admit(): boolean {
    return true;
  }

  /** One copy a replica. §4.5 (enter), §4.6 (leave), §4.7 (presence), §4.9 (message). */
  spread(turn: Turn, room: RoomView, change: Change): void {
    switch (change.kind) {
      case 'entered': {
        const { occupant, join } = change;
        this.#update(turn, room, occupant);
        if (occupant.home !== undefined) this.#enter(turn, room, occupant, occupant.home, join);
        return;
      }
      case 'returned':
        if (change.occupant.home !== undefined)
          this.#enter(turn, room, change.occupant, change.occupant.home, change.join);
        return;
      case 'presence':
        this.#grantJids(turn, room, change.occupant);
        return this.#update(turn, room, change.occupant, change.parts);
      case 'left': {
        const { occupant, parts } = change;
        const payloads = parts.payloads ?? [];
        const item = {
          role: 'none',
          statuses: parts.statuses ?? [],
          ...(parts.destroy ? { destroy: parts.destroy } : {}),
          ...parts.item,
        } as const;
        if (occupant.home !== undefined && occupant.jid !== undefined && reachable(room.peers.get(occupant.home))) {
          const leaveIt = writeDmuc({ leave: occupant.jid });
          this.#toReplica(turn, occupant.home, '0282#4.6', (to, id) =>
            presence(
              occupantJid(room.jid, occupant.nick),
              to,
              { type: 'unavailable', id },
              ...payloads,
              itemOf(occupant, item, false),
              leaveIt,
            ),
          );
          this.#of(occupant.home, turn).entering.delete(occupant.jid);
        }
        return this.#toAll(turn, room, '0282#4.6', (to, jids, id) =>
          presence(
            occupantJid(room.jid, occupant.nick),
            to,
            { type: 'unavailable', id },
            ...payloads,
            itemOf(occupant, item, jids),
            this.#position(room),
          ),
        );
      }
      case 'renamed': {
        const { before, after } = change;
        this.#toAll(turn, room, '0282#4.7', (to, jids, id) =>
          presence(
            occupantJid(room.jid, before.nick),
            to,
            { type: 'unavailable', id },
            itemOf(before, { nick: after.nick, statuses: [303] }, jids),
            this.#position(room),
          ),
        );
        // The new presence is a roster entry (§4.3): the rename before it told the replica everything its users see.
        return this.#toAll(turn, room, '0282#4.7', (to, jids, id) => rosterEntry(room, after, to, jids, id));
      }
      case 'configured':
        // What a replica must know of it (who sees JIDs) it learns by being created again (decision #5).
        for (const [replica, record] of room.peers) {
          if (reachable(record))
            turn.send(message(room.jid, replica, { id: turn.env.newId() }, writeOffer()), 'decision#15', replica);
        }
        return;
      case 'message':
      case 'subject':
        return this.#toAll(turn, room, '0282#4.9', (to) =>
          broadcast(room, change.item, to, { position: { epoch: room.epoch, n: room.n } }),
        );
      default:
        assertNever(change);
    }
  }

  /** A private message to a user behind a replica goes to the user: one to one, it gains nothing from a replica (§1). */
  route(turn: Turn, room: RoomView, from: Occupant, to: Occupant, stanza: Stanza): void {
    if (to.jid === undefined) return;
    turn.send(
      {
        ...stanza,
        from: occupantJid(room.jid, from.nick),
        to: to.jid,
        payloads: [...stanza.payloads, el('x', NS.mucUser)],
      },
      '0045#7.5',
    );
  }

  /** A new stream after a restart: the replicas of the log may be there or not; the timers find out. */
  linkUp(turn: Turn, room: RoomView): void {
    for (const [replica, record] of room.peers) {
      this.#of(replica, turn);
      const wait = record.state === 'split' ? backoffMs(0) : jitter(turn.env, keepaliveMs);
      turn.setTimer(timerOf(room.jid, `keepalive:${replica}`), wait);
    }
  }

  /** §4.10 while live, §4.11.1.1 ("higher frequency") while split. */
  timer(turn: Turn, room: RoomView, timer: TimerId): void {
    const { name } = readTimer(timer);
    const replica = name.slice('keepalive:'.length) as Jid;
    const record = room.peers.get(replica);
    if (!name.startsWith('keepalive:') || record === undefined) return;
    const state = this.#of(replica, turn);
    if (record.state === 'split') {
      const { id } = state.keepalive.ping(turn.env);
      turn.send(ping(room.jid, replica, id), '0282#4.11.1.1', replica);
      turn.setTimer(timer, jitter(turn.env, backoffMs(++state.tries)));
      return;
    }
    const due = state.keepalive.due(turn.env);
    if (due.kind === 'lost')
      return this.#split(turn, room, replica, record, 'two keepalives went unanswered', 'decision#3');
    if (due.kind === 'ping') turn.send(ping(room.jid, replica, due.id), '0282#4.10', replica);
    turn.setTimer(timer, due.ms);
  }

  /**
   * "Creating a Replica", which §4.2 leaves to follow: decision #5. The replica asks; the primary checks its list, the
   * domains and whether another serves them, answers, and sends roster, history, subject and `<ready/>` in this order.
   */
  #create(turn: Turn, room: RoomView, replica: Jid, create: Create, request: Stanza): void {
    const refuse = (type: ErrorType, condition: Condition, text: string) => {
      turn.note('decision#5', `${replica} may not be a replica: ${text}`, { room: room.jid, peer: replica });
      turn.send(errorReply(request, stanzaError(type, condition, text)), 'decision#5', replica);
    };
    const domains = this.#allowed.get(replica);
    if (domains === undefined) return refuse('auth', 'forbidden', 'not on the list of this room');
    if (create.serves.length === 0) return refuse('modify', 'bad-request', 'a replica serves at least one domain');
    const foreign = create.serves.find((domain) => !domains.includes(domain));
    if (foreign !== undefined) return refuse('auth', 'forbidden', `not allowed to serve ${foreign}`);
    const taken = [...room.peers].find(
      ([other, record]) => other !== replica && record.serves?.some((domain) => create.serves.includes(domain)),
    );
    if (taken) return refuse('cancel', 'conflict', `a domain of it is served by ${taken[0]}`);
    const { interval, timeout } = create.keepalive;
    if (interval < 10 || interval > 3600 || timeout < 1 || timeout > interval)
      return refuse('modify', 'not-acceptable', 'keepalive interval is 10 to 3600 s, its timeout 1 s to the interval');

    const session = turn.env.newId();
    const record: PeerRecord = { state: 'syncing', since: turn.env.now, session, serves: create.serves };
    turn.record({ kind: 'peerChanged', room: room.jid, peer: replica, record });
    turn.note('decision#5', `${replica} becomes a replica`, { room: room.jid, peer: replica });
    const jids = this.#mayHoldJids(room, replica);
    const created = {
      session,
      epoch: room.epoch,
      n: room.n,
      mode: 'full',
      jids: jids ? 'all' : 'none',
      whois: room.whois,
    } as const;
    turn.send(iqResult(request, writeCreated(created)), 'decision#5', replica);
    for (const occupant of room.occupants.values()) {
      // Users it served in an earlier session are entered again inside the roster: decision #8.
      const enter = occupant.home === replica && occupant.jid !== undefined ? [writeDmuc({ enter: occupant.jid })] : [];
      turn.send(rosterEntry(room, occupant, replica, jids, undefined, enter), '0282#4.3', replica);
    }
    const history = room.history.slice(Math.max(0, room.history.length - create.maxstanzas));
    for (const item of history) turn.send(broadcast(room, item, replica, {}), '0282#4.4', replica);
    const { subject } = room;
    if (subject) {
      const from = subject.nick === '' ? room.jid : occupantJid(room.jid, subject.nick);
      const delay = writeDmuc({ delay: { from: room.jid, stamp: subject.at } });
      turn.send(
        message(from, replica, { type: 'groupchat' }, el('subject', NS.client, {}, subject.text), delay),
        '0282#4.4',
        replica,
      );
    }
    turn.send(
      iq(
        room.jid,
        replica,
        { type: 'set', id: `ready-${session}` },
        writeReady({ n: room.n, roster: room.occupants.size, history: history.length }),
      ),
      'decision#5',
      replica,
    );
    this.#volatile.delete(replica);
    this.#of(replica, turn);
    turn.setTimer(timerOf(room.jid, `keepalive:${replica}`), timeoutMs);
  }

  #iq(turn: Turn, room: RoomView, replica: Jid, record: PeerRecord | undefined, stanza: Stanza): void {
    if (isPing(stanza)) turn.send(iqResult(stanza), '0282#4.10', replica);
    else if (stanza.type === 'get' || stanza.type === 'set')
      return turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable')), '6120#8.4', replica);
    // It is there, but not, or no longer, a replica here: it may not know. It is asked to ask (decision #5).
    if (record === undefined || record.state === 'split')
      return turn.send(message(room.jid, replica, { id: turn.env.newId() }, writeOffer()), 'decision#5', replica);
    const ready = stanza.id === `ready-${record.session}` && readAck(stanza.payloads) !== undefined;
    if (record.state !== 'syncing' || !ready) return;
    const live: PeerRecord = { ...record, state: 'live', since: turn.env.now };
    turn.record({ kind: 'peerChanged', room: room.jid, peer: replica, record: live });
    turn.note('decision#5', `${replica} is live`, { room: room.jid, peer: replica });
    turn.setTimer(timerOf(room.jid, `keepalive:${replica}`), jitter(turn.env, keepaliveMs));
  }

  /** §4.11.1.1, with decision #10: an error from the replica's JID is a split only where it cannot mean anything else. */
  #bounced(turn: Turn, room: RoomView, replica: Jid, record: PeerRecord | undefined, stanza: Stanza): void {
    const state = this.#of(replica, turn);
    if (stanza.name === 'presence' && errorOf(stanza)?.condition === 'not-acceptable')
      return this.#enterRefused(turn, room, replica, stanza);
    if (record === undefined || record.state === 'split') return;
    const ours =
      stanza.id !== undefined &&
      (state.outstanding.has(stanza.id) ||
        state.keepalive.isPing(stanza.id) ||
        stanza.id === `ready-${record.session}`);
    if (ours && saysGone(stanza))
      return this.#split(turn, room, replica, record, `it bounced: ${errorOf(stanza)?.condition}`, '0282#4.11.1.1');
    turn.note('decision#10', `an error from ${replica} that is no bounce of ours: ignored`, {
      room: room.jid,
      peer: replica,
    });
  }

  /** §4.11.1.1: no broadcasts to it any more, and pings at a higher frequency. Its users stay in the room. */
  #split(turn: Turn, room: RoomView, replica: Jid, record: PeerRecord, why: string, spec: string): void {
    turn.record({
      kind: 'peerChanged',
      room: room.jid,
      peer: replica,
      record: { ...record, state: 'split', since: turn.env.now },
    });
    turn.note(spec, `${replica} is split: ${why}`, { room: room.jid, peer: replica });
    this.#of(replica, turn).tries = 0;
    turn.setTimer(timerOf(room.jid, `keepalive:${replica}`), jitter(turn.env, backoffMs(0)));
  }

  /** Decision #7: a replica that gets its first moderator, by entering or by promotion, first gets the JIDs of all. */
  #grantJids(turn: Turn, room: RoomView, moderator: Occupant): void {
    const { home } = moderator;
    if (
      moderator.role !== 'moderator' ||
      home === undefined ||
      room.whois === 'anyone' ||
      !reachable(room.peers.get(home))
    )
      return;
    for (const other of room.occupants.values()) {
      if (other.nick !== moderator.nick && other.home === home && other.role === 'moderator') return;
    }
    for (const other of room.occupants.values()) {
      if (other.nick !== moderator.nick) turn.send(rosterEntry(room, other, home, true), 'decision#7', home);
    }
  }

  /** §4.5, after `#grantJids`. */
  #enter(turn: Turn, room: RoomView, occupant: Occupant, replica: Jid, join: JoinRequest): void {
    const { jid } = occupant;
    if (jid === undefined || !reachable(room.peers.get(replica))) return;
    this.#grantJids(turn, room, occupant);
    this.#of(replica, turn).entering.set(jid, join);
    this.#toReplica(turn, replica, '0282#4.5', (to, id) =>
      presence(
        occupantJid(room.jid, occupant.nick),
        to,
        { id },
        ...occupant.presence,
        ...writeOccupantId(occupant.occupantId),
        itemOf(occupant, {}, false),
        writeDmuc({
          enter: jid,
          ...(join.history ? { history: join.history } : {}),
          position: { epoch: room.epoch, n: room.n },
        }),
      ),
    );
  }

  /** The replica never saw this user ask (§4.5: it MUST verify): decision #6. */
  #enterRefused(turn: Turn, room: RoomView, replica: Jid, stanza: Stanza): void {
    const occupant = room.occupants.get(resourceOf(stanza.to));
    if (occupant?.home !== replica || occupant.jid === undefined) return;
    const state = this.#of(replica, turn);
    const join = state.entering.get(occupant.jid);
    state.entering.delete(occupant.jid);
    const { home: _, ...direct } = occupant;
    turn.record({ kind: 'occupantChanged', room: room.jid, occupant: direct });
    if (join === undefined) {
      turn.note('decision#8', `${replica} no longer knows ${occupant.nick}`, { room: room.jid, peer: replica });
      return leave(turn, room, this, direct, { statuses: [333], payloads: [] });
    }
    turn.note('decision#6', `${replica} will not serve ${occupant.nick}: served directly`, {
      room: room.jid,
      peer: replica,
    });
    tell(turn, room, { kind: 'returned', occupant: direct, join });
  }

  /** §4.7: the presence of an occupant, to every replica. */
  #update(turn: Turn, room: RoomView, occupant: Occupant, parts: PresenceParts = {}): void {
    this.#toAll(turn, room, '0282#4.7', (to, jids, id) =>
      presence(
        occupantJid(room.jid, occupant.nick),
        to,
        { id },
        ...occupant.presence,
        ...writeOccupantId(occupant.occupantId),
        itemOf(occupant, { ...parts.item }, jids),
        this.#position(room),
      ),
    );
  }

  /** Decision #1: the place of this change, inside the XEP's own element. */
  #position(room: RoomView) {
    return writeDmuc({ position: { epoch: room.epoch, n: room.n } });
  }

  /** One stanza to every replica that is not split. */
  #toAll(turn: Turn, room: RoomView, spec: string, make: (to: Jid, jids: boolean, id: string) => Stanza): void {
    for (const [replica, record] of room.peers) {
      if (reachable(record))
        this.#toReplica(turn, replica, spec, (to, id) => make(to, this.#mayHoldJids(room, replica), id));
    }
  }

  #toReplica(turn: Turn, replica: Jid, spec: string, make: (to: Jid, id: string) => Stanza): void {
    const stanza = make(replica, turn.env.newId());
    const { outstanding } = this.#of(replica, turn);
    if (stanza.id !== undefined) outstanding.add(stanza.id);
    for (const oldest of outstanding) {
      if (outstanding.size <= outstandingMax) break;
      outstanding.delete(oldest);
    }
    turn.send(stanza, spec, replica);
  }

  /** §4.7: full JIDs go only to a replica one of whose users is a moderator, or where everybody sees them. */
  #mayHoldJids(room: RoomView, replica: Jid): boolean {
    if (room.whois === 'anyone') return true;
    for (const occupant of room.occupants.values()) {
      if (occupant.home === replica && occupant.role === 'moderator') return true;
    }
    return false;
  }

  #of(replica: Jid, turn: Turn): Volatile {
    let state = this.#volatile.get(replica);
    if (state === undefined) {
      state = { keepalive: new Keepalive(turn.env.now), outstanding: new Set(), entering: new Map(), tries: 0 };
      this.#volatile.set(replica, state);
    }
    return state;
  }
}

function reachable(record: PeerRecord | undefined): boolean {
  return record?.state === 'live' || record?.state === 'syncing';
}

function itemOf(occupant: Occupant, parts: Partial<MucUser>, jids: boolean) {
  const { affiliation, role, jid } = occupant;
  return writeMucUser({ affiliation, role, statuses: [], ...(jids && jid !== undefined ? { jid } : {}), ...parts });
}

/** §4.3: someone who is in, for the replica's roster; not news, so it has no place in the sequence. */
function rosterEntry(
  room: RoomView,
  occupant: Occupant,
  replica: Jid,
  jids: boolean,
  id?: string,
  extra: readonly ReturnType<typeof writeDmuc>[] = [],
): Stanza {
  return presence(
    occupantJid(room.jid, occupant.nick),
    replica,
    { id },
    ...occupant.presence,
    ...writeOccupantId(occupant.occupantId),
    itemOf(occupant, {}, jids),
    ...extra,
  );
}

/** §4.9: the message with the time at which the primary accepted it, inside the dmuc element. */
function broadcast(room: RoomView, item: HistoryItem, replica: Jid, dmuc: Dmuc): Stanza {
  return message(
    occupantJid(room.jid, item.nick),
    replica,
    { type: 'groupchat', id: item.stanzaId, lang: item.lang },
    ...item.payloads,
    ...writeOccupantId(item.occupantId),
    writeDmuc({ delay: { from: occupantJid(room.jid, item.nick), stamp: item.at }, ...dmuc }),
    writeStanzaId({ by: item.by, id: item.id }),
  );
}
