import { availableParallelism } from 'node:os';
import { defineConfig } from '@playwright/test';
import { findChromium } from './src/headless/chromium.mjs';

const executablePath = await findChromium();

/** What Chromium shall do without. Of several such lists the last one counts, so Playwright's own is in it. */
const features = [
  // The suggestions below the address bar are pages: each new window, thus each test, would load them unseen, which
  // takes a sixth of a test's time on the processor.
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'WebUIOmniboxPopup',
  // Playwright's
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'TcpPortRandomizationWin',
  'ThirdPartyStoragePartitioning',
];

export default defineConfig<{ pace: number }>({
  testDir: 'test',
  testMatch: ['e2e/**/*.spec.ts', 'examples/**/*.spec.ts'],
  globalSetup: './test/e2e/global-setup.ts',
  // Each test has a room of its own, so that any number can run side by side; more than there are cores would keep each other
  // from the processor. The tests of a file run side by side as well.
  workers: availableParallelism(),
  fullyParallel: true,
  // A test that passes on the second try has a race that wants mending.
  retries: 0,
  // Two cores, and perhaps not for us alone, with a slow disk: what takes 2 s by itself may take forty times that. None
  // of these is a measurement: what has its time-out reached is broken, or waits for what will never come.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  forbidOnly: process.env['CI'] !== undefined,
  reporter: 'list',
  use: {
    // The picture shows at once what the page is told. Where it takes its time, picture.spec.ts says so.
    contextOptions: { reducedMotion: 'reduce' },
    // Pictures of each step double the time of a page that moves; one of the end, where it failed, is enough.
    ...(process.env['PACE'] ? { pace: Number(process.env['PACE']) } : {}),
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: false },
    screenshot: 'only-on-failure',
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        // The browser's own errands would show up as requests that leave the origin.
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        ...(process.env['ARGS']?.split(' ') ?? []),
        `--disable-features=${features.join(',')}`,
      ],
    },
  },
});
