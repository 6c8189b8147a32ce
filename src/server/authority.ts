import { bareOf, domainOf, type Jid, parseJid, partsOf } from '../core/xmpp/jid.ts';
import type { Session } from './session.ts';

/**
 * Which `from` a session may use: default deny. RFC 6120 §8.1.2.1.
 *
 * | session | may send from | to |
 * |---|---|---|
 * | person | its full JID, with which whatever it claims is overwritten: converse.js claims its occupant JID in private messages | anybody |
 * | operator, observer | its full JID; its bare JID or none is stamped with it | anybody |
 * | service | any address of a domain it bound (XEP-0225); none is stamped with the domain | anybody |
 * | replica | its account, bare or full | anybody |
 * | replica that bound room R on this server | R or R/nick | this server's users |
 * | | a person of this server (relaying, XEP-0282 §4.8) | R, R/nick |
 *
 * @param to  undefined if the stanza has none
 * @returns the `from` to go on with, or undefined: the stream ends with `invalid-from`
 */
export function authorisedFrom(session: Session, from: string | undefined, to: Jid | undefined): Jid | undefined {
  const { account, server } = session;
  if (account.role === 'user') return session.address;
  const claimed = from === undefined ? undefined : parseJid(from);
  if (from !== undefined && claimed === undefined) return undefined;
  switch (account.role) {
    case 'operator':
    case 'observer':
      return claimed === undefined || claimed === session.address || claimed === account.address
        ? session.address
        : undefined;
    case 'service':
      if (claimed === undefined) return session.hosts.values().next().value;
      return session.hosts.has(domainOf(claimed)) ? claimed : undefined;
    case 'replica': {
      if (claimed === undefined) return session.address;
      if (claimed === session.address || claimed === account.address) return claimed;
      if (to === undefined) return undefined;
      if (session.hosts.has(bareOf(claimed))) return isUserOf(to, server.domain) ? claimed : undefined;
      if (!session.hosts.has(bareOf(to)) || !isUserOf(claimed, server.domain)) return undefined;
      // A node is not a person: one replica may not speak as another.
      const role = server.network.accounts.get(bareOf(claimed))?.role;
      return role === 'replica' || role === 'service' ? undefined : claimed;
    }
  }
}

function isUserOf(address: Jid, domain: Jid): boolean {
  const parts = partsOf(address);
  return parts.domain === domain && parts.local !== '';
}
