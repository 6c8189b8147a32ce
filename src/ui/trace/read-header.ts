import type {
  Scenario,
  ScenarioDistribution,
  ScenarioLink,
  ScenarioNode,
  ScenarioRoom,
} from '../../scenario/scenario.ts';
import { type Fields, present, TraceError } from './fields.ts';
import type { Violation } from './records.ts';

/** What the header of a trace says: the network as a scenario, and what came of the run. */
export interface TraceHeader {
  readonly scenario: Scenario;
  /** What the run is called, such as "seed 3, mode 0289pp". */
  readonly label: string;
  /** When the run begins, in milliseconds since 1970. */
  readonly start: number;
  readonly violations: readonly Violation[];
}

// More than that cannot be drawn.
const serversMax = 12;
const nodesMax = 50;
const roomsMax = 50;
const peopleMax = 300;
const violationsMax = 500;

/** @throws TraceError */
export function readHeader(fields: Fields): TraceHeader {
  if (!fields.has('format') || fields.text('format', 100) !== 'netsplit-trace')
    throw new TraceError('It is not a trace: its first line is not the header of one.');
  const version = fields.count('version');
  if (version > 1)
    throw new TraceError(
      `It is a trace of version ${version}, which is newer than this page: it reads version 1.`,
      'Update Netsplit: a newer one opens it.',
    );
  if (version < 1) fields.refuse('version', 'is 0, and this page reads version 1');
  const domains = fields.addresses('servers', serversMax);
  once(fields, 'servers', domains);
  const nodes = fields.objects('nodes', nodesMax).map((node) => readNode(node, domains));
  once(
    fields,
    'nodes',
    nodes.map(({ address }) => address),
  );
  const people = fields.objects('people', peopleMax);
  const occupants = people.map((person) => ({
    jid: person.address('jid'),
    nick: person.address('nick'),
    room: person.address('room'),
  }));
  once(
    fields,
    'people',
    occupants.map(({ jid }) => jid),
  );
  const links = fields.maybe('links', () =>
    fields.objects('links', serversMax ** 2).map((one) => readLink(one, domains)),
  );
  const violations = fields.maybe('violations', () => fields.objects('violations', violationsMax).map(readViolation));
  const label = [
    fields.maybe('seed', () => `seed ${fields.count('seed')}`),
    fields.maybe('mode', () => `mode ${fields.text('mode', 40)}`),
  ].filter((part) => part !== undefined);
  const scenario: Scenario = {
    format: 'netsplit-scenario',
    version: 1,
    id: 'trace',
    title: ['Recording of a run', label.join(', ')].filter(Boolean).join(': '),
    description: 'What happened in a run that is over, line by line.',
    xep: xepOf(nodes),
    servers: domains.map((domain, i) => ({ domain, at: placeOf(i, domains.length) })),
    ...(links ? { links } : {}),
    nodes,
    occupants,
    script: [],
  };
  return {
    scenario,
    label: label.join(', ') || 'a run',
    start: fields.instant('start'),
    violations: violations ?? [],
  };
}

function readNode(fields: Fields, domains: readonly string[]): ScenarioNode {
  const kind = fields.oneOf('kind', ['service', 'replica']);
  const at = { address: fields.address('address'), server: serverOf(fields, domains) };
  if (kind === 'service') {
    const rooms = fields.maybe('rooms', () => fields.objects('rooms', roomsMax).map(readRoom));
    const hosting = fields.maybe('hosting', (name) => ({
      firsthosts: fields.object(name).addresses('firsthosts', nodesMax),
    }));
    return { kind, ...at, rooms: rooms ?? [], ...present({ hosting }) };
  }
  return {
    kind,
    ...at,
    replicaOf: fields.maybe('replicaOf', (name) => fields.address(name)) ?? '',
    serves: fields.maybe('serves', (name) => fields.addresses(name, serversMax)) ?? [],
  };
}

function readRoom(fields: Fields): ScenarioRoom {
  return { jid: fields.address('jid'), distribution: readDistribution(fields.object('distribution')) };
}

function readDistribution(fields: Fields): ScenarioDistribution {
  const kind = fields.oneOf('kind', ['none', 'primary', 'fmuc', 'source']);
  if (kind === 'none') return { kind };
  if (kind === 'primary') {
    const replicas = fields.objects('replicas', nodesMax).map((replica) => ({
      jid: replica.address('jid'),
      serves: replica.addresses('serves', serversMax),
    }));
    return { kind, replicas };
  }
  if (kind === 'source') return { kind, peerhosts: fields.addresses('peerhosts', nodesMax) };
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

function readLink(fields: Fields, domains: readonly string[]): ScenarioLink {
  return {
    between: readPair(fields, 'between', domains),
    ...present({
      latencyMs: fields.maybe('latencyMs', (name) => fields.count(name)),
      jitterMs: fields.maybe('jitterMs', (name) => fields.count(name)),
      bytesPerSecond: fields.maybe('bytesPerSecond', (name) => fields.count(name)),
    }),
  };
}

function readViolation(fields: Fields): Violation {
  return {
    invariant: fields.text('invariant', 100),
    what: fields.words('what'),
    ...present({ seq: fields.maybe('seq', (name) => fields.count(name, 1)) }),
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

function once(fields: Fields, name: string, keys: readonly string[]): void {
  if (new Set(keys).size < keys.length) fields.refuse(name, 'names something twice');
}

function xepOf(nodes: readonly ScenarioNode[]): Scenario['xep'] {
  const kinds = nodes.flatMap((node) =>
    node.kind === 'service' ? node.rooms.map((room) => room.distribution?.kind) : [],
  );
  if (kinds.includes('primary')) return '0282';
  if (kinds.includes('source')) return '0281';
  return kinds.includes('fmuc') ? '0289' : '0045';
}

/** On a ring, clockwise: four from the corner at the top left, three from the top, two from left to right. */
function placeOf(i: number, count: number): readonly [number, number] {
  const first = count === 4 ? 5 / 8 : count % 2 === 0 ? 1 / 2 : 3 / 4;
  const angle = 2 * Math.PI * (first + i / count);
  // Rounded, because the picture stretches even the smallest difference.
  return [round(0.5 + Math.cos(angle) / 2), round(0.5 + Math.sin(angle) / 2)];
}

function round(share: number): number {
  return Math.round(1_000 * share) / 1_000;
}
