import AxeBuilder from '@axe-core/playwright';
import { cast, eventually, expect, type RoomPage, test } from './support/netsplit.ts';

const { BigCheese, Wumpus, Valdis, Efchen, Troy } = cast;

/** What a person was told alone. */
const whispered = async (room: RoomPage, who: string) =>
  (await room.received(who)).flatMap(({ stanza }) =>
    stanza?.name === 'message' && stanza.type === 'chat' ? [/<body[^>]*>(.*?)<\/body>/.exec(stanza.xml)?.[1]] : [],
  );

for (const mode of ['live', 'lab'] as const)
  test.describe(`In the ${mode}`, mode === 'live' ? { tag: '@long' } : {}, () => {
    test.beforeEach(async ({ room }) => {
      if (mode === 'live') await room.open('wallops');
      else await room.openLab('wallops', { seed: 7 });
    });

    test('somebody whispers, by mouse: one reads it, and the log says who whispers to whom', async ({ room }) => {
      await room.occupant(BigCheese).click();
      await room.testId('menu-whisper').click();
      const dialog = room.testId('whisper-dialog');
      await expect(dialog.getByLabel('To').getByRole('option')).toHaveText([
        'Wumpus',
        'Valdis',
        'Phaedrus',
        'WiZ',
        'Troy',
        'Efchen',
      ]);
      await dialog.getByLabel('To').selectOption('Wumpus');
      await dialog.getByLabel('Message').fill('Are you there?');
      const { violations } = await new AxeBuilder({ page: room.page })
        .setLegacyMode()
        .include('dialog[open]')
        .analyze();
      expect(violations).toEqual([]);
      await room.testId('whisper-apply').click();
      await room.quiet();
      await eventually(() => whispered(room, Wumpus)).toEqual(['Are you there?']);
      for (const who of [BigCheese, Valdis, Efchen, Troy]) expect(await whispered(room, who)).toEqual([]);
      await expect(room.testId('log').getByText('BigCheese whispers to Wumpus: “Are you there?”')).toBeVisible();
    });

    test('a moderator kicks, by keyboard, with a reason: who is kicked reads it, and can come back', {
      tag: '@long',
    }, async ({ room }) => {
      await room.occupant(Wumpus).focus();
      await room.page.keyboard.press('Enter');
      await room.testId('menu-kick').focus();
      await room.page.keyboard.press('Enter');
      const dialog = room.testId('kick-dialog');
      await dialog.getByLabel('Whom').selectOption('Efchen');
      await dialog.getByLabel('Reason').fill('It is late.');
      await room.page.keyboard.press('Enter');
      await room.quiet();
      await expect(room.occupant(Efchen)).toHaveAttribute('data-refused', 'kick');
      await expect(room.occupant(Efchen)).not.toHaveAttribute('data-phase', 'joined');
      await expect(room.page.locator(`[data-refusal="${Efchen}"]`)).toContainText('kicked: It is late.');
      await expect(room.testId('log').getByText('Wumpus kicks Efchen')).toBeVisible();
      await room.do({ act: 'join', who: Efchen });
      await expect(room.occupant(Efchen)).toHaveAttribute('data-phase', 'joined');
    });

    test('who is no moderator is refused, and it is seen at them', { tag: '@long' }, async ({ room }) => {
      // In the Lab an act is done when it is begun.
      const expected = { ok: mode === 'lab' };
      expect(await room.act({ act: 'kick', who: Efchen, nick: 'Troy' })).toMatchObject(expected);
      await room.quiet();
      await expect(room.occupant(Efchen)).toHaveAttribute('data-refused', 'kicking');
      await expect(room.occupant(Troy)).toHaveAttribute('data-phase', 'joined');
      expect(await room.act({ act: 'pm', who: Efchen, to: 'Nobody', text: 'psst' })).toMatchObject(expected);
      await room.quiet();
      await expect(room.occupant(Efchen)).toHaveAttribute('data-refused', 'private');
      expect(await room.act({ act: 'kick', who: Efchen } as never)).toMatchObject({
        ok: false,
        error: expect.stringContaining('kick lacks nick; its fields are who'),
      });
    });
  });

test('the outline offers both, and a person who is alone has nobody to whisper to', { tag: '@long' }, async ({
  room,
}) => {
  await room.openLab('wonderland', { seed: 7 });
  await room.testId('tab-outline').click();
  const line = (nick: string) => room.page.locator('[data-outline-occupant]').filter({ hasText: nick });
  await expect(line('Alice').getByTestId('outline-whisper')).toHaveCount(0);
  await room.do({ act: 'join', who: 'hatter@wonderland.lit/priam-ubuntu-vm' });
  await line('Alice').getByTestId('outline-whisper').click();
  await expect(room.testId('whisper-dialog').getByRole('option')).toHaveText(['Hatter']);
  await room.page.keyboard.press('Escape');
  await line('Alice').getByTestId('outline-kick').click();
  await expect(room.testId('kick-dialog')).toBeVisible();
});
