import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TraceRecord } from '../../../src/core/node/trace.ts';
import { hostScenarios, type LiveNetwork } from '../../../src/headless/live-config.ts';
import { type LogOptions, startLocalNodes } from '../../../src/headless/local-nodes.ts';
import { nodeServerHost } from '../../../src/headless/node-host.ts';
import { builtIn } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';

const directory = mkdtempSync(join(tmpdir(), 'netsplit-order-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** What went wrong while all nodes of a scenario started: bounces, errors, and signs of a split. */
async function troubles(scenario: Scenario, log: LogOptions = {}): Promise<readonly string[]> {
  const host = nodeServerHost();
  const [live] = hostScenarios([scenario], host).networks as [LiveNetwork];
  const records: TraceRecord[] = [];
  const stopWatching = live.network.trace.subscribe({
    ready: () => true,
    batch: (json) => records.push(...(JSON.parse(json) as TraceRecord[])),
  });
  const failed = (_: string, error: unknown) => {
    throw error;
  };
  const nodes = await startLocalNodes(live, host, failed, log);
  // The trace is told in batches: what it has by now, it tells with the next one.
  await new Promise<void>((told) => {
    const stop = live.network.trace.subscribe({
      ready: () => true,
      batch: () => {
        stop();
        told();
      },
    });
  });
  stopWatching();
  await nodes.stop();
  expect(records.some(({ kind }) => kind === 'status')).toBe(true);
  return records.flatMap((record) => {
    if (record.kind === 'hop' && (record.outcome !== undefined || record.stanza.type === 'error'))
      return [record.stanza.xml];
    return record.kind === 'step' ? record.notes.flatMap(({ sign, what }) => (sign === undefined ? [] : [what])) : [];
  });
}

/** What is said to somebody who is not there yet bounces at once. */
function withQuickLinks(scenario: Scenario): Scenario {
  const domains = scenario.servers.map(({ domain }) => domain);
  const links = domains.flatMap((a, i) =>
    domains.slice(i + 1).map((b) => ({ between: [a, b] as const, latencyMs: 0 })),
  );
  return { ...scenario, links };
}

const reversed = (scenario: Scenario): Scenario => ({ ...scenario, nodes: scenario.nodes.toReversed() });

describe.each(builtIn.map((scenario) => [scenario.id, scenario] as const))(
  'npm run serve, scenario %s',
  (_, scenario) => {
    it('nobody is asked before they can be reached, in whatever order the nodes are listed', async () => {
      for (const order of [scenario, reversed(scenario)]) expect(await troubles(withQuickLinks(order))).toEqual([]);
    });

    it('nor is anybody when all start again from their logs', async () => {
      const log = { directory: join(directory, scenario.id) };
      await troubles(scenario, log);
      const said = await troubles(reversed(scenario), log);
      expect(said.filter((text) => text.includes('<error'))).toEqual([]);
    });
  },
);
