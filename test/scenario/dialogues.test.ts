import { describe, expect, it } from 'vitest';
import { readDialogue, writeDialogue } from './dialogue.ts';
import { directory, Performance, readDialogues } from './play.ts';
import { Printer } from './print.ts';

const files = readDialogues();

/** The file as it is when every input is played: what people wrote, and what comes of it. */
function playDialogue(file: string, source: string): string {
  const performance = new Performance(file, source);
  const printer = new Printer(performance.network, performance.world);
  const outcomes = new Map<number, readonly string[]>();
  let stanzas = 0;
  for (const { step, sent } of performance.steps()) {
    if (step.given) continue;
    stanzas += sent.length;
    const lines = printer.print();
    outcomes.set(step.last, lines.length === 0 ? ['(nothing)'] : lines);
  }
  if (stanzas === 0) throw new Error(`${file}: no stanza in all of it`);
  return writeDialogue(performance.dialogue, outcomes);
}

describe('Dialogues', () => {
  it('there are at least 45, each with a title of its own', () => {
    expect(files.length).toBeGreaterThanOrEqual(45);
    const titles = files.map(({ file, source }) => readDialogue(file, source).title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it.each(files.map(({ file, source }) => [readDialogue(file, source).title, file, source] as const))(
    '%s',
    async (_title, file, source) => {
      // With -u vitest writes the file; without, it fails and shows the difference.
      await expect(playDialogue(file, source)).toMatchFileSnapshot(directory + file);
    },
  );
});

describe('A dialogue that is wrong', () => {
  const head = `# A title
room coven@chat.shakespeare.lit
user hag66@shakespeare.lit/pda
`;
  const good = `${head}hag66 enters coven as thirdwitch\n`;

  it('stale lines are written anew, blank lines and remarks stay', () => {
    const fresh = playDialogue('x.txt', good);
    const stale = fresh.replace('participant', 'moderator').replace('# A title\n', '# A title\n\n-- a remark\n');
    expect(playDialogue('x.txt', stale)).toBe(fresh.replace('# A title\n', '# A title\n\n-- a remark\n'));
    expect(fresh).toContain('  hag66 → coven/thirdwitch: presence id=p1 muc\n');
  });

  it.each([
    ['no title', 'hag66 enters coven', /^x\.txt:1: the first line is "# title"/],
    ['nothing in it', head, /^x\.txt:3: nothing happens/],
    ['an input of unknown words', `${head}hag66 dances`, /^x\.txt:4: what is "hag66 dances"\?\nknown are:/],
    [
      'a user whom it does not have',
      `${head}hecate enters coven as Hecate`,
      /^x\.txt:4: no user hecate; there are hag66/,
    ],
    [
      'a room option of unknown words',
      '# A title\nroom coven@chat.shakespeare.lit: haunted\n5 s pass',
      /^x\.txt:2: what is "haunted"/,
    ],
    [
      'a user without a resource',
      '# A title\nuser hag66@shakespeare.lit\n5 s pass',
      /^x\.txt:2: "user local@domain\/resource/,
    ],
    ['XML that is not well-formed', `${head}> <iq from="hag66" to="coven">`, /^x\.txt:4: unexpected close tag/],
    ['a stanza to nobody', `${head}> <iq from="hag66"/>`, /^x\.txt:4: from and to are needed/],
    ['the network after an input', `${good}user b@b.lit/b`, /^x\.txt:5: the network comes before/],
    ['an input that is indented', `${good}\n  hag66 leaves`, /^x\.txt:6: this is indented and belongs to no input/],
    ['no stanza at all', `${head}5 s pass`, /^x\.txt: no stanza in all of it/],
  ])('%s is an error with file and line', (_what, source, error) => {
    expect(() => playDialogue('x.txt', source)).toThrow(error);
  });
});
