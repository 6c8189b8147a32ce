import { subjectChange } from '../core/xep/xep0045.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { textOf } from '../core/xmpp/xml.ts';
import type { Aftermath } from './aftermath.ts';
import { isFromArchive } from './archives.ts';
import { readBody, type Said } from './bodies.ts';
import { isBeside, sentAt } from './causes.ts';
import { canaries, type Leaks } from './checkers/canaries.ts';
import { contestedIn } from './contested.ts';
import { type Asking, findEntries } from './entries.ts';
import { type Retold, retoldIn } from './retold.ts';
import { isJoin, isOf, isSelf } from './stanzas.ts';
import type { Other, Person, Placed, RecordOf, SimRecord } from './trace.ts';
import type { Seen, View } from './view.ts';

/** A run as its checkers see it: what the trace says of each user is read once. */
export interface Evidence {
  readonly trace: readonly SimRecord[];
  /** What people's clients handed to their servers; everybody's. */
  readonly said: readonly Placed<RecordOf<'in'>>[];
  /** What those of `views` were handed. */
  readonly got: readonly Seen[];
  /** Appends, without those that were undone. */
  readonly kept: readonly Placed<RecordOf<'append'>>[];
  readonly others: readonly Placed<Other>[];
  /** Everybody, hostile or not. */
  readonly people: readonly Person[];
  /** Of those to whom the invariants are promised. */
  readonly views: readonly View[];
  readonly byJid: ReadonlyMap<Jid, View>;
  /** Users (bare JIDs) about whom the nodes may differ (contested.ts). */
  readonly contested: ReadonlySet<Jid>;
  /** What a hostile node has told of the past, and could tell (retold.ts). */
  readonly retold: Retold;
  /** The world at the end; undefined where only a trace is looked at. */
  readonly world: Aftermath | undefined;
  /** Indices of appends that did not happen in the end. */
  readonly undone: ReadonlySet<number>;
  /** Indices of appends that are durable and that nobody was told of. */
  readonly untold: ReadonlySet<number>;
  /** What a user or a hostile node sent is no leak: they knew the name. */
  readonly leaks: Leaks;
}

export function evidence(trace: readonly SimRecord[], people: readonly Person[], world?: Aftermath): Evidence {
  const reader = new Reader(trace, people, world?.plan.hostileNode);
  for (let i = 0; i < trace.length; i++) reader.read(trace[i] as SimRecord, i);
  const { said, got, others, undone, untold } = reader;
  const views = reader.views();
  const kept = undone.size === 0 ? reader.appends : reader.appends.filter(({ i }) => !undone.has(i));
  const byJid = new Map(views.map((view) => [view.person.jid, view]));
  const leaks = canaries(people, () => [...said.map(({ record }) => record.stanza), ...reader.lies]);
  const contested = contestedIn(trace, world);
  const retold = retoldIn(kept, world);
  return { trace, said, got, kept, others, people, views, byJid, contested, retold, world, undone, untold, leaks };
}

/** Joins that reached a node, and that it has done nothing about: it may sleep, and crash before it wakes up. */
class Unhandled {
  readonly #joins = new Map<number, Jid>();

  add({ to, stanza }: RecordOf<'out'>, i: number): void {
    if (isJoin(stanza)) this.#joins.set(i, to);
  }

  handled(cause: number | undefined): void {
    if (cause !== undefined) this.#joins.delete(cause);
  }

  /** @returns where in the trace they reached this node */
  takeAll(node: Jid): number[] {
    const found = [...this.#joins].flatMap(([i, to]) => (to === node ? [i] : []));
    for (const i of found) this.#joins.delete(i);
    return found;
  }
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
  readonly #unhandled = new Unhandled();
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
        this.#unhandled.add(record, i);
        return this.#out(record, i);
      case 'in':
        this.#unhandled.handled(record.cause);
        return this.#in(record, i);
      case 'link':
        return this.#link(record, i);
      case 'append':
        this.#unhandled.handled(record.cause);
        this.appends.push({ i, record });
        return;
      case 'session':
        this.#session(record, i);
        break;
      case 'undone':
        for (const append of record.appends) {
          this.undone.add(append);
          this.#forget(this.#trace[append]);
        }
        break;
      case 'fault':
        if (record.fault.kind === 'crash' || record.fault.kind === 'disk')
          for (const join of this.#unhandled.takeAll(record.fault.node)) this.#unheard(join);
        break;
      case 'untold':
        for (const append of record.appends) this.untold.add(append);
    }
    this.others.push({ i, record });
  }

  #out({ to, stanza }: RecordOf<'out'>, i: number): void {
    const view = this.#asking.get(to)?.view;
    // What an archive answers is of before, and comes to those who ask, be they in or not: `archives.ts` looks at it.
    if (view === undefined || isFromArchive(stanza)) return;
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

  /** A crash took what a node had kept, and what it kept that for. */
  #forget(append: SimRecord | undefined): void {
    const cause = append?.kind === 'append' ? append.cause : undefined;
    if (cause !== undefined) this.#unheard(cause);
  }

  /** Nobody knows any more that somebody asked to enter. */
  #unheard(i: number): void {
    const record = this.#trace[i];
    if (record?.kind === 'out' && isJoin(record.stanza)) this.#asking.get(record.stanza.from)?.view.unheard.push(i);
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
