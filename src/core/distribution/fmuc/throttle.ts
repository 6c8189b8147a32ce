/** What becomes of what is more than a peer's budget (budgets.ts): decision #160. */
import { leave } from '../../room/commit.ts';
import { refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { tellUser } from '../../room/tell.ts';
import { readMucUser } from '../../xep/xep0045.ts';
import { stanzaError } from '../../xmpp/errors.ts';
import { type Jid, resourceOf } from '../../xmpp/jid.ts';
import { errorReply, type Stanza } from '../../xmpp/stanza.ts';
import { excessMax, type Kind } from '../budgets.ts';
import { refuseUser, refuseWords } from './admission.ts';
import type { FromNode } from './from-node.ts';
import type { Links } from './links.ts';
import { spokenForBy, theirs } from './occupants.ts';
import { placed, placeOf } from './place.ts';

/** What a stanza of a node costs; undefined: nothing, such as a leave, which there can be only after something that did. */
function costOf(what: FromNode, { name, type, payloads }: Stanza): Kind | undefined {
  switch (what.kind) {
    case 'join':
      return 'join';
    case 'iq':
      return type === 'get' || type === 'set' ? 'iq' : undefined;
    case 'pastMessage':
      return 'past';
    case 'presence':
      // A change of nick begins like a leave.
      return type === undefined || readMucUser(payloads)?.statuses.includes(303) ? 'presence' : undefined;
    case 'unlinked':
      return name === 'presence' ? 'presence' : 'message';
    case 'message':
    case 'moderation':
    case 'pastSubject':
      return 'message';
    default:
      return undefined;
  }
}

/**
 * What a peer sends is looked at only as far as its budget goes. What is too much is dropped, and people and the peer are told
 * now and then.
 *
 * @returns `cut`: it has gone on for so long that the link is to be given up
 */
export function afford(turn: RoomTurn, links: Links, peer: Jid, what: FromNode, stanza: Stanza): 'yes' | 'no' | 'cut' {
  const { env } = turn;
  const { budgets } = links;
  const kind = costOf(what, stanza);
  if (kind === undefined || budgets.spend(peer, kind, env.now)) return 'yes';
  const excess = budgets.exceed(peer, env.now);
  if (excess >= excessMax) {
    budgets.cut(peer, env.now);
    const text = `${peer} sends too much: the link is given up for a while`;
    turn.note('decision#160', text, { peer, sign: 'refused' });
    tellOwners(turn, text);
    return 'cut';
  }
  const isTold = budgets.spend(peer, 'word', env.now);
  if (isTold) turn.note('decision#160', `${peer} sends too much: ${excess} stanzas dropped lately`, { peer });
  drop(turn, links, peer, what, stanza, isTold);
  return 'no';
}

/** A join by a peer whose link was given up: it may try again. @returns whether it is too early for that */
export function isTooEarly(turn: RoomTurn, { budgets }: Links, peer: Jid, stanza: Stanza): boolean {
  if (!budgets.isCut(peer, turn.env.now)) return false;
  const answer = errorReply(stanza, stanzaError('wait', 'resource-constraint', 'your node has sent too much'));
  const place = placeOf(stanza);
  if (answer) turn.send(placed(answer, place && { session: place.session, n: 0 }), 'decision#160', peer);
  return true;
}

/** What follows where something is not looked at, so that nobody is shown as they are not any more. */
function drop(turn: RoomTurn, links: Links, peer: Jid, what: FromNode, stanza: Stanza, isTold: boolean): void {
  const why = refusal('wait', 'resource-constraint', 'decision#160', 'your node sends too much');
  if (what.kind === 'message') {
    const author = spokenForBy(turn.room, links, peer, what.author, resourceOf(stanza.from));
    if (isTold && author) refuseWords(turn, links, peer, author, stanza, why);
  } else if (what.kind === 'presence') {
    const nick = resourceOf(stanza.from);
    const known = theirs(turn.room, peer, what.author);
    const guest = { peer, user: what.author, origin: peer, counts: true };
    // They are called otherwise now, and nobody is told how.
    if (known && (stanza.type === 'unavailable' || known.nick !== nick)) leave(turn, known, { payloads: [] });
    if (isTold && nick !== '' && stanza.type === undefined) refuseUser(turn, links, guest, nick, why);
  }
}

/** The owners who are in are told what became of a node. */
export function tellOwners(turn: RoomTurn, text: string): void {
  const { room } = turn;
  for (const occupant of room.locals)
    if (occupant.affiliation === 'owner') tellUser(turn, occupant.jid, text, 'decision#160');
}
