import { readElsewhere, readTrail, type Trail } from '../core/xep/fmuc-sync.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza, stanzaText } from '../core/xmpp/stanza.ts';
import type { Checker } from './judge.ts';
import type { Violation } from './trace.ts';

/**
 * F-v: a node that passes on what another one said of its users names the nodes that it had it by, all of them, and it goes to none of
 * those (decision #145). A way that is too short shows nowhere else but in a ring, and there only if the user is of a node outside it.
 */
export const waysAreWhole: Checker = ({ world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const hostile = world?.plan.hostileNode;
  const nodes = new Set((world?.plan.layout.nodes ?? []).map(({ address }) => address));
  const isBetweenNodes = ({ from, to }: Stanza) => nodes.has(domainOf(from)) && nodes.has(domainOf(to));
  /** By room: the ways by which it was told of users of another node. */
  const known = new Map<Jid, Set<string>>();
  return {
    handed({ stanza }) {
      if (!isBetweenNodes(stanza)) return;
      const [peer, room] = [bareOf(stanza.from), bareOf(stanza.to)];
      const trail = trailOf(stanza) ?? { by: peer, via: [] };
      const ways = known.get(room) ?? new Set<string>();
      known.set(room, ways.add(wayOf(trail, trail.by === peer ? [] : [peer])));
    },
    sent({ by, stanza }, i) {
      if (by === hostile || !isBetweenNodes(stanza)) return;
      const [room, to] = [bareOf(stanza.from), bareOf(stanza.to)];
      const trail = trailOf(stanza);
      // That it is no way to somebody (any more) is a node's own word, and so is what it tells of the past: of that it kept the peer.
      if (trail === undefined || trail.by === room || trail.past || readElsewhere(stanza.payloads) !== undefined)
        return;
      exercised++;
      const way = wayOf(trail);
      if (!known.get(room)?.has(way))
        violations.push({ invariant: 'F-v', what: `nothing came to ${room} by ${way}: ${stanzaText(stanza)}`, at: i });
      if (trail.id !== undefined && (trail.by === to || trail.via.includes(to)))
        violations.push({ invariant: 'F-v', what: `${to} has had it: ${stanzaText(stanza)}`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

const trailOf = (stanza: Stanza) => readTrail(payloadOf(stanza, 'fmuc', NS.fmuc), bareOf(stanza.from));

/** @param last  the peer that it came from, where it did not begin there */
const wayOf = ({ by, via }: Trail, last: readonly Jid[] = []) => [by, ...via, ...last].join(', ');
