import { renameSync, writeFileSync } from 'node:fs';

// Loaded into our own servers: collects garbage when asked, so that memory means what is in use.
// Where a file is named, it then holds the bytes of the heap, and of what buffers hold beside it.
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  const file = process.env['BENCH_HEAP'];
  const { heapUsed, external } = process.memoryUsage();
  if (file === undefined) return;
  writeFileSync(`${file}.new`, String(heapUsed + external));
  renameSync(`${file}.new`, file);
});
