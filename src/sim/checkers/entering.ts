import { readDmuc } from '../../core/xep/xep0282.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { stanzaText } from '../../core/xmpp/stanza.ts';
import { sentAt } from '../causes.ts';
import type { Checker } from '../judge.ts';
import { isJoin, isOf } from '../stanzas.ts';
import type { Violation } from '../trace.ts';
import { nodesOf } from './nodes.ts';
import { servedHere } from './occupants.ts';

/**
 * D-h: nobody is shown a room that they did not ask to enter; and a replica serves nobody who has not asked since they last
 * left, whatever the primary says (§4.5).
 */
export const onlyWhoAsked: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { replicas, room } = nodesOf(given);
  const users = new Set(given.people.map(({ jid }) => jid));
  const asked = new Set<Jid>();
  // Where in the trace a node was handed what a crash took from it: of a leave among that it knows nothing.
  const forgotten = new Set<number>();
  for (const i of given.undone) {
    const record = given.trace[i];
    if (record?.kind === 'append' && record.cause !== undefined) forgotten.add(record.cause);
  }
  /** By replica and user: where in the trace it was handed their joins, and their leaves. */
  const asks = new Map<Jid, Map<Jid, { readonly i: number; readonly in: boolean }[]>>(
    replicas.map(({ address }) => [address, new Map()]),
  );
  return {
    said({ by, stanza }) {
      if (isJoin(stanza)) asked.add(by);
    },
    got({ i, view, ofRoom, stanza }) {
      if (!ofRoom || stanza.type === 'error' || stanza.name === 'iq') return;
      exercised++;
      const { jid } = view.person;
      if (!asked.has(jid))
        violations.push({ invariant: 'D-h', what: `${jid} never asked to enter and got ${stanzaText(stanza)}`, at: i });
    },
    sent({ by, stanza }, i) {
      if (stanza.name === 'iq' || !asks.has(by) || asked.has(stanza.to) || !users.has(stanza.to)) return;
      // A user who claims to be in may be told that they are not.
      if (stanza.type !== 'error' && stanza.type !== 'unavailable' && isOf(stanza, room))
        violations.push({ invariant: 'D-h', what: `${by} gives who never asked ${stanzaText(stanza)}`, at: i });
    },
    handed({ to, stanza }, i) {
      const here = stanza.name === 'presence' && users.has(stanza.from) ? asks.get(to) : undefined;
      if (here === undefined || !(isJoin(stanza) || (stanza.type === 'unavailable' && !forgotten.has(i)))) return;
      const those = here.get(stanza.from) ?? [];
      here.set(stanza.from, those);
      those.push({ i, in: stanza.type === undefined });
    },
    kept(event, { node }, { cause }, i) {
      if (event.kind !== 'occupantChanged' || !event.joining || event.occupant.jid === undefined) return;
      const here = asks.get(node);
      if (here === undefined) return;
      exercised++;
      const { jid } = event.occupant;
      if (!here.get(jid)?.findLast((one) => one.i < (cause ?? i))?.in)
        violations.push({ invariant: 'D-h', what: `${node} serves ${jid}, who is not asking to enter`, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/**
 * D-5: a roster that has not arrived as a whole is shown to nobody (decision #5). An entry of it has no place in the
 * primary's sequence, and names at most whom the replica serves.
 */
export const nothingBeforeReady: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { replicas, room } = nodesOf(given);
  const addresses = new Set<Jid>(replicas.map(({ address }) => address));
  return {
    sent({ by, stanza, cause: from }, i) {
      if (stanza.name !== 'presence' || !addresses.has(by)) return;
      if (!isOf(stanza, room) || stanza.type === 'error' || from === undefined) return;
      const cause = given.trace[from];
      if (cause?.kind !== 'out' || cause.stanza.name !== 'presence' || bareOf(cause.stanza.from) !== room) return;
      exercised++;
      const dmuc = readDmuc(cause.stanza.payloads);
      if (dmuc?.position || dmuc?.enter || dmuc?.leave || cause.stanza.type !== undefined) return;
      const what = `${by} shows ${stanza.from} to ${stanza.to} before all of the roster is there`;
      violations.push({ invariant: 'D-5', what, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** D-12: a `<leave/>` that was sent before a user's entry does not take them out, however late it comes (again). */
export const leavesOnce: Checker = (given) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const { trace } = given;
  const replicas = new Set<Jid>(nodesOf(given).replicas.map(({ address }) => address));
  /** By replica and user: where in the trace that was sent by which they were entered. */
  const entered = new Map<string, number>();
  return {
    kept(event, { node, occupants }, { cause }, i) {
      if (event.kind !== 'occupantChanged' || cause === undefined || !replicas.has(node)) return;
      const { jid, nick } = event.occupant;
      if (event.joining && jid !== undefined) entered.set(`${node} ${jid}`, sentAt(trace, cause));
      const handed = trace[cause];
      const leave = handed?.kind === 'out' ? readDmuc(handed.stanza.payloads)?.leave : undefined;
      if (leave === undefined || !servedHere(occupants.get(nick)).includes(leave)) return;
      if (servedHere(event.occupant).includes(leave)) return;
      exercised++;
      if (sentAt(trace, cause) < (entered.get(`${node} ${leave}`) ?? -1))
        violations.push({
          invariant: 'D-12',
          what: `${node} takes ${leave} out for a leave of before their entry`,
          at: i,
        });
    },
    verdict: () => ({ violations, exercised }),
  };
};
