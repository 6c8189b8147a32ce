import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import { isReal } from './real-servers.ts';
import type { Scenario, ScenarioNode, ScenarioRoom } from './scenario.ts';

export type ScenarioReplica = Extract<ScenarioNode, { kind: 'replica' }>;

/**
 * Every replica that there can be: those of the scenario, and one for each other server but the primary's own. An owner may
 * put the latter on the list of the primary's room while it is in use (XEP-0282 §4.2).
 */
export function possibleReplicas(scenario: Scenario): readonly ScenarioReplica[] {
  const found = scenario.nodes.filter((node) => node.kind === 'replica');
  const taken = new Set<string>([
    ...scenario.nodes.map(({ address }) => address),
    ...scenario.occupants.map(({ jid }) => bareOf(jid as Jid)),
  ]);
  for (const service of scenario.nodes) {
    if (service.kind !== 'service') continue;
    for (const room of service.rooms) {
      if (room.distribution?.kind !== 'primary') continue;
      for (const server of scenario.servers) {
        const { domain } = server;
        if (isReal(server)) continue;
        if (domain === service.server || found.some((one) => one.replicaOf === room.jid && one.server === domain))
          continue;
        if (room.distribution.replicas.some(({ serves }) => serves.includes(domain))) continue;
        let address = `replica@${domain}`;
        for (let i = 2; taken.has(address); i++) address = `replica-${i}@${domain}`;
        taken.add(address);
        const keepalive = found.find(({ replicaOf }) => replicaOf === room.jid)?.keepalive;
        found.push({
          kind: 'replica',
          address,
          server: domain,
          replicaOf: room.jid,
          serves: [domain],
          ...(keepalive === undefined ? {} : { keepalive }),
        });
      }
    }
  }
  return found;
}

/** Bare JIDs of those who may configure a room (XEP-0045 §10.2) and have an account in the scenario. */
export function ownersOf(scenario: Scenario, room: string): readonly string[] {
  const owns = ({ affiliations = [] }: ScenarioRoom) =>
    affiliations.flatMap(({ jid, affiliation }) => (affiliation === 'owner' && jid.includes('@') ? [jid] : []));
  return scenario.nodes.flatMap((node) => {
    const found = node.kind === 'service' ? node.rooms.find(({ jid }) => jid === room) : undefined;
    return found && node.kind === 'service' ? [...owns(found), ...(node.admins ?? [])] : [];
  });
}
