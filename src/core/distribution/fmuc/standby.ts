/** Decision #146: a link that stands by, because everybody there is reached by another way. */
import type { RoomTurn } from '../../room/room-turn.ts';
import { readWay, writeWay } from '../../xep/fmuc-sync.ts';
import { ping } from '../../xep/xep0199.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { anyone } from './audience.ts';
import type { Links } from './links.ts';

export class Standby {
  readonly #peer: Jid;
  readonly #links: Links;
  /** The ping that asks for the other way. */
  #question: string | undefined;

  constructor(peer: Jid, links: Links) {
    this.#peer = peer;
    this.#links = links;
  }

  /** Asks whether somebody of ours is still reached there by another way. @returns false: there is nobody to ask for */
  asks(turn: RoomTurn): boolean {
    const { room, env } = turn;
    // It has joined this room, so nothing is to be asked.
    if (this.#links.isInbound(room, this.#peer)) return true;
    const user = anyone(room, this.#links, this.#peer)?.jid;
    if (user === undefined) return false;
    this.#question = env.newId();
    const way = writeWay(this.#links.names.nameFor(room, this.#peer, user));
    turn.send(ping(room.jid, this.#peer, this.#question, way), 'decision#146', this.#peer);
    return true;
  }

  /** @returns undefined: it is no answer to that */
  answered(stanza: Stanza): 'a way' | 'no way' | 'unknown' | undefined {
    if (this.#question === undefined || stanza.id !== this.#question) return undefined;
    this.#question = undefined;
    if (stanza.type !== 'result') return 'unknown';
    return readWay({ children: stanza.payloads }) ? 'a way' : 'no way';
  }
}
