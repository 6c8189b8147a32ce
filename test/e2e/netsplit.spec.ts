import AxeBuilder from '@axe-core/playwright';
import { eventually, expect, impatient, keyOf, type RoomPage, test } from './support/netsplit.ts';

const camp = {
  scenario: 'frozen',
  cut: ['hearth.pole', 'glacier.pole'],
  primary: 'rooms.hearth.pole',
  replica: 'replica@glacier.pole',
  near: ['amundsen@hearth.pole/stove', 'nansen@hearth.pole/sledge'],
  far: ['scott@glacier.pole/tent', 'oates@glacier.pole/boots'],
} as const;
const tempest = {
  scenario: 'local',
  cut: ['naples.tempest', 'island.tempest'],
  primary: 'court.naples.tempest',
  replica: 'replica@island.tempest',
  near: ['antonio@naples.tempest/palace', 'alonso@naples.tempest/ship'],
  far: ['ariel@island.tempest/air', 'miranda@island.tempest/cell'],
} as const;
const prospero = 'prospero@island.tempest/books';

type Cast = typeof camp | typeof tempest;

const signs = async (room: RoomPage) =>
  (await room.events({ kind: 'state' })).flatMap(({ from, sign }) => (sign ? [`${from} ${sign}`] : []));

/** Both sides notice: each of them says something that the other does not get. */
async function splitByBounce(room: RoomPage, { cut, near, far, primary, replica }: Cast): Promise<void> {
  await room.do({ act: 'cut', link: cut, how: 'bounce' });
  await room.act({ act: 'say', who: near[0], text: 'near, cut off' });
  await room.act({ act: 'say', who: far[0], text: 'far, too soon' });
  for (const node of [primary, replica])
    await expect(room.node(node)).toHaveAttribute('data-state', 'split', { timeout: 45_000 });
}

async function heal(room: RoomPage, { cut, primary, replica }: Cast): Promise<void> {
  await room.do({ act: 'heal', link: cut });
  for (const node of [primary, replica])
    await expect(room.node(node)).toHaveAttribute('data-state', 'live', { timeout: 60_000 });
  await room.quiet();
}

/** Chooses a state change in the log by its sign; the inspector says that it is so by this section or decision. */
async function isBy(room: RoomPage, spec: string, sign: string, filter: string): Promise<void> {
  await room.testId('tab-log').click();
  await room.testId('log-filter').fill(filter);
  await room.testId('log').locator(`.row[data-sign=${sign}]`).last().click();
  await expect(room.testId('why')).toHaveAttribute('data-spec', spec);
  await room.testId('log-filter').fill('');
}

/** In the dark only the colours differ. Legacy mode: the page has no frames whose results a second page would join. */
const accessible = async (room: RoomPage, part: string) => {
  const bad: string[] = [];
  for (const theme of ['light', 'dark'] as const) {
    await room.page.emulateMedia({ colorScheme: theme });
    const axe = new AxeBuilder({ page: room.page }).setLegacyMode().include(part);
    const { violations } = await (theme === 'dark' ? axe.withRules('color-contrast') : axe).analyze();
    for (const { impact, help } of violations)
      if (impact === 'serious' || impact === 'critical') bad.push(`${theme}: ${help}`);
  }
  return bad;
};

