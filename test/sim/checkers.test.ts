import { describe, expect, it } from 'vitest';
import { type DistributedRoomConfig, plainRoomConfig } from '../../src/core/distribution/config.ts';
import type { NodeConfig } from '../../src/core/node/config.ts';
import { createMucNode } from '../../src/core/node/muc-node.ts';
import type { HistoryItem, Occupant, RoomEvent } from '../../src/core/room/event.ts';
import type { Sign } from '../../src/core/turn/spec.ts';
import { writeElsewhere, writeLinkPlace, writeTrail } from '../../src/core/xep/fmuc-sync.ts';
import { type Affiliation, type Role, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { writeDmuc } from '../../src/core/xep/xep0282.ts';
import { bareOf, domainOf, type Jid, jid, occupantJid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorReply, iq, message, presence, type Stanza, withMore } from '../../src/core/xmpp/stanza.ts';
import { type Instant, instant } from '../../src/core/xmpp/time.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Aftermath, Peaks } from '../../src/sim/aftermath.ts';
import { bodyText } from '../../src/sim/bodies.ts';
import { checkers } from '../../src/sim/checkers/all.ts';
import { lastPrivateText } from '../../src/sim/checkers/sessions.ts';
import { lastWord } from '../../src/sim/checkers/words.ts';
import { evidence } from '../../src/sim/evidence.ts';
import { fmucCheckers } from '../../src/sim/fmuc-checkers.ts';
import { fmucReplicaCheckers } from '../../src/sim/fmuc-replica-checkers.ts';
import { noFaults } from '../../src/sim/ground.ts';
import { judge } from '../../src/sim/judge.ts';
import type { Mode } from '../../src/sim/plan.ts';
import { primaryReplicaCheckers } from '../../src/sim/primary-replica-checkers.ts';
import { faultOf, type Step } from '../../src/sim/step.ts';
import type { Fault, Person, SimRecord, Verdict } from '../../src/sim/trace.ts';

const room = jid('hall@rooms.s0.sim');
const service = jid('rooms.s0.sim');
const alice: Person = { jid: jid('u00@s0.sim/r'), nick: 'Alice', room, hostile: undefined };
const bob: Person = { jid: jid('u10@s1.sim/r'), nick: 'Bob', room, hostile: undefined };
/** The house's own: a client that does what it likes. */
const mallory: Person = { jid: jid('u11@s1.sim/r'), nick: 'Mallory', room, hostile: 'client' };
/** A user of a node that does what it likes, also in their name. */
const trudy: Person = { jid: jid('u20@s2.sim/r'), nick: 'Trudy', room, hostile: 'node' };
/** Alice's other session. */
const phone: Person = { ...alice, jid: jid('u00@s0.sim/phone'), device: true };
const people = [alice, bob, mallory, trudy, phone];

const body = (text: string) => el('body', NS.client, {}, text);
const delay = el('delay', NS.delay, { from: room, stamp: '2026-01-01T00:00:00Z' });
const at = (nick: string) => occupantJid(room, nick);
const says = (nick: string, to: Person, text: string, ...more: readonly XmlElement[]) =>
  message(at(nick), to.jid, { type: 'groupchat', id: `id of ${text}` }, body(text), ...more);
const subjectTo = ({ jid: to }: Person) => message(room, to, { type: 'groupchat' }, el('subject', NS.client));
const shows = (
  nick: string,
  to: Person,
  more: { type?: string; role?: Role; jid?: string; statuses?: number[] } = {},
) =>
  presence(
    at(nick),
    to.jid,
    { type: more.type },
    writeMucUser({
      affiliation: 'none',
      role: more.role ?? 'participant',
      statuses: more.statuses ?? [],
      ...(more.jid === undefined ? {} : { jid: more.jid }),
    }),
  );
const moderates = (story: Story, who: Person): Story => {
  story.keeps(undefined, { kind: 'occupantChanged', occupant: occupant(who, { role: 'moderator' }) });
  return story.tells(shows(who.nick, who, { role: 'moderator', statuses: [110] }));
};
const occupant = (who: Person, more: Partial<Occupant> = {}): Occupant => ({
  nick: who.nick,
  jid: who.jid,
  affiliation: 'none',
  role: 'participant',
  occupantId: `id of ${who.nick}`,
  presence: [],
  ...more,
});

/** A trace that is told by hand, and the node that its appends make. */
class Story {
  readonly trace: SimRecord[] = [];
  hostile: Jid | undefined;
  mode: Mode = 'plain';
  config: DistributedRoomConfig = plainRoomConfig(room);
  peaks: Peaks = { inbox: 1, timers: 1, history: 1, occupants: 1, peers: 0, occupantIds: 1 };
  /** What nodes hold before and after everything was repeated. */
  portraits: readonly [string, string] = ['all', 'all'];
  /** The room's store has it all in the other order. */
  reversed = false;
  readonly inside = new Set<Jid>();
  /** What the disk has of what the node has at hand. */
  disk = (history: readonly HistoryItem[]): readonly HistoryItem[] => history;
  /** Further nodes, and what each is told. */
  readonly others: { readonly config: NodeConfig; readonly events: readonly RoomEvent[] }[] = [];
  readonly steps: Step[] = [];
  #now = instant(Date.UTC(2026, 0, 1));

  later(ms = 1000): this {
    this.#now = instant(this.#now + ms);
    return this;
  }
  #record(record: SimRecord extends infer R ? (R extends SimRecord ? Omit<R, 't'> : never) : never): number {
    return this.trace.push({ ...record, t: this.#now } as SimRecord) - 1;
  }
  /** The clock of a node is set forward now. */
  setsForward(node: Jid, byMs: number): this {
    const at = this.#now - (this.trace[0]?.t ?? this.#now);
    const step: Step = { kind: 'clock', node, byMs, at, luck: 0 };
    this.steps.push(step);
    this.#record({ kind: 'fault', step: this.steps.length - 1, what: 'something', fault: faultOf(step) as Fault });
    return this;
  }
  session(who: Person, up: boolean): this {
    this.#record({ kind: 'session', user: who.jid, up });
    return this;
  }
  sends(by: Jid, stanza: Stanza, cause?: number): number {
    return this.#record({ kind: 'in', by, stanza, spec: '', cause });
  }
  gets(to: Jid, stanza: Stanza, cause?: number): number {
    return this.#record({ kind: 'out', to, stanza, cause });
  }
  /** The room hands somebody something, over no link. */
  tells(stanza: Stanza, cause?: number): this {
    this.gets(stanza.to, stanza, this.sends(service, stanza, cause));
    return this;
  }
  /** A link swallows what the room tells somebody. */
  loses(stanza: Stanza): this {
    const cause = this.sends(service, stanza);
    this.#record({ kind: 'link', server: [jid('s0.sim'), jid('s1.sim')], stanza, outcome: 'dropped', cause });
    return this;
  }
  /** A new stream cuts off what is under way, which shows when it should have come; what is sent then is there before. */
  cutsOff(stanza: Stanza, overtaking: Stanza): this {
    const link = { kind: 'link', server: [jid('s0.sim'), jid('s1.sim')], stanza } as const;
    const cause = this.#record({ ...link, outcome: 'arrives', cause: this.sends(service, stanza) });
    this.tells(overtaking);
    this.#record({ ...link, outcome: 'dropped', cause });
    return this;
  }
  /** The primary's stanza for a replica comes back: its server cannot pass it on. @returns index of its arrival */
  bounces(stanza: Stanza): number {
    const server = [jid('s0.sim'), jid('s1.sim')] as const;
    const cause = this.#record({
      kind: 'link',
      server,
      stanza,
      outcome: 'bounced',
      cause: this.sends(service, stanza),
    });
    const error = { type: 'wait', condition: 'remote-server-timeout' } as const;
    return this.#record({ kind: 'out', to: service, stanza: errorReply(stanza, error) as Stanza, cause });
  }
  /** Somebody's stanza reaches the room. @returns index of its arrival */
  asks(stanza: Stanza): number {
    return this.gets(service, stanza, this.sends(stanza.from, stanza));
  }
  keeps(cause: number | undefined, ...events: readonly Unplaced[]): number {
    return this.keepsAt(service, cause, ...events);
  }
  keepsAt(node: Jid, cause: number | undefined, ...events: readonly Unplaced[]): number {
    return this.#record({
      kind: 'append',
      node,
      events: events.map((e) => ({ ...e, room }) as RoomEvent),
      cause,
    });
  }
  notes(node: Jid, sign?: Sign, cause?: number): this {
    this.#record({ kind: 'note', node, spec: '', what: 'something', sign, cause });
    return this;
  }
  forgets(node: Jid): this {
    this.#record({ kind: 'forgotten', node });
    return this;
  }
  /** The primary's stanza reaches a replica. @returns index of its arrival */
  reaches(replica: Jid, stanza: Stanza): number {
    return this.gets(replica, stanza, this.sends(service, stanza));
  }
  fault(fault: Fault): this {
    this.#record({ kind: 'fault', step: 0, what: 'something', fault });
    return this;
  }
  phase(phase: 'healed' | 'quiet' | 'words' | 'repeated'): this {
    this.#record({ kind: 'phase', phase });
    return this;
  }

  asksToEnter(who: Person): number {
    return this.asks(presence(who.jid, at(who.nick), {}, writeJoin({})));
  }
  /** Comes online, asks to enter, is in, and is told so as XEP-0045 §7.2 has it. */
  enters(who: Person, ...others: readonly Person[]): this {
    this.session(who, true);
    return this.comesIn(who, ...others);
  }
  comesIn(who: Person, ...others: readonly Person[]): this {
    const kept = this.keeps(this.asksToEnter(who), { kind: 'occupantEntered', occupant: occupant(who) });
    for (const { nick } of others) this.tells(shows(nick, who), kept);
    this.tells(shows(who.nick, who, { statuses: [110] }), kept);
    this.tells(subjectTo(who), kept);
    this.inside.add(who.jid);
    return this;
  }
  /** Comes in under the nick of another session of theirs. */
  comesBeside(who: Person, other: Person, ...others: readonly Person[]): this {
    const before = [{ jid: other.jid, presence: [] }];
    const kept = this.keeps(this.asksToEnter(who), {
      kind: 'occupantChanged',
      occupant: occupant(who, { sessions: before }),
    });
    for (const { nick } of others) this.tells(shows(nick, who), kept);
    this.tells(shows(who.nick, who, { statuses: [110] }), kept);
    this.inside.add(who.jid);
    return this.tells(subjectTo(who), kept);
  }
  leaves(who: Person): this {
    const left = this.asks(presence(who.jid, at(who.nick), { type: 'unavailable' }));
    const kept = this.keeps(left, { kind: 'occupantLeft', nick: who.nick });
    this.inside.delete(who.jid);
    return this.tells(shows(who.nick, who, { type: 'unavailable', role: 'none', statuses: [110] }), kept);
  }
  /** Says something, which is kept and reaches everybody of a list. */
  speaks(who: Person, n: number, ...to: readonly Person[]): this {
    const text = bodyText(people.indexOf(who), n);
    const kept = this.accepts(who, text);
    for (const one of to) this.tells(says(who.nick, one, text), kept);
    return this;
  }
  accepts(who: Person, text: string): number {
    const said = this.asks(message(who.jid, room, { type: 'groupchat', id: `id of ${text}` }, body(text)));
    return this.keeps(said, {
      kind: 'messageAccepted',
      item: {
        by: room,
        id: text,
        nick: who.nick,
        occupantId: `id of ${who.nick}`,
        author: who.jid,
        at: this.#now,
        payloads: [body(text)],
      },
    });
  }

  judge(name: string): Verdict {
    const checker = checkers[name] ?? primaryReplicaCheckers[name] ?? fmucCheckers[name] ?? fmucReplicaCheckers[name];
    if (checker === undefined) throw new RangeError(`no checker ${name}`);
    const verdict = judge(evidence(this.trace, people, this.#aftermath()), { [name]: checker }).get(name);
    return verdict as Verdict;
  }

  #aftermath(): Aftermath {
    const config: NodeConfig = {
      kind: 'service',
      address: service,
      server: jid('s0.sim'),
      rooms: [this.config],
      openCreation: false,
      admins: [],
    };
    const own = this.trace.flatMap((record) =>
      record.kind === 'append' && record.node === service ? record.events : [],
    );
    const created: RoomEvent = { kind: 'roomCreated', room, epoch: 1 };
    const nodes = [{ config, events: [created, ...(this.reversed ? own.toReversed() : own)] }, ...this.others].map(
      ({ config, events }) => {
        const node = createMucNode(config);
        for (const event of events) node.apply(event);
        const archive = () => this.disk(node.snapshot().rooms[0]?.history ?? []);
        return { config, node, archive };
      },
    );
    return {
      plan: {
        mode: this.mode,
        layout: { nodes: nodes.map((one) => one.config), roomOf: () => room },
        steps: this.steps,
        hostileNode: this.hostile,
        faults: noFaults,
      },
      seats: new Map(nodes.map((one) => [one.config.address, one])),
      users: new Map(
        people.map(({ jid: user, nick }) => {
          const phase = this.inside.has(user) ? ('joined' as const) : ('online' as const);
          return [user, { online: true, half: { state: () => ({ phase, nick, room }) } }];
        }),
      ),
      peaks: new Map([[service, this.peaks]]),
      before: new Map([[service, this.portraits[0]]]),
      portrait: () => new Map([[service, this.portraits[1]]]),
      everLost: () => false,
    };
  }
}

