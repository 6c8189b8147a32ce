import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { ClassicLevel } from 'classic-level';
import { describe, expect, it } from 'vitest';
import { jid } from '../../../src/core/xmpp/jid.ts';
import { LevelStore } from '../../../src/headless/level-store.ts';
import { readServeArguments } from '../../../src/headless/serve-arguments.ts';
import { startCommand } from '../../support/commands.ts';

/** Runs the command; once `until` appears on its output, it is interrupted as by Ctrl-C. */
async function serve(args: readonly string[], until?: RegExp) {
  const child = await startCommand('serve', args);
  let output = '';
  let error = '';
  child.stderr.on('data', (data) => {
    error += data;
  });
  child.stdout.on('data', (data) => {
    output += data;
    if (until?.test(output)) child.kill('SIGINT');
  });
  return new Promise<{ status: number | null; output: string; error: string }>((resolve) =>
    child.on('close', (status) => resolve({ status, output, error })),
  );
}

describe('npm run serve', () => {
  it('prints ready when every node is up, and stops cleanly on Ctrl-C', async () => {
    const { status, output, error } = await serve(['--scenario', 'wallops', '--auth', 'open', '--port', '0'], /ready/);
    expect(output).toMatch(/^ready ws:\/\/127\.0\.0\.1:\d+\/xmpp-websocket\n$/);
    expect([status, error]).toEqual([0, '']);
  });

  it.each([
    [['--prt', '1'], /^Unknown option '--prt'/],
    [['--port', '70000'], /^--port: "70000" is not a port/],
    [['--auth', 'none'], /^--auth: "none"/],
    [
      ['--scenario', 'nope'],
      /^--scenario: "nope" is neither a file nor one of wallops, growing, frozen, local, wonderland, mirror, chain, ring, coven, plain/,
    ],
    [['--accounts', '/nope.json'], /^--accounts: ENOENT/],
    [['--client-rate', '10kB'], /^--client-rate: "10kB" is not bytes a second, such as 10000/],
    [['--fan-out-rate', '2M'], /^--fan-out-rate: "2M" is not bytes a second/],
    [['--turns-rate', '5/6'], /^--turns-rate: "5\/6" is not bytes a second/],
    [['--trace-bytes', '16M'], /^--trace-bytes: "16M" is not a number of bytes from 100000/],
    [['--trace-bytes', '0'], /^--trace-bytes: "0" is not a number of bytes/],
    [['--store', ''], /^--store: "" is not a directory/],
    [['--accept-loss'], /^--accept-loss has no effect without --store/],
  ])('%j: one line that says what is wrong', (args, line) => {
    const error = (readServeArguments(args) as { error?: string }).error ?? '';
    expect(error).toMatch(line);
    expect(error.split('\n')).toHaveLength(1);
  });

  it('what is wrong with its arguments goes to the error output, with exit status 2', async () => {
    const { status, output, error } = await serve(['--prt', '1']);
    expect([status, output]).toEqual([2, '']);
    expect(error).toMatch(/^Unknown option '--prt'.*\n$/);
  });

  it('--store with a directory that cannot be used is one line and exit status 1', async () => {
    const { status, error } = await serve(['--port', '0', '--store', '/dev/null']);
    expect(status).toBe(1);
    expect(error).toMatch(/^\/dev\/null\/conference\.localhost cannot be used as a store: .*\n$/);
  });

  it('a port in use is one line and exit status 1', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) =>
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port)),
    );
    const { status, error } = await serve(['--port', String(port)]);
    expect([status, error]).toEqual([1, `Port ${port} is in use: choose another with --port\n`]);
    taken.close();
  });

  it('a store that has lost something does not start before --accept-loss says so', async () => {
    const directory = mkdtempSync(`${tmpdir()}/netsplit-serve-`);
    const args = ['--scenario', 'plain', '--auth', 'open', '--port', '0', '--store', directory];
    const own = `${directory}/conference.localhost`;
    try {
      const store = await LevelStore.open(own);
      await store.load();
      for (const n of [1, 2, 3])
        await store.append([{ kind: 'roomCreated', room: jid(`room${n}@conference.localhost`), epoch: n }]);
      await store.close();
      const db = new ClassicLevel(`${own}/db`);
      const [, second = ''] = await db.keys({ gte: 'l', lt: 'm' }).all();
      await db.del(second);
      await db.close();
      const refused = await serve(args);
      expect([refused.status, refused.output]).toEqual([65, '']);
      expect(refused.error).toContain(`${own} has lost something: the log is damaged`);
      expect(refused.error).toContain('--accept-loss');
      const accepted = await serve([...args, '--accept-loss'], /ready/);
      expect(accepted.status).toBe(0);
      expect(accepted.error).toContain(`kept in ${own}/damaged-1`);
    } finally {
      rmSync(directory, { recursive: true });
    }
  }, 60_000);
});
