import type { Scenario, ScenarioNode, ScenarioRoom } from '../../src/scenario/scenario.ts';
import { DialogueError, type Line } from './dialogue.ts';

/** Who is where in a dialogue, and the short names of those with an address of their own. */
export interface Network {
  readonly scenario: Scenario;
  /** Address (a full JID of a user, a room, a replica) by the name that stands for it. */
  readonly names: ReadonlyMap<string, string>;
  readonly users: ReadonlyMap<string, string>;
  readonly rooms: ReadonlyMap<string, string>;
}

interface Service {
  rooms: Draft<ScenarioRoom>[];
  openCreation: boolean;
  admins: string[];
  hosting?: { firsthosts: string[] };
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Makes the network of a dialogue's header:
 *
 *     room wallops@channel.avalon.irc: owner argl@killrc.oulubox.irc, moderated
 *     service channel.avalon.irc: anyone makes rooms, admin wiz@avalon.irc
 *     replica replica@vesa.yeggmaex.irc of wallops
 *     shadow theroom@rooms.macbeth.lit of coven
 *     user rubenro@vesa.yeggmaex.irc/shaver is BigCheese
 *
 * A service stands on the server whose name is its own without the first label. A short name is the local part, that of a
 * replica or a shadow with the first label of its server, unless the line says otherwise. A shadow is a room that its service hosts once the
 * source asks for it: as soon as the source is distributed, which it is at the beginning unless it is "not distributed".
 *
 * @throws DialogueError
 */
export function readNetwork(file: string, header: readonly Line[]): Network {
  const rooms = new Map<string, string>();
  const users = new Map<string, string>();
  const names = new Map<string, string>();
  const services = new Map<string, Service>();
  const replicas: Extract<ScenarioNode, { kind: 'replica' }>[] = [];
  const serviceAt = (domain: string) => {
    const service = services.get(domain) ?? { rooms: [], openCreation: false, admins: [] };
    services.set(domain, service);
    return service;
  };
  for (const { text, line } of header) {
    const fail = (why: string) => new DialogueError(file, line, why);
    const [, kind, address = '', rest = ''] = /^(\w+) (\S+?)(?::? (.+))?$/.exec(text) ?? [];
    const [local = '', host = ''] = address.split('@');
    const domain = host.split('/')[0] ?? '';
    const name = /\bis (\S+)$/.exec(rest)?.[1];
    const given = (short: string) => {
      if (names.has(short)) throw fail(`there is a ${short} already`);
      names.set(short, address);
      return short;
    };
    if (kind === 'user') {
      if (!/^[^@/]+@[^/]+\/.+$/.test(address) || (rest !== '' && name === undefined))
        throw fail('"user local@domain/resource [is NAME]" expected');
      users.set(given(name ?? local), address);
    } else if (kind === 'room') {
      rooms.set(given(local), address);
      serviceAt(domain).rooms.push(readRoom(address, rest, fail));
    } else if (kind === 'service') {
      for (const option of optionsOf(rest)) {
        const admin = /^admin (\S+)$/.exec(option)?.[1];
        if (admin) serviceAt(address).admins.push(admin);
        else if (option === 'anyone makes rooms') serviceAt(address).openCreation = true;
        else throw fail(`what is "${option}"?`);
      }
    } else if (kind === 'shadow') {
      const source = rooms.get(/^of (\S+)$/.exec(rest)?.[1] ?? '') ?? '';
      const firsthost = source.slice(source.indexOf('@') + 1);
      const room = services.get(firsthost)?.rooms.find(({ jid }) => jid === source);
      if (room === undefined) throw fail('"shadow local@domain of ROOM" expected, after the room');
      given(`${local}@${domain.split('.')[1]}`);
      serviceAt(domain).hosting = { firsthosts: [firsthost] };
      const { peerhosts = [], distribute = 'always' } = room.distribution?.kind === 'source' ? room.distribution : {};
      room.distribution = { kind: 'source', peerhosts: [...peerhosts, domain], id: { text: local }, distribute };
    } else {
      const replicaOf = rooms.get(/^of (\S+)$/.exec(rest)?.[1] ?? '');
      if (replicaOf === undefined) throw fail('"replica local@domain of ROOM" expected, after the room');
      given(`${local}@${domain.split('.')[0]}`);
      replicas.push({ kind: 'replica', address, server: domain, replicaOf, serves: [domain] });
    }
  }
  for (const { rooms: hosted } of services.values()) {
    for (const room of hosted) {
      const own = replicas.filter(({ replicaOf }) => replicaOf === room.jid);
      if (own.length > 0)
        room.distribution = {
          kind: 'primary',
          replicas: own.map(({ address, serves }) => ({ jid: address, serves })),
        };
    }
  }
  const nodes: ScenarioNode[] = [...services].map(([address, parts]) => ({
    kind: 'service',
    address,
    server: address.slice(address.indexOf('.') + 1),
    ...parts,
  }));
  const scenario = {
    format: 'netsplit-scenario',
    version: 1,
    id: 'dialogue',
    title: '',
    description: '',
    xep: '0045',
    servers: [],
    nodes: [...nodes, ...replicas],
    occupants: [],
    script: [],
  } as const;
  return { scenario, names, users, rooms };
}

const optionsOf = (text: string) =>
  [...text.matchAll(/((?:"[^"]*"|[^,"])+)/g)].map((match) => (match[1] ?? '').trim()).filter((option) => option !== '');

function readRoom(address: string, rest: string, fail: (why: string) => Error): Draft<ScenarioRoom> {
  let room: Draft<ScenarioRoom> = { jid: address };
  const allowedNodes: string[] = [];
  let outbound: string | undefined;
  let federated = false;
  for (const option of optionsOf(rest)) {
    const [, affiliation, user] = /^(owner|admin|member|outcast) (\S+)$/.exec(option) ?? [];
    const [, field, value] = /^(name|subject|password) "(.*)"$/.exec(option) ?? [];
    const [, most, what] = /^at most (\d+) (occupants|messages of history)$/.exec(option) ?? [];
    const [, way, other] = /^(joins|admits) (\S+)$/.exec(option) ?? [];
    if (affiliation && user)
      room = {
        ...room,
        affiliations: [...(room.affiliations ?? []), { jid: user, affiliation: affiliation as 'owner' }],
      };
    else if (field) room = { ...room, [field]: value };
    else if (what) room = { ...room, [what === 'occupants' ? 'maxOccupants' : 'historyMax']: Number(most) };
    else if (way === 'joins') outbound = other;
    else if (way === 'admits') allowedNodes.push(...(other === 'nobody' ? [] : [other as string]));
    else if (option === 'moderated') room.moderated = true;
    else if (option === 'members-only') room.membersOnly = true;
    else if (option === 'subject by participants') room.changeSubject = true;
    else if (option === 'non-anonymous') room.whois = 'anyone';
    else if (option === 'with an archive') room.logging = true;
    else if (option === 'not distributed')
      room.distribution = { kind: 'source', peerhosts: [], distribute: 'on-request' };
    else throw fail(`what is "${option}"?`);
    federated ||= way !== undefined;
  }
  if (federated) room.distribution = { kind: 'fmuc', allowedNodes, ...(outbound === undefined ? {} : { outbound }) };
  return room;
}
