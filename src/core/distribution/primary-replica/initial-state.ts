import type { HistoryItem, Occupant, Subject } from '../../room/event.ts';
import { delayedMessage } from '../../room/history.ts';
import type { RoomView } from '../../room/state.ts';
import { isLocal, localOccupants, tell } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
import type { Created, Ready } from '../../xep/sync.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { el } from '../../xmpp/xml.ts';

/**
 * Roster, history and subject on their way from the primary (XEP-0282 §4.3, §4.4): shown to nobody before `<ready/>`,
 * then taken as one (decision #5), and those who were here before see only the differences (decision #8).
 */
export class InitialState {
  readonly created: Created;
  readonly #roster = new Map<string, Occupant>();
  /** Users whom the primary enters inside the roster. */
  readonly #entered = new Map<string, Jid>();
  readonly #history: HistoryItem[] = [];
  #subject: Subject | undefined;

  constructor(created: Created) {
    this.created = created;
  }

  addOccupant(occupant: Occupant, entered: Jid | undefined): void {
    this.#roster.set(occupant.nick, occupant);
    if (entered !== undefined) this.#entered.set(occupant.nick, entered);
  }

  /** Whether everything that the primary sent has arrived. */
  isComplete(ready: Ready): boolean {
    return ready.n === this.created.n && ready.roster === this.#roster.size && ready.history === this.#history.length;
  }

  /** Beyond `max` it is more than was asked for: ignored. */
  addMessage(item: HistoryItem, max: number): void {
    if (this.#history.length < max) this.#history.push(item);
  }

  setSubject(subject: Subject): void {
    this.#subject = subject;
  }

  /** @returns whom the primary counts as this replica's users and who are not served here: by nick, with their JID */
  take(turn: Turn, room: RoomView): ReadonlyMap<string, Jid> {
    const before = new Map(room.occupants);
    const held = new Set(room.history.map(({ by, id }) => `${by} ${id}`));
    const subjectBefore = room.subject?.text ?? '';
    const unserved = new Map<string, Jid>();
    const occupants = [...this.#roster.values()].map((occupant) => {
      const jid = this.#entered.get(occupant.nick);
      const known = before.get(occupant.nick);
      if (jid !== undefined && known && isLocal(known) && known.jid === jid) {
        const { home: _, ...local } = occupant;
        return { ...local, jid };
      }
      if (jid !== undefined) unserved.set(occupant.nick, jid);
      return occupant;
    });
    const { epoch, n, whois } = this.created;
    const state = { epoch, whois, occupants, history: this.#history, subject: this.#subject };
    turn.record({ kind: 'stateReplaced', room: room.jid, n, ...state });
    this.#tellRoster(turn, room, before);
    for (const viewer of localOccupants(room)) {
      for (const item of this.#history) {
        if (!held.has(`${item.by} ${item.id}`)) turn.send(delayedMessage(room.jid, item, viewer.jid), 'decision#8');
      }
    }
    this.#tellSubject(turn, room, subjectBefore);
    return unserved;
  }

  #tellRoster(turn: Turn, room: RoomView, before: ReadonlyMap<string, Occupant>): void {
    for (const known of before.values()) {
      const now = room.occupants.get(known.nick);
      if (now !== undefined && !lost(known, now)) continue;
      const parts = { statuses: isLocal(known) ? [333] : [], payloads: [] };
      tell(turn, room, { kind: 'left', occupant: known, parts }, 'decision#8');
    }
    for (const now of room.occupants.values()) {
      const known = before.get(now.nick);
      if (known === undefined || lost(known, now))
        tell(turn, room, { kind: 'entered', occupant: now, join: {}, statuses: [] }, 'decision#8');
      else if (visible(known) !== visible(now)) tell(turn, room, { kind: 'presence', occupant: now }, 'decision#8');
    }
  }

  #tellSubject(turn: Turn, room: RoomView, before: string): void {
    const { subject } = room;
    const author = subject && room.occupants.get(subject.nick);
    if (!subject || !author || subject.text === before) return;
    const payloads = [el('subject', NS.client, {}, subject.text)];
    const item = {
      by: room.jid,
      id: turn.env.newId(),
      nick: subject.nick,
      occupantId: author.occupantId,
      at: subject.at,
      payloads,
    };
    tell(turn, room, { kind: 'subject', occupant: author, subject, item }, 'decision#8');
  }
}

/** Whether someone was this replica's user and is no more. */
function lost(known: Occupant, now: Occupant): boolean {
  return isLocal(known) && !isLocal(now);
}

/** What everybody sees of an occupant. */
function visible({ role, affiliation, presence }: Occupant): string {
  return JSON.stringify([role, affiliation, presence]);
}
