import type { Jid } from '../core/xmpp/jid.ts';
import { plus } from '../core/xmpp/time.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { ServerHost } from '../server/host.ts';
import type { Network } from '../server/network.ts';

/** How many there may be at once. */
export const instancesMax = 100;
/** One that nobody is logged in to is gone after so long, in milliseconds. */
const unusedMs = 60_000;
const name = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** @returns why it is no name of an instance; undefined: it is one */
export function badInstance(text: string): string | undefined {
  if (text === '' || name.test(text)) return undefined;
  return `${JSON.stringify(text.slice(0, 80))} is no name of a room of one’s own: 1 to 32 of a to z, 0 to 9 and -`;
}

/** The networks of all scenarios, for those who meet there. */
interface Instance<Hosted> {
  readonly networks: Map<string, Hosted>;
  readonly byDomain: Map<Jid, Network>;
  /** By scenario: how often it has begun anew. */
  readonly begun: Map<string, number>;
  /** When somebody was last found there. */
  usedAt: number;
}

/**
 * Instances of the same networks, side by side: each has its own servers, accounts, trace and counters. The one without a name
 * is always there; another is made when it is asked for, and goes when nobody uses it.
 */
export class Instances<Hosted extends { readonly network: Network }> {
  readonly #scenarios: readonly Scenario[];
  readonly #host: ServerHost;
  readonly #make: (scenario: Scenario, startOver: () => void) => Hosted;
  readonly #instances = new Map<string, Instance<Hosted>>();
  #isLooking = false;

  /**
   * @param make  hosts a scenario; `startOver` is what its operator may ask for
   * @throws RangeError if two scenarios name the same domain, or an address is malformed
   */
  constructor(
    scenarios: readonly Scenario[],
    host: ServerHost,
    make: (scenario: Scenario, startOver: () => void) => Hosted,
  ) {
    this.#scenarios = scenarios;
    this.#host = host;
    this.#make = make;
    this.#add('');
  }

  get(instance: string): Instance<Hosted> | undefined {
    return this.#instances.get(instance);
  }

  /** @returns undefined if there are too many */
  open(instance: string): Instance<Hosted> | undefined {
    const known = this.#instances.get(instance);
    if (known !== undefined) {
      known.usedAt = this.#host.now();
      return known;
    }
    if (this.#instances.size > instancesMax) return undefined;
    this.#look();
    return this.#add(instance);
  }

  /** Does not wait until nobody uses it. The one without a name stays. */
  end(instance: string): void {
    if (instance === '') return;
    for (const { network } of this.#instances.get(instance)?.networks.values() ?? [])
      network.end('it is no longer needed');
    this.#instances.delete(instance);
  }

  #add(instance: string): Instance<Hosted> {
    const made: Instance<Hosted> = {
      networks: new Map(),
      byDomain: new Map(),
      begun: new Map(),
      usedAt: this.#host.now(),
    };
    for (const scenario of this.#scenarios) this.#begin(made, scenario);
    this.#instances.set(instance, made);
    return made;
  }

  #begin(instance: Instance<Hosted>, scenario: Scenario): void {
    const { networks, byDomain, begun } = instance;
    const live = this.#make(scenario, () => {
      live.network.end('it starts over');
      this.#begin(instance, scenario);
    });
    for (const domain of live.network.domains()) {
      const other = byDomain.get(domain);
      if (other !== undefined && other.id !== live.network.id)
        throw new RangeError(`the scenarios ${other.id} and ${live.network.id} both have the domain ${domain}`);
      byDomain.set(domain, live.network);
    }
    begun.set(scenario.id, (begun.get(scenario.id) ?? -1) + 1);
    networks.set(scenario.id, live);
  }

  /** Looks for those that nobody uses, as long as there are any. */
  #look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#host.setTimer(plus(this.#host.now(), unusedMs / 2), () => {
      this.#isLooking = false;
      const now = this.#host.now();
      for (const [name, instance] of this.#instances) {
        if ([...instance.networks.values()].some(({ network }) => network.isUsed)) instance.usedAt = now;
        else if (name !== '' && now - instance.usedAt >= unusedMs) this.#instances.delete(name);
      }
      if (this.#instances.size > 1) this.#look();
    });
  }
}
