import { expect, test } from 'netsplit/testing';

const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';

test('somebody on another machine takes part', async ({ room, elsewhere }) => {
  await room.open('wallops');
  await elsewhere.open('wallops');
  // One page runs the room, and the other one watches it. Each has accounts for guests.
  await elsewhere.do({ act: 'join', who: 'guest1@avalon.irc' });
  const since = await room.mark();
  await elsewhere.say('guest1@avalon.irc', 'Hello from afar');
  await expect.poll(() => room.heard(BigCheese, since)).toEqual(['Hello from afar']);
});

test('the same page shows another scenario', async ({ room }) => {
  await room.open('plain');
  await room.page.evaluate(() => window.lab.open({ scenario: 'wonderland' }));
  await room.waitForState({ occupant: 'alice@wonderland.lit/priam-ubuntu-vm', phase: 'joined' });
});
