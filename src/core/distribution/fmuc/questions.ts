/** What another node asks of this room's link with it: an iq between users, or a ping (decisions #24, #60, #146). */
import type { RoomTurn } from '../../room/room-turn.ts';
import { readLinkPlace, readWay, writeWay } from '../../xep/fmuc-sync.ts';
import { isPing } from '../../xep/xep0199.ts';
import { readFmuc } from '../../xep/xep0289.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { errorReply, iqResult, payloadOf, type Stanza } from '../../xmpp/stanza.ts';
import type { XmlNode } from '../../xmpp/xml.ts';
import type { Link } from '../link.ts';
import { takeIq } from './iqs.ts';
import type { Links } from './links.ts';

/** Compares how far the other side has counted with what has arrived. */
export type Compare = (turn: RoomTurn, link: Link | undefined, said: readonly XmlNode[]) => void;

/** @returns false if it is no business of the link's, such as a question about this room */
export function takeQuestion(turn: RoomTurn, links: Links, peer: Jid, stanza: Stanza, compare: Compare): boolean {
  const fmuc = readFmuc(stanza.payloads);
  if (fmuc?.kind === 'from') {
    takeIq(turn, links, peer, fmuc.from, stanza);
    return true;
  }
  if (!isPing(stanza)) return false;
  const link = links.of(peer);
  const live = links.live(turn.room, peer);
  live?.heard(turn.env.now);
  const question = payloadOf(stanza, 'ping', NS.ping);
  const user = question && readWay(question);
  if (user !== undefined) {
    const known = turn.room.occupantByJid(user) !== undefined;
    turn.send(iqResult(stanza, ...(known ? [writeWay(user)] : [])), 'decision#146', peer);
    return true;
  }
  const believed = question && readLinkPlace(question)?.session;
  // Decision #24, like XEP-0410 §3 for an occupant: the node that pings believes in a link that does not exist.
  if (link === undefined || (believed !== undefined && believed !== link.session))
    turn.send(errorReply(stanza, stanzaError('cancel', 'not-acceptable')), 'decision#24', peer);
  else link.pong(turn, stanza);
  compare(turn, live, question?.children ?? []);
  return true;
}
