import type { SplitStatus } from '../core/distribution/protocol.ts';
import type {
  HopRecord,
  LinkRecord,
  NodeStatus,
  OccupantStatus,
  RoomStatus,
  SessionRecord,
  StepRecord,
  TracedStanza,
} from '../core/node/trace.ts';
import type { Sign } from '../core/turn/spec.ts';
import { possibleReplicas, type ScenarioReplica } from '../scenario/replicas.ts';
import type { Scenario, ScenarioNode } from '../scenario/scenario.ts';
import { childrenOf, peekChildren } from './peek.ts';
import type { ModelRecord, NodeProgress, OccupantProgress, ToldRecord } from './session/session.ts';

/**
 * One line of what happened. `id` is the server's seq, or that of a recorded run; acts and state changes of a live one, which
 * the server does not see, count down from -1.
 */
export interface ModelEvent {
  readonly id: number;
  readonly kind: 'hop' | 'link' | 'session' | 'state' | 'act' | 'pause' | 'append' | 'fault';
  readonly t: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly leg?: 'in' | 'link' | 'out';
  /** The two servers of a link. */
  readonly server?: readonly [string, string];
  readonly stanza?: TracedStanza;
  readonly arrives?: number;
  readonly outcome?: 'dropped' | 'bounced';
  readonly stream?: string;
  readonly n?: number;
  /** For state changes: the node's peer and room concerned. */
  readonly peer?: string;
  readonly room?: string;
  readonly sign?: Sign;
  /** The event that led to this one; for a stanza a node sent, known once the node's own record has come. */
  cause?: number;
  spec?: string;
  /** Position among the copies made in one step, from 0; absent where a step made one stanza only. */
  copy?: number;
}

export interface LinkView {
  readonly key: string;
  readonly ends: readonly [string, string];
  state: 'up' | 'bounce' | 'silent';
  latencyMs: number;
  jitterMs: number;
  bytesPerSecond: number;
  stanzas: number;
  bytes: number;
  dropped: number;
}

export interface NodeView {
  readonly address: string;
  readonly server: string;
  readonly kind: ScenarioNode['kind'];
  phase: Exclude<NodeProgress['phase'], 'gone'>;
  detail: string;
  status: NodeStatus | undefined;
}

export interface OccupantView {
  readonly jid: string;
  readonly nick: string;
  /** Room address the occupant uses. */
  readonly room: string;
  readonly server: string;
  /** Address of the node that serves them, if one says so. */
  readonly node: string | undefined;
  readonly phase: OccupantProgress['phase'];
  readonly detail: string;
  readonly show: string;
  readonly role: string;
  readonly affiliation: string;
  /** The primary holds the replica that serves them for split, and shows them to all others as away (XEP-0282 §4.11.1.1). */
  readonly cutOff: boolean;
  /** Let in by a replica that is cut off; the primary has not agreed yet (§4.11.1.2). */
  readonly provisional: boolean;
  /** One of the scenario's characters. */
  readonly character: boolean;
  /** This page plays them; another one may, or nobody here. */
  readonly mine: boolean;
}

/** A message somebody said to a room, and what carrying it cost. */
export interface MessageCost {
  /** Id of the event with which it entered its server. */
  readonly id: number;
  readonly t: number;
  readonly who: string;
  readonly room: string;
  readonly body: string;
  /** Stanzas that crossed a link between servers. */
  crossed: number;
  crossedBytes: number;
  /** Stanzas that a cut link dropped or bounced. */
  lost: number;
  /** What a plain XEP-0045 room with the same occupants would have sent across links; undefined if nobody knows who is in. */
  readonly plain: number | undefined;
  /** Copies handed to users. */
  deliveries: number;
}

export interface TranscriptLine {
  readonly id: number;
  readonly t: number;
  /** `mark`: somebody is shown as cut off or provisional, or no longer. */
  readonly kind: 'message' | 'subject' | 'private' | 'error' | 'mark';
  readonly nick: string;
  readonly text: string;
  /** XEP-0203 stamp: the line is history. */
  readonly delayed?: string;
}

/** What a step reads like to somebody who listens. */
export interface Sentence {
  readonly node: string;
  readonly sent: number;
  readonly spec: string | undefined;
  readonly notes: readonly string[];
}

const eventWindow = 20_000;
const lineWindow = 400;
const messageWindow = 2_000;
/** What arrived over a link is told of by then, if it led to anything: hardly any stanza does not. */
const lateMs = 2_000;
/** A node that takes longer for a stanza is stuck, or its record of it was lost. */
const stuckMs = 10_000;

