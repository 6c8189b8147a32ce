import {
  avalon,
  cast,
  eris,
  eventually,
  expect,
  killrc,
  type RoomPage,
  test,
  vesa,
  wallopsNodes,
} from './support/netsplit.ts';

const focusedId = (room: RoomPage) =>
  room.page.evaluate(() => (document.activeElement as SVGElement | null)?.dataset.id);

test.describe('Keyboard', () => {
  test('every key of the help works', { tag: '@long' }, async ({ room }) => {
    await room.open();
    const { page } = room;
    const body = room.page.locator('body');
    await page.keyboard.press('?');
    await expect(room.testId('help-dialog')).toBeVisible();
    const listed = await room.testId('help-dialog').locator('dl').first().locator('dt').allTextContents();
    expect(listed).toEqual([
      'Space or .',
      'Tab',
      'Arrows',
      'Alt+arrows',
      '0',
      'Enter or Shift+F10',
      'x',
      'k',
      'r',
      'w',
      '1 – 5',
      '/',
      'm',
      'p',
      '?',
      'Esc',
    ]);
    await page.keyboard.press('Escape');
    await expect(room.testId('help-dialog')).toBeHidden();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());

    for (const mode of ['recorded', 'live']) {
      await body.press('w');
      await expect(page.locator('html')).toHaveAttribute('data-mode', mode);
    }
    for (const [key, paused] of [
      ['.', true],
      [' ', false],
      [' ', true],
      ['.', false],
    ] as const) {
      await body.press(key);
      await eventually(async () => (await room.state()).paused).toBe(paused);
    }
    for (const [key, tab] of [
      ['2', 'spacetime'],
      ['3', 'transcripts'],
      ['4', 'counters'],
      ['5', 'outline'],
      ['1', 'log'],
    ] as const) {
      await body.press(key);
      await expect(room.testId(`tab-${tab}`)).toHaveAttribute('aria-selected', 'true');
    }
    await body.press('m');
    await expect(room.testId('topology')).toBeHidden();
    await body.press('m');
    await expect(room.testId('topology')).toBeVisible();
    await body.press('p');
    await expect(room.phase).toHaveAttribute('data-presenting', '150');
    await body.press('p');
    await expect(room.phase).not.toHaveAttribute('data-presenting');
    await body.press('3');
    await body.press('/');
    await expect(room.testId('log-filter')).toBeFocused();
    await page.keyboard.press('Escape');
    await expect(room.testId('log-filter')).not.toBeFocused();

    await room.link(avalon, eris).focus();
    await page.keyboard.press('x');
    await expect(room.link(avalon, eris)).toHaveAttribute('data-state', 'bounce');
    await page.keyboard.press('x');
    await expect(room.link(avalon, eris)).toHaveAttribute('data-state', 'up');
    await room.node(`replica@${eris}`).focus();
    await page.keyboard.press('k');
    await expect(room.node(`replica@${eris}`)).toHaveAttribute('data-state', 'down');
    await page.keyboard.press('k');
    await expect(room.node(`replica@${eris}`)).toHaveAttribute('data-state', 'live', { timeout: 45_000 });

    await room.testId('log').focus();
    await page.keyboard.press('ArrowUp');
    await expect(room.testId('inspector-title')).toBeVisible();
    const last = await room.testId('inspector-title').getAttribute('data-event');
    await page.keyboard.press('ArrowUp');
    await expect(room.testId('inspector-title')).not.toHaveAttribute('data-event', last ?? '');
    await page.keyboard.press('Escape');
    await expect(room.testId('inspector-title')).toHaveCount(0);
  });

  test('Tab goes into the picture, arrows to the neighbour in that direction, Enter and Shift+F10 open its menu', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open();
    const { page } = room;
    // The picture is one stop of the Tab key.
    await room.testId('help').focus();
    for (let i = 0; i < 6 && (await focusedId(room)) === undefined; i++) await page.keyboard.press('Tab');
    expect(await focusedId(room)).toBe(wallopsNodes[0]);
    await room.node(wallopsNodes[0]).press('Tab');
    expect(await focusedId(room)).toBeUndefined();
    await page.keyboard.press('Shift+Tab');
    expect(await focusedId(room)).toBe(wallopsNodes[0]);

    const centre = async () => {
      const box = await page.locator('*:focus').boundingBox();
      return { x: (box?.x ?? 0) + (box?.width ?? 0) / 2, y: (box?.y ?? 0) + (box?.height ?? 0) / 2 };
    };
    const there = new Set([await focusedId(room)]);
    for (const [key, axis, sign] of [
      ['ArrowLeft', 'x', -1],
      ['ArrowLeft', 'x', -1],
      ['ArrowDown', 'y', 1],
      ['ArrowRight', 'x', 1],
    ] as const) {
      const before = { id: await focusedId(room), at: await centre() };
      await page.keyboard.press(key);
      await eventually(() => focusedId(room)).not.toBe(before.id);
      const id = await focusedId(room);
      there.add(id);
      // A link's box says little of where its label is.
      if (!id?.includes('~') && !before.id?.includes('~'))
        expect(((await centre())[axis] - before.at[axis]) * sign, `${before.id} ${key} ${id}`).toBeGreaterThan(0);
    }
    expect(there.size).toBeGreaterThan(3);

    for (const [thing, key, item] of [
      [room.node(wallopsNodes[1]), 'Enter', 'menu-crash'],
      [room.link(avalon, killrc), 'Shift+F10', 'menu-cut-bounce'],
      [room.occupant(cast.WiZ), 'Enter', 'menu-say'],
    ] as const) {
      await thing.focus();
      await page.keyboard.press(key);
      await expect(room.testId('menu')).toBeVisible();
      await expect(room.testId(item)).toBeFocused();
      await page.keyboard.press('ArrowDown');
      await expect(room.testId(item)).not.toBeFocused();
      await page.keyboard.press('Escape');
      await expect(room.testId('menu')).toBeHidden();
      await expect(thing).toBeFocused();
    }
    // The menu's choice by the keyboard alone.
    await room.occupant(cast.WiZ).focus();
    await page.keyboard.press('Enter');
    await expect(room.testId('menu-say')).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(room.testId('say-text')).toBeFocused();
    await page.keyboard.type('by hand');
    await page.keyboard.press('Enter');
    await eventually(() => room.heard(cast.Efchen)).toEqual(['by hand']);
    expect((await room.received(cast.Efchen)).at(-1)?.stanza?.from).toMatch(/\/WiZ$/);
  });

  test('the help lists our own choices by which something happened here, and leads to them', { tag: '@long' }, async ({
    room,
  }) => {
    await room.open();
    const specs = (await room.events()).flatMap(({ spec }) => (spec?.startsWith('decision#') ? [spec] : []));
    expect(specs.length).toBeGreaterThan(3);
    await room.testId('help').click();
    const choices = room.testId('choices').locator('li');
    const listed = await choices.evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset['spec'] ?? ''));
    expect(listed.toSorted()).toEqual([...new Set(specs)].sort());
    await choices.first().getByRole('button').click();
    await expect(room.testId('help-dialog')).toBeHidden();
    await expect(room.testId('why')).toHaveAttribute('data-spec', listed[0] ?? '');
  });

  test('no key acts while somebody types, and none when keys are off', { tag: '@long' }, async ({ room }) => {
    await room.open();
    const { page } = room;
    const still = async () => {
      const { paused, links, nodes } = await room.state();
      return [paused, links.map(({ state }) => state), nodes.map(({ phase }) => phase)];
    };
    const before = await still();
    // Chosen, the link would be cut by x wherever the focus is.
    await room.pill(avalon, vesa).click();
    await page.keyboard.press('Escape');
    const every = 'x k . 1 2 3 4 ? / space ';
    await room.testId('say-text').focus();
    await page.keyboard.type(every);
    await expect(room.testId('say-text')).toHaveValue(every);
    await room.testId('log-filter').focus();
    await page.keyboard.type(every);
    await expect(room.testId('log-filter')).toHaveValue(every);
    await room.testId('log-filter').fill('');
    await room.testId('say-text').fill('');
    await room.quiet();
    expect(await still()).toEqual(before);
    await expect(room.testId('help-dialog')).toBeHidden();
    await expect(room.testId('tab-log')).toHaveAttribute('aria-selected', 'true');

    await room.testId('help').click();
    await room.testId('keys-on').uncheck();
    await page.keyboard.press('Escape');
    await room.link(avalon, vesa).focus();
    for (const key of ['x', '.', '3', '?', 'k']) await page.keyboard.press(key);
    await room.quiet();
    expect(await still()).toEqual(before);
    await expect(room.testId('help-dialog')).toBeHidden();
    await expect(room.testId('tab-log')).toHaveAttribute('aria-selected', 'true');
    // Kept for the next time.
    await page.reload();
    await room.ready();
    await room.link(avalon, vesa).focus();
    await page.keyboard.press('x');
    await room.quiet();
    expect(await still()).toEqual(before);
    await room.testId('help').click();
    await room.testId('keys-on').check();
    await page.keyboard.press('Escape');
    await room.link(avalon, vesa).focus();
    await page.keyboard.press('x');
    await expect(room.link(avalon, vesa)).toHaveAttribute('data-state', 'bounce');
  });
});

