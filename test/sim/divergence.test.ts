import { describe, expect, it } from 'vitest';
import type { Jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf } from '../../src/core/xmpp/stanza.ts';
import { readBody } from '../../src/sim/bodies.ts';
import { noFaults } from '../../src/sim/ground.ts';
import type { Mode } from '../../src/sim/plan.ts';
import { type RunResult, run } from '../../src/sim/simulator.ts';
import { howMany } from '../support/long.ts';

/** What each session was shown live, in order. */
function heardIn({ trace }: RunResult): ReadonlyMap<Jid, readonly string[]> {
  const heard = new Map<Jid, string[]>();
  for (const record of trace) {
    if (record.kind !== 'out' || record.stanza.type !== 'groupchat') continue;
    const body = bodyOf(record.stanza);
    const isLate = record.stanza.payloads.some(({ xmlns }) => xmlns === NS.delay);
    if (body === undefined || isLate || readBody(body) === undefined) continue;
    const words = heard.get(record.to) ?? [];
    heard.set(record.to, [...words, body]);
  }
  return heard;
}

/** Pairs of words that two sessions were shown in different orders. */
function divergentOrders(result: RunResult): readonly string[] {
  const users = new Set(result.plan.people.map(({ jid }) => jid));
  const orders = [...heardIn(result)].filter(([to]) => users.has(to)).map(([, words]) => words);
  const found = new Set<string>();
  for (const one of orders) {
    const place = new Map(one.map((word, i) => [word, i]));
    for (const other of orders) {
      const shared = other.filter((word) => place.has(word));
      for (const [i, word] of shared.entries()) {
        const next = shared[i + 1];
        if (next !== undefined && (place.get(word) as number) > (place.get(next) as number))
          found.add(`${word} ${next}`);
      }
    }
  }
  return [...found];
}

describe('The order in which people read', () => {
  const divergent = (mode: Mode) =>
    Array.from({ length: howMany(3, 10) }, (_, i) => run(i + 1, { mode, events: 120, faults: noFaults })).flatMap(
      divergentOrders,
    );

  it('0289pp: differs from node to node (invariants.md: a total order is not promised), but not for one author', () => {
    const pairs = divergent('0289pp');
    expect(pairs.length).toBeGreaterThan(0);
    for (const pair of pairs) {
      const [one, other] = pair.split(' ').map((word) => readBody(word)?.user);
      expect(one).not.toBe(other);
    }
  });

  it('plain: is the room’s', () => {
    expect(divergent('plain')).toEqual([]);
  });
});
