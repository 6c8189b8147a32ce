import { buildPage, isStale } from '../../src/headless/page-server.mjs';

/** Every test serves what is built here. */
export default async function globalSetup(): Promise<void> {
  if (isStale()) await buildPage('warn');
}
