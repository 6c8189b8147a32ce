import type { TracedStanza } from '../../core/node/trace.ts';
import type { Sign } from '../../core/turn/spec.ts';

/**
 * One line of what happened. `id` is the server's seq, or that of a recorded run. The server does not see the acts and the
 * state changes of a live run: their ids count down from -1.
 */
export interface ModelEvent {
  readonly id: number;
  readonly kind: 'hop' | 'link' | 'session' | 'state' | 'act' | 'pause' | 'append' | 'fault';
  readonly t: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly leg?: 'in' | 'link' | 'out';
  /** The two servers of a link. */
  readonly server?: readonly [string, string];
  readonly stanza?: TracedStanza;
  readonly arrives?: number;
  readonly outcome?: 'dropped' | 'bounced';
  readonly stream?: string;
  readonly n?: number;
  /** Of a state change: the node's peer and room concerned. */
  readonly peer?: string;
  readonly room?: string;
  readonly sign?: Sign;
  /** Of an act: nobody did it, a timer of the node ran out. */
  readonly timer?: true;
  /** The event that led to this one; for a stanza that a node sent, known once the node's own record has come. */
  cause?: number;
  spec?: string;
  /** Position among the copies made in one step, from 0; absent where a step made one stanza only. */
  copy?: number;
}
