import { discoInfoResult, readDisco } from '../core/xep/xep0030.ts';
import { writeJoin } from '../core/xep/xep0045.ts';
import { isPing } from '../core/xep/xep0199.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import { bareOf, type Jid, jid, occupantJid, parseJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorReply, iq, iqResult, message, payloadOf, presence, type Stanza, withParts } from '../core/xmpp/stanza.ts';
import { type Instant, instant } from '../core/xmpp/time.ts';
import { childrenOf, el, type XmlElement } from '../core/xmpp/xml.ts';
import {
  all,
  answers,
  anything,
  available,
  either,
  errorWith,
  from,
  groupchat,
  hasSubject,
  type Like,
  nothing,
  status,
  to,
} from './like.ts';
import type { Audience } from './player.ts';
import { Failed, type Heard, type Script } from './script.ts';
import type { Exchanged, Setting } from './setting.ts';

/** @returns what is answered at once; undefined: nothing is known of this stanza */
export type Habit = (stanza: Stanza) => readonly Stanza[] | undefined;

const leftMax = 500;
const joinsAtOnce = 15;
const joinEveryMs = 5_000;

/** What all checks have: our side's people and addresses, and the steps that they have in common. */
export class Stage implements Audience {
  readonly setting: Setting;
  readonly exchanged: Exchanged[] = [];
  /** Asked before those that every node has. A check that adds some takes them away again. */
  habits: Habit[] = [];
  /** What our node says of itself; a part has one, for all of its checks. */
  reflex: (stanza: Stanza) => readonly Stanza[] = () => [];
  /** What every other node of our service says that it can, beside the usual. */
  readonly #features: readonly string[];
  /** How the people whom a check has brought in leave again. */
  #farewells: (() => Stanza)[] = [];
  /** Whether our side is there for whoever asks. */
  answersPings = true;
  #check = 0;
  #joins = 0;
  /** The host's clock, as of the last stanza. */
  now = instant(0);
  /** When the first stanza of the run was sent or came. */
  startedAt = instant(0);
  #ids = 0;

  constructor(setting: Setting, features: readonly string[] = []) {
    this.setting = setting;
    this.#features = [...features, ...(setting.extension ? [NS.ext] : [])];
  }

  /** Our node. */
  get node(): Jid {
    return jid(`${this.setting.node}@${this.setting.domain}`);
  }
  get peer(): Jid {
    return this.setting.peer;
  }
  get extension(): boolean {
    return this.setting.extension;
  }
  /** Names are new for each check, so that what is left of one is nothing to the next. */
  beginCheck(): void {
    this.#check++;
    this.habits = [];
  }
  /** A user who is behind our node. */
  ours(name: string): Jid {
    return jid(`${name.toLowerCase()}-${this.#check}@${this.setting.domain}/kit`);
  }
  /** A user who deals with the peer directly. */
  theirs(name: string): Jid {
    return jid(`${name.toLowerCase()}-${this.#check}@${this.setting.users}/kit`);
  }
  /** Whom the tester has made an owner of the room. */
  get owner(): Jid {
    return jid(`owner@${this.setting.users}/kit`);
  }
  nick(name: string): string {
    return `${name}-${this.#check}`;
  }
  at(room: Jid, name: string): Jid {
    return occupantJid(room, this.nick(name));
  }
  /** Words that nobody has said before. */
  text(what: string): string {
    return `${what} ${this.setting.run}-${++this.#ids}`;
  }
  newId(): string {
    return `kit-${this.setting.run}-${++this.#ids}`;
  }

