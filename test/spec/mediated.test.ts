import { describe, expect, it } from 'vitest';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser } from '../../src/core/xep/xep0045.ts';
import type { Condition } from '../../src/core/xmpp/errors.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import {
  bodyOf,
  errorOf,
  errorReply,
  iq,
  message,
  payloadOf,
  presence,
  type Stanza,
} from '../../src/core/xmpp/stanza.ts';
import { childrenOf, el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario, ScenarioRoom } from '../../src/scenario/scenario.ts';
import { plain, wallops, wonderland } from '../support/scenarios.ts';
import { joins, leaves, says, tells, World } from '../support/world.ts';

// What a room passes on for somebody may come back, or be answered, after the two have other nicks or are gone. It is
// theirs to know, from the address to which they wrote.

const service = jid('conference.localhost');
const coven = jid('coven@conference.localhost');
const [crone, wicca, hag, hecate] = [
  'crone1@localhost/desktop',
  'wiccarocks@localhost/laptop',
  'hag66@localhost/pda',
  'hecate@localhost/broom',
] as const;

function inside(room: Partial<ScenarioRoom> = {}): World {
  const affiliations = [
    { jid: 'crone1@localhost', affiliation: 'owner' as const },
    { jid: 'wiccarocks@localhost', affiliation: 'member' as const },
  ];
  const rooms = [{ jid: coven, ...room, affiliations: [...affiliations, ...(room.affiliations ?? [])] }];
  const node = { kind: 'service', address: service, server: 'localhost', rooms } as const;
  const world = new World({ ...plain, nodes: [node], occupants: [], script: [] } as Scenario);
  world.send(joins(crone, `${coven}/firstwitch`));
  world.send(joins(wicca, `${coven}/secondwitch`));
  world.clear();
  return world;
}

const user = (...children: XmlElement[]) => el('x', NS.mucUser, {}, ...children);
const invite = (...to: string[]) => user(...to.map((one) => el('invite', NS.mucUser, { to: one })));
const decline = (to: string) => user(el('decline', NS.mucUser, { to }, el('reason', NS.mucUser, {}, 'busy')));
/** The last message to this address comes back. */
function bounces(world: World, to: string, condition: Condition = 'item-not-found', from = to): void {
  const sent = world
    .got(to)
    .filter(({ name }) => name === 'message')
    .at(-1) as Stanza;
  world.send({ ...(errorReply(sent, { type: 'cancel', condition }) as Stanza), from: jid(from) });
}
const errors = (world: World, who: string) =>
  world.got(who).flatMap((stanza) => {
    const error = errorOf(stanza);
    return error === undefined ? [] : [[stanza.name, stanza.from, stanza.id, error.condition]];
  });
const affiliation = (world: World, bare: string) =>
  world
    .seat(service)
    .node.snapshot()
    .rooms[0]?.affiliations.find(([who]) => who === bare)?.[1] ?? 'none';
const nicks = (world: World, node = service) => world.status(node).occupants.map(({ nick }) => nick);

