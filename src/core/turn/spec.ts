/**
 * The rule that made a stanza or a state change, written by the code that decided: `<XEP>#<section>`, such as
 * `0282#4.9`, `0045#7.4`, `6120#8.3` for an RFC, or `decision#12` for an entry of distribution/decisions.md.
 */
export type Spec = string;

/**
 * What a note tells of a pair of nodes, for those who show more of it than its text: that they lost each other, noticed by
 * a `bounce`, by `silence`, or by a `gap` in what came (XEP-0282 §4.11.1); that they came together again (`netjoin`,
 * §4.11.2), and what became of that which happened meanwhile (`judged`).
 */
export type Sign = 'bounce' | 'silence' | 'gap' | 'netjoin' | 'judged';
