import { expect } from 'vitest';
import type { NodeConfig } from '../../src/core/node/config.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import { createOccupant, type OccupantAct, type OccupantInput } from '../../src/core/occupant/occupant.ts';
import { bareOf, type Jid, resourceOf } from '../../src/core/xmpp/jid.ts';
import { type Stanza, stanzaText } from '../../src/core/xmpp/stanza.ts';
import { type Instant, instant, plus } from '../../src/core/xmpp/time.ts';
import { LocalLink } from '../../src/headless/local-link.ts';
import { nodeCrypto } from '../../src/headless/node-host.ts';
import { Driver } from '../../src/host/driver.ts';
import { MemoryStore } from '../../src/host/memory-store.ts';
import type { LinkHandlers } from '../../src/host/stanza-link.ts';
import type { ServerHost } from '../../src/server/host.ts';
import { type LocalSession, Network } from '../../src/server/network.ts';
import type { Ground } from '../../src/sim/ground.ts';
import { soundLink } from '../../src/sim/network.ts';
import { Prng } from '../../src/sim/prng.ts';
import { World } from '../../src/sim/world.ts';

/**
 * The simulator runs the core that production runs; this shows that it also treats it as production does. One list of
 * acts is played to the embedded server with nodes behind the production driver, and to the simulator's world: every user
 * and every node must get the same stanzas in the same order.
 *
 * What may differ, and is made alike before comparing:
 * - ids and stamps: by order of first appearance;
 * - the `<text/>` of an error that a server writes: the simulator leaves it out, since nobody reads it;
 * - keepalive: whichever of two nodes was silent a millisecond longer is asked by the other. What arrives in one turn of the
 *   event loop is one batch to the driver, and so one write; to the simulator each stanza is a turn of its own, as it is
 *   where nodes have sockets, and the second batch waits for the first one's write. So pings between nodes are left out.
 */
export interface Stage {
  connect(user: Jid): void;
  vanish(user: Jid): void;
  act(user: Jid, act: OccupantAct): void;
  send(stanza: Stanza): void;
  cut(a: Jid, b: Jid, state: 'bounce' | 'silent' | 'up'): void;
  /** Lets virtual time pass: long enough for all that an act sets off. */
  pass(ms: number): Promise<void>;
  /** By address of user or node: what it was handed. */
  readonly got: ReadonlyMap<Jid, readonly string[]>;
}

const start = instant(Date.UTC(2026, 0, 1));

/** Luck that is always the same: links of a millisecond without jitter, disks of a millisecond; ids count. */
export class Steady extends Prng {
  #ids = 0;
  #chances = [true, false];
  override unit(): number {
    return 0;
  }
  /** The third server has a replica in XEP-0282, the fourth has none; everything else is unlikely. */
  override chance(): boolean {
    return this.#chances.shift() ?? false;
  }
  override fork(): Prng {
    return this;
  }
  override id(): string {
    return `uid-${++this.#ids}-x`;
  }
}

export function simulated(ground: Ground): Stage {
  const prng = new Steady(0);
  prng.chance();
  prng.chance();
  const world = new World(ground, prng);
  return {
    connect: (user) => world.connect(user),
    vanish: (user) => world.vanish(user),
    act: (user, act) => world.act(user, act),
    send: (stanza) => world.sendRaw(stanza, 'test'),
    cut: (a, b, state) => world.setLink(a, b, { ...soundLink, state: [state, state] }),
    async pass(ms) {
      expect(world.runUntil(plus(world.now, ms), 100_000)).toBe(true);
    },
    get got() {
      const found = new Map<Jid, string[]>();
      for (const record of world.trace) {
        if (record.kind !== 'out') continue;
        const list = found.get(record.to) ?? [];
        found.set(record.to, list);
        list.push(stanzaText(record.stanza));
      }
      return found;
    },
  };
}

/** Links of a millisecond. */
const quick = { latencyMs: 1 };