describe('XEP-0045 §7.8.2 "the room SHOULD return an error to the inviter"', () => {
  it('decision #126: an invitation that bounces comes back to the inviter, from the room, and names who was invited', () => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite('nobody@localhost')));
    bounces(world, 'nobody@localhost');
    expect(errors(world, wicca)).toEqual([['message', coven, 'i', 'item-not-found']]);
    const x = payloadOf(world.got(wicca).at(-1) as Stanza, 'x', NS.mucUser) as XmlElement;
    expect(childrenOf(x, 'invite', NS.mucUser).map(({ attrs }) => attrs)).toEqual([{ to: 'nobody@localhost' }]);
    expect(nicks(world)).toEqual(['firstwitch', 'secondwitch']);
  });

  it.each<Condition>(['service-unavailable', 'remote-server-not-found', 'not-acceptable'])(
    'decision #126: also with %s, and where the invitation had no id',
    (condition) => {
      const world = inside();
      world.send(message(jid(wicca), coven, {}, invite('nobody@localhost')));
      bounces(world, 'nobody@localhost', condition);
      expect(errors(world, wicca).map(([, from, , named]) => [from, named])).toEqual([[coven, condition]]);
    },
  );

  it('decision #126, #102: who was invited by an occupant’s address is named by it, and by no other', () => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite(`${coven}/firstwitch`)));
    const sent = world.got('crone1@localhost')[0] as Stanza;
    world.clear();
    world.send(errorReply(sent, { type: 'cancel', condition: 'forbidden', text: 'not to crone1@localhost' }) as Stanza);
    expect(world.got(wicca)).toHaveLength(1);
    expect(JSON.stringify(world.got(wicca)[0]?.payloads)).toContain(`${coven}/firstwitch`);
    expect(JSON.stringify(world.got(wicca)[0]?.payloads)).not.toContain('crone1@');
  });

  it('decision #126: of several in one message, the one that came back', () => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite('nobody@localhost', hecate)));
    bounces(world, 'nobody@localhost');
    const x = payloadOf(world.got(wicca).at(-1) as Stanza, 'x', NS.mucUser) as XmlElement;
    expect(childrenOf(x, 'invite', NS.mucUser).map(({ attrs }) => attrs['to'])).toEqual(['nobody@localhost']);
    world.clear();
    world.send(message(jid(hecate), coven, { id: 'd' }, decline(`${coven}/secondwitch`)));
    expect(world.got(wicca)).toHaveLength(1);
  });

  it.each<[string, (world: World) => void, string]>([
    ['has another nick', (world) => world.send(presence(jid(wicca), jid(`${coven}/other`), {})), wicca],
    ['has left', (world) => world.send(leaves(wicca, `${coven}/secondwitch`)), 'wiccarocks@localhost'],
    [
      'is in from another client',
      (world) => {
        world.send(leaves(wicca, `${coven}/secondwitch`));
        world.send(joins('wiccarocks@localhost/phone', `${coven}/secondwitch`));
      },
      'wiccarocks@localhost/phone',
    ],
  ])('decision #126: the inviter, who %s meanwhile, is told', (_what, change, told) => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite('nobody@localhost')));
    const sent = world.got('nobody@localhost')[0] as Stanza;
    change(world);
    world.clear();
    world.send(errorReply(sent, { type: 'cancel', condition: 'item-not-found' }) as Stanza);
    expect(errors(world, told)).toEqual([['message', coven, 'i', 'item-not-found']]);
  });

  it('decision #126: an address that bounced does not stay a member by its invitation', () => {
    const world = inside({ membersOnly: true });
    world.send(message(jid(crone), coven, { id: 'i' }, invite('nobody@localhost')));
    expect(affiliation(world, 'nobody@localhost')).toBe('member');
    world.clear();
    world.send(message(jid(crone), coven, { id: 'i2' }, invite('nobody@localhost')));
    bounces(world, 'nobody@localhost');
    expect(affiliation(world, 'nobody@localhost')).toBe('none');
    world.send(joins('nobody@localhost/x', `${coven}/x`));
    expect(errors(world, 'nobody@localhost/x').map(([, , , condition]) => condition)).toEqual([
      'registration-required',
    ]);
  });

  it.each<[string, (world: World) => void, string]>([
    ['was a member before', () => {}, 'wiccarocks@localhost'],
    ['has come in', (world) => world.send(joins(hecate, `${coven}/hecate`)), 'hecate@localhost'],
    [
      'has registered a nick (§7.10)',
      (world) => {
        const field = { var: 'muc#register_roomnick', values: ['hecate'] };
        const form = writeForm({
          type: 'submit',
          formType: 'http://jabber.org/protocol/muc#register',
          fields: [field],
        });
        world.send(iq(jid(hecate), coven, { type: 'set', id: 'r' }, el('query', 'jabber:iq:register', {}, form)));
      },
      'hecate@localhost',
    ],
    [
      'was made an admin',
      (world) => {
        const item = el('item', NS.mucAdmin, { jid: 'hecate@localhost', affiliation: 'admin' });
        world.send(iq(jid(crone), coven, { type: 'set', id: 'a' }, el('query', NS.mucAdmin, {}, item)));
      },
      'hecate@localhost',
    ],
  ])('decision #126: but who %s keeps what they are', (_what, change, invitee) => {
    const world = inside({ membersOnly: true });
    world.send(message(jid(crone), coven, { id: 'i' }, invite(invitee)));
    const sent = world.got(invitee).at(-1) as Stanza;
    change(world);
    world.send(errorReply(sent, { type: 'cancel', condition: 'service-unavailable' }) as Stanza);
    expect(affiliation(world, invitee)).toBe(_what === 'was made an admin' ? 'admin' : 'member');
  });

  it('decision #126: an error that is about no invitation changes nothing', () => {
    const world = inside({ membersOnly: true });
    world.send(message(jid(crone), coven, { id: 'i' }, invite(hecate)));
    world.clear();
    const error = el('error', NS.client, { type: 'cancel' }, el('item-not-found', NS.stanzas));
    world.send(message(jid(hecate), coven, { type: 'error', id: 'other' }, error));
    world.send(message(jid(hag), coven, { type: 'error', id: 'i' }, error));
    expect([world.got(crone), affiliation(world, 'hecate@localhost')]).toEqual([[], 'member']);
  });

  it('decision #126: an invitation comes back once, and is declined no more after that', () => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite(hecate)));
    const sent = world.got(hecate)[0] as Stanza;
    const bounce = errorReply(sent, { type: 'cancel', condition: 'item-not-found' }) as Stanza;
    world.clear();
    world.send(bounce, bounce);
    expect(errors(world, wicca)).toEqual([['message', coven, 'i', 'item-not-found']]);
    world.clear();
    world.send(message(jid(hecate), coven, { id: 'd' }, decline(`${coven}/secondwitch`)));
    expect([world.got(wicca), errors(world, hecate).map(([, , , condition]) => condition)]).toEqual([
      [],
      ['forbidden'],
    ]);
  });

  it.each(['', '@localhost'])('a decline to %j, which is no address, is refused with one error', (to) => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite(hecate)));
    world.clear();
    world.send(message(jid(hecate), coven, { id: 'd' }, decline(to)));
    expect(errors(world, hecate)).toEqual([['message', coven, 'd', 'jid-malformed']]);
    expect(world.got(wicca)).toEqual([]);
  });

  it('decision #126: a decline is passed on only from a user who was invited, once, and by this inviter', () => {
    const world = inside();
    const says = (from: string, to: string) => {
      world.clear();
      world.send(message(jid(from), coven, { id: 'd' }, decline(to)));
      return [
        world.got(crone).length + world.got(wicca).length,
        errors(world, from).map(([, , , condition]) => condition),
      ];
    };
    for (const to of [`${coven}/secondwitch`, wicca, 'wiccarocks@localhost', `${coven}/nobody`, 'nobody@elsewhere.lit'])
      expect([to, ...says(hag, to)]).toEqual([to, 0, ['forbidden']]);
    world.send(message(jid(wicca), coven, { id: 'i' }, invite('hag66@localhost')));
    expect(says(hag, `${coven}/firstwitch`)).toEqual([0, ['forbidden']]);
    expect(says(hecate, `${coven}/secondwitch`)).toEqual([0, ['forbidden']]);
    expect(says(hag, `${coven}/secondwitch`)).toEqual([1, []]);
    expect(world.got(wicca).map(({ from, id }) => [from, id])).toEqual([[coven, 'd']]);
    expect(says(hag, `${coven}/secondwitch`)).toEqual([0, ['forbidden']]);
  });

  it('decision #126, §9.5: who is made a member of a members-only room is invited, may decline, and a bounce is told', () => {
    for (const back of ['declines', 'bounces']) {
      const world = inside({ membersOnly: true });
      const item = el('item', NS.mucAdmin, { jid: 'hecate@localhost', affiliation: 'member' });
      world.send(iq(jid(crone), coven, { type: 'set', id: 'a' }, el('query', NS.mucAdmin, {}, item)));
      const sent = world.got('hecate@localhost')[0] as Stanza;
      world.clear();
      if (back === 'bounces') world.send(errorReply(sent, { type: 'cancel', condition: 'item-not-found' }) as Stanza);
      else world.send(message(jid(hecate), coven, { id: 'd' }, decline(`${coven}/firstwitch`)));
      expect(world.got(crone).map(({ type, from }) => [type, from])).toEqual([
        [back === 'bounces' ? 'error' : undefined, coven],
      ]);
      // An admin made them a member, not an invitation.
      expect(affiliation(world, 'hecate@localhost')).toBe('member');
    }
  });

  it('decision #126: an accepted invitation is declined no more', () => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite(hecate)));
    world.send(joins(hecate, `${coven}/hecate`));
    world.clear();
    world.send(message(jid(hecate), coven, { id: 'd' }, decline(`${coven}/secondwitch`)));
    expect([world.got(wicca), errors(world, hecate).map(([, , , condition]) => condition)]).toEqual([
      [],
      ['forbidden'],
    ]);
  });

  it('decision #126: who was invited outlives the node, by its log and by its snapshot', () => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite(hecate)));
    world.boot(service, world.crash(service));
    world.clear();
    world.send(message(jid(hecate), coven, { id: 'd' }, decline(`${coven}/secondwitch`)));
    expect(world.got(wicca)).toHaveLength(1);
    world.send(message(jid(wicca), coven, { id: 'i' }, invite(hecate)));
    const snapshot = structuredClone(world.seat(service).node.snapshot());
    world.boot(service);
    world.seat(service).node.restore(snapshot);
    world.clear();
    world.send(message(jid(hecate), coven, { id: 'd' }, decline(`${coven}/secondwitch`)));
    expect(world.got(wicca)).toHaveLength(1);
  });

  it('decision #126: a snapshot of an earlier version knows of no invitation', () => {
    const world = inside();
    const { version, rooms } = structuredClone(world.seat(service).node.snapshot());
    const old = rooms.map(({ invitations: _, ...room }) => room);
    world.seat(service).node.restore({ version, rooms: old });
    expect(nicks(world)).toEqual(['firstwitch', 'secondwitch']);
  });

  it('decision #123: a decline that bounces comes back to the user who declined', () => {
    const world = inside();
    world.send(message(jid(wicca), coven, { id: 'i' }, invite(hecate)));
    world.send(message(jid(hecate), coven, { id: 'd' }, decline(`${coven}/secondwitch`)));
    bounces(world, wicca, 'recipient-unavailable');
    expect(errors(world, hecate)).toEqual([['message', coven, 'd', 'recipient-unavailable']]);
    expect(nicks(world)).toEqual(['firstwitch', 'secondwitch']);
  });
});

