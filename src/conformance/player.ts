import type { Stanza } from '../core/xmpp/stanza.ts';
import { type Instant, plus } from '../core/xmpp/time.ts';
import type { Like } from './like.ts';
import type { Script } from './script.ts';

export interface Audience {
  /** What is meant by a stanza that a server could not address as it should. */
  meant(stanza: Stanza): Stanza;
  /** What is answered whatever the script does, such as pings; undefined: the script may want it. */
  habit(stanza: Stanza): readonly Stanza[] | undefined;
  /** What our side says at once because of a stanza, which the script gets all the same. */
  reflex(stanza: Stanza): readonly Stanza[];
  /** Of every stanza, in either direction. */
  saw(stanza: Stanza, sent: boolean, at: Instant): void;
}

/** What nobody asked for and nobody takes: a peer that floods us is not kept in memory. */
const keptMax = 5_000;

/** Plays a script. It has no clock and no network: its host says what comes and what time it is, and sends what it is given. */
export class Player<T> {
  readonly #script: Script<T>;
  readonly #audience: Audience;
  /** What came and was not taken. */
  #kept: Stanza[] = [];
  /** The same, since something was sent. */
  #recent: Stanza[] = [];
  #waiting: { readonly like: Like; readonly until: Instant } | undefined;
  #result: { readonly value: T } | undefined;

  constructor(script: Script<T>, audience: Audience) {
    this.#script = script;
    this.#audience = audience;
  }

  /** When `tick` is to be called, at the latest. */
  get wakeAt(): Instant | undefined {
    return this.#waiting?.until;
  }

  /** Absent as long as the script goes on. */
  get result(): { readonly value: T } | undefined {
    return this.#result;
  }

  /** @returns what is to be sent, as with the other two */
  start(now: Instant): readonly Stanza[] {
    return this.#go(undefined, now);
  }

  hear(received: Stanza, now: Instant): readonly Stanza[] {
    if (this.#result) return [];
    const stanza = this.#audience.meant(received);
    this.#audience.saw(stanza, false, now);
    const answers = this.#audience.habit(stanza);
    const said = answers ?? this.#audience.reflex(stanza);
    for (const one of said) this.#audience.saw(one, true, now);
    if (answers) return said;
    if (this.#waiting?.like.fits(stanza)) return [...said, ...this.#go(stanza, now)];
    this.#kept = [...this.#kept.slice(-keptMax), stanza];
    this.#recent = [...this.#recent.slice(-keptMax), stanza];
    return said;
  }

  tick(now: Instant): readonly Stanza[] {
    return this.#waiting && now >= this.#waiting.until ? this.#go(undefined, now) : [];
  }

  #go(heard: Stanza | undefined, now: Instant): readonly Stanza[] {
    const out: Stanza[] = [];
    let stanza = heard;
    this.#waiting = undefined;
    for (;;) {
      const { done, value } = this.#script.next({ stanza, others: this.#recent });
      if (done) {
        this.#result = { value };
        return out;
      }
      stanza = undefined;
      if (value.kind === 'send') {
        for (const one of value.stanzas) this.#audience.saw(one, true, now);
        out.push(...value.stanzas);
        this.#recent = [];
        continue;
      }
      stanza = this.#take(value.like);
      if (stanza) continue;
      this.#waiting = { like: value.like, until: plus(now, value.withinMs) };
      return out;
    }
  }

  #take({ fits }: Like): Stanza | undefined {
    const found = this.#kept.find((stanza) => fits(stanza));
    if (found) {
      this.#kept = this.#kept.filter((stanza) => stanza !== found);
      this.#recent = this.#recent.filter((stanza) => stanza !== found);
    }
    return found;
  }
}
