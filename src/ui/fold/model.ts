import { KnownStatuses } from '../../core/node/known-status.ts';
import type {
  HopRecord,
  LinkRecord,
  PauseRecord,
  SessionRecord,
  StepRecord,
  TracedStanza,
} from '../../core/node/trace.ts';
import type { StreamPosition } from '../../host/stanza-link.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { ModelRecord, ToldRecord } from '../trace/records.ts';
import { Costs } from './costs.ts';
import type { ModelEvent } from './event.ts';
import { Events } from './events.ts';
import { Lines } from './lines.ts';
import { countHop, describeLink, type LinkView, linkKey, setLink } from './links.ts';
import { Marks } from './marks.ts';
import { Network } from './network.ts';
import { OwnIds } from './own-ids.ts';
import { People } from './people.ts';
import { Refusals } from './refusals.ts';
import { type Reason, Slots, slotOf } from './slots.ts';
import { Spans } from './spans.ts';
import { Splits } from './splits.ts';
import { StartUp } from './start-up.ts';
import { bodyOf, isGroupchat, summarise } from './summary.ts';
import { Transcripts } from './transcripts.ts';
import { Waiting } from './waiting.ts';

/** What a step reads like to somebody who listens. */
export interface Sentence {
  readonly node: string;
  readonly sent: number;
  readonly spec: string | undefined;
  readonly notes: readonly string[];
}

/** More than anybody can listen to. */
const sentencesMax = 100;

/**
 * Everything the views show, folded from the trace. Reads no clock and no DOM.
 *
 * Records may come in two orders: a node's step before or after the stanzas it explains. Both end in the same causes.
 */
export class Model {
  readonly scenario: Scenario;
  readonly events: Events;
  readonly lines: Lines;
  readonly startUp: StartUp;
  readonly network: Network;
  readonly people: People;
  readonly costs: Costs;
  readonly transcripts = new Transcripts();
  readonly refusals: Refusals;
  readonly splits: Splits;
  readonly spans: Spans;
  readonly waiting: Waiting;
  paused = false;
  /** Sentences not yet spoken: the live region takes them. */
  sentences: Sentence[] = [];
  readonly #marks: Marks;
  readonly #slots = new Slots();
  readonly #statuses = new KnownStatuses();
  readonly #ids: OwnIds;
  #fresh: ModelEvent[] = [];

  /**
   * @param recorded  it keeps all events, for all of the trace is there
   * @param ids  shared with another model of the same trace
   * @param fixed  no replica can come or go
   */
  constructor(scenario: Scenario, recorded = false, ids = new OwnIds(), fixed = recorded) {
    this.scenario = scenario;
    this.#ids = ids;
    this.events = new Events(recorded);
    this.lines = new Lines(this.events);
    this.network = new Network(scenario, fixed);
    this.startUp = new StartUp(scenario, this.network);
    this.people = new People(scenario, this.network);
    this.costs = new Costs(this.network, this.events);
    this.refusals = new Refusals(this.events, this.transcripts);
    this.splits = new Splits(this.network);
    this.spans = new Spans(this.network);
    this.waiting = new Waiting(this.events);
    this.#marks = new Marks(this.events, this.transcripts);
  }

  /** @returns the events that are new, in the order of the trace */
  fold(batch: readonly ModelRecord[]): readonly ModelEvent[] {
    const fresh: ModelEvent[] = [];
    this.#fresh = fresh;
    for (const record of batch) this.#take(record);
    const old = this.events.forget();
    this.#slots.forget(old, this.events.window);
    this.lines.forget(old);
    const [oldest] = this.events.list;
    if (old.length > 0 && oldest) this.spans.forget(oldest.t);
    return fresh;
  }

