/**
 * Ends this process when the shell is gone that npm started it in: npm passes a signal on to that shell alone, and some
 * shells die of it without telling their child, which would go on holding the port.
 */
export function endWithParent() {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}
