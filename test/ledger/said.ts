import { createHash, type Hash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect } from 'vitest';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { MucNode } from '../../src/core/node/node.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { ofLedger, readSaid } from './ledger.ts';

// A setup file of the tests of the core. A test asks for what its rule says; what else nodes do in it is held to the ledger.

const root = fileURLToPath(new URL('../../', import.meta.url));
const ledger = readSaid();
/** Where the lines of a new ledger go instead (write.ts). */
const newLines = process.env['LEDGER_LINES'];

type Handle = MucNode['handle'];
interface Watched {
  handle: Handle;
  /** As the core has it: files of tests share a process, and so this class. */
  unwatched?: Handle;
}

/** What a test has made nodes say beyond this is only counted: some fill rooms to the brim. */
const bytesMax = 2_000_000;

let hash: Hash | undefined;
let turns = 0;
let bytes = 0;
const times = new Map<string, number>();

const config = { server: jid('localhost'), rooms: [], openCreation: false, admins: [] };
const nodes: Watched = Object.getPrototypeOf(
  createMucNode({ kind: 'service', address: jid('x.localhost'), ...config }),
);
nodes.unwatched ??= nodes.handle;
const { unwatched } = nodes;
nodes.handle = function handle(this: MucNode, ...args: Parameters<Handle>): ReturnType<Handle> {
  const effects = unwatched.apply(this, args);
  const text = bytes < bytesMax ? JSON.stringify(effects) : `${effects.length}`;
  bytes += text.length;
  hash?.update(text);
  turns++;
  return effects;
};

beforeEach(() => {
  hash = createHash('sha256');
  turns = bytes = 0;
});

afterEach(({ task }) => {
  const digest = hash?.digest('base64url').slice(0, 8) ?? '';
  hash = undefined;
  const file = task.file.filepath.slice(root.length).replaceAll('\\', '/');
  const title = titleOf(task);
  const time = (times.get(title) ?? 0) + 1;
  times.set(title, time);
  if (turns === 0 || task.result?.state === 'fail') return;
  const name = time === 1 ? title : `${title} (${time})`;
  if (newLines !== undefined) return appendFileSync(newLines, `${JSON.stringify([file, name, digest])}\n`);
  const known = ledger[file]?.[name];
  if (known !== undefined)
    expect(
      digest,
      `${ofLedger} in this test nodes do what they did not do before; if they are meant to, see test/README.md`,
    ).toBe(known);
});

interface Titled {
  readonly name: string;
  readonly suite?: Titled | undefined;
}

function titleOf({ name, suite }: Titled): string {
  return suite === undefined ? name : `${titleOf(suite)} > ${name}`;
}