/**
 * Everything the views show, folded from the trace. Reads no clock and no DOM.
 *
 * Records may come in two orders: a node's step before or after the stanzas it explains. Both end in the same causes.
 */
export class Model {
  readonly scenario: Scenario;
  /** Oldest first, by time. */
  readonly events: ModelEvent[] = [];
  readonly links = new Map<string, LinkView>();
  readonly nodes = new Map<string, NodeView>();
  readonly sessions = new Map<string, SessionRecord>();
  readonly messages: MessageCost[] = [];
  readonly transcripts = new Map<string, TranscriptLine[]>();
  paused = false;
  /** Number of events that fell out of the window. */
  forgotten = 0;
  /** Time of the last hop, as its server stamped it. */
  lastHop = 0;
  /** Sentences not yet spoken: the live region takes them. */
  sentences: Sentence[] = [];

  /** All that there may be: those of the scenario, and those that may be added. */
  private readonly replicas: readonly ScenarioReplica[];
  /** By node and peer: how the node noticed the last time that they were apart, and what it said since. */
  private readonly signs = new Map<string, { noticed?: ModelEvent; joined?: ModelEvent; judged?: ModelEvent }>();
  /** By viewer: nicks that they see marked. */
  private readonly marked = new Map<string, Set<string>>();
  private readonly byId = new Map<number, ModelEvent>();
  private readonly children = new Map<number, number[]>();
  private readonly bySlot = new Map<string, number>();
  /** For each stream of a node that reports: the last stanza it handled, and the last that it was handed. */
  private readonly handled = new Map<string, number>();
  private readonly handed = new Map<string, { readonly n: number; readonly t: number }>();
  private readonly expected = new Map<string, { cause: number | string | undefined; spec: string; copy?: number }>();
  private readonly costs = new Map<number, MessageCost>();
  private readonly characters = new Map<string, OccupantProgress>();
  private readonly numbers = new Map<number, number>();
  private readonly window: number;
  private nextNumber = 1;
  private nextOwn = -1;
  private fresh: ModelEvent[] = [];

  /** @param recorded  of a run that is over: no replica can be added to it, and it keeps all events, for all of it is there */
  constructor(scenario: Scenario, recorded = false) {
    this.scenario = scenario;
    this.replicas = recorded ? [] : possibleReplicas(scenario);
    this.window = recorded ? Number.POSITIVE_INFINITY : eventWindow;
    for (const node of scenario.nodes) this.addNode(node, 'waiting');
    const domains = scenario.servers.map((server) => server.domain);
    for (const [i, a] of domains.entries()) for (const b of domains.slice(i + 1)) this.linkOf([a, b]);
    for (const link of scenario.links ?? []) {
      const view = this.linkOf(link.between);
      view.latencyMs = link.latencyMs ?? view.latencyMs;
      view.jitterMs = link.jitterMs ?? 0;
      view.bytesPerSecond = link.bytesPerSecond ?? 0;
    }
  }

  /** @returns the events that are new, in the order of the trace */
  fold(batch: readonly ModelRecord[]): readonly ModelEvent[] {
    const fresh: ModelEvent[] = [];
    this.fresh = fresh;
    for (const record of batch) {
      if (record.kind === 'hop') this.hop(record);
      else if (record.kind === 'step') this.step(record);
      else if (record.kind === 'link') this.link(record);
      else if (record.kind === 'session') this.session(record);
      else if (record.kind === 'status') this.status(record.status);
      else if (record.kind === 'told') this.tell(record);
      else {
        if (record.paused !== this.paused) {
          this.add({
            id: record.seq,
            kind: 'pause',
            t: record.t,
            from: '',
            to: '',
            text: record.paused ? 'Links paused: nothing crosses' : 'Links released',
          });
        }
        this.paused = record.paused;
      }
    }
    this.forget();
    return fresh;
  }

  node(progress: NodeProgress): void {
    if (progress.phase === 'gone') {
      this.nodes.delete(progress.node);
      return;
    }
    const possible = this.replicas.find(({ address }) => address === progress.node);
    const node = this.nodes.get(progress.node) ?? (possible && this.addNode(possible, progress.phase));
    if (!node) return;
    node.phase = progress.phase;
    node.detail = progress.detail;
  }

  /** Replicas that an owner may add: on servers whose users the primary serves itself. */
  vacancies(): readonly ScenarioReplica[] {
    return this.replicas.filter(({ address }) => !this.nodes.has(address));
  }

  occupant(progress: OccupantProgress): void {
    this.characters.set(progress.who, progress);
  }

