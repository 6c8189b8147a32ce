import { bareOf, domainOf } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { SimRecord } from './trace.ts';

/** Index of the record of its being sent, for one of its arriving. */
export function sentAt(trace: readonly SimRecord[], i: number): number {
  const arrival = trace[i];
  let sent = arrival?.kind === 'out' ? (arrival.cause ?? i) : i;
  for (let record = trace[sent]; record?.kind === 'link' && record.cause !== undefined; record = trace[sent])
    sent = record.cause;
  return sent;
}

/** Index of the first of the records that led to this one. */
export function rootOf(trace: readonly SimRecord[], i: number): number {
  let root = i;
  for (let record = trace[root]; record !== undefined; record = trace[root]) {
    const cause = 'cause' in record ? record.cause : undefined;
    if (cause === undefined) break;
    root = cause;
  }
  return root;
}

/** What a node was handed that made it send this; undefined if it was no stanza. */
export function inputOf(trace: readonly SimRecord[], sent: number): Stanza | undefined {
  const by = trace[sent];
  let led = by?.kind === 'in' && by.cause !== undefined ? trace[by.cause] : undefined;
  if (led?.kind === 'append') led = led.cause === undefined ? undefined : trace[led.cause];
  return led?.kind === 'out' ? led.stanza : undefined;
}

/** Whether a replica sent this on from its own user, and not from its primary. */
export function isBeside(trace: readonly SimRecord[], sent: number): boolean {
  const by = trace[sent];
  if (by?.kind !== 'in' || by.cause === undefined || domainOf(by.by) === domainOf(by.stanza.from)) return false;
  const cause = trace[by.cause];
  const handed = cause?.kind === 'append' && cause.cause !== undefined ? trace[cause.cause] : undefined;
  return handed?.kind === 'out' && bareOf(handed.stanza.from) !== bareOf(by.stanza.from);
}
