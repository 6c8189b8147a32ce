import type { Change, ChangeOf } from '../room/change.ts';
import { type HistoryItem, isLater, isLocal, type Occupant, type Subject } from '../room/event.ts';
import { isKept } from '../room/keeping.ts';
import type { RoomTurn } from '../room/room-turn.ts';
import { sessionsOf } from '../room/sessions.ts';
import type { RoomView } from '../room/state.ts';
import { sameSubject, writeSubject } from '../room/subject.ts';
import { shownPresence } from '../room/visibility.ts';
import type { Env } from '../turn/env.ts';
import { bareOf, type Jid } from '../xmpp/jid.ts';
import { sameElements, type XmlElement } from '../xmpp/xml.ts';

/** How much of another node's state is taken. The rest is ignored, so that a hostile node cannot fill this one. */
export interface Bounds {
  readonly occupants: number;
  readonly messages: number;
}

/** What the other node may speak about. */
export interface Scope {
  /** The node itself. What a user who is not in has said counts as coming by it. */
  readonly from: Jid;
  /** Whether that node says who this occupant is, and whether they are in at all. */
  speaksFor(occupant: Occupant): boolean;
  /** Whether its messages have ids that last (XEP-0359). If not, the same words of the same author are the same message. */
  readonly lastingIds: boolean;
}

/**
 * Another node's state while it arrives: roster, history and subject. Nobody is told of it before all of it is here. Then
 * the differences (`diff`) happen to this room, so its own users and the nodes further down hear of them as of any other
 * change.
 */
