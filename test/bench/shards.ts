import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { noEjabberd, startEjabberd } from './ejabberd.ts';
import { cpuMsOf, Load, rssOf, running, startNode, stopped } from './processes.ts';
import type { ShardCommand, ShardFlood } from './shard-load.ts';

/** Many rooms on one ejabberd: its own, and ours on so many processes. */
export interface ShardFigures {
  readonly name: string;
  readonly isReference: boolean;
  readonly deliveriesPerSecond: number;
  /** By the processor time of ejabberd and of our processes together. */
  readonly deliveriesPerCpuSecond: number;
  /** Microseconds of processor time of a delivery: in ejabberd, and in our processes together. */
  readonly serverMicros: number;
  readonly ownMicros: number;
  /** Of all the time of our processes, the share of the one that had most to do: 1/N where the rooms are divided well. */
  readonly busiest: number;
  readonly loadShare: number;
  /** Bytes of each of our processes, on average. */
  readonly bytes: number;
}

export interface ShardSizes {
  readonly rooms: number;
  readonly each: number;
  readonly floodMs: number;
}

export const fullShards: ShardSizes = { rooms: 24, each: 20, floodMs: 8_000 };
export const quickShards: ShardSizes = { rooms: 8, each: 10, floodMs: 2_000 };
/** Messages under way at once in each room. */
const window = 2;
const [domain, rooms, secret] = ['localhost', 'rooms.localhost', 'bench'];

/** One after the other, in one run. @returns why there are none, where no ejabberd is installed */
export async function measureShards(
  sizes: ShardSizes,
  tell: (line: string) => void,
): Promise<readonly ShardFigures[] | string> {
  if (noEjabberd !== undefined) return noEjabberd;
  const figures: ShardFigures[] = [];
  for (const processes of [0, 1, 2, 4]) {
    tell(`shards: ${nameOf(processes)}`);
    figures.push(await measure(processes, sizes));
  }
  return figures;
}

function nameOf(processes: number): string {
  if (processes === 0) return 'ejabberd’s own MUC';
  return `netsplit, component of ejabberd, ${processes === 1 ? '1 process' : `${processes} processes`}`;
}

/** @param processes  0: ejabberd's own rooms */
async function measure(processes: number, { rooms: count, each, floodMs }: ShardSizes): Promise<ShardFigures> {
  const store = mkdtempSync(`${tmpdir()}/netsplit-shards-`);
  const ejabberd = await (processes === 0
    ? startEjabberd(domain, rooms)
    : startEjabberd(
        domain,
        `own.${rooms}`,
        { [rooms]: secret },
        processes === 1 ? {} : { spread: { [rooms]: processes } },
      ));
  running.add(ejabberd);
  const shards: Awaited<ReturnType<typeof startNode>>['child'][] = [];
  const load = new Load<ShardCommand>('./shard-load.ts');
  try {
    for (let i = 0; i < processes; i++) {
      const { child } = await startNode(
        '../../src/headless/component.ts',
        // biome-ignore format: pairs
        ['--server', `127.0.0.1:${ejabberd.componentPort}`, '--domain', rooms, '--store', store,
          ...(processes === 1 ? [] : ['--shards', `${processes}`])],
        /ready /,
        { NETSPLIT_COMPONENT_SECRET: secret },
      );
      shards.push(child);
    }
    const own = shards.map(({ pid }) => pid as number);
    const target = { url: ejabberd.websocket, domain, rooms };
    await load.ask({ do: 'enter', target, rooms: count, each });
    // What is compiled while running is warm when it counts.
    await load.ask<ShardFlood>({ do: 'flood', window, ms: floodMs / 2 });
    const before = [ejabberd.pid, ...own].map((pid) => cpuMsOf([pid]));
    const { deliveries, ms, ownCpuMs } = await load.ask<ShardFlood>({ do: 'flood', window, ms: floodMs });
    const [server = 0, ...ours] = [ejabberd.pid, ...own].map((pid, i) => cpuMsOf([pid]) - (before[i] ?? 0));
    const all = ours.reduce((sum, one) => sum + one, 0);
    return {
      name: nameOf(processes),
      isReference: processes === 0,
      deliveriesPerSecond: (deliveries / ms) * 1000,
      deliveriesPerCpuSecond: (deliveries / (server + all)) * 1000,
      serverMicros: (server * 1000) / deliveries,
      ownMicros: (all * 1000) / deliveries,
      busiest: all === 0 ? 0 : Math.max(...ours) / all,
      loadShare: ownCpuMs / ms,
      bytes: own.length === 0 ? 0 : rssOf(own) / own.length,
    };
  } finally {
    await load.stop();
    await Promise.all(shards.map(stopped));
    running.delete(ejabberd);
    await ejabberd.stop();
    rmSync(store, { recursive: true, force: true, maxRetries: 5 });
  }
}
