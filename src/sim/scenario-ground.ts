import { defaultLink, type LinkSettings } from '../core/net/link.ts';
import type { NodeConfig } from '../core/node/config.ts';
import { type Jid, jid } from '../core/xmpp/jid.ts';
import { nodeConfigOf } from '../scenario/node-config.ts';
import { possibleReplicas } from '../scenario/replicas.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Ground, noFaults } from './ground.ts';

/** The world of a scenario: its servers, links, nodes and people. Disks are sound and write in a millisecond. */
export function groundOf(scenario: Scenario): Ground & { linkOf(a: Jid, b: Jid): LinkSettings } {
  const links = scenario.links ?? [];
  return {
    layout: { nodes: scenario.nodes.map((node) => nodeConfigOf(scenario, node)) },
    domains: scenario.servers.map(({ domain }) => jid(domain)),
    people: scenario.occupants.map(({ jid: user, nick, room }) => ({
      jid: jid(user),
      nick,
      room: jid(room),
      hostile: undefined,
    })),
    linkOf(a, b) {
      const given = links.find(({ between }) => between.includes(a) && between.includes(b));
      const { between: _, ...settings } = given ?? { between: [a, b] };
      return { ...defaultLink, ...settings };
    },
    hostileNode: undefined,
    faults: noFaults,
    appendMs: 1,
    searchFails: 0,
    // As the embedded server does: to the session that sent it.
    bounceToRelay: true,
    primary: 'sound',
  };
}

/** Replicas that an owner may add while the room is in use (XEP-0282 §4.2). */
export function furtherNodes(scenario: Scenario): readonly NodeConfig[] {
  return possibleReplicas(scenario)
    .filter((replica) => !scenario.nodes.includes(replica))
    .map((replica) => nodeConfigOf(scenario, replica));
}
