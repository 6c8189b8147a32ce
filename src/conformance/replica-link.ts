import {
  type Create,
  readCreated,
  readReady,
  writeAck,
  writeCreate,
  writeDestroy,
  writeNetjoin,
} from '../core/xep/sync.ts';
import { readDmuc } from '../core/xep/xep0282.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import type { Jid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorReply, iq, iqResult, payloadOf, type Stanza } from '../core/xmpp/stanza.ts';
import { childOf, type XmlElement } from '../core/xmpp/xml.ts';
import { all, answers, either, fromRoom, groupchat, hasSubject, iqSet, isError, type Like, like, to } from './like.ts';
import { Failed, type Script } from './script.ts';
import type { Stage } from './stage.ts';

/** What a primary tells a new replica: XEP-0282 §4.3, §4.4, and what decision #74 says of it. */
export interface InitialState {
  readonly roster: readonly Stanza[];
  readonly history: readonly Stanza[];
  readonly subject: Stanza | undefined;
  readonly ready: Stanza;
}

/** Our replica of the room under test. Its users are those of our domain. */
export class ReplicaLink {
  readonly #stage: Stage;
  session = '';
  epoch = 0;
  /** The last position that we hold. */
  n = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** What comes to the replica from the room. */
  get fromPrimary(): Like {
    return all(fromRoom(this.#stage.peer), to(this.#stage.node));
  }

  create(more: Partial<Create> = {}, self: Jid = this.#stage.node): Stanza {
    const create = writeCreate({
      serves: [this.#stage.setting.domain],
      keepalive: { interval: 60, timeout: 15 },
      maxstanzas: 20,
      moderators: 0,
      ...more,
    });
    return iq(self, this.#stage.peer, { type: 'set', id: this.#stage.newId() }, create);
  }

  /** Asks to be created, and takes the whole state. */
  *created(more: Partial<Create> = {}): Script<InitialState> {
    const request = this.create(more);
    yield* this.#stage.send(request);
    const answer = yield* this.#stage.expect(answers(request));
    return yield* this.#taken(answer, '<created/>, with a session');
  }

  /** Asks for what it missed: decision #41. */
  *netjoin(): Script<InitialState> {
    const { session, epoch, n } = this;
    const payload = writeNetjoin({ session, have: { epoch, n }, moderators: 0 });
    const request = iq(this.#stage.node, this.#stage.peer, { type: 'set', id: this.#stage.newId() }, payload);
    yield* this.#stage.send(request);
    const answer = yield* this.#stage.expect(answers(request));
    return yield* this.#taken(answer, '<created/> in answer to a netjoin');
  }

  *#taken(answer: Stanza, words: string): Script<InitialState> {
    const created = readCreated(answer.payloads);
    if (created === undefined) throw new Failed(words, [answer]);
    this.session = created.session;
    this.epoch = created.epoch;
    const [roster, history]: [Stanza[], Stanza[]] = [[], []];
    let subject: Stanza | undefined;
    const part = either(
      'the state of the room: roster, history, subject, and <ready/>',
      all(
        this.fromPrimary,
        like('', ({ name, type }) => name === 'presence' && type !== 'error'),
      ),
      all(this.fromPrimary, groupchat),
      all(this.fromPrimary, iqSet),
    );
    const place = (stanza: Stanza) => this.#stage.exchanged.findLastIndex((one) => one.stanza === stanza);
    const since = place(answer);
    for (;;) {
      const stanza = yield* this.#stage.expect(part);
      // Of the session before.
      if (place(stanza) < since) continue;
      const ready = readReady(stanza.payloads);
      if (ready) {
        this.n = ready.n;
        yield* this.#stage.send(iqResult(stanza, writeAck({ h: ready.n, moderators: 0 })));
        return { roster, history, subject, ready: stanza };
      }
      if (isError.fits(stanza)) throw new Failed(part.words, [stanza]);
      if (stanza.name === 'presence') roster.push(stanza);
      else if (hasSubject.fits(stanza)) subject = stanza;
      else if (stanza.name === 'message') history.push(stanza);
    }
  }

  /** The session ends, and the primary serves its users itself: decision #40. */
  *ends(): Script {
    const { session, epoch, n } = this;
    if (session === '') return;
    const payload = writeDestroy({ epoch, n });
    yield* this.#stage.ask(this.#stage.peer, this.#stage.node, 'set', payload);
  }

  /** RFC 6120 §8.3: our server could not deliver it. */
  bounce(stanza: Stanza): Stanza {
    const bounce = errorReply(stanza, stanzaError('cancel', 'service-unavailable'));
    if (!bounce) throw new Failed('something that can bounce', [stanza]);
    return bounce;
  }

  /** The positions of what came to the replica since it was created, in that order: decision #1. */
  positions(since: number): readonly number[] {
    return this.#stage.exchanged.slice(since).flatMap(({ sent, stanza }) => {
      const dmuc = sent ? undefined : readDmuc(stanza.payloads);
      // <enter/> and <leave/> have the number of another change.
      return dmuc?.position === undefined || dmuc.enter || dmuc.leave ? [] : [dmuc.position.n];
    });
  }
}

export function enters(user: Jid): Like {
  return like(`with <enter jid='${user}'/>`, ({ payloads }) => readDmuc(payloads)?.enter === user);
}
export function leaves(user: Jid): Like {
  return like(`with <leave jid='${user}'/>`, ({ payloads }) => readDmuc(payloads)?.leave === user);
}
/** An update for everybody: XEP-0282 §4.7. */
export const isUpdate = like('without <enter/> and <leave/>', ({ payloads }) => {
  const dmuc = readDmuc(payloads);
  return dmuc?.enter === undefined && dmuc?.leave === undefined;
});
/** §4.9 */
export function delayedBy(occupant: Jid): Like {
  return like(`with a delay from ${occupant} in <x xmlns='${NS.dmuc2}'/>`, ({ payloads }) => {
    const delay = readDmuc(payloads)?.delay;
    return delay !== undefined && delay.from === occupant;
  });
}
export function inDmuc(stanza: Stanza, name: string, xmlns: string): XmlElement | undefined {
  const x = payloadOf(stanza, 'x', NS.dmuc2);
  return x && childOf(x, name, xmlns);
}