  /** The rule that made an event: its own, or for a later leg of a stanza's way the one that sent it on that way. */
  ruleOf(event: ModelEvent): string | undefined {
    if (event.spec !== undefined || event.leg === 'in') return event.spec;
    return this.pathTo(event.id)
      .map((id) => this.event(id)?.spec)
      .findLast((spec) => spec !== undefined);
  }

  event(id: number): ModelEvent | undefined {
    return this.byId.get(id);
  }

  effectsOf(id: number): readonly number[] {
    return this.children.get(id) ?? [];
  }

  /** The events from the first cause down to this one. */
  pathTo(id: number): readonly number[] {
    const path: number[] = [];
    for (let at: number | undefined = id; at !== undefined && this.byId.has(at); at = this.byId.get(at)?.cause) {
      path.unshift(at);
    }
    return path;
  }

  rootOf(id: number): number {
    let at = id;
    for (;;) {
      const cause = this.byId.get(at)?.cause;
      if (cause === undefined || !this.byId.has(cause)) return at;
      at = cause;
    }
  }

  /** Everything that goes back to the same first cause: all copies of one submission, and their way. */
  family(id: number): ReadonlySet<number> {
    const all = new Set<number>();
    const queue = [this.rootOf(id)];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      if (all.has(at)) continue;
      all.add(at);
      queue.push(...this.effectsOf(at));
    }
    return all;
  }

  /** "7" for the seventh submission, "7b" for the second copy one step made of it. */
  indexOf(id: number): string {
    const root = this.rootOf(id);
    let number = this.numbers.get(root);
    if (number === undefined) {
      number = this.nextNumber++;
      this.numbers.set(root, number);
    }
    for (let at: number | undefined = id; at !== undefined; at = this.byId.get(at)?.cause) {
      const copy = this.byId.get(at)?.copy;
      if (copy !== undefined) return `${number}${letters(copy)}`;
    }
    return `${number}`;
  }

  costOf(id: number): MessageCost | undefined {
    for (const at of this.pathTo(id)) {
      const cost = this.costs.get(at);
      if (cost) return cost;
    }
    return undefined;
  }

  nodeOf(address: string): NodeView | undefined {
    return this.nodes.get(address) ?? this.nodes.get(bare(address)) ?? this.nodes.get(domainOf(address));
  }

  /** The node's own entry for a room, or for the only room it has. */
  roomsOf(node: NodeView): readonly RoomStatus[] {
    return node.status?.rooms ?? [];
  }

  linkBetween(a: string, b: string): LinkView | undefined {
    return this.links.get(linkKey(a, b));
  }

  /** Everyone on the picture: the scenario's characters, and every other user who is in one of the rooms. */
  occupants(): readonly OccupantView[] {
    const seen = new Map<string, { node: NodeView; room: RoomStatus; status: OccupantStatus }>();
    const cutOff = new Set<string>();
    for (const node of this.nodes.values()) {
      for (const room of this.roomsOf(node)) {
        for (const status of room.occupants) {
          if (status.cutOff && room.role === 'primary') cutOff.add(`${room.room} ${status.nick}`);
          if (!status.jid) continue;
          const known = seen.get(status.jid);
          if (!known || status.home === undefined) seen.set(status.jid, { node, room, status });
        }
      }
    }
    const all: OccupantView[] = [];
    const view = (
      jid: string,
      room: string,
      nick: string,
      progress: OccupantProgress | undefined,
      character: boolean,
    ) => {
      const found = seen.get(jid);
      seen.delete(jid);
      const home = found?.status.home ? this.nodeOf(found.status.home) : found?.node;
      let phase = progress?.phase ?? (found ? 'joined' : 'offline');
      if (found && (phase === 'elsewhere' || phase === 'offline')) phase = 'joined';
      all.push({
        jid,
        nick: found?.status.nick ?? progress?.nick ?? nick,
        room: found?.room.room ?? room,
        server: this.serverOf(jid) ?? home?.server ?? domainOf(jid),
        node: home?.address,
        phase,
        detail: progress?.detail ?? '',
        show: found?.status.show ?? '',
        role: found?.status.role ?? '',
        affiliation: found?.status.affiliation ?? '',
        cutOff: found !== undefined && cutOff.has(`${found.room.room} ${found.status.nick}`),
        provisional: found?.status.provisional ?? false,
        character,
        mine: character && progress?.phase !== 'elsewhere',
      });
    };
    for (const who of this.scenario.occupants) {
      view(who.jid, who.room, who.nick, this.characters.get(who.jid), true);
    }
    for (const [jid, { room, status }] of [...seen]) view(jid, room.room, status.nick, undefined, false);
    return all;
  }

  /** The scenario's characters have done their part: everyone whom the script sends in is in, or cannot be. */
  scriptDone(): boolean {
    const { script } = this.scenario;
    return script.every((act, i) => {
      const character = this.characters.get(act.who);
      if (character?.phase === 'failed' || character?.phase === 'elsewhere') return true;
      if (act.act !== 'join') return character !== undefined;
      if (character?.phase === 'joined') return true;
      // Online but not in the room: refused, or gone again by the script; else still about to join.
      const leaves = script.slice(i).some((later) => later.who === act.who && later.act === 'leave');
      return character?.phase === 'online' && (leaves || character.detail !== '');
    });
  }

  /** Whether the server has taken the n-th stanza of this stream. */
  taken(stream: string, n: number): boolean {
    return this.bySlot.has(slotOf('in', stream, n));
  }

  /** Nodes that were handed a stanza and have not said what they made of it: their log may be on a slow disk. */
  busy(now: number): number {
    let count = 0;
    for (const [stream, { n, t }] of this.handed) if (n > (this.handled.get(stream) ?? n) && now - t < stuckMs) count++;
    return count;
  }

  /** Whether the service nodes have told of all who are in: what a plain room would have cost is counted by that. */
  everyoneTold(): boolean {
    const told = new Set(
      [...this.nodes.values()]
        .filter(({ kind }) => kind === 'service')
        .flatMap((node) => this.roomsOf(node).flatMap(({ occupants }) => occupants.map(({ jid }) => jid))),
    );
    return this.scenario.occupants.every(({ jid }) => this.characters.get(jid)?.phase !== 'joined' || told.has(jid));
  }

  /** Stanzas on links that have neither arrived nor been lost, as far as the server said. */
  inFlight(now: number): number {
    let count = 0;
    for (let i = this.events.length - 1; i >= 0 && i > this.events.length - 400; i--) {
      const event = this.events[i] as ModelEvent;
      if (event.leg !== 'link' || event.outcome || this.effectsOf(event.id).length > 0) continue;
      if ((event.arrives ?? event.t) + lateMs > now || this.paused) count++;
    }
    return count;
  }

  /** Whether it is a room node's address, also of one that is gone by now. */
  isNode(address: string): boolean {
    return this.nodeOf(address) !== undefined || this.replicas.some((replica) => replica.address === bare(address));
  }

  /** What a node said of itself and a peer: the last time it noticed that they were apart, and the netjoin since. */
  signsOf(node: string, peer: string) {
    const own = this.signs.get(`${node} ${peer}`) ?? {};
    // The primary tells of a netjoin, for it knows what was missed: to the replica it is the same one.
    const other = this.nodeOf(peer);
    const theirs =
      other && this.nodes.get(node)?.kind === 'replica' ? this.signs.get(`${other.address} ${node}`) : undefined;
    const since = own.noticed?.t ?? Number.POSITIVE_INFINITY;
    const { joined, judged } = theirs ?? {};
    return {
      ...(joined && joined.t >= since ? { joined } : {}),
      ...(judged && judged.t >= since ? { judged } : {}),
      ...own,
    };
  }

  /** What replicas of this node's room may do while cut off, as far as the node knows. */
  policyOf(node: NodeView): SplitStatus | undefined {
    return this.roomsOf(node).find((room) => room.split)?.split;
  }

  /** The server whose hull an address is drawn in. */
  serverOf(address: string): string | undefined {
    const node = this.nodes.get(address) ?? this.nodes.get(bare(address));
    if (node) return node.server;
    const domain = domainOf(address);
    if (this.scenario.servers.some((server) => server.domain === domain)) return domain;
    return this.nodes.get(domain)?.server;
  }

  // The fold

  private hop(record: HopRecord): void {
    this.lastHop = Math.max(this.lastHop, record.t);
    const event: ModelEvent = {
      id: record.seq,
      kind: 'hop',
      t: record.t,
      leg: record.leg,
      from: record.from,
      to: record.to,
      text: summarise(record.stanza),
      stanza: record.stanza,
    };
    const more = event as { -readonly [K in keyof ModelEvent]: ModelEvent[K] };
    if (record.server) more.server = record.server;
    if (record.arrives !== undefined) more.arrives = record.arrives;
    if (record.outcome) more.outcome = record.outcome;
    if (record.spec) more.spec = record.spec;
    if (record.stream !== undefined) more.stream = record.stream;
    if (record.n !== undefined) more.n = record.n;
    if (!this.add(event)) return;

    if (record.leg === 'link') this.countHop(record);
    if (record.leg === 'in' && isSubmission(record.stanza) && !this.isNode(record.from)) this.openCost(event);
    if (record.leg === 'out') {
      if (!this.isNode(record.to)) this.transcribe(event);
      else if (!isServersAnswer(record)) this.handed.set(record.stream ?? '', { n: record.n ?? 0, t: record.t });
    }

    if (record.cause !== undefined) this.attach(event, record.cause);
    if (record.stream !== undefined && record.n !== undefined) {
      const slot = slotOf(record.leg, record.stream, record.n);
      this.bySlot.set(slot, record.seq);
      const expected = this.expected.get(slot);
      if (expected) {
        this.expected.delete(slot);
        this.explain(event, expected);
      }
    }
  }

  private step(step: StepRecord & { readonly seq?: number; readonly cause?: number }): void {
    if (this.nodes.has(step.node))
      this.handled.set(step.stream, Math.max(step.rx ?? 0, this.handled.get(step.stream) ?? 0));
    let cause: number | string | undefined;
    if (step.rx !== undefined) cause = slotOf('out', step.stream, step.rx);
    else if (step.input && (step.tx.length > 0 || step.notes.length > 0)) {
      cause = this.nextOwn--;
      this.add({ id: cause, kind: 'act', t: step.t, from: step.node, to: '', text: step.input }, true);
    }
    for (const [i, { n, spec }] of step.tx.entries()) {
      const why = { cause, spec, ...(step.tx.length > 1 ? { copy: i } : {}) };
      const slot = slotOf('in', step.stream, n);
      const known = this.byId.get(this.bySlot.get(slot) ?? Number.NaN);
      if (known) this.explain(known, why);
      else this.expected.set(slot, why);
    }
    for (const [i, note] of step.notes.entries()) {
      const event: ModelEvent = {
        id: i === 0 && step.seq !== undefined ? step.seq : this.nextOwn--,
        kind: 'state',
        t: step.t,
        from: step.node,
        to: note.peer ?? '',
        text: note.what,
        spec: note.spec,
        ...(note.peer ? { peer: note.peer } : {}),
        ...(note.room ? { room: note.room } : {}),
        ...(note.sign ? { sign: note.sign } : {}),
      };
      this.add(event);
      if (note.sign) this.noteSign(event, note.sign);
      const at = step.cause ?? (typeof cause === 'string' ? this.bySlot.get(cause) : cause);
      if (at !== undefined) this.attach(event, at);
    }
    if (this.nodeOf(step.node) && (step.tx.length > 0 || step.notes.length > 0)) {
      this.sentences.push({
        node: step.node,
        sent: step.tx.length,
        spec: step.tx[0]?.spec ?? step.notes[0]?.spec,
        notes: step.notes.map((note) => note.what),
      });
      if (this.sentences.length > 100) this.sentences.splice(0, 50);
    }
  }

  private tell({ as, seq, t, from, to, text, cause, spec, link }: ToldRecord): void {
    const view = link && this.linkOf(link.server);
    if (view && link) {
      const {
        state,
        latencyMs = view.latencyMs,
        jitterMs = view.jitterMs,
        bytesPerSecond = view.bytesPerSecond,
      } = link;
      Object.assign(view, { state, latencyMs, jitterMs, bytesPerSecond });
    }
    const event: ModelEvent = {
      id: seq,
      kind: as,
      t,
      from,
      to,
      text: view ? [describeLink(view), text].filter(Boolean).join('; ') : text,
      ...(link ? { server: link.server } : {}),
      ...(spec === undefined ? {} : { spec }),
    };
    if (this.add(event) && cause !== undefined) this.attach(event, cause);
  }

  private noteSign(event: ModelEvent, sign: Sign): void {
    const key = `${event.from} ${event.to}`;
    const before = this.signs.get(key) ?? {};
    if (sign === 'netjoin') this.signs.set(key, { ...before, joined: event });
    else this.signs.set(key, sign === 'judged' ? { ...before, judged: event } : { noticed: event });
  }

  private explain(event: ModelEvent, why: { cause: number | string | undefined; spec: string; copy?: number }): void {
    event.spec ??= why.spec;
    if (why.copy !== undefined) event.copy = why.copy;
    const cause = typeof why.cause === 'string' ? this.bySlot.get(why.cause) : why.cause;
    if (cause !== undefined && event.cause === undefined) this.attach(event, cause);
  }

  private attach(event: ModelEvent, cause: number): void {
    if (cause === event.id) return;
    event.cause = cause;
    const siblings = this.children.get(cause);
    if (siblings) siblings.push(event.id);
    else this.children.set(cause, [event.id]);
    const number = this.numbers.get(event.id);
    if (number !== undefined) {
      this.numbers.delete(event.id);
      const root = this.rootOf(event.id);
      if (!this.numbers.has(root)) this.numbers.set(root, number);
    }
    const cost = this.costOf(cause);
    if (cost) this.countInto(cost, event);
  }

  private countInto(cost: MessageCost, event: ModelEvent): void {
    const queue = [event.id];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      const found = this.byId.get(at);
      if (found?.stanza?.name === 'message' && found.stanza.type === 'groupchat') {
        if (found.leg === 'link') {
          if (found.outcome) cost.lost++;
          else cost.crossed++;
          if (!found.outcome) cost.crossedBytes += found.stanza.bytes;
        } else if (found.leg === 'out' && !this.isNode(found.to)) {
          cost.deliveries++;
        }
      }
      queue.push(...this.effectsOf(at));
    }
  }

  private openCost(event: ModelEvent): void {
    const stanza = event.stanza as TracedStanza;
    const cost: MessageCost = {
      id: event.id,
      t: event.t,
      who: event.from,
      room: bare(stanza.to),
      body: bodyOf(stanza) ?? '',
      crossed: 0,
      lost: 0,
      crossedBytes: 0,
      plain: this.plainCost(event.from, bare(stanza.to)),
      deliveries: 0,
    };
    this.costs.set(event.id, cost);
    this.messages.push(cost);
    if (this.messages.length > messageWindow) for (const old of this.messages.splice(0, 200)) this.costs.delete(old.id);
  }

  /**
   * Stanzas on links for one message if the same people sat in one plain room: one to the room if the sender is on
   * another server than the room, and one for each occupant on another server (XEP-0045 §7.4: everyone gets a copy).
   */
  plainCost(sender: string, room: string): number | undefined {
    const owner = this.ownerOf(room);
    if (!owner) return undefined;
    const distribution = owner.room.distribution;
    const joined = distribution?.kind === 'fmuc' ? (distribution.outbound ?? room) : room;
    const plain = this.ownerOf(joined);
    if (!plain) return undefined;
    const servers: string[] = [];
    let known = false;
    for (const node of this.nodes.values()) {
      if (node.kind !== 'service') continue;
      for (const status of this.roomsOf(node)) {
        const scenarioRoom = this.ownerOf(status.room)?.room.distribution;
        const belongs = status.room === joined || (scenarioRoom?.kind === 'fmuc' && scenarioRoom.outbound === joined);
        if (!belongs) continue;
        known = true;
        for (const occupant of status.occupants) {
          if (status.role === 'fmuc' && occupant.home !== undefined) continue;
          const home = occupant.home ? this.nodeOf(occupant.home)?.server : node.server;
          servers.push((occupant.jid ? this.serverOf(occupant.jid) : undefined) ?? home ?? node.server);
        }
      }
    }
    if (!known) return undefined;
    const away = servers.filter((server) => server !== plain.server).length;
    return away + (this.serverOf(sender) === plain.server ? 0 : 1);
  }

  private ownerOf(room: string) {
    for (const node of this.scenario.nodes) {
      if (node.kind !== 'service') continue;
      const found = node.rooms.find((candidate) => candidate.jid === room);
      if (found) return { server: node.server, room: found };
    }
    return undefined;
  }

  private transcribe(event: ModelEvent): void {
    const stanza = event.stanza as TracedStanza;
    if (stanza.name === 'presence') return this.transcribeMark(event, stanza);
    if (stanza.name !== 'message') return;
    const children = childrenOf(stanza);
    const body = children.find((child) => child.name === 'body')?.text;
    const subject = children.find((child) => child.name === 'subject')?.text;
    if (body === undefined && !subject && stanza.type !== 'error') return;
    const delayed = children.find((child) => child.name === 'delay')?.attrs.stamp;
    const line: TranscriptLine = {
      id: event.id,
      t: event.t,
      kind:
        stanza.type === 'error'
          ? 'error'
          : body === undefined
            ? 'subject'
            : stanza.type === 'groupchat'
              ? 'message'
              : 'private',
      nick: resourceOf(stanza.from) || (stanza.type === 'error' ? 'the room' : stanza.from),
      text: (stanza.type === 'error' ? errorText(stanza) : undefined) ?? body ?? subject ?? event.text,
      ...(delayed ? { delayed } : {}),
    };
    this.write(event.to, line);
  }

  /** The status text by which a room says that somebody is cut off, or let in for the moment (decisions #16, #44). */
  private transcribeMark(event: ModelEvent, stanza: TracedStanza): void {
    const nick = resourceOf(stanza.from);
    const status = childrenOf(stanza).find((child) => child.name === 'status')?.text ?? '';
    const marked = this.marked.get(event.to);
    const { id, t } = event;
    if (stanza.type === undefined && status.startsWith('netsplit: ')) {
      if (marked?.has(nick)) return;
      this.marked.set(event.to, new Set([...(marked ?? []), nick]));
      this.write(event.to, { id, t, kind: 'mark', nick, text: status.slice('netsplit: '.length) });
    } else if (marked?.delete(nick)) {
      const text = stanza.type === undefined ? 'as before: the split is over' : 'gone';
      this.write(event.to, { id, t, kind: 'mark', nick, text });
    }
  }

  private write(who: string, line: TranscriptLine): void {
    const lines = this.transcripts.get(who);
    if (!lines) this.transcripts.set(who, [line]);
    else {
      lines.push(line);
      if (lines.length > lineWindow) lines.splice(0, lineWindow / 4);
    }
  }

  private link(record: LinkRecord): void {
    const view = this.linkOf(record.server);
    const before = `${view.state} ${view.latencyMs} ${view.jitterMs} ${view.bytesPerSecond}`;
    view.state = record.state;
    view.latencyMs = record.latencyMs;
    view.jitterMs = record.jitterMs;
    view.bytesPerSecond = record.bytesPerSecond;
    view.stanzas = record.stanzas;
    view.bytes = record.bytes;
    view.dropped = record.dropped;
    if (before !== `${view.state} ${view.latencyMs} ${view.jitterMs} ${view.bytesPerSecond}`) {
      this.add({
        id: record.seq,
        kind: 'link',
        t: record.t,
        from: record.server[0],
        to: record.server[1],
        server: record.server,
        text: describeLink(view),
      });
    }
  }

  private countHop(record: HopRecord): void {
    const view = this.linkOf(record.server ?? [record.from, record.to]);
    if (record.outcome) view.dropped++;
    else {
      view.stanzas++;
      view.bytes += record.stanza.bytes;
    }
  }

  private session(record: SessionRecord): void {
    if (record.up) this.sessions.set(record.stream, record);
    else {
      this.sessions.delete(record.stream);
      this.handed.delete(record.stream);
      this.handled.delete(record.stream);
    }
    if (record.role === 'operator') return;
    this.add({
      id: record.seq,
      kind: 'session',
      t: record.t,
      from: record.address,
      to: record.server,
      text: record.up ? 'connected' : 'disconnected',
    });
  }

  private status(status: NodeStatus): void {
    // A page that does not run the nodes learns of replicas that come and go by what the primary says of its list.
    for (const { room, replicas } of status.rooms) {
      if (!replicas) continue;
      for (const possible of this.replicas) {
        if (possible.replicaOf !== room) continue;
        const { address } = possible;
        const known = this.nodes.get(address);
        if (!known && replicas.includes(address)) this.addNode(possible, 'elsewhere');
        else if (known?.phase === 'elsewhere' && !replicas.includes(address)) this.nodes.delete(address);
      }
    }
    const node = this.nodes.get(status.address);
    if (node) node.status = status;
  }

  private addNode({ address, server, kind }: ScenarioNode, phase: NodeView['phase']): NodeView {
    const node: NodeView = { address, server, kind, phase, detail: '', status: undefined };
    this.nodes.set(address, node);
    return node;
  }

  private linkOf(ends: readonly [string, string]): LinkView {
    const key = linkKey(...ends);
    let view = this.links.get(key);
    if (!view) {
      view = {
        key,
        ends: [...ends].sort() as [string, string],
        state: 'up',
        latencyMs: 20,
        jitterMs: 0,
        bytesPerSecond: 0,
        stanzas: 0,
        bytes: 0,
        dropped: 0,
      };
      this.links.set(key, view);
    }
    return view;
  }

  /** Puts the event where its time belongs; `first` puts it before what happened in the same millisecond. */
  private add(event: ModelEvent, first = false): boolean {
    if (this.byId.has(event.id)) return false;
    this.byId.set(event.id, event);
    this.fresh.push(event);
    let at = this.events.length;
    const floor = Math.max(0, at - 500);
    while (at > floor) {
      const before = this.events[at - 1] as ModelEvent;
      if (before.t < event.t || (before.t === event.t && !first)) break;
      at--;
    }
    // Server records keep the server's order even where two clocks disagree.
    if (event.id >= 0) at = Math.max(at, this.lastServerIndex(floor) + 1);
    if (at === this.events.length) this.events.push(event);
    else this.events.splice(at, 0, event);
    return true;
  }

  private lastServerIndex(floor: number): number {
    for (let i = this.events.length - 1; i >= floor; i--) if ((this.events[i] as ModelEvent).id >= 0) return i;
    return -1;
  }

  private forget(): void {
    if (this.events.length <= this.window) return;
    for (const old of this.events.splice(0, this.events.length - this.window + 1_000)) {
      this.forgotten++;
      this.byId.delete(old.id);
      this.children.delete(old.id);
      this.numbers.delete(old.id);
      if (old.leg && old.stream !== undefined && old.n !== undefined)
        this.bySlot.delete(slotOf(old.leg, old.stream, old.n));
    }
    if (this.expected.size > this.window) {
      for (const slot of [...this.expected.keys()].slice(0, this.expected.size / 2)) this.expected.delete(slot);
    }
  }
}

