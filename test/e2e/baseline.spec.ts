import { avalon, cast, expect, killrc, type RoomPage, test } from './support/netsplit.ts';

/** The cells of the newest message: on links, deliveries; the same in the plain room; whether they reached the same users. */
async function newest({ page }: RoomPage): Promise<readonly (string | null)[]> {
  const row = page.getByTestId('counters-messages').locator('tbody tr').first();
  const cells = ['crossed', 'deliveries', 'plain', 'plain-deliveries', 'same'];
  return Promise.all(cells.map((cell) => row.locator(`[data-cell=${cell}]`).textContent()));
}

test('a link that is cut is cut for the plain room, too; healed, it lacks those whose copies came back', {
  tag: '@long',
}, async ({ room }) => {
  await room.open();
  await room.testId('tab-counters').click();
  const since = await room.mark();
  const link = [avalon, killrc] as const;
  const counters = () => room.page.evaluate((place) => window.lab.counters({ since: place }).messages, since);

  await room.do({ act: 'cut', link, how: 'bounce' });
  await room.say(cast.WiZ, 'who is there?');
  await expect.poll(() => newest(room)).toEqual(['3 stanzas, 1 lost', '4', '5 stanzas, 3 lost', '4', 'yes']);

  await room.do({ act: 'heal', link });
  await expect(room.node(`replica@${killrc}`)).toHaveAttribute('data-state', 'live', { timeout: 45_000 });
  await room.say(cast.WiZ, 'and now?');
  await expect.poll(() => newest(room)).toEqual(['4 stanzas', '7', '5 stanzas', '4', 'no']);
  expect(await counters()).toMatchObject([
    { crossed: 3, lost: 1, deliveries: 4, plain: 5, plainLost: 3, plainDeliveries: 4, sameDeliveries: true },
    { crossed: 4, lost: 0, deliveries: 7, plain: 5, plainLost: 0, plainDeliveries: 4, sameDeliveries: false },
  ]);
  expect(await room.page.evaluate((place) => window.lab.baseline({ since: place }), since)).toEqual({
    distributed: 7,
    plain: 10,
    deliveries: { distributed: 11, plain: 8 },
    sameDeliveries: false,
  });
});
