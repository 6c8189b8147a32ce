import { parseJid } from '../core/xmpp/jid.ts';
import { type RealServer, withRealServers } from '../scenario/real-servers.ts';
import type { Scenario, ScenarioNode } from '../scenario/scenario.ts';
import type { GatewayPlace } from './gateway.ts';
import { hostAndPort, readSecret } from './real-place.ts';

/** What `npm start` says of real servers, as it was typed. */
export interface GatewayFlags {
  /** `HOST:PORT` of all services, or `SERVICE=HOST:PORT` of one. */
  readonly servers: readonly string[];
  /** `FILE`, or `SERVICE=FILE`. */
  readonly secretFiles: readonly string[];
}

export interface GatewaySetup {
  readonly places: readonly GatewayPlace[];
  /** The scenario with the real servers at its edge. */
  readonly scenario: Scenario;
}

/** The picture has room for so many servers. */
const serversMax = 12;

type Service = Extract<ScenarioNode, { kind: 'service' }>;

/**
 * Finds for the services of a scenario the real servers whose components they are, and the secrets.
 *
 * @returns what they are, or what is wrong with the flags
 */
export function readGateway(
  flags: GatewayFlags,
  scenario: Scenario,
  env: NodeJS.ProcessEnv,
): GatewaySetup | { readonly error: string } {
  const services = scenario.nodes.filter((node): node is Service => node.kind === 'service');
  const known = services.map(({ address }) => address);
  const servers = byService('--server', flags.servers, known);
  if ('error' in servers) return servers;
  const files = byService('--secret-file', flags.secretFiles, known);
  if ('error' in files) return files;
  const places: GatewayPlace[] = [];
  for (const { address } of services) {
    const text = servers.of(address);
    if (text === undefined) continue;
    const at = hostAndPort(text);
    if (at === undefined) return { error: `--server: ${JSON.stringify(text)} is not HOST:PORT` };
    const secret = readSecret(files.of(address), env);
    if (typeof secret !== 'string') return secret;
    const service = parseJid(address);
    if (service !== undefined) places.push({ ...at, service, secret });
  }
  const unused = [...files.named].find((service) => servers.of(service) === undefined);
  if (unused !== undefined) return { error: `--secret-file: ${unused} has no --server` };
  const real = realServers(places);
  const nameless = real.find(({ domain }) => parseJid(domain) !== domain);
  if (nameless !== undefined)
    return {
      error: `--server: ${JSON.stringify(nameless.domain)} cannot be shown as a domain; write another name of the host`,
    };
  const taken = [...scenario.servers.map(({ domain }) => domain), ...scenario.nodes.map(({ address }) => address)];
  const twice = real.find(({ domain }) => taken.includes(domain));
  if (twice !== undefined)
    return { error: `--server: the scenario has a ${twice.domain} of its own; write the server’s IP address` };
  if (scenario.servers.length + real.length > serversMax)
    return { error: `--server: the scenario and the real servers are more than ${serversMax} servers` };
  return { places, scenario: withRealServers(scenario, real) };
}

interface Given {
  of(service: string): string | undefined;
  readonly named: ReadonlySet<string>;
}

/** `VALUE` is for all services that no `SERVICE=VALUE` names. */
function byService(
  flag: string,
  given: readonly string[],
  known: readonly string[],
): Given | { readonly error: string } {
  const named = new Map<string, string>();
  let rest: string | undefined;
  for (const text of given) {
    const [, service, value = ''] = /^([^=/]+)=(.*)$/s.exec(text) ?? [];
    if (service === undefined) {
      if (text === '') return { error: `${flag}: a value is needed` };
      if (rest !== undefined)
        return { error: `${flag}: ${rest} and ${text} are both for all services; write SERVICE=…` };
      rest = text;
      continue;
    }
    if (!known.includes(service))
      return { error: `${flag}: no service ${service} in this scenario (it has ${known.join(', ')})` };
    if (value === '') return { error: `${flag} ${service}: a value is needed` };
    if (named.has(service)) return { error: `${flag}: ${service} is there twice` };
    named.set(service, value);
  }
  return { of: (service) => named.get(service) ?? rest, named: new Set(named.keys()) };
}

/** A server is called by its host; by host and port where others have the host, too. */
function realServers(places: readonly GatewayPlace[]): readonly RealServer[] {
  const found = new Map<string, GatewayPlace[]>();
  for (const place of places) {
    const key = `${place.host}:${place.port}`;
    found.set(key, [...(found.get(key) ?? []), place]);
  }
  const all = [...found.values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [[first, ...more] as const],
  );
  return all.map((components) => {
    const { host, port } = components[0];
    const isAlone = all.filter(([other]) => other.host === host).length === 1;
    const name = host.includes(':') ? `[${host}]` : host;
    return {
      // Two on one IPv6 address would have names that are none.
      domain: isAlone ? name : `${host.replaceAll(':', '-')}-${port}`,
      components: components.map(({ service }) => service),
    };
  });
}
