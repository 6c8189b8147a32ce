import type { Jid } from '../../core/xmpp/jid.ts';
import { bodyOf } from '../../core/xmpp/stanza.ts';
import { inputOf } from '../causes.ts';
import type { Evidence } from '../evidence.ts';
import type { Checker } from '../judge.ts';
import type { Violation } from '../trace.ts';

/**
 * What a node's own user says is shown to its own users at once, not when another node says so.
 *
 * @param honestIn  addresses of the nodes of which that is promised
 */
export const localAtOnce =
  (invariant: string, honestIn: (given: Evidence) => ReadonlySet<Jid>): Checker =>
  (given) => {
    const violations: Violation[] = [];
    let exercised = 0;
    const { trace, byJid } = given;
    const honest = honestIn(given);
    const authors = new Map<string, { readonly jid: Jid; readonly room: Jid }>();
    return {
      said({ by, stanza }) {
        const person = stanza.type === 'groupchat' ? byJid.get(by)?.person : undefined;
        if (person) authors.set(bodyOf(stanza) ?? '', person);
      },
      heard({ i, view, sent, body, delayed }) {
        const author = delayed ? undefined : authors.get(body);
        if (author?.room !== view.person.room) return;
        const record = trace[sent];
        if (record?.kind !== 'in' || !honest.has(record.by)) return;
        exercised++;
        if (inputOf(trace, sent)?.from !== author.jid) {
          const what = `${body} of ${author.jid} came to ${view.person.jid} by another way`;
          violations.push({ invariant, what, at: i });
        }
      },
      verdict: () => ({ violations, exercised }),
    };
  };
