import { avalon, cast, eventually, expect, killrc, test } from './support/netsplit.ts';

test.describe('netsplit/testing', () => {
  test('the trace of a room is a file that the page opens: the same stanzas, people and splits', {
    tag: '@long',
  }, async ({ room, server, instance }) => {
    await room.open();
    await room.do({ act: 'cut', link: [avalon, killrc], how: 'bounce' });
    await room.say(cast.BigCheese, 'cut off');
    await room.waitForState({ node: `replica@${killrc}`, state: 'split' });
    await room.quiet();
    const stanzas = async () =>
      (await room.events({ kind: 'hop', stanza: 'message' })).map(({ leg, from, to, text, outcome, spec }) => ({
        ...{ leg, from, to, text, outcome, spec },
      }));
    const live = await stanzas();
    // Each node tells its own in order, and the page is told by each.
    const told = async () => (await room.events({ kind: 'state' })).map(({ from, text }) => `${from}: ${text}`).sort();
    const notes = await told();
    expect(live.length).toBeGreaterThan(10);

    const traces = await server.traces(instance);
    expect([...traces.keys()]).toEqual(['wallops']);
    await room.page.route(
      ({ pathname }) => pathname === '/run.ndjson',
      (route) => route.fulfill({ body: traces.get('wallops') ?? '', contentType: 'application/x-ndjson' }),
    );
    await room.page.goto('/?trace=/run.ndjson');
    await expect(room.phase).toHaveAttribute('data-phase', 'paused');
    await eventually(stanzas).toEqual(live);
    expect(await told()).toEqual(notes);
    await expect(room.page.locator('[data-occupant][data-phase=joined]')).toHaveCount(7);
    await expect(room.node(`replica@${killrc}`)).toHaveAttribute('data-state', 'split');
    await expect(room.link(avalon, killrc)).toHaveAttribute('data-state', 'bounce');
  });

  test('say() resolves with every stanza of the message and of no other', async ({ room }) => {
    await room.open('plain');
    const both = [
      await room.say('firstwitch@localhost/desktop', 'When shall we three'),
      await room.say('secondwitch@localhost/laptop', 'meet again?'),
    ];
    for (const said of both) {
      expect(said.recipients).toHaveLength(10);
      expect(said.stanzas.filter(({ stanza }) => stanza?.xml.includes(said.body))).toHaveLength(said.stanzas.length);
      // From the author to the room, and from the room to each; seven of them are on other servers.
      const legs = said.stanzas.map(({ leg }) => leg);
      expect(legs.slice(0, 2)).toEqual(['in', 'out']);
      for (const [leg, count] of [
        ['in', 11],
        ['link', 7],
        ['out', 11],
      ])
        expect(legs.filter((one) => one === leg)).toHaveLength(count as number);
    }
  });

  test('waitForState() says what there is instead', async ({ room }) => {
    await room.open('plain');
    await room.waitForState({ phase: 'quiet' });
    await room.waitForState({ occupant: 'nobody@localhost/x', gone: true });
    const wanted = { node: 'conference.localhost', state: 'down' };
    await expect(room.waitForState(wanted, { timeout: 100 })).rejects.toThrow(
      /not within 100 ms: .*"down".*it is .*"live"/,
    );
  });
});
