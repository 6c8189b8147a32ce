/** What is done to the people of a scenario, and to the script. */
import { roomsOf } from '../../scenario/federation.ts';
import type { Scenario, ScenarioAct, ScenarioOccupant, ScenarioRoom } from '../../scenario/scenario.ts';
import { addressesIn, addressOf, bare, parts, readdressed, untaken } from './addresses.ts';
import { withoutMentions } from './gone.ts';

/** Nicks of those who are added. */
const names = [
  'Alice',
  'Bob',
  'Carol',
  'Dave',
  'Erin',
  'Frank',
  'Grace',
  'Heidi',
  'Ivan',
  'Judy',
  'Mallory',
  'Olivia',
  'Peggy',
  'Trent',
];

/** They enter at the start, through the room of their own server if there is one. */
export function addPerson(scenario: Scenario, server: string): Scenario {
  const taken = addressesIn(scenario);
  const nicks = new Set(scenario.occupants.map(({ nick }) => nick));
  const free = (name: string) => !nicks.has(name) && !taken.has(`${name.toLowerCase()}@${server}`);
  const nick =
    names.find(free) ??
    untaken(
      (name) => !free(name),
      (suffix) => `Person${suffix}`,
    );
  const jid = `${nick.toLowerCase()}@${server}/client`;
  const room = (roomsAt(scenario, server)[0] ?? roomsOf(scenario)[0])?.jid ?? '';
  const person = { jid, nick, room };
  return {
    ...scenario,
    occupants: [...scenario.occupants, person],
    script: [...scenario.script, { act: 'join', who: jid }],
  };
}

function roomsAt({ nodes }: Scenario, server: string): readonly ScenarioRoom[] {
  return nodes.flatMap((node) => (node.kind === 'service' && node.server === server ? node.rooms : []));
}

/** With another address, also in the script; the affiliations of an account go with it, unless another device of it stays. */
export function readdressPerson(scenario: Scenario, index: number, to: string): Scenario {
  const from = scenario.occupants[index]?.jid;
  if (from === undefined || from === to) return scenario;
  const stays = scenario.occupants.some(({ jid }, i) => i !== index && bare(jid) === bare(from));
  return readdressed(scenario, (address) => {
    if (address === from) return to;
    return address === bare(from) && !stays ? bare(to) : address;
  });
}

/** To another server, under the same name if nobody has it there. */
export function movePerson(scenario: Scenario, index: number, server: string): Scenario {
  const jid = scenario.occupants[index]?.jid;
  if (jid === undefined || parts(jid).domain === server) return scenario;
  const of = parts(jid);
  const taken = addressesIn(scenario);
  const local = untaken(
    (name) => taken.has(`${name}@${server}`),
    (suffix) => of.local + suffix,
  );
  return readdressPerson(scenario, index, addressOf({ ...of, local, domain: server }));
}

/** The script stays as it is. */
export function removePerson(scenario: Scenario, index: number): Scenario {
  return withoutMentions(scenario, { ...scenario, occupants: scenario.occupants.filter((_, i) => i !== index) });
}

export type Affiliation = NonNullable<ScenarioRoom['affiliations']>[number]['affiliation'];

/** In the room that they enter; undefined: none. */
export function affiliationOf(scenario: Scenario, { jid, room }: ScenarioOccupant): Affiliation | undefined {
  const { affiliations = [] } = roomsOf(scenario).find((one) => one.jid === room) ?? {};
  return affiliations.find((one) => one.jid === bare(jid))?.affiliation;
}

export function setAffiliation(
  scenario: Scenario,
  who: ScenarioOccupant,
  affiliation: Affiliation | undefined,
): Scenario {
  const jid = bare(who.jid);
  const change = (room: ScenarioRoom): ScenarioRoom => {
    if (room.jid !== who.room) return room;
    const { affiliations = [], ...rest } = room;
    const others = affiliations.filter((one) => one.jid !== jid);
    const all = affiliation === undefined ? others : [...others, { jid, affiliation }];
    return all.length === 0 ? rest : { ...rest, affiliations: all };
  };
  return {
    ...scenario,
    nodes: scenario.nodes.map((node) => (node.kind === 'service' ? { ...node, rooms: node.rooms.map(change) } : node)),
  };
}

export function joinsAtStart({ script }: Scenario, jid: string): boolean {
  return script.some(({ act, who }) => act === 'join' && who === jid);
}

/** @param joins  false: the script has no step of theirs */
export function setJoinsAtStart(scenario: Scenario, jid: string, joins: boolean): Scenario {
  if (joins === joinsAtStart(scenario, jid)) return scenario;
  const script: readonly ScenarioAct[] = joins
    ? [...scenario.script, { act: 'join', who: jid }]
    : scenario.script.filter(({ who }) => who !== jid);
  return { ...scenario, script };
}

/** Steps of the script of people who are not there. */
export function stepsOfNobody({ script, occupants }: Scenario): readonly ScenarioAct[] {
  const known = new Set(occupants.map(({ jid }) => jid));
  return script.filter(({ who }) => !known.has(who));
}

export function withoutStepsOfNobody(scenario: Scenario): Scenario {
  const dropped = new Set(stepsOfNobody(scenario));
  return { ...scenario, script: scenario.script.filter((step) => !dropped.has(step)) };
}

/** @param by  -1: earlier; 1: later */
export function moveStep(scenario: Scenario, index: number, by: -1 | 1): Scenario {
  const script = [...scenario.script];
  const [step] = script.splice(index, 1);
  if (step === undefined || index + by < 0 || index + by > script.length) return scenario;
  script.splice(index + by, 0, step);
  return { ...scenario, script };
}
