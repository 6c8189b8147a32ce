import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { vcardMax } from '../../src/core/room/vcard.ts';
import { readForm } from '../../src/core/xep/xep0004.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, iq, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el, elementsOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { type Seat, type Somebody, seats } from '../support/cast.ts';
import { plain } from '../support/scenarios.ts';
import { joins, says, World } from '../support/world.ts';

const vcardNs = 'vcard-temp';
// Example 3 of the XEP, and its second format.
const svg =
  'PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIzMiIgaGVpZ2h0PSIzMiI+CiA8cmVjdCB4PSIwIiB5PSIwIiB3aWR0aD0iMzIiIGhlaWdodD0iMzIiIGZpbGw9InJlZCIvPgo8L3N2Zz4K';
const png = 'iVBORw0KGgo=';
const photo = (type: string, binary: string) =>
  el('PHOTO', vcardNs, {}, el('TYPE', vcardNs, {}, type), el('BINVAL', vcardNs, {}, binary));
const card = (...children: XmlElement[]) => el('vCard', vcardNs, {}, ...children);
const hashOf = (binary: string) => createHash('sha1').update(Buffer.from(binary, 'base64')).digest('hex');

const seatOf = (name: string, ...parts: Parameters<(typeof seats)[string]>) =>
  (seats[name] as (typeof seats)[string])(...parts);
function asks({ world }: Seat, who: Somebody, type: 'get' | 'set', payload: XmlElement): Stanza {
  world.clear();
  world.send(iq(jid(who.jid), jid(who.room), { type, id: 'v1' }, payload));
  return world.got(who.jid).find(({ name }) => name === 'iq') as Stanza;
}
const sets = (seat: Seat, vcard: XmlElement, who = seat.owner) => asks(seat, who, 'set', vcard);
const condition = (stanza: Stanza) => [errorOf(stanza)?.type, errorOf(stanza)?.condition];
function discovers(seat: Seat, who: Somebody) {
  const query = payloadOf(asks(seat, who, 'get', el('query', NS.discoInfo)), 'query', NS.discoInfo) as XmlElement;
  const field = readForm(query)?.fields.find((each) => each.var === 'muc#roominfo_avatarhash');
  return { features: elementsOf(query).map(({ attrs }) => attrs['var']), hashes: field?.values };
}
/** The hashes that the room's own presence has told them. */
const told = ({ world }: Seat, who: Somebody) =>
  world
    .got(who.jid)
    .filter(({ name, from }) => name === 'presence' && from === who.room)
    .map(({ payloads, type }) => {
      expect([payloads.length, type]).toEqual([1, undefined]);
      return elementsOf(payloads[0] as XmlElement)[0]?.children[0];
    });
const statuses = ({ world }: Seat, who: Somebody) =>
  world.got(who.jid).flatMap((stanza) => {
    const x = stanza.name === 'message' ? payloadOf(stanza, 'x', NS.mucUser) : undefined;
    return x ? elementsOf(x).map(({ attrs }) => attrs['code']) : [];
  });

describe.each(['plain', 'primary', 'replica'])('XEP-0486 §3 in the seat %s', (name) => {
  it('Examples 3 to 12: an owner publishes it, everybody hears of it, discovers and retrieves it', () => {
    const seat = seatOf(name);
    const { owner, guest, late } = seat;
    const vcard = card(photo('image/svg+xml', svg));
    expect(discovers(seat, guest)).toMatchObject({ features: expect.arrayContaining([vcardNs]), hashes: undefined });
    expect(sets(seat, vcard)).toMatchObject({ type: 'result', from: owner.room, payloads: [] });
    for (const who of [owner, guest]) {
      expect(statuses(seat, who)).toEqual(['104']);
      expect(told(seat, who)).toEqual([hashOf(svg)]);
    }
    for (const who of [owner, guest, late]) {
      expect(discovers(seat, who).hashes).toEqual([hashOf(svg)]);
      expect(asks(seat, who, 'get', card()).payloads).toEqual([vcard]);
    }
  });

  it('decision #115: a user who enters is told by presence of the room, after all else', () => {
    const seat = seatOf(name);
    const { world, late } = seat;
    sets(seat, card(photo('image/svg+xml', svg)));
    world.clear();
    world.send(joins(late.jid, `${late.room}/${late.nick}`));
    expect(told(seat, late)).toEqual([hashOf(svg)]);
    expect(world.got(late.jid).at(-1)).toMatchObject({ name: 'presence', from: late.room });
  });

  it('an empty vCard unpublishes the avatar; without one nothing is said of it', () => {
    const seat = seatOf(name);
    const { world, guest, late } = seat;
    sets(seat, card(photo('image/svg+xml', svg)));
    expect(sets(seat, card()).type).toBe('result');
    expect(told(seat, guest)).toEqual([undefined]);
    expect(discovers(seat, guest).hashes).toBeUndefined();
    expect(condition(asks(seat, guest, 'get', card()))).toEqual(['cancel', 'item-not-found']);
    world.clear();
    world.send(joins(late.jid, `${late.room}/${late.nick}`));
    expect(told(seat, late)).toEqual([]);
  });

  it('§5.1: several formats; presence has the first, disco has all; the same card again is no news', () => {
    const seat = seatOf(name);
    const { guest } = seat;
    const both = card(el('FN', vcardNs, {}, 'Coven'), photo('image/svg+xml', svg), photo('image/png', png));
    sets(seat, both);
    expect(told(seat, guest)).toEqual([hashOf(svg)]);
    expect(discovers(seat, guest).hashes).toEqual([hashOf(svg), hashOf(png)]);
    expect(sets(seat, both).type).toBe('result');
    expect([told(seat, guest), statuses(seat, guest)]).toEqual([[], []]);
  });

  it('a card without a photo is a card; line breaks in the photo are none of it', () => {
    const seat = seatOf(name);
    const { guest } = seat;
    const wordy = card(el('FN', vcardNs, {}, 'Coven'));
    expect(sets(seat, wordy).type).toBe('result');
    expect(asks(seat, guest, 'get', card()).payloads).toEqual([wordy]);
    expect(discovers(seat, guest).hashes).toBeUndefined();
    sets(seat, card(photo('image/png', svg.replace(/(.{40})/g, '$1\n'))));
    expect(discovers(seat, guest).hashes).toEqual([hashOf(svg)]);
  });

  it('§6: only owners; and only what can be a card of a bounded size', () => {
    const seat = seatOf(name);
    const { guest, late } = seat;
    for (const who of [guest, late])
      expect(condition(sets(seat, card(photo('image/png', png)), who))).toEqual(['auth', 'forbidden']);
    expect(condition(sets(seat, card(photo('image/png', 'no base64!'))))).toEqual(['modify', 'bad-request']);
    const large = sets(seat, card(photo('image/png', 'A'.repeat(vcardMax))));
    expect(condition(large)).toEqual(['modify', 'policy-violation']);
    expect(errorOf(large)?.text).toContain(String(vcardMax));
    expect(condition(sets(seat, card(...Array(11).fill(photo('image/png', png)))))).toEqual([
      'modify',
      'policy-violation',
    ]);
    expect(discovers(seat, guest).hashes).toBeUndefined();
  });

  it('is there after a restart, by the log and by a snapshot', () => {
    const seat = seatOf(name);
    const { world, guest } = seat;
    const vcard = card(photo('image/png', png));
    sets(seat, vcard);
    const node = jid(guest.room.split('@')[1] as string);
    const log = world.crash(node);
    world.boot(node, log);
    world.advance(200_000);
    expect(asks(seat, guest, 'get', card()).payloads).toEqual([vcard]);
    sets(seat, card());
    world.boot(node, JSON.parse(JSON.stringify(world.crash(node))));
    world.advance(200_000);
    expect(condition(asks(seat, guest, 'get', card()))).toEqual(['cancel', 'item-not-found']);
  });
});