/** An event, but for the room that all have. */
type Unplaced = RoomEvent extends infer E ? (E extends RoomEvent ? Omit<E, 'room'> : never) : never;

/** For each checker a story that it accepts, and beside it what spoils that story: one violation each. */
interface Case {
  readonly good: (story: Story) => unknown;
  readonly bad: Readonly<Record<string, (story: Story) => unknown>>;
  /** What excuses the same. */
  readonly excused?: Readonly<Record<string, (story: Story) => unknown>>;
}

const both = (story: Story) => story.enters(alice).enters(bob, alice).tells(shows('Bob', alice));
const several = (story: Story) => both(story).session(phone, true).comesBeside(phone, alice, bob);
const mam = 'urn:xmpp:mam:2';
/** Alice asks the archive for two messages. */
const looks = (story: Story): Story => {
  const rsm = 'http://jabber.org/protocol/rsm';
  const query = el('query', mam, { queryid: 'q' }, el('set', rsm, {}, el('max', rsm, {}, '2')));
  both(story).asks(iq(alice.jid, room, { type: 'set', id: 'q' }, query));
  return story;
};
const found = (id: string) => message(room, alice.jid, {}, el('result', mam, { queryid: 'q', id }));
/** Bob writes to the nick of Alice's two sessions. */
const whispers = (story: Story, ...to: readonly Person[]): Story => {
  const [text, type] = [lastPrivateText(1), 'chat'];
  several(story).asks(message(bob.jid, at('Alice'), { type, id: 'p' }, body(text)));
  for (const { jid } of to) story.tells(message(at('Bob'), jid, { type, id: 'p' }, body(text)));
  return story;
};
const rank = (affiliation: Affiliation) => new Map([[jid('u00@s0.sim'), affiliation]]);
const kick = (who = alice) =>
  iq(
    who.jid,
    room,
    { type: 'set', id: 'kick' },
    el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: 'Bob', role: 'none' })),
  );

const stanzaIdOf = (id: string) => el('stanza-id', NS.sid, { by: room, id });
const stanzaId = stanzaIdOf('s');
const identified = (n: number, id: string) =>
  says('Alice', bob, `#0:${n}`, stanzaId, el('occupant-id', NS.occupantId, { id }));

