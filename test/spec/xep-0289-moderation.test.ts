import { describe, expect, it } from 'vitest';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { readFmuc, writeFmuc } from '../../src/core/xep/xep0289.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { plain } from '../support/scenarios.ts';
import { joins, leaves, says, World } from '../support/world.ts';

// XEP-0289 §5.5 across nodes: c joins b joins a, and each has a moderator (mod) and a user of its own (user).

const roomOf = (name: string) => jid(`hall@rooms.${name}.lit`);
const nodeOf = (name: string) => jid(`rooms.${name}.lit`);
const userOf = (name: string) => `user@${name}.lit/x`;
const modOf = (name: string) => `mod@${name}.lit/x`;

/** @param mayKick  by node: those that may kick its users */
function chain(mayKick: Partial<Record<string, readonly string[]>> = {}, membersOnly = false): World {
  const room = (name: string, outbound: readonly string[], allowed: readonly string[]) => ({
    kind: 'service',
    address: nodeOf(name),
    server: `${name}.lit`,
    rooms: [
      {
        jid: roomOf(name),
        whois: 'anyone',
        membersOnly,
        affiliations: ['a', 'b', 'c'].map((each) => ({
          jid: `mod@${each}.lit`,
          affiliation: each === name ? 'owner' : 'member',
        })),
        distribution: {
          kind: 'fmuc',
          outbound: outbound.map(roomOf),
          allowedNodes: allowed.map(roomOf),
          trust: { mayKick: (mayKick[name] ?? []).map(roomOf) },
        },
      },
    ],
  });
  const nodes = [room('a', [], ['b']), room('b', ['a'], ['c']), room('c', ['b'], [])];
  const servers = ['a', 'b', 'c'].map((name, i) => ({ domain: `${name}.lit`, at: [i / 3, 0.5] }));
  const world = new World({ ...plain, servers, nodes, occupants: [], script: [] } as unknown as Scenario);
  for (const name of ['a', 'b', 'c']) {
    world.send(joins(modOf(name), `${roomOf(name)}/mod-${name}`));
    if (!membersOnly) world.send(joins(userOf(name), `${roomOf(name)}/${name}`));
  }
  world.clear();
  return world;
}

const admin = (world: World, at: string, item: Record<string, string>, reason?: string) => {
  const why = reason === undefined ? [] : [el('reason', NS.mucAdmin, {}, reason)];
  const query = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, item, ...why));
  world.send(iq(jid(modOf(at)), roomOf(at), { type: 'set', id: 'admin' }, query));
  const answer = world.got(modOf(at)).find(({ name, id }) => name === 'iq' && id === 'admin') as Stanza;
  return errorOf(answer) ?? answer.type;
};
const nicks = (world: World, name: string) =>
  world
    .status(nodeOf(name))
    .occupants.map(({ nick }) => nick)
    .sort();
const texts = (world: World, user: string) => world.got(user).flatMap((stanza) => bodyOf(stanza) ?? []);
const leave = (world: World, user: string, nick: string) => {
  const found = world
    .got(user)
    .find(({ name, type, from }) => name === 'presence' && type === 'unavailable' && from.endsWith(`/${nick}`));
  const item = found && readMucUser(found.payloads);
  return item && { statuses: item.statuses, actor: item.actor, reason: item.reason };
};
const all = ['a', 'b', 'c', 'mod-a', 'mod-b', 'mod-c'];
const without = (...gone: readonly string[]) => all.filter((nick) => !gone.includes(nick));

