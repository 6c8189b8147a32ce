import type { TimerId } from '../node/input.ts';
import type { RoomStatus } from '../node/trace.ts';
import type { RoomSettings } from '../room/config.ts';
import type { HistoryItem, Occupant, Subject } from '../room/event.ts';
import type { RoomView } from '../room/state.ts';
import type { Turn } from '../room/turn.ts';
import type { PresenceParts } from '../room/visibility.ts';
import type { Affiliation, JoinRequest } from '../xep/xep0045.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';

/** Something that happened in a room and is recorded already: what the room tells its own users and its peers. */
export type Change =
  | {
      readonly kind: 'entered';
      readonly occupant: Occupant;
      readonly join: JoinRequest;
      readonly statuses: readonly number[];
    }
  /** Someone who is in asked to enter again: they lost track and need everything once more (XEP-0045 §17.3). */
  | { readonly kind: 'returned'; readonly occupant: Occupant; readonly join: JoinRequest }
  | { readonly kind: 'presence'; readonly occupant: Occupant; readonly parts?: PresenceParts }
  /** `alone`: nobody else is told, for everybody goes (§10.9, §11.2). */
  | { readonly kind: 'left'; readonly occupant: Occupant; readonly parts: PresenceParts; readonly alone?: boolean }
  /** `statuses`: for the new presence, to the one renamed: 210 where it was not their wish. */
  | {
      readonly kind: 'renamed';
      readonly before: Occupant;
      readonly after: Occupant;
      readonly statuses?: readonly number[];
    }
  /** An owner changed the configuration; `statuses`: what those inside are told of it (§10.2.1). */
  | {
      readonly kind: 'configured';
      readonly changes: Partial<RoomSettings>;
      readonly statuses: readonly number[];
    }
  /** A user (a bare JID, or a domain) has another affiliation; `absent`: and is not in, so no presence says so (§9.3). */
  | { readonly kind: 'affiliated'; readonly user: Jid; readonly affiliation: Affiliation; readonly absent: boolean }
  /** `late`: it was said a while ago, so users get it with its time (XEP-0203). */
  | { readonly kind: 'message'; readonly occupant: Occupant; readonly item: HistoryItem; readonly late?: boolean }
  | { readonly kind: 'subject'; readonly occupant: Occupant; readonly subject: Subject; readonly item: HistoryItem };

/**
 * The one seam between a room and a protocol: one per room, chosen in its configuration. A distribution holds only
 * volatile state of its own (tickets, pings in flight); what must survive it records as events of the room.
 */
export interface Distribution {
  readonly role: RoomStatus['role'];
  /**
   * A stanza that may be a peer node's, before anything else looks at it.
   *
   * @returns true if it was: the distribution has dealt with it, by doing something or by refusing it
   */
  fromPeer(turn: Turn, room: RoomView, stanza: Stanza): boolean;
  /**
   * A stanza from a user, before the room looks at it.
   *
   * @returns true if the distribution took it over (a replica relays it)
   */
  fromUser(turn: Turn, room: RoomView, stanza: Stanza): boolean;
  /** The peer that will serve this user once they are in; undefined: this node does. */
  homeOf(room: RoomView, user: Jid): Jid | undefined;
  /**
   * Someone who may enter is about to.
   *
   * @returns false if they must wait for a peer: the distribution enters them later
   */
  admit(turn: Turn, room: RoomView, occupant: Occupant & { jid: Jid }, join: JoinRequest): boolean;
  /** Tells the peers what the room has just told its own users. */
  spread(turn: Turn, room: RoomView, change: Change): void;
  /** A private message from `from` to an occupant whose home is a peer. XEP-0045 §7.5. */
  route(turn: Turn, room: RoomView, from: Occupant, to: Occupant, stanza: Stanza): void;
  /** The stream to our server is a new one: nothing of the old one is in flight. */
  linkUp(turn: Turn, room: RoomView): void;
  /** The node goes down on purpose. */
  stop?(turn: Turn, room: RoomView): void;
  timer(turn: Turn, room: RoomView, timer: TimerId): void;
}

/** XEP-0045 alone: no peers. The reference everything is compared with. */
export const none: Distribution = {
  role: 'plain',
  fromPeer: () => false,
  fromUser: () => false,
  homeOf: () => undefined,
  admit: () => true,
  spread: () => {},
  route: () => {},
  linkUp: () => {},
  timer: () => {},
};

/** Timers belong to a room: `<name> <room jid>`. */
export function timerOf(room: Jid, name: string): TimerId {
  return `${name} ${room}` as TimerId;
}
export function readTimer(timer: TimerId): { readonly name: string; readonly room: Jid } {
  const space = timer.indexOf(' ');
  return { name: timer.slice(0, space), room: timer.slice(space + 1) as Jid };
}
