import { describe, expect, it } from 'vitest';
import { readLinkPlace, writeLinkPlace, writeTrail } from '../../src/core/xep/sync.ts';
import { writeMucUser } from '../../src/core/xep/xep0045.ts';
import { type Jid, jid, occupantJid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el, element, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { plain } from '../support/scenarios.ts';
import { joins, World } from '../support/world.ts';

// XEP-0289 in rings (decisions #145 and #146), as one node of a ring sees it: the two others are played by the test.

const hall = jid('hall@rooms.here.lit');
const node = jid('rooms.here.lit');
const user = 'user@here.lit/x';
const left = jid('hall@rooms.left.lit');
const right = jid('hall@rooms.right.lit');
const origin = jid('hall@rooms.origin.lit');
const far = jid('far@origin.lit/x');

/** A room that joins two others, or lets them join. */
function roomOf(distribution: { outbound: readonly Jid[]; allowedNodes: readonly Jid[] }): World {
  const nodes = [
    {
      kind: 'service',
      address: node,
      server: 'here.lit',
      rooms: [{ jid: hall, distribution: { kind: 'fmuc', ...distribution } }],
    },
  ];
  const servers = [{ domain: 'here.lit', at: [0.5, 0.5] }];
  return new World({ ...plain, servers, nodes, occupants: [], script: [] } as unknown as Scenario);
}

/** Another node: what it says goes over its link with the next number. */
class Peer {
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

  /** A user of the node `origin` is in. */
  lists(who: Jid, nick: string, ...via: readonly Jid[]): void {
    const fmuc = this.#fmuc({ from: who }, ...writeTrail({ by: origin, via }, this.#room));
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

  #say(stanza: Stanza): void {
    this.#world.inject(node, this.#room.slice('hall@'.length), stanza);
  }
}

describe('decision #145: a user who is reached by two ways', () => {
  it('a user of an answer who comes by another way before it ends is one user, and nobody’s nick is in conflict', () => {
    const world = roomOf({ outbound: [left, right], allowedNodes: [] });
    world.send(joins(user, `${hall}/me`));
    const [one, other] = [new Peer(world, left), new Peer(world, right)];
    one.takesRequest();
    other.takesRequest();
    other.lists(far, 'Far');
    one.lists(far, 'Far');
    one.endsAnswer();
    world.clear();
    other.endsAnswer();
    expect(world.sent.filter(({ stanza }) => stanza.type === 'error' || stanza.type === 'unavailable')).toEqual([]);
    expect(world.status(node).occupants.map(({ nick, home }) => [nick, home])).toEqual([
      ['Far', left],
      ['me', undefined],
    ]);
  });
});
