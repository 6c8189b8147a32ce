import { partFor } from '../../src/conformance/parts.ts';
import {
  type Mode,
  type Protocol,
  type Result,
  type Role,
  roles,
  type Setting,
} from '../../src/conformance/setting.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { type Deviation, kitDomain, kitUsers, settingOf, tryOut } from './kit.ts';
import { World } from './world.ts';

/** A run of the kit against one of our own nodes. */
export interface Trial {
  readonly role: Role;
  readonly extension: boolean;
  readonly mode?: Mode;
  readonly users?: Setting['users'];
}

const ours = `conformance@${kitDomain}`;
const owner = { affiliations: [{ jid: `owner@${kitUsers}`, affiliation: 'owner' }] };

/** How our node is set up in each role, as `--list` asks the tester. */
const peers: Readonly<Record<Role, (mode: Mode) => { readonly peer: string; readonly node: Record<string, unknown> }>> =
  {
    source: () =>
      room('coven', {
        whois: 'anyone',
        distribution: { kind: 'source', peerhosts: [kitDomain], id: { text: 'theroom' } },
      }),
    shadow: () => ({
      peer: 'rooms.peer.lit',
      node: {
        ...service,
        rooms: [],
        hosting: {
          firsthosts: [kitDomain],
          trust: { scope: { [kitDomain]: [kitDomain], 'rooms.peer.lit': [kitUsers] } },
        },
      },
    }),
    primary: () =>
      room('wallops', { distribution: { kind: 'primary', replicas: [{ jid: ours, serves: [kitDomain] }] } }),
    replica: () => ({
      peer: `replica@${kitUsers}`,
      node: {
        kind: 'replica',
        address: `replica@${kitUsers}`,
        server: kitUsers,
        replicaOf: ours,
        serves: [kitUsers],
      },
    }),
    joined: (mode) =>
      room('rabbithole', { whois: 'anyone', distribution: { kind: 'fmuc', mode, allowedNodes: [ours] } }),
    joining: (mode) =>
      room('elsinore', { whois: 'anyone', changeSubject: true, distribution: { kind: 'fmuc', mode, outbound: ours } }),
  };

const service = { kind: 'service', address: 'rooms.peer.lit', server: 'peer.lit' } as const;

function room(name: string, config: Record<string, unknown>) {
  const peer = `${name}@rooms.peer.lit`;
  return { peer, node: { ...service, rooms: [{ jid: peer, ...owner, ...config }] } };
}

export function protocolOf(role: Role): Protocol {
  const found = (Object.keys(roles) as Protocol[]).find((one) => (roles[one] as readonly Role[]).includes(role));
  if (found === undefined) throw new RangeError(role);
  return found;
}

/** A world without anything in it, for a peer that is none of ours. */
export function worldOf(nodes: readonly Record<string, unknown>[] = []): World {
  const scenario = { format: 'netsplit-scenario', version: 1, id: 'kit', title: 'A peer', xep: '0289' };
  return new World({ ...scenario, servers: [], links: [], nodes, occupants: [], script: [] } as unknown as Scenario);
}

export function tryOurs(
  { role, extension, mode = 'primary-primary', users = kitUsers }: Trial,
  options: { deviation?: Deviation; only?: (id: string) => boolean } = {},
): readonly Result[] {
  const protocol = protocolOf(role);
  const { peer, node } = peers[role](mode);
  const setting = settingOf({ protocol, role, peer: jid(peer), extension, mode, users });
  return tryOut(worldOf([node]), partFor(protocol, role), setting, options);
}
