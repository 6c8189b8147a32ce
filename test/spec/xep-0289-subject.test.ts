import { describe, expect, it } from 'vitest';
import { subjectChange, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { writeFmuc } from '../../src/core/xep/xep0289.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { message, presence } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, World } from '../support/world.ts';

// XEP-0289 §5.1: the subject that ends an answer to a join, where a user of this room is to have set it. Decision #157.

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const alice = 'alice@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';

const sets = (from: Jid, to: Jid, text: string) =>
  message(from, to, { type: 'groupchat', id: text }, el('subject', NS.client, {}, text));

/** Hamlet is alone in elsinore and has named its subject “tea”; it asks rabbithole again. */
function asking(): World {
  const nodes = wonderland.nodes.map((node) => ({
    ...node,
    rooms: (node.kind === 'service' ? node.rooms : []).map((room) => ({ ...room, changeSubject: true })),
  }));
  const world = new World({ ...wonderland, nodes } as unknown as Scenario);
  world.cut('denmark.lit', 'wonderland.lit', 'silent');
  world.send(joins(hamlet, `${elsinore}/Hamlet`));
  world.advance(10_000);
  world.send(sets(jid(hamlet), elsinore, 'tea'));
  world.clear();
  for (let i = 0; world.to(rabbithole).length === 0 && i < 60; i++) world.advance(1_000);
  return world;
}

/** Rabbithole answers, with this subject at the end. */
function answers(world: World, nick: string, author: string, subject: string): void {
  const of = (user: string) => writeFmuc({ kind: 'from', from: jid(user) });
  const rank = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
  world.inject(denmark, rooms, presence(jid(`${rabbithole}/Alice`), elsinore, {}, of(alice), rank));
  const ends = sets(jid(`${rabbithole}/${nick}`), elsinore, subject);
  world.inject(denmark, rooms, { ...ends, payloads: [...ends.payloads, of(author)] });
}

describe('decision #157: a subject that this room’s own user is to have set', () => {
  it.each([
    ['as he has set it here: it is still his', 'Hamlet', hamlet, 'tea', `${elsinore}/Hamlet`],
    ['with other words: nobody has set it', 'Hamlet', hamlet, 'croquet', elsinore],
    ['with his words, by somebody else: nobody has set it', 'Ophelia', ophelia, 'tea', elsinore],
  ])('%s', (_, nick, author, subject, from) => {
    const world = asking();
    answers(world, nick, author, subject);
    expect(world.status(denmark).occupants.map((one) => one.nick)).toEqual(['Hamlet', 'Alice']);
    world.send(joins(ophelia, `${elsinore}/Lady`));
    const told = world.got(ophelia).filter((stanza) => subjectChange(stanza) !== undefined);
    expect(told.map((stanza) => [stanza.from, subjectChange(stanza)])).toEqual([[from, subject]]);
  });
});
