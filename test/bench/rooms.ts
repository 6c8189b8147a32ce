import type { Flood, Joined, Latency } from './load.ts';
import { Load, pause } from './processes.ts';
import type { Contender } from './targets.ts';

/** What one contender did. */
export interface RoomFigures {
  readonly name: string;
  readonly isReference: boolean;
  readonly skipped?: string;
  readonly sizes: readonly SizeFigures[];
  /** All but the first enter at once; until everyone has had everyone's presence. */
  readonly storm?: { readonly occupants: number; readonly ms: number; readonly presencesPerSecond: number };
  /** Bytes of memory for each idle occupant: session and place in the room together. */
  readonly bytesPerOccupant?: number;
}

export interface SizeFigures {
  readonly occupants: number;
  readonly deliveriesPerSecond: number;
  /** By the processor time of the server's processes: what a busy machine distorts least. */
  readonly deliveriesPerCpuSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of one core that the load generator took: near 1 it is the bound itself. */
  readonly loadShare: number;
}

export interface Sizes {
  /** Measured in a room that grows. */
  readonly growing: readonly number[];
  /** Measured after a join storm. */
  readonly storm: number;
  readonly floodMs: number;
  readonly messages: number;
}

/** Messages under way at once. */
const window = 8;

export async function measureRooms(
  contender: Contender,
  sizes: Sizes,
  tell: (line: string) => void,
): Promise<RoomFigures> {
  const { name, isReference, missing } = contender;
  if (missing !== undefined) return { name, isReference, skipped: missing, sizes: [] };
  const load = new Load();
  const measured: SizeFigures[] = [];
  try {
    const server = await contender.start(sizes.storm);
    const measure = async (occupants: number) => {
      tell(`${name}: ${occupants} occupants`);
      const { p50, p99 } = await load.ask<Latency>({ do: 'latency', messages: sizes.messages });
      // What is compiled while running is warm when it counts.
      await load.ask<Flood>({ do: 'flood', window, ms: sizes.floodMs / 2 });
      const before = server.cpuMs();
      const flood = await load.ask<Flood>({ do: 'flood', window, ms: sizes.floodMs });
      const cpuMs = server.cpuMs() - before;
      measured.push({
        occupants,
        deliveriesPerSecond: (flood.deliveries / flood.ms) * 1000,
        deliveriesPerCpuSecond: (flood.deliveries / cpuMs) * 1000,
        p50Ms: p50,
        p99Ms: p99,
        loadShare: flood.ownCpuMs / flood.ms,
      });
    };
    try {
      server.settle();
      await pause(500);
      const emptyRss = server.rss();
      tell(`${name}: ${sizes.storm} log in`);
      await load.ask({ do: 'login', target: server, occupants: sizes.storm });
      let from = 0;
      for (const to of sizes.growing) {
        await load.ask<Joined>({ do: 'join', room: 'growing', from, to, first: from === 0 });
        from = to;
        await measure(to);
      }
      tell(`${name}: ${sizes.storm} join at once`);
      const joined = await load.ask<Joined>({ do: 'join', room: 'storm', from: 0, to: sizes.storm, first: true });
      server.settle();
      await pause(1500);
      const bytesPerOccupant = (server.rss() - emptyRss) / sizes.storm;
      await measure(sizes.storm);
      return {
        name,
        isReference,
        sizes: measured,
        storm: {
          occupants: sizes.storm,
          ms: joined.ms,
          presencesPerSecond: (joined.presences / joined.ms) * 1000,
        },
        bytesPerOccupant,
      };
    } finally {
      await server.stop();
    }
  } catch (error) {
    return { name, isReference, skipped: error instanceof Error ? error.message : String(error), sizes: measured };
  } finally {
    await load.stop();
  }
}
