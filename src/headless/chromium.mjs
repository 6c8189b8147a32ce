import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { root } from './install.mjs';

const usual = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * A Chromium for the end-to-end tests: CHROMIUM_PATH, else the system's, else Playwright's own if it is installed.
 *
 * @param {Readonly<Record<string, string | undefined>>} [env]
 * @param {(path: string) => boolean} [exists]
 * @returns {Promise<string | undefined>}
 */
export async function findChromium(env = process.env, exists = existsSync) {
  const named = env['CHROMIUM_PATH'];
  if (named) {
    if (!exists(named)) throw new Error(`CHROMIUM_PATH names ${named}, which does not exist`);
    return named;
  }
  const system = usual.find(exists);
  if (system !== undefined) return system;
  const { chromium } = await import('@playwright/test');
  const own = chromium.executablePath();
  return own && exists(own) ? own : undefined;
}

/**
 * Finds a Chromium, or installs one: Playwright's own download, else the package of the distribution.
 *
 * @returns {Promise<string>} its path
 * @throws Error that says what to do where nothing helped
 */
export async function ensureChromium() {
  const found = await findChromium();
  if (found !== undefined) return found;
  const root0 = process.getuid?.() === 0;
  const apt = root0 ? ['apt-get'] : ['sudo', '-n', 'apt-get'];
  /** @type {readonly (readonly string[])[][]} */
  const ways = [
    [[process.execPath, `${root}node_modules/@playwright/test/cli.js`, 'install', 'chromium']],
    existsSync('/usr/bin/apt-get')
      ? [
          [...apt, 'update', '-q'],
          [...apt, 'install', '-y', '-q', 'chromium'],
        ]
      : [],
  ];
  for (const steps of ways) {
    for (const [program = '', ...args] of steps) {
      console.log(`No Chromium found: trying ${[program, ...args].join(' ')}`);
      const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
      const done = spawnSync(program, args, { cwd: root, stdio: 'inherit', env, timeout: 240_000 });
      if (done.status !== 0) break;
    }
    const installed = await findChromium();
    if (installed !== undefined) return installed;
  }
  throw new Error('no Chromium, and none could be installed: install one and name it in CHROMIUM_PATH');
}