const cases: Readonly<Record<string, Case>> = {
  G1: {
    good: (story) => {
      both(story).speaks(bob, 1, alice, bob).leaves(bob);
      const kept = story.keeps(story.asksToEnter(bob), { kind: 'occupantEntered', occupant: occupant(bob) });
      story
        .tells(shows('Alice', bob), kept)
        .tells(shows('Bob', bob, { statuses: [110] }), kept)
        .tells(says('Bob', bob, '#1:1', delay), kept)
        .tells(subjectTo(bob), kept);
    },
    bad: {
      'something live before the subject': (story) => {
        story.enters(alice).session(bob, true).asksToEnter(bob);
        story.tells(shows('Bob', bob, { statuses: [110] })).tells(says('Bob', bob, '#1:0', delay));
        story.tells(says('Alice', bob, '#0:1')).tells(subjectTo(bob));
      },
      'history without a delay': (story) => {
        story.enters(alice).session(bob, true).asksToEnter(bob);
        story
          .tells(shows('Bob', bob, { statuses: [110] }))
          .tells(says('Alice', bob, '#0:1'))
          .tells(subjectTo(bob));
      },
      'the own presence before others': (story) => {
        story.enters(alice).session(bob, true).asksToEnter(bob);
        story
          .tells(shows('Bob', bob, { statuses: [110] }))
          .tells(shows('Alice', bob))
          .tells(subjectTo(bob));
      },
      'the own presence twice': (story) => {
        story.session(bob, true).asksToEnter(bob);
        story.tells(shows('Bob', bob, { statuses: [110] })).tells(shows('Bob', bob, { statuses: [110] }));
      },
      'the subject before history': (story) =>
        story
          .enters(bob)
          .tells(says('Alice', bob, '#0:1', delay))
          .tells(shows('Alice', bob)),
      'something live before the own presence': (story) => {
        story.session(bob, true).asksToEnter(bob);
        story
          .tells(says('Alice', bob, '#0:1'))
          .tells(shows('Bob', bob, { statuses: [110] }))
          .tells(subjectTo(bob));
      },
    },
    excused: {
      'a link swallowed the subject': (story) => {
        story.session(bob, true).asksToEnter(bob);
        story
          .tells(shows('Bob', bob, { statuses: [110] }))
          .loses(subjectTo(bob))
          .tells(says('Alice', bob, '#0:1'));
      },
      'of a second answer a link swallowed the own presence': (story) => {
        story.enters(alice).enters(bob, alice).asksToEnter(bob);
        story
          .tells(shows('Alice', bob))
          .loses(shows('Bob', bob, { statuses: [110] }))
          .tells(says('Alice', bob, '#0:1', delay))
          .tells(subjectTo(bob));
      },
      'a new stream cut the answer off, and what is live was there before that showed': (story) => {
        story.session(bob, true).asksToEnter(bob);
        story.cutsOff(shows('Bob', bob, { statuses: [110] }), says('Alice', bob, '#0:1'));
      },
      'a link swallowed all of the answer but others, and then one changes': (story) => {
        story.enters(alice).session(bob, true).asksToEnter(bob);
        story
          .tells(shows('Alice', bob))
          .loses(shows('Bob', bob, { statuses: [110] }))
          .loses(subjectTo(bob))
          .tells(shows('Bob', bob, { statuses: [110] }))
          .tells(says('Alice', bob, '#0:1'));
      },
    },
  },
  G2: {
    good: (story) => both(story).speaks(alice, 1, alice, bob),
    bad: {
      'nobody said it': (story) => both(story).tells(says('Alice', bob, '#0:1')),
      'somebody else said it': (story) =>
        both(story)
          .speaks(alice, 1)
          .tells(says('Bob', bob, '#0:1')),
      'under a nick that they asked for and did not get': (story) => {
        both(story).asks(presence(alice.jid, at('King'), {}));
        story.speaks(alice, 1).tells(says('King', bob, '#0:1'));
      },
      'said later than shown': (story) =>
        both(story)
          .tells(says('Alice', bob, '#0:1'))
          .speaks(alice, 1, alice),
      'by no user at all': (story) => both(story).tells(says('Alice', bob, 'hello')),
    },
  },
  G3: {
    good: (story) => both(story).speaks(alice, 1, alice, bob).speaks(alice, 2, alice, bob),
    bad: {
      'the second before the first': (story) =>
        both(story)
          .speaks(alice, 1, alice)
          .speaks(alice, 2, alice, bob)
          .tells(says('Alice', bob, '#0:1')),
      'also where a link swallowed something that is no presence of theirs': (story) =>
        both(story)
          .loses(says('Alice', bob, '#0:0'))
          .speaks(alice, 1, alice)
          .speaks(alice, 2, alice, bob)
          .tells(says('Alice', bob, '#0:1')),
    },
    excused: {
      'the first is history': (story) =>
        both(story)
          .speaks(alice, 2, bob)
          .tells(says('Alice', bob, '#0:1', delay)),
      'a new session': (story) => both(story).speaks(alice, 2, bob).leaves(bob).comesIn(bob).speaks(alice, 1, bob),
    },
  },
  G4: {
    good: (story) =>
      both(story)
        .speaks(alice, 1, alice, bob)
        .leaves(bob)
        .comesIn(bob)
        .tells(says('Alice', bob, '#0:1')),
    bad: {
      'live and live': (story) => both(story).speaks(alice, 1, alice, bob, bob),
      'live and as history': (story) =>
        both(story)
          .speaks(alice, 1, bob)
          .tells(says('Alice', bob, '#0:1', delay)),
    },
    excused: {
      'a hostile node has told of the words anew': (story) =>
        both(tellsOfPast(story, '#0:1'))
          .speaks(alice, 1, bob)
          .tells(says('Alice', bob, '#0:1', delay)),
      'a link swallowed the answer to a new join': (story) =>
        both(story)
          .speaks(alice, 1, bob)
          .loses(shows('Bob', bob, { statuses: [110] }))
          .tells(says('Alice', bob, '#0:1', delay)),
    },
  },
  G5: {
    good: (story) => both(story).speaks(alice, 1, alice, bob),
    bad: {
      'with another id': (story) =>
        both(story)
          .speaks(alice, 1)
          .tells(message(at('Alice'), alice.jid, { type: 'groupchat', id: 'another' }, body('#0:1'))),
      'not at all, though somebody else has it': (story) => both(story).speaks(alice, 1, bob),
    },
    excused: {
      'they left': (story) => both(story).speaks(alice, 1, bob).leaves(alice),
    },
  },
  G6: {
    good: (story) => both(story).leaves(bob).comesIn(bob).speaks(alice, 1, alice, bob),
    bad: {
      'a message afterwards': (story) => both(story).leaves(bob).speaks(alice, 1, alice, bob),
      'a presence afterwards': (story) => both(story).leaves(bob).tells(shows('Alice', bob)),
      'in again unasked': (story) =>
        both(story)
          .leaves(bob)
          .tells(shows('Bob', bob, { statuses: [110] })),
      'told only after seconds': (story) => {
        const left = both(story).asks(presence(alice.jid, at('Alice'), { type: 'unavailable' }));
        const kept = story.later(3_000).keeps(left, { kind: 'occupantLeft', nick: 'Alice' });
        story.tells(shows('Alice', alice, { type: 'unavailable', role: 'none', statuses: [110] }), kept);
      },
      'never told': (story) => {
        both(story).asks(presence(alice.jid, at('Alice'), { type: 'unavailable' }));
        story.later(3_000).speaks(bob, 1, bob);
      },
    },
    excused: {
      'told when the node is awake again': (story) => {
        both(story).fault({ kind: 'freeze', node: service, forMs: 10_000 });
        const left = story.asks(presence(alice.jid, at('Alice'), { type: 'unavailable' }));
        const kept = story.later(8_000).keeps(left, { kind: 'occupantLeft', nick: 'Alice' });
        story.tells(shows('Alice', alice, { type: 'unavailable', role: 'none', statuses: [110] }), kept);
      },
      'a private message, which goes its own way': (story) =>
        both(story)
          .leaves(bob)
          .tells(message(at('Alice'), bob.jid, { type: 'chat' }, body('psst'))),
      'all about an earlier session, to one that did not ask to enter': (story) => {
        both(story).session(bob, false).session(bob, true);
        for (let answer = 0; answer < 2; answer++)
          story
            .tells(shows('Bob', bob, { statuses: [110] }))
            .tells(shows('Bob', bob, { type: 'unavailable', statuses: [110] }));
      },
    },
  },
  G7: {
    good: (story) =>
      both(story)
        .tells(shows('Bob', bob, { jid: bob.jid, statuses: [110] }))
        .tells(shows('Alice', alice, { role: 'moderator', statuses: [110] }))
        .tells(shows('Bob', alice, { jid: bob.jid })),
    bad: {
      'an item’s jid': (story) => both(story).tells(shows('Alice', bob, { jid: alice.jid })),
      'an attribute of something else': (story) =>
        both(story).tells(says('Alice', bob, '#0:1', el('addresses', 'urn:x', { who: 'u00@s0.sim' }))),
      'the sender’s address': (story) => both(story).tells(message(alice.jid, bob.jid, { type: 'chat' }, body('hi'))),
      'to who was a moderator and is none': (story) =>
        both(story)
          .tells(shows('Bob', bob, { role: 'moderator', statuses: [110] }))
          .tells(shows('Bob', bob, { statuses: [110] }))
          .tells(shows('Alice', bob, { jid: alice.jid })),
      'to a new session, the room having noted that the earlier one is gone': (story) => {
        moderates(both(story), bob);
        story.session(bob, false).leaves(bob).session(bob, true);
        story.tells(shows('Alice', bob, { jid: alice.jid }));
      },
      'to a new session that was told that it is no moderator': (story) => {
        moderates(both(story), bob);
        story
          .session(bob, false)
          .session(bob, true)
          .tells(shows('Bob', bob, { statuses: [110] }));
        story.tells(shows('Alice', bob, { jid: alice.jid }));
      },
      'to a new session of who was no moderator': (story) =>
        both(story)
          .session(bob, false)
          .session(bob, true)
          .tells(shows('Alice', bob, { jid: alice.jid })),
    },
    excused: {
      'to a new session, while the room knows only of the earlier one, a moderator’s': (story) => {
        moderates(both(story), bob);
        story.session(bob, false).session(bob, true);
        story.tells(shows('Alice', bob, { jid: alice.jid }));
      },
      'in the breath that makes them a moderator': (story) => {
        both(story);
        const kept = story.keeps(undefined, {
          kind: 'occupantChanged',
          occupant: occupant(bob, { role: 'moderator' }),
        });
        story
          .tells(shows('Alice', bob, { jid: alice.jid }), kept)
          .tells(shows('Bob', bob, { role: 'moderator', statuses: [110] }), kept);
      },
      'somebody said it themselves': (story) => {
        const word = body('#0:1 mail u00@s0.sim');
        both(story).sends(alice.jid, message(alice.jid, room, { type: 'groupchat' }, word));
        story.tells(message(at('Alice'), bob.jid, { type: 'groupchat' }, word));
      },
    },
  },
  G8: {
    good: (story) => both(story).speaks(alice, 1, alice, bob),
    bad: {
      'XEP-0282’s element': (story) => both(story).tells(says('Alice', bob, '#0:1', el('x', NS.dmuc2))),
      'XEP-0289’s element': (story) => both(story).tells(says('Alice', bob, '#0:1', el('fmuc', NS.fmuc))),
      'our own, in an error': (story) =>
        both(story).tells(message(room, bob.jid, { type: 'error' }, body('#0:1'), el('s', NS.ext))),
      'rank in a message': (story) =>
        both(story).tells(
          says('Alice', bob, '#0:1', writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] })),
        ),
      'two accounts of one occupant': (story) => {
        const user = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
        both(story).tells(presence(at('Alice'), bob.jid, {}, user, user));
      },
    },
  },
  G9: {
    good: (story) => {
      story.config = { ...story.config, affiliations: rank('owner') };
      both(story).keeps(story.asks(kick()), { kind: 'occupantLeft', nick: 'Bob' });
    },
    bad: {
      'a kick by a participant': (story) =>
        both(story).keeps(story.asks(kick()), { kind: 'occupantLeft', nick: 'Bob' }),
      'an affiliation that nobody asked for': (story) =>
        both(story).keeps(undefined, { kind: 'affiliationChanged', user: jid('u10@s1.sim'), affiliation: 'owner' }),
      'an owner made by an admin': (story) => {
        story.config = { ...story.config, affiliations: rank('admin') };
        both(story).keeps(story.asks(kick()), {
          kind: 'affiliationChanged',
          user: jid('u10@s1.sim'),
          affiliation: 'owner',
        });
      },
      'a moderator of their own making': (story) =>
        both(story).keeps(story.asks(presence(bob.jid, at('Bob'), {})), {
          kind: 'occupantChanged',
          occupant: occupant(bob, { role: 'moderator' }),
        }),
      'a configuration by an admin': (story) => {
        story.config = { ...story.config, affiliations: rank('admin') };
        both(story).keeps(story.asks(kick()), { kind: 'roomConfigured', changes: { moderated: true } });
      },
      'a subject where only moderators may': (story) => {
        story.config = { ...story.config, changeSubject: false };
        const asked = both(story).asks(
          message(bob.jid, room, { type: 'groupchat' }, el('subject', NS.client, {}, 'x')),
        );
        story.keeps(asked, { kind: 'subjectChanged', subject: { text: 'x', nick: 'Bob', at: 0 as Instant } });
      },
      'another’s nick': (story) =>
        both(story).keeps(story.asks(presence(alice.jid, at('King'), {})), {
          kind: 'nickChanged',
          nick: 'Bob',
          newNick: 'King',
        }),
      'a visitor’s voice in a moderated room': (story) => {
        story.config = { ...story.config, moderated: true };
        story.session(bob, true);
        const entered = { kind: 'occupantEntered', occupant: occupant(bob, { role: 'visitor' }) } as const;
        story.keeps(story.asksToEnter(bob), entered);
        story.speaks(bob, 1, bob);
      },
    },
    excused: {
      'it did not happen in the end': (story) => {
        const kept = both(story).keeps(story.asks(kick()), { kind: 'occupantLeft', nick: 'Bob' });
        story.trace.push({ kind: 'undone', t: 0 as Instant, node: service, appends: [kept] });
      },
    },
  },
  G10: {
    good: (story) =>
      both(story)
        .leaves(bob)
        .comesIn({ ...mallory, nick: 'Bob' }),
    bad: {
      'a nick is given twice': (story) => both(story).comesIn({ ...mallory, nick: 'Bob' }),
      'a nick is taken that is in use': (story) =>
        both(story).keeps(undefined, { kind: 'nickChanged', nick: 'Alice', newNick: 'Bob' }),
      'a state has it twice': (story) =>
        story.keeps(undefined, {
          kind: 'stateReplaced',
          epoch: 1,
          whois: 'moderators',
          occupants: [occupant(alice), occupant({ ...bob, nick: 'Alice' })],
          history: [],
          subject: undefined,
        }),
      'two nodes know another by it': (story) => {
        const other = secondNode();
        story.others.push({ config: other, events: entered(other, occupant({ ...bob, nick: 'Alice' })) });
        story.enters(alice);
      },
      'sessions of two users have it': (story) => {
        const sessions = [{ jid: bob.jid, presence: [] }];
        story.enters(alice).keeps(undefined, { kind: 'occupantChanged', occupant: occupant(alice, { sessions }) });
      },
    },
    excused: {
      'it is that of another session of theirs': (story) =>
        both(story)
          .comesIn({ ...phone, nick: 'Other' })
          .keeps(undefined, { kind: 'nickChanged', nick: 'Other', newNick: 'Alice' }),
    },
  },
  G11: {
    good: both,
    bad: {
      'a client sees fewer': (story) => story.enters(alice).enters(bob, alice),
      'a client sees somebody who has left': (story) => {
        both(story).leaves(bob);
      },
      'two nodes have different people': (story) => {
        const other = secondNode();
        story.others.push({ config: other, events: entered(other, occupant(alice, { home: service })) });
        both(story);
      },
    },
    excused: {
      'a link swallowed the news': (story) => story.enters(alice).loses(shows('Bob', alice)).enters(bob, alice),
    },
  },
  G12: {
    good: (story) => {
      both(story).speaks(alice, 1, alice, bob).phase('quiet');
      story.sends(service, iq(room, bob.jid, { type: 'get', id: 'p' }, el('ping', NS.ping)));
    },
    bad: {
      'one message makes more stanzas than there are people': (story) =>
        both(story).speaks(alice, 1, ...Array.from({ length: 12 }, () => bob)),
      'one presence makes hundreds': (story) => {
        const asked = both(story).asks(presence(alice.jid, at('Alice'), {}));
        for (let i = 0; i < 240; i++) story.sends(service, shows('Alice', bob), asked);
      },
      'somebody speaks in the silence': (story) =>
        both(story)
          .speaks(alice, 1, alice, bob)
          .phase('quiet')
          .tells(says('Alice', bob, '#0:1')),
    },
  },
  G13: {
    good: both,
    bad: {
      'an inbox': (story) => {
        story.peaks = { ...story.peaks, inbox: 5_001 };
      },
      timers: (story) => {
        story.peaks = { ...story.peaks, timers: 100 };
      },
      'a history': (story) => {
        story.peaks = { ...story.peaks, history: 12_501 };
      },
    },
  },
  G14: {
    good: (story) => both(story).speaks(alice, 1, alice, bob).speaks(bob, 2, alice, bob),
    bad: {
      'what was shown is not kept': (story) => both(story).tells(says('Alice', bob, '#0:1')),
      'what was shown first stands later': (story) => {
        const [first, second] = ['#0:1', '#0:2'];
        both(story).accepts(alice, first);
        story.accepts(alice, second);
        story.tells(says('Alice', bob, second)).tells(says('Alice', bob, first));
      },
      'what was accepted first stands later': (story) => {
        both(story).accepts(alice, '#0:1');
        story.accepts(alice, '#0:2');
        story.reversed = true;
      },
      'it is kept twice': (story) => {
        both(story).speaks(alice, 1, alice, bob).accepts(alice, '#0:1');
      },
    },
    excused: {
      'a hostile node has told of it anew': (story) => both(tellsOfPast(story, '#0:1')).speaks(alice, 1, alice, bob),
    },
  },
  G15: {
    good: both,
    bad: {
      'a node has something else': (story) => {
        story.portraits = ['Alice, Bob', 'Alice'];
      },
      'by an order of before': (story) => {
        story.portraits = ['Alice, Bob', 'Alice'];
        story.keeps(story.asks(kick(trudy)), { kind: 'occupantLeft', nick: 'Bob' });
        story.phase('repeated');
      },
    },
    excused: {
      'a hostile node has its admin kick somebody meanwhile': (story) => {
        story.portraits = ['Alice, Bob', 'Alice'];
        story.phase('repeated').keeps(story.asks(kick(trudy)), { kind: 'occupantLeft', nick: 'Bob' });
      },
      'a hostile instance has told another of a subject': (story) => {
        [story.mode, story.hostile] = ['0281', domainOf(beyond)];
        const subject = { text: 'late', nick: 'Bob', at: 0 as Instant, lang: '' };
        const item = { by: beyond, id: 'x', nick: 'Bob', occupantId: 'o', at: 0 as Instant, via: beyond, payloads: [] };
        story.keeps(undefined, { kind: 'subjectChanged', subject, item });
        const portrait = (subject: string) => JSON.stringify([{ subject, history: [], occupants: [] }]);
        story.portraits = [portrait('early'), portrait('late')];
      },
    },
  },
  G16: {
    good: (story) => both(story).tells(identified(1, 'a')).leaves(bob).enters(bob, alice).tells(identified(2, 'a')),
    bad: {
      'a message that names nobody': (story) => both(story).tells(says('Alice', bob, '#0:1', stanzaId)),
      'another id at the next visit': (story) =>
        both(story).tells(identified(1, 'a')).leaves(bob).enters(bob, alice).tells(identified(2, 'b')),
      'another id in another session of the author': (story) =>
        both(story)
          .tells(identified(1, 'a'))
          .tells(says('Alice', bob, '#4:1', stanzaId, el('occupant-id', NS.occupantId, { id: 'b' }))),
    },
    excused: {
      'a node that lost its log in between': (story) =>
        both(story).tells(identified(1, 'a')).forgets(service).tells(identified(2, 'b')),
      'what it had accepted before, and another node passes on after': (story) => {
        const kept = both(story).accepts(alice, '#0:1');
        const late = says('Alice', bob, '#0:1', stanzaIdOf('#0:1'), el('occupant-id', NS.occupantId, { id: 'a' }));
        story.forgets(service).tells(late, kept).tells(identified(2, 'b'));
      },
      'what the room has not accepted yet': (story) => both(story).tells(says('Alice', bob, '#0:1')),
    },
  },
  G17: {
    good: (story) => {
      several(story).speaks(bob, 1, alice, bob, phone);
      const left = story.asks(presence(phone.jid, at('Alice'), { type: 'unavailable' }));
      const kept = story.keeps(left, { kind: 'occupantChanged', occupant: occupant(alice) });
      story.tells(shows('Alice', phone, { type: 'unavailable', statuses: [110] }), kept).leaves(alice);
      story.tells(shows('Alice', bob, { type: 'unavailable' }), story.trace.length - 3);
    },
    bad: {
      'a leave is told while a session remains': (story) => {
        const left = several(story).asks(presence(phone.jid, at('Alice'), { type: 'unavailable' }));
        const kept = story.keeps(left, { kind: 'occupantChanged', occupant: occupant(alice) });
        story.tells(shows('Alice', phone, { type: 'unavailable', statuses: [110] }), kept);
        story.tells(shows('Alice', bob, { type: 'unavailable' }), kept);
      },
      'a session is not told that it is out': (story) => {
        const kept = several(story).keeps(story.asks(kick(bob)), { kind: 'occupantLeft', nick: 'Alice' });
        story.tells(shows('Alice', alice, { type: 'unavailable', statuses: [307, 110] }), kept);
      },
      'a session goes alone and is not told so': (story) => {
        const left = several(story).asks(presence(phone.jid, at('Alice'), { type: 'unavailable' }));
        story.keeps(left, { kind: 'occupantChanged', occupant: occupant(alice) });
      },
      'a session does not hear what another hears': (story) => several(story).speaks(bob, 1, alice, bob),
      'a session hears it twice': (story) => several(story).speaks(bob, 1, alice, bob, phone, phone),
    },
    excused: {
      'the node crashed between the disk and the wire': (story) => {
        const kept = several(story).keeps(story.asks(kick(bob)), { kind: 'occupantLeft', nick: 'Alice' });
        story.trace.push({ kind: 'untold', t: 0 as Instant, node: service, appends: [kept] });
      },
      'what comes late one of them may have heard': (story) => {
        const kept = several(story).accepts(bob, '#1:1');
        story.tells(says('Bob', phone, '#1:1', delay), kept);
      },
    },
  },
  G18: {
    good: (story) => whispers(story, alice, phone),
    bad: {
      'one session does not get it': (story) => whispers(story, alice),
      'one gets it twice': (story) => whispers(story, alice, phone, phone),
    },
    excused: {
      'the author was told that it is refused': (story) =>
        whispers(story).tells(message(at('Alice'), bob.jid, { type: 'error', id: 'p' })),
    },
  },
  G19: {
    good: (story) => looks(story).tells(found('m1')).tells(found('m2')),
    bad: {
      'a message comes twice in one page': (story) => looks(story).tells(found('m1')).tells(found('m1')),
      'a page is longer than it was to be': (story) =>
        looks(story).tells(found('m1')).tells(found('m2')).tells(found('m3')),
      'a user who was banned since reads it': (story) => {
        looks(story).tells(found('m1'));
        story.keeps(undefined, { kind: 'affiliationChanged', user: bareOf(alice.jid), affiliation: 'outcast' });
        story.later(6_000).tells(found('m2'));
      },
    },
    excused: {
      'what was under way when they were banned': (story) => {
        looks(story).tells(found('m1'));
        story.keeps(undefined, { kind: 'affiliationChanged', user: bareOf(alice.jid), affiliation: 'outcast' });
        story.later(100).tells(found('m2'));
      },
      'the room has lost its log since, and the ban with it': (story) => {
        looks(story).tells(found('m1'));
        story.keeps(undefined, { kind: 'affiliationChanged', user: bareOf(alice.jid), affiliation: 'outcast' });
        story.forgets(service).later(6_000).tells(found('m2'));
      },
    },
  },
  G20: {
    good: (story) => both(story).speaks(alice, 1, alice, bob).speaks(bob, 2, alice, bob),
    bad: {
      'the disk lacks the last message': (story) => {
        both(story).speaks(alice, 1, alice, bob).speaks(bob, 2, alice, bob);
        story.disk = (history) => history.slice(0, -1);
      },
      'the disk has them in another order': (story) => {
        both(story).speaks(alice, 1, alice, bob).speaks(bob, 2, alice, bob);
        story.disk = (history) => history.toReversed();
      },
    },
    excused: {
      'it has more than is at hand': (story) => {
        both(story).speaks(alice, 1, alice, bob).speaks(bob, 2, alice, bob);
        story.disk = (history) => [{ ...(history[0] as HistoryItem), id: 'older' }, ...history];
      },
    },
  },
  liveness: {
    good: (story) => both(story).speaks(alice, lastWord(2), alice, bob).speaks(bob, lastWord(2), alice, bob),
    bad: {
      'somebody never got it': (story) => both(story).speaks(alice, lastWord(2), alice),
      'somebody got it twice': (story) => both(story).speaks(alice, lastWord(2), alice, bob, bob),
      'though a link swallowed something before': (story) =>
        both(story)
          .loses(says('Alice', bob, '#0:1'))
          .speaks(alice, lastWord(2), alice),
      'a room that keeps much has left another': (story) => leavesThird(story, 200),
    },
    excused: {
      'a room that keeps nothing has left another, because of a hostile one': (story) => leavesThird(story, 0),
      'they may not speak, and were told so': (story) => {
        const text = bodyText(0, lastWord(2));
        both(story).asks(message(alice.jid, room, { type: 'groupchat', id: 'w' }, body(text)));
        story.tells(message(room, alice.jid, { type: 'error', id: 'w' }));
      },
      'a link swallowed the news that they are out': (story) =>
        both(story)
          .loses(shows('Bob', bob, { type: 'unavailable', statuses: [110] }))
          .speaks(alice, lastWord(2), alice),
    },
  },
};

