/** What a file says, before anything is played. */
export interface Dialogue {
  readonly file: string;
  /** From the first line: specification, section, its name. */
  readonly title: string;
  readonly header: readonly Line[];
  readonly steps: readonly Step[];
  /** All that people wrote: the file without what the runner writes. */
  readonly written: readonly Line[];
}

export interface Line {
  readonly text: string;
  /** In the file, from 1. */
  readonly line: number;
}

export interface Step extends Line {
  /** Played, but not shown. */
  readonly given: boolean;
  /** Number of the last line of the input: what follows from it is written below. */
  readonly last: number;
  /** A stanza in XML in place of words. */
  readonly xml: string | undefined;
}

export class DialogueError extends Error {
  override readonly name = 'DialogueError';
  constructor(file: string, line: number, why: string) {
    super(`${file}:${line}: ${why}`);
  }
}

/**
 * Reads a dialogue:
 *
 *     # XEP-0045 §7.4 Sending a Message to All Occupants
 *     room coven@chat.shakespeare.lit: owner crone1@shakespeare.lit
 *     user crone1@shakespeare.lit/desktop
 *
 *     given crone1 enters coven as firstwitch
 *     crone1 says "Harpier cries"
 *       crone1 → coven: message groupchat id=m1 "Harpier cries"
 *     -- a remark
 *     > <message from="crone1" to="coven"
 *     >  type="groupchat"/>
 *       …
 *
 * Indented lines are the runner's: it plays the others and writes these anew.
 *
 * @throws DialogueError
 */
export function readDialogue(file: string, source: string): Dialogue {
  const lines = source.split('\n').map((text, i) => ({ text: text.trimEnd(), line: i + 1 }));
  while (lines.at(-1)?.text === '') lines.pop();
  const title = /^# (.+)$/.exec(lines[0]?.text ?? '')?.[1];
  if (title === undefined) throw new DialogueError(file, 1, 'the first line is "# title"');
  const written = lines.filter(({ text }) => !/^\s+\S/.test(text));
  const header: Line[] = [];
  const steps: Step[] = [];
  for (const [i, { text, line }] of lines.entries()) {
    if (line === 1 || text === '' || text.startsWith('-- ')) continue;
    const before = lines[i - 1]?.text ?? '';
    if (/^\s/.test(text)) {
      // Else a line that somebody indented by mistake would vanish when the file is written again.
      if (before === '' || before.startsWith('-- ') || steps.length === 0)
        throw new DialogueError(file, line, `this is indented and belongs to no input: ${text.trim()}`);
      continue;
    }
    const more = /^>\s*(.*)$/.exec(text)?.[1];
    const open = steps.at(-1);
    if (more !== undefined && open?.xml !== undefined && open.last === line - 1) {
      steps[steps.length - 1] = { ...open, xml: `${open.xml} ${more}`, last: line };
      continue;
    }
    if (/^(room|service|replica|shadow|user) /.test(text)) {
      if (steps.length > 0) throw new DialogueError(file, line, 'the network comes before the first input');
      header.push({ text, line });
      continue;
    }
    const given = text.startsWith('given ');
    const input = given ? text.slice('given '.length) : text;
    const xml = /^>\s*(.*)$/.exec(input)?.[1];
    steps.push({ text: input, line, given, last: line, xml });
  }
  if (steps.length === 0) throw new DialogueError(file, lines.length, 'nothing happens');
  return { file, title, header, steps, written };
}

/** The file as it should be: below each input what came of it. */
export function writeDialogue({ written }: Dialogue, outcomes: ReadonlyMap<number, readonly string[]>): string {
  const lines = written.flatMap(({ text, line }, i) => {
    const outcome = outcomes.get(line);
    if (outcome === undefined) return [text];
    const next = written[i + 1]?.text ?? '';
    return [text, ...outcome.map((each) => `  ${each}`), ...(next === '' ? [] : [''])];
  });
  return `${lines.join('\n')}\n`;
}
