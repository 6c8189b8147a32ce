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

export default defineConfig({
  testDir: 'test/e2e',
  testMatch: '**/*.spec.ts',
  globalSetup: './test/e2e/global-setup.ts',
  // Each test has a server of its own, and most of its time is waiting: for silence, for a time-out, for a browser. More
  // than two would keep each other from the processor.
  workers: 2,
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
    trace: 'retain-on-failure',
    // The picture shows at once what the page is told. Where it takes its time, picture.spec.ts says so.
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        // The browser's own errands would show up as requests that leave the origin.
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--disable-features=${features.join(',')}`,
      ],
    },
  },
});
