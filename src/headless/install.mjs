import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The project's folder, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * What Vite needs, and so do we.
 *
 * @param {string} version  such as 20.19.0
 * @returns {string | undefined} one line that says what to do
 */
export function nodeTooOld(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return undefined;
  return `Netsplit needs Node 20.19 or newer (of 22: 22.12 or newer), and this is Node ${version}: see https://nodejs.org/`;
}

/**
 * @typedef {{ packages?: Record<string, { version?: string, optional?: boolean, link?: boolean }> }} Lock
 */

/**
 * Compares what the lock asks for with what npm wrote down when it installed.
 *
 * @param {Lock} lock  package-lock.json
 * @param {Lock | undefined} installed  node_modules/.package-lock.json, if there is one
 * @returns {string | undefined} why an installation is needed
 */
export function whatIsMissing(lock, installed) {
  if (installed === undefined) return 'nothing is installed yet';
  for (const [path, wanted] of Object.entries(lock.packages ?? {})) {
    if (path === '' || wanted.link) continue;
    const found = installed.packages?.[path];
    // Optional packages are for other platforms more often than not.
    if (found === undefined ? !wanted.optional : found.version !== wanted.version)
      return `${path.replace(/^.*node_modules\//, '')} ${wanted.version} is not installed`;
  }
  return undefined;
}

/** Runs `npm ci` if need be. Ends the process with a clear line if that fails. */
export function ensureInstalled() {
  const hidden = `${root}node_modules/.package-lock.json`;
  const missing = whatIsMissing(
    JSON.parse(readFileSync(`${root}package-lock.json`, 'utf8')),
    existsSync(hidden) ? JSON.parse(readFileSync(hidden, 'utf8')) : undefined,
  );
  if (missing === undefined) return;
  console.log(`Installing the libraries (${missing}) …`);
  // Under npm the very npm that runs us; else the one on the path (a .cmd file on Windows, which wants a shell).
  const npm = process.env['npm_execpath'];
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const options = {
    cwd: root,
    stdio: /** @type {const} */ ('inherit'),
    env: { ...process.env, PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' },
  };
  const done = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (done.status === 0) return;
  const why = done.error?.message ?? (done.signal ? `ended by ${done.signal}` : `exit status ${done.status}`);
  console.error(`npm ci failed (${why}): see its messages above; is the package registry reachable?`);
  process.exit(1);
}
