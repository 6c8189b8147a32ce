import { describe, expect, it } from 'vitest';
import { type Form, readForm } from '../../src/core/xep/xep0004.ts';
import { readStatuses, subjectChange } from '../../src/core/xep/xep0045.ts';
import { type Jid, jid, parseJid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { childOf, childrenOf, el, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import {
  asks,
  bare,
  conditionOf,
  configures,
  crone,
  enters,
  everySeat,
  hag,
  itemAt,
  plainSeat,
  registering,
  type Seat,
  service,
  serviceWith,
  shownConfig,
  submitted,
} from '../support/seats.ts';
import { joins, says, type World } from '../support/world.ts';

const voiceForm = 'http://jabber.org/protocol/muc#request';

// What an owner may set, in every kind of room: the configuration and what follows from it.

describe.each(everySeat)('XEP-0045 §7.10 Registering with a Room, %s', (_, seatWith) => {
  it('decision #100: who is no member does not let themselves into a members-only room', () => {
    const seat = seatWith({ membersOnly: true });
    expect(conditionOf(asks(seat, seat.user, 'get', el('query', 'jabber:iq:register')))).toBe('not-allowed');
    expect(conditionOf(asks(seat, seat.user, 'set', registering('User')))).toBe('registration-required');
    seat.world.send(joins(seat.user, `${seat.room}/User`));
    expect(conditionOf(seat.world.got(seat.user).at(-1))).toBe('registration-required');
  });

  it('decision #100: unless an owner says so', () => {
    const seat = seatWith({ membersOnly: true });
    configures(seat, { [`{${NS.ext}}members_only_registration`]: ['1'] });
    expect(conditionOf(asks(seat, seat.user, 'set', registering('User')))).toBe('result');
    configures(seat, { [`{${NS.ext}}allow_registration`]: ['0'] });
    expect(conditionOf(asks(seat, 'other@localhost/x', 'set', registering('Other')))).not.toBe('result');
  });

  it('in an open room they register, with a form that needs the nick', () => {
    const seat = seatWith();
    const form = asks(seat, seat.user, 'get', el('query', 'jabber:iq:register')).payloads[0] as XmlElement;
    const x = childOf(form, 'x', NS.dataForms) as XmlElement;
    const fields = childrenOf(x, 'field', NS.dataForms).filter(({ attrs }) => attrs['var'] === 'muc#register_roomnick');
    expect(fields.map((field) => childOf(field, 'required', NS.dataForms))).toEqual([el('required', NS.dataForms)]);
    expect(conditionOf(asks(seat, seat.user, 'set', registering('User')))).toBe('result');
  });
});

describe.each(everySeat)('XEP-0045 §10.2 Room Configuration, %s', (_, seatWith) => {
  const everything = {
    'muc#roomconfig_roomname': ['A Dark Cave'],
    'muc#roomconfig_roomdesc': ['The place for all good witches!'],
    'muc#roomconfig_lang': ['en'],
    'muc#roomconfig_roomsecret': ['cauldronburn'],
    'muc#roomconfig_moderatedroom': ['1'],
    'muc#roomconfig_changesubject': ['1'],
    'muc#roomconfig_whois': ['anyone'],
    'muc#roomconfig_allowpm': ['moderators'],
    'muc#roomconfig_presencebroadcast': ['moderator', 'participant'],
    'muc#roomconfig_getmemberlist': ['moderator'],
    'muc#roomconfig_maxusers': ['20'],
    'muc#maxhistoryfetch': ['5'],
    'muc#roomconfig_defaulthistorymessages': ['3'],
    'muc#roomconfig_roomadmins': ['admin@localhost'],
    [`{${NS.ext}}logs_url`]: ['https://logs.example/coven/'],
  };
  const without = {
    'muc#roomconfig_roomname': [],
    'muc#roomconfig_roomdesc': [],
    'muc#roomconfig_lang': [],
    'muc#roomconfig_roomsecret': [],
    'muc#roomconfig_passwordprotectedroom': ['0'],
    'muc#roomconfig_moderatedroom': ['0'],
    'muc#roomconfig_changesubject': ['0'],
    'muc#roomconfig_whois': ['anyone'],
    'muc#roomconfig_allowpm': ['moderators'],
    'muc#roomconfig_presencebroadcast': ['moderator', 'participant'],
    'muc#roomconfig_getmemberlist': ['moderator'],
    'muc#roomconfig_maxusers': ['none'],
    'muc#maxhistoryfetch': ['200'],
    'muc#roomconfig_defaulthistorymessages': ['200'],
    'muc#roomconfig_roomadmins': [],
    [`{${NS.ext}}logs_url`]: [],
  };

  it.each([
    ['<field/>', []],
    ['<field><value/></field>', ['']],
  ])(
    'decision #101: %s clears a text, makes a boolean false and leaves a choice as it is, each alone',
    (_name, none) => {
      for (const name of Object.keys(everything)) {
        const seat = seatWith();
        expect(conditionOf(configures(seat, everything))).toBe('result');
        expect([name, conditionOf(configures(seat, { [name]: none }))]).toEqual([name, 'result']);
        expect([name, shownConfig(seat).get(name)]).toEqual([name, without[name as keyof typeof without]]);
      }
    },
  );

  it('decision #101: all at once, with the rest of the form done; the owners stay', () => {
    const seat = seatWith();
    configures(seat, everything);
    const owners = shownConfig(seat).get('muc#roomconfig_roomowners');
    const empty = Object.fromEntries(Object.keys(everything).map((name) => [name, []]));
    const more = { FORM_TYPE: [''], 'muc#roomconfig_roomowners': [''], 'muc#roomconfig_persistentroom': ['1'] };
    expect(conditionOf(configures(seat, { ...empty, ...more }))).toBe('result');
    const shown = shownConfig(seat);
    expect(Object.fromEntries(Object.keys(without).map((name) => [name, shown.get(name)]))).toEqual(without);
    expect(shown.get('muc#roomconfig_persistentroom')).toEqual(['1']);
    expect(shown.get('muc#roomconfig_roomowners')).toEqual(owners);
  });

  it('decision #101: no role at all is an option of its own', () => {
    const seat = seatWith();
    for (const name of ['muc#roomconfig_presencebroadcast', 'muc#roomconfig_getmemberlist']) {
      expect(conditionOf(configures(seat, { [name]: ['none'] }))).toBe('result');
      expect(shownConfig(seat).get(name)).toEqual(['none']);
    }
  });

  it.each([
    ['muc#roomconfig_moderatedroom', 'perhaps'],
    ['muc#roomconfig_whois', 'nobody'],
    ['muc#roomconfig_maxusers', '-1'],
    ['muc#maxhistoryfetch', 'many'],
    ['muc#roomconfig_presencebroadcast', 'witch'],
    ['muc#roomconfig_roomadmins', '@'],
    [`{${NS.ext}}logs_url`, 'javascript:alert(1)'],
  ])('decision #101: what cannot be is refused by name: %s = %s', (name, value) => {
    const seat = seatWith();
    const answer = configures(seat, { 'muc#roomconfig_roomname': ['A Dark Cave'], [name]: [value] });
    expect(conditionOf(answer)).toBe('not-acceptable');
    expect(errorOf(answer)?.text).toContain(name);
    expect(shownConfig(seat).get('muc#roomconfig_roomname')).not.toEqual(['A Dark Cave']);
  });

  it('§10.1.3: a password that is wanted and blank is not acceptable; without the wish it is cleared', () => {
    const seat = seatWith({ password: 'cauldronburn' });
    const [wish, secret] = ['muc#roomconfig_passwordprotectedroom', 'muc#roomconfig_roomsecret'];
    expect(errorOf(configures(seat, { [wish]: ['1'], [secret]: [''] }))?.text).toContain(secret);
    expect(conditionOf(configures(seat, { [wish]: [], [secret]: ['other'] }))).toBe('result');
    expect(shownConfig(seat).get(secret)).toEqual([]);
    expect(conditionOf(configures(seat, { [secret]: ['eyeofnewt'] }))).toBe('result');
    expect(conditionOf(configures(seat, { [secret]: [] }))).toBe('result');
    enters(seat);
    expect(
      seat.world.status(seat.world.seat(addressOf(seat)).address).occupants.some(({ nick }) => nick === 'User'),
    ).toBe(true);
  });

  it('§10.2: 0 is no limit of occupants', () => {
    const seat = seatWith({ maxOccupants: 1 });
    expect(conditionOf(configures(seat, { 'muc#roomconfig_maxusers': ['0'] }))).toBe('result');
    expect(shownConfig(seat).get('muc#roomconfig_maxusers')).toEqual(['none']);
    seat.world.send(joins(seat.owner, `${seat.room}/Owner`));
    seat.world.send(joins(seat.user, `${seat.room}/User`));
    expect(seat.world.got(seat.user).some((stanza) => itemAt(stanza)?.statuses.includes(110))).toBe(true);
  });

  it('decision #105: who does not say how much history they want gets as much as an owner says', () => {
    const seat = seatWith();
    configures(seat, { 'muc#roomconfig_historylength': ['3'], 'muc#roomconfig_defaulthistorymessages': ['1'] });
    const { world, room, owner, user } = seat;
    world.send(joins(owner, `${room}/Owner`));
    for (const text of ['one', 'two', 'three', 'four']) world.send(says(owner, room, text));
    const bodies = () => world.got(user).flatMap((stanza) => bodyOf(stanza) ?? []);
    world.clear();
    world.send(joins(user, `${room}/User`));
    expect(bodies()).toEqual(['four']);
    world.clear();
    const history = el('x', NS.muc, {}, el('history', NS.muc, { maxstanzas: '100' }));
    world.send(presence(jid(user), jid(`${room}/User`), {}, history));
    expect(bodies()).toEqual(['two', 'three', 'four']);
  });

  it('decision #105: of two names of one setting the one that changes it counts', () => {
    const seat = seatWith();
    configures(seat, { 'muc#maxhistoryfetch': ['7'], 'muc#roomconfig_historylength': ['200'] });
    expect(shownConfig(seat).get('muc#roomconfig_historylength')).toEqual(['7']);
    configures(seat, { 'muc#maxhistoryfetch': ['7'], 'muc#roomconfig_historylength': ['9'] });
    expect(shownConfig(seat).get('muc#maxhistoryfetch')).toEqual(['9']);
  });

  it('decision #102: nobody gets an affiliation by the room’s own address', () => {
    const seat = seatWith();
    enters(seat);
    const name = 'muc#roomconfig_roomadmins';
    for (const address of [seat.room, `${seat.room}/nobody`])
      expect(conditionOf(configures(seat, { [name]: [address] }))).toBe('not-acceptable');
    expect(conditionOf(configures(seat, { [name]: [`${seat.room}/User`] }))).toBe('result');
    expect(shownConfig(seat).get(name)).toContain(bare(seat.user));
  });
});

/** The node that decides about the room of a seat. */
function addressOf({ room }: Seat): Jid {
  return jid(room.split('@')[1] as string);
}

describe.each(everySeat)('XEP-0045 §8.1 Modifying the Room Subject, %s', (_, seatWith) => {
  it('by default only moderators; what the room says of it before one enters', () => {
    const seat = seatWith({ changeSubject: false });
    enters(seat);
    const { world, room, owner, user } = seat;
    const sets = (who: string, text: string) => {
      world.clear();
      world.send(message(jid(who), room, { type: 'groupchat', id: 's' }, el('subject', NS.client, {}, text)));
    };
    sets(user, 'Eye of newt');
    expect(world.got(user).map((stanza) => [conditionOf(stanza), errorOf(stanza)?.by])).toEqual([['forbidden', room]]);
    sets(owner, 'Fire Burn');
    expect(world.got(user).map(subjectChange)).toEqual(['Fire Burn']);
    configures(seat, { 'muc#roomconfig_changesubject': ['1'] });
    sets(user, 'Eye of newt');
    expect(world.got(owner).map(subjectChange)).toEqual(['Eye of newt']);
  });
});

describe.each(everySeat)('XEP-0045 §6.4 Querying for Room Information, %s', (_, seatWith) => {
  const informs = (seat: Seat) => {
    const query = asks(seat, seat.user, 'get', el('query', NS.discoInfo)).payloads[0] as XmlElement;
    return new Map((readForm(query) as Form).fields.map((field) => [field.var, field.values]));
  };

  it('the settings that clients ask for, under the names that they know', () => {
    const seat = seatWith();
    const settings = { 'muc#roomconfig_roomname': ['A Dark Cave'], 'muc#roomconfig_allowinvites': ['1'] };
    configures(seat, { ...settings, 'muc#roomconfig_changesubject': ['1'] });
    const said = informs(seat);
    for (const [name, values] of Object.entries(settings)) expect([name, said.get(name)]).toEqual([name, values]);
    for (const name of ['muc#roomconfig_changesubject', 'muc#roominfo_changesubject', 'muc#roominfo_subjectmod'])
      expect([name, said.get(name)]).toEqual([name, ['1']]);
    configures(seat, { 'muc#roomconfig_changesubject': ['0'] });
    expect(informs(seat).get('muc#roominfo_subjectmod')).toEqual(['0']);
  });

  it('decision #104: the owners are named as contacts unless one says no; the logs are where an owner says', () => {
    const seat = seatWith();
    expect(informs(seat).get('muc#roominfo_contactjid')).toContain(bare(seat.owner));
    expect(informs(seat).get('muc#roominfo_logs')).toEqual(['']);
    configures(seat, {
      [`{${NS.ext}}owners_are_contacts`]: ['0'],
      [`{${NS.ext}}logs_url`]: ['https://logs.example/coven/'],
    });
    expect(informs(seat).get('muc#roominfo_contactjid')).toEqual([]);
    expect(informs(seat).get('muc#roominfo_logs')).toEqual(['https://logs.example/coven/']);
  });
});

describe('XEP-0004 §3.3, §3.6 in the other forms of a room', () => {
  it('XEP-0045 §8.6: without a value the answer to a request for voice is no', () => {
    const seat = plainSeat({ moderated: true });
    enters(seat);
    const { world, room, owner } = seat;
    const form = submitted(
      { 'muc#role': ['participant'], 'muc#roomnick': ['User'], 'muc#request_allow': [] },
      voiceForm,
    );
    world.send(message(jid(owner), room, { id: 'a' }, form));
    expect(world.sent.map(({ stanza }) => stanza.id)).toEqual(['a']);
  });

  it('XEP-0313 §4.1: a field without a value asks for nothing', () => {
    const seat = plainSeat({ logging: true });
    enters(seat);
    const { world, room, owner, user } = seat;
    world.send(says(owner, room, 'hail'));
    for (const none of [[], ['']]) {
      const asked = submitted({ with: none, start: none, end: none }, 'urn:xmpp:mam:2');
      expect(conditionOf(asks(seat, user, 'set', el('query', 'urn:xmpp:mam:2', {}, asked)))).toBe('result');
      expect(world.got(user)).toHaveLength(2);
    }
  });

  it('XEP-0045 §7.10: the nick is named where it is missing', () => {
    const seat = plainSeat();
    const answer = asks(seat, seat.user, 'set', registering(''));
    expect([conditionOf(answer), errorOf(answer)?.text]).toEqual([
      'not-acceptable',
      'muc#register_roomnick cannot be a nick',
    ]);
  });
});

describe('XEP-0045 §10.1 Creating a Room', () => {
  const heath = jid('heath@conference.localhost');
  const seat = (world: World) => ({ world, room: heath, owner: crone, user: hag });

  it('§10.2.1: the first configuration is told to who is in, and an instant room has nothing to tell', () => {
    const world = serviceWith({ openCreation: true });
    world.send(joins(crone, `${heath}/Owner`));
    configures(seat(world), { 'muc#roomconfig_roomname': ['A Dark Cave'] });
    expect(world.got(crone).map(({ name, type, payloads }) => [name, type, readStatuses(payloads)])).toEqual([
      ['message', 'groupchat', [104]],
      ['iq', 'result', []],
    ]);
    const other = serviceWith({ openCreation: true });
    other.send(joins(crone, `${heath}/Owner`));
    const instant = el('query', NS.mucOwner, {}, el('x', NS.dataForms, { type: 'submit' }));
    asks(seat(other), crone, 'set', instant);
    expect(other.got(crone).map(({ name }) => name)).toEqual(['iq']);
  });

  it('§10.2.1: what concerns privacy has its own status then, too', () => {
    const world = serviceWith({ openCreation: true });
    world.send(joins(crone, `${heath}/Owner`));
    configures(seat(world), { 'muc#roomconfig_whois': ['anyone'] });
    expect(
      world.got(crone).flatMap(({ name, payloads }) => (name === 'message' ? readStatuses(payloads) : [])),
    ).toEqual([172]);
  });

  it('decision #106: a new room is its maker’s alone until it is configured', () => {
    const world = serviceWith({ openCreation: true });
    world.send(joins(crone, `${heath}/Owner`));
    world.send(joins(hag, `${heath}/User`));
    expect(conditionOf(world.got(hag)[0])).toBe('item-not-found');
    expect(conditionOf(asks(seat(world), hag, 'set', registering('User')))).toBe('item-not-found');
  });

  it('decision #106: where the service locks no rooms it is open at once; its maker is told that it is new, and owns it', () => {
    const world = serviceWith({ openCreation: true, lockNewRooms: false });
    world.send(joins(crone, `${heath}/Owner`));
    const [self] = world.got(crone);
    expect([itemAt(self)?.affiliation, itemAt(self)?.statuses]).toEqual(['owner', [201, 170, 110]]);
    world.send(joins(hag, `${heath}/User`));
    expect(world.got(hag).map((stanza) => itemAt(stanza)?.statuses)).toEqual([[], [170, 110], undefined]);
    expect(conditionOf(configures(seat(world), { 'muc#roomconfig_roomname': ['A Dark Cave'] }))).toBe('result');
    // It is still open after a restart.
    const log = world.crash(service);
    world.boot(service, log);
    world.clear();
    world.send(joins('wicca@localhost/x', `${heath}/Wicca`));
    expect(world.got('wicca@localhost/x').length).toBeGreaterThan(2);
  });

  it('XEP-0307 §2: the service names a room that does not exist', () => {
    const world = serviceWith({ openCreation: true });
    const unique = (id: string) => {
      world.send(iq(jid(crone), service, { type: 'get', id }, el('unique', 'http://jabber.org/protocol/muc#unique')));
      const answer = world.got(crone).at(-1) as Stanza;
      return textOf(payloadOf(answer, 'unique', 'http://jabber.org/protocol/muc#unique') as XmlElement);
    };
    const names = [unique('a'), unique('b')];
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(parseJid(`${name}@${service}`)).toBe(`${name}@${service}`);
    expect(world.status.bind(world, service)).toThrow('has no room');
  });
});
