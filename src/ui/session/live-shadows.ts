import type { NodeStatus, RoomStatus } from '../../core/node/trace.ts';
import { domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { RoomChange } from '../../host/control.ts';
import { sourcesOf } from '../../scenario/instances.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import { type ActResult, refuse } from './session.ts';
import { within } from './within.ts';

/** A service that is asked for a shadow has answered by then, or is out of reach. */
const answerMs = 20_000;
/** What a service that is out of reach hears only later. */
const goneMs = 5_000;

/** Shadows that come and go while the room is in use (XEP-0281 §3.2): an owner of the source changes its list of peerhosts. */
export class LiveShadows {
  readonly #sources: readonly { readonly room: string; readonly firsthost: string }[];
  readonly #services: ReadonlySet<string>;
  /** Sends an owner's change of the room's configuration. */
  readonly #configure: (change: RoomChange) => Promise<ActResult>;
  /** By service: what it said last. */
  readonly #statuses = new Map<string, NodeStatus>();
  readonly #waiting = new Set<() => void>();

  constructor(scenario: Scenario, configure: (change: RoomChange) => Promise<ActResult>) {
    this.#sources = sourcesOf(scenario).map(({ room, firsthost }) => ({
      room: room.jid,
      firsthost: firsthost.address,
    }));
    this.#services = new Set(scenario.nodes.flatMap(({ kind, address }) => (kind === 'service' ? [address] : [])));
    this.#configure = configure;
  }

  async add(service: string, room: string | undefined): Promise<ActResult> {
    const source = this.#sourceFor(service, room);
    if (typeof source !== 'string') return source;
    if (this.#shadowAt(service, source)) return refuse(`${service} has a shadow of ${source} already`);
    const listed = await this.#configure({ room: source, addPeerhost: service, distributed: true });
    if (!listed.ok) return listed;
    let answer: ActResult | undefined;
    await this.#until(() => {
      answer = this.#answerOf(service, source);
      return answer !== undefined;
    }, answerMs);
    return answer ?? refuse(`${service} has not answered yet; it will be asked again`);
  }

  async remove(service: string, room: string | undefined): Promise<ActResult> {
    const source = this.#sourceFor(service, room);
    if (typeof source !== 'string') return source;
    if (!this.#source(source)?.instance?.peerhosts?.includes(service))
      return refuse(`${service} is not asked for a shadow of ${source}`);
    const listed = await this.#configure({ room: source, removePeerhost: service });
    if (listed.ok) await this.#until(() => this.#shadowAt(service, source) === undefined, goneMs);
    return listed;
  }

  follow(status: NodeStatus): void {
    this.#statuses.set(status.address, status);
    for (const look of [...this.#waiting]) look();
  }

  #sourceFor(service: string, room: string | undefined): string | Extract<ActResult, { ok: false }> {
    if (!this.#services.has(service)) return refuse(`there is no service ${service}`);
    const all = this.#sources.filter((source) => room === undefined || source.room === room);
    const [source, more] = all.filter(({ firsthost }) => firsthost !== service);
    if (source === undefined)
      return refuse(all.length > 0 ? `${service} is the firsthost itself` : 'no room can have a shadow');
    return more === undefined ? source.room : refuse('there are several rooms that can have a shadow: say which');
  }

  #source(room: string): RoomStatus | undefined {
    return this.#statuses.get(domainOf(room as Jid))?.rooms.find((one) => one.room === room);
  }

  #shadowAt(service: string, source: string): RoomStatus | undefined {
    return this.#statuses.get(service)?.rooms.find(({ instance }) => instance?.source === source);
  }

  /** Undefined as long as it is open. */
  #answerOf(service: string, source: string): ActResult | undefined {
    const peer = this.#source(source)?.peers.find((one) => domainOf(one.peer as Jid) === service);
    if (peer?.state === 'rejected') return refuse(`${service} refuses: ${peer.reason ?? 'it says no reason'}`);
    const isLive = this.#shadowAt(service, source)?.peers.some((one) => one.peer === source && one.state === 'live');
    return peer?.state === 'live' && isLive ? { ok: true } : undefined;
  }

  async #until(is: () => boolean, ms: number): Promise<void> {
    let look = (): void => undefined;
    const became = new Promise<void>((resolve) => {
      look = () => {
        if (is()) resolve();
      };
    });
    this.#waiting.add(look);
    look();
    await within(became, ms);
    this.#waiting.delete(look);
  }
}