describe('XEP-0045 §7.13 Requesting Voice', () => {
  const request = writeForm({
    type: 'submit',
    formType: 'http://jabber.org/protocol/muc#request',
    fields: [{ var: 'muc#role', values: ['participant'] }],
  });
  const withAdmin = () =>
    inside({ moderated: true, affiliations: [{ jid: 'hecate@localhost', affiliation: 'admin' }] });

  it('decision #124: a request that no moderator can get is told to the user, once it is none', () => {
    const world = withAdmin();
    world.send(joins(hecate, `${coven}/hecate`));
    world.send(joins(hag, `${coven}/thirdwitch`));
    world.clear();
    world.send(message(jid(hag), coven, { id: 'v' }, request));
    bounces(world, crone);
    expect(errors(world, hag)).toEqual([]);
    bounces(world, hecate, 'recipient-unavailable');
    expect(errors(world, hag)).toEqual([['message', coven, 'v', 'recipient-unavailable']]);
    expect(nicks(world)).toContain('firstwitch');
  });

  it('decision #124: or at once, where no moderator is in', () => {
    const world = inside({ moderated: true });
    world.send(joins(hag, `${coven}/thirdwitch`));
    world.send(leaves(crone, `${coven}/firstwitch`));
    world.clear();
    world.send(message(jid(hag), coven, { id: 'v' }, request));
    expect(errors(world, hag)).toEqual([['message', coven, 'v', 'recipient-unavailable']]);
  });
});