describe('XEP-0289 §5.5: a kick', () => {
  it('decision #162: a node that may kick does: 307, who and why, and all nodes hear of it', () => {
    const world = chain({ a: ['b'] });
    expect(admin(world, 'b', { nick: 'a', role: 'none' }, 'noise')).toBe('result');
    const why = { actor: 'mod-b', reason: 'noise' };
    expect(leave(world, userOf('a'), 'a')).toEqual({ statuses: [307, 110], ...why });
    for (const name of ['a', 'b', 'c']) {
      expect([name, nicks(world, name)]).toEqual([name, without('a')]);
      if (name !== 'a') expect(leave(world, userOf(name), 'a')).toEqual({ statuses: [307], ...why });
    }
    world.clear();
    world.send(joins(userOf('a'), `${roomOf('a')}/a`));
    for (const name of ['a', 'b', 'c']) expect([name, nicks(world, name)]).toEqual([name, all]);
  });

  it('decision #162: the same from the joining side, and up the tree, where each node lets the next one', () => {
    const world = chain({ a: ['b'], b: ['c'] });
    admin(world, 'c', { nick: 'a', role: 'none' }, 'noise');
    expect(leave(world, userOf('a'), 'a')).toEqual({ statuses: [307, 110], actor: 'mod-c', reason: 'noise' });
    for (const name of ['a', 'b', 'c']) expect([name, nicks(world, name)]).toEqual([name, without('a')]);
    const down = chain({ b: ['a'], c: ['b'] });
    admin(down, 'a', { nick: 'c', role: 'none' });
    expect(leave(down, userOf('c'), 'c')).toEqual({ statuses: [307, 110], actor: 'mod-a', reason: undefined });
    for (const name of ['a', 'b', 'c']) expect([name, nicks(down, name)]).toEqual([name, without('c')]);
  });

  it('decision #161, decision #162: of one that may not, the user stays at home; there they are not seen or heard', () => {
    const world = chain();
    expect(admin(world, 'b', { nick: 'a', role: 'none' }, 'noise')).toBe('result');
    expect(leave(world, userOf('a'), 'a')).toBeUndefined();
    expect(nicks(world, 'a')).toEqual(all);
    // What is beyond b comes by b.
    for (const name of ['b', 'c']) expect([name, nicks(world, name)]).toEqual([name, without('a')]);
    expect(leave(world, userOf('b'), 'a')).toEqual({ statuses: [307], actor: 'mod-b', reason: 'noise' });
    expect(texts(world, userOf('a'))).toEqual([`At ${roomOf('b')} you are not shown: taken out by a moderator: noise`]);
    const reasserted = world
      .to(roomOf('b'))
      .filter(({ name, type, payloads }) => name === 'presence' && type === undefined && readFmuc(payloads));
    expect(reasserted.map(({ from }) => from)).toEqual([`${roomOf('a')}/a`]);
    world.clear();
    world.send(says(userOf('a'), roomOf('a'), 'at home'), presence(jid(userOf('a')), jid(`${roomOf('a')}/a`), {}));
    expect([texts(world, userOf('b')), texts(world, modOf('a'))]).toEqual([[], ['at home']]);
    expect(world.to(roomOf('b')).filter(({ name }) => name === 'message')).toEqual([]);
    expect(nicks(world, 'b')).toEqual(without('a'));
    // The others go on.
    world.send(says(modOf('a'), roomOf('a'), 'x'), says(userOf('b'), roomOf('b'), 'y'));
    expect(texts(world, userOf('c')).sort()).toEqual(['x', 'y']);
    expect(texts(world, userOf('a'))).toContain('y');
    // They leave, and come again.
    world.send(leaves(userOf('a'), `${roomOf('a')}/a`));
    world.send(joins(userOf('a'), `${roomOf('a')}/a`));
    for (const name of ['a', 'b', 'c']) expect([name, nicks(world, name)]).toEqual([name, all]);
  });

  it('decision #161: or a moderator gives them something, and they show themselves', () => {
    const world = chain();
    admin(world, 'b', { nick: 'a', role: 'none' });
    admin(world, 'b', { jid: 'user@a.lit', affiliation: 'member' });
    world.send(presence(jid(userOf('a')), jid(`${roomOf('a')}/a`), {}, el('show', NS.client, {}, 'away')));
    expect(nicks(world, 'b')).toEqual(all);
    world.clear();
    world.send(says(userOf('a'), roomOf('a'), 'back'));
    expect(texts(world, userOf('c'))).toEqual(['back']);
  });

  it('decision #161: a node that starts again, from its log or what it had saved, remembers whom a moderator took out', () => {
    const world = chain();
    const b = nodeOf('b');
    admin(world, 'b', { nick: 'a', role: 'none' }, 'noise');
    world.boot(b, world.crash(b));
    for (const name of ['b', 'c']) expect([name, nicks(world, name)]).toEqual([name, without('a')]);
    const { node } = world.seat(b);
    const saved = node.snapshot();
    node.restore({ ...saved, rooms: saved.rooms.map(({ takenOut: _, ...before }) => before) });
    node.restore(saved);
    world.send(presence(jid(userOf('a')), jid(`${roomOf('a')}/a`), {}, el('show', NS.client, {}, 'away')));
    expect(nicks(world, 'b')).toEqual(without('a'));
    // They leave, and come again.
    world.send(leaves(userOf('a'), `${roomOf('a')}/a`));
    world.send(joins(userOf('a'), `${roomOf('a')}/a`));
    for (const name of ['a', 'b', 'c']) expect([name, nicks(world, name)]).toEqual([name, all]);
    world.boot(b, world.crash(b));
    expect(nicks(world, 'b')).toEqual(all);
  });

  it('decision #162: a forged kick of a node that may not changes nothing (F5), and ten of them are not answered for ever', () => {
    const world = chain({ a: ['b'] });
    const notice = presence(
      jid(`${roomOf('a')}/c`),
      jid(`${roomOf('b')}/c`),
      { type: 'unavailable' },
      writeFmuc({ kind: 'from', from: jid(userOf('b')) }),
      writeMucUser({ affiliation: 'none', role: 'none', statuses: [307] }),
    );
    // By somebody who is no node of the set, and by a node over no link of which it is part.
    world.inject(nodeOf('b'), 'chat.evil.lit', { ...notice, from: jid('room@chat.evil.lit/b') });
    world.inject(nodeOf('b'), nodeOf('a'), notice);
    expect(nicks(world, 'b')).toEqual(all);
    for (let n = 0; n < 20; n++) {
      admin(world, 'b', { nick: 'mod-c', role: 'none' });
      world.clear();
    }
    expect(nicks(world, 'c')).toEqual(all);
  });

  it('decision #162: notices without end are ignored', () => {
    const world = chain();
    for (let n = 0; n < 30; n++) {
      admin(world, 'b', { nick: 'a', role: 'none' });
      world.send(leaves(userOf('a'), `${roomOf('a')}/a`), joins(userOf('a'), `${roomOf('a')}/a`));
    }
    expect(world.notes.some(({ what }) => what.includes('kicks too much'))).toBe(true);
    expect(world.status(nodeOf('a')).peers.map(({ state }) => state)).toEqual(['live']);
  });

  it('decision #161: a claimed rank protects nobody, and a role is their own node’s to give', () => {
    const world = chain();
    expect(admin(world, 'b', { nick: 'mod-a', role: 'none' })).toBe('result');
    expect(nicks(world, 'b')).toEqual(without('mod-a'));
    world.clear();
    expect(admin(world, 'b', { nick: 'a', role: 'visitor' })).toMatchObject({
      condition: 'not-allowed',
      text: 'they are in by another node, which decides about their role',
    });
  });
});