describe('XEP-0486 and what is beside it', () => {
  it('§3.1: the service names the feature', () => {
    const world = new World(plain);
    world.send(
      iq(jid('x@localhost/y'), jid('conference.localhost'), { type: 'get', id: 'd' }, el('query', NS.discoInfo)),
    );
    expect(JSON.stringify(world.got('x@localhost/y'))).toContain(`"var":"${vcardNs}"`);
  });

  it('XEP-0045 §10.1: it unlocks no new room', () => {
    const world = new World(plain);
    const room = 'new@conference.localhost';
    const owner = { jid: 'crone1@localhost/desktop', room, nick: 'firstwitch' };
    world.send(joins(owner.jid, `${room}/firstwitch`));
    const seat: Seat = { name: 'new', world, owner, guest: owner, late: owner };
    expect(sets(seat, card(photo('image/png', png))).type).toBe('result');
    world.clear();
    world.send(presence(jid('hag66@localhost/pda'), jid(`${room}/hag`), {}, el('x', NS.muc)));
    expect(world.got('hag66@localhost/pda').map((stanza) => errorOf(stanza)?.condition)).toEqual(['item-not-found']);
  });

  it('in federated rooms each has its own', () => {
    const seat = seatOf('fmuc');
    const { world, owner, guest } = seat;
    sets(seat, card(photo('image/png', png)));
    expect([told(seat, owner), told(seat, guest)]).toEqual([[hashOf(png)], []]);
    expect(world.crossed()).toEqual([]);
    expect(condition(asks(seat, guest, 'get', card()))).toEqual(['cancel', 'item-not-found']);
  });

  it.each(['bounce', 'silent'] as const)(
    'decision #115: a replica that missed it tells its users at the netjoin (%s)',
    (how) => {
      const seat = seatOf('replica');
      const { world, owner, guest } = seat;
      world.cut('avalon.irc', 'vesa.yeggmaex.irc', how);
      sets(seat, card(photo('image/png', png)));
      world.send(says(owner.jid, owner.room, 'x'));
      world.cut('avalon.irc', 'vesa.yeggmaex.irc', undefined);
      world.clear();
      world.advance(200_000);
      expect([told(seat, guest), statuses(seat, guest)]).toEqual([[hashOf(png)], ['104']]);
      expect(JSON.stringify(world.sent)).not.toContain(png);
    },
  );

  it('decision #115: so does one that is given everything', () => {
    const seat = seatOf('replica');
    const { world, guest } = seat;
    const primary = jid('channel.avalon.irc');
    world.cut('avalon.irc', 'vesa.yeggmaex.irc', 'silent');
    sets(seat, card(photo('image/png', png)));
    const log = world
      .crash(primary)
      .map((event) =>
        event.kind === 'peerChanged' && event.record
          ? { ...event, record: { ...event.record, session: 'another' } }
          : event,
      );
    world.boot(primary, log);
    world.cut('avalon.irc', 'vesa.yeggmaex.irc', undefined);
    world.clear();
    world.advance(200_000);
    expect(told(seat, guest)).toEqual([hashOf(png)]);
  });

  it('a thousand cards, one after the other, are not kept', () => {
    const seat = seatOf('primary');
    const { world } = seat;
    for (let i = 0; i < 5; i++) sets(seat, card(el('FN', vcardNs, {}, `card ${i}`)));
    const snapshot = JSON.stringify(world.seat(jid('channel.avalon.irc')).node.snapshot());
    expect([0, 1, 2, 3, 4].filter((i) => snapshot.includes(`card ${i}`))).toEqual([4]);
  });
});
