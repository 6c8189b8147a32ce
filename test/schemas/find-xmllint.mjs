import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The program that validates: `XMLLINT_PATH`, else the one on the path. It is of libxml2, which Debian has as libxml2-utils and macOS
 * has from the beginning.
 *
 * @param {Readonly<Record<string, string | undefined>>} [env]
 * @param {(path: string) => boolean} [exists]
 * @returns {string | undefined}
 */
export function findXmllint(env = process.env, exists = existsSync) {
  const named = env['XMLLINT_PATH'];
  if (named) {
    if (!exists(named)) throw new Error(`XMLLINT_PATH names ${named}, which does not exist`);
    return named;
  }
  return (env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'xmllint'))
    .find(exists);
}

/**
 * Finds xmllint, or installs the package of the distribution. `npm test` does so before anything needs it.
 *
 * @returns {string} its path
 * @throws Error that says what to do where nothing helped
 */
export function ensureXmllint() {
  const found = findXmllint();
  if (found !== undefined) return found;
  if (existsSync('/usr/bin/apt-get')) {
    const apt = process.getuid?.() === 0 ? ['apt-get'] : ['sudo', '-n', 'apt-get'];
    for (const step of [
      ['update', '-q'],
      ['install', '-y', '-q', 'libxml2-utils'],
    ]) {
      const [program = '', ...args] = [...apt, ...step];
      spawnSync(program, args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: 240_000 });
    }
  }
  const installed = findXmllint();
  if (installed !== undefined) return installed;
  throw new Error('no xmllint, and none could be installed: install libxml2-utils, or name one in XMLLINT_PATH');
}
