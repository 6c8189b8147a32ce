import type { Jid } from '../../xmpp/jid.ts';

/**
 * Whom the primary counts as a replica's users, in short: their number and an FNV-1a hash (32 bits) of them. Both sides
 * compute it, so that the list itself crosses the link only where it differs (decision #41). It is no protection: who
 * forges it deceives themselves about their own users.
 */
export function usersDigest(users: Iterable<readonly [nick: string, jid: Jid]>): string {
  const lines = [...new Set([...users].map(([nick, jid]) => `${jid}\n${nick}`))].sort();
  let hash = 0x811c9dc5;
  for (const line of lines) {
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash, 0x01000193);
  }
  return `${lines.length}-${(hash >>> 0).toString(16)}`;
}
