import type { Scenario, ScenarioNode } from '../../scenario/scenario.ts';
import { type Fields, present, TraceError } from './fields.ts';
import {
  nodesMax,
  once,
  peopleMax,
  readLink,
  readNode,
  readPerson,
  readScenario,
  serversMax,
} from './read-scenario.ts';
import type { Violation } from './records.ts';
import type { TraceHeader } from './trace.ts';

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
  const own = fields.maybe('firstOwn', (name) => fields.ownId(name));
  const whole = fields.maybe('scenario', (name) => readScenario(fields.object(name)));
  const violations = fields.maybe('violations', () => fields.objects('violations', violationsMax).map(readViolation));
  const label = [
    fields.maybe('seed', () => `seed ${fields.count('seed')}`),
    fields.maybe('mode', () => `mode ${fields.text('mode', 40)}`),
  ].filter((part) => part !== undefined);
  return {
    scenario: whole ?? scenarioOf(fields, label.join(', ')),
    label: whole?.title ?? (label.join(', ') || 'a run'),
    start: fields.instant('start'),
    violations: violations ?? [],
    isLive: fields.maybe('origin', (name) => fields.text(name, 100)) === 'live',
    isFixed: whole === undefined,
    hasIds: own !== undefined,
    firstOwn: own ?? -1,
    base: fields.maybe('base', (name) => fields.count(name)) ?? 0,
  };
}

/** Of a run that had no scenario: what there is to see of it. */
function scenarioOf(fields: Fields, label: string): Scenario {
  const domains = fields.addresses('servers', serversMax);
  once(fields, 'servers', domains);
  const nodes = fields.objects('nodes', nodesMax).map((node) => readNode(node, domains));
  once(
    fields,
    'nodes',
    nodes.map(({ address }) => address),
  );
  const occupants = fields.objects('people', peopleMax).map(readPerson);
  once(
    fields,
    'people',
    occupants.map(({ jid }) => jid),
  );
  const links = fields.maybe('links', () =>
    fields.objects('links', serversMax ** 2).map((one) => readLink(one, domains)),
  );
  return {
    format: 'netsplit-scenario',
    version: 1,
    id: 'trace',
    title: ['Recording of a run', label].filter(Boolean).join(': '),
    description: 'What happened in a run that is over, line by line.',
    xep: xepOf(nodes),
    servers: domains.map((domain, i) => ({ domain, at: placeOf(i, domains.length) })),
    ...(links ? { links } : {}),
    nodes,
    occupants,
    script: [],
  };
}

function readViolation(fields: Fields): Violation {
  return {
    invariant: fields.text('invariant', 100),
    what: fields.words('what'),
    ...present({ seq: fields.maybe('seq', (name) => fields.count(name, 1)) }),
  };
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
