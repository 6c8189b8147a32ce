import { defineConfig } from '@playwright/test';
import { findChromium } from './src/headless/chromium.mjs';

const executablePath = await findChromium();

export default defineConfig({
  testDir: 'test/e2e',
  testMatch: '**/*.spec.ts',
  globalSetup: './test/e2e/global-setup.ts',
  // All specs share one embedded server, where an address can be logged in once.
  workers: 1,
  retries: 0,
  timeout: 30_000,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: 'list',
  use: {
    // Set by the global setup before a worker, which reads this file again, starts.
    baseURL: process.env['NETSPLIT_URL'],
    trace: 'retain-on-failure',
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      // The browser's own errands would show up as requests that leave the origin.
      args: ['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
});
