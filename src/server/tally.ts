import type { Condition } from '../core/xmpp/errors.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { StreamCondition } from './session.ts';

/** Stanzas of one kind, and how long they were as XML. */
export interface Counted {
  stanzas: number;
  bytes: number;
}

export type ByKind = Readonly<Record<Stanza['name'], Counted>>;

export function countedByKind(): ByKind {
  const none = () => ({ stanzas: 0, bytes: 0 });
  return { message: none(), presence: none(), iq: none() };
}

/** What a network has done since it began. Numbers alone: counting them is no work, and whoever wants to know reads them. */
export class Tally {
  /** What users sent, and what they were handed. */
  readonly received = countedByKind();
  readonly delivered = countedByKind();
  /** Stanzas that the server itself answered with an error. */
  readonly refused = new Map<Condition, number>();
  /** Streams that the server ended. */
  readonly ended = new Map<StreamCondition, number>();
  /** Logins that failed, by the condition of SASL (RFC 6120 §6.5). */
  readonly failedLogins = new Map<string, number>();
}

export function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
