import { eventually, expect, type RoomPage, test } from './support/netsplit.ts';

const lord = 'lord@prologue.lit/throne';
const faust = 'faust@weimar.lit/desk';
const brander = 'brander@auerbach.lit/table';
const first = 'firstwitch@heath.lit/thunder';
const second = 'secondwitch@cavern.lit/lightning';
const third = 'thirdwitch@forres.lit/rain';

const crossedBy = async (room: RoomPage, body: string) =>
  (await room.counters()).messages.find((message) => message.body === body);
const hearAll = async (room: RoomPage, who: string, since: number) => [...(await room.heard(who, since))].sort();

test.describe('Federated rooms of three (XEP-0289)', () => {
  test('chain: each message crosses each link once; cut and healed, both sides have what they missed', async ({
    room,
  }) => {
    await room.open('chain');
    const start = await room.mark();
    await room.say(brander, 'A rat lived in the cellar');
    for (const who of [lord, faust, brander])
      await eventually(() => room.heard(who, start)).toEqual(['A rat lived in the cellar']);
    expect(await crossedBy(room, 'A rat lived in the cellar')).toMatchObject({ crossed: 2, deliveries: 3 });

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

  test('ring: nobody hears anything twice, each link is crossed at most once; a cut link is stood in for', async ({
    room,
  }) => {
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
});
