import glossary from './glossary.json' with { type: 'json' };

/** A word that the lessons explain. */
export interface Term {
  readonly id: string;
  readonly term: string;
  /** What earlier editions of the specifications call it. */
  readonly was?: readonly string[];
  readonly means: string;
  /** Where it is from, such as `0282#2`. */
  readonly section?: string;
}

/** In alphabetical order. */
export const terms: readonly Term[] = (glossary as readonly Term[]).toSorted((a, b) =>
  a.term.localeCompare(b.term, 'en'),
);

export function isTerm(id: string): boolean {
  return termOf(id) !== undefined;
}

export function termOf(id: string): Term | undefined {
  return terms.find((one) => one.id === id);
}
