import { type Direction, Link, type LinkCounters, type LinkSettings, type LinkState } from '../core/net/link.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';
import { type Instant, instant } from '../core/xmpp/time.ts';
import type { Prng } from './prng.ts';

/** What fate does to a link: beyond the link model of core/net, what only a simulator can do. */
export interface LinkFault {
  /** Of each direction; `silent` in one of them alone is a one-way cut. */
  readonly state: readonly [LinkState, LinkState];
  /** Probability that a stanza vanishes though the stream lives. */
  readonly loss: number;
  /** Probability that a stanza between nodes comes twice, one after the other. */
  readonly twice: number;
}

export const soundLink: LinkFault = { state: ['up', 'up'], loss: 0, twice: 0 };

/** What becomes of a stanza, and when it arrives; once or twice. */
export type Passage =
  | { readonly outcome: 'arrives' | 'twice'; readonly arrives: Instant }
  | { readonly outcome: 'bounced' | 'dropped'; readonly arrives: undefined };

/** Links as luck has them. */
export function randomLinks(prng: Prng): () => LinkSettings {
  return () => {
    const bytesPerSecond = prng.chance(0.2) ? 2_000 + prng.below(50_000) : 0;
    return { state: 'up', latencyMs: 1 + prng.below(150), jitterMs: prng.below(80), bytesPerSecond };
  };
}

/** The links between all servers: the production link model for each direction, with faults on top. */
export class Network {
  readonly links = new Map<string, SimLink>();
  readonly #byPair = new Map<Jid, Map<Jid, { readonly link: SimLink; readonly direction: Direction }>>();

  constructor(servers: readonly Jid[], linkOf: (a: Jid, b: Jid) => LinkSettings) {
    for (const [i, a] of servers.entries())
      for (const b of servers.slice(i + 1)) {
        const link = new SimLink([a, b], new Link(linkOf(a, b)));
        this.links.set(`${a} ${b}`, link);
        this.#add(a, b, link, 0);
        this.#add(b, a, link, 1);
      }
  }

  way(from: Jid, to: Jid): { readonly link: SimLink; readonly direction: Direction } | undefined {
    return this.#byPair.get(from)?.get(to);
  }

  #add(from: Jid, to: Jid, link: SimLink, direction: Direction): void {
    const ways = this.#byPair.get(from) ?? new Map();
    this.#byPair.set(from, ways.set(to, { link, direction }));
  }
}

export class SimLink {
  readonly servers: readonly [Jid, Jid];
  fault: LinkFault = soundLink;
  /** Raised by every new stream. */
  stream = 0;
  #link: Link;

  constructor(servers: readonly [Jid, Jid], link: Link) {
    this.servers = servers;
    this.#link = link;
  }

  get settings(): LinkSettings {
    return this.#link.settings;
  }

  get counters(): LinkCounters {
    return this.#link.counters;
  }

  /** What is under way already arrives as it was going to. */
  change(settings: Partial<LinkSettings>): void {
    this.#link.change(settings);
    const { state } = settings;
    if (state !== undefined) this.fault = { ...soundLink, state: [state, state] };
  }

  /**
   * A new stream, maybe a quicker way. What is still under way on the old one is lost or, between nodes, may be overtaken:
   * a person's words in the wrong order are no room's to mend.
   */
  reconnect(latencyMs: number): void {
    this.stream++;
    this.#link = new Link({ ...this.#link.settings, latencyMs });
  }

  transmit(direction: Direction, stanza: Stanza, between: boolean, now: Instant, prng: Prng): Passage {
    const { state, loss, twice } = this.fault;
    if (this.#link.settings.state !== state[direction]) this.#link.change({ state: state[direction] });
    const bytes = this.#link.settings.bytesPerSecond === 0 ? 0 : stanzaLength(stanza);
    const { outcome, arrives } = this.#link.transmit(direction, bytes, now, prng.unit());
    if (outcome !== undefined) return { outcome, arrives: undefined };
    if (loss > 0 && prng.chance(loss)) return { outcome: 'dropped', arrives: undefined };
    const again = between && twice > 0 && prng.chance(twice);
    return { outcome: again ? 'twice' : 'arrives', arrives: instant(Math.ceil(arrives)) };
  }
}