/** Name of a link for `data-link` and in maps: the two domains in alphabetical order. */
export function linkKey(a: string, b: string): string {
  return a < b ? `${a}~${b}` : `${b}~${a}`;
}

export function describeLink(link: Pick<LinkView, 'state' | 'latencyMs' | 'jitterMs' | 'bytesPerSecond'>): string {
  if (link.state === 'bounce') return 'cut: stanzas bounce';
  if (link.state === 'silent') return 'cut: stanzas vanish silently';
  const jitter = link.jitterMs ? ` ± ${link.jitterMs} ms` : '';
  const speed = link.bytesPerSecond ? `, ${link.bytesPerSecond} B/s` : '';
  return `up, ${link.latencyMs} ms${jitter}${speed}`;
}

export function bodyOf(stanza: TracedStanza): string | undefined {
  return childrenOf(stanza).find((child) => child.name === 'body')?.text;
}

/** What the server answers to a ping or a bind: the node's connection takes it, and the node never sees it. */
function isServersAnswer({ stanza, from, to }: HopRecord): boolean {
  return (
    stanza.name === 'iq' &&
    (stanza.type === 'result' || stanza.type === 'error') &&
    [from, to, bare(to)].includes(stanza.from)
  );
}

/** A groupchat message with a body: something somebody says to a room. */
function isSubmission(stanza: TracedStanza): boolean {
  return stanza.name === 'message' && stanza.type === 'groupchat' && bodyOf(stanza) !== undefined;
}

