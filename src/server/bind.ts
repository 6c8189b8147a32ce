import { readHostBinding, writeHostBinding } from '../core/xep/xep0225.ts';
import { type StanzaError, stanzaError } from '../core/xmpp/errors.ts';
import { parseJid, resourceOf } from '../core/xmpp/jid.ts';
import { childOf, el, textOf, type XmlElement } from '../core/xmpp/xml.ts';
import { SNS } from './namespaces.ts';
import type { Session } from './session.ts';

/**
 * Binds a resource. RFC 6120 §7.6, §7.7.
 *
 * A session that holds the same full JID is ended (§7.7.2.2, the policy for newer sessions): a page that was reloaded
 * is back before its old socket is known to be dead.
 */
export function bindResource(session: Session, wanted: string | undefined): StanzaError | undefined {
  const { server, account } = session;
  if (account.role === 'service') return stanzaError('cancel', 'not-allowed', 'a service binds host names (XEP-0225)');
  if (session.resourceBound) return stanzaError('cancel', 'not-allowed', 'one resource a stream');
  const full = parseJid(`${account.address}/${wanted ?? server.network.host.randomId().slice(0, 12)}`);
  if (full === undefined || resourceOf(full) === '') return stanzaError('modify', 'bad-request', 'not a resource');
  server.user(account.address, resourceOf(full))?.peer.end('conflict', 'a newer session bound this resource');
  session.address = full;
  session.resourceBound = true;
  server.addUser(session);
  server.announce(session);
  return undefined;
}

/**
 * Binds a host name, or for a replica a room's bare JID, on this server. XEP-0225 §4.
 *
 * The newer session of the same account replaces the older one, as with resources.
 */
export function bindHost(session: Session, hostname: string): StanzaError | undefined {
  const { server, account } = session;
  const host = parseJid(hostname);
  if (host === undefined || resourceOf(host) !== '')
    return stanzaError('modify', 'bad-request', `not a host name: ${hostname.slice(0, 80)}`);
  const own = account.role === 'service' && host === account.address && server.services.has(host);
  const granted = session.isNode && server.network.accounts.isGranted(server.domain, account.address, host);
  if (!own && !granted)
    return stanzaError('cancel', 'not-allowed', `${account.address} may not bind ${host} on ${server.domain}`);
  const holder = server.hosts.get(host);
  if (holder !== undefined && (holder === session || holder.account.address !== account.address))
    return stanzaError('cancel', 'conflict', `${host} is bound already`);
  holder?.peer.end('conflict', `a newer session bound ${host}`);
  session.hosts.add(host);
  server.hosts.set(host, session);
  server.announce(session);
  return undefined;
}

/** XEP-0225 §4, Unbind Request. */
export function unbindHost(session: Session, hostname: string): StanzaError | undefined {
  const host = parseJid(hostname);
  if (host === undefined || !session.hosts.has(host))
    return stanzaError('cancel', 'item-not-found', 'not bound by this stream');
  session.hosts.delete(host);
  session.server.hosts.delete(host);
  if (session.account.role === 'service' && session.hosts.size === 0) session.server.withdraw(session);
  return undefined;
}

/** What `<bind/>` or `<unbind/>` asks for, in either namespace. @returns why not */
export function bindAsAsked(session: Session, payload: XmlElement): StanzaError | undefined {
  if (payload.xmlns === SNS.bind) {
    if (payload.name !== 'bind') return stanzaError('modify', 'bad-request', `<${payload.name.slice(0, 80)}/>`);
    const resource = childOf(payload, 'resource', SNS.bind);
    return bindResource(session, resource === undefined || textOf(resource) === '' ? undefined : textOf(resource));
  }
  const binding = readHostBinding(payload);
  if (binding === undefined) return stanzaError('modify', 'bad-request', `<${payload.name.slice(0, 80)}/>`);
  const { action, hostname } = binding;
  if (hostname === undefined) return stanzaError('modify', 'bad-request', 'a <hostname/> is needed');
  return action === 'bind' ? bindHost(session, hostname) : unbindHost(session, hostname);
}

/** What the answer to it holds. */
export function boundReply(session: Session, payload: XmlElement): XmlElement[] {
  if (payload.xmlns === SNS.bind) return [el('bind', SNS.bind, {}, el('jid', SNS.bind, {}, session.address))];
  if (payload.name === 'unbind') return [];
  // "Specifying the exact hostname that was bound": the last one of the set.
  return [writeHostBinding({ action: 'bind', hostname: [...session.hosts].at(-1) ?? '' })];
}