function secondNode(): NodeConfig {
  return {
    kind: 'service',
    address: jid('rooms.s1.sim'),
    server: jid('s1.sim'),
    rooms: [plainRoomConfig(jid('hall@rooms.s1.sim'))],
    openCreation: false,
    admins: [],
  };
}

function entered({ kind, ...rest }: NodeConfig, who: Occupant): RoomEvent[] {
  const [first] = kind === 'service' ? (rest as { rooms: readonly DistributedRoomConfig[] }).rooms : [];
  const there = { room: (first as DistributedRoomConfig).jid };
  return [
    { ...there, kind: 'roomCreated', epoch: 1 },
    { ...there, kind: 'occupantEntered', occupant: who },
  ];
}

const account = jid('replica@s1.sim');

/** A primary with a replica for Bob's server. */
function withReplica(story: Story): Story {
  const serves = [jid('s1.sim')];
  story.mode = '0282';
  story.config = { ...story.config, distribution: { kind: 'primary', replicas: new Map([[account, serves]]) } };
  const distribution = { kind: 'replica', self: account, serves } as const;
  const copy = { ...plainRoomConfig(room), distribution };
  story.others.push({ config: { kind: 'replica', address: account, server: jid('s1.sim'), room: copy }, events: [] });
  return story;
}
const placed = (nick: string, n: number, epoch = 5) =>
  presence(
    at(nick),
    account,
    {},
    writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] }),
    inPlace(n, epoch),
  );
