import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { builtIn } from '../../src/scenario/built-in.ts';
import { avalon, cast, eris, expect, killrc, shareOf, test, vesa, wallopsNodes } from './support/netsplit.ts';

test.describe('Without colours', () => {
  test.use({ contextOptions: { forcedColors: 'active' } });

  test('with the colours of the system, states still differ by line, shape or word; axe finds nothing', {
    tag: '@long',
  }, async ({ room }) => {
    const { page } = room;
    await room.open();
    for (const act of [
      { act: 'cut', link: [avalon, killrc], how: 'bounce' },
      { act: 'slow', link: [avalon, eris], latencyMs: 300, jitterMs: 0, bytesPerSecond: 0 },
      { act: 'crash', node: wallopsNodes[1] },
      { act: 'say', who: cast.WiZ, text: 'who is there?' },
    ] as const)
      expect(await room.act(act), act.act).toEqual({ ok: true });
    await expect(room.node(wallopsNodes[2])).toHaveAttribute('data-state', 'split');
    await expect(room.node(wallopsNodes[1])).toHaveAttribute('data-state', 'down');
    const styleOf = (selector: string, ...names: string[]) =>
      page
        .locator(selector)
        .first()
        .evaluate((one, all) => all.map((name) => getComputedStyle(one).getPropertyValue(name)).join(' '), names);
    const differ = (all: readonly string[]) => expect(new Set(all).size, all.join('; ')).toBe(all.length);
    const line = (a: string, b: string) =>
      styleOf(`[data-link="${[a, b].sort().join('~')}"] .line`, 'stroke-dasharray');
    differ([await line(avalon, killrc), await line(avalon, eris), await line(avalon, vesa)]);
    const outline = (node: string) =>
      styleOf(`[data-node="${node}"] > rect`, 'stroke-dasharray', 'stroke-width', 'fill');
    // The primary, one that is down, one that is split, one that is well.
    differ(await Promise.all(wallopsNodes.map(outline)));

    // Every shape can be seen on its ground, and every text on its shape.
    const unseen = await page.evaluate(() => {
      const ground = getComputedStyle(document.body).backgroundColor;
      return [...document.querySelectorAll('.picture text, .glyph text')].flatMap((one) =>
        getComputedStyle(one).fill === ground ? [one.textContent] : [],
      );
    });
    expect(unseen).toEqual([]);
    expect(await styleOf('.glyph > path', 'stroke')).not.toBe('none');

    // What is chosen, and its family.
    const log = room.testId('log');
    await log.locator('.row.submission[data-kind=message]').last().click();
    differ([
      await styleOf('.row.chosen', 'outline-style'),
      await styleOf('.row.family', 'outline-style'),
      await styleOf('.row:not(.chosen, .family)', 'outline-style'),
    ]);
    const tab = (selected: boolean) => styleOf(`[role=tab][aria-selected=${selected}]`, 'border-bottom-color');
    differ([await tab(true), await tab(false)]);
    const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
    expect(violations).toEqual([]);
  });
});

test('in grey, kinds of stanzas and states of links still differ by shape and by name', { tag: '@long' }, async ({
  room,
}) => {
  const { page } = room;
  await room.open();
  await page.evaluate(() => document.documentElement.style.setProperty('filter', 'grayscale(1)'));
  await room.do({ act: 'slow', link: [avalon, eris], latencyMs: 300, jitterMs: 0, bytesPerSecond: 0 });
  await room.do({ act: 'cut', link: [avalon, killrc], how: 'bounce' });
  await room.do({ act: 'cut', link: [avalon, vesa], how: 'silent' });
  await room.act({ act: 'say', who: cast.WiZ, text: 'in grey' });
  await page.getByRole('button', { name: 'IQ' }).click();
  const shapes = await page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll<SVGElement>('.glyph')].map((one) => [
        one.getAttribute('data-kind') ?? one.getAttribute('class'),
        `${one.querySelector('path')?.getAttribute('d')} ${one.textContent?.trim()}`,
      ]),
    ),
  );
  expect(Object.keys(shapes).length).toBeGreaterThanOrEqual(3);
  expect(new Set(Object.values(shapes)).size).toBe(Object.keys(shapes).length);
  await expect(room.link(avalon, eris)).toHaveAccessibleName(/, up, 300 ms/);
  await expect(room.link(avalon, killrc)).toHaveAccessibleName(/, cut: stanzas bounce/);
  await expect(room.link(avalon, vesa)).toHaveAccessibleName(/, cut: stanzas vanish silently/);
  const dashes = (a: string, b: string) =>
    room
      .link(a, b)
      .locator('.line')
      .evaluate((one) => getComputedStyle(one).strokeDasharray);
  const lines = [await dashes(avalon, eris), await dashes(avalon, killrc), await dashes(avalon, vesa)];
  expect(new Set(lines).size, lines.join('; ')).toBe(3);
});

