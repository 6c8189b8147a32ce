import type { Scenario } from '../../scenario/scenario.ts';

/** The properties of the format that hold addresses, alone, in lists, or as the names of what they list (`scope`). */
export const addressKeys: ReadonlySet<string> = new Set([
  'domain',
  'between',
  'address',
  'server',
  'replicaOf',
  'serves',
  'jid',
  'room',
  'who',
  'admins',
  'firsthosts',
  'peerhosts',
  'outbound',
  'allowedNodes',
  'vouching',
  'seeJids',
  'mayKick',
  'scope',
]);

/** The parts of an address, whatever it looks like: what somebody types need not be one. */
export function parts(address: string): { readonly local: string; readonly domain: string; readonly resource: string } {
  const slash = address.indexOf('/');
  const bare = slash < 0 ? address : address.slice(0, slash);
  const sign = bare.indexOf('@');
  return {
    local: sign < 0 ? '' : bare.slice(0, sign),
    domain: bare.slice(sign + 1),
    resource: slash < 0 ? '' : address.slice(slash + 1),
  };
}

export function bare(address: string): string {
  return address.replace(/\/.*$/s, '');
}

export function addressOf({ local, domain, resource }: ReturnType<typeof parts>): string {
  return `${local && `${local}@`}${domain}${resource && `/${resource}`}`;
}

/** The same scenario with other addresses: wherever one stands, also in what other things say of it. */
export function readdressed(scenario: Scenario, map: (address: string) => string): Scenario {
  return walk(scenario, false, map) as Scenario;
}

function walk(of: unknown, isAddress: boolean, map: (address: string) => string): unknown {
  if (typeof of === 'string') return isAddress ? map(of) : of;
  if (Array.isArray(of)) return of.map((one) => walk(one, isAddress, map));
  if (typeof of !== 'object' || of === null) return of;
  return Object.fromEntries(
    // Names are addresses in a scope alone, which is the one object that holds addresses itself.
    Object.entries(of).map(([key, value]) => [
      isAddress ? map(key) : key,
      walk(value, isAddress || addressKeys.has(key), map),
    ]),
  );
}

/** Maps domains, in whatever address they stand. */
export function byDomain(domains: ReadonlyMap<string, string>): (address: string) => string {
  return (address) => {
    const of = parts(address);
    const domain = domains.get(of.domain);
    return domain === undefined ? address : addressOf({ ...of, domain });
  };
}

/** Maps an account or a room, and with it the addresses of its resources. */
export function byBare(from: string, to: string): (address: string) => string {
  return (address) => (bare(address) === from ? to + address.slice(from.length) : address);
}

/** The first of `name`, `name-2`, `name-3` … that nobody has. */
export function untaken(isTaken: (name: string) => boolean, name: (suffix: string) => string): string {
  let found = name('');
  for (let i = 2; isTaken(found); i++) found = name(`-${i}`);
  return found;
}

/** Everything that has an address of its own: servers, nodes, rooms, accounts. */
export function addressesIn({ servers, nodes, occupants }: Scenario): ReadonlySet<string> {
  return new Set([
    ...servers.map(({ domain }) => domain),
    ...nodes.flatMap((node) => [node.address, ...(node.kind === 'service' ? node.rooms.map(({ jid }) => jid) : [])]),
    ...occupants.map(({ jid }) => bare(jid)),
  ]);
}