const inPlace = (n: number, epoch = 5) => writeDmuc({ position: { epoch, n } });
const entersAs = (who: Person, n: number) => ({ kind: 'occupantEntered', n, occupant: occupant(who) }) as const;
const wholeState = (epoch: number, n = 1) =>
  ({ kind: 'stateReplaced', n, epoch, whois: 'moderators', occupants: [], history: [], subject: undefined }) as const;
const link = (peer: Jid, state: 'live' | 'split' | 'syncing') =>
  ({ kind: 'peerChanged', peer, record: { kind: 'replica', state, since: 0 as Instant } }) as const;
const failed = (from: Jid, to: Jid, condition: string) =>
  iq(from, to, { type: 'error', id: 'e' }, el('error', NS.client, { type: 'cancel' }, el(condition, NS.stanzas)));
const joins = (who: Person) => presence(who.jid, at(who.nick), {}, writeJoin({}));
/** The replica puts Bob on its distribution list. */
const serves = (story: Story) =>
  story.keepsAt(account, story.reaches(account, placed('Bob', 2)), {
    kind: 'occupantChanged',
    occupant: occupant(bob),
    joining: true,
  });

const departs = presence(at('Bob'), account, { type: 'unavailable' }, writeDmuc({ leave: bob.jid }));
const goes = { kind: 'occupantChanged', occupant: { ...occupant(bob), home: room } } as const;

