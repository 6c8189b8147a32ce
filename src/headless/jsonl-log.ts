import { existsSync, readdirSync, renameSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { NodeSnapshot } from '../core/node/snapshot.ts';
import type { RoomEvent } from '../core/room/event.ts';
import type { Lost } from '../host/event-store.ts';

/** What a store of before held, in `snapshot.json` and `log-N.jsonl`. */
export interface OldLog {
  readonly snapshot?: NodeSnapshot;
  readonly appends: readonly (readonly RoomEvent[])[];
  readonly damage?: string;
  readonly lost?: Lost;
}

const snapshotFile = 'snapshot.json';
const isOld = (name: string) => name === snapshotFile || /^log-\d+\.jsonl$/.test(name);

/**
 * Reads a store of before. A line of its log is `{"sum":S,"events":[…]}`; the sums are chained, the first to that of the
 * snapshot, which names its log: `{"sum":S,"log":N,"snapshot":{…}}`.
 *
 * @returns undefined if there is none
 */
export async function readOldLog(directory: string): Promise<OldLog | undefined> {
  if (!readdirSync(directory).some(isOld)) return undefined;
  const saved = existsSync(`${directory}/${snapshotFile}`)
    ? readSnapshot(await readFile(`${directory}/${snapshotFile}`, 'utf8'))
    : { sum: 0, log: 0 };
  if (saved === undefined) return { appends: [], lost: 'snapshot', damage: 'the saved snapshot was damaged' };
  const { sum, log, snapshot } = saved;
  const known = snapshot === undefined ? {} : { snapshot };
  const file = `${directory}/log-${log}.jsonl`;
  if (!existsSync(file)) return { ...known, appends: [], lost: 'records', damage: 'the log was missing' };
  return { ...known, ...readLog(await readFile(file), sum) };
}

/** Renames what was read, so that nothing takes it for the log again. */
export function setOldLogAside(directory: string): void {
  for (const name of readdirSync(directory).filter(isOld))
    renameSync(`${directory}/${name}`, `${directory}/old-${name}`);
}

function readSnapshot(text: string): { sum: number; log: number; snapshot?: NodeSnapshot } | undefined {
  const match = /^\{"sum":(\d+),"log":(\d+),"snapshot":/.exec(text);
  if (match === null || !text.endsWith('}\n')) return undefined;
  const body = text.slice(match[0].length, -2);
  const [sum, log] = [Number(match[1]), Number(match[2])];
  return crc32(body, log) === sum ? { sum, log, snapshot: JSON.parse(body) as NodeSnapshot } : undefined;
}

function readLog(bytes: Buffer, sum: number): Pick<OldLog, 'appends' | 'damage' | 'lost'> {
  const appends: RoomEvent[][] = [];
  let chain = sum;
  let good = 0;
  while (good < bytes.length) {
    const end = bytes.indexOf(0x0a, good);
    const line = end < 0 ? undefined : readLine(bytes.toString('utf8', good, end), chain);
    if (line === undefined) break;
    appends.push(JSON.parse(line.events) as RoomEvent[]);
    chain = line.sum;
    good = end + 1;
  }
  if (good === bytes.length) return { appends };
  const rest = bytes.subarray(good);
  return rest.includes(0x0a)
    ? { appends, lost: 'records', damage: 'the log was damaged: what came after the damage is lost' }
    : { appends, lost: 'tail-torn', damage: 'a torn last entry was cut off' };
}

/** @returns undefined if the line is not what was written after the line with sum `chain` */
function readLine(line: string, chain: number): { readonly sum: number; readonly events: string } | undefined {
  const match = /^\{"sum":(\d+),"events":/.exec(line);
  if (match === null || !line.endsWith('}')) return undefined;
  const events = line.slice(match[0].length, -1);
  const sum = Number(match[1]);
  return crc32(events, chain) === sum ? { sum, events } : undefined;
}