  /** The links, with what they have carried; from a place on that `events.mark()` gave, if one is given. */
  linksSince(place: number | undefined): readonly LinkView[] {
    const links = [...this.network.links.values()];
    if (place === undefined) return links;
    const counted = new Map(links.map((link) => [link.key, { ...link, stanzas: 0, bytes: 0, dropped: 0 }]));
    for (const { id, leg, server, from, to, outcome, stanza } of this.events.list) {
      const link = leg === 'link' ? counted.get(linkKey(...(server ?? [from, to]))) : undefined;
      if (link && stanza && this.events.isSince(id, place)) countHop(link, { outcome, stanza });
    }
    return [...counted.values()];
  }

  /** The event with which the server took a stanza; undefined if it has not. */
  taken({ stream, n }: StreamPosition): number | undefined {
    return this.#slots.eventOf(slotOf('in', stream, n));
  }

  /** The event with which a session was handed a stanza; undefined if the server has not shown it. */
  handed({ stream, n }: StreamPosition): number | undefined {
    return this.#slots.eventOf(slotOf('out', stream, n));
  }

  #take(record: ModelRecord): void {
    switch (record.kind) {
      case 'hop':
        return this.#hop(record);
      case 'step':
        return this.#step(record);
      case 'link':
        return this.#link(record);
      case 'session':
        return this.#session(record);
      case 'status': {
        const status = this.#statuses.take(record);
        this.network.status(status);
        this.spans.status(status, record.t);
        return this.#marks.status(status, record.t);
      }
      case 'told':
        return this.#told(record);
      case 'pause':
        return this.#pause(record);
    }
  }

  #hop(record: HopRecord): void {
    const { seq: id, t, leg, from, to, stanza, server, arrives, outcome, spec, stream, n, cause } = record;
    const event: Mutable<ModelEvent> = { id, kind: 'hop', t, leg, from, to, text: summarise(stanza), stanza };
    // Most events are these, and field by field costs a third of what spreading objects does.
    if (server) event.server = server;
    if (arrives !== undefined) event.arrives = arrives;
    if (outcome) event.outcome = outcome;
    if (spec) event.spec = spec;
    if (stream !== undefined) event.stream = stream;
    if (n !== undefined) event.n = n;
    if (!this.#add(event)) return;
    if (leg === 'link') countHop(this.network.linkOf(server ?? [from, to]), record);
    this.#attach(event, cause);
    if (leg === 'in') this.#entered(event, stanza);
    if (leg === 'out') {
      if (this.network.isNode(to)) this.waiting.handed(record);
      else {
        if (stanza.name === 'message') this.transcripts.message(event, stanza);
        else if (stanza.name === 'presence') this.#marks.handed(event);
        this.refusals.handed(event);
      }
    }
    if (stream === undefined || n === undefined) return;
    const reason = this.#slots.fill(slotOf(leg, stream, n), id);
    if (reason) this.#explain(event, reason);
  }

  /** A stanza that a session handed to its server. */
  #entered(event: ModelEvent, stanza: TracedStanza): void {
    const node = this.network.nodeOf(event.from);
    if (stanza.name === 'presence' && node && !this.network.isNode(stanza.to)) this.#marks.sent(event, node.address);
    if (this.network.isNode(event.from)) return;
    this.refusals.sent(event);
    if (isSubmission(stanza)) this.costs.open(event);
  }

  #step(step: StepRecord & { readonly seq?: number; readonly cause?: number }): void {
    const { node, stream, rx, tx, notes } = step;
    const own = this.#ids.of(step);
    if (this.network.nodes.has(node)) this.waiting.handled(step);
    const cause = rx === undefined ? this.#act(step, own) : slotOf('out', stream, rx);
    for (const [i, { n, spec }] of tx.entries()) {
      const reason = { cause, spec, ...(tx.length > 1 ? { copy: i } : {}) };
      const slot = slotOf('in', stream, n);
      const event = this.events.get(this.#slots.eventOf(slot) ?? Number.NaN);
      if (event) this.#explain(event, reason);
      else this.#slots.expect(slot, reason);
    }
    const led = step.cause ?? (typeof cause === 'string' ? this.#slots.eventOf(cause) : cause);
    for (const [i, note] of notes.entries())
      this.#note(step, note, i === 0 && step.seq !== undefined ? step.seq : own - 1 - i, led);
    if (!this.network.nodeOf(node) || tx.length + notes.length === 0) return;
    const spec = tx[0]?.spec ?? notes[0]?.spec;
    this.sentences.push({ node, sent: tx.length, spec, notes: notes.map(({ what }) => what) });
    if (this.sentences.length > sentencesMax) this.sentences.splice(0, sentencesMax / 2);
  }

  /** What a node or a character did, if no stanza asked for it. @returns its event */
  #act(step: StepRecord, id: number): number | undefined {
    const { t, node, input, timer, tx, notes } = step;
    if (!input || tx.length + notes.length === 0) return undefined;
    this.#add({ id, kind: 'act', t, from: node, to: '', text: input, ...(timer ? { timer } : {}) }, true);
    return id;
  }

  #note({ t, node }: StepRecord, note: StepRecord['notes'][number], id: number, cause: number | undefined): void {
    const { spec, what, peer, room, sign } = note;
    const event: ModelEvent = {
      id,
      kind: 'state',
      t,
      from: node,
      to: peer ?? '',
      text: what,
      spec,
      ...(peer ? { peer } : {}),
      ...(room ? { room } : {}),
      ...(sign ? { sign } : {}),
    };
    this.#add(event);
    this.splits.note(event);
    this.#attach(event, cause);
  }

  #link(record: LinkRecord): void {
    const { seq: id, t, server, stanzas, bytes, dropped } = record;
    const link = this.network.linkOf(server);
    const changed = setLink(link, record);
    this.spans.link(link, t);
    Object.assign(link, { stanzas, bytes, dropped });
    const [from, to] = server;
    if (changed) this.#add({ id, kind: 'link', t, from, to, server, text: describeLink(link) });
  }

  #session({ seq: id, t, up, stream, role, address: from, server: to }: SessionRecord): void {
    if (!up) this.waiting.ended(stream);
    if (role === 'operator') return;
    if (role !== 'user') {
      this.network.session(from, up);
      this.spans.session(from, up, t);
    }
    this.#add({ id, kind: 'session', t, from, to, text: up ? 'connected' : 'disconnected' });
  }

  #pause({ seq: id, t, paused }: PauseRecord): void {
    const text = paused ? 'Links paused: nothing crosses' : 'Links released';
    if (paused !== this.paused) this.#add({ id, kind: 'pause', t, from: '', to: '', text });
    this.paused = paused;
  }

  #told({ as: kind, seq: id, t, from, to, text, cause, spec, link: settings }: ToldRecord): void {
    const link = settings && this.network.linkOf(settings.server);
    if (link) {
      setLink(link, settings);
      this.spans.link(link, t);
    }
    const event: ModelEvent = {
      id,
      kind,
      t,
      from,
      to,
      text: link ? [describeLink(link), text].filter(Boolean).join('; ') : text,
      ...(settings ? { server: settings.server } : {}),
      ...(spec === undefined ? {} : { spec }),
    };
    if (this.#add(event)) this.#attach(event, cause);
  }

  #explain(event: ModelEvent, reason: Reason): void {
    event.spec ??= reason.spec;
    if (reason.copy !== undefined) event.copy = reason.copy;
    if (event.cause === undefined) this.#attach(event, this.#slots.causeOf(reason));
  }

  #attach(event: ModelEvent, cause: number | undefined): void {
    if (cause === undefined || cause === event.id) return;
    this.events.attach(event, cause);
    this.lines.attached(event);
    this.costs.attached(event, cause);
  }

  #add(event: ModelEvent, first = false): boolean {
    const added = this.events.add(event, first);
    if (!added) return false;
    this.#fresh.push(event);
    this.lines.add(event);
    this.startUp.add(event);
    return true;
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A groupchat message with a body: something somebody says to a room. */
function isSubmission(stanza: TracedStanza): boolean {
  return isGroupchat(stanza) && bodyOf(stanza) !== undefined;
}