/** Time that stands still between the timers, and lets every promise settle after each. */
class VirtualHost implements ServerHost {
  #now: Instant = start;
  #timers: { readonly at: Instant; readonly fn: () => void }[] = [];
  #ids = 0;
  readonly crypto = nodeCrypto;
  now = (): Instant => this.#now;
  randomId = (): string => `uid-${++this.#ids}-x`;
  random = (): number => 0;
  setTimer = (at: Instant, fn: () => void): (() => void) => {
    const timer = { at, fn };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };
  async pass(ms: number): Promise<void> {
    const end = plus(this.#now, ms);
    for (;;) {
      // After all microtasks, which is where driver, store and local link wait.
      await new Promise((resolve) => setImmediate(resolve));
      const due = Math.min(...this.#timers.map(({ at }) => at));
      if (due > end) break;
      const next = this.#timers.find(({ at }) => at === due) as { at: Instant; fn: () => void };
      this.#timers = this.#timers.filter((other) => other !== next);
      if (next.at > this.#now) this.#now = next.at;
      next.fn();
    }
    this.#now = end;
  }
}

export async function embedded(ground: Ground): Promise<Stage> {
  const host = new VirtualHost();
  const {
    domains,
    linkOf = () => quick,
    layout: { nodes },
  } = ground;
  const password = 'pw';
  const network = new Network(
    {
      id: 'contract',
      servers: domains.map((domain) => ({
        domain,
        services: nodes.filter(({ kind, server }) => kind === 'service' && server === domain).map((n) => n.address),
      })),
      links: domains.flatMap((a, i) =>
        domains.slice(i + 1).map((b) => ({ between: [a, b] as const, ...linkOf(a, b) })),
      ),
      accounts: [
        ...nodes.map(({ address, kind }) => ({ address, password, role: kind })),
        ...ground.people.map((person) => ({ address: bareOf(person.jid), password, role: 'user' as const })),
      ],
      grants: nodes.flatMap((node) =>
        node.kind === 'replica' ? [{ server: node.server, account: node.address, address: node.room.jid }] : [],
      ),
    },
    host,
  );
  const got = new Map<Jid, string[]>();
  const hand = (to: Jid, stanza: Stanza) => got.set(to, [...(got.get(to) ?? []), stanzaText(stanza)]);
  for (const config of nodes) await drive(config, network, host, hand);
  const halves = new Map(
    ground.people.map((person) => [
      person.jid,
      createOccupant({ jid: person.jid, nick: person.nick, room: person.room }),
    ]),
  );
  const sessions = new Map<Jid, LocalSession>();
  const feed = (user: Jid, input: OccupantInput) => {
    for (const effect of halves.get(user)?.handle(input, { newId: host.randomId }) ?? [])
      if (effect.kind === 'send') sessions.get(user)?.send(effect.stanza);
  };
  return {
    got,
    connect(user) {
      const opened = network.openSession(
        bareOf(user),
        [],
        {
          stanza: (stanza) =>
            queueMicrotask(() => {
              hand(user, stanza);
              feed(user, { kind: 'stanza', stanza });
            }),
          ended: (condition, text) => {
            throw new Error(`${user}: ${condition} ${text}`);
          },
        },
        resourceOf(user),
      );
      if (!opened.ok) throw new Error(opened.error.text);
      sessions.set(user, opened.session);
      feed(user, { kind: 'linkUp' });
    },
    vanish: (user) => sessions.get(user)?.close(),
    act: (user, act) => feed(user, { kind: 'act', act }),
    send: (stanza) => sessions.get(stanza.from)?.send(stanza),
    cut(a, b, state) {
      expect(network.changeLink(a, b, { state })).toBe(true);
    },
    pass: (ms) => host.pass(ms),
  };
}

/** A node behind the production driver, as local-nodes.ts starts it, whose inbox is watched. */
async function drive(
  config: NodeConfig,
  network: Network,
  host: VirtualHost,
  hand: (to: Jid, stanza: Stanza) => void,
): Promise<void> {
  const link = new (class extends LocalLink {
    override start(handlers: LinkHandlers): Promise<void> {
      return super.start({
        ...handlers,
        stanza(via, stanza, rx) {
          hand(config.address, stanza);
          handlers.stanza(via, stanza, rx);
        },
      });
    }
  })({
    network,
    account: config.address,
    bind: [config.kind === 'service' ? config.address : config.room.jid],
    ...(config.kind === 'replica' ? { resource: 'node' } : {}),
  });
  const driver = new Driver({
    address: config.address,
    node: createMucNode(config),
    store: new MemoryStore(),
    link,
    host: { now: host.now, setTimer: host.setTimer, newId: host.randomId },
    failed: (error) => {
      throw error;
    },
  });
  await driver.start();
}

/** A ping and its answer, between nodes. */
const keepalive =
  /^<iq [^>]*(type="get"><ping xmlns="urn:xmpp:ping"(\/>|>(<([as]|have) [^>]*\/>)+<\/ping>)<\/iq>|type="result"(\/>|>(<([as]|have) [^>]*\/>)+<\/iq>))$/;

/** Ids and stamps by the order in which a receiver first sees them; errors without their text; no keepalive. */
export function alike(lines: readonly string[]): string[] {
  const names = new Map<string, string>();
  const name = (kind: string) => (found: string) => {
    const known = names.get(found) ?? `${kind}${names.size}`;
    names.set(found, known);
    return known;
  };
  return lines
    .filter((line) => !keepalive.test(line))
    .map((line) =>
      line
        .replace(/<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">no[^<]*<\/text>/g, '')
        .replace(/uid-\d+-x/g, name('id'))
        .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, name('stamp'))
        .replace(/\b1[67]\d{11}\b/g, name('epoch')),
    );
}

/** All that is said, each thing once. */
export function said(lines: readonly string[]): readonly string[] {
  return [
    ...new Set(lines.flatMap((line) => [...line.matchAll(/<body>([^<]*)</g)].map(([, text]) => text ?? ''))),
  ].sort();
}
