import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

/** What a user's hands do. The two protocols share this format (WebDriver §15.4, WebDriver BiDi `input.performActions`). */
export interface InputSource {
  readonly type: 'pointer' | 'key';
  readonly id: string;
  readonly actions: readonly Readonly<Record<string, unknown>>[];
}

/** One page in a browser of its own, driven by the browser's own protocol. */
export interface Driver {
  /** Name and version. */
  readonly browser: string;
  goto(url: string): Promise<void>;
  /** @returns what the body of an async function returns in the page, by way of JSON */
  run(body: string): Promise<unknown>;
  perform(sources: readonly InputSource[]): Promise<void>;
  close(): Promise<void>;
}

/** Keys that have no character (WebDriver §17.4.2). */
export const keys = { Enter: '\uE007', Escape: '\uE00C' } as const;

const patienceMs = 30_000;

/** A user who looks at the page by its hooks, and has a mouse and a keyboard. */
export class Visitor {
  readonly #driver: Driver;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  async open(url: string): Promise<void> {
    await this.#driver.goto(url);
    await this.sees('html[data-phase="quiet"]');
  }

  /** @param body  of an async function */
  read<T>(body: string): Promise<T> {
    return this.#driver.run(body) as Promise<T>;
  }

  /** Waits until there is such an element. */
  async sees(selector: string): Promise<void> {
    const found = await this.read<boolean>(`
      for (const end = Date.now() + ${patienceMs}; Date.now() < end; await new Promise((next) => setTimeout(next, 50)))
        if (document.querySelector(${JSON.stringify(selector)})) return true;
      return false;`);
    if (!found) throw new Error(`never seen: ${selector}`);
  }

  async clicks(selector: string): Promise<void> {
    await this.sees(selector);
    const { x, y, top } = await this.read<{ x: number; y: number; top: boolean }>(`
      const element = document.querySelector(${JSON.stringify(selector)});
      element.scrollIntoView({ block: 'center' });
      const { left, top, width, height } = element.getBoundingClientRect();
      const [x, y] = [Math.round(left + width / 2), Math.round(top + height / 2)];
      return { x, y, top: element.contains(document.elementFromPoint(x, y)) };`);
    if (!top) throw new Error(`something covers ${selector} at ${x}, ${y}`);
    await this.#driver.perform([
      {
        type: 'pointer',
        id: 'mouse',
        actions: [
          { type: 'pointerMove', x, y, duration: 0 },
          { type: 'pointerDown', button: 0 },
          { type: 'pointerUp', button: 0 },
        ],
      },
    ]);
  }

  async types(text: string): Promise<void> {
    const actions = [...text].flatMap((value) => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ]);
    await this.#driver.perform([{ type: 'key', id: 'keyboard', actions }]);
  }
}

/** A program, and what it has written so far. */
export interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Waits for a line. */
  says(line: RegExp): Promise<RegExpExecArray>;
  end(): Promise<void>;
}

/** In a group of its own, so that its end is the end of all that it started. */
export function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const ended = once(child, 'close');
  const looks = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data;
      for (const look of looks) look();
    });
  return {
    child,
    output: () => output,
    says: (line) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = line.exec(output);
          if (found === null) return;
          looks.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        const fail = () => reject(new Error(`${command} did not say ${line}:\n${output}`));
        const timer = setTimeout(fail, patienceMs);
        looks.add(look);
        void ended.then(fail, reject);
        look();
      }),
    end: async () => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
