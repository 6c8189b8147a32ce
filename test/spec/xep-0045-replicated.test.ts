import { describe, expect, it } from 'vitest';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { readMucUser, subjectChange } from '../../src/core/xep/xep0045.ts';
import { readOccupantId } from '../../src/core/xep/xep0421.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorOf, errorReply, iq, message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import { wallops } from '../support/scenarios.ts';
import { joins, World } from '../support/world.ts';

// The acts of moderators, admins and owners in a room that XEP-0282 distributes: each user's client sees what it would
// see in a room of one node.

const room = jid('wallops@channel.avalon.irc');
const vesaReplica = jid('replica@vesa.yeggmaex.irc');
const nicks = wallops.occupants.map(({ nick }) => nick);
const user = (nick: string) => wallops.occupants.find((occupant) => occupant.nick === nick)?.jid as string;
const itemAt = (stanza: Stanza) => readMucUser(stanza.payloads);
const bare = (nick: string) => user(nick).split('/')[0] as string;

function everybodyIn(): World {
  const world = new World(wallops);
  for (const { nick, jid: address } of wallops.occupants) world.send(joins(address, `${room}/${nick}`));
  world.clear();
  return world;
}

function administers(world: World, who: string, attrs: Record<string, string>): void {
  const query = el('query', NS.mucAdmin, {}, el('item', NS.mucAdmin, attrs));
  world.send(iq(jid(user(who)), room, { type: 'set', id: 'act' }, query));
}

/** What a user's client was shown of another: type, role and statuses, answers left out. */
const shown = (world: World, who: string, about: string) =>
  world
    .got(user(who))
    .filter(({ name, from }) => name === 'presence' && from === `${room}/${about}`)
    .map((stanza) => [stanza.type, itemAt(stanza)?.affiliation, itemAt(stanza)?.role, itemAt(stanza)?.statuses]);

describe('XEP-0045 §7.14 in a room that XEP-0282 distributes', () => {
  const exits = (nick: string) =>
    presence(jid(user(nick)), jid(`${room}/${nick}`), { type: 'unavailable', id: 'exit1' });
  const ids = (world: World, who: string) => world.got(user(who)).map(({ id, type }) => [id, type]);

  it('§7.2.2: the answer to the user who leaves has the id of their request; to the others it has none', () => {
    for (const nick of ['Efchen', 'Wumpus']) {
      const world = everybodyIn();
      world.send(exits(nick));
      expect(ids(world, nick)).toEqual([['exit1', 'unavailable']]);
      expect(ids(world, 'BigCheese')).toEqual([[undefined, 'unavailable']]);
    }
  });

  it('§7.2.2: also while their replica is split, whoever serves them', () => {
    const world = everybodyIn();
    world.cut('avalon.irc', 'vesa.yeggmaex.irc', 'silent');
    world.advance(120_000);
    expect(world.status(vesaReplica).peers[0]?.state).toBe('split');
    world.clear();
    world.send(exits('Efchen'));
    expect(ids(world, 'Efchen')).toEqual([['exit1', 'unavailable']]);
  });
});

describe('XEP-0045 §9.1 in a room that XEP-0282 distributes', () => {
  it('a ban by an admin behind one replica: the victim behind another is out with 301, the others are told once', () => {
    const world = everybodyIn();
    administers(world, 'Troy', { affiliation: 'outcast', jid: bare('Efchen') });
    const seen = (who: string) => shown(world, who, 'Efchen').map(([type, , role, statuses]) => [type, role, statuses]);
    expect(seen('Efchen')).toEqual([['unavailable', 'none', [301, 110]]]);
    for (const other of nicks.filter((nick) => nick !== 'Efchen'))
      expect([other, seen(other)]).toEqual([other, [['unavailable', 'none', [301]]]]);
    world.clear();
    world.send(joins(user('Efchen'), `${room}/Efchen`));
    expect(world.got(user('Efchen')).map((stanza) => errorOf(stanza)?.condition)).toEqual(['forbidden']);
  });

  // A replica shows the affiliation it knew, not the one that came with the leave.
  it('the affiliation in that presence is outcast', () => {
    const world = everybodyIn();
    administers(world, 'Troy', { affiliation: 'outcast', jid: bare('Efchen') });
    expect(shown(world, 'Efchen', 'Efchen').map(([, affiliation]) => affiliation)).toEqual(['outcast']);
  });
});

