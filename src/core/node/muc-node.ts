import { type Distribution, none, readTimer } from '../distribution/distribution.ts';
import { FmucNode } from '../distribution/fmuc/fmuc-node.ts';
import { meantBy } from '../distribution/primary-replica/by-service.ts';
import { Primary } from '../distribution/primary-replica/primary.ts';
import { Replica } from '../distribution/primary-replica/replica.ts';
import { defaultRoomConfig, type RoomConfig } from '../room/config.ts';
import type { Occupant, RoomEvent } from '../room/event.ts';
import { receive } from '../room/receive.ts';
import { retell } from '../room/recovery.ts';
import { leave } from '../room/room.ts';
import { RoomState, type RoomView } from '../room/state.ts';
import { Turn } from '../room/turn.ts';
import { discoInfoResult, discoItemsResult, readDisco } from '../xep/xep0030.ts';
import { readJoin } from '../xep/xep0045.ts';
import { isPing } from '../xep/xep0199.ts';
import { assertNever, type Condition, LocalProtocolError, stanzaError } from '../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, partsOf, resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, iqResult, payloadOf, type Stanza, withParts } from '../xmpp/stanza.ts';
import { el, textOf } from '../xmpp/xml.ts';
import type { NodeConfig } from './config.ts';
import type { Effect } from './effect.ts';
import type { Command, Input } from './input.ts';
import type { Env, MucNode } from './node.ts';
import type { NodeSnapshot } from './snapshot.ts';
import type { NodeStatus, RoomStatus, SplitStatus } from './trace.ts';

/** A node with the rooms of its configuration; then `restore`, `apply` the log, and the command `start`. */
export function createMucNode(config: NodeConfig): MucNode {
  return new Service(config);
}

/** XEP-0092: Software Version. */
const versionNs = 'jabber:iq:version';

interface Room {
  readonly state: RoomState;
  readonly distribution: Distribution;
}

class Service implements MucNode {
  readonly #config: NodeConfig;
  readonly #rooms = new Map<Jid, Room>();
  readonly #apply = (event: RoomEvent) => this.apply(event);
  /** Until the start: who left in the log that is read, as they were, by room and nick. */
  #gone: Map<Jid, Map<string, Occupant>> | undefined = new Map();

  constructor(config: NodeConfig) {
    this.#config = config;
    for (const room of config.kind === 'replica' ? [config.room] : config.rooms) this.#open(room);
  }