/** Of XEP-0282's own. */
const replicated: typeof cases = {
  'D-a': {
    good: (story) => {
      withReplica(story).keepsAt(account, undefined, wholeState(5));
      story.keepsAt(account, story.reaches(account, placed('Alice', 2)), entersAs(alice, 2));
    },
    bad: {
      'a change is left out': (story) => {
        withReplica(story).keepsAt(account, undefined, wholeState(5));
        story.keepsAt(account, story.reaches(account, placed('Alice', 3)), entersAs(alice, 3));
      },
    },
    excused: {
      'by a whole state': (story) => {
        withReplica(story).keepsAt(account, undefined, wholeState(5));
        story.keepsAt(account, undefined, wholeState(5, 9));
      },
    },
  },
  'D-b': {
    good: (story) => both(story).speaks(alice, 1, alice, bob).speaks(alice, 2, alice, bob),
    bad: {
      'a message that one who stayed never got': (story) =>
        both(story).speaks(alice, 1, alice, bob).speaks(alice, 2, alice).speaks(alice, 3, alice, bob),
    },
    excused: {
      'what the node kept and told nobody, crashing between the disk and the wire': (story) => {
        both(story).speaks(alice, 1, alice, bob);
        const kept = story.accepts(alice, bodyText(0, 2));
        story.trace.push({ kind: 'untold', t: 0 as Instant, node: service, appends: [kept] });
      },
      'what they heard beside them before an earlier join of theirs was answered': (story) => {
        story
          .enters(alice)
          .session(bob, true)
          .tells(says('Alice', bob, bodyText(0, 2)));
        story.comesIn(bob, alice).speaks(alice, 1, alice, bob).speaks(alice, 2, alice);
      },
    },
  },
  'D-c/f': {
    good: withReplica,
    bad: {
      'a rank that the primary does not give': (story) => {
        const [copy] = withReplica(story).others;
        const there = occupant(alice, { home: room });
        story.others[0] = { ...copy, events: [{ room, kind: 'occupantEntered', occupant: there }] } as Other;
      },
      'a session that is not the replica’s for the primary': (story) => {
        const [copy] = withReplica(story).others;
        story.keeps(undefined, entersAs(bob, 1));
        story.others[0] = { ...copy, events: [{ room, ...entersAs(bob, 1) }] } as Other;
      },
    },
  },
  'D-d': {
    good: (story) => {
      withReplica(story).keeps(undefined, link(account, 'live'));
      story.sends(service, placed('Alice', 2), story.keeps(story.asks(joins(alice)), entersAs(alice, 2)));
    },
    bad: {
      'the primary broadcasts to a replica that is split': (story) => {
        withReplica(story).keeps(undefined, link(account, 'split'));
        story.sends(service, placed('Alice', 2), story.keeps(story.asks(joins(alice)), entersAs(alice, 2)));
      },
      'a replica that is split submits': (story) => {
        withReplica(story).keepsAt(account, undefined, link(room, 'split'));
        const words = message(bob.jid, room, { type: 'groupchat' }, body('#1:1'));
        story.sends(account, words, story.gets(account, words, story.sends(bob.jid, words)));
      },
    },
    excused: {
      'what was decided before it was split': (story) => {
        withReplica(story).keeps(undefined, link(account, 'live'));
        const kept = story.keeps(story.asks(joins(alice)), entersAs(alice, 2));
        story.keeps(undefined, link(account, 'split'));
        story.sends(service, placed('Alice', 2), kept);
      },
    },
  },
  'D-e': {
    good: (story) => {
      withReplica(story).keepsAt(account, undefined, wholeState(5));
      story.keepsAt(account, undefined, wholeState(6));
    },
    bad: {
      'a whole state of an earlier epoch': (story) => {
        withReplica(story).keepsAt(account, undefined, wholeState(5));
        story.keepsAt(account, undefined, wholeState(4));
      },
      'a change of an earlier epoch': (story) => {
        withReplica(story).keepsAt(account, undefined, wholeState(5));
        story.keepsAt(account, story.reaches(account, placed('Alice', 2, 4)), entersAs(alice, 2));
      },
    },
    excused: {
      'by a log that is gone': (story) => {
        withReplica(story).keepsAt(account, undefined, wholeState(5));
        story.forgets(account).keepsAt(account, undefined, wholeState(4));
      },
    },
  },
  'D-g': {
    good: (story) => withReplica(story).keepsAt(account, undefined, link(room, 'live')),
    bad: {
      'nothing is heard for minutes, and the neighbour is called live': (story) => {
        withReplica(story).keepsAt(account, undefined, link(room, 'live'));
        story.later(200_000).phase('healed');
      },
    },
    excused: {
      'by sleep': (story) => {
        withReplica(story).keepsAt(account, undefined, link(room, 'live'));
        story.fault({ kind: 'freeze', node: account, forMs: 300_000 }).later(200_000).phase('healed');
      },
    },
  },
  'D-h': {
    good: (story) => {
      const asked = joins(bob);
      withReplica(story).gets(account, asked, story.sends(bob.jid, asked));
      serves(story);
      story.gets(bob.jid, shows('Bob', bob, { statuses: [110] }), story.sends(account, shows('Bob', bob)));
    },
    bad: {
      'who never asked is shown the room': (story) => withReplica(story).tells(shows('Alice', bob)),
      'a replica shows the room to hostile people who never asked': (story) =>
        withReplica(story).sends(account, shows('Alice', mallory)),
      'a replica serves who never asked it': (story) => serves(withReplica(story)),
      'a replica serves who has left since': (story) => {
        withReplica(story);
        for (const stanza of [joins(bob), presence(bob.jid, at('Bob'), { type: 'unavailable' })])
          story.gets(account, stanza, story.sends(bob.jid, stanza));
        serves(story);
      },
    },
    excused: {
      'who claims to be in is told that they are not': (story) =>
        withReplica(story).sends(account, shows('Mallory', mallory, { type: 'unavailable', statuses: [110] })),
    },
  },
  'D-3': {
    good: (story) => {
      withReplica(story).reaches(account, placed('Alice', 2));
      const lost = story.later(31_000).keepsAt(account, undefined, link(room, 'split'));
      story.notes(account, 'silence', lost);
    },
    bad: {
      'something came a moment ago': (story) => {
        withReplica(story).reaches(account, placed('Alice', 2));
        const lost = story.later(5_000).keepsAt(account, undefined, link(room, 'split'));
        story.notes(account, 'silence', lost);
      },
    },
    excused: {
      'it was a server’s error': (story) => {
        withReplica(story).reaches(account, failed(room, account, 'remote-server-timeout'));
        const lost = story.later(5_000).keepsAt(account, undefined, link(room, 'split'));
        story.notes(account, 'silence', lost);
      },
      'it was a request that nobody answered': (story) => {
        withReplica(story).reaches(account, placed('Alice', 2));
        const lost = story.later(5_000).keepsAt(account, undefined, link(room, 'split'));
        story.notes(account, 'unanswered', lost);
      },
    },
  },
  'D-5': {
    good: (story) => {
      withReplica(story);
      story.sends(account, shows('Alice', bob), story.reaches(account, placed('Alice', 2)));
    },
    bad: {
      'an entry of a roster that is still coming': (story) => {
        withReplica(story);
        const entry = presence(
          at('Alice'),
          account,
          {},
          writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] }),
        );
        story.sends(account, shows('Alice', bob), story.reaches(account, entry));
      },
    },
  },
  'D-6': {
    good: (story) => {
      withReplica(story);
      story.sends(service, placed('Alice', 2), story.keeps(story.asks(joins(alice)), entersAs(alice, 2)));
    },
    bad: {
      'a replica without a moderator is told a JID': (story) => {
        withReplica(story);
        const named = presence(
          at('Alice'),
          account,
          {},
          writeMucUser({ affiliation: 'none', role: 'participant', statuses: [], jid: alice.jid }),
          inPlace(2),
        );
        story.sends(service, named, story.keeps(story.asks(joins(alice)), entersAs(alice, 2)));
      },
    },
  },
  'D-12': {
    good: (story) => {
      serves(withReplica(story));
      story.keepsAt(account, story.reaches(account, departs), goes);
    },
    bad: {
      'a leave of before the last entry takes somebody out': (story) => {
        const sent = withReplica(story).sends(service, departs);
        serves(story);
        story.keepsAt(account, story.gets(account, departs, sent), goes);
      },
    },
  },
  'D-10': {
    good: (story) => {
      withReplica(story).keeps(undefined, link(account, 'live'));
      story.keeps(story.bounces(placed('Alice', 2)), link(account, 'split'));
    },
    bad: {
      'more is sent where something bounced': (story) => {
        withReplica(story).keeps(undefined, link(account, 'live'));
        story.bounces(placed('Alice', 2));
        story.sends(service, placed('Alice', 3), story.asks(joins(alice)));
      },
    },
    excused: {
      'what bounced is of before they were in touch': (story) => {
        withReplica(story).keeps(undefined, link(account, 'live'));
        const bounced = story.bounces(placed('Alice', 2));
        story.keeps(bounced, link(account, 'syncing'));
        story.sends(service, placed('Alice', 3), story.asks(joins(alice)));
      },
    },
  },
  'D-13': {
    good: (story) => {
      withReplica(story).keepsAt(account, undefined, link(room, 'live'));
      const error = story.reaches(account, failed(room, account, 'service-unavailable'));
      story.keepsAt(account, error, link(room, 'split'));
    },
    bad: {
      'an error that says no': (story) => {
        withReplica(story).keepsAt(account, undefined, link(room, 'live'));
        story.keepsAt(account, story.reaches(account, failed(room, account, 'forbidden')), link(room, 'split'));
      },
    },
  },
  'D-130': {
    good: (story) => {
      refuses(story, tries(withReplica(story), body('hello')));
      story.asks(message(bob.jid, room, { type: 'groupchat', id: 'there' }, body('there')));
    },
    bad: {
      'what never reached the primary is not answered': (story) => tries(withReplica(story), body('hello')),
      'it is answered under another id': (story) => {
        tries(withReplica(story), body('hello'));
        refuses(story, message(bob.jid, room, { type: 'groupchat', id: 'another' }));
      },
      'words to the room, though the clock of their replica was set forward': (story) => {
        tries(withReplica(story), body('hello'));
        story.setsForward(account, 3_600_000);
      },
      'a request of after that': (story) => {
        runsLong(story).setsForward(account, 3_600_000);
        requests(story);
      },
      'a request, though their replica was frozen': (story) => {
        requests(runsLong(story));
        story.fault({ kind: 'freeze', node: account, forMs: 3_600_000 });
      },
    },
    excused: {
      'their replica crashed': (story) => {
        tries(withReplica(story), body('hello'));
        story.fault({ kind: 'crash', node: account, forMs: 1 });
      },
      'a request, where the clock of their replica was set forward since': (story) => {
        requests(runsLong(story));
        story.setsForward(account, 3_600_000);
      },
      'their client is another': (story) => {
        tries(withReplica(story), body('hello'));
        story.session(bob, false);
      },
      'nobody would miss it': (story) => tries(withReplica(story), composing),
    },
  },
  'D-133': {
    good: (story) => refuses(story, tries(withReplica(story), body('hello'))),
    bad: {
      'an error for a chat state': (story) => refuses(story, tries(withReplica(story), composing)),
    },
    excused: {
      'it is the primary’s own': (story) => {
        const said = tries(withReplica(story), composing);
        story.tells(errorReply(said, { type: 'auth', condition: 'forbidden' }) as Stanza);
      },
    },
  },
};

const composing = el('composing', 'http://jabber.org/protocol/chatstates');
/** Bob says something to all, and it gets as far as the replica. */
function tries(story: Story, ...payloads: readonly XmlElement[]): Stanza {
  const said = message(bob.jid, room, { type: 'groupchat', id: 'm1' }, ...payloads);
  story.gets(account, said, story.sends(bob.jid, said));
  return said;
}
/** The primary has run for so long that it knows all that it had. */
const runsLong = (story: Story) => withReplica(story).session(bob, true).later(60_000);
/** Bob asks for something, and it gets as far as the replica. */
function requests(story: Story): void {
  const asked = iq(bob.jid, room, { type: 'set', id: 'i1' }, el('query', NS.mucAdmin));
  story.gets(account, asked, story.sends(bob.jid, asked));
}
function refuses(story: Story, said: Stanza): void {
  const error = errorReply(said, { type: 'wait', condition: 'remote-server-timeout' }) as Stanza;
  story.gets(bob.jid, error, story.sends(account, error));
}

const beyond = jid('hall@rooms.s1.sim');

/** A room that lets another node's in. */
function federated(story: Story): Story {
  story.mode = '0289pp';
  story.config = { ...story.config, distribution: { kind: 'fmuc', outbound: [], allowedNodes: [beyond] } };
  const joining = {
    ...plainRoomConfig(beyond),
    distribution: { kind: 'fmuc', outbound: [room], allowedNodes: [] },
  } as const;
  story.others.push({ config: { ...(secondNode() as object), rooms: [joining] } as unknown as NodeConfig, events: [] });
  return story;
}
/** A third node has joined it, too. */
function withThird(story: Story): Story {
  const joining = {
    ...plainRoomConfig(third),
    distribution: { kind: 'fmuc', outbound: [room], allowedNodes: [] },
  } as const;
  federated(story).others.push({
    config: { ...(secondNode() as object), address: domainOf(third), rooms: [joining] } as unknown as NodeConfig,
    events: [],
  });
  return story;
}
const inbound = (peer: Jid) =>
  ({
    kind: 'peerChanged',
    peer,
    record: { kind: 'fmuc', state: 'live', since: 0 as Instant, direction: 'inbound' },
  }) as const;
const third = jid('hall@rooms.s2.sim');
const privately = (text: string) => message(at('Alice'), bob.jid, { type: 'chat' }, body(text));
const state = message(
  at('Alice'),
  bob.jid,
  { type: 'groupchat', id: 'c1' },
  el('composing', 'http://jabber.org/protocol/chatstates'),
);
const lost = (nick: string) => shows(nick, bob, { type: 'unavailable', role: 'none', statuses: [333] });
const across = (text: string) => message(at('Alice'), occupantJid(beyond, 'Alice'), { type: 'groupchat' }, body(text));

/** Something of the other node's with its place on the link. */
const overLink = (n: number) =>
  message(
    occupantJid(beyond, 'Carol'),
    room,
    { type: 'groupchat', id: `l${n}` },
    body('#9:1'),
    el('fmuc', NS.fmuc, { from: 'carol@beyond.lit/x' }, writeLinkPlace({ session: 'link', n })),
  );

/** Something of the third node's, from one room to another, by these. */
const byThird = (from: Jid, to: Jid, via: readonly Jid[], id?: string) =>
  presence(
    occupantJid(from, 'Dave'),
    occupantJid(to, 'Dave'),
    {},
    el('fmuc', NS.fmuc, { from: 'u20@s2.sim/r' }, ...writeTrail({ by: third, id, via }, from)),
  );

/** The other node brings somebody in. */
const brings = (story: Story, more: Partial<Occupant>) =>
  federated(story).keeps(undefined, {
    kind: 'occupantEntered',
    occupant: occupant(bob, { affiliation: 'none', role: 'participant', home: beyond, ...more }),
  });

/** The other node is hostile, and has this one leave a third, while Alice has her last word. */
const leavesThird = (story: Story, historyMax: number) => {
  both(federated(story)).hostile = domainOf(beyond);
  story.config = { ...story.config, historyMax };
  story.phase('words').keeps(undefined, { kind: 'peerChanged', peer: third, record: undefined });
  story.speaks(alice, lastWord(2), alice);
};

