import type { NodeConfig } from '../core/node/config.ts';
import { defaultRoomConfig, type RoomConfig } from '../core/room/config.ts';
import type { Affiliation } from '../core/xep/xep0045.ts';
import { type Jid, jid } from '../core/xmpp/jid.ts';
import type { Prng } from './prng.ts';
import type { Setup } from './world.ts';

export const modes = ['plain', '0282', '0289pp'] as const;
export type Mode = (typeof modes)[number];

/** A network of its own for every seed: how many servers, who is where, how the room is set up, how slow the disks are. */
export function setupOf(mode: Mode, prng: Prng): Setup {
  const domains = Array.from({ length: 2 + prng.below(3) }, (_, i) => jid(`s${i}.sim`));
  const chance = { appendMs: 1 + prng.below(20), relaxedBatches: 0, bounceToRelay: prng.chance(0.5) };
  const people = domains.flatMap((domain, d) =>
    Array.from({ length: 1 + prng.below(3) }, (_, i) => jid(`u${d}${i}@${domain}/r`)),
  );
  const affiliations = new Map<Jid, Affiliation>();
  for (const person of people) {
    if (prng.chance(0.3)) affiliations.set(jid(person.slice(0, -2)), prng.pick(['owner', 'admin', 'member'] as const));
  }
  const base = (room: Jid): RoomConfig => ({
    ...defaultRoomConfig(room),
    whois: prng.chance(0.7) ? 'moderators' : 'anyone',
    moderated: prng.chance(0.2),
    affiliations,
  });
  const nodes: NodeConfig[] = [];
  const service = (i: number, room: RoomConfig): NodeConfig => ({
    kind: 'service',
    address: jid(`rooms.s${i}.sim`),
    server: jid(`s${i}.sim`),
    rooms: [room],
    openCreation: false,
    admins: [],
  });
  let roomOf: (user: Jid) => Jid;
  if (mode === '0289pp') {
    // A tree: every node but the first joins one before it.
    const addresses = domains.map((_, i) => jid(`hall${i}@rooms.s${i}.sim`));
    const joins = domains.map((_, i) => (i === 0 ? undefined : prng.below(i)));
    for (const [i, room] of addresses.entries()) {
      const up = joins[i];
      const outbound = up === undefined ? undefined : addresses[up];
      const allowedNodes = addresses.filter((_, other) => joins[other] === i);
      nodes.push(
        service(i, {
          ...base(room),
          distribution: { kind: 'fmuc', allowedNodes, ...(outbound === undefined ? {} : { outbound }) },
        }),
      );
    }
    roomOf = (user) => addresses[domains.findIndex((domain) => user.includes(`@${domain}/`))] as Jid;
  } else {
    const room = jid('hall@rooms.s0.sim');
    const served = mode === '0282' ? domains.slice(1) : [];
    const replicas = new Map(served.map((domain) => [jid(`replica@${domain}`), [domain]]));
    const config = base(room);
    nodes.push(service(0, mode === '0282' ? { ...config, distribution: { kind: 'primary', replicas } } : config));
    for (const [self, serves] of replicas)
      nodes.push({
        kind: 'replica',
        address: self,
        server: serves[0] as Jid,
        room: { ...config, distribution: { kind: 'replica', self, serves } },
      });
    roomOf = () => room;
  }
  const users = people.map((user, i) => ({ jid: user, nick: `nick${i}`, room: roomOf(user) }));
  return { nodes, users, ...chance };
}
