import type { NodeConfig } from '../core/node/config.ts';
import type { MucNode } from '../core/node/node.ts';
import type { OccupantHalf } from '../core/occupant/occupant.ts';
import { hasStatus, subjectChange } from '../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { textOf } from '../core/xmpp/xml.ts';
import { canaries, type Leaks } from './checkers/canaries.ts';
import type { Plan } from './plan.ts';
import type { Person, RecordOf, SimRecord } from './trace.ts';
import type { Peaks } from './world.ts';

/** Something that a user's client was handed. */
export interface Seen {
  /** Index in the trace. */
  readonly i: number;
  /** Whose client that is. */
  readonly view: View;
  /** It is from their room, or from somebody in it. */
  readonly ofRoom: boolean;
  /** Index of its being sent: what a link swallowed is in the trace at that time, not at the time of arrival. */
  readonly sent: number;
  readonly stanza: Stanza;
  /** Own presence, status 110. */
  readonly self: boolean;
  /** For a groupchat message: what was said. */
  readonly body: string | undefined;
  /** Who said it, and as which of their words, if it is one that checkers know. */
  readonly said: Said | undefined;
  /** A replica sent those words on from its own user, and not from its primary. */
  readonly beside: boolean;
  readonly groupchat: boolean;
  readonly delayed: boolean;
  /** A change of subject, or the end of the answer to a join. */
  readonly subject: boolean;
}

/** A body that `bodyText` made: the author's number, and which of their words it is. */
export interface Said {
  readonly user: number;
  readonly n: number;
}

/** What one user saw, and did, of their room. */
export interface View {
  readonly person: Person;
  /** What is of the room. */
  readonly seen: readonly Seen[];
  /** Indices of the self-presences that answer a join. */
  readonly entries: ReadonlySet<number>;
  /** Index of the last beginning or end of their client's session. */
  readonly born: number;
  /** Where a link took what it swallowed or gave back on its way to them: nobody can promise them what that was. */
  readonly holes: readonly number[];
  /** Where it took a presence of theirs: the room may have them in where they are out, and not know that they ask. */
  readonly unheard: readonly number[];
}

/** A record of the trace, and its index there. */
export interface Placed<R extends SimRecord> {
  readonly i: number;
  readonly record: R;
}

/** What checkers look at of a world when all is over. */
export interface Aftermath {
  readonly plan: Pick<Plan, 'mode' | 'layout' | 'hostileNode' | 'faults'>;
  readonly seats: ReadonlyMap<
    Jid,
    { readonly config: NodeConfig; readonly node: Pick<MucNode, 'status' | 'snapshot'> }
  >;
  readonly users: ReadonlyMap<Jid, { readonly online: boolean; readonly half: Pick<OccupantHalf, 'state'> }>;
  readonly peaks: ReadonlyMap<Jid, Readonly<Peaks>>;
  /** What every honest node held before all was repeated, and what it holds now (G15). */
  readonly before: ReadonlyMap<Jid, string> | undefined;
  portrait(): ReadonlyMap<Jid, string>;
  /** Whether a link ever swallowed something on its way to this user. */
  everLost(user: Jid): boolean;
}

/** What is no hop of a stanza and no append. */
export type Other = Exclude<SimRecord, RecordOf<'in' | 'link' | 'out' | 'append'>>;

/** A run as its checkers see it: what the trace says of each user is read once. */
export interface Evidence {
  readonly trace: readonly SimRecord[];
  /** What people's clients handed to their servers; everybody's. */
  readonly said: readonly Placed<RecordOf<'in'>>[];
  /** What those of `views` were handed. */
  readonly got: readonly Seen[];
  /** Appends, but those that did not happen in the end. */
  readonly kept: readonly Placed<RecordOf<'append'>>[];
  readonly others: readonly Placed<Other>[];
  /** Everybody, hostile or not. */
  readonly people: readonly Person[];
  /** Of those to whom the invariants are promised. */
  readonly views: readonly View[];
  readonly byJid: ReadonlyMap<Jid, View>;
  /** The world at the end; undefined where only a trace is looked at. */
  readonly world: Aftermath | undefined;
  /** Indices of appends that did not happen in the end. */
  readonly undone: ReadonlySet<number>;
  /** Indices of appends that are durable and that nobody was told of. */
  readonly untold: ReadonlySet<number>;
  /** Who says a name knew it: what a user or a hostile node sent is no leak. */
  readonly leaks: Leaks;
}

