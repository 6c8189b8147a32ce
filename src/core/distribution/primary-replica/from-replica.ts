/** What a stanza of a replica in its own name is; what is done about it is primary.ts. */
import {
  type Ack,
  type Asked,
  type Create,
  type Netjoin,
  readAck,
  readAsked,
  readCreate,
  readDestroy,
  readNetjoin,
  readRelayed,
} from '../../xep/sync.ts';
import { isPing } from '../../xep/xep0199.ts';
import { readDmuc } from '../../xep/xep0282.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorOf, payloadOf, type Stanza } from '../../xmpp/stanza.ts';
import { elementsOf } from '../../xmpp/xml.ts';

export type FromReplica =
  /** It asks to be a replica (decision #5), or for what it missed (decision #41). */
  | { readonly kind: 'create'; readonly asked: Create }
  | { readonly kind: 'netjoin'; readonly asked: Netjoin }
  /** It wants to be a replica no more. Decision #40. */
  | { readonly kind: 'destroy' }
  /** §4.10. `ack`: how far it is, where it has come so far as to have the room's state. `asked`: decision #131. */
  | { readonly kind: 'ping'; readonly ack: Ack | undefined; readonly asked: readonly Asked[] }
  /** The answer to a request of ours. */
  | { readonly kind: 'result'; readonly ack: Ack | undefined }
  /** All that it had to tell of a split has been relayed. Decision #42. */
  | { readonly kind: 'relayed'; readonly count: number; readonly ack: Ack | undefined }
  /** A request that no rule knows. */
  | { readonly kind: 'unknown' }
  /** It will not serve this user. Decisions #6, #8. */
  | { readonly kind: 'enterRefused'; readonly user: Jid | undefined }
  | { readonly kind: 'error' }
  /** A message or presence: no rule has it say such a thing in its own name. */
  | { readonly kind: 'unasked' };

/**
 * @param listed  whether the room's list of replicas has it
 * @returns undefined if it is no replica's, as far as this room knows: then it is a user's
 */
export function classify(stanza: Stanza, listed: boolean): FromReplica | undefined {
  const { name, type, payloads } = stanza;
  if (name === 'iq' && type === 'set') {
    // Also of those who are not on the list: they are told so.
    const create = readCreate(payloads);
    if (create) return { kind: 'create', asked: create };
    const netjoin = readNetjoin(payloads);
    if (netjoin) return { kind: 'netjoin', asked: netjoin };
  }
  if (!listed) return undefined;
  if (type === 'error') {
    if (name !== 'presence' || errorOf(stanza)?.condition !== 'not-acceptable') return { kind: 'error' };
    return { kind: 'enterRefused', user: readDmuc(payloads)?.enter };
  }
  if (name !== 'iq') return { kind: 'unasked' };
  const ping = isPing(stanza) ? payloadOf(stanza, 'ping', NS.ping) : undefined;
  if (ping) return { kind: 'ping', ack: readAck(elementsOf(ping)), asked: readAsked(ping) };
  if (type === 'set') {
    if (readDestroy(payloads)) return { kind: 'destroy' };
    const count = readRelayed(payloads);
    if (count !== undefined) return { kind: 'relayed', count, ack: readAck(payloads) };
  }
  return type === 'get' || type === 'set' ? { kind: 'unknown' } : { kind: 'result', ack: readAck(payloads) };
}
