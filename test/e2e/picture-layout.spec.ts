import { builtIn } from '../../src/scenario/built-in.ts';
import type { LiveConfig } from '../../src/scenario/live-config-type.ts';
import { beyondArrows, collisions, unreachable } from './support/drawn.ts';
import { avalon, cast, eventually, expect, killrc, type RoomPage, test, vesa } from './support/netsplit.ts';

const sizes = {
  wide: { width: 1440, height: 900 },
  projector: { width: 1920, height: 1080 },
  small: { width: 1280, height: 720 },
  narrow: { width: 390, height: 844 },
} as const;

async function resize(room: RoomPage, size: { readonly width: number; readonly height: number }): Promise<void> {
  await room.page.setViewportSize(size);
  // The picture is drawn anew once its element has its size.
  await room.page.waitForFunction(() => {
    const picture = document.querySelector<SVGSVGElement>('.picture');
    const { width = 0, height = 0 } = picture?.parentElement?.getBoundingClientRect() ?? {};
    const { width: w = 0, height: h = 1 } = picture?.viewBox.baseVal ?? {};
    return Math.abs(width / height - w / h) < 0.01;
  });
}

const hulls = (room: RoomPage) =>
  room.page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll<SVGElement>('[data-server]')].map((server) => {
        const { left, top, width } = (server.querySelector('rect') as Element).getBoundingClientRect();
        return [server.dataset['server'] as string, { x: Math.round(left + width / 2), y: Math.round(top) }];
      }),
    ),
  );

