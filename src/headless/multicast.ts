import { randomBytes } from 'node:crypto';
import { readForm } from '../core/xep/xep0004.ts';
import { addressLength, type MulticastLimits, readLimits, writeAddresses } from '../core/xep/xep0033.ts';
import { bareOf, domainOf, type Jid, parseJid } from '../core/xmpp/jid.ts';
import { NS } from '../core/xmpp/namespaces.ts';
import { excess, nodeLimits } from '../core/xmpp/size.ts';
import { errorOf, iq, isCopy, make, payloadOf, type Stanza, stanzaLength } from '../core/xmpp/stanza.ts';
import { childrenOf, el, type XmlElement } from '../core/xmpp/xml.ts';
import { copiesLeast, portions, type Sending } from '../host/copies.ts';
import type { LinkHost } from '../host/reconnecting-link.ts';
import type { Written } from '../host/stanza-link.ts';

export interface MulticastOptions {
  /** Of the component. */
  readonly domain: Jid;
  readonly clock: LinkHost;
  write(stanza: Stanza, written: Written | undefined): void;
  log(line: string): void;
}

/** Services of a server that are asked whether they are the one. */
const itemsMost = 20;
/** What such a stanza has beside its payloads and addresses: tags and declarations. */
const aroundBytes = 200;
/** A stanza whose copies have not gone after so long has been lost. */
const lateMs = 30_000;

type Service =
  | { readonly kind: 'unknown' | 'none' }
  | { readonly kind: 'there'; readonly jid: Jid; readonly limits: MulticastLimits };

/** A question about the server: what it has, or what one of its services is. */
interface Question {
  readonly id: string;
  readonly room: Jid;
  readonly to: Jid;
  readonly xmlns: string;
  /** Who else may be asked what it is. */
  readonly others: readonly Jid[];
}

/** Copies that the service has been given. */
interface Given {
  readonly jid: Jid;
  /** One of them. */
  readonly stanza: Stanza;
  readonly copies: readonly Sending[];
}

/**
 * XEP-0033 between a component and its server: a message to many users of that server leaves as one stanza with their addresses,
 * where the server has a service for that (ejabberd: mod_multicast). The server is looked for at the domain of which the
 * component's is a part, when a room first has a message for so many.
 *
 * The service is another process than the one that reads what we send, so what we send to a user directly may be there first. So
 * each stanza goes to the room that sends it, too: when it comes back, all others have gone. Until then, messages of rooms and
 * presences go by way of the service as well, be it to one user. What it refuses, or loses, is sent again directly, and
 * the service is not used any more on this stream.
 */
export class Multicast {
  readonly #options: MulticastOptions;
  readonly #server: Jid | undefined;
  #service: Service = { kind: 'unknown' };
  #question: Question | undefined;
  /** Copies of one stanza that are about to leave. */
  #copies: Sending[] = [];
  #given: Given[] = [];
  #late: (() => void) | undefined;

  constructor(options: MulticastOptions) {
    this.#options = options;
    const { domain } = options;
    const at = domain.indexOf('.');
    this.#server = at < 0 || bareOf(domain) !== domainOf(domain) ? undefined : parseJid(domain.slice(at + 1));
  }

  send(stanza: Stanza, written: Written | undefined): void {
    if (domainOf(stanza.to) !== this.#server) return this.#options.write(stanza, written);
    const [first] = this.#copies;
    if (first !== undefined && !isCopy(first.stanza, stanza)) this.flush();
    if (!isOfRoom(stanza)) return this.#options.write(stanza, written);
    if (this.#copies.length === 0) queueMicrotask(() => this.flush());
    this.#copies.push({ stanza, written });
  }

  /** Hands on what waits for more copies of it. */
  flush(): void {
    const copies = this.#copies;
    this.#copies = [];
    const [first] = copies;
    if (first === undefined) return;
    const isMany = first.stanza.name === 'message' && copies.length >= copiesLeast;
    if (isMany && this.#service.kind === 'unknown' && this.#question === undefined)
      this.#look(bareOf(first.stanza.from));
    // A service may take the addresses for its own that a user has put into a message.
    const isPlain = payloadOf(first.stanza, 'addresses', NS.address) === undefined;
    if (this.#service.kind === 'there' && isPlain && (isMany || this.#given.length > 0))
      this.#give(this.#service, first.stanza, copies);
    else this.#sendDirectly(copies);
  }

  /** @returns whether a stanza that came was for this alone */
  take(stanza: Stanza): boolean {
    const question = this.#question;
    if (question !== undefined && stanza.id === question.id && stanza.from === question.to && stanza.name === 'iq') {
      this.#answered(question, stanza);
      return true;
    }
    if (this.#given.length === 0) return false;
    if (stanza.to === bareOf(stanza.from)) return this.#cameBack(stanza);
    return stanza.type === 'error' && this.#refused(stanza);
  }

  stop(): void {
    this.#late?.();
    this.#late = undefined;
    this.#given = [];
  }

  #sendDirectly(copies: readonly Sending[]): void {
    for (const { stanza, written } of copies) this.#options.write(stanza, written);
  }

  #give({ jid, limits }: Extract<Service, { kind: 'there' }>, stanza: Stanza, copies: readonly Sending[]): void {
    const { name, from, payloads, ...rest } = stanza;
    const room = bareOf(from);
    const bytes = nodeLimits.bytes - stanzaLength(stanza) - aroundBytes - addressLength(room);
    for (const some of portions(copies, limits[name as 'message' | 'presence'] - 1, bytes)) {
      const addresses = writeAddresses([...some.map((copy) => copy.stanza.to), room]);
      const all = make(name, from, jid, rest, [addresses, ...payloads]);
      if (excess(all, nodeLimits) !== undefined) {
        this.#sendDirectly(some);
        continue;
      }
      this.#options.write(all, (at) => {
        for (const { written } of some) written?.(at);
      });
      this.#given.push({ jid, stanza, copies: some });
    }
    this.#watch();
  }

  #watch(): void {
    const [oldest] = this.#given;
    if (oldest === undefined || this.#late !== undefined) return;
    this.#late = this.#options.clock.setTimer(lateMs, () => {
      this.#late = undefined;
      if (this.#given[0] === oldest) this.#giveUp('has not passed on what it was given', this.#given.splice(0));
      this.#watch();
    });
  }

