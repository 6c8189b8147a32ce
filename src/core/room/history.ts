import type { HistoryRequest } from '../xep/xep0045.ts';
import { writeDelay } from '../xep/xep0203.ts';
import { writeStanzaId } from '../xep/xep0359.ts';
import { withOccupantId } from '../xep/xep0421.ts';
import { type Jid, occupantJid } from '../xmpp/jid.ts';
import { make, readdressed, type Stanza, stanzaText } from '../xmpp/stanza.ts';
import type { Instant } from '../xmpp/time.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { RoomSettings } from './config.ts';
import type { HistoryItem } from './event.ts';
import { isKept } from './keeping.ts';
import type { RoomTurn } from './room-turn.ts';
import { isSendable } from './size.ts';

/** A message as it goes to the occupants. XEP-0045 §7.4: same id, from the occupant JID; XEP-0359 id by the room. */
export function liveMessage(room: Jid, item: HistoryItem, to: Jid): Stanza {
  return messageTo(room, item, to, messagePayloads(room, item));
}

/** The same for many: the copies share their payloads, which are then written as text once. */
export function liveMessages(room: Jid, item: HistoryItem): (to: Jid) => Stanza {
  const copy = liveMessage(room, item, room);
  return (to) => readdressed(copy, to);
}

function messagePayloads(room: Jid, item: HistoryItem): readonly XmlElement[] {
  const said = withOccupantId(item.payloads, item.occupantId);
  // Of a message that the room does not keep, or has not accepted yet (XEP-0282 §4.11.1.2), there is nothing that an id of the
  // room's would name: every id that it gives is one of its archive (XEP-0313 §3.5).
  const isNamed = !item.provisional && item.id !== '' && isKept(item.payloads);
  return isNamed ? [...said, writeStanzaId({ by: room, id: item.id })] : said;
}

/** Whom a message is from: an occupant, or the room itself. */
export function authorJid(room: Jid, nick: string): Jid {
  return nick === '' ? room : occupantJid(room, nick);
}

function messageTo(room: Jid, item: HistoryItem, to: Jid, payloads: readonly XmlElement[]): Stanza {
  const rest = { type: 'groupchat', id: item.stanzaId, lang: item.lang };
  return make('message', authorJid(room, item.nick), to, rest, payloads);
}

/** The same message for a user who was not there: with the room's delay. XEP-0045 §7.2.13. */
export function delayedMessage(room: Jid, item: HistoryItem, to: Jid): Stanza {
  const delay = writeDelay({ from: room, stamp: item.at });
  return messageTo(room, item, to, [...messagePayloads(room, item), delay]);
}

/** The same for many. */
export function delayedMessages(room: Jid, item: HistoryItem): (to: Jid) => Stanza {
  const copy = delayedMessage(room, item, room);
  return (to) => readdressed(copy, to);
}

/** What a join asks for. One that does not say how much gets as much as the owner says (decision #105). */
export function wantedHistory(
  { historyDefault }: Pick<RoomSettings, 'historyDefault'>,
  request: HistoryRequest | undefined,
): HistoryRequest {
  return request === undefined || Object.keys(request).length === 0 ? { maxstanzas: historyDefault } : request;
}

/**
 * The part of a history that a request asks for, oldest first. XEP-0045 §7.2.14: of several limits the one that gives the
 * least counts. `maxchars` needs the stanzas and is `selectHistory`'s.
 */
export function recent(
  history: readonly HistoryItem[],
  request: HistoryRequest | undefined,
  now: Instant,
): readonly HistoryItem[] {
  const { maxstanzas, seconds, since } = request ?? {};
  const oldest = Math.max(
    since ?? Number.NEGATIVE_INFINITY,
    seconds === undefined ? Number.NEGATIVE_INFINITY : now - seconds * 1000,
  );
  let first = maxstanzas === undefined ? 0 : Math.max(0, history.length - maxstanzas);
  while (first < history.length && (history[first] as HistoryItem).at < oldest) first++;
  return history.slice(first);
}

/**
 * The history that an entering user is sent. XEP-0045 §7.2.13, §7.2.14: `maxchars` counts whole stanzas as
 * serialised, so `maxchars=0` means none.
 */
export function selectHistory(
  room: Jid,
  history: readonly HistoryItem[],
  request: HistoryRequest | undefined,
  to: Jid,
  now: Instant,
): readonly Stanza[] {
  const stanzas = recent(history, request, now).map((item) => delayedMessage(room, item, to));
  if (request?.maxchars === undefined) return stanzas;
  let first = stanzas.length;
  for (let left = request.maxchars; first > 0; first--) {
    left -= stanzaText(stanzas[first - 1] as Stanza).length;
    if (left < 0) break;
  }
  return stanzas.slice(first);
}

/** Those that can be sent. Decision #121: others are of a log that was written before anybody looked at their size. */
export function sendable(turn: RoomTurn, items: readonly HistoryItem[]): readonly HistoryItem[] {
  if (items.every(isSendable)) return items;
  return items.filter((item) => {
    if (isSendable(item)) return true;
    turn.note('decision#121', `left out of the history: the message ${item.id}, which is too large to be sent`);
    return false;
  });
}
