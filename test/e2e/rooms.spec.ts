import { cast, eventually, expect, RoomPage, test } from './support/netsplit.ts';

test.describe('A room of one’s own', () => {
  test('two rooms of one server do not meet: messages, cuts and counters are each one’s own', { tag: '@long' }, async ({
    room,
    context,
    newTab,
  }) => {
    test.slow();
    const [one, two] = [room, new RoomPage(await context.newPage(), `${room.instance}-other`)];
    await Promise.all([one.open(), two.open()]);
    await expect(one.testId('room-badge')).toHaveText(`Room ${room.instance}`);
    // Each page runs the nodes of its own.
    for (const page of [one, two]) await expect(page.testId('observer-badge')).toHaveCount(0);
    const before = await two.counters();
    await one.say(cast.BigCheese, 'in the first');
    await one.act({ act: 'cut', link: ['avalon.irc', 'vesa.yeggmaex.irc'], how: 'bounce' });
    await expect(one.link('avalon.irc', 'vesa.yeggmaex.irc')).toHaveAttribute('data-state', 'bounce');
    await expect(two.link('avalon.irc', 'vesa.yeggmaex.irc')).toHaveAttribute('data-state', 'up');
    expect(await two.heard(cast.WiZ)).not.toContain('in the first');
    expect((await two.counters()).messages).toEqual(before.messages);
    // Somebody joins the group, and sees what is there alone.
    const third = await newTab();
    await third.page.goto(third.address());
    await expect(third.testId('observer-badge')).toHaveCount(1);
    await expect(third.link('avalon.irc', 'vesa.yeggmaex.irc')).toHaveAttribute('data-state', 'bounce');
  });

  test('starts over by its button: what was said is gone, in every page, and after a reload', { tag: '@long' }, async ({
    room,
    elsewhere,
  }) => {
    test.slow();
    await room.open();
    await elsewhere.open();
    await room.say(cast.BigCheese, 'for nothing');
    await expect(elsewhere.testId('start-over')).toHaveCount(0);
    await room.testId('start-over').click();
    await eventually(() => room.historyLengths().catch(() => []), 45_000).toEqual([0, 0, 0, 0]);
    await room.ready();
    expect((await room.counters()).messages).toEqual([]);
    await eventually(() => elsewhere.historyLengths().catch(() => []), 45_000).toEqual([0, 0, 0, 0]);
    await room.page.reload();
    await room.ready();
    await eventually(() => room.historyLengths().catch(() => []), 45_000).toEqual([0, 0, 0, 0]);
  });

  test('lab.reset() resolves when everybody is in again', { tag: '@long' }, async ({ room }) => {
    await room.open();
    await room.say(cast.BigCheese, 'before');
    await room.page.evaluate(() => window.lab.reset());
    expect((await room.counters()).messages).toEqual([]);
    expect(await room.historyLengths()).toEqual([0, 0, 0, 0]);
    await room.say(cast.BigCheese, 'after');
    expect((await room.counters()).messages.map(({ body }) => body)).toEqual(['after']);
  });

  test('lab.open() goes to another room and another scenario without a reload', { tag: '@long' }, async ({
    room,
    troubles,
  }) => {
    troubles.allow(/404 \(Not Found\)/);
    await room.open('plain');
    await room.say('firstwitch@localhost/desktop', 'in the first');
    const { page } = room;
    await page.evaluate(() => Object.assign(window, { sameDocument: true }));
    const other = `${room.instance}-other`;
    await page.evaluate((instance) => window.lab.open({ instance }), other);
    await expect(room.testId('room-badge')).toHaveText(`Room ${other}`);
    expect(new URL(page.url()).search).toBe(`?scenario=plain&room=${other}`);
    expect((await room.counters()).messages).toEqual([]);
    await page.evaluate(() => window.lab.open({ scenario: 'growing', instance: '' }));
    await expect(room.testId('room-badge')).toHaveCount(0);
    expect((await page.evaluate(() => window.lab.scenario())).id).toBe('growing');
    // What is not there is refused, and what is shown stays.
    await expect(page.evaluate(() => window.lab.open({ scenario: 'atlantis' }))).rejects.toThrow(
      /no scenario "atlantis"/,
    );
    await room.say('peter@neverland.pan/shadow', 'still here');
    await page.evaluate((instance) => window.lab.open({ scenario: 'plain', instance }), room.instance);
    expect(await room.historyLengths()).toEqual([1]);
    expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true);
  });

  test('a name that is none is refused, and the page says what would be one', async ({ room, troubles }) => {
    troubles.allow(/400 \(Bad Request\)/);
    await room.page.goto('/?room=Not%20a%20name!');
    await expect(room.testId('fatal').getByRole('alert')).toHaveText(
      /“?"Not a name!" is no name of a room of one’s own: 1 to 32 of a to z/,
    );
  });
});
