import type { NotKept } from '../../host/control.ts';

/** Start-up and health of one room node, for the progress list and the topology. */
export interface NodeProgress {
  readonly node: string;
  readonly phase:
    | 'waiting'
    | 'restoring'
    | 'connecting'
    | 'logged-in'
    | 'bound'
    | 'ready'
    | 'reconnecting'
    /** The worker is gone and will not be restarted until somebody asks. */
    | 'down'
    /** The worker stopped answering or died; the supervisor starts it again. */
    | 'restarting'
    /** Another page runs this node. */
    | 'elsewhere'
    /** No longer a node of the room: its owner took it off the list. */
    | 'gone'
    | 'failed';
  /** E.g. "history restored: 12 messages", or what failed and what to do. */
  readonly detail: string;
  /** It failed because part of its log is lost. */
  readonly lost?: true;
  /** Absent: it keeps on disk what happens. */
  readonly notKept?: NotKept;
}

/** The state of one of the scenario's characters' own XMPP session. */
export interface OccupantProgress {
  readonly who: string;
  readonly phase: 'offline' | 'connecting' | 'online' | 'joining' | 'joined' | 'failed' | 'elsewhere';
  readonly nick: string;
  /** The room that they are in, or have asked for. */
  readonly room: string;
  /** That room sends them to this one, and they are to decide. */
  readonly offer?: string;
  readonly detail: string;
  /** Ids of what they said and the room has neither given back nor refused. */
  readonly unanswered?: readonly string[];
}
