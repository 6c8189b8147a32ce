import { archiveMax } from '../../core/room/state.ts';
import { bodyOf } from '../../core/xmpp/stanza.ts';
import { type Evidence, inOrder, type Placed } from '../evidence.ts';
import type { RecordOf, Verdict, Violation } from '../trace.ts';

/**
 * G12: one message makes at most one stanza a node and a user, and some answers; one presence twice as many (a change of
 * nick), and to who enters the history; and when nobody does anything any more, nothing but pings goes round.
 */
export function termination({ trace, sent, others, people, world }: Evidence): Verdict {
  const violations: Violation[] = [];
  let exercised = 0;
  const most = people.length + (world?.seats.size ?? 0) + 4;
  // What a node sends for one input has that input, or the append it led to, as its cause.
  const stanzas = new Map<number, number>();
  let quiet = false;
  let settled: number | undefined;
  const phases = others.filter((one): one is Placed<RecordOf<'phase'>> => one.record.kind === 'phase');
  for (const { i, record } of inOrder<Placed<RecordOf<'in' | 'phase'>>>(sent, phases)) {
    if (record.kind === 'phase') {
      quiet = record.phase === 'quiet';
      settled = undefined;
      continue;
    }
    if (record.by === world?.plan.hostileNode) continue;
    // A hostile node is never quiet, and may well be answered.
    if (quiet && record.stanza.name !== 'iq' && world?.plan.hostileNode === undefined) settled ??= i;
    if (settled === i)
      violations.push({ invariant: 'G12', what: `${record.by} says something though nobody did anything`, at: i });
    if (record.cause === undefined) continue;
    const cause = trace[record.cause];
    const input = cause?.kind === 'append' ? cause.cause : record.cause;
    const given = input === undefined ? undefined : trace[input];
    // A message may bring to light that a link is lost, and whoever was behind it leaves: that is not its own doing.
    if (given?.kind !== 'out') continue;
    if (given.stanza.name === 'message' && bodyOf(given.stanza) !== bodyOf(record.stanza)) continue;
    stanzas.set(input as number, (stanzas.get(input as number) ?? 0) + 1);
  }
  for (const [input, times] of stanzas) {
    const record = trace[input];
    if (record?.kind !== 'out' || record.stanza.name === 'iq') continue;
    const message = record.stanza.type === 'groupchat' && bodyOf(record.stanza) !== undefined;
    if (!message && record.stanza.name !== 'presence') continue;
    exercised++;
    const limit = message ? most : 2 * most + historyMost;
    if (times > limit)
      violations.push({
        invariant: 'G12',
        what: `one ${record.stanza.name} made ${times} stanzas, more than ${limit}`,
        at: input,
      });
  }
  return { violations, exercised };
}

/** Messages that a room of the simulator's shows at most to who enters. */
const historyMost = 200;

/** G13: no queue, list or map grows beyond what it may. */
export function bounds({ world, people }: Evidence): Verdict {
  const violations: Violation[] = [];
  if (!world) return { violations, exercised: 0 };
  let exercised = 0;
  const limits = {
    inbox: 5_000,
    timers: 16 + 2 * (people.length + world.seats.size),
    // Trimmed by a quarter at a time.
    history: archiveMax + archiveMax / 4,
    occupants: people.length * 3,
    peers: world.seats.size,
    occupantIds: people.length * 3,
  };
  for (const [node, peaks] of world.peaks) {
    if (node === world.plan.hostileNode) continue;
    for (const name of Object.keys(limits) as (keyof typeof limits)[]) {
      exercised++;
      if (peaks[name] > limits[name])
        violations.push({
          invariant: 'G13',
          what: `${node}: ${name} grew to ${peaks[name]}, more than ${limits[name]}`,
        });
    }
  }
  return { violations, exercised };
}
