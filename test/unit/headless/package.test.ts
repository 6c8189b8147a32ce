import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../../src/headless/install.mjs';
import { buildNode } from '../../../src/headless/node-package.mjs';
import { Occupant } from '../../bench/occupant.ts';
import { isLong } from '../../support/long.ts';

const run = promisify(execFile);
const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const subcommands = ['start', 'serve', 'component', 'sim', 'bench'] as const;

describe('package.json', () => {
  it('has one command, which is among the files and stands where the package is built', () => {
    expect(manifest.bin).toEqual({ netsplit: 'dist/node/netsplit.js' });
    expect(manifest.files).toContain('dist');
    expect(manifest.scripts.prepare).toBe('node src/headless/setup.mjs package');
  });
});

describe('The command that is built', () => {
  // Below the project, where its libraries are found.
  const folder = `${root}node_modules/.netsplit-test/node-${process.pid}`;
  beforeAll(() => buildNode(folder), 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const netsplit = (...args: readonly string[]) => run(process.execPath, [`${folder}/netsplit.js`, ...args]);

  it('needs Node and the packages that users install, and none of development', () => {
    const needed = new Set<string>();
    for (const name of readdirSync(folder).filter((file) => /\.m?js$/.test(file)))
      for (const [, one = ''] of readFileSync(`${folder}/${name}`, 'utf8').matchAll(
        /^(?:import|export)\b[^;'"]*["']([^"']+)["'];|\bimport\("([^"]+)"\)/gm,
      ))
        if (one !== '' && !one.startsWith('.')) needed.add(one);
    const packages = [...needed].filter((name) => !isBuiltin(name));
    expect(packages.length).toBeGreaterThan(3);
    expect(packages.filter((name) => !(name in manifest.dependencies))).toEqual([]);
  });

  it.each(subcommands)('%s --help begins with how it is called here', async (name) => {
    expect((await netsplit(name, '--help')).stdout).toMatch(new RegExp(`^netsplit ${name} `));
  });

  it('lists its subcommands, and refuses others in one line', async () => {
    const { stdout } = await netsplit();
    for (const name of subcommands) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    await expect(netsplit('strat')).rejects.toMatchObject({
      code: 2,
      stderr: 'unknown command "strat": one of start, serve, component, sim, bench\n',
    });
  });

  it('runs the simulator, and says that planted bugs need the sources', async () => {
    const { stdout } = await netsplit('sim', '--seed', '3', '--mode', 'plain', '--events', '20');
    expect(stdout).toMatch(/^1 seeds, \d+ events, 0 violations, /m);
    await expect(netsplit('sim', '--planted-bugs')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^--planted-bugs changes the sources/),
    });
  });
});

/** Waits for a line on its output. */
function printed(child: ChildProcess, line: RegExp): Promise<RegExpExecArray> {
  let output = '';
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (data) => {
      output += data;
      const found = line.exec(output);
      if (found) resolve(found);
    });
    child.once('close', (status) => reject(new Error(`ended with ${status}: ${output}`)));
  });
}

async function ended(child: ChildProcess): Promise<number | null> {
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  return closed;
}

// It packs, which builds the page, and asks npm's cache or a registry for the libraries.
describe.runIf(isLong)('The package, installed from its tarball without development packages', () => {
  const folder = mkdtempSync(`${tmpdir()}/netsplit-installed-`);
  const bin = `${folder}/bin/netsplit`;
  let tarball = '';
  beforeAll(async () => {
    await run('npm', ['pack', '--pack-destination', folder], { cwd: root });
    tarball = `${folder}/netsplit-${manifest.version}.tgz`;
    const flags = ['--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', '-g', '--prefix', folder];
    await run('npm', ['install', ...flags, tarball], { cwd: folder });
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has the command, the page, and what an administrator reads; no sources, no tests, no compiler', async () => {
    const installed = `${folder}/lib/node_modules/netsplit/`;
    for (const file of ['dist/index.html', 'src/headless/README.md', 'LICENSE'])
      expect(existsSync(installed + file), file).toBe(true);
    const names = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(names.filter((name) => /^(?:src|test)\/.*\.(?:ts|mjs)$|^node_modules\/(?:vite|tsx)\//.test(name))).toEqual(
      [],
    );
  });

  it.each(subcommands)('%s --help', async (name) => {
    expect((await run(bin, [name, '--help'])).stdout).toMatch(/--help/);
  });

  it('serves rooms that a client enters and speaks in, and ends with status 0', async () => {
    const serve = spawn(bin, ['serve', '--port', '0', '--auth', 'open', '--store', `${folder}/rooms`]);
    const [, url = ''] = await printed(serve, /^ready (ws:\S+)$/m);
    const user = await Occupant.login('n', url, 'localhost', 'user');
    let heard = '';
    const subject = new Promise<void>((resolve) =>
      user.watch((_, frame, start, end) => {
        heard += frame.toString('utf8', start, end);
        if (heard.includes('<subject')) resolve();
      }),
    );
    user.send(
      '<presence xmlns="jabber:client" to="lobby@conference.localhost/n"><x xmlns="http://jabber.org/protocol/muc"/></presence>',
    );
    await subject;
    expect(heard).toContain('code="110"');
    expect(await ended(serve)).toBe(0);
    expect(readdirSync(`${folder}/rooms`).length).toBeGreaterThan(0);
  });

  it('starts the built page, whose operator needs the token', async () => {
    const start = spawn(bin, ['start', '--port', '0']);
    const [, url = '', token = ''] = await printed(start, /(http:\S+)\/#token=(\w+)/);
    expect(await (await fetch(url)).text()).toMatch(/^<!doctype html>/);
    expect((await fetch(`${url}/node/netsplit.js`)).status).toBe(404);
    const nodes = async (headers: Record<string, string>) => {
      const { credentials } = await (await fetch(`${url}/netsplit.json`, { headers })).json();
      return Object.keys(credentials.nodes).length;
    };
    expect([await nodes({}), (await nodes({ Authorization: `Bearer ${token}` })) > 0]).toEqual([0, true]);
    expect(await ended(start)).toBe(0);
  });

  it('measures what it can alone, and says what it leaves out', async () => {
    expect((await run(bin, ['bench', '--help'])).stdout).toMatch(/Left out, for it needs the sources/);
    const { stdout } = await run(bin, ['bench', '--quick', '--json', '--only', 'links']);
    expect(JSON.parse(stdout)).toMatchObject({ format: 'netsplit-bench', links: {} });
  });

  it('runs by npx from the file', async () => {
    const npx = await run('npx', ['--yes', '--prefer-offline', '--package', tarball, 'netsplit', '--version'], {
      cwd: tmpdir(),
    });
    expect(npx.stdout.trim()).toBe(manifest.version);
  }, 60_000);
});
