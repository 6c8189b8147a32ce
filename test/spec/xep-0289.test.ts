import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../src/core/distribution/keepalive.ts';
import { readMucUser, subjectChange, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { readOccupantId } from '../../src/core/xep/xep0421.ts';
import { bareOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, message, payloadOf, presence, type Stanza, stanzaText } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const alice = 'alice@wonderland.lit/priam-ubuntu-vm';
const hatter = 'hatter@wonderland.lit/priam-ubuntu-vm';
const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';
const ophelia = 'ophelia@denmark.lit/priam-ubuntu-vm';

const fmucAt = (stanza: Stanza) => readFmuc(stanza.payloads);
const itemAt = (stanza: Stanza) => readMucUser(stanza.payloads);
const shown = (stanza: Stanza) =>
  stanza.name === 'presence'
    ? `${stanza.type ?? 'available'} ${stanza.from.split('/')[1]}${itemAt(stanza)?.statuses.includes(110) ? ' (self)' : ''}`
    : (bodyOf(stanza) ?? `subject: ${subjectChange(stanza)}`);

/** Alice is in rabbithole; hamlet has joined elsinore, unless told otherwise. */
function federated(...also: ('hamlet' | 'hatter' | 'ophelia')[]): World {
  const world = new World(wonderland);
  world.send(joins(alice, `${rabbithole}/Alice`));
  if (also.includes('hamlet')) world.send(joins(hamlet, `${elsinore}/Hamlet`));
  if (also.includes('hatter')) world.send(joins(hatter, `${rabbithole}/Hatter`));
  if (also.includes('ophelia')) world.send(joins(ophelia, `${elsinore}/Ophelia`));
  world.clear();
  return world;
}

const nicks = (world: World, node: Jid) => world.status(node).occupants.map(({ nick }) => nick);

describe('XEP-0289 §5.1 Initial Federation', () => {
  it('needs no bandwidth before a user of the joining node comes (§1)', () => {
    const world = new World(wonderland);
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.send(says(alice, rabbithole, 'alone'));
    world.send(joins(hatter, `${rabbithole}/Hatter`));
    world.advance(600_000);
    expect(world.crossed()).toEqual([]);
  });

  it('Examples 1 and 2: the first user’s join is carried to the other node, with fmuc, muc and muc#user', () => {
    const world = federated();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const request = world.crossed()[0]?.stanza as Stanza;
    expect([request.from, request.to, fmucAt(request)]).toEqual([
      `${elsinore}/Hamlet`,
      `${rabbithole}/Hamlet`,
      { kind: 'from', from: hamlet },
    ]);
    // "The joining node may add an element … limiting the amount of history": to what it keeps (decision #181).
    expect(payloadOf(request, 'x', NS.muc)).toEqual(writeJoin({ history: { maxstanzas: 200 } }));
    expect(itemAt(request)).toEqual({ affiliation: 'none', role: 'participant', jid: hamlet, statuses: [] });
  });

  it('Example 3: a node that is not on the list is rejected, bare to bare, and learns nothing', () => {
    const world = federated();
    const before = world.status(rooms);
    const join = presence(
      jid('room@chat.evil.lit/Hamlet'),
      jid(`${rabbithole}/Hamlet`),
      {},
      writeFmuc({ kind: 'from', from: jid('hamlet@evil.lit/p') }),
      writeJoin({}),
      writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] }),
    );
    world.inject(rooms, 'chat.evil.lit', join);
    expect(world.sent.map(({ stanza }) => [stanza.from, stanza.to, fmucAt(stanza)?.kind])).toEqual([
      [rabbithole, 'room@chat.evil.lit', 'reject'],
    ]);
    expect(world.status(rooms)).toEqual(before);
  });

  it('Example 3, decision #21: rejected, the user enters the room as it is; nobody is asked again while it is in use', () => {
    const refusing = structuredClone(wonderland) as unknown as {
      nodes: { rooms: { distribution: { allowedNodes?: string[] } }[] }[];
    };
    for (const node of refusing.nodes)
      for (const each of node.rooms) if (each.distribution.allowedNodes) each.distribution.allowedNodes = [];
    const world = new World(refusing as unknown as Scenario);
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(world.got(hamlet).map(shown)).toEqual([
      'available Hamlet (self)',
      'subject: ',
      `This room is not linked with ${rabbithole}: This room does not federate with yours.`,
    ]);
    expect(world.got(alice)).toEqual([]);
    world.clear();
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    world.send(says(hamlet, elsinore, 'alone here'));
    expect(world.crossed()).toEqual([]);
  });

  it('a reject or left from anybody but the joined room’s bare address changes nothing', () => {
    const world = federated('hamlet');
    const before = world.status(denmark);
    world.inject(
      denmark,
      'chat.evil.lit',
      presence(jid('room@chat.evil.lit'), elsinore, {}, writeFmuc({ kind: 'left' })),
    );
    world.inject(
      denmark,
      rooms,
      presence(jid(`${rabbithole}/Alice`), elsinore, {}, writeFmuc({ kind: 'reject', text: 'go' })),
    );
    expect(world.status(denmark)).toEqual(before);
  });

  it('Example 4: answers with the occupants (the joiner too), the history with delay, then the subject', () => {
    const world = federated();
    world.send(says(alice, rabbithole, 'This is an old message from the history'));
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const answer = world
      .crossed()
      .slice(1)
      .map(({ stanza }) => stanza);
    expect(answer.map(shown)).toEqual([
      'available Alice',
      'available Hamlet',
      'This is an old message from the history',
      'subject: This is the subject',
    ]);
    expect(answer.map((stanza) => stanza.to)).toEqual(answer.map(() => elsinore));
    expect(fmucAt(answer[2] as Stanza)).toEqual({ kind: 'from', from: alice });
    // errata: the listing's <x xmlns='urn:xmpp:delay'/> is no XEP-0203 delay; we write one
    expect(payloadOf(answer[2] as Stanza, 'delay', NS.delay)?.attrs['from']).toBe(rabbithole);
  });

  it('Example 4, errata: the malformed delay of the listing is understood', () => {
    const world = federated();
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.inject(
      denmark,
      rooms,
      presence(
        jid(`${rabbithole}/Alice`),
        elsinore,
        {},
        writeFmuc({ kind: 'from', from: jid(alice) }),
        writeMucUser({ affiliation: 'owner', role: 'moderator', statuses: [] }),
      ),
    );
    const old = el('x', NS.delay, { from: rabbithole, stamp: '19900419T16:00:44' });
    world.inject(
      denmark,
      rooms,
      message(
        jid(`${rabbithole}/Alice`),
        elsinore,
        { type: 'groupchat' },
        writeFmuc({ kind: 'from', from: jid(alice) }),
        el('body', NS.client, {}, 'old'),
        old,
      ),
    );
    world.inject(denmark, rooms, message(rabbithole, elsinore, { type: 'groupchat' }, el('subject', NS.client)));
    expect(world.got(hamlet).map(shown)).toEqual(['available Alice', 'available Hamlet (self)', 'old', 'subject: ']);
    const history = world.seat(denmark).node.snapshot().rooms[0]?.history;
    expect(history?.map(({ at }) => at)).toEqual([Date.UTC(1990, 3, 19, 16, 0, 44)]);
  });

  it('Example 5: the user gets others, self, history, subject of the joined room, and no fmuc', () => {
    const world = federated();
    world.send(says(alice, rabbithole, 'old'));
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const got = world.got(hamlet);
    expect(got.map(shown)).toEqual([
      'available Alice',
      'available Hamlet (self)',
      'old',
      'subject: This is the subject',
    ]);
    expect(got.map((stanza) => stanza.from.split('/')[0])).toEqual(got.map(() => elsinore));
    expect(itemAt(got[0] as Stanza)).toMatchObject({ affiliation: 'owner', role: 'moderator', jid: alice });
    expect(got.map(stanzaText).join('')).not.toContain(NS.fmuc);
    expect(world.got(alice).map(shown)).toEqual(['available Hamlet']);
  });

  it('decision #21: without an answer the user enters after 10 s; decision #24: the join is tried again', () => {
    const world = federated();
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(world.got(hamlet)).toEqual([]);
    world.advance(10_000);
    expect(world.got(hamlet).map(shown)).toEqual(['available Hamlet (self)', 'subject: ']);
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.clear();
    world.advance(6_000);
    expect(world.got(hamlet).map(shown)).toContain('available Alice');
    expect(world.got(alice).map(shown)).toEqual(['available Hamlet']);
  });

  it('decision #21: two users who come while the join is under way both wait and both get in', () => {
    const world = federated();
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    world.send(joins('laertes@denmark.lit/x', `${elsinore}/Ophelia`));
    expect(world.got('laertes@denmark.lit/x').map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    expect(world.got(hamlet).map(shown)).toEqual(['unavailable Hamlet (self)']);
    world.advance(10_000);
    expect(nicks(world, denmark)).toEqual(['Ophelia']);
  });

  it('decision #133: while they wait, what nobody would miss is dropped, and their words are refused', () => {
    const world = federated();
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    const composing = el('composing', 'http://jabber.org/protocol/chatstates');
    world.send(message(jid(hamlet), elsinore, { type: 'groupchat', id: 'c' }, composing));
    expect(world.got(hamlet)).toEqual([]);
    world.send(says(hamlet, elsinore, 'hello'));
    expect(world.got(hamlet).map((stanza) => errorOf(stanza)?.condition)).toEqual(['not-acceptable']);
  });

  it('decision #21: nobody else hears of a user who changes their mind while they wait', () => {
    const world = federated();
    const owner = bareOf(jid(hamlet));
    world.seat(denmark).node.apply({ kind: 'affiliationChanged', room: elsinore, user: owner, affiliation: 'owner' });
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    // Alone, and then it asks again.
    world.advance(10_000);
    world.advance(1.2 * backoffMs(0));
    world.clear();
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    expect(world.got(ophelia)).toEqual([]);
    world.send(leaves(ophelia, `${elsinore}/Ophelia`));
    expect(world.got(ophelia).map(shown)).toEqual(['unavailable Ophelia (self)']);
    expect(world.got(hamlet)).toEqual([]);
  });

  it('decision #21, XEP-0421 §3: two sessions of one user who wait under two nicks are one person', () => {
    const world = federated();
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.send(joins(`${bareOf(jid(hamlet))}/laptop`, `${elsinore}/Prince`));
    world.advance(10_000);
    expect(nicks(world, denmark)).toEqual(['Hamlet', 'Prince']);
    world.clear();
    world.send(says(hamlet, elsinore, 'one'), says(`${bareOf(jid(hamlet))}/laptop`, elsinore, 'two'));
    const said = world.got(hamlet).filter(({ name }) => name === 'message');
    expect(said).toHaveLength(2);
    expect(new Set(said.map((stanza) => readOccupantId(stanza.payloads))).size).toBe(1);
  });

  it('decision #21: who is banned while they wait is refused when the wait is over', () => {
    const world = federated();
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    const user = bareOf(jid(ophelia));
    world.seat(denmark).node.apply({ kind: 'affiliationChanged', room: elsinore, user, affiliation: 'outcast' });
    world.advance(10_000);
    expect(nicks(world, denmark)).toEqual(['Hamlet']);
    expect(world.got(ophelia).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
  });

  it('decision #23: a nick that is taken on the joined node is refused there, and the user told', () => {
    const world = federated();
    world.send(joins(hamlet, `${elsinore}/Alice`));
    expect(world.got(hamlet).map((stanza) => errorOf(stanza)?.condition)).toEqual(['conflict']);
    expect(nicks(world, denmark)).toEqual([]);
    expect(nicks(world, rooms)).toEqual(['Alice']);
  });
});

