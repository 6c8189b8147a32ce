import { readFile } from 'node:fs/promises';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { parseScenario } from '../../src/scenario/load.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { LabBranches } from '../../src/sim/lab-branches.ts';
import { serveFiles } from './support/files.ts';
import { expect, test } from './support/netsplit.ts';

let files: Awaited<ReturnType<typeof serveFiles>>;
test.beforeAll(async () => {
  files = await serveFiles();
});
test.afterAll(() => files.close());

/** The editor over the Lab. @param what  is edited, as the address names it */
async function edit(page: Page, what = 'new'): Promise<void> {
  await page.goto(`${files.url}?edit=${what}#lab=wallops`);
  await page.getByTestId('editor').waitFor();
  await expect(page.locator('ns-editor-picture [data-server]').first()).toBeVisible();
}

const editor = (page: Page) => page.getByTestId('editor');
const thing = (page: Page, place: string) => page.locator(`[data-thing="${place}"]`);
const field = (page: Page, label: string) => editor(page).getByLabel(label, { exact: true });
const faults = (page: Page) => page.getByTestId('faults');
const servers = (page: Page) => page.locator('ns-editor-picture [data-server]');
const open = (page: Page, place: string) => thing(page, place).locator('> .thing-head > .linkish').click();

async function toLab(page: Page): Promise<Scenario> {
  await page.getByTestId('editor-open').click();
  await expect(editor(page)).toHaveCount(0);
  await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
  return page.evaluate(() => window.lab.scenario());
}

/** The file that a button saves. */
async function saved(page: Page, button: string): Promise<string> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId(button).click()]);
  return readFile(await download.path(), 'utf8');
}

