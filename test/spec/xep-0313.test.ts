import { describe, expect, it } from 'vitest';
import { writeForm } from '../../src/core/xep/xep0004.ts';
import { subjectChange } from '../../src/core/xep/xep0045.ts';
import { readStanzaId } from '../../src/core/xep/xep0359.ts';
import { jid } from '../../src/core/xmpp/jid.ts';
import { NS } from '../../src/core/xmpp/namespaces.ts';
import { bodyOf, errorOf, iq, message, payloadOf, presence, type Stanza } from '../../src/core/xmpp/stanza.ts';
import { childOf, el, elementsOf, textOf, type XmlElement } from '../../src/core/xmpp/xml.ts';
import { type Seat, type Somebody, seats } from '../support/cast.ts';
import { joins, says } from '../support/world.ts';

const mam = 'urn:xmpp:mam:2';
const rsm = 'http://jabber.org/protocol/rsm';

/** What the archive of their room answers: the messages inside the results, then the last stanza. */
function reads({ world }: Seat, who: Somebody, page: Record<string, string> = {}, filter: Record<string, string> = {}) {
  const set = el('set', rsm, {}, ...Object.entries(page).map(([name, text]) => el(name, rsm, {}, text)));
  const fields = Object.entries(filter).map(([name, value]) => ({ var: name, values: [value] }));
  const form = fields.length === 0 ? [] : [writeForm({ type: 'submit', formType: mam, fields })];
  world.clear();
  world.send(iq(jid(who.jid), jid(who.room), { type: 'set', id: 'q' }, el('query', mam, {}, ...form, set)));
  const got = world.got(who.jid);
  const results = got.flatMap((stanza) => payloadOf(stanza, 'result', mam) ?? []);
  const inner = results.map((result) => {
    const forwarded = childOf(result, 'forwarded', 'urn:xmpp:forward:0') as XmlElement;
    return childOf(forwarded, 'message', NS.client) as XmlElement;
  });
  return { ids: results.map(({ attrs }) => attrs['id']), inner, answer: got.at(-1) as Stanza };
}

const wordsOf = ({ children }: XmlElement) => {
  const said = elementsOf({ children }).find(({ name }) => name === 'body' || name === 'subject');
  return said && textOf(said);
};
const sets = (who: Somebody, text: string, ...more: XmlElement[]) =>
  message(
    jid(who.jid),
    jid(who.room),
    { type: 'groupchat', id: `set-${text}` },
    el('subject', NS.client, {}, text),
    ...more,
  );
const sends = (who: Somebody, ...payloads: XmlElement[]) =>
  message(jid(who.jid), jid(who.room), { type: 'groupchat', id: 'sent' }, ...payloads);
/** What somebody who enters now is shown of the past. */
const history = ({ world, late }: Seat) => {
  world.clear();
  world.send(joins(late.jid, `${late.room}/${late.nick}`));
  const past = world.got(late.jid).filter((stanza) => stanza.name === 'message' && subjectChange(stanza) === undefined);
  return past;
};

const composing = el('composing', 'http://jabber.org/protocol/chatstates');
const displayed = el('displayed', 'urn:xmpp:chat-markers:0', { id: 'x' });
const received = el('received', 'urn:xmpp:receipts', { id: 'x' });
const hint = (name: string) => el(name, 'urn:xmpp:hints');
const body = (text: string) => el('body', NS.client, {}, text);
const reactions = el(
  'reactions',
  'urn:xmpp:reactions:0',
  { id: 'x' },
  el('reaction', 'urn:xmpp:reactions:0', {}, '👋'),
);
const retract = el('retract', 'urn:xmpp:message-retract:1', { id: 'x' });

