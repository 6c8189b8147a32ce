import { describe, expect, it } from 'vitest';
import { writeMucUser } from '../../src/core/xep/xep0045.ts';
import { writeDmuc } from '../../src/core/xep/xep0282.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, iq, message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import { wallops } from '../support/scenarios.ts';
import { joins, leaves, World } from '../support/world.ts';

// XEP-0282: what a primary does not take from a replica, nor a replica from its primary.

const room = jid('wallops@channel.avalon.irc');
const primary = jid('channel.avalon.irc');
const vesa = 'vesa.yeggmaex.irc';
const replica = jid(`replica@${vesa}`);
const newcomer = `new@${vesa}/x`;
const user = (nick: string) => wallops.occupants.find((occupant) => occupant.nick === nick)?.jid as string;

function everybodyIn(): World {
  const world = new World(wallops);
  for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
  world.advance(30_000);
  world.clear();
  return world;
}
const errors = (world: World, who: string) =>
  world.got(who).flatMap((stanza) => {
    const error = errorOf(stanza);
    return error ? [[stanza.id, error.type, error.condition]] : [];
  });

describe('XEP-0282 §4.11.2: what bears the mark of a split', () => {
  const mark = writeDmuc({ split: 's' });
  const body = el('body', NS.client, {}, 'psst');
  const efchen = jid(user('Efchen'));
  it.each<readonly [string, Stanza]>([
    ['a private message', message(efchen, jid(`${room}/WiZ`), { type: 'chat', id: 'm' }, body, mark)],
    ['a message of no type', message(efchen, room, { id: 'm' }, body, mark)],
    ['a subject', message(efchen, room, { type: 'groupchat', id: 'm' }, el('subject', NS.client, {}, 'psst'), mark)],
    ['an iq', iq(efchen, room, { type: 'set', id: 'm' }, el('query', NS.mucOwner), mark)],
    ['an iq with the type of a message', iq(efchen, room, { type: 'groupchat', id: 'm' }, body, mark)],
  ])(
    'decision #42: %s is nothing that everybody has heard there: it is dropped, and its author is told',
    (_, stanza) => {
      const world = everybodyIn();
      world.inject(primary, vesa, stanza);
      expect(errors(world, efchen)).toEqual([['m', 'modify', 'bad-request']]);
      for (const { nick, jid: address } of wallops.occupants)
        if (nick !== 'Efchen') expect(world.got(address)).toEqual([]);
      expect(world.status(primary)).toMatchObject({ historyLength: 0 });
    },
  );
});

describe('XEP-0282 §4.2 Creating a Replica', () => {
  it('decision #5, decision #4: a request that says half of where the replica stands says nothing of it', () => {
    const world = everybodyIn();
    const before = world.status(primary).epoch;
    const known = String(before + 1000);
    const asks = (stand: Record<string, string>) => {
      const create = el('create', NS.ext, stand, el('serves', NS.ext, { domain: vesa }));
      world.inject(primary, vesa, iq(replica, room, { type: 'set', id: JSON.stringify(stand) }, create));
      return world.status(primary).epoch;
    };
    for (const half of [{ epoch: known }, { epoch: known, h: 'x' }, { h: '9' }]) expect(asks(half)).toBe(before);
    expect(asks({ epoch: known, h: '9' })).toBeGreaterThan(before + 1000);
  });
});

describe('XEP-0282 §4.5 ENTER', () => {
  it('decision #6, decision #132: who has been told that their join got lost has not asked any more', () => {
    const world = everybodyIn();
    let lost = 0;
    world.lose((stanza) => stanza.from === newcomer && ++lost === 2);
    world.send(joins(newcomer, `${room}/New`));
    world.advance(6_000);
    expect(errors(world, newcomer)).toEqual([['join', 'wait', 'remote-server-timeout']]);
    world.clear();
    const { epoch, n } = world.seat(replica).node.snapshot().rooms[0] as { epoch: number; n: number };
    const position = { epoch, n: n + 1 };
    const from = jid(`${room}/New`);
    const item = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [] });
    world.inject(replica, primary, presence(from, replica, {}, item, writeDmuc({ position })));
    world.inject(replica, primary, presence(from, replica, { id: 'e' }, writeDmuc({ enter: jid(newcomer), position })));
    expect(world.got(newcomer)).toEqual([]);
    expect(errors(world, `${room}/New`)).toEqual([['e', 'modify', 'not-acceptable']]);
  });
});

describe('XEP-0045 §7.2.18, behind a replica', () => {
  it('decision #47: who is not in, and sends presence as if they were, is told so by the replica, whoever else has just left', () => {
    for (const isOther of [false, true]) {
      const world = everybodyIn();
      let lost = 0;
      world.lose((stanza) => isOther && stanza.from === user('BigCheese') && ++lost === 2);
      if (isOther) world.send(leaves(user('BigCheese'), `${room}/BigCheese`));
      expect(lost).toBe(isOther ? 2 : 0);
      world.clear();
      world.send(presence(jid(newcomer), jid(`${room}/New`), {}, el('show', NS.client, {}, 'away')));
      expect(world.got(newcomer).map(({ from, type }) => [from, type])).toEqual([[`${room}/New`, 'unavailable']]);
    }
  });
});
