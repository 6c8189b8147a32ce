import type { NodeConfig } from '../core/node/config.ts';
import { type Jid, jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { type Stanza, withParts } from '../core/xmpp/stanza.ts';
import { el } from '../core/xmpp/xml.ts';
import { fmucCheckers } from './fmuc-checkers.ts';
import type { Prng } from './prng.ts';
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
  // A leaf of the tree: what is behind another node is at its mercy (security.md 1.5).
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
  tamper,
  checkers: fmucCheckers,
};

/** Claims rank, repeats, keeps back, and speaks without having been introduced. */
function tamper(stanza: Stanza, prng: Prng): readonly Stanza[] {
  const dice = prng.unit();
  if (dice < 0.7) return [stanza];
  if (dice < 0.77) return [];
  if (dice < 0.84) return [stanza, stanza];
  // A user whom every network has, and another node serves.
  if (dice < 0.9 && (stanza.name === 'message' || stanza.type === 'unavailable'))
    return [
      withParts(stanza, {
        payloads: stanza.payloads.map((payload) =>
          payload.xmlns === NS.fmuc && payload.attrs['from'] !== undefined
            ? { ...payload, attrs: { ...payload.attrs, from: 'u00@s0.sim/r' } }
            : payload,
        ),
      }),
    ];
  const x = el(
    'x',
    NS.mucUser,
    {},
    el('item', NS.mucUser, { affiliation: 'owner', role: 'moderator' }),
    el('status', NS.mucUser, { code: prng.pick(['307', '301', '303', '110']) }),
  );
  return [withParts(stanza, { payloads: [...stanza.payloads.filter(({ xmlns }) => xmlns !== NS.mucUser), x] })];
}
