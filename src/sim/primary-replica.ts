import type { NodeConfig } from '../core/node/config.ts';
import { jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import { primaryReplicaCheckers } from './primary-replica-checkers.ts';
import type { Prng } from './prng.ts';
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
  mayBeHostile: ({ nodes }) => nodes.filter(({ kind }) => kind === 'replica').map(({ address }) => address),
  tamper,
  checkers: primaryReplicaCheckers,
};

/** Lies in every field that it controls: rank, positions, epochs, session, counts, who enters and who leaves. */
function tamper(stanza: Stanza, prng: Prng): readonly Stanza[] {
  const dice = prng.unit();
  if (dice < 0.6) return [stanza];
  if (dice < 0.65) return [];
  if (dice < 0.7) return [stanza, stanza];
  const number = () => `${prng.pick([-1, 0, 1, 7, 1e9, 2 ** 53])}`;
  const twist = (element: XmlElement): XmlElement => ({
    ...element,
    attrs: Object.fromEntries(
      Object.entries(element.attrs).map(([key, value]) => [
        key,
        /^\d+$/.test(value) && prng.chance(0.5) ? number() : value,
      ]),
    ),
    children: element.children.map((child) => (typeof child === 'string' ? child : twist(child))),
  });
  if (dice < 0.85) return [{ ...stanza, payloads: stanza.payloads.map(twist) }];
  const rank = el('x', NS.mucUser, {}, el('item', NS.mucUser, { affiliation: 'owner', role: 'moderator' }));
  return [{ ...stanza, payloads: [...stanza.payloads.filter(({ xmlns }) => xmlns !== NS.mucUser), rank] }];
}
