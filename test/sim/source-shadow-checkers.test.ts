import { describe, expect, it } from 'vitest';
import { plainRoomConfig, type SourceConfig } from '../../src/core/distribution/config.ts';
import type { InstancePeer } from '../../src/core/distribution/peers.ts';
import type { NodeConfig } from '../../src/core/node/config.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { RoomConfig } from '../../src/core/room/config.ts';
import type { HistoryItem, Occupant, RoomEvent } from '../../src/core/room/event.ts';
import { writeAsked } from '../../src/core/xep/instances.ts';
import { writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { writeDirectInvitation } from '../../src/core/xep/xep0249.ts';
import { writeServiceOrder } from '../../src/core/xep/xep0281.ts';
import { bareOf, domainOf, type Jid, jid, occupantJid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorReply, iq, iqResult, message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { type Instant, instant } from '../../src/core/xmpp/time.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Aftermath } from '../../src/sim/aftermath.ts';
import { evidence } from '../../src/sim/evidence.ts';
import { noFaults } from '../../src/sim/ground.ts';
import { judge } from '../../src/sim/judge.ts';
import { sourceShadowCheckers } from '../../src/sim/source-shadow-checkers.ts';
import type { Person, SimRecord, Verdict } from '../../src/sim/trace.ts';

// The source, and two shadows. Each has a user.
const source = jid('hall@rooms.s0.sim');
const shadow = jid('hall@rooms.s1.sim');
const other = jid('hall@rooms.s2.sim');
const [firsthost, second, third] = [source, shadow, other].map(domainOf) as [Jid, Jid, Jid];
const person = (user: string, nick: string, room: Jid): Person => ({ jid: jid(user), nick, room, hostile: undefined });
const alice = person('u00@s0.sim/r', 'Alice', source);
const bob = person('u10@s1.sim/r', 'Bob', shadow);
const carol = person('u20@s2.sim/r', 'Carol', other);
const people = [alice, bob, carol];

const start = Date.UTC(2026, 0, 1);
const body = (text: string) => el('body', NS.client, {}, text);
const occupant = ({ jid: user, nick }: Person, more: Partial<Occupant> = {}): Occupant => ({
  nick,
  jid: user,
  affiliation: 'none',
  role: 'participant',
  occupantId: `id of ${nick}`,
  presence: [],
  ...more,
});
/** A message that a room has accepted: the n-th of it, so many milliseconds after the beginning. */
const item = (by: Jid, text: string, n: number, at = n): HistoryItem => ({
  by,
  id: text,
  nick: 'Somebody',
  occupantId: 'o',
  at: (start + at) as Instant,
  payloads: [body(text)],
  order: { epoch: 1, n },
});

/** An event, but for the room that all of a service have. */
type Unplaced = RoomEvent extends infer E ? (E extends RoomEvent ? Omit<E, 'room'> : never) : never;
const entered = (who: Person, more: Partial<Occupant> = {}): Unplaced => ({
  kind: 'occupantEntered',
  occupant: occupant(who, more),
});
const accepted = (what: HistoryItem): Unplaced => ({ kind: 'messageAccepted', n: 1, item: what, past: true });
const linked = (peer: Jid, more: Partial<InstancePeer> = {}): Unplaced => ({
  kind: 'peerChanged',
  peer,
  record: { kind: 'instance', seat: 'shadow', state: 'live', since: start as Instant, ...more } as InstancePeer,
});

/** A trace that is told by hand, and the nodes that its appends make. */
class Story {
  readonly trace: SimRecord[] = [];
  settings: Partial<RoomConfig> = {};
  distribution: Partial<SourceConfig> = {};
  offers: NonNullable<Aftermath['offers']> = [];

  #record(record: SimRecord extends infer R ? (R extends SimRecord ? Omit<R, 't'> : never) : never): number {
    return this.trace.push({ ...record, t: instant(start) } as SimRecord) - 1;
  }
  online(...who: readonly Person[]): this {
    for (const { jid: user } of who) this.#record({ kind: 'session', user, up: true });
    return this;
  }
  forgets(node: Jid): this {
    this.#record({ kind: 'forgotten', node });
    return this;
  }
  sends(by: Jid, stanza: Stanza, cause?: number): number {
    return this.#record({ kind: 'in', by, stanza, spec: '', cause });
  }
  /** Somebody's stanza reaches a service, or a user. @returns index of its arrival */
  reaches(to: Jid, by: Jid, stanza: Stanza, cause?: number): number {
    return this.#record({ kind: 'out', to, stanza, cause: this.sends(by, stanza, cause) });
  }
  keeps(node: Jid, cause: number | undefined, ...events: readonly Unplaced[]): number {
    const room = jid(`hall@${node}`);
    return this.#record({ kind: 'append', node, events: events.map((e) => ({ room, ...e }) as RoomEvent), cause });
  }
  /** A user says something, and their instance keeps it. */
  says({ jid: by, room }: Person, text: string, n: number): number {
    const said = this.reaches(domainOf(room), by, message(by, room, { type: 'groupchat', id: text }, body(text)));
    return this.keeps(domainOf(room), said, accepted(item(room, text, n)));
  }
  /** And a user gets it. */
  hears({ jid: to, room }: Person, author: Person, text: string, cause?: number): this {
    const said = message(occupantJid(room, author.nick), to, { type: 'groupchat', id: text }, body(text));
    this.reaches(to, domainOf(room), said, cause);
    return this;
  }

  judge(name: string): Verdict {
    const given = evidence(this.trace, people, this.#aftermath());
    return judge(given, { [name]: sourceShadowCheckers[name] as never }).get(name) as Verdict;
  }

  #aftermath(): Aftermath {
    const service = (address: Jid, more: object) =>
      ({
        kind: 'service',
        address,
        server: jid(address.slice(6)),
        rooms: [],
        openCreation: false,
        admins: [],
        ...more,
      }) as NodeConfig;
    const distribution: SourceConfig = {
      kind: 'source',
      peerhosts: [second, third],
      distribute: 'always',
      ...this.distribution,
    };
    const rooms = [{ ...plainRoomConfig(source), logging: true, ...this.settings, distribution }];
    const hosting = { firsthosts: [firsthost], maxRooms: 1 };
    const nodes = [service(firsthost, { rooms }), service(second, { hosting }), service(third, { hosting })];
    const seats = nodes.map((config) => {
      const node = createMucNode(config);
      const { address } = config;
      const of = address === firsthost ? {} : { of: source };
      const created: RoomEvent = { kind: 'roomCreated', room: jid(`hall@${address}`), epoch: 1, ...of };
      const kept = this.trace.flatMap((record) =>
        record.kind === 'append' && record.node === address ? record.events : [],
      );
      for (const event of [created, ...kept.filter(({ kind }) => kind !== 'roomCreated')]) node.apply(event);
      return [address, { config, node }] as const;
    });
    return {
      plan: { mode: '0281', layout: { nodes, roomOf: () => source }, hostileNode: undefined, faults: noFaults },
      seats: new Map(seats),
      users: new Map(
        people.map(({ jid: user, nick, room }) => [
          user,
          { online: true, half: { state: () => ({ phase: 'joined', nick, room }) } },
        ]),
      ),
      peaks: new Map(),
      offers: this.offers,
      before: undefined,
      portrait: () => new Map(),
      everLost: () => false,
    };
  }
}

/** For each checker a story that it accepts, and beside it what spoils that story: one violation each. */
interface Case {
  readonly good: (story: Story) => unknown;
  readonly bad: Readonly<Record<string, (story: Story) => unknown>>;
  /** What excuses the same. */
  readonly excused?: Readonly<Record<string, (story: Story) => unknown>>;
}

const all = [firsthost, second, third];
/** What Alice says goes to another instance. */
const across = (to: Jid, text = '#0:1') =>
  message(occupantJid(source, 'Alice'), occupantJid(to, 'Alice'), { type: 'groupchat' }, body(text));
const orders = (story: Story, from: Jid, id: string, of = source): number => {
  const order = iq(from, second, { type: 'set', id: 'o' }, writeServiceOrder('replicate', { id, instance: of }));
  const room = jid(`${id}@${second}`);
  return story.keeps(second, story.reaches(second, from, order), { kind: 'roomCreated', epoch: 1, of, room } as never);
};
const joins = ({ jid: user, nick }: Person, room: Jid, password?: string) =>
  presence(user, occupantJid(room, nick), { id: 'j' }, writeJoin({ password }));
/** Alice's presence, for another instance. */
const shown = (to: Jid, more: { jid?: Jid } = {}) =>
  presence(
    occupantJid(source, 'Alice'),
    occupantJid(to, 'Alice'),
    {},
    writeMucUser({ affiliation: 'none', role: 'participant', statuses: [], ...more }),
  );
/** Bob's, from his. */
const brought = presence(occupantJid(shadow, 'Bob'), occupantJid(source, 'Bob'), {});
/** The source sends somebody away, and invites them. */
const redirects = (story: Story, who: Person, service: Jid, invited?: Jid): void => {
  const join = joins(who, source);
  const cause = story.reaches(firsthost, who.jid, join);
  const error = errorReply(join, { type: 'cancel', condition: 'redirect', to: service }) as Stanza;
  story.reaches(who.jid, firsthost, error, cause);
  if (invited !== undefined)
    story.reaches(who.jid, firsthost, message(source, who.jid, {}, writeDirectInvitation(invited, '')), cause);
};
/** Bob makes Carol a member, at his shadow or at the source. */
const query = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { jid: bareOf(carol.jid), affiliation: 'member' }));
const order = iq(bob.jid, shadow, { type: 'set', id: 'w' }, query);
const member: Unplaced = { kind: 'affiliationChanged', user: bareOf(carol.jid), affiliation: 'member' };
const wish = { id: 'kept', from: bob.jid, payload: query };
const keptFor = (...asked: readonly (typeof wish)[]) => linked(source, { seat: 'source', accepted: true, asked });
/** It is kept at the shadow, which says so. */
const holds = (story: Story): Story => {
  story.keeps(second, undefined, entered(bob));
  const kept = story.keeps(second, story.reaches(second, bob.jid, order), keptFor(wish));
  story.reaches(bob.jid, second, iqResult(order), kept);
  return story;
};
const asked = iq(shadow, source, { type: 'set', id: 'a' }, writeAsked(bob.jid, query));
/** The source answers, and Bob is told, or not. */
const answered = (story: Story, isTold: boolean): void => {
  const kept = story.keeps(firsthost, story.reaches(firsthost, second, asked), member);
  const decided = story.keeps(second, story.reaches(second, firsthost, iqResult(asked), kept), keptFor());
  if (isTold) story.reaches(bob.jid, second, message(shadow, bob.jid, {}, body('it is done')), decided);
};

