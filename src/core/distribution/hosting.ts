/**
 * XEP-0281 §3.2 at a peerhost: whose rooms a service replicates. Decision #200: a service that is not asked has no state, and one that is
 * asked has none before it agrees.
 */
import { defaultRoomConfig } from '../room/config.ts';
import type { NodeTurn } from '../room/room-turn.ts';
import type { RoomView } from '../room/state.ts';
import type { ServiceOrder } from '../xep/xep0281.ts';
import { type Condition, type ErrorType, stanzaError } from '../xmpp/errors.ts';
import { bareOf, domainOf, type Jid, parseJid } from '../xmpp/jid.ts';
import { errorReply, iqResult, type Stanza } from '../xmpp/stanza.ts';
import { roomUri } from '../xmpp/xmpp-uri.ts';
import type { DistributedRoomConfig, HostingConfig } from './config.ts';

/** A room that another service has asked for. Its owners and its configuration are the source's. */
export function shadowConfig(jid: Jid, source: Jid, hosting: HostingConfig | undefined): DistributedRoomConfig {
  const trust = hosting?.trust;
  return {
    ...defaultRoomConfig(jid),
    logging: true,
    distribution: { kind: 'shadow', source, ...(trust === undefined ? {} : { trust }) },
  };
}

/**
 * An order from service to service: it is answered.
 *
 * @returns the room that it is about, if it is to be carried out there
 */
export function host(
  turn: NodeTurn,
  hosting: HostingConfig | undefined,
  rooms: readonly RoomView[],
  stanza: Stanza,
  order: ServiceOrder,
): Jid | undefined {
  const no = (type: ErrorType, condition: Condition, text: string, to?: string) => {
    const error = { ...stanzaError(type, condition, text, stanza.to), ...(to === undefined ? {} : { to }) };
    turn.note('0281#3.2', `${stanza.from} is refused: ${text}`, { sign: 'refused' });
    turn.send(errorReply(stanza, error), '0281#3.2', domainOf(stanza.from));
    return undefined;
  };
  const firsthost = domainOf(stanza.from);
  const jid = parseJid(`${order.id}@${stanza.to}`);
  if (order.id === '' || jid === undefined || bareOf(jid) !== jid)
    return no('modify', 'bad-request', `${JSON.stringify(order.id)} is no id of a room`);
  const known = rooms.find((room) => room.jid === jid);
  const isTheirs = stanza.from === firsthost && known?.of !== undefined && domainOf(known.of) === firsthost;
  const done = () => {
    turn.send(iqResult(stanza), '0281#3.2', firsthost);
    return jid;
  };
  if (order.kind === 'peerhost' || order.stops) {
    if (known === undefined) return no('cancel', 'item-not-found', `there is no room ${jid}`);
    // S2.
    return isTheirs ? done() : no('auth', 'forbidden', `${jid} is no shadow of a room of ${stanza.from}`);
  }
  // S1.
  if (stanza.from !== firsthost || !hosting?.firsthosts.includes(firsthost))
    return no('auth', 'forbidden', `rooms of ${stanza.from} are not replicated here`);
  const source = order.instance ?? parseJid(`${order.id}@${firsthost}`);
  if (source === undefined || domainOf(source) !== firsthost || bareOf(source) !== source)
    return no('modify', 'bad-request', `${order.instance} is no room of ${firsthost}`);
  if (known?.of === source) return done();
  // Decision #210.
  const already = rooms.find(({ of }) => of === source);
  if (already !== undefined) return no('modify', 'redirect', `${already.jid} is the shadow here`, roomUri(already.jid));
  if (known !== undefined) return no('cancel', 'conflict', `${jid} is another room`);
  const hosted = rooms.filter(({ of }) => of !== undefined && domainOf(of) === firsthost);
  if (hosted.length >= hosting.maxRooms)
    return no('wait', 'resource-constraint', `${hosted.length} rooms of ${firsthost} are replicated here, and no more`);
  turn.record({ kind: 'roomCreated', room: jid, epoch: turn.env.now, of: source });
  return done();
}