describe('XEP-0045 §8.1 in a room that XEP-0282 distributes', () => {
  const withThread = (who: string) =>
    message(
      jid(user(who)),
      room,
      { type: 'groupchat', id: 'forged' },
      el('subject', NS.client, {}, 'forged'),
      el('thread', NS.client, {}, 't'),
    );
  const newcomer = 'new@vesa.yeggmaex.irc/x';
  const subjectsFor = (world: World, who: string) => world.got(who).flatMap((stanza) => subjectChange(stanza) ?? []);

  it('a subject with a thread, and no body, is a message at a replica as at the primary: nobody gets it as the subject', () => {
    const world = everybodyIn();
    world.send(withThread('Efchen'));
    for (const nick of nicks) expect(world.got(user(nick)).filter(({ id }) => id === 'forged')).toHaveLength(1);
    world.clear();
    world.send(joins(newcomer, `${room}/New`));
    expect(subjectsFor(world, newcomer)).toEqual(['']);
    expect(world.got(newcomer).filter(({ id }) => id === 'forged')).toHaveLength(1);
    expect(world.status(vesaReplica).subject).toBe('');
  });

  it('so it is in the history of a replica that starts anew', () => {
    const world = everybodyIn();
    world.send(withThread('Efchen'));
    world.crash(vesaReplica);
    world.boot(vesaReplica);
    expect(world.status(vesaReplica)).toMatchObject({ subject: '', historyLength: 1 });
  });
});

describe('XEP-0045 §8.3, §8.4, §9.6 in a room that XEP-0282 distributes', () => {
  it('§8.4: voice taken by a moderator behind a replica is news to everybody, once', () => {
    const world = everybodyIn();
    administers(world, 'Wumpus', { nick: 'Efchen', role: 'visitor' });
    for (const nick of nicks)
      expect([nick, shown(world, nick, 'Efchen')]).toEqual([
        nick,
        [[undefined, 'none', 'visitor', nick === 'Efchen' ? [110] : []]],
      ]);
    const answers = world.got(user('Wumpus')).filter(({ name }) => name === 'iq');
    expect(answers.map(({ type, id }) => [type, id])).toEqual([['result', 'act']]);
  });

  it('decision #7: with the first moderator behind a replica JIDs come to it, before the promotion does', () => {
    const world = everybodyIn();
    expect(world.status(vesaReplica).occupants.filter(({ jid: known }) => known !== undefined)).toHaveLength(2);
    administers(world, 'Wumpus', { nick: 'Efchen', role: 'moderator' });
    expect(world.status(vesaReplica).occupants.every(({ jid: known }) => known !== undefined)).toBe(true);
    const crossed = world.crossed().filter(({ stanza }) => stanza.to === vesaReplica && stanza.name === 'presence');
    const promotion = crossed.findIndex(
      ({ stanza }) => stanza.from === `${room}/Efchen` && itemAt(stanza)?.role === 'moderator',
    );
    const others = crossed.flatMap(({ stanza }, i) =>
      stanza.from === `${room}/Wumpus` && itemAt(stanza)?.jid ? [i] : [],
    );
    expect(others.length).toBeGreaterThan(0);
    expect(Math.max(...others)).toBeLessThan(promotion);
  });
});

describe('XEP-0045 §7.13, §8.6 in a room that XEP-0282 distributes', () => {
  it('a request for voice finds the moderators behind their replicas, and one of them grants it', () => {
    const world = everybodyIn();
    const fields = (name: string, value: string) => ({ var: name, values: [value] });
    const config = writeForm({
      type: 'submit',
      formType: 'http://jabber.org/protocol/muc#roomconfig',
      fields: [fields('muc#roomconfig_moderatedroom', '1')],
    });
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'c' }, el('query', NS.mucOwner, {}, config)));
    const form = (...given: ReturnType<typeof fields>[]) =>
      writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#request', fields: given });
    world.clear();
    world.send(message(jid(user('Efchen')), room, { id: 'v' }, form(fields('muc#role', 'participant'))));
    const asked = nicks.filter((nick) =>
      world.got(user(nick)).some(({ name, from }) => name === 'message' && from === room),
    );
    expect(asked).toEqual(nicks.filter((nick) => ['Wumpus', 'Troy', 'Squit'].includes(nick) || isAdmin(nick)));
    world.clear();
    const allow = [
      fields('muc#role', 'participant'),
      fields('muc#roomnick', 'Efchen'),
      fields('muc#request_allow', '1'),
    ];
    world.send(message(jid(user('Wumpus')), room, { id: 'a' }, form(...allow)));
    for (const nick of nicks) expect(shown(world, nick, 'Efchen').map(([, , role]) => role)).toEqual(['participant']);
  });

  const isAdmin = (nick: string) => ['argl@', 'squit@', 'troy@'].some((start) => user(nick).startsWith(start));
});

