/** An hour of a busy service in a few minutes: memory, losses, and what attackers cost the others. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Load, pause, rssOf, running, startNode, stopped } from './processes.ts';
import type { AttackersCommand, Repelled } from './soak-attackers.ts';
import type { Ended, Lived, UsersCommand } from './soak-users.ts';

/** What each does is in soak-attackers.ts. */
export const attackerKinds = [
  ...(['wide XML', 'small flood', 'large texts'] as const),
  ...(['slow reader', 'log-in guesser', 'half-open sockets'] as const),
];
export type AttackerKind = (typeof attackerKinds)[number];

export interface SoakSizes {
  readonly occupants: number;
  readonly rooms: number;
  readonly warmUpMs: number;
  readonly quietMs: number;
  readonly attackedMs: number;
  readonly afterMs: number;
  readonly sampleMs: number;
}

export const fullSoak: SoakSizes = {
  ...{ occupants: 1000, rooms: 10, sampleMs: 10_000 },
  ...{ warmUpMs: 40_000, quietMs: 60_000, attackedMs: 90_000, afterMs: 40_000 },
};
export const quickSoak: SoakSizes = {
  ...{ occupants: 100, rooms: 5, sampleMs: 5000 },
  ...{ warmUpMs: 10_000, quietMs: 15_000, attackedMs: 15_000, afterMs: 10_000 },
};

export interface MemorySample {
  /** Seconds since all were in. */
  readonly at: number;
  readonly phase: string;
  readonly rss: number;
  /** After garbage was collected. */
  readonly heap: number;
}

export interface SoakFigures {
  readonly occupants: number;
  readonly phases: readonly ({ readonly name: string } & Lived)[];
  readonly memory: readonly MemorySample[];
  /** After the warm-up, by least squares, in bytes a minute. */
  readonly heapSlope: number;
  readonly rssSlope: number;
  readonly repelled: Repelled;
  readonly ended: Ended;
}

export async function measureSoak(
  sizes: SoakSizes,
  kinds: readonly AttackerKind[],
  tell: (line: string) => void,
): Promise<SoakFigures> {
  const directory = mkdtempSync(`${tmpdir()}/netsplit-soak-`);
  const names = ['wide', 'flood', 'large', 'slow', ...Array.from({ length: sizes.occupants }, (_, i) => `u${i}`)];
  const accounts = Object.fromEntries(names.map((name) => [`${name}@localhost`, 'pw']));
  writeFileSync(`${directory}/accounts.json`, JSON.stringify(accounts));
  const heapFile = `${directory}/heap`;
  const { child, match } = await startNode(
    '../../src/headless/serve.ts',
    // biome-ignore format: a flag and its value
    ['--scenario', 'plain', '--port', '0', '--auth', 'accounts', '--accounts', `${directory}/accounts.json`,
      '--store', `${directory}/store`],
    /ready (ws:\S+)/,
    { BENCH_HEAP: heapFile },
  );
  const pid = child.pid as number;
  const target = { url: match[1] as string, domain: 'localhost', rooms: 'conference.localhost' };
  const users = new Load<UsersCommand>('./soak-users.ts');
  const attackers = new Load<AttackersCommand>('./soak-attackers.ts');
  const stop = async () => {
    await users.stop();
    await attackers.stop();
    await stopped(child);
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  running.add({ stop });
  try {
    tell(`soak: ${sizes.occupants} users enter ${sizes.rooms} rooms`);
    await users.ask({ do: 'begin', target, ...sizes });
    const began = performance.now();
    const memory: MemorySample[] = [];
    const phases: ({ readonly name: string } & Lived)[] = [];
    const phase = async (name: string, ms: number) => {
      tell(`soak: ${name}, ${ms / 1000} s`);
      const lived = users.ask<Lived>({ do: 'live', ms });
      for (let left = ms; left > 0; left -= sizes.sampleMs) {
        await pause(Math.min(left, sizes.sampleMs) - 300);
        child.kill('SIGUSR2');
        await pause(300);
        const at = Math.round((performance.now() - began) / 1000);
        memory.push({ at, phase: name, rss: rssOf([pid]), heap: heapIn(heapFile) });
      }
      phases.push({ name, ...(await lived) });
    };
    await phase('warm-up', sizes.warmUpMs);
    await phase('without attackers', sizes.quietMs);
    await attackers.ask({ do: 'begin', target, kinds });
    await phase('with attackers', sizes.attackedMs);
    const repelled = await attackers.ask<Repelled>({ do: 'end' });
    await phase('after them', sizes.afterMs);
    const ended = await users.ask<Ended>({ do: 'end' });
    const warm = memory.filter((sample) => sample.phase !== 'warm-up');
    return {
      ...{ occupants: sizes.occupants, phases, memory, repelled, ended },
      heapSlope: slope(warm.map(({ at, heap }) => [at / 60, heap])),
      rssSlope: slope(warm.map(({ at, rss }) => [at / 60, rss])),
    };
  } finally {
    await stop();
  }
}

function heapIn(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

/** Of the line that is nearest to the points, by least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const across = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return across === 0 ? 0 : points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / across;
}
