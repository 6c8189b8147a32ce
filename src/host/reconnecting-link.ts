import type { Jid } from '../core/xmpp/jid.ts';
import type { Stanza } from '../core/xmpp/stanza.ts';
import { LinkError, type LinkHandlers, type StanzaLink, type StreamPosition, type Written } from './stanza-link.ts';

/** Clock, timers and dice, for the tests to replace. */
export interface LinkHost {
  /** Milliseconds since whenever. */
  now(): number;
  /** @returns cancels it */
  setTimer(afterMs: number, fn: () => void): () => void;
  /** [0, 1) */
  random(): number;
}

/** One connection to the server, login included. Every attempt makes a new one, so nothing of an old one leaks in. */
export interface Connection {
  /** Called only while it is up. */
  send(stanza: Stanza, written: Written | undefined): void;
  /** Asks the server for a sign of life (XEP-0199). The connection does not pass the answer on: `heard` is enough. */
  ping(): void;
  /** What was sent but has not left yet. */
  readonly unsentBytes: number;
  /** Ends the stream properly, so that the server handles what was sent. Waits at most a second. */
  close(): Promise<void>;
  /** Gives the connection up without waiting for anything. */
  abandon(): void;
}

/** What a connection tells the link. After `lost` the link ignores the rest. */
export interface ConnectionEvents {
  loggedIn(account: string): void;
  up(address: Jid, stream: string): void;
  /** Something came from the server, whatever it is. */
  heard(): void;
  /** After `up`. */
  stanza(via: Jid, stanza: Stanza, rx: StreamPosition): void;
  lost(error: LinkError): void;
}

export interface ReconnectingOptions {
  readonly host: LinkHost;
  /** The server behind, as records name it. */
  readonly server: Jid;
  /** Where it connects to, for the progress display. */
  readonly service: string;
  /** Begins to connect. Calls no event before it has returned. */
  open(events: ConnectionEvents): Connection;
  /** The longest pause between two attempts. */
  readonly retryMaxMs: number;
  /** How long the server may take to answer a ping. */
  readonly pongMs: number;
  /** Above this much unsent, `drained` makes the node rest. Default: never. */
  readonly restAboveBytes?: number | undefined;
  /** Stanzas that may wait for the link to come up; then the oldest are dropped. */
  readonly outboxMax?: number | undefined;
  /** Asked once, with the first session: it is bound at once, but up only when this resolves. */
  readonly turn?: (() => Promise<void>) | undefined;
}

/** From the first byte to the last bind. This is generous, since a page logs in a dozen times at once. */
const loginMs = 15_000;
const retryMinMs = 500;
/** A session shorter than this counts as another failure: the back-off goes on. */
const steadyMs = 5_000;
const idleMs = 30_000;
/** How long a node rests before it looks again. */
const restMs = 5;
const outboxMax = 10_000;
/** Attempts at the first start. The connection of a killed process may live on for a moment. */
const takenMax = 3;

interface Waiting {
  readonly stanza: Stanza;
  readonly written: Written | undefined;
}

type Arrived = Parameters<LinkHandlers['stanza']>;

interface Attempt {
  connection: Connection | undefined;
  /** Set while it is up. */
  address: Jid | undefined;
  upAt: number;
  heardAt: number;
  cancelTimer: () => void;
  /** What arrived before it was up. */
  early: Arrived[];
}

/**
 * A link that reconnects. While it is down, stanzas wait in a bounded outbox. It waits longer after every failed attempt,
 * with jitter. It pings an idle stream, because a half-dead connection can look open for many minutes.
 *
 * A stream is never resumed: `up` is always a new session, and what was in flight is lost. The node repairs that by its
 * own protocol (a netjoin, a rejoin).
 */
export class ReconnectingLink implements StanzaLink {
  readonly #options: ReconnectingOptions;
  readonly #host: LinkHost;
  #outbox: Waiting[] = [];
  #dropped = 0;
  #handlers: LinkHandlers | undefined;
  #attempt: Attempt | undefined;
  #failures = 0;
  /** How many attempts found the address taken, at the first start. */
  #taken = 0;
  #stopped = false;
  /** It waits for nobody any more before it is up. */
  #hasTurn = false;
  #cancelRetry: () => void = () => undefined;
  /** Resolves or rejects the promise of `start`. Set until the first `up`. */
  #starting: { up(): void; failed(error: LinkError): void } | undefined;

  constructor(options: ReconnectingOptions) {
    this.#options = options;
    this.#host = options.host;
  }

  /** The session's own address while it is up. */
  get address(): Jid | undefined {
    return this.#attempt?.address;
  }

  get server(): Jid {
    return this.#options.server;
  }

  /** Stanzas that wait for the link. */
  get backlog(): number {
    return this.#outbox.length;
  }

  /** What was sent and has not left yet. */
  get unsentBytes(): number {
    return this.#attempt?.connection?.unsentBytes ?? 0;
  }

  start(handlers: LinkHandlers): Promise<void> {
    this.#handlers = handlers;
    return new Promise((resolve, reject) => {
      this.#starting = { up: resolve, failed: reject };
      this.#connect();
    });
  }

