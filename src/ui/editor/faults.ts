/** What is wrong with a scenario that is being made, by the thing that it is about. */
import type { Mistake } from '../../scenario/check.ts';
import { mistakesIn } from '../../scenario/load.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { type Place, valueAt } from './put.ts';
import { builtInIds } from './starts.ts';

/** The same as `npm start` finds, and ids that would be mistaken for those of scenarios that come with Netsplit. */
export function faultsIn(scenario: Scenario): readonly Mistake[] {
  const taken = builtInIds.has(scenario.id)
    ? [{ at: ['id'], message: `${scenario.id} comes with Netsplit: a scenario of your own needs another id` }]
    : [];
  return [...taken, ...mistakesIn(scenario)];
}

/** The thing that a place is in: a server, a link, a node, a room, a person, the script; [] is the scenario itself. */
export function thingAt(place: Place): Place {
  const [list, index, rooms, room] = place;
  if (list === 'script') return ['script'];
  if (typeof index !== 'number') return [];
  return list === 'nodes' && rooms === 'rooms' && typeof room === 'number'
    ? ['nodes', index, 'rooms', room]
    : [String(list), index];
}

/** As keys: `nodes/2/rooms/0`. */
export function keyOf(place: Place): string {
  return place.join('/');
}

export function isWithin(place: Place, around: Place): boolean {
  return around.every((key, i) => place[i] === key);
}

/** The messages about a value, or about what is in it. */
export function faultsAt(faults: readonly Mistake[], place: Place): readonly string[] {
  return [...new Set(faults.filter(({ at }) => isWithin(at, place)).map(({ message }) => message))];
}

/** What a thing is called where it is said that something is wrong with it. */
export function nameOf(scenario: Scenario, place: Place): string {
  const thing = valueAt(scenario, place) as Readonly<Record<string, unknown>> | undefined;
  switch (place[0]) {
    case 'servers':
      return `Server ${String(thing?.['domain'])}`;
    case 'links':
      return `Link ${String(thing?.['between']).replace(',', ' – ')}`;
    case 'nodes':
      if (place.length > 2) return `Room ${String(thing?.['jid'])}`;
      return `${thing?.['kind'] === 'replica' ? 'Replica' : 'Service'} ${String(thing?.['address'])}`;
    case 'occupants':
      return String(thing?.['nick']);
    case 'script':
      return 'Script';
    default:
      return 'Scenario';
  }
}
