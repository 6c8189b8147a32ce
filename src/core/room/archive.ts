import { readForm } from '../xep/xep0004.ts';
import { writeMucUser } from '../xep/xep0045.ts';
import { pageOf, writePage } from '../xep/xep0059.ts';
import { writeForwarded } from '../xep/xep0297.ts';
import { queryForm, readQuery, writeFin, writeResult } from '../xep/xep0313.ts';
import { type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { bareOf, type Jid, resourceOf } from '../xmpp/jid.ts';
import { bodyOf, errorReply, iqResult, message, type Stanza, stanzaElement } from '../xmpp/stanza.ts';
import { dayMs, plus } from '../xmpp/time.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { Found } from './archive-store.ts';
import type { HistoryItem } from './event.ts';
import { liveMessage, sendable } from './history.ts';
import type { RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';

/** A page holds at most this many messages, whatever was asked for (XEP-0059 §2.1). */
const pageMax = 100;

/**
 * The room's archive. XEP-0313 §6.1.2: each message once, no private ones, real JIDs only for those who may
 * see them. Access is checked with every query, and again with what was found: a user who could not enter now reads nothing.
 *
 * @param found  in the store; absent: nobody has searched it yet
 */
export function archiveIq(turn: RoomTurn, stanza: Stanza, query: XmlElement, found?: Found): void {
  const { room } = turn;
  const refuse = (
    type: ErrorType,
    condition: 'forbidden' | 'item-not-found' | 'bad-request' | 'feature-not-implemented' | 'resource-constraint',
    text: string,
  ) => turn.send(errorReply(stanza, stanzaError(type, condition, text, room.jid)), '0313#6.1.2');
  if (!room.config.logging) return refuse('cancel', 'feature-not-implemented', 'this room keeps no archive');
  const affiliation = room.affiliationOf(stanza.from);
  // Who is in by a node that decides about them has given no password here.
  const occupant = room.occupantByJid(stanza.from);
  const inside = occupant !== undefined && turn.distribution.traits.decidesAbout(occupant);
  const closed =
    (room.config.membersOnly && affiliation === 'none') ||
    (room.config.password !== '' && affiliation === 'none' && !inside);
  if (affiliation === 'outcast' || closed) return refuse('auth', 'forbidden', 'only those who may enter may read');
  if (stanza.type === 'get') return turn.send(iqResult(stanza, queryForm()), '0313#4.1.5');
  const unknown = readForm(query)?.fields.find((field) => !['with', 'start', 'end'].includes(field.var));
  if (unknown) return refuse('cancel', 'feature-not-implemented', `no archive here is searched by ${unknown.var}`);
  const asked = readQuery(query);
  if ('error' in asked) return refuse('modify', 'bad-request', asked.error);
  const page = { ...asked.page, max: Math.min(asked.page.max ?? pageMax, pageMax) };
  // Nobody else speaks here.
  const isOfRoom = asked.with === undefined || bareOf(asked.with) === room.jid;
  const nick = asked.with === undefined ? undefined : resourceOf(asked.with);
  const { end } = asked;
  // What is older the archive may have until it next looks, but nobody reads it.
  const { days } = room.config.archive;
  const oldest = days === undefined ? undefined : plus(turn.env.now, -days * dayMs);
  const start = oldest !== undefined && oldest > (asked.start ?? 0) ? oldest : asked.start;
  if (found === undefined && isOfRoom && !room.isWhole) return turn.search({ nick, start, end, page }, stanza);
  if (found === 'failed') return refuse('wait', 'resource-constraint', 'the archive cannot be read now');
  const isWanted = (item: HistoryItem) =>
    isOfRoom &&
    item.at >= (start ?? Number.NEGATIVE_INFINITY) &&
    item.at <= (end ?? Number.POSITIVE_INFINITY) &&
    (nick === undefined || nick === item.nick);
  const result = found === undefined ? pageOf(room.atHand, isWanted, page) : foundPage(found);
  if (result === undefined) return refuse('cancel', 'item-not-found', 'no message has the id of the page asked for');
  const role = occupant?.role ?? (affiliation === 'owner' || affiliation === 'admin' ? 'moderator' : 'none');
  const seesJid = (item: HistoryItem) => role === 'moderator' || (room.whois === 'anyone' && !isGuarded(room, item));
  // The page stays as it is, so that clients can go on from its ends.
  for (const item of sendable(turn, result.page))
    turn.send(archived(room, item, stanza.from, asked.queryId, seesJid(item)), '0313#6.1.2');
  turn.send(iqResult(stanza, writeFin(result.complete, writePage(result))), '0313#4.3');
}

function foundPage({ page }: Exclude<Found, 'failed'>) {
  return page && { ...page, page: page.page.map(({ item }) => item) };
}

/** Whether another node may show the address of this author to fewer than this room does: of who is gone nobody knows. */
function isGuarded(room: RoomView, { via, author }: HistoryItem): boolean {
  if (via === undefined || author === undefined) return false;
  const known = room.occupantByJid(author);
  return known === undefined || known.guarded === true;
}

function archived(room: RoomView, item: HistoryItem, to: Jid, queryId: string | undefined, jid: boolean): Stanza {
  const stanza = liveMessage(room.jid, item, to);
  const element = stanzaElement(stanza);
  const { to: _, ...attrs } = element.attrs;
  // The author had a voice then. The affiliation is today's.
  const author = (jid: Jid) =>
    writeMucUser({ affiliation: room.affiliationOf(jid), role: 'participant', jid, statuses: [] });
  // Decision #116: without a body it would read as a notice of a changed affiliation (XEP-0045 §9.3).
  const shown = jid && bodyOf(stanza) !== undefined && item.author !== undefined ? [author(item.author)] : [];
  const original = { ...element, attrs, children: [...element.children, ...shown] };
  return message(room.jid, to, {}, writeResult(item.id, queryId, writeForwarded(original, { stamp: item.at })));
}
