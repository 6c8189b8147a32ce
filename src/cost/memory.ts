import { changesMax } from '../core/room/change-log.ts';
import type { HistoryItem, Occupant } from '../core/room/event.ts';
import { bareOf } from '../core/xmpp/jid.ts';
import { utf8Length } from '../core/xmpp/xml.ts';
import { type Network, occupantsOf, pastOf } from './network.ts';
import { id as anId, at, epoch, Samples } from './samples.ts';
import type { DesignId } from './scenario.ts';

/** What the largest node of a design holds of the room, in bytes of text: as a snapshot of it is written (`JSON`). */
export interface Memory {
  readonly occupants: number;
  readonly history: number;
  readonly peers: number;
  /** The last changes, from which replicas are told what they missed. */
  readonly log: number;
}

/**
 * Every node knows all N occupants, and the id of each user (XEP-0421); the last 200 messages; each node that it is linked with; and a
 * primary the last 1,000 changes (decision #41). Each is as long as the text of one made with the core's own types. The engine takes a
 * multiple of that, which is a matter of the engine.
 */
export function memoryOf(network: Network, id: DesignId): Memory {
  const samples = new Samples(network);
  const all = occupantsOf(network);
  const occupant = occupantIn(samples, id);
  const changes = all + network.messages + 3 * network.churn;
  const item = itemIn(samples, id);
  return {
    occupants: all * (lengthOf(occupant) + lengthOf([bareOf(samples.user), anId]) + 2),
    history: pastOf(network) * (lengthOf(item) + 1),
    peers: peersOf(network.occupants.length, network.fanOut, id) * (lengthOf(peerIn(samples, id)) + 1),
    log:
      id === '0282'
        ? Math.min(changesMax, changes) *
          (lengthOf({ room: samples.room, kind: 'occupantEntered', n: changes, occupant }) + 1)
        : 0,
  };
}

export function bytesOf({ occupants, history, peers, log }: Memory): number {
  return occupants + history + peers + log;
}

/** Nodes that the one with the most links is linked with. */
export function peersOf(servers: number, fanOut: number, id: DesignId): number {
  const others = servers - 1;
  switch (id) {
    case 'plain':
      return 0;
    case '0289-tree':
    case '0289-replica':
      return Math.min(others, fanOut + (others > fanOut ? 1 : 0));
    default:
      return others;
  }
}

function lengthOf(value: unknown): number {
  return utf8Length(JSON.stringify(value));
}

/** Somebody of another server, as the node knows them. */
function occupantIn({ nick, user, room, replica }: Samples, id: DesignId): Occupant {
  const rank = { affiliation: 'none', role: 'participant' } as const;
  const known = { nick, jid: user, ...rank, occupantId: anId, presence: [] };
  if (id === 'plain') return known;
  if (id === '0282') return { ...known, home: replica };
  return id === '0281' ? { ...known, home: room } : { ...known, home: room, claimed: rank, guarded: true };
}

function itemIn({ nick, user, room, body }: Samples, id: DesignId): HistoryItem {
  const said = { by: room, id: anId, nick, occupantId: anId, author: user, at, stanzaId: anId, payloads: [body] };
  if (id === '0281') return { ...said, via: room, order: { epoch, n: 10 } };
  return id === 'plain' || id === '0282' ? said : { ...said, via: room, counted: { run: anId, n: 10 } };
}

function peerIn({ room, replica }: Samples, id: DesignId): unknown {
  const live = { state: 'live', since: epoch };
  if (id === '0281') return [room, { seat: 'shadow', kind: 'instance', ...live }];
  if (id !== '0282') return [room, { kind: 'fmuc', ...live, direction: 'inbound', session: anId }];
  const keepalive = { interval: 60, timeout: 15 };
  return [replica, { kind: 'replica', ...live, session: anId, serves: ['s0.example'], keepalive, maxstanzas: 200 }];
}
