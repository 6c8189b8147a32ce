import { isOwnUser } from '../core/distribution/scope.ts';
import { rank } from '../core/room/affiliation.ts';
import { type HistoryItem, isLocal, type Occupant, type RoomEvent } from '../core/room/event.ts';
import type { Affiliation } from '../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import type { XmlElement } from '../core/xmpp/xml.ts';
import type { Checker, Place } from './judge.ts';
import type { Violation } from './trace.ts';

/** What nodes and servers put beside a user's words that may hold a real address. */
const beside: ReadonlySet<string> = new Set([NS.delay, 'jabber:x:delay', 'http://jabber.org/protocol/address']);

/**
 * F-t: whom another node brings in is of a server for which it may speak, never of this node's own, and has no rank that this
 * node's lists have not given them. Of what it says nothing is kept that may hold a real address. Nobody is kicked by it.
 */
export const trust: Checker = ({ trace, world, retold }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const hostile = world?.plan.hostileNode;
  const nodes = new Map((world?.plan.layout.nodes ?? []).map((node) => [node.address, node]));
  const rooms = new Set(
    [...nodes.values()].flatMap((node) => (node.kind === 'service' ? node.rooms : [])).map(({ jid }) => jid),
  );
  /** By node: the highest rank that its lists ever gave a user (bare JID). */
  const given = new Map<Jid, Map<Jid, Affiliation>>();
  const listsOf = (node: Jid) => {
    const seat = nodes.get(node);
    const [room] = seat?.kind === 'service' ? seat.rooms : [];
    const lists = given.get(node) ?? new Map(room?.affiliations);
    given.set(node, lists);
    return lists;
  };
  const wrong = (what: string, at: number) => violations.push({ invariant: 'F-t', what, at });
  const bringsIn = ({ home, jid, affiliation, role }: Occupant, node: Jid, i: number) => {
    if (home === undefined || jid === undefined) return;
    exercised++;
    if (isOwnUser(node, jid)) wrong(`${home} brings ${jid} in at ${node}, whose own they are`, i);
    if (domainOf(home) === hostile && !isOwnUser(home, jid)) wrong(`${home} brings in ${jid}`, i);
    const best = listsOf(node).get(bareOf(jid)) ?? 'none';
    const isHigher = rank[affiliation] > rank[best] || (role === 'moderator' && rank[best] < rank.admin);
    if (isHigher) wrong(`${jid}, whom ${node} has as ${best}, is ${affiliation}/${role} there by ${home}`, i);
  };
  const holds = (payloads: readonly XmlElement[], { node }: Place, i: number) => {
    exercised++;
    const found = payloads.find(({ xmlns }) => beside.has(xmlns));
    if (found) wrong(`${node} keeps <${found.name} xmlns='${found.xmlns}'/> of another node`, i);
  };
  /** Whose words a hostile node brings. */
  const isIts = ({ via, author }: Pick<HistoryItem, 'via' | 'author'>, { node }: Place, i: number) => {
    if (via === undefined || author === undefined || domainOf(via) !== hostile || isOwnUser(via, author)) return;
    if (retold.appends.has(i)) return;
    wrong(`${node} keeps what ${author} is to have said by ${via}`, i);
  };
  const look = (event: RoomEvent, place: Place, cause: number | undefined, i: number) => {
    const { node, occupants } = place;
    switch (event.kind) {
      case 'affiliationChanged': {
        const lists = listsOf(node);
        if (rank[event.affiliation] > rank[lists.get(event.user) ?? 'none']) lists.set(event.user, event.affiliation);
        return;
      }
      case 'occupantEntered':
      case 'occupantChanged':
        bringsIn(event.occupant, node, i);
        if (event.occupant.home !== undefined) holds(event.occupant.presence, place, i);
        return;
      case 'messageAccepted':
        if (event.item.via !== undefined) holds(event.item.payloads, place, i);
        isIts(event.item, place, i);
        return;
      case 'subjectChanged':
        if (event.item?.via !== undefined) holds(event.item.payloads, place, i);
        return;
      case 'occupantLeft': {
        const gone = occupants.get(event.nick);
        const input = cause === undefined ? undefined : trace[cause];
        const from = input?.kind === 'out' ? input.stanza.from : undefined;
        if (gone === undefined || !isLocal(gone) || !event.leaving?.statuses?.includes(307) || from === undefined)
          return;
        exercised++;
        if (rooms.has(bareOf(from)) && bareOf(from) !== place.room) wrong(`${from} kicks ${gone.jid} at ${node}`, i);
      }
    }
  };
  return {
    kept(event, place, record, i) {
      if (place.node !== hostile) look(event, place, record.cause, i);
    },
    verdict: () => ({ violations, exercised }),
  };
};
