import type { PeerRecord } from '../../room/event.ts';
import type { Instant } from '../../xmpp/time.ts';
import type { CatchUp } from './catch-up.ts';
import type { InitialState } from './initial-state.ts';

/**
 * How a replica stands with its primary:
 *
 * phase      what happens                                                          next
 * asking     <created/>                                                            syncing
 *            15 s without a word, a bounce (at its start: the sixth)               split
 *            a refusal                                                             dismissed
 * syncing    <ready/>, and all that it counts has come                             live
 *            <ready/>, and something is missing                                    asking
 *            30 s in which nothing more comes, a bounce                            split
 * live       a gap, or the two do not count the same users                         asking
 *            an offer: it asks, and is live until the answer comes: <created/>     syncing
 *            two pings or a request without an answer, a bounce                    split
 *            the result of our own <destroy/>                                      dismissed
 * split      asks at ever longer intervals, at most the keepalive's: <created/>    syncing
 *            a refusal                                                             dismissed
 * dismissed  an offer                                                              asking
 *
 * In any phase: a <destroy/> dismisses it; a new stream of its own makes it ask, as split if it was, else as asking.
 */
export type Phase = Unanswered &
  (
    | { readonly phase: 'asking' }
    /** `answer`: as much of it as has come. */
    | { readonly phase: 'syncing'; readonly answer: InitialState | CatchUp }
    /** `relayed`: when something was, of which no sign of the primary has followed yet. */
    | { readonly phase: 'live'; relayed: Instant | undefined }
    /** `tries`: requests and pings since the split. */
    | { readonly phase: 'split'; tries: number }
    | { readonly phase: 'dismissed' }
  );

/** What the primary was sent and has not answered to the end. */
export interface Unanswered {
  request?: Request | undefined;
  settling?: Settling | undefined;
  /** Id of our `<destroy/>` (decision #40). */
  destroying?: string | undefined;
}

/** Creation or netjoin was asked for. */
export interface Request {
  readonly id: string;
  /** With the list of our users. */
  readonly listUsers: boolean;
  /**
   * `open`: there is no answer yet; `answering`: part of it came, and more may be on its way, whatever has happened since;
   * `lost`: as far as anybody can know there will be none, and if there is one all the same it counts; `over`: nothing
   * more is to come but the result of the ping behind it.
   */
  state: 'open' | 'answering' | 'lost' | 'over';
  /** Id of a ping behind it: its result is behind the answer, so what has not come by then is lost. */
  probe?: string | undefined;
  /** Something of the primary came since it was asked, or since more of its answer was waited for. */
  moving: boolean;
}

/** What was relayed of a split, and the id of the iq that says so (decision #42). */
export interface Settling {
  readonly id: string;
  readonly acts: readonly string[];
}

/** Whether it, or part of its answer, is under way, as far as anybody can know. */
export function isUnderWay(request: Request | undefined): request is Request {
  return request?.state === 'open' || request?.state === 'answering';
}

export type PhaseOf<P extends Phase['phase']> = Extract<Phase, { phase: P }>;

/** What is kept of a phase, for a life after this one. */
export const kept = {
  asking: 'syncing',
  syncing: 'syncing',
  live: 'live',
  split: 'split',
  dismissed: 'rejected',
} as const satisfies Record<Phase['phase'], PeerRecord['state']>;

/** What a record of a life before this one says: nothing has been asked for in this one. */
export function remembered(record: PeerRecord | undefined): Phase {
  if (record?.state === 'split') return { phase: 'split', tries: 0 };
  return { phase: record?.state === 'rejected' ? 'dismissed' : 'asking' };
}