describe('XEP-0421 §3 between FMUC nodes', () => {
  it('who comes by an answer to a join has one id in presence, messages, subject and history, at each visit', () => {
    const world = federated('hatter');
    world.send(says(alice, rabbithole, 'before'), says(hatter, rabbithole, 'and gone'));
    world.send(message(jid(alice), rabbithole, { type: 'groupchat' }, el('subject', NS.client, {}, 'Tea')));
    world.send(leaves(hatter, `${rabbithole}/Hatter`));
    const ids = (nick: string) =>
      new Set(
        world
          .got(hamlet)
          .flatMap((stanza) => (stanza.from === `${elsinore}/${nick}` ? [readOccupantId(stanza.payloads)] : [])),
      );
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.send(says(alice, rabbithole, 'live'));
    world.send(message(jid(alice), rabbithole, { type: 'groupchat' }, el('subject', NS.client, {}, 'More tea')));
    world.send(joins(hatter, `${rabbithole}/Hatter`), says(hatter, rabbithole, 'back'));
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    world.send(leaves(alice, `${rabbithole}/Alice`), joins(alice, `${rabbithole}/Alice`));
    world.send(joins(hamlet, `${elsinore}/Hamlet`), says(alice, rabbithole, 'again'));
    for (const nick of ['Alice', 'Hatter', 'Hamlet']) {
      expect(ids(nick).size).toBe(1);
      expect(ids(nick)).not.toContain('');
    }
    expect(new Set([...ids('Alice'), ...ids('Hatter'), ...ids('Hamlet')]).size).toBe(3);
  });
});

