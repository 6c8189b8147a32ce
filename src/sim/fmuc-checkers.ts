import { isWordless } from '../core/distribution/wordless.ts';
import { isLoop, readLinkPlace } from '../core/xep/fmuc-sync.ts';
import { readMucUser } from '../core/xep/xep0045.ts';
import { readFmuc } from '../core/xep/xep0289.ts';
import { readOccupantId } from '../core/xep/xep0421.ts';
import { bareOf, domainOf, type Jid, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { bodyOf, payloadOf, stanzaText } from '../core/xmpp/stanza.ts';
import { isPrivateText, readBody } from './bodies.ts';
import { inputOf } from './causes.ts';
import { lostByBounceAlone } from './checkers/links.ts';
import { localAtOnce } from './checkers/local.ts';
import { servedHere, sessionsOf } from './checkers/occupants.ts';
import { lastWord } from './checkers/words.ts';
import type { Evidence } from './evidence.ts';
import { repeatsAreNoticed } from './fmuc-repeats.ts';
import { trust } from './fmuc-trust.ts';
import { waysAreWhole } from './fmuc-ways.ts';
import type { Checker } from './judge.ts';
import type { Verdict, Violation } from './trace.ts';

/** Rooms of the set, honest or not, and the addresses of the honest nodes. */
function setOf({ world }: Evidence) {
  const rooms = new Set<Jid>();
  const honest = new Set<Jid>();
  for (const node of world?.plan.layout.nodes ?? []) {
    for (const { jid } of node.kind === 'service' ? node.rooms : []) rooms.add(jid);
    if (node.address !== world?.plan.hostileNode) honest.add(node.address);
  }
  return { rooms, honest };
}

/**
 * F-a: in a connected period all that is sent gets there, once. So no link is given up for a bounce before anything has
 * failed (what was merely said to somebody who is gone is no failure), and nothing comes twice of which nothing is kept: neither a
 * private message nor a chat state.
 */
const connected: Checker = ({ world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  // A hostile node may give up what it likes, and repeat what its own users say.
  if (world === undefined || world.plan.hostileNode !== undefined)
    return { verdict: () => ({ violations, exercised }) };
  let sound = true;
  const told = new Set<string>();
  return {
    other(record, i) {
      if (record.kind === 'fault') sound = false;
      if (record.kind !== 'note' || !sound) return;
      exercised++;
      if (record.sign === 'bounce')
        violations.push({ invariant: 'F-a', what: `${record.node}, though nothing failed: ${record.what}`, at: i });
    },
    got({ i, view, stanza }) {
      const body = bodyOf(stanza);
      const isPrivate = stanza.type === 'chat' && body !== undefined && isPrivateText(body);
      if (!isPrivate && !(stanza.type === 'groupchat' && isWordless(stanza))) return;
      exercised++;
      const what = isPrivate ? `"${body}"` : `the chat state ${stanza.id}`;
      const key = `${view.person.jid} ${what}`;
      if (told.has(key)) violations.push({ invariant: 'F-a', what: `${view.person.jid} got ${what} twice`, at: i });
      told.add(key);
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** F-c: nothing goes back on the link that it came from. */
const neverBack: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { rooms, honest } = setOf(given);
  return {
    sent(record, i) {
      const { by, stanza } = record;
      if (stanza.type !== 'groupchat' || !honest.has(by)) return;
      const to = bareOf(stanza.to);
      if (!rooms.has(to)) return;
      const input = inputOf(given.trace, i);
      const body = input?.type === 'groupchat' ? bodyOf(input) : undefined;
      if (input === undefined || body === undefined) return;
      exercised++;
      if (bareOf(input.from) === to && body === bodyOf(stanza))
        violations.push({ invariant: 'F-c', what: `${by} sends back ${stanzaText(stanza)}`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * F-l: a message goes over each link once at most, and in a ring that has been quiet in one direction alone: by then the link
 * that closes it is given up (decision #146). What is told of later, as history, is not counted.
 */
const onceALink: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { rooms, honest } = setOf(given);
  const crossed = new Map<string, Set<string>>();
  const unsettled: Violation[] = [];
  let quiet = false;
  return {
    other(record) {
      if (record.kind === 'phase') quiet = record.phase === 'words';
    },
    sent({ by, stanza }, i) {
      const body = stanza.type === 'groupchat' ? bodyOf(stanza) : undefined;
      const [from, to] = [bareOf(stanza.from), bareOf(stanza.to)];
      const said = readBody(body);
      if (said === undefined || body === undefined || !honest.has(by) || !rooms.has(to)) return;
      if (stanza.payloads.some(({ xmlns }) => xmlns === NS.delay)) return;
      // What its own users have said a hostile node may say again, as something new.
      if (given.people[said.user]?.hostile === 'node') return;
      const links = crossed.get(body) ?? new Set<string>();
      crossed.set(body, links);
      exercised++;
      // A user whom one node refuses may be reached over the link that closes the ring alone.
      const isTree = given.contested.size === 0 && given.world?.plan.hostileNode === undefined;
      const settled = quiet && said.n === lastWord(2) && isTree;
      const again = { invariant: 'F-l', what: `${body} goes over the link of ${from} and ${to} again`, at: i };
      if (links.has(`${from} ${to}`)) violations.push(again);
      else if (settled && links.has(`${to} ${from}`)) unsettled.push(again);
      links.add(`${from} ${to}`);
    },
    // Where a node does not let a user in, the others may need a link of the ring to reach them.
    verdict: () => ({ violations: haveTheSame(given) ? [...violations, ...unsettled] : violations, exercised }),
  };
};

/**
 * F-m: of two rooms that name each other one joins the other (decision #147). Each may think for a moment that the other has joined
 * it, but before anything has failed not for long.
 */
const oneOfTwoJoins: Checker = ({ world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  let sound = world?.plan.hostileNode === undefined;
  /** Nodes, and those that have joined them, as they think; and since when both have. */
  const joined = new Set<string>();
  const both = new Map<string, number>();
  return {
    other(record) {
      if (record.kind === 'fault' || record.kind === 'phase') sound = false;
    },
    kept(event, { node }, { t }, i) {
      if (!sound) return;
      for (const [pair, since] of both) {
        if (t - since < mutualMs) continue;
        violations.push({ invariant: 'F-m', what: `${pair}: each has let the other join`, at: i });
        both.delete(pair);
      }
      if (event.kind !== 'peerChanged') return;
      exercised++;
      const peer = domainOf(event.peer);
      const pair = [node, peer].sort().join(' and ');
      const { record } = event;
      const isJoined = record !== undefined && 'direction' in record && record.direction === 'inbound';
      if (isJoined) joined.add(`${node} ${peer}`);
      else joined.delete(`${node} ${peer}`);
      if (!isJoined || !joined.has(`${peer} ${node}`)) both.delete(pair);
      else both.set(pair, t);
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** How long two rooms may disagree about who has joined whom, in milliseconds. */
const mutualMs = 5_000;

/** Whether all honest nodes that are in the set have the same users. */
function haveTheSame(given: Evidence): boolean {
  const { honest } = setOf(given);
  const rosters = [...(given.world?.seats ?? [])].flatMap(([address, { node }]) =>
    honest.has(address) ? node.status().rooms.map(({ occupants }) => occupants.map(({ nick }) => nick).sort()) : [],
  );
  return new Set(rosters.filter(({ length }) => length > 0).map((nicks) => nicks.join(' '))).size <= 1;
}

/**
 * F-r: before anything has failed nobody is lost (status 333), however links are made and given up. But a node whose last user is
 * gone is out of the set, and others may have reached each other by it. And nobody is ever lost by a node that ends a link because
 * it closes a ring.
 */
const nobodyIsLost: Checker = (given) => {
  const { trace, world } = given;
  const { honest } = setOf(given);
  const violations: Violation[] = [];
  let exercised = 0;
  let sound = world?.plan.hostileNode === undefined;
  const gone = new Set<string>();
  return {
    other(record) {
      if (record.kind === 'fault' || (record.kind === 'phase' && record.phase === 'repeated')) sound = false;
    },
    kept(event, { occupants }) {
      if (event.kind === 'peerChanged' && event.record?.state === 'leaving') sound = false;
      // Their own node has lost them.
      if (event.kind === 'occupantLeft' && servedHere(occupants.get(event.nick)).length > 0) gone.add(event.nick);
    },
    sent({ by, stanza, cause }, i) {
      // The last of them who is in there is gone, and another one may be on the way.
      if (readFmuc(stanza.payloads)?.kind === 'left') sound = false;
      const place = readLinkPlace(payloadOf(stanza, 'fmuc', NS.fmuc));
      if (!honest.has(by) || place === undefined || place.n === 0 || !isLoop(stanza.payloads)) return;
      exercised++;
      const led = cause === undefined ? undefined : trace[cause];
      for (const event of led?.kind === 'append' ? led.events : [])
        if (event.kind === 'occupantLeft' && event.leaving?.statuses?.includes(333))
          violations.push({ invariant: 'F-r', what: `${by} ends a link of a ring, and ${event.nick} is lost`, at: i });
    },
    got({ i, view, sent, stanza, self }) {
      if (!sound || stanza.name !== 'presence' || stanza.type === 'error') return;
      exercised++;
      const lost = stanza.type === 'unavailable' && readMucUser(stanza.payloads)?.statuses.includes(333);
      // XEP-0045 §7.2.18: nobody was lost where a client takes itself for an occupant, such as one that changes its nick after its leave.
      const isAnswer = self && inputOf(trace, sent)?.from === view.person.jid;
      if (lost && !isAnswer && !gone.has(resourceOf(stanza.from)))
        violations.push({ invariant: 'F-r', what: `${view.person.jid} saw ${stanza.from} get lost`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * F-o: whatever somebody says has one occupant id at a node (XEP-0421), live, late and in the history, also where the node
 * knows them by what they said alone.
 */
const oneOccupantId: Checker = ({ people, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  /** By node, and then by user. */
  const given = new Map<Jid, Map<Jid, string>>();
  return {
    other(record) {
      // Without its log a node gives new ones.
      if (record.kind === 'forgotten') given.delete(record.node);
    },
    heard({ i, view, said, body, stanza }) {
      const author = said && people[said.user];
      // A hostile node says what it likes, and of whom it likes.
      if (author === undefined || author.hostile || world?.plan.hostileNode !== undefined) return;
      const node = domainOf(view.person.room);
      const ids = given.get(node) ?? new Map<Jid, string>();
      given.set(node, ids);
      exercised++;
      const id = readOccupantId(stanza.payloads);
      const user = bareOf(author.jid);
      const before = ids.get(user) ?? id;
      if (id === '' || id !== before) {
        const what = `${view.person.jid} got ${body} of ${user} with the occupant id "${id}", before it was "${before}"`;
        violations.push({ invariant: 'F-o', what, at: i });
      }
      ids.set(user, id);
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** F-g: a node whose last user is gone is out of the set: it holds nobody else's users and asks nobody for anything. */
const silenceAfterLast: Checker = (given) => ({ verdict: () => outOfTheSet(given) });

function outOfTheSet(given: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const [address, { config, node }] of given.world?.seats ?? []) {
    if (address === given.world?.plan.hostileNode || config.kind !== 'service') continue;
    for (const { room, occupants, peers } of node.status().rooms) {
      const { distribution } = config.rooms.find(({ jid }) => jid === room) ?? {};
      if (distribution?.kind !== 'fmuc' || distribution.outbound.length === 0) continue;
      const outbound = new Set<string>(distribution.outbound);
      // A node that also lets one of them join may be the joined one.
      if (distribution.allowedNodes.some((peer) => outbound.has(peer))) continue;
      if (occupants.some(({ home }) => home === undefined || !outbound.has(home))) continue;
      exercised++;
      const joined = peers.filter(
        (one) => outbound.has(one.peer) && one.state !== 'rejected' && one.state !== 'standby',
      );
      if (joined.length > 0 || occupants.length > 0)
        violations.push({
          invariant: 'F-g',
          what: `${room} has no user of its own, and ${occupants.length} others; it is linked: ${joined.map(({ peer, state }) => `${peer} ${state}`)}`,
        });
    }
  }
  return { violations, exercised };
}

/**
 * F-p: other nodes know a user by one JID, that of the session which entered first at their own node and is still in (decision
 * #141).
 */
const onePerUser: Checker = (given) => {
  let exercised = 0;
  const { world } = given;
  const { honest } = setOf(given);
  /** By node and session: when it came under the nick that it has. */
  const came = new Map<string, number>();
  let comings = 0;
  const comes = (node: Jid, jids: readonly Jid[]) => {
    for (const jid of jids) came.set(`${node} ${jid}`, comings++);
  };
  return {
    kept(event, { node, occupants }) {
      if (event.kind === 'occupantEntered') comes(node, servedHere(event.occupant));
      else if (event.kind === 'occupantChanged') {
        const before = servedHere(occupants.get(event.occupant.nick));
        comes(
          node,
          servedHere(event.occupant).filter((jid) => !before.includes(jid)),
        );
      } else if (event.kind === 'nickChanged' && occupants.has(event.newNick)) {
        // In the order in which they came under their own.
        const own = [...servedHere(occupants.get(event.nick))];
        comes(
          node,
          own.sort((a, b) => (came.get(`${node} ${a}`) ?? 0) - (came.get(`${node} ${b}`) ?? 0)),
        );
      }
    },
    verdict() {
      const violations: Violation[] = [];
      const wrong = (what: string) => violations.push({ invariant: 'F-p', what });
      const nodes = [...(world?.seats ?? [])].filter(([address]) => honest.has(address));
      const first = new Map<string, Jid>();
      const all = nodes.flatMap(([node, seat]) =>
        seat.node.snapshot().rooms.flatMap(({ occupants }) => occupants.map((occupant) => ({ node, occupant }))),
      );
      for (const { node, occupant } of all) {
        const here = [...servedHere(occupant)];
        const [earliest] = here.sort((a, b) => (came.get(`${node} ${a}`) ?? 0) - (came.get(`${node} ${b}`) ?? 0));
        if (earliest !== undefined) first.set(occupant.nick, earliest);
      }
      for (const { node, occupant } of all) {
        if (servedHere(occupant).length > 0) continue;
        const known = sessionsOf(occupant);
        // Who is not shown here may have the nick there.
        if (known.some((one) => given.contested.has(bareOf(one.jid)))) continue;
        const jid = first.get(occupant.nick);
        if (jid === undefined || given.contested.has(bareOf(jid))) continue;
        exercised++;
        if (known.length !== 1 || known[0]?.jid !== jid)
          wrong(`${node} knows ${occupant.nick} by ${known.map((one) => one.jid).join(' ')}, and not by ${jid} alone`);
      }
      return { violations, exercised };
    },
  };
};

/** The invariants of XEP-0289 in primary-primary mode, beside those of all protocols. */
export const fmucCheckers: Readonly<Record<string, Checker>> = {
  'F-a': connected,
  'F-c': neverBack,
  'F-d': localAtOnce('F-d', (given) => setOf(given).honest),
  'F-l': onceALink,
  'F-m': oneOfTwoJoins,
  'F-r': nobodyIsLost,
  'F-g': silenceAfterLast,
  'F-o': oneOccupantId,
  'F-p': onePerUser,
  'F-t': trust,
  'F-u': repeatsAreNoticed,
  'F-v': waysAreWhole,
  // `not-acceptable` says that the neighbour knows of no link (decision #24).
  'F-h': lostByBounceAlone('F-h', ['not-acceptable']),
};