test.describe('axe', () => {
  const wide = { width: 1440, height: 900 };
  const narrow = { width: 360, height: 740 };
  /** In the dark only the colours differ. Legacy mode: the page has no frames whose results a second page would join. */
  const faults = async (page: Page) => {
    const all: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const axe = new AxeBuilder({ page }).setLegacyMode();
      const { violations } = await (colorScheme === 'dark' ? axe.withRules('color-contrast') : axe).analyze();
      all.push(...violations.map(({ help, nodes }) => `${colorScheme}: ${help}: ${nodes[0]?.html}`));
    }
    return all;
  };

  for (const { id } of builtIn) {
    test(`finds nothing in ${id}, light and dark, wide and narrow`, shareOf(id), async ({ room }) => {
      await room.page.setViewportSize(wide);
      await room.openLab(id);
      expect(await faults(room.page), 'wide').toEqual([]);
      await room.page.setViewportSize(narrow);
      expect(await faults(room.page), 'narrow').toEqual([]);
    });
  }

  test('finds nothing in any view, light and dark, wide and narrow', { tag: '@long' }, async ({ room }) => {
    test.slow();
    const { page } = room;
    await page.setViewportSize(wide);
    await room.open();
    await room.say(cast.WiZ, 'looked at');
    await room.testId('join-own').click();
    await expect(room.testId('join-panel')).toBeVisible();
    expect(await faults(page), 'join with a client of one’s own').toEqual([]);
    await page.keyboard.press('Escape');
    await room.testId('log').locator('.row[data-kind=message]').last().click();
    await expect(room.testId('log').locator('[aria-level="2"]').first()).toBeVisible();
    for (const view of ['log', 'spacetime', 'transcripts', 'counters', 'outline']) {
      await room.testId(`tab-${view}`).click();
      expect(await faults(page), view).toEqual([]);
    }
    for (const view of ['stanza', 'node', 'link']) {
      await room.testId(`inspect-${view}`).click();
      expect(await faults(page), view).toEqual([]);
    }
    await room.do({ act: 'cut', link: [avalon, vesa], how: 'bounce' });
    await room.link(avalon, vesa).focus();
    await page.keyboard.press('Enter');
    await expect(room.testId('menu')).toBeVisible();
    // A menu lies above the page, outside of its landmarks.
    expect(
      (await faults(page)).filter((fault) => !fault.includes('landmarks')),
      'menu of a cut link',
    ).toEqual([]);
    await page.keyboard.press('Escape');
    await page.setViewportSize(narrow);
    await room.testId('region-panel').click();
    for (const view of ['log', 'spacetime', 'transcripts', 'counters', 'outline']) {
      await room.testId(`tab-${view}`).click();
      expect(await faults(page), `narrow ${view}`).toEqual([]);
    }
    await room.testId('region-inspector').click();
    expect(await faults(page), 'narrow inspector').toEqual([]);
    await page.keyboard.press('?');
    await expect(room.testId('help-dialog')).toBeVisible();
    expect(await faults(page), 'help').toEqual([]);
  });
});

/** What the browser tells a screen reader of a group: the names of the groups and buttons in it, in order, up to the first comma. */
async function namesIn(page: Page, group: string): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const byId = new Map(nodes.map((node) => [node.nodeId, node]));
  const nameOf = ({ name }: (typeof nodes)[number]) => String(name?.value ?? '');
  const within = (node: (typeof nodes)[number]): readonly string[] =>
    (node.childIds ?? []).flatMap((id) => {
      const child = byId.get(id);
      if (child === undefined) return [];
      const isNamed = ['group', 'button'].includes(String(child.role?.value)) && nameOf(child) !== '';
      return [...(isNamed ? [nameOf(child).split(',')[0] as string] : []), ...within(child)];
    });
  const root = nodes.find((node) => nameOf(node).startsWith(group));
  return root === undefined ? [] : within(root);
}

test.describe('With a screen reader', () => {
  test('the picture is read server by server, its node, then its people; the links come last', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open();
    const { page } = room;
    const names = await namesIn(page, 'Topology');
    const [servers, links] = [names.slice(0, names.indexOf('Links')), names.slice(names.indexOf('Links') + 1)];
    const at = servers.indexOf(vesa);
    expect(servers.slice(at, at + 4)).toEqual([vesa, `replica ${wallopsNodes[1]}`, 'BigCheese', 'Efchen']);
    expect(servers).toHaveLength(4 + 4 + 7);
    expect(links).toContain(`Link ${avalon} – ${killrc}`);
    // The page goes from the picture to the speak bar, the views, the inspector.
    const order = await page.evaluate(() =>
      ['.picture', '#say-text', '[role=separator]', '#tab-log', '#inspector-view'].map((one) =>
        [...document.querySelectorAll('*')].indexOf(document.querySelector(one) as Element),
      ),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  test('the focus stays with the thing that has it when somebody comes or goes', { tag: '@long' }, async ({ room }) => {
    await room.open();
    const { page } = room;
    const [guest, other] = [`guest1@${avalon}`, `guest1@${eris}`];
    await room.do({ act: 'join', who: guest });
    await room.do({ act: 'join', who: other });
    const shown = (who: string) => page.locator(`.picture [data-occupant^="${who}"]`);
    await shown(other).focus();
    await room.do({ act: 'leave', who: guest });
    await expect(shown(guest)).toHaveCount(0);
    await expect(shown(other)).toBeFocused();
  });
});
