// Loaded into our own servers: collects garbage when asked, so that memory means what is in use.
process.on('SIGUSR2', () => globalThis.gc?.());
