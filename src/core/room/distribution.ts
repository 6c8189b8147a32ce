import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { Change } from './change.ts';
import type { SettingField } from './config-form.ts';
import type { Occupant } from './event.ts';
import type { Refusal } from './refusal.ts';
import type { RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';

/** What a room must know of its protocol, so that it need not know which one it is. It never changes. */
export interface Traits {
  /** The features that the room names beside those of XEP-0045 (§6.4). */
  readonly features: readonly string[];
  /** The protocol's own fields of the owner's form (§10.2). */
  readonly configFields: readonly SettingField[];
  /** Whether the room keeps its last changes, for nodes that missed some. */
  readonly keepsChanges: boolean;
  /** Whether the room gives its users their occupant ids (XEP-0421), and so keeps who has which. */
  readonly givesOccupantIds: boolean;
  /** Whether the room may write to this occupant at their own address, whichever node serves them. */
  reaches(occupant: Occupant): boolean;
  /** Whether this room decides about the role and the stay of this occupant. */
  decidesAbout(occupant: Occupant): boolean;
}

/**
 * The one seam between a room and a protocol: one per room, chosen in its configuration. A distribution holds only
 * volatile state of its own (tickets, pings in flight); what must survive it records as events of the room.
 */
export interface Distribution {
  readonly traits: Traits;
  /**
   * A stanza that may come from a peer node, before anything else looks at it.
   *
   * @returns true if it does: the distribution has dealt with it, by doing something or by refusing it
   */
  fromPeer(turn: RoomTurn, stanza: Stanza): boolean;
  /**
   * A stanza from a user, before the room looks at it.
   *
   * @returns true if the distribution took it over, for example because another node decides
   */
  fromUser(turn: RoomTurn, stanza: Stanza): boolean;
  /** The peer that will serve this user once they are in; undefined: this node does. */
  homeOf(room: RoomView, user: Jid): Jid | undefined;
  /**
   * A change that the room's own rules allow.
   *
   * @returns whether it happens now. `held`: the distribution commits it later, or answers the user who asked
   */
  decide(turn: RoomTurn, change: Change): 'commit' | 'held' | Refusal;
  /** Tells the peers what the room has just told its own users. */
  spread(turn: RoomTurn, change: Change): void;
  /** A private message from `from` to an occupant whose home is a peer. XEP-0045 §7.5. */
  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza): void;
  /** The stream to our server is a new one. Nothing of the old one is in flight. */
  linkUp(turn: RoomTurn): void;
  /** The node goes down on purpose. */
  stop?(turn: RoomTurn): void;
  /** @param name  as given to `RoomTurn.setTimer` */
  timer(turn: RoomTurn, name: string): void;
}
