// `npm run interop`: the rooms with servers and clients nobody here wrote. Installs what is missing where it can, and says
// what was skipped and why.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { ensureChromium, findChromium } from '../../src/headless/chromium.mjs';
import { root } from '../../src/headless/install.mjs';
import { endWithParent } from '../../src/headless/orphan.mjs';
import { stageOfReport } from '../reports.mjs';

const help = `npm run interop [-- --no-install]

Rooms as a component on Prosody, and on the embedded server, with slixmpp, converse.js and strophe.js, a room over two
Prosodys whose connection breaks, the page's rooms on a Prosody and an ejabberd, and the page in Firefox and WebKitGTK: tests
that need programs of other people. Prosody, ejabberd, nginx, Caddy, slixmpp and the browsers are installed where they are
missing and apt-get may be used (by root, on Debian and its kin; there the packages may start servers of their own: systemctl disable --now prosody ejabberd).

  --no-install  skip what is not there instead
  --help        this text`;

/** Debian's package, and how to find out that it is there. @type {readonly { name: string, probe: readonly string[] }[]} */
const packages = [
  { name: 'prosody', probe: ['which', 'prosody'] },
  { name: 'ejabberd', probe: ['sh', '-c', 'ls -d /usr/lib/ejabberd-* /usr/lib/*/ejabberd-* 2>/dev/null | grep -q .'] },
  { name: 'nginx-light', probe: ['which', 'nginx'] },
  { name: 'caddy', probe: ['which', 'caddy'] },
  { name: 'python3-slixmpp', probe: ['/usr/bin/python3', '-c', 'import slixmpp'] },
  { name: 'firefox-esr', probe: ['sh', '-c', 'command -v firefox-esr || command -v firefox'] },
  { name: 'webkit2gtk-driver', probe: ['which', 'WebKitWebDriver'] },
  { name: 'xvfb', probe: ['which', 'Xvfb'] },
];

const { noInstall } = readArguments();
endWithParent();
if (!noInstall) installMissing();
const chromium = await (noInstall ? findChromium() : ensureChromium()).catch((/** @type {Error} */ error) => {
  console.log(`Without a browser: ${error.message}`);
  return undefined;
});
process.exit(await runTests());

function readArguments() {
  try {
    const { values } = parseArgs({
      options: { 'no-install': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(help);
      process.exit(0);
    }
    return { noInstall: values['no-install'] === true };
  } catch (error) {
    console.error(String(/** @type {Error} */ (error).message).split(/\.\s|\n/)[0]);
    process.exit(2);
  }
}

/** @param {{ probe: readonly string[] }} wanted */
function isThere({ probe: [program = '', ...args] }) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

function installMissing() {
  const missing = packages.filter((wanted) => !isThere(wanted)).map(({ name }) => name);
  if (missing.length === 0) return;
  const why =
    process.getuid?.() !== 0
      ? 'only root may install packages'
      : existsSync('/usr/bin/apt-get')
        ? undefined
        : 'there is no apt-get here';
  if (why !== undefined) {
    console.log(`Missing: ${missing.join(', ')}; ${why}: the tests that need them are skipped`);
    return;
  }
  console.log(`Installing ${missing.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (/** @type {readonly string[]} */ ...args) =>
    spawnSync('apt-get', ['-q', ...args], { stdio: 'inherit', env, timeout: 240_000 }).status === 0;
  if (apt('install', '-y', ...missing)) return;
  apt('update');
  // One by one: apt-get installs nothing where it lacks one of them, and not every distribution has all.
  const failed = missing.filter((name) => !apt('install', '-y', name));
  if (failed.length > 0)
    console.log(`${failed.join(', ')} could not be installed: the tests that need them are skipped`);
}

/** @returns {Promise<number>} exit status */
async function runTests() {
  const reports = mkdtempSync(`${tmpdir()}/netsplit-interop-`);
  const file = `${reports}/vitest.json`;
  const child = spawn(
    process.execPath,
    [
      ...[`${root}node_modules/vitest/vitest.mjs`, 'run', '--config', 'test/interop/vitest.config.ts'],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...(chromium === undefined ? {} : { CHROMIUM_PATH: chromium }) },
    },
  );
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.once(signal, () => {
      child.kill(signal);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    });
  const status = await new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  const text = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  rmSync(reports, { recursive: true, force: true });
  const { passed, failed, skipped } = stageOfReport('vitest', text, status);
  for (const reason of new Set(text?.match(/\(skipped: [^"\\]*?\)(?= |")/g) ?? [])) console.log(reason.slice(1, -1));
  const nothing = passed + failed === 0 ? 1 : 0;
  if (nothing) console.error('not one test ran, which counts as a failure');
  console.log(`${passed} passed, ${failed + nothing} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed + nothing === 0 ? 0 : 1;
}
