import type { Change } from '../../room/change.ts';
import type { FederationSettings } from '../../room/config.ts';
import type { Occupant } from '../../room/event.ts';
import type { Asked } from '../../room/passed.ts';
import type { Refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import type { DistributionConfig } from '../config.ts';
import type { Protocol, ProtocolStatus } from '../protocol.ts';
import { modeIn } from './config-fields.ts';
import { FmucNode } from './fmuc-node.ts';
import { modeOf } from './mode.ts';
import { traits } from './traits.ts';

type Given = DistributionConfig & { readonly kind: 'fmuc' };

/** The settings with which a room starts: what is beside it in its configuration. */
export function federationOf(
  { outbound, allowedNodes, mode, trust }: Given,
  before: FederationSettings,
): FederationSettings {
  return {
    ...before,
    outbound,
    allowed: allowedNodes,
    awaitsEcho: modeOf(mode, outbound) === 'primary-replica',
    mayKick: trust?.mayKick ?? before.mayKick,
    seeJids: trust?.seeJids ?? before.seeJids,
  };
}

/** Settings with which a node is another one: it leaves the set, and begins anew. */
function sameShape(a: FederationSettings, b: FederationSettings): boolean {
  return a.enabled === b.enabled && a.awaitsEcho === b.awaitsEcho && a.outbound.join(' ') === b.outbound.join(' ');
}

/**
 * XEP-0289, as the room is configured at any time: an owner may have it join other rooms, or none, while it is in use (decision #184).
 * What a federated room does is in fmuc-node.ts.
 */
export class FederatedRoom implements Protocol {
  readonly traits = traits;
  readonly byService = false;
  readonly #given: Given;
  #node: FmucNode | undefined;
  #settings: FederationSettings | undefined;

  constructor(given: Given) {
    this.#given = given;
    modeOf(given.mode, given.outbound);
  }

  status({ config: { federation } }: RoomView): ProtocolStatus {
    const joins = federation.enabled ? federation.outbound : [];
    return { role: 'fmuc', federation: { mode: modeIn(federation), joins } };
  }

  fromPeer(turn: RoomTurn, stanza: Stanza): boolean {
    return this.#now(turn.room).fromPeer(turn, stanza);
  }

  fromUser(turn: RoomTurn, stanza: Stanza): boolean {
    return this.#now(turn.room).fromUser(turn, stanza);
  }

  homeOf(): undefined {
    return undefined;
  }

  decide(turn: RoomTurn, change: Change, stanza: Stanza): 'commit' | 'held' | Refusal {
    return this.#now(turn.room).decide(turn, change, stanza);
  }

  spread(turn: RoomTurn, change: Change): void {
    const before = this.#settings;
    const node = this.#now(turn.room);
    node.spread(turn, change);
    const after = change.kind === 'configured' ? change.changes.federation : undefined;
    if (after === undefined || before === undefined) return;
    this.#settings = after;
    if (sameShape(before, after)) return node.configured(turn, before);
    node.end(turn);
    this.#node = new FmucNode(after, this.#given.trust);
    this.#node.begin(turn);
  }

  route(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): void {
    this.#now(turn.room).route(turn, from, to, stanza, asked);
  }

  routeIq(turn: RoomTurn, from: Occupant, to: Occupant, stanza: Stanza, asked: Asked): boolean {
    return this.#now(turn.room).routeIq(turn, from, to, stanza, asked);
  }

  linkUp(turn: RoomTurn): void {
    this.#now(turn.room).linkUp(turn);
  }

  timer(turn: RoomTurn, name: string): void {
    this.#now(turn.room).timer(turn, name);
  }

  /** After a start the room's log is read before anything happens to it. */
  #now({ config }: RoomView): FmucNode {
    this.#settings ??= config.federation;
    this.#node ??= new FmucNode(config.federation, this.#given.trust);
    return this.#node;
  }
}
