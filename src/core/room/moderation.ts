import type { Env } from '../turn/env.ts';
import { isTombstone } from '../xep/xep0424.ts';
import { type ModerationRequest, readModerate, writeModeration } from '../xep/xep0425.ts';
import type { Jid } from '../xmpp/jid.ts';
import { iqResult, type Stanza } from '../xmpp/stanza.ts';
import type { XmlElement } from '../xmpp/xml.ts';
import type { Found } from './archive-store.ts';
import type { ChangeOf } from './change.ts';
import { stampOf } from './checks.ts';
import { commit, decided } from './commit.ts';
import type { HistoryItem, Occupant } from './event.ts';
import { roleOf } from './lists.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Distribution, RoomTurn } from './room-turn.ts';
import { hasSession, isOf } from './sessions.ts';
import type { RoomView } from './state.ts';
import { refuse } from './tell.ts';

const spec = '0425#3';

/** Messages of different nodes may have one id. */
const sameIdMax = 100;

/** A moderator has the room take a message back. XEP-0425 §3. @param found  in the store; absent: nobody has searched it yet */
export function moderateIq(turn: RoomTurn, stanza: Stanza, moderate: XmlElement, found?: Found): void {
  const { room, distribution, env } = turn;
  const { id } = readModerate(moderate);
  const target = id === undefined ? undefined : find(room, id, found);
  const wish = checkModeration(room, distribution, stanza.from, readModerate(moderate), target, env);
  // It may be in the archive and no longer at hand.
  const isUnknown = wish.kind === 'refusal' && wish.condition === 'item-not-found';
  if (isUnknown && found === undefined && !room.isWhole) return turn.search({ id, page: { max: sameIdMax } }, stanza);
  if (isUnknown && found === 'failed')
    return refuse(
      turn,
      stanza,
      refusal('wait', 'resource-constraint', spec, 'the archive cannot be read now'),
      moderate,
    );
  if (wish.kind === 'refusal') return refuse(turn, stanza, wish, moderate);
  if (wish.kind === 'message') {
    if (!decided(turn, stanza, [wish])) return;
    commit(turn, wish);
  }
  turn.send(iqResult(stanza), spec);
}

/** @returns `done`: the message has been taken back before */
function checkModeration(
  room: RoomView,
  distribution: Distribution,
  user: Jid,
  { id, retract, reason }: ModerationRequest,
  target: HistoryItem | undefined,
  env: Env,
): ChangeOf<'message'> | { readonly kind: 'done' } | Refusal {
  if (roleOf(room, distribution, user) !== 'moderator')
    return refusal('auth', 'forbidden', spec, 'only moderators moderate messages');
  if (id === undefined) return refusal('modify', 'bad-request', spec, 'a moderation names a message by its id');
  if (!retract) return refusal('modify', 'bad-request', spec, 'all that a moderation can be is a retraction');
  if (target === undefined) return refusal('cancel', 'item-not-found', spec, `no message here has the id ${id}`);
  // Decision #113.
  if (target.by !== room.jid)
    return refusal('cancel', 'not-allowed', spec, 'it was said at another node, whose moderators decide about it');
  if (target.nick === '') return refusal('cancel', 'not-allowed', spec, 'it is the word of the room itself');
  if (isTombstone(target.payloads)) return { kind: 'done' };
  const moderator = moderatorOf(room, distribution, user);
  const retraction = writeModeration(room.jid, { id, moderator, reason });
  const own = env.newId();
  const word = { by: room.jid, id: own, stanzaId: own, nick: '', occupantId: '', at: stampOf(room, env.now) };
  return { kind: 'message', occupant: moderator ?? nobody, item: { ...word, payloads: [retraction] } };
}

/** The message with this id, this room's own before others'. */
function find({ atHand, jid }: RoomView, id: string, found: Found | undefined): HistoryItem | undefined {
  const older = found === undefined || found === 'failed' ? [] : (found.page?.page ?? []).map(({ item }) => item);
  const named = [...atHand, ...older].filter((item) => item.id === id && !item.provisional);
  return named.find(({ by }) => by === jid) ?? named[0];
}

/** By bare JID, as everything that moderators and admins do: they may act from another client, and need not be in. */
function moderatorOf(room: RoomView, { traits }: Distribution, user: Jid): Occupant | undefined {
  const inside = [...room.occupants.values()].filter((one) => isOf(one, user) && traits.decidesAbout(one));
  return inside.find((one) => hasSession(one, user)) ?? inside[0];
}

/** An admin who is not in. */
const nobody: Occupant = { nick: '', affiliation: 'none', role: 'none', occupantId: '', presence: [] };