describe('XEP-0045 §7.5 Sending a Private Message', () => {
  it('decision #123: what comes back goes to the sender, from the nick to which they wrote, and nobody leaves', () => {
    const world = inside();
    world.send(tells(crone, `${coven}/secondwitch`, 'psst'));
    bounces(world, wicca, 'service-unavailable');
    expect(errors(world, crone)).toEqual([['message', `${coven}/secondwitch`, 'pm-psst', 'service-unavailable']]);
    expect(nicks(world)).toEqual(['firstwitch', 'secondwitch']);
  });

  it('decision #123: also after both have other nicks, and somebody else has theirs', () => {
    const world = inside();
    world.send(tells(crone, `${coven}/secondwitch`, 'psst'));
    const sent = world.got(wicca).at(-1) as Stanza;
    world.send(presence(jid(crone), jid(`${coven}/a`), {}));
    world.send(presence(jid(wicca), jid(`${coven}/b`), {}));
    world.send(joins(hag, `${coven}/firstwitch`));
    world.clear();
    world.send(errorReply(sent, { type: 'cancel', condition: 'recipient-unavailable' }) as Stanza);
    expect(errors(world, crone)).toEqual([['message', `${coven}/secondwitch`, 'pm-psst', 'recipient-unavailable']]);
    expect(world.got(hag)).toEqual([]);
  });

  it('decision #123: to a nick with several sessions (§7.2.8): once it has come back from all of them', () => {
    const world = inside();
    const phone = 'wiccarocks@localhost/phone';
    world.send(joins(phone, `${coven}/secondwitch`));
    world.clear();
    world.send(tells(crone, `${coven}/secondwitch`, 'psst'));
    bounces(world, phone, 'recipient-unavailable');
    expect(errors(world, crone)).toEqual([]);
    bounces(world, wicca, 'service-unavailable');
    expect(errors(world, crone)).toEqual([['message', `${coven}/secondwitch`, 'pm-psst', 'service-unavailable']]);
  });

  it('decision #123: and to the session that wrote it', () => {
    const world = inside();
    const phone = 'crone1@localhost/phone';
    world.send(joins(phone, `${coven}/firstwitch`));
    world.clear();
    world.send(tells(crone, `${coven}/secondwitch`, 'psst'));
    bounces(world, wicca, 'service-unavailable');
    expect([errors(world, crone).length, errors(world, phone)]).toEqual([1, []]);
  });

  it('decision #123: also after the target has left', () => {
    const world = inside();
    world.send(tells(crone, `${coven}/secondwitch`, 'psst'));
    const sent = world.got(wicca).at(-1) as Stanza;
    world.send(leaves(wicca, `${coven}/secondwitch`));
    world.clear();
    world.send(errorReply(sent, { type: 'cancel', condition: 'service-unavailable' }) as Stanza);
    expect(errors(world, crone)).toEqual([['message', `${coven}/secondwitch`, 'pm-psst', 'service-unavailable']]);
  });
});