describe('XEP-0045 §10.2.1, §10.9 in a room that XEP-0282 distributes', () => {
  it('§10.2.1: everybody is told that JIDs are shown now, behind replicas too', () => {
    const world = everybodyIn();
    const whois = { var: 'muc#roomconfig_whois', values: ['anyone'] };
    const form = writeForm({ type: 'submit', formType: 'http://jabber.org/protocol/muc#roomconfig', fields: [whois] });
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'c' }, el('query', NS.mucOwner, {}, form)));
    for (const nick of nicks) {
      const notices = world.got(user(nick)).filter(({ name, from }) => name === 'message' && from === room);
      expect([nick, notices.map(({ payloads }) => readStatuses(payloads))]).toEqual([nick, [['172']]]);
    }
  });

  // A replica tells its users of each other's leaves as well, which the XEP advises against ("SHOULD NOT").
  it('§10.9: a destroyed room says so to everybody, once', () => {
    const world = everybodyIn();
    const order = el('destroy', NS.mucOwner, {}, el('reason', NS.mucOwner, {}, 'The war is over.'));
    world.send(iq(jid(user('Wumpus')), room, { type: 'set', id: 'd' }, el('query', NS.mucOwner, {}, order)));
    for (const nick of nicks) {
      const own = world.got(user(nick)).filter(({ name }) => name === 'presence');
      expect([nick, own.map((stanza) => [stanza.from, stanza.type, itemAt(stanza)?.destroy !== undefined])]).toEqual([
        nick,
        [[`${room}/${nick}`, 'unavailable', true]],
      ]);
    }
  });
});

describe('XEP-0045 §9.3 in a room that XEP-0282 distributes', () => {
  it('decision #53: moderators behind a replica hear of the affiliation of somebody who is not in; others, and their node, do not', () => {
    const world = everybodyIn();
    administers(world, 'Wumpus', { affiliation: 'member', jid: 'absent@killrc.oulubox.irc' });
    const told = nicks.filter((nick) =>
      world
        .got(user(nick))
        .some((stanza) => stanza.name === 'message' && itemAt(stanza)?.jid === 'absent@killrc.oulubox.irc'),
    );
    const moderators = world
      .status(jid('channel.avalon.irc'))
      .occupants.filter(({ role }) => role === 'moderator')
      .map(({ nick }) => nick);
    expect(moderators).toContain('Troy');
    expect(told.sort()).toEqual(moderators.sort());
    expect(JSON.stringify(world.to(vesaReplica))).not.toContain('absent@');
  });

  it('decision #53: so does a replica that missed it', () => {
    const world = everybodyIn();
    const eris = jid('replica@eris.dclxvii.irc');
    const log = world.crash(eris);
    administers(world, 'Wumpus', { affiliation: 'member', jid: 'absent@killrc.oulubox.irc' });
    world.clear();
    world.boot(eris, log);
    const notices = world.got(user('Troy')).filter(({ name }) => name === 'message');
    expect(notices.map((stanza) => [itemAt(stanza)?.jid, itemAt(stanza)?.affiliation])).toEqual([
      ['absent@killrc.oulubox.irc', 'member'],
    ]);
  });
});