describe('XEP-0289 §5.5: bans and roles', () => {
  it('decision #161: who is banned is out of this room and what is behind it, with 301, and stays at home', () => {
    const world = chain({ a: ['b'] });
    expect(admin(world, 'b', { jid: 'user@a.lit', affiliation: 'outcast' }, 'spam')).toBe('result');
    expect(leave(world, userOf('b'), 'a')).toMatchObject({ statuses: [301], reason: 'spam' });
    expect(nicks(world, 'a')).toEqual(all);
    for (const name of ['b', 'c']) expect([name, nicks(world, name)]).toEqual([name, without('a')]);
    expect(texts(world, userOf('a'))).toEqual([`At ${roomOf('b')} you are not shown: spam`]);
    world.send(leaves(userOf('a'), `${roomOf('a')}/a`), joins(userOf('a'), `${roomOf('a')}/a`));
    expect(nicks(world, 'b')).toEqual(without('a'));
    admin(world, 'b', { jid: 'user@a.lit', affiliation: 'none' });
    world.send(leaves(userOf('a'), `${roomOf('a')}/a`), joins(userOf('a'), `${roomOf('a')}/a`));
    expect(nicks(world, 'c')).toEqual(all);
  });

  it('decision #161: the ban of a domain, and the end of a membership', () => {
    const world = chain();
    admin(world, 'b', { jid: 'a.lit', affiliation: 'outcast' });
    // Who has an affiliation of their own is not concerned (XEP-0045 §9.2).
    expect(nicks(world, 'b')).toEqual(without('a'));
    const closed = chain({}, true);
    expect(nicks(closed, 'b')).toEqual(['mod-a', 'mod-b', 'mod-c']);
    admin(closed, 'b', { jid: 'mod@a.lit', affiliation: 'none' });
    expect(nicks(closed, 'b')).toEqual(['mod-b', 'mod-c']);
    expect(nicks(closed, 'a')).toEqual(['mod-a', 'mod-b', 'mod-c']);
    expect(leave(closed, modOf('b'), 'mod-a')).toMatchObject({ statuses: [321] });
  });

  it('§5.5: a role that changes at home is shown everywhere with who changed it, and why', () => {
    const world = chain();
    admin(world, 'a', { nick: 'a', role: 'moderator' }, 'helps');
    for (const name of ['b', 'c']) {
      const [told] = world.got(userOf(name));
      const item = told && readMucUser(told.payloads);
      expect(item).toMatchObject({ role: 'moderator', actor: 'mod-a', reason: 'helps' });
    }
    world.clear();
    const kick = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, { nick: 'b', role: 'none' }));
    world.send(iq(jid(userOf('a')), roomOf('b'), { type: 'set', id: 'k' }, kick));
    expect(world.got(userOf('a')).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
  });
});