test.describe('A telephone, 360 × 740', () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true });

  test('no horizontal scroll in any region; speaking, cutting and healing by touch', { tag: '@long' }, async ({
    room,
  }) => {
    await room.open();
    const { page } = room;
    const overflow = () =>
      page.evaluate(() => document.scrollingElement && document.scrollingElement.scrollWidth - innerWidth);
    expect(await overflow()).toBe(0);

    await room.testId('say-text').tap();
    await page.keyboard.type('from my phone');
    await page.keyboard.press('Enter');
    await eventually(() => room.heard(cast.BigCheese)).toEqual(['from my phone']);

    await room.testId('region-panel').tap();
    await expect(room.testId('tab-outline')).toBeVisible();
    for (const tab of ['spacetime', 'transcripts', 'counters', 'outline']) {
      await room.testId(`tab-${tab}`).tap();
      await expect(room.testId(`tab-${tab}`)).toHaveAttribute('aria-selected', 'true');
      expect(await overflow(), tab).toBe(0);
    }
    const row = room.testId('outline').locator(`[data-link-row="${avalon}~${vesa}"]`);
    await row.getByTestId('outline-cut-bounce').tap();
    await room.waitForState({ link: [avalon, vesa], state: 'bounce' });
    await expect(row).toContainText('cut');
    await row.getByTestId('outline-heal').tap();
    await expect(row).toContainText('up');
    await room.testId('region-inspector').tap();
    await expect(room.testId('inspector')).toBeVisible();
    expect(await overflow()).toBe(0);
    await room.testId('region-topology').tap();
    await expect(room.testId('topology')).toBeVisible();
    expect(await overflow()).toBe(0);
  });
});