  /** What our side always does: it says what it is, and is there. */
  habit(stanza: Stanza): readonly Stanza[] | undefined {
    for (const habit of this.habits) {
      const answer = habit(stanza);
      if (answer) return answer;
    }
    if (isPing(stanza)) return this.answersPings ? [iqResult(stanza)] : undefined;
    const disco = readDisco(stanza);
    if (disco?.kind === 'info') {
      const features = [NS.discoInfo, NS.discoItems, NS.muc, NS.ping, ...this.#features];
      return [discoInfoResult(stanza, { identity: { category: 'conference', type: 'text', name: 'kit' }, features })];
    }
    if (disco === undefined) return undefined;
    const refused = errorReply(stanza, stanzaError('cancel', 'service-unavailable'));
    return refused ? [refused] : [];
  }

  /**
   * Some servers hand a replica all that is for the address of its primary, its own relays too. So it writes to SERVICE/ROOM, and
   * we are to answer as the room. A request is answered from the address that was asked.
   */
  meant(stanza: Stanza): Stanza {
    const byService = `${this.setting.domain}/${this.node}`;
    const isRequest = stanza.name === 'iq' && (stanza.type === 'get' || stanza.type === 'set');
    if (isRequest || !stanza.to.startsWith(byService)) return stanza;
    return withParts(stanza, { to: parseJid(stanza.to.slice(this.setting.domain.length + 1)) });
  }

  saw(stanza: Stanza, sent: boolean, at: Instant): void {
    this.now = at;
    if (this.exchanged.length === 0) this.startedAt = at;
    this.exchanged.push({ sent, stanza });
  }

  /** From now on, and to the end of the check, whatever comes to this address comes back: nobody is there. */
  bounces(address: Jid): void {
    this.habits.push((stanza) => {
      if (bareOf(stanza.to) !== address) return undefined;
      const bounce = errorReply(stanza, stanzaError('cancel', 'remote-server-not-found'));
      return bounce ? [bounce] : [];
    });
  }

  // Steps.

  *send(...stanzas: readonly Stanza[]): Script {
    yield { kind: 'send', stanzas };
  }

  *hear(like: Like, withinMs: number): Script<Heard> {
    return yield { kind: 'await', like, withinMs };
  }

  /** @param musts  what must hold of the first stanza that is like this */
  *expect(like: Like, ...musts: readonly Like[]): Script<Stanza> {
    return yield* this.expectWithin(this.setting.timeoutMs, like, ...musts);
  }

  *expectWithin(withinMs: number, like: Like, ...musts: readonly Like[]): Script<Stanza> {
    const { stanza, others } = yield* this.hear(like, withinMs);
    if (stanza === undefined) throw new Failed(`${like.words}, within ${withinMs / 1000} s`, others);
    for (const must of musts) if (!must.fits(stanza)) throw new Failed(`${like.words}, ${must.words}`, [stanza]);
    return stanza;
  }

  /** @returns undefined if it does not come in time */
  *maybe(like: Like, withinMs: number = this.setting.timeoutMs): Script<Stanza | undefined> {
    return (yield* this.hear(like, withinMs)).stanza;
  }

  /** Nothing like this comes, or has come and was not expected. @param why  in place of a list of what must not come */
  *never(like: Like, why = `no ${like.words}`, forMs: number = this.setting.quietMs): Script {
    const { stanza } = yield* this.hear(like, forMs);
    if (stanza) throw new Failed(why, [stanza]);
  }

  /** @returns the answer, be it an error */
  *ask(address: Jid, self: Jid, type: 'get' | 'set', payload: XmlElement): Script<Stanza> {
    const request = iq(self, address, { type, id: this.newId() }, payload);
    yield* this.send(request);
    return yield* this.expect(answers(request));
  }

  /** The features of an address; none if it answers with an error. */
  *featuresOf(address: Jid, self: Jid): Script<ReadonlySet<string>> {
    const answer = yield* this.ask(address, self, 'get', el('query', NS.discoInfo));
    return featuresIn(answer);
  }

  /** A room may ration the joins of a node: ours takes 20 at once, and then one in five seconds. */
  *joinsInTime(): Script {
    this.#joins++;
    if (this.#joins > joinsAtOnce) yield* this.hear(nothing, joinEveryMs);
  }

  // People.

  /** Asks to enter a room (XEP-0045 §7.2.1); whoever is let in leaves at the end of the check. */
  *asksIn(user: Jid, occupant: Jid, ...more: readonly XmlElement[]): Script {
    this.leavesAfter(() => presence(user, occupant, { type: 'unavailable' }));
    yield* this.send(presence(user, occupant, { id: this.newId() }, writeJoin({}), ...more));
  }

  /** What is sent at the end of the check, whatever became of it. */
  leavesAfter(farewell: () => Stanza): void {
    this.#farewells.push(farewell);
  }

  /**
   * Waits until a user is in: their own presence, then the history, then the subject (XEP-0045 §7.2).
   *
   * @returns the history
   */
  *isIn(user: Jid, occupant: Jid, withinMs: number = this.setting.timeoutMs): Script<readonly Stanza[]> {
    const self = all(available, from(occupant), to(user), status(110));
    const refused = all(errorWith(), to(user));
    const answer = yield* this.expectWithin(
      withinMs,
      either(`the own presence of ${user} with the status 110, as ${occupant}`, self, refused),
    );
    if (answer.type === 'error')
      throw new Failed(`${user} in ${bareOf(occupant)}, which everybody may enter`, [answer]);
    const history: Stanza[] = [];
    const room = all(groupchat, to(user));
    for (;;) {
      const said = yield* this.expect(either(`the subject at the end of the answer to the join of ${user}`, room));
      if (hasSubject.fits(said)) return history;
      history.push(said);
    }
  }

  *enters(user: Jid, occupant: Jid): Script<readonly Stanza[]> {
    yield* this.asksIn(user, occupant);
    return yield* this.isIn(user, occupant);
  }

  *says(user: Jid, room: Jid, text: string, ...more: readonly XmlElement[]): Script {
    yield* this.send(message(user, room, { type: 'groupchat', id: this.newId() }, body(text), ...more));
  }

  /** The end of a check: everybody leaves, and what is still on its way arrives. */
  *endCheck(): Script {
    this.habits = [];
    this.answersPings = true;
    yield* this.send(...this.#farewells.splice(0).map((farewell) => farewell()));
    yield* this.#settles();
  }

  *#settles(): Script {
    // A peer that never stops would hold up all the rest.
    for (let n = 0; n < leftMax; n++) {
      const { stanza } = yield* this.hear(anything, this.setting.quietMs);
      if (stanza === undefined) return;
      // RFC 6120 §8.2.3: a request is answered.
      if (stanza.name !== 'iq' || (stanza.type !== 'get' && stanza.type !== 'set')) continue;
      const refused = errorReply(stanza, stanzaError('cancel', 'service-unavailable'));
      if (refused) yield* this.send(refused);
    }
  }
}

/** The features in an answer to disco#info; none in an error. */
export function featuresIn(answer: Stanza): ReadonlySet<string> {
  const query = payloadOf(answer, 'query', NS.discoInfo);
  return new Set(query && childrenOf(query, 'feature', NS.discoInfo).map(({ attrs }) => attrs['var'] ?? ''));
}

export function body(text: string): XmlElement {
  return el('body', NS.client, {}, text);
}

/** XEP-0045 §8.2, §9.1: what a moderator or an admin asks of the room. */
export function adminItem(attrs: Readonly<Record<string, string>>): XmlElement {
  return el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, attrs));
}