describe('decision #175: a node that an owner blocks', () => {
  const block = (world: World, at: string, ...blockedNodes: readonly Jid[]) => {
    const field = { var: `{${NS.ext}}fmuc_blocked_nodes`, values: blockedNodes };
    const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields: [field] });
    world.send(iq(jid(modOf(at)), roomOf(at), { type: 'set', id: 'block' }, el('query', NS.mucOwner, {}, form)));
  };

  it.each([
    ['one that joined', 'b', 'c', ['c', 'mod-c']],
    ['one that was joined', 'b', 'a', ['a', 'mod-a']],
    ['a whole service', 'a', 'b', ['b', 'c', 'mod-b', 'mod-c']],
  ] as const)(
    '%s is out at once, with all who came by it, everybody hears why, and it does not come back',
    (_, at, node, gone) => {
      const world = chain();
      block(world, at, at === 'a' ? nodeOf(node) : roomOf(node));
      expect(nicks(world, at)).toEqual(without(...gone));
      expect(texts(world, userOf(at))).toEqual([`${roomOf(node)} is blocked in this room: its users are out`]);
      expect(leave(world, userOf(at), node)).toMatchObject({
        statuses: [307],
        reason: 'Their node is blocked in this room.',
      });
      expect(nicks(world, node)).not.toContain(at);
      world.advance(600_000);
      world.clear();
      world.send(says(userOf(at), roomOf(at), 'x'), says(userOf(node), roomOf(node), 'y'));
      expect([texts(world, userOf(node)), texts(world, userOf(at))]).toEqual([['y'], ['x']]);
      // Its users see that nobody is there any more, and may be told why when they come.
      block(world, at);
      world.send(leaves(userOf(node), `${roomOf(node)}/${node}`), leaves(modOf(node), `${roomOf(node)}/mod-${node}`));
      if (node === 'b') world.send(leaves(userOf('c'), `${roomOf('c')}/c`), leaves(modOf('c'), `${roomOf('c')}/mod-c`));
      world.advance(600_000);
      world.send(joins(userOf(node), `${roomOf(node)}/${node}`));
      world.advance(600_000);
      expect(nicks(world, at)).toContain(node);
    },
  );
});
