import { hasStatus } from '../core/xep/xep0045.ts';
import { mam } from '../core/xep/xep0313.ts';
import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../core/xmpp/stanza.ts';

/** The rooms of one session. */
export interface Rooms {
  /** The room has told it that it is in: XEP-0045 §7.2.2. */
  readonly entered: Set<Jid>;
  /** It has asked to enter, and what it is sent of the past is for it alone. */
  readonly entering: Set<Jid>;
}

/** A copy costs as much as so many bytes, however short it is. */
const copyMin = 1024;

/** Rooms that one session waits to enter, at most: of more it is not known that what they send was asked for. */
const enteringMax = 1000;

/** Who reads each room, to know at once what a stanza will cost: counting the copies comes too late for a burst. */
export class Readers {
  readonly #readers = new Map<Jid, number>();

  /** Notes what a room tells a session of itself. */
  told({ entered, entering }: Rooms, { from, type, payloads }: Stanza): void {
    const room = bareOf(from);
    if (type === 'error') entering.delete(room);
    else if (!hasStatus(payloads, 110)) return;
    else if (type === 'unavailable') {
      entering.delete(room);
      this.#left(entered, room);
    } else if (!entered.has(room)) {
      entered.add(room);
      this.#readers.set(room, (this.#readers.get(room) ?? 0) + 1);
    }
  }

  /** A session is over. */
  ended({ entered }: Rooms): void {
    for (const room of [...entered]) this.#left(entered, room);
  }

  #left(entered: Set<Jid>, room: Jid): void {
    if (!entered.delete(room)) return;
    const left = (this.#readers.get(room) ?? 1) - 1;
    if (left > 0) this.#readers.set(room, left);
    else this.#readers.delete(room);
  }

  /**
   * What a room sends because of a stanza to it, in bytes.
   *
   * @param bytes  what the stanza itself costs
   */
  weight({ entered, entering }: Rooms, { name, type, to }: Stanza, bytes: number): number {
    const room = bareOf(to);
    const toAll = name === 'presence' || (name === 'message' && type === 'groupchat');
    const copies = toAll ? Math.max(1, this.#readers.get(room) ?? 0) : 1;
    // XEP-0045 §7.2.2, §7.2.3: who enters is told of all who are there, and they of whoever enters.
    const enters = name === 'presence' && type === undefined && !entered.has(room);
    if (enters && entering.size < enteringMax) entering.add(room);
    return Math.max(copyMin, bytes) * copies * (enters ? 2 : 1);
  }

  /** XEP-0313 §4: the answer is many times as long as the question. */
  asksForPage({ name, payloads }: Stanza): boolean {
    return name === 'iq' && payloads[0]?.xmlns === mam;
  }

  /** What a delivery to the one who asked for it costs, in bytes; 0: it is for others as well. */
  answer({ entering }: Rooms, stanza: Stanza, bytes: number): number {
    const { name, from, type, payloads } = stanza;
    if (name === 'presence') return 0;
    const cost = Math.max(copyMin, bytes);
    const room = bareOf(from);
    // From the room itself: what another user sends, be it called a result, is not asked for.
    if (name === 'iq' || payloads[0]?.xmlns === mam)
      return from === room && type !== 'get' && type !== 'set' ? cost : 0;
    if (type !== 'groupchat' || entering.size === 0) return 0;
    if (!entering.has(room)) return 0;
    // XEP-0045 §7.2.13: history has the room's delay; with the first message without one it is over.
    if (payloadOf(stanza, 'delay', NS.delay)?.attrs['from'] === room) return cost;
    entering.delete(room);
    return 0;
  }
}
