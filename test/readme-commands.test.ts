import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { startComponentServer } from './contract/component-server.ts';
import { bundled } from './support/commands.ts';
import { howMany } from './support/long.ts';
import { readAll } from './support/traces.ts';

// Every block of code in the README files runs somewhere in npm test, or it is listed below with the reason why not.

const root = fileURLToPath(new URL('..', import.meta.url));
const files = ['README.md', 'CONTRIBUTING.md']
  .concat(
    ['src/', 'test/'].flatMap((folder) =>
      readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map(
        (name) => folder + name.replaceAll('\\', '/'),
      ),
    ),
  )
  .filter((file) => /(^|\/)(README|CONTRIBUTING)\.md$|^src\/headless\/.*\.md$/.test(file));
const blocks = files.flatMap((file) =>
  [...readFileSync(root + file, 'utf8').matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map(
    ([, , language = '', code = '']) => ({ file, language, code }),
  ),
);
const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ file, code }) =>
    code
      .replaceAll('\\\n', '')
      .split('\n')
      .map((line) => ({ file, line: line.replace(/(^| +)# .*$/, '').replace(/ +/g, ' ') })),
  )
  .filter(({ line }) => line !== '');

/** Blocks in other languages than the shell's: by file and language, where they are run or read. */
const elsewhere: Readonly<Record<string, string>> = {
  'README.md js': 'test/e2e/readme.spec.ts',
  'src/ui/README.md js': 'test/e2e/readme.spec.ts',
  'src/ui/README.md ts': 'test/e2e/readme.spec.ts',
  'src/testing/README.md ts': 'test/readme.test.ts',
  'src/scenario/README.md json': 'test/readme.test.ts',
  'src/lessons/README.md json': 'test/unit/ui/lesson-file.test.ts',
  'src/headless/README.md json': 'test/readme.test.ts',
  'src/headless/federating.md json': 'test/readme.test.ts',
  'src/headless/README.md nginx': 'test/interop/proxy.test.ts',
  'src/headless/README.md caddyfile': 'test/interop/proxy.test.ts',
  'test/README.md ': 'test/readme.test.ts',
};

const isInNpmTest = 'it runs tests, and npm test runs all of them';
const inPackage = 'test/unit/headless/package.test.ts packs, installs and runs it, in npm run test:long';
const takesMinutes = 'it takes minutes, and measures or tries what no other test depends on';

/** Blocks and commands that no test runs, and why. */
const notRun: Readonly<Record<string, string>> = {
  'src/README.md ': 'drawings, not code',
  'src/sim/README.md ':
    'output of an earlier version, and lines of a trace: test/readme.test.ts compares the names of the fields',
  'src/headless/README.md lua':
    'the configuration of a Prosody: test/interop starts one that is configured in the same way',
  'src/conformance/README.md lua':
    'the configuration of a Prosody: test/interop/support/kit.ts starts one that is configured in the same way',
  'src/conformance/README.md ts': 'a check as it stands in its list, shortened',
  'npm run conformance -- --protocol 0289 --role joined --peer rabbithole@rooms.example.org --server 127.0.0.1:5347 --domain kit.example.net --users users.example.net --secret-file secret':
    'it needs a server and somebody to test: test/interop/conformance.interop.ts has both',
  'src/headless/README.md yaml': 'the configuration of an ejabberd',
  'src/headless/federating.md lua': 'the same as in src/headless/README.md',
  'src/headless/federating.md yaml': 'the same as in src/headless/README.md',
  'npm install --global --omit=dev netsplit-0.1.0.tgz': inPackage,
  'netsplit component --help': inPackage,
  'npx --package ./netsplit-0.1.0.tgz netsplit serve --auth open': inPackage,
  'npm test': 'it is what runs this',
  'npm install strophe.js @xmldom/xmldom ws': 'it needs the registry',
  'npm install -D @playwright/test git+https://example.org/netsplit.git': 'it needs the registry, and a repository',
  'node me.mjs guest1@avalon.irc PASSWORD':
    'its file runs in a browser in test/e2e/readme.spec.ts, where it needs no parser of XML',
  'npm run test:unit -- jid': isInNpmTest,
  "npm run test:unit -- test/scenario -t '§7.6'": isInNpmTest,
  'npm test -- --only types,lint': isInNpmTest,
  'npm run test:long': isInNpmTest,
  'npx playwright test wonderland': isInNpmTest,
  'npm run interop': isInNpmTest,
  'npm run component -- --server 127.0.0.1:5347 --domain rooms.example.org --secret-file secret --store rooms --shards 4':
    'it needs a server that divides the rooms of a domain: test/unit/headless/shards.test.ts has one',
  'npm run bench -- --quick': takesMinutes,
  'npm run mutation -- --sample 40 --seed 7': takesMinutes,
  'npm run mutation -- --only primary.ts': takesMinutes,
  'npm run sim -- --planted-bugs': takesMinutes,
  'npx tsx test/ledger/write.ts': 'it changes a file of the repository',
};

const directory = mkdtempSync(`${tmpdir()}/netsplit-readme-`);
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const scripts = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).scripts as Readonly<Record<string, string>>;

/** What npm runs for a script. A server begins in this way once; after that it is its flags that are tried, in a tenth of the time. */
async function scriptOf(name: string): Promise<string> {
  if ((name === 'serve' || name === 'component') && tried.has(name)) return `node ${await bundled(name)}`;
  tried.add(name);
  return (scripts[name] ?? '').replace(/\bsrc\//, `${root}src/`);
}
const tried = new Set<string>();

/**
 * Runs a line in a folder of its own, where npm would run it in the project's.
 *
 * @param until  what it prints when it is up; then it is interrupted as by Ctrl-C
 */
async function run(line: string, until?: RegExp): Promise<{ readonly status: number | null; readonly output: string }> {
  const [command, name] = /^npm run (\w+)( --)?/.exec(line) ?? [];
  // One process in place of the shell, for the signal to reach it.
  const text = command && name ? `exec ${await scriptOf(name)}${line.slice(command.length)}` : line;
  const child = spawn('sh', ['-c', text], { cwd: directory });
  let output = '';
  const heard = (data: unknown) => {
    output += data;
    if (until?.test(output)) child.kill('SIGINT');
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output })));
}

