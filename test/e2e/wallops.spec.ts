import {
  avalon,
  cast,
  eris,
  eventually,
  expect,
  killrc,
  test,
  vesa,
  wallops,
  wallopsNodes,
} from './support/netsplit.ts';

const inner = ['urn:xmpp:tmp:dmuc:0', 'http://isode.com/protocol/fmuc', 'urn:x-netsplit:sync:0'];
const domainOf = (jid: string) => jid.slice(jid.indexOf('@') + 1).split('/')[0];

test.describe('wallops, the room of XEP-0282', () => {
  test('from nothing: four nodes ready, seven occupants in the room, then quiet', { tag: '@long' }, async ({
    room,
  }) => {
    await room.open();
    // A node says what it is a moment after the last stanza.
    await eventually(async () =>
      (await room.state()).nodes.map(({ node, phase, part, state }) => [node, phase, part, state]),
    ).toEqual([
      [wallopsNodes[0], 'ready', 'primary', 'live'],
      ...wallopsNodes.slice(1).map((node) => [node, 'ready', 'replica', 'live']),
    ]);
    const { occupants } = await room.state();
    expect(occupants.map(({ nick, jid, phase }) => [nick, jid, phase])).toEqual(
      Object.entries(cast).map(([nick, jid]) => [nick, jid, 'joined']),
    );
    for (const jid of Object.values(cast)) await expect(room.occupant(jid)).toHaveAttribute('data-phase', 'joined');
    for (const node of wallopsNodes) await expect(room.node(node)).toHaveAttribute('data-state', 'live');
  });

  test('§4.8, §4.9: one relay in, one copy out a replica; 4 stanzas between servers beside 8, 7 deliveries', async ({
    room,
  }) => {
    await room.open();
    const since = await room.mark();
    await room.testId('say-who').selectOption({ label: 'BigCheese' });
    await expect(room.testId('say-text')).toBeFocused();
    await room.page.keyboard.type('Phaedrus, we are all having a truly rotten time.');
    await room.page.keyboard.press('Enter');
    await room.testId('tab-counters').click();
    const row = room.testId('counters-messages').locator('tbody tr');
    await expect(row).toHaveCount(1);
    await room.quiet();
    await expect(row.locator('[data-cell=crossed]')).toHaveText('4 stanzas');
    await expect(row.locator('[data-cell=plain]')).toHaveText('8 stanzas');
    await expect(row.locator('[data-cell=deliveries]')).toHaveText('7');

    const crossed = await room.events({ kind: 'hop', leg: 'link', stanza: 'message', since });
    const [relay, ...copies] = crossed.map(({ from, to }) => `${from} > ${to}`);
    expect(relay).toBe(`${vesa} > ${avalon}`);
    expect(copies.sort()).toEqual([vesa, killrc, eris].map((server) => `${avalon} > ${server}`).sort());
    // A hop across a link cites the rule of the one with which the node handed the stanza to its server.
    const sent = await room.events({ kind: 'hop', leg: 'in', stanza: 'message', since });
    const specs = crossed.map((hop) => hop.spec ?? sent.find(({ id }) => id === hop.cause)?.spec);
    expect(specs).toEqual(['0282#4.8', '0282#4.9', '0282#4.9', '0282#4.9']);
    await eventually(() => room.heard(cast.Efchen, since)).toEqual([
      'Phaedrus, we are all having a truly rotten time.',
    ]);
  });

  test('all copies of a message go back to one cause, and are lit together when one is chosen', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open();
    const { stanzas } = await room.say(cast.BigCheese, 'rotten');
    const messages = stanzas.filter(({ stanza }) => stanza?.name === 'message');
    const hops = messages.map(({ id }) => id);
    const deliveries = messages.filter(({ leg, to }) => leg === 'out' && Object.values<string>(cast).includes(to));
    expect(deliveries).toHaveLength(7);
    for (const one of [hops[0], deliveries[6]?.id]) {
      const family = (await room.events({ family: one as number })).filter(
        ({ kind, stanza }) => kind === 'hop' && stanza?.name === 'message',
      );
      expect(family.map(({ id }) => id)).toEqual(hops);
    }
    const chosen = deliveries.find(({ to }) => to === cast.WiZ)?.id;
    await room.testId('log-filter').fill('rotten out WiZ');
    // The line of the message is open for it.
    await expect(room.testId('log').locator('[data-event][aria-level="2"]')).toHaveCount(1);
    const row = room.testId('log').locator(`[data-event="${chosen}"]`);
    await row.click();
    await expect(row).toHaveAttribute('aria-current', 'true');
    await room.testId('log-filter').fill('rotten');
    await expect(room.testId('inspector').locator('[data-testid=copies] [data-event]')).toHaveCount(4 + 7);
    await expect(room.testId('log').locator('.row.family')).not.toHaveCount(0);
    for (const jid of Object.values(cast)) await expect(room.occupant(jid)).toHaveClass(/\blit\b/);
    for (const other of [vesa, killrc, eris]) await expect(room.link(avalon, other)).toHaveClass(/\blit\b/);
    await expect(room.link(vesa, killrc)).not.toHaveClass(/\blit\b/);
    await expect(room.testId('why')).toHaveAttribute('data-spec', /^0282#/);
    expect(new URL(room.page.url()).hash).toBe(`#ev=${chosen}`);
  });

  test('whatever happens, nothing that nodes say among themselves reaches a person', { tag: '@long' }, async ({
    room,
  }) => {
    await room.open();
    await room.say(cast.BigCheese, 'rotten');
    await room.do({ act: 'presence', who: cast.WiZ, show: 'away' });
    await room.do({ act: 'nick', who: cast.Efchen, nick: 'Eff' });
    await room.do({ act: 'subject', who: cast.Wumpus, text: 'the war of 1990' });
    await room.do({ act: 'leave', who: cast.Phaedrus });
    await room.do({ act: 'join', who: cast.Phaedrus });
    const people: readonly string[] = Object.values(cast);
    const delivered = (await room.events({ kind: 'hop', leg: 'out' })).filter(({ to }) => people.includes(to));
    // 7 joins alone: at least own presence and subject each.
    expect(delivered.length).toBeGreaterThan(50);
    for (const { stanza } of delivered) for (const xmlns of inner) expect(stanza?.xml).not.toContain(xmlns);
  });

  test('§4.7: the links to killrc and eris carry full JIDs, the one to vesa none of another domain', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open();
    await room.do({ act: 'presence', who: cast.BigCheese, show: 'away' });
    const links = await room.events({ kind: 'hop', leg: 'link' });
    const to = (server: string) =>
      links.filter((hop) => hop.from === avalon && hop.to === server).map(({ stanza }) => stanza?.xml ?? '');
    const others = Object.values(cast).filter((jid) => domainOf(jid) !== vesa);
    expect(to(vesa).length).toBeGreaterThan(10);
    for (const xml of to(vesa)) for (const jid of others) expect(xml).not.toContain(jid);
    for (const server of [killrc, eris]) {
      const updates = to(server).filter((xml) => xml.startsWith('<presence') && xml.includes(`${wallops}/BigCheese`));
      expect(updates.some((xml) => xml.includes(cast.BigCheese))).toBe(true);
    }
    const entered = to(vesa).flatMap((xml) => /<enter[^>]* jid=['"]([^'"]+)/.exec(xml)?.[1] ?? []);
    expect([...new Set(entered)].sort()).toEqual([cast.Efchen, cast.BigCheese].sort());
  });
});
