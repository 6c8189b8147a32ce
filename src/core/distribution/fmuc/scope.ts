/** Whose users another node may bring in, and whose words it may pass on: decision #155. */
import { isServedHere } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import type { FmucTrust } from '../config.ts';
import { isOwnUser } from '../scope.ts';

export class Scopes {
  readonly #given: NonNullable<FmucTrust['scope']>;

  constructor(given: FmucTrust['scope'] = new Map()) {
    this.#given = given;
  }

  /**
   * Whether this peer may speak of a user.
   *
   * @param origin  the node where the user is, or where their words began, as the peer says
   */
  holds(room: RoomView, peer: Jid, user: Jid, origin: Jid): boolean {
    const known = room.occupantByJid(user);
    // In person here, whatever another says.
    if (known !== undefined && isServedHere(known)) return false;
    const given = this.#given.get(peer);
    if (this.isGiven(peer, user)) return true;
    // Two nodes may stand at one server.
    if (isOwnUser(room.jid, user)) return given === undefined && isOwnUser(peer, user);
    if (given !== undefined) return given.includes('*');
    return isOwnUser(peer, user) || (origin !== room.jid && this.#isOf(origin, user));
  }

  /** Whether an owner gave the user's domain to this peer. */
  isGiven(peer: Jid, user: Jid): boolean {
    return this.#given.get(peer)?.includes(domainOf(user)) === true;
  }

  /** Whether the user is one of that node itself. */
  #isOf(node: Jid, user: Jid): boolean {
    const given = this.#given.get(node);
    return given === undefined ? isOwnUser(node, user) : given.includes(domainOf(user));
  }
}
