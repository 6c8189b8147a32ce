import type { Distribution } from '../distribution/distribution.ts';
import { readForm, writeForm } from '../xep/xep0004.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { type Jid, parseJid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorReply, iqResult, type Stanza } from '../xmpp/stanza.ts';
import { childOf, el, textOf, type XmlElement } from '../xmpp/xml.ts';
import { changeAffiliation } from './admin.ts';
import { initialRole } from './affiliation.ts';
import type { RoomSettings } from './config.ts';
import { configForm, readConfigForm, statusesOf } from './config-form.ts';
import { leave, update } from './room.ts';
import type { RoomView } from './state.ts';
import { isElsewhere, tell } from './tell.ts';
import type { Turn } from './turn.ts';

/** IQs of the namespace muc#owner: configuration (XEP-0045 §10.1, §10.2) and destruction (§10.9). */
export function ownerIq(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  stanza: Stanza,
  query: XmlElement,
): void {
  const refuse = (type: ErrorType, condition: Condition, spec: string, text?: string) =>
    turn.send(errorReply(stanza, stanzaError(type, condition, text)), spec);
  if (room.affiliationOf(stanza.from) !== 'owner')
    return refuse('auth', 'forbidden', '0045#10.2', 'only owners configure a room');
  if (stanza.type === 'get')
    return turn.send(iqResult(stanza, el('query', NS.mucOwner, {}, writeForm(configForm(room)))), '0045#10.2');
  const order = childOf(query, 'destroy', NS.mucOwner);
  if (order) {
    const venue = parseJid(order.attrs['jid'] ?? '');
    const reason = childOf(order, 'reason', NS.mucOwner);
    const password = childOf(order, 'password', NS.mucOwner);
    destroy(turn, room, distribution, {
      ...(venue ? { venue } : {}),
      ...(reason ? { reason: textOf(reason) } : {}),
      ...(password ? { password: textOf(password) } : {}),
    });
    return turn.send(iqResult(stanza), '0045#10.9');
  }
  const form = readForm(query);
  if (form?.type === 'cancel') {
    // §10.1.3: the one who made it changed their mind.
    if (room.locked) destroy(turn, room, distribution, {});
    return turn.send(iqResult(stanza), '0045#10.1.3');
  }
  if (form?.type !== 'submit')
    return refuse('modify', 'bad-request', '0045#10.2', 'a form of type submit or cancel is needed');
  const read = readConfigForm(room, form);
  if (!read.ok) return refuse('modify', 'not-acceptable', '0045#10.2', read.error);
  const owners = new Set([...room.affiliations].filter(([, held]) => held === 'owner').map(([user]) => user));
  for (const [user, affiliation] of read.affiliations) {
    if (affiliation === 'owner') owners.add(user);
    else owners.delete(user);
  }
  if (owners.size === 0) return refuse('cancel', 'conflict', '0045#10.5', 'a room keeps at least one owner');
  configure(turn, room, distribution, read.changes);
  for (const [user, affiliation] of read.affiliations) changeAffiliation(turn, room, distribution, user, affiliation);
  turn.send(iqResult(stanza), '0045#10.2');
}

/** Takes new settings, unlocks the room, and tells those inside what they must know (§10.2.1). */
function configure(turn: Turn, room: RoomView, distribution: Distribution, changes: Partial<RoomSettings>): void {
  const unlocked = room.locked;
  if (!unlocked && Object.keys(changes).length === 0) return;
  // Before the change itself: what has an earlier place in the room's sequence is sent earlier.
  if (changes.membersOnly) {
    for (const occupant of [...room.occupants.values()]) {
      if (occupant.affiliation === 'none' && !isElsewhere(room, occupant))
        leave(turn, room, distribution, occupant, { statuses: [322], payloads: [] });
    }
  }
  turn.record({ kind: 'roomConfigured', room: room.jid, n: room.n + 1, changes });
  const change = { kind: 'configured', changes, statuses: unlocked ? [] : statusesOf(changes) } as const;
  tell(turn, room, change);
  distribution.spread(turn, room, change);
  // Voice by default changes with moderation; JIDs appear or not with `whois`: everybody's presence is news (§10.2.1).
  for (const occupant of [...room.occupants.values()]) {
    const role =
      changes.moderated === undefined ||
      occupant.affiliation !== 'none' ||
      occupant.role === 'moderator' ||
      isElsewhere(room, occupant)
        ? occupant.role
        : initialRole('none', room.config);
    if (changes.whois !== undefined || role !== occupant.role) update(turn, room, distribution, { ...occupant, role });
  }
}

/** §10.9: everybody is out, told why and where to go; then the room is gone. */
export function destroy(
  turn: Turn,
  room: RoomView,
  distribution: Distribution,
  { venue, reason, password }: { readonly venue?: Jid; readonly reason?: string; readonly password?: string },
): void {
  const children = [
    ...(password === undefined ? [] : [el('password', NS.mucUser, {}, password)]),
    ...(reason === undefined ? [] : [el('reason', NS.mucUser, {}, reason)]),
  ];
  const destroyed = el('destroy', NS.mucUser, { jid: venue }, ...children);
  for (const occupant of [...room.occupants.values()])
    leave(
      turn,
      room,
      distribution,
      occupant,
      { item: { affiliation: 'none' }, payloads: [], destroy: destroyed },
      { alone: true },
    );
  turn.record({ kind: 'roomDestroyed', room: room.jid });
}
