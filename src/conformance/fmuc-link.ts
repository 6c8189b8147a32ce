import { readLinkPlace, writeLinkPlace } from '../core/xep/fmuc-sync.ts';
import { type MucUser, writeJoin, writeMucUser } from '../core/xep/xep0045.ts';
import { writeDelay } from '../core/xep/xep0203.ts';
import { stanzaError, writeError } from '../core/xmpp/errors.ts';
import { bareOf, type Jid, occupantJid, resourceOf } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { make, message, payloadIn, payloadOf, presence, type Stanza } from '../core/xmpp/stanza.ts';
import type { Instant } from '../core/xmpp/time.ts';
import { childOf, el, type XmlElement } from '../core/xmpp/xml.ts';
import {
  all,
  available,
  either,
  fromRoom,
  groupchat,
  hasInside,
  hasSubject,
  isError,
  type Like,
  like,
  to,
  toAny,
} from './like.ts';
import { Failed, type Script } from './script.ts';
import { body, type Stage } from './stage.ts';

/** What a joined node says of itself and its room in answer to a join: XEP-0289 §5.1. */
export interface JoinAnswer {
  readonly occupants: readonly Stanza[];
  readonly history: readonly Stanza[];
  readonly subject: Stanza;
}

export const isReject = hasInside(['fmuc', NS.fmuc], 'reject', NS.fmuc, 'with <reject/> in <fmuc/>');
export const isLeft = hasInside(['fmuc', NS.fmuc], 'left', NS.fmuc, 'with <left/> in <fmuc/>');

/** Our end of a link between two nodes of XEP-0289, with the places of our extension on it where that is in use. */
export class FmucLink {
  readonly #stage: Stage;
  readonly node: Jid;
  session: string;
  /** Places that we have used. */
  n = 0;

  /** @param node  our room; absent: the stage's */
  constructor(stage: Stage, session: string = stage.newId(), node: Jid = stage.node) {
    this.#stage = stage;
    this.session = session;
    this.node = node;
  }

  /** Our end of the link that a request of the peer makes. */
  static of(stage: Stage, request: Stanza): FmucLink {
    const place = readLinkPlace(payloadOf(request, 'fmuc', NS.fmuc));
    return new FmucLink(stage, place?.session);
  }

  /** `<fmuc from/>`, at the next place of the link. */
  fmuc(user: Jid | undefined, ...more: readonly XmlElement[]): XmlElement {
    const place = this.#stage.extension ? [this.#place()] : [];
    return el('fmuc', NS.fmuc, { from: user }, ...more, ...place);
  }

