import { type DistributionConfig, plainRoomConfig } from '../core/distribution/config.ts';
import type { KeepaliveTimes } from '../core/distribution/keepalive.ts';
import type { NodeConfig } from '../core/node/config.ts';
import { bareOf, domainOf, type Jid, parseJid, partsOf } from '../core/xmpp/jid.ts';
import { formatErrors, parseScenario } from '../scenario/load.ts';
import { nodeConfigOf } from '../scenario/node-config.ts';
import { outboundsOf, type ScenarioNode, type ScenarioRoom } from '../scenario/scenario.ts';
import { contradiction, type SourceFlags, withSourceFlags } from './component-source.ts';

/** How a component's rooms may be distributed. */
export const modes = ['plain', 'fmuc', 'primary', 'source'] as const;
export type Mode = (typeof modes)[number];

const distributionOf: Readonly<Record<Mode, string>> = {
  plain: 'none',
  fmuc: 'fmuc',
  primary: 'primary',
  source: 'source',
};

export type ServiceConfig = Extract<NodeConfig, { kind: 'service' }>;
export type ReadConfig =
  | { readonly ok: true; readonly config: ServiceConfig }
  | { readonly ok: false; readonly error: string };

/** The configuration without a file: anyone creates rooms by entering them. */
export function defaultConfig(domain: Jid, mode: Mode = 'plain', flags: SourceFlags = noSourceFlags): ServiceConfig {
  const server = serverOf(domain);
  const config = { kind: 'service', address: domain, server, rooms: [], openCreation: true, admins: [] } as const;
  return mode === 'source' ? withSourceFlags(config, flags) : { ...config, ...onDemand(mode) };
}

const noSourceFlags: SourceFlags = { peerhosts: [], firsthosts: [], maxRooms: undefined };

/** Rooms that users create on a service of primaries are primaries too. Their owners say which replicas they have. */
function onDemand(mode: Mode): Pick<ServiceConfig, 'onDemand'> {
  return mode === 'primary' ? { onDemand: { kind: 'primary', replicas: new Map() } } : {};
}

/** One room of another server, for users of this one (XEP-0282): the configuration follows from the primary. */
export function replicaConfig(
  self: Jid,
  room: Jid,
  serves: readonly Jid[],
  keepalive: KeepaliveTimes | undefined,
): NodeConfig {
  const distribution: DistributionConfig = { kind: 'replica', self, serves, ...(keepalive ? { keepalive } : {}) };
  const server = partsOf(self).local === '' ? serverOf(self) : domainOf(self);
  return { kind: 'replica', address: self, server, room: { ...plainRoomConfig(room), distribution } };
}

/**
 * Reads the rooms of a component. The file is a service node of a scenario (src/scenario/README.md), but may leave out `kind`,
 * `address` and `server`.
 *
 * The scenario loader checks it. For that a scenario is written around the text, which keeps its lines, so every mistake is
 * reported with its line. What the rooms refer to on other servers (nodes to join, domains that replicas serve) is not in
 * the file; it is added to the scenario as needed.
 */
export function readComponentConfig(
  file: string,
  text: string,
  domain: Jid,
  mode: Mode,
  flags: SourceFlags = noSourceFlags,
): ReadConfig {
  const given = tryParse(text);
  if (given === undefined) {
    // Not JSON, so it cannot be put into another text. The loader says where the mistake is.
    const parsed = parseScenario(text);
    return { ok: false, error: parsed.ok ? `${file}: not JSON` : formatErrors(file, parsed.errors) };
  }
  if (given === null || typeof given !== 'object' || Array.isArray(given))
    return { ok: false, error: `${file}:1: $: is not an object` };
  const node = given as Readonly<Record<string, unknown>>;
  if (node['address'] !== undefined && node['address'] !== domain)
    return {
      ok: false,
      error: `${file}: $.address: ${JSON.stringify(node['address'])} is not the component's domain ${domain}`,
    };
  if (node['kind'] !== undefined && node['kind'] !== 'service')
    return { ok: false, error: `${file}: $.kind: a component is a service` };

  const server = typeof node['server'] === 'string' ? node['server'] : serverOf(domain);
  const rooms = roomsIn(node);
  const scenario = {
    format: 'netsplit-scenario',
    version: 1,
    id: 'component',
    title: 'component',
    description: 'component',
    xep: '0045',
    servers: [...new Set([server, ...servedBy(rooms)])].slice(0, 32).map((name) => ({ domain: name, at: [0.5, 0.5] })),
    occupants: [],
    script: [],
  };
  const defaults = { kind: 'service', address: domain, server, rooms: [], openCreation: mode !== 'fmuc' };
  const lacking = Object.entries(defaults).filter(([key]) => node[key] === undefined);
  const head = `${JSON.stringify(scenario).slice(0, -1)},"nodes":[`;
  const others = elsewhere(node, rooms, domain, server);
  if (others.length > servicesMax) return { ok: false, error: `${file}: more than ${servicesMax} other services` };
  const tail = [...others.map((other) => `,${JSON.stringify(other)}`), ']}'].join('');
  const parsed = parseScenario(head + completed(text, Object.fromEntries(lacking)) + tail);
  if (!parsed.ok) {
    const errors = parsed.errors.map((error) => ({ ...error, path: error.path.replace(/^\$(\.nodes\[0\])?/, '$') }));
    return { ok: false, error: formatErrors(file, errors) };
  }
  const service = parsed.scenario.nodes[0] as Extract<ScenarioNode, { kind: 'service' }>;
  for (const [i, { distribution }] of service.rooms.entries()) {
    const kind = distribution?.kind ?? 'none';
    if (kind !== 'none' && kind !== distributionOf[mode])
      return { ok: false, error: `${file}: $.rooms[${i}].distribution: ${kind}, but this is --mode ${mode}` };
  }
  const config = { ...(nodeConfigOf(parsed.scenario, service) as ServiceConfig), ...onDemand(mode) };
  if (mode === 'source') return asSource(file, config, service, flags);
  for (const key of ['onDemand', 'hosting'] as const)
    if (service[key] !== undefined) return { ok: false, error: `${file}: $.${key} is for --mode source, not ${mode}` };
  if (mode === 'primary' && config.openCreation) return { ok: true, config };
  if (mode !== 'plain' && !service.rooms.some((room) => room.distribution?.kind === distributionOf[mode]))
    return { ok: false, error: `${file}: $.rooms: no room is distributed as ${distributionOf[mode]} (--mode ${mode})` };
  return { ok: true, config };
}

