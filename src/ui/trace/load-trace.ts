import { TraceError } from './fields.ts';
import { type Trace, TraceReader } from './read-trace.ts';

const bytesMax = 64 * 1024 * 1024;
const tooLarge = `It is larger than ${bytesMax / 1024 / 1024} MiB.`;
/** So long the page may do nothing else, in milliseconds. */
const breathMs = 24;
/** So many bytes are read at once, however many come. */
const pieceMax = 65_536;

/** @throws TraceError */
export async function loadFile(file: Blob): Promise<Trace> {
  if (file.size > bytesMax) throw new TraceError(tooLarge);
  return load(file.stream());
}

/**
 * A trace of the page's own origin: what is elsewhere the page neither asks for nor follows to.
 *
 * @throws TraceError
 */
export async function loadAddress(address: string): Promise<Trace> {
  if (!URL.canParse(address, location.href)) throw new TraceError('This is no address.');
  const url = new URL(address, location.href);
  if (url.origin !== location.origin)
    throw new TraceError(`It is of another origin, ${url.origin}: save it as a file, and open that.`);
  const response = await fetch(url, { mode: 'same-origin', credentials: 'omit', redirect: 'error' }).catch(() => {
    throw new TraceError('There is no answer at this address, or it leads elsewhere.');
  });
  if (!response.ok || response.body === null)
    throw new TraceError(`The server answers with status ${response.status}.`);
  return load(response.body);
}

async function load(stream: ReadableStream<Uint8Array>): Promise<Trace> {
  const reader = new TraceReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const source = stream.getReader();
  let bytes = 0;
  let breath = performance.now();
  try {
    for (;;) {
      const { done, value = new Uint8Array() } = await source.read();
      bytes += value.length;
      if (bytes > bytesMax) throw new TraceError(tooLarge);
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
    throw error instanceof TraceError ? error : new TraceError('It could not be read to its end.');
  }
}

/** @param bytes  absent: there are no more */
function decoded(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch {
    throw new TraceError('It is no UTF-8 text.');
  }
}