type Runner = (line: string) => Promise<void>;

/** How a command is tried, by how it begins; the first that fits. */
const runners: readonly (readonly [RegExp, Runner])[] = [
  [/^printf /, async (line) => expect(await run(line)).toEqual({ status: 0, output: '' })],
  [
    /^npm run component /,
    async (line) => {
      const server = await startComponentServer({ secret: readFileSync(`${directory}/secret`, 'utf8') });
      const domain = / --domain (\S+)/.exec(line)?.[1] ?? '';
      const ready = new RegExp(`^ready ${domain} on 127\\.0\\.0\\.1:${server.port}$`, 'm');
      const { status, output } = await run(line.replace(':5347', `:${server.port}`), ready);
      await server.close();
      expect(output).toMatch(ready);
      expect(status).toBe(0);
      rmSync(`${directory}/${/ --store (\S+)/.exec(line)?.[1]}`, { recursive: true });
    },
  ],
  [
    /^npm start -- .*--server /,
    async (line) => {
      const server = await startComponentServer({ secret: readFileSync(`${directory}/secret`, 'utf8') });
      // From the sources: the page need not be built for this.
      const start = `exec node ${root}src/headless/setup.mjs dev --port 0`;
      const { output } = await run(
        line.replace('npm start --', start).replace(':5347', `:${server.port}`),
        /Ctrl-C stops/,
      );
      await server.close();
      expect(output).toMatch(new RegExp(`component  \\S+ on 127\\.0\\.0\\.1:${server.port}`));
      expect(output).toMatch(/#token=[0-9a-f]+/);
    },
  ],
  [
    /^npm run serve /,
    async (line) => {
      const ready = /^ready ws:\/\/127\.0\.0\.1:\d+\/xmpp-websocket$/m;
      const { status, output } = await run(`${line} --port 0`, ready);
      expect(output).toMatch(ready);
      expect(status).toBe(0);
    },
  ],
  [
    /^npm run conformance .* --list$/,
    async (line) => {
      const { status, output } = await run(line);
      expect(output).toMatch(/^Set up at your side:\n {2}- Make the room rabbithole@rooms\.example\.org/m);
      expect(output).toMatch(/^\d+ checks$/m);
      expect(status).toBe(0);
    },
  ],
  [
    /^npm run sim .* > run\.ndjson$/,
    async (line) => {
      await run(line);
      expect(readAll(readFileSync(`${directory}/run.ndjson`, 'utf8')).lines.length).toBeGreaterThan(100);
    },
  ],
  [
    /^npm run cost /,
    async (line) => {
      const { status, output } = await run(line);
      expect(output).toContain('1,000,000 people on 10,000 servers');
      expect(status).toBe(0);
    },
  ],
  [
    /^npm run sim -- --seeds /,
    async (line) => {
      // simulator.test.ts runs more of them.
      const seeds = howMany(4, 20);
      const { status, output } = await run(line.replace('1..20', `1..${seeds}`));
      const totals = new RegExp(`^${seeds} seeds, \\d+ events, 0 violations, [\\d.]+ s$`);
      expect(output.trimEnd().split('\n').at(-1)).toMatch(totals);
      expect(status).toBe(0);
    },
  ],
];
const runnerOf = (line: string) => runners.find(([begins]) => begins.test(line))?.[1];
const inE2e = readFileSync(`${root}test/e2e/readme.spec.ts`, 'utf8');

describe('The code in the README files', () => {
  it('is run, or listed with the reason why not', () => {
    const keys = blocks.filter(({ language }) => language !== 'sh').map(({ file, language }) => `${file} ${language}`);
    const known = (key: string) => key in elsewhere || key in notRun;
    expect(keys.filter((key) => !known(key))).toEqual([]);
    const lines = commands.map(({ line }) => line);
    expect(lines.filter((line) => !(line in notRun) && !runnerOf(line) && !inE2e.includes(`'${line}'`))).toEqual([]);
    // Nor is anything listed that is not there.
    const listed = [...Object.keys(elsewhere), ...Object.keys(notRun)];
    expect(listed.filter((key) => ![...keys, ...lines].includes(key))).toEqual([]);
    for (const [key, file] of Object.entries(elsewhere)) {
      const [page = ''] = key.split(' ');
      const text = readFileSync(root + file, 'utf8');
      expect(text.includes(page) || text.includes(`../${page}`), key).toBe(true);
    }
  });

  for (const { file, line } of commands) {
    const runner = runnerOf(line);
    if (runner && !(line in notRun)) it(`${file}: ${line}`, () => runner(line), 120_000);
  }
});
