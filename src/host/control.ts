import type { SplitStatus } from '../core/distribution/protocol.ts';
import type { TraceRecord } from '../core/node/trace.ts';
import type { OccupantAct, OccupantState } from '../core/occupant/occupant.ts';
import type { Scenario, ScenarioNode, ScenarioOccupant } from '../scenario/scenario.ts';
import type { StreamPosition } from './stanza-link.ts';

/**
 * What a page and its workers say to each other (over Comlink). Results carry errors as text: a class would lose its
 * prototype on the way.
 */
export type Result = { readonly ok: true } | { readonly ok: false; readonly error: string };

/** What an act came to, and which stanzas it sent: the trace will show them. */
export type Acted = Result & { readonly sent?: readonly StreamPosition[] };

/**
 * Why a node does not keep what happens on disk.
 *
 * - `denied`: the browser gives it no database: it is all in memory.
 * - `full`: there is no room: nothing new is taken.
 */
export type NotKept = 'denied' | 'full';

export interface NodeReport {
  readonly node: string;
  readonly phase:
    | 'waiting'
    | 'restoring'
    | 'connecting'
    | 'logged-in'
    | 'bound'
    | 'ready'
    | 'reconnecting'
    | 'elsewhere'
    /** For good: starting again cannot help. */
    | 'failed'
    /** The node stopped itself, its log is whole up to there: start it again. */
    | 'stopped';
  readonly detail: string;
  /** With `failed`: part of its log is lost. It starts without it if `acceptLoss` says so. */
  readonly lost?: true;
  /** Absent: all is kept. */
  readonly notKept?: NotKept;
}

export interface NodeWorkerConfig {
  readonly scenario: Scenario;
  /** Of the network, where there are several side by side. */
  readonly instance?: string;
  readonly node: ScenarioNode;
  /** ws:// or wss:// */
  readonly websocket: string;
  readonly password: string;
  /** Somebody has said that the node may start without what its log has lost. */
  readonly acceptLoss?: boolean;
  /** The browser lets this page keep nothing. */
  readonly storageDenied?: boolean;
}

export interface NodeWorkerApi {
  /**
   * Resolves when the node is ready, runs elsewhere, or failed.
   *
   * @param turn  asked once the node is bound; it neither speaks nor hears before this resolves
   */
  start(config: NodeWorkerConfig, report: (report: NodeReport) => void, turn: () => Promise<void>): Promise<Result>;
  ping(): Promise<true>;
  stop(): Promise<void>;
}

export interface Character extends ScenarioOccupant {
  readonly password: string;
}

export interface OccupantsWorkerConfig {
  readonly websocket: string;
  readonly characters: readonly Character[];
  /** The page's own session: it watches the trace and, as an operator, sets faults. */
  readonly watcher: { readonly jid: string; readonly password: string };
  /** Of the ids of what characters send; they are random without it. */
  readonly seed?: string;
}

export interface OccupantReport {
  readonly who: string;
  readonly phase: OccupantState['phase'] | 'connecting' | 'failed' | 'elsewhere';
  readonly nick: string;
  /** The room that they are in, or have asked for. */
  readonly room: string;
  /** That room sends them to this one, and they are to decide. */
  readonly offer?: string;
  readonly detail: string;
  /** Ids of what they said and the room has neither given back nor refused. */
  readonly unanswered?: readonly string[];
}

/** What is wrong with the page as a whole. */
export interface Trouble {
  /**
   * - `offline`: the server is away, and the page goes on when it is back.
   * - `loading`: the network is another one by now, and the page is about to show it.
   * - `failed`: nothing comes of it without a hand.
   * - `limited`: the page works, but not all of it.
   */
  readonly kind: 'offline' | 'loading' | 'failed' | 'limited';
  readonly text: string;
}

export interface OccupantsListener {
  records(batch: readonly TraceRecord[]): void;
  occupant(report: OccupantReport): void;
  /** The watcher's session: undefined when it is well. */
  trouble(trouble: Trouble | undefined): void;
  /** The network is another now, with other accounts: its server was started again, or it has begun anew. */
  gone(): void;
}

/** What an owner changes in a room's configuration form (XEP-0045 §10.2): its distribution, and what is on its lists. */
export interface RoomChange {
  readonly room: string;
  readonly split?: Partial<SplitStatus>;
  readonly addReplica?: string;
  readonly removeReplica?: string;
  /** XEP-0281 §3.1. */
  readonly distributed?: boolean;
  readonly addPeerhost?: string;
  readonly removePeerhost?: string;
}

/** Fields of a command of the server's operator interface (XEP-0050). */
export type CommandFields = Readonly<Record<string, string>>;

export interface OccupantsWorkerApi {
  /** Resolves when the watcher's session is up and subscribed; the characters go on logging in. */
  start(config: OccupantsWorkerConfig, listener: OccupantsListener): Promise<Result>;
  /** Logs one more character in: a guest of this page. */
  add(character: Character): Promise<void>;
  /** A join or leave resolves when the room answered, everything else when it was sent. */
  act(who: string, act: OccupantAct): Promise<Acted>;
  /** The character asks for the room's configuration form and sends it back changed; resolves with the room's answer. */
  configure(who: string, change: RoomChange): Promise<Acted>;
  /** `name` is the part of the command's node after `#`. */
  command(name: string, fields: CommandFields): Promise<Result>;
  ping(): Promise<true>;
  stop(): Promise<void>;
}

/** Whether this page may run the nodes. `secret`: what their passwords end with as long as it may. */
export type LeaseState = { readonly isOurs: true; readonly secret: string } | { readonly isOurs: false };

export interface LeaseWorkerApi {
  /**
   * Asks for the lease of the nodes, again and again.
   *
   * @param listener  told when it changes hands
   */
  start(
    config: { readonly websocket: string; readonly jid: string; readonly password: string; readonly token: string },
    listener: (state: LeaseState) => void,
  ): Promise<void>;
  /** Gives it up. */
  stop(): Promise<void>;
}

/** What happens beside a distributed room, and to a plain one in its place alike. `room` is where the plain one would be. */
export type PlainInput =
  /** A stanza of a user, as they handed it to their server; `id` is the event. */
  | {
      readonly kind: 'submitted';
      readonly id: number;
      readonly t: number;
      readonly from: string;
      readonly room: string;
      readonly server: string;
      readonly xml: string;
    }
  | { readonly kind: 'link'; readonly server: readonly [string, string]; readonly state: 'up' | 'bounce' | 'silent' }
  /** A user's session has ended. */
  | { readonly kind: 'gone'; readonly t: number; readonly who: string }
  /** Somebody is in whom the plain room has not seen enter. */
  | {
      readonly kind: 'inside';
      readonly t: number;
      readonly who: string;
      readonly room: string;
      readonly server: string;
      readonly nick: string;
    };

/** What became of a message in a plain room. */
export interface PlainCost {
  readonly id: number;
  /** Its author has never entered, as far as anybody knows: nor is it known who else is in. */
  readonly isUnknown?: true;
  /** Stanzas that crossed a link between servers. */
  readonly crossed: number;
  /** Stanzas that a cut link dropped or bounced. */
  readonly lost: number;
  /** Full JIDs: whom it was delivered to. */
  readonly recipients: readonly string[];
}

export interface PlainWorkerApi {
  start(scenario: Scenario): Promise<void>;
  /** @returns what became of the messages among them */
  take(inputs: readonly PlainInput[]): Promise<readonly PlainCost[]>;
}
