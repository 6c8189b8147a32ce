import { describe, expect, it } from 'vitest';
import { readStanzaId } from '../../src/core/xep/xep0359.ts';
import { readOccupantId } from '../../src/core/xep/xep0421.ts';
import { readRetract, retractNs } from '../../src/core/xep/xep0424.ts';
import { moderateNs } from '../../src/core/xep/xep0425.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, message, payloadOf, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { childOf, el, elementsOf, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { type Seat, type Somebody, seats } from '../support/cast.ts';
import { joins, leaves, says } from '../support/world.ts';

const mam = 'urn:xmpp:mam:2';
const wicked = 'DM me for free magic potions!';

const seatOf = (name: string, ...parts: Parameters<(typeof seats)[string]>) =>
  (seats[name] as (typeof seats)[string])(...parts);
const messagesTo = ({ world }: Seat, who: Somebody) => world.got(who.jid).filter(({ name }) => name === 'message');

/** The guest says it. @returns the id that the room gave it */
function says1({ world, guest }: Seat, text = wicked, who = guest): string {
  world.clear();
  world.send({ ...says(who.jid, who.room, text), id: 'm1' });
  const heard = world.got(who.jid).find((stanza) => bodyOf(stanza) === text) as Stanza;
  return readStanzaId(heard.payloads, jid(who.room))?.id as string;
}
function moderates({ world }: Seat, who: Somebody, id: string | undefined, ...more: XmlElement[]): Stanza {
  const retract = el('retract', retractNs);
  world.clear();
  world.send(
    iq(jid(who.jid), jid(who.room), { type: 'set', id: 'r1' }, el('moderate', moderateNs, { id }, retract, ...more)),
  );
  return world.got(who.jid).find(({ name }) => name === 'iq') as Stanza;
}
const reason = el('reason', moderateNs, {}, 'inappropriate');

/** The messages that the archive of their room holds, by their ids. */
function archive({ world }: Seat, who: Somebody): Map<string | undefined, XmlElement> {
  world.clear();
  world.send(iq(jid(who.jid), jid(who.room), { type: 'set', id: 'q' }, el('query', mam)));
  const results = world.got(who.jid).flatMap((stanza) => payloadOf(stanza, 'result', mam) ?? []);
  return new Map(
    results.map((result) => {
      const forwarded = childOf(result, 'forwarded', 'urn:xmpp:forward:0') as XmlElement;
      return [result.attrs['id'], childOf(forwarded, 'message', NS.client) as XmlElement];
    }),
  );
}
const tombstoneIn = (said: XmlElement | undefined) => said && childOf(said, 'retracted', retractNs);
function enters({ world }: Seat, who: Somebody): readonly Stanza[] {
  world.clear();
  world.send(joins(who.jid, `${who.room}/${who.nick}`));
  return world.got(who.jid).filter(({ name }) => name === 'message');
}
/** All that the nodes of the seat remember. */
const nodesOf = ({ world, owner, guest }: Seat) =>
  ['conference.localhost', 'channel.avalon.irc', 'replica@vesa.yeggmaex.irc', 'replica@killrc.oulubox.irc']
    .concat(['rooms.wonderland.lit', 'talk.denmark.lit'])
    .flatMap((address) => {
      try {
        return [world.seat(jid(address))];
      } catch {
        return [];
      }
    })
    .filter(() => owner && guest);
const remembers = (seat: Seat, text: string) =>
  nodesOf(seat).filter(({ node }) => JSON.stringify(node.snapshot()).includes(text)).length;