describe('XEP-0045 §8.1 between FMUC nodes', () => {
  it('a subject with a thread, and no body, is a message on every node, live and in the answer to a join', () => {
    const world = federated('hamlet');
    const forged = message(
      jid(hamlet),
      elsinore,
      { type: 'groupchat', id: 'forged' },
      el('subject', NS.client, {}, 'forged'),
      el('thread', NS.client, {}, 't'),
    );
    world.send(forged);
    expect(world.got(alice).map(({ id }) => id)).toEqual(['forged']);
    expect(world.status(rooms)).toMatchObject({ subject: 'This is the subject', historyLength: 1 });
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    world.crash(denmark);
    world.advance(1_000);
    world.boot(denmark);
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(
      world.got(hamlet).map(({ id, payloads }) => [id, payloads.some(({ name }) => name === 'delay')]),
    ).toContainEqual(['forged', true]);
    expect(world.status(denmark)).toMatchObject({ subject: 'This is the subject', historyLength: 1 });
  });
});

describe('XEP-0289 §5.2 Sending messages', () => {
  it('Example 6: Primary-Primary delivers locally at once, sends one copy, and gets no echo', () => {
    const world = federated('hamlet');
    world.send(says(hamlet, elsinore, 'Hi Alice'));
    expect(world.crossed().map(({ stanza }) => [stanza.from, stanza.to, fmucAt(stanza)])).toEqual([
      [`${elsinore}/Hamlet`, rabbithole, { kind: 'from', from: hamlet }],
    ]);
    expect(world.got(hamlet).map((stanza) => [stanza.from, bodyOf(stanza)])).toEqual([
      [`${elsinore}/Hamlet`, 'Hi Alice'],
    ]);
    expect(world.got(alice).map((stanza) => [stanza.from, bodyOf(stanza), fmucAt(stanza)])).toEqual([
      [`${rabbithole}/Hamlet`, 'Hi Alice', undefined],
    ]);
  });

  it('Example 6: local delivery does not wait for the other node', () => {
    const world = federated('hamlet');
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(says(hamlet, elsinore, 'anyone?'));
    expect(world.got(hamlet).map(shown)).toEqual(['anyone?']);
  });

  it('Example 7: the reply; errata: it reaches hamlet from Alice, not from himself', () => {
    const world = federated('hamlet');
    world.send(says(alice, rabbithole, 'Hi Hamlet'));
    expect(world.crossed()).toHaveLength(1);
    expect(world.got(hamlet).map((stanza) => [stanza.from, bodyOf(stanza)])).toEqual([
      [`${elsinore}/Alice`, 'Hi Hamlet'],
    ]);
  });

  it('the subject changes on both nodes', () => {
    const world = federated('hamlet');
    world.send(message(jid(hamlet), elsinore, { type: 'groupchat' }, el('subject', NS.client, {}, 'madness')));
    expect([world.status(denmark).subject, world.status(rooms).subject]).toEqual(['madness', 'madness']);
    expect(world.got(alice).map(shown)).toEqual(['subject: madness']);
  });

  it('decision #27: a message that is here already is dropped', () => {
    const world = federated('hamlet');
    world.send(says(hamlet, elsinore, 'once'));
    const copy = world.crossed()[0]?.stanza as Stanza;
    world.clear();
    world.inject(rooms, denmark, copy);
    expect(world.got(alice)).toEqual([]);
  });

  it('§7: a node speaks only for those it introduced', () => {
    const world = federated('hamlet');
    world.inject(
      rooms,
      denmark,
      message(
        jid(`${elsinore}/Alice`),
        rabbithole,
        { type: 'groupchat' },
        writeFmuc({ kind: 'from', from: jid(alice) }),
        el('body', NS.client, {}, 'forged'),
      ),
    );
    world.inject(
      rooms,
      denmark,
      message(
        jid(`${elsinore}/Yorick`),
        rabbithole,
        { type: 'groupchat' },
        writeFmuc({ kind: 'from', from: jid('yorick@denmark.lit/x') }),
        el('body', NS.client, {}, 'forged'),
      ),
    );
    expect(world.sent).toEqual([]);
  });

  it('a user who writes fmuc into a message is heard without it', () => {
    const world = federated('hamlet');
    world.send(says(hamlet, elsinore, 'x', writeFmuc({ kind: 'from', from: jid(alice) })));
    expect(world.got(hamlet).map((stanza) => [stanza.from, fmucAt(stanza)])).toEqual([
      [`${elsinore}/Hamlet`, undefined],
    ]);
    expect(world.got(alice).map((stanza) => stanza.from)).toEqual([`${rabbithole}/Hamlet`]);
  });
});

