import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { builtInScenario } from '../../src/scenario/built-in.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { serveFiles } from './support/files.ts';
import { expect, test } from './support/netsplit.ts';

/** The scenario that its README shows. */
async function verona(): Promise<Scenario> {
  const page = await readFile(new URL('../../src/scenario/README.md', import.meta.url), 'utf8');
  return JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
}

let files: Awaited<ReturnType<typeof serveFiles>>;
test.beforeAll(async () => {
  files = await serveFiles();
});
test.afterAll(() => files.close());

async function open(page: Page): Promise<void> {
  await page.goto(`${files.url}#lab=wallops`);
  await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
}
const load = (page: Page, scenario: unknown, seed = 0) =>
  page.evaluate(([given, n]) => window.lab.load(given as Scenario, { seed: n }), [scenario, seed] as const);
const say = (page: Page, who: string, text: string) =>
  page.evaluate(([one, said]) => window.lab.act({ act: 'say', who: one, text: said }), [who, text] as const);

test.describe('lab.load with a scenario as data', () => {
  test('plays it in the Lab, whose menu names it; its link has it, and so has a reload', { tag: '@long' }, async ({
    page,
    browser,
  }) => {
    await open(page);
    const scenario = await verona();
    await load(page, scenario, 3);
    expect(await page.evaluate(() => [window.lab.scenario().id, window.lab.mode])).toEqual(['verona', 'lab']);
    await expect(page.getByTestId('scenario').locator('option:checked')).toHaveText(scenario.title);
    await expect(page).toHaveURL(/#lab=verona&seed=3&s=/);
    await say(page, 'juliet@capulet.lit/balcony', 'What is in a name?');
    await page.evaluate(() => window.lab.runToQuiet());
    const counted = await page.evaluate(() => window.lab.counters().messages.map(({ deliveries }) => deliveries));
    expect(counted).toEqual([2]);
    await page.waitForFunction(
      () => document.querySelector('[data-testid=transport]')?.getAttribute('data-at') !== '0',
    );
    const other = await (await browser.newContext()).newPage();
    await other.goto(page.url());
    await other.waitForSelector('html[data-phase=paused][data-mode=lab]');
    expect(await other.evaluate(() => window.lab.scenario().id)).toBe('verona');
    await other.context().close();
    await page.reload();
    await page.waitForSelector('html[data-phase=paused][data-mode=lab]');
    expect(await page.evaluate(() => window.lab.scenario().id)).toBe('verona');
  });

  test('another seed is the same scenario, and the menu leads back to one that comes with Netsplit', {
    tag: '@long',
  }, async ({ page }) => {
    await open(page);
    // As a test changes one that it knows.
    const changed = { ...(builtInScenario('wallops') as Scenario), title: 'wallops, changed' };
    await load(page, changed);
    await page.evaluate(() => window.lab.seed(5));
    expect(await page.evaluate(() => window.lab.scenario().title)).toBe('wallops, changed');
    await page.getByTestId('scenario').selectOption('plain');
    await page.waitForFunction(() => window.lab.scenario().id === 'plain');
    await page.getByTestId('scenario').selectOption('wallops');
    await page.waitForFunction(() => window.lab.scenario().id === 'wallops');
    expect(await page.evaluate(() => window.lab.scenario())).toEqual(builtInScenario('wallops'));
  });

  test('names each fault with its place, and changes nothing', async ({ page }) => {
    await open(page);
    const scenario = await verona();
    const [first, ...rest] = scenario.occupants;
    const nowhere = { ...first, room: 'garden@rooms.capulet.lit', jid: 'juliet@mantua.lit/balcony' };
    const why = (given: unknown) => load(page, given).then(String, (error: Error) => error.message);
    const said = await why({ ...scenario, occupants: [nowhere, ...rest] });
    expect(said).toContain('$.occupants[0].jid: no server mantua.lit in this scenario');
    expect(said).toContain('$.occupants[0].room: no room garden@rooms.capulet.lit in this scenario');
    expect(await why({ ...scenario, servers: [] })).toContain('$.servers');
    expect(await why(undefined)).toContain('load: the scenario is not as it should be. $: ');
    expect(await page.evaluate(() => window.lab.scenario().id)).toBe('wallops');
  });
});
