import AxeBuilder from '@axe-core/playwright';
import { eventually, expect, type RoomPage, type Said, test } from './support/netsplit.ts';

const firsthost = 'chat.shakespeare.lit';
const macbeth = 'rooms.macbeth.lit';
const marlowe = 'conference.marlowe.lit';
const source = 'coven@chat.shakespeare.lit';
const shadow = 'theroom@rooms.macbeth.lit';
const crone = 'crone1@shakespeare.lit/desktop';
const hag = 'hag66@shakespeare.lit/pda';
const witch = 'somewitch@macbeth.lit/mobile';
const another = 'anotherwitch@macbeth.lit/broom';
const faustus = 'faustus@marlowe.lit/study';
const toFirsthost = [
  ['shakespeare.lit', 'macbeth.lit'],
  ['shakespeare.lit', 'marlowe.lit'],
] as const;

/** Servers from which and to which a message went. */
const hopsOf = ({ body, stanzas }: Said) =>
  stanzas
    .filter(({ leg, stanza, outcome }) => leg === 'link' && stanza?.xml.includes(body) && outcome === undefined)
    .map(({ from, to }) => `${from} ${to}`);
const peerStates = async (room: RoomPage) => {
  const { nodes } = await room.state();
  const rooms = nodes.flatMap(
    ({ rooms }) => rooms as readonly { readonly peers: readonly { readonly state: string }[] }[],
  );
  return [...new Set(rooms.flatMap(({ peers }) => peers.map(({ state }) => state)))].sort();
};
const occupant = async (room: RoomPage, jid: string) => (await room.state()).occupants.find((one) => one.jid === jid);

