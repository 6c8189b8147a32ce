import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TraceRecord } from '../../src/core/node/trace.ts';
import { startLocalNodes } from '../../src/headless/local-nodes.ts';
import { nodeServerHost } from '../../src/headless/node-host.ts';
import { parseElement } from '../../src/server/parser.ts';
import { faults, judged } from '../schemas/valid.ts';
import { plain } from '../support/scenarios.ts';
import { startServer } from '../support/server.ts';
import { play, type Seat } from './run.ts';
import { allScripts } from './scripts.ts';

const scenario = {
  ...plain,
  nodes: plain.nodes.map((node) => (node.kind === 'service' ? { ...node, admins: [] } : node)),
  occupants: [],
  script: [],
};

describe('conformance scripts on the embedded server', () => {
  const scripts = allScripts();
  let seat: Seat;
  let stop: () => Promise<void>;
  const hops: string[] = [];

  beforeAll(async () => {
    const server = await startServer([scenario], { open: true });
    const failed = (address: string, error: unknown) => {
      throw new Error(`${address}: ${String(error)}`);
    };
    const [live] = server.live.networks;
    if (live === undefined) throw new Error('no network');
    live.network.trace.subscribe({
      ready: () => true,
      batch: (json) => {
        for (const record of JSON.parse(json) as TraceRecord[]) if (record.kind === 'hop') hops.push(record.stanza.xml);
      },
    });
    const nodes = await startLocalNodes(live, nodeServerHost(), failed);
    stop = async () => {
      await nodes.stop();
      await server.close();
    };
    seat = { name: 'embedded', websocket: server.url, host: 'localhost', service: 'conference.localhost' };
  });
  afterAll(() => stop());

  it('there are at least forty', () => expect(scripts.length).toBeGreaterThanOrEqual(40));
  it.concurrent.each(scripts.map((script) => [script.title, script] as const))('%s', async (_title, script) => {
    await play(script, seat);
  });
  it('whatever of the node’s own namespaces crossed the server is valid by its schema', () => {
    expect(hops.length).toBeGreaterThan(1_000);
    const limits = { bytes: 1e7, depth: 100, attributes: 100, children: 1e5, declarations: 1e5 };
    const stanzas = hops.flatMap((xml) => {
      const parsed = parseElement(xml, limits);
      return parsed.ok ? [parsed.element] : [];
    });
    expect(faults(judged(stanzas))).toEqual([]);
  });
});
