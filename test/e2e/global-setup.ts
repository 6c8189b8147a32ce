import type { AddressInfo } from 'node:net';
import type { FullConfig } from '@playwright/test';
import { preview } from 'vite';
import { buildPage, isStale } from '../../src/headless/page-server.mjs';

/** Serves the built page and the embedded server on a port that the system chooses. @returns what stops it */
export default async function globalSetup(_config: FullConfig): Promise<() => Promise<void>> {
  if (isStale()) await buildPage('warn');
  const server = await preview({ logLevel: 'warn', preview: { host: '127.0.0.1', port: 0 } });
  const { port } = server.httpServer.address() as AddressInfo;
  process.env['NETSPLIT_URL'] = `http://127.0.0.1:${port}/`;
  return () => server.close();
}