describe('XEP-0289 §5.3 Subsequent activity', () => {
  it('Example 8: another user’s join is one presence to the other node, to the subject’s own nick', () => {
    const world = federated('hamlet');
    world.send(joins(hatter, `${rabbithole}/Hatter`));
    expect(world.got(hatter).map(shown)).toEqual([
      'available Alice',
      'available Hamlet',
      'available Hatter (self)',
      'subject: This is the subject',
    ]);
    expect(itemAt(world.got(hatter)[2] as Stanza)?.statuses).toEqual([110, 100]);
    expect(world.crossed().map(({ stanza }) => [stanza.to, fmucAt(stanza)])).toEqual([
      [`${elsinore}/Hatter`, { kind: 'from', from: hatter }],
    ]);
    expect(world.got(hamlet).map(shown)).toEqual(['available Hatter']);
  });

  it('a change of presence and of nick goes the same way', () => {
    const world = federated('hamlet');
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}, el('show', NS.client, {}, 'dnd')));
    expect(world.got(alice).map((stanza) => payloadOf(stanza, 'show', NS.client)?.children)).toEqual([['dnd']]);
    world.send(presence(jid(hamlet), jid(`${elsinore}/Hamlet`), {}));
    world.clear();
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), {}));
    expect(world.got(alice).map((stanza) => [shown(stanza), itemAt(stanza)?.statuses])).toEqual([
      ['unavailable Hamlet', [303]],
      ['available Prince', []],
    ]);
    expect(nicks(world, rooms)).toEqual(['Alice', 'Prince']);
  });

  it('decision #23: a user who comes later under a nick of the other node is told so and taken out again', () => {
    const world = federated('hamlet');
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(joins(ophelia, `${elsinore}/Hatter`));
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.send(joins(hatter, `${rabbithole}/Hatter`));
    expect(world.got(ophelia).some((stanza) => errorOf(stanza)?.condition === 'conflict')).toBe(true);
    expect(shown(world.got(ophelia).at(-1) as Stanza)).toBe('unavailable Hatter (self)');
    for (const node of [denmark, rooms])
      expect(world.status(node).occupants.find(({ nick }) => nick === 'Hatter')?.jid).toBe(hatter);
  });
});

