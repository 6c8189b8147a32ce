import { commit } from '../../room/commit.ts';
import { type HistoryItem, isLocal, type Occupant, type Subject } from '../../room/event.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { localSessions } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { sameSubject } from '../../room/subject.ts';
import { tell, tellOfAvatar } from '../../room/tell.ts';
import { shownPresence } from '../../room/visibility.ts';
import type { Ban, Created, Ready } from '../../xep/sync.ts';
import type { Dmuc } from '../../xep/xep0282.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { IncomingState, lateMessage, lateSubject } from '../resync.ts';
import { besideProvisional, withOurs } from './primary-stanzas.ts';
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
  /** Sessions that the primary enters inside the roster, and their nicks. */
  readonly #entered = new Map<Jid, string>();
  /** Users of served domains whom the primary serves itself, and their nicks. */
  readonly #direct = new Map<Jid, string>();
  /** One session is in under two nicks. */
  #contradicts = false;

  constructor(created: Created) {
    this.created = created;
    this.#state = new IncomingState({ occupants: rosterMax, messages: created.maxstanzas });
  }

  addOccupant(occupant: Occupant, dmuc: Dmuc | undefined): void {
    const { nick } = occupant;
    this.#state.addOccupant(occupant);
    if (dmuc?.enter) {
      const before = this.#entered.get(dmuc.enter);
      this.#contradicts ||= before !== undefined && before !== nick;
      this.#entered.set(dmuc.enter, nick);
    }
    if (dmuc?.direct) this.#direct.set(dmuc.direct, nick);
  }

  /** Whether everything that the primary sent has arrived: an entry for each user, and one for each further session named. */
  isComplete(ready: Ready, _n: number): boolean {
    const { n, roster, history } = ready;
    const named = new Map<string, number>();
    for (const nick of [...this.#entered.values(), ...this.#direct.values()])
      named.set(nick, (named.get(nick) ?? 0) + 1);
    const further = [...named.values()].reduce((sum, sessions) => sum + sessions - 1, 0);
    const isWhole = this.#state.isComplete({ occupants: roster - further, messages: history });
    return isWhole && n === this.created.n && !this.#contradicts;
  }

  addMessage(item: HistoryItem): void {
    this.#state.addMessage(item);
  }

  setSubject(subject: Subject): void {
    this.#state.setSubject(subject);
  }

  /** Whether the primary counts them as this replica's, or serves them itself. */
  knows(user: Jid): boolean {
    return this.#direct.has(user) || this.#entered.has(user);
  }

  get messages(): readonly HistoryItem[] {
    return this.#state.messages;
  }

  /** Nicks that somebody at the primary has. */
  get nicks(): ReadonlySet<string> {
    return new Set(this.#state.occupants.map(({ nick }) => nick));
  }

  /**
   * @param left  users of whose leave the primary is about to hear
   * @returns sessions that the primary counts as this replica's and that are not served here, with their nicks
   */
  take(turn: RoomTurn, left: ReadonlySet<Jid>): ReadonlyMap<Jid, string> {
    const { room } = turn;
    const before = [...room.occupants.values()];
    // Of all that is kept: what was said here during the split must not push out what they have seen before it.
    const held = new Set(room.atHand.map(identityOf));
    const said = new Set(room.divergence.flatMap((act) => (act.kind === 'said' ? [act.id] : [])));
    const subjectBefore = room.subject;
    const unserved = new Map<Jid, string>();
    const entered = new Map<string, Jid[]>();
    for (const [jid, nick] of this.#entered) entered.set(nick, [...(entered.get(nick) ?? []), jid]);
    const locals = new Map(room.locals.map((local) => [local.jid, local]));
    const occupants: Occupant[] = [];
    for (const occupant of this.#state.occupants) {
      const ours = entered.get(occupant.nick) ?? [];
      const stay = ours.filter((jid) => !left.has(jid));
      // They are out for everybody here, and the primary is about to hear of it.
      if (ours.length > 0 && stay.length === 0) continue;
      for (const jid of stay) if (!locals.has(jid)) unserved.set(jid, occupant.nick);
      // A provisional user whom the primary knows from before is accepted, or not, under the nick they have here.
      const here = stay.flatMap((jid) => {
        const local = locals.get(jid);
        if (local === undefined || local.provisional) return [];
        const { presence, key } = local;
        return [{ jid, presence, ...(key === undefined ? {} : { key }) }];
      });
      occupants.push(here.length > 0 ? withOurs(occupant, here) : besideProvisional(room, occupant));
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
    if (config.avatars !== undefined) tellOfAvatar(turn);
    return unserved;
  }

  #tellRoster(turn: RoomTurn, before: readonly Occupant[]): void {
    const { room } = turn;
    const known = new Map(before.map((occupant) => [occupant.nick, occupant]));
    const renamed = new Map<string, Occupant>();
    for (const was of before) {
      const now = room.occupants.get(was.nick);
      const here = localSessions(was);
      if (here.length === 0) {
        if (now === undefined) commit(turn, { kind: 'left', occupant: was, parts: { payloads: [] } }, manner);
        continue;
      }
      const nicks = here.map(({ jid }) => this.#nickOf(room, jid));
      const nick = nicks.find((one) => one !== undefined);
      const parts = { statuses: [333], payloads: [] };
      if (nick === undefined) {
        known.delete(was.nick);
        commit(turn, { kind: 'left', occupant: was, parts }, manner);
        continue;
      }
      if (nick !== was.nick) renamed.set(nick, was);
      const after = room.occupants.get(nick);
      for (const [i, session] of here.entries())
        if (nicks[i] === undefined && after)
          tell(turn, { kind: 'sessionLeft', occupant: session, before: was, after, parts }, manner.spec);
    }
    for (const now of room.occupants.values()) {
      const was = known.get(now.nick);
      const other = renamed.get(now.nick);
      if (other) commit(turn, { kind: 'renamed', before: other, after: now }, manner);
      else if (was === undefined) commit(turn, { kind: 'entered', occupant: now, join: {}, statuses: [] }, manner);
      else if (visible(was) !== visible(now)) commit(turn, { kind: 'presence', occupant: now }, manner);
    }
  }

  /** Under which nick the primary has a session that was served here. */
  #nickOf(room: RoomView, session: Jid): string | undefined {
    const self = room.occupantByJid(session);
    return self && isLocal(self) ? self.nick : this.#direct.get(session);
  }

  #tellSubject(turn: RoomTurn, before: Subject | undefined): void {
    const { room } = turn;
    const { subject } = room;
    const author = subject && room.occupants.get(subject.nick);
    if (!subject || !author || sameSubject(subject, before)) return;
    commit(turn, lateSubject(room, subject, author, room.jid), manner);
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
