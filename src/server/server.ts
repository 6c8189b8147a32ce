import type { Spec } from '../core/turn/spec.ts';
import { readAddresses } from '../core/xep/xep0033.ts';
import { type Condition, conditions, type StanzaError, stanzaError } from '../core/xmpp/errors.ts';
import { bareOf, domainOf, type Jid, jid, parseJid, partsOf, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorReply, make, payloadOf, readdressed, type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';
import { attributeLength, textOf, type XmlElement } from '../core/xmpp/xml.ts';
import type { LoginAttempts } from './attempts.ts';
import { authorisedFrom } from './authority.ts';
import type { ServerConfig } from './config.ts';
import { answerIq, takeMessage } from './entity.ts';
import type { AnsweringServer, Envelope, OperatedNetwork } from './envelope.ts';
import { type Incoming, iqFault } from './incoming.ts';
import type { Outbox } from './outbox.ts';
import type { Readers } from './readers.ts';
import type { RoomBudgets } from './room-budgets.ts';
import type { HomeServer, Session } from './session.ts';
import type { Station } from './station.ts';
import type { Tally } from './tally.ts';

/** The longest id of a user's stanza in bytes. */
const idMax = 4096;
/** Addresses to which one session may have directed presence (RFC 6121 §4.6): all of them are told when it ends. */
const directedMax = 10_000;

/** The network as its servers see it. */
export interface RoutingNetwork extends OperatedNetwork {
  /** The server that answers for a domain: its own, or that of a service of its. */
  hosting(domain: Jid): Server | undefined;
  /** Where a stanza goes from there: also to a real server, if its sender is known there. */
  wayTo(from: Jid, to: Jid): Station | undefined;
  /** Sends a stanza over the link between two servers. */
  carry(from: Station, to: Station, envelope: Envelope): void;
  /** A session came or went. */
  announced(session: Session, up: boolean): void;
  readonly rooms: RoomBudgets;
  readonly readers: Readers;
  readonly attempts: LoginAttempts;
  noteTemporary(account: Jid): void;
  /** Those for whom more waits than their sockets take. */
  readonly behind: Set<Outbox>;
  /** How long a session has to wait for what it shares with others before it may send something of this cost. */
  waitMs(session: Session, cost: number): number;
  /** A user's stanza goes into a room. */
  noteToRoom(session: Session, stanza: Stanza): void;
  /** A user has sent a stanza. */
  noteReceived(session: Session, incoming: Incoming): void;
  /** The server answers a stanza with an error. */
  noteRefused(condition: Condition): void;
  readonly tally: Tally;
  /** A user is handed a stanza. */
  noteDelivery(session: Session, stanza: Stanza, bytes: number): void;
}

/** One server of a network: its sessions, and the rules of RFC 6120 §8 and §10 and RFC 6121 §8 for what they send. */
export class Server implements HomeServer, AnsweringServer, Station {
  readonly network: RoutingNetwork;
  readonly domain: Jid;
  /** Domains of the services that connect to it. */
  readonly services: ReadonlySet<Jid>;
  readonly config: ServerConfig;
  /** What is bound with XEP-0225: service domains, and rooms that a replica intercepts. */
  readonly hosts = new Map<Jid, Session>();
  /** Bare JID, then resource. */
  readonly #users = new Map<Jid, Map<string, Session>>();

  constructor(network: RoutingNetwork, config: ServerConfig) {
    this.network = network;
    this.config = config;
    this.domain = jid(config.domain);
    this.services = new Set(config.services.map(jid));
  }

  user(bare: Jid, resource: string): Session | undefined {
    return this.#users.get(bare)?.get(resource);
  }

  isOnline(bare: Jid): boolean {
    return this.#users.has(bare);
  }

  sessions(): Session[] {
    return [...new Set([...this.hosts.values(), ...[...this.#users.values()].flatMap((of) => [...of.values()])])];
  }

  addUser(session: Session): void {
    const bare = bareOf(session.address);
    const sessions = this.#users.get(bare) ?? new Map<string, Session>();
    sessions.set(resourceOf(session.address), session);
    this.#users.set(bare, sessions);
  }

  /** Says in the trace that a session is up, once. */
  announce(session: Session): void {
    if (session.announced) return;
    session.announced = true;
    this.#traceSession(session, true);
    this.network.announced(session, true);
  }

  withdraw(session: Session): void {
    if (!session.announced) return;
    session.announced = false;
    this.#traceSession(session, false);
    this.network.announced(session, false);
  }

  #traceSession(session: Session, up: boolean): void {
    const { role } = session.account;
    this.network.trace.add({
      kind: 'session',
      up,
      address: session.traceAddress,
      server: this.domain,
      stream: session.stream,
      role: role === 'observer' ? 'operator' : role,
    });
  }

  /**
   * Forgets a session whose stream ended, however it ended. RFC 6121 §4.6.3: those who had its directed presence are told,
   * which is how a room learns that an occupant is gone.
   */
  remove(session: Session): void {
    if (!session.alive) return;
    session.alive = false;
    session.share.sessions--;
    this.network.readers.ended(session);
    this.network.classes.ended(session);
    for (const cancel of session.atEnd) cancel();
    for (const host of session.hosts) if (this.hosts.get(host) === session) this.hosts.delete(host);
    const bare = bareOf(session.address);
    const resources = this.#users.get(bare);
    if (session.resourceBound && resources?.get(resourceOf(session.address)) === session) {
      resources.delete(resourceOf(session.address));
      if (resources.size === 0) this.#users.delete(bare);
    }
    this.withdraw(session);
    this.#sendUnavailable(session, { spec: '6121#4.6.3' });
  }

  #sendUnavailable(session: Session, way: Pick<Envelope, 'cause' | 'spec'>, like?: Incoming): void {
    const wasAvailable = session.available;
    session.available = false;
    const directed = [...session.directed];
    session.directed.clear();
    const goes = (from: Jid, to: Jid) =>
      make('presence', from, to, { id: like?.id, type: 'unavailable', lang: like?.lang }, like?.payloads ?? []);
    for (const [to, from] of directed) this.submit({ ...way, origin: session, stanza: goes(from, to) });
    if (!wasAvailable || session.isNode) return;
    // Also to the one that is no longer available, if it is there to be told.
    this.#echo(goes(session.address, session.address), { ...way, spec: '6121#4.5.2' }, session);
  }

  /** Takes one stanza from a bound session; `n` is its number on the stream. */
  receive(session: Session, incoming: Incoming, n: number): void {
    const to = incoming.to === undefined ? undefined : parseJid(incoming.to);
    const isForMany = to === this.domain && isMulticast(incoming);
    if (isForMany && session.isNode) return this.#multicast(session, incoming, n);
    const from = authorisedFrom(session, incoming.from, to);
    if (from === undefined) return endForged(session, incoming);
    const malformed = incoming.to !== undefined && to === undefined;
    // Both addresses as they must be: a room's copies, which are most of what passes here, are whole already.
    const stanza =
      from === incoming.from && to !== undefined && to === incoming.to
        ? (incoming as Stanza)
        : make(incoming.name, from, to ?? this.#implied(session, incoming, malformed), incoming, incoming.payloads);
    const hidden = isManagement(session, stanza);
    const cause = hidden
      ? undefined
      : this.network.trace.hop('in', session.traceAddress, this.domain, stanza, {}, { stream: session.stream, n });
    if (!session.isNode) {
      this.network.noteReceived(session, incoming);
      this.#noteRoom(session, stanza);
    }
    const envelope: Envelope = { stanza, origin: session, hidden, ...(cause === undefined ? {} : { cause }) };
    if (malformed) {
      this.bounce(envelope, stanzaError('modify', 'jid-malformed', `not a JID: ${(incoming.to ?? '').slice(0, 200)}`));
      return;
    }
    // It comes back with every answer, as it is written, and may be more then than a node may send.
    if (!session.isNode && isLong(stanza.id)) {
      this.bounce(envelope, stanzaError('modify', 'policy-violation', `an id may be ${idMax} bytes long`));
      return;
    }
    if (stanza.name === 'iq') {
      const fault = iqFault(stanza);
      if (fault !== undefined) {
        this.bounce(envelope, stanzaError('modify', 'bad-request', fault));
        return;
      }
    }
    if (to === undefined && stanza.name === 'presence') {
      this.#broadcastPresence(session, stanza, cause);
      return;
    }
    if (isForMany) {
      this.bounce(envelope, stanzaError('auth', 'forbidden', 'only nodes send to many at once'));
      return;
    }
    this.#send(session, envelope);
  }

  #send(session: Session, envelope: Envelope): void {
    if (envelope.stanza.name === 'presence' && !this.#noteDirected(session, envelope.stanza)) {
      this.bounce(
        envelope,
        stanzaError('wait', 'resource-constraint', `presence is at ${directedMax} addresses already`),
      );
      return;
    }
    this.submit(envelope);
  }

  /**
   * XEP-0033 §6: a node's stanza for many, of which each gets a copy and none learns of the others. A copy may go where the node
   * could have sent it by itself, and costs it as much. It is what the node would have sent there: unlike in the examples of the
   * XEP, and like ejabberd's, it does not even hold its own address.
   */
  #multicast(session: Session, incoming: Incoming, n: number): void {
    const [addresses, ...payloads] = incoming.payloads as readonly [XmlElement, ...XmlElement[]];
    const listed = readAddresses(addresses);
    const to = listed?.map(parseJid) ?? [];
    const from = authorisedFrom(session, incoming.from, to[0] ?? this.domain);
    if (
      from === undefined ||
      to.some((jid) => authorisedFrom(session, incoming.from, jid ?? this.domain) === undefined)
    )
      return endForged(session, incoming);
    const { name } = incoming;
    const whole = make(name, from, this.domain, incoming, incoming.payloads);
    const cause = this.network.trace.hop(
      'in',
      session.traceAddress,
      this.domain,
      whole,
      {},
      { stream: session.stream, n },
    );
    const envelope: Envelope = { stanza: whole, origin: session, cause };
    if (listed === undefined)
      return this.bounce(
        envelope,
        stanzaError('cancel', 'feature-not-implemented', 'addresses are bcc and have a jid'),
      );
    const malformed = to.indexOf(undefined);
    if (malformed >= 0)
      return this.bounce(
        envelope,
        stanzaError('modify', 'jid-malformed', `not a JID: ${(listed[malformed] ?? '').slice(0, 200)}`),
      );
    let bytes = 0;
    for (const jid of to as readonly Jid[]) {
      const stanza = make(name, from, jid, incoming, payloads);
      bytes += stanzaLength(stanza);
      this.#send(session, { ...envelope, stanza });
    }
    session.admitCopies(to.length);
    session.peer.charge(Math.max(0, bytes - session.cost));
  }

  /** What goes to an address of a service is what goes into a room. */
  #noteRoom(session: Session, stanza: Stanza): void {
    const { to } = stanza;
    const domain = domainOf(to);
    const isRoom = domain !== to && this.network.hosting(domain)?.services.has(domain) === true;
    session.lastRoom = isRoom ? to : undefined;
    if (isRoom) this.network.noteToRoom(session, stanza);
  }

  /** RFC 6120 §10.3: without `to` it is for the sender's own account; for a service, which has none, the server. */
  #implied(session: Session, incoming: Incoming, malformed: boolean): Jid {
    if (malformed || session.account.role === 'service') return this.domain;
    return incoming.name === 'presence' ? this.domain : session.account.address;
  }

  /**
   * RFC 6121 §4.2, §4.4, §4.5. There are no subscriptions here. So those who hear of it are those who had directed presence,
   * of an end, and the user's own sessions: "an entity is implicitly subscribed to its own presence" (§4.2.2).
   */
  #broadcastPresence(session: Session, stanza: Stanza, cause: number | undefined): void {
    const way = cause === undefined ? {} : { cause };
    if (stanza.type === 'unavailable') this.#sendUnavailable(session, { spec: '6121#4.6.3', ...way }, stanza);
    if (stanza.type !== undefined) return;
    const isInitial = !session.available;
    session.available = true;
    const priority = payloadOf(stanza, 'priority', NS.client);
    const value = priority === undefined ? 0 : Number(textOf(priority));
    session.priority = Number.isInteger(value) && value >= -128 && value <= 127 ? value : 0;
    if (!session.isNode) this.#echo(stanza, { spec: isInitial ? '6121#4.2.2' : '6121#4.4.2', ...way });
  }

  /** A user's own presence, to all available sessions of theirs. */
  #echo(stanza: Stanza, way: Pick<Envelope, 'cause' | 'spec'>, goes?: Session): void {
    const bare = bareOf(stanza.from);
    const own = readdressed(stanza, bare);
    for (const session of this.#users.get(bare)?.values() ?? [])
      if (session.available || session === goes)
        this.deliver(session, { ...way, stanza: own, hidden: session.isManagement });
  }

  /** RFC 6121 §4.6. @returns whether there is room for it */
  #noteDirected({ account, directed }: Session, { from, to, type }: Stanza): boolean {
    // A service's rooms send presence of their occupants; a replica relays that of others. Neither is its own.
    if (account.role === 'service' || bareOf(from) !== account.address) return true;
    if (type === 'unavailable') directed.delete(to);
    if (type !== undefined) return true;
    if (directed.size >= directedMax && !directed.has(to)) return false;
    directed.set(to, from);
    return true;
  }

  /** Routes what a local session, or this server itself, sends. RFC 6120 §10.4, §10.5. */
  submit(envelope: Envelope): void {
    const { stanza, origin } = envelope;
    const interceptor = this.hosts.get(bareOf(stanza.to));
    if (interceptor !== undefined && interceptor !== origin && interceptor.account.role === 'replica') {
      this.deliver(interceptor, envelope);
      return;
    }
    this.#route(envelope);
  }

  #route(envelope: Envelope): void {
    const { stanza } = envelope;
    const target = this.network.wayTo(stanza.from, stanza.to);
    if (target === undefined)
      this.bounce(
        envelope,
        stanzaError('cancel', 'remote-server-not-found', `${domainOf(stanza.to)} is not known here`),
      );
    else if (target === this) this.deliverLocally(envelope);
    else this.network.carry(this, target, envelope);
  }

  speaksFor(domain: Jid): boolean {
    return this.network.hosting(domain) === this;
  }

  /** Delivers what is addressed to this server, its services or its users. RFC 6120 §10.5. */
  deliverLocally(envelope: Envelope): void {
    const { stanza } = envelope;
    const { local, domain, resource } = partsOf(stanza.to);
    if (domain !== this.domain) {
      const service = this.hosts.get(domain as Jid);
      if (service !== undefined) this.deliver(service, envelope);
      else this.bounce(envelope, notConnected(stanza, domain));
    } else if (local !== '') this.#deliverToUser(envelope, bareOf(stanza.to), resource);
    else if (stanza.name === 'iq') this.#answer(envelope);
    else if (stanza.name === 'message') takeMessage(this, envelope);
  }

  #bounceUnavailable(envelope: Envelope, text: string): void {
    this.bounce(envelope, stanzaError('cancel', 'service-unavailable', text));
  }

  /** RFC 6121 §8.5. */
  #deliverToUser(envelope: Envelope, bare: Jid, resource: string): void {
    const { stanza } = envelope;
    if (resource !== '') {
      const session = this.user(bare, resource);
      if (session !== undefined) this.deliver(session, envelope);
      // §8.5.3.2: presence is ignored, so is a headline; errors and results are never answered anyway.
      else if (stanza.name === 'iq' || (stanza.name === 'message' && stanza.type !== 'headline'))
        this.#bounceUnavailable(envelope, 'no such session');
      return;
    }
    const sessions = [...(this.#users.get(bare)?.values() ?? [])];
    // A replica is a node behind an account: like a component, it answers for its own bare JID.
    if (this.network.accounts.get(bare)?.role === 'replica') {
      const node = sessions[sessions.length - 1];
      if (node !== undefined) this.deliver(node, envelope);
      else if (stanza.name !== 'presence') this.#bounceUnavailable(envelope, 'nobody there');
      return;
    }
    const available = sessions.filter((session) => session.available && session.priority >= 0);
    switch (stanza.name) {
      case 'iq':
        this.#answer(envelope);
        return;
      case 'presence':
        if (stanza.type === undefined || stanza.type === 'unavailable')
          for (const session of sessions) if (session.available) this.deliver(session, envelope);
        return;
      case 'message':
        if (stanza.type === 'error') return;
        if (stanza.type === 'groupchat' || (available.length === 0 && stanza.type !== 'headline'))
          this.#bounceUnavailable(envelope, 'nobody there');
        else for (const session of available) this.deliver(session, envelope);
    }
  }

  /** An iq to the server itself, or to an account for which the server answers (RFC 6121 §8.5.2.1.3). */
  #answer(envelope: Envelope): void {
    const { type } = envelope.stanza;
    if (type === 'get' || type === 'set') answerIq(this, envelope);
  }

  /** The last hop: hands a stanza to a local session. */
  deliver(session: Session, envelope: Envelope): void {
    if (!session.alive) return;
    const { stanza, hidden } = envelope;
    const { stream } = session;
    const n = ++session.tx;
    if (!session.isNode) this.network.noteDelivery(session, stanza, stanzaLength(stanza));
    if (hidden !== true)
      this.network.trace.hop('out', this.domain, session.traceAddress, stanza, envelope, { stream, n });
    session.peer.stanza(stanza, n);
  }

  /** Answers a stanza that this server cannot deliver or understand; never an error with an error. RFC 6120 §8.3.1. */
  bounce(envelope: Envelope, error: StanzaError): void {
    const reply = errorReply(envelope.stanza, error);
    if (reply === undefined) return;
    this.network.noteRefused(error.condition);
    this.reply(envelope, reply, specOf(error.condition));
  }

  /** Sends the server's own answer to a stanza back to its sender. */
  reply({ origin, cause, hidden }: Envelope, answer: Stanza, spec: Spec): void {
    const way: Envelope = {
      stanza: answer,
      spec,
      ...(cause === undefined ? {} : { cause }),
      ...(hidden ? { hidden } : {}),
    };
    // To the session, not to the address: a replica that relays must learn that its relaying failed.
    if (origin?.alive === true && origin.server === this) this.deliver(origin, way);
    // What came over a link is answered over the link: the room itself sent it, not the replica that intercepts here.
    else if (origin === undefined) this.#route(way);
  }
}

