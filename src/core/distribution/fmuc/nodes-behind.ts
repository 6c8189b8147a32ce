/**
 * XEP-0289 in primary-replica mode, a replica that others joined in turn: what their users do goes on to the primary, and
 * happens here, and is echoed to them, when it comes back. Decision #171.
 */
import { type Refusal, refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import type { Trail } from '../../xep/fmuc-sync.ts';
import { type JoinRequest, readMucUser } from '../../xep/xep0045.ts';
import { writeFmuc } from '../../xep/xep0289.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { type Jid, resourceOf } from '../../xmpp/jid.ts';
import { errorReply, type Stanza } from '../../xmpp/stanza.ts';
import { type Guest, mayBeIn, maySay, refuseUser } from './admission.ts';
import { refuseNick } from './collision.ts';
import { relayed } from './echo.ts';
import type { ByNode, Entrance } from './entrance.ts';
import type { Links } from './links.ts';
import { spokenForBy } from './occupants.ts';
import { passedBy, placeOf, trailOf } from './place.ts';
import { type Known, occupantOf } from './reading.ts';
import type { ReplicaSide } from './replica-side.ts';

/** The primary cannot be asked: the node that joined this one is as good as cut off, too. */
const away = refusal('wait', 'remote-server-timeout', 'decision#171', 'the room is cut off from its primary');

/** Takes something of a node that joined this one, as if it came now. */
type Take = (turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza, before?: Known) => void;

export class NodesBehind {
  readonly #replica: ReplicaSide;
  readonly #links: Links;
  readonly #entrance: Entrance;
  readonly #take: Take;

  constructor(replica: ReplicaSide, links: Links, entrance: Entrance, take: Take) {
    this.#replica = replica;
    this.#links = links;
    this.#entrance = entrance;
    this.#take = take;
  }

  /**
   * Presence, or a message, over the link with such a node.
   *
   * @returns whether it waits for the primary, or is refused; else it is taken as it comes
   */
  holds(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza): boolean {
    const { room } = turn;
    // What says that it has been here is no echo of the primary's.
    if (peer === this.#replica.primary || passedBy(stanza, peer).includes(room.jid)) return false;
    const nick = resourceOf(stanza.from);
    const known = spokenForBy(room, this.#links, peer, author, nick);
    if (stanza.name === 'message') {
      // Who may not say it here does not say it by this node.
      if (known === undefined || stanza.type !== 'groupchat' || maySay(room, known, stanza)) return false;
      return this.#sendOn(turn, peer, author, stanza, { before: known });
    }
    if (stanza.type === 'unavailable') return this.#goes(turn, peer, author, stanza, known);
    if (stanza.type !== undefined || nick === '') return false;
    const holder = room.occupants.get(nick);
    const own = holder?.home === peer && isOf(holder, author);
    // Who is here under this nick loses nothing to them: decision #23.
    if (holder !== undefined && !own) return false;
    if (known === undefined && !own) {
      if (room.occupantByJid(author) !== undefined || this.#isUnwelcome(room, peer, author, stanza)) return false;
      return this.#enters(turn, peer, author, stanza);
    }
    if (own && this.#replica.reach(room) !== 'joined') return false;
    return this.#sendOn(turn, peer, author, stanza, own ? {} : { nick });
  }

  /**
   * Such a node joins, in the name of a user who is not known yet.
   *
   * @param take  answers the join
   * @returns whether it waits, or is refused
   */
  holdsJoin(turn: RoomTurn, peer: Jid, author: Jid, join: JoinRequest, stanza: Stanza, take: Take): boolean {
    const { room, env } = turn;
    if (room.occupantByJid(author) !== undefined || resourceOf(stanza.from) === '') return false;
    if (this.#isUnwelcome(room, peer, author, stanza)) return false;
    const place = placeOf(stanza);
    const by: ByNode = {
      peer,
      admit: (now) => take(now, peer, author, stanza),
      refuse: (now, why) => {
        this.#links.budgets.joinedNothing(peer, now.env.now);
        const nick = resourceOf(stanza.from);
        const outside = place && { session: place.session, n: 0 };
        const guest = guestOf(peer, author, stanza);
        if (why.type === 'wait') now.send(errorReply(stanza, errorOf(away)), why.spec, peer);
        else if (why.condition === 'conflict') refuseNick(now, this.#links, peer, nick, author, outside);
        else refuseUser(now, this.#links, guest, nick, why, outside);
      },
    };
    const occupant = occupantOf(room, this.#links, author, room.occupantIdOf(author) ?? env.newId(), stanza);
    const held = this.#replica.waitsAtEntrance(turn, { occupant, join, by, way: wayOf(stanza, peer) });
    if (held !== 'held') by.refuse(turn, held);
    return true;
  }

  /** This room's own rules come first, as they do for its own users: the primary is not asked for nothing. */
  #isUnwelcome(room: RoomView, peer: Jid, author: Jid, stanza: Stanza): boolean {
    const guest = guestOf(peer, author, stanza);
    return mayBeIn(room, this.#links, guest, resourceOf(stanza.from), room.occupants.size) !== undefined;
  }

  #enters(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza): boolean {
    const { room, env } = turn;
    const before = this.#entrance.get(author, env.now)?.by;
    const by = alsoRefusing(before?.peer === peer ? before : undefined, this.#byNode(peer, author, stanza));
    const occupant = occupantOf(room, this.#links, author, room.occupantIdOf(author) ?? env.newId(), stanza);
    const held = this.#replica.waitsAtEntrance(turn, { occupant, join: {}, by, way: wayOf(stanza, peer) });
    if (held !== 'held') this.#refuse(turn, peer, author, stanza, held);
    return true;
  }

  /** Leaves never wait; of a change of nick only the second stanza comes back. */
  #goes(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza, known: Known | undefined): boolean {
    const { room, env } = turn;
    const user = readMucUser(stanza.payloads);
    if (user?.nick !== undefined && user.statuses.includes(303)) {
      const isFree = known && room.occupants.get(user.nick) === undefined;
      if (isFree) this.#replica.pass(turn, relayed(room, author, stanza, this.#replica.primary), wayOf(stanza, peer));
      return true;
    }
    const waiting = this.#entrance.withdraw(author, env.now, peer);
    if (waiting) this.#replica.withdrawn(turn, waiting.occupant);
    return waiting !== undefined;
  }

  #sendOn(
    turn: RoomTurn,
    peer: Jid,
    author: Jid,
    stanza: Stanza,
    { nick, before }: { readonly nick?: string; readonly before?: Known },
  ): boolean {
    const by = this.#byNode(peer, author, stanza, before);
    const what = { author, name: stanza.name, nick, wish: { kind: 'relayed', by } } as const;
    const to = this.#replica.primary;
    const held = this.#replica.sendOn(turn, relayed(turn.room, author, stanza, to), wayOf(stanza, peer), what);
    if (held !== 'held') by.refuse(turn, held);
    return true;
  }

  /**
   * If the link by which it came is lost meanwhile, the node has given up what waited, and its users are out. What they said
   * is said all the same, because everybody else reads it.
   */
  #byNode(peer: Jid, author: Jid, stanza: Stanza, before?: Known): ByNode {
    const link = this.#links.of(peer);
    const isOver = () => this.#links.of(peer) !== link;
    return {
      peer,
      admit: (turn) => {
        if (stanza.name === 'message' || !isOver()) this.#take(turn, peer, author, stanza, before);
      },
      refuse: (turn, why) => {
        if (!isOver()) this.#refuse(turn, peer, author, stanza, why);
      },
    };
  }

  /** The node is told, with the mark of decision #123: it is not about the link. */
  #refuse(turn: RoomTurn, peer: Jid, author: Jid, stanza: Stanza, why: Refusal): void {
    const link = this.#links.live(turn.room, peer);
    const nick = resourceOf(stanza.from);
    const holder = turn.room.occupants.get(nick);
    // How available its users are each room shows in any state (decision #154).
    if (stanza.name === 'presence' && holder?.home === peer && isOf(holder, author)) {
      if (this.#replica.reach(turn.room) !== 'joined') this.#take(turn, peer, author, stanza);
    } else if (why.condition === 'conflict') refuseNick(turn, this.#links, peer, nick, author);
    else {
      const mark = link?.counts ? [writeFmuc({ kind: 'from', from: author })] : [];
      turn.send(errorReply(stanza, errorOf(why), ...mark), why.spec, peer);
    }
  }
}

/** Decision #176: what the node has said of this user since they asked to enter is refused together with that. */
function alsoRefusing(before: ByNode | undefined, by: ByNode): ByNode {
  if (before === undefined) return by;
  const first = before.first ?? before;
  return {
    ...by,
    first,
    refuse: (turn, why) => {
      first.refuse(turn, why);
      by.refuse(turn, why);
    },
  };
}

function guestOf(peer: Jid, user: Jid, stanza: Stanza): Guest {
  return { peer, user, origin: passedBy(stanza, peer)[0] ?? peer, counts: placeOf(stanza) !== undefined };
}

function errorOf({ type, condition, text }: Refusal) {
  return stanzaError(type, condition, text);
}

/** The way of a stanza of that node up to here. */
function wayOf(stanza: Stanza, peer: Jid): Trail {
  const [by = peer, ...via] = passedBy(stanza, peer);
  return { by, via, id: trailOf(stanza, peer)?.id };
}