  /** They come back in the order in which they were given; where one is missing, the service has lost it. */
  #cameBack(copy: Stanza): boolean {
    const isOf = ({ stanza: { name, from, id } }: Given) => name === copy.name && from === copy.from && id === copy.id;
    const index = this.#given.findIndex(isOf);
    if (index < 0) return false;
    const lost = this.#given.splice(0, index + 1).slice(0, -1);
    if (lost.length > 0) this.#giveUp('has lost what it was given', lost);
    this.#rewatch();
    return true;
  }

  /** §9: then nobody has got it. */
  #refused(error: Stanza): boolean {
    const isOf = ({ jid, stanza: { name, from, id } }: Given) =>
      jid === error.from && name === error.name && from === error.to && id === error.id;
    const index = this.#given.findIndex(isOf);
    if (index < 0) return false;
    this.#giveUp(`has refused a stanza: ${errorOf(error)?.condition}`, this.#given.splice(index, 1));
    this.#rewatch();
    return true;
  }

  #rewatch(): void {
    this.#late?.();
    this.#late = undefined;
    this.#watch();
  }

  #giveUp(why: string, given: readonly Given[]): void {
    if (this.#service.kind === 'there')
      this.#options.log(`${this.#service.jid} ${why}: stanzas go to each user by themselves`);
    this.#service = { kind: 'none' };
    for (const { copies } of given) for (const { stanza } of copies) this.#options.write(stanza, undefined);
  }

  // §2.2: the server itself, or one of its services

  #look(room: Jid): void {
    if (this.#server !== undefined) this.#ask({ room, to: this.#server, xmlns: NS.discoItems, others: [] });
  }

  #ask(question: Omit<Question, 'id'>): void {
    const id = `multicast-${randomBytes(8).toString('hex')}`;
    const { room, to, xmlns } = question;
    this.#question = { ...question, id };
    this.#options.write(iq(room, to, { type: 'get', id }, el('query', xmlns)), undefined);
  }

  #answered({ room, to, xmlns, others }: Question, answer: Stanza): void {
    this.#question = undefined;
    const query = answer.type === 'result' ? payloadOf(answer, 'query', xmlns) : undefined;
    if (xmlns === NS.discoItems)
      return this.#askNext(room, [to, ...(query === undefined ? [] : this.#servicesIn(query))]);
    const limits = query && readLimits(query, readForm(query));
    // The room itself is one of them.
    if (limits && limits.message >= copiesLeast && limits.presence > 1)
      this.#service = { kind: 'there', jid: to, limits };
    else this.#askNext(room, others);
  }

  /** Those of the server: it may also list what belongs to others, who need not read what our rooms say. */
  #servicesIn(items: XmlElement): readonly Jid[] {
    const listed = childrenOf(items, 'item', NS.discoItems).map(({ attrs }) => parseJid(attrs['jid'] ?? ''));
    const isIts = (jid: Jid | undefined): jid is Jid =>
      jid !== undefined && domainOf(jid) === jid && jid.endsWith(`.${this.#server}`) && jid !== this.#options.domain;
    return listed.filter(isIts).slice(0, itemsMost);
  }

  #askNext(room: Jid, [next, ...others]: readonly Jid[]): void {
    if (next === undefined) this.#service = { kind: 'none' };
    else this.#ask({ room, to: next, xmlns: NS.discoInfo, others });
  }
}

/** What must not overtake itself. Answers, and what is for one person alone, may. */
function isOfRoom({ name, type }: Stanza): boolean {
  return name === 'message' ? type === 'groupchat' : name === 'presence' && type !== 'error';
}
