import { acts } from '../../src/ui/session/acts.ts';
import { avalon, cast, expect, keyOf, killrc, patient, test, vesa, wallops } from './support/netsplit.ts';

/** What the page says right after an act has settled, in the same breath: nothing may be waited for. */
const seen = `({
  state: lab.state(),
  link: (key) => document.querySelector('[data-link="' + key + '"]')?.dataset.state,
  node: (address) => document.querySelector('[data-node="' + address + '"]')?.dataset.state,
  person: (jid) => document.querySelector('[data-occupant="' + jid + '"]')?.dataset,
})`;

const macbeth = 'rooms.macbeth.lit';
const witch = 'anotherwitch@macbeth.lit/broom';
const replica = `replica@${killrc}`;
const killrcLink = keyOf(avalon, killrc);
const link = [avalon, killrc];

/** An act, and what the page shows once it has settled: an expression over `seen`, and its value. */
const steps: readonly (readonly [act: Record<string, unknown>, shows: string, value: unknown])[] = [
  [
    { act: 'slow', link, latencyMs: 60, jitterMs: 5, bytesPerSecond: 9600 },
    `state.links.find((one) => one.key === '${killrcLink}').latencyMs`,
    60,
  ],
  [
    { act: 'slow', link, latencyMs: 20, jitterMs: 0, bytesPerSecond: 0 },
    `state.links.find((one) => one.key === '${killrcLink}').bytesPerSecond`,
    0,
  ],
  [{ act: 'nick', who: cast.Efchen, nick: 'Eff' }, `person('${cast.Efchen}').nick`, 'Eff'],
  [
    { act: 'presence', who: cast.WiZ, show: 'dnd', status: 'at work' },
    `state.occupants.find((one) => one.jid === '${cast.WiZ}').show`,
    'dnd',
  ],
  [
    { act: 'subject', who: cast.Wumpus, text: 'the war of 1990' },
    `state.nodes.find((one) => one.node === '${replica}').rooms[0].subject`,
    'the war of 1990',
  ],
  [{ act: 'say', who: cast.Troy, text: 'Hello' }, `lab.counters().messages.at(-1).body`, 'Hello'],
  [
    { act: 'pm', who: cast.Troy, to: 'Wumpus', text: 'psst' },
    `lab.events({ leg: 'out', stanza: 'message' }).some((one) => one.to === '${cast.Wumpus}' && one.text.includes('psst'))`,
    true,
  ],
  [{ act: 'leave', who: cast.Troy }, `person('${cast.Troy}').phase`, 'online'],
  [{ act: 'join', who: cast.Troy }, `person('${cast.Troy}').phase`, 'joined'],
  [{ act: 'join', who: `rubenro@${vesa}/laptop` }, `person('${cast.BigCheese}').devices`, '2'],
  [{ act: 'presence', who: `rubenro@${vesa}/laptop`, show: 'away' }, `person('${cast.BigCheese}').phase`, 'joined'],
  [{ act: 'leave', who: `rubenro@${vesa}/laptop` }, `person('${cast.BigCheese}').devices`, '1'],
  [
    { act: 'join', who: `guest1@${avalon}` },
    `state.occupants.filter((one) => one.jid.startsWith('guest1@')).map((one) => one.phase).join()`,
    'joined',
  ],
  [{ act: 'say', who: `guest1@${avalon}`, text: 'Me too' }, `lab.counters().messages.at(-1).body`, 'Me too'],
  [
    { act: 'leave', who: `guest1@${avalon}` },
    `state.occupants.filter((one) => one.jid.startsWith('guest1@')).length`,
    0,
  ],
  [{ act: 'pause', paused: true }, `document.documentElement.dataset.phase + state.paused`, 'pausedtrue'],
  [{ act: 'say', who: cast.WiZ, text: 'held' }, `lab.events({ leg: 'in', stanza: 'message' }).at(-1).text`, '“held”'],
  [{ act: 'pause', paused: false }, `state.paused`, false],
  [
    { act: 'configure', room: wallops, split: { policy: 'local', entry: true } },
    `state.nodes.map((one) => one.rooms[0].split.policy + one.rooms[0].split.entry).join()`,
    Array(4).fill('localtrue').join(),
  ],
  [{ act: 'crash', node: replica }, `node('${replica}')`, 'down'],
  [{ act: 'restart', node: replica }, `node('${replica}')`, 'live'],
  [
    { act: 'remove-replica', node: replica },
    `[node('${replica}'), document.querySelector('[data-vacancy]').dataset.vacancy].join()`,
    `,${killrc}`,
  ],
  [{ act: 'add-replica', server: killrc }, `node('${replica}')`, 'live'],
  [{ act: 'cut', link, how: 'silent' }, `link('${killrcLink}')`, 'silent'],
  [
    { act: 'cut', link, how: 'bounce' },
    `link('${killrcLink}') + state.links.find((one) => one.key === '${killrcLink}').state`,
    'bouncebounce',
  ],
  [{ act: 'heal', link }, `link('${killrcLink}')`, 'up'],
];

