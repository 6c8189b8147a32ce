import { cast, eventually, expect, RoomPage, test, vesa, wallops, wallopsNodes } from './support/netsplit.ts';

test.describe('More than one page', () => {
  test('a second tab watches and takes part; the nodes go over to it when the first is closed', {
    tag: '@long',
  }, async ({ room, newTab }) => {
    test.slow();
    await room.open();
    await room.say(cast.Wumpus, 'first tab alone');
    const second = await newTab();
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

  test('another browser watches and takes part; the nodes go over to it when the first is gone', {
    tag: '@long',
  }, async ({ room, elsewhere }) => {
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

  test('five browsers and three tabs at the same moment: one runs the rooms, and all are quiet', {
    tag: '@long',
  }, async ({ room, browser, newTab, baseURL, troubles }) => {
    test.slow();
    const contexts = await Promise.all(
      [1, 2, 3, 4].map(() => browser.newContext(baseURL === undefined ? {} : { baseURL })),
    );
    for (const one of contexts) troubles.watch(one);
    const tabs = await Promise.all([newTab(), newTab()]);
    const others = await Promise.all(contexts.map(async (one) => new RoomPage(await one.newPage(), room.instance)));
    const all = [room, ...tabs, ...others];
    await Promise.all(all.map((one) => one.open()));
    const rolesOf = async (one: RoomPage) => new Set((await one.state()).nodes.map(({ phase }) => phase));
    const roles = async () => (await Promise.all(all.map(rolesOf))).map((phases) => [...phases].join());
    await eventually(async () => (await roles()).sort(), 45_000).toEqual([...Array(6).fill('elsewhere'), 'ready']);
    const runner = all[(await roles()).indexOf('ready')] as RoomPage;
    await Promise.all(all.map((one) => one.ready()));
    const before = await Promise.all(all.map((one) => one.mark()));
    await runner.say(cast.BigCheese, 'one runs them');
    for (const [i, one] of all.entries())
      await eventually(() => one.heard(cast.WiZ, before[i])).toEqual(['one runs them']);
    for (const one of contexts) await one.close();
  });

  test('the page that runs the rooms crashes: another runs them', { tag: '@long' }, async ({
    room,
    context,
    elsewhere,
  }) => {
    test.slow();
    await room.open();
    await elsewhere.open();
    await expect(elsewhere.testId('observer-badge')).toHaveCount(1);
    const session = await context.newCDPSession(room.page);
    // A page that has crashed does not answer.
    void session.send('Page.crash').catch(() => undefined);
    await goesOver(elsewhere);
  });

  test('the page that runs the rooms stands still: another runs them, and goes on when it wakes up', {
    tag: '@long',
  }, async ({ room, elsewhere, troubles }) => {
    test.slow();
    // The server has closed its connections meanwhile.
    troubles.allow(/WebSocket/i);
    await room.open();
    await elsewhere.open();
    await expect(elsewhere.testId('observer-badge')).toHaveCount(1);
    const asleep = room.page.workers().map((worker) =>
      worker.evaluate(() => {
        const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
        Atomics.wait(new Int32Array(buffer), 0, 0, 12_000);
      }),
    );
    await goesOver(elsewhere);
    await Promise.allSettled(asleep);
    await expect(room.testId('observer-badge')).toHaveCount(1, { timeout: 30_000 });
    const since = await elsewhere.mark();
    await elsewhere.say(cast.BigCheese, 'still here');
    await eventually(() => elsewhere.heard(cast.WiZ, since)).toEqual(['still here']);
    expect((await elsewhere.state()).nodes.map(({ phase }) => phase)).toEqual(Array(4).fill('ready'));
  });

  test('a guest of another browser is in the same room', { tag: '@long' }, async ({ room, elsewhere }) => {
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

async function goesOver(to: RoomPage): Promise<void> {
  const began = performance.now();
  await expect(to.testId('observer-badge')).toHaveCount(0, { timeout: 30_000 });
  console.log(`the nodes go over after ${Math.round(performance.now() - began)} ms`);
  await to.ready();
  const since = await to.mark();
  await to.say(cast.BigCheese, 'taken over');
  await eventually(() => to.heard(cast.WiZ, since)).toEqual(['taken over']);
}
