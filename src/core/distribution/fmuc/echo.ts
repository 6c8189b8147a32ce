/** XEP-0289 §8: what a joined node in primary-replica mode sends back to the node that it had it from. Decision #151. */
import type { RoomTurn } from '../../room/room-turn.ts';
import type { RoomView } from '../../room/state.ts';
import { writeFmuc } from '../../xep/xep0289.ts';
import { type Jid, occupantJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { make, type Stanza, withPayloads } from '../../xmpp/stanza.ts';
import type { XmlElement } from '../../xmpp/xml.ts';
import type { Link } from '../link.ts';
import type { Links } from './links.ts';
import { originOf, passedBy, trailOf } from './place.ts';
import { trailed } from './stanzas.ts';

/**
 * A stanza of a node that joined this one has been taken.
 *
 * @param told  whether anything happened by it
 */
export function echo(turn: RoomTurn, links: Links, peer: Jid, author: Jid, stanza: Stanza, told: boolean): void {
  const { room } = turn;
  const link = links.live(room, peer);
  if (link === undefined || !links.isPrimaryOf(room, peer)) return;
  if (!isTaken(room, link, author, stanza, told)) return;
  const nick = room.occupantByJid(author)?.nick ?? resourceOf(stanza.from);
  const to = stanza.name === 'presence' ? occupantJid(peer, resourceOf(stanza.from)) : peer;
  const { type, lang, payloads } = stanza;
  const back = make(stanza.name, occupantJid(room.jid, nick), to, { id: originOf(stanza), type, lang }, payloads);
  link.send(turn, link.counts ? ownMarks(room, back, author, stanza, peer) : back, '0289#8');
}

/** A presence may say nothing new, and a leave is what nobody waits for; a node without our extension might. */
function isTaken(room: RoomView, { peer, counts }: Link, author: Jid, stanza: Stanza, told: boolean): boolean {
  if (stanza.name === 'message') return told && stanza.type === 'groupchat';
  if (stanza.type === 'unavailable') return told && !counts;
  const known = room.occupantByJid(author);
  return known?.home === peer && known.nick === resourceOf(stanza.from);
}

/** The child elements stay as they came, but for what is about the other direction of the link. */
function ownMarks(room: RoomView, back: Stanza, author: Jid, stanza: Stanza, peer: Jid): Stanza {
  const marked = withPayloads(
    back,
    back.payloads.map((payload) => (isFmuc(payload) ? ofUser(author) : payload)),
  );
  const { by = peer, id } = trailOf(stanza, peer) ?? {};
  return trailed(room, marked, { by, id, via: passedBy(stanza, peer).slice(1) });
}

/** Something of a node that joined this one, as it goes on to the room that this one joins. */
export function relayed(room: RoomView, author: Jid, stanza: Stanza, to: Jid): Stanza {
  const { name, type, lang } = stanza;
  const nick = resourceOf(stanza.from);
  const payloads = stanza.payloads.map((payload) => (isFmuc(payload) ? ofUser(author) : payload));
  const at = name === 'presence' ? occupantJid(to, nick) : to;
  return make(name, occupantJid(room.jid, nick), at, { id: originOf(stanza), type, lang }, payloads);
}

function isFmuc({ name, xmlns }: XmlElement): boolean {
  return name === 'fmuc' && xmlns === NS.fmuc;
}

function ofUser(author: Jid): XmlElement {
  return writeFmuc({ kind: 'from', from: author });
}
