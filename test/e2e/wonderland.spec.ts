import type { ModelEvent } from '../../src/ui/fold/event.ts';
import { eventually, expect, type RoomPage, test } from './support/netsplit.ts';

const alice = 'alice@wonderland.lit/priam-ubuntu-vm';
const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';
const ophelia = 'ophelia@denmark.lit/priam-ubuntu-vm';
const people: readonly string[] = [alice, hamlet, ophelia, 'hatter@wonderland.lit/priam-ubuntu-vm'];
const fmuc = 'http://isode.com/protocol/fmuc';

const crossed = (room: RoomPage, since = 0) => room.events({ kind: 'hop', leg: 'link', since });
const xmlOf = (events: readonly ModelEvent[]) => events.map(({ stanza }) => stanza?.xml ?? '');

test.describe('wonderland, the rooms of XEP-0289', () => {
  test('§5.1 to §5.4: nothing crosses before the first join and after the last leave; one stanza a message between', {
    tag: '@long',
  }, async ({ room }) => {
    await room.open('wonderland');
    await room.say(alice, 'Is nobody there?');
    await room.do({ act: 'subject', who: alice, text: 'Down the rabbit hole' });
    expect(await crossed(room)).toEqual([]);
    await expect(room.link('denmark.lit', 'wonderland.lit')).toHaveAccessibleName(/, 0 stanzas/);

    // §5.1: others, self, history, subject, in this order (XEP-0045 §7.1)
    const joining = await room.mark();
    await room.testId('say-who').selectOption(hamlet);
    await room.testId('say-join').click();
    await expect(room.occupant(hamlet)).toHaveAttribute('data-phase', 'joined');
    await eventually(async () => (await room.received(hamlet, joining)).length).toBe(4);
    const got = await room.received(hamlet, joining);
    const kinds = got.map(({ stanza }) => {
      const xml = stanza?.xml ?? '';
      if (stanza?.name === 'presence')
        return xml.includes("code='110'") || xml.includes('code="110"') ? 'self' : 'other';
      return xml.includes('<body') ? 'history' : xml.includes('<subject') ? 'subject' : stanza?.name;
    });
    expect(kinds).toEqual(['other', 'self', 'history', 'subject']);
    expect(got[0]?.stanza?.from).toBe('elsinore@talk.denmark.lit/Alice');
    expect(got[2]?.stanza?.xml).toMatch(/Is nobody there\?.*<delay/);
    expect(got[3]?.stanza?.xml).toContain('Down the rabbit hole');
    expect(xmlOf(await crossed(room, joining))[0]).toContain(fmuc);

    // §5.2: "Hi Alice" crosses once
    const speaking = await room.mark();
    await room.testId('say-text').fill('Hi Alice');
    await room.testId('say-text').press('Enter');
    await expect.poll(() => room.heard(alice, speaking)).toEqual(['Hi Alice']);
    await room.quiet();
    expect(await crossed(room, speaking)).toHaveLength(1);
    await eventually(() => room.heard(hamlet, speaking)).toEqual(['Hi Alice']);
    const cost = (await room.counters()).messages.at(-1);
    expect(cost).toMatchObject({ body: 'Hi Alice', crossed: 1, deliveries: 2 });

    // A second one from Denmark: presence once across, and the room there knows both.
    await room.do({ act: 'join', who: ophelia });
    await room.do({ act: 'leave', who: ophelia });

    // §5.4: the last one leaves
    const leaving = await room.mark();
    await room.do({ act: 'leave', who: hamlet });
    await eventually(async () => xmlOf(await crossed(room, leaving)).some((xml) => /<left\b/.test(xml))).toBe(true);
    await room.quiet();
    const gone = await room.mark();
    await room.say(alice, 'Alone again');
    await eventually(() => room.heard(alice, gone)).toEqual(['Alone again']);
    expect(await crossed(room, gone)).toEqual([]);

    // Never a trace of it at a client.
    const delivered = (await room.events({ kind: 'hop', leg: 'out' })).filter(({ to }) => people.includes(to));
    expect(delivered.length).toBeGreaterThan(15);
    for (const xml of xmlOf(delivered)) {
      expect(xml).not.toContain(fmuc);
      expect(xml).not.toContain('urn:x-netsplit');
    }
  });
});
