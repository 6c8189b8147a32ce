import type { SplitStatus } from '../../core/distribution/protocol.ts';
import type { NodeStatus, RoomStatus } from '../../core/node/trace.ts';
import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { NotKept } from '../../host/control.ts';
import { areLinked, isReal } from '../../scenario/real-servers.ts';
import { possibleReplicas, type ScenarioReplica } from '../../scenario/replicas.ts';
import type { Scenario, ScenarioNode, ScenarioServer } from '../../scenario/scenario.ts';
import type { NodeProgress } from '../session/progress.ts';
import { type LinkView, linkKey, newLink } from './links.ts';

export interface NodeView {
  readonly address: string;
  readonly server: string;
  readonly kind: ScenarioNode['kind'];
  /** XEP-0281: it hosts rooms of these services, too. */
  readonly hosts: readonly string[];
  phase: Exclude<NodeProgress['phase'], 'gone'>;
  detail: string;
  /** It does not start by itself, because part of its log is lost. */
  lost: boolean;
  /** Undefined: it keeps on disk what happens, or runs elsewhere. */
  notKept: NotKept | undefined;
  status: NodeStatus | undefined;
  /** Its session with its server is up, and since then it has said what it is. */
  connected: boolean;
  told: boolean;
}

/** The servers' links and the room nodes. An address is a full JID, a bare one or a domain, prepared by whoever wrote it. */
export class Network {
  readonly links = new Map<string, LinkView>();
  readonly nodes = new Map<string, NodeView>();
  readonly #domains: ReadonlySet<string>;
  /** Of which only the edge is known. */
  readonly #realServers: readonly ScenarioServer[];
  /** All that there may be: those of the scenario, and those that may be added. */
  readonly #replicas: readonly ScenarioReplica[];

  /** @param fixed  of a run that is over: no replica can be added */
  constructor(scenario: Scenario, fixed: boolean) {
    this.#replicas = fixed ? [] : possibleReplicas(scenario);
    for (const node of scenario.nodes) this.#add(node, 'waiting');
    const { servers } = scenario;
    this.#domains = new Set(servers.map(({ domain }) => domain));
    this.#realServers = servers.filter(isReal);
    for (const [i, a] of servers.entries())
      for (const b of servers.slice(i + 1)) {
        if (!areLinked(scenario, a, b)) continue;
        const link = this.linkOf([a.domain, b.domain]);
        // Its own network has the latency of a real server.
        if (isReal(a) || isReal(b)) link.latencyMs = 0;
      }
    for (const { between, latencyMs, jitterMs = 0, bytesPerSecond = 0 } of scenario.links ?? []) {
      const link = this.linkOf(between);
      Object.assign(link, { latencyMs: latencyMs ?? link.latencyMs, jitterMs, bytesPerSecond });
    }
  }

  linkBetween(a: string, b: string): LinkView | undefined {
    return this.links.get(linkKey(a, b));
  }

  /** The link between two servers; one that nobody knew of is there from now on. */
  linkOf(ends: readonly [string, string]): LinkView {
    const link = this.linkBetween(...ends) ?? newLink(ends);
    this.links.set(link.key, link);
    return link;
  }

  nodeOf(address: string): NodeView | undefined {
    const { nodes } = this;
    return nodes.get(address) ?? nodes.get(bareOf(address as Jid)) ?? nodes.get(domainOf(address as Jid));
  }

  /** Whether it is a room node's address, also of one that is gone by now. */
  isNode(address: string): boolean {
    return (
      this.nodeOf(address) !== undefined || this.#replicas.some((replica) => replica.address === bareOf(address as Jid))
    );
  }

  /** The server whose hull an address is drawn in. */
  serverOf(address: string): string | undefined {
    const node = this.nodes.get(address) ?? this.nodes.get(bareOf(address as Jid));
    if (node) return node.server;
    const domain = domainOf(address as Jid);
    return this.#domains.has(domain) ? domain : this.nodes.get(domain)?.server;
  }

