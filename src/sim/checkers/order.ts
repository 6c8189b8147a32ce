import type { Jid } from '../../core/xmpp/jid.ts';
import { bodyOf, stanzaText } from '../../core/xmpp/stanza.ts';
import { readBody } from '../bodies.ts';
import { inputOf } from '../causes.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker, Watch } from '../judge.ts';
import { isPlural } from '../plan.ts';
import { isJoin, isSelf } from '../stanzas.ts';
import type { RecordOf, Violation } from '../trace.ts';
import { isOut, lost, type Seen, whole } from '../view.ts';

/**
 * G1: others' presence, the user's own, history (each message with a delay), the subject, and only then live stanzas.
 *
 * A self-presence answers a join, or it tells of a change of the user's own, and a late one may belong to a session that
 * vanished. In a user's first session there is no such doubt about the first answer, nor about those after each leave.
 */
export const orderOfJoin: Checker = (given) => {
  const { trace, views, byJid, others, people, world } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  // After a split, users who stayed in get the messages that were kept for them. There is no split before the first fault.
  const fault = others.find(({ record }) => record.kind === 'fault');
  const calm = fault === undefined || world?.plan.mode === 'plain' ? trace.length : fault.i;
  // And in a tree a node may only now get the history of those further up, and pass it on (decision #93).
  const passedOn = (sent: number) =>
    isPlural(world?.plan.mode) && !byJid.has(inputOf(trace, sent)?.from ?? ('' as Jid));
  // A hostile replica may say that there was one, of the words of its own users (invariants.md, Who may be hostile).
  const lied = ({ body }: Seen) => people[Number(/^[#!](\d+):/.exec(body ?? '')?.[1])]?.hostile === 'node';
  const first = firstSessions(given);
  // A node may let somebody in and crash before anybody hears of it. Or everything is repeated, to users who know it
  // already.
  const crashes = others.filter(
    ({ record }) =>
      (record.kind === 'fault' && (record.fault.kind === 'crash' || record.fault.kind === 'disk')) ||
      (record.kind === 'phase' && record.phase === 'repeated'),
  );
  const state = new Map(
    views.map((view) => [view, { history: false, from: 0, outside: true, left: -1, ...first(view.person.jid) }]),
  );
  const nodeOf = (sent: number) => {
    const record = trace[sent];
    return record?.kind === 'in' ? record.by : undefined;
  };
  const wrong = ({ i, stanza, view }: Seen, where: string) =>
    violations.push({ invariant: 'G1', what: `${view.person.jid} got ${stanzaText(stanza)} ${where}`, at: i });
  return {
    other(record) {
      const view = record.kind === 'session' ? byJid.get(record.user) : undefined;
      const one = view && state.get(view);
      // A client that is gone in the middle of an answer does not wait for the rest. The user's next client may get that
      // rest, and is in only when its own join is answered.
      if (one === undefined) return;
      one.history = false;
      one.outside = true;
    },
    got(seen) {
      const { i, view, stanza, ofRoom } = seen;
      if (!ofRoom || stanza.type === 'error' || stanza.name === 'iq' || stanza.type === 'chat') return;
      const one = state.get(view);
      if (one === undefined) return;
      const entry = view.entries.has(i);
      const waits = one.outside && i < one.end;
      const asked = entry || waits ? (one.joins.find((join) => join > one.left) ?? i) : i;
      const crashed = waits && crashes.some((crash) => crash.i > asked && crash.i < i);
      const answer = waits && !crashed && seen.self && stanza.type === undefined;
      if (entry || answer) {
        // Where a link swallowed the answer, an own presence tells of a change.
        one.history = entry || !lost(trace, view, asked, isSelf, i);
        one.outside = false;
        one.from = seen.sent;
        exercised++;
      } else if (waits && seen.groupchat && one.joins.some((join) => join < i)) {
        if (!crashed && !lost(trace, view, one.joins[0] ?? 0, isSelf, i)) wrong(seen, 'before the self-presence');
      } else if (!one.history) {
        // Or only that was swallowed, and the history of the answer comes.
        const late = !one.outside && seen.groupchat && seen.delayed && i < calm;
        if (late && !passedOn(seen.sent) && !lied(seen) && !lost(trace, view, one.from, isSelf, i))
          wrong(seen, 'after the subject');
      } else if (seen.subject || isOut(seen)) one.history = false;
      else if (!(seen.groupchat && seen.delayed)) {
        // A replica that slept may still write to users whom the primary answers: there is no order between two nodes
        // (decision #43).
        if (nodeOf(seen.sent) !== nodeOf(one.from)) return;
        if (whole(view, one.from, i)) wrong(seen, 'between self-presence and subject');
        one.history = false;
      }
      if (isOut(seen)) {
        one.outside = true;
        one.left = i;
      }
    },
    verdict: () => ({ violations, exercised }),
  };
};

interface FirstSession {
  readonly joins: number[];
  end: number;
}

/** When each user asked to enter in their first session, and when that session ended. */
function firstSessions({ trace, views, said, others }: Evidence): (user: Jid) => FirstSession {
  const found = new Map<Jid, FirstSession>();
  for (const { person } of views) found.set(person.jid, { joins: [], end: trace.length });
  for (const { i, record } of others) {
    if (record.kind !== 'session' || record.up) continue;
    const one = found.get(record.user);
    if (one && one.end > i) one.end = i;
  }
  for (const { i, record } of said) if (isJoin(record.stanza)) found.get(record.by)?.joins.push(i);
  return (user) => found.get(user) as FirstSession;
}

/** G3: what one user says arrives, live, in the order it was said. */
export const perSenderFifo: Checker = (given) => {
  /** Where in the trace each word was said. */
  const places = new Map<number, number>();
  const watch = inSessions('G3', given, (last, { body, delayed, beside }, author, n) => {
    // Talk at a replica that is cut off comes before older messages that have not arrived yet (decision #42).
    if (delayed || beside) return undefined;
    const before = last.get(author) ?? -1;
    const place = places.get(wordOf(author, n)) ?? before;
    last.set(author, place);
    return before > place ? `${body} after a later one` : undefined;
  });
  const said = ({ stanza }: RecordOf<'in'>, i: number) => {
    const word = stanza.type === 'groupchat' ? readBody(bodyOf(stanza)) : undefined;
    if (word) places.set(wordOf(word.user, word.n), i);
  };
  return { ...watch, said };
};

/** One key for each word of each user. */
function wordOf(author: number, n: number): number {
  return author * 1e7 + n;
}

/** G4: no identity twice in a join session, live and history together. */
export const noDuplicate: Checker = (given) =>
  inSessions('G4', given, (held, { body }, author, n) => {
    if (body !== undefined && given.retold.bodies.has(body)) return undefined;
    const key = wordOf(author, n);
    const before = held.has(key);
    held.set(key, n);
    return before ? `${body} twice` : undefined;
  });

/** @param wrong  says what is wrong with one more message in a join session; its memory is cleared for each session */
function inSessions(
  invariant: string,
  { trace, views, byJid, people }: Evidence,
  wrong: (memory: Map<number, number>, seen: Seen, author: number, n: number) => string | undefined,
): Watch {
  const violations: Violation[] = [];
  let exercised = 0;
  const sessions = new Map(
    views.map((view) => [view, { begun: undefined as number | undefined, memory: new Map<number, number>() }]),
  );
  return {
    other(record) {
      const view = record.kind === 'session' ? byJid.get(record.user) : undefined;
      const session = view && sessions.get(view);
      // The rest of an answer to an earlier client may come to the next one, which asked for nothing yet.
      if (session) session.begun = undefined;
    },
    got(seen) {
      const { i, view, ofRoom, said, sent } = seen;
      const session = ofRoom ? sessions.get(view) : undefined;
      if (session === undefined) return;
      if (view.entries.has(i)) {
        session.begun = sent;
        session.memory.clear();
      }
      // A hostile node may repeat and reorder what its own users say (invariants.md, Who may be hostile).
      if (session.begun !== undefined && said && people[said.user]?.hostile !== 'node') {
        exercised++;
        const what = wrong(session.memory, seen, said.user, said.n);
        // Where a link swallowed an own presence, that may have been the answer to a new join.
        if (what !== undefined && !lost(trace, view, session.begun, isSelf, i))
          violations.push({ invariant, what: `${view.person.jid} got ${what}`, at: i });
      }
      if (isOut(seen)) session.begun = undefined;
    },
    verdict: () => ({ violations, exercised }),
  };
}
