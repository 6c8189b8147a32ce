import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
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
  /** Full JIDs: of each copy, the user whom it was handed to. */
  readonly recipients: string[];
  /** When the last copy so far was handed to a user; undefined: none was. */
  lastDelivery: number | undefined;
}

const messageWindow = 2_000;
const droppedAtOnce = 200;

/** What each message cost. */
export class Costs {
  /** Oldest first. */
  readonly messages: MessageCost[] = [];
  readonly #network: Network;
  readonly #events: Events;
  readonly #byEvent = new Map<number, MessageCost>();

  constructor(network: Network, events: Events) {
    this.#network = network;
    this.#events = events;
  }

  /** The message that an event comes from. */
  of(event: number): MessageCost | undefined {
    let first: MessageCost | undefined;
    for (let at: number | undefined = event; at !== undefined; at = this.#events.get(at)?.cause)
      first = this.#byEvent.get(at) ?? first;
    return first;
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
      recipients: [],
      lastDelivery: undefined,
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

  #count(cost: MessageCost, event: ModelEvent | undefined): void {
    if (!event?.stanza || !isGroupchat(event.stanza)) return;
    if (event.leg === 'out' && !this.#network.isNode(event.to)) {
      cost.recipients.push(event.to);
      cost.lastDelivery = Math.max(cost.lastDelivery ?? event.t, event.t);
    }
    if (event.leg !== 'link') return;
    if (event.outcome) cost.lost++;
    else {
      cost.crossed++;
      cost.crossedBytes += event.stanza.bytes;
    }
  }
}