/** The other node is hostile, and tells of what Trudy is to have said, whose node is a third one. */
const tellsOfPast = (story: Story, text = 'never said') => {
  federated(story).hostile = domainOf(beyond);
  const item = { by: third, id: `id of ${text}`, nick: 'Trudy', occupantId: 'o', at: 0 as Instant, via: beyond };
  story.keeps(undefined, {
    kind: 'messageAccepted',
    item: { ...item, author: jid('u21@s2.sim/r'), payloads: [body(text)] },
  });
  return story;
};

/** Alice has two sessions, and the other node knows her so. */
const knows = (story: Story, there: Occupant): Story => {
  several(federated(story)).others[0] = {
    ...(story.others[0] as Other),
    events: [{ room: beyond, kind: 'occupantEntered', occupant: there }],
  };
  return story;
};

const id = (text: string) => el('occupant-id', NS.occupantId, { id: text });
const later = (text: string, ...more: readonly XmlElement[]) => says('Alice', bob, text, delay, ...more);

/** Of XEP-0289's own, primary-primary. */
const joined: typeof cases = {
  'F-a': {
    good: (story) => both(federated(story)).notes(service).tells(privately('private 1')),
    bad: {
      'a link is given up though nothing failed': (story) => federated(story).notes(service, 'bounce'),
      'a private message comes twice': (story) =>
        both(federated(story)).tells(privately('private 1')).tells(privately('private 1')),
      'a chat state comes twice': (story) => both(federated(story)).tells(state).tells(state),
    },
    excused: {
      'a link that is given up after a cut': (story) =>
        federated(story).fault({ kind: 'link' }).notes(service, 'bounce'),
    },
  },
  'F-c': {
    good: (story) => story.sends(service, across('#0:1'), both(federated(story)).accepts(alice, '#0:1')),
    bad: {
      'it goes back where it came from': (story) => {
        const from = message(occupantJid(beyond, 'Carol'), room, { type: 'groupchat' }, body('#9:1'));
        federated(story).sends(service, across('#9:1'), story.gets(service, from, story.sends(beyond, from)));
      },
    },
  },
  'F-l': {
    good: (story) => story.sends(service, across('#0:1'), both(federated(story)).accepts(alice, '#0:1')),
    bad: {
      'it goes there twice': (story) => {
        const said = both(federated(story)).accepts(alice, '#0:1');
        story.sends(service, across('#0:1'), said);
        story.sends(service, across('#0:1'), said);
      },
    },
    excused: {
      'it goes there again as history': (story) => {
        const said = both(federated(story)).accepts(alice, '#0:1');
        story.sends(service, across('#0:1'), said);
        story.sends(service, withMore(across('#0:1'), delay), said);
      },
    },
  },
  'F-u': {
    good: (story) => {
      federated(story).gets(service, overLink(2));
      story.notes(service, undefined, story.gets(service, overLink(2)));
      story.later(10_000).notes(service, undefined, story.gets(service, overLink(3)));
    },
    bad: {
      'a repetition is taken without a word': (story) => {
        federated(story).gets(service, overLink(2));
        story.gets(service, overLink(2));
        story.notes(service, undefined, story.gets(service, overLink(3)));
        story.later(10_000).notes(service, undefined, story.gets(service, overLink(4)));
      },
    },
    excused: {
      'it says so a little later, because it was frozen': (story) => {
        federated(story).gets(service, overLink(2));
        const again = story.gets(service, overLink(2));
        story.later(10_000).notes(service, undefined, story.gets(service, overLink(3)));
        story.notes(service, undefined, again);
      },
      'the node crashes before it has looked at it': (story) => {
        federated(story).gets(service, overLink(2));
        story.gets(service, overLink(2));
        story.fault({ kind: 'crash', node: service, forMs: 1000 });
        story.later(10_000).notes(service, undefined, story.gets(service, overLink(3)));
      },
    },
  },
  'F-v': {
    good: (story) => {
      const led = withThird(story).gets(service, byThird(third, room, [], 'c1'));
      story.sends(service, byThird(room, beyond, [], 'c1'), led);
    },
    bad: {
      'a node is missing on the way': (story) => {
        const led = federated(story).gets(service, byThird(beyond, room, [], 'c1'));
        story.sends(service, byThird(room, beyond, [], 'c1'), led);
      },
      'it goes to a node that has had it': (story) => {
        const led = federated(story).gets(service, byThird(beyond, room, [], 'c1'));
        story.sends(service, byThird(room, beyond, [beyond], 'c1'), led);
      },
    },
    excused: {
      'it tells of the past, of which it kept the peer alone': (story) => {
        const led = withThird(story).gets(service, byThird(third, room, [], 'c1'));
        story.sends(service, byThird(room, beyond, [], 'c1'), led);
        const fmuc = el('fmuc', NS.fmuc, {}, ...writeTrail({ by: beyond, via: [third], past: true }, room));
        story.sends(service, message(at('Dave'), third, { type: 'groupchat' }, body('#9:1'), fmuc), led);
      },
      'it says that it is no way to somebody, which is its own word': (story) => {
        const led = withThird(story).gets(service, byThird(third, room, [], 'c1'));
        const trail = writeTrail({ by: third, id: 'c2', via: [beyond] }, room);
        const fmuc = el('fmuc', NS.fmuc, {}, writeElsewhere('now'), ...trail);
        const theirs = occupantJid(beyond, 'Dave');
        story.sends(service, byThird(room, beyond, [], 'c1'), led);
        story.sends(service, presence(occupantJid(room, 'Dave'), theirs, { type: 'unavailable' }, fmuc), led);
      },
      'it says in the answer to a join who is there': (story) => {
        const led = federated(story).gets(service, byThird(beyond, room, [], 'c1'));
        story.sends(service, byThird(room, beyond, [beyond]), led);
      },
    },
  },
  'F-m': {
    good: (story) => federated(story).keeps(undefined, inbound(beyond)),
    bad: {
      'each has let the other join': (story) => {
        federated(story).keeps(undefined, inbound(beyond));
        story.keepsAt(domainOf(beyond), undefined, inbound(room));
        story.later(10_000).keeps(undefined, { kind: 'occupantLeft', nick: 'nobody' });
      },
    },
    excused: {
      'one of them sees it at once': (story) => {
        federated(story).keeps(undefined, inbound(beyond));
        story.keepsAt(domainOf(beyond), undefined, inbound(room));
        story.keeps(undefined, { kind: 'peerChanged', peer: beyond, record: undefined });
        story.later(10_000).keeps(undefined, { kind: 'occupantLeft', nick: 'nobody' });
      },
    },
  },
  'F-r': {
    good: (story) => both(federated(story)).tells(shows('Carol', bob)),
    bad: {
      'somebody gets lost though nothing failed': (story) => both(federated(story)).tells(lost('Carol')),
    },
    excused: {
      'somebody gets lost after a cut': (story) => both(federated(story)).fault({ kind: 'link' }).tells(lost('Carol')),
    },
  },
  'F-d': {
    good: (story) => both(federated(story)).speaks(alice, 1, alice, bob),
    bad: {
      'one’s own users hear it only when another node says so': (story) => {
        both(federated(story)).accepts(alice, '#0:1');
        const echo = message(occupantJid(beyond, 'Alice'), room, { type: 'groupchat' }, body('#0:1'));
        story.tells(says('Alice', bob, '#0:1'), story.gets(service, echo, story.sends(beyond, echo)));
      },
    },
  },
  'F-g': {
    good: federated,
    bad: {
      'a node without users of its own keeps those of another': (story) => {
        const [other] = federated(story).others;
        const there = { ...occupant(alice), home: room };
        story.others[0] = { ...other, events: [{ room: beyond, kind: 'occupantEntered', occupant: there }] } as Other;
      },
    },
  },
  'F-o': {
    good: (story) =>
      both(federated(story))
        .tells(says('Alice', bob, '#0:1', id('a')))
        .tells(later('#0:2', id('a'))),
    bad: {
      'another id in the history': (story) =>
        both(federated(story))
          .tells(says('Alice', bob, '#0:1', id('a')))
          .tells(later('#0:2', id('b'))),
      'no id': (story) => both(federated(story)).tells(says('Alice', bob, '#0:1')),
    },
    excused: {
      'a node that has lost its log': (story) =>
        both(federated(story))
          .tells(says('Alice', bob, '#0:1', id('a')))
          .forgets(service)
          .tells(later('#0:2', id('b'))),
    },
  },
  'F-p': {
    good: (story) => knows(story, occupant(alice, { home: room })),
    bad: {
      'another node knows two JIDs': (story) =>
        knows(story, occupant(alice, { home: room, sessions: [{ jid: phone.jid, home: room, presence: [] }] })),
      'it knows the one that came later': (story) => knows(story, occupant(phone, { home: room })),
    },
  },
  'F-t': {
    good: (story) => brings(story, {}),
    bad: {
      'somebody of this node’s own': (story) => brings(story, { jid: alice.jid }),
      'a rank that nobody here gave': (story) => brings(story, { affiliation: 'owner' }),
      'a role that nobody here gave': (story) => brings(story, { role: 'moderator' }),
      'a delay that may hold an address': (story) => brings(story, { presence: [el('delay', NS.delay)] }),
      'a word with addresses': (story) => {
        const item = { by: beyond, id: 'x', nick: 'Bob', occupantId: 'o', at: 0 as Instant, via: beyond };
        const payloads = [el('addresses', 'http://jabber.org/protocol/address')];
        federated(story).keeps(undefined, { kind: 'messageAccepted', item: { ...item, payloads } });
      },
      'it kicks a user of this node': (story) => {
        both(federated(story));
        const notice = presence(occupantJid(beyond, 'Alice'), at('Alice'), { type: 'unavailable' });
        const cause = story.gets(service, notice, story.sends(beyond, notice));
        story.keeps(cause, { kind: 'occupantLeft', nick: 'Alice', leaving: { statuses: [307] } });
      },
      'it tells of a user whose own node is linked': (story) => {
        story.keeps(undefined, inbound(third));
        tellsOfPast(story);
      },
      'it tells of a user whose node is reached by another way': (story) => {
        story.keeps(undefined, {
          kind: 'occupantEntered',
          occupant: occupant(trudy, { affiliation: 'none', role: 'participant', home: third }),
        });
        tellsOfPast(story);
      },
    },
    excused: {
      'it tells of a user of whom nobody knows better': (story) => tellsOfPast(story),
    },
  },
  'F-h': {
    good: (story) => {
      federated(story).keeps(undefined, link(beyond, 'live'));
      story.keeps(story.asks(failed(beyond, service, 'not-acceptable')), link(beyond, 'split'));
    },
    bad: {
      'an error that says no': (story) => {
        federated(story).keeps(undefined, link(beyond, 'live'));
        story.keeps(story.asks(failed(beyond, service, 'forbidden')), link(beyond, 'split'));
      },
    },
  },
};
type Other = Story['others'][number];

