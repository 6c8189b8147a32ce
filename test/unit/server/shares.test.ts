import { describe, expect, it } from 'vitest';
import { type Instant, instant, plus } from '../../../src/core/xmpp/time.ts';
import type { Budgets } from '../../../src/server/budget.ts';
import { Patience } from '../../../src/server/patience.ts';
import { Turns } from '../../../src/server/turns.ts';
import { cast, errorCondition, fakeNetwork, type WireClient } from '../../support/server.ts';

const room = 'r@channel.avalon.irc';
const say = (text: string, id = 'm') =>
  `<message xmlns="jabber:client" to="${room}" id="${id}" type="groupchat"><body>${text}</body></message>`;
const idsOf = (client: WireClient) =>
  client
    .take()
    .filter(({ name }) => name === 'message')
    .map(({ attrs }) => attrs['id']);
const numbers = (n: number) => Array.from({ length: n }, (_, i) => `m${i}`);
const self = (to: string, type = '') =>
  `<presence xmlns="jabber:client" from="${room}/${to.replaceAll(/[@/]/g, '-')}" to="${to}"${type}><x xmlns="http://jabber.org/protocol/muc#user"><status code="110"/></x></presence>`;

const others = ['msa@avalon.irc', 'rubenro@avalon.irc', 'troy@avalon.irc'].map((address) => ({
  address,
  password: 'pw',
  role: 'user' as const,
}));

/** A service with a room, and its readers. */
function roomOf(readers: number, budgets: Partial<Budgets> = {}) {
  const network = fakeNetwork({ budgets, accounts: [...cast.accounts, ...others] });
  const service = network.login('channel.avalon.irc');
  const clients = Array.from({ length: readers }, (_, i) => network.login(`argl@avalon.irc/r${i}`));
  for (const { address } of clients) service.send(self(address));
  return { ...network, service, clients };
}
const unlimited = { perSecond: 0, burst: 0 };

