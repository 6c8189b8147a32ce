import { expect, test } from 'netsplit/testing';

const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';

test('a replica spares the link', async ({ room }) => {
  await room.open('wallops');
  const said = await room.say(BigCheese, 'Phaedrus, we are having a rotten time.');

  // What it cost, beside a plain room with the same people.
  expect(said).toMatchObject({ crossed: 4, plain: 8, deliveries: 7 });

  // Every stanza that came of it, in order: each knows its way and the rule that made it.
  const links = said.stanzas.filter(({ leg }) => leg === 'link');
  expect(links[0]).toMatchObject({ from: 'vesa.yeggmaex.irc', to: 'avalon.irc' });
  expect(links.slice(1).every(({ from }) => from === 'avalon.irc')).toBe(true);
});

test('what happens is counted from a mark on', async ({ room }) => {
  await room.open('wallops');
  const since = await room.mark();
  await room.do({ act: 'nick', who: BigCheese, nick: 'Brie' });
  await room.say(BigCheese, 'I am another');
  const { messages, links } = await room.counters({ since });
  expect(messages).toMatchObject([{ body: 'I am another', crossed: 4 }]);
  // A change of the nick crosses links as well.
  expect(links.reduce((sum, { stanzas }) => sum + stanzas, 0)).toBeGreaterThan(4);
});
