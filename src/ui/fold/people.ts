import type { OccupantStatus, RoomStatus } from '../../core/node/trace.ts';
import { domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Scenario } from '../../scenario/scenario.ts';
import type { OccupantProgress } from '../session/session.ts';
import type { Network, NodeView } from './network.ts';

export interface OccupantView {
  readonly jid: string;
  readonly nick: string;
  /** Room address the occupant uses. */
  readonly room: string;
  readonly server: string;
  /** Address of the node that serves them, if one says so. */
  readonly node: string | undefined;
  readonly phase: OccupantProgress['phase'];
  readonly detail: string;
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
}

interface Seen {
  readonly node: NodeView;
  readonly room: RoomStatus;
  readonly status: OccupantStatus;
}

/** The scenario's characters, and every other user who is in one of the rooms. */
export class People {
  readonly #scenario: Scenario;
  readonly #network: Network;
  /** By full JID: how far the sessions of the characters are. */
  readonly #characters = new Map<string, OccupantProgress>();

  constructor(scenario: Scenario, network: Network) {
    this.#scenario = scenario;
    this.#network = network;
  }

  progress(progress: OccupantProgress): void {
    this.#characters.set(progress.who, progress);
  }

  /** Everyone on the picture. */
  all(): readonly OccupantView[] {
    const { seen, cutOff } = this.#seen();
    const view = (
      jid: string,
      room: string,
      nick: string,
      progress: OccupantProgress | undefined,
      character: boolean,
    ): OccupantView => {
      const found = seen.get(jid);
      const home = found?.status.home ? this.#network.nodeOf(found.status.home) : found?.node;
      let phase = progress?.phase ?? (found ? 'joined' : 'offline');
      if (found && (phase === 'elsewhere' || phase === 'offline')) phase = 'joined';
      return {
        jid,
        nick: found?.status.nick ?? progress?.nick ?? nick,
        room: found?.room.room ?? room,
        server: this.#network.serverOf(jid) ?? home?.server ?? domainOf(jid as Jid),
        node: home?.address,
        phase,
        detail: progress?.detail ?? '',
        show: found?.status.show ?? '',
        role: found?.status.role ?? '',
        affiliation: found?.status.affiliation ?? '',
        cutOff: found !== undefined && cutOff.has(`${found.room.room} ${found.status.nick}`),
        provisional: found?.status.provisional ?? false,
        character,
        mine: character && progress?.phase !== 'elsewhere',
      };
    };
    const characters = this.#scenario.occupants.map(({ jid, room, nick }) =>
      view(jid, room, nick, this.#characters.get(jid), true),
    );
    for (const { jid } of characters) seen.delete(jid);
    const others = [...seen].map(([jid, { room, status }]) => view(jid, room.room, status.nick, undefined, false));
    return [...characters, ...others];
  }

  /** The scenario's characters have done their part: everyone whom the script sends in is in, or cannot be. */
  scriptDone(): boolean {
    const { script } = this.#scenario;
    return script.every((act, i) => {
      const character = this.#characters.get(act.who);
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
        .flatMap((node) => this.#network.roomsOf(node).flatMap(({ occupants }) => occupants.map(({ jid }) => jid))),
    );
    return this.#scenario.occupants.every(({ jid }) => this.#characters.get(jid)?.phase !== 'joined' || told.has(jid));
  }

  /** Who is in, by JID as the node says that serves them; and who is cut off, by room and nick as a primary says. */
  #seen(): { readonly seen: Map<string, Seen>; readonly cutOff: ReadonlySet<string> } {
    const seen = new Map<string, Seen>();
    const cutOff = new Set<string>();
    for (const node of this.#network.nodes.values()) {
      for (const room of this.#network.roomsOf(node)) {
        for (const status of room.occupants) {
          if (status.cutOff && room.role === 'primary') cutOff.add(`${room.room} ${status.nick}`);
          if (!status.jid) continue;
          if (!seen.has(status.jid) || status.home === undefined) seen.set(status.jid, { node, room, status });
        }
      }
    }
    return { seen, cutOff };
  }
}
