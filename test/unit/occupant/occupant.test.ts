import { describe, expect, it } from 'vitest';
import { createOccupant, type OccupantAct } from '../../../src/core/occupant/occupant.ts';
import { writeKick, writeMucUser } from '../../../src/core/xep/xep0045.ts';
import { stanzaError } from '../../../src/core/xmpp/errors.ts';
import { jid, occupantJid } from '../../../src/core/xmpp/jid.ts';
import { errorReply, iq, message, presence, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { serialize } from '../../../src/core/xmpp/xml.ts';

const me = jid('hag66@shakespeare.lit/pda');
const room = jid('coven@chat.shakespeare.lit');
const nick = 'thirdwitch';
const self = presence(
  occupantJid(room, nick),
  me,
  {},
  writeMucUser({ affiliation: 'none', role: 'participant', statuses: [110] }),
);

function client() {
  const half = createOccupant({ jid: me, room, nick });
  let ids = 0;
  const env = { newId: () => `id${++ids}` };
  half.handle({ kind: 'linkUp' }, env);
  return {
    phase: () => half.state().phase,
    /** @returns what it sends to enter */
    joins() {
      const [sent] = half.handle({ kind: 'act', act: { act: 'join' } }, env).filter(({ kind }) => kind === 'send');
      if (sent?.kind !== 'send') throw new Error('it sends nothing');
      return sent.stanza;
    },
    /** @returns what it sends */
    does(act: OccupantAct) {
      const [sent] = half.handle({ kind: 'act', act }, env).filter(({ kind }) => kind === 'send');
      return sent?.kind === 'send' ? sent : undefined;
    },
    error: () => half.state().error,
    gets: (stanza: Stanza | undefined) => stanza && half.handle({ kind: 'stanza', stanza }, env),
  };
}
const refusal = (stanza: Stanza) => errorReply(stanza, stanzaError('cancel', 'service-unavailable'));

describe('XEP-0045 §7.2 Entering a room, the client', () => {
  it('is in from the self-presence that answers its join', () => {
    const one = client();
    one.joins();
    one.gets(self);
    expect(one.phase()).toBe('joined');
  });

  it('is not in by a self-presence that it did not ask for: that is for an earlier session of the same full JID', () => {
    const one = client();
    one.gets(self);
    expect(one.phase()).toBe('online');
    one.gets(refusal(one.joins()));
    one.gets(self);
    expect(one.phase()).toBe('online');
    one.joins();
    one.gets(self);
    expect(one.phase()).toBe('joined');
  });

  it('waits on when something else than its join is refused', () => {
    const one = client();
    one.joins();
    one.gets(refusal(presence(me, occupantJid(room, nick), { id: 'earlier' })));
    expect(one.phase()).toBe('joining');
  });

  it.each([
    ['the room does not know them (§7.4)', room, 'not-acceptable', 'online'],
    ['the room is not there any more (§6.4)', room, 'item-not-found', 'online'],
    ['the reader of a private message is not in (§7.5)', occupantJid(room, 'hecate'), 'item-not-found', 'joined'],
  ] as const)('learns from what comes of a message: %s', (_, to, condition, phase) => {
    const one = client();
    one.joins();
    one.gets(self);
    one.gets(errorReply(message(me, to, { id: 'm' }), stanzaError('cancel', condition)));
    expect(one.phase()).toBe(phase);
  });
});

describe('XEP-0045 §8.2 Kicking an occupant, the client', () => {
  it('names the nick, the role none and the reason, if there is one', () => {
    const one = client();
    one.joins();
    one.gets(self);
    const asked = (reason?: string) => {
      const act = { act: 'kick', nick: 'pistol', ...(reason === undefined ? {} : { reason }) } as const;
      return one.does(act);
    };
    expect(asked('Avaunt')).toMatchObject({
      spec: '0045#8.2',
      stanza: { name: 'iq', type: 'set', to: room, payloads: [writeKick('pistol', 'Avaunt')] },
    });
    expect(serialize(writeKick('pistol'))).toBe(
      '<query xmlns="http://jabber.org/protocol/muc#admin"><item nick="pistol" role="none"/></query>',
    );
    expect(asked()?.stanza.payloads).toEqual([writeKick('pistol')]);
  });

  it('says why it is refused, and stays in; errors that answer something else are not about it', () => {
    const one = client();
    one.joins();
    one.gets(self);
    const asked = one.does({ act: 'kick', nick: 'pistol' })?.stanza;
    one.gets(errorReply(iq(me, room, { type: 'set', id: 'other' }), stanzaError('auth', 'forbidden')));
    expect(one.error()).toBeUndefined();
    one.gets(asked && errorReply(asked, stanzaError('cancel', 'not-allowed', 'only moderators')));
    expect([one.phase(), one.error()]).toEqual(['joined', 'not-allowed: only moderators']);
  });
});
