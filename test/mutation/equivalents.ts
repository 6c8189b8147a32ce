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
    file: 'src/core/distribution/fmuc/admission.ts',
    at: 'if (jid === undefined) return;',
    change: 'dropped exit: return;',
    why: 'nobody is told anything later under no address',
  },
  {
    file: 'src/core/distribution/fmuc/admission.ts',
    at: 'if (isInScope(room, links, guest) || (known?.nick === subject.nick && sameSubject(known, subject))) return subject;',
    change: 'sameSubject(known, subject) → sameSubject(subject, known)',
    why: 'whether two subjects are the same does not depend on which of them comes first',
  },
  {
    file: 'src/core/distribution/fmuc/past.ts',
    at: 'return atHand.some((known) => known.author === author && known.stanzaId === stanzaId && sameWords(known, item));',
    change: 'sameWords(known, item) → sameWords(item, known)',
    why: 'whether two messages have the same words does not depend on which of them comes first',
  },
  {
    file: 'src/core/distribution/fmuc/plain-links.ts',
    at: `if (!link.isPing(stanza.id) && stanza.id !== \`\${link.session}-who\`) return false;`,
    change: 'false → true',
    why: 'an answer of a peer to nothing that it was asked is dropped in either case',
  },
  {
    file: 'src/core/distribution/primary-replica/relaying.ts',
    at: 'if (!stanza.payloads.some(isNodesWord)) return stanza;',
    change: 'dropped exit: return stanza;',
    why: 'where nothing has to be taken out, a copy with all payloads is the same stanza',
  },
  {
    file: 'src/core/distribution/source-shadow/messages.ts',
    at: "return subject.at === before.at ? (subject.by ?? '') > (before.by ?? '') : subject.at > before.at;",
    change: 'subject.at > before.at → subject.at >= before.at',
    why: 'where the two times are the same, the other side of the condition decides',
  },
  {
    file: 'src/core/xep/xep0082.ts',
    at: "if (at !== undefined && text.length <= 'YYYY-MM-DDTHH:MM:SS.mmm+HH:MM'.length) {",
    change:
      "text.length <= 'YYYY-MM-DDTHH:MM:SS.mmm+HH:MM'.length → text.length < 'YYYY-MM-DDTHH:MM:SS.mmm+HH:MM'.length",
    why: 'a stamp that was not remembered is read again, and is the same',
  },
  {
    file: 'src/core/xep/xep0082.ts',
    at: 'read.set(text, at);',
    change: 'removed call: read.set(text, at);',
    why: 'a stamp that was not remembered is read again, and is the same',
  },
  {
    file: 'src/core/xmpp/jid.ts',
    at: 'const bare = slash < 0 ? jid : (jid.slice(0, slash) as Jid);',
    change: 'slash < 0 → slash <= 0',
    why: 'every address has a domain, so none begins with a slash',
  },
  {
    file: 'src/core/xmpp/jid.ts',
    at: "resource: slash < 0 ? '' : jid.slice(slash + 1),",
    change: 'slash < 0 → slash <= 0',
    why: 'every address has a domain, so none begins with a slash',
  },
  {
    file: 'src/core/xmpp/sha1.ts',
    at: 'for (let t = 16; t < 80; t++) {',
    change: 't < 80 → t <= 80',
    why: 'an array of 80 words keeps no word behind them',
  },
];

/** @param code  of the mutant's file */
export function equivalentTo(mutant: Mutant, code: string): Equivalent | undefined {
  const at = code.split('\n')[mutant.line - 1]?.trim();
  return equivalents.find((one) => one.file === mutant.file && one.at === at && one.change === changeOf(mutant));
}
