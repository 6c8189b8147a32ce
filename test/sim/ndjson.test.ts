import { describe, expect, it } from 'vitest';
import { noFaults } from '../../src/sim/ground.ts';
import { ndjson } from '../../src/sim/ndjson.ts';
import { modes } from '../../src/sim/plan.ts';
import { type RunResult, run } from '../../src/sim/simulator.ts';

describe.each(modes)('The trace of a run as NDJSON, mode %s', (mode) => {
  const options = { mode, events: 60 } as const;
  const result = run(4, options);
  const text = [...ndjson(4, options, result)].join('');
  const [header, ...lines] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

  it('begins with what it is', () => {
    expect(header).toMatchObject({ format: 'netsplit-trace', version: 1, seed: 4, mode, events: 60 });
  });

  it('has in its header what a picture of the network needs', () => {
    const { plan } = result;
    expect(header.servers).toEqual(plan.domains);
    expect(header.links).toHaveLength((plan.domains.length * (plan.domains.length - 1)) / 2);
    for (const { between, latencyMs } of header.links) {
      expect(plan.domains).toEqual(expect.arrayContaining(between));
      expect(latencyMs).toBeGreaterThan(0);
    }
    expect(header.people).toMatchObject(plan.people.map(({ jid, nick, room }) => ({ jid, nick, room })));
    expect(header.nodes).toMatchObject(
      plan.layout.nodes.map((node) =>
        node.kind === 'service'
          ? {
              kind: 'service',
              rooms: node.rooms.map(({ jid, distribution: { kind } }) => ({ jid, distribution: { kind } })),
            }
          : { kind: 'replica', replicaOf: node.room.jid, serves: [node.server] },
      ),
    );
  });

  it('has a line for every record, numbered, in the order of time', () => {
    expect(lines.length).toBeGreaterThanOrEqual(result.trace.length);
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, i) => i + 1));
    for (const [i, { t }] of lines.entries()) expect(t).toBeGreaterThanOrEqual(lines[i - 1]?.t ?? 0);
  });

  it('names only earlier lines as causes', () => {
    const caused = lines.filter(({ cause }) => cause !== undefined);
    expect(caused.length).toBeGreaterThan(lines.length / 2);
    for (const { seq, cause } of caused) expect(cause).toBeLessThan(seq);
  });

  it('has stanzas as the server counts them, and a rule for each that somebody sent', () => {
    const hops = lines.filter(({ kind }) => kind === 'hop');
    for (const { stanza, leg, spec, stream, n, server } of hops) {
      expect(new TextEncoder().encode(stanza.xml)).toHaveLength(stanza.bytes);
      expect(stanza.xml.startsWith(`<${stanza.name}`)).toBe(true);
      if (leg === 'in') expect(spec).toBeTypeOf('string');
      if (leg === 'link') expect(server).toHaveLength(2);
      else expect([typeof stream, typeof n]).toEqual(['string', 'number']);
    }
    for (const { kind } of lines)
      expect(['hop', 'session', 'append', 'state', 'step', 'link', 'fault', 'act']).toContain(kind);
  });
});

describe.each(modes)('What the nodes become, mode %s', (mode) => {
  const options = { mode, events: 60, faults: { ...noFaults, crash: 0.1 } } as const;
  const [without, asked] = [run(4, options), run(4, { ...options, statuses: true })];
  const lines = (result: RunResult) => [...ndjson(4, options, result)].map((line) => JSON.parse(line));

  it('is said only where it was asked for, and changes nothing of the run', () => {
    expect(without.statuses).toEqual([]);
    expect(asked.statuses.length).toBeGreaterThan(20);
    expect(JSON.stringify({ ...asked, statuses: [] })).toBe(JSON.stringify(without));
    const plain = lines(asked).filter(({ kind }) => kind !== 'status');
    expect(plain.filter(({ kind }) => kind === 'hop')).toHaveLength(
      lines(without).filter(({ kind }) => kind === 'hop').length,
    );
  });

  it('ends with what every node is', () => {
    const last = new Map(asked.statuses.map(({ node, status }) => [node, status]));
    const told = new Map(lines(asked).flatMap((line) => (line.kind === 'status' ? [[line.node, line.status]] : [])));
    expect([...last.keys()].sort()).toEqual(asked.plan.layout.nodes.map(({ address }) => address).sort());
    expect(told).toEqual(new Map([...last].map(([node, status]) => [node, JSON.parse(JSON.stringify(status))])));
  });

  it('shows a crash as the end of the session of the node, and its start as another', () => {
    const nodes = new Set<string>(asked.plan.layout.nodes.map(({ address }) => address));
    const up = new Map<string, boolean>();
    let crashes = 0;
    for (const line of lines(asked)) {
      if (line.kind === 'session' && nodes.has(line.address)) {
        expect(up.get(line.address) ?? false).toBe(!line.up);
        up.set(line.address, line.up);
        if (!line.up) crashes++;
      }
      // A node that is down neither sends nor says anything.
      if (line.kind === 'status') expect(up.get(line.node)).toBe(true);
      if (line.kind === 'hop' && line.leg === 'in' && nodes.has(line.from)) expect(up.get(line.from)).toBe(true);
    }
    expect(crashes).toBeGreaterThan(nodes.size);
    expect([...up.values()]).not.toContain(false);
  });
});

it('A violation names the line that shows it', () => {
  const result = run(4, { mode: 'plain', events: 20, statuses: true });
  const at = result.trace.findIndex(({ kind }) => kind === 'out');
  const violations = [
    { invariant: 'G1', what: 'as if', at },
    { invariant: 'G2', what: 'of the end' },
  ];
  const [header, ...lines] = [...ndjson(4, { mode: 'plain', events: 20 }, { ...result, violations })].map((line) =>
    JSON.parse(line),
  );
  expect(header.violations).toEqual([
    { invariant: 'G1', what: 'as if', seq: lines.findIndex(({ leg }) => leg === 'out') + 1 },
    { invariant: 'G2', what: 'of the end' },
  ]);
});
