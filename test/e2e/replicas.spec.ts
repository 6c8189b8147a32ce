import { cast, eventually, expect, type RoomPage, test, vesa } from './support/netsplit.ts';

const primary = 'rooms.neverland.pan';
const london = 'london.pan';
const replica = `replica@${london}`;
const people = {
  Peter: 'peter@neverland.pan/shadow',
  Slightly: 'slightly@neverland.pan/tree',
  Wendy: 'wendy@london.pan/nursery',
  John: 'john@london.pan/hat',
  Michael: 'michael@london.pan/bear',
} as const;

const vacancy = (room: RoomPage, domain = london) => room.page.locator(`[data-vacancy="${domain}"]`);
const addresses = async (room: RoomPage) => (await room.state()).nodes.map(({ node }) => node);
/** What people noticed: everything they were handed but the notice that the configuration changed (XEP-0045 §10.2.1). */
const noticed = async (room: RoomPage, who: string, since: number) =>
  (await room.received(who, since)).filter(({ stanza }) => !/<status code="104"\/>/.test(stanza?.xml ?? ''));

test.describe('Replicas that come and go while the room is in use (XEP-0282 §4.2)', () => {
  test('added by the menu, removed by the Outline: nobody in the room is told, and the links carry less meanwhile', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    await room.open('growing');
    await expect(vacancy(room)).toHaveAccessibleName(`No replica on ${london}: one can be added`);
    await room.do({ act: 'join', who: people.John });
    const before = await room.say(people.Peter, 'three of us, two copies');
    expect(before).toMatchObject({ crossed: 2, plain: 2, deliveries: 4 });

    const adding = await room.mark();
    await vacancy(room).click();
    await expect(room.testId('inspector')).toContainText('There is no replica here');
    await room.testId('menu-add-replica').click();
    await expect(room.node(replica)).toHaveAttribute('data-state', 'live');
    await expect(room.testId('inspector')).toContainText('replica on london.pan');
    await expect(vacancy(room)).toHaveCount(0);
    await room.quiet();
    for (const who of [people.Slightly, people.Wendy, people.John])
      expect(await noticed(room, who, adding)).toEqual([]);
    // The owner's form, the request and its answer are stanzas like all others.
    const stanzas = (await room.events({ kind: 'hop', leg: 'out', since: adding })).map(({ text }) => text);
    for (const text of ['iq set query', 'iq set create', 'iq result created', 'iq set ready'])
      expect(stanzas).toContain(text);

    // Who enters from now on comes through it; who was in before does once they enter again.
    await room.do({ act: 'join', who: people.Michael });
    for (const who of [people.Wendy, people.John])
      for (const act of ['leave', 'join'] as const) await room.do({ act, who });
    const meanwhile = await room.say(people.Peter, 'one copy for three');
    expect(meanwhile).toMatchObject({ crossed: 1, plain: 3, deliveries: 5 });

    const removing = await room.mark();
    await room.testId('tab-outline').click();
    await room.page.locator(`[data-outline-node="${replica}"]`).getByTestId('outline-remove-replica').click();
    await expect(room.node(replica)).toHaveCount(0, { timeout: 30_000 });
    await expect(vacancy(room)).toBeVisible();
    await expect(room.page.locator(`[data-outline-vacancy="${london}"]`)).toContainText('no replica');
    await room.quiet();
    for (const who of Object.values(people).filter((who) => who !== people.Peter))
      expect(await noticed(room, who, removing)).toEqual([]);
    expect(await room.say(people.Michael, 'served directly')).toMatchObject({ crossed: 4, deliveries: 5 });
    for (const who of Object.values(people))
      await eventually(() => room.heard(who, removing)).toEqual(['served directly']);
  });

  test('by the key r and by window.lab; what cannot be is refused with a reason', { tag: '@long' }, async ({
    room,
  }) => {
    await room.open('growing');
    await vacancy(room).focus();
    await room.page.keyboard.press('r');
    await expect(room.node(replica)).toHaveAttribute('data-state', 'live');
    await expect(room.node(replica)).toBeFocused();
    expect(await room.act({ act: 'add-replica', server: london })).toEqual({
      ok: false,
      error: `${london} has a replica already`,
    });
    expect(await room.act({ act: 'add-replica', server: 'neverland.pan' })).toEqual({
      ok: false,
      error: 'no room can have a replica on neverland.pan',
    });
    expect(await room.act({ act: 'remove-replica', node: primary })).toEqual({
      ok: false,
      error: `${primary} is no replica`,
    });
    await room.do({ act: 'remove-replica', node: replica });
    expect(await addresses(room)).toEqual([primary]);
    await room.do({ act: 'add-replica', server: london });
    expect(await addresses(room)).toEqual([primary, replica]);
    await room.node(replica).focus();
    await room.page.keyboard.press('r');
    await expect(room.node(replica)).toHaveCount(0, { timeout: 30_000 });
    await expect(vacancy(room)).toBeFocused();
  });

  test('the list is the room’s: a page that is loaded again has the replicas that were there; others see them come and go', {
    tag: '@long',
  }, async ({ room, elsewhere }) => {
    test.slow();
    await room.open();
    await elsewhere.open();
    await room.do({ act: 'remove-replica', node: `replica@${vesa}` });
    await expect(elsewhere.node(`replica@${vesa}`)).toHaveCount(0);
    await expect(vacancy(elsewhere, vesa)).toBeVisible();
    await elsewhere.node('channel.avalon.irc').click();
    await expect(elsewhere.testId('menu-policy')).toHaveAttribute('aria-disabled', 'true');
    await elsewhere.page.keyboard.press('Escape');
    const since = await room.mark();
    await room.say(cast.WiZ, 'to vesa by the primary itself');
    await eventually(() => room.heard(cast.Efchen, since)).toEqual(['to vesa by the primary itself']);
    await elsewhere.page.close();

    await room.page.reload();
    await room.ready();
    await expect(room.node(`replica@${vesa}`)).toHaveCount(0);
    await room.do({ act: 'add-replica', server: vesa });
    await expect(room.node(`replica@${vesa}`)).toHaveAttribute('data-state', 'live');
  });
});
