import { expect, test } from './support/netsplit.ts';

const macbeth = 'macbeth@inverness.lit/hall';

test('README: in a plain room what Macbeth says crosses the links 8 times, for 10 deliveries', async ({ room }) => {
  await room.open('plain');
  expect(await room.page.locator('[data-server]').count()).toBe(4);
  const since = await room.mark();
  await room.say(macbeth, 'So foul and fair a day I have not seen.');
  const { messages, links } = await room.page.evaluate((from) => window.lab.counters({ since: from }), since);
  expect(messages).toMatchObject([{ crossed: 8, plain: 8, deliveries: 10 }]);
  const carried = Object.fromEntries(links.map(({ link, stanzas }) => [link, stanzas]));
  expect(carried).toMatchObject({
    'inverness.lit~localhost': 3,
    'fife.lit~localhost': 3,
    'glamis.lit~localhost': 2,
  });
  await room.testId('tab-counters').click();
  await expect(room.testId('counters-messages').locator('[data-cell=crossed]')).toHaveText('8 stanzas');
});
