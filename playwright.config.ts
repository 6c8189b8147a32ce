import { defineConfig } from '@playwright/test';
import { findChromium } from './src/headless/chromium.mjs';

const executablePath = await findChromium();

export default defineConfig({
  testDir: 'test/e2e',
  testMatch: '**/*.spec.ts',
  globalSetup: './test/e2e/global-setup.ts',
  // All specs share one embedded server, where an address can be logged in once.
  workers: 1,
  // Twelve connections, five workers and a disk have more ways to be late than anyone foresaw, and one bad moment of a
  // machine shall not fail the whole. Nor shall it go unseen: npm test names what passed on the second try as flaky, and
  // a test so named has a race that wants mending.
  retries: 1,
  // Two cores, and perhaps not for us alone, with a slow disk: what takes 2 s by itself may take twenty times that. None
  // of these is a measurement: what has its time-out reached is broken, or waits for what will never come.
  timeout: 60_000,
  expect: { timeout: 15_000 },
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