function asSource(
  file: string,
  read: ServiceConfig,
  { rooms }: Extract<ScenarioNode, { kind: 'service' }>,
  flags: SourceFlags,
): ReadConfig {
  const twice = contradiction(flags, read);
  if (twice !== undefined) return { ok: false, error: `${file}: ${twice}` };
  const silent = new Set(rooms.filter(({ distribution }) => distribution === undefined).map(({ jid }) => jid));
  const config = withSourceFlags(read, flags, silent);
  const isSource = config.openCreation || config.rooms.some(({ distribution }) => distribution.kind === 'source');
  if (isSource || config.hosting !== undefined) return { ok: true, config };
  return { ok: false, error: `${file}: no room is distributed, and no service's rooms are replicated (--mode source)` };
}

/** The text of an object with properties put in front, on its first line. */
function completed(text: string, properties: object): string {
  const more = JSON.stringify(properties).slice(1, -1);
  if (more === '') return text;
  return text.replace(/^(\s*)\{(\s*\})?/, (_, space: string, close?: string) =>
    close === undefined ? `${space}{${more},` : `${space}{${more}${close}`,
  );
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The rooms that have the right form; the loader reports the others. */
function roomsIn(node: Readonly<Record<string, unknown>>): readonly Partial<ScenarioRoom>[] {
  const { rooms } = node;
  return Array.isArray(rooms) ? rooms.filter((room) => room !== null && typeof room === 'object') : [];
}

function servedBy(rooms: readonly Partial<ScenarioRoom>[]): string[] {
  return rooms.flatMap(({ distribution }) => {
    if (distribution?.kind !== 'primary' || !Array.isArray(distribution.replicas)) return [];
    return distribution.replicas.flatMap((replica) =>
      Array.isArray(replica?.serves) ? replica.serves.filter((name: unknown) => typeof name === 'string') : [],
    );
  });
}

/** Other services of a scenario (schema.json), beside the component itself. */
const servicesMax = 63;

/**
 * What others have to be so that our rooms may be distributed: the nodes that they join (XEP-0289), configured to let us in, and
 * the services that host their shadows, or whose shadows we host (XEP-0281). Their real configuration is known only to those who
 * run them.
 */
function elsewhere(
  { onDemand, hosting }: Readonly<Record<string, unknown>>,
  rooms: readonly Partial<ScenarioRoom>[],
  domain: Jid,
  server: string,
): object[] {
  const joining = new Map<Jid, { readonly allowedNodes: string[]; readonly mode: unknown }>();
  for (const { jid, distribution } of rooms) {
    for (const outbound of outboundsOf(distribution)) {
      const joined = typeof outbound === 'string' ? parseJid(outbound) : undefined;
      if (joined === undefined || joined !== outbound || bareOf(joined) !== joined) continue;
      if (partsOf(joined).local === '' || domainOf(joined) === domain) continue;
      const { allowedNodes = [], mode = distribution?.kind === 'fmuc' ? distribution.mode : undefined } =
        joining.get(joined) ?? {};
      joining.set(joined, { allowedNodes: [...allowedNodes, String(jid)], mode });
    }
  }
  const byService = new Map<Jid, object[]>();
  const named = [
    ...[onDemand, ...rooms.map(({ distribution }) => distribution)].flatMap((of) => listIn(of, 'peerhosts')),
    ...listIn(hosting, 'firsthosts'),
  ];
  for (const name of named) {
    const service = typeof name === 'string' ? parseJid(name) : undefined;
    if (service !== undefined && service === name && service === domainOf(service) && service !== domain)
      byService.set(service, []);
  }
  for (const [joined, { allowedNodes, mode }] of joining) {
    const room = { jid: joined, distribution: { kind: 'fmuc', allowedNodes, ...(mode === undefined ? {} : { mode }) } };
    byService.set(domainOf(joined), [...(byService.get(domainOf(joined)) ?? []), room]);
  }
  const known = { kind: 'service', server, hosting: { firsthosts: [domain] } };
  return [...byService].map(([address, its]) => ({ ...known, address, rooms: its }));
}

/** A list of an object that has it; the loader reports what has not the right form. */
function listIn(of: unknown, name: string): readonly unknown[] {
  const list = of !== null && typeof of === 'object' ? (of as Readonly<Record<string, unknown>>)[name] : undefined;
  return Array.isArray(list) ? list : [];
}

/** A component is not told which server it belongs to. By custom it is the domain above its own. */
export function serverOf(domain: Jid): Jid {
  const dot = domain.indexOf('.');
  return (dot < 0 ? undefined : parseJid(domain.slice(dot + 1))) ?? (`server.${domain}` as Jid);
}
