import { describe, expect, it } from 'vitest';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser } from '../../src/core/xep/xep0045.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { childrenOf, el, type XmlElement } from '../../src/core/xmpp/xml.ts';
import type { Scenario, ScenarioRoom } from '../../src/scenario/scenario.ts';
import { plain } from '../support/scenarios.ts';
import { joins, says, World } from '../support/world.ts';

const service = jid('conference.localhost');
const coven = jid('coven@conference.localhost');
const [crone, wicca, hag] = ['crone1@localhost/desktop', 'wiccarocks@localhost/laptop', 'hag66@localhost/pda'] as const;

/** crone1 owns the coven and is in it as firstwitch, wiccarocks as secondwitch; admin@localhost is never in. */
function inside(room: Partial<ScenarioRoom> = {}): World {
  const affiliations = [
    { jid: 'crone1@localhost', affiliation: 'owner' as const },
    { jid: 'admin@localhost', affiliation: 'admin' as const },
    ...(room.affiliations ?? []),
  ];
  const rooms = [{ jid: coven, ...room, affiliations }];
  const node = { kind: 'service', address: service, server: 'localhost', rooms } as const;
  const world = new World({ ...plain, nodes: [node], occupants: [], script: [] } as Scenario);
  world.send(joins(crone, `${coven}/firstwitch`));
  world.send(joins(wicca, `${coven}/secondwitch`));
  world.clear();
  return world;
}

const itemAt = (stanza: Stanza) => readMucUser(stanza.payloads);
const of = (stanzas: readonly Stanza[], name: Stanza['name']) => stanzas.filter((stanza) => stanza.name === name);
const item = (attrs: Record<string, string>) => el('item', NS.mucAdmin, attrs);

function asks(world: World, who: string, type: 'get' | 'set', ...items: XmlElement[]): Stanza {
  world.send(iq(jid(who), coven, { type, id: 'q' }, el('query', NS.mucAdmin, {}, ...items)));
  return of(world.got(who), 'iq').at(-1) as Stanza;
}

function configures(world: World, fields: Record<string, readonly string[]>): void {
  const form = writeForm({
    type: 'submit',
    formType: 'http://jabber.org/protocol/muc#roomconfig',
    fields: Object.entries(fields).map(([name, values]) => ({ var: name, values })),
  });
  world.send(iq(jid(crone), coven, { type: 'set', id: 'c' }, el('query', NS.mucOwner, {}, form)));
  world.clear();
}

function registers(world: World, who: string, nick: string): Stanza {
  const field = { var: 'muc#register_roomnick', values: [nick] };
  const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#register', fields: [field] });
  world.send(iq(jid(who), coven, { type: 'set', id: 'r' }, el('query', 'jabber:iq:register', {}, form)));
  return of(world.got(who), 'iq').at(-1) as Stanza;
}

describe('XEP-0045 §8, §9: requests are judged by the bare JID', () => {
  it('§9: an admin who is not in kicks, grants voice and reads lists', () => {
    const world = inside({ moderated: true });
    const admin = 'admin@localhost/office';
    expect(asks(world, admin, 'set', item({ nick: 'secondwitch', role: 'participant' })).type).toBe('result');
    expect(asks(world, admin, 'get', item({ role: 'moderator' })).type).toBe('result');
    expect(asks(world, admin, 'set', item({ nick: 'secondwitch', role: 'none' })).type).toBe('result');
    expect(world.got(wicca).map((stanza) => itemAt(stanza)?.role)).toEqual(['participant', 'none']);
  });

  it('§8: a moderator may act from another client than the one that is in', () => {
    const world = inside({ moderated: true });
    const reply = asks(world, 'crone1@localhost/phone', 'set', item({ nick: 'secondwitch', role: 'participant' }));
    expect(reply.type).toBe('result');
  });

  it('§9.7, §9.8: a moderator who is no admin unmakes no moderator and does not read their list', () => {
    const world = inside();
    world.send(joins(hag, `${coven}/thirdwitch`));
    for (const nick of ['secondwitch', 'thirdwitch']) asks(world, crone, 'set', item({ nick, role: 'moderator' }));
    const conditionOf = (reply: Stanza) => [errorOf(reply)?.type, errorOf(reply)?.condition];
    expect(conditionOf(asks(world, wicca, 'set', item({ nick: 'thirdwitch', role: 'participant' })))).toEqual([
      'auth',
      'forbidden',
    ]);
    expect(conditionOf(asks(world, wicca, 'get', item({ role: 'moderator' })))).toEqual(['auth', 'forbidden']);
  });
});

