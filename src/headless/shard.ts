import type { NodeConfig } from '../core/node/config.ts';
import type { Driver } from '../host/driver.ts';
import { type EventStore, StoreError } from '../host/event-store.ts';
import type { LinkHandlers } from '../host/stanza-link.ts';
import type { ServiceConfig } from './component-config.ts';
import type { Seat } from './seat-connection.ts';
import type { ShardIndex } from './shard-index.ts';
import { ShardLink, type ShardLinkOptions } from './shard-link.ts';

/** How often the processes tell each other what they have. Where that takes long, it takes a twentieth of the time at most. */
const tellMs = 1_000;
const shareOfTime = 20;
/** Before a process connects, it looks so often whether another is missing. */
const lookMs = 500;
/** How long a process waits until the one that had its rooms before has left their store. */
const leaveMs = 30_000;

/** What one process of several runs. */
export interface Shard {
  readonly seat: Seat;
  readonly link: ShardLink;
  readonly config: ServiceConfig;
  /** Where its rooms are kept. */
  readonly directory: string;
}

/**
 * Waits until one of the processes of the domain is missing, and takes its rooms. As long as all are there this one is a standby.
 *
 * @param isEnding  whether nobody waits for it any more
 * @returns undefined: it has been told to end
 * @throws LinkError
 */
export async function takeShard(
  options: Omit<ShardLinkOptions, 'rooms'>,
  config: ServiceConfig,
  index: ShardIndex,
  say: (line: string) => void,
  progress: LinkHandlers['progress'],
  isEnding: () => boolean,
): Promise<Shard | undefined> {
  for (let looked = 0; index.running() >= options.seats; looked++) {
    if (looked === 0)
      say(`${options.domain}: ${options.seats} processes have its rooms; this one waits until one of them is gone`);
    await pause(lookMs);
    if (isEnding()) return undefined;
  }
  const link = new ShardLink({ ...options, rooms: config.rooms.map(({ jid }) => jid) });
  const seat = await link.take(progress);
  return {
    seat,
    link,
    config: { ...config, rooms: config.rooms.filter(({ jid }) => seat.rooms.has(jid)) },
    directory: index.storeOf(seat.number),
  };
}

/** Opens the store of rooms that another process may be about to leave, because the server has given it other ones. */
export async function openLeft(open: () => Promise<EventStore>): Promise<EventStore> {
  for (let waited = 0; ; waited += lookMs) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'in-use' || waited >= leaveMs) throw error;
      await pause(lookMs);
    }
  }
}

/** Tells the others what this process has, and its node what they have, until it is stopped. @returns stops it */
export function tellOthers(
  index: ShardIndex,
  seat: Seat,
  driver: Pick<Driver, 'holdings' | 'command'>,
  domain: NodeConfig['address'],
  say: (line: string) => void,
): () => void {
  let silent: ReadonlyMap<number, number> = new Map();
  let told = '';
  let rounds = 0;
  let trouble = '';
  let timer: NodeJS.Timeout;
  const round = () => {
    const began = performance.now();
    try {
      index.write(seat.number, driver.holdings());
      const others = index.others(seat.number, Date.now());
      for (const [number, rooms] of others.silent)
        if (rooms > 0 && !silent.has(number))
          say(`${domain}: nobody has the rooms of seat ${number} now: ${rooms} cannot be reached`);
      for (const number of silent.keys())
        if (!others.silent.has(number)) say(`${domain}: the rooms of seat ${number} are back`);
      silent = others.silent;
      const text = JSON.stringify([others.holdings.rooms, others.holdings.open, [...others.holdings.made]]);
      // A node whose store had no room has begun anew since, and knows nothing of the others.
      if (text !== told || rounds++ % 30 === 0) void driver.command({ name: 'elsewhere', holdings: others.holdings });
      told = text;
      trouble = '';
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== trouble) say(`${domain}: the other processes are not told what is here: ${why}`);
      trouble = why;
    }
    timer = setTimeout(round, Math.max(tellMs, shareOfTime * (performance.now() - began)));
  };
  round();
  return () => {
    clearTimeout(timer);
    try {
      index.leave(seat.number);
    } catch {
      // Then the others notice its silence.
    }
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