/** What an error says for people to read (RFC 6120 §8.3.2). */
function errorText({ xml }: TracedStanza): string | undefined {
  const [element] = /<text(?:\s[^<>]*)?>[^<]+<\/text>/.exec(xml) ?? [];
  return element && peekChildren(`<error>${element}</error>`)[0]?.text;
}

/** A stanza in a few words, for one row of the log. */
export function summarise(stanza: TracedStanza): string {
  const children = childrenOf(stanza);
  const named = (name: string) => children.find((child) => child.name === name);
  if (stanza.type === 'error') {
    const why = errorText(stanza);
    return `${stanza.name} error${why ? `: ${shorten(why)}` : ''}${named('body') ? ` for “${shorten(named('body')?.text ?? '')}”` : ''}`;
  }
  if (stanza.name === 'message') {
    const body = named('body');
    if (body) return `“${shorten(body.text)}”${named('delay') ? ' (history)' : ''}`;
    const subject = named('subject');
    if (subject) return subject.text ? `subject: ${shorten(subject.text)}` : 'subject: none';
    if (stanza.xml.includes('<status code="104"')) return 'the configuration changed';
    return `message ${shorten(children.map((child) => child.name).join(', '))}`;
  }
  if (stanza.name === 'presence') {
    const nick = resourceOf(stanza.from);
    const what = stanza.type ?? named('show')?.text ?? 'available';
    const extra = children.filter((child) => !['show', 'status', 'x', 'c', 'priority'].includes(child.name));
    const more = extra.length ? ` + ${shorten(extra.map((child) => child.name).join(', '))}` : '';
    return `presence ${shorten(what)}${nick ? ` of ${nick}` : ''}${more}`;
  }
  const payload = children.find((child) => child.name !== 'error');
  return `iq ${stanza.type ?? ''} ${payload ? payload.name : '(empty)'}`;
}

export function shorten(text: string, length = 60): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

export function bare(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? jid : jid.slice(0, slash);
}

export function domainOf(jid: string): string {
  const address = bare(jid);
  return address.slice(address.indexOf('@') + 1);
}

export function resourceOf(jid: string): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? '' : jid.slice(slash + 1);
}

function slotOf(leg: string, stream: string, n: number): string {
  return `${leg} ${stream} ${n}`;
}

function letters(index: number): string {
  return (index >= 26 ? letters(Math.floor(index / 26) - 1) : '') + String.fromCharCode(97 + (index % 26));
}
