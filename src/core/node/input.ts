import type { ArchiveSearch, Found } from '../room/archive-store.ts';
import type { RoomEvent } from '../room/event.ts';
import type { TimerId } from '../turn/effect.ts';
import type { Jid } from '../xmpp/jid.ts';
import type { Stanza } from '../xmpp/stanza.ts';
import type { Holdings } from './holdings.ts';

/** What a person or a supervisor may ask of a node. */
export type Command =
  /**
   * The host is up and the log is read: create what the configuration asks for and the log lacks. `untold` is what was
   * appended last, and perhaps never heard of.
   */
  | { readonly name: 'start'; readonly untold?: readonly RoomEvent[] }
  /** The service goes down on purpose: its users are told (XEP-0045 §11.2). */
  | { readonly name: 'stop' }
  /** What the other processes of the same service have now, all of them together. */
  | { readonly name: 'elsewhere'; readonly holdings: Holdings };

/** What may happen to a node. */
export type Input =
  /**
   * A stanza arrived.
   *
   * `via` is the domain whose server vouched for `from`: our own server checks it on every client stream and on every
   * link between servers. A stanza whose `from` is not of that domain is forged and is dropped.
   */
  | { readonly kind: 'stanza'; readonly via: Jid; readonly stanza: Stanza }
  /** The stream to our own server came up (a new session, nothing of the old one in flight) or went down. */
  | { readonly kind: 'linkUp' | 'linkDown'; readonly peer: Jid }
  | { readonly kind: 'timer'; readonly timer: TimerId }
  /** What a search of an archive found that was asked for because of the stanza `asked`. The room may be another by now. */
  | { readonly kind: 'found'; readonly search: ArchiveSearch; readonly asked: Stanza; readonly found: Found }
  | { readonly kind: 'command'; readonly command: Command };
