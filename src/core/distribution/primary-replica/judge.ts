/** XEP-0282 §4.11.2: the primary judges what a replica's users did while it was cut off, by the rules of now. */
import { maySpeak } from '../../room/affiliation.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import { itemOf } from '../../room/room.ts';
import type { RoomView } from '../../room/state.ts';
import { tell } from '../../room/tell.ts';
import type { Turn } from '../../room/turn.ts';
import { readJoin } from '../../xep/xep0045.ts';
import type { Dmuc } from '../../xep/xep0282.ts';
import { type Condition, type ErrorType, stanzaError } from '../../xmpp/errors.ts';
import { type Jid, resourceOf } from '../../xmpp/jid.ts';
import { bodyOf, errorReply, type Stanza } from '../../xmpp/stanza.ts';
import { instant } from '../../xmpp/time.ts';
import type { Distribution } from '../distribution.ts';
import { sizeOf, splitCharactersMax, splitMessagesMax } from './limits.ts';
import type { Replicas } from './replicas.ts';

/** Acts of one split that are counted. */
const actsMax = 10_000;

/**
 * A stanza of a user of `replica` that bears the mark of a split.
 *
 * @returns false if it is to be taken as any other stanza of theirs
 */
export function judge(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  replicas: Replicas,
  replica: Jid,
  dmuc: Dmuc & { readonly split: string },
  stanza: Stanza,
): boolean {
  const state = replicas.of(turn, room, replica);
  if (state.relayed.size < actsMax) state.relayed.add(dmuc.split);
  const occupant = room.occupantByJid(stanza.from);
  const theirs = occupant?.home === replica ? occupant : undefined;
  if (stanza.name === 'presence') {
    // Whoever serves them: leaving is theirs to decide.
    if (stanza.type === 'unavailable') return occupant === undefined;
    if (readJoin(stanza.payloads)) {
      // A provisional entry is a join like any other; their replica has them, so from here on it serves them (decision #44).
      if (occupant && occupant.home === undefined) {
        turn.record({ kind: 'occupantChanged', room: room.jid, occupant: { ...occupant, home: replica } });
        state.heard.add(stanza.from);
      }
      return false;
    }
    const payloads = JSON.stringify(cleanPayloads(room.jid, stanza.payloads));
    return theirs?.nick !== resourceOf(stanza.to) || JSON.stringify(theirs.presence) === payloads;
  }
  const drop = (why: string, type: ErrorType, condition: Condition) => {
    // Decision #42: whoever loses something is told, as of any other word of theirs.
    turn.send(errorReply(stanza, stanzaError(type, condition, why)), 'decision#42');
    turn.note('decision#42', `what ${stanza.from} said during the split is dropped: ${why}`, {
      room: room.jid,
      peer: replica,
      sign: 'judged',
    });
    return true;
  };
  if (stanza.name !== 'message' || stanza.type !== 'groupchat' || bodyOf(stanza) === undefined)
    return drop('it is no message to the room', 'modify', 'bad-request');
  const identity = { by: replica, id: dmuc.split };
  // Repeated: it has its place already.
  if (room.holds(identity)) return true;
  if (theirs === undefined) return drop('they are not in the room', 'modify', 'not-acceptable');
  if (!maySpeak(theirs.role, room.config)) return drop('they have no voice', 'auth', 'forbidden');
  const size = sizeOf(cleanPayloads(room.jid, stanza.payloads));
  if (state.messages + 1 > splitMessagesMax || state.characters + size > splitCharactersMax)
    return drop('it is more than a split may bring', 'wait', 'resource-constraint');
  state.messages++;
  state.characters += size;
  // Not before the split and not after now, whatever the replica's clock says.
  const stamp = dmuc.delay?.stamp ?? turn.env.now;
  const at = instant(Math.min(turn.env.now, Math.max(state.notBefore, stamp)));
  const item = { ...itemOf(turn, room, theirs, stanza), at, split: identity };
  turn.record({ kind: 'messageAccepted', room: room.jid, n: room.n + 1, item });
  const change = { kind: 'message', occupant: theirs, item, late: true } as const;
  tell(turn, room, change, 'decision#42');
  distribution.spread(turn, room, change);
  return true;
}
