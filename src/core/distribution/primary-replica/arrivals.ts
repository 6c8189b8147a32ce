import type { Asked, Outcome } from '../../xep/sync.ts';
import { domainOf, type Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { type Instant, instant } from '../../xmpp/time.ts';
import { timeoutMs } from '../keepalive.ts';
import { Pending } from '../pending.ts';
import { idMax } from './relays.ts';

/** Stanzas that are remembered; beyond it the oldest is forgotten. */
const arrivalsMax = 10_000;

/** What has come from users of replicas lately: a replica asks what of its relays never did. Decision #131. */
export class Arrivals {
  readonly #came = new Pending<string, Instant>(arrivalsMax);
  /** Nobody knows what came before. */
  #since: Instant | undefined;

  /** The node runs from now on. */
  begin(now: Instant): void {
    this.#since ??= now;
  }

  add({ name, from, id }: Stanza, now: Instant): void {
    if (id === undefined || id.length > idMax) return;
    for (const at of this.#came.add(keyOf(name, from, id), now, now)) this.#since = at;
  }

  /** @param domains  of whose users may be asked */
  outcomesOf(asked: readonly Asked[], domains: readonly Jid[], now: Instant): ReadonlyMap<number, Outcome> {
    const outcomes = new Map<number, Outcome>();
    for (const { n, name, from, id, ago } of asked) {
      if (domains.includes(domainOf(from)) && this.#came.get(keyOf(name, from, id), now) !== undefined) continue;
      // It was relayed by then, at the latest, with as much to spare as the question may have been under way.
      const relayed = instant(now - ago * 1000 - timeoutMs);
      outcomes.set(n, this.#since !== undefined && this.#since <= relayed ? 'lost' : 'unknown');
    }
    return outcomes;
  }
}

function keyOf(name: Stanza['name'], from: Jid, id: string): string {
  return `${name} ${from} ${id}`;
}
