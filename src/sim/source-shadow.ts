import type { InstanceTrust, SourceConfig } from '../core/distribution/config.ts';
import type { NodeConfig } from '../core/node/config.ts';
import type { RoomConfig } from '../core/room/config.ts';
import type { Affiliation } from '../core/xep/xep0045.ts';
import { bareOf, type Jid, jid } from '../core/xmpp/jid.ts';
import { hostileInstance } from './hostile-instance.ts';
import type { Circumstances, Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import type { Protocol } from './protocol.ts';
import { sourceShadowCheckers } from './source-shadow-checkers.ts';
import { withDrawnId, withVariety } from './source-shadow-variety.ts';
import type { Step } from './step.ts';

/** XEP-0281: the source on the first server, and a shadow on most of the others; the users of the rest enter at the source. */
export const sourceShadow: Protocol = {
  serversMax: 5,
  layout(domains, base, prng) {
    const [first, ...others] = domains;
    if (first === undefined) throw new RangeError('no domain');
    const services = new Map(others.map((domain) => [domain, jid(`rooms.${domain}`)]));
    const peerhosts = others.flatMap((domain, i) =>
      i === 0 || prng.chance(0.85) ? [services.get(domain) as Jid] : [],
    );
    const firsthost = jid(`rooms.${first}`);
    const source = jid(`hall@${firsthost}`);
    const [local, id] = prng.chance(0.5) ? (['hall', 'own'] as const) : (['annexe', { text: 'annexe' }] as const);
    const hosts = [firsthost, ...services.values()];
    const distribution: SourceConfig = {
      kind: 'source',
      peerhosts,
      distribute: prng.pick(['always', 'background']),
      id,
      replicate: prng.chance(0.7) ? 'at-once' : 1 + prng.below(2),
      redirect: prng.pick(['always', 'always', 'never', 2]),
      trust: trustOf(hosts, prng),
    };
    const node = (server: Jid, address: Jid, rooms: Extract<NodeConfig, { kind: 'service' }>['rooms']) =>
      ({ kind: 'service', address, server, rooms, openCreation: false, admins: [] }) as const;
    const shadows = [...services].map(
      ([server, address]): NodeConfig => ({
        ...node(server, address, []),
        hosting: { firsthosts: [firsthost], maxRooms: 2, trust: trustOf(hosts, prng) },
      }),
    );
    const nodes = [node(first, firsthost, [{ ...base(source), distribution }]), ...shadows];
    return {
      nodes,
      roomOf(domain) {
        const service = services.get(domain);
        return service !== undefined && peerhosts.includes(service) ? jid(`${local}@${service}`) : source;
      },
    };
  },
  /** Only the source has settings of its own: the shadows have them from it. */
  circumstances(prng, users, { nodes }): Circumstances {
    const [source] = nodes;
    const settings = settingsOf(users, prng);
    return {
      settingsOf: (node) => (node === source?.address ? settings : {}),
      emptyUntil: new Map(),
      lingerMs: prng.chance(0.3) ? 200_000 : 0,
      primary: prng.chance(0.8) ? 'sound' : prng.pick(['forgetful', 'hostile'] as const),
    };
  },
  // The one that sorts last: a nick is the user's whose instance sorts first (decision #207).
  mayBeHostile: ({ nodes }) =>
    nodes
      .slice(1)
      .slice(-1)
      .map(({ address }) => address),
  tamper: hostileInstance,
  more: withStrangers,
  vary: withVariety,
  settle: withDrawnId,
  checkers: sourceShadowCheckers,
  despitePrimary: ['G12', 'G13', 'S-h', 'S-o'],
};

/** Some tell real addresses to some of the others only. */
function trustOf(hosts: readonly Jid[], prng: Prng): InstanceTrust {
  return prng.chance(0.7) ? {} : { seeJids: hosts.filter(() => prng.chance(0.5)) };
}

function settingsOf(users: readonly Jid[], prng: Prng): Partial<RoomConfig> {
  const affiliations = new Map<Jid, Affiliation>();
  for (const user of users) {
    const dice = prng.unit();
    if (dice < 0.35) affiliations.set(bareOf(user), prng.pick(['owner', 'admin', 'member'] as const));
    else if (dice < 0.38) affiliations.set(bareOf(user), 'outcast');
  }
  return {
    affiliations,
    membersOnly: prng.chance(0.1),
    changeSubject: prng.chance(0.7),
    nicksLocked: prng.chance(0.1),
    logging: true,
    // Users ask what a room says of itself before they follow a redirect; its owners' addresses are no secret where it says them.
    ownersAreContacts: false,
  };
}

/**
 * The same plan, where in some runs a user of a server with a shadow enters at the source (§3.5), and in some an owner does
 * without a shadow for a while.
 */
function withStrangers(plan: Plan, prng: Prng): Plan {
  const [first] = plan.layout.nodes;
  const room = first?.kind === 'service' ? first.rooms[0] : undefined;
  if (room?.distribution.kind !== 'source') return plan;
  const share = prng.chance(0.5) ? 0 : 0.3 * prng.unit();
  const people = plan.people.map((person) => (prng.chance(share) ? { ...person, room: room.jid } : person));
  const owners = people.filter(({ jid }) => room.affiliations.get(bareOf(jid)) === 'owner');
  const nodes = room.distribution.peerhosts;
  if (owners.length === 0 || prng.chance(0.7)) return { ...plan, people };
  const one = prng.pick(nodes);
  const by = { kind: 'peerhosts', user: prng.pick(owners).jid } as const;
  const end = plan.steps.reduce((last, { at }) => Math.max(last, at), 0);
  const at = prng.below(end + 1);
  const steps: readonly Step[] = [
    { at, luck: prng.bits(), ...by, nodes: nodes.filter((node) => node !== one) },
    { at: at + prng.below(60_000), luck: prng.bits(), ...by, nodes },
  ];
  return { ...plan, people, steps: [...plan.steps, ...steps] };
}
