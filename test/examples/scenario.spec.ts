import { expect, test } from 'netsplit/testing';

// Every test of the file is on a server with this scenario; `own: true` would give each a server for itself.
test.use({ serverOptions: { scenarioFile: `${import.meta.dirname}/tea-party.json` } });

test('a scenario of one’s own is the first one', async ({ room }) => {
  await room.open();
  const said = await room.say('hatter@tea.lit/cup', 'No room! No room!');
  expect(said).toMatchObject({ crossed: 2, deliveries: 2 });
});

for (const run of ['one run', 'another'])
  test(`with a seed people send the same ids in every run: ${run}`, async ({ room }) => {
    await room.open('tea-party', { seed: 7 });
    const { stanzas } = await room.say('hatter@tea.lit/cup', 'Why is a raven like a writing-desk?');
    expect(stanzas[0]?.stanza?.id).toBe('12dk5i035btlq');
  });
