import { describe, expect, it } from 'vitest';
import { bareOf, jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, errorReply, iq, iqResult, payloadOf, type Stanza, withParts } from '../../src/core/xmpp/stanza.ts';
import { el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { type Seat, type Somebody, seats } from '../support/cast.ts';
import { joins, says } from '../support/world.ts';

const vcard = el('vCard', 'vcard-temp');
const vcard4 = el('vcard', 'urn:ietf:params:xml:ns:vcard-4.0');
const pubsub = 'http://jabber.org/protocol/pubsub';
const avatar = el('pubsub', pubsub, {}, el('items', pubsub, { node: 'urn:xmpp:avatar:metadata' }));
const version = el('query', 'jabber:iq:version');

/** Asks the other for something, by the occupant JID that they know. @returns what came to them, or to their account */
function asks({ world }: Seat, from: Somebody, to: Somebody, ...payloads: XmlElement[]): Stanza {
  world.clear();
  world.send(iq(jid(from.jid), jid(`${from.room}/${to.nick}`), { type: 'get', id: 'v1' }, ...payloads));
  return world.to(bareOf(jid(to.jid))).find(({ name }) => name === 'iq') as Stanza;
}
/** What the one who asked is answered, in the end. */
function answers({ world }: Seat, who: Somebody, answer: Stanza | undefined): Stanza | undefined {
  world.clear();
  if (answer) world.send(answer);
  return world.got(who.jid).find(({ name }) => name === 'iq');
}

describe.each(['plain', 'primary', 'replica'])('XEP-0045 §17.4 iqs between occupants, in the seat %s', (name) => {
  const seated = (room = {}) => (seats[name] as (typeof seats)[string])(room);

  it.each([
    ['vcard-temp', vcard],
    ['vCard4', vcard4],
    ['PEP', avatar],
  ])('decision #111: %s is asked of the bare JID, and the answer comes from the occupant JID', (_, payload) => {
    const seat = seated();
    const { guest, owner } = seat;
    const asked = asks(seat, guest, owner, payload);
    expect([asked.from, asked.to, asked.type]).toEqual([`${owner.room}/${guest.nick}`, bareOf(jid(owner.jid)), 'get']);
    expect(asked.payloads).toEqual([payload]);
    const card = el(payload.name, payload.xmlns, {}, el('FN', payload.xmlns, {}, 'The Owner'));
    const answer = answers(seat, guest, iqResult(asked, card));
    expect(answer).toMatchObject({ from: `${guest.room}/${owner.nick}`, to: guest.jid, type: 'result', id: 'v1' });
    expect(answer?.payloads).toEqual([card]);
  });

  it('decision #111: what the server says names nobody by their real JID', () => {
    const seat = seated();
    const { guest, owner } = seat;
    const user = bareOf(jid(owner.jid));
    const occupant = `${guest.room}/${owner.nick}`;
    const refused = errorReply(asks(seat, guest, owner, avatar), {
      type: 'cancel',
      condition: 'item-not-found',
      by: user,
    });
    const error = answers(seat, guest, refused);
    expect([errorOf(error as Stanza)?.condition, errorOf(error as Stanza)?.by]).toEqual(['item-not-found', occupant]);
    const encoded = el('URI', pubsub, {}, `xmpp:${user.replace('@', '%40')}?message`);
    const item = el('item', pubsub, { id: '1', publisher: owner.jid }, el('IMPP', pubsub, {}, `xmpp:${user}`), encoded);
    const items = el('pubsub', pubsub, {}, el('items', pubsub, {}, item));
    const told = answers(seat, guest, iqResult(asks(seat, guest, owner, avatar), items));
    expect(JSON.stringify(told)).not.toContain(user);
    expect(JSON.stringify(told)).not.toContain('%40');
    // A moderator sees real JIDs in any case.
    const toOwner = { ...item, attrs: { id: '1', publisher: guest.jid } };
    const open = answers(seat, owner, iqResult(asks(seat, owner, guest, avatar), el('pubsub', pubsub, {}, toOwner)));
    expect(JSON.stringify(open?.payloads)).toContain(guest.jid);
  });

  it('anything else is asked of the client, under the id that it was given', () => {
    const seat = seated();
    const { guest, owner } = seat;
    const asked = asks(seat, guest, owner, version);
    expect([asked.to, asked.id]).toEqual([owner.jid, 'v1']);
    const answer = answers(seat, guest, iqResult(asked, version));
    expect([answer?.from, answer?.id]).toEqual([`${guest.room}/${owner.nick}`, 'v1']);
  });

  it('decision #111: the answer comes to the session that asked', () => {
    const seat = seated();
    const { world, guest, owner } = seat;
    const phone = { ...guest, jid: `${guest.jid}-phone` };
    world.send(joins(phone.jid, `${phone.room}/${phone.nick}`));
    for (const who of [guest, phone]) {
      const asked = asks(seat, who, owner, vcard);
      expect(asked.to).toBe(bareOf(jid(owner.jid)));
      expect(answers(seat, who, iqResult(asked, vcard))).toMatchObject({
        from: `${guest.room}/${owner.nick}`,
        id: 'v1',
      });
      expect(world.to(bareOf(jid(guest.jid))).filter(({ name }) => name === 'iq')).toHaveLength(1);
    }
  });

  it('nobody answers for another: not for another’s nick, and not from outside', () => {
    const seat = seated();
    const { world, guest, owner, late } = seat;
    const asked = asks(seat, guest, owner, vcard);
    const forged = withParts(iqResult(asked, vcard), { from: bareOf(jid(late.jid)) });
    expect(answers(seat, guest, forged)).toBeUndefined();
    world.send(joins(late.jid, `${late.room}/${late.nick}`));
    expect(answers(seat, guest, forged)).toBeUndefined();
    expect(answers(seat, guest, withParts(forged, { id: 'account:%:x' }))).toBeUndefined();
    expect(answers(seat, guest, withParts(iqResult(asked, vcard), { id: 'v1' }))).toBeUndefined();
  });
});

describe('XEP-0045 §17.4 iqs between users of a replica that is cut off', () => {
  it('decision #111: vCards are asked of the bare JID there, too; errors are answers', () => {
    const seat = (seats['replica'] as (typeof seats)[string])({}, { policy: 'local' });
    const { world, owner, guest, late } = seat;
    world.send(joins(late.jid, `${late.room}/${late.nick}`));
    world.cut('avalon.irc', 'vesa.yeggmaex.irc', 'bounce');
    world.send(says(owner.jid, owner.room, 'beyond'), says(guest.jid, guest.room, 'lost'));
    world.advance(6_000);
    const asked = asks(seat, guest, late, vcard);
    expect([asked.from, asked.to]).toEqual([`${guest.room}/${guest.nick}`, bareOf(jid(late.jid))]);
    const answer = answers(seat, guest, iqResult(asked, vcard));
    expect([answer?.from, answer?.id, answer && payloadOf(answer, 'vCard', 'vcard-temp')]).toEqual([
      `${guest.room}/${late.nick}`,
      'v1',
      vcard,
    ]);
    const refused = errorReply(asks(seat, guest, late, version), { type: 'cancel', condition: 'service-unavailable' });
    const error = answers(seat, guest, refused);
    expect([error?.from, error && payloadOf(error, 'error', NS.client) !== undefined]).toEqual([
      `${guest.room}/${late.nick}`,
      true,
    ]);
  });
});
