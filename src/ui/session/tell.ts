import type { ModelRecord, News, ProgressNews } from '../trace/records.ts';
import type { Hearer } from './session.ts';

/**
 * Tells a listener what follows one another in a trace.
 *
 * @param past  it is over: nothing of it is shown moving
 */
export function tellAll(listener: Hearer, all: readonly News[], past: boolean): void {
  for (const run of runsOf(all)) {
    if (!('progress' in run)) listener.records(run, past);
    else if (run.kind === 'node') listener.node(run.progress, past);
    else listener.occupant(run.progress, past);
  }
}

/** What follows one another in the trace itself is told together. */
function runsOf(all: readonly News[]): readonly (readonly ModelRecord[] | ProgressNews)[] {
  const runs: (ModelRecord[] | ProgressNews)[] = [];
  for (const news of all) {
    const last = runs.at(-1);
    if ('progress' in news) runs.push(news);
    else if (last !== undefined && !('progress' in last)) last.push(news);
    else runs.push([news]);
  }
  return runs;
}