describe('XEP-0045 §17.4 IQs between occupants', () => {
  const asked = (world: World) => {
    world.send(iq(jid(crone), jid(`${coven}/secondwitch`), { type: 'get', id: 'v' }, el('query', 'jabber:iq:version')));
    const request = world.got(wicca).at(-1) as Stanza;
    return { type: 'result', name: 'iq', from: request.to, to: request.from, id: request.id, payloads: [] } as Stanza;
  };

  it('decision #123: the answer reaches the asker from the address asked, whatever nicks they have by then', () => {
    const world = inside();
    const answer = asked(world);
    world.send(presence(jid(crone), jid(`${coven}/a`), {}));
    world.send(presence(jid(wicca), jid(`${coven}/b`), {}));
    world.send(joins(hag, `${coven}/firstwitch`));
    world.clear();
    world.send(answer);
    expect(world.got(crone).map(({ type, from, id }) => [type, from, id])).toEqual([
      ['result', `${coven}/secondwitch`, 'v'],
    ]);
    expect(world.got(hag)).toEqual([]);
  });

  it('decision #123: and so does the error of a server whose user has gone', () => {
    const world = inside();
    const answer = asked(world);
    world.send(leaves(wicca, `${coven}/secondwitch`));
    world.clear();
    const error = el('error', NS.client, { type: 'cancel' }, el('service-unavailable', NS.stanzas));
    world.send({ ...answer, type: 'error', payloads: [error] });
    expect(errors(world, crone)).toEqual([['iq', `${coven}/secondwitch`, 'v', 'service-unavailable']]);
  });

  it('decision #123: two sessions of one asker ask with one id, and each gets its answer', () => {
    const world = inside();
    const phone = 'crone1@localhost/phone';
    world.send(joins(phone, `${coven}/firstwitch`));
    world.clear();
    const answers = [crone, phone].map((asker) => {
      world.send(
        iq(jid(asker), jid(`${coven}/secondwitch`), { type: 'get', id: 'v' }, el('query', 'jabber:iq:version')),
      );
      const request = world.got(wicca).at(-1) as Stanza;
      const text = el('vCard', 'vcard-temp', {}, asker);
      return iq(request.to, request.from, { type: 'result', id: request.id }, text);
    });
    world.send(presence(jid(wicca), jid(`${coven}/b`), {}));
    world.clear();
    world.send(...answers.toReversed());
    for (const asker of [crone, phone])
      expect(world.got(asker).map(({ from, id, payloads }) => [from, id, payloads[0]?.children])).toEqual([
        [`${coven}/secondwitch`, 'v', [asker]],
      ]);
  });

  it('decision #123: an error does not say whose real address set it', () => {
    const world = inside();
    const answer = asked(world);
    world.clear();
    const by = { type: 'cancel', by: 'wiccarocks@localhost' };
    world.send({ ...answer, type: 'error', payloads: [el('error', NS.client, by, el('forbidden', NS.stanzas))] });
    expect(JSON.stringify(world.got(crone).map(({ payloads }) => payloads))).not.toContain('wiccarocks');
  });

  it('decision #123: an answer is given once', () => {
    const world = inside();
    const answer = asked(world);
    world.send(leaves(wicca, `${coven}/secondwitch`));
    world.send(answer);
    world.clear();
    world.send(answer);
    expect(world.got(crone)).toEqual([]);
  });
});