const cases: Readonly<Record<string, Case>> = {
  'S-a': {
    good: (story) => {
      story.online(bob).says(alice, '#0:1', 1);
      story.says(alice, '#0:2', 2);
      story.hears(bob, alice, '#0:1').hears(bob, alice, '#0:2');
    },
    bad: {
      'the later one first': (story) => {
        story.online(bob).says(alice, '#0:1', 1);
        story.says(alice, '#0:2', 2);
        story.hears(bob, alice, '#0:2').hears(bob, alice, '#0:1');
      },
    },
    excused: {
      'another session hears from the beginning': (story) => {
        story.online(bob).says(alice, '#0:1', 1);
        story.says(alice, '#0:2', 2);
        story.hears(bob, alice, '#0:2').online(bob).hears(bob, alice, '#0:1');
      },
    },
  },
  'S-b': {
    good: (story) => {
      story.online(bob).keeps(second, undefined, entered(bob));
      story.keeps(second, undefined, accepted(item(source, '#0:1', 1)));
      story.hears(bob, alice, '#0:1');
    },
    bad: {
      'their instance has it, and they never get it': (story) => {
        story.online(bob).keeps(second, undefined, entered(bob));
        story.keeps(second, undefined, accepted(item(source, '#0:1', 1)));
      },
    },
    excused: {
      'they are out': (story) => {
        story.online(bob).keeps(second, undefined, entered(bob));
        story.keeps(second, undefined, accepted(item(source, '#0:1', 1)));
        const out = writeMucUser({ affiliation: 'none', role: 'none', statuses: [110] });
        story.reaches(bob.jid, second, presence(occupantJid(shadow, 'Bob'), bob.jid, { type: 'unavailable' }, out));
      },
    },
  },
  'S-c': {
    good: (story) => {
      for (const node of all)
        story.keeps(node, undefined, member, { kind: 'roomConfigured', changes: { moderated: true } });
      story.keeps(second, undefined, entered(bob));
      story.keeps(firsthost, undefined, entered(bob, { home: shadow }));
    },
    bad: {
      'a shadow has another configuration': (story) =>
        story.keeps(second, undefined, { kind: 'roomConfigured', changes: { moderated: true } }),
      'a shadow has no password': (story) => {
        story.settings = { password: 'open, locks' };
        story.keeps(third, undefined, { kind: 'roomConfigured', changes: { password: 'open, locks' } });
      },
      'a shadow has other lists': (story) => {
        story.keeps(firsthost, undefined, member);
        story.keeps(third, undefined, member);
      },
      'a user has another role there than for the source': (story) => {
        story.keeps(second, undefined, entered(bob, { role: 'visitor' }));
        story.keeps(firsthost, undefined, entered(bob, { home: shadow }));
      },
    },
    excused: {
      'the lists are none of its business': (story) => {
        story.distribution = { trust: { seeJids: [second] } };
        story.keeps(firsthost, undefined, { ...member, user: bareOf(alice.jid) });
        story.keeps(second, undefined, { ...member, user: bareOf(alice.jid) });
      },
    },
  },
  'S-d': {
    good: (story) => story.online(alice).hears(alice, alice, '#0:1', story.says(alice, '#0:1', 1)),
    bad: {
      'its own users hear it when another instance says so': (story) => {
        story.online(alice).says(alice, '#0:1', 1);
        story.hears(alice, alice, '#0:1', story.reaches(firsthost, second, across(source)));
      },
    },
  },
  'S-e': {
    good: (story) => {
      for (const node of all)
        story.keeps(node, undefined, accepted(item(source, '#0:1', 1)), accepted(item(shadow, '#1:1', 2)));
    },
    bad: {
      'one of them lacks a message': (story) => {
        for (const node of all) story.keeps(node, undefined, accepted(item(source, '#0:1', 1)));
        for (const node of [firsthost, second]) story.keeps(node, undefined, accepted(item(shadow, '#1:1', 2)));
      },
      'one of them has it at another time': (story) => {
        for (const node of all) story.keeps(node, undefined, accepted(item(source, '#0:1', 1, node === third ? 7 : 1)));
      },
    },
    excused: {
      'who accepted it is no instance any more': (story) =>
        story.keeps(firsthost, undefined, accepted(item(jid('hall@rooms.s9.sim'), '#1:1', 2))),
    },
  },
  'S-f': {
    good: (story) => {
      story.keeps(firsthost, undefined, linked(shadow), linked(other));
      const said = story.says(alice, '#0:1', 1);
      for (const to of [shadow, other]) story.sends(firsthost, across(to), said);
    },
    bad: {
      'it goes to one of them twice': (story) => {
        const said = story.says(alice, '#0:1', 1);
        for (const to of [shadow, shadow]) story.sends(firsthost, across(to), said);
      },
      'it does not go to one that is linked': (story) => {
        story.keeps(firsthost, undefined, linked(shadow), linked(other));
        story.sends(firsthost, across(shadow), story.says(alice, '#0:1', 1));
      },
      'a shadow passes on what the source has sent': (story) => {
        const cause = story.reaches(second, firsthost, across(shadow));
        story.sends(second, across(other, '#0:1'), cause);
      },
    },
    excused: {
      'the link is lost by then': (story) => {
        story.keeps(firsthost, undefined, linked(shadow));
        story.keeps(firsthost, undefined, linked(shadow, { state: 'split' }));
        story.says(alice, '#0:1', 1);
      },
    },
  },
  'S-g': {
    good: (story) => {
      story.keeps(firsthost, undefined, accepted(item(shadow, '#1:1', 1, 5)));
      story.says(alice, '#0:1', 6);
    },
    bad: {
      'an answer stands before what was there': (story) => {
        story.keeps(firsthost, undefined, accepted(item(shadow, '#1:1', 1, 5)));
        story.says(alice, '#0:1', 4);
      },
      'of one time it stands before what sorts behind it': (story) => {
        story.keeps(firsthost, undefined, accepted(item(shadow, '#1:1', 1, 5)));
        story.says(alice, '#0:1', 5);
      },
    },
    excused: {
      'it lost its log, and what was there with it': (story) => {
        story.keeps(firsthost, undefined, accepted(item(shadow, '#1:1', 1, 5)));
        story.forgets(firsthost).says(alice, '#0:1', 4);
      },
      'it is told again what it has lost itself': (story) => {
        story.keeps(firsthost, undefined, accepted(item(shadow, '#1:1', 1, 5)));
        const told = story.reaches(
          firsthost,
          second,
          iq(shadow, source, { type: 'result', id: 'h' }, el('history', NS.muc)),
        );
        story.keeps(firsthost, told, accepted(item(source, '#0:1', 1, 4)));
      },
    },
  },
  'S-h': {
    good: (story) => orders(story, firsthost, 'hall'),
    bad: {
      'a room of a service that is not trusted': (story) => orders(story, third, 'hall', other),
      'a room that nobody has asked for': (story) =>
        story.keeps(second, undefined, { kind: 'roomCreated', epoch: 1, of: source }),
      'more rooms than it may have': (story) => {
        orders(story, firsthost, 'hall');
        orders(story, firsthost, 'attic');
      },
    },
    excused: {
      'one of them has ended': (story) => {
        orders(story, firsthost, 'hall');
        story.keeps(second, undefined, { kind: 'roomDestroyed' } as Unplaced);
        orders(story, firsthost, 'attic');
      },
    },
  },
  'S-j': {
    good: (story) => {
      story.distribution = { trust: { seeJids: [third] } };
      story.sends(firsthost, shown(shadow));
      story.sends(firsthost, shown(other, { jid: alice.jid }));
    },
    bad: {
      'an address for one that is not to see it': (story) => {
        story.distribution = { trust: { seeJids: [third] } };
        story.sends(firsthost, shown(shadow, { jid: alice.jid }));
      },
    },
    excused: {
      'it is one of its own users': (story) => {
        story.distribution = { trust: { seeJids: [third] } };
        story.sends(firsthost, shown(shadow, { jid: bob.jid }));
      },
    },
  },
  'S-o': {
    good: (story) => {
      story.offers = [{ user: bob.jid, room: shadow, from: source }];
    },
    bad: {
      'a room that is none of it': (story) => {
        story.offers = [{ user: bob.jid, room: jid('hall@rooms.evil.sim'), from: source }];
      },
      'the room itself': (story) => {
        story.offers = [{ user: bob.jid, room: source, from: source }];
      },
    },
    excused: {
      'a shadow sends somebody to the source': (story) => {
        story.offers = [{ user: alice.jid, room: source, from: shadow }];
      },
    },
  },
  'S-p': {
    good: (story) => {
      story.settings = { password: 'open, locks' };
      story.keeps(second, story.reaches(second, bob.jid, joins(bob, shadow, 'open, locks')), entered(bob));
    },
    bad: {
      'they said none': (story) => {
        story.settings = { password: 'open, locks' };
        story.keeps(second, story.reaches(second, bob.jid, joins(bob, shadow)), entered(bob));
      },
      'they said another': (story) => {
        story.settings = { password: 'open, locks' };
        story.keeps(firsthost, story.reaches(firsthost, alice.jid, joins(alice, source, 'please')), entered(alice));
      },
    },
    excused: {
      'they own the room': (story) => {
        story.settings = { password: 'open, locks' };
        const asks = story.reaches(second, bob.jid, joins(bob, shadow));
        story.keeps(second, asks, entered(bob, { affiliation: 'owner' }));
      },
    },
  },
  'S-r': {
    good: (story) => redirects(story, bob, second, shadow),
    bad: {
      'they are invited nowhere': (story) => redirects(story, bob, second),
      'they are invited elsewhere': (story) => redirects(story, bob, second, other),
      'they are sent to the shadow of another server': (story) => redirects(story, bob, third, other),
      'there is no shadow for them': (story) => redirects(story, alice, firsthost, source),
      'nobody is to be sent away': (story) => {
        story.distribution = { redirect: 'never' };
        redirects(story, bob, second, shadow);
      },
      'they are the first of their server, and the second is to be sent away': (story) => {
        story.distribution = { redirect: 2 };
        redirects(story, bob, second, shadow);
      },
      'they enter, though every one is to be sent away': (story) => {
        story.keeps(firsthost, undefined, linked(shadow));
        story.keeps(firsthost, story.reaches(firsthost, bob.jid, joins(bob, source)), entered(bob));
      },
    },
    excused: {
      'their shadow is out of reach': (story) => {
        story.keeps(firsthost, undefined, linked(shadow));
        story.keeps(firsthost, undefined, linked(shadow, { state: 'split' }));
        story.keeps(firsthost, story.reaches(firsthost, bob.jid, joins(bob, source)), entered(bob));
      },
    },
  },
  'S-t': {
    good: (story) => story.keeps(firsthost, story.reaches(firsthost, second, brought), entered(bob, { home: shadow })),
    bad: {
      'a shadow brings in a user of another server': (story) =>
        story.keeps(firsthost, story.reaches(firsthost, second, brought), entered(carol, { home: shadow })),
      'it brings somebody in with a rank that no list has': (story) =>
        story.keeps(third, story.reaches(third, second, brought), entered(bob, { home: shadow, affiliation: 'owner' })),
      'it brings in a moderator': (story) =>
        story.keeps(third, story.reaches(third, second, brought), entered(bob, { home: shadow, role: 'moderator' })),
      'a shadow changes its lists by itself': (story) => story.keeps(second, undefined, member),
      'another shadow configures it': (story) =>
        story.keeps(second, story.reaches(second, third, iq(other, shadow, { type: 'set', id: 'c' })), {
          kind: 'roomConfigured',
          changes: { moderated: true },
        }),
      'another shadow makes its user a moderator': (story) => {
        story.keeps(second, undefined, entered(bob));
        const decided = story.reaches(second, third, presence(other, occupantJid(shadow, 'Bob'), {}));
        story.keeps(second, decided, { kind: 'occupantChanged', occupant: occupant(bob, { role: 'moderator' }) });
      },
      'another shadow kicks its user': (story) => {
        story.keeps(second, undefined, entered(bob));
        const kick = story.reaches(second, third, presence(other, occupantJid(shadow, 'Bob'), { type: 'unavailable' }));
        story.keeps(second, kick, { kind: 'occupantLeft', nick: 'Bob', leaving: { statuses: [307] } });
      },
    },
    excused: {
      'the source has done so': (story) => {
        story.keeps(firsthost, story.reaches(firsthost, alice.jid, order), { ...member, affiliation: 'admin' });
        const told = story.reaches(second, firsthost, message(source, shadow, {}));
        story.keeps(second, told, { ...member, affiliation: 'admin' });
        story.keeps(second, told, entered(carol, { home: other, affiliation: 'admin', role: 'moderator' }));
      },
    },
  },
  'S-w': {
    good: (story) => answered(holds(story), true),
    bad: {
      'a shadow says that it is done, and keeps nothing': (story) =>
        story.reaches(bob.jid, second, iqResult(order), story.reaches(second, bob.jid, order)),
      'the source says that it is done, and it is not': (story) =>
        story.reaches(second, firsthost, iqResult(asked), story.reaches(firsthost, second, asked)),
      'both are linked, and it still waits': holds,
      'it is forgotten without an answer': (story) => holds(story).keeps(second, undefined, keptFor()),
      'nobody tells them what has become of it': (story) => answered(holds(story), false),
    },
    excused: {
      'it is so already': (story) => {
        story.keeps(second, undefined, member);
        story.reaches(bob.jid, second, iqResult(order), story.reaches(second, bob.jid, order));
      },
      'the source is still out of reach': (story) => {
        const kept = linked(source, { seat: 'source', state: 'split', asked: [wish] });
        story.reaches(
          bob.jid,
          second,
          iqResult(order),
          story.keeps(second, story.reaches(second, bob.jid, order), kept),
        );
      },
      'its log is gone': (story) => {
        holds(story).forgets(second);
        story.keeps(second, undefined, keptFor());
      },
      'they are out, and nobody writes to them': (story) => {
        holds(story).keeps(second, undefined, { kind: 'occupantLeft', nick: 'Bob' });
        answered(story, false);
      },
    },
  },
};

it('each checker has its cases', () => {
  expect(Object.keys(cases)).toEqual(Object.keys(sourceShadowCheckers));
});

describe.each(Object.entries(cases))('%s', (name, { good, bad, excused = {} }) => {
  const judged = (tell: (story: Story) => unknown) => {
    const story = new Story();
    tell(story);
    return story.judge(name);
  };

  it('has something to look at where all is well, and accepts it', () => {
    const { violations, exercised } = judged(good);
    expect(violations).toEqual([]);
    expect(exercised).toBeGreaterThan(0);
  });

  it.each(Object.entries(bad))('finds: %s', (_what, tell) => {
    expect(judged(tell).violations.map(({ invariant }) => invariant)).toEqual([name]);
  });

  for (const [what, tell] of Object.entries(excused))
    it(`excuses: ${what}`, () => {
      expect(judged(tell).violations).toEqual([]);
    });
});
