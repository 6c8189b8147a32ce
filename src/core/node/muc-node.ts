import type { DistributedRoomConfig } from '../distribution/config.ts';
import { host, shadowConfig } from '../distribution/hosting.ts';
import { meantBy } from '../distribution/primary-replica/by-service.ts';
import type { Protocol } from '../distribution/protocol.ts';
import type { ArchiveChange, ArchiveEntry } from '../room/archive-store.ts';
import { commit } from '../room/commit.ts';
import { defaultRoomConfig } from '../room/config.ts';
import type { Occupant, RoomEvent } from '../room/event.ts';
import { awaitGhosts, ghostTimer, seekGhosts } from '../room/ghosts.ts';
import type { AtHandLimits } from '../room/limits.ts';
import { PassedOn } from '../room/passed.ts';
import { receive, receiveFound } from '../room/receive.ts';
import { retell } from '../room/recovery.ts';
import { type NodeTurn, RoomTurn, readTimer } from '../room/room-turn.ts';
import { RoomState, type RoomView } from '../room/state.ts';
import type { Env } from '../turn/env.ts';
import { Turn } from '../turn/turn.ts';
import { readJoin } from '../xep/xep0045.ts';
import { readServiceOrder } from '../xep/xep0281.ts';
import { assertNever, LocalProtocolError } from '../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, partsOf, resourceOf } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { type Stanza, withParts } from '../xmpp/stanza.ts';
import type { NodeConfig } from './config.ts';
import { type Holdings, nothingHeld, openRooms } from './holdings.ts';
import type { Command, Input } from './input.ts';
import { Makers, type RoomLimits } from './makers.ts';
import type { MucNode, NodeEffect } from './node.ts';
import { protocolOf, roomConfigOf } from './protocol-of.ts';
import { noSuchRoom, refuse, serviceIq } from './service.ts';
import type { NodeImage, NodeSnapshot } from './snapshot.ts';
import { roomStatus } from './status.ts';
import type { NodeStatus, RoomStatus } from './trace.ts';

/** A node with the rooms of its configuration; then `restore`, `apply` the log, and the command `start`. */
export function createMucNode(config: NodeConfig): MucNode {
  return new Service(config);
}

interface Room {
  readonly state: RoomState;
  readonly protocol: Protocol;
  readonly passed: PassedOn;
  /** What the status says of it, while nothing has happened to it. */
  status?: RoomStatus | undefined;
}

class Service implements MucNode {
  readonly #config: NodeConfig;
  readonly #rooms = new Map<Jid, Room>();
  /** Those to which something may have happened in this turn: what a turn costs does not depend on all the others. */
  readonly #touched = new Set<Room>();
  readonly #apply = (event: RoomEvent) => this.apply(event);
  readonly #makers = new Makers();
  /** What the other processes of this service have. It is not of the log: a process is told anew when it starts. */
  #elsewhere = nothingHeld;
  /** Until the start: the users who left in the log that is read, as they were, by room and nick. */
  #gone: Map<Jid, Map<string, Occupant>> | undefined = new Map();

  constructor(config: NodeConfig) {
    this.#config = config;
    for (const room of config.kind === 'replica' ? [config.room] : config.rooms) this.#open(room);
  }

