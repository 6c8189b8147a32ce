/** XEP-0282 §4.11.2: the primary judges what a replica's users did while it was cut off, by the rules of now. */

import { checkGroupchat } from '../../room/checks.ts';
import { commit, leaveSession } from '../../room/commit.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { withHome } from '../../room/sessions.ts';
import { tooLarge } from '../../room/size.ts';
import { readJoin, subjectChange } from '../../xep/xep0045.ts';
import type { Dmuc } from '../../xep/xep0282.ts';
import { type Condition, type ErrorType, stanzaError } from '../../xmpp/errors.ts';
import { resourceOf } from '../../xmpp/jid.ts';
import { errorReply, iqResult, type Stanza, withPayloads } from '../../xmpp/stanza.ts';
import { instant } from '../../xmpp/time.ts';
import { isWordless } from '../wordless.ts';
import { sizeOf, splitCharactersMax, splitMessagesMax } from './limits.ts';
import type { ReplicaSession } from './replicas.ts';
import { place } from './to-replica.ts';

/** Acts of one split that are counted. */
const actsMax = 10_000;

/**
 * A stanza of a user of this replica that bears the mark of a split.
 *
 * @returns false if it is to be taken as any other stanza of theirs
 */
export function judge(
  turn: RoomTurn,
  session: ReplicaSession,
  dmuc: Dmuc & { readonly split: string },
  stanza: Stanza,
): boolean {
  const { room } = turn;
  const replica = session.link.peer;
  if (session.relayed.size < actsMax) session.relayed.add(dmuc.split);
  const occupant = room.occupantByJid(stanza.from);
  const theirs = occupant?.home === replica ? occupant : undefined;
  if (stanza.name === 'presence') {
    // Whoever serves them: leaving is theirs to decide.
    if (stanza.type === 'unavailable') return occupant === undefined;
    if (readJoin(stanza.payloads)) {
      // A provisional entry is a join like any other; their replica has them, so from here on it serves them (decision #44).
      if (occupant && occupant.home === undefined) {
        const whole = room.occupants.get(occupant.nick) ?? occupant;
        turn.record({ kind: 'occupantChanged', occupant: withHome(whole, stanza.from, replica) });
        session.heard.add(stanza.from);
      }
      // Where another session of theirs stays under the nick of before, this one has left it, and comes under its own.
      const before = room.occupantByJid(stanza.from);
      if (before?.sessions && before.nick !== resourceOf(stanza.to)) leaveSession(turn, before, { payloads: [] });
      return false;
    }
    const payloads = JSON.stringify(cleanPayloads(room.jid, stanza.payloads));
    return theirs?.nick !== resourceOf(stanza.to) || JSON.stringify(theirs.presence) === payloads;
  }
  // Decision #133: nobody would miss it.
  if (isWordless(stanza)) return true;
  const drop = (why: string, type: ErrorType, condition: Condition) => {
    // Decision #42: whoever loses something is told, as of any other word of theirs.
    turn.send(errorReply(stanza, stanzaError(type, condition, why, room.jid)), 'decision#42');
    turn.note('decision#42', `what ${stanza.from} said during the split is dropped: ${why}`, {
      peer: replica,
      sign: 'judged',
    });
    return true;
  };
  if (stanza.name !== 'message' || stanza.type !== 'groupchat' || subjectChange(stanza) !== undefined)
    return drop('it is no message to the room', 'modify', 'bad-request');
  const identity = { by: replica, id: dmuc.split };
  // Repeated: it has its place already.
  if (room.holds(identity)) return true;
  if (theirs === undefined) return drop('they are not in the room', 'modify', 'not-acceptable');
  const checked = checkGroupchat(room, theirs, stanza, turn.env);
  if (checked.kind === 'refusal') return drop('they have no voice', checked.type, checked.condition);
  const { payloads } = checked.item;
  const no = tooLarge(withPayloads(stanza, payloads));
  if (no) return drop(no.text ?? '', no.type, no.condition);
  const size = sizeOf(payloads);
  if (session.messages + 1 > splitMessagesMax || session.characters + size > splitCharactersMax)
    return drop('it is more than a split may bring', 'wait', 'resource-constraint');
  session.messages++;
  session.characters += size;
  // Not before the split and not after now, whatever the replica's clock says.
  const stamp = dmuc.delay?.stamp ?? turn.env.now;
  const at = instant(Math.min(turn.env.now, Math.max(session.notBefore, stamp)));
  const change = { ...checked, item: { ...checked.item, at, split: identity }, late: true };
  commit(turn, change, { spec: 'decision#42' });
  return true;
}

/**
 * Decision #42: so many acts of a split were relayed, says the replica. It may forget them if all have arrived.
 *
 * @returns whether they have
 */
export function settleSplit(turn: RoomTurn, session: ReplicaSession, count: number, request: Stanza): boolean {
  const { relayed, messages, link } = session;
  const arrived = relayed.size;
  relayed.clear();
  if (arrived < count) {
    const text = `${arrived} of ${count} arrived`;
    turn.send(errorReply(request, stanzaError('wait', 'resource-constraint', text)), 'decision#42', link.peer);
    return false;
  }
  const acts = count === 1 ? '1 act' : `${count} acts`;
  const taken = messages === 1 ? '1 message' : `${messages} messages`;
  const what = `judged: ${acts} of the split at ${link.peer}, ${taken} taken`;
  turn.note('decision#42', what, { peer: link.peer, sign: 'judged' });
  // Where what was accepted got lost on the way, the replica knows by the place.
  turn.send(iqResult(request, place(turn.room)), 'decision#42', link.peer);
  return true;
}
