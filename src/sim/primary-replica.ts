import type { NodeConfig } from '../core/node/config.ts';
import type { RoomConfig } from '../core/room/config.ts';
import { domainOf, jid } from '../core/xmpp/jid.ts';
import { hostilePrimary } from './hostile-primary.ts';
import { hostileReplica } from './hostile-replica.ts';
import type { Circumstances } from './plan.ts';
import { primaryReplicaCheckers } from './primary-replica-checkers.ts';
import type { Protocol } from './protocol.ts';

/** XEP-0282: the primary on the first server, a replica on most of the others; the users of the rest are served directly. */
export const primaryReplica: Protocol = {
  layout(domains, base, prng) {
    const [first, ...others] = domains;
    if (first === undefined) throw new RangeError('no domain');
    const room = jid(`hall@rooms.${first}`);
    const served = others.filter((_, i) => i === 0 || prng.chance(0.8));
    const replicas = new Map(served.map((domain) => [jid(`replica@${domain}`), [domain]]));
    const config = base(room);
    const primary: NodeConfig = {
      kind: 'service',
      address: jid(`rooms.${first}`),
      server: first,
      rooms: [{ ...config, distribution: { kind: 'primary', replicas } }],
      openCreation: false,
      admins: [],
    };
    const nodes = [...replicas].map(
      ([self, serves]): NodeConfig => ({
        kind: 'replica',
        address: self,
        server: serves[0] as (typeof serves)[0],
        room: { ...config, distribution: { kind: 'replica', self, serves } },
      }),
    );
    return { nodes: [primary, ...nodes], roomOf: () => room };
  },
  circumstances(prng): Circumstances {
    const settings: Partial<RoomConfig> = {
      split: {
        policy: prng.chance(0.5) ? 'local' : 'freeze',
        chat: prng.chance(0.8),
        private: prng.chance(0.8),
        entry: prng.chance(0.5),
        kick: prng.chance(0.7),
        away: prng.chance(0.3),
      },
      nicksLocked: prng.chance(0.2),
    };
    return {
      settingsOf: () => settings,
      emptyUntil: new Map(),
      // Long enough for silence to be noticed (D-g).
      lingerMs: prng.chance(0.3) ? 200_000 : 0,
      primary: prng.chance(0.8) ? 'sound' : prng.pick(['forgetful', 'hostile'] as const),
    };
  },
  mayBeHostile: ({ nodes }) => nodes.filter(({ kind }) => kind === 'replica').map(({ address }) => address),
  tamper: (stanza, prng, at) =>
    at.people.some(({ room }) => domainOf(room) === at.self)
      ? hostilePrimary(stanza, prng, at)
      : hostileReplica(stanza, prng, at),
  checkers: primaryReplicaCheckers,
  despitePrimary: ['G12', 'G13', 'D-a', 'D-e', 'D-g', 'D-h', 'D-5'],
};
