import type { Jid } from '../../core/xmpp/jid.ts';
import { textOf } from '../../core/xmpp/xml.ts';
import { type Evidence, readBody } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import type { Verdict, Violation } from '../trace.ts';

/**
 * G14: each message is kept once; what was ever shown to anybody is kept where it was accepted, and what was shown later stands later: recovery only
 * ever goes on from what there was.
 */
export const durability: Checker = (given) => ({ verdict: () => keptAsShown(given) });

function keptAsShown({ views, people, world }: Evidence): Verdict {
  const violations: Violation[] = [];
  if (!world) return { violations, exercised: 0 };
  let exercised = 0;
  const kept = new Map<Jid, Map<string, number>>();
  for (const seat of world.seats.values()) {
    if (seat.config.kind !== 'service') continue;
    for (const { room, history } of seat.node.snapshot().rooms) {
      const places = new Map<string, number>();
      kept.set(room, places);
      for (const [k, { payloads }] of history.entries()) {
        const body = payloads.find(({ name }) => name === 'body');
        const text = body && textOf(body);
        const said = readBody(text);
        if (said === undefined || text === undefined) continue;
        // A hostile node may repeat what its own users say (security.md 1.5).
        const repeated = places.has(text) && people[said.user]?.hostile !== 'node';
        if (repeated) violations.push({ invariant: 'G14', what: `${text} is kept twice` });
        places.set(text, k);
      }
    }
  }
  const distributed = world.plan.mode === '0289pp';
  for (const view of views) {
    let last = -1;
    for (const { i, body, said, delayed, beside } of view.seen) {
      const author = said && people[said.user];
      if (body === undefined || delayed || !author || author.hostile === 'node') continue;
      // What a replica that is cut off lets its users say to each other is kept if the primary takes it (decision #42).
      if (beside) continue;
      exercised++;
      const place = kept.get(author.room)?.get(body);
      if (place === undefined) violations.push({ invariant: 'G14', what: `${body} was shown and is not kept`, at: i });
      // FMUC nodes each have an order of their own, and promise no other.
      else if (!distributed && place < last)
        violations.push({ invariant: 'G14', what: `${body} was shown after a message that stands after it`, at: i });
      else last = place;
    }
  }
  return { violations, exercised };
}

/** G15: all nodes ask each other for everything once more, and nothing is different. */
export const idempotence: Checker = (given) => ({ verdict: () => sameAfterRepetition(given) });

function sameAfterRepetition({ world, trace, kept, others, people }: Evidence): Verdict {
  const violations: Violation[] = [];
  if (!world?.before) return { violations, exercised: 0 };
  // A hostile node orders in the name of its users what they may, also now: then what is different is not by the repetition.
  const begun = others.findLast(({ record }) => record.kind === 'phase' && record.phase === 'repeated')?.i ?? 0;
  const theirs = new Set(people.filter(({ hostile }) => hostile === 'node').map(({ jid }) => jid));
  const ordered = kept.some(({ i, record: { cause } }) => {
    const order = i > begun && cause !== undefined ? trace[cause] : undefined;
    return order?.kind === 'out' && order.stanza.name === 'iq' && theirs.has(order.stanza.from);
  });
  if (ordered) return { violations, exercised: 0 };
  let exercised = 0;
  const after = world.portrait();
  for (const [node, text] of world.before) {
    exercised++;
    const now = after.get(node) ?? '';
    if (now === text) continue;
    let i = 0;
    while (now[i] === text[i]) i++;
    const part = (all: string) => `…${all.slice(Math.max(0, i - 60), i + 60)}…`;
    violations.push({ invariant: 'G15', what: `${node} had ${part(text)} and after a repetition has ${part(now)}` });
  }
  return { violations, exercised };
}
