import type { PeerRecord } from '../../room/event.ts';
import type { Refusal } from '../../room/refusal.ts';
import type { Resync, Trail } from '../../xep/fmuc-sync.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { type Instant, instant } from '../../xmpp/time.ts';
import type { Link } from '../link.ts';
import type { FmucPeer } from '../peers.ts';
import type { IncomingState } from '../resync.ts';
import type { Guest } from './admission.ts';
import type { Way } from './paths.ts';
import type { Known } from './reading.ts';

/**
 * How the joining node stands with the node that it joins:
 *
 * phase        what happens                                                    next
 * away         a first user wants to enter, or comes by a node that joined us  asking
 * asking       the subject comes, which ends the answer                        joined
 *              <reject/>, an error that is no bounce, an answer without fmuc   rejected
 *              the nick is taken there: there is another to ask for            asking
 *              the same, and there is nobody                                   away
 *              a bounce, 10 s of silence, a new stream of our own              split
 * joined       a gap, <left/>, a start of our own                              split, and at once asking
 *              a bounce, two pings without an answer                           split
 *              our last user leaves                                            leaving
 * leaving      <left/>, a bounce, 10 s of silence                              away
 *              a user wants to enter, or comes                                 asking
 * split        5 to 60 s later, with a user here                               asking
 *              the last user leaves, or nobody is here when it is time         away
 *              the same, with a node without our extension that may still hold the link   parting
 * parting      <left/>, 5 s of silence                                         asking
 * rejected     the last user leaves                                            away
 * standby      it joined us instead, or everybody there is reached by another way; the link that did this is lost
 *                                                                              asking
 *              the last user leaves                                            away
 * interrupted  linkUp                                                          split; if it was joined, at once asking
 */
export type Phase =
  | { readonly phase: 'away' }
  /** `reason`: in words, for people. */
  | { readonly phase: 'rejected'; readonly reason: string }
  | { readonly phase: 'standby' }
  /** `tries` since the two were joined, `since` this one; `heard`: when the last part of the answer came. */
  | {
      readonly phase: 'asking';
      readonly lost?: Instant | undefined;
      readonly link: Link;
      /** The user in whose name it asks. */
      readonly announced: Known;
      readonly answer: IncomingState;
      /** The users of the answer. */
      readonly ways: Map<Jid, Way & { readonly order: Trail['order'] }>;
      /** Users of the answer who are not let in here, with their nicks and the reasons. */
      readonly unwelcome: (readonly [Guest, string, Refusal])[];
      readonly tries: number;
      readonly since: Instant;
      heard: Instant;
      /** Something of the answer has come. */
      begun?: true;
      /** Nobody waits for it any more. */
      late?: true;
      /** What the other node asks for in its answer. */
      asked?: Resync;
    }
  /** `announced`: set until the users who waited for the answer are in. */
  | { readonly phase: 'joined'; readonly link: Link; announced?: Known | undefined }
  | { readonly phase: 'leaving'; readonly since: Instant }
  /** `heard`: when the two were in step for the last time. */
  | { readonly phase: 'split'; readonly tries: number; readonly heard?: Instant | undefined }
  /** It is told that our users left, before it is asked again. */
  | {
      readonly phase: 'parting';
      readonly tries: number;
      readonly heard?: Instant | undefined;
      readonly since: Instant;
    }
  /** This node has started again, and has not been in touch with anybody since. */
  | { readonly phase: 'interrupted'; readonly joined: boolean; readonly since: Instant };

export type PhaseOf<P extends Phase['phase']> = Extract<Phase, { phase: P }>;

/** Whether nobody has to wait for the other room's answer: it has come, or has taken too long. */
export function isSettled(now: Phase): boolean {
  const { phase } = now;
  if (phase === 'asking') return now.late === true;
  if (phase === 'interrupted') return now.joined;
  return phase === 'joined' || phase === 'split' || phase === 'rejected' || phase === 'standby';
}

/** In primary-replica mode: whether the joined node decides with this one, or will soon, or cannot be reached. */
export type Reach = 'joined' | 'coming' | 'cut';

export function reachOf({ phase }: Phase): Reach {
  if (phase === 'joined') return phase;
  return phase === 'away' || phase === 'asking' || phase === 'leaving' ? 'coming' : 'cut';
}

/** A node whose link is spare is in step by another way, until that is lost; so long ago, in milliseconds, at most. */
const noticedMs = 120_000;

/** When the two were in step for the last time, as far as this side knows. */
export function inStep(now: Phase, at: Instant): Instant | undefined {
  if (now.phase === 'standby') return instant(at - noticedMs);
  if (now.phase === 'joined') return now.link.lastHeard;
  if (now.phase === 'asking') return now.lost;
  if (now.phase === 'split' || now.phase === 'parting') return now.heard;
  return now.phase === 'interrupted' && now.joined ? now.since : undefined;
}

/** What users who waited for nothing are told. Decision #180. */
export function whyAlone(now: Phase, peer: Jid): string | undefined {
  if (now.phase !== 'rejected') return undefined;
  return `This room is not linked with ${peer}: ${now.reason || 'it gives no reason'}`;
}

/** What the log keeps of a phase, for the time after a restart. */
export const kept = {
  away: undefined,
  asking: 'joining',
  joined: 'live',
  leaving: 'leaving',
  split: 'split',
  parting: 'split',
  rejected: 'rejected',
  standby: 'standby',
} as const satisfies Record<Exclude<Phase['phase'], 'interrupted'>, PeerRecord['state'] | undefined>;

/** The record of a phase. @param plain  whether the other node is known not to know our extension */
export function recordOf(
  next: Exclude<Phase, { phase: 'interrupted' }>,
  since: Instant,
  plain: boolean,
): FmucPeer | undefined {
  const state = kept[next.phase];
  const why = next.phase === 'rejected' && next.reason !== '' ? { reason: next.reason } : {};
  return state && { kind: 'fmuc', state, since, direction: 'outbound', ...(plain ? { plain } : {}), ...why };
}

/** What a record from before a restart says. */
export function remembered(record: FmucPeer | undefined): Phase {
  // It joined us.
  if (record?.direction === 'inbound') return { phase: 'standby' };
  switch (record?.state) {
    case 'joining':
    case 'live':
      return { phase: 'interrupted', joined: record.state === 'live', since: record.since };
    case 'leaving':
      return { phase: 'leaving', since: record.since };
    case 'split':
      return { phase: 'split', tries: 0, heard: record.heard };
    case 'rejected':
      return { phase: 'rejected', reason: record.reason ?? '' };
    case 'standby':
      return { phase: 'standby' };
    default:
      return { phase: 'away' };
  }
}

/** The timers of a joining side: for the next part of the answer or the `<left/>`, and for another try. */
export type SideTimer = 'answer' | 'retry';

/** Whose timer it is, and which, if it is one of a joining side. */
export function readSideTimer(name: string): { readonly what: SideTimer; readonly peer: Jid } | undefined {
  const [, what, peer] = /^(answer|retry):(.*)$/.exec(name) ?? [];
  return what === undefined ? undefined : { what: what as SideTimer, peer: peer as Jid };
}
