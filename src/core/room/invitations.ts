import { bareOf, type Jid } from '../xmpp/jid.ts';
import type { Invitation } from './event.ts';

/** Invitations that a room remembers: an address that never answers is forgotten in the end. */
const invitationsMax = 1_000;

/** The mediated invitations (XEP-0045 §7.8.2) of a room that were neither accepted nor declined, oldest first. Decision #126. */
export class Invitations {
  #all: readonly Invitation[] = [];

  get entries(): readonly Invitation[] {
    return this.#all;
  }

  /** Of one inviter to one user the last one counts. */
  add(invitation: Invitation): void {
    this.end(invitation);
    this.#all = [...this.#all, invitation].slice(-invitationsMax);
  }

  end({ from, to }: Invitation): void {
    this.#all = this.#all.filter((one) => one.from !== from || !isFor(one, to));
  }

  /** Who enters has accepted. */
  accepted(user: Jid): void {
    if (this.#all.length > 0) this.#all = this.#all.filter((one) => !isFor(one, user));
  }

  restore(invitations: readonly Invitation[]): void {
    this.#all = invitations;
  }
}

/** Whether a user, from whichever client, is the one who is invited. */
export function isFor({ to }: Invitation, user: Jid): boolean {
  return bareOf(to) === bareOf(user);
}
