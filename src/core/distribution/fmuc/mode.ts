/** XEP-0289 §2: the two modes, and where they contradict each other. Decision #153. */
import type { RoomView } from '../../room/state.ts';
import { readMode } from '../../xep/xep0289.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../../xmpp/stanza.ts';
import type { FmucMode } from '../config.ts';
import { passedBy, placeOf } from './place.ts';

export const fmucModes: readonly FmucMode[] = ['primary-primary', 'primary-replica'];

/** @throws RangeError that says what is wrong with the configuration */
export function modeOf(mode: string | undefined, outbound: readonly Jid[]): FmucMode {
  const known = fmucModes.find((one) => one === (mode ?? 'primary-primary'));
  if (known === undefined)
    throw new RangeError(`the mode of an FMUC room is ${fmucModes.join(' or ')}, and not ${JSON.stringify(mode)}`);
  if (known === 'primary-replica' && outbound.length > 1)
    throw new RangeError(`in primary-replica mode a room joins one room, its primary, and not ${outbound.join(', ')}`);
  return known;
}

/**
 * Why the two rooms cannot be linked, for the people who run the other one; undefined: nothing is against it.
 *
 * @param joins  whether this room is configured to join the one that asks
 */
export function contradiction(
  room: RoomView,
  mode: FmucMode,
  joins: boolean,
  peer: Jid,
  request: Stanza,
): string | undefined {
  // What a node without our extension is configured to is for those who run it to know.
  if (placeOf(request) !== undefined) {
    const theirs = readMode(payloadOf(request, 'fmuc', NS.fmuc)) ?? 'primary-primary';
    if (!fmucModes.some((one) => one === theirs))
      return `This room is in ${mode} mode, and does not know that of yours.`;
    if (theirs !== mode) return `This room is in ${mode} mode, and yours is in ${theirs} mode.`;
  }
  if (mode === 'primary-primary') return undefined;
  if (joins)
    return 'This room is a replica of yours: of two that join each other in primary-replica mode none is primary.';
  if (passedBy(request, peer).includes(room.jid))
    return 'Your primary is a replica of this room: of a ring in primary-replica mode none is primary.';
  return undefined;
}
