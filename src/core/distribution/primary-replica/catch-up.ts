import { isLocal } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { Created, Ready } from '../../xep/sync.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { readReplicaForm } from './replica-form.ts';

/**
 * XEP-0282 §4.11.2, mode `delta`: the changes that were missed come in their order and are taken one by one, as live ones
 * are; then the primary says whom it counts as this replica's users, by a digest or, asked for it, by name. Decision #41.
 */
export class CatchUp {
  readonly mode = 'delta';
  readonly created: Created;
  readonly #users = new Map<string, Jid>();

  constructor(created: Created) {
    this.created = created;
  }

  addUser(nick: string, jid: Jid): void {
    this.#users.set(nick, jid);
  }

  isComplete(ready: Ready, n: number): boolean {
    return ready.n === n && ready.roster === this.#users.size;
  }

  /** @returns whom the primary counts as this replica's users and who are not served here: by nick, with their JID */
  take(turn: RoomTurn, _left: ReadonlySet<Jid>, ready: Ready): ReadonlyMap<string, Jid> {
    const { room } = turn;
    const changes = readReplicaForm(room, this.created.config);
    const news = Object.entries(changes).some(
      ([key, value]) => !isSame(room.config[key as keyof typeof changes], value),
    );
    if (news) turn.record({ kind: 'roomConfigured', changes });
    if (ready.users !== undefined) return new Map();
    const counted = new Set(this.#users.values());
    for (const local of room.locals) {
      // The primary serves them itself, or has no idea of them: they are not ours to serve.
      if (!local.provisional && !counted.has(local.jid))
        turn.record({ kind: 'occupantChanged', occupant: { ...local, home: room.jid } });
    }
    return new Map(
      [...this.#users].filter(([, jid]) => {
        const known = room.occupantByJid(jid);
        return !known || !isLocal(known);
      }),
    );
  }
}

/** Of settings: words, numbers and lists of words. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
