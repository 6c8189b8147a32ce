// `.ci/run`: whether an advisory of a high severity is known of what users install. Where the registry cannot be asked, it says so.
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/**
 * @param {string} output  of `npm audit --json`
 * @returns {{ readonly advisories: readonly string[], readonly unknown?: string }} `unknown`: why nothing is known
 */
export function verdictOf(output) {
  /** @type {{ vulnerabilities?: Record<string, { severity: string, range: string }>, message?: string, error?: { summary?: string } }} */
  let report;
  try {
    report = JSON.parse(output);
  } catch {
    return { advisories: [], unknown: 'no answer that can be read' };
  }
  const { vulnerabilities, message, error } = report;
  if (vulnerabilities === undefined)
    return { advisories: [], unknown: message || error?.summary || 'no answer of the registry' };
  const advisories = Object.entries(vulnerabilities)
    .filter(([, { severity }]) => severity === 'high' || severity === 'critical')
    .map(([name, { severity, range }]) => `${name} ${range}: ${severity}`);
  return { advisories };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json', '--fetch-retries=0'], {
    encoding: 'utf8',
    timeout: 60_000,
    shell: process.platform === 'win32',
  });
  const { advisories, unknown } = error === undefined ? verdictOf(stdout) : { advisories: [], unknown: error.message };
  if (unknown !== undefined) console.log(`audit: not done: ${unknown}`);
  else if (advisories.length === 0) console.log('audit: no advisory of a high severity in production dependencies');
  for (const advisory of advisories) console.error(`audit: ${advisory}`);
  process.exitCode = advisories.length === 0 ? 0 : 1;
}
