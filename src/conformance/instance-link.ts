import { readGreeting, readNews, writeGreeting, writeNews } from '../core/xep/instances.ts';
import { type MucUser, writeMucUser } from '../core/xep/xep0045.ts';
import { writeDelay } from '../core/xep/xep0203.ts';
import {
  readConfig,
  readHistoryRequest,
  readRoster,
  writeConfig,
  writeHistoryResult,
  writeRoster,
} from '../core/xep/xep0281.ts';
import { stanzaError } from '../core/xmpp/errors.ts';
import { bareOf, type Jid, occupantJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { errorReply, iq, iqResult, make, message, type Stanza, stanzaElement } from '../core/xmpp/stanza.ts';
import { instant } from '../core/xmpp/time.ts';
import { el, type XmlElement } from '../core/xmpp/xml.ts';
import { all, answers, errorWith, fromRoom, isResult, type Like, like, toAny } from './like.ts';
import { Failed, type Script } from './script.ts';
import { body, type Stage } from './stage.ts';

/** Our end of a link between two instances of a room (XEP-0281), with the places of our extension where that is in use. */
export class InstanceLink {
  readonly #stage: Stage;
  /** Our instance, and the one under test. */
  readonly self: Jid;
  readonly peer: Jid;
  /** Whom our roster names: nick and address. */
  readonly users = new Map<string, Jid>();
  #session = '';
  #n = 0;
  #said = 0;

  constructor(stage: Stage, self: Jid, peer: Jid) {
    this.#stage = stage;
    this.self = self;
    this.peer = peer;
  }

  get isLinked(): boolean {
    return this.#session !== '';
  }

  /** What our instance answers at once: XEP-0281 §3.2, and decision #202. */
  reflex(stanza: Stanza): readonly Stanza[] {
    if (stanza.name !== 'iq' || bareOf(stanza.to) !== this.self || bareOf(stanza.from) !== this.peer) return [];
    if (stanza.type === 'get') {
      const asked = readHistoryRequest(stanza);
      return asked ? [iqResult(stanza, writeHistoryResult([this.past()]))] : [];
    }
    if (stanza.type !== 'set') return [];
    const greeting = readGreeting(stanza.payloads);
    if (greeting && !this.#stage.extension) {
      const refused = errorReply(stanza, stanzaError('cancel', 'feature-not-implemented'));
      return refused ? [refused] : [];
    }
    if (greeting) {
      this.#begin(greeting.session);
      return [iqResult(stanza, writeGreeting({ session: greeting.session, config: '', have: [] })), this.roster()];
    }
    return readConfig(stanza) || readRoster(stanza) ? [iqResult(stanza)] : [];
  }

  #begin(session: string): void {
    this.#session = session;
    this.#n = 0;
  }

  /** Greets the other instance, where that is in use; without it there is nothing to do. */
  *greets(): Script {
    if (!this.#stage.extension || this.isLinked) return;
    const session = this.#stage.newId();
    const greeting = writeGreeting({ session, config: '', have: [] });
    const request = iq(this.self, this.peer, { type: 'set', id: this.#stage.newId() }, greeting);
    yield* this.#stage.send(request);
    const answer = yield* this.#stage.expect(answers(request));
    // It greets us, and its greeting counts.
    if (errorWith('conflict').fits(answer)) return;
    if (readGreeting(answer.payloads)?.session !== session)
      throw new Failed(`<resync session='${session}'/> in answer to ours`, [answer]);
    this.#begin(session);
  }

  /** What our instance has kept from before there was another one. */
  get pastText(): string {
    return `Message 1. ${this.#stage.setting.run}`;
  }

  past(): XmlElement {
    const at = instant(this.#stage.now - 60_000);
    const author = occupantJid(this.self, 'foo');
    const delay = writeDelay({ from: this.self, stamp: at });
    // In a history each message has its place among all, and no place on the link.
    const order = { epoch: this.#stage.startedAt, n: 1 };
    const news = this.#stage.extension ? [writeNews({ order, at })] : [];
    const id = el('stanza-id', NS.sid, { by: this.self, id: `past-${this.#stage.setting.run}` });
    const said = message(author, this.peer, { type: 'groupchat' }, body(this.pastText), id, ...news, delay);
    return stanzaElement(said);
  }

  /** §3.2 Example 7. */
  roster(): Stanza {
    const items = [...this.users].map(([name, jid]) => ({
      ...({ affiliation: 'none', jid, name, role: undefined, occupantId: '', presence: [] } as const),
    }));
    return iq(this.self, this.peer, { type: 'set', id: this.#stage.newId() }, writeRoster(items));
  }

  /** §3.2 Example 5. */
  config(name: string): Stanza {
    const field = (key: string, value: string, type?: string) =>
      el('field', NS.dataForms, { var: key, type }, el('value', NS.dataForms, {}, value));
    const form = el(
      'x',
      NS.dataForms,
      { type: 'submit' },
      field('FORM_TYPE', 'http://jabber.org/protocol/muc#roomconfig', 'hidden'),
      field('muc#roomconfig_roomname', name),
      field('muc#roomconfig_publicroom', '1'),
      field('muc#roomconfig_whois', 'anyone'),
    );
    // With our extension the lists belong to it, and who the shadows are: decision #201.
    const more = this.#stage.extension
      ? [el('instances', NS.ext, {}, el('instance', NS.ext, { jid: this.peer })), el('query', NS.mucAdmin)]
      : [];
    return iq(this.self, this.peer, { type: 'set', id: this.#stage.newId() }, writeConfig(form, ...more));
  }

  /** §3.4 Example 18. */
  presence(user: Jid, nick: string, item: Partial<MucUser> = {}, ...more: readonly XmlElement[]): Stanza {
    return this.#presence(undefined, nick, { jid: user, ...item }, more);
  }

  leave(user: Jid, nick: string): Stanza {
    return this.#presence('unavailable', nick, { jid: user, role: 'none' }, []);
  }

  #presence(type: string | undefined, nick: string, item: Partial<MucUser>, more: readonly XmlElement[]): Stanza {
    const muc = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [], ...item });
    const parts = { type, id: this.#stage.newId() };
    return make('presence', occupantJid(this.self, nick), occupantJid(this.peer, nick), parts, [
      ...more,
      muc,
      ...this.#news(),
    ]);
  }

  /** §3.6 Example 25. */
  says(nick: string, text: string): Stanza {
    const parts = { type: 'groupchat', id: this.#stage.newId() };
    const from = occupantJid(this.self, nick);
    // Number 1 is what was said before.
    const order = { epoch: this.#stage.startedAt, n: ++this.#said + 1 };
    const news = this.#news({ order, at: instant(this.#stage.now) });
    return message(from, occupantJid(this.peer, nick), parts, body(text), ...news);
  }

  #news(more: Parameters<typeof writeNews>[0] = {}): readonly XmlElement[] {
    if (!this.#stage.extension) return [];
    const place = { session: this.#session, n: ++this.#n, h: Math.max(0, ...this.places()) };
    return [writeNews({ place, ...more })];
  }

  /** The places of all that came over this link, in the order in which it came. */
  places(): readonly number[] {
    return this.#stage.exchanged.flatMap(({ sent, stanza }) => {
      if (sent || stanza.name === 'iq' || bareOf(stanza.to) !== this.self) return [];
      const place = readNews(stanza.payloads)?.place;
      return place?.session === this.#session ? [place.n] : [];
    });
  }

  /** Whatever the instance under test tells ours. */
  get fromPeer(): Like {
    return all(fromRoom(this.peer), toAny(this.self));
  }

  /** Sends a request, whose answer must be a result. */
  *tells(request: Stanza, words: string): Script {
    yield* this.#stage.send(request);
    yield* this.#stage.expect(like(words, answers(request).fits), isResult);
  }
}