describe('what a user causes in a room', () => {
  it('is known before the first copy has left: a burst is not taken for cheap', () => {
    const { host, login, service } = roomOf(100);
    const sender = login('msa@avalon.irc/r').send(...numbers(100).map((id) => say('x', id)));
    expect(idsOf(service).length).toBeLessThan(5);
    expect(sender.isRead).toBe(false);
    // 100 copies of 1 KiB, at 5 MB a second.
    host.advance(1000);
    expect(idsOf(service).length).toBeGreaterThan(40);
    host.advance(2000);
    expect(idsOf(service).at(-1)).toBe('m99');
    expect(sender.isRead).toBe(true);
  });

  it('does not keep others waiting: who has said nothing lately is heard at once', () => {
    const { login, service } = roomOf(100);
    login('msa@avalon.irc/r').send(...numbers(100).map((id) => say('x', id)));
    login('rubenro@avalon.irc/r').send(...numbers(100).map((id) => say('x', id)));
    service.take();
    login('troy@avalon.irc/r').send(say('x', 'other'));
    expect(idsOf(service)).toEqual(['other']);
  });

  it('is little in a small room, and nobody waits for it', () => {
    const { login, service } = roomOf(3);
    const sender = login('msa@avalon.irc/r');
    for (let i = 0; i < 40; i++) sender.send(say('x', `m${i}`));
    expect(sender.isRead).toBe(true);
    expect(idsOf(service)).toHaveLength(40);
  });

  it('is in bytes as well as in copies: a long text is dearer than a short one', () => {
    const within = (text: string) => {
      const { host, login, service } = roomOf(20);
      login('msa@avalon.irc/r').send(...numbers(400).map((id) => say(text, id)));
      host.advance(20_000);
      return idsOf(service).length;
    };
    expect(within('x')).toBe(400);
    // 20 × 200 kB are 4 MB: 16 MiB at once, and 2 MB a second.
    expect(within('x'.repeat(200_000))).toBeLessThan(16);
  });

  it('who sends more than that waits, is told after a while, and cut off at last', () => {
    const { host, login, service } = roomOf(10, { fanOut: { perSecond: 10_240, burst: 102_400 } });
    const sender = login('msa@avalon.irc/r').send(...numbers(200).map((id) => say('x', id)));
    host.advance(11_000);
    expect(sender.take().map(errorCondition)).toEqual(['resource-constraint']);
    expect(sender.isRead).toBe(false);
    expect(idsOf(service).length).toBeLessThan(25);
    host.advance(60_000);
    expect(sender.streamError).toBe('policy-violation');
  });

  it('nobody is cut off for one stanza, however dear it was', () => {
    const { host, login, service } = roomOf(50, { fanOut: { perSecond: 10_000, burst: 100_000 } });
    const sender = login('msa@avalon.irc/r').send(say('x'.repeat(200_000), 'dear'), say('x', 'next'));
    host.advance(20_000);
    expect(idsOf(service)).toEqual(['dear']);
    host.advance(12_000);
    expect(idsOf(service)).toEqual(['next']);
    expect(sender.closed).toBe(false);
  });

  it('counts who is in: not those who have left, were put out, or are gone', () => {
    const { login, service, clients } = roomOf(100);
    const [gone, out] = [clients.slice(0, 50), clients.slice(50)];
    for (const client of gone) client.vanish();
    for (const { address } of out) service.send(self(address, ' type="unavailable"'));
    service.take();
    const sender = login('msa@avalon.irc/r');
    for (let i = 0; i < 40; i++) sender.send(say('x', `m${i}`));
    expect(idsOf(service)).toHaveLength(40);
  });

  it('who enters pays for hearing of all others, and for the history', () => {
    const enters = `<presence xmlns="jabber:client" to="${room}/n"><x xmlns="http://jabber.org/protocol/muc"/></presence>`;
    const { host, login, service } = roomOf(1, { fanOut: { perSecond: 10_000, burst: 100_000 } });
    const sender = login('msa@avalon.irc/r').send(enters);
    const old = (from: string) =>
      `<message xmlns="jabber:client" from="${room}/n" to="${sender.address}" type="groupchat"><body>${'x'.repeat(50_000)}</body><delay xmlns="urn:xmpp:delay" from="${from}" stamp="2020-01-01T00:00:00Z"/></message>`;
    service.send(...[1, 2, 3, 4].map(() => old(room)));
    service.take();
    sender.send(say('x', 'late'));
    expect(idsOf(service)).toEqual([]);
    host.advance(15_000);
    expect(idsOf(service)).toEqual(['late']);
    // A delay of somebody else's is no history, and with what is said now the history is over.
    service.send(
      say('x').replace(`to="${room}"`, `from="${room}/n" to="${sender.address}"`),
      ...[1, 2, 3].map(() => old(room)),
    );
    host.advance(1000);
    sender.send(say('x', 'at once'));
    expect(idsOf(service)).toEqual(['at once']);
  });

  it('pages of an archive are waited for, and nobody is cut off for reading', () => {
    const { host, login, service } = roomOf(1, { fanOut: { perSecond: 10_000, burst: 100_000 } });
    const reader = login('msa@avalon.irc/r');
    const ask = (id: string) =>
      `<iq xmlns="jabber:client" type="set" id="${id}" to="${room}"><query xmlns="urn:xmpp:mam:2"/></iq>`;
    const result = `<message xmlns="jabber:client" from="${room}" to="${reader.address}"><result xmlns="urn:xmpp:mam:2">${'x'.repeat(3000)}</result></message>`;
    const done = `<iq xmlns="jabber:client" from="${room}" to="${reader.address}" type="result" id="a"/>`;
    let pages = 0;
    for (let second = 0; second < 200; second++) {
      reader.send(ask(`a${second}`));
      host.advance(1000);
      for (const { name } of service.take()) {
        if (name !== 'iq') continue;
        pages++;
        service.send(...Array.from({ length: 50 }, () => result), done);
      }
    }
    expect(pages).toBeGreaterThan(10);
    expect(pages).toBeLessThan(25);
    expect(reader.closed).toBe(false);
    expect(reader.take().map(errorCondition).filter(Boolean)).toEqual([]);
  });

  it("what others send a user is not the user's to pay for", () => {
    const { login, service } = roomOf(1, { fanOut: { perSecond: 1000, burst: 10_000 } });
    const user = login('msa@avalon.irc/r');
    const other = login('rubenro@avalon.irc/r');
    const result = `<result xmlns="urn:xmpp:mam:2">${'x'.repeat(9000)}</result>`;
    for (let i = 0; i < 10; i++) {
      other.send(`<iq xmlns="jabber:client" type="result" id="i" to="${user.address}">${result}</iq>`);
      other.send(`<message xmlns="jabber:client" to="${user.address}">${result}</message>`);
      service.send(`<message xmlns="jabber:client" from="${room}/n" to="${user.address}">${result}</message>`);
    }
    expect(user.take()).toHaveLength(30);
    user.send(say('x', 'at once'));
    expect(idsOf(service)).toEqual(['at once']);
  });

  it('pages that are asked for all at once are read one after the other', () => {
    const { host, login, service } = roomOf(1);
    const ask = (id: string) =>
      `<iq xmlns="jabber:client" type="set" id="${id}" to="${room}"><query xmlns="urn:xmpp:mam:2"/></iq>`;
    login('msa@avalon.irc/r').send(...numbers(100).map(ask));
    const asked = () => service.take().filter(({ name }) => name === 'iq').length;
    expect(asked()).toBeLessThan(5);
    host.advance(500);
    expect(asked()).toBeLessThan(50);
    host.advance(1500);
    expect(asked()).toBeGreaterThan(45);
  });
});