test.describe('Netsplit and netjoin (XEP-0282 §4.11)', () => {
  test('frozen, with bounces: noticed on both sides, the far side waits and is shown as away; healed, a delta brings the rest', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    await room.open('frozen');
    await splitByBounce(room, camp);
    const { page } = room;
    await expect(room.node(camp.replica)).toHaveAttribute('data-policy', 'frozen');
    await expect(room.node(camp.replica)).toContainText('frozen');
    await expect(room.node(camp.replica)).toHaveAccessibleName(/split, frozen$/);
    await eventually(() => signs(room)).toContain(`${camp.primary} bounce`);
    expect(await signs(room)).toContain(`${camp.replica} bounce`);
    await isBy(room, '0282#4.11.1.1', 'bounce', `${camp.replica} is split`);

    // Those behind it are marked, on the picture, in the Outline and in what people see.
    for (const who of camp.far) {
      await expect(room.occupant(who)).toHaveAttribute('data-mark', 'cut-off');
      await expect(room.occupant(who)).toContainText('cut off');
      await expect(room.occupant(who)).toHaveAccessibleName(/cut off: shown to the others as away/);
    }
    for (const who of camp.near) await expect(room.occupant(who)).not.toHaveAttribute('data-mark');
    await room.testId('tab-outline').click();
    await expect(page.locator(`[data-outline-occupant="${camp.far[0]}"]`)).toContainText('shown to the others as away');
    await expect(page.locator(`[data-outline-node="${camp.replica}"]`)).toContainText('split, frozen');
    await room.testId('tab-transcripts').click();
    await expect(page.locator(`[data-transcript="${camp.near[1]}"] [data-mark]`)).toHaveText([
      'Scott: out of reach for the moment',
      'Oates: out of reach for the moment',
    ]);
    // The other side sees the same of these.
    await expect(page.locator(`[data-transcript="${camp.far[0]}"] [data-mark]`)).toHaveCount(2);

    // Frozen: what is said there is refused; leaving works.
    const frozen = await room.mark();
    await room.act({ act: 'say', who: camp.far[0], text: 'anybody?' });
    await expect(page.locator(`[data-transcript="${camp.far[0]}"] .error`).last()).toContainText(
      'the room is cut off from its primary',
    );
    expect(await room.heard(camp.far[1], frozen)).toEqual([]);
    await room.do({ act: 'leave', who: camp.far[1] });
    await room.testId('tab-counters').click();
    const lost = page.locator(`[data-testid=counters-links] [data-link-row="${keyOf(...camp.cut)}"] td`).last();
    await expect(lost).not.toHaveText('0 stanzas');

    const healing = await room.mark();
    await heal(room, camp);
    await eventually(() => room.heard(camp.far[0], healing)).toEqual(['near, cut off']);
    for (const who of [...camp.near, camp.far[0]]) await expect(room.occupant(who)).not.toHaveAttribute('data-mark');
    await expect(room.occupant(camp.far[1])).toHaveAttribute('data-phase', 'online');
    await room.testId('tab-transcripts').click();
    // Whoever left meanwhile is gone before or after that, as the node tells it.
    const over = page.locator(`[data-transcript="${camp.near[1]}"] [data-mark]`, { hasText: /the split is over/ });
    await expect(over.first()).toBeVisible();
    const [netjoin] = await room.events({ sign: 'netjoin' });
    expect(netjoin?.text).toMatch(/^mode delta: .* gets the \d+ changes that it missed$/);
    await isBy(room, 'decision#41', 'netjoin', 'netjoin');
    await room.node(camp.replica).click();
    await page.keyboard.press('Escape');
    await expect(room.testId('signs')).toContainText(/Noticed: a stanza bounced/);
    await expect(room.testId('signs')).toContainText(/Netjoin: mode delta/);
  });

  test('a silent cut that is healed before anybody noticed is a gap in the sequence', { tag: '@long' }, async ({
    room,
  }) => {
    await room.open('frozen');
    await room.do({ act: 'cut', link: camp.cut, how: 'silent' });
    const since = await room.mark();
    await room.say(camp.near[0], 'lost');
    await room.do({ act: 'heal', link: camp.cut });
    await room.say(camp.near[0], 'and found');
    await eventually(() => room.heard(camp.far[0], since)).toEqual(['lost', 'and found']);
    await eventually(() => signs(room)).toEqual(
      expect.arrayContaining([`${camp.replica} gap`, `${camp.primary} netjoin`]),
    );
    await isBy(room, 'decision#2', 'gap', 'gap');
  });

  test('local: the far side talks on and lets somebody in; the netjoin merges both sides', { tag: '@long' }, async ({
    room,
  }) => {
    test.slow();
    await room.open('local');
    await splitByBounce(room, tempest);
    await expect(room.node(tempest.replica)).toHaveAttribute('data-policy', 'local');
    const apart = await room.mark();
    await room.say(tempest.far[0], 'ours');
    await eventually(() => room.heard(tempest.far[1], apart)).toEqual(['ours']);
    await room.do({ act: 'join', who: prospero });
    await expect(room.occupant(prospero)).toHaveAttribute('data-mark', 'provisional');
    await expect(room.occupant(prospero)).toHaveAccessibleName(/provisionally/);
    await room.testId('tab-outline').click();
    await expect(room.page.locator(`[data-outline-occupant="${prospero}"]`)).toContainText('provisionally');
    await room.say(tempest.near[0], 'theirs');
    expect(await room.heard(tempest.near[1], apart)).toEqual(['theirs']);

    await heal(room, tempest);
    await eventually(() => room.heard(tempest.near[1], apart)).toEqual(['theirs', 'ours']);
    await eventually(() => room.heard(tempest.far[1], apart)).toEqual(['ours', 'near, cut off', 'theirs']);
    await expect(room.occupant(prospero)).not.toHaveAttribute('data-mark');
    await expect(room.occupant(prospero)).toHaveAttribute('data-phase', 'joined');
    await eventually(() => signs(room)).toContain(`${tempest.primary} judged`);
    const [judged] = await room.events({ sign: 'judged' });
    expect(judged?.text).toBe(`judged: 2 acts of the split at ${tempest.replica}, 1 message taken`);
    const after = await room.mark();
    await room.say(prospero, 'our revels now are ended');
    for (const who of [...tempest.near, ...tempest.far])
      await eventually(() => room.heard(who, after)).toEqual(['our revels now are ended']);
  });
});

