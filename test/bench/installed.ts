/** `netsplit bench`: of the measurements of bench.ts those that need nothing but the package. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { badArgument } from '../../src/headless/arguments.mjs';
import { called } from '../../src/headless/called.mjs';
import { LevelStore } from '../../src/headless/level-store.ts';
import { measureArchive, measureHistory } from './history.ts';
import { measureLinks } from './links.ts';
import { type HistoryResult, print } from './print.ts';
import { running } from './processes.ts';
import { measureRooms, type RoomFigures, type Sizes } from './rooms.ts';
import { headlessBy } from './targets.ts';

const help = `${called('bench')} [--json] [--quick] [--only TEXT]

Rooms over WebSocket under a load generator, the history on disk, and what crosses the links between servers. Linux, for
processor time and memory.

  --quick      smaller rooms, in under a minute
  --json       all figures for a program
  --only TEXT  only what has TEXT in its name: "headless", "history on disk", "links"
  --help       this text

Left out, for it needs the sources and other programs: Prosody and ejabberd beside it, a Chromium worker, IndexedDB, the Lab,
the stores of earlier versions, and attackers. "npm run bench" in a clone has them.`;

const full: Sizes = { growing: [10, 100, 1000], storms: [300, 1000], stormMs: 30_000, floodMs: 2000, messages: 15 };
const quick: Sizes = { growing: [10, 100], storms: [50], stormMs: 10_000, floodMs: 600, messages: 10 };

function readArguments() {
  try {
    return parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
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
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, async () => {
    await Promise.allSettled([...running].map((server) => server.stop()));
    process.exit(130);
  });

const tell = (line: string) => console.error(line);
const isWanted = (name: string) => name.toLowerCase().includes(options.only.toLowerCase());

const headless = headlessBy('./netsplit.js', ['serve']);
const rooms: RoomFigures[] = [];
if (isWanted(headless.name)) rooms.push(await measureRooms(headless, options.quick ? quick : full, tell, './load.js'));

const history: HistoryResult[] = [];
if (isWanted('history on disk')) {
  tell('history on disk');
  const directory = mkdtempSync(`${tmpdir()}/netsplit-history-`);
  const open = (name: string) => {
    mkdirSync(`${directory}/${name}`, { recursive: true });
    return LevelStore.open(`${directory}/${name}`);
  };
  const archive = await measureArchive(open, options.quick ? 100_000 : 1_000_000);
  const figures = await measureHistory(open, options.quick ? 20_000 : 100_000);
  history.push({ name: 'history on disk', ...figures, archive });
  rmSync(directory, { recursive: true });
}

if (isWanted('links')) tell('links between servers');
const links = isWanted('links') ? measureLinks(options.quick ? [12, 60] : [12, 100, 300]) : undefined;

if (options.json)
  console.log(
    JSON.stringify({ format: 'netsplit-bench', version: 1, rooms, history, ...(links ? { links } : {}) }, undefined, 2),
  );
else print(rooms, history, links);
process.exit();