test.describe('lab.act', () => {
  test('an act is done when it settles: the page shows it', async ({ room }) => {
    test.slow();
    await room.open();
    for (const [act, shows, value] of steps) {
      const script = `lab.act(${JSON.stringify(act)}).then((answer) => { const { state, link, node, person } = ${seen}; return { answer, shows: ${shows} }; })`;
      expect(await room.page.evaluate(script), JSON.stringify(act)).toEqual({ answer: { ok: true }, shows: value });
    }
  });

  test('shadows come and go; somebody stays away, or goes where they are sent', { tag: '@long' }, async ({ room }) => {
    await room.open('coven');
    const { page } = room;
    const rooms = `lab.state().nodes.find((one) => one.node === '${macbeth}').rooms.length`;
    const shadow = (act: string) =>
      page.evaluate(`lab.act({ act: '${act}', node: '${macbeth}' }).then((it) => [it, ${rooms}])`);
    expect(await shadow('remove-shadow')).toEqual([{ ok: true }, 0]);
    expect(await shadow('add-shadow')).toEqual([{ ok: true }, 1]);
    // She was inside, and is out since the shadow is gone.
    for (const [act, place] of [
      ['decline', undefined],
      ['accept', macbeth],
    ] as const) {
      expect(await room.act({ act: 'join', who: witch, room: 'coven@chat.shakespeare.lit' })).toMatchObject({
        ok: false,
      });
      await expect(room.occupant(witch)).toHaveAttribute('data-phase', 'online');
      await room.quiet();
      const where = `lab.state().occupants.find((one) => one.jid === '${witch}')`;
      const script = `lab.act({ act: '${act}', who: '${witch}' }).then((it) => [it, ${where}.node, ${where}.offer])`;
      expect(await page.evaluate(script)).toEqual([{ ok: true }, place, undefined]);
    }
  });

  test('the table of links is what lab.counters() says, and all that was sent has arrived or is lost', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open();
    await room.say(cast.BigCheese, 'all there');
    await room.do({ act: 'cut', link: [avalon, killrc], how: 'silent' });
    await room.act({ act: 'say', who: cast.BigCheese, text: 'not all there' });
    await room.quiet();
    await room.testId('tab-counters').click();
    const { links } = await room.counters();
    for (const { link, stanzas, dropped } of links) {
      const cells = room.testId('counters-links').locator(`[data-link-row="${link}"] td`);
      await expect(cells.filter({ hasText: new RegExp(`^${stanzas} stanzas?$`) }).first()).toBeVisible();
      await expect(cells.last()).toHaveText(`${dropped} stanza${dropped === 1 ? '' : 's'}`);
      const hops = (await room.events({ kind: 'hop', leg: 'link' })).filter(
        ({ from, to }) => [from, to].sort().join('~') === link,
      );
      const lost = hops.filter(({ outcome }) => outcome === 'dropped').length;
      expect({ link, sent: hops.length - lost, lost }).toEqual({ link, sent: stanzas, lost: dropped });
    }
    expect(links.find(({ link }) => link === keyOf(avalon, killrc))?.dropped).toBeGreaterThan(0);
  });

  test('counts and events begin at a mark', { tag: '@long' }, async ({ room }) => {
    await room.open();
    const { page } = room;
    const before = await room.counters();
    expect(before.links.reduce((sum, { stanzas }) => sum + stanzas, 0)).toBeGreaterThan(20);
    const since = await room.mark();
    expect(await room.events({ since })).toEqual([]);
    await room.say(cast.BigCheese, 'from here on');
    const { messages, links } = await page.evaluate((place) => window.lab.counters({ since: place }), since);
    expect(messages).toMatchObject([{ body: 'from here on', crossed: 4, deliveries: 7 }]);
    expect(links.reduce((sum, { stanzas }) => sum + stanzas, 0)).toBe(4);
    expect(await page.evaluate((place) => window.lab.baseline({ since: place }), since)).toEqual({
      distributed: 4,
      plain: 8,
      deliveries: { distributed: 7, plain: 7 },
      sameDeliveries: true,
    });
    const [first] = await room.events({ since });
    expect(first).toMatchObject({ kind: 'act', from: cast.BigCheese });
    expect(await page.evaluate((place) => window.lab.counters({ since: place }).messages, await room.mark())).toEqual(
      [],
    );
  });

  test('what is no act is answered with what would be one', { tag: '@long' }, async ({ room }) => {
    await room.open('plain');
    const errorOf = async (act: unknown) => {
      const answer = await room.act(act as never);
      return answer.ok ? 'done' : answer.error;
    };
    expect(await errorOf({ act: 'fly' })).toMatch(
      /^there is no act "fly"; the acts are say, subject, pm, kick, join, /,
    );
    expect(await errorOf(undefined)).toMatch(/^an act is an object, for example \{"act":"say"/);
    expect(await errorOf({ act: 'crash', node: 'nowhere.lit' })).toBe(
      'there is no node nowhere.lit; there is conference.localhost',
    );
    expect(await errorOf({ act: 'say', who: 'nobody@localhost/x', text: 'Hello' })).toMatch(
      /^there is no person nobody@localhost\/x; there is \w+@localhost/,
    );
  });
});

