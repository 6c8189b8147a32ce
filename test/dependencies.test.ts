import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { verdictOf } from './audit.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const json = (path: string) => JSON.parse(readFileSync(root + path, 'utf8'));

interface Locked {
  readonly license?: string;
  readonly dev?: true;
  readonly hasInstallScript?: true;
  /** It is a folder of another one. */
  readonly link?: true;
}
const locked = Object.entries(json('package-lock.json').packages as Record<string, Locked>).filter(
  ([path, { link }]) => path !== '' && link === undefined,
);
const nameOf = (path: string) => path.replace(/^.*node_modules\//, '');
const production = locked.filter(([, { dev }]) => dev === undefined);

/** What a program under the MIT licence may be made of and handed on with. */
const inProduction = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Apache-2.0'];
/** What it may be built and tested with, beside those: the files stay under their own licence. */
const inDevelopment = ['MPL-2.0', 'Python-2.0', 'CC0-1.0', 'CC-BY-4.0', 'BlueOak-1.0.0', 'Unlicense'];

/** As its own package says, for some of the old ones do so in a form that the lock file does not hold. */
function licenceOf([path, { license }]: (typeof locked)[number]): string {
  if (license !== undefined) return license;
  if (!existsSync(`${root}${path}/package.json`)) return 'none';
  const { license: own, licenses } = json(`${path}/package.json`);
  const all = (own === undefined ? (licenses ?? []) : [own]) as readonly (string | { readonly type: string })[];
  return all.map((one) => (typeof one === 'string' ? one : one.type)).join(' AND ') || 'none';
}

/** Of an expression (SPDX) with "or", one has to do. */
function isAllowed(licence: string, allowed: readonly string[]): boolean {
  return licence
    .replace(/[()]/g, '')
    .split(/ or /i)
    .some((choice) => choice.split(/ and /i).every((one) => allowed.includes(one)));
}

describe('Dependencies', () => {
  it('all have a licence that goes with this one', () => {
    const wrong = locked.filter(
      (one) => !isAllowed(licenceOf(one), one[1].dev ? [...inProduction, ...inDevelopment] : inProduction),
    );
    expect(wrong.map((one) => `${nameOf(one[0])}: ${licenceOf(one)}`)).toEqual([]);
  });

  it('are listed with their licences', () => {
    const lines = new Set(production.map((one) => `| ${nameOf(one[0])} | ${licenceOf(one)} |`));
    const used = [...new Set(locked.filter(([, { dev }]) => dev).map(licenceOf))].sort();
    const text = readFileSync(`${root}THIRD-PARTY.md`, 'utf8');
    expect(text.match(/^\| .* \|$/gm)?.slice(1)).toEqual([...lines].sort());
    expect(/under (.*)\.$/m.exec(text)?.[1]).toBe(used.join(', '));
  });

  it('none that is needed in production needs a script when it is installed', () => {
    const withScript = production.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path));
    // It builds itself only where no binary of the package fits.
    expect(withScript).toEqual(['classic-level']);
    const folder = `${root}node_modules/classic-level`;
    const { path } = require(require.resolve('node-gyp-build', { paths: [folder] })) as { path(dir: string): string };
    expect(path(folder)).toContain('prebuilds');
    for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64+arm64', 'win32-x64'])
      expect(existsSync(`${folder}/prebuilds/${platform}`), platform).toBe(true);
  });
});

describe('What the registry knows of them', () => {
  const report = (severity: string) => JSON.stringify({ vulnerabilities: { saxes: { severity, range: '<9' } } });

  it('an advisory of a high severity fails the run, a lesser one does not', () => {
    expect(verdictOf(report('high'))).toEqual({ advisories: ['saxes <9: high'] });
    expect(verdictOf(report('critical')).advisories).toHaveLength(1);
    expect(verdictOf(report('moderate'))).toEqual({ advisories: [] });
  });

  it('a registry that does not answer is no failure', () => {
    expect(verdictOf('')).toHaveProperty('unknown');
    expect(verdictOf(JSON.stringify({ message: '405 Method Not Allowed', error: { summary: '' } }))).toEqual({
      advisories: [],
      unknown: '405 Method Not Allowed',
    });
    expect(verdictOf(JSON.stringify({ error: { summary: 'unreachable' } }))).toHaveProperty('unknown', 'unreachable');
  });
});
