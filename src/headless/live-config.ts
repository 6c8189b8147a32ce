import { randomBytes } from 'node:crypto';
import { bareOf, domainOf, type Jid, jid } from '../core/xmpp/jid.ts';
import type { LiveConfig, LiveCredentials, LiveLogin } from '../scenario/live-config-type.ts';
import { withoutRealServers } from '../scenario/real-servers.ts';
import { possibleReplicas } from '../scenario/replicas.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Budgets } from '../server/budget.ts';
import type { AccountConfig, Grant, NetworkConfig } from '../server/config.ts';
import type { ServerHost } from '../server/host.ts';
import { Network } from '../server/network.ts';
import type { Gateway } from '../server/real-server.ts';
import type { FindNetwork } from '../server/stream.ts';
import { Instances } from './instances.ts';
import { websocketPath } from './websocket-host.ts';

export interface LiveOptions {
  /** Users of the user domains are let in with any password and created on the spot. Never beyond loopback. */
  readonly open?: boolean;
  /** Passwords to use instead of random ones, by bare JID; further users of the user domains are created. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** What differs from the default budgets. */
  readonly budgets?: Partial<Budgets>;
  /** To the real servers of the scenario. */
  readonly gateway?: Gateway | undefined;
}

/** A scenario's network as it is hosted: servers, accounts, and the passwords of this run. */
export interface LiveNetwork {
  readonly scenario: Scenario;
  readonly network: Network;
  readonly credentials: LiveCredentials;
  /** An account for somebody who may take part, until there are too many of them. */
  newGuest(): LiveLogin;
}

/** All scenarios that one process serves. */
export interface Live {
  /** Of the instance that everybody gets who asks for no other. */
  readonly networks: readonly LiveNetwork[];
  /** Of another one; empty if there is none. */
  networksOf(instance: string): readonly LiveNetwork[];
  readonly find: FindNetwork;
  /** @returns undefined if there is no such instance (instances.ts) */
  finder(instance: string): FindNetwork | undefined;
  /**
   * @param trusted  the page may run the nodes and operate the network; another gets an account of its own that owns nothing
   * @param look  it only looks what runs, and has an account
   * @param instance  of the network; one that is not there is made for a page that is trusted
   * @returns undefined if there is no such scenario, or no such instance
   */
  configFor(scenario: string, trusted: boolean, look?: boolean, instance?: string): LiveConfig | undefined;
  /** An instance is gone at once, with everybody in it; nothing happens if there is none. */
  end(instance: string): void;
}

/** @throws RangeError if two scenarios name the same domain, or an address is malformed */
export function hostScenarios(scenarios: readonly Scenario[], host: ServerHost, options: LiveOptions = {}): Live {
  const run = newPassword();
  const instances = new Instances(scenarios, host, (scenario, startOver) =>
    hostScenario(scenario, host, options, startOver),
  );
  const finder = (instance: string): FindNetwork | undefined =>
    instances.get(instance) && ((domain) => instances.get(instance)?.byDomain.get(domain));
  const networksOf = (instance: string) => [...(instances.get(instance)?.networks.values() ?? [])];
  return {
    get networks() {
      return networksOf('');
    },
    networksOf,
    find: (domain) => finder('')?.(domain),
    finder,
    end: (instance) => instances.end(instance),
    configFor(id, trusted, look = false, instance = '') {
      const found = trusted ? instances.open(instance) : instances.get(instance);
      const live = found?.networks.get(id);
      if (found === undefined || live === undefined) return undefined;
      const { observer } = live.credentials;
      const guests = trusted || look ? [] : [live.newGuest()];
      return {
        scenario: live.scenario,
        websocket: instance === '' ? websocketPath : `${websocketPath}?room=${instance}`,
        run,
        instance,
        begun: found.begun.get(id) ?? 0,
        running: live.network.nodesRunning(),
        scenarios: scenarios.map(({ id, title }) => ({ id, title })),
        credentials: trusted ? live.credentials : { nodes: {}, occupants: {}, guests, observer },
      };
    },
  };
}

