/**
 * The names under which a node that may not know real addresses knows this room's users: `<occupant id>@<domain of the room>`,
 * with a resource that stands for the session. They stay the same, and say nothing about who it is. Decision #159.
 */
import { sessionsOf } from '../../room/sessions.ts';
import type { RoomView } from '../../room/state.ts';
import { bareOf, domainOf, type Jid, parseJid, resourceOf } from '../../xmpp/jid.ts';
import { NS } from '../../xmpp/namespaces.ts';
import { type Stanza, withPayloads } from '../../xmpp/stanza.ts';
import { element, type XmlElement, type XmlNode } from '../../xmpp/xml.ts';
import { isOwnUser } from '../scope.ts';
import { names } from './config-fields.ts';

/** Users who wait to enter and have an id already: more than wait at any time are not named apart. */
const waitingMax = 10_000;

export class Names {
  /** By bare JID: ids of users who are about to be in, or were. */
  readonly #waiting = new Map<Jid, string>();

  /** Whether this peer is told real addresses. */
  sees({ config: { federation } }: RoomView, peer: Jid): boolean {
    return federation.seeJids === 'all' || names(federation.seeJids, peer);
  }

  /** A user is about to enter, with this occupant id if they have had none before. */
  awaits(user: Jid, id: string): void {
    if (this.#waiting.size < waitingMax && !this.#waiting.has(bareOf(user))) this.#waiting.set(bareOf(user), id);
  }

  /** How this peer is told of a user. One of its own it knows by the name that it gave. */
  nameFor(room: RoomView, peer: Jid, user: Jid): Jid {
    if (this.sees(room, peer)) return user;
    const home = room.occupantByJid(user)?.home;
    const isKnown = home === peer || (room.occupantByJid(user) === undefined && isOwnUser(peer, user));
    // Somebody else has given it for the same purpose.
    const isName = home !== undefined && domainOf(home) === domainOf(user);
    return isKnown || isName || domainOf(user) === domainOf(room.jid) ? user : this.#opaque(room, user);
  }

  /** A stanza as it goes to this peer. */
  outward(room: RoomView, peer: Jid, stanza: Stanza): Stanza {
    if (this.sees(room, peer)) return stanza;
    return withPayloads(
      stanza,
      stanza.payloads.map((payload) => {
        if (payload.xmlns === NS.fmuc) return renamed(payload, 'from', (user) => this.nameFor(room, peer, user));
        return payload.xmlns === NS.mucUser ? withoutJids(payload) : payload;
      }),
    );
  }

  /** What this peer says of users whom it knows by a name of this room's. */
  inward(room: RoomView, peer: Jid, stanza: Stanza): Stanza {
    if (this.sees(room, peer)) return stanza;
    const real = (name: Jid) => this.#meant(room, name) ?? name;
    // It knows nobody of this room by any other name, and learns of nobody whether they are here.
    const asked = (name: Jid) => this.#meant(room, name) ?? (this.nameFor(room, peer, name) === name ? name : room.jid);
    return withPayloads(
      stanza,
      stanza.payloads.map((payload) => {
        if (payload.xmlns === NS.fmuc) return renamed(payload, 'from', real);
        if (payload.xmlns !== NS.ping) return payload;
        const children = payload.children.map((node) => (isWay(node) ? renamed(node, 'to', asked) : node));
        return element(payload.name, payload.xmlns, payload.attrs, children);
      }),
    );
  }

  #opaque(room: RoomView, user: Jid): Jid {
    const id = room.occupantIdOf(user) ?? this.#waiting.get(bareOf(user));
    const bare = id === undefined ? undefined : parseJid(`${id}@${domainOf(room.jid)}`);
    // Of somebody of whom nothing is known but what they said, nothing is told.
    if (bare === undefined) return room.jid;
    const resource = resourceOf(user);
    return resource === '' ? bare : (parseJid(`${bare}/${digest(`${id} ${resource}`)}`) ?? bare);
  }

  /** The user whom such a name means; undefined: nobody here. */
  #meant(room: RoomView, name: Jid): Jid | undefined {
    if (domainOf(name) !== domainOf(room.jid) || name === room.jid) return undefined;
    const users = [...room.occupantIds.keys(), ...this.#waiting.keys()];
    const known = users.find((user) => this.#opaque(room, user) === bareOf(name));
    if (known === undefined || bareOf(name) === name) return known;
    for (const occupant of room.occupants.values())
      for (const { jid } of sessionsOf(occupant))
        if (bareOf(jid) === known && this.#opaque(room, jid) === name) return jid;
    return known;
  }
}

function isWay(node: XmlNode): node is XmlElement {
  return typeof node !== 'string' && node.name === 'way' && node.xmlns === NS.ext;
}

function renamed(payload: XmlElement, attribute: string, rename: (user: Jid) => Jid): XmlElement {
  const user = parseJid(payload.attrs[attribute] ?? '');
  if (user === undefined) return payload;
  return element(payload.name, payload.xmlns, { ...payload.attrs, [attribute]: rename(user) }, payload.children);
}

function withoutJids(payload: XmlElement): XmlElement {
  const children = payload.children.map((node) => {
    if (typeof node === 'string') return node;
    const { jid: _, ...attrs } = node.attrs;
    return element(
      node.name,
      node.xmlns,
      attrs,
      node.children.map((child) => (typeof child === 'string' ? child : withoutJids(child))),
    );
  });
  return element(payload.name, payload.xmlns, payload.attrs, children);
}

/** Tells sessions of one user apart (FNV-1a, twice); who knows the text already learns nothing, and who does not cannot go back. */
function digest(text: string): string {
  let [a, b] = [0x811c9dc5, 0x1b873593];
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193) >>> 0;
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b) >>> 0;
  }
  return a.toString(16).padStart(8, '0') + b.toString(16).padStart(8, '0');
}