  handle(input: Input, env: Env): readonly Effect[] {
    const turn = new Turn(env, this.#apply);
    switch (input.kind) {
      case 'stanza':
        this.#stanza(turn, input.via, input.stanza);
        break;
      case 'command':
        this.#command(turn, input.command);
        break;
      case 'linkUp':
        for (const { state, distribution } of this.#rooms.values()) distribution.linkUp(turn, state);
        break;
      case 'linkDown':
        turn.note('6120#4.9', `the stream to ${input.peer} is down`);
        break;
      case 'timer': {
        const room = this.#rooms.get(readTimer(input.timer).room);
        room?.distribution.timer(turn, room.state, input.timer);
        break;
      }
      default:
        assertNever(input);
    }
    this.#closeEmpty(turn);
    return turn.finish();
  }

  apply(event: RoomEvent): void {
    let room = this.#rooms.get(event.room);
    if (room === undefined) {
      if (event.kind !== 'roomCreated')
        throw new LocalProtocolError(`${event.kind} for ${event.room}, which is no room here`);
      room = this.#open(this.#onDemandConfig(event.room));
    }
    this.#rememberGone(room.state, event);
    room.state.apply(event);
    if (event.kind === 'roomDestroyed') this.#rooms.delete(event.room);
  }

  snapshot(): NodeSnapshot {
    return { version: 1, rooms: [...this.#rooms.values()].map(({ state }) => state.snapshot()) };
  }

  restore(snapshot: NodeSnapshot): void {
    for (const room of snapshot.rooms)
      (this.#rooms.get(room.room) ?? this.#open(this.#onDemandConfig(room.room))).state.restore(room);
  }

  status(): NodeStatus {
    const { address, server } = this.#config;
    return {
      address,
      server,
      rooms: [...this.#rooms.values()].map(({ state, distribution }) => roomStatus(state, distribution)),
    };
  }

  #rememberGone(room: RoomView, event: RoomEvent): void {
    if (this.#gone === undefined || (event.kind !== 'occupantLeft' && event.kind !== 'nickChanged')) return;
    const occupant = room.occupants.get(event.nick);
    const gone = this.#gone.get(room.jid) ?? new Map();
    this.#gone.set(room.jid, gone);
    if (occupant) gone.set(event.nick, occupant);
  }

  #open(config: RoomConfig): Room {
    const room = { state: new RoomState(config), distribution: distributionOf(config) };
    this.#rooms.set(config.jid, room);
    return room;
  }

  /** A room that somebody makes by entering it (XEP-0045 §10.1.1). Service admins own it too. */
  #onDemandConfig(jid: Jid): RoomConfig {
    const { admins, onDemand: distribution } =
      this.#config.kind === 'service' ? this.#config : { admins: [], onDemand: undefined };
    return {
      ...defaultRoomConfig(jid),
      ...(distribution ? { distribution } : {}),
      onDemand: true,
      persistent: false,
      logging: true,
      affiliations: new Map(admins.map((admin) => [admin, 'owner'])),
    };
  }

  #command(turn: Turn, command: Command): void {
    switch (command.name) {
      case 'start':
        for (const { state } of this.#rooms.values())
          retell(turn, state, command.untold ?? [], this.#gone?.get(state.jid) ?? new Map());
        this.#gone = undefined;
        for (const { state } of this.#rooms.values()) {
          if (state.epoch !== 0 || state.config.distribution.kind === 'replica') continue;
          // Decision #4: the clock of the first start; without its log a room starts in a later epoch than before.
          turn.record({ kind: 'roomCreated', room: state.jid, epoch: turn.env.now });
          const { subject } = state.config;
          if (subject !== '')
            turn.record({
              kind: 'subjectChanged',
              room: state.jid,
              subject: { text: subject, nick: '', at: turn.env.now },
            });
        }
        return;
      case 'stop':
        // §11.2: everybody is out, and told that it is the service that goes.
        for (const { state, distribution } of this.#rooms.values()) {
          if (this.#config.kind === 'replica') return distribution.stop?.(turn, state);
          for (const occupant of [...state.occupants.values()]) {
            if (occupant.home === undefined)
              leave(turn, state, distribution, occupant, { statuses: [332], payloads: [] }, { alone: true });
          }
        }
        return;
      default:
        assertNever(command);
    }
  }

  #stanza(turn: Turn, via: Jid, received: Stanza): void {
    // The one rule before any payload is read: a neighbour speaks for its own domain.
    if (domainOf(received.from) !== via)
      return turn.note('decision#11', `${via} handed over a stanza from ${received.from}: dropped`);
    const stanza = this.#meant(received);
    const { address } = this.#config;
    if (this.#config.kind === 'replica') {
      const room = this.#rooms.get(this.#config.room.jid) as Room;
      if (room.distribution.fromPeer(turn, room.state, stanza)) return;
      if (bareOf(stanza.to) === room.state.jid) room.distribution.fromUser(turn, room.state, stanza);
      else if (bareOf(stanza.to) === address) refuse(turn, stanza, 'service-unavailable', '6120#8.4');
      return;
    }
    if (stanza.to === address) return this.#service(turn, stanza);
    const room = this.#rooms.get(bareOf(stanza.to)) ?? this.#createOnDemand(turn, stanza);
    if (room === undefined) return;
    const { state, distribution } = room;
    if (distribution.fromPeer(turn, state, stanza) || distribution.fromUser(turn, state, stanza)) return;
    receive(turn, state, distribution, stanza);
  }

  /** Decision #46: what is addressed to a primary by way of its service, for a replica whose server keeps the room's address. */
  #meant(stanza: Stanza): Stanza {
    if (this.#config.kind !== 'service' || bareOf(stanza.to) !== this.#config.address) return stanza;
    const to = meantBy(stanza.to);
    const room = to === undefined ? undefined : this.#rooms.get(bareOf(to));
    return to !== undefined && room?.distribution.role === 'primary' ? withParts(stanza, { to }) : stanza;
  }

  /** XEP-0045 §7.2.11 and §10.1: there is no such room; entering it may make it. */
  #createOnDemand(turn: Turn, stanza: Stanza): Room | undefined {
    const jid = bareOf(stanza.to);
    const entering =
      stanza.name === 'presence' &&
      stanza.type === undefined &&
      resourceOf(stanza.to) !== '' &&
      readJoin(stanza.payloads) !== undefined;
    if (
      this.#config.kind === 'service' &&
      domainOf(jid) === this.#config.address &&
      entering &&
      partsOf(jid).local !== ''
    ) {
      if (this.#config.openCreation || this.#config.admins.includes(bareOf(stanza.from))) {
        turn.record({ kind: 'roomCreated', room: jid, epoch: turn.env.now, owner: stanza.from });
        return this.#rooms.get(jid);
      }
      refuse(turn, stanza, 'not-allowed', '0045#7.2.11', 'rooms are not made by entering them here');
    } else if (stanza.name !== 'presence') refuse(turn, stanza, 'item-not-found', '0045#6.4', 'there is no such room');
    return undefined;
  }

  /** A temporary room ends with its last occupant (XEP-0045 §4.2). */
  #closeEmpty(turn: Turn): void {
    // A map may lose what is being looked at.
    for (const { state } of this.#rooms.values()) {
      if (!state.config.persistent && state.occupants.size === 0 && state.epoch !== 0)
        turn.record({ kind: 'roomDestroyed', room: state.jid });
    }
  }

  /** IQs to the service itself: XEP-0045 §6.2, §6.3; XEP-0199; XEP-0092. */
  #service(turn: Turn, stanza: Stanza): void {
    if (stanza.name !== 'iq') return;
    if (isPing(stanza)) return turn.send(iqResult(stanza), '0199#4');
    if (stanza.type === 'get' && payloadOf(stanza, 'query', versionNs)) {
      const version = [el('name', versionNs, {}, 'Netsplit'), el('version', versionNs, {}, '0.1')];
      return turn.send(iqResult(stanza, el('query', versionNs, {}, ...version)), '0092#2');
    }
    const disco = readDisco(stanza);
    if (disco?.node !== undefined) return refuse(turn, stanza, 'item-not-found', '0030#7');
    if (disco?.kind === 'info') {
      const features = [NS.muc, NS.discoInfo, NS.discoItems, NS.ping, NS.occupantId, NS.stableId];
      return turn.send(
        discoInfoResult(stanza, {
          identity: { category: 'conference', type: 'text', name: 'Netsplit rooms' },
          features,
        }),
        '0045#6.2',
      );
    }
    if (disco?.kind === 'items') {
      const items = [...this.#rooms.values()]
        .filter(({ state }) => state.config.publicRoom)
        .map(({ state: { jid, config } }) => ({
          jid,
          name: config.name === '' ? partsOf(jid).local : config.name,
        }));
      return turn.send(discoItemsResult(stanza, items), '0045#6.3');
    }
    refuse(turn, stanza, 'service-unavailable', '6120#8.4');
  }
}

function refuse(turn: Turn, stanza: Stanza, condition: Condition, spec: string, text?: string): void {
  turn.send(errorReply(stanza, stanzaError('cancel', condition, text)), spec);
}

function distributionOf({ distribution }: RoomConfig): Distribution {
  switch (distribution.kind) {
    case 'none':
      return none;
    case 'primary':
      return new Primary();
    case 'replica':
      return new Replica(distribution.self, distribution.serves, distribution.keepalive);
    case 'fmuc':
      return new FmucNode(distribution.outbound, distribution.allowedNodes);
    default:
      return assertNever(distribution);
  }
}

function roomStatus(room: RoomView, distribution: Distribution): RoomStatus {
  return {
    room: room.jid,
    role: distribution.role,
    epoch: room.epoch,
    historyLength: room.history.length,
    subject: room.subject?.text ?? '',
    occupants: [...room.occupants.values()].map((occupant) => {
      const { nick, jid, role, affiliation, home, presence, cutOff, provisional } = occupant;
      const show = presence.find((payload) => payload.name === 'show' && payload.xmlns === NS.client);
      return {
        nick,
        role,
        affiliation,
        ...(jid === undefined ? {} : { jid }),
        ...(home === undefined ? {} : { home }),
        ...(show ? { show: textOf(show) } : {}),
        ...(cutOff ? { cutOff } : {}),
        ...(provisional ? { provisional } : {}),
      };
    }),
    peers: [...room.peers].map(([peer, { state, since }]) => ({ peer, state, since })),
    ...(distribution.role === 'primary' || distribution.role === 'replica' ? { split: splitStatus(room) } : {}),
    ...(distribution.role === 'primary' ? { replicas: room.config.replicas } : {}),
  };
}

function splitStatus({ config }: RoomView): SplitStatus {
  const { splitPolicy: policy, splitChat: chat, splitPrivate: pm, splitEntry: entry, splitKick: kick } = config;
  return { policy, chat, pm, entry, kick, away: config.splitAway };
}
