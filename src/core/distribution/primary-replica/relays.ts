import type { RoomView } from '../../room/state.ts';
import { type Asked, askedMax } from '../../xep/sync.ts';
import { readJoin } from '../../xep/xep0045.ts';
import { bareOf, type Jid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { type Stanza, withPayloads } from '../../xmpp/stanza.ts';
import { type Instant, plus } from '../../xmpp/time.ts';
import { el } from '../../xmpp/xml.ts';
import { Pending } from '../pending.ts';
import { isWordless } from '../wordless.ts';

/** Relays that are remembered at once; beyond it the oldest is forgotten. */
const relaysMax = 1_000;
/** An id that is longer is asked about, and remembered, as little as none. */
export const idMax = 256;
/** A bounce that comes later than that is passed on, whatever it is about. In milliseconds. */
const bounceMs = 600_000;

/** A stanza that was relayed, without what it says. */
export interface Relay {
  readonly n: number;
  readonly stanza: Stanza;
  readonly at: Instant;
}

/** A ping that asks what became of these. */
interface Asking {
  readonly id: string;
  readonly at: Instant;
  readonly relays: readonly Relay[];
}

/** What a replica relayed (XEP-0282 §4.8), until the primary shows that it has it. Decisions #130, #131. */
export class Relays {
  asking: Asking | undefined;
  readonly #waiting = new Pending<number, Relay>(relaysMax);
  /** Those whose bounce is no news to their author: they have been told, or would not miss it. */
  readonly #quiet = new Pending<string, true>(relaysMax);
  #n = 0;
  /** The last of them that the primary has shown to have. */
  #shown = 0;

  add(room: RoomView, stanza: Stanza, now: Instant): void {
    if (isWordless(stanza)) this.#quiet.add(keyOf(stanza, stanza.from), true, now, plus(now, bounceMs));
    else if (isAnswered(room, stanza)) {
      const n = ++this.#n;
      const said = isJoin(stanza) ? [el('x', NS.muc)] : [];
      this.#waiting.add(n, { n, stanza: withPayloads(stanza, said), at: now }, now);
    }
  }

  /** The one that waits longest. */
  oldest(now: Instant): Relay | undefined {
    return this.#waiting.find(now);
  }

  /** Those that were relayed at that time or before, as many as one ping asks about. */
  until(at: Instant, now: Instant): readonly Relay[] {
    const due: Relay[] = [];
    this.#waiting.find(now, (relay) => relay.at > at || due.push(relay) >= askedMax);
    return due;
  }

  all(now: Instant): readonly Relay[] {
    const all: Relay[] = [];
    this.#waiting.find(now, (relay) => all.push(relay) < 0);
    return all;
  }

  /** @returns false if it waits no more */
  forget({ n }: Relay): boolean {
    return this.#waiting.delete(n);
  }

  /** The user has been answered: whatever they asked for by presence is done or undone. */
  forgetPresence(user: Jid, now: Instant): void {
    const theirs = ({ stanza }: Relay) => stanza.name === 'presence' && stanza.from === user;
    for (let relay = this.#waiting.find(now, theirs); relay; relay = this.#waiting.find(now, theirs))
      this.forget(relay);
  }

  /** The primary has accepted a message, or a change of the subject, that a user said under this nick. @param id  its author's */
  reflected(room: RoomView, nick: string, id: string | undefined, now: Instant): void {
    const relay = this.#waiting.find(
      now,
      ({ stanza }) => stanza.type === 'groupchat' && stanza.id === id && room.occupantByJid(stanza.from)?.nick === nick,
    );
    if (relay === undefined) return;
    this.forget(relay);
    this.#shown = Math.max(this.#shown, relay.n);
  }

  /** The primary has shown to have a later one. A stream keeps order, so it had this one before, unless that alone got lost. */
  isOvertaken({ n }: Relay): boolean {
    return n < this.#shown;
  }

  /**
   * A relay came back, as one of our server's bounces.
   *
   * @returns false if that is no news to its author
   */
  bounced(bounce: Stanza, now: Instant): boolean {
    const relay = this.#waiting.find(now, ({ stanza }) => isAbout(bounce, stanza));
    if (relay) return this.forget(relay);
    return this.#quiet.get(keyOf(bounce, bounce.to), now) === undefined;
  }

  /** Its author has been told that nobody knows what became of it. */
  told(relay: Relay, now: Instant): void {
    this.forget(relay);
    this.#quiet.add(keyOf(relay.stanza, relay.stanza.from), true, now, plus(now, bounceMs));
  }

  clear(): void {
    this.#waiting.takeAll();
    this.asking = undefined;
  }
}

export function isJoin({ name, payloads }: Stanza): boolean {
  return name === 'presence' && readJoin(payloads) !== undefined;
}

/** What the primary is asked about a relay; undefined: it cannot be, for the author gave it no id. */
export function askedOf({ n, stanza, at }: Relay, now: Instant): Asked | undefined {
  const { name, from, id } = stanza;
  if (id === undefined || id.length > idMax) return undefined;
  return { n, name, from, id, ago: Math.floor((now - at) / 1000) };
}

/** Whether its author waits for something: all messages, requests, joins and changes of nick. */
function isAnswered(room: RoomView, stanza: Stanza): boolean {
  const { name, type, from, to } = stanza;
  if (name === 'iq') return type === 'get' || type === 'set';
  if (name === 'message') return type !== 'error';
  return type === undefined && (isJoin(stanza) || room.occupantByJid(from)?.nick !== resourceOf(to));
}

function isAbout({ name, id, to, from }: Stanza, relay: Stanza): boolean {
  return name === relay.name && id === relay.id && to === relay.from && bareOf(from) === bareOf(relay.to);
}

/** Of a user's stanza, or of its bounce. */
function keyOf({ name, id = '' }: Stanza, user: Jid): string {
  return `${name} ${user} ${id}`;
}
