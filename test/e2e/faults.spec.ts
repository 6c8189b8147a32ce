import type { ModelEvent } from '../../src/ui/fold/event.ts';
import { avalon, cast, eventually, expect, keyOf, killrc, type RoomPage, test, vesa } from './support/netsplit.ts';

const replica = `replica@${vesa}`;
const linkState = async (room: RoomPage) =>
  (await room.state()).links.find(({ key }) => key === keyOf(avalon, vesa))?.state;

/** The trace of what an operator did to links, without times. */
const linkEvents = async (room: RoomPage, since: number) =>
  (await room.events({ kind: 'link', since })).map(({ from, to, text }: ModelEvent) => [from, to, text]);

test.describe('Faults', () => {
  test('cut and heal by the mouse, by the key x and by the Outline: the same trace, shown and named as cut', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open();
    const { page } = room;
    const link = room.link(avalon, vesa);
    const outline = room.testId('outline').locator(`[data-link-row="${keyOf(avalon, vesa)}"]`);
    const ways: readonly [string, () => Promise<void>, () => Promise<void>][] = [
      [
        'mouse',
        async () => {
          await room.pill(avalon, vesa).click();
          await room.testId('menu-cut-bounce').click();
        },
        async () => {
          await room.pill(avalon, vesa).click();
          await room.testId('menu-heal').click();
        },
      ],
      [
        'key x',
        async () => {
          await link.focus();
          await page.keyboard.press('x');
        },
        async () => {
          await link.focus();
          await page.keyboard.press('x');
        },
      ],
      [
        'Outline',
        async () => {
          await room.testId('tab-outline').click();
          await outline.getByTestId('outline-cut-bounce').click();
        },
        async () => outline.getByTestId('outline-heal').click(),
      ],
    ];
    const traces: unknown[] = [];
    for (const [way, cut, heal] of ways) {
      const since = await room.mark();
      await cut();
      await expect(link, way).toHaveAttribute('data-state', 'bounce');
      await expect(link).toHaveAccessibleName(/cut: stanzas bounce/);
      await expect(link).toHaveClass(/\bcut\b/);
      await expect(room.pill(avalon, vesa)).toContainText('cut');
      await expect(room.pill(avalon, vesa).locator('.cross')).toHaveCount(1);
      await heal();
      await expect(link, way).toHaveAttribute('data-state', 'up');
      await expect(link).not.toHaveAccessibleName(/cut/);
      await expect(room.pill(avalon, vesa).locator('.cross')).toHaveCount(0);
      await room.quiet();
      traces.push(await linkEvents(room, since));
    }
    expect(traces[0]).toHaveLength(2);
    expect(traces[1]).toEqual(traces[0]);
    expect(traces[2]).toEqual(traces[0]);
  });

  test('§4.11: cut, speak on the other side: split; healed: live, and nothing was missed', async ({ room }) => {
    test.slow();
    await room.open();
    await room.say(cast.Wumpus, 'before');
    await room.do({ act: 'cut', link: [avalon, vesa], how: 'bounce' });
    const during = await room.mark();
    await room.testId('say-who').selectOption(cast.Wumpus);
    await room.testId('say-text').fill('during');
    await room.testId('say-text').press('Enter');
    await expect(room.node(replica)).toHaveAttribute('data-state', 'split', { timeout: 45_000 });
    await expect(room.node(replica)).toHaveClass(/\bsplit\b/);
    await expect(room.node(replica).locator('.state')).toHaveText('split');
    await expect(room.node(replica)).toHaveAccessibleName(/split/);
    await expect(room.node('channel.avalon.irc')).toHaveAttribute('data-state', '1 of 3 split');
    expect(await room.heard(cast.Efchen, during)).toEqual([]);
    await eventually(() => room.heard(cast.WiZ, during)).toEqual(['during']);
    const [copy] = (await room.events({ kind: 'hop', leg: 'link', stanza: 'message', since: during })).filter(
      ({ to }) => to === vesa,
    );
    expect(copy?.outcome).toBe('bounced');
    // Marked split, it is sent nothing more.
    const later = await room.mark();
    await room.say(cast.WiZ, 'meanwhile');
    expect(
      (await room.events({ kind: 'hop', leg: 'link', stanza: 'message', since: later })).filter(
        ({ to }) => to === vesa,
      ),
    ).toEqual([]);

    const healing = await room.mark();
    await room.do({ act: 'heal', link: [avalon, vesa] });
    await expect(room.node(replica)).toHaveAttribute('data-state', 'live', { timeout: 45_000 });
    await eventually(() => room.heard(cast.Efchen, healing)).toEqual(['during', 'meanwhile']);
    const late = (await room.received(cast.Efchen, healing)).filter(({ stanza }) => stanza?.xml.includes('<body'));
    for (const { stanza } of late) expect(stanza?.xml).toMatch(/<delay[^>]*stamp=/);
    const after = await room.mark();
    await room.say(cast.BigCheese, 'after');
    for (const who of [cast.Efchen, cast.Wumpus, cast.WiZ])
      await eventually(() => room.heard(who, after)).toEqual(['after']);
    await eventually(() => room.historyLengths()).toEqual([4, 4, 4, 4]);
  });

  test('a silent cut loses without a bounce, and is named so', { tag: '@long' }, async ({ room }) => {
    await room.open();
    const link = room.link(avalon, vesa);
    await link.focus();
    await room.page.keyboard.press('Enter');
    await room.testId('menu-cut-silent').click();
    await expect(link).toHaveAttribute('data-state', 'silent');
    await expect(link).toHaveAccessibleName(/cut: stanzas vanish silently/);
    const since = await room.mark();
    await room.say(cast.Wumpus, 'into the void');
    const lost = (await room.events({ kind: 'hop', leg: 'link', since })).filter(
      ({ outcome }) => outcome !== undefined,
    );
    expect(lost.map(({ from, to, outcome }) => [from, to, outcome])).toContainEqual([avalon, vesa, 'dropped']);
    expect(lost.some(({ outcome }) => outcome === 'bounced')).toBe(false);
    expect(await room.heard(cast.Efchen, since)).toEqual([]);
    await eventually(async () => (await room.counters()).messages.at(-1)).toMatchObject({
      crossed: 3,
      lost: 1,
      deliveries: 5,
    });
    // The next copy after the cut has a later number: the replica notices the gap and asks for what it missed.
    await room.do({ act: 'heal', link: [avalon, vesa] });
    await room.say(cast.Wumpus, 'and back');
    await eventually(() => room.heard(cast.Efchen, since)).toEqual(['into the void', 'and back']);
    expect(await linkState(room)).toBe('up');
  });

  test('slowing a link by its form: on the label, and in the time each stanza takes', { tag: '@long' }, async ({
    room,
  }) => {
    // A small picture leaves the second line of the label out.
    await room.page.setViewportSize({ width: 1440, height: 900 });
    await room.open();
    await room.link(avalon, killrc).focus();
    await room.page.keyboard.press('Enter');
    await room.testId('menu-slow').click();
    const form = room.testId('slow-dialog');
    await form.getByLabel('Latency, ms').fill('300');
    await room.testId('slow-apply').click();
    await expect(form).toBeHidden();
    await expect(room.pill(avalon, killrc)).toContainText('300 ms');
    await expect(room.link(avalon, killrc)).toHaveAccessibleName(/up, 300 ms/);
    const since = await room.mark();
    await room.say(cast.BigCheese, 'slowly');
    await eventually(() => room.heard(cast.Wumpus, since)).toEqual(['slowly']);
    const hops = await room.events({ kind: 'hop', leg: 'link', stanza: 'message', since });
    const took = (to: string) => {
      const hop = hops.find((one) => one.to === to);
      return (hop?.arrives ?? 0) - (hop?.t ?? 0);
    };
    // Both times are whole milliseconds, so one may be lost to rounding.
    expect(took(killrc)).toBeGreaterThanOrEqual(299);
    expect(took(vesa)).toBeLessThan(300);
    const delivered = (await room.received(cast.Wumpus, since)).find(({ stanza }) => stanza?.name === 'message');
    const sent = hops.find((one) => one.to === killrc);
    expect((delivered?.t ?? 0) - (sent?.t ?? 0)).toBeGreaterThanOrEqual(299);
  });

  test('paused, stanzas wait on the links, and the page says so; released, they arrive', { tag: '@long' }, async ({
    room,
  }) => {
    await room.open();
    await room.testId('pause').click();
    await expect(room.phase).toHaveAttribute('data-phase', 'paused');
    await expect(room.testId('paused-note')).toBeVisible();
    const since = await room.mark();
    expect(await room.act({ act: 'say', who: cast.Wumpus, text: 'wait for it' })).toEqual({ ok: true });
    // It gets as far as the link out of killrc, and no further.
    await eventually(async () =>
      (await room.events({ kind: 'hop', leg: 'link', stanza: 'message', since })).map(({ from, to }) => [from, to]),
    ).toEqual([[killrc, avalon]]);
    expect(await room.heard(cast.WiZ, since)).toEqual([]);
    await room.testId('pause').click();
    await eventually(() => room.heard(cast.WiZ, since)).toEqual(['wait for it']);
    await expect(room.phase).toHaveAttribute('data-phase', 'quiet');
    await expect(room.testId('paused-note')).toHaveCount(0);
    await eventually(() => room.heard(cast.Efchen, since)).toEqual(['wait for it']);
  });
});
