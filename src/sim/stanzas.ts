import { hasStatus } from '../core/xep/xep0045.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { payloadOf, type Stanza } from '../core/xmpp/stanza.ts';

/** Whether it asks to enter. */
export function isJoin(stanza: Stanza): boolean {
  return stanza.name === 'presence' && stanza.type === undefined && payloadOf(stanza, 'x', NS.muc) !== undefined;
}

/** Whether a stanza is from the room, or from somebody in it. */
export function isOf({ from }: Stanza, room: Jid | undefined): boolean {
  if (room === undefined || from.length === room.length) return from === room;
  return from[room.length] === '/' && from.startsWith(room);
}

/** Whether it tells them of themselves, status 110. */
export function isSelf({ name, payloads }: Stanza): boolean {
  return name === 'presence' && hasStatus(payloads, 110);
}
