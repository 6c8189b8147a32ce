import { addressLength } from '../core/xep/xep0033.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Written } from './stanza-link.ts';

/** A stanza that is about to leave, and who is told when it has been written. */
export interface Sending {
  readonly stanza: Stanza;
  readonly written: Written | undefined;
}

/**
 * So many copies of a stanza, one right after the other, leave as one with their addresses (XEP-0033), where the server takes it.
 * Fewer leave one by one, so that the trace of a small room shows each.
 */
export const copiesLeast = 20;

/** Parts of a list of copies. @param most  in each; @param bytes  for the addresses of each */
export function* portions(copies: readonly Sending[], most: number, bytes: number): Iterable<readonly Sending[]> {
  let portion: Sending[] = [];
  let room = bytes;
  for (const copy of copies) {
    const length = addressLength(copy.stanza.to);
    if (portion.length > 0 && (portion.length === most || room < length)) {
      yield portion;
      portion = [];
      room = bytes;
    }
    portion.push(copy);
    room -= length;
  }
  yield portion;
}
