import { Fields, TraceError } from './fields.ts';

const advice = 'A report is what “Export” on the page saves.';

/** The trace in a report of a bug, as NDJSON. @throws TraceError */
export function traceInReport(text: string): string {
  const fields = new Fields(parsed(text), 1);
  const version = fields.count('version');
  if (version > 1)
    throw new TraceError(
      `It is a report of version ${version}, which is newer than this page: it reads version 1.`,
      'Update Netsplit: a newer one opens it.',
    );
  if (version < 1) fields.refuse('version', 'is 0, and this page reads version 1');
  return fields.text('trace', text.length);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TraceError('The report was cut off, or is no JSON.', advice);
  }
}
