import { describe, expect, it } from 'vitest';
import type { Deed } from '../../../src/sim/lab.ts';
import { readAct, readShared, type Shared, writeShared } from '../../../src/ui/session/share.ts';

const start = Date.UTC(2026, 0, 1);
const people = [
  'rubenro@vesa.yeggmaex.irc/shaver',
  'argl@killrc.oulubox.irc/laptop',
  'troy@eris.dclxvii.irc/screwdriver',
];

/** Forty different things that people and fate do. */
function forty(): readonly Deed[] {
  return Array.from({ length: 40 }, (_, i) => {
    const who = people[i % 3];
    const between = ['avalon.irc', 'killrc.oulubox.irc'];
    const act = [
      { kind: 'person', who, act: { act: 'say', text: `what somebody says, the ${i}th time` } },
      { kind: 'link', between, settings: { state: i % 8 === 1 ? 'silent' : 'up' } },
      { kind: 'person', who, act: { act: 'nick', nick: `nick ${i}` } },
      { kind: i % 8 === 3 ? 'crash' : 'restart', node: 'replica@vesa.yeggmaex.irc' },
    ][i % 4];
    return { after: 500 + 61 * i, at: start + 400 + 1_234 * i, act } as unknown as Deed;
  });
}

const shared = (deeds: readonly Deed[]): Shared => ({
  branches: [{ name: 'main', deeds, opened: true, until: { events: 4_000, t: start + 60_000 }, lines: 9_000 }],
  shown: 0,
});

describe('A link to a moment of the Lab', () => {
  it('says what was done, and is read as it was written', async () => {
    const given = shared(forty());
    expect(await readShared(await writeShared(given, start), start)).toEqual(given);
  });

  it('of forty acts is shorter than 2,000 characters, of which none is changed in an address', async () => {
    const link = await writeShared(shared(forty()), start);
    expect(link.length).toBeLessThan(1_800);
    expect(encodeURIComponent(link)).toBe(link);
  });

  it('has whispers and kicks, too', async () => {
    const [who] = people;
    const acts = [
      { act: 'pm', to: 'Wumpus', text: 'psst' },
      { act: 'kick', nick: 'Troy', reason: 'enough' },
      { act: 'kick', nick: 'Troy' },
    ];
    const given = shared(
      acts.map((act, i) => ({ after: 500 + i, at: start + i, act: { kind: 'person', who, act } }) as unknown as Deed),
    );
    expect(await readShared(await writeShared(given, start), start)).toEqual(given);
  });

  it('that is cut off, changed, newer, or too large is refused with the reason', async () => {
    const link = await writeShared(shared(forty()), start);
    const damaged = 'This link is damaged: a part of it is missing, or it is no link of Netsplit’s.';
    for (const bad of ['', 'x', link.slice(0, -20), `${link}!!`, link.slice(9)])
      await expect(readShared(bad, start)).rejects.toThrow(damaged);
    const pack = async (of: unknown) => {
      const stream = new Blob([JSON.stringify(of)]).stream().pipeThrough(new CompressionStream('deflate-raw'));
      return Buffer.from(await new Response(stream).arrayBuffer()).toString('base64url');
    };
    await expect(readShared(await pack({ v: 2 }), start)).rejects.toThrow(
      'This link is of version 2, which is newer than this page: it reads version 1.',
    );
    await expect(readShared(await pack('a'.repeat(50_000_000)), start)).rejects.toThrow(damaged);
    await expect(readShared(await pack({ v: 1, b: [] }), start)).rejects.toThrow('This link has no branch');
    await expect(
      readShared(await pack({ v: 1, b: [{ d: [[1, 2, { kind: 'x' }]], u: [1, 2, 3] }] }), start),
    ).rejects.toThrow('This link is damaged: act 1 in it is none that there is.');
  });

  it.each([
    [undefined],
    ['say'],
    [{ kind: 'person', who: 'not a jid@@', act: { act: 'say', text: 'x' } }],
    [{ kind: 'person', who: people[0], act: { act: 'say', text: 7 } }],
    [{ kind: 'person', who: people[0], act: { act: 'eval', text: 'x' } }],
    [{ kind: 'person', who: people[0], act: { act: 'kick' } }],
    [{ kind: 'person', who: people[0], act: { act: 'kick', nick: 'Troy', reason: 7 } }],
    [{ kind: 'link', between: ['a.lit'], settings: {} }],
    [{ kind: 'link', between: ['a.lit', 'b.lit'], settings: { latencyMs: -1 } }],
    [{ kind: 'link', between: ['a.lit', 'b.lit'], settings: { state: 'gone' } }],
    [{ kind: 'crash', node: 7 }],
    [{ kind: 'configure', room: 'r@a.lit', list: { name: 'owners', add: 'a@a.lit' } }],
    [{ kind: 'configure', room: 'r@a.lit', split: { POLICY: {} } }],
    [{ kind: 'configure', room: 'r@a.lit', distributed: 'yes' }],
  ])('%j is no act', (given) => {
    expect(readAct(given)).toBeUndefined();
  });
});
