import { type Form, readForm, writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser } from '../../src/core/xep/xep0045.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, iq, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { childOf, childrenOf, el, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario, ScenarioRoom } from '../../src/scenario/scenario.ts';
import { plain, wallops, wonderland } from './scenarios.ts';
import { joins, World } from './world.ts';

/** A room as its owner and a user without an affiliation find it. */
export interface Seat {
  readonly world: World;
  readonly room: Jid;
  readonly owner: string;
  /** The nicks are Owner and User. */
  readonly user: string;
}

export const service = jid('conference.localhost');
export const coven = jid('coven@conference.localhost');
export const [crone, hag] = ['crone1@localhost/desktop', 'hag66@localhost/pda'] as const;

export function serviceWith(parts: object): World {
  const node = { kind: 'service', address: service, server: 'localhost', rooms: [], ...parts };
  return new World({ ...plain, nodes: [node], occupants: [], script: [] } as unknown as Scenario);
}

/** A scenario whose rooms have these settings besides. */
function withSettings(scenario: Scenario, settings: Partial<ScenarioRoom>): Scenario {
  const nodes = scenario.nodes.map((node) =>
    node.kind === 'service' ? { ...node, rooms: node.rooms.map((room) => ({ ...room, ...settings })) } : node,
  );
  return { ...scenario, nodes };
}

type MakeSeat = (settings?: Partial<ScenarioRoom>) => Seat;

export const plainSeat: MakeSeat = (settings = {}) => {
  const affiliations = [{ jid: 'crone1@localhost', affiliation: 'owner' }] as const;
  const world = serviceWith({ rooms: [{ jid: coven, affiliations, ...settings }] });
  return { world, room: coven, owner: crone, user: hag };
};

/** Rooms of every kind, each with its owner and a user who come to it in the way of that kind. */
const seats: Record<string, MakeSeat> = {
  'in a plain room': plainSeat,
  'behind a replica': (settings = {}) => {
    const world = new World(withSettings(wallops, settings));
    const room = jid('wallops@channel.avalon.irc');
    return { world, room, owner: 'argl@killrc.oulubox.irc/x', user: 'new@vesa.yeggmaex.irc/x' };
  },
  'at an FMUC node': (settings = {}) => {
    const world = new World(
      withSettings(wonderland, { ...settings, affiliations: [{ jid: 'alice@wonderland.lit', affiliation: 'owner' }] }),
    );
    const room = jid('rabbithole@rooms.wonderland.lit');
    return { world, room, owner: 'alice@wonderland.lit/phone', user: 'hatter@wonderland.lit/hat' };
  },
};
export const everySeat = Object.entries(seats);

export function enters({ world, room, owner, user }: Seat): void {
  world.send(joins(owner, `${room}/Owner`));
  world.send(joins(user, `${room}/User`));
  world.clear();
}

export const bare = (user: string) => jid(user.split('/')[0] as string);
export const itemAt = (stanza: Stanza | undefined) => (stanza === undefined ? undefined : readMucUser(stanza.payloads));
export const conditionOf = (stanza: Stanza | undefined) =>
  stanza === undefined ? undefined : (errorOf(stanza)?.condition ?? stanza.type);
const answers = (world: World, who: string) => world.got(who).filter(({ name }) => name === 'iq');

export function asks(
  { world, room }: Pick<Seat, 'world' | 'room'>,
  who: string,
  type: 'get' | 'set',
  payload: XmlElement,
) {
  world.clear();
  world.send(iq(jid(who), room, { type, id: 'ask' }, payload));
  return answers(world, who).at(-1) as Stanza;
}

const roomConfig = 'http://jabber.org/protocol/muc#roomconfig';
export const submitted = (fields: Record<string, readonly string[]>, formType = roomConfig) =>
  writeForm({
    type: 'submit',
    formType,
    fields: Object.entries(fields).map(([name, values]) => ({ var: name, values })),
  });

export function configures(
  seat: Pick<Seat, 'world' | 'room' | 'owner'>,
  fields: Record<string, readonly string[]>,
): Stanza {
  return asks(seat, seat.owner, 'set', el('query', NS.mucOwner, {}, submitted(fields)));
}

/** The configuration as an owner is shown it. */
export function shownConfig(seat: Pick<Seat, 'world' | 'room' | 'owner'>): ReadonlyMap<string, readonly string[]> {
  const query = asks(seat, seat.owner, 'get', el('query', NS.mucOwner)).payloads[0] as XmlElement;
  return new Map((readForm(query) as Form).fields.map((field) => [field.var, field.values]));
}

export const administers = (
  seat: Pick<Seat, 'world' | 'room'>,
  who: string,
  type: 'get' | 'set',
  ...items: XmlElement[]
) => asks(seat, who, type, el('query', NS.mucAdmin, {}, ...items));
export const item = (attrs: Record<string, string>, reason?: string) =>
  el('item', NS.mucAdmin, attrs, ...(reason === undefined ? [] : [el('reason', NS.mucAdmin, {}, reason)]));
const itemsOf = (answer: Stanza) => childrenOf(answer.payloads[0] as XmlElement, 'item', NS.mucAdmin);
/** Attributes of the listed, and why they are. */
export const listed = (answer: Stanza) =>
  itemsOf(answer).map((one) => {
    const reason = childOf(one, 'reason', NS.mucAdmin);
    return [one.attrs, childOf(one, 'actor', NS.mucAdmin)?.attrs, reason && textOf(reason)];
  });

export const registering = (nick: string) =>
  el(
    'query',
    'jabber:iq:register',
    {},
    submitted({ 'muc#register_roomnick': [nick] }, 'http://jabber.org/protocol/muc#register'),
  );