describe.each(Object.keys(seats))('XEP-0313 §6.1.2 MUC archives, in the seat %s', (name) => {
  const seatWith = (room?: Parameters<(typeof seats)[string]>[0]) => (seats[name] as (typeof seats)[string])(room);

  it('subject change stanzas are in the archive, and no history of those who enter', () => {
    const seat = seatWith();
    const { world, owner, guest } = seat;
    for (const stanza of [says(owner.jid, owner.room, 'one'), sets(owner, 'war'), says(guest.jid, guest.room, 'two')])
      world.send(stanza);
    for (const who of [owner, guest]) expect(reads(seat, who).inner.map(wordsOf)).toEqual(['one', 'war', 'two']);
    expect(history(seat).map(bodyOf)).toEqual(['one', 'two']);
  });

  it('decision #116: those who may see JIDs read the author of what has a body, and of nothing else', () => {
    const seat = seatWith();
    const { world, owner, guest } = seat;
    world.send(says(guest.jid, guest.room, 'one'), sets(owner, 'war'), sends(guest, reactions, hint('store')));
    const authors = Object.fromEntries(
      reads(seat, owner).inner.map((inner) => {
        const x = childOf(inner, 'x', 'http://jabber.org/protocol/muc#user');
        return [wordsOf(inner), x && elementsOf(x).map(({ attrs }) => attrs['jid'])];
      }),
    );
    expect(authors).toEqual({ one: [guest.jid], war: undefined, undefined: undefined });
  });

  it('a page begins after every stanza-id that the room gave, whoever said it, whatever the filter', () => {
    const seat = seatWith();
    const { world, owner, guest } = seat;
    world.send(says(owner.jid, owner.room, 'one'), sends(guest, composing), sets(owner, 'war'));
    world.send(sends(guest, body('psst'), hint('no-store')), sends(owner, reactions, hint('store')));
    world.send(says(guest.jid, guest.room, 'two'));
    const given = world.got(guest.jid).flatMap(({ payloads }) => readStanzaId(payloads, jid(guest.room))?.id ?? []);
    expect(given).toHaveLength(4);
    expect(reads(seat, guest).ids).toEqual(given);
    for (const [i, after] of given.entries()) {
      expect(reads(seat, guest, { after }).ids).toEqual(given.slice(i + 1));
      expect(reads(seat, guest, { before: after }).ids).toEqual(given.slice(0, i));
      const mine = reads(seat, guest, { after }, { with: `${guest.room}/${guest.nick}` });
      expect([i, mine.ids]).toEqual([i, given.slice(Math.max(3, i + 1))]);
    }
  });

  it('decision #110: only chat states, markers and receipts are of the moment; so is what shall not be stored', () => {
    const seat = seatWith();
    const { world, owner, guest } = seat;
    world.send(says(owner.jid, owner.room, 'one'));
    world.clear();
    const passing = [
      sends(guest, composing),
      sends(guest, displayed, el('thread', NS.client, {}, 't')),
      sends(guest, received, el('origin-id', NS.sid, { id: 'x' })),
      sends(guest, body('off the record'), hint('no-store')),
      sends(guest, body('for the moment'), hint('no-permanent-store'), hint('store')),
      sends(guest),
    ];
    world.send(...passing);
    // Everybody hears it all the same, and without an id that would name nothing.
    for (const who of [owner, guest]) {
      expect(world.got(who.jid)).toHaveLength(passing.length);
      for (const { payloads } of world.got(who.jid)) expect(readStanzaId(payloads, jid(who.room))).toBeUndefined();
    }
    for (const who of [owner, guest]) expect(reads(seat, who).inner.map(wordsOf)).toEqual(['one']);
    expect(history(seat).map(bodyOf)).toEqual(['one']);
    for (const node of ['log', 'snapshot'] as const) expect(kept(seat, node)).not.toMatch(/off the|for the moment/);
  });

  it('decision #110: what says something of other messages is kept without a body; so is what its author wants kept', () => {
    const seat = seatWith();
    const { world, owner, guest } = seat;
    const replace = el('replace', 'urn:xmpp:message-correct:0', { id: 'x' });
    const lasting = [
      sends(guest, reactions),
      sends(guest, retract),
      sends(guest, replace, hint('store')),
      sends(guest, composing, hint('store')),
      sends(guest, el('encrypted', 'eu.siacs.conversations.axolotl')),
    ];
    world.send(...lasting);
    for (const who of [owner, guest]) expect(reads(seat, who).ids).toHaveLength(lasting.length);
    expect(history(seat)).toHaveLength(lasting.length);
  });

  it('what is of the moment takes no place among the messages of the history', () => {
    const seat = seatWith({ historyMax: 2 });
    const { world, owner, guest } = seat;
    world.send(says(owner.jid, owner.room, 'one'), says(owner.jid, owner.room, 'two'));
    for (let i = 0; i < 5; i++) world.send(sends(guest, composing), sets(owner, `subject ${i}`));
    expect(history(seat).map(bodyOf)).toEqual(['one', 'two']);
  });

  it.each(['2026-13-45T00:00:00Z', '2026-02-30T12:00:00Z', '2026-01-01T99:99:99Z', 'yesterday'])(
    '%s is no date: bad-request, and in <history since/> it is ignored',
    (stamp) => {
      const seat = seatWith();
      const { world, owner, late } = seat;
      world.send(says(owner.jid, owner.room, 'one'));
      for (const field of ['start', 'end']) {
        const error = errorOf(reads(seat, owner, {}, { [field]: stamp }).answer);
        expect([error?.type, error?.condition]).toEqual(['modify', 'bad-request']);
        expect(error?.text).toContain(stamp);
      }
      const x = el('x', NS.muc, {}, el('history', NS.muc, { since: stamp }));
      world.send(presence(jid(late.jid), jid(`${late.room}/${late.nick}`), {}, x));
      expect(world.got(late.jid).map(bodyOf).filter(Boolean)).toEqual(['one']);
    },
  );

  it('XEP-0045 §8.1: a user who enters gets the subject in all its languages', () => {
    const seat = seatWith();
    const { world, owner, guest, late } = seat;
    const inGerman = el('subject', NS.client, { 'xml:lang': 'de' }, 'Krieg');
    const said = { ...sets(owner, 'war', inGerman), lang: 'en' };
    world.send(said);
    const texts = [el('subject', NS.client, {}, 'war'), inGerman];
    const subjectsOf = (stanza: Stanza | undefined) =>
      stanza?.payloads.filter((payload) => payload.name === 'subject' && payload.xmlns === NS.client);
    expect(subjectsOf(world.got(guest.jid)[0])).toEqual(texts);
    world.clear();
    world.send(joins(late.jid, `${late.room}/${late.nick}`));
    const last = world.got(late.jid).at(-1);
    expect(subjectsOf(last)).toEqual(texts);
    expect([last?.lang, last?.from]).toEqual(['en', `${late.room}/${owner.nick}`]);
  });
});

