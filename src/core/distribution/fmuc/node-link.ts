import type { RoomTurn } from '../../room/room-turn.ts';
import type { Env } from '../../turn/env.ts';
import type { Spec } from '../../turn/spec.ts';
import { type LinkPlace, readLinkPlace, writeLinkPlace } from '../../xep/sync.ts';
import { subjectChange } from '../../xep/xep0045.ts';
import { readOriginId, writeOriginId } from '../../xep/xep0359.ts';
import type { Jid } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { payloadOf, type Stanza, withMore, withParts, withPayloads } from '../../xmpp/stanza.ts';
import { el, element, type XmlElement } from '../../xmpp/xml.ts';
import { Keepalive } from '../keepalive.ts';
import { Outstanding } from '../outstanding.ts';

/**
 * What a node knows of its link to another only while it runs: when the other was heard, and how far both have counted
 * (decision #60). A node that starts again has none of it, and so joins anew.
 */
export class NodeLink {
  readonly peer: Jid;
  /** Id of the join that made the link. */
  readonly session: string;
  readonly keepalive: Keepalive;
  /** Whether the peer counts too; a peer without EXT does not, and gets the plain XEP. */
  #counts = true;
  #sent = 0;
  #received = 0;
  /** Number of the last subject that was sent. */
  #subject = 0;
  /** Ids of what went out lately: a bounce of anything else is of an earlier link, or no bounce (decision #10). */
  readonly #outstanding = new Outstanding();

  constructor(env: Env, peer: Jid, session: string) {
    this.peer = peer;
    this.session = session;
    this.keepalive = new Keepalive(env.now);
  }

  get counts(): boolean {
    return this.#counts;
  }

  /** The other side joined without a place: it does not know of counting. */
  doesNotCount(): void {
    this.#counts = false;
  }

  /**
   * Sends with the next number and an id to know a bounce by. The id that its author gave a message goes inside; a peer that
   * does not count takes the stanza's for that one, so there it stays.
   */
  send(turn: RoomTurn, stanza: Stanza, spec: Spec): void {
    const id = this.#counts ? turn.env.newId() : (stanza.id ?? turn.env.newId());
    this.#outstanding.add(id, stanza.id);
    const named = id === stanza.id ? stanza : withParts(stanza, { id });
    if (!this.#counts) return turn.send(named, spec, this.peer);
    this.#sent++;
    if (subjectChange(stanza) !== undefined) this.#subject = this.#sent;
    const place = { session: this.session, n: this.#sent, h: this.#received };
    turn.send(placed(named, place, writeOriginId(stanza.id)), spec, this.peer);
  }

  /** Whether this id is of something we sent over this link. */
  isOurs(id: string | undefined): boolean {
    return id !== undefined && (this.#outstanding.has(id) || this.keepalive.isPing(id));
  }

  /** The author's own id of what came back under this one. */
  originOf(id: string | undefined): string | undefined {
    return id === undefined ? undefined : this.#outstanding.originOf(id);
  }

  /**
   * A stanza of the other side: the one that is due, one of the past (a repetition, or of an earlier link), or a later
   * one, so that something is missing.
   */
  take(place: LinkPlace | undefined): 'next' | 'past' | 'gap' {
    // The first that comes in answer says which kind of node this is.
    if (this.#received === 0 && place === undefined) this.#counts = false;
    if (!this.#counts) return 'next';
    if (place === undefined || place.session !== this.session || place.n <= this.#received) return 'past';
    if (place.n > this.#received + 1) return 'gap';
    this.#received = place.n;
    return 'next';
  }

  /** Whether the other side had not had our last subject yet when it sent this one of its own. */
  crossesSubject(place: LinkPlace | undefined): boolean {
    return this.#counts && place?.h !== undefined && place.h < this.#subject;
  }

  /** Whether the other side has sent more than has arrived, by what its ping, or its answer to ours, says. */
  misses(place: LinkPlace | undefined): boolean {
    return this.#counts && place?.session === this.session && place.n > this.#received;
  }

  /** How far we have counted: nothing where the peer does not count. */
  position(): readonly XmlElement[] {
    return this.#counts ? [writeLinkPlace({ session: this.session, n: this.#sent })] : [];
  }
}

/** The place that a stanza's `<fmuc/>` gives it. */
export function placeOf(stanza: Stanza): LinkPlace | undefined {
  return readLinkPlace(payloadOf(stanza, 'fmuc', NS.fmuc));
}

/** The id that its author gave a message: of a peer that counts it is inside, and the stanza has the peer's own. */
export function originOf(stanza: Stanza): string | undefined {
  return placeOf(stanza) === undefined ? stanza.id : readOriginId(payloadOf(stanza, 'fmuc', NS.fmuc));
}

/** The stanza with its place inside the XEP's own element, which a subject of no author has for this alone. */
export function placed(stanza: Stanza, place: LinkPlace | undefined, more: readonly XmlElement[] = []): Stanza {
  if (place === undefined) return stanza;
  const fmuc = payloadOf(stanza, 'fmuc', NS.fmuc);
  if (fmuc === undefined) return withMore(stanza, el('fmuc', NS.fmuc, {}, writeLinkPlace(place), ...more));
  const within = element('fmuc', NS.fmuc, fmuc.attrs, [...fmuc.children, writeLinkPlace(place), ...more]);
  return withPayloads(
    stanza,
    stanza.payloads.map((payload) => (payload === fmuc ? within : payload)),
  );
}
