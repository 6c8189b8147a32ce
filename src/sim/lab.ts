import type { LinkSettings } from '../core/net/link.ts';
import type { NodeConfig } from '../core/node/config.ts';
import type { NodeStatus } from '../core/node/trace.ts';
import { inWords, mistakeIn, whyNot } from '../core/occupant/acts.ts';
import type { OccupantAct, OccupantState } from '../core/occupant/occupant.ts';
import { type Field, writeForm } from '../core/xep/xep0004.ts';
import { bareOf, type Jid, jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { iq } from '../core/xmpp/stanza.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import { el } from '../core/xmpp/xml.ts';
import { ownersOf } from '../scenario/replicas.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type NumberedLine, TraceLines } from './lines.ts';
import { Prng } from './prng.ts';
import { furtherNodes, groundOf } from './scenario-ground.ts';
import { Statuses } from './statuses.ts';
import { World } from './world.ts';

/** What a person does to the world of a scenario. */
export type LabAct =
  /** Everybody comes online, as at the beginning. */
  | { readonly kind: 'online' }
  | { readonly kind: 'person'; readonly who: Jid; readonly act: OccupantAct }
  | { readonly kind: 'link'; readonly between: readonly [Jid, Jid]; readonly settings: Partial<LinkSettings> }
  | { readonly kind: 'crash' | 'restart'; readonly node: Jid }
  /** In the name of an owner (XEP-0045 §10.2): what is left out stays. */
  | {
      readonly kind: 'configure';
      readonly room: Jid;
      readonly split?: Readonly<Record<string, string | boolean>>;
      readonly distributed?: boolean;
      /** What is put on a list of the form, or taken off. */
      readonly list?: { readonly name: 'replicas' | 'peerhosts'; readonly add?: Jid; readonly remove?: Jid };
    };

/** An act, and when it was: after so many events of the world, at that time. */
export interface Deed {
  readonly after: number;
  readonly at: Instant;
  readonly act: LabAct;
}

/** A deed of a world, with the number of lines of the trace before it. */
export interface PlacedDeed extends Deed {
  readonly line: number;
}

/** What was done, and whether the script was played before. */
export interface Done {
  readonly deeds: readonly Deed[];
  readonly opened: boolean;
}

export interface PlacedDone extends Done {
  readonly deeds: readonly PlacedDeed[];
}

/** A place in a trace where the world stands still: acts happen between such places. */
export interface Mark {
  /** Lines of the trace until then. */
  readonly lines: number;
  readonly events: number;
  readonly deeds: number;
  readonly t: Instant;
}

/** Who hears of what happens. */
export interface LabListener {
  line(line: NumberedLine): void;
  /** How far a person's client is. */
  person(who: Jid, state: OccupantState): void;
}

/** A replica that is off the list of its room is told so by its primary within this time, or is out of its reach. */
const dismissedMs = 5_000;
/** Longest that the scenario's script waits for what one of its acts sets off, in virtual milliseconds. */
const scriptMs = 60_000;
/** What happens at the start, at most: more than that never comes to rest. */
const startMax = 200_000;
/** More lines than this are not kept: the page folds them all. */
export const linesMax = 100_000;

/**
 * The world of a scenario, driven by a person: it stands still until it is told to go on, and acts happen in between. The same
 * scenario, seed and deeds are the same trace, byte for byte, in every engine.
 */
export class Lab {
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #statuses = new Statuses();
  readonly #lines: TraceLines;
  readonly #listener: LabListener;
  readonly #marks: Mark[] = [];
  readonly #deeds: PlacedDeed[] = [];
  /** Replicas that an owner may add, by address: those that do not run. */
  readonly #spare: Map<Jid, NodeConfig>;
  /** What each person's client was last. */
  readonly #people = new Map<Jid, OccupantState>();
  /** How many records, and changes of statuses, were told. */
  #told = 0;
  #changed = 0;
  #count = 0;
  #opening = 0;
  /** What the script did. */
  #opened = 0;

  constructor(scenario: Scenario, seed: number, listener: LabListener) {
    this.#scenario = scenario;
    this.#listener = listener;
    const ground = groundOf(scenario);
    const further = furtherNodes(scenario);
    this.#spare = new Map(further.map((config) => [config.address, config]));
    this.#world = new World(ground, new Prng(seed), { statuses: this.#statuses });
    this.#lines = new TraceLines([...ground.layout.nodes, ...further], (line) => {
      this.#count++;
      listener.line(line);
    });
    this.#lines.begin(this.#world.now, new Set(this.#spare.keys()));
    this.#tell();
  }

  /** When the world began, and where it is now. */
  get now(): Instant {
    return this.#world.now;
  }

  /** Nothing is under way: only timers of nodes run. */
  get isQuiet(): boolean {
    return this.#world.isQuiet;
  }

  /** When the next thing happens. */
  get next(): Instant | undefined {
    return this.#world.next;
  }

  /** Lines of the trace so far. */
  get length(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= linesMax;
  }

  /** Lines until everybody whom the script sends in is in, and all is quiet; 0 if it was not played. */
  get opening(): number {
    return this.#opening;
  }

  /** What was done, with what the script does. */
  get deeds(): readonly PlacedDeed[] {
    return this.#deeds;
  }

  /** What was done since the script was played; from the beginning if it was not. */
  get done(): PlacedDone {
    return { deeds: this.#deeds.slice(this.#opened), opened: this.#opened > 0 };
  }

  /** Where a place in the trace is in the world: what happens in one go is not taken apart. */
  markAt(lines: number): Mark {
    const marks = this.#marks;
    let [low, high] = [0, marks.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((marks[middle] as Mark).lines >= lines) high = middle;
      else low = middle + 1;
    }
    return marks[low] as Mark;
  }

  /** The next thing happens. @returns false if nothing is planned, or the trace is full */
  step(): boolean {
    if (this.isFull || !this.#world.step()) return false;
    this.#tell();
    return true;
  }

  /** Goes on until a moment. */
  runUntil(end: Instant): void {
    while (this.next !== undefined && this.next <= end) if (!this.step()) break;
    if (!this.isFull && end > this.now) this.#world.runUntil(end, 0);
  }

  /** Goes on until nothing is under way, or for so long. */
  runToQuiet(mostMs: number): void {
    const end = plus(this.now, mostMs);
    for (let left = startMax; left > 0 && !this.isQuiet; left--)
      if (this.next === undefined || this.next > end || !this.step()) return;
  }

  /** Does it now. @returns why not */
  act(act: LabAct): string | undefined {
    if (this.isFull)
      return `this run has ${linesMax.toLocaleString('en')} events, and takes no more: go back, or start over`;
    const why = this.#impossible(act);
    if (why !== undefined) return why;
    this.#deeds.push({ after: this.#world.events, at: this.now, act, line: this.#count });
    this.#do(act);
    this.#tell();
    return undefined;
  }

  /** Does again what was done before, each at its time, and goes on to a place. */
  replay({ deeds, opened }: Done, until: Pick<Mark, 'events' | 't'>): void {
    if (opened) this.open();
    for (const { after, at, act } of deeds) {
      this.#goTo(after, at);
      // What could not be done comes from a link that somebody has changed.
      this.act(act);
    }
    this.#goTo(until.events, until.t);
  }

  #goTo(events: number, t: Instant): void {
    while (this.#world.events < events) if (!this.step()) return;
    if (t > this.now) this.#world.runUntil(t, 0);
  }

  /** The scenario's beginning: the nodes find each other, everybody comes online, and the script is played, one act after the other. */
  open(): void {
    this.runToQuiet(scriptMs);
    this.act({ kind: 'online' });
    for (const { act, who } of this.#scenario.script) {
      this.act({ kind: 'person', who: jid(who), act: { act } });
      this.runToQuiet(scriptMs);
    }
    this.#opening = this.#count;
    this.#opened = this.#deeds.length;
  }

  #impossible(act: LabAct): string | undefined {
    const world = this.#world;
    switch (act.kind) {
      case 'online':
        return undefined;
      case 'person': {
        const mistake = mistakeIn(act.act);
        if (mistake !== undefined) return mistake;
        const user = world.users.get(act.who);
        if (user !== undefined) return whyNot(act.act, user.half.state());
        if (act.act.act === 'join' && this.#ownerOfDevice(act.who) !== undefined) return undefined;
        return `there is nobody ${act.who}`;
      }
      case 'link':
        return world.link(...act.between) ? undefined : `there is no link between ${act.between.join(' and ')}`;
      case 'crash':
        if (!world.seats.has(act.node)) return `there is no node ${act.node}`;
        return world.seats.get(act.node)?.up ? undefined : `${act.node} is down already`;
      case 'restart':
        if (!world.seats.has(act.node)) return `there is no node ${act.node}`;
        return world.seats.get(act.node)?.up ? `${act.node} is running` : undefined;
      case 'configure': {
        if (ownersOf(this.#scenario, act.room).length === 0) return `nobody here owns ${act.room}`;
        if (act.list === undefined) return undefined;
        const { name, add, remove } = act.list;
        const listed = this.#listed(act.room, name);
        const what = name === 'replicas' ? 'replica' : 'peerhost';
        if (add !== undefined && listed.includes(add)) return `${add} is a ${what} of ${act.room} already`;
        if (remove !== undefined && !listed.includes(remove)) return `${remove} is no ${what} of ${act.room}`;
        return undefined;
      }
    }
  }

  #do(act: LabAct): void {
    const world = this.#world;
    switch (act.kind) {
      case 'online':
        for (const user of world.users.keys()) world.connect(user);
        return;
      case 'person':
        return this.#person(act.who, act.act);
      case 'link':
        return world.relink(...act.between, act.settings);
      case 'crash':
        return world.crash(act.node);
      case 'restart':
        return world.start(act.node);
      case 'configure':
        return this.#configure(act);
    }
  }

  #person(who: Jid, act: OccupantAct): void {
    const world = this.#world;
    const owner = world.users.has(who) ? undefined : this.#ownerOfDevice(who);
    if (owner !== undefined) {
      const inside = [...world.users.values()].find(
        ({ person, half }) => bareOf(person.jid) === bareOf(who) && half.state().phase === 'joined',
      );
      const { nick, room } = (inside ?? owner).half.state();
      world.admit({ jid: who, nick, room, hostile: undefined, device: true });
      world.connect(who);
    }
    const state = world.users.get(who)?.half.state();
    if (state === undefined || (act.act === 'join' && state.phase === 'joined')) return;
    const what = inWords(state.nick, act);
    const cause = world.record({ kind: 'act', t: this.now, step: -1, what, by: who });
    world.act(who, act, cause);
  }

  /** Another resource of a character's account is a further device of theirs. */
  #ownerOfDevice(device: Jid) {
    if (device === bareOf(device)) return undefined;
    return [...this.#world.users.values()].find(({ person }) => bareOf(person.jid) === bareOf(device));
  }

  /** As an owner's client does (XEP-0045 §10.2): what is left out stays. */
  #configure(change: Extract<LabAct, { kind: 'configure' }>): void {
    const { room } = change;
    const world = this.#world;
    const owners = ownersOf(this.#scenario, room);
    const bare =
      owners.find((one) => [...world.users.keys()].some((user) => bareOf(user) === one)) ?? (owners[0] as string);
    const played = [...world.users.values()].find(({ person, online }) => online && bareOf(person.jid) === bare);
    const owner = played?.person.jid ?? jid(`${bare}/owner`);
    if (played === undefined) {
      world.admit({ jid: owner, nick: bare, room, hostile: undefined });
      world.connect(owner);
    }
    const form = writeForm({
      type: 'submit',
      formType: 'http://jabber.org/protocol/muc#roomconfig',
      fields: this.#fieldsOf(change),
    });
    const what = `${played?.half.state().nick ?? bare} configures the room`;
    const cause = world.record({ kind: 'act', t: this.now, step: -1, what, by: owner });
    const id = `configure-${this.#deeds.length}`;
    world.sendRaw(iq(owner, room, { type: 'set', id }, el('query', NS.mucOwner, {}, form)), '0045#10.2', cause);
  }

  #fieldsOf({ room, split = {}, distributed, list }: Extract<LabAct, { kind: 'configure' }>): readonly Field[] {
    const fields: Field[] = Object.entries(split).map(([name, value]) => ({
      var: `{${NS.ext}}dmuc_split_${name}`,
      values: [typeof value === 'boolean' ? (value ? '1' : '0') : value],
    }));
    if (distributed !== undefined)
      fields.push({ var: 'muc#roomconfig_distributed', values: [distributed ? '1' : '0'] });
    if (list === undefined) return fields;
    const { name, add, remove } = list;
    const values = this.#listed(room, name).filter((one) => one !== remove);
    return [...fields, { var: `{${NS.ext}}dmuc_${name}`, values: add === undefined ? values : [...values, add] }];
  }

  #listed(room: Jid, name: 'replicas' | 'peerhosts'): readonly string[] {
    for (const { node, up } of this.#world.seats.values()) {
      const status = up ? node.status().rooms.find((one) => one.room === room) : undefined;
      const list = name === 'replicas' ? status?.replicas : status?.instance?.peerhosts;
      if (list !== undefined) return list;
    }
    return [];
  }

  /** Tells what has happened since it last told, and notes that the world stands still here. */
  #tell(): void {
    const { trace } = this.#world;
    const { changes } = this.#statuses;
    for (;;) {
      const change = changes[this.#changed];
      const record = trace[this.#told];
      if (change !== undefined && change.after <= this.#told) {
        this.#changed++;
        this.#lines.status(change);
        if (change.status !== undefined) this.#follow(change.status);
      } else if (record !== undefined) {
        this.#told++;
        this.#lines.record(record);
      } else break;
    }
    for (const [who, { half, online }] of this.#world.users) {
      const state = half.state();
      if (!online || this.#people.get(who) === state) continue;
      this.#people.set(who, state);
      this.#listener.person(who, state);
    }
    const { events } = this.#world;
    const mark = { lines: this.#count, events, deeds: this.#deeds.length, t: this.now };
    if (this.#marks.at(-1)?.lines === this.#count) this.#marks.pop();
    this.#marks.push(mark);
  }

  /** The replicas that run are those on the list of their room (XEP-0282 §4.2), whoever changed it. */
  #follow({ rooms, address }: NodeStatus): void {
    const world = this.#world;
    for (const { room, replicas } of rooms) {
      if (replicas === undefined) continue;
      for (const one of replicas.filter((replica) => this.#spare.has(replica as Jid))) this.#begin(one as Jid);
      for (const seat of world.seats.values()) {
        const { config } = seat;
        const isOff = config.kind === 'replica' && config.room.jid === room && !replicas.includes(config.address);
        if (isOff && !this.#spare.has(config.address))
          world.timer(dismissedMs, () => this.#end(config.address, jid(room)));
      }
    }
    // It says so of itself once its primary has dismissed it.
    const isDismissed =
      rooms.length > 0 && rooms.every(({ peers }) => peers.every(({ state }) => state === 'rejected'));
    const config = world.seats.get(address as Jid)?.config;
    if (isDismissed && config?.kind === 'replica') this.#end(config.address, config.room.jid);
  }

  #begin(address: Jid): void {
    const config = this.#spare.get(address);
    if (config === undefined) return;
    this.#spare.delete(address);
    if (!this.#world.seats.has(address)) this.#world.place(config);
    this.#world.at(0, () => this.#world.start(address));
  }

  /** It is off the list for good: its primary has told it so, or cannot reach it. */
  #end(address: Jid, room: Jid): void {
    const seat = this.#world.seats.get(address);
    if (seat === undefined || this.#spare.has(address) || this.#listed(room, 'replicas').includes(address)) return;
    this.#spare.set(address, seat.config);
    this.#world.at(0, () => this.#world.crash(address));
  }
}