/** A view that is being read, and where in the trace its user asked to enter or began or ended a session. */
interface Reading extends View {
  readonly seen: Seen[];
  readonly entries: Set<number>;
  readonly holes: number[];
  readonly unheard: number[];
  born: number;
}
interface Asking {
  readonly view: Reading;
  readonly asked: (number | 'session')[];
  readonly at: number[];
}

export function evidence(trace: readonly SimRecord[], people: readonly Person[], world?: Aftermath): Evidence {
  const reader = new Reader(trace, people, world?.plan.hostileNode);
  for (let i = 0; i < trace.length; i++) reader.read(trace[i] as SimRecord, i);
  const { said, got, others, undone, untold } = reader;
  const views = reader.views();
  const kept = undone.size === 0 ? reader.appends : reader.appends.filter(({ i }) => !undone.has(i));
  const byJid = new Map(views.map((view) => [view.person.jid, view]));
  const leaks = canaries(people, () => [...said.map(({ record }) => record.stanza), ...reader.lies]);
  return { trace, said, got, kept, others, people, views, byJid, world, undone, untold, leaks };
}

/** Sorts the records of a trace, given one after the other. */
class Reader {
  readonly said: Placed<RecordOf<'in'>>[] = [];
  /** What the hostile node sent. */
  readonly lies: Stanza[] = [];
  readonly got: Seen[] = [];
  readonly appends: Placed<RecordOf<'append'>>[] = [];
  readonly others: Placed<Other>[] = [];
  readonly undone = new Set<number>();
  readonly untold = new Set<number>();
  readonly #trace: readonly SimRecord[];
  readonly #hostile: Jid | undefined;
  readonly #everybody: ReadonlySet<Jid>;
  readonly #asking = new Map<Jid, Asking>();
  /** One word is heard by many. */
  readonly #words = new Map<string, Said | undefined>();

  constructor(trace: readonly SimRecord[], people: readonly Person[], hostile: Jid | undefined) {
    this.#trace = trace;
    this.#hostile = hostile;
    this.#everybody = new Set(people.map(({ jid }) => jid));
    for (const person of people)
      if (person.hostile === undefined)
        this.#asking.set(person.jid, {
          view: { person, seen: [], entries: new Set(), born: 0, holes: [], unheard: [] },
          asked: [],
          at: [],
        });
  }

  /** When all is read. */
  views(): View[] {
    return [...this.#asking.values()].map((one) => {
      findEntries(one, this.#trace);
      return one.view;
    });
  }

  read(record: SimRecord, i: number): void {
    switch (record.kind) {
      case 'out':
        return this.#out(record, i);
      case 'in':
        return this.#in(record, i);
      case 'link':
        return this.#link(record, i);
      case 'append':
        this.appends.push({ i, record });
        return;
      case 'session':
        this.#session(record, i);
        break;
      case 'undone':
        for (const append of record.appends) this.undone.add(append);
        break;
      case 'untold':
        for (const append of record.appends) this.untold.add(append);
    }
    this.others.push({ i, record });
  }

  #out({ to, stanza }: RecordOf<'out'>, i: number): void {
    const view = this.#asking.get(to)?.view;
    if (view === undefined) return;
    const seen = this.#look(i, stanza, view);
    this.got.push(seen);
    if (seen.ofRoom) view.seen.push(seen);
  }

  #in(record: RecordOf<'in'>, i: number): void {
    const { by, stanza } = record;
    if (!this.#everybody.has(by)) {
      if (by === this.#hostile) this.lies.push(stanza);
      return;
    }
    this.said.push({ i, record });
    if (!isJoin(stanza)) return;
    const one = this.#asking.get(by);
    one?.asked.push(i);
    one?.at.push(i);
  }

  #link({ stanza, outcome, cause }: RecordOf<'link'>, i: number): void {
    if (outcome !== 'dropped' && outcome !== 'bounced') return;
    // What a new stream cut off on its way is found missing later, when others have overtaken it already.
    const hole = cause !== undefined && this.#trace[cause]?.kind === 'link' ? cause : i;
    this.#asking.get(stanza.to)?.view.holes.push(hole);
    if (stanza.name === 'presence') this.#asking.get(stanza.from)?.view.unheard.push(hole);
  }

  #session({ user }: RecordOf<'session'>, i: number): void {
    const one = this.#asking.get(user);
    if (one === undefined) return;
    one.asked.push('session');
    one.at.push(i);
    one.view.born = i;
  }

  #look(i: number, stanza: Stanza, view: View): Seen {
    const groupchat = stanza.name === 'message' && stanza.type === 'groupchat';
    let body: string | undefined;
    let delayed = false;
    for (const payload of groupchat ? stanza.payloads : []) {
      const { name, xmlns } = payload;
      if (name === 'body' && xmlns === NS.client) body ??= textOf(payload);
      else if (name === 'delay' && xmlns === NS.delay) delayed = true;
    }
    const sent = sentAt(this.#trace, i);
    return {
      i,
      view,
      ofRoom: isOf(stanza, view.person.room),
      sent,
      stanza,
      self: isSelf(stanza),
      body,
      said: body === undefined ? undefined : this.#word(body),
      beside: body !== undefined && isBeside(this.#trace, sent),
      groupchat,
      delayed,
      subject: groupchat && subjectChange(stanza) !== undefined,
    };
  }

  #word(body: string): Said | undefined {
    let said = this.#words.get(body);
    if (said === undefined && !this.#words.has(body)) {
      said = readBody(body);
      this.#words.set(body, said);
    }
    return said;
  }
}