describe('XEP-0045 §11.1, "Ghost Users"', () => {
  const error = (condition: string) => el('error', NS.client, { type: 'cancel' }, el(condition, NS.stanzas));
  const leavesBy = (world: World) =>
    world
      .got(crone)
      .flatMap((stanza) => (stanza.type === 'unavailable' ? [readMucUser(stanza.payloads)?.statuses] : []));

  it.each([
    'gone',
    'item-not-found',
    'recipient-unavailable',
    'redirect',
    'remote-server-not-found',
    'remote-server-timeout',
    'service-unavailable',
  ])('decision #125: %s about presence or a message to all takes an occupant out, with 333', (condition) => {
    for (const make of [message, presence]) {
      const world = inside();
      world.send(says(crone, coven, 'x'));
      world.clear();
      world.send(make(jid(wicca), jid(`${coven}/firstwitch`), { type: 'error', id: 'say-x' }, error(condition)));
      expect(leavesBy(world)).toEqual([[333]]);
    }
  });

  it.each(['internal-server-error', 'policy-violation', 'not-acceptable', 'forbidden', 'undefined-condition'])(
    'decision #125: %s is about that one stanza',
    (condition) => {
      for (const make of [message, presence]) {
        const world = inside();
        world.send(make(jid(wicca), jid(`${coven}/firstwitch`), { type: 'error' }, error(condition)));
        expect([leavesBy(world), nicks(world)]).toEqual([[], ['firstwitch', 'secondwitch']]);
      }
    },
  );

  it('decision #125: of several sessions under one nick, the one whose error it is', () => {
    const world = inside();
    const phone = 'wiccarocks@localhost/phone';
    world.send(joins(phone, `${coven}/secondwitch`));
    world.clear();
    world.send(message(jid(phone), jid(`${coven}/firstwitch`), { type: 'error' }, error('gone')));
    expect(world.got(phone).map(({ payloads }) => readMucUser(payloads)?.statuses)).toEqual([[333, 110]]);
    expect([leavesBy(world), nicks(world)]).toEqual([[], ['firstwitch', 'secondwitch']]);
  });

  it('decision #125: nor does the error of an iq, of a private message or of a stranger', () => {
    const world = inside();
    world.send(tells(crone, `${coven}/secondwitch`, 'psst'));
    bounces(world, wicca, 'gone');
    world.send(iq(jid(wicca), coven, { type: 'error', id: 'q' }, error('gone')));
    world.send(message(jid(hag), coven, { type: 'error' }, error('gone')));
    expect([leavesBy(world), nicks(world)]).toEqual([[], ['firstwitch', 'secondwitch']]);
  });
});

