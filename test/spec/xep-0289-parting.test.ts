import { describe, expect, it } from 'vitest';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { bodyOf } from '../../src/core/xmpp/stanza.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { Openfire } from '../support/openfire.ts';
import { joins, leaves, says, World } from '../support/world.ts';

// XEP-0289 with a node without our extension: decisions #192 and #197, where one of the two has lost the link.

const elsinore = jid('elsinore@talk.denmark.lit');
const denmark = jid('talk.denmark.lit');
const forum = jid('forum@conference.openfire.lit');
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';
const ann = 'ann@openfire.lit/p';
const bob = 'bob@openfire.lit/p';

/** Our room joins theirs (a), or theirs ours (b). Hamlet and Ann are in. */
function linked(role: 'a' | 'b'): { world: World; theirs: Openfire } {
  const distribution = role === 'a' ? { kind: 'fmuc', outbound: forum } : { kind: 'fmuc', allowedNodes: [forum] };
  const world = new World({
    format: 'netsplit-scenario',
    version: 1,
    id: 'openfire',
    title: 'a room of an Openfire',
    xep: '0289',
    servers: [{ domain: 'denmark.lit', at: [0.2, 0.5] }],
    links: [],
    nodes: [
      {
        kind: 'service',
        address: denmark,
        server: 'denmark.lit',
        rooms: [{ jid: elsinore, whois: 'anyone', distribution }],
      },
    ],
    occupants: [],
    script: [],
  } as unknown as Scenario);
  const theirs = new Openfire(forum, role === 'b' ? { outbound: elsinore } : {});
  world.host(theirs);
  const [inAnn, inHamlet] = [joins(ann, `${forum}/Ann`), joins(hamlet, `${elsinore}/Hamlet`)];
  world.send(...(role === 'a' ? [inAnn, inHamlet] : [inHamlet, inAnn]));
  world.advance(60_000);
  world.clear();
  return { world, theirs };
}

const nicks = (world: World) =>
  world
    .status(denmark)
    .occupants.map(({ nick }) => nick)
    .sort();

describe('decision #192: leaving before another join', () => {
  /** Presence of our users that went to the other room. */
  const told = (world: World, room: Jid) =>
    world
      .to(room)
      .flatMap(({ name, type, from }) => (name === 'presence' ? [`${type ?? 'available'} ${from.split('/')[1]}`] : []));

  it('what a link before had of us is over once there is another: those who left in time do not leave again', () => {
    const { world, theirs } = linked('a');
    const cut = (how: 'silent' | undefined) => world.cut('denmark.lit', 'openfire.lit', how);
    world.send(joins(ophelia, `${elsinore}/Ophelia`));
    cut('silent');
    theirs.restart();
    world.advance(200_000);
    cut(undefined);
    world.advance(200_000);
    expect(theirs.roster).toEqual(['Hamlet hamlet@denmark.lit', 'Ophelia ophelia@denmark.lit']);
    world.send(leaves(ophelia, `${elsinore}/Ophelia`));
    world.advance(200_000);
    world.clear();
    cut('silent');
    world.advance(200_000);
    expect(told(world, forum)[0]).toBe('unavailable Hamlet');
    expect(told(world, forum).filter((one) => one.includes('Ophelia'))).toEqual([]);
    cut(undefined);
    world.advance(200_000);
    expect(theirs.roster).toEqual(['Hamlet hamlet@denmark.lit']);
  });
});

describe('decision #197: a start of this node', () => {
  it('somebody of whom it has not heard since then, nor before, is in with their first word', () => {
    const { world } = linked('b');
    const log = world.crash(denmark);
    world.send(joins(bob, `${forum}/Bob`));
    world.boot(denmark, log);
    world.clear();
    world.send(says(bob, forum, 'new here'));
    expect(world.got(hamlet).map(bodyOf)).toContain('new here');
    expect(nicks(world)).toEqual(['Ann', 'Bob', 'Hamlet']);
  });
});