/** @param startOver  called when its operator wants it to begin anew */
export function hostScenario(
  scenario: Scenario,
  host: ServerHost,
  options: LiveOptions = {},
  startOver?: () => void,
): LiveNetwork {
  const { config, credentials } = networkOf(scenario, options);
  const network = new Network(config, host, startOver, options.gateway);
  const { servers } = withoutRealServers(scenario);
  let next = 0;
  const newGuest = () => {
    const { domain = '' } = servers[next++ % servers.length] ?? {};
    const address = bareJid(`guest-${randomBytes(6).toString('hex')}@${domain}`);
    const password = newPassword();
    network.addGuest(address, password);
    return { jid: address, password };
  };
  return { scenario, network, credentials, newGuest };
}

/**
 * The network that a scenario describes, with random passwords: for its nodes and the replicas that may be added to them,
 * its characters, the administrators of its services, two guests a server, one operator and one observer.
 */
export function networkOf(
  whole: Scenario,
  options: LiveOptions = {},
): { readonly config: NetworkConfig; readonly credentials: LiveCredentials } {
  const scenario = withoutRealServers(whole);
  const accounts = new Map<string, AccountConfig>();
  const userDomains = new Set<string>(scenario.servers.map(({ domain }) => bareJid(domain)));
  const add = (address: string, role: AccountConfig['role'], leased = false): LiveLogin => {
    const jid = bareJid(address);
    const password = options.passwords?.[jid];
    // Whose password is known to others is not only a character.
    const isLeased = leased && password === undefined;
    const account = accounts.get(jid) ?? { address: jid, password: password ?? newPassword(), role, leased: isLeased };
    accounts.set(jid, account);
    return { jid, password: account.password };
  };
  /** An address that no character has: what the scenario says comes first. */
  const addNew = (local: string, domain: string, role: AccountConfig['role']): LiveLogin => {
    let address = bareJid(`${local}@${domain}`);
    for (let i = 2; accounts.has(address); i++) address = bareJid(`${local}-${i}@${domain}`);
    return add(address, role);
  };
  const byJid = (logins: readonly LiveLogin[]) =>
    Object.fromEntries(logins.map(({ jid, password }) => [jid, password]));

  const replicas = possibleReplicas(scenario);
  const services = scenario.nodes.filter(({ kind }) => kind === 'service');
  const nodes = [...services, ...replicas].map((node) => add(node.address, node.kind, true));
  const people = [
    ...scenario.occupants.map(({ jid }) => jid),
    ...scenario.nodes.flatMap((node) => (node.kind === 'service' ? (node.admins ?? []) : [])),
    ...Object.keys(options.passwords ?? {}),
  ].filter((jid) => userDomains.has(domainOf(bareJid(jid))));
  const occupants = people.map((jid) => add(jid, 'user', true));
  const guests = scenario.servers.flatMap(({ domain }) => [
    addNew('guest1', domain, 'user'),
    addNew('guest2', domain, 'user'),
  ]);
  const first = scenario.servers[0]?.domain ?? '';
  const operator = addNew('operator', first, 'operator');
  const observer = addNew('observer', first, 'observer');

  const grants: Grant[] = replicas.map(({ server, address, replicaOf }) => ({
    server,
    account: address,
    address: replicaOf,
  }));
  return {
    config: {
      id: scenario.id,
      servers: scenario.servers.map(({ domain }) => ({
        domain,
        services: scenario.nodes.flatMap((node) =>
          node.kind === 'service' && node.server === domain ? [node.address] : [],
        ),
        open: options.open === true,
      })),
      realServers: whole.servers.flatMap(({ domain, components }) =>
        components === undefined ? [] : [{ domain, services: components }],
      ),
      links: scenario.links ?? [],
      accounts: [...accounts.values()],
      grants,
      ...(options.budgets === undefined ? {} : { budgets: options.budgets }),
    },
    credentials: { nodes: byJid(nodes), occupants: byJid(occupants), guests, operator, observer },
  };
}

/** @throws RangeError that names the text */
function bareJid(text: string): Jid {
  return bareOf(jid(text));
}

/** 128 bits, and no character that a shell, a URL or a QR code would mangle. */
function newPassword(): string {
  return randomBytes(16).toString('hex');
}
