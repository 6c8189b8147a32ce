import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { badArgument } from '../../src/headless/arguments.mjs';
import { LevelStore } from '../../src/headless/level-store.ts';
import { historyInBrowser, noBrowser, startInBrowser, storesInBrowser } from './browser.ts';
import { fullFederation, measureFederation, quickFederation } from './federation.ts';
import { measureArchive, measureHistory } from './history.ts';
import { JsonlStore } from './jsonl-store.ts';
import { measureLab } from './lab.ts';
import { measureLinks } from './links.ts';
import { type HistoryResult, print } from './print.ts';
import { printFederation } from './print-federation.ts';
import { printLab } from './print-lab.ts';
import { printShards } from './print-shards.ts';
import { printSoak } from './print-soak.ts';
import { printStart } from './print-start.ts';
import { printPairs } from './print-stores.ts';
import { running } from './processes.ts';
import { measureRooms, type RoomFigures, type Sizes } from './rooms.ts';
import { fullShards, measureShards, quickShards } from './shards.ts';
import { attackerKinds, fullSoak, measureSoak, quickSoak } from './soak.ts';
import { measureStart } from './start.ts';
import { measurePairs } from './stores.ts';
import { type Contender, contenders } from './targets.ts';

const help = `npm run bench -- [--json] [--quick] [--only TEXT] [--attacker TEXT]

Rooms over WebSocket under one load generator: ours headless, in a Chromium worker and as a component of Prosody and of ejabberd,
beside Prosody's and ejabberd's own, over WebSocket and over TCP, and ws alone, all in this run; then the history, on disk and in
IndexedDB; then what crosses the links between servers, distributed and not. What is not installed is left out, and said. Linux,
for processor time and memory.

  --quick      smaller rooms, in two minutes
  --json       all figures for a program
  --only TEXT  only what has TEXT in its name ("headless", "Prosody", "history", …)
  --only stores  today's stores and those of an earlier version in turn, on disk and in IndexedDB
  --only lab   the Lab in Chromium: its first picture, frames while 200 events a second are played for a minute beside a page
               that stands still, and seeks in that run
  --only start  the page in Chromium: until everybody is in the room, with a new server each time
  --only shards  many rooms on one ejabberd: its own, and ours on 1, 2 and 4 processes
  --only federation  a room of 10,000 on 3, 30 and 101 servers, in each of the protocols, all nodes in one process
  --only soak  four minutes of 1,000 users and of attackers: memory, losses, and what the attackers cost the others
  --attacker TEXT  of the soak's attackers only those that have TEXT in their name:
               ${attackerKinds.join(', ')}
  --help       this text`;

const full: Sizes = { growing: [10, 100, 1000], storms: [300, 1000], stormMs: 30_000, floodMs: 2000, messages: 15 };
const quick: Sizes = { growing: [10, 100], storms: [50], stormMs: 10_000, floodMs: 600, messages: 10 };

function readArguments() {
  try {
    return parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        attacker: { type: 'string', default: '' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    console.error(badArgument(error));
    process.exit(2);
  }
}

const options = readArguments();
if (options.help) {
  console.log(help);
  process.exit();
}

const attackers = attackerKinds.filter((kind) => kind.toLowerCase().includes(options.attacker.toLowerCase()));
if (attackers.length === 0) {
  console.error(
    `--attacker: ${JSON.stringify(options.attacker)} is in the name of none of ${attackerKinds.join(', ')}`,
  );
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await Promise.allSettled([...running].map((server) => server.stop()));
    process.exit(130);
  });

const tell = (line: string) => console.error(line);
const isWanted = (name: string) => name.toLowerCase().includes(options.only.toLowerCase());
const inBrowser: Contender = {
  name: 'netsplit, in a Chromium worker',
  isReference: false,
  missing: noBrowser,
  start: startInBrowser,
};
const [headless, ...others] = contenders;

