import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { root } from '../src/headless/install.mjs';

/**
 * `failures` names each failed test and what it said first: one text of two lines.
 *
 * @typedef {{ passed: number, failed: number, skipped: number, failures: string[] }} Tally
 */

/**
 * Counts the tests of a JSON report. A file that could not be loaded, and a runner that failed without a failing test,
 * count as one failure each: nothing that went wrong may look like a pass.
 *
 * @param {'vitest' | 'playwright'} runner
 * @param {string | undefined} text  the report; undefined if there is none
 * @param {number} status  exit status of the runner
 * @returns {Tally}
 */
export function stageOfReport(runner, text, status) {
  if (status === 0 && text !== undefined) return count[runner](JSON.parse(text));
  const tally = text === undefined ? tallyOf(0, []) : count[runner](JSON.parse(text));
  return tally.failed > 0 ? tally : { ...tally, failed: 1, failures: [named(runner, `ended with status ${status}`)] };
}

/**
 * @param {number} passed
 * @param {string[]} failures
 * @returns {Tally}
 */
export function tallyOf(passed, failures) {
  return { passed, failed: failures.length, skipped: 0, failures };
}

/**
 * @param {string} what  that failed
 * @param {string | undefined} error
 */
export function named(what, error) {
  const lines = stripVTControlCharacters(error ?? '')
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' ').slice(0, 200));
  const [first = 'no error was reported', ...more] = lines.filter((line) => line !== '');
  // Playwright's first line names no more than the assertion.
  return `${what}\n${[first, ...more.filter((line) => /^(Expected|Received)\b.*:/.test(line))].join('; ')}`;
}

const count = {
  /** @param {any} report @returns {Tally} */
  vitest({ testResults, numPassedTests, numPendingTests, numTodoTests }) {
    const failures = [];
    for (const { name, status, message, assertionResults } of testResults) {
      const file = relative(root, name);
      const failed = assertionResults.filter((/** @type {any} */ test) => test.status === 'failed');
      for (const { ancestorTitles, title, failureMessages } of failed)
        failures.push(named([file, ...ancestorTitles, title].filter(Boolean).join(' › '), failureMessages[0]));
      // It could not be loaded, or a hook of it failed.
      if (status === 'failed' && failed.length === 0) failures.push(named(file, message));
    }
    return { ...tallyOf(numPassedTests, failures), skipped: numPendingTests + numTodoTests };
  },
  /** @param {any} report @returns {Tally} */
  playwright({ config, suites, errors, stats }) {
    /** @type {string[]} */
    const failures = errors.map((/** @type {any} */ { message }) => named('outside of the tests', message));
    /** @param {any} suite @param {readonly string[]} titles */
    const visit = (suite, titles) => {
      for (const { title, tests } of suite.specs ?? [])
        for (const { status, results } of tests) {
          if (status !== 'unexpected') continue;
          const failed = results.find((/** @type {any} */ one) => one.status !== 'passed');
          // A time-out comes first and has no place; what it interrupted is next.
          const error = failed?.errors.find((/** @type {any} */ one) => one.location) ?? failed?.errors[0];
          const what = named([...titles, title].join(' › '), error?.message ?? failed?.status);
          const { file, line } = error?.location ?? {};
          failures.push(file ? `${what} (${relative(root, file)}:${line})` : what);
        }
      for (const inner of suite.suites ?? []) visit(inner, [...titles, inner.title]);
    };
    for (const suite of suites) visit(suite, [relative(root, join(config.rootDir, suite.file))]);
    return { ...tallyOf(stats.expected, failures), skipped: stats.skipped };
  },
};
