import type { TimerId } from '../../node/input.ts';
import type { HistoryItem, Occupant } from '../../room/event.ts';
import { recent } from '../../room/history.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import { deliverPrivate, leave, saysGone } from '../../room/room.ts';
import type { RoomView } from '../../room/state.ts';
import { isLocal, tell } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
import { type JoinRequest, type MucUser, readJoin, readMucUser } from '../../xep/xep0045.ts';
import { readStamp } from '../../xep/xep0082.ts';
import { isPing } from '../../xep/xep0199.ts';
import { readDelay } from '../../xep/xep0203.ts';
import { readFmuc, writeFmuc } from '../../xep/xep0289.ts';
import { readStanzaId } from '../../xep/xep0359.ts';
import { assertNever, stanzaError } from '../../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { bodyOf, errorOf, errorReply, iqResult, presence, type Stanza, subjectOf } from '../../xmpp/stanza.ts';
import type { Instant } from '../../xmpp/time.ts';
import { childOf, el, type XmlElement } from '../../xmpp/xml.ts';
import { type Change, type Distribution, readTimer } from '../distribution.ts';
import { JoiningNode } from './joining-node.ts';
import { left, nodeHistory, nodeMessage, nodeSubject, occupantPresence, reject } from './stanzas.ts';

/** A peer's clock may be ahead by this much, in milliseconds. Decision #12. */
const skewMs = 5 * 60_000;

/**
 * XEP-0289 in primary-primary mode: a room that joins another (the joining node, joining-node.ts) and lets others join
 * it (the joined node, here). Each node delivers to its own users at once and passes everything on to the nodes it is
 * linked with, never back to where it came from.
 *
 * `home` of an occupant is the peer room that introduced them. Their rank is what that node claims: shown, and good for
 * nothing here (§5.5 "only cosmetically").
 */
export class FmucNode implements Distribution {
  readonly role = 'fmuc';
  readonly #outbound: JoiningNode | undefined;
  readonly #allowed: readonly Jid[];

  constructor(outbound: Jid | undefined, allowed: readonly Jid[]) {
    this.#outbound = outbound === undefined ? undefined : new JoiningNode(outbound);
    this.#allowed = allowed;
  }

  fromPeer(turn: Turn, room: RoomView, stanza: Stanza): boolean {
    const peer = bareOf(stanza.from);
    if (room.occupantByJid(stanza.from)?.home === undefined && room.occupantByJid(stanza.from)) return false;
    const linked = room.peers.has(peer);
    const fmuc = readFmuc(stanza.payloads);
    const outbound = this.#outbound?.peer === peer ? this.#outbound : undefined;
    if (linked && stanza.type === 'error') this.#bounced(turn, room, peer, outbound, stanza);
    else if (linked && stanza.name === 'iq') this.#iq(turn, stanza, peer);
    else if (fmuc === undefined && outbound && stanza.name === 'message')
      this.#answerWithoutAuthor(turn, room, outbound, stanza);
    else if (fmuc === undefined) {
      if (linked) turn.note('0289#5', `a ${stanza.name} without fmuc from ${peer}: ignored`, { room: room.jid, peer });
      return linked;
    } else if (fmuc.kind === 'reject' || fmuc.kind === 'left') {
      // Only from the bare address of the room we joined (§5.1, §5.4); anybody else's changes nothing.
      if (outbound && stanza.from === peer && stanza.name === 'presence') {
        if (fmuc.kind === 'left') outbound.left(turn, room, this);
        else outbound.rejected(turn, room, this, fmuc.text);
      } else turn.note('0289#5.4', `a forged ${fmuc.kind} from ${stanza.from}: ignored`, { room: room.jid, peer });
    } else if (stanza.name === 'presence') this.#presence(turn, room, peer, outbound, fmuc.from, stanza);
    else if (stanza.name === 'message') return this.#message(turn, room, peer, outbound, fmuc.from, stanza);
    else return false;
    return true;
  }