test.describe('A scenario of one’s own', () => {
  test('is made from nothing by keyboard alone, opened in the Lab, and spoken in', async ({ page }) => {
    await page.goto(`${files.url}#lab=plain`);
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    await page.getByTestId('own').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('make-own').focus();
    await page.keyboard.press('Enter');
    await editor(page).waitFor();
    await page.getByTestId('add-server').focus();
    await page.keyboard.press('Enter');
    // The focus is in the first field of what was added.
    await expect(field(page, 'Domain')).toBeFocused();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('far.example');
    await page.keyboard.press('Tab');
    await expect(servers(page)).toHaveCount(2);
    await thing(page, 'servers/1').getByTestId('add-person').focus();
    await page.keyboard.press('Enter');
    await expect(field(page, 'Nick')).toBeFocused();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Zoe');
    await page.keyboard.press('Tab');
    // From the picture to the form of the node, and on to its room.
    await page.locator('ns-editor-picture [tabindex="0"]').focus();
    await page.keyboard.press('Enter');
    await expect(thing(page, 'servers/0')).toHaveClass(/open/);
    await thing(page, 'nodes/0/rooms/0').locator('> .thing-head > .linkish').focus();
    await page.keyboard.press('Enter');
    await field(page, 'Protocol').focus();
    await page.keyboard.type('Prim');
    await expect(page.getByTestId('spread')).toContainText('far.example');
    await field(page, 'far.example').focus();
    await page.keyboard.press('Space');
    await expect(page.locator('ns-editor-picture [data-node="replica@far.example"]')).toHaveCount(1);
    await page.getByTestId('editor-open').focus();
    await page.keyboard.press('Enter');
    await expect(editor(page)).toHaveCount(0);
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    expect(await page.evaluate(() => window.lab.scenario().xep)).toBe('0282');
    await page.evaluate(() => window.lab.act({ act: 'say', who: 'carol@far.example/client', text: 'Hello' }));
    await page.evaluate(() => window.lab.runToQuiet());
    const messages = await page.evaluate(() => window.lab.counters().messages);
    expect(messages).toMatchObject([{ body: 'Hello', crossed: 2, deliveries: 3 }]);
  });

  test('servers are dragged, and moved by Alt and the arrow keys; undo puts them back', { tag: '@long' }, async ({
    page,
  }) => {
    await edit(page);
    await page.getByTestId('add-server').click();
    const far = page.locator('ns-editor-picture [data-server="server-2.example"]');
    const left = async () => (await far.locator('rect').boundingBox())?.x ?? 0;
    const before = await left();
    const box = await far.locator('rect').boundingBox();
    if (!box) throw new Error('the server is not drawn');
    const grip = { x: box.x + box.width / 4, y: box.y + box.height - 12 };
    await page.mouse.move(grip.x, grip.y);
    await page.mouse.down();
    await page.mouse.move(grip.x + 260, grip.y + 40, { steps: 6 });
    await page.mouse.up();
    await expect.poll(left).toBeGreaterThan(before + 60);
    await page.getByTestId('editor-undo').click();
    await expect.poll(left).toBeCloseTo(before, 0);
    await far.focus();
    await page.keyboard.press('Alt+ArrowRight');
    await expect.poll(left).not.toBeCloseTo(before, 0);
    await page.keyboard.press('Control+z');
    await expect.poll(left).toBeCloseTo(before, 0);
    await page.keyboard.press('Control+Shift+z');
    await expect.poll(left).not.toBeCloseTo(before, 0);
    // Delete takes away what has the focus.
    await far.focus();
    await page.keyboard.press('Delete');
    await expect(servers(page)).toHaveCount(1);
  });

  test('a link that is pressed has settings of its own', { tag: '@long' }, async ({ page }) => {
    await edit(page);
    await page.getByTestId('add-server').click();
    await page.locator('ns-editor-picture .link[data-link]').focus();
    await page.keyboard.press('Enter');
    await field(page, 'Latency (ms)').fill('500');
    await page.keyboard.press('Tab');
    await expect(page.locator('ns-editor-picture .pill')).toHaveText('500 ms');
    await page.getByTestId('editor-undo').click();
    await expect(page.locator('ns-editor-picture .pill')).toHaveText('20 ms');
    await page.getByTestId('editor-redo').click();
    const scenario = await toLab(page);
    expect(scenario.links).toEqual([{ between: ['server-2.example', 'server.example'], latencyMs: 500 }]);
  });

  test('what is wrong is said at its field and in a list that leads there; it opens when it is right', {
    tag: '@long',
  }, async ({ page }) => {
    await edit(page);
    await open(page, 'nodes/0/rooms/0');
    await field(page, 'Messages of history').fill('-3');
    await page.keyboard.press('Tab');
    await expect(faults(page)).toHaveAttribute('data-faults', '1');
    await expect(field(page, 'Messages of history')).toHaveAttribute('aria-invalid', 'true');
    await expect(thing(page, 'nodes/0/rooms/0').getByTestId('fault')).toHaveText('-3 is less than 0.');
    await expect(page.getByTestId('editor-open')).toHaveAttribute('aria-disabled', 'true');
    await open(page, 'servers/0');
    // Pressed all the same, it leads to the fault.
    await page.getByTestId('editor-open').focus();
    await page.keyboard.press('Enter');
    await expect(thing(page, 'nodes/0/rooms/0')).toHaveClass(/open/);
    await field(page, 'Messages of history').fill('3');
    await page.keyboard.press('Tab');
    await expect(faults(page)).toHaveAttribute('data-faults', '0');
    // A name that is taken is refused where it is typed.
    await page.getByTestId('add-server').click();
    await field(page, 'Domain').fill('server.example');
    await page.keyboard.press('Tab');
    await expect(thing(page, 'servers/1').getByTestId('fault')).toHaveText(
      'The name server.example is taken: it stays server-2.example.',
    );
    await expect(field(page, 'Domain')).toHaveValue('server-2.example');
  });

  test('who acts in the script and is removed: their steps are named, and dropped with a word', {
    tag: '@long',
  }, async ({ page }) => {
    await edit(page);
    await thing(page, 'occupants/0').getByTestId('remove').click();
    await expect(page.getByTestId('orphans')).toContainText('join alice@server.example/client');
    await expect(page.getByTestId('editor-open')).toHaveAttribute('aria-disabled', 'true');
    await page.getByTestId('drop-steps').click();
    await expect(faults(page)).toHaveAttribute('data-faults', '0');
    expect((await toLab(page)).script).toEqual([{ act: 'join', who: 'bob@server.example/client' }]);
  });

  test('a copy of one that comes with Netsplit is played with its script, and its link opens elsewhere', {
    tag: '@long',
  }, async ({ page, browser }) => {
    await edit(page, 'wallops');
    await field(page, 'Title').fill('The war of 1990');
    await page.keyboard.press('Tab');
    const scenario = await toLab(page);
    expect([scenario.id, scenario.title, scenario.script.length]).toEqual(['my-wallops', 'The war of 1990', 7]);
    await expect(page).toHaveURL(/\/#lab=my-wallops&s=/);
    const other = await (await browser.newContext()).newPage();
    await other.goto(page.url());
    await other.waitForSelector('html[data-phase=paused][data-mode=lab]');
    expect(await other.evaluate(() => window.lab.scenario())).toEqual(scenario);
    await other.context().close();
    // What is shown is what is edited, with the steps that led to it.
    await page.getByTestId('own').click();
    await page.getByTestId('edit-this').click();
    await expect(page.getByTestId('editor-undo')).toBeEnabled();
    await expect(field(page, 'Title')).toHaveValue('The war of 1990');
  });

  test('Live says that it opens in the Lab', { tag: '@long' }, async ({ room }) => {
    await room.open();
    await room.testId('own').click();
    await expect(room.testId('own-scenarios')).toContainText('Yours opens in the Lab.');
    await room.testId('edit-this').click();
    await expect(room.testId('editor-live')).toBeVisible();
    await room.testId('editor-open').click();
    await room.page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    expect(await room.page.evaluate(() => window.lab.scenario().id)).toBe('my-wallops');
  });
});

test.describe('Scenarios that are kept', () => {
  const save = async (page: Page) => {
    await page.getByTestId('editor-save').click();
    await expect(page.getByTestId('editor-kept')).toHaveText('Saved in this browser');
  };
  const rows = (page: Page) => page.locator('[data-saved]');
  const list = async (page: Page) => {
    await page.getByTestId('editor-close').click();
    await page.getByTestId('own').click();
    await page.getByTestId('own-scenarios').waitFor();
  };

  test('are there after a reload, and are opened, renamed, duplicated and deleted', { tag: '@long' }, async ({
    page,
  }) => {
    await edit(page);
    await field(page, 'Title').fill('Verona');
    await page.keyboard.press('Tab');
    await save(page);
    // The address is that of the one that is saved.
    await page.reload();
    await expect(field(page, 'Title')).toHaveValue('Verona');
    await expect(page.getByTestId('editor-kept')).toHaveText('Saved in this browser');
    await list(page);
    await expect(rows(page)).toHaveCount(1);
    await page.getByTestId('saved-rename').click();
    await page.keyboard.type('Mantua');
    await page.keyboard.press('Enter');
    await expect(rows(page)).toContainText(['Mantua']);
    await page.getByTestId('saved-copy').click();
    await expect(rows(page)).toHaveCount(2);
    await page.getByRole('button', { name: 'Delete Mantua', exact: true }).click();
    await expect(rows(page)).toHaveCount(1);
    await page.getByTestId('undelete').click();
    await expect(rows(page)).toHaveCount(2);
    await page.getByRole('button', { name: 'Open Mantua in the Lab', exact: true }).click();
    await page.waitForFunction(() => window.lab.scenario().title === 'Mantua');
  });

  test('two tabs do not destroy each other’s: the second one is saved beside', { tag: '@long' }, async ({
    page,
    context,
  }) => {
    await edit(page);
    await save(page);
    const address = page.url();
    const other = await context.newPage();
    await other.goto(address);
    await editor(other).waitFor();
    for (const [one, title] of [
      [page, 'first'],
      [other, 'second'],
    ] as const) {
      await field(one, 'Title').fill(title);
      await one.keyboard.press('Tab');
      await save(one);
    }
    await expect(other.getByTestId('editor-note')).toContainText('Another tab has changed it meanwhile.');
    await list(other);
    await expect(rows(other).filter({ hasText: 'first' })).toHaveCount(1);
    await expect(rows(other).filter({ hasText: 'second' })).toHaveCount(1);
  });

  test('where the browser keeps nothing, it says so, and nothing is lost while the page is open', {
    tag: '@long',
  }, async ({ page }) => {
    await page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('denied', 'SecurityError');
      };
    });
    await edit(page);
    await field(page, 'Title').fill('Unkept');
    await page.keyboard.press('Tab');
    await page.getByTestId('editor-save').click();
    await expect(page.getByTestId('editor-note')).toContainText('This browser keeps nothing for this page.');
    await expect(page.getByTestId('editor-kept')).toHaveText('Not saved');
    await list(page);
    await page.getByTestId('unsaved').getByRole('button').click();
    await expect(field(page, 'Title')).toHaveValue('Unkept');
  });

  test('a full storage is said, too', { tag: '@long' }, async ({ page }) => {
    await page.addInitScript(() => {
      IDBObjectStore.prototype.put = () => {
        throw new DOMException('full', 'QuotaExceededError');
      };
    });
    await edit(page);
    await page.getByTestId('editor-save').click();
    await expect(page.getByTestId('editor-note')).toContainText('There is no more room in this browser’s storage.');
  });
});

