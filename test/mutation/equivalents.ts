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
];

/** @param code  of the mutant's file */
export function equivalentTo(mutant: Mutant, code: string): Equivalent | undefined {
  const at = code.split('\n')[mutant.line - 1]?.trim();
  return equivalents.find((one) => one.file === mutant.file && one.at === at && one.change === changeOf(mutant));
}
