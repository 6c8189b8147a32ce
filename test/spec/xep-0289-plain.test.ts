import { describe, expect, it } from 'vitest';
import { readMucUser, writeJoin, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { writeFmuc } from '../../src/core/xep/xep0289.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { wonderland } from '../support/scenarios.ts';
import { joins, World } from '../support/world.ts';

// XEP-0289 with a node without our extension, whose stanzas the test writes: decision #191.

const elsinore = jid('elsinore@talk.denmark.lit');
const rabbithole = jid('rabbithole@rooms.wonderland.lit');
const denmark = jid('talk.denmark.lit');
const rooms = jid('rooms.wonderland.lit');
const alice = 'alice@wonderland.lit/p';
const hamlet = 'hamlet@denmark.lit/p';
const ophelia = 'ophelia@denmark.lit/p';

type Rank = Parameters<typeof writeMucUser>[0];
const rank = (of: Partial<Rank> = {}) =>
  writeMucUser({ affiliation: 'none', role: 'participant', statuses: [], ...of });

/** What elsinore says of a user of its own. */
const says = (nick: string, user: string, ...more: readonly XmlElement[]) =>
  presence(
    jid(`${elsinore}/${nick}`),
    jid(`${rabbithole}/${nick}`),
    {},
    writeFmuc({ kind: 'from', from: jid(user) }),
    ...more,
  );

/** Alice is in rabbithole, which elsinore has joined; Hamlet is in by that, and Ophelia, who is away. */
function joined(): World {
  const world = new World(wonderland);
  world.cut('denmark.lit', 'wonderland.lit', 'silent');
  world.send(joins(alice, `${rabbithole}/Alice`));
  world.inject(rooms, denmark, says('Hamlet', hamlet, writeJoin({}), rank()));
  world.inject(
    rooms,
    denmark,
    says('Ophelia', ophelia, el('show', NS.client, {}, 'away'), rank({ jid: jid(ophelia) })),
  );
  world.clear();
  return world;
}

const shown = (stanza: Stanza) => {
  const show = payloadOf(stanza, 'show', NS.client);
  const { role, actor } = readMucUser(stanza.payloads) ?? {};
  return [stanza.type ?? 'available', stanza.from.split('/')[1], role, actor, show && textOf(show)];
};
const nicks = (world: World) => world.status(rooms).occupants.map(({ nick }) => nick);

describe('decision #88: another join over a plain link', () => {
  it('one of a user who was known is a restart: what was announced before it is answered with it, and not once more', () => {
    const world = joined();
    const join = (nick: string, user: string) => world.inject(rooms, denmark, says(nick, user, writeJoin({}), rank()));
    const told = () =>
      world.to(elsinore).flatMap(({ name, from, to }) => (name === 'iq' ? [] : [[name, from, to].join(' ')]));
    join('Yorick', 'yorick@denmark.lit/p');
    expect(told()).toEqual([]);
    join('Hamlet', hamlet);
    const answer = told();
    expect(answer.at(-1)).toBe(`message ${rabbithole} ${elsinore}`);
    world.advance(5_000);
    expect(told()).toEqual(answer);
  });
});

describe('decision #191: a presence that names a moderator, and means another user', () => {
  it('a new role of a user who is away: they are shown with it, as away as before, and with who gave it', () => {
    const world = joined();
    world.inject(rooms, denmark, says('Hamlet', hamlet, rank({ role: 'moderator', jid: jid(ophelia) })));
    expect(world.got(alice).map(shown)).toEqual([['available', 'Ophelia', 'moderator', 'Hamlet', 'away']]);
  });

  it('a kick: they are out, and how available they were is not said again', () => {
    const world = joined();
    const kick = rank({ role: 'none', jid: jid(ophelia), statuses: [307] });
    world.inject(rooms, denmark, { ...says('Hamlet', hamlet, kick), type: 'unavailable' });
    expect(world.got(alice).map(shown)).toEqual([['unavailable', 'Ophelia', 'none', 'Hamlet', undefined]]);
  });

  it.each([
    ['the moderator', 'Hamlet'],
    ['nobody', ''],
  ])('of somebody who is not here, in the name of %s, it changes nothing', (_, nick) => {
    const world = joined();
    const kick = rank({ role: 'none', jid: jid('yorick@denmark.lit/p'), statuses: [307] });
    const from = jid(nick === '' ? elsinore : `${elsinore}/${nick}`);
    world.inject(rooms, denmark, { ...says('Hamlet', hamlet, kick), from, type: 'unavailable' });
    expect(world.got(alice)).toEqual([]);
    expect(nicks(world)).toEqual(['Alice', 'Hamlet', 'Ophelia']);
  });
});
