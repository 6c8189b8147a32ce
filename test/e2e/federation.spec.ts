import { eventually, expect, type RoomPage, test } from './support/netsplit.ts';

const lord = 'lord@prologue.lit/throne';
const faust = 'faust@weimar.lit/desk';
const brander = 'brander@auerbach.lit/table';
const first = 'firstwitch@heath.lit/thunder';
const second = 'secondwitch@cavern.lit/lightning';
const third = 'thirdwitch@forres.lit/rain';

const hearAll = async (room: RoomPage, who: string, since: number) => [...(await room.heard(who, since))].sort();

test.describe('Federated rooms (XEP-0289)', () => {
  test('chain: each message crosses each link once; cut and healed, both sides have what they missed', async ({
    room,
  }) => {
    await room.open('chain');
    const start = await room.mark();
    const rat = await room.say(brander, 'A rat lived in the cellar');
    for (const who of [lord, faust, brander])
      await eventually(() => room.heard(who, start)).toEqual(['A rat lived in the cellar']);
    expect(rat).toMatchObject({ crossed: 2, deliveries: 3 });

    await room.act({ act: 'cut', link: ['auerbach.lit', 'weimar.lit'], how: 'bounce' });
    const cut = await room.mark();
    await room.say(brander, 'below');
    await room.say(faust, 'above');
    await eventually(() => room.heard(lord, cut)).toEqual(['above']);
    expect(await room.heard(faust, cut)).toEqual(['above']);
    expect(await room.heard(brander, cut)).toEqual(['below']);

    await room.act({ act: 'heal', link: ['auerbach.lit', 'weimar.lit'] });
    for (const who of [lord, faust, brander])
      await eventually(() => hearAll(room, who, cut), 40_000).toEqual(['above', 'below']);
    await room.quiet();
    const lengths = await room.historyLengths();
    expect(new Set(lengths).size, lengths.join()).toBe(1);
  });

  test('ring: nobody hears anything twice, each link is crossed at most once; a cut link is stood in for', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open('ring');
    await room.quiet();
    // The first words show which link closes the ring (decision #146).
    await room.say(second, 'Hail');
    await room.say(third, 'Hail');
    const states = async () => JSON.stringify((await room.state()).nodes.map(({ rooms }) => rooms));
    await eventually(states, 40_000).toContain('"standby"');
    await room.quiet();
    const start = await room.mark();
    await room.say(first, 'When the hurlyburly’s done');
    for (const who of [first, second, third])
      await eventually(() => room.heard(who, start)).toEqual(['When the hurlyburly’s done']);
    const said = (await room.events({ kind: 'hop', leg: 'link', since: start })).filter(({ stanza }) =>
      /<body/.test(stanza?.xml ?? ''),
    );
    const links = said.map((hop) => [...(hop.server ?? [])].sort().join(' '));
    expect(new Set(links).size, links.join()).toBe(links.length);

    // A link that is in use.
    const [cut] = said.map(({ server }) => server);
    expect(cut).toBeDefined();
    await room.act({ act: 'cut', link: cut as readonly [string, string], how: 'bounce' });
    const after = await room.mark();
    await room.say(second, 'When the battle’s lost and won');
    await room.say(third, 'That will be ere the set of sun');
    await room.say(first, 'Where the place?');
    // The spare link takes the place of the one that is gone, and brings what was missed.
    const all = ['That will be ere the set of sun', 'When the battle’s lost and won', 'Where the place?'];
    for (const who of [first, second, third]) await eventually(() => hearAll(room, who, after), 40_000).toEqual(all);
  });

  test('mirror: nothing is shown in the replica before its primary has sent it back; cut off, its users are told at once', {
    tag: '@long',
  }, async ({ room }) => {
    test.slow();
    await room.open('mirror');
    const queen = 'alice@mirror.lit/priam-ubuntu-vm';
    const prince = 'hamlet@kronborg.lit/priam-ubuntu-vm';
    await room.do({ act: 'join', who: prince });
    await expect(room.node('talk.kronborg.lit')).toHaveAttribute('data-role', 'FMUC replica');
    await expect(room.node('rooms.mirror.lit')).toHaveAttribute('data-role', 'FMUC primary');
    await room.node('talk.kronborg.lit').click();
    await room.page.keyboard.press('Escape');
    await expect(room.testId('mode')).toHaveText('primary-replica');

    const start = await room.mark();
    // One order in both rooms, and the replica's own words cross twice.
    const both = await Promise.all([room.say(prince, 'To be'), room.say(queen, 'Curiouser')]);
    expect(both).toMatchObject([
      { crossed: 2, deliveries: 2 },
      { crossed: 1, deliveries: 2 },
    ]);
    expect(await room.heard(prince, start)).toHaveLength(2);
    expect(await room.heard(prince, start)).toEqual(await room.heard(queen, start));

    await room.act({ act: 'cut', link: ['kronborg.lit', 'mirror.lit'], how: 'bounce' });
    const cut = await room.mark();
    const refused = {
      ok: false,
      error: expect.stringMatching(/^remote-server-\S+: the room is cut off from its primary/),
    };
    expect(await room.act({ act: 'say', who: prince, text: 'or not' })).toEqual(refused);
    const errors = async () =>
      (await room.received(prince, cut)).filter(({ stanza }) => stanza?.name === 'message' && stanza.type === 'error');
    await eventually(async () => (await errors()).length).toBe(1);
    expect(await room.act({ act: 'say', who: prince, text: 'to be' })).toEqual(refused);
    await eventually(async () => (await errors()).length).toBe(2);
    expect(await room.heard(prince, cut)).toEqual([]);

    await room.act({ act: 'heal', link: ['kronborg.lit', 'mirror.lit'] });
    const healed = await room.mark();
    const peers = async () => JSON.stringify((await room.state()).nodes.map(({ rooms }) => rooms));
    await eventually(peers, 60_000).not.toContain('"split"');
    await room.quiet();
    await room.say(prince, 'that is the question');
    await eventually(() => room.heard(queen, healed), 40_000).toEqual(['that is the question']);
    await eventually(() => room.heard(prince, healed), 40_000).toEqual(['that is the question']);
  });
});
