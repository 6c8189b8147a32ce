import { multicastFeature } from '../core/xep/xep0033.ts';
import { hostBindingFeature } from '../core/xep/xep0225.ts';
import { stanzaError, writeError } from '../core/xmpp/errors.ts';
import { type Jid, parseJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { clientLimits, nodeLimits, type StanzaSize } from '../core/xmpp/size.ts';
import { make, type Stanza } from '../core/xmpp/stanza.ts';
import { plus } from '../core/xmpp/time.ts';
import { el, escapeAttribute, escapeText, serialize, textOf, type XmlElement } from '../core/xmpp/xml.ts';
import type { Account } from './accounts.ts';
import { bindAsAsked, boundReply } from './bind.ts';
import { type Budgets, defaultBudgets } from './budget.ts';
import { limits } from './config.ts';
import type { Cancel, ServerHost } from './host.ts';
import { Inbox } from './inbox.ts';
import { type Incoming, iqFault, readIncoming } from './incoming.ts';
import { SNS } from './namespaces.ts';
import type { Network } from './network.ts';
import { Outbox } from './outbox.ts';
import { CopyParser, parseElement } from './parser.ts';
import {
  mechanismsOf,
  type SaslCondition,
  type SaslExchange,
  type SaslRealm,
  type SaslStep,
  type SaslVerdict,
  startSasl,
} from './sasl.ts';
import type { Server } from './server.ts';
import { Session, type StreamCondition } from './session.ts';
import { count } from './tally.ts';

/** The socket under a stream, whatever it is: one text frame out at a time. */
export interface Connection {
  send(frame: string): void;
  /** Closes once what was sent is gone. */
  close(): void;
  /** Bytes sent and not yet gone. When they have become fewer, `drained` is to be called. */
  buffered(): number;
  /** Of the peer, without a port: failed logins are counted by it. */
  readonly address?: string | undefined;
  /** Called when the peer has logged in and bound. */
  loggedIn?(): void;
  /** Stops or goes on reading. What has been read already may still be handed in. */
  read?(on: boolean): void;
}

/** Which network a domain belongs to: one process may host several. */
export type FindNetwork = (domain: Jid) => Network | undefined;

/** What a frame that holds no text costs. */
const controlCost = 100;
/** How soon a sender who does not read is looked at again, in milliseconds. */
const lookMs = 50;

const limitsBeforeAuth: StanzaSize = { ...clientLimits, bytes: limits.bytesBeforeAuth };

type Phase =
  /** Waits for the first `<open/>`. */
  | { readonly name: 'opening' }
  /** `busy` while a failure is held back: nothing may be sent meanwhile. */
  | {
      readonly name: 'authenticating';
      readonly server: Server;
      readonly domain: Jid;
      exchange?: SaslExchange;
      busy?: boolean;
    }
  /** SASL succeeded: waits for the second `<open/>` (RFC 6120 §6.4.6). */
  | { readonly name: 'restarting'; readonly server: Server; readonly domain: Jid; readonly account: Account }
  | { readonly name: 'session'; readonly server: Server; readonly session: Session }
  | { readonly name: 'ended' };

/**
 * One XMPP stream over WebSocket: framing (RFC 7395), login (RFC 6120 §6), binding (§7, XEP-0225), then stanzas.
 * The host calls `text` for each text message, `binary` for any other, `control` for what is none, `drained` when the
 * socket takes more again, `closed` when it is gone.
 */
export class Stream {
  readonly #connection: Connection;
  readonly #host: ServerHost;
  readonly #find: FindNetwork;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  #phase: Phase = { name: 'opening' };
  /** For a node's stanzas. */
  #copies: CopyParser | undefined;
  #failures = 0;
  #loginTimer: Cancel;

  constructor(connection: Connection, host: ServerHost, find: FindNetwork, budgets: Budgets = defaultBudgets) {
    this.#connection = connection;
    this.#host = host;
    this.#find = find;
    this.#outbox = new Outbox(connection, host, budgets, (why) => this.#end('policy-violation', why));
    this.#inbox = new Inbox(host, budgets, {
      frame: (frame, cost) => this.#frame(frame, cost),
      read: (on) => connection.read?.(on),
      ownMs: () => this.#ownMs(),
      othersMs: (cost) => this.#othersMs(cost),
      tell: (text) => this.#tell(text),
      cut: (text) => this.#end('policy-violation', text),
    });
    this.#loginTimer = host.setTimer(plus(host.now(), limits.loginMs), () =>
      this.#end('connection-timeout', `no login within ${limits.loginMs / 1000} s`),
    );
  }

  text(frame: string): void {
    this.#inbox.take(frame);
  }

  /** A ping or a pong of RFC 6455 §5.5, which costs its sender as much as a short stanza. */
  control(bytes: number): void {
    this.#inbox.charge(bytes + controlCost);
  }

  drained(): void {
    this.#outbox.pump();
  }

  #frame(frame: string, cost: number): void {
    if (this.#phase.name === 'ended') return;
    if (this.#phase.name === 'session') this.#phase.session.cost = cost;
    const frameLimits = this.#limits();
    const parsed =
      this.#copies === undefined ? parseElement(frame, frameLimits) : this.#copies.parse(frame, frameLimits);
    if (!parsed.ok) this.#end(parsed.condition, parsed.text);
    else this.#element(parsed.element);
  }

  /** RFC 7395 §3.2: XMPP is text. */
  binary(): void {
    this.#end('not-well-formed', 'a binary frame');
  }

  closed(): void {
    this.#finish();
  }

  #ownMs(): number {
    const phase = this.#phase;
    return phase.name === 'session' && !phase.session.isNode ? phase.session.ownMs(this.#host.now()) : 0;
  }

  /** What the next frame has to wait for beside its sender's own share. */
  #othersMs(cost: number): number {
    if (this.#phase.name !== 'session') return 0;
    // Whoever does not read the answers may not ask for more.
    if (this.#outbox.isBehind && !this.#phase.session.isNode) return lookMs;
    return this.#phase.server.network.waitMs(this.#phase.session, cost);
  }

  /** RFC 6120 §8.3.3.18: a stanza of no answer's, since none was refused. */
  #tell(text: string): void {
    if (this.#phase.name !== 'session') return;
    const { server, session } = this.#phase;
    this.#host.log?.(`${session.address}: ${text}`);
    if (!session.resourceBound) return;
    const error = writeError(stanzaError('wait', 'resource-constraint', text));
    server.deliver(session, { stanza: make('message', server.domain, session.address, { type: 'error' }, [error]) });
  }

  #limits(): StanzaSize {
    if (this.#phase.name !== 'session') return limitsBeforeAuth;
    return this.#phase.session.isNode ? nodeLimits : clientLimits;
  }

  #element(element: XmlElement): void {
    if (element.xmlns === SNS.framing && element.name === 'close') {
      this.#outbox.clear();
      this.#connection.send(`<close xmlns="${SNS.framing}"/>`);
      this.#finish();
      this.#connection.close();
      return;
    }
    const opens = element.xmlns === SNS.framing && element.name === 'open';
    const phase = this.#phase;
    switch (phase.name) {
      case 'opening':
        if (opens) this.#open(element);
        else this.#end(element.xmlns === SNS.framing ? 'bad-format' : 'invalid-namespace', '<open/> expected');
        return;
      case 'authenticating':
        if (element.xmlns === SNS.sasl && phase.busy !== true) this.#sasl(phase, element);
        else this.#end(phase.busy ? 'policy-violation' : 'not-authorized', 'log in first');
        return;
      case 'restarting':
        if (opens) this.#restart(phase);
        else this.#end('not-authorized', '<open/> expected');
        return;
      case 'session':
        this.#stanza(phase, element);
        return;
      case 'ended':
        return;
    }
  }

  #open(element: XmlElement): void {
    const domain = parseJid(element.attrs['to'] ?? '');
    const server = domain === undefined ? undefined : this.#find(domain)?.hosting(domain);
    if (domain === undefined || server === undefined) {
      this.#end(
        'host-unknown',
        `no server for ${(element.attrs['to'] ?? '').slice(0, 200) || 'an <open/> without to'}`,
      );
      return;
    }
    if (element.attrs['version'] !== '1.0') {
      this.#end('unsupported-version', 'version 1.0 expected');
      return;
    }
    this.#phase = { name: 'authenticating', server, domain };
    this.#sendOpen(domain, this.#host.randomId());
    const mechanisms = mechanismsOf(this.#realm(server)).map((mechanism) => el('mechanism', SNS.sasl, {}, mechanism));
    this.#sendFeatures(el('mechanisms', SNS.sasl, {}, ...mechanisms));
  }

  #realm(server: Server): SaslRealm {
    return {
      accounts: server.network.accounts,
      domain: server.domain,
      services: server.services,
      anonymous: server.config.anonymous === true,
      open: server.config.open === true,
    };
  }

  #sendOpen(from: Jid | undefined, id: string): void {
    const address = from === undefined ? '' : ` from="${escapeAttribute(from)}"`;
    this.#outbox.send(
      `<open xmlns="${SNS.framing}"${address} id="${escapeAttribute(id)}" version="1.0" xml:lang="en"/>`,
    );
  }

  /** With the prefix, since clients look for `stream:features` by that name. */
  #sendFeatures(...features: readonly XmlElement[]): void {
    const inner = features.map((feature) => serialize(feature)).join('');
    this.#outbox.send(`<stream:features xmlns:stream="${SNS.stream}">${inner}</stream:features>`);
  }

  #send(element: XmlElement): void {
    this.#outbox.send(serialize(element));
  }

  // Login, RFC 6120 §6.4

  #sasl(phase: Extract<Phase, { name: 'authenticating' }>, element: XmlElement) {
    switch (element.name) {
      case 'auth': {
        const exchange = startSasl(element.attrs['mechanism'] ?? '', this.#realm(phase.server), this.#host);
        if (exchange === undefined) return this.#saslFailure(phase, 'invalid-mechanism');
        phase.exchange = exchange;
        // No initial response: an empty challenge asks for it (RFC 4422 §3.2). ANONYMOUS needs none.
        if (textOf(element).trim() === '' && element.attrs['mechanism'] !== 'ANONYMOUS')
          return this.#send(el('challenge', SNS.sasl));
        return this.#saslMessage(phase, exchange, element);
      }
      case 'response':
        if (phase.exchange === undefined) return this.#saslFailure(phase, 'malformed-request');
        return this.#saslMessage(phase, phase.exchange, element);
      case 'abort':
        return this.#saslFailure(phase, 'aborted');
      default:
        return this.#end('bad-format', `<${element.name}/> is no step of SASL`);
    }
  }

  #saslMessage(phase: Extract<Phase, { name: 'authenticating' }>, exchange: SaslExchange, element: XmlElement) {
    const { crypto } = this.#host;
    const text = textOf(element).trim();
    const bytes = crypto.fromBase64(text === '=' ? '' : text);
    const message = bytes === undefined ? undefined : crypto.fromUtf8(bytes);
    if (message === undefined) return this.#saslFailure(phase, 'incorrect-encoding');
    const step: SaslStep = exchange(message);
    if (step.kind === 'challenge') return this.#send(el('challenge', SNS.sasl, {}, this.#base64(step.data)));
    if (step.kind === 'proof') return this.#saslProof(phase, step);
    return this.#saslVerdict(phase, step);
  }

  #base64(data: string): string {
    const { crypto } = this.#host;
    return crypto.toBase64(crypto.toUtf8(data));
  }

  /** A password is checked when its account may be tried, whichever connection tries it. */
  #saslProof(phase: Extract<Phase, { name: 'authenticating' }>, { name, check }: Extract<SaslStep, { kind: 'proof' }>) {
    const { network } = phase.server;
    const known = network.accounts.get(name) !== undefined;
    const admission = network.attempts.admit(this.#connection.address, name, known, this.#host.now());
    if (admission.kind === 'refused') return this.#saslFailure(phase, 'temporary-auth-failure', name);
    const decide = () => {
      if (this.#phase !== phase) return;
      phase.busy = false;
      const verdict = check();
      admission.settle(verdict.kind === 'success');
      this.#saslVerdict(phase, verdict);
    };
    if (admission.afterMs === 0) return decide();
    phase.busy = true;
    this.#host.setTimer(plus(this.#host.now(), admission.afterMs), decide);
  }

  #saslVerdict(phase: Extract<Phase, { name: 'authenticating' }>, verdict: SaslVerdict): void {
    if (verdict.kind === 'failure') return this.#saslFailure(phase, verdict.condition, verdict.name);
    const { account, data } = verdict;
    if (account.isTemporary) phase.server.network.noteTemporary(account.address);
    this.#phase = { name: 'restarting', server: phase.server, domain: phase.domain, account };
    this.#send(el('success', SNS.sasl, {}, ...(data === undefined ? [] : [this.#base64(data)])));
  }

  /** RFC 6120 §6.4.5: a few attempts, each answered later than the one before. */
  #saslFailure(phase: Extract<Phase, { name: 'authenticating' }>, condition: SaslCondition, name?: Jid): void {
    delete phase.exchange;
    phase.busy = true;
    this.#failures++;
    const { network } = phase.server;
    count(network.tally.failedLogins, condition);
    const { address } = this.#connection;
    const heldMs = name === undefined ? 100 : network.attempts.answerMs(address, name, this.#host.now());
    const delayMs = condition === 'aborted' ? 0 : heldMs;
    this.#host.setTimer(plus(this.#host.now(), delayMs), () => {
      if (this.#phase !== phase) return;
      phase.busy = false;
      this.#send(el('failure', SNS.sasl, {}, el(condition, SNS.sasl)));
      if (this.#failures >= limits.loginFailures) this.#end('policy-violation', 'too many failed logins');
    });
  }

  /** The stream after SASL, from which both sides count stanzas. Binding is offered: RFC 6120 §7, XEP-0225 §4. */
  #restart(phase: Extract<Phase, { name: 'restarting' }>) {
    const { server, domain, account } = phase;
    const id = this.#host.randomId();
    const session = new Session(server, account, id, {
      stanza: (stanza) => this.#deliver(stanza),
      end: (condition, text) => this.#end(condition, text),
      buffered: () => this.#outbox.unsent,
      charge: (bytes) => this.#inbox.charge(bytes),
    });
    this.#phase = { name: 'session', server, session };
    this.#outbox.listIn(server.network.behind);
    if (session.isNode) {
      this.#copies = new CopyParser();
      this.#inbox.becomeNode();
    } else this.#inbox.becomeUser(session.share);
    this.#sendOpen(domain, id);
    const resourceBind = [el('bind', SNS.bind), el('session', SNS.session, {}, el('optional', SNS.session))];
    switch (account.role) {
      case 'service':
        return this.#sendFeatures(hostBindingFeature(true), multicastFeature());
      case 'replica':
        return this.#sendFeatures(...resourceBind, hostBindingFeature(false), multicastFeature());
      default:
        return this.#sendFeatures(...resourceBind);
    }
  }

  // Stanzas

  #stanza({ server, session }: Extract<Phase, { name: 'session' }>, element: XmlElement): void {
    const incoming = readIncoming(element);
    if (incoming === undefined) {
      if (element.xmlns === '' || element.xmlns === 'jabber:server')
        this.#end('invalid-namespace', 'stanzas are in jabber:client');
      else this.#end('unsupported-stanza-type', `<${element.name.slice(0, 80)}/> in ${element.xmlns.slice(0, 200)}`);
      return;
    }
    const n = session.admit();
    if (n === undefined) {
      this.#end('policy-violation', 'too many stanzas');
      return;
    }
    if (this.#binds(session, incoming)) return;
    if (!session.resourceBound && session.hosts.size === 0) {
      this.#end('not-authorized', 'bind a resource or a host name first');
      return;
    }
    server.receive(session, incoming, n);
  }

  /** Requests to the stream's own server that make or change an address; they have none yet, so they are not routed. */
  #binds(session: Session, incoming: Incoming): boolean {
    const payload = incoming.payloads[0];
    if (incoming.name !== 'iq' || incoming.type !== 'set' || payload === undefined) return false;
    const isBind = payload.xmlns === SNS.bind || payload.xmlns === NS.component;
    if (!isBind || (incoming.to !== undefined && parseJid(incoming.to) !== session.server.domain)) return false;

    const fault = iqFault(incoming);
    const error = fault === undefined ? bindAsAsked(session, payload) : stanzaError('modify', 'bad-request', fault);
    // A stream that was replaced by its own request cannot be answered.
    if (!session.alive) return true;
    session.tx++;
    const children = error === undefined ? boundReply(session, payload) : [writeError(error)];
    this.#send(el('iq', NS.client, { id: incoming.id, type: error === undefined ? 'result' : 'error' }, ...children));
    if (!session.announced) return true;
    this.#loginTimer();
    this.#connection.loggedIn?.();
    return true;
  }

  #deliver(stanza: Stanza): void {
    this.#outbox.send(stanza);
  }

  /** RFC 6120 §4.9.1, RFC 7395 §3.4: before the first `<open/>` was answered, it is answered now. */
  #end(condition: StreamCondition, text: string): void {
    if (this.#phase.name === 'ended') return;
    // Before what waits for a reader, which may never come to it.
    this.#outbox.clear();
    if (this.#phase.name === 'opening') this.#sendOpen(undefined, this.#host.randomId());
    const inner = `<${condition} xmlns="${SNS.streamErrors}"/><text xmlns="${SNS.streamErrors}" xml:lang="en">${escapeText(text)}</text>`;
    this.#connection.send(`<stream:error xmlns:stream="${SNS.stream}">${inner}</stream:error>`);
    this.#connection.send(`<close xmlns="${SNS.framing}"/>`);
    this.#host.log?.(`stream ended: ${condition}: ${text}`);
    if (this.#phase.name !== 'opening') count(this.#phase.server.network.tally.ended, condition);
    this.#finish();
    this.#connection.close();
  }

  #finish(): void {
    this.#loginTimer();
    this.#inbox.close();
    this.#outbox.clear();
    const phase = this.#phase;
    this.#phase = { name: 'ended' };
    if (phase.name === 'session') phase.server.remove(phase.session);
  }
}
