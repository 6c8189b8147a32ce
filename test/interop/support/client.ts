/**
 * What the flows ask of a client that nobody here wrote. An action ends when the client has sent it; what came of it is
 * read from the client itself: what it shows its user, not what was on the wire.
 */
export interface RoomClient {
  /** slixmpp, converse.js, strophe.js */
  readonly software: string;
  /** Bare JID. */
  readonly account: string;
  /** Enters the room, and waits until the client says that it is in. @throws Error with the reason that the client gives */
  enter(nick: string): Promise<void>;
  leave(): Promise<void>;
  say(text: string): Promise<void>;
  /** A private message, XEP-0045 §7.5. */
  tell(nick: string, text: string): Promise<void>;
  rename(nick: string): Promise<void>;
  setSubject(text: string): Promise<void>;
  kick(nick: string, reason: string): Promise<void>;
  /** @param whom  converse.js wants the nick where there is a reason, others the bare JID */
  ban(whom: { readonly nick: string; readonly jid: string }, reason: string): Promise<void>;
  /** Fetches the configuration form, changes what is named, and submits all of it. */
  configure(changes: Readonly<Record<string, string>>): Promise<void>;
  /** The form as it is now: values by field. */
  configuration(): Promise<Readonly<Record<string, string>>>;
  /** Bodies in the room, oldest first, history and archive included. */
  texts(): Promise<readonly string[]>;
  privateTexts(nick: string): Promise<readonly string[]>;
  occupants(): Promise<readonly string[]>;
  subject(): Promise<string>;
  /** What the client says about why it is no longer in the room; undefined as long as it is. */
  removal(): Promise<string | undefined>;
  /** A new session of the same account that remembers nothing; it enters and reads the room's archive (XEP-0313). */
  reload(nick: string): Promise<void>;
  /** What the client complained about, and questions of its that were not answered as they must be. */
  complaints(): readonly string[];
  stop(): Promise<void>;
}
