import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Browser, test as base, type Page } from '@playwright/test';
import { expect } from './support/netsplit.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The page as a user starts it, and the address that was printed. */
const test = base.extend<{ printed: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants it.
  printed: async ({}, use) => {
    const child: ChildProcess = spawn(process.execPath, ['src/headless/setup.mjs', 'preview', '--port', '0'], {
      cwd: root,
    });
    const address = await new Promise<string>((resolve, reject) => {
      let output = '';
      child.stdout?.on('data', (data) => {
        output += data;
        const match = /page +(http:\/\/\S+)/.exec(output);
        if (match?.[1] !== undefined) resolve(match[1]);
      });
      child.once('close', () => reject(new Error(output)));
    });
    await use(address);
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGTERM');
    await gone;
  },
});

async function open(browser: Browser, address: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  return page;
}

const joined = (page: Page) => page.locator('[data-occupant][data-phase=joined]');
const isQuiet = (page: Page) =>
  page.waitForFunction(() => document.documentElement.dataset.phase === 'quiet', undefined, { timeout: 45_000 });

// A page, its server and its browser are started in each, all anew.
test.setTimeout(180_000);

test.describe('The token of the address that npm start prints', () => {
  test('makes a page the operator’s, leaves the address at once, and outlives a reload', { tag: '@long' }, async ({
    browser,
    printed,
  }) => {
    expect(printed).toMatch(/#token=[0-9a-f]{32}$/);
    const page = await open(browser, printed);
    await isQuiet(page);
    await expect(joined(page)).toHaveCount(7);
    expect(page.url()).not.toContain('token');
    await page.reload();
    await isQuiet(page);
    await expect(joined(page)).toHaveCount(7);
  });

  test('without it a page is a guest’s, which says how to run the rooms and enters when somebody does', {
    tag: '@long',
  }, async ({ browser, printed }) => {
    const guest = await open(browser, printed.replace(/#.*/, ''));
    await expect(guest.getByText('npm start').filter({ visible: true }).first()).toBeVisible();
    const operator = await open(browser, printed);
    await isQuiet(operator);
    // It begins anew, sees the others, and may enter.
    await expect(joined(guest)).toHaveCount(7, { timeout: 60_000 });
    await expect(guest.locator('[data-occupant^="guest-"]')).toHaveAttribute('data-phase', 'online');
    await expect(guest.getByText('npm start').filter({ visible: true })).toHaveCount(0);
  });
});