describe.each(['plain', 'primary', 'replica'])('XEP-0425 §3 in the seat %s', (name) => {
  it('RFC 6120 §8.4: a moderation that is no `set`, and a `set` that no rule knows, are answered so', () => {
    const seat = seatOf(name);
    const { world, owner } = seat;
    const moderate = el('moderate', moderateNs, { id: says1(seat) }, el('retract', retractNs));
    for (const [type, payload] of [
      ['get', moderate],
      ['set', el('moderate', 'urn:example:other')],
    ] as const) {
      world.clear();
      world.send(iq(jid(owner.jid), jid(owner.room), { type, id: 'r1' }, payload));
      expect(world.got(owner.jid).map((stanza) => errorOf(stanza)?.condition)).toEqual(['service-unavailable']);
    }
  });

  it('Examples 3 to 6: everybody is told by the room, and the moderator gets a result', () => {
    const seat = seatOf(name);
    const { owner, guest } = seat;
    const id = says1(seat);
    const answer = moderates(seat, owner, id, reason);
    expect([answer.type, answer.id, answer.from]).toEqual(['result', 'r1', owner.room]);
    for (const who of [owner, guest]) {
      const [told, ...more] = messagesTo(seat, who);
      expect(more).toEqual([]);
      expect([told?.from, told?.to, told?.type]).toEqual([who.room, who.jid, 'groupchat']);
      expect(told?.id).toBeDefined();
      const retract = payloadOf(told as Stanza, 'retract', retractNs) as XmlElement;
      const moderated = childOf(retract, 'moderated', moderateNs) as XmlElement;
      expect([retract.attrs['id'], moderated.attrs['by']]).toEqual([id, `${who.room}/${owner.nick}`]);
      expect(textOf(childOf(retract, 'reason', retractNs) as XmlElement)).toBe('inappropriate');
      expect(readOccupantId(elementsOf(moderated))).not.toBe('');
      expect(readStanzaId(told?.payloads ?? [], jid(who.room))).toBeDefined();
    }
  });

  it('§4: in the archive and the history there is a tombstone, and the retraction that it names', () => {
    const seat = seatOf(name);
    const { owner, guest, late } = seat;
    const id = says1(seat);
    const after = says1(seat, 'after', owner);
    moderates(seat, owner, id, reason);
    const told = messagesTo(seat, guest)[0] as Stanza;
    const kept = archive(seat, guest);
    expect([...kept.keys()]).toEqual([id, after, readStanzaId(told.payloads)?.id]);
    const retracted = tombstoneIn(kept.get(id)) as XmlElement;
    expect(retracted.attrs).toMatchObject({ id: told.id, stamp: expect.any(String) });
    expect(childOf(retracted, 'moderated', moderateNs)).toEqual(
      childOf(payloadOf(told, 'retract', retractNs) as XmlElement, 'moderated', moderateNs),
    );
    expect(textOf(childOf(retracted, 'reason', retractNs) as XmlElement)).toBe('inappropriate');
    expect(kept.get(id)?.attrs).toMatchObject({ from: `${guest.room}/${guest.nick}`, id: 'm1' });
    const [first, second, third] = enters(seat, late);
    expect(payloadOf(first as Stanza, 'retracted', retractNs)).toEqual(retracted);
    expect(readOccupantId(first?.payloads ?? [])).not.toBe('');
    expect(bodyOf(second as Stanza)).toBe('after');
    expect([third?.from, readRetract(third?.payloads ?? [])]).toEqual([late.room, id]);
    expect(remembers(seat, wicked)).toBe(0);
  });

  it('§2, XEP-0424 §2, §4: disco', () => {
    const { world, late } = seatOf(name);
    world.send(iq(jid(late.jid), jid(late.room), { type: 'get', id: 'd' }, el('query', NS.discoInfo)));
    const query = payloadOf(world.got(late.jid)[0] as Stanza, 'query', NS.discoInfo) as XmlElement;
    const features = elementsOf(query).map(({ attrs }) => attrs['var']);
    expect(features).toEqual(expect.arrayContaining([moderateNs, retractNs, `${retractNs}#tombstone`]));
  });

  it('the log of before keeps nothing of it: a snapshot takes its place', () => {
    const seat = seatOf(name);
    const id = says1(seat);
    const before = seat.world.compacted.length;
    moderates(seat, seat.owner, id);
    expect(seat.world.compacted.length).toBeGreaterThan(before);
  });

  it('is refused to those who are no moderators, for messages that are not there, and for what is no retraction', () => {
    const seat = seatOf(name);
    const { world, owner, guest, late } = seat;
    const id = says1(seat);
    const conditions = (stanza: Stanza) => [errorOf(stanza)?.type, errorOf(stanza)?.condition];
    for (const who of [guest, late]) expect(conditions(moderates(seat, who, id))).toEqual(['auth', 'forbidden']);
    expect(conditions(moderates(seat, owner, 'no-such-id'))).toEqual(['cancel', 'item-not-found']);
    expect(conditions(moderates(seat, owner, undefined))).toEqual(['modify', 'bad-request']);
    world.clear();
    world.send(iq(jid(owner.jid), jid(owner.room), { type: 'set', id: 'r2' }, el('moderate', moderateNs, { id })));
    expect(conditions(world.got(owner.jid)[0] as Stanza)).toEqual(['modify', 'bad-request']);
    expect(bodyOf(enters(seat, late)[0] as Stanza)).toBe(wicked);
  });

  it('what has been taken back is taken back: a second moderation changes nothing and is no refusal', () => {
    const seat = seatOf(name);
    const { owner, guest } = seat;
    const id = says1(seat);
    moderates(seat, owner, id);
    expect(moderates(seat, owner, id).type).toBe('result');
    expect(messagesTo(seat, guest)).toEqual([]);
    const word = [...archive(seat, owner)].find(([, said]) => readRetract(elementsOf(said)) === id)?.[0];
    expect(errorOf(moderates(seat, owner, word))?.condition).toBe('not-allowed');
  });

  it('decision #112: a subject that is taken back is none any more for those who enter', () => {
    const seat = seatOf(name);
    const { world, owner, late } = seat;
    world.send(message(jid(owner.jid), jid(owner.room), { type: 'groupchat' }, el('subject', NS.client, {}, 'wicked')));
    const told = world.got(owner.jid).find((stanza) => payloadOf(stanza, 'subject', NS.client)) as Stanza;
    moderates(seat, owner, readStanzaId(told.payloads, jid(owner.room))?.id);
    const last = enters(seat, late).at(-1) as Stanza;
    expect(payloadOf(last, 'subject', NS.client)?.children).toEqual([]);
    expect(remembers(seat, '"wicked"')).toBe(0);
  });

  it('decision #112: an admin need not be in; from another client of a moderator it is the moderator who does it', () => {
    const seat = seatOf(name);
    const { world, owner, guest } = seat;
    const byOf = () => {
      const retract = payloadOf(messagesTo(seat, guest)[0] as Stanza, 'retract', retractNs) as XmlElement;
      return childOf(retract, 'moderated', moderateNs)?.attrs['by'];
    };
    const [first, second] = ['one', 'two'].map((text) => says1(seat, text)) as [string, string];
    const other = { ...owner, jid: `${owner.jid}-other` };
    expect(moderates(seat, other, first).type).toBe('result');
    expect(byOf()).toBe(`${guest.room}/${owner.nick}`);
    world.send(leaves(owner.jid, `${owner.room}/${owner.nick}`));
    expect(moderates(seat, owner, second).type).toBe('result');
    expect(byOf()).toBeUndefined();
  });

  it('XEP-0045 §7.2.8: each session of an occupant hears of it once', () => {
    const seat = seatOf(name);
    const { world, owner, guest } = seat;
    const phone = { ...guest, jid: `${guest.jid}-phone` };
    world.send(joins(phone.jid, `${phone.room}/${phone.nick}`));
    const id = says1(seat);
    moderates(seat, owner, id);
    for (const who of [guest, phone])
      expect(messagesTo(seat, who).map(({ payloads }) => readRetract(payloads))).toEqual([id]);
  });

  it('§5: only the room moderates: a tombstone or such a retraction of a user is not passed on', () => {
    const seat = seatOf(name);
    const { world, owner, guest, late } = seat;
    const id = says1(seat, 'honest', owner);
    const moderated = el('moderated', moderateNs, { by: `${guest.room}/${owner.nick}` });
    world.clear();
    for (const forged of [
      el('retract', retractNs, { id }, moderated),
      el('retracted', retractNs, { id: 'x' }, moderated),
      moderated,
    ])
      world.send(
        message(jid(guest.jid), jid(guest.room), { type: 'groupchat' }, el('body', NS.client, {}, 'x'), forged),
      );
    for (const stanza of messagesTo(seat, owner)) {
      expect(bodyOf(stanza)).toBe('x');
      expect(stanza.payloads.filter(({ xmlns }) => xmlns === retractNs || xmlns === moderateNs)).toEqual([]);
    }
    expect(bodyOf(enters(seat, late)[0] as Stanza)).toBe('honest');
  });
});