test.describe('A split that is noticed soon', () => {
  test.use({ serverOptions: { scenario: impatient('frozen') } });

  test('a silent cut is noticed by pings that go unanswered, at both ends', { tag: '@long' }, async ({ room }) => {
    test.slow();
    await room.open('frozen');
    await room.do({ act: 'cut', link: camp.cut, how: 'silent' });
    for (const node of [camp.primary, camp.replica])
      await expect(room.node(node)).toHaveAttribute('data-state', 'split', { timeout: 60_000 });
    await eventually(() => signs(room)).toEqual(
      expect.arrayContaining([`${camp.primary} silence`, `${camp.replica} silence`]),
    );
    await isBy(room, 'decision#3', 'silence', `${camp.replica} is split`);
    const lost = (await room.events({ kind: 'hop', leg: 'link' })).filter(({ outcome }) => outcome !== undefined);
    expect(new Set(lost.map(({ outcome }) => outcome))).toEqual(new Set(['dropped']));
    await heal(room, camp);
  });

  test('an owner changes the policy while the room is in use, and what it allows', { tag: '@long' }, async ({
    room,
  }) => {
    test.slow();
    await room.open('frozen');
    await room.node(camp.primary).click();
    await room.testId('menu-policy').click();
    const dialog = room.testId('policy-dialog');
    await expect(dialog.getByLabel(/Freeze:/)).toBeChecked();
    expect(await accessible(room, '[data-testid=policy-dialog]')).toEqual([]);
    await dialog.getByLabel(/Local:/).check();
    await dialog.getByLabel(/Private messages/).uncheck();
    await dialog.getByLabel(/Mark those/).uncheck();
    await room.testId('policy-apply').click();
    await expect(dialog).toBeHidden();
    await room.node(camp.replica).click();
    await room.page.keyboard.press('Escape');
    await expect(room.testId('policy')).toHaveAttribute('data-policy', 'local');
    await expect(room.testId('policy')).not.toContainText('private');
    await splitByBounce(room, camp);
    await expect(room.node(camp.replica)).toHaveAttribute('data-policy', 'local');
    const apart = await room.mark();
    await room.say(camp.far[0], 'let us talk');
    await eventually(() => room.heard(camp.far[1], apart)).toEqual(['let us talk']);
    for (const who of camp.far) await expect(room.occupant(who)).not.toHaveAttribute('data-mark');
    // And by window.lab, once more.
    await heal(room, camp);
    await room.do({ act: 'configure', room: 'camp@rooms.hearth.pole', split: { policy: 'freeze' } });
    await expect(room.testId('policy')).toHaveAttribute('data-policy', 'freeze');
  });
});

test.describe('A split that is noticed soon, with a local policy', () => {
  test.use({ serverOptions: { scenario: impatient('local') } });

  test('no serious or critical accessibility violation while split, in light and dark', { tag: '@long' }, async ({
    room,
  }) => {
    test.slow();
    await room.page.emulateMedia({ reducedMotion: 'reduce' });
    await room.open('local');
    await splitByBounce(room, tempest);
    await room.do({ act: 'join', who: prospero });
    await expect(room.occupant(prospero)).toHaveAttribute('data-mark', 'provisional');
    await room.node(tempest.replica).click();
    await room.page.keyboard.press('Escape');
    await expect(room.testId('signs')).toBeVisible();
    for (const part of ['[data-testid=topology]', '[data-testid=inspector]'])
      expect(await accessible(room, part), part).toEqual([]);
    for (const tab of ['spacetime', 'transcripts', 'counters', 'outline', 'log']) {
      await room.testId(`tab-${tab}`).click();
      expect(await accessible(room, 'section.panel'), tab).toEqual([]);
    }
  });
});
