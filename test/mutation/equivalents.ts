import { changeOf, type Mutant } from './mutants.ts';

/** A change that changes nothing that anybody could see, and why. */
export interface Equivalent {
  readonly file: string;
  /** The whole line where it begins, without the space around it. */
  readonly at: string;
  /** As the command writes it. */
  readonly change: string;
  readonly why: string;
}

export const equivalents: readonly Equivalent[] = [
  {
    file: 'src/core/distribution/fmuc/past.ts',
    at: 'return atHand.some((known) => known.author === author && known.stanzaId === stanzaId && sameWords(known, item));',
    change: 'sameWords(known, item) → sameWords(item, known)',
    why: 'whether two messages have the same words does not depend on which of them comes first',
  },
  {
    file: 'src/core/distribution/fmuc/fmuc-node.ts',
    at: 'assertNever(what);',
    change: 'removed call: assertNever(what);',
    why: 'the compiler proves that nothing arrives there',
  },
  {
    file: 'src/core/distribution/source-shadow/messages.ts',
    at: "return subject.at === before.at ? (subject.by ?? '') > (before.by ?? '') : subject.at > before.at;",
    change: 'subject.at > before.at → subject.at >= before.at',
    why: 'where the two times are the same, the other side of the condition decides',
  },
  {
    file: 'src/core/xep/xep0082.ts',
    at: 'read.set(text, at);',
    change: 'removed call: read.set(text, at);',
    why: 'a stamp that was not remembered is read again, and is the same',
  },
];

/** @param code  of the mutant's file */
export function equivalentTo(mutant: Mutant, code: string): Equivalent | undefined {
  const at = code.split('\n')[mutant.line - 1]?.trim();
  return equivalents.find((one) => one.file === mutant.file && one.at === at && one.change === changeOf(mutant));
}
