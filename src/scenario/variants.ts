import { domainOf, type Jid } from '../core/xmpp/jid.ts';
import { checkScenario } from './check.ts';
import { federationOf, roomsOf, rootOf } from './federation.ts';
import { type Scenario, type ScenarioRoom, shadowLocalOf } from './scenario.ts';
import {
  type Ground,
  nodesIn,
  roomOn,
  servicesOf,
  untaken,
  type VariantId,
  variantIds,
  type Whole,
} from './variant-nodes.ts';

/** A scenario in another protocol: the same servers, links and people. */
export interface Variant {
  readonly id: VariantId;
  readonly scenario: Scenario;
  /** The room there for somebody who, in the scenario itself, is in this room or goes to it. */
  roomFor(who: string, room: string): string;
}

/** The protocols in which a scenario can be, other than its own. */
export function variantsOf(scenario: Scenario): readonly VariantId[] {
  return variantIds.filter((id) => variantOf(scenario, id) !== undefined);
}

/** @returns undefined if the scenario is in that protocol already, or cannot be in it */
export function variantOf(scenario: Scenario, id: VariantId): Variant | undefined {
  const wholes = wholesOf(scenario);
  if (wholes.every(({ root }) => protocolOf(root) === id)) return undefined;
  if (id !== 'plain' && wholes.every(({ elsewhere }) => elsewhere.length === 0)) return undefined;
  const ground: Ground = { scenario, wholes, peers: peersOf(scenario, wholes) };
  const roomFor = (who: string, room: string): string => {
    const whole = wholes.find(({ rooms }) => rooms.includes(room));
    return whole === undefined ? room : roomOn(ground, whole, domainOf(who as Jid), id);
  };
  const made: Scenario = {
    ...scenario,
    xep: id === 'plain' ? '0045' : id,
    nodes: nodesIn(ground, id),
    occupants: scenario.occupants.map((one) => ({ ...one, room: roomFor(one.jid, one.room) })),
  };
  return checkScenario(made).length === 0 ? { id, scenario: made, roomFor } : undefined;
}

/** Undefined: one in which no variant is, the mode primary-replica of XEP-0289. */
function protocolOf({ distribution }: ScenarioRoom): VariantId | undefined {
  switch (distribution?.kind) {
    case 'primary':
      return '0282';
    case 'source':
      return '0281';
    case 'fmuc':
      return distribution.mode === 'primary-replica' ? undefined : '0289';
    default:
      return 'plain';
  }
}

function wholesOf(scenario: Scenario): readonly Whole[] {
  const wholes: Whole[] = [];
  for (const { jid } of roomsOf(scenario)) {
    if (wholes.some(({ rooms }) => rooms.includes(jid))) continue;
    const listed = federationOf(scenario, jid);
    const root = rootOf(scenario, listed);
    const service = servicesOf(scenario).find((one) => one.rooms.some((room) => room === root));
    if (root === undefined || service === undefined) continue;
    const rooms = [...listed, ...shadowsOf(root)];
    const inside = scenario.occupants.filter(({ room }) => rooms.includes(room));
    const servers = new Set(inside.map(({ jid: who }): string => domainOf(who as Jid)));
    wholes.push({ root, service, rooms, elsewhere: [...servers].filter((one) => one !== service.server) });
  }
  return wholes;
}

function shadowsOf(room: ScenarioRoom): readonly string[] {
  const local = shadowLocalOf(room);
  if (room.distribution?.kind !== 'source' || local === undefined) return [];
  return room.distribution.peerhosts.map((peerhost) => `${local}@${peerhost}`);
}

function peersOf(scenario: Scenario, wholes: readonly Whole[]): Ground['peers'] {
  const taken = new Set([...scenario.servers.map(({ domain }) => domain), ...scenario.nodes.map((one) => one.address)]);
  const servers = new Set(wholes.flatMap(({ elsewhere }) => elsewhere));
  return new Map(
    [...servers].map((server) => {
      const known = servicesOf(scenario).find((service) => service.server === server)?.address;
      return [server, known ?? untaken(taken, (suffix) => `rooms${suffix}.${server}`)];
    }),
  );
}
