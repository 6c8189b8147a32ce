import { hasStatus } from '../../core/xep/xep0045.ts';
import { domainOf, type Jid } from '../../core/xmpp/jid.ts';
import { stanzaText } from '../../core/xmpp/stanza.ts';
import { rootOf, sentAt } from '../causes.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker, Place } from '../judge.ts';
import { isJoin } from '../stanzas.ts';
import type { Other, RecordOf, SimRecord, Violation } from '../trace.ts';
import type { Seen, View } from '../view.ts';
import { servedHere } from './occupants.ts';

/** Within that long who leaves a room at their own server's node is told that they are out, whatever state it is in. */
const leaveMs = 1_000;
/**
 * And within that long another node that serves them has heard of it, for the leave is told again until it has (decision
 * #9).
 */
const hearsayMs = 120_000;

/**
 * G6: who leaves is told so at once by the node that serves them, if no link is between and it is awake; and after the own
 * unavailable nothing more of the room comes, until one asks to enter again: nothing of the node that said so, nor of
 * another that has heard of the leave.
 */
export const leave: Checker = (given) => {
  const { trace, byJid } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const late = waits(given, (view, ms, at) => {
    exercised++;
    if (ms > leaveMs)
      violations.push({ invariant: 'G6', what: `${view.person.jid} left and was not told so for ${ms} ms`, at });
  });
  // By user, in this session: whether they ever asked to enter, for else all is about an earlier one; whether the room
  // said that they are in, or out of it, and who said that; whether a join is on its way, which is answered after the leave
  // before it; and when they last asked, and left.
  const fresh = {
    joined: false,
    inside: false,
    out: false,
    asked: false,
    join: 0,
    left: 0,
    by: undefined as Jid | undefined,
  };
  const state = new Map<View, typeof fresh>();
  const of = (view: View) => {
    let found = state.get(view);
    if (found === undefined) {
      found = { ...fresh };
      state.set(view, found);
    }
    return found;
  };
  /** Until when a node sleeps, or is down. */
  const away = new Map<Jid, number>();
  /** By user and node: where that was handed their last leave. */
  const heard = new Map<string, number>();
  const nodeOf = (sent: number) => {
    const record = trace[sent];
    return record?.kind === 'in' ? record.by : undefined;
  };
  const isUnderWay = ({ view, sent }: Seen, { by, left }: typeof fresh): boolean => {
    const node = nodeOf(sent);
    if (node === undefined || node === by) return false;
    const at = heard.get(`${view.person.jid} ${node}`) ?? -1;
    // While it sleeps or is down it hears nothing.
    const from = Math.max(trace[left]?.t ?? 0, away.get(node) ?? 0);
    return (at < left || decidedAt(trace, sent) < at) && (trace[sent]?.t ?? 0) - from < hearsayMs;
  };
  return {
    other(record) {
      late.other(record);
      const view = record.kind === 'session' ? byJid.get(record.user) : undefined;
      if (view) state.delete(view);
      if (record.kind !== 'fault' || !('node' in record.fault)) return;
      const { node, forMs } = record.fault;
      away.set(node, Math.max(away.get(node) ?? 0, record.t + forMs));
    },
    kept: (_, place) => late.kept(place),
    handed(record, i) {
      late.handed(record, i);
      const { stanza, to } = record;
      if (stanza.name === 'presence' && stanza.type === 'unavailable' && byJid.has(stanza.from))
        heard.set(`${stanza.from} ${to}`, i);
    },
    said({ by, stanza }, i) {
      const view = stanza.name === 'presence' ? byJid.get(by) : undefined;
      if (view === undefined) return;
      const one = of(view);
      if (stanza.type === 'unavailable') {
        one.asked = false;
        one.left = i;
      } else if (isJoin(stanza)) {
        one.asked = true;
        one.join = i;
      }
      if (one.asked) one.out = false;
      one.joined ||= one.asked;
    },
    got(seen) {
      const { i, view, ofRoom, stanza, self, sent } = seen;
      if (!ofRoom) return;
      const one = of(view);
      // A private message goes its own way (XEP-0282 §1) and may still be under way.
      if (
        one.out &&
        stanza.type !== 'error' &&
        stanza.type !== 'chat' &&
        stanza.name !== 'iq' &&
        !(self && stanza.type === 'unavailable') &&
        !isUnderWay(seen, one)
      )
        violations.push({ invariant: 'G6', what: `${view.person.jid} is out and got ${stanzaText(stanza)}`, at: i });
      if (!self) return;
      if (stanza.type === undefined && one.joined) one.inside = true;
      if (stanza.type === 'unavailable' && !hasStatus(stanza.payloads, 303)) {
        late.told(view, i);
        // What ends an earlier session, and comes late, is no answer to this one.
        one.out = one.inside && !one.asked && rootOf(trace, sent) > one.join;
        one.inside = false;
        one.by = nodeOf(sent);
        exercised++;
      }
    },
    verdict() {
      late.end();
      return { violations, exercised };
    },
  };
};

/** Index of what a node was handed that made it send this: it is sent when what was decided is durable. */
function decidedAt(trace: readonly SimRecord[], sent: number): number {
  const record = trace[sent];
  const cause = record?.kind === 'in' ? record.cause : undefined;
  const append = cause === undefined ? undefined : trace[cause];
  return (append?.kind === 'append' ? append.cause : cause) ?? sent;
}

/** @param told  how long somebody who was in waited for being told that they are out; where none came, to the end */
function waits({ trace, byJid, world }: Evidence, told: (view: View, ms: number, i: number) => void) {
  const places = new Map<Jid, Set<Place>>();
  const waiting = new Map<View, { readonly node: Jid; readonly t: number }>();
  /** Until when each node sleeps or is down. */
  const away = new Map<Jid, number>();
  const ends = (view: View, i: number) => {
    const since = waiting.get(view);
    waiting.delete(view);
    if (since !== undefined) told(view, (trace[i]?.t ?? 0) - since.t, i);
  };
  return {
    kept(place: Place) {
      const there = places.get(place.node) ?? new Set();
      places.set(place.node, there.add(place));
    },
    handed({ to, stanza, t }: RecordOf<'out'>, i: number) {
      const view = stanza.type === 'unavailable' && stanza.name === 'presence' ? byJid.get(stanza.from) : undefined;
      const seat = view && world?.seats.get(to);
      if (seat?.config.server !== domainOf(stanza.from) || t < (away.get(to) ?? 0)) return;
      // A leave that somebody else sends in their name does not count.
      const sent = trace[sentAt(trace, i)];
      if (sent?.kind === 'in' && sent.by !== stanza.from) return;
      for (const { occupants } of places.get(to) ?? [])
        for (const occupant of occupants.values())
          if (servedHere(occupant).includes(stanza.from) && !waiting.has(view as View))
            waiting.set(view as View, { node: to, t });
    },
    told: ends,
    other(record: Other) {
      const view = record.kind === 'session' ? byJid.get(record.user) : undefined;
      if (view) waiting.delete(view);
      if (record.kind === 'phase') {
        waiting.clear();
        away.clear();
      }
      if (record.kind !== 'fault' || !('node' in record.fault)) return;
      const { node: sleeper, forMs } = record.fault;
      away.set(sleeper, record.t + forMs);
      for (const [one, { node }] of waiting) if (node === sleeper) waiting.delete(one);
    },
    end() {
      for (const view of [...waiting.keys()]) ends(view, trace.length - 1);
    },
  };
}
