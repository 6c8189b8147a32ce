import { domainOf, type Jid, parseJid, partsOf } from '../../xmpp/jid.ts';

/**
 * Decision #46: another address of a primary, `rooms.england.lit/wallops@rooms.england.lit`: its service's, and the room's own
 * as the resource. A server that hands everything for the room's address to a replica has no other way to the primary.
 *
 * @returns undefined if that is too long for an address
 */
export function byService(to: Jid): Jid | undefined {
  return parseJid(`${domainOf(to)}/${to}`);
}

/** The address that is meant by such a one; undefined: it is none. */
export function meantBy(to: Jid): Jid | undefined {
  const { local, domain, resource } = partsOf(to);
  if (local !== '' || resource === '') return undefined;
  const meant = parseJid(resource);
  return meant !== undefined && domainOf(meant) === domain && partsOf(meant).local !== '' ? meant : undefined;
}
