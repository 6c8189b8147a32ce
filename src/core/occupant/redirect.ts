/**
 * XEP-0281 §3.5 in a client: it asked to enter a room and is sent to another instance of it. Decision #209: whoever is sent
 * away follows only where both rooms say that they belong together (§3.3), and only if the user agrees.
 */
import { readDirectInvitation } from '../xep/xep0249.ts';
import { readInstances, shadowsField, sourceField } from '../xep/xep0281.ts';
import { bareOf, domainOf, type Jid } from '../xmpp/jid.ts';
import { NS } from '../xmpp/namespaces.ts';
import { errorOf, iq, payloadIn, type Stanza } from '../xmpp/stanza.ts';
import { el, type XmlElement } from '../xmpp/xml.ts';
import { readAddress } from '../xmpp/xmpp-uri.ts';

type Ids = { newId(): string };

/** From a request to enter until the user knows where to go, or does not care any more. */
export class Redirect {
  readonly #me: Jid;
  /** The room that was asked. */
  readonly room: Jid;
  /** Other rooms that it has invited to since it was asked. */
  readonly #invited: Jid[] = [];
  /** What the error says, as soon as it is here: a room, or the service on which there is one. */
  #to: Jid | undefined;
  #target: Jid | undefined;
  /** By id of the iq: whom it asks. */
  readonly #asked = new Map<string, Jid>();
  /** By room: what it says of itself. */
  readonly #info = new Map<Jid, XmlElement>();

  constructor(me: Jid, room: Jid) {
    this.#me = me;
    this.room = room;
  }

  /** The room to go to, if both have said so. */
  get confirmed(): Jid | undefined {
    const target = this.#target;
    if (target === undefined) return undefined;
    return this.#isShadow(target, this.room) || this.#isShadow(this.room, target) ? target : undefined;
  }

  /** S7: what one of them says alone proves nothing. */
  #isShadow(shadow: Jid, source: Jid): boolean {
    return this.#names(shadow, sourceField, source) && this.#names(source, shadowsField, shadow);
  }

  #names(room: Jid, field: string, other: Jid): boolean {
    const info = this.#info.get(room);
    return info !== undefined && readInstances(info, field).includes(other);
  }

  /** The room does not let the user in. @returns what to ask */
  refused(stanza: Stanza, env: Ids): readonly Stanza[] {
    const error = errorOf(stanza);
    if (error?.condition !== 'redirect' || error.to === undefined) return [];
    // A URI, or the address alone as in Example 20.
    this.#to = readAddress(error.to);
    return this.#ask(env);
  }

  /** S6: the room itself invites, nobody in it, and while it has been asked. @returns what to ask */
  invited(stanza: Stanza, env: Ids): readonly Stanza[] {
    const room = stanza.from === this.room ? readDirectInvitation(stanza.payloads) : undefined;
    if (room === undefined || bareOf(room) !== room || this.#invited.length >= invitationsMax) return [];
    this.#invited.push(room);
    return this.#ask(env);
  }

  #ask(env: Ids): readonly Stanza[] {
    const to = this.#to;
    if (to === undefined || this.#target !== undefined) return [];
    const target = to.includes('@') ? bareOf(to) : this.#invited.find((room) => domainOf(room) === to);
    if (target === undefined || target === this.room) return [];
    this.#target = target;
    return [target, this.room].map((room) => {
      const id = env.newId();
      this.#asked.set(id, room);
      return iq(this.#me, room, { type: 'get', id }, el('query', NS.discoInfo));
    });
  }

  /** @returns whether it was asked */
  answered({ name, type, id = '', from, payloads }: Stanza): boolean {
    if (name !== 'iq' || this.#asked.get(id) !== from) return false;
    if (type !== 'result' && type !== 'error') return false;
    this.#asked.delete(id);
    const info = type === 'result' ? payloadIn(payloads, 'query', NS.discoInfo) : undefined;
    if (info !== undefined) this.#info.set(from, info);
    return true;
  }
}

const invitationsMax = 10;
