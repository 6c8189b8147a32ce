import { commit } from '../../room/commit.ts';
import { type HistoryItem, isLocal, type Occupant, type Subject } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { shownPresence } from '../../room/visibility.ts';
import type { Ban, Created, Ready } from '../../xep/sync.ts';
import type { Dmuc } from '../../xep/xep0282.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { IncomingState, lateMessage, lateSubject } from '../resync.ts';
import { besideProvisional } from './primary-stanzas.ts';
import { readReplicaForm } from './replica-form.ts';

/** Occupants of a state that is believed: more is no room. Security: a sync is bounded. */
const rosterMax = 10_000;
/** The state is recorded as one, so that it is durable as a whole or not at all; then what is different is told. */
const manner = { recorded: true, spec: 'decision#8' } as const;

/**
 * Roster, history and subject on their way from the primary (XEP-0282 §4.3, §4.4): shown to nobody before `<ready/>`,
 * then taken as one (decision #5), and those who were here before see only the differences (decision #8).
 *
 * What is different it says itself, and not `IncomingState.diff`: the primary gives no JIDs by which somebody would be known
 * under another nick, but names those whom this replica serves; its messages stand in its own order, whatever their time;
 * and of those some were said here during the split.
 */
export class InitialState {
  readonly mode = 'full';
  readonly created: Created;
  readonly #state: IncomingState;
  /** Users whom the primary enters inside the roster. */
  readonly #entered = new Map<string, Jid>();
  /** Users of served domains whom the primary serves itself, and their nicks. */
  readonly #direct = new Map<Jid, string>();

  constructor(created: Created) {
    this.created = created;
    this.#state = new IncomingState({ occupants: rosterMax, messages: created.maxstanzas });
  }

  addOccupant(occupant: Occupant, dmuc: Dmuc | undefined): void {
    this.#state.addOccupant(occupant);
    if (dmuc?.enter) this.#entered.set(occupant.nick, dmuc.enter);
    if (dmuc?.direct) this.#direct.set(dmuc.direct, occupant.nick);
  }