  /** Someone who waits for the other node's answer and changes their mind. */
  fromUser(turn: Turn, room: RoomView, stanza: Stanza): boolean {
    if (stanza.name !== 'presence' || stanza.type !== 'unavailable' || !this.#outbound?.withdraw(stanza.from))
      return false;
    const nobody = {
      nick: resourceOf(stanza.to),
      jid: stanza.from,
      affiliation: room.affiliationOf(stanza.from),
      role: 'none',
      occupantId: '',
      presence: [],
    } as const;
    tell(turn, room, { kind: 'left', occupant: nobody, parts: {} });
    return true;
  }

  homeOf(): undefined {
    return undefined;
  }

  admit(turn: Turn, room: RoomView, occupant: Occupant & { jid: Jid }, join: JoinRequest): boolean {
    return this.#outbound?.admit(turn, room, occupant, join) ?? true;
  }

  /** To every linked node but the one it came from. §5.2, §5.3, §5.4. */
  spread(turn: Turn, room: RoomView, change: Change): void {
    switch (change.kind) {
      case 'entered':
      case 'presence': {
        const { occupant } = change;
        for (const peer of this.#peers(room, occupant)) {
          if (change.kind === 'entered' && peer === this.#outbound?.peer && this.#outbound.isAnnounced(occupant.jid))
            continue;
          turn.send(occupantPresence(room, occupant, occupantJid(peer, occupant.nick)), '0289#5.3', peer);
        }
        return;
      }
      case 'returned':
      case 'configured':
        return;
      case 'left': {
        const { occupant, parts } = change;
        for (const peer of this.#peers(room, occupant))
          turn.send(
            occupantPresence(room, occupant, occupantJid(peer, occupant.nick), { ...parts, type: 'unavailable' }),
            '0289#5.4',
            peer,
          );
        this.#outbound?.leaveIfEmpty(turn, room);
        return;
      }
      case 'renamed': {
        const { before, after } = change;
        for (const peer of this.#peers(room, after)) {
          const parts = { type: 'unavailable', item: { nick: after.nick }, statuses: [303], payloads: [] } as const;
          turn.send(occupantPresence(room, before, occupantJid(peer, before.nick), parts), '0289#5.3', peer);
          turn.send(occupantPresence(room, after, occupantJid(peer, after.nick)), '0289#5.3', peer);
        }
        return;
      }
      case 'message':
      case 'subject':
        for (const peer of this.#peers(room, change.occupant))
          turn.send(nodeMessage(room, change.item, peer), '0289#5.2', peer);
        return;
      default:
        assertNever(change);
    }
  }

  /** §5.6: to the node by which the target is reached, marked with who says it. */
  route(turn: Turn, room: RoomView, from: Occupant, to: Occupant, stanza: Stanza): void {
    if (to.home === undefined || from.jid === undefined) return;
    const payloads = [...stanza.payloads, writeFmuc({ kind: 'from', from: from.jid })];
    turn.send(
      { ...stanza, from: occupantJid(room.jid, from.nick), to: occupantJid(to.home, to.nick), payloads },
      '0289#5.6',
      to.home,
    );
  }

  linkUp(turn: Turn, room: RoomView): void {
    this.#outbound?.linkUp(turn, room, this);
  }

  timer(turn: Turn, room: RoomView, timer: TimerId): void {
    const { name } = readTimer(timer);
    if (name === 'answer') this.#outbound?.lost(turn, room, this, 'no answer in time');
    if (name === 'retry') this.#outbound?.retry(turn, room);
  }

  /** The nodes that hear of this occupant: those we are linked with, less the one that told us. */
  *#peers(room: RoomView, occupant: Occupant): Iterable<Jid> {
    for (const [peer, record] of room.peers) if (record.state === 'live' && peer !== occupant.home) yield peer;
  }

  #iq(turn: Turn, stanza: Stanza, peer: Jid): void {
    if (isPing(stanza)) turn.send(iqResult(stanza), '0199#4', peer);
    else if (stanza.type === 'get' || stanza.type === 'set')
      turn.send(errorReply(stanza, stanzaError('cancel', 'service-unavailable')), '6120#8.4', peer);
  }

  #presence(
    turn: Turn,
    room: RoomView,
    peer: Jid,
    outbound: JoiningNode | undefined,
    author: Jid,
    stanza: Stanza,
  ): void {
    const nick = resourceOf(stanza.from);
    const join = readJoin(stanza.payloads);
    const link = room.peers.get(peer);
    if (stanza.type !== undefined && stanza.type !== 'unavailable') return;
    if (nick === '')
      return turn.note('0289#5', `presence with fmuc but no nick from ${peer}: ignored`, { room: room.jid, peer });
    const user: MucUser = readMucUser(stanza.payloads) ?? { affiliation: 'none', role: 'participant', statuses: [] };
    const occupant = {
      nick,
      jid: author,
      affiliation: user.affiliation,
      role: user.role === 'none' ? 'participant' : user.role,
      home: peer,
      occupantId: room.occupantIdOf(author) ?? turn.env.newId(),
      presence: cleanPayloads(room.jid, stanza.payloads),
    } as const;
    if (outbound && link?.state === 'joining') {
      if (stanza.type === undefined) outbound.answeredOccupant(occupant);
      return;
    }
    if (join && outbound === undefined && stanza.type === undefined)
      return this.#joined(turn, room, peer, occupant, join);
    if (link?.state !== 'live') return this.#unlinked(turn, room, peer);
    const known = this.#theirs(room, peer, author);
    if (stanza.type === 'unavailable') {
      if (known === undefined) return;
      if (user.statuses.includes(303) && user.nick !== undefined)
        return this.#renamed(turn, room, peer, known, user.nick);
      return this.#theyLeft(turn, room, peer, known, {
        statuses: user.statuses.filter((code) => code !== 110),
        payloads: cleanPayloads(room.jid, stanza.payloads),
        ...(user.reason === undefined ? {} : { item: { reason: user.reason } }),
      });
    }
    if (known === undefined) this.#entered(turn, room, peer, occupant);
    else if (known.nick !== nick) this.#renamed(turn, room, peer, known, nick);
    // Said before, as after a 303 or by a node that announces a join twice: no news.
    else if (JSON.stringify(known) !== JSON.stringify({ ...known, ...occupant })) {
      turn.record({ kind: 'occupantChanged', room: room.jid, occupant });
      this.#accept(turn, room, { kind: 'presence', occupant });
    }
  }

  /** The joined node's half of §5.1: checks, takes the user in, and answers with occupants, history and subject. */
  #joined(turn: Turn, room: RoomView, peer: Jid, occupant: Occupant & { jid: Jid }, join: JoinRequest): void {
    if (!this.#allowed.includes(peer)) {
      turn.note('0289#5.1', `${peer} may not join: not on the list of this room`, { room: room.jid, peer });
      return turn.send(reject(room, peer, 'This room does not federate with yours.'), '0289#5.1', peer);
    }
    // The peer starts afresh: whoever it does not name again in what follows was lost with its old life (decision #26).
    for (const stale of [...room.occupants.values()]) {
      if (stale.home === peer && stale.jid !== occupant.jid)
        leave(turn, room, this, stale, { statuses: [333], payloads: [] });
    }
    const known = this.#theirs(room, peer, occupant.jid);
    if (known === undefined && !this.#entered(turn, room, peer, occupant)) return;
    if (room.peers.get(peer)?.state !== 'live')
      turn.record({
        kind: 'peerChanged',
        room: room.jid,
        peer,
        record: { state: 'live', since: turn.env.now, direction: 'inbound' },
      });
    for (const other of room.occupants.values()) turn.send(occupantPresence(room, other, peer), '0289#5.1', peer);
    // Limited "in the normal manner, as in XEP-0045"; maxchars counts stanzas that a node does not send as they are.
    const history = join.history?.maxchars === 0 ? [] : recent(room.history, join.history, turn.env.now);
    for (const item of history) turn.send(nodeHistory(room, item, peer), '0289#5.1', peer);
    turn.send(nodeSubject(room, peer), '0289#5.1', peer);
    if (this.#outbound && room.peers.get(this.#outbound.peer) === undefined)
      this.#outbound.join(turn, room, occupant, {});
  }

  /**
   * Someone new on the other side. Decision #23: of two holders of a nick the joined side's stays, so that both sides
   * come to the same end; @returns false if it is theirs that must go
   */
  #entered(turn: Turn, room: RoomView, peer: Jid, occupant: Occupant & { jid: Jid }): boolean {
    const holder = room.occupants.get(occupant.nick);
    if (room.occupantByJid(occupant.jid) !== undefined || (holder !== undefined && peer !== this.#outbound?.peer)) {
      turn.note('decision#23', `${occupant.nick} of ${peer}: the nick or the user is here already`, {
        room: room.jid,
        peer,
      });
      const fmuc = el('fmuc', NS.fmuc, { from: occupant.jid }, el('conflict', NS.ext));
      const theirs = presence(occupantJid(peer, occupant.nick), occupantJid(room.jid, occupant.nick), {});
      turn.send(errorReply(theirs, stanzaError('cancel', 'conflict'), fmuc), 'decision#23', peer);
      return false;
    }
    if (holder !== undefined) this.#yield(turn, room, holder);
    turn.record({ kind: 'occupantEntered', room: room.jid, occupant });
    this.#accept(turn, room, { kind: 'entered', occupant, join: {}, statuses: [] });
    return true;
  }

  /** Decision #23: the loser of a nick is told 409 and goes. */
  #yield(turn: Turn, room: RoomView, loser: Occupant): void {
    turn.note('decision#23', `${loser.nick} is another's on the joined node`, { room: room.jid });
    if (isLocal(loser)) {
      const theirs = presence(loser.jid, occupantJid(room.jid, loser.nick), {});
      turn.send(
        errorReply(theirs, stanzaError('cancel', 'conflict', 'the nick is taken on another node')),
        'decision#23',
      );
    }
    leave(turn, room, this, loser, { payloads: [] });
  }

  #renamed(turn: Turn, room: RoomView, peer: Jid, before: Occupant, nick: string): void {
    if (room.occupants.has(nick))
      return turn.note('decision#23', `${before.nick} of ${peer} may not become ${nick}: taken here`, {
        room: room.jid,
        peer,
      });
    turn.record({ kind: 'nickChanged', room: room.jid, nick: before.nick, newNick: nick });
    this.#accept(turn, room, { kind: 'renamed', before, after: { ...before, nick } });
  }

  #theyLeft(
    turn: Turn,
    room: RoomView,
    peer: Jid,
    occupant: Occupant,
    parts: Extract<Change, { kind: 'left' }>['parts'],
  ): void {
    turn.record({ kind: 'occupantLeft', room: room.jid, nick: occupant.nick });
    this.#accept(turn, room, { kind: 'left', occupant, parts });
    if (
      room.peers.get(peer)?.direction === 'inbound' &&
      ![...room.occupants.values()].some((other) => other.home === peer)
    ) {
      turn.record({ kind: 'peerChanged', room: room.jid, peer, record: undefined });
      turn.send(left(room, peer), '0289#5.4', peer);
    }
  }

  #message(
    turn: Turn,
    room: RoomView,
    peer: Jid,
    outbound: JoiningNode | undefined,
    author: Jid,
    stanza: Stanza,
  ): boolean {
    const link = room.peers.get(peer);
    if (outbound && link?.state === 'joining') {
      this.#answerMessage(turn, room, outbound, author, stanza);
      return true;
    }
    if (link?.state !== 'live') {
      this.#unlinked(turn, room, peer);
      return this.#allowed.includes(peer) || outbound !== undefined;
    }
    const occupant = this.#theirs(room, peer, author);
    if (occupant === undefined) {
      turn.note('0289#7', `${peer} speaks for ${author}, whom it did not introduce: dropped`, { room: room.jid, peer });
      return true;
    }
    const nick = resourceOf(stanza.to);
    if (stanza.type !== 'groupchat') this.#private(turn, room, peer, occupant, nick, stanza);
    else this.#groupchat(turn, room, occupant, stanza, author);
    return true;
  }

  #groupchat(turn: Turn, room: RoomView, occupant: Occupant, stanza: Stanza, author: Jid): void {
    const item = itemOf(turn, room, occupant.nick, author, stanza, turn.env.now);
    if (room.holds(item))
      return turn.note('decision#27', 'a message that is here already: dropped', { room: room.jid });
    const text = bodyOf(stanza) === undefined ? subjectOf(stanza) : undefined;
    if (text === undefined) {
      turn.record({ kind: 'messageAccepted', room: room.jid, n: room.n + 1, item });
      return this.#accept(turn, room, { kind: 'message', occupant, item });
    }
    const subject = { text, nick: occupant.nick, at: turn.env.now };
    turn.record({ kind: 'subjectChanged', room: room.jid, n: room.n + 1, subject });
    this.#accept(turn, room, { kind: 'subject', occupant, subject, item });
  }

  /** §5.6: "each node that receives it is responsible for routing it"; never to anybody else. */
  #private(turn: Turn, room: RoomView, peer: Jid, from: Occupant, nick: string, stanza: Stanza): void {
    const target = room.occupants.get(nick);
    const clean = { ...stanza, payloads: cleanPayloads(room.jid, stanza.payloads) };
    if (target === undefined)
      return turn.send(
        errorReply(clean, stanzaError('cancel', 'item-not-found', `nobody here is called ${nick}`)),
        '0045#7.5',
        peer,
      );
    if (isLocal(target)) deliverPrivate(turn, room, from, target.jid, clean, '0289#5.6');
    else if (target.home !== peer) this.route(turn, room, from, target, clean);
  }

  #answerMessage(turn: Turn, room: RoomView, outbound: JoiningNode, author: Jid | undefined, stanza: Stanza): void {
    const nick = resourceOf(stanza.from);
    const at = stampOf(stanza) ?? turn.env.now;
    const clamped = at > turn.env.now + skewMs ? turn.env.now : at;
    const text = bodyOf(stanza) === undefined ? subjectOf(stanza) : undefined;
    if (text !== undefined)
      outbound.answeredSubject(turn, room, this, text === '' && nick === '' ? undefined : { text, nick, at: clamped });
    else if (nick !== '' && author !== undefined)
      outbound.answeredMessage(itemOf(turn, room, nick, author, stanza, clamped));
  }

  /** The subject of a room where nobody set one names no author (decision #22). */
  #answerWithoutAuthor(turn: Turn, room: RoomView, outbound: JoiningNode, stanza: Stanza): void {
    if (room.peers.get(outbound.peer)?.state === 'joining' && stanza.type === 'groupchat')
      this.#answerMessage(turn, room, outbound, undefined, stanza);
    else
      turn.note('0289#5', `a message without fmuc from ${outbound.peer}: ignored`, {
        room: room.jid,
        peer: outbound.peer,
      });
  }

  /** A node that may federate believes in a link that we do not have: it is told, and joins again. Decision #24. */
  #unlinked(turn: Turn, room: RoomView, peer: Jid): void {
    if (this.#allowed.includes(peer) && room.peers.get(peer) === undefined)
      turn.send(left(room, peer), 'decision#24', peer);
    turn.note('0289#7', `${peer} is not linked with this room: dropped`, { room: room.jid, peer });
  }

  #bounced(turn: Turn, room: RoomView, peer: Jid, outbound: JoiningNode | undefined, stanza: Stanza): void {
    const fmuc = stanza.payloads.find((payload) => payload.name === 'fmuc' && payload.xmlns === NS.fmuc);
    if (errorOf(stanza)?.condition === 'conflict' && fmuc && childOf(fmuc, 'conflict', NS.ext))
      return this.#conflict(turn, room, peer, outbound, stanza);
    if (!saysGone(stanza) || stanza.name === 'iq')
      return turn.note('0289#5', `an error from ${peer} that is no bounce: ignored`, { room: room.jid, peer });
    // A private message comes back because its target is gone, not the node: that is the sender's news, not the link's.
    if (
      stanza.name === 'message' &&
      resourceOf(stanza.from) !== '' &&
      errorOf(stanza)?.condition === 'item-not-found'
    ) {
      const sender = room.occupants.get(resourceOf(stanza.to));
      if (sender && isLocal(sender))
        turn.send(
          {
            ...stanza,
            from: occupantJid(room.jid, resourceOf(stanza.from)),
            to: sender.jid,
            payloads: cleanPayloads(room.jid, stanza.payloads),
          },
          '0045#7.5',
        );
      return;
    }
    const why = `it bounced: ${errorOf(stanza)?.condition}`;
    if (outbound) return outbound.lost(turn, room, this, why);
    turn.note('decision#24', `${peer} is lost: ${why}`, { room: room.jid, peer });
    turn.record({ kind: 'peerChanged', room: room.jid, peer, record: undefined });
    for (const occupant of [...room.occupants.values()]) {
      if (occupant.home === peer) leave(turn, room, this, occupant, { statuses: [333], payloads: [] });
    }
  }

  /** Decision #23: the joined node keeps its own; ours goes. */
  #conflict(turn: Turn, room: RoomView, peer: Jid, outbound: JoiningNode | undefined, stanza: Stanza): void {
    if (outbound === undefined)
      return turn.note('decision#23', `${peer} is the joining side: its own must go`, { room: room.jid, peer });
    if (room.peers.get(peer)?.state === 'joining') return outbound.conflict(turn, room);
    const loser = room.occupants.get(resourceOf(stanza.to));
    if (loser !== undefined && loser.home !== peer) this.#yield(turn, room, loser);
  }

  #theirs(room: RoomView, peer: Jid, author: Jid): Occupant | undefined {
    const occupant = room.occupantByJid(author);
    return occupant?.home === peer ? occupant : undefined;
  }

  #accept(turn: Turn, room: RoomView, change: Change): void {
    tell(
      turn,
      room,
      change,
      change.kind === 'left'
        ? '0289#5.4'
        : change.kind === 'message' || change.kind === 'subject'
          ? '0289#5.2'
          : '0289#5.3',
    );
    this.spread(turn, room, change);
  }
}

