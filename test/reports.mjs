/** @typedef {{ passed: number, failed: number, skipped: number }} Tally */

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
  const tally = text === undefined ? { passed: 0, failed: 0, skipped: 0 } : count[runner](JSON.parse(text));
  if (status !== 0 && tally.failed === 0) tally.failed = 1;
  return tally;
}

const count = {
  /** @param {any} report @returns {Tally} */
  vitest(report) {
    const broken = report.testResults.filter(
      (/** @type {any} */ file) => file.status === 'failed' && file.assertionResults.length === 0,
    );
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  },
  /** @param {any} report @returns {Tally} */
  playwright({ stats, errors }) {
    // A test that passed only on a second try is no pass.
    return {
      passed: stats.expected,
      failed: stats.unexpected + stats.flaky + errors.length,
      skipped: stats.skipped,
    };
  },
};