test.describe('Files of scenarios', () => {
  const choose = async (page: Page, name: string, text: string) => {
    await page.goto(`${files.url}#lab=wallops`);
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    await page.getByTestId('own').click();
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByTestId('open-file').click()]);
    await chooser.setFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) });
  };

  test('what is saved as a file is what npm start takes, its world is built, and it is opened again', {
    tag: '@long',
  }, async ({ page }) => {
    await edit(page, 'coven');
    const text = await saved(page, 'editor-export');
    const parsed = parseScenario(text);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
    expect(parsed.scenario.id).toBe('my-coven');
    expect(new LabBranches(parsed.scenario, 1).opening).toBeGreaterThan(100);
    await choose(page, 'coven.json', text);
    await editor(page).waitFor();
    expect(await toLab(page)).toEqual(parsed.scenario);
  });

  test('a file with faults is refused, with the line of each', { tag: '@long' }, async ({ page }) => {
    const text = JSON.stringify({ ...(await verona()), servers: [] }, undefined, 2);
    await choose(page, 'verona.json', text);
    await expect(page.getByTestId('own-note')).toContainText(/verona\.json:\d+: \$\.servers: /);
    await expect(editor(page)).toHaveCount(0);
  });

  async function verona(): Promise<object> {
    const page = await readFile(new URL('../../src/scenario/README.md', import.meta.url), 'utf8');
    return JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '{}') as object;
  }
});

for (const scheme of ['light', 'dark'] as const)
  for (const width of [1440, 390])
    test(`axe finds nothing in the editor, ${scheme}, ${width} px wide`, { tag: '@long' }, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 800 });
      await edit(page, 'wallops');
      const check = async () => {
        const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
        const room = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(room).toBeLessThanOrEqual(0);
      };
      await open(page, 'nodes/0/rooms/0');
      await field(page, 'Messages of history').fill('-3');
      await page.keyboard.press('Tab');
      await expect(faults(page)).toHaveAttribute('data-faults', '1');
      await check();
      await open(page, 'occupants/0');
      await check();
      await page.getByTestId('editor-close').click();
      await page.getByTestId('own').click();
      await page.getByTestId('own-scenarios').waitFor();
      await check();
    });
