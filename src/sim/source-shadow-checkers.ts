import type { HistoryItem, RoomEvent } from '../core/room/event.ts';
import { changesSubject } from '../core/xep/xep0045.ts';
import { bareOf, domainOf, type Jid } from '../core/xmpp/jid.ts';
import { bodyOf, stanzaText } from '../core/xmpp/stanza.ts';
import { textOf } from '../core/xmpp/xml.ts';
import { readBody } from './bodies.ts';
import { inputOf } from './causes.ts';
import { localAtOnce } from './checkers/local.ts';
import { servedHere } from './checkers/occupants.ts';
import { instancesOf } from './instances.ts';
import type { Checker } from './judge.ts';
import { causalOrder, configurations, sameArchives } from './source-shadow-copies.ts';
import { offers, passwords, redirects } from './source-shadow-entries.ts';
import { hosting, realAddresses, trust } from './source-shadow-trust.ts';
import { wishes } from './source-shadow-wishes.ts';
import type { Violation } from './trace.ts';
import { isOut, type View, whole } from './view.ts';

/** The message that an event keeps. */
export function itemOf(event: RoomEvent): HistoryItem | undefined {
  if (event.kind === 'messageAccepted' || event.kind === 'subjectChanged') return event.item;
  return undefined;
}

/** What an item says, if it is one of the words that checkers know. */
export function wordOf(item: HistoryItem): string | undefined {
  const body = item.payloads.find(({ name }) => name === 'body');
  const text = body && textOf(body);
  return readBody(text) ? text : undefined;
}