  handle(input: Input, env: Env): readonly NodeEffect[] {
    const turn = new Turn(env, this.#apply);
    switch (input.kind) {
      case 'stanza':
        this.#stanza(turn, input.via, input.stanza);
        break;
      case 'found':
        this.#found(turn, input);
        break;
      case 'command':
        this.#command(turn, input.command);
        break;
      case 'linkUp':
        for (const room of this.#rooms.values()) {
          const here = this.#in(turn, room);
          room.protocol.linkUp(here);
          awaitGhosts(here);
        }
        break;
      case 'linkDown':
        turn.note('6120#4.9', `the stream to ${input.peer} is down`);
        break;
      case 'timer': {
        const { name, room: jid } = readTimer(input.timer);
        const room = this.#rooms.get(jid);
        if (room === undefined) break;
        if (name === ghostTimer) seekGhosts(this.#in(turn, room));
        else room.protocol.timer(this.#in(turn, room), name);
        break;
      }
      default:
        assertNever(input);
    }
    this.#closeEmpty(turn);
    return turn.finish();
  }

  apply(event: RoomEvent): readonly ArchiveChange[] {
    let room = this.#rooms.get(event.room);
    if (room === undefined) {
      if (event.kind !== 'roomCreated')
        throw new LocalProtocolError(`${event.kind} for ${event.room}, which is no room here`);
      room = this.#open(this.#configOf(event.room, event.of));
    }
    this.#rememberGone(room.state, event);
    const changes = room.state.apply(event);
    this.#touch(room);
    if (event.kind === 'roomCreated' && event.owner !== undefined) this.#makers.made(event.room, bareOf(event.owner));
    if (event.kind === 'roomDestroyed') {
      this.#rooms.delete(event.room);
      this.#makers.gone(event.room);
    }
    return changes;
  }

  snapshot(): NodeImage {
    return { version: 1, rooms: [...this.#rooms.values()].map(({ state }) => state.snapshot()) };
  }

  restore(snapshot: NodeSnapshot): readonly ArchiveChange[] {
    return snapshot.rooms.flatMap((room) => {
      const { state } = this.#rooms.get(room.room) ?? this.#open(this.#configOf(room.room, room.of));
      if (state.config.onDemand) {
        const isMaker = ([user, affiliation]: (typeof room.affiliations)[number]) =>
          affiliation === 'owner' && !this.#isAdmin(user);
        const [owner] = room.affiliations.find(isMaker) ?? [];
        if (owner !== undefined) this.#makers.made(room.room, owner);
      }
      return state.restore(room);
    });
  }

  archives(): readonly { readonly room: Jid; readonly limits: AtHandLimits }[] {
    return [...this.#rooms.values()].map(({ state }) => ({ room: state.jid, limits: state.limits }));
  }

  recall(room: Jid, entries: readonly ArchiveEntry[], isWhole: boolean): void {
    const known = this.#rooms.get(room);
    if (known === undefined) return;
    known.state.recall(entries, isWhole);
    this.#touch(known);
  }

  status(): NodeStatus {
    const { address, server } = this.#config;
    return {
      address,
      server,
      rooms: [...this.#rooms.values()].map((room) => {
        room.status ??= roomStatus(room.state, room.protocol);
        return room.status;
      }),
    };
  }

  holdings(): Holdings {
    return { open: openRooms(this.#states()), rooms: this.#rooms.size, made: new Map(this.#makers.counts) };
  }

  #rememberGone(room: RoomView, event: RoomEvent): void {
    if (this.#gone === undefined || (event.kind !== 'occupantLeft' && event.kind !== 'nickChanged')) return;
    const occupant = room.occupants.get(event.nick);
    const gone = this.#gone.get(room.jid) ?? new Map();
    this.#gone.set(room.jid, gone);
    if (occupant) gone.set(event.nick, occupant);
  }

  #open(config: DistributedRoomConfig): Room {
    const protocol = protocolOf(config.distribution);
    const room = { state: new RoomState(roomConfigOf(config), protocol.traits), protocol, passed: new PassedOn() };
    this.#rooms.set(config.jid, room);
    return room;
  }

  /** A room that is not in the configuration. @param of  it is another instance of that one */
  #configOf(jid: Jid, of: Jid | undefined): DistributedRoomConfig {
    const config = of === undefined ? this.#onDemandConfig(jid) : shadowConfig(jid, of, this.#hosting());
    const archive = this.#config.kind === 'service' ? this.#config.archive : undefined;
    return archive === undefined ? config : { ...config, archive };
  }

  #hosting() {
    return this.#config.kind === 'service' ? this.#config.hosting : undefined;
  }

  /** A room that somebody makes by entering it (XEP-0045 §10.1.1). Service admins own it too. */
  #onDemandConfig(jid: Jid): DistributedRoomConfig {
    const { admins, onDemand: distribution } =
      this.#config.kind === 'service' ? this.#config : { admins: [], onDemand: undefined };
    return {
      ...defaultRoomConfig(jid),
      distribution: distribution ?? { kind: 'none' },
      onDemand: true,
      persistent: false,
      logging: true,
      affiliations: new Map(admins.map((admin) => [admin, 'owner'])),
    };
  }

  #command(turn: NodeTurn, command: Command): void {
    switch (command.name) {
      case 'start':
        for (const room of this.#rooms.values())
          retell(this.#in(turn, room), command.untold ?? [], this.#gone?.get(room.state.jid) ?? new Map());
        this.#gone = undefined;
        // A replica's room is its primary's to create.
        if (this.#config.kind === 'service')
          for (const room of this.#rooms.values()) if (room.state.epoch === 0) create(this.#in(turn, room));
        return;
      case 'stop':
        for (const room of this.#rooms.values()) {
          if (room.protocol.stop) room.protocol.stop(this.#in(turn, room));
          else dismissAll(this.#in(turn, room));
        }
        return;
      case 'elsewhere':
        this.#elsewhere = command.holdings;
        return;
      default:
        assertNever(command);
    }
  }

  #stanza(turn: NodeTurn, via: Jid, received: Stanza): void {
    // The one rule before any payload is read: a neighbour speaks for its own domain.
    if (domainOf(received.from) !== via)
      return turn.note('decision#11', `${via} handed over a stanza from ${received.from}: dropped`);
    const stanza = this.#meant(received);
    const { address } = this.#config;
    if (this.#config.kind === 'replica') {
      const room = this.#rooms.get(this.#config.room.jid) as Room;
      const here = this.#in(turn, room);
      if (room.protocol.fromPeer(here, stanza)) return;
      if (bareOf(stanza.to) === room.state.jid) room.protocol.fromUser(here, stanza);
      else if (bareOf(stanza.to) === address) refuse(turn, stanza, 'service-unavailable', '6120#8.4');
      return;
    }
    if (stanza.to === address) return this.#toService(turn, stanza);
    const room = this.#rooms.get(bareOf(stanza.to)) ?? this.#createOnDemand(turn, stanza);
    if (room === undefined) return;
    const here = this.#in(turn, room);
    if (!room.protocol.fromPeer(here, stanza) && !room.protocol.fromUser(here, stanza)) receive(here, stanza);
  }

  #found(turn: NodeTurn, { search, asked, found }: Extract<Input, { kind: 'found' }>): void {
    const room = this.#rooms.get(search.room);
    if (room) receiveFound(this.#in(turn, room), asked, found);
    else if (this.#config.kind === 'service') noSuchRoom(turn, asked);
  }

  /** What is addressed to the service itself. */
  #toService(turn: NodeTurn, stanza: Stanza): void {
    const isAnswer = stanza.type === 'result' || stanza.type === 'error';
    if (isAnswer) {
      for (const room of this.#rooms.values()) if (room.protocol.fromPeerhost?.(this.#in(turn, room), stanza)) return;
      return;
    }
    const order = readServiceOrder(stanza);
    if (order === undefined) return serviceIq(turn, this.#states(), stanza, this.#features(), this.#elsewhere.open);
    const ordered = host(turn, this.#hosting(), this.#states(), stanza, order);
    const room = ordered === undefined ? undefined : this.#rooms.get(ordered);
    if (room) room.protocol.fromFirsthost?.(this.#in(turn, room), order);
  }

  /** XEP-0281 §4. */
  #features(): readonly string[] {
    const { onDemand } = this.#config.kind === 'service' ? this.#config : {};
    const isPart = ({ traits }: Protocol) => traits.features.includes(NS.dmuc1);
    const distributes =
      this.#hosting() !== undefined ||
      onDemand?.kind === 'source' ||
      [...this.#rooms.values()].some(({ protocol }) => isPart(protocol));
    return distributes ? [NS.dmuc1, NS.ext] : [];
  }

  /** They own every room (§5.2). */
  #isAdmin(user: Jid): boolean {
    return this.#config.kind === 'service' && this.#config.admins.includes(user);
  }

  #states(): readonly RoomState[] {
    return [...this.#rooms.values()].map(({ state }) => state);
  }

  /** Decision #46: what is addressed to a primary by way of its service, for a replica whose server keeps the room's address. */
  #meant(stanza: Stanza): Stanza {
    if (this.#config.kind !== 'service' || bareOf(stanza.to) !== this.#config.address) return stanza;
    const to = meantBy(stanza.to);
    const room = to === undefined ? undefined : this.#rooms.get(bareOf(to));
    return to !== undefined && room?.protocol.byService ? withParts(stanza, { to }) : stanza;
  }

  /** XEP-0045 §7.2.11 and §10.1: there is no such room; entering it may make it. */
  #createOnDemand(turn: NodeTurn, stanza: Stanza): Room | undefined {
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
      const isAdmin = this.#isAdmin(bareOf(stanza.from));
      if (this.#config.openCreation || isAdmin) {
        const full = isAdmin ? undefined : this.#full(bareOf(stanza.from), this.#config.limits);
        if (full !== undefined) {
          refuse(turn, stanza, 'resource-constraint', 'decision#221', full);
          return undefined;
        }
        const open = this.#config.lockNewRooms === false ? ({ open: true } as const) : {};
        turn.record({ kind: 'roomCreated', room: jid, epoch: turn.env.now, owner: stanza.from, ...open });
        return this.#rooms.get(jid);
      }
      refuse(turn, stanza, 'not-allowed', '0045#7.2.11', 'rooms are not made by entering them here');
      // Decision #46: a replica that takes a room for there knows it by its service.
    } else noSuchRoom(turn, withParts(stanza, { to: meantBy(stanza.to) ?? stanza.to }));
    return undefined;
  }

  /** Decision #221: why a user may make no other room. */
  #full(user: Jid, limits: RoomLimits | undefined): string | undefined {
    const { rooms, made } = this.#elsewhere;
    return this.#makers.full(user, this.#rooms.size + rooms, limits, made.get(user));
  }

  /** A temporary room ends with its last occupant (XEP-0045 §4.2). */
  #closeEmpty(turn: NodeTurn): void {
    for (const room of this.#touched) {
      const { state, protocol } = room;
      if (this.#rooms.get(state.jid) !== room) continue;
      if (state.config.persistent || state.occupants.size > 0 || state.epoch === 0 || protocol.keeps?.(state)) continue;
      protocol.ends?.(this.#in(turn, room));
      turn.record({ kind: 'roomDestroyed', room: state.jid });
    }
    this.#touched.clear();
  }

  #in(turn: NodeTurn, room: Room): RoomTurn {
    this.#touch(room);
    return new RoomTurn(turn, room.state, room.protocol, room.passed);
  }

  #touch(room: Room): void {
    this.#touched.add(room);
    room.status = undefined;
  }
}

/** Decision #4: the clock of the first start; without its log a room starts in a later epoch than before. */
function create(turn: RoomTurn): void {
  turn.record({ kind: 'roomCreated', epoch: turn.env.now });
  const { subject } = turn.room.config;
  if (subject !== '') turn.record({ kind: 'subjectChanged', subject: { text: subject, nick: '', at: turn.env.now } });
}

/** §11.2: everybody is out, and told that it is the service that goes. */
function dismissAll(turn: RoomTurn): void {
  for (const occupant of [...turn.room.occupants.values()]) {
    if (occupant.home === undefined)
      commit(turn, { kind: 'left', occupant, parts: { statuses: [332], payloads: [] }, alone: true });
  }
}