const primaryNode = jid('rooms.s1.sim');

/** The room is a replica of another node's. Alice and Bob are in, and the primary knows them. */
function replica(story: Story): Story {
  const mode = 'primary-replica';
  story.mode = '0289pr';
  story.config = { ...story.config, distribution: { kind: 'fmuc', outbound: [beyond], allowedNodes: [], mode } };
  const primary = {
    ...plainRoomConfig(beyond),
    distribution: { kind: 'fmuc', outbound: [], allowedNodes: [room], mode },
  } as const;
  story.others.push({ config: { ...(secondNode() as object), rooms: [primary] } as unknown as NodeConfig, events: [] });
  for (const who of [alice, bob])
    story.keepsAt(primaryNode, undefined, { kind: 'occupantEntered', occupant: occupant(who, { home: room }) });
  return both(story);
}
/** The primary accepts it. */
const decides = (story: Story, who: Person, text: string): Story => {
  const item = { by: room, id: text, nick: who.nick, occupantId: '', at: instant(0), payloads: [body(text)] };
  story.keepsAt(primaryNode, undefined, { kind: 'messageAccepted', item });
  return story;
};
const asked = (who: Person, text: string) =>
  message(who.jid, room, { type: 'groupchat', id: `id of ${text}` }, body(text));
const timedOut = (said: Stanza) => errorReply(said, { type: 'wait', condition: 'remote-server-timeout' }) as Stanza;
/** The place of a stanza on a link. */
const on = (session: string) => el('fmuc', NS.fmuc, {}, writeLinkPlace({ session, n: 1 }));
/** Alice says it, and the replica passes it on. */
const passesOn = (story: Story, text: string, cause?: number): number =>
  story.sends(service, withMore(across(text), on('first')), cause ?? story.asks(asked(alice, text)));
/** It comes back. */
const comesBack = (story: Story, text: string): number => {
  const echo = message(occupantJid(beyond, 'Alice'), room, { type: 'groupchat' }, body(text), on('first'));
  return story.gets(service, echo, story.sends(primaryNode, echo));
};
const keepsWord = (story: Story, text: string, cause: number): number => {
  const item = { by: room, id: text, nick: 'Alice', occupantId: '', at: instant(0), payloads: [body(text)] };
  return story.keeps(cause, { kind: 'messageAccepted', item });
};
const outcome = presence(
  at('Alice'),
  alice.jid,
  { type: 'error' },
  el('error', NS.client, { type: 'cancel' }, el('conflict', NS.stanzas)),
);

/** Of XEP-0289's own, primary-replica. */
const mirrored: typeof cases = {
  'R-a': {
    good: (story) => {
      decides(decides(replica(story), alice, '#0:1'), bob, '#1:1');
      story.tells(says('Alice', bob, '#0:1')).tells(says('Bob', bob, '#1:1'));
    },
    bad: {
      'they are read in another order than they were accepted in': (story) => {
        decides(decides(replica(story), alice, '#0:1'), bob, '#1:1');
        story.tells(says('Bob', bob, '#1:1')).tells(says('Alice', bob, '#0:1'));
      },
    },
  },
  'R-b': {
    good: (story) => decides(replica(story), alice, '#0:1').tells(says('Alice', bob, '#0:1')),
    bad: {
      'it is shown before the primary has it': (story) =>
        decides(replica(story).tells(says('Alice', bob, '#0:1')), alice, '#0:1'),
      'somebody is in whom the primary does not know': (story) => replica(story).enters(mallory),
    },
  },
  'R-c': {
    good: (story) => {
      replica(story).asks(asked(alice, '#0:1'));
      story.tells(says('Alice', alice, '#0:1'));
      const said = asked(alice, '#0:2');
      story.tells(timedOut(said), story.asks(said));
    },
    bad: {
      'nobody tells its author anything': (story) => replica(story).asks(asked(alice, '#0:1')),
      'it was refused, and is shown': (story) => {
        const said = asked(alice, '#0:1');
        replica(story).tells(timedOut(said), story.asks(said));
        story.tells(says('Alice', bob, '#0:1'));
      },
      'they have another nick since': (story) => {
        replica(story).asks(asked(alice, '#0:1'));
        story.tells(shows('Alice', alice, { type: 'unavailable', statuses: [110, 303] }));
      },
    },
    excused: {
      'they were taken out meanwhile': (story) => {
        replica(story).asks(asked(alice, '#0:1'));
        story.tells(shows('Alice', alice, { type: 'unavailable', statuses: [110, 301] }));
      },
      'their client is gone': (story) => {
        replica(story).asks(asked(alice, '#0:1'));
        story.session(alice, false);
      },
      'their node has crashed': (story) => {
        replica(story).asks(asked(alice, '#0:1'));
        story.fault({ kind: 'crash', node: service, forMs: 1 });
      },
    },
  },
  'R-d': {
    good: (story) => {
      passesOn(replica(story), '#0:1');
      keepsWord(story, '#0:1', comesBack(story, '#0:1'));
    },
    bad: {
      'what comes back counts for nothing': (story) => {
        passesOn(replica(story), '#0:1');
        comesBack(story, '#0:1');
      },
      'the link was made just before': (story) => {
        passesOn(replica(story), '#0:1', story.keeps(story.asks(asked(alice, '#0:1')), link(beyond, 'live')));
        comesBack(story, '#0:1');
      },
      'the link ended later': (story) => {
        passesOn(replica(story), '#0:1');
        comesBack(story, '#0:1');
        story.keeps(story.asks(asked(alice, '#0:2')), link(beyond, 'split'));
      },
      'its clock was set forward by less than it waits, or before': (story) => {
        replica(story).later(1).setsForward(service, 7_200_000).later(1);
        passesOn(story, '#0:1');
        comesBack(story.later(1).setsForward(service, 60_000), '#0:1');
      },
    },
    excused: {
      'its clock was set forward by hours meanwhile': (story) => {
        passesOn(replica(story), '#0:1');
        comesBack(story.later(1).setsForward(service, 7_200_000), '#0:1');
      },
      'the node slept, and crashed before it looked': (story) => {
        passesOn(replica(story), '#0:1');
        comesBack(story, '#0:1');
        story.fault({ kind: 'crash', node: service, forMs: 1 });
      },
      'the link has ended since': (story) => {
        passesOn(replica(story), '#0:1');
        story.keeps(undefined, link(beyond, 'split'));
        comesBack(story, '#0:1');
      },
      'the node slept, and gave up the link before what it says over it left': (story) => {
        passesOn(replica(story), '#0:0');
        passesOn(story, '#0:1', story.keeps(story.asks(asked(alice, '#0:1')), link(beyond, 'split')));
        comesBack(story, '#0:1');
      },
      'it came right behind what ended the link': (story) => {
        passesOn(replica(story), '#0:1');
        const last = story.reaches(service, message(beyond, room, { type: 'groupchat' }, on('first')));
        comesBack(story, '#0:1');
        story.keeps(last, link(beyond, 'split'));
      },
    },
  },
  'R-e': {
    good: (story) => {
      replica(story);
      for (let n = 0; n < 50; n++) passesOn(story, `#0:${n}`);
    },
    bad: {
      'one more waits than may': (story) => {
        replica(story);
        for (let n = 0; n < 51; n++) passesOn(story, `#0:${n}`);
      },
    },
    excused: {
      'they had left by then, and the node slept': (story) => {
        replica(story).asks(presence(alice.jid, at('Alice'), { type: 'unavailable' }));
        for (let n = 0; n <= 50; n++) passesOn(story, `#0:${n}`);
      },
      'one of them was answered before': (story) => {
        replica(story);
        for (let n = 0; n < 50; n++) passesOn(story, `#0:${n}`);
        story.tells(timedOut(asked(alice, '#0:0')));
        passesOn(story, '#0:50');
      },
    },
  },
  'R-f': {
    good: (story) => {
      replica(story).asks(presence(bob.jid, at('Alice'), {}));
      story.tells(outcome);
    },
    bad: {
      'a user loses their nick to themselves': (story) => replica(story).tells(outcome),
    },
  },
};

it('each checker has its cases', () => {
  expect(Object.keys(cases)).toEqual(Object.keys(checkers));
  expect(Object.keys(replicated).sort()).toEqual(Object.keys(primaryReplicaCheckers).sort());
  expect(Object.keys(joined).sort()).toEqual(Object.keys(fmucCheckers).sort());
  const { 'F-c': _, 'F-d': __, 'F-l': ___, 'F-v': ____, ...common } = joined;
  expect(Object.keys({ ...common, ...mirrored }).sort()).toEqual(Object.keys(fmucReplicaCheckers).sort());
});

describe.each(Object.entries({ ...cases, ...replicated, ...joined, ...mirrored }))(
  '%s',
  (name, { good, bad, excused = {} }) => {
    const judge = (tell: (story: Story) => unknown) => {
      const story = new Story();
      tell(story);
      return story.judge(name);
    };

    it('has something to look at where all is well, and accepts it', () => {
      const { violations, exercised } = judge(good);
      expect(violations).toEqual([]);
      expect(exercised).toBeGreaterThan(0);
    });

    it.each(Object.entries(bad))('finds: %s', (_what, tell) => {
      const { violations } = judge(tell);
      expect(violations.map(({ invariant }) => invariant)).toEqual([name === 'D-c/f' ? 'D-f' : name]);
    });

    for (const [what, tell] of Object.entries(excused))
      it(`excuses: ${what}`, () => {
        expect(judge(tell).violations).toEqual([]);
      });
  },
);
