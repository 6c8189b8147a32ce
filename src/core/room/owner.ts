import { type Form, readForm, writeForm } from '../xep/xep0004.ts';
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { iqResult, type Stanza } from '../xmpp/stanza.ts';
import { childOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';
import { changesOfAffiliation, initialRole } from './affiliation.ts';
import type { Change } from './change.ts';
import { commitAll, decided } from './commit.ts';
import type { RoomSettings } from './config.ts';
import { configForm, readConfigForm, type SubmittedConfig, statusesOf } from './config-form.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { Distribution, RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import { refuse } from './tell.ts';

/** IQs of the namespace muc#owner: configuration (XEP-0045 §10.1, §10.2) and destruction (§10.9). */
export function ownerIq(turn: RoomTurn, stanza: Stanza, query: XmlElement): void {
  const { room, distribution } = turn;
  if (room.affiliationOf(stanza.from) !== 'owner')
    return refuse(turn, stanza, refusal('auth', 'forbidden', '0045#10.2', 'only owners configure a room'));
  if (stanza.type === 'get') {
    const form = writeForm(configForm(room, distribution.traits.configFields));
    return turn.send(iqResult(stanza, el('query', NS.mucOwner, {}, form)), '0045#10.2');
  }
  const order = childOf(query, 'destroy', NS.mucOwner);
  if (order) return destroy(turn, stanza, readDestruction(order), '0045#10.9');
  const form = readForm(query);
  if (form?.type === 'cancel') {
    // §10.1.3: the user who made it changed their mind.
    if (room.locked) return destroy(turn, stanza, {}, '0045#10.1.3');
    return turn.send(iqResult(stanza), '0045#10.1.3');
  }
  const submitted = checkConfiguration(room, distribution, form);
  if (submitted.kind === 'refusal') return refuse(turn, stanza, submitted);
  const { changes, affiliations } = submitted;
  const wishes = [...affiliations].map(
    ([user, affiliation]) =>
      () =>
        changesOfAffiliation(room, distribution, user, affiliation),
  );
  const steps = [() => changesOfConfiguration(room, distribution, changes), ...wishes];
  if (
    !decided(
      turn,
      stanza,
      steps.flatMap((step) => step()),
    )
  )
    return;
  // Each is checked against what the ones before it left: a room that becomes members-only removes those who are no longer
  // members.
  for (const step of steps) commitAll(turn, step());
  turn.send(iqResult(stanza), '0045#10.2');
}

/** What a submitted form changes, if all of it may happen. */
function checkConfiguration(
  room: RoomView,
  { traits }: Distribution,
  form: Form | undefined,
): SubmittedConfig | Refusal {
  if (form?.type !== 'submit')
    return refusal('modify', 'bad-request', '0045#10.2', 'a form of type submit or cancel is needed');
  const submitted = readConfigForm(room, traits.configFields, form);
  if (submitted.kind === 'refusal') return submitted;
  const wrong = traits.contradiction?.(room.jid, { ...room.config, ...submitted.changes });
  if (wrong !== undefined) return refusal('modify', 'not-acceptable', '0045#10.2', wrong);
  const owners = new Set([...room.affiliations].filter(([, held]) => held === 'owner').map(([user]) => user));
  for (const [user, affiliation] of submitted.affiliations) {
    if (affiliation === 'owner') owners.add(user);
    else owners.delete(user);
  }
  return owners.size === 0 ? refusal('cancel', 'conflict', '0045#10.5', 'a room keeps at least one owner') : submitted;
}

/**
 * What follows from new settings. They unlock the room. Users whom it does not want any more are out (322). The occupants
 * are told what they must know (§10.2.1), and everybody's presence if it says something else now.
 */
export function changesOfConfiguration(
  room: RoomView,
  { traits }: Distribution,
  changes: Partial<RoomSettings>,
): readonly Change[] {
  if (!room.locked && Object.keys(changes).length === 0) return [];
  const occupants = [...room.occupants.values()];
  const out = new Set(
    changes.membersOnly
      ? occupants.filter((occupant) => occupant.affiliation === 'none' && traits.mayRemove(occupant))
      : [],
  );
  const statuses = statusesOf(changes);
  // Before the change itself: what has an earlier position in the room's sequence is sent earlier.
  const all: Change[] = [...out].map((occupant) => ({
    kind: 'left',
    occupant,
    parts: { statuses: [322], payloads: [] },
  }));
  all.push({ kind: 'configured', changes, statuses });
  // Voice by default changes with moderation, and JIDs appear or not with `whois`, so everybody's presence is new (§10.2.1).
  const after = { ...room.config, ...changes };
  for (const occupant of occupants) {
    if (out.has(occupant)) continue;
    const { affiliation, role: before } = occupant;
    const kept = affiliation !== 'none' || before === 'moderator' || !traits.decidesAbout(occupant);
    const role = changes.moderated === undefined || kept ? before : initialRole('none', after);
    if (changes.whois !== undefined || role !== before)
      all.push({ kind: 'presence', occupant: { ...occupant, role }, parts: {} });
  }
  return all;
}

/** Why a room ends, and where to go instead. §10.9. */
export interface Destruction {
  readonly venue?: Jid | undefined;
  readonly reason?: string;
  readonly password?: string;
}

/** @param xmlns  of what an owner says, or of what users are told */
export function readDestruction(order: XmlElement, xmlns: string = NS.mucOwner): Destruction {
  const reason = childOf(order, 'reason', xmlns);
  const password = childOf(order, 'password', xmlns);
  return {
    venue: parseJid(order.attrs['jid'] ?? ''),
    ...(reason ? { reason: textOf(reason) } : {}),
    ...(password ? { password: textOf(password) } : {}),
  };
}

function destroy(turn: RoomTurn, stanza: Stanza, why: Destruction, spec: string): void {
  const changes = changesOfDestruction(turn.room, why);
  if (!decided(turn, stanza, changes)) return;
  commitAll(turn, changes);
  turn.send(iqResult(stanza), spec);
}

/**
 * §10.9: everybody is out, told why and where to go; then the room is gone.
 *
 * @param id  where it goes with its only occupant: of the presence with which they leave (§10.1.3)
 */
export function changesOfDestruction(
  room: RoomView,
  { venue, reason, password }: Destruction = {},
  id?: string,
): readonly Change[] {
  const children = [
    ...(password === undefined ? [] : [el('password', NS.mucUser, {}, password)]),
    ...(reason === undefined ? [] : [el('reason', NS.mucUser, {}, reason)]),
  ];
  const destroyed = el('destroy', NS.mucUser, { jid: venue }, ...children);
  const parts = { id, item: { affiliation: 'none' }, payloads: [], destroy: destroyed } as const;
  const leaves = [...room.occupants.values()].map(
    (occupant): Change => ({ kind: 'left', occupant, parts, alone: true }),
  );
  return [...leaves, { kind: 'destroyed' }];
}
