import * as Comlink from 'comlink';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import type { PlainCost, PlainInput, PlainWorkerApi } from '../host/control.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { MessageCost } from './fold/costs.ts';
import type { Model } from './fold/model.ts';
import { plainRoomOf } from './fold/plain-room.ts';
import { bodyOf, isGroupchat } from './fold/summary.ts';
import type { News } from './trace/records.ts';

/** So many may wait until there is a message to compare. */
const waitingMax = 500;
const keptMax = 4_000;

/**
 * The plain rooms that the scenario's rooms are compared with. They run in a worker of their own, which starts with the first
 * message: there the same people do the same, while the same links are cut.
 */
export class Baseline {
  readonly #scenario: Scenario;
  readonly #changed: () => void;
  readonly #shared: PlainWorkerApi | undefined;
  #api: PlainWorkerApi | undefined;
  #release: () => void = () => undefined;
  /** What the worker has yet to be told. */
  #inputs: PlainInput[] = [];
  /** Messages without an answer. */
  readonly #asked = new Set<number>();
  readonly #costs = new Map<number, PlainCost>();
  #stopped = false;
  /** The number of the last record: a recording that goes back tells them again. */
  #last = 0;

  /**
   * @param changed  called when there is another comparison
   * @param plain  has the rooms; absent: a worker of its own
   */
  constructor(scenario: Scenario, changed: () => void, plain?: PlainWorkerApi) {
    this.#shared = plain;
    this.#scenario = scenario;
    this.#changed = changed;
  }

  /** What became of a message there; undefined if that is not known, or not yet. */
  of({ id }: Pick<MessageCost, 'id'>): PlainCost | undefined {
    const cost = this.#costs.get(id);
    return cost?.isUnknown ? undefined : cost;
  }

  get isReady(): boolean {
    return this.#asked.size === 0;
  }

  /** @param told  what the page has been told, this included */
  take(batch: readonly News[], told: Model): void {
    for (const news of batch) {
      // A step has a number in a recording alone, and nothing of a node's means anything to another room.
      if (news.kind === 'step' || !('seq' in news) || news.seq <= this.#last) continue;
      this.#last = news.seq;
      const input = inputOf(news, this.#scenario, told);
      if (input === undefined) continue;
      this.#inputs.push(input);
      if (news.kind === 'hop' && isGroupchat(news.stanza) && bodyOf(news.stanza) !== undefined)
        this.#asked.add(news.seq);
    }
    this.#flush();
  }

  /** Those who entered before the trace that the page was told begins are in the plain rooms, too. */
  enter(told: Model): void {
    this.#inputs.push(...insideOf(this.#scenario, told));
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#release();
  }

  #flush(): void {
    if (this.#stopped || (this.#asked.size === 0 && this.#inputs.length < waitingMax)) return;
    const inputs = this.#inputs;
    if (inputs.length === 0) return;
    this.#inputs = [];
    void this.#running()
      .take(inputs)
      .catch((): readonly PlainCost[] => [])
      .then((costs) => {
        for (const cost of costs) this.#costs.set(cost.id, cost);
        for (const input of inputs) if (input.kind === 'submitted') this.#asked.delete(input.id);
        const old = Math.max(0, this.#costs.size - keptMax);
        for (const id of [...this.#costs.keys()].slice(0, old)) this.#costs.delete(id);
        this.#changed();
      });
  }

  #running(): PlainWorkerApi {
    if (this.#api) return this.#api;
    if (this.#shared) {
      this.#api = this.#shared;
      void this.#api.start(this.#scenario);
      return this.#api;
    }
    const worker = new Worker(new URL('../worker/plain.worker.ts', import.meta.url), { type: 'module', name: 'plain' });
    // Nobody waits for a worker that does not run.
    worker.addEventListener('error', () => this.#asked.clear());
    const api = Comlink.wrap<PlainWorkerApi>(worker);
    this.#release = () => {
      api[Comlink.releaseProxy]();
      worker.terminate();
    };
    this.#api = api;
    void api.start(this.#scenario);
    return api;
  }
}

/** What a record means to a plain room; undefined if nothing. */
export function inputOf(news: News, scenario: Scenario, { network }: Model): PlainInput | undefined {
  if (news.kind === 'link') return { kind: 'link', server: news.server, state: news.state };
  if (news.kind === 'told') return news.link && { kind: 'link', server: news.link.server, state: news.link.state };
  if (news.kind === 'session' && news.role === 'user' && !news.up)
    return { kind: 'gone', t: news.t, who: news.address };
  if (news.kind !== 'hop' || news.leg !== 'in' || network.isNode(news.from)) return undefined;
  const { seq: id, t, from, to: server, stanza } = news;
  if (stanza.type === 'error' || stanza.type === 'result') return undefined;
  const room = plainRoomOf(scenario, network, bareOf(stanza.to as Jid));
  return room === undefined ? undefined : { kind: 'submitted', id, t, from, room, server, xml: stanza.xml };
}

/** Everybody who is in a room. */
export function insideOf(scenario: Scenario, { people, network }: Model): readonly PlainInput[] {
  return people.all().flatMap(({ room, nick, devices }) => {
    const plain = plainRoomOf(scenario, network, room);
    if (plain === undefined) return [];
    return devices
      .filter(({ phase }) => phase === 'joined')
      .map(({ jid: who }): PlainInput => {
        const server = network.serverOf(who) ?? domainOf(who as Jid);
        return { kind: 'inside', t: 0, who, room: plain, server, nick };
      });
  });
}

type Delivered = Pick<PlainCost, 'recipients'>;

/** Whether a message was delivered to the same users in both. */
export function isSame(here: Delivered, there: Delivered): boolean {
  const [a, b] = [[...here.recipients].sort(), [...there.recipients].sort()];
  return a.length === b.length && a.every((who, i) => who === b[i]);
}
