import { avalon, cast, eventually, expect, killrc, test, vesa } from './support/netsplit.ts';

test.describe('Rewind', () => {
  test('shows the record of a live session, which goes on meanwhile; back to live nothing is lost', {
    tag: '@long',
  }, async ({ room }) => {
    const { page, phase } = room;
    await room.open();
    await room.say(cast.BigCheese, 'before');
    const badge = room.testId('mode-badge');
    await expect(badge).toHaveText('Live');
    const workers = page.workers().length;
    const events = await room.events();
    const state = await page.evaluate(() => window.lab.state());

    await page.keyboard.press('Escape');
    await room.testId('rewind').click();
    await expect(phase).toHaveAttribute('data-mode', 'recorded');
    await expect(phase).toHaveAttribute('data-phase', 'paused');
    await expect(badge).toHaveText('Record of live');
    await expect(room.testId('back-to-live')).toBeFocused();
    await expect(room.testId('kept')).toContainText(/Recorded since .* of at most 32 MiB\. .*no branch can begin/);
    // At its end it is what live was: events with the same ids, people, links, nodes.
    expect(await room.events()).toEqual(events);
    const { phase: _, occupants, ...same } = state;
    expect(await page.evaluate(() => window.lab.state())).toMatchObject({ ...same, occupants });
    const transport = room.testId('transport');
    const length = Number(await transport.getAttribute('data-length'));
    await expect(transport).toHaveAttribute('data-at', String(length));

    // Steps and seeks work; acts are refused with the reason, by a program and by a key.
    await page.evaluate(() => window.lab.step(-5));
    await expect(transport).toHaveAttribute('data-at', String(length - 5));
    await page.evaluate(() => window.lab.seek({ t: 0 }));
    expect(await page.evaluate(() => window.lab.counters().messages)).toEqual([]);
    await page.keyboard.press('ArrowRight');
    await expect(room.testId('log-count')).toContainText('1 event');
    expect(await room.act({ act: 'say', who: cast.BigCheese, text: 'in the past' })).toMatchObject({
      ok: false,
      error: expect.stringContaining('shown again, not run again'),
    });
    await page.keyboard.press('x');
    await expect(room.testId('toast')).toContainText('Go back to live to act.');
    await page.keyboard.press('Escape');

    // Somebody else goes on: the record grows, and what is shown stays.
    const place = await transport.getAttribute('data-at');
    await page.keyboard.press('w');
    await expect(phase).toHaveAttribute('data-mode', 'live');
    await page.keyboard.press('w');
    await expect(phase).toHaveAttribute('data-mode', 'recorded');
    expect(place).not.toBeNull();

    await room.testId('back-to-live').click();
    await expect(phase).toHaveAttribute('data-mode', 'live');
    await expect(badge).toHaveText('Live');
    await expect(room.testId('rewind')).toBeFocused();
    expect(page.workers().length).toBe(workers);
    expect((await room.events()).slice(0, events.length)).toEqual(events);
    const said = await room.say(cast.WiZ, 'after');
    expect(said.recipients).toHaveLength(7);
    expect(await page.evaluate(() => window.lab.counters().messages.map(({ body }) => body))).toEqual([
      'before',
      'after',
    ]);
  });

  test('a session that goes on while its record is shown: the scrubber grows, and live has it all', {
    tag: '@long',
  }, async ({ room, elsewhere }) => {
    const { page, phase } = room;
    await room.open();
    await elsewhere.open();
    await room.testId('rewind').click();
    const transport = room.testId('transport');
    const at = await transport.getAttribute('data-at');
    const length = Number(await transport.getAttribute('data-length'));
    const guest = `guest2@${vesa}`;
    await elsewhere.do({ act: 'join', who: guest });
    await elsewhere.say(guest, 'meanwhile');
    await eventually(async () => Number(await transport.getAttribute('data-length'))).toBeGreaterThan(length + 10);
    await expect(transport).toHaveAttribute('data-at', String(at));
    const disc = page.locator(`[data-occupant^="${guest}/"]`);
    await expect(disc).toHaveCount(0);
    await room.testId('transport-last').click();
    await expect(disc).toHaveAttribute('data-phase', 'joined');
    await room.testId('back-to-live').click();
    await expect(phase).toHaveAttribute('data-mode', 'live');
    await expect(disc).toHaveAttribute('data-phase', 'joined');
    expect(await room.heard(cast.Wumpus)).toEqual(['meanwhile']);
  });

  test('what is selected stays selected, in both directions: a stanza, and what the page numbered itself', {
    tag: '@long',
  }, async ({ room }) => {
    const { page } = room;
    await room.open();
    await room.say(cast.BigCheese, 'chosen');
    const events = await room.events();
    const hop = events.find(({ leg, text }) => leg === 'link' && text.includes('chosen'));
    const own = events.find(({ kind, text }) => kind === 'act' && text.includes('says'));
    for (const event of [hop, own]) {
      const id = String(event?.id);
      await page.evaluate((ev) => {
        location.hash = `#ev=${ev}`;
      }, id);
      const title = room.testId('inspector-title');
      await expect(title).toHaveAttribute('data-event', id);
      const words = await title.textContent();
      await room.testId('rewind').click();
      await expect(title).toHaveAttribute('data-event', id);
      await expect(title).toHaveText(String(words));
      // It is shown at the moment when it happens.
      expect(await page.evaluate(() => window.lab.events().at(-1)?.id)).toBeDefined();
      await room.testId('back-to-live').click();
      await expect(title).toHaveAttribute('data-event', id);
      await page.keyboard.press('Escape');
    }
  });
});

test('what this page did in a live session is done again in the Lab, in the same order', { tag: '@long' }, async ({
  room,
}) => {
  const { page } = room;
  await room.open();
  await room.do({ act: 'nick', who: cast.BigCheese, nick: 'Brie' });
  await room.act({ act: 'cut', link: [avalon, killrc], how: 'bounce' });
  await room.do({ act: 'say', who: cast.BigCheese, text: 'to be told again' });
  await room.testId('rewind').click();
  await room.testId('to-lab').click();
  await page.waitForSelector('html[data-mode=lab][data-phase=paused]');
  const state = await room.state();
  expect(state.occupants.find(({ jid }) => jid === cast.BigCheese)?.nick).toBe('Brie');
  expect(state.links.find(({ ends }) => ends.includes(avalon) && ends.includes(killrc))?.state).toBe('bounce');
  const { messages } = await room.counters();
  // One replica is cut off: its three people do not get it.
  expect(messages).toMatchObject([{ body: 'to be told again', deliveries: 4 }]);
  await room.act({ act: 'say', who: cast.BigCheese, text: 'and on' });
  await room.quiet();
  expect((await room.counters()).messages).toHaveLength(2);
});
