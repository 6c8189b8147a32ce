import type { Mode } from '../../../src/sim/plan.ts';
import { run } from '../../../src/sim/simulator.ts';

/** A run as text: a line for each record of its trace, and one for what its checkers say. */
export function runText(seed: number, mode: Mode): string {
  const { trace, violations, exercised } = run(seed, { mode, events: 60 });
  return [...trace, { violations, exercised }].map((record) => JSON.stringify(record)).join('\n');
}

/** SHA-256 of a run's text, which has millions of characters. */
export async function runDigest(seed: number, mode: Mode): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(runText(seed, mode)));
  return [...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// The same file is the page's and the test's own.
Object.assign(globalThis, { runText, runDigest });
