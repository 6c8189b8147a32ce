import type { Trouble } from '../host/control.ts';

export const tabNames = ['log', 'spacetime', 'transcripts', 'counters', 'outline'] as const;
export type Tab = (typeof tabNames)[number];
export type Theme = 'auto' | 'light' | 'dark';
/** Below 768 px one region is shown at a time. */
export const regionNames = ['lesson', 'topology', 'panel', 'inspector'] as const;
export type Region = (typeof regionNames)[number];
export type Thing =
  | { readonly kind: 'node'; readonly id: string }
  | { readonly kind: 'link'; readonly id: string }
  /** A server's domain. */
  | { readonly kind: 'server'; readonly id: string }
  | { readonly kind: 'occupant'; readonly id: string };

/** What a person sees of a session, and has chosen. */
export interface View {
  readonly tab: Tab;
  readonly region: Region;
  readonly filter: string;
  /** Kinds that the log and the space-time view leave out; `ping`, a part of the IQs, only the latter. */
  readonly hidden: ReadonlySet<string>;
  /** Servers that are one column in the space-time view. */
  readonly collapsed: ReadonlySet<string>;
  /** Lines of the log that somebody opened, by the event that each is shown as. */
  readonly opened: ReadonlySet<number>;
  readonly event: number | undefined;
  readonly thing: Thing | undefined;
  /** The inspector shows the stanza or the thing, whichever was selected last. */
  readonly inspect: 'stanza' | 'node' | 'link';
  /** Full JID of the character who speaks from the speak bar. */
  readonly speaker: string;
  readonly menu: { readonly thing: Thing; readonly x: number; readonly y: number } | undefined;
  readonly trouble: Trouble | undefined;
  readonly toast: string | undefined;
  /** Size of the type while somebody presents, in percent of the usual one. */
  readonly presenting: number | undefined;
  /** In presenter mode: the views below the picture are shown. */
  readonly drawer: boolean;
  /** What the nodes did last, in sentences. */
  readonly said: string;
}

export type Phase = 'loading' | 'playing' | 'quiet' | 'paused' | 'offline' | 'failed';

/** A step of a lesson that comes with Netsplit. */
export interface LessonPlace {
  readonly id: string;
  /** From 1: the steps, then the exercises. */
  readonly step: number;
  /** The last event before the step began; absent: the step begins where it does if all before was done as it is meant. */
  readonly from?: number | undefined;
}
