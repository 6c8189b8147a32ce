import { rsm } from '../../core/xep/xep0059.ts';
import { mam } from '../../core/xep/xep0313.ts';
import { bareOf, type Jid } from '../../core/xmpp/jid.ts';
import { payloadOf } from '../../core/xmpp/stanza.ts';
import type { Instant } from '../../core/xmpp/time.ts';
import { childOf, readCount, textOf } from '../../core/xmpp/xml.ts';
import { isFromArchive } from '../archives.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import type { Verdict, Violation } from '../trace.ts';

/** A search takes as long as that, and what was found may wait for the disk (in ms). */
const answerMs = 5_000;

interface Question {
  readonly max: number;
  readonly ids: Set<string>;
}

/**
 * G19: what an archive answers is a page of it: no more than was asked for, each message once, in the order in which they were
 * accepted; and nobody reads it who has been banned since they asked.
 */
export const archives: Checker = ({ people, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const wrong = (what: string, at: number) => violations.push({ invariant: 'G19', what, at });
  const questions = new Map<string, Question>();
  /** By node and then by user: when it banned them. */
  const bans = new Map<Jid, Map<Jid, Instant>>();
  const honest = new Set(people.flatMap(({ jid, hostile }) => (hostile ? [] : [jid])));
  return {
    said({ by, stanza }) {
      const query = stanza.name === 'iq' ? payloadOf(stanza, 'query', mam) : undefined;
      const set = query && childOf(query, 'set', rsm);
      const max = set && childOf(set, 'max', rsm);
      const id = query?.attrs['queryid'];
      if (id === undefined || max === undefined) return;
      questions.set(`${by} ${id}`, { max: readCount(textOf(max), 6) ?? 0, ids: new Set() });
    },
    kept(event, { node }, { t }) {
      if (event.kind !== 'affiliationChanged') return;
      const here = bans.get(node) ?? new Map();
      bans.set(node, here);
      if (event.affiliation === 'outcast') here.set(event.user, t);
      else here.delete(event.user);
    },
    other(record) {
      if (record.kind === 'forgotten') bans.delete(record.node);
    },
    sent({ by, stanza, t }, i) {
      if (!isFromArchive(stanza) || by === world?.plan.hostileNode) return;
      const banned = bans.get(by)?.get(bareOf(stanza.to));
      if (banned !== undefined && t > banned + answerMs) wrong(`${stanza.to} is banned and reads the archive`, i);
    },
    handed({ to, stanza }, i) {
      const result = isFromArchive(stanza) ? payloadOf(stanza, 'result', mam) : undefined;
      const { queryid, id } = result?.attrs ?? {};
      const asked = questions.get(`${to} ${queryid}`);
      if (id === undefined || asked === undefined || !honest.has(to)) return;
      exercised++;
      if (asked.ids.has(id)) wrong(`${id} comes twice in one page`, i);
      asked.ids.add(id);
      if (asked.ids.size > asked.max) wrong(`a page of ${asked.max} has ${asked.ids.size} messages`, i);
    },
    verdict: () => ({ violations, exercised }),
  };
};

/** G20: what a node has at hand of a room is the end of what its disk has. */
export const atHand: Checker = (given) => ({ verdict: () => endsOfArchives(given) });

function endsOfArchives({ world }: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  for (const [address, seat] of world?.seats ?? []) {
    for (const { room, history } of seat.node.snapshot().rooms) {
      const kept = seat.archive?.(room);
      if (kept === undefined || history.length === 0) continue;
      exercised++;
      const names = (items: typeof history) => items.map(({ by, id, payloads }) => `${by} ${id} ${payloads[0]?.name}`);
      const [here, there] = [names(history), names(kept.slice(-history.length))];
      const k = here.findIndex((name, i) => name !== there[i]);
      if (k >= 0)
        violations.push({ invariant: 'G20', what: `${address} has ${here[k]} at hand, and ${there[k]} on its disk` });
    }
  }
  return { violations, exercised };
}