  /** Whether everything that the primary sent has arrived. A session that it enters under two nicks is one entry too few. */
  isComplete(ready: Ready, _n: number): boolean {
    const { n, roster, history } = ready;
    const sessions = new Set(this.#entered.values());
    return (
      n === this.created.n &&
      sessions.size === this.#entered.size &&
      this.#state.isComplete({ occupants: roster, messages: history })
    );
  }

  addMessage(item: HistoryItem): void {
    this.#state.addMessage(item);
  }

  setSubject(subject: Subject): void {
    this.#state.setSubject(subject);
  }

  /** Whether the primary counts them as this replica's, or serves them itself. */
  knows(user: Jid): boolean {
    return this.#direct.has(user) || [...this.#entered.values()].includes(user);
  }

  /** Nicks that somebody at the primary has. */
  get nicks(): ReadonlySet<string> {
    return new Set(this.#state.occupants.map(({ nick }) => nick));
  }

  /**
   * @param left  users of whose leave the primary is about to hear
   * @returns whom the primary counts as this replica's users and who are not served here: by nick, with their JID
   */
  take(turn: RoomTurn, left: ReadonlySet<Jid>): ReadonlyMap<string, Jid> {
    const { room } = turn;
    const before = [...room.occupants.values()];
    // Of all that is kept: what was said here during the split must not push out what they have seen before it.
    const held = new Set(room.archive.map(identityOf));
    const said = new Set(room.divergence.flatMap((act) => (act.kind === 'said' ? [act.id] : [])));
    const subjectBefore = room.subject?.text ?? '';
    const unserved = new Map<string, Jid>();
    const locals = new Map(room.locals.map((local) => [local.jid, local]));
    const occupants: Occupant[] = [];
    for (const occupant of this.#state.occupants) {
      const jid = this.#entered.get(occupant.nick);
      // They are out for everybody here, and the primary is about to hear of it.
      if (jid !== undefined && left.has(jid)) continue;
      const { home: _, ...local } = occupant;
      // A provisional user whom the primary knows from before is accepted, or not, under the nick they have here.
      if (jid !== undefined && locals.get(jid)?.provisional === undefined && locals.has(jid))
        occupants.push({ ...local, jid });
      else occupants.push(besideProvisional(room, occupant));
      if (jid !== undefined && !locals.has(jid)) unserved.set(occupant.nick, jid);
    }
    occupants.push(...before.filter(({ provisional }) => provisional));
    const config = readReplicaForm(room, this.created.config);
    turn.record({
      kind: 'stateReplaced',
      n: this.created.n,
      epoch: this.created.epoch,
      whois: config.whois ?? room.whois,
      config,
      occupants,
      history: this.#state.messages,
      subject: this.#state.subject,
    });
    takeBans(turn, this.created.bans ?? []);
    this.#tellRoster(turn, before);
    for (const item of this.#state.messages) {
      const mine = item.split !== undefined && said.has(item.split.id);
      if (mine) turn.record({ kind: 'divergenceSettled', ids: [item.split.id] });
      if (mine || held.has(identityOf(item))) continue;
      commit(turn, lateMessage(item, room.occupants.get(item.nick), room.jid), manner);
    }
    this.#tellSubject(turn, subjectBefore);
    return unserved;
  }

  #tellRoster(turn: RoomTurn, before: readonly Occupant[]): void {
    const { room } = turn;
    const known = new Map(before.map((occupant) => [occupant.nick, occupant]));
    const renamed = new Map<string, Occupant>();
    for (const was of before) {
      const now = room.occupants.get(was.nick);
      if (!isLocal(was)) {
        if (now === undefined) commit(turn, { kind: 'left', occupant: was, parts: { payloads: [] } }, manner);
        continue;
      }
      const self = room.occupantByJid(was.jid);
      const nick = self && isLocal(self) ? self.nick : this.#direct.get(was.jid);
      if (nick !== undefined) {
        if (nick !== was.nick) renamed.set(nick, was);
      } else {
        known.delete(was.nick);
        const parts = { statuses: [333], payloads: [] };
        commit(turn, { kind: 'left', occupant: was, parts }, manner);
      }
    }
    for (const now of room.occupants.values()) {
      const was = known.get(now.nick);
      const other = renamed.get(now.nick);
      if (other) commit(turn, { kind: 'renamed', before: other, after: now }, manner);
      else if (was === undefined) commit(turn, { kind: 'entered', occupant: now, join: {}, statuses: [] }, manner);
      else if (visible(was) !== visible(now)) commit(turn, { kind: 'presence', occupant: now }, manner);
    }
  }

  #tellSubject(turn: RoomTurn, before: string): void {
    const { room, env } = turn;
    const { subject } = room;
    const author = subject && room.occupants.get(subject.nick);
    if (!subject || !author || subject.text === before) return;
    commit(turn, lateSubject(room, subject, author, room.jid, env), manner);
  }
}

/** Decision #53: who is banned now, and nobody else. */
function takeBans(turn: RoomTurn, bans: readonly Ban[]): void {
  const { room } = turn;
  const now = new Set(bans.map(({ user }) => user));
  for (const [user, affiliation] of [...room.affiliations])
    if (affiliation === 'outcast' && !now.has(user))
      turn.record({ kind: 'affiliationChanged', user, affiliation: 'none' });
  for (const user of now)
    if (room.affiliations.get(user) !== 'outcast')
      turn.record({ kind: 'affiliationChanged', user, affiliation: 'outcast' });
}

/** An author who is not in any more. */
export function stranger(room: RoomView, nick: string): Occupant {
  return { nick, affiliation: 'none', role: 'participant', occupantId: '', presence: [], home: room.jid };
}

function identityOf({ by, id }: { readonly by: Jid; readonly id: string }): string {
  return `${by} ${id}`;
}

/** What everybody sees of an occupant. */
export function visible(occupant: Occupant): string {
  return JSON.stringify([occupant.role, occupant.affiliation, shownPresence(occupant)]);
}