describe('XEP-0045 §9.1 to §9.5 and reserved nicks', () => {
  it('§9.1: a ban gives the reserved nick back', () => {
    const world = inside();
    expect(registers(world, hag, 'thirdwitch').type).toBe('result');
    expect(registers(world, wicca, 'thirdwitch').type).toBe('error');
    asks(world, crone, 'set', item({ affiliation: 'outcast', jid: 'hag66@localhost' }));
    expect(registers(world, wicca, 'thirdwitch').type).toBe('result');
  });

  it('§9.3, §9.5: a nick in the item is reserved; an empty one gives it back; another’s is a conflict', () => {
    const world = inside();
    const member = { affiliation: 'member', jid: 'hag66@localhost' };
    expect(asks(world, crone, 'set', item({ ...member, nick: 'thirdwitch' })).type).toBe('result');
    const [listed] = childrenOf(
      asks(world, crone, 'get', item({ affiliation: 'member' })).payloads[0] as XmlElement,
      'item',
      NS.mucAdmin,
    );
    expect(listed?.attrs).toEqual({ ...member, nick: 'thirdwitch' });
    expect(errorOf(asks(world, crone, 'set', item({ ...member, nick: 'secondwitch' })))?.condition).toBe('conflict');
    expect(asks(world, crone, 'set', item({ ...member, nick: '' })).type).toBe('result');
    expect(registers(world, wicca, 'thirdwitch').type).toBe('result');
  });

  it('§7.10: one’s own nick in use, from another client, is no conflict', () => {
    const world = inside();
    expect(registers(world, 'wiccarocks@localhost/phone', 'secondwitch').type).toBe('result');
  });
});

describe('XEP-0045 §9.5, §18.1 those who are away', () => {
  it('§18.1: a new affiliation is told to the bare JID, with 101; not to one who is in', () => {
    const world = inside();
    asks(
      world,
      crone,
      'set',
      item({ affiliation: 'admin', jid: 'hag66@localhost' }),
      item({ affiliation: 'member', jid: 'wiccarocks@localhost' }),
    );
    expect(of(world.got('hag66@localhost'), 'message').map((stanza) => [stanza.from, itemAt(stanza)])).toMatchObject([
      [coven, { affiliation: 'admin', statuses: [101] }],
    ]);
    expect(world.got('wiccarocks@localhost')).toEqual([]);
  });

  it('§9.5: who may enter a members-only room from now on is invited, once, with the password', () => {
    const world = inside({
      membersOnly: true,
      password: 'cauldronburn',
      affiliations: [{ jid: 'wiccarocks@localhost', affiliation: 'member' }],
    });
    asks(world, crone, 'set', item({ affiliation: 'member', jid: 'hag66@localhost' }));
    const [invitation, ...more] = world.got('hag66@localhost');
    expect(more).toEqual([]);
    expect(payloadOf(invitation as Stanza, 'x', NS.mucUser)?.children).toEqual([
      el('invite', NS.mucUser, { from: `${coven}/firstwitch` }),
      el('password', NS.mucUser, {}, 'cauldronburn'),
    ]);
  });
});

