import type { NodeConfig } from '../core/node/config.ts';
import { type Jid, jid } from '../core/xmpp/jid.ts';
import { fmucCheckers } from './fmuc-checkers.ts';
import { hostileFmuc } from './hostile-fmuc.ts';
import type { Protocol } from './protocol.ts';

/** XEP-0289 primary-primary: a node on every server, in a tree: each but the first joins one before it. */
export const fmuc: Protocol = {
  layout(domains, base, prng) {
    const rooms = new Map(domains.map((domain) => [domain, jid(`hall@rooms.${domain}`)]));
    const list = [...rooms.values()];
    const joins = list.map((_, i) => (i === 0 ? undefined : prng.below(i)));
    const nodes = list.map((room, i): NodeConfig => {
      const up = joins[i];
      const outbound = up === undefined ? undefined : list[up];
      const allowedNodes = list.filter((_, other) => joins[other] === i);
      return {
        kind: 'service',
        address: jid(`rooms.${domains[i]}`),
        server: domains[i] as Jid,
        rooms: [{ ...base(room), distribution: { kind: 'fmuc', allowedNodes, ...(outbound ? { outbound } : {}) } }],
        openCreation: false,
        admins: [],
      };
    });
    return { nodes, roomOf: (domain) => rooms.get(domain) as Jid };
  },
  // A leaf of the tree: nodes behind a hostile one would be at its mercy (invariants.md, Who may be hostile).
  mayBeHostile: ({ nodes }) => {
    const joined = new Set(
      nodes.flatMap((node) =>
        node.kind === 'service'
          ? node.rooms.map(({ distribution }) => (distribution.kind === 'fmuc' ? distribution.outbound : undefined))
          : [],
      ),
    );
    return nodes.flatMap((node) =>
      node.kind === 'service' && node.rooms.every(({ jid }) => !joined.has(jid)) ? [node.address] : [],
    );
  },
  tamper: hostileFmuc,
  checkers: fmucCheckers,
};
