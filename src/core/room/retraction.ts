/** What a message takes back, and what is left of that: XEP-0424, XEP-0425. */
import { isTombstone, readRetract, retractNs, writeTombstone } from '../xep/xep0424.ts';
import { payloadIn } from '../xmpp/stanza.ts';
import { el } from '../xmpp/xml.ts';
import type { HistoryItem, Subject } from './event.ts';

/**
 * Whether `item` takes `target` back. A user may do so with what they said (XEP-0424 §5), and a room with what it accepted,
 * if a moderator wants it (XEP-0425 §3). Of what came by another node only that node may say so (decision #113).
 */
export function takesBack(item: HistoryItem, target: HistoryItem): boolean {
  if (target.id !== readRetract(item.payloads) || target.via !== item.via || target.nick === '') return false;
  if (target.provisional || item.provisional || isTombstone(target.payloads)) return false;
  if (item.nick === '') return target.by === item.by;
  return item.occupantId !== '' && target.occupantId === item.occupantId;
}

/** Whether `item` takes back the message that set the subject, be that message kept here or not. */
export function takesSubjectBack(item: HistoryItem, { by, id, via, nick, occupantId = '', at }: Subject): boolean {
  if (by === undefined || id === undefined) return false;
  return takesBack(item, { by, id, via, nick, occupantId, at, payloads: [] });
}

/** XEP-0424 §4, XEP-0425 §4: when and by whom it was taken back, and nothing of what it said. */
export function tombstoneOf(target: HistoryItem, item: HistoryItem): HistoryItem {
  // Who moderated it and why stands in the retraction as it does in the tombstone.
  const why = item.nick === '' ? (payloadIn(item.payloads, 'retract', retractNs)?.children ?? []) : [];
  const tombstone = writeTombstone(item.stanzaId ?? item.id, item.at, ...why);
  // What took back another message goes on doing so, also for those who missed it.
  const id = readRetract(target.payloads);
  const payloads = id === undefined ? [tombstone] : [tombstone, el('retract', retractNs, { id })];
  return { ...target, lang: undefined, payloads };
}
