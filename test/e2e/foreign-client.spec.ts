import type { Locator } from '@playwright/test';
import { cast, eventually, expect, test, vesa, wallops, wallopsNodes } from './support/netsplit.ts';
import { type Credentials, StropheClient } from './support/strophe.ts';

test.describe('A client that nobody here wrote', () => {
  test('strophe.js joins by the panel, chats both ways, leaves, comes again and vanishes', { tag: '@long' }, async ({
    room,
    browser,
  }) => {
    await room.open();
    await room.say(cast.Wumpus, 'before you came');
    await room.do({ act: 'subject', who: cast.Wumpus, text: 'the war of 1990' });

    // As a person would: what the panel says, and no more.
    await room.testId('join-own').click();
    const panel = room.testId('join-panel');
    await expect(panel).toBeVisible();
    const login = await readPanel(panel);
    await room.page.keyboard.press('Escape');
    expect(login.websocket).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/xmpp-websocket\?room=test-\d+$/);
    expect(login.room).toBe(wallops);

    const client = await StropheClient.connect(browser, login);
    try {
      const joining = await room.mark();
      await client.presence('Stranger');
      const guest = room.occupant(client.jid);
      await expect(guest).toHaveAttribute('data-nick', 'Stranger');
      await expect(guest).toHaveAccessibleName(/not one of the page’s characters/);
      await eventually(async () => (await client.received()).length).toBe(10);

      // XEP-0045 §7.1: others, self, history, subject
      const kinds = (await client.received()).map((xml) => {
        if (xml.startsWith('<presence')) return /code="110"/.test(xml) ? 'self' : 'other';
        return xml.includes('<body') ? 'history' : 'subject';
      });
      expect(kinds).toEqual([...Array(7).fill('other'), 'self', 'history', 'subject']);
      const joined = await client.received();
      expect(joined.at(-2)).toContain('before you came');
      expect(joined.at(-2)).toContain('urn:xmpp:delay');
      expect(joined.at(-1)).toContain('the war of 1990');
      await eventually(async () =>
        (await room.received(cast.BigCheese, joining)).filter(({ stanza }) => stanza?.from === `${wallops}/Stranger`),
      ).toHaveLength(1);

      // Both ways
      const talking = await room.mark();
      await client.say('Hello, wallops');
      await eventually(() => room.heard(cast.BigCheese, talking)).toEqual(['Hello, wallops']);
      await room.say(cast.BigCheese, 'Hello, Stranger');
      await eventually(async () =>
        (await client.received()).slice(10).map((xml) => /<body>(.*?)</.exec(xml)?.[1]),
      ).toEqual(['Hello, wallops', 'Hello, Stranger']);
      for (const xml of await client.received())
        for (const inner of ['urn:xmpp:tmp:dmuc:0', 'http://isode.com/protocol/fmuc', 'urn:x-netsplit'])
          expect(xml).not.toContain(inner);
      await room.testId('log-filter').fill(`${client.jid} hello`);
      await expect(room.testId('log').locator('.row[data-kind=message]').first()).toBeVisible();

      // Leaves properly
      const leaving = await room.mark();
      await client.presence('Stranger', 'unavailable');
      await expect(guest).toHaveCount(0);
      await eventually(async () =>
        (await room.received(cast.WiZ, leaving)).map(({ stanza }) => [stanza?.from, stanza?.type]),
      ).toEqual([[`${wallops}/Stranger`, 'unavailable']]);

      // Comes again, and is gone without a word
      await client.presence('Stranger');
      await expect(guest).toHaveAttribute('data-nick', 'Stranger');
      await room.quiet();
      const vanishing = await room.mark();
      await client.vanish();
      await expect(guest).toHaveCount(0, { timeout: 45_000 });
      for (const who of Object.values(cast))
        await eventually(async () =>
          (await room.received(who, vanishing)).map(({ stanza }) => [stanza?.from, stanza?.type]),
        ).toEqual([[`${wallops}/Stranger`, 'unavailable']]);
      await eventually(async () =>
        (await room.state()).nodes.map(({ rooms }) => (rooms[0] as { occupants: unknown[] }).occupants.length),
      ).toEqual([7, 7, 7, 7]);
    } finally {
      await client.vanish();
    }
  });

  test('at a server with a replica it is served by the replica', { tag: '@long' }, async ({ room, browser }) => {
    await room.open();
    await room.testId('join-own').click();
    await room.testId('join-account').selectOption(`guest1@${vesa}`);
    const login = await readPanel(room.testId('join-panel'));
    expect(login.jid).toBe(`guest1@${vesa}`);
    await room.page.keyboard.press('Escape');
    const client = await StropheClient.connect(browser, login);
    await client.presence('Neighbour');
    await expect(room.occupant(client.jid)).toHaveAttribute('data-nick', 'Neighbour');
    // What a plain room would cost is counted by what its owner, the primary, has told.
    await eventually(async () => {
      const { nodes } = await room.state();
      return nodes.map(({ rooms }) => (rooms[0] as { occupants: unknown[] }).occupants.length)[0];
    }).toBe(8);
    const since = await room.mark();
    await client.say('next to BigCheese');
    await eventually(() => room.heard(cast.BigCheese, since)).toEqual(['next to BigCheese']);
    await room.quiet();
    await eventually(async () => (await room.counters()).messages.at(-1)).toMatchObject({
      crossed: 4,
      plain: 9,
      deliveries: 8,
    });
    const { occupants } = await room.state();
    expect(occupants.find(({ jid }) => jid === client.jid)?.node).toBe(wallopsNodes[1]);
    await client.vanish();
  });
});

async function readPanel(panel: Locator): Promise<Credentials> {
  const value = async (what: string) => (await panel.getByTestId(`join-${what}`).textContent()) ?? '';
  return {
    websocket: await value('websocket'),
    jid: await value('address'),
    password: await value('password'),
    room: await value('room'),
  };
}
