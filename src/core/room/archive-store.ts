/** What a room's archive (XEP-0313) asks of the store that holds it. The room itself keeps only what a joiner may get. */
import type { PageRequest } from '../xep/xep0059.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Instant } from '../xmpp/time.ts';
import type { HistoryItem } from './event.ts';

/** What is to be kept of an archive: the oldest beyond any of these goes. Absent: for ever. */
export interface Retention {
  readonly count?: number | undefined;
  /** Of the items, as the store writes them. */
  readonly bytes?: number | undefined;
  /** What is older than this. */
  readonly before?: Instant | undefined;
}

/** What happens to the archive of one room. It is durable together with the events that it comes from. */
export type ArchiveChange = {
  readonly room: Jid;
} /** `place`: where it stands. Places of one room are compared as strings, by their code units; none is there twice. */ & (
  | { readonly kind: 'kept'; readonly place: string; readonly item: HistoryItem }
  /** Of the message that this one takes back, if it is there, a tombstone is left in its place (`takesBack`, `tombstoneOf`). */
  | { readonly kind: 'takenBack'; readonly retraction: HistoryItem }
  /** What was said in a split is not accepted: it goes, if it is there and still `provisional`. */
  | { readonly kind: 'forgotten'; readonly by: Jid; readonly id: string }
  /** The room is gone, or what it holds is replaced. */
  | { readonly kind: 'emptied' }
  | { readonly kind: 'bounded'; readonly retention: Retention }
);

/** A page of an archive that is asked for: those of one author, from a time to a time (both included). */
export interface ArchiveSearch {
  readonly room: Jid;
  readonly nick?: string | undefined;
  readonly start?: Instant | undefined;
  readonly end?: Instant | undefined;
  readonly page: PageRequest & { readonly max: number };
}

/** `undefined`: the page begins or ends at an id that is not there (XEP-0313 §4.3.2 of version 0.7; XEP-0059 §2.2). */
export type ArchivePage =
  | undefined
  | {
      readonly page: readonly HistoryItem[];
      /** Of its first item among all that are wanted, and the number of those, where that is known without reading them all. */
      readonly index?: number | undefined;
      readonly count?: number | undefined;
      /** Whether nothing that is wanted lies beyond it, in the direction of paging. */
      readonly complete: boolean;
    };