describe('In a room that XEP-0282 distributes', () => {
  const room = jid('wallops@channel.avalon.irc');
  const primary = jid('channel.avalon.irc');
  const at = (nick: string) => wallops.occupants.find((one) => one.nick === nick)?.jid as string;
  const replica = (nick: string) => jid(`replica@${at(nick).split('@')[1]?.split('/')[0]}`);
  function everybodyIn(): World {
    const world = new World(wallops);
    for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
    world.clear();
    return world;
  }

  it('decision #123: the error of a private message comes back to its sender from behind two replicas, and nobody leaves', () => {
    const world = everybodyIn();
    const before = nicks(world, primary);
    world.send(tells(at('BigCheese'), `${room}/Wumpus`, 'psst'));
    bounces(world, at('Wumpus'), 'service-unavailable');
    expect(errors(world, at('BigCheese'))).toEqual([['message', `${room}/Wumpus`, 'pm-psst', 'service-unavailable']]);
    expect(nicks(world, primary)).toEqual(before);
  });

  it('decision #125: what a replica gave its users takes the ghost out there, at once', () => {
    const world = everybodyIn();
    world.send(says(at('BigCheese'), room, 'x'));
    bounces(world, at('Wumpus'), 'service-unavailable');
    expect(nicks(world, primary)).not.toContain('Wumpus');
    expect(nicks(world, replica('Wumpus'))).not.toContain('Wumpus');
  });

  it('decision #125: what a replica cannot know is decided by the primary', () => {
    const world = everybodyIn();
    const error = el('error', NS.client, { type: 'cancel' }, el('service-unavailable', NS.stanzas));
    world.send(message(jid(at('Wumpus')), jid(`${room}/BigCheese`), { type: 'error', id: 'unknown' }, error));
    expect(nicks(world, primary)).not.toContain('Wumpus');
    expect(nicks(world, replica('Wumpus'))).not.toContain('Wumpus');
  });

  it('decision #126: an invitation to a user of a served domain bounces to its inviter, and is declined, past the replica', () => {
    const world = everybodyIn();
    const [, domain] = replica('Wumpus').split('@');
    const invitee = `nobody@${domain}/x`;
    world.send(message(jid(at('BigCheese')), room, { id: 'i' }, invite(invitee)));
    const error = el('error', NS.client, { type: 'cancel' }, el('item-not-found', NS.stanzas));
    world.send(message(jid(invitee), room, { type: 'error', id: 'i' }, error));
    expect(errors(world, at('BigCheese'))).toEqual([['message', room, 'i', 'item-not-found']]);
    world.clear();
    world.send(message(jid(at('BigCheese')), room, { id: 'i' }, invite(invitee)));
    world.send(message(jid(invitee), room, { id: 'd' }, decline(`${room}/BigCheese`)));
    expect(world.got(at('BigCheese')).map(({ from, id }) => [from, id])).toEqual([[room, 'd']]);
  });

  it('decision #123: while a replica is split, between its own users', () => {
    const nodes = wallops.nodes.map((node) =>
      node.kind !== 'service'
        ? node
        : {
            ...node,
            rooms: node.rooms.map((one) =>
              one.distribution?.kind === 'primary'
                ? { ...one, distribution: { ...one.distribution, split: { policy: 'local' as const } } }
                : one,
            ),
          },
    );
    const world = new World({ ...wallops, nodes });
    for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
    const vesa = 'vesa.yeggmaex.irc';
    for (const other of ['channel.avalon.irc', 'avalon.irc']) world.cut(other, vesa, 'silent');
    world.advance(200_000);
    world.clear();
    world.send(tells(at('BigCheese'), `${room}/Efchen`, 'psst'));
    expect(world.got(at('Efchen')).map(bodyOf)).toEqual(['psst']);
    bounces(world, at('Efchen'), 'service-unavailable');
    expect(errors(world, at('BigCheese'))).toEqual([['message', `${room}/Efchen`, 'pm-psst', 'service-unavailable']]);
    expect(nicks(world, jid(`replica@${vesa}`))).toContain('Efchen');
  });
});

