import type { Flood, Joined, Latency, Target } from './load.ts';
import { Load, pause, running } from './processes.ts';
import type { Contender, Running } from './targets.ts';

/** What one contender did. */
export interface RoomFigures {
  readonly name: string;
  readonly isReference: boolean;
  /** Why it was not measured, or not to the end. */
  readonly trouble?: string;
  readonly sizes: readonly SizeFigures[];
  readonly storms: readonly StormFigures[];
  /** Bytes of memory for each idle occupant: session and place in the room together. */
  readonly bytesPerOccupant?: number;
}

/** All but the first enter at once; until everyone has had everyone's presence. */
export interface StormFigures {
  readonly occupants: number;
  readonly ms: number;
  readonly presencesPerSecond: number;
}

export interface SizeFigures {
  readonly occupants: number;
  readonly deliveriesPerSecond: number;
  /** By the processor time of the server's processes: what a busy machine distorts least. */
  readonly deliveriesPerCpuSecond?: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of one core that the load generator took: near 1 it is the bound itself. */
  readonly loadShare: number;
}

export interface Sizes {
  /** Measured in one room that grows; the last is how many log in. */
  readonly growing: readonly number[];
  /** A join storm of so many each, for as long as the one before lets the next be done in `stormMs`. */
  readonly storms: readonly number[];
  readonly stormMs: number;
  readonly floodMs: number;
  readonly messages: number;
}

/** Messages under way at once. */
const window = 8;

export async function measureRooms(
  contender: Contender,
  sizes: Sizes,
  tell: (line: string) => void,
  loadFile?: string,
): Promise<RoomFigures> {
  const { name, isReference, missing } = contender;
  const measured: SizeFigures[] = [];
  const storms: StormFigures[] = [];
  if (missing !== undefined) return { name, isReference, trouble: missing, sizes: measured, storms };
  const occupants = Math.max(...sizes.growing, ...sizes.storms);
  let bytesPerOccupant: number | undefined;
  let trouble: string | undefined;
  try {
    bytesPerOccupant = await logIn(contender, occupants, loadFile, tell, bytesOfIdle);
    await logIn(contender, occupants, loadFile, tell, async (load, server) => {
      let from = 0;
      for (const to of sizes.growing) {
        await load.ask<Joined>({ do: 'join', room: 'growing', from, to, hushed: true });
        from = to;
        tell(`${name}: ${to} occupants`);
        measured.push(await measure(load, server, to, sizes));
      }
      await storm(load, name, sizes, tell, storms);
    });
  } catch (error) {
    trouble = error instanceof Error ? error.message : String(error);
    tell(`${name}: ${trouble}`);
  }
  return {
    name,
    isReference,
    sizes: measured,
    storms,
    ...(trouble === undefined ? {} : { trouble }),
    ...(bytesPerOccupant === undefined || bytesPerOccupant <= 0 ? {} : { bytesPerOccupant }),
  };
}

/** Starts the server, logs all in, and stops it afterwards. @param emptyRss  its memory before they came */
async function logIn<T>(
  contender: Contender,
  occupants: number,
  loadFile: string | undefined,
  tell: (line: string) => void,
  use: (load: Load, server: Running, emptyRss: number, occupants: number) => Promise<T>,
): Promise<T> {
  const load = new Load(loadFile);
  let server: Running | undefined;
  try {
    server = await contender.start(occupants);
    running.add(server);
    const emptyRss = await settledRss(server);
    tell(`${contender.name}: ${occupants} log in`);
    await load.ask({ do: 'login', target: pick(server), occupants });
    return await use(load, server, emptyRss, occupants);
  } finally {
    await load.stop();
    if (server !== undefined) {
      running.delete(server);
      await server.stop();
    }
  }
}

async function settledRss(server: Running): Promise<number> {
  server.settle();
  await pause(1000);
  return server.rss();
}

/** All are in a room where nobody has said anything. */
async function bytesOfIdle(load: Load, server: Running, emptyRss: number, occupants: number): Promise<number> {
  await load.ask<Joined>({ do: 'join', room: 'idle', from: 0, to: occupants, hushed: true });
  return ((await settledRss(server)) - emptyRss) / occupants;
}

async function storm(
  load: Load,
  name: string,
  sizes: Sizes,
  tell: (line: string) => void,
  storms: StormFigures[],
): Promise<void> {
  let expectedMs = 0;
  for (const occupants of sizes.storms) {
    const last = storms.at(-1);
    if (last !== undefined) expectedMs = last.ms * (occupants / last.occupants) ** 2;
    if (expectedMs > sizes.stormMs) break;
    tell(`${name}: ${occupants} join at once`);
    const { ms, presences } = await load.ask<Joined>({
      do: 'join',
      room: `storm${occupants}`,
      from: 0,
      to: occupants,
      hushed: false,
    });
    storms.push({ occupants, ms, presencesPerSecond: (presences / ms) * 1000 });
  }
}

async function measure(load: Load, server: Running, occupants: number, sizes: Sizes): Promise<SizeFigures> {
  const { p50, p99 } = await load.ask<Latency>({ do: 'latency', messages: sizes.messages });
  // What is compiled while running is warm when it counts.
  await load.ask<Flood>({ do: 'flood', window, ms: sizes.floodMs / 2 });
  const before = server.cpuMs();
  const flood = await load.ask<Flood>({ do: 'flood', window, ms: sizes.floodMs });
  const cpuMs = server.cpuMs() - before;
  return {
    occupants,
    deliveriesPerSecond: (flood.deliveries / flood.ms) * 1000,
    ...(cpuMs > 0 ? { deliveriesPerCpuSecond: (flood.deliveries / cpuMs) * 1000 } : {}),
    p50Ms: p50,
    p99Ms: p99,
    loadShare: flood.ownCpuMs / flood.ms,
  };
}

/** What can be sent to the load generator. */
function pick({ url, domain, rooms }: Running): Target {
  return { url, domain, rooms };
}
