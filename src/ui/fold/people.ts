import type { OccupantStatus, RoomStatus } from '../../core/node/trace.ts';
import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Scenario, ScenarioOccupant } from '../../scenario/scenario.ts';
import type { OccupantProgress } from '../session/progress.ts';
import type { Network, NodeView } from './network.ts';

/** What the page calls devices that it adds: resources of full JIDs. */
const spareNames = ['laptop', 'phone', 'tablet'];

/** A session of a user under one nick: a phone, a laptop. */
export interface DeviceView {
  /** Full JID. */
  readonly jid: string;
  readonly phase: OccupantProgress['phase'];
  /** This page plays it. */
  readonly mine: boolean;
}

/** A user under one nick, with one device or several (XEP-0045 §7.2.8). */
export interface OccupantView {
  /** Full JID: a character's as the scenario has it, else that of the device which entered first. */
  readonly jid: string;
  readonly nick: string;
  /** Room address the occupant uses. */
  readonly room: string;
  readonly server: string;
  /** Address of the node that serves them, if one says so. */
  readonly node: string | undefined;
  /** `joined` if one of their devices is. */
  readonly phase: OccupantProgress['phase'];
  readonly detail: string;
  /** The room that they have asked for sends them to this one, and they are to decide (XEP-0281 §3.5). */
  readonly offer: string | undefined;
  readonly show: string;
  readonly role: string;
  readonly affiliation: string;
  /** The primary holds the replica that serves them for split, and shows them to all others as away (XEP-0282 §4.11.1.1). */
  readonly cutOff: boolean;
  /** Let in by a replica that is cut off; the primary has not agreed yet (§4.11.1.2). */
  readonly provisional: boolean;
  /** One of the scenario's characters. */
  readonly character: boolean;
  /** This page plays them; another one may, or nobody here. */
  readonly mine: boolean;
  /** Those in the room, in the order in which they entered; then those that this page plays and that are not in it. */
  readonly devices: readonly DeviceView[];
}

interface Seen {
  readonly node: NodeView;
  readonly room: RoomStatus;
  readonly status: OccupantStatus;
}

/** A full JID with what is known of it: from the scenario, from this page, and from the nodes. */
interface Known extends DeviceView {
  readonly nick: string;
  readonly room: string;
  readonly detail: string;
  readonly offer: string | undefined;
  readonly character: boolean;
  readonly seen: Seen | undefined;
}

/** The scenario's characters, and every other user who is in one of the rooms. */
export class People {
  readonly #scenario: Scenario;
  readonly #network: Network;
  /** By full JID: how far the sessions of this page are. */
  readonly #progress = new Map<string, OccupantProgress>();
  /** The scenario's characters by full JID; and by bare JID, of several the first. */
  readonly #roles: ReadonlyMap<string, ScenarioOccupant>;
  readonly #users: ReadonlyMap<string, ScenarioOccupant>;

  constructor(scenario: Scenario, network: Network) {
    this.#scenario = scenario;
    this.#network = network;
    this.#roles = new Map(scenario.occupants.map((role) => [role.jid, role]));
    this.#users = new Map(scenario.occupants.toReversed().map((role) => [bareOf(role.jid as Jid), role]));
  }

  progress(progress: OccupantProgress): void {
    this.#progress.set(progress.who, progress);
  }

