import { describe, expect, it } from 'vitest';
import { ndjson } from '../../src/sim/ndjson.ts';
import { modes } from '../../src/sim/plan.ts';
import { run } from '../../src/sim/simulator.ts';

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