  #place(): XmlElement {
    return writeLinkPlace({ session: this.session, n: ++this.n, h: this.heard });
  }

  /** How far the peer has counted, as far as we have heard. */
  get heard(): number {
    return this.places().reduce((most, n) => Math.max(most, n), 0);
  }

  /** The places of all that the peer sent over this link, in the order in which it came; 0 stands outside of the count. */
  places(): readonly number[] {
    return this.#stage.exchanged.flatMap(({ sent, stanza }) => {
      const place = sent || stanza.name === 'iq' ? undefined : readLinkPlace(payloadOf(stanza, 'fmuc', NS.fmuc));
      return place?.session === this.session && bareOf(stanza.to) === this.node ? [place.n] : [];
    });
  }

  #change(): readonly XmlElement[] {
    return this.#stage.extension ? [el('change', NS.ext, { id: this.#stage.newId() })] : [];
  }

  /** §5.1 Example 2. @param more  inside `<fmuc/>` */
  request(user: Jid, nick: string, join: Parameters<typeof writeJoin>[0] = {}, ...more: readonly XmlElement[]): Stanza {
    const { peer, setting } = this.#stage;
    const mode =
      this.#stage.extension && setting.mode === 'primary-replica' ? [el('link', NS.ext, { mode: setting.mode })] : [];
    return presence(
      occupantJid(this.node, nick),
      occupantJid(peer, nick),
      { id: this.#stage.newId() },
      this.fmuc(user, ...mode, ...more),
      writeJoin(join),
      writeMucUser({ affiliation: 'none', role: 'participant', jid: user, statuses: [] }),
    );
  }

  /** §5.3: a user of ours, or of another node, as everybody sees them. */
  presence(user: Jid, nick: string, item: Partial<MucUser> = {}, ...more: readonly XmlElement[]): Stanza {
    const muc = writeMucUser({ affiliation: 'none', role: 'participant', jid: user, statuses: [], ...item });
    const fmuc = this.fmuc(user, ...this.#change());
    return presence(occupantJid(this.node, nick), this.#stage.peer, { id: this.#stage.newId() }, ...more, muc, fmuc);
  }

  /** §5.4 */
  leave(user: Jid, nick: string, item: Partial<MucUser> = {}): Stanza {
    return this.#unavailable(user, nick, { role: 'none', ...item });
  }

  #unavailable(user: Jid, nick: string, item: Partial<MucUser>): Stanza {
    const muc = writeMucUser({ affiliation: 'none', role: 'none', jid: user, statuses: [], ...item });
    const to = this.#stage.peer;
    const parts = { type: 'unavailable', id: this.#stage.newId() };
    return presence(occupantJid(this.node, nick), to, parts, muc, this.fmuc(user, ...this.#change()));
  }

  /** §5.4, the first half of a change of nick. */
  renames(user: Jid, nick: string, after: string): Stanza {
    return this.#unavailable(user, nick, { role: 'participant', nick: after, statuses: [303] });
  }

  /** §5.2 */
  message(user: Jid, nick: string, ...payloads: readonly XmlElement[]): Stanza {
    const rest = { type: 'groupchat', id: this.#stage.newId() };
    const fmuc = this.fmuc(user, ...this.#change());
    return make('message', occupantJid(this.node, nick), this.#stage.peer, rest, [...payloads, fmuc]);
  }

  says(user: Jid, nick: string, text: string): Stanza {
    return this.message(user, nick, body(text));
  }

  /** §5.6 */
  tells(user: Jid, nick: string, other: string, text: string): Stanza {
    const rest = { type: 'chat', id: this.#stage.newId() };
    const fmuc = this.fmuc(user, ...this.#change());
    return message(occupantJid(this.node, nick), occupantJid(this.#stage.peer, other), rest, fmuc, body(text));
  }

  /** §5.1 Example 4: a message of the past. */
  past(user: Jid, nick: string, at: Instant, ...payloads: readonly XmlElement[]): Stanza {
    const delay = writeDelay({ from: this.node, stamp: at });
    const rest = { type: 'groupchat', id: this.#stage.newId() };
    const from = occupantJid(this.node, nick);
    return make('message', from, this.#stage.peer, rest, [this.fmuc(user), ...payloads, delay]);
  }

  /** §5.1 Example 3, §5.4 Example 10. Outside of the count. */
  word(what: 'left' | 'reject', text = ''): Stanza {
    const place = this.#stage.extension ? [writeLinkPlace({ session: this.session, n: 0 })] : [];
    const word = el(what, NS.fmuc, {}, ...(text === '' ? [] : [text]));
    return presence(this.node, this.#stage.peer, {}, el('fmuc', NS.fmuc, {}, word, ...place));
  }

  /** §8, primary-replica mode: what came goes back as it is; with the identity of the change, where it has one (decision #151). */
  echo({ name, from: occupant, id, type, payloads }: Stanza, user: Jid): Stanza {
    const ours = payloads.filter((payload) => payload.name !== 'fmuc' || payload.xmlns !== NS.fmuc);
    const came = payloadIn(payloads, 'fmuc', NS.fmuc);
    const change = came && childOf(came, 'change', NS.ext);
    const identity = change ? [el('change', NS.ext, { ...change.attrs, by: this.#stage.peer })] : [];
    const from = occupantJid(this.node, resourceOf(occupant));
    return make(name, from, this.#stage.peer, { type, id }, [...ours, this.fmuc(user, ...identity)]);
  }

  /** Decision #86: the nick is somebody else's. */
  conflict(user: Jid, nick: string): Stanza {
    const place = writeLinkPlace({ session: this.session, n: 0 });
    const fmuc = el('fmuc', NS.fmuc, { from: user }, el('conflict', NS.ext), place);
    const error = writeError(stanzaError('cancel', 'conflict'));
    return presence(occupantJid(this.node, nick), occupantJid(this.#stage.peer, nick), { type: 'error' }, fmuc, error);
  }

  /** Whatever the peer tells our room. */
  get fromPeer(): Like {
    return all(fromRoom(this.#stage.peer), toAny(this.node));
  }

  /**
   * Joins, and waits for the whole answer.
   *
   * @throws Failed where the peer refuses, too: the tester has let our node in
   */
  *joins(
    user: Jid,
    nick: string,
    join: Parameters<typeof writeJoin>[0] = {},
    ...more: XmlElement[]
  ): Script<JoinAnswer> {
    const stage = this.#stage;
    stage.leavesAfter(() => this.leave(user, nick));
    yield* stage.joinsInTime();
    yield* stage.send(this.request(user, nick, join, ...more));
    return yield* this.answer();
  }

  *answer(): Script<JoinAnswer> {
    const occupants: Stanza[] = [];
    const history: Stanza[] = [];
    const words = 'the answer to our join: occupants, history, and a subject at its end';
    const part = either(
      words,
      all(this.fromPeer, available),
      all(this.fromPeer, groupchat),
      all(this.fromPeer, isError),
    );
    for (;;) {
      const stanza = yield* this.#stage.expect(part);
      if (isError.fits(stanza) || isReject.fits(stanza)) throw new Failed(words, [stanza]);
      if (hasSubject.fits(stanza)) return { occupants, history, subject: stanza };
      if (stanza.name === 'presence') occupants.push(stanza);
      else history.push(stanza);
    }
  }
}

/** §5.2, §5.3: from the occupant at the peer, to our node. */
export function told(stage: Stage, kind: Like, occupant: Jid): Like {
  return all(
    kind,
    like(`from ${occupant}`, (stanza) => stanza.from === occupant),
    toAny(stage.node),
  );
}

/** To the bare address of our node, as in the listings of §5.1, §5.2 and §5.4; presence may name an occupant. */
export function toNode(stage: Stage): Like {
  return to(stage.node);
}