function itemOf(turn: Turn, room: RoomView, nick: string, author: Jid, stanza: Stanza, at: Instant): HistoryItem {
  // The identity that the accepting room gave travels on; a node may not give one in this room's name.
  const given = readStanzaId(stanza.payloads);
  const identity = given && given.by !== room.jid ? given : { by: bareOf(stanza.from), id: turn.env.newId() };
  const mine = readStanzaId(stanza.payloads.filter((payload) => payload.attrs['by'] === room.jid));
  return {
    ...(mine && room.holds(mine) ? mine : identity),
    nick,
    author,
    occupantId: room.occupantIdOf(author) ?? '',
    at,
    ...(stanza.id === undefined ? {} : { stanzaId: stanza.id }),
    ...(stanza.lang === undefined ? {} : { lang: stanza.lang }),
    payloads: withoutFederation(cleanPayloads(room.jid, stanza.payloads), bareOf(stanza.from)),
  };
}

/** Less the delay and the id that the other node put in: the room adds its own on the way out. */
function withoutFederation(payloads: readonly XmlElement[], peer: Jid): readonly XmlElement[] {
  return payloads.filter((payload) => {
    if (payload.name === 'stanza-id' && payload.xmlns === NS.sid) return false;
    if (payload.xmlns === NS.delay)
      return readDelay(payload) !== undefined && domainOf(readDelay(payload)?.from ?? peer) !== domainOf(peer);
    return true;
  });
}

/** When a message of the history was said: XEP-0203, or the malformed `<x/>` of the XEP's own example. */
function stampOf(stanza: Stanza): Instant | undefined {
  const element = stanza.payloads.find((payload) => payload.xmlns === NS.delay);
  const delay = readDelay(element);
  if (delay) return delay.stamp;
  const compact = /^(\d{4})(\d\d)(\d\d)T(.+?)Z?$/.exec(element?.attrs['stamp'] ?? '');
  return compact ? readStamp(`${compact[1]}-${compact[2]}-${compact[3]}T${compact[4]}Z`) : undefined;
}
