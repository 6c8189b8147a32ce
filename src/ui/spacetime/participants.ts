import { bareOf, type Jid, partsOf } from '../../core/xmpp/jid.ts';
import type { Model } from '../fold/model.ts';
import type { Network } from '../fold/network.ts';
import { roleOf, shortNode } from '../words.ts';

/** A column of the diagram. */
export interface Participant {
  /** A server's domain, a node's address, a user's bare JID: a user with several devices is one participant. */
  readonly id: string;
  readonly kind: 'server' | 'node' | 'user';
  readonly name: string;
  /** Of a node: what it is. */
  readonly role?: string;
}

/** A server with those that are connected to it. */
export interface Group {
  readonly server: string;
  /** The server itself first, then its nodes, then its users; of a collapsed one only the server. */
  readonly participants: readonly Participant[];
  /** How many there are besides the server, seen or not. */
  readonly size: number;
  readonly isCollapsed: boolean;
}

/** Which participant an address belongs to. */
export function participantOf(network: Network, address: string): string {
  return network.nodeOf(address)?.address ?? bareOf(address as Jid);
}

/**
 * All that have a column, server by server as the scenario has them.
 *
 * @param met  participants of whom only the stanzas tell, such as guests who have left, by id, with their servers
 */
export function participantsOf(
  model: Model,
  collapsed: ReadonlySet<string>,
  met: ReadonlyMap<string, string>,
): readonly Group[] {
  const { network, people, scenario } = model;
  const domains = new Set(scenario.servers.map(({ domain }) => domain));
  const found = new Map<string, Participant & { readonly server: string }>();
  const add = (server: string, one: Participant) => {
    if (!found.has(one.id) && !domains.has(one.id)) found.set(one.id, { ...one, server });
  };
  for (const node of network.nodes.values()) {
    const { address, server } = node;
    add(server, { id: address, kind: 'node', name: shortNode(address), role: roleOf(node) });
  }
  for (const { jid, nick, server } of people.all()) {
    const id = bareOf(jid as Jid);
    add(server, { id, kind: 'user', name: nick || localOf(id) });
  }
  for (const [id, server] of met) {
    const kind = network.isNode(id) ? 'node' : 'user';
    add(server, { id, kind, name: kind === 'node' ? shortNode(id) : localOf(id) });
  }
  const all = [...found.values()];
  const servers = new Set([...domains, ...all.map(({ server }) => server)]);
  return [...servers].map((server) => {
    const inside = all.filter((one) => one.server === server);
    const sorted = [...inside.filter(({ kind }) => kind === 'node'), ...inside.filter(({ kind }) => kind === 'user')];
    const isCollapsed = collapsed.has(server);
    const own: Participant = { id: server, kind: 'server', name: 'server' };
    return { server, participants: isCollapsed ? [own] : [own, ...sorted], size: sorted.length, isCollapsed };
  });
}

/** What a user is called whose nick nobody has told. */
function localOf(id: string): string {
  return partsOf(id as Jid).local || id;
}
