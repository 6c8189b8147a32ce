/** Whose users a node may speak for if nobody says otherwise: decision #155. */
import { domainOf, type Jid } from '../xmpp/jid.ts';

/**
 * The domains that are a node's own: that of its service, and the one above, at which its server has its users
 * (`rooms.denmark.lit`: `denmark.lit`).
 */
function ownDomains(node: Jid): readonly Jid[] {
  const domain = domainOf(node);
  const dot = domain.indexOf('.');
  return dot < 0 ? [domain] : [domain, domain.slice(dot + 1) as Jid];
}

/** Whether a user is of the node's own server. */
export function isOwnUser(node: Jid, user: Jid): boolean {
  return ownDomains(node).includes(domainOf(user));
}
