import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { cast, eventually, expect, RoomPage, test } from './support/netsplit.ts';

const primary = 'channel.avalon.irc';

test.describe('Where nothing is kept', () => {
  test('the browser denies its storage: the rooms run in memory, and the page says so, also at the crash button', {
    tag: '@long',
  }, async ({ server, troubles }) => {
    test.slow();
    const profile = await mkdtemp(join(tmpdir(), 'netsplit-'));
    await mkdir(join(profile, 'Default'));
    // As a user does it: no site may save data on this device.
    const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
    await writeFile(join(profile, 'Default/Preferences'), JSON.stringify(preferences));
    const { launchOptions } = test.info().project.use;
    const context = await chromium.launchPersistentContext(profile, { ...launchOptions, baseURL: server.url });
    troubles.watch(context);
    const room = new RoomPage(await context.newPage());
    await room.open();
    await expect(room.page.evaluate(() => indexedDB.databases())).rejects.toThrow(/denied/);
    await expect(room.testId('not-kept')).toContainText('Nothing is kept');
    await room.say(cast.Wumpus, 'remember me');
    await eventually(() => room.historyLengths()).toEqual([1, 1, 1, 1]);
    await room.node(primary).click();
    await expect(room.testId('menu-crash')).toContainText('all that only it has is lost');
    await room.page.keyboard.press('Escape');
    await expect(room.testId('inspector-crash')).toContainText('all that only it has is lost');
    await room.testId('inspector-crash').click();
    await expect(room.node(primary)).toHaveAttribute('data-state', 'down');
    await expect(room.testId('inspector')).toContainText('was in memory only');
    await room.testId('inspector-restart').click();
    await room.ready();
    await expect(room.node(primary)).toHaveAttribute('data-state', 'live', { timeout: 45_000 });
    await context.close();
    await rm(profile, { recursive: true });
  });

  test('its disk space is used up: nobody is taken at their word, and all say so; with room it goes on', {
    tag: '@long',
  }, async ({ room, context, baseURL, troubles }) => {
    test.slow();
    troubles.allow(/quota/i);
    await room.open('plain');
    const witch = 'firstwitch@localhost/desktop';
    await room.say(witch, 'kept');
    await expect(room.testId('not-kept')).toHaveCount(0);
    const session = await context.newCDPSession(room.page);
    const origin = new URL(baseURL ?? '').origin;
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 });
    await eventually(() => room.act({ act: 'say', who: witch, text: 'x'.repeat(10_000) }), 45_000).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^resource-constraint/),
    });
    await expect(room.testId('not-kept')).toHaveAttribute('data-not-kept', 'full');
    await expect(room.page.locator(`[data-refusal="${witch}"]`)).toContainText('no more disk space');
    await room.node('conference.localhost').click();
    await expect(room.testId('menu-crash')).toContainText('it cannot start until there is room');
    await room.page.keyboard.press('Escape');
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    const since = await room.mark();
    await eventually(() => room.act({ act: 'say', who: witch, text: 'there is room' }), 45_000).toEqual({ ok: true });
    await eventually(() => room.heard('secondwitch@localhost/laptop', since)).toEqual(['there is room']);
    await expect(room.testId('not-kept')).toHaveCount(0);
  });
});
