import { cast, eventually, expect, type RoomPage, test, vesa, wallops } from './support/netsplit.ts';

const primary = 'channel.avalon.irc';
const replica = `replica@${vesa}`;

interface Room {
  readonly historyLength: number;
  readonly subject: string;
  readonly occupants: readonly { readonly nick: string }[];
}

const roomAt = async (room: RoomPage, address: string) => {
  const { nodes } = await room.state();
  const status = nodes.find(({ node }) => node === address)?.rooms[0] as Room;
  return {
    historyLength: status.historyLength,
    subject: status.subject,
    nicks: status.occupants.map(({ nick }) => nick).sort(),
  };
};
const detailOf = async (room: RoomPage, address: string) =>
  (await room.state()).nodes.find(({ node }) => node === address)?.detail;
const workerOf = async (room: RoomPage, address: string) => {
  for (const worker of room.page.workers()) {
    // One that is ending has no name any more.
    const name = await worker.evaluate(() => self.name).catch(() => undefined);
    if (name === address) return worker;
  }
  return undefined;
};

test.describe('Recovery', () => {
  for (const address of [primary, replica]) {
    test(
      `${address} is crashed by its menu and restarted: what it had before, from its log`,
      address === primary ? {} : { tag: '@long' },
      async ({ room }) => {
        await room.open();
        for (const text of ['one', 'two', 'three']) await room.say(cast.Wumpus, text);
        await room.do({ act: 'subject', who: cast.Wumpus, text: 'the war of 1990' });
        // A node says what it is a moment after the last stanza.
        await eventually(() => roomAt(room, address)).toMatchObject({ historyLength: 3, subject: 'the war of 1990' });
        const before = await roomAt(room, address);
        expect(before.nicks).toHaveLength(7);

        await room.node(address).focus();
        await room.page.keyboard.press('Enter');
        await room.testId('menu-crash').click();
        await expect(room.node(address)).toHaveAttribute('data-state', 'down');
        await expect(room.node(address)).toHaveClass(/\bdown\b/);
        await expect(room.node(address)).toHaveAccessibleName(/, down$/);
        await eventually(() => workerOf(room, address)).toBeUndefined();

        await room.node(address).focus();
        await room.page.keyboard.press('k');
        await expect(room.node(address)).toHaveAttribute('data-state', 'live', { timeout: 45_000 });
        expect(await detailOf(room, address)).toBe('history restored: 3 messages');
        await room.quiet();
        await eventually(() => roomAt(room, address)).toEqual(before);

        const since = await room.mark();
        await room.say(cast.BigCheese, 'it goes on');
        for (const who of Object.values(cast))
          await eventually(() => room.heard(who, since), 45_000).toContain('it goes on');
        await eventually(async () => (await roomAt(room, address)).historyLength).toBe(4);
      },
    );
  }

  test('a worker that ends by itself is started again, without a hand', { tag: '@long' }, async ({ room }) => {
    await room.open();
    await room.say(cast.Wumpus, 'before');
    const worker = await workerOf(room, replica);
    expect(worker).toBeDefined();
    expect(await detailOf(room, replica)).toBe('started');
    const next = room.page.waitForEvent('worker', { timeout: 45_000 });
    await worker?.evaluate(() => self.close()).catch(() => undefined);
    // The page misses its heartbeat.
    await next;
    await room.waitForState({ node: replica, detail: 'history restored: 1 message' }, { timeout: 45_000 });
    await expect(room.node(replica)).toHaveAttribute('data-state', 'live', { timeout: 45_000 });
    expect(await workerOf(room, replica)).not.toBe(worker);
    await room.quiet();
    const since = await room.mark();
    await room.say(cast.Wumpus, 'after');
    await eventually(() => room.heard(cast.Efchen, since)).toContain('after');
  });

  test('the page is loaded again: the history is there, and newcomers get it as history', { tag: '@long' }, async ({
    room,
  }) => {
    await room.open();
    await room.say(cast.Wumpus, 'yesterday');
    await room.say(cast.WiZ, 'all my troubles');
    await room.page.reload();
    await room.ready();
    for (const address of [primary, replica])
      await eventually(async () => (await roomAt(room, address)).historyLength).toBe(2);
    expect(await detailOf(room, primary)).toBe('history restored: 2 messages');

    await room.do({ act: 'leave', who: cast.Efchen });
    const since = await room.mark();
    await room.do({ act: 'join', who: cast.Efchen });
    await eventually(() => room.heard(cast.Efchen, since)).toEqual(['yesterday', 'all my troubles']);
    const history = (await room.received(cast.Efchen, since)).filter(({ stanza }) => stanza?.xml.includes('<body'));
    for (const { stanza } of history) expect(stanza?.xml).toContain('urn:xmpp:delay');
    expect(history.map(({ stanza }) => stanza?.from)).toEqual([`${wallops}/Wumpus`, `${wallops}/WiZ`]);
    await room.testId('tab-transcripts').click();
    const column = room.page.locator(`[data-transcript="${cast.Efchen}"]`);
    await expect(column.locator('li.delayed').filter({ hasText: 'yesterday' }).last()).toContainText('history');
  });
});