describe('XEP-0289 §5.4 Leaving a room', () => {
  it('Example 9: the leave is one presence to the other node', () => {
    const world = federated('hamlet', 'hatter');
    world.send(leaves(hatter, `${rabbithole}/Hatter`));
    expect(world.got(hatter).map((stanza) => [shown(stanza), itemAt(stanza)?.role])).toEqual([
      ['unavailable Hatter (self)', 'none'],
    ]);
    // errata: the listing addresses it to /Hamlet
    expect(world.crossed().map(({ stanza }) => [stanza.to, stanza.type])).toEqual([
      [`${elsinore}/Hatter`, 'unavailable'],
    ]);
    expect(world.got(hamlet).map(shown)).toEqual(['unavailable Hatter']);
  });

  it('XEP-0045 §7.2.2: the answer to the user who leaves has the id of their request, also where they only waited to enter', () => {
    const exits = (who: string, occupant: string) =>
      presence(jid(who), jid(occupant), { type: 'unavailable', id: 'exit1' });
    const world = federated('hamlet', 'hatter');
    world.send(exits(hatter, `${rabbithole}/Hatter`));
    expect(world.got(hatter).map(({ id, type }) => [id, type])).toEqual([['exit1', 'unavailable']]);
    expect(world.got(hamlet).map(({ id, type }) => [id, type])).toEqual([[undefined, 'unavailable']]);
    expect(world.crossed().map(({ stanza }) => stanza.id)).not.toContain('exit1');
    const waiting = federated();
    waiting.cut('denmark.lit', 'wonderland.lit', 'silent');
    waiting.send(joins(hamlet, `${elsinore}/Hamlet`), exits(hamlet, `${elsinore}/Hamlet`));
    expect(waiting.got(hamlet).map(({ id, type }) => [id, type])).toEqual([['exit1', 'unavailable']]);
  });

  it('Example 10: the last user of the joining node leaves: left comes back, then silence', () => {
    const world = federated('hamlet');
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    expect(world.crossed().map(({ stanza }) => [stanza.from, stanza.to, fmucAt(stanza)?.kind])).toEqual([
      [`${elsinore}/Hamlet`, `${rabbithole}/Hamlet`, 'from'],
      [rabbithole, elsinore, 'left'],
    ]);
    expect(world.got(alice).map(shown)).toEqual(['unavailable Hamlet']);
    expect([nicks(world, denmark), world.status(denmark).peers, world.status(rooms).peers]).toEqual([[], [], []]);
    world.clear();
    world.send(says(alice, rabbithole, 'gone?'));
    world.advance(600_000);
    expect(world.crossed()).toEqual([]);
  });

  it('and may come again', () => {
    const world = federated('hamlet');
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    world.send(says(alice, rabbithole, 'meanwhile'));
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(world.got(hamlet).map(shown)).toEqual([
      'available Alice',
      'available Hamlet (self)',
      'meanwhile',
      'subject: This is the subject',
    ]);
  });
});