  /** Whether only the edge of a server is known. */
  isReal(domain: string): boolean {
    return this.#realServers.some((server) => server.domain === domain);
  }

  /** The real server by which users who are not of this network reach a node, if it is a component. */
  realServerOf(node: string): string | undefined {
    return this.#realServers.find(({ components }) => components?.includes(node))?.domain;
  }

  /** Why services are not reached from their real servers, though nobody cut the links; each reason once. */
  away(): readonly { readonly server: string; readonly why: string }[] {
    return [...this.links.values()].flatMap(({ ends, away }) => {
      const server = ends.find((domain) => this.isReal(domain));
      return away === undefined || server === undefined ? [] : [{ server, why: away }];
    });
  }

  /** What a node said last of each of its rooms. */
  roomsOf(node: NodeView): readonly RoomStatus[] {
    return node.status?.rooms ?? [];
  }

  /** What replicas of this node's room may do while cut off, as far as the node knows. */
  policyOf(node: NodeView): SplitStatus | undefined {
    return this.roomsOf(node).find(({ split }) => split)?.split;
  }

  /** XEP-0281: the room of this node that is another instance of `source`, if it has one. */
  shadowOf(node: NodeView, source: string): RoomStatus | undefined {
    return this.roomsOf(node).find(({ instance }) => instance?.source === source);
  }

  /** What the source said last of itself. */
  sourceStatus(source: string): RoomStatus | undefined {
    const node = this.nodeOf(source);
    return node && this.roomsOf(node).find(({ room, role }) => room === source && role === 'source');
  }

  /** The replicas that there may be on a server. */
  replicasOn(server: string, room: string | undefined): readonly ScenarioReplica[] {
    return this.#replicas.filter((one) => one.server === server && (room === undefined || one.replicaOf === room));
  }

  /** Replicas that an owner may add: on servers whose users the primary serves itself. */
  vacancies(): readonly ScenarioReplica[] {
    return this.#replicas.filter(({ address }) => !this.nodes.has(address));
  }

  /** Start-up and health of a node that this page runs. */
  progress({ node: address, phase, detail, lost, notKept }: NodeProgress): void {
    if (phase === 'gone') {
      this.nodes.delete(address);
      return;
    }
    const possible = this.#replicas.find((replica) => replica.address === address);
    const node = this.nodes.get(address) ?? (possible && this.#add(possible, phase));
    if (!node) return;
    node.phase = phase;
    node.detail = detail;
    node.lost = lost === true;
    node.notKept = notKept;
    if (phase === 'waiting') node.told = false;
  }

  status(status: NodeStatus): void {
    // A page that does not run the nodes learns of replicas that come and go by what the primary says of its list.
    for (const { room, replicas } of status.rooms) {
      if (!replicas) continue;
      for (const possible of this.#replicas) {
        if (possible.replicaOf !== room) continue;
        const { address } = possible;
        const known = this.nodes.get(address);
        if (!known && replicas.includes(address)) this.#add(possible, 'elsewhere');
        else if (known?.phase === 'elsewhere' && !replicas.includes(address)) this.nodes.delete(address);
      }
    }
    const node = this.nodes.get(status.address);
    if (node) Object.assign(node, { status, told: true });
  }

  /** A node's session came or went. */
  session(address: string, up: boolean): void {
    const node = this.nodeOf(address);
    if (node) Object.assign(node, { connected: up, told: false });
  }

  #add(added: ScenarioNode, phase: NodeView['phase']): NodeView {
    const { address, server, kind } = added;
    const hosts = added.kind === 'service' ? (added.hosting?.firsthosts ?? []) : [];
    const node: NodeView = {
      address,
      server,
      kind,
      hosts,
      phase,
      detail: '',
      lost: false,
      notKept: undefined,
      status: undefined,
      connected: false,
      told: false,
    };
    this.nodes.set(address, node);
    return node;
  }
}
