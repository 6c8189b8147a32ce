import type { Stanza } from '../core/xmpp/stanza.ts';
import type { Script } from './script.ts';
import type { Exchanged, Mode, Protocol, Role, Setting } from './setting.ts';
import type { Stage } from './stage.ts';

/** What a check needs beside the two nodes: our extension at both, or users of a domain of their own. */
export type Need = 'extension' | 'users';

export interface Check {
  /** Unique, and the same from version to version. */
  readonly id: string;
  /** Section of the protocol's XEP. */
  readonly section: string;
  /** What must hold, in a sentence. */
  readonly requirement: string;
  readonly needs?: readonly Need[];
  /** In which mode of XEP-0289; absent: in both. */
  readonly mode?: Mode;
  /** @throws Failed, NotOffered */
  run(stage: Stage): Script;
}

/** What must hold of everything that was exchanged in the run. */
export interface Review {
  readonly id: string;
  readonly section: string;
  readonly requirement: string;
  /** @throws Failed */
  examine(exchanged: readonly Exchanged[], stage: Stage): void;
}

/** What is tried of an implementation in one role. */
export interface Part {
  readonly protocol: Protocol;
  readonly role: Role;
  /** What the tester has to set up at their side, a sentence each. */
  setUp(setting: Setting): readonly string[];
  /** What our nodes say that they can, beside the usual. */
  readonly features?: readonly string[];
  readonly checks: readonly Check[];
  readonly reviews: readonly Review[];
  /** What our node says at once because of what it hears, in every check. */
  reflex?(stage: Stage): (stanza: Stanza) => readonly Stanza[];
  /** What all other checks rest on: it comes first, and they share what it leaves. */
  readonly begin?: Check;
  /** Whether the peer has our extension; absent: it says so in its answer to disco#info. */
  knowsExtension?(stage: Stage): boolean;
  /** At the end of each check, before everybody leaves. */
  restore?(stage: Stage): void;
  /** Once, after the checks. */
  end?(stage: Stage): Script;
}