describe('the share of a user', () => {
  const large = 'x'.repeat(250_000);
  const toSelf = (id: string) =>
    `<message xmlns="jabber:client" to="msa@vesa.irc/r" id="${id}" type="chat"><body>${large}</body></message>`;

  it('is not new for a session that comes again, nor for a second one', () => {
    const { host, login } = fakeNetwork();
    const first = login('msa@vesa.irc/r').send(...numbers(24).map(toSelf));
    expect(first.isRead).toBe(false);
    first.vanish();
    const again = login('msa@vesa.irc/r').send(toSelf('again'));
    expect(again.isRead).toBe(false);
    expect(login('msa@vesa.irc/2').send(toSelf('second')).isRead).toBe(false);
    expect(login('rubenro@vesa.irc/r').send(toSelf('other').replace(large, '')).isRead).toBe(true);
    host.advance(55_000);
    expect(idsOf(again)).toContain('again');
  });

  it('of stanzas is 2,000 at once and 1,000 a second: who sends more waits, and is not cut off at once', () => {
    const { host, login } = fakeNetwork({ budgets: { client: unlimited } });
    const sender = login('msa@vesa.irc/r');
    sender.send(...numbers(3000).map((id) => toSelf(id).replace(large, '')));
    expect(idsOf(sender).length).toBeLessThan(2001);
    expect(sender.isRead).toBe(false);
    host.advance(1500);
    expect(idsOf(sender).at(-1)).toBe('m2999');
    expect(sender.isRead).toBe(true);
  });
});

describe('turns', () => {
  const start = instant(1_700_000_000_000);

  it('are shared among those who rest: all together cause what they may, each as much as the others', () => {
    const turns = new Turns(1_000_000);
    const senders = [{}, {}, {}, {}];
    const caused = senders.map(() => 0);
    let now: Instant = start;
    for (let ms = 0; ms < 20_000; ms++, now = plus(now, 1))
      senders.forEach((sender, i) => {
        if (turns.waitMs(sender, now) > 0) return;
        turns.take(sender, 20_000, now);
        caused[i] = (caused[i] ?? 0) + 20_000;
      });
    const all = caused.reduce((sum, one) => sum + one, 0);
    expect(all / 20).toBeGreaterThan(800_000);
    expect(all / 20).toBeLessThan(1_200_000);
    expect(Math.max(...caused) / Math.min(...caused)).toBeLessThan(1.1);
  });

  it('are a second apart at most', () => {
    const turns = new Turns(1_000_000);
    const sender = {};
    turns.take(sender, 1e9, start);
    expect(turns.waitMs(sender, start)).toBe(1000);
    expect(turns.waitMs(sender, plus(start, 1000))).toBe(0);
  });
});

describe('the patience of nodes with readers who are behind', () => {
  it('lasts a tenth of a second, and a tenth of the time', () => {
    let now: Instant = instant(1_700_000_000_000);
    const patience = new Patience(now);
    let [rested, longest, inARow] = [0, 0, 0];
    for (let ms = 0; ms < 20_000; ms += 5, now = plus(now, 5)) {
      inARow = patience.lasts(true, now) ? inARow + 5 : 0;
      if (inARow > 0) rested += 5;
      longest = Math.max(longest, inARow);
    }
    expect(longest).toBeLessThanOrEqual(105);
    expect(rested).toBeGreaterThan(1000);
    expect(rested).toBeLessThan(2500);
  });
});