test.describe('The picture', () => {
  for (const { id } of builtIn) {
    test(`${id}: nothing lies on anything, and whatever can be pressed can be pressed where it is drawn`, {
      tag: '@long',
    }, async ({ room }) => {
      await room.page.setViewportSize(sizes.wide);
      // What moves passes by what stands.
      await room.page.addInitScript(() => localStorage.setItem('netsplit.preferences', '{"pace":0}'));
      // The Lab's transport takes some of the room; the first one is looked at in a live room.
      if (id === 'wallops') await room.open(id);
      else await room.openLab(id);
      // Every link of this one has its counter: those that were used, and those that are cut.
      for (const { ends } of (await room.state()).links) await room.do({ act: 'cut', link: [...ends], how: 'silent' });
      for (const [name, size] of Object.entries(sizes)) {
        await resize(room, size);
        expect(await collisions(room.page), name).toEqual([]);
        expect(await unreachable(room.page), name).toEqual([]);
      }
      for (const region of ['panel', 'inspector']) {
        await room.testId(`region-${region}`).click();
        expect(await unreachable(room.page), region).toEqual([]);
      }
      await room.testId('region-topology').click();
      await resize(room, sizes.wide);
      expect(await beyondArrows(room.page)).toEqual([]);
      for (const { ends } of (await room.state()).links) await room.do({ act: 'heal', link: [...ends] });
      expect(await collisions(room.page)).toEqual([]);
    });
  }

  test('nicks of any length stay in their place, and those who are cut off say so there', { tag: '@long' }, async ({
    room,
  }) => {
    await room.page.setViewportSize(sizes.wide);
    await room.page.addInitScript(() => localStorage.setItem('netsplit.preferences', '{"pace":0}'));
    await room.open();
    await room.do({ act: 'nick', who: cast.Wumpus, nick: 'WWWWWWWWWWWWWWWWWWWWWWWWWWWW' });
    await room.do({ act: 'nick', who: cast.Valdis, nick: '漢字の長い名前を持っている人' });
    await room.do({ act: 'nick', who: cast.Phaedrus, nick: 'someone whose nick is a whole sentence' });
    await room.do({ act: 'presence', who: cast.WiZ, show: 'away' });
    for (const [name, size] of Object.entries(sizes)) {
      await resize(room, size);
      expect(await collisions(room.page), name).toEqual([]);
    }
  });

  test('stanzas that the paused links hold stand in a row on their link, each with its index, and cover no counter', {
    tag: '@long',
  }, async ({ room }) => {
    await room.page.setViewportSize(sizes.wide);
    await room.open();
    await room.act({ act: 'pause', paused: true });
    for (const text of ['one', 'two', 'three']) await room.act({ act: 'say', who: cast.BigCheese, text });
    await room.act({ act: 'say', who: cast.WiZ, text: 'four' });
    const tokens = room.page.locator('.token');
    await expect(tokens).toHaveCount(4);
    await eventually(() => collisions(room.page)).toEqual([]);
    await expect(tokens.locator('.copy').first()).toBeVisible();
    await tokens.first().click();
    await expect(room.testId('inspector-title')).toBeVisible();
    await room.act({ act: 'pause', paused: false });
    await room.page.keyboard.press('Escape');
    await room.quiet();
    await expect(tokens).toHaveCount(0);
  });

  test('a guest joins: no server moves, nor any link', { tag: '@long' }, async ({ room, server }) => {
    await room.page.setViewportSize(sizes.wide);
    await room.open();
    const before = await hulls(room);
    const config = await fetch(new URL(`/netsplit.json${room.address().slice(1)}`, server.url));
    const { credentials } = (await config.json()) as LiveConfig;
    await room.do({ act: 'join', who: credentials.guests[0]?.jid as string });
    await expect(room.page.locator('.occupant.guest')).toHaveCount(1);
    expect(await hulls(room)).toEqual(before);
    expect(await collisions(room.page)).toEqual([]);
  });

  test('a server is dragged, and moved with Alt and the arrow keys; a button and the key 0 put all back', {
    tag: '@long',
  }, async ({ room }) => {
    const { page } = room;
    await page.setViewportSize(sizes.wide);
    await room.open();
    const before = await hulls(room);
    const title = await page.locator(`[data-server="${vesa}"] .domain`).boundingBox();
    if (!title) throw new Error('no title');
    await page.mouse.move(title.x + 5, title.y + 5);
    await page.mouse.down();
    await page.mouse.move(title.x + 35, title.y + 65, { steps: 4 });
    await page.mouse.up();
    await eventually(() => hulls(room)).toMatchObject({
      [vesa]: { x: (before[vesa]?.x ?? 0) + 30, y: (before[vesa]?.y ?? 0) + 60 },
    });
    expect({ ...(await hulls(room)), [vesa]: before[vesa] }).toEqual(before);
    expect(await collisions(page)).toEqual([]);
    // It stays there when it is drawn anew.
    await room.say(cast.BigCheese, 'moved');
    expect((await hulls(room))[vesa]).not.toEqual(before[vesa]);
    await room.testId('put-back').click();
    await eventually(() => hulls(room)).toEqual(before);
    await expect(room.testId('put-back')).toHaveCount(0);

    await room.node(`replica@${killrc}`).focus();
    await page.keyboard.press('Alt+ArrowDown');
    await eventually(async () => ((await hulls(room))[killrc]?.y ?? 0) - (before[killrc]?.y ?? 0)).toBeGreaterThan(10);
    await expect(room.node(`replica@${killrc}`)).toBeFocused();
    await page.keyboard.press('0');
    await eventually(() => hulls(room)).toEqual(before);
    // Not over another one, however often it is pressed.
    for (let i = 0; i < 30; i++) await page.keyboard.press('Alt+ArrowLeft');
    expect(await collisions(page)).toEqual([]);
    await page.keyboard.press('0');
    await eventually(() => hulls(room)).toEqual(before);
  });

  test('the first ten seconds: a sentence, a button to speak, then one to cut, then one to heal', async ({ room }) => {
    await room.open();
    const { page } = room;
    const intro = room.testId('intro');
    await expect(intro).toHaveAttribute('data-step', 'speak');
    await expect(room.testId('intro-go')).toHaveText('Speak, then cut a link');
    await room.testId('intro-go').click();
    await expect(room.testId('say-text')).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(intro).toHaveAttribute('data-step', 'cut');
    await room.testId('intro-go').click();
    await expect(room.testId('menu')).toBeVisible();
    await room.testId('menu-cut-bounce').press('Enter');
    await expect(intro).toHaveAttribute('data-step', 'heal');
    expect((await room.state()).links.filter(({ state }) => state !== 'up')).toHaveLength(1);
    await room.testId('intro-go').click();
    await expect(intro).toHaveAttribute('data-step', 'cut');
    await room.testId('intro-close').click();
    await expect(intro).toHaveCount(0);
    await page.reload();
    await room.ready();
    await expect(intro).toHaveCount(0);
    await expect(room.pill(avalon, vesa)).toContainText(/\d+ stanzas/);
  });
});

test.describe('The picture, moving', () => {
  test.use({ contextOptions: { reducedMotion: 'no-preference' } });

  test('copies that set off together are seen one by one, without an index unless one is chosen', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open('plain');
    await room.testId('pace').selectOption({ label: '×¼' });
    await room.act({ act: 'say', who: 'firstwitch@localhost/desktop', text: 'When shall we three meet again' });
    // Three people of fife.lit: three copies cross that link.
    const copies = room.page.locator('.token[visibility=visible]');
    await eventually(async () =>
      room.page.evaluate(() => {
        const boxes = [...document.querySelectorAll('.token[visibility=visible] > path')].map((path) =>
          path.getBoundingClientRect(),
        );
        const apart = boxes.every((a, i) =>
          boxes.slice(i + 1).every((b) => Math.hypot(a.x - b.x, a.y - b.y) > a.width * 0.9),
        );
        return apart && boxes.length === 7;
      }),
    ).toBe(true);
    await expect(copies.first().locator('.copy')).toBeHidden();
  });
});
