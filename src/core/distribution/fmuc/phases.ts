/** The phase of a joining node (phase.ts), as it is kept here and in the log. */
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { fmucPeer } from '../peers.ts';
import type { Links } from './links.ts';
import { type Phase, recordOf, remembered } from './phase.ts';
import type { Unanswered } from './unanswered.ts';

export class Phases {
  readonly #peer: Jid;
  readonly #links: Links;
  readonly #unanswered: Unanswered;
  #current: Phase | undefined;

  constructor(peer: Jid, links: Links, unanswered: Unanswered) {
    this.#peer = peer;
    this.#links = links;
    this.#unanswered = unanswered;
  }

  /** The phase; of one in a life before this only the record is left. */
  now(room: RoomView): Phase {
    // It has joined us: the link is its own.
    const record = fmucPeer(room, this.#peer);
    if (record?.direction === 'inbound') this.#current = { phase: 'standby' };
    if (record?.plain) this.#unanswered.counts ??= false;
    this.#current ??= remembered(record);
    return this.#current;
  }

  /** The one way from a phase to another. */
  become(turn: RoomTurn, next: Exclude<Phase, { phase: 'interrupted' }>): void {
    this.#current = next;
    const { phase } = next;
    const peer = this.#peer;
    if (phase === 'away' || phase === 'split' || phase === 'rejected' || phase === 'standby')
      this.#links.end(turn, peer);
    // The link stays for what the other node says before its <left/>, but nobody asks any more whether it is there.
    if (next.phase === 'leaving') this.#links.of(peer)?.unwatch(turn);
    const record = recordOf(next, turn.env.now, this.#unanswered.counts === false);
    turn.record({ kind: 'peerChanged', peer, record });
  }
}
