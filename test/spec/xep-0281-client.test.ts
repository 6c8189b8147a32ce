import { describe, expect, it } from 'vitest';
import { createOccupant, type OccupantAct } from '../../src/core/occupant/occupant.ts';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { discoInfoResult } from '../../src/core/xep/xep0030.ts';
import { writeMucUser } from '../../src/core/xep/xep0045.ts';
import { writeDirectInvitation } from '../../src/core/xep/xep0249.ts';
import { shadowsField, sourceField } from '../../src/core/xep/xep0281.ts';
import { type StanzaError, stanzaError } from '../../src/core/xmpp/errors.ts';
import { domainOf, type Jid, jid, occupantJid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { errorReply, iq, message, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { el } from '../../src/core/xmpp/xml.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import { coven } from '../support/scenarios.ts';
import { joins, World } from '../support/world.ts';

const source = jid('coven@chat.shakespeare.lit');
const shadow = jid('theroom@rooms.macbeth.lit');
const evil = jid('theroom@rooms.evil.lit');
const witch = jid('somewitch@macbeth.lit/mobile');
const faustus = jid('faustus@marlowe.lit/study');
const nick = 'firstwitch';

/** The client half of the page, and what it has sent. */
function client(me: Jid = witch, room: Jid = source) {
  const half = createOccupant({ jid: me, room, nick });
  let ids = 0;
  const env = { newId: () => `${me}-${++ids}` };
  const handle = (input: Parameters<typeof half.handle>[0]) =>
    half.handle(input, env).flatMap((effect) => (effect.kind === 'send' ? [effect.stanza] : []));
  handle({ kind: 'linkUp' });
  return {
    state: half.state,
    offer: () => half.state().offer?.room,
    loses: () => handle({ kind: 'linkDown' }),
    does: (act: OccupantAct) => handle({ kind: 'act', act }),
    gets: (...stanzas: readonly (Stanza | undefined)[]) =>
      stanzas.flatMap((stanza) => (stanza === undefined ? [] : handle({ kind: 'stanza', stanza }))),
  };
}
type Client = ReturnType<typeof client>;

/** A client among the instances of the scenario. */
function seated(me: Jid, room: Jid, scenario: Scenario = coven) {
  const world = new World({ ...scenario, occupants: [], script: [] });
  world.advance(60_000);
  const one = client(me, room);
  const does = (act: OccupantAct) => {
    world.clear();
    for (let sent = one.does(act), seen = 0; sent.length > 0; ) {
      world.send(...sent);
      const got = world.got(me).slice(seen);
      seen += got.length;
      sent = one.gets(...got);
    }
  };
  return { ...one, world, does };
}

const redirects = (join: Stanza | undefined, to: string, text?: string) => {
  const error: StanzaError = { ...stanzaError('cancel', 'redirect', text), to };
  return join && errorReply(join, error);
};
const invites = (room: Jid, from: Jid = source) =>
  message(from, witch, { id: 'invitation' }, writeDirectInvitation(room, 'nearer'));
/** What a room says of itself, where it is asked. */
const says = (asked: readonly Stanza[], room: Jid, field: string, ...values: Jid[]) => {
  const request = asked.find(({ to }) => to === room);
  const fields = [{ var: field, type: 'jid-multi' as const, values }];
  const form = writeForm({ type: 'result', formType: 'http://jabber.org/protocol/muc#roominfo', fields });
  const identity = { category: 'conference', type: 'text' };
  return request && discoInfoResult(request, { identity, features: [], forms: [form] });
};
/** The client is sent from the source to a room, and asks both. */
const sent = (one: Client, to: Jid) => {
  const [join] = one.does({ act: 'join' });
  return one.gets(invites(to), redirects(join, domainOf(to)));
};

describe('XEP-0281 §3.5 Joining a Room, the client; decision #209: whom to follow', () => {
  it.each([
    ['an address', 'café@rooms.macbeth.lit'],
    ['an IRI', 'xmpp:café@rooms.macbeth.lit?join'],
    ['a URI, percent-encoded (RFC 5122)', 'XMPP:caf%C3%A9%40rooms.macbeth.lit?join;node=1#there'],
  ])('the error may name the room as %s', (_what, to) => {
    const one = client();
    const cafe = jid('café@rooms.macbeth.lit');
    const [join] = one.does({ act: 'join' });
    const asked = one.gets(redirects(join, to));
    expect(asked.map((request) => request.to)).toEqual([cafe, source]);
    one.gets(says(asked, source, shadowsField, cafe), says(asked, cafe, sourceField, source));
    expect(one.offer()).toBe(cafe);
  });

  it('Examples 17 to 21: it is sent to its shadow, asks both rooms, and goes there once its user agrees', () => {
    const one = seated(witch, source);
    one.does({ act: 'join' });
    expect(one.state()).toMatchObject({ phase: 'online', room: source, offer: { room: shadow, from: source } });
    const asked = one.world.sent.filter(({ stanza: { from, name } }) => from === witch && name === 'iq');
    expect(asked.map(({ stanza }) => stanza.to)).toEqual([shadow, source]);
    one.does({ act: 'accept' });
    expect(one.state()).toEqual({ phase: 'joined', nick, room: shadow });
    expect(one.world.status(jid('rooms.macbeth.lit')).occupants.map((occupant) => occupant.nick)).toEqual([nick]);
    // It is there that they speak, and there they come back.
    expect(one.does({ act: 'say', text: 'Harpier cries' })).toBeUndefined();
    expect(one.world.got(witch)).toMatchObject([{ from: occupantJid(shadow, nick), type: 'groupchat' }]);
    one.does({ act: 'leave' });
    one.does({ act: 'join' });
    expect(one.state()).toEqual({ phase: 'joined', nick, room: shadow });
  });

  it('a client whose user does not want to is where it was, with the room’s own words', () => {
    const one = seated(witch, source);
    one.does({ act: 'join' });
    one.does({ act: 'decline' });
    expect(one.state()).toEqual({
      phase: 'online',
      nick,
      room: source,
      error: `redirect: This room is at ${shadow}, too, which is nearer to you: please enter it there.`,
    });
    one.does({ act: 'accept' });
    expect(one.state().phase).toBe('online');
  });

  it('from a shadow to the source, by a URI: who is of no server that the shadow serves', () => {
    const one = seated(jid('stranger@marlowe.lit/study'), shadow);
    one.does({ act: 'join' });
    expect(one.state()).toMatchObject({ phase: 'online', room: shadow, offer: { room: source, from: shadow } });
  });

  it('when its shadow ends, its user is told where the room goes on, and can enter there', () => {
    const one = seated(witch, shadow);
    const crone = jid('crone1@shakespeare.lit/desktop');
    one.world.send(joins(crone, `${source}/foo`));
    one.does({ act: 'join' });
    one.world.clear();
    const form = writeForm({
      type: 'submit',
      formType: 'http://jabber.org/protocol/muc#roomconfig',
      fields: [{ var: `{${NS.ext}}dmuc_peerhosts`, values: ['conference.marlowe.lit'] }],
    });
    one.world.send(iq(crone, source, { type: 'set', id: 'q' }, el('query', NS.mucOwner, {}, form)));
    one.gets(...one.world.got(witch));
    expect(one.state()).toEqual({
      phase: 'online',
      nick,
      room: shadow,
      error: `${shadow} is no more; it goes on at ${source}`,
    });
    one.does({ act: 'join', room: source });
    expect(one.state()).toEqual({ phase: 'joined', nick, room: source });
  });

  it('another room is asked by its address, and the earlier one is come back to if it does not let the user in', () => {
    const one = seated(witch, shadow);
    one.does({ act: 'join', room: source });
    expect(one.state()).toMatchObject({ phase: 'online', room: source });
    one.does({ act: 'decline' });
    one.does({ act: 'join' });
    expect(one.state()).toEqual({ phase: 'joined', nick, room: shadow });
  });

  it('where two rooms say that they belong together, in whatever order it hears of them', () => {
    for (const order of ['invitation first', 'error first'] as const) {
      const one = client();
      const [join] = one.does({ act: 'join' });
      const word = redirects(join, 'rooms.macbeth.lit');
      const asked = one.gets(...(order === 'error first' ? [word, invites(shadow)] : [invites(shadow), word]));
      expect(asked.map(({ to }) => to)).toEqual([shadow, source]);
      one.gets(says(asked, source, shadowsField, shadow));
      expect(one.offer()).toBeUndefined();
      one.gets(says(asked, shadow, sourceField, source));
      expect(one.offer()).toBe(shadow);
    }
  });

  describe('S6: it does not follow', () => {
    const ignored: Record<string, (one: Client) => readonly Stanza[]> = {
      'a redirect that comes unasked': (one) =>
        one.gets(invites(evil), redirects(joins(witch, `${source}/${nick}`), 'rooms.evil.lit')),
      'one from another room than the one that it asked': (one) => {
        one.does({ act: 'join' });
        return one.gets(invites(evil), redirects(joins(witch, `${evil}/${nick}`), 'rooms.evil.lit'));
      },
      'one that answers an earlier request': (one) => {
        one.does({ act: 'join' });
        const earlier = presence(witch, occupantJid(source, nick), { id: 'earlier' });
        return one.gets(invites(evil), redirects(earlier, 'rooms.evil.lit'));
      },
      'an invitation of somebody in the room': (one) => {
        const [join] = one.does({ act: 'join' });
        return one.gets(invites(evil, occupantJid(source, 'foo')), redirects(join, 'rooms.evil.lit'));
      },
      'an invitation of the room before it was asked': (one) => {
        one.gets(invites(evil));
        const [join] = one.does({ act: 'join' });
        return one.gets(redirects(join, 'rooms.evil.lit'));
      },
      'an invitation to another service than the error names': (one) => {
        const [join] = one.does({ act: 'join' });
        return one.gets(invites(evil), redirects(join, 'rooms.macbeth.lit'));
      },
      'an invitation after another refusal': (one) => {
        const [join] = one.does({ act: 'join' });
        return one.gets(join && errorReply(join, stanzaError('auth', 'forbidden')), invites(evil));
      },
      'an invitation after its user said no': (one) => {
        const asked = sent(one, shadow);
        one.gets(says(asked, source, shadowsField, shadow), says(asked, shadow, sourceField, source));
        one.does({ act: 'decline' });
        return one.gets(invites(evil));
      },
      'an invitation while it is in': (one) => {
        one.does({ act: 'join' });
        const self = writeMucUser({ affiliation: 'none', role: 'participant', statuses: [110] });
        one.gets(presence(occupantJid(source, nick), witch, {}, self));
        return one.gets(invites(evil), redirects(joins(witch, `${source}/${nick}`), 'rooms.evil.lit'));
      },
      'a redirect to where it came from': (one) => {
        const [join] = one.does({ act: 'join' });
        return one.gets(redirects(join, `xmpp:${source}?join`));
      },
      'one that names nothing, or nonsense': (one) => {
        const [join] = one.does({ act: 'join' });
        return one.gets(redirects(join, 'xmpp:@?join'));
      },
    };
    it.each(Object.entries(ignored))('%s', (_what, play) => {
      const one = client();
      expect(play(one)).toEqual([]);
      expect(one.offer()).toBeUndefined();
    });

    it('unless both rooms confirm it: answers of others, errors and half answers do not', () => {
      const one = client();
      const asked = sent(one, shadow);
      const [, ofSource] = [says(asked, shadow, sourceField, source), says(asked, source, shadowsField, shadow)];
      one.gets(ofSource && { ...ofSource, from: evil });
      one.gets(asked[0] && errorReply(asked[0], stanzaError('auth', 'forbidden')));
      one.gets(ofSource, ofSource);
      expect(one.offer()).toBeUndefined();
    });
  });

  it('S7: a room that claims to be a shadow of another, or a source of it, proves nothing alone', () => {
    const one = client();
    const asked = sent(one, evil);
    expect(asked.map(({ to }) => to)).toEqual([evil, source]);
    one.gets(says(asked, evil, sourceField, source), says(asked, source, shadowsField, shadow));
    expect(one.offer()).toBeUndefined();

    const other = client();
    const again = sent(other, evil);
    other.gets(says(again, evil, 'other', source), says(again, source, shadowsField, evil));
    expect(other.offer()).toBeUndefined();
  });

  it('an offer stays until its user decides, whatever else comes, or the connection is lost', () => {
    const one = client();
    const asked = sent(one, shadow);
    one.gets(says(asked, source, shadowsField, shadow), says(asked, shadow, sourceField, source));
    expect(one.offer()).toBe(shadow);
    // Another nick is none of it.
    one.does({ act: 'nick', nick: 'secondwitch' });
    expect(one.state()).toMatchObject({ nick: 'secondwitch', offer: { room: shadow } });
    one.gets(message(source, witch, { id: 'x', type: 'error' }, el('error', 'jabber:client', { type: 'cancel' })));
    expect(one.offer()).toBe(shadow);
    one.loses();
    expect(one.state()).toMatchObject({ phase: 'offline', nick: 'secondwitch' });
    expect(one.offer()).toBeUndefined();
  });
});

describe('XEP-0281 §1.3, §3.6: what crosses links between three instances for one message', () => {
  const services = ['shakespeare.lit', 'macbeth.lit', 'marlowe.lit'] as const;
  const full = () => {
    const world = new World({ ...coven, occupants: [], script: [] });
    world.advance(60_000);
    world.send(
      joins('crone1@shakespeare.lit/desktop', `${source}/foo`),
      joins(witch, `${shadow}/${nick}`),
      joins(faustus, 'theroom@conference.marlowe.lit/faustus'),
    );
    world.clear();
    return world;
  };
  const speak = (world: World) => {
    world.clear();
    world.send(
      message(witch, shadow, { id: 'm', type: 'groupchat' }, el('body', 'jabber:client', {}, 'Harpier cries')),
    );
    return world
      .crossed()
      .flatMap(({ stanza, server, outcome }) => (stanza.name === 'message' ? [[server, outcome]] : []));
  };

  it('2, each over one hop, where the star of a primary needs up to two', () => {
    const hops = speak(full()).map(([server]) => server);
    expect(hops).toHaveLength(2);
    // Each begins where the message was said: none is passed on.
    expect(hops).toEqual(
      expect.arrayContaining([
        ['macbeth.lit', 'shakespeare.lit'],
        ['macbeth.lit', 'marlowe.lit'],
      ]),
    );
  });

  it('1 between the other two while the firsthost is cut off', () => {
    const world = full();
    for (const other of services.slice(1)) world.cut('shakespeare.lit', other, 'bounce');
    speak(world);
    world.advance(1_000);
    expect(speak(world)).toEqual([[['macbeth.lit', 'marlowe.lit'], undefined]]);
  });
});
