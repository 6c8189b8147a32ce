import { isWordless } from '../../core/distribution/wordless.ts';
import { bareOf, domainOf, type Jid } from '../../core/xmpp/jid.ts';
import type { Stanza } from '../../core/xmpp/stanza.ts';
import { sentAt } from '../causes.ts';
import type { Checker } from '../judge.ts';
import type { Violation } from '../trace.ts';
import { nodesOf } from './nodes.ts';

interface Open {
  readonly i: number;
  readonly by: Jid;
  readonly home: Jid;
  /** It is for everybody in the room. */
  readonly toRoom: boolean;
  readonly what: string;
}

/** What names a stanza on its way, what is made of it, and an answer to it. */
const nameOf = ({ name, id }: Stanza) => `${name} ${id}`;

/** After its start a primary does not know for so many milliseconds what it had before: decision #131, and the way there. */
const forgottenMs = 60_000;

/**
 * D-130: what a user behind a replica says or asks for reaches the primary, or its author is told that it may not have. Not
 * promised where the replica crashed since, for what it knows of its relays is in memory alone, or the author's client is
 * another. Nor, but for words to the room, where the primary does not know: because it started since, or because the clock of
 * the replica, which says how long ago it relayed that, was set forward to a time before that start.
 */
export const nothingVanishes: Checker = (given) => {
  const { byJid } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const { primary, replicas, room } = nodesOf(given);
  const nodes = new Set(given.world?.plan.layout.nodes.map(({ address }) => address));
  const homes = new Map(replicas.map(({ server, address }) => [server, address]));
  /** What was said, and where; taken out when it has arrived or its author has an answer. */
  const open = new Map<string, Open>();
  const excuse = (which: (one: Open) => boolean) => {
    for (const [key, one] of open) if (which(one)) open.delete(key);
  };
  let knowsFrom = (given.trace[0]?.t ?? 0) + forgottenMs;
  return {
    said({ by, stanza, t }, i) {
      const home = homes.get(domainOf(by));
      if (home === undefined || !byJid.has(by) || bareOf(stanza.to) !== room || isWordless(stanza)) return;
      const { name, type, id } = stanza;
      if (name === 'presence' || type === 'error' || (name === 'iq' && type === 'result')) return;
      const toRoom = type === 'groupchat';
      if (toRoom || t >= knowsFrom) open.set(nameOf(stanza), { i, by, home, toRoom, what: `${name} ${id}` });
    },
    handed({ to, stanza }) {
      if (!nodes.has(to) || to === primary?.address) open.delete(nameOf(stanza));
    },
    // A private message may be passed on beside the primary.
    got({ stanza }) {
      if (open.delete(nameOf(stanza)) && stanza.type === 'error') exercised++;
    },
    other(record) {
      if (record.kind === 'session') excuse(({ by }) => by === record.user);
      if (record.kind !== 'fault' || !('node' in record.fault)) return;
      const { node, kind, forMs } = record.fault;
      if (kind === 'freeze') {
        const isSetForward = given.world?.plan.steps?.[record.step]?.kind === 'clock';
        if (isSetForward) excuse(({ home, toRoom }) => home === node && !toRoom);
        return;
      }
      excuse(({ home, toRoom }) => home === node || (node === primary?.address && !toRoom));
      if (node === primary?.address) knowsFrom = Math.max(knowsFrom, record.t + forMs + forgottenMs);
    },
    verdict() {
      for (const { i, by, what } of open.values()) {
        const vanished = `${what} of ${by} never reached the primary, and nobody told them`;
        violations.push({ invariant: 'D-130', what: vanished, at: i });
      }
      return { violations, exercised };
    },
  };
};

/** D-133: a replica answers nothing that nobody would miss. */
export const statesGoUnanswered: Checker = (given) => {
  const { trace } = given;
  const violations: Violation[] = [];
  let exercised = 0;
  const replicas = new Set(nodesOf(given).replicas.map(({ address }) => address));
  const states = new Set<string>();
  return {
    said({ by, stanza }) {
      if (isWordless(stanza)) states.add(`${by} ${nameOf(stanza)}`);
    },
    got({ i, stanza, view }) {
      if (stanza.type !== 'error' || stanza.name !== 'message') return;
      const sent = trace[sentAt(trace, i)];
      if (sent?.kind !== 'in' || sent.stanza.type !== 'error' || !replicas.has(sent.by)) return;
      exercised++;
      if (!states.has(`${view.person.jid} ${nameOf(stanza)}`)) return;
      const what = `${sent.by} answers ${view.person.jid} with an error what nobody would miss`;
      violations.push({ invariant: 'D-133', what, at: i });
    },
    verdict: () => ({ violations, exercised }),
  };
};
