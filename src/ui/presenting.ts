import { leadOf } from './fold/lines.ts';
import { logRows } from './log-rows.ts';
import type { Store } from './store.ts';

/** What a presenter's remote control does: goes to the next line of the log, or in a recording to the next event. */
export function stepOn(store: Store, step: 1 | -1): void {
  const { recording } = store.session;
  if (recording) return store.seek(recording.at + step);
  const { model, view } = store;
  const lines = logRows(model, { ...view, opened: new Set() }).filter(({ level }) => level === 1);
  const at = lines.findIndex(({ line }) => line.events.some(({ id }) => id === view.event));
  const next = lines[at < 0 ? lines.length - 1 : at + step];
  if (next) store.select(leadOf(next.line).id);
}
