/**
 * XEP-0281 §3.2 Examples 9 to 11 and §3.7, decision #203: the history, asked for by whoever lacks some. An instance says how far it
 * has come with each room that accepts messages, and gets what is beyond that, a page at a time.
 */
import { commit } from '../../room/commit.ts';
import type { HistoryItem } from '../../room/event.ts';
import { sendable } from '../../room/history.ts';
import { cleanDecided, cleanPayloads, withoutAddresses } from '../../room/hygiene.ts';
import { isKept } from '../../room/keeping.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { subjectOf } from '../../room/subject.ts';
import {
  hasMore,
  type Reached,
  readAfter,
  readHave,
  readNews,
  readTopic,
  writeAfter,
  writeHave,
  writeMore,
  writeTopic,
} from '../../xep/instances.ts';
import { changesSubject, type HistoryRequest } from '../../xep/xep0045.ts';
import { readDelay } from '../../xep/xep0203.ts';
import { readHistoryRequest, readHistoryResult, writeHistoryRequest, writeHistoryResult } from '../../xep/xep0281.ts';
import { readStanzaId } from '../../xep/xep0359.ts';
import { readOccupantId } from '../../xep/xep0421.ts';
import { readModeration } from '../../xep/xep0425.ts';
import { bareOf, type Jid, parseJid, parseNick, partsOf, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { iq, iqResult, type Stanza } from '../../xmpp/stanza.ts';
import { childOf, elementsOf, serializedLength, type XmlElement } from '../../xmpp/xml.ts';
import { lateMessage, lateSubject } from '../resync.ts';
import { type Links, reached, sourceOf } from './links.ts';
import { isNewer, mayTellOf } from './messages.ts';
import { pastMessage, pastSubject } from './stanzas.ts';

/** Messages, and bytes, of a page. */
const pageMax = 100;
const pageBytes = 128 * 1024;

/** What is being fetched from one instance. */
interface Fetch {
  /** How far it had come when its first page was made; undefined until then. */
  upTo: readonly Reached[] | undefined;
  /** By epoch: how far what this room had lost of its own has come back, whatever the other says of how far that goes. */
  readonly back: Map<number, number>;
}

export class Past {
  readonly #links: Links;
  readonly #fetching = new Map<Jid, Fetch>();

  constructor(links: Links) {
    this.#links = links;
  }

  forget(peer: Jid): void {
    this.#fetching.delete(peer);
  }

  /** An instance says how far it has come: what is missing here is asked for. */
  look(turn: RoomTurn, peer: Jid, have: readonly Reached[]): void {
    if (!have.some((one) => this.#lacks(turn.room, peer, one))) return;
    this.begin(turn, peer);
  }

  /** §3.2 Example 9. */
  begin(turn: RoomTurn, peer: Jid): void {
    if (this.#fetching.has(peer)) return;
    this.#fetching.set(peer, { upTo: undefined, back: new Map() });
    this.#ask(turn, peer);
  }

  #lacks(room: RoomView, peer: Jid, { by, epoch, n }: Reached): boolean {
    if (by !== peer && peer !== sourceOf(room) && by !== room.jid) return false;
    // Of its own, a room may lack what it had accepted before it lost its log; its clock may have been ahead then.
    if (by === room.jid && epoch === room.epoch) return false;
    // Decision #213: each may have kept what the others have not.
    if (by === room.jid && !this.#links.hasReturned(peer)) return n > 0;
    return n > room.reached.in(by, epoch);
  }

  #ask(turn: RoomTurn, peer: Jid, after?: Pick<HistoryItem, 'by' | 'id'>): void {
    const { room, env } = turn;
    const counts = this.#links.of(peer)?.counts === true;
    const id = partsOf(sourceOf(room) === undefined ? peer : room.jid).local;
    const history: HistoryRequest = counts ? { maxstanzas: pageMax } : { maxstanzas: room.config.historyMax };
    const isHere = ({ by, epoch }: Reached) => by !== room.jid || epoch === room.epoch || this.#links.hasReturned(peer);
    const have = [...reached(room)].filter(isHere);
    const more = counts ? [...writeHave(have), ...(after === undefined ? [] : [writeAfter(after)])] : [];
    const request = iq(room.jid, peer, { type: 'get', id: env.newId() }, writeHistoryRequest(id, history, ...more));
    this.#links.ask(turn, request, 'history', '0281#3.2');
  }

  /** §3.2 Example 10. @returns whether it was such a request */
  answer(turn: RoomTurn, peer: Jid, stanza: Stanza): boolean {
    const { room, env } = turn;
    const asked = readHistoryRequest(stanza);
    if (asked === undefined) return false;
    const have = readHave(asked.room);
    const counts = this.#links.of(peer)?.counts === true;
    const after = readAfter(asked.room);
    const {
      maxstanzas = pageMax,
      seconds,
      since = seconds === undefined ? undefined : env.now - seconds * 1000,
    } = asked.history;
    const max = Math.min(pageMax, maxstanzas);
    const archive = room.atHand;
    const start =
      after === undefined ? 0 : archive.findLastIndex(({ by, id }) => by === after.by && id === after.id) + 1;
    const wanted = archive.filter(
      (item, i) =>
        i >= start &&
        (since === undefined || item.at >= since) &&
        (!counts || (this.#tells(room, peer, item.by) && isBeyond(have, item))),
    );
    const page: XmlElement[] = [];
    let last: HistoryItem | undefined;
    let bytes = 0;
    // A peer of the plain XEP gives no position, and gets the newest.
    const offered = sendable(turn, counts ? wanted : wanted.slice(-max));
    for (const item of offered) {
      const written = pastMessage(room, this.#links, item, peer);
      bytes += serializedLength(written);
      if (page.length >= max || (bytes > pageBytes && page.length > 0)) break;
      page.push(written);
      last = item;
    }
    const rest =
      counts && page.length < offered.length ? [writeMore(), ...(last === undefined ? [] : [writeAfter(last)])] : [];
    const topic = rest.length === 0 && sourceOf(room) === undefined ? [writeTopic(pastSubject(room, peer))] : [];
    const more = counts ? [...writeHave(this.#links.reachedFor(room, peer)), ...rest, ...topic] : [];
    turn.send(iqResult(stanza, writeHistoryResult(page, ...more)), '0281#3.2', peer);
    return true;
  }

  /** Of which rooms' messages this one tells a peer: what the peer would believe (`mayTellOf`). */
  #tells(room: RoomView, peer: Jid, by: Jid): boolean {
    return by === room.jid || by === peer || sourceOf(room) === undefined;
  }

  /** A page has come. */
  take(turn: RoomTurn, peer: Jid, stanza: Stanza): void {
    const { room } = turn;
    const fetching = this.#fetching.get(peer);
    const history = readHistoryResult(stanza);
    if (fetching === undefined || history === undefined) return;
    fetching.upTo ??= readHave(history);
    for (const element of elementsOf(history))
      if (element.name === 'message' && element.xmlns === NS.client) this.#takeMessage(turn, peer, element, fetching);
    const after = hasMore(history) ? readAfter(history) : undefined;
    if (after !== undefined) return this.#ask(turn, peer, after);
    this.#fetching.delete(peer);
    this.#links.returned(peer);
    const back = [...fetching.back].map(([epoch, n]): Reached => ({ by: room.jid, epoch, n }));
    for (const { by, epoch, n } of [...fetching.upTo, ...back])
      if (this.#lacks(room, peer, { by, epoch, n })) turn.record({ kind: 'reached', by, order: { epoch, n } });
    if (peer === sourceOf(room)) this.#takeTopic(turn, peer, readTopic(history));
  }

  /** The subject as the source has it: it may be older than all counting. */
  #takeTopic(turn: RoomTurn, peer: Jid, element: XmlElement | undefined): void {
    const { room } = turn;
    const payloads = element === undefined ? [] : elementsOf(element);
    const stamp = readDelay(payloads.find(({ name, xmlns }) => name === 'delay' && xmlns === NS.delay))?.stamp;
    if (element === undefined || stamp === undefined || !changesSubject(payloads)) return;
    const { by, id } = readStanzaId(payloads) ?? { by: peer, id: '' };
    const nick = parseNick(resourceOf(parseJid(element.attrs['from'] ?? '') ?? peer)) ?? '';
    const words = payloads.filter(({ name, xmlns }) => name === 'subject' && xmlns === NS.client);
    const item = {
      by,
      id,
      nick,
      occupantId: readOccupantId(payloads),
      at: stamp,
      lang: element.attrs['xml:lang'],
      payloads: words,
    };
    const subject = subjectOf(by === room.jid ? item : { ...item, via: by });
    if (isNewer(subject, room.subject)) commit(turn, lateSubject(room, subject, undefined, peer), { spec: '0281#3.7' });
  }

  #takeMessage(turn: RoomTurn, peer: Jid, element: XmlElement, { back }: Fetch): void {
    const { room } = turn;
    const item = readPast(room, this.#links, peer, element);
    if (item?.by === room.jid && item.order !== undefined)
      back.set(item.order.epoch, Math.max(item.order.n, back.get(item.order.epoch) ?? 0));
    if (item === undefined || room.holdsPast(item) || !isKept(item.payloads)) return;
    if (!mayTellOf(room, this.#links, peer, item))
      return turn.note('decision#203', `${peer} tells of what did not come by it: dropped`, { peer });
    const author = [...room.occupants.values()].find(
      ({ nick, occupantId }) => nick === item.nick && occupantId === item.occupantId,
    );
    // Decision #203: in the order of time, also if its instance does not count.
    const as = { kind: 'messageAccepted', n: room.n + 1, item, past: true } as const;
    if (!changesSubject(item.payloads)) return commit(turn, lateMessage(item, author, peer), { spec: '0281#3.7', as });
    const subject = subjectOf(item);
    if (isNewer(subject, room.subject)) {
      const change = lateSubject(room, subject, author, peer);
      return commit(turn, { ...change, item }, { spec: '0281#3.7' });
    }
    turn.record({ kind: 'messageAccepted', n: room.n + 1, item, past: true });
  }
}

/** Whether somebody who has come so far lacks it. What is older than all counting goes to those who have nothing of that room. */
function isBeyond(have: readonly Reached[], { by, order }: HistoryItem): boolean {
  const known = have.filter((one) => one.by === by);
  if (order === undefined) return known.length === 0;
  return order.n > Math.max(0, ...known.filter(({ epoch }) => epoch === order.epoch).map(({ n }) => n));
}

function readPast(room: RoomView, links: Links, peer: Jid, element: XmlElement): HistoryItem | undefined {
  const payloads = elementsOf(element);
  const from = parseJid(element.attrs['from'] ?? '');
  const nick = from === undefined ? '' : (parseNick(resourceOf(from)) ?? '');
  const delay = readDelay(childOf(element, 'delay', NS.delay));
  const news = readNews(payloads);
  const id = readStanzaId(payloads);
  const isRooms = nick === '' && readModeration(payloads) !== undefined;
  if (delay === undefined || (nick === '' && !isRooms)) return undefined;
  const author = delay.from !== undefined && bareOf(delay.from) !== peer ? delay.from : undefined;
  const { by = peer } = id ?? {};
  // Without an id that lasts, the same words at the same time are the same message.
  const lasting = id?.id ?? `${delay.stamp} ${nick}`;
  const clean = isRooms ? cleanDecided(room.jid, payloads) : cleanPayloads(by, cleanPayloads(room.jid, payloads));
  return {
    by,
    id: lasting,
    nick: by === peer ? links.nickOf(peer, nick) : nick,
    occupantId: readOccupantId(payloads),
    author,
    at: delay.stamp,
    stanzaId: news === undefined ? element.attrs['id'] : news.origin,
    lang: element.attrs['xml:lang'],
    payloads: withoutAddresses(clean, author ?? peer).filter(
      ({ name, xmlns }) => name !== 'delay' || xmlns !== NS.delay,
    ),
    ...(by === room.jid ? {} : { via: by }),
    order: news?.order,
  };
}
