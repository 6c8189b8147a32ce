/** Decision #194: what a join comes to of which nothing has come: whom it is that was asked, and whom they take our user for. */
import type { RoomTurn } from '../../room/room-turn.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { PhaseOf } from './phase.ts';
import { knowsUs, readWho, whatIsIt, whoIsThere } from './probe.ts';
import { occupantPresence } from './stanzas.ts';

export class Unanswered {
  readonly #peer: Jid;
  #asked: 'kind' | 'who' | 'who again' | undefined;
  #id: string | undefined;
  /** Whether the peer knows our extension; undefined: not known yet. */
  counts: boolean | undefined;

  constructor(peer: Jid) {
    this.#peer = peer;
  }

  /** A join was sent. */
  begin(): void {
    this.#asked = undefined;
    this.#id = undefined;
  }

  /** Nothing has come for a while: it is looked into, once. */
  ask(turn: RoomTurn, { begun, link }: PhaseOf<'asking'>): void {
    if (begun || this.counts === true || this.#asked !== undefined) return;
    this.#send(turn, link.session, this.counts === undefined ? 'kind' : 'who');
  }

  /** Whether it has been told, since it was asked, that the user has left. */
  get hasParted(): boolean {
    return this.#asked === 'who again';
  }

  isAnswer(stanza: Stanza): boolean {
    return this.#id !== undefined && stanza.id === this.#id;
  }

  /** @returns whether the nick of the user in whose name it was asked is somebody else's there */
  answered(turn: RoomTurn, { begun, link, announced }: PhaseOf<'asking'>, stanza: Stanza): boolean {
    if (begun) return false;
    if (this.#asked === 'kind') {
      this.counts = knowsUs(stanza);
      if (this.counts === false) this.#send(turn, link.session, 'who');
      return false;
    }
    if (!readWho(stanza, this.#peer)?.has(announced.nick)) return false;
    if (this.#asked === 'who again') return true;
    // Unless they are ours of before: they leave, and then it is asked once more.
    const parts = { type: 'unavailable', payloads: [] } as const;
    turn.send(occupantPresence(turn.room, announced, this.#peer, parts), 'decision#194', this.#peer);
    this.#send(turn, link.session, 'who again');
    return false;
  }

  #send(turn: RoomTurn, session: string, what: 'kind' | 'who' | 'who again'): void {
    this.#asked = what;
    this.#id = `${session}-${what.replace(' ', '-')}`;
    const question = what === 'kind' ? whatIsIt : whoIsThere;
    turn.send(question(turn.room.jid, this.#peer, this.#id), 'decision#194', this.#peer);
  }
}
