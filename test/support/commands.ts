import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { build } from 'vite';
import { root } from '../../src/headless/install.mjs';

/** Programs of src/headless. */
export type Command = 'serve' | 'component';

/** A program whose output is read. */
export type Started = ChildProcessByStdio<null, Readable, Readable>;

/** Two levels below the project's folder, like src/headless: what a program finds from its own place it finds from here. */
const folder = `${root}node_modules/.netsplit-test`;

/**
 * Starts a program of src/headless from one file that is made of its sources. A child that compiles them itself needs ten
 * times as long to begin; that this works as well is tested where commands of the README are run.
 */
export async function startCommand(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const file = await bundled(command);
  return spawn(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** @returns the path of the one file; it is made anew where a source is newer */
export async function bundled(command: Command): Promise<string> {
  const file = `${folder}/${command}.mjs`;
  const made = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (made > newestSource()) return file;
  // Two files of tests may do this at once: each writes its own, and puts it into its place as a whole.
  const own = `${folder}/${process.pid}-${command}`;
  mkdirSync(folder, { recursive: true });
  await build({
    root,
    configFile: false,
    envFile: false,
    publicDir: false,
    logLevel: 'error',
    build: {
      ssr: `${root}src/headless/${command}.ts`,
      outDir: own,
      emptyOutDir: true,
      minify: false,
      target: 'node20',
      rolldownOptions: { output: { entryFileNames: 'command.mjs', codeSplitting: false } },
    },
  });
  renameSync(`${own}/command.mjs`, file);
  rmSync(own, { recursive: true });
  return file;
}

function newestSource(): number {
  const files = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).map((name) => `${root}src/${name}`);
  return Math.max(...[...files, `${root}package-lock.json`].map((path) => statSync(path).mtimeMs));
}
