import AxeBuilder from '@axe-core/playwright';
import { builtIn } from '../../src/scenario/built-in.ts';
import type { LiveConfig } from '../../src/scenario/live-config-type.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { cast, eventually, expect, type RoomPage, test } from './support/netsplit.ts';
import { StropheClient } from './support/strophe.ts';

const lobby = 'lobby@conference.localhost';
/** The page, which plays everybody else, does not have their session. */
const owner = 'guest1@localhost';
const plain = builtIn.find(({ id }) => id === 'plain') as Scenario;
const ownedByGuest: Scenario = {
  ...plain,
  nodes: plain.nodes.map((node) =>
    node.kind === 'service'
      ? {
          ...node,
          rooms: node.rooms.map((room) => ({ ...room, affiliations: [{ jid: owner, affiliation: 'owner' }] })),
        }
      : node,
  ),
};
const [first, second, third] = [
  'firstwitch@localhost/desktop',
  'secondwitch@localhost/laptop',
  'thirdwitch@localhost/pda',
] as const;
const scott = 'scott@glacier.pole/tent';
const oates = 'oates@glacier.pole/boots';
const poles = ['hearth.pole', 'glacier.pole'] as const;
const ariel = 'ariel@island.tempest/air';
const miranda = 'miranda@island.tempest/cell';

const bubble = (room: RoomPage, who: string) => room.page.locator(`[data-refusal="${who}"]`);
/** All that was read out. */
const heardAloud = async (room: RoomPage) => {
  await room.page.evaluate(() => {
    const region = document.querySelector('[data-testid=live-region]');
    const said: string[] = [region?.textContent ?? ''];
    if (region)
      new MutationObserver(() => said.push(region.textContent ?? '')).observe(region, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    Object.assign(window, { said });
  });
  return () => room.page.evaluate(() => (window as unknown as { said: string[] }).said.join(' '));
};

test.describe('A refusal is seen at the person who was refused', () => {
  test('after a cut: what was said too soon, and what a frozen room refuses; gone with the next word that is taken', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    await room.open('frozen');
    const aloud = await heardAloud(room);
    await room.act({ act: 'cut', link: poles, how: 'bounce' });
    await room.act({ act: 'say', who: scott, text: 'too soon' });
    await expect(bubble(room, scott)).toContainText('no connection from glacier.pole');
    await expect(room.node('replica@glacier.pole')).toHaveAttribute('data-state', 'split', { timeout: 45_000 });
    await room.act({ act: 'say', who: oates, text: 'anybody?' });
    await expect(bubble(room, oates)).toContainText('the room is cut off');
    await expect(room.occupant(oates)).toHaveAttribute('data-refused', 'message');
    // Of several on one server the last has the words, and the others a mark.
    await expect(bubble(room, scott)).toHaveCount(0);
    await expect(room.occupant(scott).locator('.refused-mark')).toHaveCount(1);
    for (const who of [scott, oates]) await expect(room.occupant(who)).toHaveAccessibleName(/out of reach: /);
    await eventually(aloud).toMatch(/Scott, out of reach: no connection.*Oates, out of reach: the room is cut off/s);

    // By the keyboard: the inspector has the words, and the way to the stanza.
    await room.occupant(oates).focus();
    await room.page.keyboard.press('Enter');
    await room.page.keyboard.press('Escape');
    await expect(room.testId('refused')).toContainText('Out of reach: the room is cut off');
    for (const colorScheme of ['light', 'dark'] as const) {
      await room.page.emulateMedia({ colorScheme });
      const axe = new AxeBuilder({ page: room.page }).setLegacyMode();
      const { violations } = await axe.include('[data-testid=topology]').include('[data-testid=inspector]').analyze();
      const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(bad.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    }
    await room.testId('refused').getByRole('button').press('Enter');
    await expect(room.testId('why')).toHaveAttribute('data-spec', /0282|decision/);
    await room.testId('tab-outline').click();
    await expect(room.page.locator(`[data-outline-occupant="${oates}"]`)).toContainText(
      'out of reach: the room is cut off',
    );

    await room.do({ act: 'heal', link: poles });
    await expect(room.node('replica@glacier.pole')).toHaveAttribute('data-state', 'live', { timeout: 60_000 });
    await room.say(oates, 'there you are');
    await expect(bubble(room, oates)).toHaveCount(0);
    await expect(room.occupant(oates)).not.toHaveAttribute('data-refused');
    await expect(room.occupant(scott)).toHaveAttribute('data-refused', 'message');
  });

  test('local: everybody whose first words the room has not got is told, and then the talk goes on', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    await room.open('local');
    await room.act({ act: 'cut', link: ['naples.tempest', 'island.tempest'], how: 'bounce' });
    const acted = await Promise.all([ariel, miranda].map((who) => room.act({ act: 'say', who, text: 'all at once' })));
    for (const result of acted)
      expect(result).toMatchObject({ ok: false, error: expect.stringMatching(/^remote-server-timeout/) });
    for (const who of [ariel, miranda]) await expect(room.occupant(who)).toHaveAttribute('data-refused', 'message');
    await expect(room.node('replica@island.tempest')).toHaveAttribute('data-policy', 'local', { timeout: 45_000 });
    const apart = await room.mark();
    await room.say(ariel, 'ours');
    await eventually(() => room.heard(miranda, apart)).toEqual(['ours']);
    await expect(room.occupant(ariel)).not.toHaveAttribute('data-refused');
    await expect(room.testId('description')).toContainText('whoever said it is told so');
  });

  test('a room on another server, and a link that swallows all: no answer is seen at whoever waits for one', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    const wendy = 'wendy@london.pan/nursery';
    await room.open('growing');
    await room.do({ act: 'cut', link: ['neverland.pan', 'london.pan'], how: 'silent' });
    await room.act({ act: 'say', who: wendy, text: 'is anybody there?' });
    await expect(bubble(room, wendy)).toContainText('no answer');
    await expect(bubble(room, wendy)).toHaveAttribute('data-condition', 'unanswered');
    await room.do({ act: 'heal', link: ['neverland.pan', 'london.pan'] });
    await room.say(wendy, 'again');
    await expect(bubble(room, wendy)).toHaveCount(0);
  });

  test('a nick that is taken', { tag: '@long' }, async ({ room }) => {
    await room.open();
    const result = await room.act({ act: 'nick', who: cast.BigCheese, nick: 'Wumpus' });
    expect(result).toMatchObject({ ok: false });
    await expect(bubble(room, cast.BigCheese)).toContainText('nick not changed: somebody');
    await expect(room.occupant(cast.BigCheese)).toHaveAttribute('data-refused', 'nick');
    await room.do({ act: 'nick', who: cast.BigCheese, nick: 'Brie' });
    await expect(bubble(room, cast.BigCheese)).toHaveCount(0);
  });
});

