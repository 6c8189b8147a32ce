import { isLocal } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { Created, Ready } from '../../xep/sync.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { isSameData } from '../../xmpp/plain-data.ts';
import { givenUp } from './leavers.ts';
import { readReplicaForm } from './replica-form.ts';

/**
 * XEP-0282 §4.11.2, mode `delta`: the changes that were missed come in their order and are taken one by one, as live ones
 * are; then the primary says whom it counts as this replica's users, by a digest or, asked for it, by name. Decision #41.
 */
export class CatchUp {
  readonly mode = 'delta';
  readonly created: Created;
  readonly #users = new Map<Jid, string>();

  constructor(created: Created) {
    this.created = created;
  }

  addUser(nick: string, jid: Jid): void {
    this.#users.set(jid, nick);
  }

  isComplete(ready: Ready, n: number): boolean {
    return ready.n === n && ready.roster === this.#users.size;
  }

  /** @returns sessions that the primary counts as this replica's and that are not served here, with their nicks */
  take(turn: RoomTurn, _left: ReadonlySet<Jid>, ready: Ready): ReadonlyMap<Jid, string> {
    const { room } = turn;
    const changes = readReplicaForm(room, this.created.config);
    const news = Object.entries(changes).some(
      ([key, value]) => !isSameData(room.config[key as keyof typeof changes], value),
    );
    if (news) turn.record({ kind: 'roomConfigured', changes });
    if (ready.users !== undefined) return new Map();
    for (const local of room.locals) {
      // The primary serves them itself, or has no idea of them: they are not ours to serve.
      if (!local.provisional && !this.#users.has(local.jid))
        turn.record({ kind: 'occupantChanged', occupant: givenUp(room, local) });
    }
    return new Map(
      [...this.#users].filter(([jid]) => {
        const known = room.occupantByJid(jid);
        return !known || !isLocal(known);
      }),
    );
  }
}
