import { type Jid, jid, occupantJid } from '../core/xmpp/jid.ts';
import { type Network, occupantsOf } from './network.ts';

/**
 * Who is called what in a network: numbers of one width, so that all addresses of a kind have one length, in the formulas and
 * in the simulator.
 */
export class Names {
  readonly #serverDigits: number;
  readonly #userDigits: number;

  constructor(network: Network) {
    this.#serverDigits = String(network.occupants.length - 1).length;
    this.#userDigits = String(occupantsOf(network) - 1).length;
  }

  server(server: number): Jid {
    return jid(`s${this.#number(server, this.#serverDigits)}.example`);
  }

  service(server: number): Jid {
    return jid(`rooms.${this.server(server)}`);
  }

  room(server: number): Jid {
    return jid(`hall@${this.service(server)}`);
  }

  /** The account of a replica (XEP-0282). */
  replica(server: number): Jid {
    return jid(`replica@${this.server(server)}`);
  }

  /** @param user  number of the user, counted over all servers */
  user(user: number, server: number): Jid {
    return jid(`u${this.#number(user, this.#userDigits)}@${this.server(server)}/x`);
  }

  /** @param which  of the two nicks that a user has in turn */
  nick(user: number, which: 0 | 1 = 0): string {
    return `${'nm'[which]}${this.#number(user, this.#userDigits)}`;
  }

  /** The address that somebody has in the room of a server. */
  occupant(user: number, server: number): Jid {
    return occupantJid(this.room(server), this.nick(user));
  }

  #number(value: number, digits: number): string {
    return String(value).padStart(digits, '0');
  }
}

/** A text of so many bytes. */
export function textOf(bytes: number): string {
  return 'Double, double toil and trouble; fire burn and caldron bubble. '
    .repeat(Math.ceil(bytes / 63))
    .slice(0, bytes);
}
