import { withoutSelection } from './address.ts';
import { TraceError } from './trace/fields.ts';
import { loadFile } from './trace/load-trace.ts';
import type { Trace } from './trace/trace.ts';

/**
 * Lets a person choose a file that holds a trace.
 *
 * @param refused  is told why the file cannot be opened; what was shown before stays
 */
export function chooseTrace(show: (trace: Trace) => void, refused: (why: TraceError) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = '.ndjson,.jsonl,.json';
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (!file) return;
    loadFile(file).then(
      (trace) => {
        // The address stays that of what was shown before, without what was selected there: a reload goes back there.
        history.replaceState(null, '', `${location.pathname}${withoutSelection(location.hash)}`);
        show(trace);
      },
      ({ message, advice }: TraceError) => refused(new TraceError(`${file.name} cannot be opened. ${message}`, advice)),
    );
  });
  input.click();
}
