import type { Jid } from '../xmpp/jid.ts';

/** How many rooms users may make by entering them. Decision #221. */
export interface RoomLimits {
  /** Of one user's making that exist at one time. */
  readonly perUser?: number;
  /** Of the service, whoever made them. */
  readonly all?: number;
}

const perUserMax = 1_000;
const allMax = 100_000;

/** Who made which rooms. */
export class Makers {
  readonly #makers = new Map<Jid, Jid>();
  readonly #counts = new Map<Jid, number>();

  made(room: Jid, user: Jid): void {
    this.gone(room);
    this.#makers.set(room, user);
    this.#counts.set(user, (this.#counts.get(user) ?? 0) + 1);
  }

  gone(room: Jid): void {
    const user = this.#makers.get(room);
    if (user === undefined) return;
    this.#makers.delete(room);
    const left = (this.#counts.get(user) ?? 1) - 1;
    if (left > 0) this.#counts.set(user, left);
    else this.#counts.delete(user);
  }

  /** How many rooms each user has made who has made any. */
  get counts(): ReadonlyMap<Jid, number> {
    return this.#counts;
  }

  /**
   * Why a user may make no other room, for people; undefined: they may.
   *
   * @param rooms  of the service, all of them
   * @param elsewhere  those of this user's making that other processes of the service have
   */
  full(
    user: Jid,
    rooms: number,
    { perUser = perUserMax, all = allMax }: RoomLimits = {},
    elsewhere = 0,
  ): string | undefined {
    if ((this.#counts.get(user) ?? 0) + elsewhere >= perUser)
      return `you have made ${perUser} rooms, and may not make others`;
    return rooms >= all ? `this service has ${all} rooms, and makes no others` : undefined;
  }
}
