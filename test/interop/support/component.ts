import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../src/headless/component.ts', import.meta.url));

export interface Component {
  /** What it said on standard error. */
  complaints(): string;
  /** What it said on standard output. */
  said(): string;
  /** @returns the exit status; null: killed */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** `npm run component` in a process of its own; resolves when it is ready. @throws Error with what it said before it ended */
export async function startComponent(port: number, secret: string, ...more: readonly string[]): Promise<Component> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', script, '--log', '--server', `127.0.0.1:${port}`, ...more],
    { env: { ...process.env, NETSPLIT_COMPONENT_SECRET: secret } },
  );
  let errors = '';
  let output = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  // Also where a test never came to its end.
  const orphan = () => child.kill('SIGTERM');
  process.once('exit', orphan);
  child.once('close', () => process.off('exit', orphan));
  const gone = once(child, 'close') as Promise<[number | null]>;
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output += data;
      if (output.includes('ready ')) resolve();
    });
    child.once('close', () => reject(new Error(`the component has ended:\n${errors}`)));
  });
  return {
    complaints: () => errors,
    said: () => output,
    async end(signal) {
      child.kill(signal);
      const [status] = await gone;
      return status;
    },
  };
}
