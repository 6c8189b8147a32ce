/** What kind of stanza another node sent. fmuc-node.ts handles it. */
import type { PeerRecord } from '../../room/event.ts';
import { isLoop, isSpare, type Resync, readResync } from '../../xep/fmuc-sync.ts';
import { type JoinRequest, readJoin, subjectChange } from '../../xep/xep0045.ts';
import { type Fmuc, readFmuc } from '../../xep/xep0289.ts';
import type { Jid } from '../../xmpp/jid.ts';
import type { Stanza } from '../../xmpp/stanza.ts';
import { trailOf } from './place.ts';
import { isDelayedBy, isModeration, stampOf } from './reading.ts';

/** How this room stands with the node. */
export interface Relation {
  readonly peer: Jid;
  /** Whether this room joins it. */
  readonly outbound: boolean;
  /** Whether it is one of the configuration: the one that this room joins, or one of those that may join it. */
  readonly known: boolean;
  /** Whether the stanza is the first of a link that is not ours. */
  readonly begins?: boolean;
  /** Of the link to it; undefined: there is none. */
  readonly state: PeerRecord['state'] | undefined;
}

export type FromNode =
  /** A ping, the answer to one, or a question about the room. */
  | { readonly kind: 'iq' }
  | { readonly kind: 'error' }
  /** §5.1 Example 3, §5.4: the end of a link, or of hope for one. */
  | { readonly kind: 'ended'; readonly fmuc: Exclude<Fmuc, { kind: 'from' }>; readonly loop: boolean }
  /** §5.1 Example 2: it asks to join, in the name of `author`. */
  | { readonly kind: 'join'; readonly author: Jid; readonly join: JoinRequest }
  /** It goes over a link of which nothing is known here. */
  | { readonly kind: 'unlinked' }
  /** §5.1 Example 4: part of the answer to our join. */
  | { readonly kind: 'answer'; readonly author: Jid | undefined }
  /** It does not know yet that we left. */
  | { readonly kind: 'tooLate' }
  /** A part of an answer that the other node itself got from further up: an old subject, an old message. */
  | { readonly kind: 'pastSubject'; readonly author: Jid | undefined }
  | { readonly kind: 'pastMessage'; readonly author: Jid }
  /** §5.3, §5.4. */
  | { readonly kind: 'presence'; readonly author: Jid }
  /** §5.2, §5.6. */
  | { readonly kind: 'message'; readonly author: Jid }
  /** XEP-0425: its moderators took a message back. Decision #113. */
  | { readonly kind: 'moderation' }
  /** It asks for what it has missed of the others. Decision #183. */
  | { readonly kind: 'resync'; readonly ask: Resync }
  /** It can do without the link, which closes a ring. Decision #146. */
  | { readonly kind: 'spare' }
  /** It names no user, and is not one of the above. */
  | { readonly kind: 'nobodys' };

/** @returns undefined if it is no node's, as far as this room knows: then it is a user's */
export function classify(
  stanza: Stanza,
  { peer, outbound, known, begins = false, state }: Relation,
): FromNode | undefined {
  if (stanza.name === 'iq') return known ? { kind: 'iq' } : undefined;
  if (stanza.type === 'error') return known ? { kind: 'error' } : undefined;
  const fmuc = readFmuc(stanza.payloads);
  if (fmuc === undefined && !known) return undefined;
  if (fmuc?.kind === 'reject' || fmuc?.kind === 'left') return { kind: 'ended', fmuc, loop: isLoop(stanza.payloads) };
  const author = fmuc?.from;
  const join = isRequest(stanza) ? readJoin(stanza.payloads) : undefined;
  // Of two rooms that join each other both ask. Over a link that does not count, a join may be the news of a user.
  if (join && author !== undefined && (!outbound || begins)) return { kind: 'join', author, join };
  if (state !== 'live' && state !== 'joining' && state !== 'leaving')
    return known || stanza.name === 'presence' ? { kind: 'unlinked' } : undefined;
  if (state === 'leaving') return { kind: 'tooLate' };
  if (state === 'joining') return { kind: 'answer', author };
  if (isModeration(stanza)) return { kind: 'moderation' };
  // A live subject has no delay, and no user can give a message a delay of their room's.
  const past = trailOf(stanza, peer)?.past === true;
  if ((past || outbound) && subjectChange(stanza) !== undefined && stampOf(stanza) !== undefined)
    return { kind: 'pastSubject', author };
  const ask = author === undefined && stanza.name === 'presence' ? readResync(stanza.payloads) : undefined;
  if (ask) return { kind: 'resync', ask };
  if (author === undefined) return { kind: isSpare(stanza.payloads) ? 'spare' : 'nobodys' };
  if (stanza.name === 'presence') return { kind: 'presence', author };
  if (stanza.type === 'groupchat' && (past || (outbound && isDelayedBy(stanza, peer))))
    return { kind: 'pastMessage', author };
  return { kind: 'message', author };
}

function isRequest({ name, type }: Stanza): boolean {
  return name === 'presence' && type === undefined;
}
