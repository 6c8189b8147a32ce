/**
 * XEP-0282 §4.11.1.2: what a replica does with what its users send while it is cut off from the primary. What it MUST do is
 * presence (and leaves, which replica.ts does in any state); the MAYs are the room's policy (decision #17).
 */

import { answerOfAccount, relayedIq } from '../../room/account-iq.ts';
import { mayChangeRole } from '../../room/affiliation.ts';
import type { ChangeOf } from '../../room/change.ts';
import { checkGroupchat, checkPresence, checkPrivateMessage } from '../../room/checks.ts';
import { commit } from '../../room/commit.ts';
import { type Divergence, isLocal, type LocalOccupant, type Occupant } from '../../room/event.ts';
import { handBack } from '../../room/hand-back.ts';
import { cleanPayloads } from '../../room/hygiene.ts';
import { isKept } from '../../room/keeping.ts';
import { nickIsFree } from '../../room/nick.ts';
import { asks } from '../../room/passed.ts';
import { refusal } from '../../room/refusal.ts';
import type { RoomTurn } from '../../room/room-turn.ts';
import { isServedHere, localSessions } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { deliverPrivate, passOn, refuse } from '../../room/tell.ts';
import { presenceFor, seesPresence } from '../../room/visibility.ts';
import { type JoinRequest, joinOf, readMucItems, subjectChange } from '../../xep/xep0045.ts';
import { isPing } from '../../xep/xep0199.ts';
import type { Condition, ErrorType } from '../../xmpp/errors.ts';
import { type Jid, parseNick, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { iqResult, payloadOf, type Stanza, withParts } from '../../xmpp/stanza.ts';
import { isWordless } from '../wordless.ts';
import { sizeOf, splitCharactersMax, splitMessagesMax } from './limits.ts';

const spec = '0282#4.11.1.2';

/** Records what the primary does not know of. */
export function diverge(turn: RoomTurn, act: Divergence): void {
  turn.record({ kind: 'diverged', act });
}

/**
 * Anything but a leave, from a user of this replica.
 *
 * @param self  the replica's own address, which names what is said here until the primary does
 * @param awaited  whether the primary may still answer a join of theirs itself
 * @param kick  takes a local user out, and returns what tells the others
 */
export function whileApart(
  turn: RoomTurn,
  self: Jid,
  stanza: Stanza,
  awaited: boolean,
  kick: (target: LocalOccupant, item: { readonly actor: string; readonly reason?: string }) => readonly (() => void)[],
): void {
  const { room } = turn;
  const no = (type: ErrorType, condition: Condition, text: string | undefined) =>
    refuse(turn, stanza, refusal(type, condition, spec, text));
  const cutOff = () => no('wait', 'remote-server-timeout', 'the room is cut off from its primary');
  const known = room.occupantByJid(stanza.from);
  const local = known && isLocal(known) ? known : undefined;
  const nick = resourceOf(stanza.to);
  const { config } = room;
  const may = (flag: boolean) => config.split.policy === 'local' && flag;
  if (stanza.name === 'presence') {
    if (stanza.type !== undefined) return;
    const join = joinOf(stanza);
    if (local?.nick === nick) return changePresence(turn, local, stanza);
    const enters = join && known === undefined && nick !== '' && may(config.split.entry);
    // Decision #53: whether they are banned is all that is known of who they are.
    if (enters && room.affiliationOf(stanza.from) === 'outcast')
      return no('auth', 'forbidden', 'you are banned from this room');
    return enters && !awaited && !leftElsewhere(room, stanza.from)
      ? enterProvisionally(turn, stanza, nick, join, () => no('cancel', 'conflict', 'the nick is taken'))
      : cutOff();
  }
  const request = stanza.type === 'get' || stanza.type === 'set';
  if (stanza.name === 'iq' && !request && handBack(turn, stanza)) return;
  const target = nick === '' ? undefined : room.occupants.get(nick);
  const here = target ? localSessions(target) : [];
  // Decision #133. A private message to somebody here is passed on whatever it says.
  if (isWordless(stanza) && !(local && here.length > 0 && may(config.split.private))) return;
  const answer = stanza.name === 'iq' && here.length > 0 ? answerOfAccount(room, stanza) : undefined;
  if (answer) return turn.send(answer, spec);
  if (local === undefined) return cutOff();
  if (stanza.name === 'message') {
    if (nick !== '') {
      if (here.length === 0 || stanza.type === 'groupchat' || !may(config.split.private)) return cutOff();
      const addressee = checkPrivateMessage(room, local, nick, stanza);
      if ('kind' in addressee) return refuse(turn, stanza, { ...addressee, spec });
      const clean = withParts(stanza, { payloads: cleanPayloads(room.jid, stanza.payloads) });
      const asked = asks(stanza);
      for (const { jid } of here) deliverPrivate(turn, local, jid, clean, asked, spec);
      return;
    }
    // A subject cannot change without the primary (decision #17).
    if (stanza.type !== 'groupchat' || subjectChange(stanza) !== undefined || !may(config.split.chat)) return cutOff();
    const said = room.divergence.flatMap((act) => (act.kind === 'said' ? [act.item] : []));
    const size = said.reduce((sum, item) => sum + sizeOf(item.payloads), sizeOf(stanza.payloads));
    if (said.length >= splitMessagesMax || size > splitCharactersMax) return cutOff();
    const change = checkGroupchat(room, local, stanza, turn.env);
    if (change.kind === 'refusal') return refuse(turn, stanza, { ...change, spec });
    // Words that may not be kept until the primary can hear them are not said (decision #110).
    return isKept(change.item.payloads) ? say(turn, self, local, change) : cutOff();
  }
  const query = stanza.type === 'set' && nick === '' ? payloadOf(stanza, 'query', NS.mucAdmin) : undefined;
  if (query && may(config.split.kick)) {
    const [item, ...more] = readMucItems(query);
    const victim = item?.nick === undefined ? undefined : room.occupants.get(parseNick(item.nick) ?? '');
    if (item?.role !== 'none' || more.length > 0) return cutOff();
    // D15: only those here, and only by whom the primary made a moderator.
    const [first] = victim ? localSessions(victim) : [];
    if (victim === undefined || first === undefined)
      return no('auth', 'forbidden', 'while the room is cut off moderators kick those beside them');
    const denied = mayChangeRole(local, victim, 'none');
    if (denied) return no(denied.type, denied.condition, denied.text);
    turn.note(spec, `${local.nick} kicks ${victim.nick} while the room is cut off`);
    // XEP-0045 §8.2: the victim first, then the result, then what the others see of it.
    const later = kick(first, { actor: local.nick, ...(item.reason === undefined ? {} : { reason: item.reason }) });
    turn.send(iqResult(stanza), spec);
    for (const tellOthers of later) tellOthers();
    return;
  }
  const [session] = here;
  if (session === undefined || !may(config.split.private)) return request ? cutOff() : undefined;
  // XEP-0410: the answer is the room's own.
  if (session.nick === local.nick && request && isPing(stanza)) return turn.send(iqResult(stanza), '0410#3');
  const sent = relayedIq(room, local, session, stanza);
  if (sent === undefined) return;
  // The answer of an account has its own way back (decision #111).
  if (request && resourceOf(sent.to) !== '') passOn(turn, sent, asks(stanza), spec);
  else turn.send(sent, spec);
}

/**
 * "react to people sending presence updates … and broadcast those changes to local users". With a join inside, it is a
 * client that lost track of being in: all that a join brings is here (XEP-0045 §17.3, decision #9).
 */
function changePresence(turn: RoomTurn, local: LocalOccupant, stanza: Stanza): void {
  const change = checkPresence(turn.room, local, stanza);
  const { presence } = change.occupant;
  commit(turn, change, { spec, n: 'none' });
  // The presence of one who is not accepted yet goes along with their join.
  if (change.kind === 'presence' && !local.provisional)
    diverge(turn, { kind: 'changed', id: turn.env.newId(), jid: local.jid, nick: local.nick, presence });
}

/** "enable local participants to continue their in-room conversation with other local participants". */
function say(turn: RoomTurn, self: Jid, local: LocalOccupant, change: ChangeOf<'message'>): void {
  const item = { ...change.item, by: self, provisional: true } as const;
  const act: Divergence = { kind: 'said', id: item.id, jid: local.jid, item };
  commit(turn, { ...change, item }, { spec, as: { kind: 'diverged', act } });
}

/**
 * Decision #44: this replica did not serve them, and the primary has yet to hear that they left. It may serve them itself
 * until then: let in here they would be told of the room from two sides.
 */
function leftElsewhere({ divergence }: RoomView, user: Jid): boolean {
  return divergence.some((act) => act.kind === 'left' && act.jid === user && act.unserved && !act.provisional);
}

/** "enable local users to enter the room (DANGER!!!)": of the history they get what was said here since the split. */
function enterProvisionally(turn: RoomTurn, stanza: Stanza, nick: string, join: JoinRequest, taken: () => void): void {
  const { room } = turn;
  // Another session of a user who is in is the primary's to let in: they have one that works (decision #140).
  if (room.occupants.has(nick) || !nickIsFree(room, nick, stanza.from)) return taken();
  const occupant: Occupant = {
    nick,
    jid: stanza.from,
    affiliation: 'none',
    role: room.config.moderated ? 'visitor' : 'participant',
    occupantId: room.occupantIdOf(stanza.from) ?? turn.env.newId(),
    presence: cleanPayloads(room.jid, stanza.payloads),
    provisional: true,
  };
  const { history } = join;
  diverge(turn, {
    kind: 'entered',
    id: turn.env.newId(),
    jid: stanza.from,
    ...(history === undefined ? {} : { history }),
  });
  commit(turn, { kind: 'entered', occupant, join, statuses: [] }, { spec, n: 'none' });
}

/**
 * Decision #16, #44: the primary held them for as long as it does. Under the policy `local` they were in all that time, so
 * they are let in again, as one who enters during a split, and what they said is judged. Nobody here is told of it.
 *
 * @param sessions  of one occupant
 */
export function enterAgain(turn: RoomTurn, sessions: readonly LocalOccupant[], n?: number): void {
  const { room } = turn;
  const [local] = sessions;
  if (local === undefined) return;
  const role = room.config.moderated ? 'visitor' : 'participant';
  const occupant = { ...local, affiliation: 'none', role, provisional: true } as const;
  turn.record({ kind: 'occupantChanged', occupant, ...(n === undefined ? {} : { n }) });
  // Of all that is kept: a room that shows no history to those who enter has one all the same.
  const after = room.atHand.findLast(({ provisional }) => !provisional)?.id ?? '';
  for (const { jid } of sessions)
    diverge(turn, { kind: 'entered', id: turn.env.newId(), jid, history: { maxstanzas: 0 }, after });
}

/**
 * "mark non-local users as away", and back.
 *
 * @param awaited  whether the primary may still answer a join of this user itself: then what it says of the others is news, and
 *   what is said here is not
 */
export function markOthers(turn: RoomTurn, away: boolean, awaited: (user: Jid) => boolean): void {
  const { room } = turn;
  for (const known of [...room.occupants.values()]) {
    if (isServedHere(known) || (known.cutOff ?? false) === away) continue;
    const { cutOff: _, ...here } = known;
    const occupant: Occupant = away ? { ...known, cutOff: true } : here;
    turn.record({ kind: 'occupantChanged', occupant });
    for (const viewer of room.locals)
      if (!awaited(viewer.jid) && seesPresence(room, occupant, viewer))
        turn.send(presenceFor(room, occupant, viewer), spec);
  }
}