test.describe('A refusal by somebody', () => {
  test.use({ serverOptions: { scenario: ownedByGuest } });

  test('kicked, banned, without voice, not a member', { tag: '@long' }, async ({ room, browser, baseURL }) => {
    test.slow();
    await room.open('plain');
    const aloud = await heardAloud(room);
    const asked = await fetch(new URL(`/netsplit.json${room.address('plain').slice(1)}`, baseURL));
    const config = (await asked.json()) as LiveConfig;
    const websocket = new URL(config.websocket, baseURL).href.replace(/^http/, 'ws');
    const { password = '' } = config.credentials.guests.find(({ jid }) => jid === owner) ?? {};
    const admin = await StropheClient.connect(browser, { jid: owner, password, websocket, room: lobby });
    const changes = async (attributes: string, reason = '') =>
      expect(
        await admin.ask(
          lobby,
          `<query xmlns="http://jabber.org/protocol/muc#admin"><item ${attributes}>${reason && `<reason>${reason}</reason>`}</item></query>`,
        ),
      ).toBe('result');
    const configures = async (field: string) =>
      expect(
        await admin.ask(
          lobby,
          `<query xmlns="http://jabber.org/protocol/muc#owner"><x xmlns="jabber:x:data" type="submit"><field var="FORM_TYPE"><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var="${field}"><value>1</value></field></x></query>`,
        ),
      ).toBe('result');
    await admin.presence('Admin');
    await expect(room.page.locator('[data-nick=Admin]')).toHaveCount(1);

    await changes('nick="firstwitch" role="none"', 'Avaunt, you cullion!');
    await expect(bubble(room, first)).toContainText('kicked: Avaunt, you');
    await expect(room.occupant(first)).toHaveAttribute('data-refused', 'kick');
    await room.do({ act: 'join', who: first });
    await expect(bubble(room, first)).toHaveCount(0);

    await changes('jid="secondwitch@localhost" affiliation="outcast"');
    await expect(bubble(room, second)).toContainText('banned');
    expect(await room.act({ act: 'join', who: second })).toMatchObject({ ok: false });
    await expect(bubble(room, second)).toContainText('not let in: you are banned');
    await expect(room.occupant(second)).toHaveAttribute('data-refused', 'entry');

    await configures('muc#roomconfig_moderatedroom');
    await changes('nick="thirdwitch" role="visitor"');
    expect(await room.act({ act: 'say', who: third, text: 'psst' })).toMatchObject({ ok: false });
    await expect(bubble(room, third)).toContainText('not said');
    await eventually(aloud).toMatch(/kicked: Avaunt.*banned.*not said/s);

    await configures('muc#roomconfig_membersonly');
    await expect(room.occupant(first)).toHaveAttribute('data-refused', 'members-only');
    expect(await room.act({ act: 'join', who: first })).toMatchObject({ ok: false });
    await expect(bubble(room, first)).toContainText('not let in: only members');
    await eventually(aloud).toMatch(/put out.*only members/s);
    expect(await aloud()).toMatch(/And \d+ more refusals before that/);
    await admin.vanish();
  });
});
