import type {
  Scenario,
  ScenarioDistribution,
  ScenarioLink,
  ScenarioNode,
  ScenarioOccupant,
  ScenarioRoom,
  ScenarioSource,
  ScenarioSplit,
} from '../../scenario/scenario.ts';
import { type Fields, present } from './fields.ts';

// More than that cannot be drawn.
export const serversMax = 12;
export const nodesMax = 50;
export const peopleMax = 300;
const roomsMax = 50;
const listMax = 300;
const textMax = 4_000;
const affiliations = ['owner', 'admin', 'member', 'outcast'] as const;

/**
 * The scenario in the header of a trace: what the page shows of one, and what its rooms are compared with. What only nodes need that run,
 * such as whom a room trusts, is left out.
 *
 * @throws TraceError
 */
export function readScenario(fields: Fields): Scenario {
  const servers = fields.objects('servers', serversMax).map((server) => ({
    domain: server.address('domain'),
    at: readPlace(server),
    ...present({ components: server.maybe('components', (name) => server.addresses(name, nodesMax)) }),
  }));
  const domains = servers.map(({ domain }) => domain);
  once(fields, 'servers', domains);
  const nodes = fields.objects('nodes', nodesMax).map((node) => readNode(node, domains));
  once(
    fields,
    'nodes',
    nodes.map(({ address }) => address),
  );
  const occupants = fields.objects('occupants', peopleMax).map(readPerson);
  once(
    fields,
    'occupants',
    occupants.map(({ jid }) => jid),
  );
  return {
    format: fields.oneOf('format', ['netsplit-scenario']),
    version: versionOf(fields),
    id: fields.text('id', 100),
    title: fields.text('title', textMax),
    description: fields.text('description', textMax),
    xep: fields.oneOf('xep', ['0045', '0281', '0282', '0289']),
    servers,
    ...present({
      links: fields.maybe('links', (name) =>
        fields.objects(name, serversMax ** 2).map((link) => readLink(link, domains)),
      ),
    }),
    nodes,
    occupants,
    script: fields
      .objects('script', 2 * peopleMax)
      .map((act) => ({ act: act.oneOf('act', ['join', 'leave']), who: act.address('who') })),
  };
}

function versionOf(fields: Fields): 1 {
  return fields.count('version') === 1 ? 1 : fields.refuse('version', 'is not 1');
}

function readPlace(fields: Fields): readonly [number, number] {
  const [x, y, more] = fields.list('at', 2);
  const isShare = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1;
  if (!isShare(x) || !isShare(y) || more !== undefined)
    return fields.refuse('at', 'is not a pair of numbers between 0 and 1');
  return [x as number, y as number];
}

export function readPerson(fields: Fields): ScenarioOccupant {
  return { jid: fields.address('jid'), nick: fields.address('nick'), room: fields.address('room') };
}

/** @param domains  of the servers that there are */
export function readNode(fields: Fields, domains: readonly string[]): ScenarioNode {
  const kind = fields.oneOf('kind', ['service', 'replica']);
  const at = { address: fields.address('address'), server: serverOf(fields, domains) };
  if (kind === 'service') {
    const rooms = fields.maybe('rooms', () => fields.objects('rooms', roomsMax).map(readRoom));
    const more = {
      hosting: fields.maybe('hosting', (name) => ({
        firsthosts: fields.object(name).addresses('firsthosts', nodesMax),
      })),
      openCreation: fields.maybe('openCreation', (name) => fields.flag(name)),
      lockNewRooms: fields.maybe('lockNewRooms', (name) => fields.flag(name)),
      admins: fields.maybe('admins', (name) => fields.addresses(name, listMax)),
      onDemand: fields.maybe('onDemand', (name) => readSource(fields.object(name))),
    };
    return { kind, ...at, rooms: rooms ?? [], ...present(more) };
  }
  return {
    kind,
    ...at,
    replicaOf: fields.maybe('replicaOf', (name) => fields.address(name)) ?? '',
    serves: fields.maybe('serves', (name) => fields.addresses(name, serversMax)) ?? [],
    ...present({ keepalive: fields.maybe('keepalive', (name) => readKeepalive(fields.object(name))) }),
  };
}

function readKeepalive(fields: Fields): { readonly interval: number; readonly timeout: number } {
  return { interval: fields.count('interval'), timeout: fields.count('timeout') };
}

