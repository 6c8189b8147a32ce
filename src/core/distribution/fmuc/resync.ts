/** XEP-0289 §8, "Resync after a split" (TBD there): what one node asks the other for, and what it answers. Decision #181. */
import type { HistoryItem, Subject } from '../../room/event.ts';
import { recent, sendable } from '../../room/history.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { sameSubject } from '../../room/subject.ts';
import { haveMax, type Resync } from '../../xep/fmuc-sync.ts';
import type { HistoryRequest } from '../../xep/xep0045.ts';
import { isTombstone } from '../../xep/xep0424.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { stanzaText } from '../../xmpp/stanza.ts';
import { type Instant, instant } from '../../xmpp/time.ts';
import type { Link } from '../link.ts';
import { byOwnClock, underWayMs } from './clocks.ts';
import type { Links } from './links.ts';
import { nodeHistory, pastMessage, pastSubject, resyncRequest, retractionsFor } from './stanzas.ts';

/**
 * What this room has missed of the other one.
 *
 * @param lost  when the two were in step for the last time, if they ever were
 * @returns undefined if they never were, as far as this room knows: then it asks for all that it may have
 */
export function missing(room: RoomView, peer: Jid, now: Instant, lost: Instant | undefined): Resync | undefined {
  const last = lost ?? room.atHand.findLast(({ via }) => via === peer)?.at;
  if (last === undefined) return undefined;
  // Our clock was set back since (decision #224): nobody knows how long ago that was.
  const inStep = last > now ? 0 : last;
  const around = room.history.filter(({ at, nick }) => nick !== '' && at >= inStep - underWayMs);
  const have = around.slice(-haveMax);
  // What is older than the list is not asked for again, lest all of it came twice.
  const first = around.length > have.length ? Math.min(inStep, have[0]?.at ?? inStep) : inStep - underWayMs;
  return { since: instant(Math.max(0, first)), now, maxstanzas: room.config.historyMax, have };
}

/** How much of the history a join asks for. Without resync, what was said in a split is not asked for. */
export function historyFor(room: RoomView, ask: Resync | undefined, lost: Instant | undefined): HistoryRequest {
  if (ask) return { maxstanzas: room.config.historyMax, since: ask.since };
  return { maxstanzas: lost !== undefined && !room.config.federation.resync ? 0 : room.config.historyMax };
}

/** What a join asks for, limited "in the normal manner, as in XEP-0045" (§5.1). `maxchars` counts what the node is sent. */
export function wanted(turn: RoomTurn, peer: Jid, history: HistoryRequest | undefined): readonly HistoryItem[] {
  const { room, env } = turn;
  const most = room.config.federation.historyMax;
  const all = sendable(turn, recent(room.history, history, env.now)).filter(isSaid);
  const said = all.slice(Math.max(0, all.length - most));
  if (history?.maxchars === undefined) return said;
  let first = said.length;
  for (let left = history.maxchars; first > 0; first--) {
    left -= stanzaText(nodeHistory(room, said[first - 1] as HistoryItem, peer)).length;
    if (left < 0) break;
  }
  return said.slice(first);
}

/** Whether it is a user's, and nobody took it back. */
function isSaid({ nick, payloads }: HistoryItem): boolean {
  return nick !== '' && !isTombstone(payloads);
}

/** What another node has missed: at most as much as it asks for, and as this room lets anybody have. */
export function missedBy(turn: RoomTurn, ask: Resync): readonly HistoryItem[] {
  const { room, env } = turn;
  const since = byOwnClock(env.now, ask.now, ask.since);
  const has = new Set(ask.have.map(({ by, id }) => `${by} ${id}`));
  const news = recent(room.history, { since }, env.now).filter(({ by, id }) => !has.has(`${by} ${id}`));
  const said = sendable(turn, news).filter(isSaid);
  return said.slice(Math.max(0, said.length - Math.min(ask.maxstanzas, room.config.federation.historyMax)));
}

/**
 * Whether this room keeps its subject, and the other node gets it: where neither has heard of the other's, the newer one
 * counts, and a node with none takes the other's. A replica's subject is the primary's (decision #172).
 */
export function keepsSubject({ mode }: Links, mine: Subject | undefined, theirs: Subject | undefined): boolean {
  if (mode === 'primary-replica') return false;
  if (mine === undefined || theirs === undefined) return mine !== undefined;
  return !sameSubject(mine, theirs) && mine.at > theirs.at;
}

/** Decision #183: a link is lost, and another node may know what was on its way over it. In a tree (#172) none does. */
export function askOthers(turn: RoomTurn, links: Links, lost: Jid, heard: Instant): void {
  const { room, env } = turn;
  if (links.mode === 'primary-replica') return;
  for (const peer of room.peers.keys()) {
    const link = peer === lost ? undefined : links.live(room, peer);
    const ask = link?.counts ? missing(room, peer, env.now, heard) : undefined;
    if (ask) link?.send(turn, resyncRequest(room, peer, ask), 'decision#183');
  }
}

/** What was asked for over a link. */
export function answerResync(turn: RoomTurn, links: Links, peer: Jid, ask: Resync): void {
  const link = links.live(turn.room, peer);
  for (const item of link?.counts ? missedBy(turn, ask) : [])
    link?.send(turn, pastMessage(turn.room, links, item, peer), 'decision#183');
}

/** The end of a join: what the joined node asked for, or what is newer here, goes the other way. @param kept  the subject */
export function catchUp(turn: RoomTurn, links: Links, link: Link, missed: readonly HistoryItem[], kept: boolean): void {
  const { room } = turn;
  const { peer, counts } = link;
  for (const item of missed) link.send(turn, pastMessage(room, links, item, peer), 'decision#181');
  if (kept) link.send(turn, pastSubject(turn, link), 'decision#181');
  // Decision #114: what was taken back here meanwhile.
  for (const item of counts ? retractionsFor(room, peer) : []) link.send(turn, nodeHistory(room, item, peer), '0425#3');
}
