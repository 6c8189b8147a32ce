import { cast, eventually, expect, RoomPage, test, vesa, wallops, wallopsNodes } from './support/netsplit.ts';

test.describe('More than one page', () => {
  test('a second tab watches and takes part; the nodes go over to it when the first is closed', async ({
    room,
    context,
  }) => {
    test.slow();
    await room.open();
    await room.say(cast.Wumpus, 'first tab alone');
    const second = new RoomPage(await context.newPage());
    await second.open();
    await expect(second.testId('observer-badge')).toHaveText('Nodes run elsewhere');
    await expect(room.testId('observer-badge')).toHaveCount(0);
    const before = await second.state();
    expect(before.nodes.map(({ node, phase }) => [node, phase])).toEqual(
      wallopsNodes.map((node) => [node, 'elsewhere']),
    );
    for (const node of wallopsNodes) await expect(second.node(node)).toHaveAttribute('data-state', /^live/);
    for (const jid of Object.values(cast)) await expect(second.occupant(jid)).toHaveAttribute('data-phase', 'joined');

    // The same traffic, counted alike.
    await room.say(cast.WiZ, 'seen from both');
    const cost = { body: 'seen from both', crossed: 4, plain: 8, deliveries: 7 };
    for (const tab of [room, second])
      await eventually(async () => (await tab.counters()).messages.at(-1)).toMatchObject(cost);
    await eventually(async () => (await second.counters()).links).toEqual((await room.counters()).links);

    // A guest of the second tab.
    const guest = 'guest1@avalon.irc';
    await second.do({ act: 'join', who: guest });
    const guestView = room.page.locator('[data-occupant^="guest1@avalon.irc/"]');
    await expect(guestView).toHaveAttribute('data-phase', 'joined');
    const since = await room.mark();
    await second.say(guest, 'hello from the other tab');
    await eventually(() => room.heard(cast.BigCheese, since)).toEqual(['hello from the other tab']);

    // A character of the first page cannot be played here, and nothing breaks.
    expect(await second.act({ act: 'say', who: cast.Wumpus, text: 'mine?' })).toMatchObject({ ok: false });
    expect(await second.act({ act: 'crash', node: wallopsNodes[0] })).toMatchObject({ ok: false });

    await room.page.close();
    await expect(second.testId('observer-badge')).toHaveCount(0, { timeout: 45_000 });
    // What the picture shows may be what the first page's nodes told last: who runs them and plays the people is asked.
    await eventually(async () => (await second.state()).nodes.map(({ phase }) => phase), 45_000).toEqual(
      Array(4).fill('ready'),
    );
    await eventually(
      async () => (await second.state()).occupants.filter(({ mine, phase }) => mine && phase === 'joined').length,
      45_000,
    ).toBe(7);
    for (const node of wallopsNodes) await expect(second.node(node)).toHaveAttribute('data-state', 'live');
    for (const jid of Object.values(cast)) await expect(second.occupant(jid)).toHaveAttribute('data-phase', 'joined');
    await second.ready();
    await eventually(() => second.historyLengths()).toEqual([3, 3, 3, 3]);
    const after = await second.mark();
    await second.say(cast.BigCheese, 'taken over');
    for (const who of [cast.Efchen, cast.Wumpus])
      await eventually(() => second.heard(who, after)).toEqual(['taken over']);
  });

  test('another browser watches and takes part; the nodes go over to it when the first is gone', async ({
    room,
    elsewhere,
  }) => {
    test.slow();
    await room.open();
    await room.quiet();
    const phases = async (one: RoomPage) => (await one.state()).nodes.map(({ phase }) => phase);
    const before = await room.mark();
    await elsewhere.open();
    await eventually(() => phases(elsewhere)).toEqual(Array(4).fill('elsewhere'));
    expect(await phases(room)).toEqual(Array(4).fill('ready'));
    for (const text of ['one', 'two', 'three']) await room.say(cast.BigCheese, text);
    for (const who of [cast.Efchen, cast.Wumpus, cast.WiZ])
      await eventually(() => room.heard(who, before)).toEqual(['one', 'two', 'three']);
    await eventually(async () => (await elsewhere.counters()).messages.slice(-3).map(({ body }) => body)).toEqual([
      'one',
      'two',
      'three',
    ]);
    // The first page's nodes and characters never had to log in again.
    const sessions = await room.events({ kind: 'session', since: before });
    expect(
      sessions.filter(({ from }) => (Object.values(cast) as string[]).includes(from) || from.startsWith('replica@')),
    ).toEqual([]);

    await room.page.close();
    await eventually(() => phases(elsewhere).catch(() => []), 45_000).toEqual(Array(4).fill('ready'));
  });

  test('a guest of another browser is in the same room', async ({ room, elsewhere }) => {
    await room.open();
    await elsewhere.open();
    await elsewhere.do({ act: 'join', who: `guest2@${vesa}` });
    await expect(room.page.locator(`[data-occupant^="guest2@${vesa}/"]`)).toHaveAttribute('data-phase', 'joined');
    const since = await room.mark();
    await elsewhere.say(`guest2@${vesa}`, 'from another browser');
    await eventually(() => room.heard(cast.Wumpus, since)).toEqual(['from another browser']);
    const [copy] = (await room.received(cast.Wumpus, since)).filter(({ stanza }) => stanza?.name === 'message');
    expect(copy?.stanza?.from).toMatch(new RegExp(`^${wallops}/guest-`));
  });
});
