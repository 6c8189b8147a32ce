import { describe, expect, it } from 'vitest';
import { readMucUser, writeMucUser } from '../../src/core/xep/xep0045.ts';
import { ping } from '../../src/core/xep/xep0199.ts';
import { type Jid, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, iq, message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario, ScenarioRoom } from '../../src/scenario/scenario.ts';
import { plain, wallops } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

const service = jid('conference.localhost');
const coven = jid('coven@conference.localhost');
const heath = jid('heath@conference.localhost');
const [crone, wicca] = ['crone1@localhost/desktop', 'wiccarocks@localhost/laptop'] as const;

function covenWith(room: Partial<ScenarioRoom> = {}): World {
  const affiliations = [{ jid: 'crone1@localhost', affiliation: 'owner' as const }];
  const rooms = [{ jid: coven, affiliations, ...room }];
  const node = { kind: 'service', address: service, server: 'localhost', rooms, openCreation: true } as const;
  const world = new World({ ...plain, nodes: [node], occupants: [], script: [] } as Scenario);
  world.send(joins(crone, `${coven}/firstwitch`));
  world.send(joins(wicca, `${coven}/secondwitch`));
  return world;
}

function destroys(world: World, who: string, room: Jid): void {
  world.send(iq(jid(who), room, { type: 'set', id: 'end' }, el('query', NS.mucOwner, {}, el('destroy', NS.mucOwner))));
}

/** What is said of it: the condition, or the statuses of an unavailable presence of one's own. */
const told = (world: World, who: string) =>
  world
    .got(who)
    .map((stanza: Stanza) => [
      stanza.from,
      stanza.id,
      errorOf(stanza)?.condition ?? [stanza.type, readMucUser(stanza.payloads)?.statuses],
    ]);

/** All that a user may send who believes to be in as `nick`. */
function everything(who: string, room: Jid, nick: string): readonly (readonly [string, Stanza, unknown])[] {
  const from = jid(who);
  const self = jid(`${room}/${nick}`);
  const other = jid(`${room}/firstwitch`);
  return [
    ['a ping to oneself (XEP-0410 §3)', ping(from, self, 'p'), [self, 'p', 'not-acceptable']],
    ['a ping to somebody else', ping(from, other, 'p'), [other, 'p', 'not-acceptable']],
    [
      'a vCard of somebody',
      iq(from, other, { type: 'get', id: 'v' }, el('vCard', 'vcard-temp')),
      [other, 'v', 'not-acceptable'],
    ],
    ['a private message', tells(who, other, 'psst'), [other, 'pm-psst', 'not-acceptable']],
    ['a message', says(who, room, 'x'), [room, 'say-x', expect.stringMatching(/item-not-found|not-acceptable/)]],
    [
      'a subject',
      message(from, room, { type: 'groupchat', id: 's' }, el('subject', NS.client, {}, 'x')),
      [room, 's', expect.anything()],
    ],
    [
      'an invitation',
      message(from, room, { id: 'i' }, el('x', NS.mucUser, {}, el('invite', NS.mucUser, { to: 'hecate@localhost' }))),
      [room, 'i', expect.stringMatching(/item-not-found|not-acceptable/)],
    ],
    [
      'presence (§7.2.18)',
      presence(from, self, { id: 'a' }, el('show', NS.client, {}, 'away')),
      [self, 'a', ['unavailable', [110, 307, 333]]],
    ],
    [
      'another nick',
      presence(from, jid(`${room}/other`), { id: 'n' }),
      [`${room}/other`, 'n', ['unavailable', [110, 307, 333]]],
    ],
  ];
}
const leaf = (who: string, room: Jid, nick: string) =>
  [
    'a leave (§7.14)',
    { ...leaves(who, `${room}/${nick}`), id: 'l' } as Stanza,
    [`${room}/${nick}`, 'l', ['unavailable', [110]]],
  ] as const;