export class IncomingState {
  readonly #bounds: Bounds;
  readonly #occupants = new Map<string, Occupant>();
  readonly #nicks = new Map<Jid, string>();
  readonly #messages: HistoryItem[] = [];
  readonly #identities = new Set<string>();
  /** Occupant ids given to users whom this room did not know, by bare JID (XEP-0421). */
  readonly #ids = new Map<Jid, string>();
  #subject: Subject | undefined;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** A user who is in, as the node says. The last entry for a nick, and for a session, counts. */
  addOccupant(occupant: Occupant): void {
    const { nick, jid } = occupant;
    if (this.#occupants.size >= this.#bounds.occupants && !this.#occupants.has(nick)) return;
    const before = jid === undefined ? undefined : this.#nicks.get(jid);
    if (before !== undefined && before !== nick) this.#occupants.delete(before);
    this.#occupants.set(nick, occupant);
    if (jid !== undefined) this.#nicks.set(jid, nick);
  }

  /** A message of its history, oldest first. A stanza that a link brings twice is one message. */
  addMessage(item: HistoryItem): void {
    const identity = `${item.by} ${item.id}`;
    if (this.#messages.length >= this.#bounds.messages || this.#identities.has(identity)) return;
    this.#identities.add(identity);
    this.#messages.push(item);
  }

  setSubject(subject: Subject | undefined): void {
    this.#subject = subject;
  }

  get occupants(): readonly Occupant[] {
    return [...this.#occupants.values()];
  }

  get messages(): readonly HistoryItem[] {
    return this.#messages;
  }

  get subject(): Subject | undefined {
    return this.#subject;
  }

  /** Whether as much has arrived as was sent. */
  isComplete(sent: { readonly occupants: number; readonly messages: number }): boolean {
    return sent.occupants === this.#occupants.size && sent.messages === this.#messages.length;
  }

  /** A user of it who is known by another way. @returns whether they were in it */
  forget(session: Jid): boolean {
    const nick = this.#nicks.get(session);
    return nick !== undefined && this.#nicks.delete(session) && this.#occupants.delete(nick);
  }

  /** Whether somebody in it has this nick, or this session. */
  hasNickOrSession(occupant: Occupant): boolean {
    return this.#occupants.has(occupant.nick) || sessionsOf(occupant).some(({ jid }) => this.#nicks.has(jid));
  }

  /** The occupant id of a user: the one that the room gave them, or a new one for all that this state says of them. */
  occupantIdOf(room: RoomView, user: Jid, env: Env): string {
    const known = this.knownOccupantId(room, user);
    if (known !== undefined) return known;
    const id = env.newId();
    this.#ids.set(bareOf(user), id);
    return id;
  }

  /** The occupant id of a user, if they have one. */
  knownOccupantId(room: RoomView, user: Jid): string | undefined {
    return room.occupantIdOf(user) ?? this.#ids.get(bareOf(user));
  }

  /**
   * The changes that make this the room's state, in the order in which they are told: users who are gone, users with
   * another nick or presence, new users, messages, and the subject. All of them are late: they happened a while ago.
   */
  diff({ room }: RoomTurn, scope: Scope): readonly Change[] {
    return [...this.#roster(room, scope), ...this.#history(room, scope), ...this.#topic(room, scope)];
  }

  #roster(room: RoomView, { speaksFor }: Scope): Change[] {
    const left: Change[] = [];
    const others: Change[] = [];
    const known = new Set<Occupant>();
    for (const before of room.occupants.values()) {
      if (!speaksFor(before)) continue;
      const after = this.#sameOne(before);
      if (after === undefined) {
        // A user whom this node serves, and who is out, must be told that it was nobody's wish (XEP-0045 §11.1).
        const parts = isLocal(before) ? { statuses: [333], payloads: [] } : { payloads: [] };
        left.push({ kind: 'left', occupant: before, parts });
        continue;
      }
      known.add(after);
      if (after.nick !== before.nick) others.push({ kind: 'renamed', before, after });
      else if (!looksAlike(before, after)) others.push({ kind: 'presence', occupant: after });
    }
    for (const occupant of this.#occupants.values()) {
      if (known.has(occupant)) continue;
      // Another answer may have come first, and have brought them in.
      const occupantId = (occupant.jid && room.occupantIdOf(occupant.jid)) ?? occupant.occupantId;
      others.push({ kind: 'entered', occupant: { ...occupant, occupantId }, join: {}, statuses: [] });
    }
    return [...left, ...others];
  }

  /** The same user in this state: by the session if both have one, else by the nick. */
  #sameOne({ nick, jid }: Occupant): Occupant | undefined {
    const session = jid === undefined ? undefined : this.#nicks.get(jid);
    if (session !== undefined) return this.#occupants.get(session);
    const named = this.#occupants.get(nick);
    return named?.jid === undefined || jid === undefined ? named : undefined;
  }

  #history(room: RoomView, { from, lastingIds }: Scope): Change[] {
    const said = lastingIds ? [] : [...room.atHand];
    const isNew = (item: HistoryItem) => {
      const at = said.findIndex((other) => sameWords(item, other));
      if (at >= 0) said.splice(at, 1);
      return at < 0;
    };
    const news = this.#messages.filter((item) => isKept(item.payloads) && !room.holdsPast(item) && isNew(item));
    return news
      .map((item) => ({ ...item, occupantId: (item.author && room.occupantIdOf(item.author)) ?? item.occupantId }))
      .sort(byTime)
      .map((item) => lateMessage(item, this.#occupants.get(item.nick), from));
  }

  #topic(room: RoomView, { from }: Scope): Change[] {
    const subject = this.#subject;
    if (subject === undefined || sameSubject(subject, room.subject)) return [];
    return [lateSubject(room, subject, this.#occupants.get(subject.nick), from)];
  }
}

/** A message that was said a while ago, as the node `from` says. @param author  if they are in */
export function lateMessage(item: HistoryItem, author: Occupant | undefined, from: Jid): ChangeOf<'message'> {
  const { nick, occupantId } = item;
  return { kind: 'message', occupant: { ...(author ?? stranger(nick, occupantId)), home: from }, item, late: true };
}

/** A subject that was set a while ago, in the same way. */
export function lateSubject(
  room: RoomView,
  subject: Subject,
  author: Occupant | undefined,
  from: Jid,
): ChangeOf<'subject'> {
  const { nick, at, lang, occupantId = author?.occupantId ?? '', by = room.jid, id = '' } = subject;
  const via = from === room.jid ? undefined : from;
  const item = { by, id, nick, occupantId, at, lang, via, payloads: writeSubject(subject) };
  const occupant = { ...(author ?? stranger(nick, occupantId)), home: from };
  return { kind: 'subject', occupant, subject, item, late: true };
}

/** A user who is no longer in, or never was as far as this room knows. */
function stranger(nick: string, occupantId: string): Occupant {
  return { nick, affiliation: 'none', role: 'participant', occupantId, presence: [] };
}

/** Whether others see no difference between the two. */
function looksAlike(a: Occupant, b: Occupant): boolean {
  const [one, other] = [a.claimed ?? a, b.claimed ?? b];
  if (one.role !== other.role || one.affiliation !== other.affiliation || a.guarded !== b.guarded) return false;
  return sameElements(shownPresence(a), shownPresence(b));
}

/** How much later a message may arrive, or another clock may run, in milliseconds. */
const sameTimeMs = 60_000;

/**
 * Whether two messages are the same where they have no lasting ids: the author, by nick where a node does not say who it was,
 * the author's own id, or the time where one of them has none, and the text.
 */
export function sameWords(a: HistoryItem, b: HistoryItem): boolean {
  const sameAuthor = a.author === undefined || b.author === undefined ? a.nick === b.nick : a.author === b.author;
  const sameOne =
    a.stanzaId === undefined || b.stanzaId === undefined
      ? Math.abs(a.at - b.at) < sameTimeMs
      : a.stanzaId === b.stanzaId;
  return sameAuthor && sameOne && sameElements(bodies(a), bodies(b));
}

function bodies({ payloads }: HistoryItem): readonly XmlElement[] {
  return payloads.filter(({ name }) => name === 'body');
}

/** Decision #25. */
function byTime(a: HistoryItem, b: HistoryItem): number {
  return isLater(a, b) ? 1 : isLater(b, a) ? -1 : 0;
}