describe('XEP-0289 §5.6 Private Messages', () => {
  it('Example 11: to the node of the target only, marked there; at the client without fmuc', () => {
    const world = federated('hamlet', 'hatter');
    world.send(tells(hamlet, `${elsinore}/Alice`, 'Hi, I want to say something in private'));
    expect(world.crossed().map(({ stanza }) => [stanza.to, stanza.type, fmucAt(stanza)])).toEqual([
      [`${rabbithole}/Alice`, 'chat', { kind: 'from', from: hamlet }],
    ]);
    const got = world.got(alice);
    expect(got.map((stanza) => [stanza.from, stanza.type, fmucAt(stanza)])).toEqual([
      [`${rabbithole}/Hamlet`, 'chat', undefined],
    ]);
    // errata: the listing lacks XEP-0045's mark
    expect(payloadOf(got[0] as Stanza, 'x', NS.mucUser)).toBeDefined();
    expect([world.got(hatter), world.status(rooms).historyLength]).toEqual([[], 0]);
  });
});

describe('XEP-0289 what it leaves open', () => {
  it('decision #22: the answer ends with a subject also where none was ever set', () => {
    const silent = structuredClone(wonderland) as unknown as { nodes: { rooms: { subject?: string }[] }[] };
    for (const node of silent.nodes) for (const each of node.rooms) delete each.subject;
    const world = new World(silent as unknown as Scenario);
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(
      world
        .crossed()
        .map(({ stanza }) => shown(stanza))
        .at(-1),
    ).toBe('subject: ');
    expect(world.got(hamlet).map(shown)).toEqual(['available Alice', 'available Hamlet (self)', 'subject: ']);
  });

  it('decision #25: what the other node said before goes into the history by its time, and nothing twice', () => {
    const world = federated('hamlet');
    world.send(says(hamlet, elsinore, 'both know'));
    world.advance(1_000);
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    world.send(says(alice, rabbithole, 'only rabbithole knows'));
    world.advance(1_000);
    world.clear();
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    expect(world.got(ophelia).map(bodyOf).filter(Boolean)).toEqual(['both know', 'only rabbithole knows']);
    expect(world.status(denmark).historyLength).toBe(2);
  });

  it('decision #26: a node that joins again has started anew: whom it does not name is out, with 333', () => {
    const world = federated('hamlet', 'ophelia');
    const join = presence(
      jid(`${elsinore}/Ophelia`),
      jid(`${rabbithole}/Ophelia`),
      {},
      writeFmuc({ kind: 'from', from: jid(ophelia) }),
      writeJoin({}),
      writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] }),
    );
    world.inject(rooms, denmark, join);
    expect(nicks(world, rooms)).toEqual(['Alice', 'Ophelia']);
    expect(world.got(alice).map((stanza) => [shown(stanza), itemAt(stanza)?.statuses])).toEqual([
      ['unavailable Hamlet', [333]],
    ]);
  });
});