function readRoom(fields: Fields): ScenarioRoom {
  const flag = (name: string) => fields.maybe(name, () => fields.flag(name));
  return {
    jid: fields.address('jid'),
    ...present({
      name: fields.maybe('name', (name) => fields.text(name, textMax)),
      subject: fields.maybe('subject', (name) => fields.text(name, textMax)),
      whois: fields.maybe('whois', (name) => fields.oneOf(name, ['moderators', 'anyone'] as const)),
      moderated: flag('moderated'),
      membersOnly: flag('membersOnly'),
      maxOccupants: fields.maybe('maxOccupants', (name) => fields.count(name)),
      historyMax: fields.maybe('historyMax', (name) => fields.count(name)),
      logging: flag('logging'),
      changeSubject: flag('changeSubject'),
      affiliations: fields.maybe('affiliations', (name) =>
        fields
          .objects(name, listMax)
          .map((one) => ({ jid: one.address('jid'), affiliation: one.oneOf('affiliation', affiliations) })),
      ),
      distribution: fields.maybe('distribution', (name) => readDistribution(fields.object(name))),
    }),
  };
}

function readDistribution(fields: Fields): ScenarioDistribution {
  const kind = fields.oneOf('kind', ['none', 'primary', 'fmuc', 'source']);
  if (kind === 'none') return { kind };
  if (kind === 'source') return readSource(fields);
  if (kind === 'primary') {
    const replicas = fields.objects('replicas', nodesMax).map((replica) => ({
      jid: replica.address('jid'),
      serves: replica.addresses('serves', serversMax),
    }));
    return { kind, replicas, ...present({ split: fields.maybe('split', (name) => readSplit(fields.object(name))) }) };
  }
  return {
    kind,
    ...present({
      outbound: fields.maybe('outbound', (name) =>
        fields.isList(name) ? fields.addresses(name, nodesMax) : fields.address(name),
      ),
      allowedNodes: fields.maybe('allowedNodes', (name) => fields.addresses(name, nodesMax)),
      mode: fields.maybe('mode', (name) => fields.oneOf(name, ['primary-primary', 'primary-replica'] as const)),
    }),
  };
}

function readSource(fields: Fields): ScenarioSource {
  return {
    kind: fields.oneOf('kind', ['source']),
    peerhosts: fields.addresses('peerhosts', nodesMax),
    ...present({
      distribute: fields.maybe('distribute', (name) =>
        fields.oneOf(name, ['always', 'on-request', 'background'] as const),
      ),
      id: fields.maybe('id', (name) => readId(fields, name)),
      replicate: fields.maybe('replicate', (name) => wordOrCount(fields, name, ['at-once'] as const)),
      redirect: fields.maybe('redirect', (name) => wordOrCount(fields, name, ['always', 'never'] as const)),
    }),
  };
}

function readId(fields: Fields, name: string): NonNullable<ScenarioSource['id']> {
  if (fields.isText(name)) return fields.oneOf(name, ['own', 'uuid', 'sha-256'] as const);
  return { text: fields.object(name).address('text') };
}

function wordOrCount<T extends string>(fields: Fields, name: string, words: readonly T[]): T | number {
  return fields.isText(name) ? fields.oneOf(name, words) : fields.count(name);
}

function readSplit(fields: Fields): ScenarioSplit {
  const flag = (name: string) => fields.maybe(name, () => fields.flag(name));
  return present({
    policy: fields.maybe('policy', (name) => fields.oneOf(name, ['freeze', 'local'] as const)),
    chat: flag('chat'),
    pm: flag('pm'),
    entry: flag('entry'),
    kick: flag('kick'),
    away: flag('away'),
  });
}

export function readLink(fields: Fields, domains: readonly string[]): ScenarioLink {
  return {
    between: readPair(fields, 'between', domains),
    ...present({
      latencyMs: fields.maybe('latencyMs', (name) => fields.count(name)),
      jitterMs: fields.maybe('jitterMs', (name) => fields.count(name)),
      bytesPerSecond: fields.maybe('bytesPerSecond', (name) => fields.count(name)),
    }),
  };
}

/** Two servers that the header names. */
export function readPair(fields: Fields, name: string, domains: readonly string[]): readonly [string, string] {
  const [a, b, more] = fields.addresses(name, 2);
  if (a === undefined || b === undefined || a === b || more !== undefined)
    return fields.refuse(name, 'is not a pair of servers');
  if (!domains.includes(a) || !domains.includes(b))
    return fields.refuse(name, 'names a server that the header does not');
  return [a, b];
}

function serverOf(fields: Fields, domains: readonly string[]): string {
  const server = fields.address('server');
  return domains.includes(server) ? server : fields.refuse('server', 'is a server that the header does not name');
}

/** @throws TraceError where one of the keys is there twice */
export function once(fields: Fields, name: string, keys: readonly string[]): void {
  if (new Set(keys).size < keys.length) fields.refuse(name, 'names something twice');
}