  /** Tries at once, where it would have waited. */
  retry(): void {
    if (this.#stopped || this.#attempt !== undefined || this.#handlers === undefined) return;
    this.#cancelRetry();
    this.#connect();
  }

  send(stanza: Stanza, written?: Written): void {
    if (this.#stopped) return;
    const attempt = this.#attempt;
    if (attempt?.address !== undefined) {
      attempt.connection?.send(stanza, written);
      return;
    }
    this.#outbox.push({ stanza, written });
    if (this.#outbox.length <= (this.#options.outboxMax ?? outboxMax)) return;
    this.#outbox.shift();
    // Reported at each power of two, not 10,000 times.
    this.#dropped++;
    if ((this.#dropped & (this.#dropped - 1)) === 0)
      this.#handlers?.progress?.('reconnecting', `outbox full: ${this.#dropped} stanzas dropped`);
  }

  drained(): Promise<void> | undefined {
    const attempt = this.#attempt;
    const { restAboveBytes = Number.POSITIVE_INFINITY } = this.#options;
    const isFull = () => this.#attempt === attempt && (attempt?.connection?.unsentBytes ?? 0) > restAboveBytes;
    if (!isFull()) return undefined;
    return new Promise((resolve) => {
      const look = () => (isFull() ? this.#host.setTimer(restMs, look) : resolve());
      look();
    });
  }

  /** Closes the stream after what was sent. Stanzas that still wait are dropped. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelRetry();
    this.#outbox = [];
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#starting?.failed(new LinkError('stopped', 'permanent'));
    this.#starting = undefined;
    attempt?.cancelTimer();
    await attempt?.connection?.close();
  }

  #connect(): void {
    const { service, open } = this.#options;
    this.#handlers?.progress?.('connecting', service);
    const attempt: Attempt = {
      connection: undefined,
      address: undefined,
      upAt: 0,
      heardAt: this.#host.now(),
      cancelTimer: this.#host.setTimer(loginMs, () =>
        this.#lost(attempt, new LinkError(`no login within ${loginMs / 1000} s`)),
      ),
      early: [],
    };
    this.#attempt = attempt;
    const whileCurrent =
      <T extends unknown[]>(tell: (...args: T) => void) =>
      (...args: T) => {
        if (this.#attempt === attempt) tell(...args);
      };
    attempt.connection = open({
      loggedIn: whileCurrent((account) => this.#handlers?.progress?.('logged-in', account)),
      up: whileCurrent((address, stream) => this.#bound(attempt, address, stream)),
      heard: () => {
        attempt.heardAt = this.#host.now();
      },
      stanza: whileCurrent((...arrived) => {
        if (attempt.address === undefined) attempt.early.push(arrived);
        else this.#handlers?.stanza(...arrived);
      }),
      lost: (error) => this.#lost(attempt, error),
    });
  }

  #bound(attempt: Attempt, address: Jid, stream: string): void {
    attempt.cancelTimer();
    this.#handlers?.progress?.('bound', address);
    const { turn } = this.#options;
    if (turn === undefined || this.#hasTurn) return this.#becomeUp(attempt, address, stream);
    void turn().then(() => {
      this.#hasTurn = true;
      if (this.#attempt === attempt) this.#becomeUp(attempt, address, stream);
    });
  }

  #becomeUp(attempt: Attempt, address: Jid, stream: string): void {
    attempt.address = address;
    attempt.upAt = this.#host.now();
    this.#taken = 0;
    this.#watch(attempt);
    this.#handlers?.up(this.#options.server, stream);
    this.#starting?.up();
    this.#starting = undefined;
    this.#dropped = 0;
    for (const { stanza, written } of this.#outbox.splice(0)) this.send(stanza, written);
    for (const arrived of attempt.early.splice(0)) this.#handlers?.stanza(...arrived);
  }

  #watch(attempt: Attempt): void {
    const quietMs = this.#host.now() - attempt.heardAt;
    if (quietMs < idleMs) {
      attempt.cancelTimer = this.#host.setTimer(idleMs - quietMs, () => this.#watch(attempt));
      return;
    }
    const { pongMs } = this.#options;
    const pingedAt = this.#host.now();
    attempt.connection?.ping();
    attempt.cancelTimer = this.#host.setTimer(pongMs, () => {
      if (attempt.heardAt >= pingedAt) this.#watch(attempt);
      else this.#lost(attempt, new LinkError(`the server did not answer a ping for ${pongMs / 1000} s`));
    });
  }

  /** The stream ended or was never up. Says so, and tries again where that may help. */
  #lost(attempt: Attempt, error: LinkError): void {
    if (this.#attempt !== attempt) return;
    this.#attempt = undefined;
    attempt.cancelTimer();
    attempt.connection?.abandon();
    const wasUp = attempt.address !== undefined;
    if (wasUp) {
      if (this.#host.now() - attempt.upAt >= steadyMs) this.#failures = 0;
      this.#handlers?.down(this.#options.server);
    }
    if (this.#stopped) return;
    if (this.#isFinal(error, wasUp)) {
      this.#stopped = true;
      this.#handlers?.progress?.('failed', error.message, error.message);
      this.#starting?.failed(error);
      this.#starting = undefined;
      return;
    }
    const ceilingMs = Math.min(this.#options.retryMaxMs, retryMinMs * 2 ** this.#failures++);
    const jitter = 0.5 + this.#host.random() / 2;
    const delayMs = Math.round(ceilingMs * jitter);
    const when = `again in ${(delayMs / 1000).toFixed(1)} s`;
    this.#handlers?.progress?.('reconnecting', `${error.message}; ${when}`, error.message);
    this.#cancelRetry = this.#host.setTimer(delayMs, () => this.#connect());
  }

  #isFinal({ kind }: LinkError, wasUp: boolean): boolean {
    const isFirstStart = this.#starting !== undefined;
    switch (kind) {
      case 'transient':
        return false;
      case 'permanent':
        return true;
      case 'misconfigured':
        return isFirstStart;
      case 'taken':
        return wasUp || (isFirstStart && ++this.#taken >= takenMax);
    }
  }
}