describe('XEP-0289 a lost link', () => {
  it('decision #24: a bounce takes the other node’s users out with 333; the rest goes on; the link comes back by itself', () => {
    const world = federated('hamlet');
    world.cut('denmark.lit', 'wonderland.lit', 'bounce');
    world.send(says(hamlet, elsinore, 'cut'));
    expect(world.got(hamlet).map((stanza) => [shown(stanza), itemAt(stanza)?.statuses])).toEqual([
      ['cut', undefined],
      ['unavailable Alice', [333]],
    ]);
    world.clear();
    world.send(says(hamlet, elsinore, 'alone'));
    expect(world.got(hamlet).map(shown)).toEqual(['alone']);
    expect(world.crossed()).toEqual([]);
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.advance(120_000);
    expect(nicks(world, denmark).sort()).toEqual(['Alice', 'Hamlet']);
    expect(nicks(world, rooms).sort()).toEqual(['Alice', 'Hamlet']);
    world.clear();
    world.send(says(alice, rabbithole, 'again'));
    expect(world.got(hamlet).map(shown)).toEqual(['again']);
  });

  it('decision #24: the joined side lost it, the joining side did not notice: the next word mends it', () => {
    const world = federated('hamlet');
    world.cut('denmark.lit', 'wonderland.lit', 'bounce');
    world.send(says(alice, rabbithole, 'cut'));
    expect(nicks(world, rooms)).toEqual(['Alice']);
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.send(says(hamlet, elsinore, 'hello?'));
    expect(nicks(world, rooms).sort()).toEqual(['Alice', 'Hamlet']);
    world.clear();
    world.send(says(alice, rabbithole, 'here'));
    expect(world.got(hamlet).map(shown)).toEqual(['here']);
  });

  it('decision #24: a node that crashed while cut off still tries again', () => {
    const world = federated('hamlet');
    world.cut('denmark.lit', 'wonderland.lit', 'bounce');
    world.send(says(hamlet, elsinore, 'cut'));
    world.boot(denmark, world.crash(denmark));
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.advance(10_000);
    expect(nicks(world, denmark).sort()).toEqual(['Alice', 'Hamlet']);
    expect(nicks(world, rooms).sort()).toEqual(['Alice', 'Hamlet']);
  });

  it('decision #24: a node that leaves waits no longer for the answer where its clock is set back while it restarts', () => {
    const world = federated('hamlet');
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    world.send(leaves(hamlet, `${elsinore}/Hamlet`));
    expect(world.status(denmark).peers).toMatchObject([{ state: 'leaving' }]);
    const log = world.crash(denmark);
    world.setClock(denmark, -7_200_000);
    world.boot(denmark, log);
    world.advance(30_000);
    expect(world.status(denmark).peers).toEqual([]);
  });

  it('both nodes come back from their logs', () => {
    const world = federated('hamlet', 'ophelia');
    world.send(says(hamlet, elsinore, 'before'));
    for (const node of [denmark, rooms]) world.boot(node, world.crash(node));
    world.clear();
    world.send(says(alice, rabbithole, 'after'));
    for (const address of [alice, hamlet, ophelia]) expect(world.got(address).map(shown)).toEqual(['after']);
    expect(world.status(denmark).historyLength).toBe(2);
  });
});