/** S-a: what one instance has accepted its own users and others' read, live, in the order in which it was accepted. */
const instanceFifo: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { rooms } = instancesOf(given);
  const places = new Map<string, number>();
  const last = new Map<string, number>();
  return {
    kept(event, { node }, _, i) {
      const item = itemOf(event);
      const word = item?.by === rooms.get(node) ? item && wordOf(item) : undefined;
      if (word !== undefined && !places.has(word)) places.set(word, i);
    },
    other(record) {
      if (record.kind === 'session')
        for (const key of last.keys()) if (key.startsWith(`${record.user} `)) last.delete(key);
    },
    heard({ i, view, said, body, delayed }) {
      const author = said && given.people[said.user];
      const place = places.get(body);
      if (delayed || place === undefined || author === undefined || author.hostile === 'node') return;
      exercised++;
      const key = `${view.person.jid} ${author.room}`;
      if (place < (last.get(key) ?? -1))
        violations.push({ invariant: 'S-a', what: `${view.person.jid} got ${body} after what came later`, at: i });
      last.set(key, Math.max(place, last.get(key) ?? -1));
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * S-b: what an instance has of any other it tells its users who are in, live or delayed, also when it comes after a split. What
 * nobody was told because of a crash is in the history, and is not said again (decision #50).
 */
const everybodyIsTold: Checker = (given) => {
  const { untold, byJid, trace, world } = given;
  const { honest } = instancesOf(given);
  /** By session: what it was to be told since it entered, and where it was kept. */
  const due = new Map<View, Map<string, number>>();
  let exercised = 0;
  return {
    got(seen) {
      if (isOut(seen)) due.delete(seen.view);
    },
    other(record) {
      const view = record.kind === 'session' ? byJid.get(record.user) : undefined;
      if (view) due.delete(view);
    },
    heard({ view, body }) {
      due.get(view)?.delete(body);
    },
    kept(event, { node, occupants }, _, i) {
      const item = event.kind === 'messageAccepted' ? event.item : undefined;
      const word = item && !changesSubject(item.payloads) ? wordOf(item) : undefined;
      if (word === undefined || !honest.has(node) || untold.has(i)) return;
      for (const jid of [...occupants.values()].flatMap(servedHere)) {
        const view = byJid.get(jid);
        if (view === undefined || view.born > i || domainOf(view.person.room) !== node) continue;
        exercised++;
        const words = due.get(view) ?? new Map<string, number>();
        due.set(view, words.set(word, i));
      }
    },
    verdict() {
      const violations: Violation[] = [];
      for (const [view, words] of due) {
        const { jid } = view.person;
        const user = world?.users.get(jid);
        if (!user?.online || user.half.state().phase !== 'joined') continue;
        for (const [word, i] of words)
          if (!view.seen.some((seen) => seen.body === word && seen.i >= view.born) && whole(view, i, trace.length))
            violations.push({ invariant: 'S-b', what: `${jid} was in and never got ${word}`, at: i });
      }
      return { violations, exercised };
    },
  };
};

/**
 * S-f: an instance sends a message of its own users to each other instance once, to each to which it is linked, and passes on
 * nothing of the others'. What is fetched as history is not counted.
 */
const onceToEach: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { trace, untold } = given;
  const { rooms, honest, addresses } = instancesOf(given);
  const crossed = new Set<string>();
  /** By instance: those to which it is linked, as it thinks, since its last start. */
  const linked = new Map<Jid, Set<Jid>>();
  /** By instance and other: since when they are in the state that was kept last. */
  const since = new Map<string, number>();
  /** By append: what is to go where. */
  const due = new Map<number, { readonly word: string; readonly to: Set<Jid> }[]>();
  const of = (node: Jid) => {
    const peers = linked.get(node) ?? new Set<Jid>();
    linked.set(node, peers);
    return peers;
  };
  return {
    other(record) {
      if (record.kind === 'phase' && record.phase === 'repeated') linked.clear();
      if (record.kind === 'forgotten') linked.delete(record.node);
      if (record.kind === 'fault' && 'node' in record.fault && record.fault.kind !== 'freeze')
        linked.delete(record.fault.node);
    },
    kept(event, { node, room }, { cause }, i) {
      if (!honest.has(node) || room !== rooms.get(node)) return;
      if (event.kind === 'peerChanged') {
        const isLive = event.record?.kind === 'instance' && event.record.state === 'live';
        const key = `${node} ${event.peer}`;
        // After a start the record still says what was so before, also where something else in it changes.
        if (!isLive) of(node).delete(event.peer);
        // A source that asks for its shadow anew may draw another id.
        else if (event.record?.since !== since.get(key) && addresses.has(event.peer)) of(node).add(event.peer);
        if (event.record !== undefined) since.set(key, event.record.since);
      }
      const item = itemOf(event);
      const word = item?.by === room ? wordOf(item) : undefined;
      // What it has lost, and is told again by others, is no news to them.
      const input = cause === undefined ? undefined : trace[cause];
      const isNew = input?.kind === 'out' && !addresses.has(bareOf(input.stanza.from));
      if (word === undefined || untold.has(i) || !isNew) return;
      due.set(i, [...(due.get(i) ?? []), { word, to: new Set(of(node)) }]);
    },
    sent({ by, stanza, cause }, i) {
      if (stanza.type !== 'groupchat' || !honest.has(by)) return;
      const to = bareOf(stanza.to);
      if (!addresses.has(to)) return;
      exercised++;
      const input = inputOf(trace, i);
      if (input?.name === 'message' && addresses.has(bareOf(input.from)) && bodyOf(input) === bodyOf(stanza))
        violations.push({ invariant: 'S-f', what: `${by} passes on ${stanzaText(stanza)}`, at: i });
      const body = bodyOf(stanza);
      if (readBody(body) === undefined || body === undefined) return;
      const key = `${by} ${to} ${body}`;
      if (crossed.has(key)) violations.push({ invariant: 'S-f', what: `${by} sends ${body} to ${to} again`, at: i });
      crossed.add(key);
      for (const one of cause === undefined ? [] : (due.get(cause) ?? [])) if (one.word === body) one.to.delete(to);
    },
    verdict() {
      for (const [i, words] of due)
        for (const { word, to } of words)
          for (const peer of to)
            violations.push({ invariant: 'S-f', what: `${word} was not sent to ${peer}, which is linked`, at: i });
      return { violations, exercised };
    },
  };
};

/** The invariants of XEP-0281, beside those of all protocols. */
export const sourceShadowCheckers: Readonly<Record<string, Checker>> = {
  'S-a': instanceFifo,
  'S-b': everybodyIsTold,
  'S-c': configurations,
  'S-d': localAtOnce('S-d', (given) => instancesOf(given).honest),
  'S-e': sameArchives,
  'S-f': onceToEach,
  'S-g': causalOrder,
  'S-h': hosting,
  'S-j': realAddresses,
  'S-o': offers,
  'S-p': passwords,
  'S-r': redirects,
  'S-t': trust,
  'S-w': wishes,
};
