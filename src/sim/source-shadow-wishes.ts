import type { InstancePeer } from '../core/distribution/peers.ts';
import type { RoomEvent } from '../core/room/event.ts';
import { readAsked } from '../core/xep/instances.ts';
import { type Affiliation, affiliations } from '../core/xep/xep0045.ts';
import { bareOf, type Jid, parseJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadIn, type Stanza } from '../core/xmpp/stanza.ts';
import { childrenOf, type XmlElement } from '../core/xmpp/xml.ts';
import { inputOf } from './causes.ts';
import { servedHere } from './checkers/occupants.ts';
import { instancesOf, sourceIn } from './instances.ts';
import type { Checker, Place } from './judge.ts';
import type { Violation } from './trace.ts';

/** What an order makes of a user. */
interface Made {
  readonly user: Jid;
  readonly affiliation: Affiliation;
}

/**
 * S-w: whoever is told that the lists are changed can rely on that: where they asked the lists say so, or their shadow, which the
 * source cannot hear, keeps what they want (decision #206). What it keeps the source decides when both are linked again, and its
 * author, if in, is told what has become of it.
 */
export const wishes: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { trace, untold, world } = given;
  const { rooms, honest, source } = instancesOf(given);
  const configured = world && sourceIn(world.plan.layout)?.affiliations;
  /** By room. */
  const lists = new Map<Jid, Map<Jid, Affiliation>>();
  /** By room and user: where the last change of it was kept. */
  const changed = new Map<string, number>();
  /** By shadow, and then by id: whose wish waits. */
  const waiting = new Map<Jid, Map<string, Jid>>();
  /** By append: who is to be told what has become of theirs. */
  const due = new Map<number, Set<Jid>>();
  const wrong = (what: string, at?: number) =>
    violations.push({ invariant: 'S-w', what, ...(at === undefined ? {} : { at }) });

  const listsOf = (room: Jid) => {
    const known = lists.get(room) ?? new Map(room === source ? configured : []);
    lists.set(room, known);
    return known;
  };
  const asked = (
    { node, occupants }: Place,
    record: InstancePeer | undefined,
    cause: number | undefined,
    i: number,
  ) => {
    const before = waiting.get(node) ?? new Map<string, Jid>();
    const now = new Map((record?.asked ?? []).map(({ id, from }) => [id, from]));
    waiting.set(node, now);
    exercised += [...now.keys()].filter((id) => !before.has(id)).length;
    // It is no shadow any more.
    if (record === undefined) return;
    const input = cause === undefined ? undefined : trace[cause];
    const from = input?.kind === 'out' && input.stanza.name === 'iq' ? bareOf(input.stanza.from) : undefined;
    for (const [id, author] of before) {
      if (now.has(id)) continue;
      if (from !== source) wrong(`${node} forgets what ${author} wants, and the source has not answered`, i);
      else if (!untold.has(i) && [...occupants.values()].some((one) => servedHere(one).includes(author)))
        due.set(i, (due.get(i) ?? new Set()).add(author));
    }
  };
  /** What is said to be done. */
  const done = (by: Jid, room: Jid, user: Jid, query: XmlElement, cause: number | undefined, i: number) => {
    const led = cause === undefined ? undefined : trace[cause];
    const isKept = led?.kind === 'append' && led.events.some((event) => keeps(event, user));
    for (const { user: whom, affiliation } of readOrder(query)) {
      exercised++;
      // What waited together with it may have changed them again since.
      const isMade = led?.kind === 'append' && led.events.some((event) => makes(event, { user: whom, affiliation }));
      const now = listsOf(room).get(whom) ?? 'none';
      const isOlder = cause !== undefined && (changed.get(`${room} ${whom}`) ?? -1) > cause;
      if (!isKept && !isMade && !isOlder && now !== affiliation)
        wrong(`${by} tells ${user} that ${whom} is ${affiliation}, who is ${now} there`, i);
    }
  };
  return {
    other(record) {
      if (record.kind !== 'forgotten') return;
      const room = rooms.get(record.node);
      if (room !== undefined) lists.delete(room);
      waiting.delete(record.node);
    },
    kept(event, place, { cause }, i) {
      const { node, room } = place;
      if (!honest.has(node) || room !== rooms.get(node)) return;
      if (event.kind === 'affiliationChanged') {
        listsOf(room).set(event.user, event.affiliation);
        changed.set(`${room} ${event.user}`, i);
      } else if (event.kind === 'roomCreated' || event.kind === 'roomDestroyed') {
        if (room !== source) lists.delete(room);
        waiting.delete(node);
      } else if (event.kind === 'peerChanged' && event.peer === source)
        asked(place, event.record?.kind === 'instance' ? (event.record as InstancePeer) : undefined, cause, i);
    },
    sent({ by, stanza, cause }, i) {
      const room = rooms.get(by);
      if (room === undefined || !honest.has(by) || bareOf(stanza.from) !== room) return;
      if (stanza.name === 'message' && cause !== undefined) due.get(cause)?.delete(stanza.to);
      const input = stanza.name === 'iq' && stanza.type === 'result' ? inputOf(trace, i) : undefined;
      if (input?.type !== 'set' || input.id !== stanza.id || input.from !== stanza.to) return;
      const { user, query } = orderIn(input);
      if (query !== undefined) done(by, room, user, query, cause, i);
    },
    verdict() {
      for (const [i, authors] of due)
        for (const author of authors) wrong(`${author} is not told what has become of what they wanted`, i);
      for (const [node, left] of waiting) {
        const room = world?.seats
          .get(node)
          ?.node.snapshot()
          .rooms.find((one) => one.room === rooms.get(node));
        const isLinked = room?.peers.some(([peer, { state }]) => peer === source && state === 'live');
        if (isLinked) for (const author of left.values()) wrong(`what ${author} wants still waits at ${node}`);
      }
      return { violations, exercised };
    },
  };
};

/** Whether a shadow keeps something for this user. */
function keeps(event: RoomEvent, user: Jid): boolean {
  const record = event.kind === 'peerChanged' && event.record?.kind === 'instance' ? event.record : undefined;
  return (record as InstancePeer | undefined)?.asked?.at(-1)?.from === user;
}

function makes(event: RoomEvent, { user, affiliation }: Made): boolean {
  return event.kind === 'affiliationChanged' && event.user === user && event.affiliation === affiliation;
}

/** Who changes the lists, maybe by their shadow. */
function orderIn({ from, payloads }: Stanza): { readonly user: Jid; readonly query: XmlElement | undefined } {
  const asked = readAsked(payloads);
  const query = payloadIn(asked === undefined ? payloads : [asked.payload], 'query', NS.mucAdmin);
  return { user: asked?.from ?? from, query };
}

function readOrder(query: XmlElement): readonly Made[] {
  return childrenOf(query, 'item', NS.mucAdmin).flatMap(({ attrs }) => {
    const user = parseJid(attrs['jid'] ?? '');
    const affiliation = affiliations.find((known) => known === attrs['affiliation']);
    return user === undefined || affiliation === undefined ? [] : [{ user: bareOf(user), affiliation }];
  });
}
