import type { Lesson } from '../lessons/lesson.ts';
import { withoutSelection } from './address.ts';
import { TraceError } from './trace/fields.ts';
import { loadFile } from './trace/load-trace.ts';
import type { Trace } from './trace/trace.ts';

/**
 * Lets a person choose a file that holds a trace, or a lesson.
 *
 * @param begin  begins the lesson
 * @param refused  is told why the file cannot be opened; what was shown before stays
 */
export function chooseTrace(
  show: (trace: Trace) => void,
  begin: (lesson: Lesson) => void,
  refused: (why: TraceError) => void,
): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = '.ndjson,.jsonl,.json';
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (!file) return;
    const failed = ({ message, advice }: TraceError) =>
      refused(new TraceError(`${file.name} cannot be opened. ${message}`, advice));
    void isLesson(file).then(async (is) => {
      if (is) return readLesson(await file.text()).then(begin, failed);
      return loadFile(file).then((trace) => {
        // The address stays that of what was shown before, without what was selected there: a reload goes back there.
        history.replaceState(null, '', `${location.pathname}${withoutSelection(location.hash)}`);
        show(trace);
      }, failed);
    });
  });
  input.click();
}

/** So far from its beginning a file says what it is. */
const headLength = 4_096;
/** Faults that are told at once. */
const faultsMax = 4;

async function isLesson(file: File): Promise<boolean> {
  return /"format"\s*:\s*"netsplit-lesson"/.test(await file.slice(0, headLength).text());
}

/** @throws TraceError that lists what is wrong, by line */
async function readLesson(text: string): Promise<Lesson> {
  // The validator is large, and few people have lessons of their own.
  const [{ parseLesson }, { ground }] = await Promise.all([import('../lessons/load.ts'), import('./lesson/ground.ts')]);
  const parsed = parseLesson(text, ground);
  if (parsed.ok) return parsed.lesson;
  const { errors } = parsed;
  const told = errors.slice(0, faultsMax).map(({ line, path, message }) => `Line ${line ?? '?'}, ${path}: ${message}.`);
  const more = errors.length > faultsMax ? ` And ${errors.length - faultsMax} more.` : '';
  throw new TraceError(`${told.join(' ')}${more}`, 'The format of lessons is in src/lessons/README.md.');
}
