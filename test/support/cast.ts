import type { Scenario, ScenarioRoom, ScenarioSplit } from '../../src/scenario/scenario.ts';
import { plain, wallops, wonderland } from './scenarios.ts';
import { joins, World } from './world.ts';

/** Somebody, and the address by which they know the room. */
export interface Somebody {
  readonly jid: string;
  readonly room: string;
  readonly nick: string;
}

/** One room as it stands on one node or several, with people who need not know which it is. */
export interface Seat {
  readonly name: string;
  readonly world: World;
  /** The owner, a moderator; in. */
  readonly owner: Somebody;
  /** A participant; in. */
  readonly guest: Somebody;
  /** Beside the guest, and not in yet. */
  readonly late: Somebody;
}

const somebody = (jid: string, room: string, nick: string): Somebody => ({ jid, room, nick });

function start(name: string, scenario: Scenario, owner: Somebody, guest: Somebody, late: Somebody): Seat {
  const world = new World(scenario);
  for (const one of [owner, guest]) world.send(joins(one.jid, `${one.room}/${one.nick}`));
  world.clear();
  return { name, world, owner, guest, late };
}

/** The scenario with other settings in all of its rooms. */
function withRooms(
  scenario: Scenario,
  owner: string,
  room: Partial<ScenarioRoom>,
  split: ScenarioSplit = {},
): Scenario {
  const nodes = scenario.nodes.map((node) => {
    if (node.kind !== 'service') return node;
    const rooms = node.rooms.map((each) => {
      const { subject: _, ...rest } = each;
      const affiliations = [...(each.affiliations ?? []), { jid: owner, affiliation: 'owner' as const }];
      const { distribution } = each;
      const distributed = distribution?.kind === 'primary' ? { distribution: { ...distribution, split } } : {};
      return { ...rest, logging: true, affiliations, ...distributed, ...room };
    });
    return { ...node, rooms };
  });
  return { ...scenario, nodes, occupants: [], script: [] };
}

const lobby = 'lobby@conference.localhost';
const channel = 'wallops@channel.avalon.irc';
const [rabbithole, elsinore] = ['rabbithole@rooms.wonderland.lit', 'elsinore@talk.denmark.lit'];

/** A room as XEP-0045 has it; behind a primary, at the primary itself and at its replicas; and over two FMUC nodes. */
export const seats: Readonly<Record<string, (room?: Partial<ScenarioRoom>, split?: ScenarioSplit) => Seat>> = {
  plain: (room = {}) =>
    start(
      'plain',
      withRooms(plain, 'crone1@localhost', room),
      somebody('crone1@localhost/desktop', lobby, 'firstwitch'),
      somebody('wiccarocks@localhost/laptop', lobby, 'secondwitch'),
      somebody('hag66@localhost/pda', lobby, 'thirdwitch'),
    ),
  primary: (room = {}) =>
    start(
      'primary',
      withRooms(wallops, 'kelly@avalon.irc', room),
      somebody('kelly@avalon.irc/desk', channel, 'Kelly'),
      somebody('tove@avalon.irc/lap', channel, 'Tove'),
      somebody('ulf@avalon.irc/pda', channel, 'Ulf'),
    ),
  replica: (room = {}, split = {}) =>
    start(
      'replica',
      withRooms(wallops, 'kelly@avalon.irc', room, split),
      somebody('argl@killrc.oulubox.irc/laptop', channel, 'Wumpus'),
      somebody('rubenro@vesa.yeggmaex.irc/shaver', channel, 'BigCheese'),
      somebody('msa@vesa.yeggmaex.irc/bicycle', channel, 'Efchen'),
    ),
  fmuc: (room = {}) =>
    start(
      'fmuc',
      withRooms(wonderland, 'alice@wonderland.lit', room),
      somebody('alice@wonderland.lit/priam-ubuntu-vm', rabbithole as string, 'Alice'),
      somebody('hamlet@denmark.lit/priam-ubuntu-vm', elsinore as string, 'Hamlet'),
      somebody('ophelia@denmark.lit/priam-ubuntu-vm', elsinore as string, 'Ophelia'),
    ),
};