describe.each(Object.keys(seats))('XEP-0424 §5 in the seat %s', (name) => {
  const retracts = (who: Somebody, id: string) =>
    message(
      jid(who.jid),
      jid(who.room),
      { type: 'groupchat', id: 'retract-1' },
      el('retract', retractNs, { id }),
      el('body', NS.client, {}, '/me retracted a previous message'),
    );

  it('decision #112: of what its author takes back a tombstone is left; everybody gets the retraction', () => {
    const seat = seatOf(name);
    const { world, owner, guest, late } = seat;
    const id = says1(seat);
    world.clear();
    world.send(retracts(guest, id));
    for (const who of [owner, guest])
      expect(messagesTo(seat, who).map(({ payloads }) => readRetract(payloads))).toEqual([id]);
    for (const who of [owner, guest])
      expect(tombstoneIn(archive(seat, who).get(id))?.attrs).toMatchObject({ id: 'retract-1' });
    const [first, second] = enters(seat, late);
    expect(payloadOf(first as Stanza, 'retracted', retractNs)?.children).toEqual([]);
    expect(readRetract(second?.payloads ?? [])).toBe(id);
    expect(remembers(seat, wicked)).toBe(0);
  });

  it('nobody takes back what another said', () => {
    const seat = seatOf(name);
    const { world, owner, guest, late } = seat;
    const id = says1(seat, 'honest', owner);
    world.send(retracts(guest, id));
    expect(bodyOf(enters(seat, late)[0] as Stanza)).toBe('honest');
    for (const who of [owner, guest]) expect(tombstoneIn(archive(seat, who).get(id))).toBeUndefined();
  });
});