/** Whether it asks to enter. */
export function isJoin(stanza: Stanza): boolean {
  return stanza.name === 'presence' && stanza.type === undefined && payloadOf(stanza, 'x', NS.muc) !== undefined;
}

/** Whether a stanza is from the room, or from somebody in it. */
export function isOf({ from }: Stanza, room: Jid | undefined): boolean {
  if (room === undefined || from.length === room.length) return from === room;
  return from[room.length] === '/' && from.startsWith(room);
}

/** Index of the record of its being sent, for one of its arriving. */
export function sentAt(trace: readonly SimRecord[], i: number): number {
  const arrival = trace[i];
  let sent = arrival?.kind === 'out' ? (arrival.cause ?? i) : i;
  for (let record = trace[sent]; record?.kind === 'link' && record.cause !== undefined; record = trace[sent])
    sent = record.cause;
  return sent;
}

/** Index of the first of the records that led to this one. */
export function rootOf(trace: readonly SimRecord[], i: number): number {
  let root = i;
  for (let record = trace[root]; record !== undefined; record = trace[root]) {
    const cause = 'cause' in record ? record.cause : undefined;
    if (cause === undefined) break;
    root = cause;
  }
  return root;
}

/** Whether a replica sent this on from its own user, and not from its primary. */
function isBeside(trace: readonly SimRecord[], sent: number): boolean {
  const by = trace[sent];
  if (by?.kind !== 'in' || by.cause === undefined || domainOf(by.by) === domainOf(by.stanza.from)) return false;
  const cause = trace[by.cause];
  const handed = cause?.kind === 'append' && cause.cause !== undefined ? trace[cause.cause] : undefined;
  return handed?.kind === 'out' && bareOf(handed.stanza.from) !== bareOf(by.stanza.from);
}

/**
 * A change of nick or presence comes back as a self-presence too, and after a split delayed messages may follow one: so
 * an entry is one that a join waits for, or (for a join of the client's earlier life, answered late) one that is followed
 * by all of an answer, up to the subject that ends it, which has no stanza-id.
 */
function findEntries({ view, asked, at }: Asking, trace: readonly SimRecord[]): void {
  const { entries, holes } = view;
  // A bounce by their own server, or a word to them alone, may come in the middle of an answer and is no part of it.
  const seen = view.seen.filter(({ stanza: { name, type } }) => type !== 'error' && type !== 'chat' && name !== 'iq');
  let waiting = 0;
  let next = 0;
  for (let k = 0; k < seen.length; k++) {
    const { i, self, stanza, sent } = seen[k] as Seen;
    for (; next < at.length && (at[next] as number) < i; next++) waiting = asked[next] === 'session' ? 0 : waiting + 1;
    if (!self || stanza.type !== undefined) continue;
    const { first, next: after, ended, plain } = answerAfter(seen, k, trace);
    if (first === undefined || !(isEnd(first) || (first.groupchat && first.delayed))) continue;
    // To its end where no link swallows it, or their client was gone before the rest of it.
    const gone = asked[next] === 'session' && (at[next] as number) < (after?.i ?? trace.length);
    const t = trace[sent]?.t;
    const swallowed = ended ? [] : holes.filter((hole) => trace[sentAt(trace, hole)]?.t === t);
    if (!ended && !gone && swallowed.length === 0) continue;
    if (waiting > 0 || (ended && plain) || swallowed.some((hole) => isLostEnd(trace[hole]))) {
      entries.add(i);
      waiting = Math.max(0, waiting - 1);
    }
  }
}