describe('XEP-0282 §4.11 What is not kept, and a split', () => {
  const vesa = 'vesa.yeggmaex.irc';
  const sayings = (seat: Seat, who: Somebody) => seat.world.got(who.jid).filter(({ name }) => name === 'message');

  it('decision #110: what a replica missed of it is a place in the sequence, and no message', () => {
    const seat = (seats['replica'] as (typeof seats)[string])();
    const { world, owner, guest } = seat;
    world.cut('avalon.irc', vesa, 'silent');
    world.send(
      sends(owner, body('psst'), hint('no-store')),
      says(owner.jid, owner.room, 'one'),
      sends(owner, composing),
    );
    world.cut('avalon.irc', vesa, undefined);
    world.clear();
    world.advance(200_000);
    expect(sayings(seat, guest).map(bodyOf)).toEqual(['one']);
    for (const node of ['channel.avalon.irc', 'replica@vesa.yeggmaex.irc'])
      expect(JSON.stringify(world.seat(jid(node)).node.snapshot())).not.toContain('psst');
    expect(world.status(jid('replica@vesa.yeggmaex.irc')).peers[0]?.state).toBe('live');
  });

  it('decision #110: words that may not be stored cannot wait for the primary: a replica that is cut off refuses them', () => {
    const seat = (seats['replica'] as (typeof seats)[string])({}, { policy: 'local' });
    const { world, owner, guest, late } = seat;
    world.send(joins(late.jid, `${late.room}/${late.nick}`));
    world.cut('avalon.irc', vesa, 'bounce');
    world.send(says(owner.jid, owner.room, 'beyond'));
    world.send(says(guest.jid, guest.room, 'lost'));
    world.advance(6_000);
    expect(world.status(jid('replica@vesa.yeggmaex.irc')).peers[0]?.state).toBe('split');
    world.clear();
    world.send(sends(guest, reactions), says(guest.jid, guest.room, 'here'));
    expect(sayings(seat, late).map(bodyOf)).toEqual([undefined, 'here']);
    world.clear();
    world.send(sends(guest, body('psst'), hint('no-store')));
    expect(sayings(seat, late)).toEqual([]);
    expect(errorOf(sayings(seat, guest)[0] as Stanza)?.condition).toBe('remote-server-timeout');
    world.clear();
    world.cut('avalon.irc', vesa, undefined);
    world.advance(200_000);
    expect(sayings(seat, owner).map(bodyOf)).toEqual([undefined, 'here']);
  });
});

/** Everything that the nodes of the seat keep on disk, or would. */
function kept({ world, owner, guest }: Seat, what: 'log' | 'snapshot'): string {
  const services = [...new Set([owner.room, guest.room])].map((room) => jid(room.split('@')[1] as string));
  const all = services.map((address) =>
    what === 'log' ? world.seat(address).log : world.seat(address).node.snapshot(),
  );
  return JSON.stringify(all);
}
