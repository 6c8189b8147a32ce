import { defaultLimits } from '../../core/room/limits.ts';
import { bodyOf } from '../../core/xmpp/stanza.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import type { Verdict, Violation } from '../trace.ts';

/**
 * G12: one message makes at most one stanza for each node and user, and some answers. One presence makes at most three times
 * as many, and the history for the user who enters: a user who is in and enters again under another nick is renamed, and
 * answered. When nobody does anything any more, only pings are sent.
 */
export const termination: Checker = ({ trace, people, world }) => {
  const violations: Violation[] = [];
  let exercised = 0;
  const most = people.length + (world?.seats.size ?? 0) + 4;
  const hostile = world?.plan.hostileNode;
  // What a node sends for one input has that input, or the append it led to, as its cause: here by index of the input.
  const stanzas = new Uint32Array(trace.length);
  let quiet = false;
  let settled: number | undefined;
  return {
    other(record) {
      if (record.kind !== 'phase') return;
      quiet = record.phase === 'quiet';
      settled = undefined;
    },
    sent({ by, stanza, cause: from }, i) {
      if (by === hostile) return;
      // A hostile node is never quiet, and others may answer it.
      if (quiet && stanza.name !== 'iq' && hostile === undefined && settled === undefined) {
        settled = i;
        violations.push({ invariant: 'G12', what: `${by} says something though nobody did anything`, at: i });
      }
      if (from === undefined) return;
      const cause = trace[from];
      const input = cause?.kind === 'append' ? cause.cause : from;
      const given = input === undefined ? undefined : trace[input];
      if (input === undefined || given?.kind !== 'out') return;
      // A message may reveal that a link is lost, so that everybody behind it leaves: these stanzas are not counted as its
      // own.
      if (given.stanza.name === 'message' && bodyOf(given.stanza) !== bodyOf(stanza)) return;
      stanzas[input] = (stanzas[input] as number) + 1;
    },
    verdict() {
      for (let input = 0; input < stanzas.length; input++) {
        const times = stanzas[input] as number;
        const record = times === 0 ? undefined : trace[input];
        if (record?.kind !== 'out' || record.stanza.name === 'iq') continue;
        const message = record.stanza.type === 'groupchat' && bodyOf(record.stanza) !== undefined;
        if (!message && record.stanza.name !== 'presence') continue;
        exercised++;
        const limit = message ? most : 3 * most + historyMost;
        if (times > limit)
          violations.push({
            invariant: 'G12',
            what: `one ${record.stanza.name} made ${times} stanzas, more than ${limit}`,
            at: input,
          });
      }
      return { violations, exercised };
    },
  };
};

/** The most messages that a room of the simulator shows to a user who enters. */
const historyMost = 200;

/** G13: no queue, list or map grows beyond what it may. */
export const bounds: Checker = (given) => ({ verdict: () => sizes(given) });

function sizes({ world, people }: Evidence): Verdict {
  const violations: Violation[] = [];
  if (!world) return { violations, exercised: 0 };
  let exercised = 0;
  const limits = {
    inbox: 5_000,
    timers: 16 + 2 * (people.length + world.seats.size),
    // Trimmed by a quarter at a time.
    history: defaultLimits.count + defaultLimits.count / 4,
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
