import type { Scenario } from '../../scenario/scenario.ts';
import { withoutRoomPasswords } from '../../scenario/without-passwords.ts';

/** What a report of a bug says of the page. */
export interface PageState {
  /** Name of the page's script, which differs where the program does. */
  readonly build: string;
  readonly mode: string;
  readonly phase: string;
  readonly userAgent: string;
  /** In CSS pixels. */
  readonly viewport: { readonly width: number; readonly height: number };
  readonly preferences: object;
  /** What is shown and selected. */
  readonly shown: object;
}

/**
 * One file for a report of a bug. *Open a trace…* opens it, too.
 *
 * @param trace  as NDJSON
 */
export function bundleOf(page: PageState, scenario: Scenario, trace: string): string {
  return `${JSON.stringify({ format: 'netsplit-report', version: 1, ...page, scenario: withoutRoomPasswords(scenario), trace })}\n`;
}
