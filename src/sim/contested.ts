import { isRefused } from '../core/xep/fmuc-sync.ts';
import { readMucUser } from '../core/xep/xep0045.ts';
import { readFmuc } from '../core/xep/xep0289.ts';
import { bareOf, type Jid, resourceOf } from '../core/xmpp/jid.ts';
import { errorOf } from '../core/xmpp/stanza.ts';
import type { Aftermath } from './aftermath.ts';
import type { SimRecord } from './trace.ts';

/**
 * Users (bare JIDs) whom some node of XEP-0289 does not show or hear, by its own rules (decisions #156, #161): the nodes differ
 * about them, and so do those who see or hear them. So it is with who has the nick of such a user somewhere else: where that one is
 * not shown, they are in (decision #169). A hostile node may say so of anybody.
 */
export function contestedIn(trace: readonly SimRecord[], world: Aftermath | undefined): ReadonlySet<Jid> {
  const users = new Set<Jid>();
  const nicks = new Set<string>();
  const conflicts: (readonly [string, Jid])[] = [];
  if (!world?.plan.mode.startsWith('0289')) return users;
  for (const record of trace) {
    if (record.kind !== 'in' || record.by === world.plan.hostileNode) continue;
    const { type, payloads } = record.stanza;
    const fmuc = type === 'error' || type === 'unavailable' ? readFmuc(payloads) : undefined;
    if (fmuc?.kind !== 'from') continue;
    const nick = resourceOf(record.stanza.from);
    if (isRefused(payloads)) nicks.add(nick);
    if (errorOf(record.stanza)?.condition === 'conflict') conflicts.push([nick, bareOf(fmuc.from)]);
    if (isRefused(payloads) || readMucUser(payloads)?.statuses.includes(307)) users.add(bareOf(fmuc.from));
  }
  for (const [nick, user] of conflicts) if (nicks.has(nick)) users.add(user);
  // No conflict comes of it where the room between the two has settled it for itself.
  for (const { node } of world.seats.values())
    for (const { occupants } of node.status().rooms)
      for (const { nick, jid } of occupants) if (jid !== undefined && nicks.has(nick)) users.add(bareOf(jid as Jid));
  return users;
}
