import { TraceError } from './fields.ts';
import { traceInReport } from './read-report.ts';
import { TraceReader } from './read-trace.ts';
import type { Trace } from './trace.ts';

const bytesMax = 64 * 1024 * 1024;
const tooLarge = `It is larger than ${bytesMax / 1024 / 1024} MiB.`;
/** The page is busy for at most this time before it takes a breath, in milliseconds. */
const breathMs = 24;
/** At most this many bytes are read at once. */
const pieceMax = 65_536;

/**
 * Loads a trace, or that in a report of a bug.
 *
 * @throws TraceError
 */
export async function loadFile(file: Blob): Promise<Trace> {
  if (file.size > bytesMax) throw new TraceError(tooLarge);
  const source = (await isReport(file)) ? new Blob([traceInReport(await textOf(file))]) : file;
  return { ...(await load(source.stream())), source };
}

/** How a report begins: its fields are in this order. */
const reportStart = '{"format":"netsplit-report"';

async function isReport(file: Blob): Promise<boolean> {
  return (await textOf(file.slice(0, reportStart.length))) === reportStart;
}

async function textOf(file: Blob): Promise<string> {
  return file.text().catch(() => {
    throw new TraceError('It could not be read to the end.');
  });
}

/**
 * Loads a trace from the page's own origin. The page does not ask other origins, and follows no redirect to them.
 *
 * @throws TraceError
 */
export async function loadAddress(address: string): Promise<Trace> {
  if (!URL.canParse(address, location.href)) throw new TraceError('This is not an address.');
  const url = new URL(address, location.href);
  if (url.origin !== location.origin)
    throw new TraceError(`It is on another origin, ${url.origin}. Save it as a file and open the file.`);
  const response = await fetch(url, { mode: 'same-origin', credentials: 'omit', redirect: 'error' }).catch(() => {
    throw new TraceError('Nothing answers at this address, or it redirects elsewhere.');
  });
  if (response.status === 404 || isPage(response)) throw new TraceError(`There is no trace at ${url.pathname}.`, seek);
  if (!response.ok || response.body === null)
    throw new TraceError(`The server answers with status ${response.status}.`, seek);
  const source = await bounded(response.body);
  return { ...(await load(source.stream())), source };
}

/** @throws TraceError if there is more than the page takes, or less than was promised */
async function bounded(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Blob> {
  const parts: Blob[] = [];
  let bytes = 0;
  const source = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await source.read();
      if (done) return new Blob(parts);
      bytes += value.length;
      if (bytes > bytesMax) throw new TraceError(tooLarge);
      parts.push(new Blob([value]));
    }
  } catch (error) {
    void source.cancel().catch(() => undefined);
    throw error instanceof TraceError ? error : new TraceError('It could not be read to the end.');
  }
}

const seek = 'Check the address, or open a file.';

/** Some servers answer with a page where there is no file. */
function isPage(response: Response): boolean {
  return response.ok && (response.headers.get('content-type') ?? '').startsWith('text/html');
}

async function load(stream: ReadableStream<Uint8Array>): Promise<Trace> {
  const reader = new TraceReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const source = stream.getReader();
  let breath = performance.now();
  try {
    for (;;) {
      const { done, value = new Uint8Array() } = await source.read();
      for (let at = 0; at < value.length; at += pieceMax) {
        reader.push(decoded(decoder, value.subarray(at, at + pieceMax)));
        if (performance.now() - breath < breathMs) continue;
        await new Promise((resolve) => setTimeout(resolve));
        breath = performance.now();
      }
      if (!done) continue;
      reader.push(decoded(decoder));
      return reader.end();
    }
  } catch (error) {
    void source.cancel().catch(() => undefined);
    throw error instanceof TraceError ? error : new TraceError('It could not be read to the end.');
  }
}

/** @param bytes  absent: there are no more */
function decoded(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch {
    throw new TraceError('It is not UTF-8 text.');
  }
}
