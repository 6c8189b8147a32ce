import type { NodeStatus } from '../../core/node/trace.ts';
import type { RoomChange } from '../../host/control.ts';
import { possibleReplicas, type ScenarioReplica } from '../../scenario/replicas.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { LiveNodes } from './live-nodes.ts';
import { type ActResult, refuse } from './session.ts';
import { within } from './within.ts';

/** How long a replica that is taken off its room's list may wait for the primary's farewell, which a cut link holds back. */
const dismissedMs = 5_000;
/** A list of replicas that has not changed for this time counts as the room's. */
const steadyMs = 200;

/** Which accounts may be a room's replicas, as the primary said last. */
interface List {
  readonly service: string;
  readonly replicas: readonly string[];
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Replicas that come and go while the rooms are in use (XEP-0282 §4.2). The workers follow the list of the room's
 * configuration, whoever changed it, be it another owner's client.
 */
export class LiveReplicas {
  readonly #nodes: LiveNodes;
  readonly #possible: readonly ScenarioReplica[];
  /** Sends an owner's change of the room's configuration. */
  readonly #configure: (change: RoomChange) => Promise<ActResult>;
  readonly #lists = new Map<string, List>();
  /** Replicas that know that they are no longer replicas. */
  readonly #dismissed = new Set<string>();
  /** Replicas that are no longer on their room's list, and what ends their wait for the primary's farewell. */
  readonly #leaving = new Map<string, () => void>();
  #stopped = false;

  constructor(scenario: Scenario, nodes: LiveNodes, configure: (change: RoomChange) => Promise<ActResult>) {
    this.#nodes = nodes;
    this.#possible = possibleReplicas(scenario);
    this.#configure = configure;
  }

  async add(server: string, room: string | undefined): Promise<ActResult> {
    const possible = this.#possible.filter(
      (replica) => replica.server === server && (room === undefined || replica.replicaOf === room),
    );
    const replica = possible.find(({ address }) => !this.#nodes.has(address));
    if (possible.length === 0) return refuse(`no room can have a replica on ${server}`);
    if (replica === undefined) return refuse(`${server} has a replica already`);
    if (!this.#nodes.any) return refuse('the nodes run in another page');
    const { address, replicaOf } = replica;
    const listed = await this.#configure({ room: replicaOf, addReplica: address });
    return listed.ok ? this.#nodes.becomesReady(address) : listed;
  }

  async remove(address: string): Promise<ActResult> {
    const replica = this.#possible.find((one) => one.address === address);
    if (replica === undefined) return refuse(`${address} is no replica`);
    if (!this.#nodes.runs(address)) return refuse(`${address} does not run on this page`);
    const listed = await this.#configure({ room: replica.replicaOf, removeReplica: address });
    return listed.ok ? this.#nodes.goes(address) : listed;
  }

  follow({ address, rooms }: NodeStatus): void {
    for (const { room, replicas } of rooms) {
      if (replicas === undefined) continue;
      const known = this.#lists.get(room);
      if (known?.replicas.join() === replicas.join()) continue;
      clearTimeout(known?.timer);
      // The server first sends the statuses that it remembers, one by one: the last one counts.
      const timer = setTimeout(() => this.#reconcile(room), steadyMs);
      this.#lists.set(room, { service: address, replicas, timer });
    }
    // A replica says this of itself once the primary has dismissed it.
    if (!rooms.some(({ role }) => role === 'replica')) return;
    if (rooms.every(({ peers }) => peers.every(({ state }) => state === 'rejected'))) {
      this.#dismissed.add(address);
      this.#leaving.get(address)?.();
    } else this.#dismissed.delete(address);
  }

  /** A page that waited to run the nodes now follows the lists that it has seen. */
  ready(service: string): void {
    for (const [room, list] of this.#lists) if (list.service === service) this.#reconcile(room);
  }

  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#lists.values()) clearTimeout(timer);
  }

  /** Starts what is on the list of a room that this page runs, and ends what is not. */
  #reconcile(room: string): void {
    const list = this.#lists.get(room);
    if (list === undefined || this.#stopped) return;
    for (const node of this.#possible) {
      const { address } = node;
      if (node.replicaOf !== room || this.#leaving.has(address)) continue;
      const listed = list.replicas.includes(address);
      const known = this.#nodes.has(address);
      if (known && !listed) void this.#end(address, room);
      if (known || !listed || !this.#nodes.runs(list.service)) continue;
      this.#nodes.prepare(node);
      this.#nodes.start(address);
    }
  }

  /** Ends a replica's worker once it knows that it is no longer one, so that users notice nothing (decision #40). */
  async #end(address: string, room: string): Promise<void> {
    const told = new Promise<void>((resolve) => this.#leaving.set(address, resolve));
    if (this.#nodes.phaseOf(address) === 'ready' && !this.#dismissed.has(address)) await within(told, dismissedMs);
    await this.#nodes.end(address, 'not on the list of its room');
    this.#leaving.delete(address);
    this.#reconcile(room);
  }
}
