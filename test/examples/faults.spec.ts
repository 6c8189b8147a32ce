import { expect, test } from 'netsplit/testing';

const link = ['avalon.irc', 'killrc.oulubox.irc'] as const;
const replica = 'replica@killrc.oulubox.irc';
const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const Wumpus = 'argl@killrc.oulubox.irc/laptop';

test('after a netsplit nobody has missed anything', async ({ room }) => {
  await room.open('wallops');
  await room.do({ act: 'cut', link, how: 'bounce' });
  await room.waitForState({ link, state: 'bounce' });

  const since = await room.mark();
  await room.say(BigCheese, 'Are you there?');
  await room.waitForState({ node: replica, split: true });
  expect(await room.heard(Wumpus, since)).toEqual([]);

  await room.do({ act: 'heal', link });
  await room.waitForState({ node: replica, state: 'live' });
  await room.quiet();
  expect(await room.heard(Wumpus, since)).toEqual(['Are you there?']);
});

test('a node that crashes comes back with what it had', async ({ room }) => {
  await room.open('wallops');
  await room.say(BigCheese, 'Remember this');
  await room.do({ act: 'crash', node: replica });
  await room.waitForState({ node: replica, state: 'down' });
  await room.do({ act: 'restart', node: replica });
  await room.waitForState({ node: replica, state: 'live', detail: 'history restored: 1 message' });
});
