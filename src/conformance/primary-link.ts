import {
  type Create,
  type Position,
  readCreate,
  readNetjoin,
  readRelayed,
  writeCreated,
  writeOffer,
  writePosition,
  writeReady,
} from '../core/xep/sync.ts';
import { type MucUser, writeMucUser } from '../core/xep/xep0045.ts';
import { type Dmuc, writeDmuc } from '../core/xep/xep0282.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import { type Jid, occupantJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorReply, iq, iqResult, make, message, presence, type Stanza } from '../core/xmpp/stanza.ts';
import { instant } from '../core/xmpp/time.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import { all, from, type Like, to } from './like.ts';
import type { Script } from './script.ts';
import { body, type Stage } from './stage.ts';

/** Our room, as the primary of the replica under test. Its users are those of `setting.users`. */
export class PrimaryLink {
  readonly #stage: Stage;
  /** What we have accepted: the number of the last change of our room. */
  n = 0;
  epoch = 0;
  session = '';
  /** Whether a request of the replica to be created, or for what it missed, is answered at once. */
  answersRequests = true;
  #created: Create | undefined;
  /** Whom we have told the replica to serve. */
  readonly #entered = new Set<Jid>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  get room(): Jid {
    return this.#stage.node;
  }

  /** The replica has asked, and this is what it wants. */
  get created(): Create | undefined {
    return this.#created;
  }

  hasIn(user: Jid): boolean {
    return this.#entered.has(user);
  }

  position(): Position {
    return { epoch: this.epoch, n: this.n };
  }

  #next(): Position | undefined {
    if (!this.#stage.extension) return undefined;
    this.n++;
    return this.position();
  }

  /** Answers what a replica asks at any time. */
  reflex(stanza: Stanza): readonly Stanza[] {
    if (stanza.name !== 'iq' || stanza.type !== 'set' || stanza.from !== this.#stage.peer) return [];
    const create = readCreate(stanza.payloads);
    if (create && !this.#stage.extension) {
      this.#created = create;
      const refused = errorReply(stanza, stanzaError('cancel', 'feature-not-implemented'));
      return refused ? [refused] : [];
    }
    if (create) {
      this.#created = create;
      return this.#all(stanza, create);
    }
    // Decision #42: all that happened during a split has arrived, and is done.
    if (readRelayed(stanza.payloads) !== undefined) return [iqResult(stanza, writePosition(this.position()))];
    const netjoin = readNetjoin(stanza.payloads);
    if (netjoin === undefined || !this.answersRequests) return [];
    // Decision #41: it creates itself anew.
    const unknown = errorReply(stanza, stanzaError('wait', 'unexpected-request'));
    return unknown ? [unknown] : [];
  }

  /** Decision #74: the whole state, with one user, one message of the past, and a subject. */
  #all(request: Stanza, create: Create): readonly Stanza[] {
    this.epoch = Math.max(this.epoch, this.#stage.now);
    this.session = this.#stage.newId();
    const { session, epoch, n } = this;
    const { keepalive, maxstanzas } = create;
    const created = writeCreated({ session, epoch, n, mode: 'full', jids: 'none', keepalive, maxstanzas });
    const ready = writeReady({ n, roster: 1, history: 1 });
    return [
      iqResult(request, created),
      ...this.state(),
      iq(this.room, this.#stage.peer, { type: 'set', id: `ready-${session}` }, ready),
    ];
  }

  /** §4.3, §4.4 */
  state(): readonly Stanza[] {
    const to = this.#stage.peer;
    const rest = () => ({ id: this.#stage.newId() });
    const wumpus = occupantJid(this.room, remoteNick);
    const rank = writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] });
    const past = (stamp: number) => writeDmuc({ delay: { from: wumpus, stamp: instant(stamp) } });
    return [
      presence(wumpus, to, rest(), rank),
      message(wumpus, to, { ...rest(), type: 'groupchat' }, body(this.pastText), past(this.#stage.now - 60_000)),
      message(
        wumpus,
        to,
        { ...rest(), type: 'groupchat' },
        el('subject', NS.client, {}, subjectText),
        past(this.#stage.now - 60_000),
      ),
    ];
  }

  get pastText(): string {
    return `Honest! He did!! ${this.#stage.setting.run}`;
  }

  offer(): Stanza {
    return message(this.room, this.#stage.peer, { id: this.#stage.newId() }, writeOffer());
  }

  /** What everybody is told of a user. @param item  what is not as usual */
  update(nick: string, item: Partial<MucUser> = {}, ...more: readonly XmlElement[]): Stanza {
    return this.#presence(nick, {}, item, { position: this.#next() }, ...more);
  }

  /** §4.5, behind the update. */
  enter(user: Jid, nick: string): Stanza {
    this.#entered.add(user);
    const position = this.#stage.extension ? this.position() : undefined;
    return this.#presence(nick, {}, {}, { enter: user, position });
  }

  /** §4.6: to the replica alone, and then what everybody is told. */
  leave(user: Jid, nick: string, item: Partial<MucUser> = {}): readonly Stanza[] {
    this.#entered.delete(user);
    const position = this.#next();
    const gone = { role: 'none', ...item } as const;
    return [
      this.#presence(nick, { type: 'unavailable' }, gone, { leave: user, position }),
      this.#presence(nick, { type: 'unavailable' }, gone, { position }),
    ];
  }

  renames(nick: string, after: string): Stanza {
    const item = { nick: after, statuses: [303] };
    return this.#presence(nick, { type: 'unavailable' }, item, { position: this.#next() });
  }

  #presence(
    nick: string,
    { type }: { readonly type?: string },
    item: Partial<MucUser>,
    dmuc: Dmuc,
    ...more: readonly XmlElement[]
  ): Stanza {
    const muc = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [], ...item });
    const x = writeDmuc(dmuc);
    const parts = { type, id: this.#stage.newId() };
    const payloads = [...more, muc, ...(x.children.length === 0 ? [] : [x])];
    return make('presence', occupantJid(this.room, nick), this.#stage.peer, parts, payloads);
  }

  /** §4.9 @param origin  the id that its author gave it */
  says(nick: string, text: string, origin?: string, position = this.#next()): Stanza {
    const occupant = occupantJid(this.room, nick);
    const dmuc = writeDmuc({ delay: { from: occupant, stamp: instant(this.#stage.now) }, origin, position });
    const parts = { type: 'groupchat', id: this.#stage.newId() };
    return message(occupant, this.#stage.peer, parts, body(text), dmuc);
  }

  /** What a replica relays of a user, to the room or an occupant: as the user has sent it (§4.8). */
  relayed(user: Jid, nick?: string): Like {
    const address = nick === undefined ? this.room : occupantJid(this.room, nick);
    return all(from(user), to(address));
  }

  /** A user of the replica's enters: relayed, told to all, entered. */
  *lets(user: Jid, name: string): Script<Stanza> {
    const nick = this.#stage.nick(name);
    const occupant = occupantJid(this.room, nick);
    this.#stage.leavesAfter(() => presence(user, occupant, { type: 'unavailable' }));
    yield* this.#stage.asksIn(user, occupant);
    const join = yield* this.#stage.expect(this.relayed(user, nick));
    yield* this.#stage.send(this.update(nick), this.enter(user, nick));
    return join;
  }
}

export const remoteNick = 'Wumpus';
export const subjectText = 'the war of 1990';