const rooms: RoomFigures[] = [];
for (const contender of [headless as Contender, inBrowser, ...others])
  if (isWanted(contender.name)) rooms.push(await measureRooms(contender, options.quick ? quick : full, tell));

async function measureStores(pairs: number) {
  tell('stores on disk');
  const directory = mkdtempSync(`${tmpdir()}/netsplit-stores-`);
  const at = (name: string) => {
    mkdirSync(`${directory}/${name}`, { recursive: true });
    return `${directory}/${name}`;
  };
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  const onDisk = await measurePairs(
    { before: async (name) => new JsonlStore(at(name)), now: (name) => LevelStore.open(at(name)) },
    messages,
    pairs,
    cpu,
  );
  rmSync(directory, { recursive: true });
  const measured = [{ name: 'Stores on disk: lines of JSON before, LevelDB now', pairs: onDisk }];
  if (noBrowser !== undefined) return measured;
  tell('stores in IndexedDB');
  const name = 'Stores in IndexedDB: the log alone before, log and archive now';
  return [...measured, { name, pairs: await storesInBrowser(messages, pairs) }];
}

const messages = options.quick ? 20_000 : 100_000;
const history: HistoryResult[] = [];
if (isWanted('history on disk')) {
  tell('history on disk');
  const directory = mkdtempSync(`${tmpdir()}/netsplit-history-`);
  const open = (name: string) => {
    mkdirSync(`${directory}/${name}`, { recursive: true });
    return LevelStore.open(`${directory}/${name}`);
  };
  const archive = await measureArchive(open, options.quick ? 100_000 : 1_000_000);
  history.push({ name: 'history on disk', ...(await measureHistory(open, messages)), archive });
  rmSync(directory, { recursive: true });
}
if (isWanted('history in IndexedDB')) {
  tell('history in IndexedDB');
  const name = 'history in IndexedDB (Chromium)';
  history.push(
    noBrowser === undefined ? { name, ...(await historyInBrowser(messages)) } : { name, trouble: noBrowser },
  );
}

// It takes as long as all the others together, so it has to be asked for.
const isStores = options.only !== '' && isWanted('stores');
const stores = isStores ? await measureStores(options.quick ? 1 : 3) : undefined;

if (isWanted('links')) tell('links between servers');
const links = isWanted('links') ? measureLinks(options.quick ? [12, 60] : [12, 100, 300]) : undefined;

// So does this.
const isSoak = options.only !== '' && isWanted('soak');
const soak = isSoak ? await measureSoak(options.quick ? quickSoak : fullSoak, attackers, tell) : undefined;

const isShards = options.only !== '' && isWanted('shards');
const shardSizes = options.quick ? quickShards : fullShards;
const shards = isShards ? await measureShards(shardSizes, tell) : undefined;

const isFederation = options.only !== '' && isWanted('federation');
const federation = isFederation ? measureFederation(options.quick ? quickFederation : fullFederation, tell) : undefined;

const isLab = options.only !== '' && isWanted('lab') && noBrowser === undefined;
const lab = isLab ? await measureLab(options.quick ? 10 : 60, tell) : undefined;

const isStart = options.only !== '' && isWanted('start') && noBrowser === undefined;
const start = isStart ? await measureStart(options.quick ? 3 : 10, tell) : undefined;

const figures = {
  ...{ format: 'netsplit-bench', version: 1, rooms, history },
  ...(links ? { links } : {}),
  ...(stores ? { stores } : {}),
  ...(soak ? { soak } : {}),
  ...(shards ? { shards } : {}),
  ...(federation ? { federation } : {}),
  ...(lab ? { lab } : {}),
  ...(start ? { start } : {}),
};
if (options.json) console.log(JSON.stringify(figures, undefined, 2));
else {
  print(rooms, history, links);
  if (stores) for (const { name, pairs } of stores) printPairs(name, pairs);
  if (soak) printSoak(soak);
  if (shards) printShards(shards, shardSizes);
  if (federation) printFederation(federation);
  if (lab) printLab(lab);
  if (start) printStart(start);
}
process.exit();
