import { type ChildProcess, fork, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Command } from './load.ts';

/** A server's processes as Linux accounts for them; elsewhere there is nothing to read, and the figures are left out. */
export function cpuMsOf(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = tryRead(`/proc/${pid}/stat`);
    // The name in parentheses may hold spaces.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks * 10;
}

export function rssOf(pids: readonly number[]): number {
  let kib = 0;
  for (const pid of pids) kib += Number(/^VmRSS:\s+(\d+)/m.exec(tryRead(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
  return kib * 1024;
}

/** A process and all that descend from it. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of tryList('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = tryRead(`/proc/${name}/stat`);
    if (stat !== undefined) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const family = [pid];
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child);
  return family;
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function tryList(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** What Node needs beside the file, which is JavaScript in the package. */
const compiler = (file: string) => (file.endsWith('.ts') ? ['--import', 'tsx'] : []);
const onRequest = ['--expose-gc', '--import', pathToFileURL(`${import.meta.dirname}/gc.mjs`).href];

/** One of our own commands; resolves once a line of its output matches. */
export async function startNode(
  file: string,
  args: readonly string[],
  ready: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly child: ChildProcess; readonly match: RegExpExecArray }> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, [...compiler(file), ...onRequest, path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let output = '';
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      const found = ready.exec(output);
      if (found) resolve(found);
    });
    child.once('close', (status) => reject(new Error(`${file} ended with status ${status}: ${output}`)));
  });
  return { child, match };
}

export async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(timer);
}

/** A load generator: one command, one answer. */
export class Load<C = Command> {
  readonly #child: ChildProcess;

  constructor(file = './load.ts') {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: compiler(file) });
  }

  ask<T>(command: C): Promise<T> {
    return new Promise((resolve, reject) => {
      const gone = () => reject(new Error('the load generator has ended'));
      this.#child.once('exit', gone);
      this.#child.once('message', (answer: { result?: T; error?: string }) => {
        this.#child.off('exit', gone);
        if (answer.error === undefined) resolve(answer.result as T);
        else reject(new Error(answer.error));
      });
      this.#child.send(command as object);
    });
  }

  async stop(): Promise<void> {
    await stopped(this.#child);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What must be stopped where the whole is interrupted. */
export const running = new Set<{ stop(): Promise<void> }>();

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