/**
 * What one node sent at once with a self-presence, and after it: the rest of an answer to a join, if it is one. What others
 * sent may come in between; what the same node sent later, and after a sleep the next of several answers, ends it.
 *
 * @returns the first of it, what came next, whether the end of an answer was reached, and whether all before was history
 */
function answerAfter(seen: readonly Seen[], k: number, trace: readonly SimRecord[]) {
  const self = trace[(seen[k] as Seen).sent];
  let first: Seen | undefined;
  let plain = true;
  for (let j = k + 1; j < seen.length; j++) {
    const one = seen[j] as Seen;
    const sent = trace[one.sent];
    if (sent?.kind !== 'in' || self?.kind !== 'in' || sent.by !== self.by) continue;
    if (sent.t !== self.t || one.self) return { first, next: one, ended: false, plain };
    first ??= one;
    if (isEnd(one)) return { first, next: one, ended: true, plain };
    plain &&= one.groupchat && one.delayed;
  }
  return { first, next: undefined, ended: false, plain };
}

function isEnd({ subject, stanza }: Seen): boolean {
  return subject && payloadOf(stanza, 'stanza-id', NS.sid) === undefined;
}

function isLostEnd(record: SimRecord | undefined): boolean {
  if (record?.kind !== 'link') return false;
  return subjectChange(record.stanza) !== undefined && payloadOf(record.stanza, 'stanza-id', NS.sid) === undefined;
}

/** Whether the own presence says that one is out, and not only called otherwise. */
export function isOut({ self, stanza }: Seen): boolean {
  return self && stanza.type === 'unavailable' && !hasStatus(stanza.payloads, 303);
}

/** What a user saw, in join sessions: from one answered join to the next, or to being out. */
export function sessions({ seen, entries }: View): Seen[][] {
  const found: Seen[][] = [];
  let current: Seen[] | undefined;
  for (const one of seen) {
    if (entries.has(one.i)) {
      current = [];
      found.push(current);
    }
    current?.push(one);
    if (isOut(one)) current = undefined;
  }
  return found;
}

/** Whether everything that was sent to them between two places of the trace got to them. */
export function whole({ holes }: View, from: number, to: number): boolean {
  return !holes.some((hole) => hole >= from && hole <= to);
}

/** Whether a link swallowed something of that kind on its way to them. */
export function lost(
  trace: readonly SimRecord[],
  { holes }: View,
  from: number,
  kind: (stanza: Stanza) => boolean,
  to = trace.length,
): boolean {
  return holes.some((hole) => {
    const record = hole >= from && hole <= to ? trace[hole] : undefined;
    return record?.kind === 'link' && kind(record.stanza);
  });
}

/** Which node a fault puts to sleep or takes down, and for how long. (Words of plan.ts and world.ts.) */
export function sleepOf(what: string): { readonly node: Jid; readonly ms: number } | undefined {
  const timed = /^(\S+) (?:crashes,|is frozen) for ([\d.]+) s$/.exec(what);
  if (timed) return { node: timed[1] as Jid, ms: 1000 * Number(timed[2]) };
  const full = /^the disk of (\S+) is full$/.exec(what);
  return full ? { node: full[1] as Jid, ms: 6_000 } : undefined;
}

/** Whether it tells them of themselves, status 110. */
export function isSelf({ name, payloads }: Stanza): boolean {
  return name === 'presence' && hasStatus(payloads, 110);
}

/** A body that names its author (by number: no canary) and is said once: what the checkers know it by. */
export function bodyText(user: number, n: number): string {
  return `#${user}:${n}`;
}
export function readBody(text: string | undefined): Said | undefined {
  const match = text?.startsWith('#') ? /^#(\d+):(\d+)( x+)?$/.exec(text) : null;
  return match ? { user: Number(match[1]), n: Number(match[2]) } : undefined;
}
