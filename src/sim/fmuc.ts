import type { DistributedRoomConfig, FmucMode } from '../core/distribution/config.ts';
import type { NodeConfig } from '../core/node/config.ts';
import type { RoomConfig } from '../core/room/config.ts';
import type { Affiliation } from '../core/xep/xep0045.ts';
import { bareOf, type Jid, jid } from '../core/xmpp/jid.ts';
import { fmucCheckers } from './fmuc-checkers.ts';
import { withRareSituations } from './fmuc-rare.ts';
import { hostileFmuc } from './hostile-fmuc.ts';
import type { Circumstances, Layout, Plan } from './plan.ts';
import type { Prng } from './prng.ts';
import type { Protocol } from './protocol.ts';

/**
 * The same plan, where in half of the runs the nodes are linked by more than a tree: in rings and meshes, and two may name each
 * other. A hostile node stays a leaf.
 */
function withMoreLinks(plan: Plan, prng: Prng): Plan {
  if (prng.chance(0.5)) return plan;
  const share = 0.1 + 0.6 * prng.unit();
  const rooms = plan.layout.nodes.flatMap((node) =>
    node.kind === 'service' && node.address !== plan.hostileNode ? node.rooms.map(({ jid }) => jid) : [],
  );
  const more = rooms.flatMap((from) =>
    rooms.flatMap((to) => (from !== to && prng.chance(share) ? [[from, to] as const] : [])),
  );
  const nodes = plan.layout.nodes.map((node) =>
    node.kind !== 'service'
      ? node
      : {
          ...node,
          rooms: node.rooms.map((room) => {
            const { distribution, jid } = room;
            if (distribution.kind !== 'fmuc') return room;
            const outbound = new Set([
              ...distribution.outbound,
              ...more.flatMap(([from, to]) => (from === jid ? [to] : [])),
            ]);
            const allowed = new Set([
              ...distribution.allowedNodes,
              ...more.flatMap(([from, to]) => (to === jid ? [from] : [])),
            ]);
            return { ...room, distribution: { ...distribution, outbound: [...outbound], allowedNodes: [...allowed] } };
          }),
        },
  );
  return { ...plan, layout: { ...plan.layout, nodes } };
}

/** A node on every server, in a tree. @param joins  which of those before it each node joins; the first joins none */
export function tree(
  domains: readonly Jid[],
  base: (room: Jid) => DistributedRoomConfig,
  joins: readonly number[],
  mode?: FmucMode,
): Layout {
  const rooms = new Map(domains.map((domain) => [domain, jid(`hall@rooms.${domain}`)]));
  const list = [...rooms.values()];
  const nodes = list.map((room, i): NodeConfig => {
    const up = i === 0 ? undefined : list[joins[i - 1] as number];
    const allowedNodes = list.filter((_, other) => other > 0 && joins[other - 1] === i);
    const distribution = { kind: 'fmuc', allowedNodes, outbound: up ? [up] : [], ...(mode ? { mode } : {}) } as const;
    return {
      kind: 'service',
      address: jid(`rooms.${domains[i]}`),
      server: domains[i] as Jid,
      rooms: [{ ...base(room), distribution }],
      openCreation: false,
      admins: [],
    };
  });
  return { nodes, roomOf: (domain) => rooms.get(domain) as Jid };
}

/** XEP-0289 primary-primary: each node but the first joins one before it. */
export const fmuc: Protocol = {
  serversMax: 6,
  layout: (domains, base, prng) =>
    tree(
      domains,
      base,
      domains.slice(1).map((_, i) => prng.below(i + 1)),
    ),
  /** Every node has an owner's will of its own, and some stand between others without users of their own. */
  circumstances(prng, users, { nodes }): Circumstances {
    const settings = new Map(nodes.map(({ address }) => [address, settingsOfNode(users, prng)]));
    const emptyUntil = new Map<Jid, number>();
    for (const { server } of nodes)
      if (prng.chance(0.2)) emptyUntil.set(server, prng.chance(0.5) ? Number.POSITIVE_INFINITY : prng.below(60_000));
    return {
      settingsOf: (node) => settings.get(node) ?? {},
      emptyUntil,
      lingerMs: 0,
      primary: 'sound',
    };
  },
  // A leaf of the tree: nodes behind a hostile one would be at its mercy (invariants.md, Who may be hostile).
  mayBeHostile: ({ nodes }) => {
    const joined = new Set(
      nodes.flatMap((node) =>
        node.kind === 'service'
          ? node.rooms.flatMap(({ distribution }) => (distribution.kind === 'fmuc' ? distribution.outbound : []))
          : [],
      ),
    );
    return nodes.flatMap((node) =>
      node.kind === 'service' && node.rooms.every(({ jid }) => !joined.has(jid)) ? [node.address] : [],
    );
  },
  tamper: hostileFmuc,
  more: (plan, prng) => withRareSituations(withMoreLinks(plan, prng), prng),
  checkers: fmucCheckers,
};

/** Rights and bans as the owner of one node sees them, of their own users and of the others'. */
function settingsOfNode(users: readonly Jid[], prng: Prng): Partial<RoomConfig> {
  const affiliations = new Map<Jid, Affiliation>();
  for (const user of users) {
    const dice = prng.unit();
    if (dice < 0.3) affiliations.set(bareOf(user), prng.pick(['owner', 'admin', 'member'] as const));
    else if (dice < 0.34) affiliations.set(bareOf(user), 'outcast');
  }
  return {
    affiliations,
    whois: prng.chance(0.7) ? 'moderators' : 'anyone',
    moderated: prng.chance(0.2),
    membersOnly: prng.chance(0.1),
    changeSubject: prng.chance(0.7),
    historyMax: prng.pick([0, 5, 200]),
  };
}
