import type { LinkSettings } from '../core/net/link.ts';
import type { Spec } from '../core/turn/spec.ts';
import type { StanzaError } from '../core/xmpp/errors.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Classes } from './classes.ts';
import type { HomeNetwork, Session } from './session.ts';
import type { TraceLog } from './trace.ts';

/** A stanza on its way, with what the trace wants to know about the way so far. */
export interface Envelope {
  readonly stanza: Stanza;
  /** The local session that sent it; errors go back to it. Absent if it came over a link or is the server's own. */
  readonly origin?: Session;
  /** seq of the hop before. */
  readonly cause?: number;
  /** The rule, where the server is the author. */
  readonly spec?: Spec;
  /** Part of the watching itself (reports, operator commands): counted, not traced. */
  readonly hidden?: boolean;
}

/** A server as entity.ts and commands.ts see it, which answer in its name. */
export interface AnsweringServer {
  readonly network: OperatedNetwork;
  readonly domain: Jid;
  /** Domains of the services that connect to it. */
  readonly services: ReadonlySet<Jid>;
  /** Hands a stanza to a local session. */
  deliver(session: Session, envelope: Envelope): void;
  /** Answers with an error; never an error with an error (RFC 6120 §8.3.1). */
  bounce(envelope: Envelope, error: StanzaError): void;
  /** Sends the server's own answer to a stanza back to its sender. */
  reply(envelope: Envelope, answer: Stanza, spec: Spec): void;
}

/** The network as its operator sees it. */
export interface OperatedNetwork extends HomeNetwork {
  readonly trace: TraceLog;
  readonly classes: Classes;
  /** What links join. */
  readonly stations: readonly { readonly domain: Jid }[];
  /** @returns false if there is no such link */
  changeLink(a: Jid, b: Jid, settings: Partial<LinkSettings>): boolean;
  pause(paused: boolean): void;
  /** Asks for the lease (lease.ts). @returns what ends the passwords of the nodes; undefined: another page has it */
  lease(session: Session, token: string): string | undefined;
  giveUpLease(session: Session): void;
  readonly startOver: (() => void) | undefined;
  /** Ends the sessions with that stream id or address. @returns how many there were */
  disconnect(which: { readonly stream?: string; readonly address?: Jid }): number;
}
