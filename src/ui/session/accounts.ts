import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Character } from '../../host/control.ts';
import type { LiveConfig, LiveLogin } from '../../scenario/live-config-type.ts';
import type { Scenario, ScenarioOccupant } from '../../scenario/scenario.ts';

/** Whether the server gave this page the passwords of the nodes. */
export function mayRunNodes({ credentials }: LiveConfig): boolean {
  return Object.keys(credentials.nodes).length > 0;
}

/** The scenario's characters whose passwords this page has. */
export function charactersOf({ scenario, credentials }: LiveConfig): Character[] {
  return scenario.occupants.flatMap((occupant) => {
    const password = credentials.occupants[bareOf(occupant.jid as Jid)];
    return password === undefined ? [] : [{ ...occupant, password }];
  });
}

/** A guest account with a resource of this page's own. */
export function guestOf(scenario: Scenario, { jid, password }: LiveLogin): Character {
  const suffix = randomSuffix();
  return {
    jid: `${jid}/${suffix}`,
    password,
    nick: `guest-${suffix}`,
    room: roomFor(scenario, domainOf(jid as Jid)),
  };
}

/** A character without the password. */
export function occupantOf({ jid, nick, room }: Character): ScenarioOccupant {
  return { jid, nick, room };
}

/** The room that users of that server join: the one their characters join. */
export function roomFor({ occupants, nodes }: Scenario, domain: string): string {
  const neighbour = occupants.find(({ jid }) => domainOf(jid as Jid) === domain) ?? occupants[0];
  if (neighbour !== undefined) return neighbour.room;
  for (const node of nodes) if (node.kind === 'service' && node.rooms[0]) return node.rooms[0].jid;
  return '';
}

export function oneOf<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}

export function randomSuffix(): string {
  return Math.random().toString(36).slice(2, 6).padEnd(4, '0');
}