test.describe('A room on three services (XEP-0281)', () => {
  test('what one says all read, for one stanza to each other instance; the firsthost is cut off and comes back', async ({
    room,
  }) => {
    test.slow();
    await room.open('coven');
    for (const [node, role] of [
      [firsthost, 'source'],
      [macbeth, 'shadow'],
      [marlowe, 'shadow'],
    ] as const) {
      await expect(room.node(node)).toHaveAttribute('data-role', role);
      await expect(room.node(node)).toHaveAttribute('data-state', 'live');
    }
    await room.node(macbeth).click();
    await room.page.keyboard.press('Escape');
    await expect(room.testId('source')).toHaveText(source);

    const start = await room.mark();
    const said = await room.say(witch, 'Harpier cries');
    for (const who of [crone, witch, faustus])
      await eventually(() => room.heard(who, start)).toEqual(['Harpier cries']);
    // One stanza for each other instance, each from where it was said; the same people in one plain room need 3.
    expect(said).toMatchObject({ crossed: 2, plain: 3, deliveries: 4 });
    expect(hopsOf(said).sort()).toEqual(['macbeth.lit marlowe.lit', 'macbeth.lit shakespeare.lit']);

    for (const link of toFirsthost) await room.act({ act: 'cut', link, how: 'bounce' });
    await room.say(witch, 'Double, double');
    await room.say(crone, 'toil and trouble');
    await expect(room.node(firsthost)).toHaveAttribute('data-state', 'split');
    await expect(room.node(macbeth)).toHaveAttribute('data-state', '1 of 2 split');
    // Each notices by what it sends.
    await expect(room.node(marlowe)).toHaveAttribute('data-state', 'live');
    await room.say(faustus, 'Fire burn');
    await expect(room.node(marlowe)).toHaveAttribute('data-state', '1 of 2 split');
    const apart = await room.mark();
    const bubble = await room.say(faustus, 'and cauldron bubble');
    for (const who of [witch, faustus]) await eventually(() => room.heard(who, apart)).toEqual(['and cauldron bubble']);
    expect(await room.heard(crone, apart)).toEqual([]);
    expect(bubble).toMatchObject({ crossed: 1, lost: 0, deliveries: 2 });

    const healing = await room.mark();
    for (const link of toFirsthost) await room.act({ act: 'heal', link });
    await eventually(() => peerStates(room), 60_000).toEqual(['live']);
    await room.quiet();
    expect(new Set(await room.historyLengths())).toEqual(new Set([5]));
    // Whichever instance is linked first tells first: only the archives have one order.
    for (const [who, missed] of [
      [crone, ['Double, double', 'Fire burn', 'and cauldron bubble']],
      [witch, ['toil and trouble']],
      [faustus, ['toil and trouble']],
    ] as const)
      expect([...(await room.heard(who, healing))].sort()).toEqual(missed);
    const joined = (await room.events({ sign: 'netjoin' })).map(({ from }) => from);
    for (const node of [firsthost, macbeth, marlowe]) expect(joined).toContain(node);
    const cool = await room.say(crone, 'Cool it with a baboon’s blood');
    expect(cool).toMatchObject({ crossed: 2, deliveries: 4 });
  });

  test('the wrong way in: the source sends a user to the shadow of their server, and the page asks them', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open('coven');
    const wrongWay = async () => {
      await room.occupant(another).click();
      await room.testId('menu-join-source').click();
    };
    await wrongWay();
    await expect(room.testId('toast')).toContainText(`This room is at ${shadow}, too`);
    const offer = room.page.locator(`[data-offer="${another}"]`);
    await expect(offer).toContainText(`anotherwitch is sent from ${source} to ${shadow}`);
    expect(await occupant(room, another)).toMatchObject({ phase: 'online', room: source, offer: shadow });
    for (const colorScheme of ['light', 'dark'] as const) {
      await room.page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page: room.page }).setLegacyMode().include('ns-offers').analyze();
      const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(grave.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
    }
    // Nobody is moved before they say so.
    await offer.getByTestId('offer-decline').click();
    await expect(offer).toHaveCount(0);
    expect((await occupant(room, another))?.phase).toBe('online');

    await wrongWay();
    await offer.getByTestId('offer-accept').click();
    await expect(room.occupant(another)).toHaveAttribute('data-phase', 'joined');
    await expect(offer).toHaveCount(0);
    await room.waitForState({ occupant: another, node: macbeth });
    const start = await room.mark();
    await room.say(another, 'I come, Graymalkin');
    await eventually(() => room.heard(crone, start)).toEqual(['I come, Graymalkin']);

    expect(await room.act({ act: 'accept', who: hag })).toEqual({
      ok: false,
      error: 'nobody sends baz to another room',
    });
    expect(await room.act({ act: 'join', who: another, room: source })).toEqual({
      ok: false,
      error: `anotherwitch is in ${shadow}, and has to leave it first`,
    });
  });

  test('a shadow is removed and made by a click, by a key and by window.lab', { tag: '@long' }, async ({ room }) => {
    test.slow();
    await room.open('coven');
    const start = await room.mark();
    await room.say(crone, 'Round about the cauldron go');

    await room.node(marlowe).click();
    await room.testId('menu-remove-shadow').click();
    await expect(room.node(marlowe)).toHaveAttribute('data-role', 'peerhost');
    await expect(room.node(marlowe)).toHaveAttribute('data-state', 'no room');
    await expect(room.occupant(faustus)).not.toHaveAttribute('data-phase', 'joined');
    expect((await occupant(room, faustus))?.detail).toBe(`theroom@${marlowe} is no more; it goes on at ${source}`);
    await room.quiet();
    expect(await room.say(crone, 'In the poison’d entrails throw')).toMatchObject({ crossed: 1 });

    // Without a shadow on his server he comes in at the source.
    await room.do({ act: 'join', who: faustus, room: source });
    await room.do({ act: 'leave', who: faustus });

    await expect(room.testId('inspector')).toContainText('peerhost on marlowe.lit');
    await room.testId('inspector-add-shadow').click();
    await expect(room.node(marlowe)).toHaveAttribute('data-role', 'shadow');
    await eventually(() => peerStates(room)).toEqual(['live']);
    await room.quiet();
    expect(new Set(await room.historyLengths())).toEqual(new Set([2]));
    await room.do({ act: 'join', who: faustus, room: `theroom@${marlowe}` });
    // With the history, as everybody else.
    await eventually(() => room.heard(faustus, start)).toEqual([
      'Round about the cauldron go',
      'Round about the cauldron go',
      'In the poison’d entrails throw',
      'Round about the cauldron go',
      'In the poison’d entrails throw',
    ]);

    await room.node(macbeth).focus();
    await room.page.keyboard.press('r');
    await expect(room.node(macbeth)).toHaveAttribute('data-role', 'peerhost');
    expect(await room.act({ act: 'remove-shadow', node: macbeth })).toEqual({
      ok: false,
      error: `${macbeth} is not asked for a shadow of ${source}`,
    });
    await room.do({ act: 'add-shadow', node: macbeth });
    await expect(room.node(macbeth)).toHaveAttribute('data-role', 'shadow');
    expect(await room.act({ act: 'add-shadow', node: macbeth })).toEqual({
      ok: false,
      error: `${macbeth} has a shadow of ${source} already`,
    });
    expect(await room.act({ act: 'add-shadow', node: firsthost })).toEqual({
      ok: false,
      error: `${firsthost} is the firsthost itself`,
    });

    // Not distributed any more, it is an ordinary room.
    await room.node(firsthost).click();
    await room.testId('menu-gather').click();
    for (const node of [macbeth, marlowe]) await expect(room.node(node)).toHaveAttribute('data-role', 'peerhost');
    await expect(room.testId('peerhosts')).toContainText('not distributed');
    await room.do({ act: 'configure', room: source, distributed: true });
    for (const node of [macbeth, marlowe]) await expect(room.node(node)).toHaveAttribute('data-role', 'shadow');
  });
});
