import type { Scenario } from '../../scenario/scenario.ts';
import type { ModelEvent } from './event.ts';
import type { Network } from './network.ts';

/** The beginning of a run: nodes come up, and the characters of the scenario enter. It is over when anything else is done. */
export class StartUp {
  /** Time of the first other thing that somebody did or that happened to the network. */
  overAt = Number.POSITIVE_INFINITY;
  readonly #network: Network;
  /** Those of the characters who have not entered, by full JID. */
  readonly #awaited: Set<string>;

  constructor(scenario: Scenario, network: Network) {
    this.#network = network;
    this.#awaited = new Set(scenario.occupants.map(({ jid }) => jid));
  }

  add(event: ModelEvent): void {
    if (!this.#belongs(event)) this.overAt = Math.min(this.overAt, event.t);
  }

  #belongs({ kind, leg, from, stanza }: ModelEvent): boolean {
    if (kind === 'link' || kind === 'fault' || kind === 'pause') return false;
    if (leg !== 'in' || this.#network.isNode(from)) return true;
    if (stanza?.type === 'result' || stanza?.type === 'error') return true;
    return stanza?.name === 'presence' && this.#awaited.delete(from);
  }
}
