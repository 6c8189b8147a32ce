import { cast, eventually, expect, type RoomPage, test, vesa, wallops } from './support/netsplit.ts';
import { StropheClient } from './support/strophe.ts';

const alice = 'alice@wonderland.lit/priam-ubuntu-vm';
const laptop = 'alice@wonderland.lit/laptop';
const hatter = 'hatter@wonderland.lit/priam-ubuntu-vm';
const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';

/** Of what a person was handed since: whose presence, and of which kind. */
const presences = async (room: RoomPage, who: string, since: number) =>
  (await room.received(who, since)).flatMap(({ stanza }) =>
    stanza?.name === 'presence' ? [`${stanza.from.split('/')[1]} ${stanza.type ?? 'available'}`] : [],
  );
const devicesOf = async (room: RoomPage, nick: string) =>
  (await room.state()).occupants
    .filter((who) => who.nick === nick)
    .map(({ jid, devices }) => [jid, devices.filter(({ phase }) => phase === 'joined').map((one) => one.jid)]);

test.describe('A user with several devices under one nick (XEP-0045 §7.2.8)', () => {
  test('Alice joins from a second device: one disc with a count, both get everything, one leaves unheard', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open('wonderland');
    for (const who of [hatter, hamlet]) await room.do({ act: 'join', who });
    const disc = room.occupant(alice);
    await expect(disc).toHaveAttribute('data-devices', '1');

    const joining = await room.mark();
    await disc.click();
    await room.testId('menu-join-device').click();
    await expect(disc).toHaveAttribute('data-devices', '2');
    await expect(disc).toHaveAccessibleName(/^Alice, 2 devices, in the room/);
    await expect(disc.locator('.devices text')).toHaveText('2');
    await expect(room.page.locator('[data-nick=Alice]')).toHaveCount(1);
    await room.quiet();
    expect(await devicesOf(room, 'Alice')).toEqual([[alice, [alice, laptop]]]);
    // Wonderland shows the address of the device that was heard of last; Denmark knows the first.
    for (const who of [alice, hatter]) expect(await presences(room, who, joining)).toEqual(['Alice available']);
    expect(await presences(room, hamlet, joining)).toEqual([]);

    const talking = await room.mark();
    await room.say(hamlet, 'words, words, words');
    await room.testId('say-who').selectOption({ label: 'Alice (laptop)' });
    await room.testId('say-text').fill('curiouser and curiouser');
    await room.page.keyboard.press('Enter');
    for (const who of [alice, laptop, hatter, hamlet])
      await eventually(() => room.heard(who, talking)).toEqual(['words, words, words', 'curiouser and curiouser']);
    await room.testId('tab-transcripts').click();
    for (const who of [alice, laptop])
      await expect(room.page.locator(`[data-transcript="${who}"]`)).toContainText('curiouser and curiouser');

    await room.testId('tab-outline').click();
    const line = room.page.locator(`[data-outline-occupant="${alice}"]`);
    await expect(line).toHaveAttribute('data-devices', '2');
    await expect(line).toContainText('Alice, 2 devices');
    const leaving = await room.mark();
    await line.getByTestId('outline-leave-priam-ubuntu-vm').click();
    await expect(disc).toHaveAttribute('data-devices', '1');
    await expect(disc).toHaveAttribute('data-phase', 'joined');
    await expect(disc).toHaveAccessibleName(/^Alice, in the room/);
    await room.quiet();
    await eventually(() => devicesOf(room, 'Alice')).toEqual([[alice, [laptop]]]);
    expect(await presences(room, alice, leaving)).toEqual(['Alice unavailable']);
    for (const who of [laptop, hatter]) expect(await presences(room, who, leaving)).toEqual([]);
    // Decision #141: to Denmark she has another address now.
    expect(await presences(room, hamlet, leaving)).toEqual(['Alice available']);

    // The same button brings the first one back, and the last one to leave leaves.
    await disc.focus();
    await room.page.keyboard.press('Enter');
    await room.testId('menu-join-device').click();
    await expect(disc).toHaveAttribute('data-devices', '2');
    const gone = await room.mark();
    for (const who of [laptop, alice]) await room.do({ act: 'leave', who });
    await expect(disc).toHaveAttribute('data-devices', '0');
    await expect(disc).toHaveAccessibleName(/^Alice, not in the room/);
    for (const who of [hatter, hamlet])
      await eventually(async () => (await presences(room, who, gone)).at(-1)).toBe('Alice unavailable');
  });

  test('another client’s phone and laptop behind a replica are one disc, too', { tag: '@long' }, async ({
    room,
    browser,
  }) => {
    await room.open();
    await room.testId('join-own').click();
    await room.testId('join-account').selectOption(`guest1@${vesa}`);
    const value = async (what: string) => (await room.testId(`join-${what}`).textContent()) ?? '';
    const [websocket, jid, password] = [await value('websocket'), await value('address'), await value('password')];
    await room.page.keyboard.press('Escape');
    const login = { websocket, jid, password, room: wallops };
    const phone = await StropheClient.connect(browser, login, 'phone');
    const tablet = await StropheClient.connect(browser, login, 'tablet');
    try {
      await phone.presence('Neighbour');
      const disc = room.occupant(phone.jid);
      await expect(disc).toHaveAttribute('data-devices', '1');
      await tablet.presence('Neighbour');
      await expect(disc).toHaveAttribute('data-devices', '2');
      await expect(disc).toHaveAccessibleName(/^Neighbour, 2 devices, in the room, not one of the page’s characters/);
      await expect(room.page.locator('[data-nick=Neighbour]')).toHaveCount(1);
      await room.quiet();
      const said = await room.say(cast.BigCheese, 'to both of you');
      expect(said).toMatchObject({ deliveries: 9, crossed: 4, plain: 10 });
      for (const one of [phone, tablet])
        await eventually(async () => (await one.received()).at(-1)).toContain('to both of you');
      // The one with which they came goes without a word: the other is still there.
      await phone.vanish();
      await expect(room.occupant(tablet.jid)).toHaveAttribute('data-devices', '1', { timeout: 45_000 });
      await expect(room.page.locator('[data-nick=Neighbour]')).toHaveCount(1);
    } finally {
      await phone.vanish();
      await tablet.vanish();
    }
  });
});
