import {
  readLinkPlace,
  writeClock,
  writeElsewhere,
  writeLinkPlace,
  writeResync,
  writeTrail,
} from '../../src/core/xep/fmuc-sync.ts';
import { writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { writeStamp } from '../../src/core/xep/xep0082.ts';
import { writeOriginId, writeStanzaId } from '../../src/core/xep/xep0359.ts';
import { type Jid, jid, occupantJid, resourceOf } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { type Instant, instant } from '../../src/core/xmpp/time.ts';
import { el, element, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { plain } from './scenarios.ts';
import { joins, World } from './world.ts';

// One node that is linked with two others, as it sees them: the test plays those.

export const hall = jid('hall@rooms.here.lit');
export const node = jid('rooms.here.lit');
export const user = 'user@here.lit/x';
export const left = jid('hall@rooms.left.lit');
export const right = jid('hall@rooms.right.lit');
export const origin = jid('hall@rooms.origin.lit');
export const far = jid('far@origin.lit/x');
export const near = jid('near@origin.lit/x');

/** A room that joins two others, or lets them join. */
export function roomOf(
  distribution: {
    outbound: readonly Jid[];
    allowedNodes: readonly Jid[];
    trust?: { scope: Readonly<Record<Jid, readonly string[]>> };
  },
  affiliations: readonly { readonly jid: string; readonly affiliation: string }[] = [],
): World {
  const nodes = [
    {
      kind: 'service',
      address: node,
      server: 'here.lit',
      rooms: [{ jid: hall, affiliations, distribution: { kind: 'fmuc', ...distribution } }],
    },
  ];
  const servers = [{ domain: 'here.lit', at: [0.5, 0.5] }];
  return new World({ ...plain, servers, nodes, occupants: [], script: [] } as unknown as Scenario);
}

/** Another node: what it says goes over its link with the next number. */
export class Peer {
  readonly #world: World;
  readonly #room: Jid;
  #session = '';
  #sent = 0;

  constructor(world: World, room: Jid) {
    this.#world = world;
    this.#room = room;
  }

  /** It answers the last request to join that it got: what it says is of that link. */
  takesRequest(): void {
    const request = this.got().findLast((stanza) => payloadOf(stanza, 'x', NS.muc) !== undefined);
    this.#session = readLinkPlace(request && payloadOf(request, 'fmuc', NS.fmuc))?.session ?? '';
    this.#sent = 0;
  }

  got(): readonly Stanza[] {
    return this.#world.to(this.#room);
  }

  #fmuc(attrs: Record<string, string>, ...more: readonly XmlElement[]): XmlElement {
    const place = writeLinkPlace({ session: this.#session, n: ++this.#sent, h: 1 });
    return element('fmuc', NS.fmuc, attrs, [...more, place]);
  }

  /** Both this room and that one have it that a user of the node `origin` comes, or is otherwise, and has said so with this id. */
  tells(who: Jid, nick: string, id: string, type?: 'unavailable', n?: number): void {
    const order = n === undefined ? undefined : { run: 'start', n };
    const fmuc = this.#fmuc({ from: who }, ...writeTrail({ by: origin, id, via: [], order }, this.#room));
    const x = writeMucUser({ affiliation: 'none', role: type ? 'none' : 'participant', statuses: [] });
    this.#say(presence(occupantJid(this.#room, nick), occupantJid(hall, nick), { type }, fmuc, x));
  }

  /** A user says something, as their node counts it. */
  says(who: Jid, nick: string, text: string, n: number, run = 'start', before?: string): void {
    const order = { run, n, before };
    const fmuc = this.#fmuc(
      { from: who },
      ...writeTrail({ by: origin, id: `said ${text}`, via: [], order }, this.#room),
    );
    const body = el('body', NS.client, {}, text);
    const id = writeStanzaId({ by: origin, id: text });
    this.#say(message(occupantJid(this.#room, nick), hall, { type: 'groupchat' }, body, fmuc, id));
  }

  /** A user of that room writes to one of this room alone. */
  writes(who: Jid, from: string, to: string, text: string): void {
    const body = el('body', NS.client, {}, text);
    const fmuc = this.#fmuc({ from: who });
    this.#say(message(occupantJid(this.#room, from), occupantJid(hall, to), { type: 'chat', id: 'p1' }, body, fmuc));
  }

  /** A user of its own comes, or one of that node. */
  brings(who: Jid, nick: string, by = this.#room): void {
    const fmuc = this.#fmuc({ from: who }, ...writeTrail({ by, id: `${who} comes`, via: [] }, this.#room));
    const x = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
    this.#say(presence(occupantJid(this.#room, nick), occupantJid(hall, nick), {}, fmuc, x));
  }

  /** It is not the way to a user any more, or soon. */
  isNoWayTo(who: Jid, nick: string, when: 'now' | 'soon' = 'now'): void {
    const fmuc = this.#fmuc({ from: who }, writeElsewhere(when));
    this.#say(presence(occupantJid(this.#room, nick), occupantJid(hall, nick), { type: 'unavailable' }, fmuc));
  }

  /** A user of the node `origin` said something a minute ago. @param own  the id that they gave it; @param id  that of their node */
  tellsOf(who: Jid, nick: string, text: string, own: string, id: string): void {
    const trail = writeTrail({ by: origin, via: [], past: true }, this.#room);
    const fmuc = this.#fmuc({ from: who }, ...trail, ...writeOriginId(own));
    const body = el('body', NS.client, {}, text);
    const delay = el('delay', NS.delay, { from: this.#room, stamp: writeStamp(instant(this.#world.now - 60_000)) });
    const named = writeStanzaId({ by: origin, id });
    this.#say(message(occupantJid(this.#room, nick), hall, { type: 'groupchat' }, body, fmuc, named, delay));
  }

  /** Somebody of whom it knows the nick alone said something a minute ago, which the node `origin` accepted. */
  tellsOfNobody(nick: string, text: string): void {
    const body = el('body', NS.client, {}, text);
    const delay = el('delay', NS.delay, { from: this.#room, stamp: writeStamp(instant(this.#world.now - 60_000)) });
    const named = writeStanzaId({ by: origin, id: text });
    const from = occupantJid(this.#room, nick);
    this.#say(message(from, hall, { type: 'groupchat' }, body, this.#fmuc({ from }), named, delay));
  }

  /** It asks for what was said in the last two minutes. */
  asksForPast(): void {
    const { now } = this.#world;
    const ask = writeResync({ since: instant(now - 120_000), now, maxstanzas: 10, have: [] });
    this.#say(presence(this.#room, hall, {}, this.#fmuc({}, ask)));
  }

  /** It asks to join this room. @param by  the user's node, if it is another */
  joins(who: Jid, nick: string, by?: Jid): void {
    this.#session = 'asked';
    const x = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
    const ends = [occupantJid(this.#room, nick), occupantJid(hall, nick)] as const;
    const trail = by === undefined ? [] : writeTrail({ by, via: [] }, this.#room);
    this.#say(presence(...ends, {}, this.#fmuc({ from: who }, ...trail), writeJoin({}), x));
  }

  /** The nick is somebody else's there. */
  refuses(who: string, nick: string): void {
    const fmuc = this.#fmuc({ from: who }, el('conflict', NS.ext));
    const error = el('error', NS.client, { type: 'cancel' }, el('conflict', NS.stanzas));
    this.#say(presence(occupantJid(this.#room, nick), occupantJid(hall, nick), { type: 'error' }, fmuc, error));
  }

  /** The user may not be in that room. @param session  of the request that this answers */
  turnsAway(who: string, nick: string, session = this.#session): void {
    const place = writeLinkPlace({ session, n: ++this.#sent, h: 1 });
    const fmuc = element('fmuc', NS.fmuc, { from: who }, [el('refused', NS.ext), place]);
    const error = el('error', NS.client, { type: 'auth' }, el('forbidden', NS.stanzas));
    this.#say(presence(occupantJid(this.#room, nick), occupantJid(hall, nick), { type: 'error' }, fmuc, error));
  }

  /** It can do without the link, as far as it knows: it has had so many of this room's stanzas. */
  offers(h: number): void {
    const place = writeLinkPlace({ session: this.#session, n: ++this.#sent, h });
    const fmuc = element('fmuc', NS.fmuc, {}, [el('spare', NS.ext), place]);
    this.#say(message(this.#room, hall, {}, fmuc));
  }

  /** It has no link with this room any more. */
  ends(): void {
    this.#say(presence(this.#room, hall, {}, this.#fmuc({}, el('left', NS.fmuc))));
  }

  /** A user of the node `origin` is in. */
  lists(who: Jid, nick: string, ...via: readonly Jid[]): void {
    this.listsAs(who, nick, undefined, ...via);
  }

  /** The same. @param n  how far they have come, as their node counts it */
  listsAs(who: Jid, nick: string, n?: number, ...via: readonly Jid[]): void {
    const order = n === undefined ? undefined : { run: 'start', n };
    const fmuc = this.#fmuc({ from: who }, ...writeTrail({ by: origin, via, order }, this.#room));
    this.#say(
      presence(
        occupantJid(this.#room, nick),
        hall,
        {},
        fmuc,
        writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] }),
      ),
    );
  }

  /** The subject ends the answer. */
  endsAnswer(): void {
    this.#say(message(this.#room, hall, { type: 'groupchat' }, el('subject', NS.client), this.#fmuc({})));
  }

  /** The same, with a subject of a user of the node `origin`, when it was set by the clock of that room, and what that clock says now. */
  endsAnswerWith(text: string, stamp: string, now?: Instant): void {
    const by = writeStanzaId({ by: origin, id: text });
    const clock = now === undefined ? [] : [writeClock(now)];
    const fmuc = this.#fmuc({ from: far }, ...writeTrail({ by: origin, via: [] }, this.#room), ...clock);
    const delay = el('delay', NS.delay, { from: this.#room, stamp });
    const subject = el('subject', NS.client, {}, text);
    this.#say(message(occupantJid(this.#room, 'Far'), hall, { type: 'groupchat' }, subject, fmuc, by, delay));
  }

  #say(stanza: Stanza): void {
    this.#world.inject(node, this.#room.slice('hall@'.length), stanza);
  }
}

/** A room with a user that has asked both others, which have not answered. */
export function between(first = left, second = right): { world: World; one: Peer; other: Peer } {
  const world = roomOf({ outbound: [first, second], allowedNodes: [] });
  world.send(joins(user, `${hall}/me`));
  const [one, other] = [new Peer(world, first), new Peer(world, second)];
  one.takesRequest();
  other.takesRequest();
  return { world, one, other };
}

/** Who is in the room, and by which node. */
export const inside = (world: World) => world.status(node).occupants.map(({ nick, home }) => [nick, home]);
/** Whom the user has seen come and go. */
export const shown = (world: World) =>
  world
    .got(user)
    .filter(({ name }) => name === 'presence')
    .map(({ type, from }) => `${type ?? 'available'} ${resourceOf(from)}`);