describe('A user believes to be in a room that is gone', () => {
  it.each([...everything(wicca, coven, 'secondwitch'), leaf(wicca, coven, 'secondwitch')])(
    'decision #127: destroyed (§10.9): %s is answered by what says that they are out',
    (_what, stanza, expected) => {
      const world = covenWith();
      destroys(world, crone, coven);
      world.clear();
      world.send(stanza);
      expect(told(world, wicca)).toEqual([expected]);
    },
  );

  it.each([...everything(wicca, heath, 'secondwitch'), leaf(wicca, heath, 'secondwitch')])(
    'decision #127: ended with its last occupant (§4.2), or never there: %s',
    (_what, stanza, expected) => {
      const world = covenWith();
      world.send(stanza);
      world.clear();
      world.send(stanza);
      expect(told(world, wicca)).toEqual([expected]);
      expect(
        world
          .seat(service)
          .node.status()
          .rooms.map(({ room }) => room),
      ).toEqual([coven]);
    },
  );

  it.each(everything(wicca, coven, 'secondwitch'))(
    'decision #127: lost with its log in a restart, and there again without them: %s',
    (_what, stanza, expected) => {
      const world = covenWith();
      world.boot(service);
      world.clear();
      world.send(stanza);
      expect(told(world, wicca)).toEqual([expected]);
    },
  );

  it('decision #127: a question about the room itself says that there is none (§6.4)', () => {
    const world = covenWith();
    world.clear();
    world.send(iq(jid(wicca), heath, { type: 'get', id: 'q' }, el('query', NS.discoInfo)));
    expect(told(world, wicca)).toEqual([[heath, 'q', 'item-not-found']]);
  });

  it('decision #127: an error, a result or a probe is answered by nothing', () => {
    const world = covenWith();
    world.clear();
    const to = jid(`${heath}/x`);
    const error = el('error', NS.client, { type: 'cancel' }, el('gone', NS.stanzas));
    world.send(
      message(jid(wicca), to, { type: 'error' }, error),
      iq(jid(wicca), to, { type: 'result', id: 'q' }),
      presence(jid(wicca), to, { type: 'error' }, error),
      presence(jid(wicca), to, { type: 'probe' }),
    );
    expect(world.got(wicca)).toEqual([]);
  });

  it('decision #127: what another service without such a room answers is not answered again', () => {
    const world = covenWith();
    world.clear();
    const theirs = jid('coven@rooms.other.lit/firstwitch');
    const x = writeMucUser({ affiliation: 'none', role: 'none', statuses: [110] });
    for (const to of [`${heath}/firstwitch`, heath])
      world.inject(service, 'rooms.other.lit', presence(theirs, jid(to), { type: 'unavailable', id: 'l' }, x));
    expect(world.to(theirs)).toEqual([]);
  });

  it('decision #127: a private message to a room that is not open yet (§17.2) is of a user who is not in', () => {
    const world = covenWith();
    world.send(joins(crone, `${heath}/firstwitch`));
    world.clear();
    world.send(tells(wicca, `${heath}/firstwitch`, 'psst'));
    world.send(says(wicca, heath, 'x'));
    expect(told(world, wicca)).toEqual([
      [`${heath}/firstwitch`, 'pm-psst', 'not-acceptable'],
      [heath, 'say-x', 'item-not-found'],
    ]);
  });

  const room = jid('wallops@channel.avalon.irc');
  const at = (nick: string) => wallops.occupants.find((one) => one.nick === nick)?.jid as string;
  it.each(everything(at('BigCheese'), room, 'BigCheese'))(
    'decision #127: behind a replica (XEP-0282): %s',
    (_what, stanza, expected) => {
      const world = new World(wallops);
      for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
      destroys(world, at('Wumpus'), room);
      const owner = world.got(at('Wumpus')).find(({ id }) => id === 'end') as Stanza;
      if (errorOf(owner)) {
        for (const { jid: address } of wallops.occupants) destroys(world, address, room);
      }
      world.advance(200_000);
      world.clear();
      world.send(stanza);
      expect(told(world, at('BigCheese'))).toEqual([expected]);
    },
  );

  it('decisions #46, #127: by the address of its service, as a replica of another server knows it', () => {
    const world = covenWith();
    world.clear();
    const by = (address: string) => jid(`${service}/${address}`);
    world.send(ping(jid(wicca), by(heath), 'p'), ping(jid(wicca), by(`${heath}/x`), 'q'));
    expect(told(world, wicca)).toEqual([
      [heath, 'p', 'item-not-found'],
      [`${heath}/x`, 'q', 'not-acceptable'],
    ]);
  });
});
