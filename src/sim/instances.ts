import type { SourceConfig } from '../core/distribution/config.ts';
import type { NodeConfig } from '../core/node/config.ts';
import { domainOf, type Jid, jid, partsOf } from '../core/xmpp/jid.ts';
import { sha256 } from '../core/xmpp/sha256.ts';
import { utf8 } from '../core/xmpp/utf8.ts';
import type { Evidence } from './evidence.ts';
import type { Layout, Plan } from './plan.ts';

/** The source of a network of XEP-0281, as it is configured at the beginning. */
export function sourceIn({ nodes }: Layout) {
  const [first] = nodes;
  const room = first?.kind === 'service' ? first.rooms[0] : undefined;
  return room?.distribution.kind === 'source' ? { ...room, distribution: room.distribution } : undefined;
}

/** The instances that a plan may have: by address of the service, the room there. The source is the first. */
export function instancesIn({ layout }: Pick<Plan, 'layout'>): ReadonlyMap<Jid, Jid> {
  const source = sourceIn(layout);
  if (source === undefined) return new Map();
  const { peerhosts } = source.distribution;
  const local = localOf(source.distribution, source.jid);
  const shadows = layout.nodes.filter(({ address }) => peerhosts.includes(address));
  return new Map([
    [domainOf(source.jid), source.jid],
    ...shadows.map(({ address }) => [address, jid(`${local}@${address}`)] as const),
  ]);
}

/** §1.3: the local part of all shadows. */
function localOf({ id = 'own' }: SourceConfig, source: Jid): string {
  const { local } = partsOf(source);
  if (typeof id === 'object') return id.text;
  return id === 'sha-256' ? sha256(utf8(local)) : local;
}

/** The instances of a run, with the service that may do what it likes left out of `honest`. */
export function instancesOf({ world }: Pick<Evidence, 'world'>) {
  const rooms = world === undefined ? new Map<Jid, Jid>() : instancesIn(world.plan);
  const hostile = world?.plan.hostileNode;
  const honest = new Set([...rooms.keys()].filter((address) => address !== hostile));
  const source = [...rooms.values()][0];
  const hostileRoom = hostile === undefined ? undefined : rooms.get(hostile);
  return { rooms, addresses: new Set(rooms.values()), honest, source, hostileRoom };
}

/** What an instance lets the others know, and believes of them. */
export function trustAt(nodes: readonly NodeConfig[], address: Jid) {
  const node = nodes.find((one) => one.address === address);
  if (node?.kind !== 'service') return {};
  const [room] = node.rooms;
  return (room?.distribution.kind === 'source' ? room.distribution.trust : node.hosting?.trust) ?? {};
}