describe('XEP-0421 §3 in a room that XEP-0282 distributes', () => {
  it('who comes by the roster of a replica has one id in presence, messages, subject and history, at each visit', () => {
    const world = everybodyIn();
    const says = (text: string, name = 'body') =>
      world.send(message(jid(user('Wumpus')), room, { type: 'groupchat', id: text }, el(name, NS.client, {}, text)));
    says('before');
    says('the war', 'subject');
    world.crash(vesaReplica);
    world.clear();
    world.boot(vesaReplica);
    const reader = user('Efchen');
    world.send(joins(reader, `${room}/Efchen`));
    says('live');
    says('of 1990', 'subject');
    world.send(presence(jid(user('Wumpus')), jid(`${room}/Wumpus`), { type: 'unavailable' }));
    world.send(joins(user('Wumpus'), `${room}/Wumpus`));
    says('again');
    const of = (nick: string) => world.got(reader).filter(({ from }) => from === `${room}/${nick}`);
    expect(of('Wumpus').length).toBeGreaterThan(6);
    const ids = (nick: string) => new Set(of(nick).map(({ payloads }) => readOccupantId(payloads)));
    for (const nick of ['Wumpus', 'Efchen']) {
      expect(ids(nick).size).toBe(1);
      expect(ids(nick)).not.toContain('');
    }
  });
});

describe('XEP-0045 §17.3, §17.4 in a room that XEP-0282 distributes', () => {
  const at = (nick: string) => jid(`${room}/${nick}`);
  const ask = (world: World, from: string, nick: string, ...payloads: Stanza['payloads']) =>
    world.send(iq(jid(user(from)), at(nick), { type: 'get', id: 'q' }, ...payloads));

  it('§17.3: a presence probe is answered by the replica, with what the prober may see, split or not', () => {
    const world = everybodyIn();
    for (const cut of [undefined, 'bounce'] as const) {
      world.cut('avalon.irc', 'vesa.yeggmaex.irc', cut);
      world.clear();
      world.send(presence(jid(user('Efchen')), at('Wumpus'), { type: 'probe', id: 'p' }));
      const [answer, ...more] = world.got(user('Efchen'));
      expect([answer?.from, answer?.type, itemAt(answer as Stanza)?.role]).toEqual([
        at('Wumpus'),
        undefined,
        'moderator',
      ]);
      expect(itemAt(answer as Stanza)?.jid).toBeUndefined();
      expect(more).toEqual([]);
      expect(world.crossed()).toEqual([]);
    }
  });

  it('§17.4, XEP-0282 §1, §4.8: a vCard is asked for across replicas, under occupant addresses alone', () => {
    const world = everybodyIn();
    const vcard = el('vCard', 'vcard-temp');
    ask(world, 'Efchen', 'Troy', vcard);
    const account = jid(bare('Troy'));
    const [request] = world.to(account).filter(({ name }) => name === 'iq');
    expect([request?.from, request?.to, request?.type, request?.payloads]).toEqual([
      at('Efchen'),
      account,
      'get',
      [vcard],
    ]);
    const full = el('vCard', 'vcard-temp', {}, el('FN', 'vcard-temp', {}, 'Troy'));
    world.clear();
    world.send(iq(account, at('Efchen'), { type: 'result', id: request?.id }, full));
    expect(world.got(user('Efchen')).map(({ from, type, id, payloads }) => [from, type, id, payloads])).toEqual([
      [at('Troy'), 'result', 'q', [full]],
    ]);
  });

  it('§17.4: so is an error, and the question about somebody who is not there', () => {
    const world = everybodyIn();
    ask(world, 'Efchen', 'Troy', el('query', 'jabber:iq:version'));
    const [request] = world.got(user('Troy'));
    world.send(errorReply(request as Stanza, { type: 'cancel', condition: 'service-unavailable' }) as Stanza);
    ask(world, 'Efchen', 'Nobody', el('query', 'jabber:iq:version'));
    expect(world.got(user('Efchen')).map((stanza) => [stanza.from, errorOf(stanza)?.condition])).toEqual([
      [at('Troy'), 'service-unavailable'],
      [at('Nobody'), 'item-not-found'],
    ]);
  });

  it('RFC 6120 §8.2.3: an iq of a domain that the replica does not serve gets a reply', () => {
    const world = everybodyIn();
    const stranger = jid('who@elsewhere.irc/x');
    world.inject(vesaReplica, 'elsewhere.irc', iq(stranger, room, { type: 'get', id: 'q' }, el('query', NS.discoInfo)));
    expect(world.got(stranger).map((stanza) => [stanza.id, errorOf(stanza)?.condition])).toEqual([
      ['q', 'service-unavailable'],
    ]);
  });
});

function readStatuses(payloads: Stanza['payloads']): (string | undefined)[] {
  return payloads.flatMap((payload) =>
    payload.children.map((child) => (typeof child === 'string' ? '' : child.attrs['code'])),
  );
}
