import { avatarHashes, vcardNs } from '../xep/xep0153.ts';
import { iqResult, type Stanza } from '../xmpp/stanza.ts';
import { sameElements, serializedLength, type XmlElement } from '../xmpp/xml.ts';
import type { ChangeOf } from './change.ts';
import { commit, decided } from './commit.ts';
import { statusesOf } from './config-form.ts';
import { type Refusal, refusal } from './refusal.ts';
import type { RoomTurn } from './room-turn.ts';
import type { RoomView } from './state.ts';
import { refuse } from './tell.ts';

/** A vCard is part of every snapshot, and goes to everybody who asks: an avatar of 90 KiB is large. In bytes as written. */
export const vcardMax = 128 * 1024;

/** Photos of one vCard: the same picture in several formats (XEP-0486 §5.1). */
const photosMax = 10;

const spec = '0486#3.2';

/** XEP-0486, XEP-0054: owners give the room a vCard, and with it an avatar; everybody may read it. */
export function vcardIq(turn: RoomTurn, stanza: Stanza, vcard: XmlElement): void {
  const { room } = turn;
  if (stanza.type === 'get') {
    const known = room.config.vcard;
    if (known === 'none')
      return refuse(turn, stanza, refusal('cancel', 'item-not-found', spec, 'the room has no vCard'));
    return turn.send(iqResult(stanza, known), '0486#3.4');
  }
  const wish = checkVcard(room, stanza, vcard);
  if (wish.kind === 'refusal') return refuse(turn, stanza, wish);
  if (!isSame(room.config.vcard, wish.changes.vcard)) {
    if (!decided(turn, stanza, [wish])) return;
    commit(turn, wish);
  }
  turn.send(iqResult(stanza), spec);
}

/** §3.2: an empty one is none. */
function checkVcard(room: RoomView, { from }: Stanza, vcard: XmlElement): ChangeOf<'configured'> | Refusal {
  if (room.affiliationOf(from) !== 'owner')
    return refusal('auth', 'forbidden', spec, 'only owners give a room its vCard');
  const length = serializedLength(vcard, '');
  if (length > vcardMax)
    return refusal(
      'modify',
      'policy-violation',
      spec,
      `${length} bytes are more than a room’s vCard may have: ${vcardMax}`,
    );
  const avatars = avatarHashes(vcard);
  if (avatars !== undefined && avatars.length > photosMax)
    return refusal('modify', 'policy-violation', spec, `a room’s vCard has at most ${photosMax} photos`);
  if (avatars === undefined) return refusal('modify', 'bad-request', spec, 'the BINVAL of a PHOTO is no base64');
  const isEmpty = !vcard.children.some((node) => typeof node !== 'string');
  const changes = { vcard: isEmpty ? 'none' : vcard, avatars } as const;
  return { kind: 'configured', changes, statuses: statusesOf(changes) };
}

function isSame(a: XmlElement | 'none', b: XmlElement | 'none' | undefined): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && sameElements([a], [b]));
}

/** Whether an iq is about the vCard of the room. */
export function isVcard({ name, xmlns }: XmlElement): boolean {
  return name === 'vCard' && xmlns === vcardNs;
}
