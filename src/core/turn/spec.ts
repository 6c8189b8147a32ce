/**
 * The rule that made a stanza or a state change, written by the code that decided: `<XEP>#<section>`, such as
 * `0282#4.9`, `0045#7.4`, `6120#8.3` for an RFC, or `decision#12` for an entry of distribution/decisions.md.
 */
export type Spec = string;

/**
 * What a note tells of a pair of nodes. Code that decides anything by a note reads this, and never the text, which is for
 * people. All but the last three say how a node noticed that it and the other are split or out of step.
 */
export type Sign =
  /** A stanza to the other came back as undeliverable. XEP-0282 §4.11.1, decision #10. */
  | 'bounce'
  /** Two pings in a row had no answer in time. Decision #3. */
  | 'silence'
  /** A request to be created or to join had no answer in time. Decisions #5 and #24. */
  | 'unanswered'
  /** The number of a stanza shows that something before it is missing. Decisions #2 and #60. */
  | 'gap'
  /** The other knows of no link, or says that we left it. XEP-0289 §5.4, decision #24. */
  | 'unlinked'
  /** This node, or its stream, has started again, and a link or an answer under way did not outlive that. Decision #61. */
  | 'restart'
  /** One does not accept the other as its peer. Decision #5, XEP-0289 §5.1. */
  | 'refused'
  /** They come together again. XEP-0282 §4.11.2. */
  | 'netjoin'
  /** What became of the things that happened during the split. Decision #42. */
  | 'judged';