/**
 * A service of this server is not there. To a user who asks an occupant of one of its rooms, `service-unavailable` would say
 * that they are still in, and that the occupant's client does not know what is asked (XEP-0410 §3).
 */
function notConnected({ name, to }: Stanza, domain: Jid): StanzaError {
  const text = `${domain} is not connected`;
  return name === 'iq' && resourceOf(to) !== ''
    ? stanzaError('wait', 'remote-server-timeout', text)
    : stanzaError('cancel', 'service-unavailable', text);
}

function endForged({ peer }: Session, { from = '' }: Incoming): void {
  peer.end('invalid-from', `this stream may not send from ${from.slice(0, 200)}`);
}

/** An id beyond `idMax`. No character takes more than the six bytes of `&quot;`. */
function isLong(id: string | undefined): boolean {
  return id !== undefined && id.length > idMax / 6 && attributeLength(id) > idMax;
}

/** XEP-0033. What a user said may hold such an element, too: the node's own comes first. */
function isMulticast({ name, payloads: [first] }: Incoming): boolean {
  return name !== 'iq' && first !== undefined && first.name === 'addresses' && first.xmlns === NS.address;
}

/** RFC 6120 §8.3.3 lists the conditions in the same order. */
function specOf(condition: Condition): Spec {
  return `6120#8.3.3.${conditions.indexOf(condition) + 1}`;
}

/** Reports of nodes, operator commands, what a class does, and all that operators and observers have to do with the server itself. */
function isManagement(session: Session, stanza: Stanza): boolean {
  const { server } = session;
  const toServer = stanza.to === server.domain;
  if (session.isManagement && (toServer || stanza.to === session.account.address)) return true;
  if (!toServer) return false;
  if (stanza.name === 'message') return payloadOf(stanza, 'report', NS.trace) !== undefined;
  if (stanza.payloads[0]?.xmlns === NS.classroom) return true;
  return payloadOf(stanza, 'command', NS.commands)?.attrs['node']?.startsWith(NS.operator) === true;
}