  /** Full JIDs of all that there are: also of devices and guests of this page that are in no room. */
  jids(seen: Iterable<string> = this.#seen().seen.keys()): ReadonlySet<string> {
    return new Set([...this.#roles.keys(), ...seen, ...this.#progress.keys()]);
  }

  /** Whether a node says that it serves this session. */
  isServed(jid: string): boolean {
    const seen = this.#seen().seen.get(jid);
    return seen !== undefined && seen.status.home === undefined;
  }

  /** How far a session of this page is. */
  progressOf(jid: string): OccupantProgress | undefined {
    return this.#progress.get(jid);
  }

  /** Everyone on the picture: the characters first, as the scenario has them. */
  all(): readonly OccupantView[] {
    const { seen, cutOff } = this.#seen();
    const people = new Map<string, Known[]>();
    for (const jid of this.jids(seen.keys())) {
      const known = this.#known(jid, seen.get(jid));
      const key = `${bareOf(jid as Jid)} ${known.room}/${known.nick}`;
      people.set(key, [...(people.get(key) ?? []), known]);
    }
    return (
      [...people.values()]
        // A guest whom this page has logged in appears when they enter.
        .filter((devices) => devices.some(({ jid, phase }) => this.#roles.has(jid) || phase === 'joined'))
        .map((devices) => this.#view(devices, cutOff))
    );
  }

  /** Nicks of all others whom the room shows to somebody who is in it. */
  othersWith({ room, node, nick }: OccupantView): readonly string[] {
    const home = node === undefined ? undefined : this.#network.nodes.get(node);
    const status = home && this.#network.roomsOf(home).find((one) => one.room === room);
    return (status?.occupants ?? []).map((one) => one.nick).filter((one) => one !== nick);
  }

  /** A device with which a user of this page may join besides: one that has left, else a new one. @returns a full JID, if any */
  spareDevice({ jid, devices }: OccupantView): string | undefined {
    const left = devices.find(({ phase, mine }) => mine && phase !== 'joined')?.jid;
    const fresh = spareNames.map((name) => `${bareOf(jid as Jid)}/${name}`);
    return left ?? fresh.find((one) => !this.#progress.has(one) && !devices.some((device) => device.jid === one));
  }

  /** The scenario's characters have done their part: everyone whom the script sends in is in, or cannot be. */
  scriptDone(): boolean {
    const { script } = this.#scenario;
    return script.every((act, i) => {
      const character = this.#progress.get(act.who);
      if (character?.phase === 'failed' || character?.phase === 'elsewhere') return true;
      if (act.act !== 'join') return character !== undefined;
      if (character?.phase === 'joined') return true;
      // Online but not in the room: refused, or gone again by the script; else still about to join.
      const leaves = script.slice(i).some((later) => later.who === act.who && later.act === 'leave');
      return character?.phase === 'online' && (leaves || character.detail !== '');
    });
  }

  /** Whether the service nodes have told of all who are in: what a plain room would have cost is counted by that. */
  everyoneTold(): boolean {
    const told = new Set(
      [...this.#network.nodes.values()]
        .filter(({ kind }) => kind === 'service')
        .flatMap((node) => this.#network.roomsOf(node).flatMap(({ occupants }) => occupants.flatMap(jidsOf))),
    );
    return this.#scenario.occupants.every(({ jid }) => this.#progress.get(jid)?.phase !== 'joined' || told.has(jid));
  }

  #known(jid: string, seen: Seen | undefined): Known {
    const progress = this.#progress.get(jid);
    const role = this.#roles.get(jid);
    const user = role ?? this.#users.get(bareOf(jid as Jid));
    let phase = progress?.phase ?? (seen ? 'joined' : 'offline');
    if (seen && (phase === 'elsewhere' || phase === 'offline')) phase = 'joined';
    // A device that this page has added is that of a character, too.
    const character = role !== undefined || (user !== undefined && progress !== undefined);
    return {
      jid,
      phase,
      nick: seen?.status.nick ?? progress?.nick ?? user?.nick ?? '',
      room: seen?.room.room ?? progress?.room ?? user?.room ?? '',
      detail: progress?.detail ?? '',
      offer: progress?.offer,
      character,
      mine: character && progress?.phase !== 'elsewhere',
      seen,
    };
  }

  #view(all: readonly Known[], cutOff: ReadonlySet<string>): OccupantView {
    // Whom no node has told of yet entered last.
    const told = all.flatMap(({ seen }) => (seen ? jidsOf(seen.status) : []));
    const order = [...told, ...all.map(({ jid }) => jid)];
    const inside = all
      .filter(({ phase }) => phase === 'joined')
      .sort((a, b) => order.indexOf(a.jid) - order.indexOf(b.jid));
    const others = all.filter(({ phase }) => phase !== 'joined');
    const lead = all.find(({ jid }) => this.#roles.has(jid)) ?? inside[0] ?? (all[0] as Known);
    const { seen } = inside.find((one) => one.seen) ?? lead;
    const home = seen?.status.home ? this.#network.nodeOf(seen.status.home) : seen?.node;
    const { jid, nick, room, detail, offer } = lead;
    return {
      jid,
      nick,
      room,
      server:
        this.#network.serverOf(jid) ??
        (home && this.#network.realServerOf(home.address)) ??
        home?.server ??
        domainOf(jid as Jid),
      node: home?.address,
      phase: inside.length > 0 ? 'joined' : lead.phase,
      detail,
      offer,
      show: seen?.status.show ?? '',
      role: seen?.status.role ?? '',
      affiliation: seen?.status.affiliation ?? '',
      cutOff: seen !== undefined && cutOff.has(`${seen.room.room} ${nick}`),
      provisional: seen?.status.provisional ?? false,
      character: all.some(({ character }) => character),
      mine: all.some(({ mine }) => mine),
      devices: [...inside, ...others].map(({ jid, phase, mine }) => ({ jid, phase, mine })),
    };
  }

  /** Who is in, by JID as the node says that serves them; and who is cut off, by room and nick as a primary says. */
  #seen(): { readonly seen: Map<string, Seen>; readonly cutOff: ReadonlySet<string> } {
    const seen = new Map<string, Seen>();
    const cutOff = new Set<string>();
    for (const node of this.#network.nodes.values()) {
      for (const room of this.#network.roomsOf(node)) {
        for (const status of room.occupants) {
          if (status.cutOff && room.role === 'primary') cutOff.add(`${room.room} ${status.nick}`);
          for (const jid of jidsOf(status))
            if (!seen.has(jid) || status.home === undefined) seen.set(jid, { node, room, status });
        }
      }
    }
    return { seen, cutOff };
  }
}

/** The full JIDs under one nick that a node names. */
function jidsOf({ jid, sessionJids }: OccupantStatus): readonly string[] {
  return sessionJids ?? (jid === undefined ? [] : [jid]);
}
