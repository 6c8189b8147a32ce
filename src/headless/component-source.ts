/** `npm run component -- --mode source` (XEP-0281): what its flags add to the configuration of the rooms. */
import type { DistributionConfig, SourceConfig } from '../core/distribution/config.ts';
import type { NodeConfig } from '../core/node/config.ts';
import { domainOf, type Jid, parseJid } from '../core/xmpp/jid.ts';
import { roomsMax } from '../scenario/node-config.ts';

type ServiceConfig = Extract<NodeConfig, { kind: 'service' }>;

export const sourceFlagNames = ['peerhost', 'firsthost', 'max-rooms'] as const;

/** What they are as text. */
export interface SourceValues {
  readonly peerhost?: readonly string[] | undefined;
  readonly firsthost?: readonly string[] | undefined;
  readonly 'max-rooms'?: string | undefined;
}

export interface SourceFlags {
  /** The services that get a shadow of each room. */
  readonly peerhosts: readonly Jid[];
  /** The services whose rooms get a shadow here, and how many of each. */
  readonly firsthosts: readonly Jid[];
  readonly maxRooms: number | undefined;
}

/** @returns what is wrong, in one line, or the flags */
export function readSourceFlags(values: SourceValues, self: Jid): string | SourceFlags {
  const peerhosts = readServices('peerhost', values.peerhost, self);
  const firsthosts = readServices('firsthost', values.firsthost, self);
  if (typeof peerhosts === 'string') return peerhosts;
  if (typeof firsthosts === 'string') return firsthosts;
  const most = values['max-rooms'];
  if (most === undefined) return { peerhosts, firsthosts, maxRooms: undefined };
  if (!/^\d{1,6}$/.test(most) || Number(most) > 100_000)
    return `--max-rooms: ${JSON.stringify(most)} is not a number from 0 to 100000`;
  if (firsthosts.length === 0) return '--max-rooms is of the rooms of each --firsthost DOMAIN, and there is none';
  return { peerhosts, firsthosts, maxRooms: Number(most) };
}

function readServices(flag: string, given: readonly string[] = [], self: Jid): string | readonly Jid[] {
  const services = new Set<Jid>();
  for (const name of given.flatMap((list) => list.split(','))) {
    const service = parseJid(name.trim());
    if (service === undefined || service !== domainOf(service))
      return `--${flag}: ${JSON.stringify(name)} is not a domain`;
    if (service === self) return `--${flag}: ${self} is this component itself`;
    services.add(service);
  }
  return [...services];
}

/** What the flags say and the file says, too. */
export function contradiction(
  { peerhosts, firsthosts }: SourceFlags,
  { onDemand, hosting }: Pick<ServiceConfig, 'onDemand' | 'hosting'>,
): string | undefined {
  if (peerhosts.length > 0 && onDemand !== undefined) return '--peerhost: the file says it, too, at $.onDemand';
  if (firsthosts.length > 0 && hosting !== undefined) return '--firsthost: the file says it, too, at $.hosting';
  return undefined;
}

/**
 * @param silent  rooms of the file that do not say how they are distributed: they are like those that users create. Without a
 *   service that they are to be on, they are distributed as soon as an owner names one.
 */
export function withSourceFlags(
  config: ServiceConfig,
  { peerhosts, firsthosts, maxRooms = roomsMax }: SourceFlags,
  silent: ReadonlySet<string> = new Set(),
): ServiceConfig {
  const byFlags: SourceConfig = { kind: 'source', peerhosts, distribute: 'always' };
  const onDemand: DistributionConfig = config.onDemand ?? byFlags;
  return {
    ...config,
    onDemand,
    rooms: config.rooms.map((room) => (silent.has(room.jid) ? { ...room, distribution: onDemand } : room)),
    ...(firsthosts.length === 0 ? {} : { hosting: { firsthosts, maxRooms } }),
  };
}
