import type { Jid } from '../xmpp/jid.ts';
import { type Stanza, withPayloads } from '../xmpp/stanza.ts';
import type { XmlElement } from '../xmpp/xml.ts';

/** What was passed on lately, and to how many: more than are answered at any time. */
const passedMax = 1_000;

/** One thing that somebody asked the room to pass on, to one or to several. */
export interface Asked {
  /** The stanza as it came, without what is inside: from whom, to which address, with which id. */
  readonly stanza: Stanza;
  /**
   * The node by which it came and by which an error goes back, and what says there that the error is about this alone;
   * undefined: it is a user's own stanza.
   */
  readonly by: { readonly node: Jid; readonly mark: readonly XmlElement[] } | undefined;
  /** Whoever asked may not learn the real address of whoever answers. */
  readonly hides?: true | undefined;
  /** How many of those to whom it went have not sent it back. */
  left: number;
}

export function asks(stanza: Stanza, by?: Asked['by'], hides?: true): Asked {
  return { stanza: withPayloads(stanza, []), by, hides, left: 0 };
}

/**
 * What the room passed on in somebody's name, for as long as an answer or an error may come (XEP-0045 §7.5, §7.8.2, §7.13,
 * §17.4; decision #123). It is found by the stanza that went out, whatever has become of the two since: they may have other
 * nicks, or be gone. It does not outlive the node.
 */
export class PassedOn {
  readonly #asked = new Map<string, Asked>();

  /** @param sent  as it went out; `asked` is the same one for all to whom it goes */
  add(sent: Stanza, asked: Asked): void {
    const key = keyOf(sent.name, sent.from, sent.to, sent.id);
    this.#asked.delete(key);
    this.#asked.set(key, asked);
    asked.left++;
    if (this.#asked.size <= passedMax) return;
    for (const oldest of this.#asked.keys()) {
      this.#asked.delete(oldest);
      return;
    }
  }

  /** What this answers, if it is an answer to something that was passed on. There is one answer to each. */
  take({ name, from, to, id }: Stanza): Asked | undefined {
    const key = keyOf(name, to, from, id);
    const asked = this.#asked.get(key);
    if (asked === undefined) return undefined;
    this.#asked.delete(key);
    asked.left--;
    return asked;
  }
}

function keyOf(name: string, from: Jid, to: Jid, id: string | undefined): string {
  return JSON.stringify([name, from, to, id]);
}