test('all acts are tried here, in coven or in whisper.spec.ts', () => {
  const tried = new Set(steps.map(([{ act }]) => act));
  for (const elsewhere of ['accept', 'decline', 'add-shadow', 'remove-shadow', 'kick']) tried.add(elsewhere);
  expect([...tried].sort()).toEqual(Object.keys(acts).sort());
});

test.describe('lab.act in a room that is cut off', () => {
  test.use({ serverOptions: { scenario: patient('frozen') } });

  test('what a room refuses is refused with its reason; what does not come is not waited for for ever', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open('frozen');
    const scott = 'scott@glacier.pole/tent';
    const link = ['hearth.pole', 'glacier.pole'] as const;
    // An owner alone may.
    expect(await room.act({ act: 'subject', who: scott, text: 'South' })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^forbidden/),
    });
    expect(await room.act({ act: 'nick', who: scott, nick: 'Oates' })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/^conflict/),
    });
    // Nothing comes back, and as yet nobody has noticed why: what was said is said, and a nick is not changed.
    await room.act({ act: 'cut', link, how: 'silent' });
    const [said, changed] = await Promise.all([
      room.act({ act: 'say', who: scott, text: 'I may be some time' }),
      room.act({ act: 'nick', who: scott, nick: 'Bob' }),
    ]);
    expect(said).toEqual({ ok: true });
    expect(changed).toEqual({ ok: false, error: `nothing has shown within 10 s that ${scott} is called Bob` });
    await room.do({ act: 'cut', link, how: 'bounce' });
    await room.act({ act: 'say', who: scott, text: 'I am going outside' });
    await expect(room.node('replica@glacier.pole')).toHaveAttribute('data-state', 'split');
    for (const act of [
      { act: 'say', who: scott, text: 'Anybody?' },
      { act: 'nick', who: scott, nick: 'Robert' },
    ] as const)
      expect(await room.act(act), act.act).toMatchObject({
        ok: false,
        error: expect.stringContaining('cut off from its primary'),
      });
  });
});
