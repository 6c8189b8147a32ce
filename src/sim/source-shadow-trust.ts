import { isOwnUser } from '../core/distribution/scope.ts';
import { rank } from '../core/room/affiliation.ts';
import type { HistoryItem, Occupant, RoomEvent } from '../core/room/event.ts';
import { readAsked } from '../core/xep/instances.ts';
import type { Affiliation } from '../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { type Stanza, stanzaText } from '../core/xmpp/stanza.ts';
import { elementsOf } from '../core/xmpp/xml.ts';
import { instancesOf, trustAt } from './instances.ts';
import type { Checker, Place } from './judge.ts';
import type { Violation } from './trace.ts';

/** S-h: no service has a room of another that it does not trust, more of them than it allows, or one that nobody has asked for. */
export const hosting: Checker = ({ trace, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const nodes = new Map((world?.plan.layout.nodes ?? []).map((node) => [node.address, node]));
  /** By service, and then by room: of which firsthost. */
  const hosted = new Map<Jid, Map<Jid, Jid>>();
  return {
    other(record) {
      if (record.kind === 'forgotten') hosted.delete(record.node);
    },
    kept(event, { node }, { cause }, i) {
      const config = nodes.get(node);
      if (event.kind === 'roomDestroyed') hosted.get(node)?.delete(event.room);
      if (event.kind !== 'roomCreated' || event.of === undefined || config?.kind !== 'service') return;
      exercised++;
      const firsthost = domainOf(event.of);
      const here = (hosted.get(node) ?? new Map<Jid, Jid>()).set(event.room, firsthost);
      hosted.set(node, here);
      const many = [...here.values()].filter((one) => one === firsthost).length;
      if (many > (config.hosting?.maxRooms ?? 0))
        violations.push({ invariant: 'S-h', what: `${node} has ${many} rooms of ${firsthost}`, at: i });
      const input = cause === undefined ? undefined : trace[cause];
      const from = input?.kind === 'out' ? input.stanza.from : undefined;
      if (from !== firsthost || !config.hosting?.firsthosts.includes(firsthost))
        violations.push({ invariant: 'S-h', what: `${node} has ${event.room} of ${event.of}, for ${from}`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** What is in a history as if it were sent by itself: what somebody said who may name whom they like is known again so. */
function unpacked(stanza: Stanza): Stanza {
  const payloads = stanza.payloads.flatMap((payload) =>
    payload.name === 'history' ? elementsOf(payload).flatMap(elementsOf) : [payload],
  );
  return { ...stanza, payloads };
}

/** S-j: an instance that is not to see real addresses is sent none but those of its own users. */
export const realAddresses: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { rooms, honest, source } = instancesOf(given);
  const nodes = given.world?.plan.layout.nodes ?? [];
  const hostile = given.world?.plan.hostileNode;
  const blind = new Map([...honest].map((address) => [address, trustAt(nodes, address).seeJids] as const));
  return {
    sent({ by, stanza }, i) {
      const seeJids = blind.get(by);
      const to = domainOf(stanza.to);
      if (seeJids === undefined || seeJids.includes(to) || !rooms.has(to)) return;
      // Whoever asks the source for something tells it who they are (decision #205).
      if (to === domainOf(source ?? stanza.to) && readAsked(stanza.payloads)) return;
      // What a hostile one names itself comes back to it with the error.
      if (to === hostile && stanza.type === 'error') return;
      exercised++;
      const [leaked] = given.leaks(unpacked(stanza), (user) => isOwnUser(to, user));
      if (leaked !== undefined)
        violations.push({ invariant: 'S-j', what: `${by} tells ${to} of ${leaked}: ${stanzaText(stanza)}`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * S-t: a shadow changes its configuration and its lists at the source's word alone, and nobody has a rank there that no list has
 * given them; whoever comes by a shadow is of its own server.
 */
export const trust: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { trace, world } = given;
  const { rooms, honest, source, addresses, hostileRoom } = instancesOf(given);
  const layout = world?.plan.layout.nodes[0];
  /** The highest rank that the source ever gave a user (bare JID). */
  const given0 = new Map<Jid, Affiliation>(layout?.kind === 'service' ? layout.rooms[0]?.affiliations : []);
  /** By service: when its room began. */
  const epochs = new Map<Jid, number>();
  const wrong = (what: string, at: number) => violations.push({ invariant: 'S-t', what, at });
  const bringsIn = ({ home, jid, affiliation, role }: Occupant, node: Jid, i: number) => {
    if (home === undefined || jid === undefined) return;
    exercised++;
    if (home !== source && !isOwnUser(home, jid)) wrong(`${home} brings in ${jid} at ${node}`, i);
    // Of bans a shadow need not know those of other servers: the source decides who is in (decision #204).
    const listed = given0.get(bareOf(jid)) ?? 'none';
    const best = listed === 'outcast' ? 'none' : listed;
    if (rank[affiliation] > rank[best])
      wrong(`${jid}, who never was more than ${best}, is ${affiliation} at ${node}`, i);
    if (home !== source && role === 'moderator' && rank[best] < rank.admin && node !== domainOf(source ?? home))
      wrong(`${jid}, who never was more than ${best}, is ${role} at ${node}`, i);
  };
  /** A shadow tells of its own users alone, and of them under their own nicks. */
  const isSaid = (
    { by, author, nick, order }: HistoryItem,
    { node, room }: Place,
    cause: number | undefined,
    i: number,
  ) => {
    const input = cause === undefined ? undefined : trace[cause];
    const from = input?.kind === 'out' ? bareOf(input.stanza.from) : undefined;
    if (from === undefined || from === source || !addresses.has(from)) return;
    exercised++;
    // Of before its own beginning a room believes whoever has something of it.
    if (from !== hostileRoom || (by === room && order !== undefined && order.epoch !== epochs.get(node))) return;
    if (by !== from) wrong(`${node} keeps of ${from} what ${nick} is to have said at ${by}`, i);
    else if (author !== undefined && !isOwnUser(from, author)) wrong(`${node} keeps of ${from} words of ${author}`, i);
  };
  /** The role of a user of its own a shadow has from its own moderators, or the source. */
  const isRanked = ({ nick, role, home }: Occupant, place: Place, cause: number | undefined, i: number) => {
    const before = place.occupants.get(nick);
    const input = cause === undefined ? undefined : trace[cause];
    const from = input?.kind === 'out' ? bareOf(input.stanza.from) : undefined;
    if (home !== undefined || before === undefined || before.role === role || place.room === source) return;
    exercised++;
    if (from !== undefined && from !== source && addresses.has(from) && from !== place.room)
      wrong(`${from} makes ${nick} ${role} at ${place.node}`, i);
  };
  const decides = (event: RoomEvent, { node, room }: Place, cause: number | undefined, i: number) => {
    if (room === source) return;
    exercised++;
    const input = cause === undefined ? undefined : trace[cause];
    const from = input?.kind === 'out' ? bareOf(input.stanza.from) : undefined;
    if (from !== source && from !== domainOf(source ?? room))
      wrong(`${node}: ${event.kind}, asked for by ${from ?? 'nobody'}`, i);
  };
  return {
    kept(event, place, { cause }, i) {
      const { node, occupants } = place;
      if (!honest.has(node) || place.room !== rooms.get(node)) return;
      switch (event.kind) {
        case 'roomCreated':
          epochs.set(node, event.epoch);
          return;
        case 'affiliationChanged':
          if (place.room === source && rank[event.affiliation] > rank[given0.get(event.user) ?? 'none'])
            given0.set(event.user, event.affiliation);
          return decides(event, place, cause, i);
        case 'roomConfigured':
        case 'nickReserved':
        case 'roomDestroyed':
          return decides(event, place, cause, i);
        case 'occupantEntered':
          return bringsIn(event.occupant, node, i);
        case 'occupantChanged':
          isRanked(event.occupant, place, cause, i);
          return bringsIn(event.occupant, node, i);
        case 'messageAccepted':
          return isSaid(event.item, place, cause, i);
        case 'occupantLeft': {
          const gone = occupants.get(event.nick);
          const input = cause === undefined ? undefined : trace[cause];
          const from = input?.kind === 'out' ? bareOf(input.stanza.from) : undefined;
          if (gone === undefined || from === undefined || !addresses.has(from) || from === source) return;
          exercised++;
          // With a link its users go, and a nick is one user's (decision #207).
          const isDecided = event.leaving?.statuses?.some((code) => code === 301 || code === 307) === true;
          if (gone.home === undefined && isDecided && place.room !== source)
            wrong(`${from} kicks ${event.nick} at ${node}`, i);
        }
      }
    },
    verdict: () => ({ violations, exercised }),
  };
};