describe('In federated rooms (XEP-0289)', () => {
  const elsinore = jid('elsinore@talk.denmark.lit');
  const rabbithole = jid('rabbithole@rooms.wonderland.lit');
  const [denmark, rooms] = [jid('talk.denmark.lit'), jid('rooms.wonderland.lit')];
  const alice = 'alice@wonderland.lit/priam-ubuntu-vm';
  const hamlet = 'hamlet@denmark.lit/priam-ubuntu-vm';
  function federated(): World {
    const world = new World(wonderland);
    world.send(joins(alice, `${rabbithole}/Alice`));
    world.send(joins(hamlet, `${elsinore}/Hamlet`));
    world.clear();
    return world;
  }

  it.each<Condition>(['service-unavailable', 'recipient-unavailable', 'item-not-found', 'forbidden'])(
    'decision #123: %s about a private message goes back over the link to its sender, and the link stays',
    (condition) => {
      const world = federated();
      world.send(tells(hamlet, `${elsinore}/Alice`, 'psst'));
      bounces(world, alice, condition);
      expect(errors(world, hamlet)).toEqual([['message', `${elsinore}/Alice`, 'pm-psst', condition]]);
      expect([nicks(world, denmark).sort(), nicks(world, rooms).sort()]).toEqual([
        ['Alice', 'Hamlet'],
        ['Alice', 'Hamlet'],
      ]);
      expect([world.status(denmark).peers[0]?.state, world.status(rooms).peers[0]?.state]).toEqual(['live', 'live']);
    },
  );

  it('decision #123: also after the sender has another nick', () => {
    const world = federated();
    world.send(tells(hamlet, `${elsinore}/Alice`, 'psst'));
    const sent = world.got(alice).at(-1) as Stanza;
    world.send(presence(jid(hamlet), jid(`${elsinore}/Prince`), {}));
    world.clear();
    world.send(errorReply(sent, { type: 'cancel', condition: 'service-unavailable' }) as Stanza);
    expect(errors(world, hamlet)).toEqual([['message', `${elsinore}/Alice`, 'pm-psst', 'service-unavailable']]);
  });
});
