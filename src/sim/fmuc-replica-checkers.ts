import { isWordless } from '../core/distribution/wordless.ts';
import { readLinkPlace } from '../core/xep/fmuc-sync.ts';
import { hasStatus } from '../core/xep/xep0045.ts';
import { bareOf, type Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { bodyOf, errorOf, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { type Instant, instant } from '../core/xmpp/time.ts';
import { textOf } from '../core/xmpp/xml.ts';
import { inputOf } from './causes.ts';
import { servedHere, userOf } from './checkers/occupants.ts';
import type { Evidence } from './evidence.ts';
import { fmucCheckers } from './fmuc-checkers.ts';
import type { Checker, Place } from './judge.ts';
import { isSelf } from './stanzas.ts';
import type { Violation } from './trace.ts';

/** The node that all others depend on, the room that each of the others joins, and which node of the plan is hostile. */
function nodesOf({ world }: Evidence) {
  const above = new Map<Jid, Jid>();
  const rooms = new Map<Jid, Jid>();
  let root: Jid | undefined;
  for (const node of world?.plan.layout.nodes ?? [])
    for (const { jid, distribution } of node.kind === 'service' ? node.rooms : []) {
      rooms.set(jid, node.address);
      const [outbound] = distribution.kind === 'fmuc' ? distribution.outbound : [];
      if (outbound === undefined) root = node.address;
      else above.set(node.address, outbound);
    }
  return { root, above, rooms, hostile: world?.plan.hostileNode };
}

/** Where in the trace the primary accepted each word; a hostile node may make its users say one twice. */
function acceptance(root: Jid | undefined) {
  const accepted = new Map<string, number[]>();
  const kept: NonNullable<ReturnType<Checker>['kept']> = (event, { node }, _, i) => {
    if (node !== root || event.kind !== 'messageAccepted' || event.past) return;
    for (const payload of event.item.payloads) {
      if (payload.name !== 'body') continue;
      const places = accepted.get(textOf(payload)) ?? [];
      accepted.set(textOf(payload), places);
      places.push(i);
    }
  };
  return { accepted, kept };
}

/** R-a: everybody, at whatever node, reads in the order in which the primary accepted. */
const oneOrder: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { root } = nodesOf(given);
  const { accepted, kept } = acceptance(root);
  const last = new Map(given.views.map((view) => [view, -1]));
  return {
    kept,
    heard({ i, view, body, delayed }) {
      const places = delayed ? undefined : accepted.get(body);
      const before = last.get(view) ?? -1;
      if (places === undefined || places.length > 1) return;
      const [place] = places as [number];
      exercised++;
      if (place < before)
        violations.push({
          invariant: 'R-a',
          what: `${view.person.jid} got ${body} after what was accepted later`,
          at: i,
        });
      last.set(view, Math.max(before, place));
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** R-b: nothing is shown at a replica, and nobody is let in, before the primary has it. */
const echoFirst: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { root, hostile } = nodesOf(given);
  const { accepted, kept } = acceptance(root);
  const known = new Set<Jid>();
  return {
    kept(event, place, record, i) {
      kept(event, place, record, i);
      if (event.kind !== 'occupantEntered') return;
      const user = userOf(event.occupant);
      if (user === undefined || place.node === hostile) return;
      if (place.node === root) known.add(user);
      else if (servedHere(event.occupant).length > 0) {
        exercised++;
        if (!known.has(user))
          violations.push({ invariant: 'R-b', what: `${user} is in at ${place.node}, and not at the primary`, at: i });
      }
    },
    heard({ i, view, said, body, delayed }) {
      if (delayed || said === undefined) return;
      exercised++;
      if (accepted.get(body) === undefined)
        violations.push({ invariant: 'R-b', what: `${view.person.jid} got ${body} before the primary had it`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** What names a stanza, and an answer to it. */
const nameOf = (user: Jid, { name, id }: Stanza) => `${user} ${name} ${id}`;

/**
 * R-c: who says something is answered: it comes back, or they are told that it may not have been said; and what was refused at
 * once was not said. Not promised where their client is another since, or their node has crashed; nor to a session that was
 * taken out meanwhile, because nothing may follow its own unavailable presence (G6), and only what follows would be an answer.
 */
const nobodyWaits: Checker = (given) => {
  const { trace, byJid } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const { hostile, rooms } = nodesOf(given);
  /** What was said, and its text, by name; and texts that were refused at once. */
  const open = new Map<string, { readonly user: Jid; readonly node: Jid; readonly i: number; readonly body: string }>();
  const refused = new Map<string, Jid>();
  const texts = new Map<string, string>();
  const excuse = (which: (user: Jid, node: Jid) => boolean) => {
    for (const [key, { user, node }] of open) if (which(user, node)) open.delete(key);
  };
  return {
    handed({ to, stanza }, i) {
      const person = byJid.get(stanza.from)?.person;
      if (person === undefined || rooms.get(bareOf(stanza.to)) !== to || to === hostile) return;
      if (stanza.name === 'presence') return excuse((user) => user === stanza.from && stanza.type === 'unavailable');
      const body = stanza.type === 'groupchat' && !isWordless(stanza) ? bodyOf(stanza) : undefined;
      if (body === undefined) return;
      texts.set(nameOf(stanza.from, stanza), body);
      open.set(nameOf(stanza.from, stanza), { user: stanza.from, node: to, i, body });
    },
    sent({ stanza, by }, i) {
      if (stanza.type === 'unavailable' && isSelf(stanza) && !hasStatus(stanza.payloads, 303))
        return excuse((user, node) => user === stanza.to && node === by);
      const key = nameOf(stanza.to, stanza);
      const said = open.get(key);
      if (said === undefined || said.node !== by || (stanza.type !== 'groupchat' && stanza.type !== 'error')) return;
      open.delete(key);
      exercised++;
      if (stanza.type === 'error' && inputOf(trace, i)?.from === stanza.to) refused.set(said.body, stanza.to);
    },
    heard({ i, view, body }) {
      const author = refused.get(body);
      if (author !== undefined)
        violations.push({ invariant: 'R-c', what: `${view.person.jid} got ${body}, which was refused`, at: i });
    },
    other(record) {
      if (record.kind === 'session') excuse((user) => user === record.user);
      if (record.kind !== 'fault' || !('node' in record.fault) || record.fault.kind === 'freeze') return;
      const { node } = record.fault;
      excuse((_, home) => home === node);
    },
    verdict() {
      for (const { user, body, i } of open.values())
        violations.push({ invariant: 'R-c', what: `${user} said ${body}, and was never answered`, at: i });
      return { violations, exercised };
    },
  };
};

/** Which link of two nodes a stanza belongs to (decision #60). */
function linkOf(stanza: Stanza): string | undefined {
  return readLinkPlace(payloadOf(stanza, 'fmuc', NS.fmuc))?.session;
}

/** How much later than in time an echo may come, as decision #152 has it. */
const lateMs = 600_000;

/**
 * R-d: an echo counts, however late it is: a node with users keeps what its primary sends back over the link by which it was
 * asked. (That it counts once is G4.) A node whose clock was set forward by more than that meanwhile need not.
 */
const lateEchoCounts: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { above, hostile, rooms } = nodesOf(given);
  const places = new Map<Jid, Place>();
  /** By node: the link over which it spoke last. */
  const links = new Map<Jid, string | undefined>();
  /** Links that their nodes have given up. What is said over one of them may leave later, with what was kept for it. */
  const over = new Set<string | undefined>();
  /** By node and text: the link over which the primary was asked, and when. */
  const asked = new Map<string, { readonly link: string; readonly t: Instant }>();
  let back: { readonly node: Jid; readonly body: string; readonly i: number }[] = [];
  const forget = (which: (one: (typeof back)[number]) => boolean) => {
    back = back.filter((one) => !which(one));
  };
  const has = new Map<Jid, Set<string>>();
  const hostileRoom = [...rooms].find(([, node]) => node === hostile)?.[0];
  const begin = given.trace[0]?.t ?? instant(0);
  const isSetForward = (node: Jid, since: Instant) =>
    given.world?.plan.steps?.some(
      (step) => step.kind === 'clock' && step.node === node && step.byMs > lateMs && begin + step.at >= since,
    ) === true;
  return {
    sent({ by, stanza, t }) {
      const up = above.get(by);
      const body =
        up !== undefined && bareOf(stanza.to) === up && stanza.type === 'groupchat' ? bodyOf(stanza) : undefined;
      const link = body === undefined ? undefined : linkOf(stanza);
      if (link !== undefined && !asked.has(`${by} ${body}`)) asked.set(`${by} ${body}`, { link, t });
      if (up !== undefined && bareOf(stanza.to) === up) links.set(by, linkOf(stanza) ?? links.get(by));
    },
    handed({ to, stanza }, i) {
      const up = above.get(to);
      if (up === undefined || bareOf(stanza.from) !== up || stanza.type !== 'groupchat' || to === hostile) return;
      if (stanza.payloads.some(({ name }) => name === 'delay' || name === 'error')) return;
      const body = bodyOf(stanza);
      const { link, t = begin } = asked.get(`${to} ${body}`) ?? {};
      const here = [...(places.get(to)?.occupants.values() ?? [])].some((one) => servedHere(one).length > 0);
      if (body === undefined || link === undefined || link !== linkOf(stanza)) return;
      if (over.has(link) || !here || up === hostileRoom || isSetForward(to, t)) return;
      back.push({ node: to, body, i });
    },
    kept(event, place, { cause }) {
      places.set(place.node, place);
      const isOver = event.kind === 'peerChanged' && event.record?.state !== 'live';
      if (isOver && above.get(place.node) === event.peer) {
        over.add(links.get(place.node));
        // It came at a place that showed a gap (decision #60), or waited behind what ended the link.
        if (cause !== undefined) forget((one) => one.node === place.node && one.i >= cause);
      }
      if (event.kind !== 'messageAccepted') return;
      const held = has.get(place.node) ?? new Set<string>();
      has.set(place.node, held);
      for (const payload of event.item.payloads) if (payload.name === 'body') held.add(textOf(payload));
    },
    other(record) {
      if (record.kind === 'fault' && 'node' in record.fault && record.fault.kind !== 'freeze') {
        const { node: crashed } = record.fault;
        over.add(links.get(crashed));
        // It may have slept, and not have looked at it.
        forget(({ node, body }) => node === crashed && !has.get(node)?.has(body));
      }
      // What reaches a node that is about to give up the link, or to crash, may count for nothing.
      if (record.kind === 'undone' || record.kind === 'untold' || record.kind === 'forgotten')
        forget(({ node }) => node === record.node);
    },
    verdict() {
      for (const { node, body, i } of back) {
        exercised++;
        if (!has.get(node)?.has(body))
          violations.push({
            invariant: 'R-d',
            what: `${node} does not show ${body}, which its primary sent back`,
            at: i,
          });
      }
      return { violations, exercised };
    },
  };
};

/** What may wait for one user, as decision #152 has it: repeated here, since a checker that asked the core would always agree. */
const userMax = 50;

/** R-e: of one user no more waits for an echo at a node than may. */
const bounded: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { above, hostile, rooms } = nodesOf(given);
  const waiting = new Map<Jid, Set<string>>();
  /** Sessions that have left. A node that slept learns of it later, and nobody is told what becomes of their words. */
  const left = new Set<Jid>();
  return {
    said({ by, stanza }) {
      if (stanza.name !== 'presence') return;
      if (stanza.type !== 'unavailable') return void left.delete(by);
      left.add(by);
      waiting.delete(bareOf(by));
    },
    sent({ stanza, by }, i) {
      if (!above.has(by) || by === hostile) return;
      const asked = inputOf(given.trace, i);
      if (bareOf(stanza.to) !== above.get(by)) waiting.get(bareOf(stanza.to))?.delete(`${stanza.name} ${stanza.id}`);
      else if (asked?.type === 'groupchat' && !isWordless(asked) && rooms.get(bareOf(asked.from)) === undefined) {
        if (left.has(asked.from)) return;
        const user = bareOf(asked.from);
        const own = waiting.get(user) ?? new Set<string>();
        waiting.set(user, own);
        own.add(`${asked.name} ${asked.id}`);
        exercised++;
        if (own.size > userMax)
          violations.push({ invariant: 'R-e', what: `${own.size} things of ${user} wait at ${by}`, at: i });
      }
    },
    other(record) {
      if (record.kind === 'session') waiting.delete(bareOf(record.user));
      if (record.kind === 'fault' && record.fault.kind !== 'freeze' && 'node' in record.fault) waiting.clear();
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** R-f: nobody loses their nick to themselves: what a primary says of a replica's user is an echo, and no collision. */
const noCollision: Checker = (given) => {
  const { trace } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const { hostile } = nodesOf(given);
  /** By nick: who has ever had it, or wanted it. */
  const wanted = new Map<string, Set<Jid>>();
  const want = (nick: string, user: Jid | undefined) => {
    if (user === undefined) return;
    const users = wanted.get(nick) ?? new Set<Jid>();
    wanted.set(nick, users);
    users.add(user);
  };
  const nickOf = (jid: Jid) => jid.slice(jid.indexOf('/') + 1).toLowerCase();
  return {
    said({ by, stanza }) {
      if (stanza.name === 'presence' && stanza.to.includes('/')) want(nickOf(stanza.to), bareOf(by));
    },
    kept(event) {
      if (event.kind === 'occupantEntered' || event.kind === 'occupantChanged')
        want(event.occupant.nick.toLowerCase(), userOf(event.occupant));
    },
    got({ i, stanza, sent, view }) {
      if (stanza.name !== 'presence' || stanza.type !== 'error' || errorOf(stanza)?.condition !== 'conflict') return;
      if (inputOf(trace, sent)?.from === view.person.jid || hostile !== undefined) return;
      exercised++;
      const others = [...(wanted.get(nickOf(stanza.from)) ?? [])].filter((user) => user !== bareOf(view.person.jid));
      if (others.length === 0)
        violations.push({ invariant: 'R-f', what: `${view.person.jid} lost ${stanza.from} to nobody else`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

const { 'F-c': _, 'F-d': __, 'F-l': ___, ...common } = fmucCheckers;

/** The invariants of XEP-0289 in primary-replica mode, beside those of all protocols. */
export const fmucReplicaCheckers: Readonly<Record<string, Checker>> = {
  ...common,
  'R-a': oneOrder,
  'R-b': echoFirst,
  'R-c': nobodyWaits,
  'R-d': lateEchoCounts,
  'R-e': bounded,
  'R-f': noCollision,
};
