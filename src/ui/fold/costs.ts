import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { outboundsOf, type Scenario, type ScenarioRoom } from '../../scenario/scenario.ts';
import type { ModelEvent } from './event.ts';
import type { Events } from './events.ts';
import type { Network } from './network.ts';
import { bodyOf, isGroupchat } from './summary.ts';

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

const messageWindow = 2_000;
const droppedAtOnce = 200;

/** What each message cost, beside the same message in a plain room. */
export class Costs {
  /** Oldest first. */
  readonly messages: MessageCost[] = [];
  readonly #scenario: Scenario;
  readonly #network: Network;
  readonly #events: Events;
  readonly #byEvent = new Map<number, MessageCost>();

  constructor(scenario: Scenario, network: Network, events: Events) {
    this.#scenario = scenario;
    this.#network = network;
    this.#events = events;
  }

  /** The message that an event comes from. */
  of(event: number): MessageCost | undefined {
    for (const at of this.#events.pathTo(event)) {
      const cost = this.#byEvent.get(at);
      if (cost) return cost;
    }
    return undefined;
  }

  /** Begins to count for a message that entered its server with this event. */
  open({ id, t, from, stanza }: ModelEvent): void {
    if (stanza === undefined) return;
    const room = bareOf(stanza.to as Jid);
    const cost: MessageCost = {
      id,
      t,
      who: from,
      room,
      body: bodyOf(stanza) ?? '',
      crossed: 0,
      lost: 0,
      crossedBytes: 0,
      plain: this.plainFor(from, room),
      deliveries: 0,
    };
    this.#byEvent.set(id, cost);
    this.messages.push(cost);
    if (this.messages.length <= messageWindow) return;
    for (const old of this.messages.splice(0, droppedAtOnce)) this.#byEvent.delete(old.id);
  }

  /** Counts an event, and all that followed from it, for the message that it was found to come from. */
  attached(event: ModelEvent, cause: number): void {
    const cost = this.of(cause);
    if (cost === undefined) return;
    const queue = [event.id];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      this.#count(cost, this.#events.get(at));
      queue.push(...this.#events.effectsOf(at));
    }
  }

  /**
   * Stanzas on links for one message if the same people sat in one plain room: one to the room if the sender is on
   * another server than the room, and one for each session of an occupant on another server (XEP-0045 §7.4, §7.2.8: each
   * gets a copy).
   */
  plainFor(sender: string, room: string): number | undefined {
    const set = this.#allOf(room);
    // The source, or the room that others join and that joins none, or else any: the plain room would be there.
    const joined = set.find((one) => outboundsOf(this.#owner(one)?.room.distribution).length === 0) ?? room;
    const plain = this.#owner(joined);
    if (!plain) return undefined;
    const servers: string[] = [];
    let known = false;
    for (const node of this.#network.nodes.values()) {
      if (node.kind !== 'service') continue;
      for (const status of this.#network.roomsOf(node)) {
        if (!set.includes(status.room)) continue;
        known = true;
        for (const { home, jid, sessions = 1 } of status.occupants) {
          // Each of these tells of its own users; a primary tells of all.
          if (home !== undefined && status.role !== 'primary') continue;
          const known = jid ? this.#network.serverOf(jid) : undefined;
          const server = known ?? (home ? this.#network.nodeOf(home)?.server : undefined) ?? node.server;
          servers.push(...Array<string>(sessions).fill(server));
        }
      }
    }
    if (!known) return undefined;
    const away = servers.filter((server) => server !== plain.server).length;
    return away + (this.#network.serverOf(sender) === plain.server ? 0 : 1);
  }

  #count(cost: MessageCost, event: ModelEvent | undefined): void {
    if (!event?.stanza || !isGroupchat(event.stanza)) return;
    if (event.leg === 'out' && !this.#network.isNode(event.to)) cost.deliveries++;
    if (event.leg !== 'link') return;
    if (event.outcome) cost.lost++;
    else {
      cost.crossed++;
      cost.crossedBytes += event.stanza.bytes;
    }
  }

  /** The rooms that are one with this one: all instances (XEP-0281), or a federation (XEP-0289). A room may be alone. */
  #allOf(start: string): readonly string[] {
    const told = [...this.#network.nodes.values()].flatMap((node) => this.#network.roomsOf(node));
    const source = told.find(({ room }) => room === start)?.instance?.source ?? start;
    const shadows = told.filter(({ instance }) => instance?.source === source).map(({ room }) => room);
    return shadows.length > 0 ? [source, ...shadows] : this.#federationOf(start);
  }

  #federationOf(start: string): readonly string[] {
    const all = this.#scenario.nodes.flatMap((node) => (node.kind === 'service' ? node.rooms : []));
    const set = new Set([start]);
    for (const room of set)
      for (const { jid, distribution } of all)
        if (outboundsOf(distribution).includes(room) || outboundsOf(this.#owner(room)?.room.distribution).includes(jid))
          set.add(jid);
    return [...set];
  }

  #owner(jid: string): { readonly server: string; readonly room: ScenarioRoom } | undefined {
    for (const node of this.#scenario.nodes) {
      if (node.kind !== 'service') continue;
      const room = node.rooms.find((candidate) => candidate.jid === jid);
      if (room) return { server: node.server, room };
    }
    return undefined;
  }
}
