import { loadFile } from './trace/load-trace.ts';
import type { Trace } from './trace/read-trace.ts';

/**
 * Lets a person choose a file that holds a trace.
 *
 * @param refused  is told in a sentence why it cannot be opened; what was shown before stays
 */
export function chooseTrace(show: (trace: Trace) => void, refused: (why: string) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = '.ndjson,.jsonl,.json';
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (!file) return;
    loadFile(file).then(
      (trace) => {
        // The address is that of what was shown before: a reload goes back there, but not to an event of it.
        history.replaceState(null, '', location.pathname);
        show(trace);
      },
      (error: Error) => refused(`${file.name} cannot be opened. ${error.message}`),
    );
  });
  input.click();
}