describe('XEP-0045 §10.2 muc#roomconfig_presencebroadcast', () => {
  const hidden = { 'muc#roomconfig_presencebroadcast': ['moderator', 'participant'] };
  const shown = (world: World, who: string) =>
    of(world.got(who), 'presence').map(({ from, type }) => [from.split('/')[1], type]);

  it('a visitor comes, changes nick and goes unseen by all but moderators', () => {
    const world = inside({ moderated: true });
    configures(world, hidden);
    asks(world, crone, 'set', item({ nick: 'secondwitch', role: 'participant' }));
    world.clear();
    world.send(joins(hag, `${coven}/thirdwitch`));
    world.send(presence(jid(hag), jid(`${coven}/oldhag`), {}));
    world.send(presence(jid(hag), jid(`${coven}/oldhag`), { type: 'unavailable' }));
    expect(shown(world, wicca)).toEqual([]);
    expect(shown(world, crone)).toEqual([
      ['thirdwitch', undefined],
      ['thirdwitch', 'unavailable'],
      ['oldhag', undefined],
      ['oldhag', 'unavailable'],
    ]);
  });

  it('who loses voice goes out of sight, and comes back with it', () => {
    const world = inside({ moderated: true });
    configures(world, hidden);
    world.send(joins(hag, `${coven}/thirdwitch`));
    for (const nick of ['secondwitch', 'thirdwitch']) asks(world, crone, 'set', item({ nick, role: 'participant' }));
    world.clear();
    for (const role of ['visitor', 'participant']) asks(world, crone, 'set', item({ nick: 'thirdwitch', role }));
    expect(shown(world, wicca)).toEqual([
      ['thirdwitch', 'unavailable'],
      ['thirdwitch', undefined],
    ]);
  });
});

describe('XEP-0045 §7.8.2 Mediated Invitation', () => {
  const invite = (to: string) => el('x', NS.mucUser, {}, el('invite', NS.mucUser, { to }));

  it('§5.1.1: visitors may, as a default; no JID is no invitation', () => {
    const world = inside({ moderated: true });
    world.send(message(jid(wicca), coven, { id: 'i' }, invite(hag)));
    expect(of(world.got(hag), 'message')).toHaveLength(1);
    world.send(message(jid(wicca), coven, { id: 'i' }, invite('@')));
    expect(world.got(wicca).map((stanza) => errorOf(stanza)?.condition)).toEqual(['jid-malformed']);
  });
});

describe('XEP-0313 in rooms', () => {
  it('§4.1.6: a field the archive does not know is feature-not-implemented; who sees JIDs sees them in results', () => {
    const world = inside();
    configures(world, { 'muc#roomconfig_enablelogging': ['1'] });
    world.send(says(wicca, coven, 'hail'));
    const query = (who: string, ...children: XmlElement[]) => {
      world.clear();
      world.send(iq(jid(who), coven, { type: 'set', id: 'm' }, el('query', 'urn:xmpp:mam:2', {}, ...children)));
      return world.got(who);
    };
    const form = writeForm({
      type: 'submit',
      formType: 'urn:xmpp:mam:2',
      fields: [{ var: 'free-text', values: ['x'] }],
    });
    expect(query(wicca, form).map((stanza) => errorOf(stanza)?.condition)).toEqual(['feature-not-implemented']);
    expect(JSON.stringify(query(wicca))).not.toContain(`"jid":"${wicca}"`);
    expect(JSON.stringify(query(crone))).toContain(`"jid":"${wicca}"`);
  });

  it('§6.1.2: beside the JID of who said it, their affiliation', () => {
    const world = inside();
    configures(world, { 'muc#roomconfig_enablelogging': ['1'] });
    world.send(says(crone, coven, 'hail'));
    world.clear();
    world.send(iq(jid(crone), coven, { type: 'set', id: 'm' }, el('query', 'urn:xmpp:mam:2')));
    expect(JSON.stringify(world.got(crone))).toContain(
      JSON.stringify({ affiliation: 'owner', role: 'participant', jid: crone }),
    );
  });
});
