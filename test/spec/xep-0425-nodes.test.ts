import { describe, expect, it } from 'vitest';
import { type LinkPlace, readLinkPlace, writeLinkPlace } from '../../src/core/xep/fmuc-sync.ts';
import { writeFmuc } from '../../src/core/xep/xep0289.ts';
import { readStanzaId, writeStanzaId } from '../../src/core/xep/xep0359.ts';
import { readOccupantId } from '../../src/core/xep/xep0421.ts';
import { readRetract, retractNs } from '../../src/core/xep/xep0424.ts';
import { moderateNs, writeModeration } from '../../src/core/xep/xep0425.ts';
import { domainOf, type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { childOf, el, elementsOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { seats } from '../support/cast.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, says, World } from '../support/world.ts';

const wicked = 'DM me for free magic potions!';
const messages = (world: World, user: string) => world.got(user).filter(({ name }) => name === 'message');
const isTombstone = (stanza: Stanza | undefined) =>
  stanza !== undefined && payloadOf(stanza, 'retracted', retractNs) !== undefined;
const itemsAt = (world: World, node: Jid) => world.seat(node).node.snapshot().rooms[0]?.history ?? [];
const remembers = (world: World, node: Jid, text: string) =>
  JSON.stringify(world.seat(node).node.snapshot()).includes(text);
const saying = (user: string, room: string, text: string) => ({ ...says(user, room, text), id: 'm1' });
const idOf = (world: World, user: string, room: string, text: string) =>
  readStanzaId(messages(world, user).find((stanza) => bodyOf(stanza) === text)?.payloads ?? [], jid(room))
    ?.id as string;
const moderates = (world: World, user: string, room: string, id: string) => {
  const order = el('moderate', moderateNs, { id }, el('retract', retractNs));
  world.send(iq(jid(user), jid(room), { type: 'set', id: 'r1' }, order));
  return world.got(user).find(({ name }) => name === 'iq') as Stanza;
};

describe('XEP-0425 and a replica that missed it (XEP-0282 §4.11.2)', () => {
  const [avalon, vesa] = ['avalon.irc', 'vesa.yeggmaex.irc'];
  const replica = jid('replica@vesa.yeggmaex.irc');
  const primary = jid('channel.avalon.irc');
  const seated = (...parts: Parameters<(typeof seats)[string]>) =>
    (seats['replica'] as (typeof seats)[string])(...parts);
  const cut = (world: World, how: 'bounce' | 'silent') => {
    world.cut(avalon as string, vesa as string, how);
    world.clear();
  };
  const heal = (world: World) => {
    world.cut(avalon as string, vesa as string, undefined);
    world.advance(200_000);
    expect(world.status(replica).peers[0]?.state).toBe('live');
  };

  it.each(['bounce', 'silent'] as const)(
    'the netjoin brings it, late: those who saw the message hear of it (%s)',
    (how) => {
      const { world, owner, guest, late } = seated();
      world.send(saying(guest.jid, guest.room, wicked));
      const id = idOf(world, guest.jid, guest.room, wicked);
      cut(world, how);
      moderates(world, owner.jid, owner.room, id);
      expect(remembers(world, replica, wicked)).toBe(true);
      world.clear();
      heal(world);
      expect(messages(world, guest.jid).map(({ from, payloads }) => [from, readRetract(payloads)])).toEqual([
        [guest.room, id],
      ]);
      expect(remembers(world, replica, wicked)).toBe(false);
      expect(world.compacted).toContain(replica);
      world.clear();
      world.send(joins(late.jid, `${late.room}/${late.nick}`));
      const [first, second] = messages(world, late.jid);
      expect([isTombstone(first), readRetract(second?.payloads ?? [])]).toEqual([true, id]);
      expect(itemsAt(world, replica)).toMatchObject(
        itemsAt(world, primary).map((item) => ({ id: item.id, payloads: item.payloads })),
      );
    },
  );

  it('what was said and taken back meanwhile never goes over the wire: the replica gets the tombstone', () => {
    const { world, owner, guest } = seated();
    cut(world, 'silent');
    world.send(saying(owner.jid, owner.room, wicked));
    const id = idOf(world, owner.jid, owner.room, wicked);
    moderates(world, owner.jid, owner.room, id);
    world.clear();
    heal(world);
    expect(JSON.stringify(world.sent)).not.toContain(wicked);
    const [first, second, ...more] = messages(world, guest.jid);
    expect([isTombstone(first), readRetract(second?.payloads ?? []), more]).toEqual([true, id, []]);
  });

  it('a replica that is given everything gets the tombstone in the place of the message', () => {
    const { world, owner, guest } = seated();
    world.send(saying(guest.jid, guest.room, wicked));
    const id = idOf(world, guest.jid, guest.room, wicked);
    cut(world, 'silent');
    moderates(world, owner.jid, owner.room, id);
    // It starts again without its log.
    world.crash(replica);
    world.cut(avalon as string, vesa as string, undefined);
    world.boot(replica);
    world.advance(200_000);
    const kept = itemsAt(world, primary).map((item) => ({ id: item.id, payloads: item.payloads }));
    expect(kept).toHaveLength(2);
    expect(itemsAt(world, replica)).toMatchObject(kept);
  });

  it('mode full for a replica that kept its log: those who saw the message hear of it', () => {
    const { world, owner, guest } = seated();
    world.send(saying(guest.jid, guest.room, wicked));
    const id = idOf(world, guest.jid, guest.room, wicked);
    cut(world, 'silent');
    moderates(world, owner.jid, owner.room, id);
    const log = world
      .crash(primary)
      .map((event) =>
        event.kind === 'peerChanged' && event.record
          ? { ...event, record: { ...event.record, session: 'another' } }
          : event,
      );
    world.boot(primary, log);
    world.clear();
    heal(world);
    expect(messages(world, guest.jid).map(({ payloads }) => readRetract(payloads))).toEqual([id]);
    expect(remembers(world, replica, wicked)).toBe(false);
  });

  it('a primary and a replica that start again from their logs have the tombstone', () => {
    const { world, owner, guest } = seated();
    world.send(saying(guest.jid, guest.room, wicked));
    moderates(world, owner.jid, owner.room, idOf(world, guest.jid, guest.room, wicked));
    for (const node of [primary, replica]) {
      const before = itemsAt(world, node);
      world.boot(node, world.crash(node));
      world.advance(200_000);
      expect(itemsAt(world, node)).toEqual(before);
      expect(remembers(world, node, wicked)).toBe(false);
    }
  });

  const sets = (user: string, room: string, text: string) =>
    message(jid(user), jid(room), { type: 'groupchat', id: 's1' }, el('subject', NS.client, {}, text));
  const retracts = (user: string, room: string, id: string) =>
    message(jid(user), jid(room), { type: 'groupchat', id: `t-${id}` }, el('retract', retractNs, { id }));

  it('a subject that was set and taken back meanwhile has ended the one before it there, too', () => {
    const { world, owner, guest, late } = seated();
    world.send(sets(owner.jid, owner.room, 'before'));
    cut(world, 'silent');
    world.send(sets(owner.jid, owner.room, wicked));
    const { id = '' } = itemsAt(world, primary).at(-1) ?? {};
    moderates(world, owner.jid, owner.room, id);
    world.clear();
    heal(world);
    expect(JSON.stringify(world.sent)).not.toContain(wicked);
    world.send(joins(late.jid, `${late.room}/${late.nick}`));
    for (const user of [guest.jid, late.jid]) {
      const subjects = messages(world, user).flatMap((stanza) => payloadOf(stanza, 'subject', NS.client) ?? []);
      expect([user, subjects.map(({ children }) => children)]).toEqual([user, [[]]]);
    }
  });

  it('decision #112: a retraction that was taken back itself goes on taking back what it took', () => {
    const { world, owner, guest } = seated();
    world.send(saying(guest.jid, guest.room, wicked));
    cut(world, 'silent');
    const id = itemsAt(world, primary).at(-1)?.id as string;
    moderates(world, owner.jid, owner.room, id);
    world.send(saying(owner.jid, owner.room, 'mine'));
    world.send(retracts(owner.jid, owner.room, itemsAt(world, primary).at(-1)?.id as string));
    world.send(retracts(owner.jid, owner.room, itemsAt(world, primary).at(-1)?.id as string));
    heal(world);
    const kept = itemsAt(world, primary).map((item) => ({ id: item.id, payloads: item.payloads }));
    expect(kept.filter(({ payloads }) => payloads.some(({ name }) => name === 'retracted'))).toHaveLength(3);
    expect(kept.filter(({ payloads }) => readRetract(payloads) !== undefined)).toHaveLength(3);
    expect(itemsAt(world, replica)).toMatchObject(kept);
  });

  it('while it is cut off nobody moderates there: the room decides', () => {
    const { world, owner, guest } = seated({}, { policy: 'local' });
    world.send(saying(guest.jid, guest.room, wicked));
    const id = idOf(world, guest.jid, guest.room, wicked);
    cut(world, 'bounce');
    world.send(says(owner.jid, owner.room, 'beyond'), says(guest.jid, guest.room, 'lost'));
    world.advance(6_000);
    world.clear();
    expect(errorOf(moderates(world, guest.jid, guest.room, id))?.condition).toBe('remote-server-timeout');
  });
});

/** wonderland with a third node behind the second: cellar -> elsinore -> rabbithole; each has an owner of its own. */
const tree = structuredClone(wonderland) as unknown as {
  servers: unknown[];
  nodes: { rooms: Record<string, unknown>[] }[];
};
const cellar = jid('cellar@rooms.auerbach.lit');
const [elsinore, rabbithole] = [jid('elsinore@talk.denmark.lit'), jid('rabbithole@rooms.wonderland.lit')];
const [denmark, rooms, auerbach] = [
  jid('talk.denmark.lit'),
  jid('rooms.wonderland.lit'),
  jid('rooms.auerbach.lit'),
] as const;
const [alice, hamlet, faust] = ['alice@wonderland.lit/p', 'hamlet@denmark.lit/p', 'faust@auerbach.lit/p'] as const;
tree.servers.push({ domain: 'auerbach.lit', at: [0.5, 0.9] });
const [atElsinore, atRabbithole] = tree.nodes.map((node) => node.rooms[0] as Record<string, unknown>);
Object.assign(atElsinore as object, {
  distribution: { kind: 'fmuc', outbound: rabbithole, allowedNodes: [cellar] },
  affiliations: [{ jid: 'hamlet@denmark.lit', affiliation: 'owner' }],
});
Object.assign(atRabbithole as object, { subject: undefined });
tree.nodes.push({
  kind: 'service',
  address: auerbach,
  server: 'auerbach.lit',
  rooms: [{ jid: cellar, name: 'cellar', whois: 'anyone', distribution: { kind: 'fmuc', outbound: elsinore } }],
} as unknown as (typeof tree.nodes)[number]);

const inside = () => {
  const world = new World(tree as unknown as Scenario);
  world.send(joins(alice, `${rabbithole}/Alice`));
  world.send(joins(hamlet, `${elsinore}/Hamlet`));
  world.send(joins(faust, `${cellar}/Faust`));
  world.clear();
  return world;
};
const homes: readonly (readonly [user: string, room: Jid, node: Jid])[] = [
  [alice, rabbithole, rooms],
  [hamlet, elsinore, denmark],
  [faust, cellar, auerbach],
];

describe('XEP-0425 across nodes of XEP-0289', () => {
  it('decision #113: what a node accepted its moderator takes back, on all nodes, each in its own name', () => {
    const world = inside();
    world.send(saying(alice, rabbithole, wicked));
    const id = idOf(world, alice, rabbithole, wicked);
    world.clear();
    expect(moderates(world, alice, rabbithole, id).type).toBe('result');
    for (const [user, room, node] of homes) {
      const [told, ...more] = messages(world, user);
      expect([told?.from, readRetract(told?.payloads ?? []), more]).toEqual([room, id, []]);
      const retract = payloadOf(told as Stanza, 'retract', retractNs) as XmlElement;
      const moderated = childOf(retract, 'moderated', moderateNs) as XmlElement;
      expect(moderated.attrs['by']).toBe(`${room}/Alice`);
      const ids = world.status(node).occupants.length;
      expect(ids).toBe(3);
      const author = itemsAt(world, node).find((item) => item.id === id)?.occupantId;
      expect(readOccupantId(elementsOf(moderated))).toBe(author);
      expect(told?.payloads.some(({ xmlns }) => xmlns === NS.fmuc || xmlns === NS.ext)).toBe(false);
      expect(remembers(world, node, wicked)).toBe(false);
      expect(world.compacted).toContain(node);
    }
  });

  it('decision #113: nobody takes back at one node what another accepted', () => {
    const world = inside();
    world.send(saying(hamlet, elsinore, wicked));
    const id = idOf(world, alice, rabbithole, wicked);
    world.clear();
    const refused = errorOf(moderates(world, alice, rabbithole, id));
    expect([refused?.type, refused?.condition]).toEqual(['cancel', 'not-allowed']);
    expect(messages(world, hamlet)).toEqual([]);
    // Nor does the rank that a node claims for its user mean anything here (§5.5).
    world.clear();
    world.send(saying(alice, rabbithole, 'honest'));
    const other = idOf(world, hamlet, elsinore, 'honest');
    world.clear();
    const foreign = { id: other, user: hamlet };
    expect(errorOf(moderates(world, foreign.user, rabbithole, foreign.id))?.condition).toBe('forbidden');
    for (const [, , node] of homes) expect(remembers(world, node, 'honest')).toBe(true);
  });

  // What rabbithole's own users said, claimed by elsinore; what came to elsinore by rabbithole, claimed by cellar; and so on.
  const claims: readonly (readonly [peer: Jid, room: Jid, node: Jid, target: Jid])[] = [
    [elsinore, rabbithole, rooms, rabbithole],
    [cellar, elsinore, denmark, rabbithole],
    [cellar, elsinore, denmark, elsinore],
    [rabbithole, elsinore, denmark, elsinore],
    [rabbithole, elsinore, denmark, cellar],
    [elsinore, cellar, auerbach, cellar],
  ];
  it.each(claims)(
    'decision #113: %s is not believed at %s (%s) about what a user of %s said',
    (peer, room, node, target) => {
      for (const by of [rabbithole, elsinore, cellar, jid('evil@rooms.evil.lit')]) {
        const world = inside();
        for (const [user, each] of homes) world.send(saying(user, each, `by ${each}`));
        // As if it had said so over the link, at its next place.
        const last = world.crossed().findLast(({ stanza }) => stanza.to === room && stanza.from.startsWith(peer));
        const place = readLinkPlace(last && payloadOf(last.stanza, 'fmuc', NS.fmuc)) as LinkPlace;
        const next = el('fmuc', NS.fmuc, {}, writeLinkPlace({ ...place, n: place.n + 1 }));
        const { id } = itemsAt(world, node).find(({ payloads }) =>
          JSON.stringify(payloads).includes(`by ${target}`),
        ) as {
          id: string;
        };
        const word = writeModeration(peer, { id, moderator: { nick: 'Queen', occupantId: '' }, reason: undefined });
        const identity = writeStanzaId({ by, id: 'forged' });
        world.clear();
        world.inject(node, domainOf(peer), message(peer, room, { type: 'groupchat', id: 'x' }, word, identity, next));
        expect(world.notes.map(({ spec }) => spec)).toEqual(['decision#113']);
        for (const [user, , each] of homes) {
          expect(messages(world, user)).toEqual([]);
          for (const [, said] of homes) expect([each, remembers(world, each, `"by ${said}"`)]).toEqual([each, true]);
        }
      }
    },
  );

  it('decision #114: a node that missed it hears of it when it joins again; so does the other side', () => {
    const world = inside();
    world.send(saying(alice, rabbithole, 'of alice'));
    world.send(saying(hamlet, elsinore, 'of hamlet'));
    const [mine, theirs] = ['of alice', 'of hamlet'].map((text) => idOf(world, hamlet, elsinore, text));
    world.cut('denmark.lit', 'wonderland.lit', 'silent');
    moderates(world, alice, rabbithole, mine as string);
    world.clear();
    moderates(world, hamlet, elsinore, theirs as string);
    world.clear();
    world.cut('denmark.lit', 'wonderland.lit', undefined);
    world.advance(300_000);
    for (const [user, room, node] of homes) {
      const heard = messages(world, user).map(({ from, payloads }) => [from, readRetract(payloads)]);
      // What happened at their own side they heard before.
      expect([user, heard]).toEqual([user, [[room, user === alice ? theirs : mine]]]);
      expect([node, remembers(world, node, 'of alice'), remembers(world, node, 'of hamlet')]).toEqual([
        node,
        false,
        false,
      ]);
    }
    // Joining once more changes nothing.
    world.clear();
    world.boot(denmark, world.crash(denmark));
    world.advance(300_000);
    for (const [user] of homes)
      expect(messages(world, user).filter(({ payloads }) => readRetract(payloads))).toEqual([]);
  });

  it('decision #114: of what was taken back a node that joins gets nothing', () => {
    const world = new World(tree as unknown as Scenario);
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.send(saying(alice, rabbithole, wicked), saying(alice, rabbithole, 'honest'));
    moderates(world, alice, rabbithole, idOf(world, alice, rabbithole, wicked));
    world.clear();
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    expect(messages(world, hamlet).map(bodyOf).filter(Boolean)).toEqual(['honest']);
    expect(itemsAt(world, denmark)).toHaveLength(1);
    expect(JSON.stringify(world.crossed())).not.toContain('retracted');
  });

  it('decision #113: a node without our extension, which would show it as a message of nobody, is not told', () => {
    const foreign = new World(tree as unknown as Scenario);
    foreign.send(joins(hamlet, `${elsinore}/Hamlet`));
    foreign.inject(
      denmark,
      'rooms.auerbach.lit',
      presence(
        jid(`${cellar}/Faust`),
        jid(`${elsinore}/Faust`),
        {},
        writeFmuc({ kind: 'from', from: jid(faust) }),
        el('x', NS.muc),
      ),
    );
    foreign.send(saying(hamlet, elsinore, wicked));
    const id = idOf(foreign, hamlet, elsinore, wicked);
    foreign.clear();
    moderates(foreign, hamlet, elsinore, id);
    expect(foreign.to(cellar).filter(({ name }) => name === 'message')).toEqual([]);
  });
});
