import { describe, expect, it } from 'vitest';
import { stanzaError, writeError } from '../../../src/core/xmpp/errors.ts';
import { type Jid, jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import {
  errorReply,
  iq,
  iqResult,
  make,
  message,
  presence,
  readdressed,
  type Stanza,
} from '../../../src/core/xmpp/stanza.ts';
import { childrenOf, el } from '../../../src/core/xmpp/xml.ts';
import { Multicast } from '../../../src/headless/multicast.ts';

const domain = jid('talk.denmark.lit');
const room = jid('elsinore@talk.denmark.lit');
const ghost = jid('elsinore@talk.denmark.lit/Ghost');
const server = jid('denmark.lit');
const service = jid('multicast.denmark.lit');
const users = (count: number, of = 'denmark.lit') =>
  Array.from({ length: count }, (_, i) => jid(`user${i}@${of}/desk`));
const body = (text: string) => el('body', NS.client, {}, text);
const said = (text: string) => message(ghost, room, { type: 'groupchat', id: text }, body(text));
const features = (...vars: readonly string[]) => vars.map((name) => el('feature', NS.discoInfo, { var: name }));
const limit = (kind: string, value: string) =>
  el('field', NS.dataForms, { var: kind }, el('value', NS.dataForms, {}, value));
const form = (...fields: readonly ReturnType<typeof el>[]) =>
  el(
    'x',
    NS.dataForms,
    { type: 'result' },
    el('field', NS.dataForms, { var: 'FORM_TYPE' }, el('value', NS.dataForms, {}, NS.address)),
    ...fields,
  );

/** A component's side; what it writes, and a clock that others move. */
function component() {
  const out: Stanza[] = [];
  const told: number[] = [];
  const log: string[] = [];
  const timers = new Set<() => void>();
  let n = 0;
  const multicast = new Multicast({
    domain,
    clock: {
      now: () => 0,
      setTimer: (_, fn) => {
        timers.add(fn);
        return () => timers.delete(fn);
      },
      random: () => 0,
    },
    write: (stanza, written) => {
      out.push(stanza);
      written?.({ stream: 's', n: ++n });
    },
    log: (line) => log.push(line),
  });
  const send = (stanza: Stanza, to: readonly Jid[]) => {
    for (const one of to) multicast.send(readdressed(stanza, one), ({ n: at }) => told.push(at));
    multicast.flush();
    return out.splice(0);
  };
  /** What it writes because of a stanza that comes in, and whether that was for it alone. */
  const takes = (stanza: Stanza) => ({ isTaken: multicast.take(stanza), writes: out.splice(0) });
  const late = () => {
    for (const fn of [...timers]) if (timers.delete(fn)) fn();
    return out.splice(0);
  };
  return { multicast, send, takes, late, told, log, timers };
}

/** One whose server has been found to have the service. @param extra  in what it says of itself */
function withService(...extra: readonly ReturnType<typeof el>[]) {
  const all = component();
  const asked = all.send(said('first'), users(20))[0] as Stanza;
  const items = ['conference.denmark.lit', service].map((one) => el('item', NS.discoItems, { jid: one }));
  let question = all.takes(iqResult(asked, el('query', NS.discoItems, {}, ...items))).writes[0] as Stanza;
  for (const one of [server, jid('conference.denmark.lit')]) {
    expect(question.to).toBe(one);
    question = all.takes(iqResult(question, el('query', NS.discoInfo, {}, ...features(NS.muc)))).writes[0] as Stanza;
  }
  expect(question.to).toBe(service);
  const info = el('query', NS.discoInfo, {}, ...features(NS.address), ...extra);
  expect(all.takes(iqResult(question, info))).toEqual({ isTaken: true, writes: [] });
  all.told.length = 0;
  return all;
}

const addressesOf = ({ payloads }: Stanza) =>
  childrenOf(payloads[0] as ReturnType<typeof el>, 'address', NS.address).map(({ attrs }) => [
    attrs['type'],
    attrs['jid'],
  ]);
const bcc = (...to: readonly Jid[]) => to.map((one) => ['bcc', one]);
/** The copy that the room gets. */
const copyOf = ({ name, from, id, type, lang, payloads }: Stanza) =>
  make(name, from, room, { id, type, lang }, payloads.slice(1));
const infinite = form(limit('message', 'infinite'), limit('presence', 'infinite'));

describe('XEP-0033 §2.2: the service of the server is looked for', () => {
  it('by the room that first has a message for many; that one goes to each', () => {
    const { send } = component();
    const [question, ...copies] = send(said('first'), users(20));
    expect(question).toEqual(iq(room, server, { type: 'get', id: question?.id }, el('query', NS.discoItems)));
    expect(copies).toEqual(users(20).map((to) => readdressed(said('first'), to)));
    expect(send(said('second'), users(20))).toHaveLength(20);
  });

  it('a room of fewer asks nothing, nor does one whose users are elsewhere', () => {
    const { send } = component();
    expect(send(said('few'), users(19))).toHaveLength(19);
    expect(send(said('far'), users(30, 'wonderland.lit'))).toHaveLength(30);
  });

  it.each([
    ['has no services', iqResult],
    [
      'answers with an error',
      (asked: Stanza) => errorReply(asked, stanzaError('cancel', 'service-unavailable')) as Stanza,
    ],
  ])('a server that %s is asked what it is itself, and nothing more', (_, answer) => {
    const { send, takes } = component();
    const [asked] = send(said('first'), users(20));
    const [question] = takes(answer(asked as Stanza)).writes;
    expect(question).toMatchObject({ to: server, payloads: [el('query', NS.discoInfo)] });
    expect(takes(iqResult(question as Stanza, el('query', NS.discoInfo, {}, ...features(NS.muc)))).writes).toEqual([]);
    expect(send(said('second'), users(20))).toHaveLength(20);
  });

  it('what the server lists of others, and the component itself, are not asked', () => {
    const { send, takes } = component();
    const [asked] = send(said('first'), users(20)) as [Stanza];
    const listed = [
      'multicast.wonderland.lit',
      domain,
      'someone@denmark.lit',
      'evildenmark.lit',
      '',
      'pubsub.denmark.lit',
    ];
    const items = listed.map((one) => el('item', NS.discoItems, { jid: one }));
    const [first] = takes(iqResult(asked, el('query', NS.discoItems, {}, ...items))).writes as [Stanza];
    const [second] = takes(iqResult(first, el('query', NS.discoInfo))).writes as [Stanza];
    expect([first.to, second.to]).toEqual([server, 'pubsub.denmark.lit']);
    expect(takes(iqResult(second, el('query', NS.discoInfo))).writes).toEqual([]);
  });

  it('nobody else can answer', () => {
    const { send, takes } = component();
    const [asked] = send(said('first'), users(20)) as [Stanza];
    const forged = make('iq', jid('mallory@denmark.lit/x'), room, { type: 'result', id: asked.id }, [
      el('query', NS.discoItems),
    ]);
    expect(takes(forged)).toEqual({ isTaken: false, writes: [] });
  });

  it('a component that is no part of a domain, or that is one address, has none', () => {
    for (const own of ['localhost', 'room@talk.denmark.lit']) {
      const out: Stanza[] = [];
      const options = {
        clock: { now: () => 0, setTimer: () => () => undefined, random: () => 0 },
        log: () => undefined,
      };
      const multicast = new Multicast({ ...options, domain: jid(own), write: (stanza) => out.push(stanza) });
      for (const to of users(30)) multicast.send(readdressed(said('x'), to), undefined);
      multicast.flush();
      expect(out).toHaveLength(30);
    }
  });
});

describe('XEP-0033 §6: one stanza for many', () => {
  it('has the addresses of all, and of the room; nobody learns of the others', () => {
    const { send, told } = withService(infinite);
    const [all, ...more] = send(said('to all'), users(40)) as [Stanza];
    expect(more).toEqual([]);
    expect(all).toMatchObject({ name: 'message', from: ghost, to: service, id: 'to all', type: 'groupchat' });
    expect(addressesOf(all)).toEqual(bcc(...users(40), room));
    expect(all.payloads.slice(1)).toEqual([body('to all')]);
    // Each was written when that was.
    expect(new Set(told).size).toBe(1);
    expect(told).toHaveLength(40);
  });

  it.each([
    ['no limit', [], 20],
    ['30', [form(limit('message', '30'))], 30],
    ['words', [form(limit('message', 'many'))], 20],
    ['a form about something else', [el('x', NS.dataForms, { type: 'result' }, limit('message', '30'))], 20],
  ])('where the service says %s, there are so many addresses at most', (_, extra, most) => {
    const { send } = withService(...extra);
    const all = send(said('to all'), users(100));
    expect(all.map((one) => addressesOf(one).length)).toEqual([
      ...Array.from({ length: Math.floor(100 / (most - 1)) }, () => most),
      (100 % (most - 1)) + 1,
    ]);
    expect(all.flatMap(addressesOf).filter(([, to]) => to !== room)).toEqual(bcc(...users(100)));
  });

  it('a service that takes fewer than are many is not used', () => {
    const { send } = withService(form(limit('message', '10')));
    expect(send(said('to all'), users(40))).toHaveLength(40);
  });

  it('a message in which a user has put addresses goes to each: the service could take them for its own', () => {
    const { send } = withService(infinite);
    const addresses = el(
      'addresses',
      NS.address,
      {},
      el('address', NS.address, { type: 'to', jid: 'victim@denmark.lit' }),
    );
    const hostile = make('message', ghost, room, { type: 'groupchat' }, [body('x'), addresses]);
    expect(send(hostile, users(30))).toEqual(users(30).map((to) => readdressed(hostile, to)));
  });

  it('users of other servers get their own, in between; so do answers and private messages', () => {
    const { send, multicast } = withService(infinite);
    const mixed = users(30).flatMap((one, i) => [one, ...users(30, 'wonderland.lit').slice(i, i + 1)]);
    const out = send(said('to all'), mixed);
    expect(out.filter(({ to }) => to === service).map(addressesOf)).toEqual([bcc(...users(30), room)]);
    expect(out.filter(({ to }) => to !== service).map(({ to }) => to)).toEqual(users(30, 'wonderland.lit'));
    const [user] = users(1) as [Jid];
    const pm = message(ghost, user, { type: 'chat' }, body('psst'));
    const answer = iq(room, user, { type: 'result', id: 'q' });
    const refusal = presence(ghost, user, { type: 'error' }, writeError(stanzaError('auth', 'forbidden')));
    for (const stanza of [pm, answer, refusal]) expect(send(stanza, [user])).toEqual([stanza]);
    multicast.stop();
  });
});

describe('Nothing overtakes', () => {
  it('until the room has its copy, messages and presences go by way of the service, be it to one', () => {
    const { send, takes } = withService(infinite);
    const [user] = users(1) as [Jid];
    const [all] = send(said('to all'), users(40)) as [Stanza];
    const gone = presence(ghost, room, { type: 'unavailable' });
    const [by] = send(gone, [user]) as [Stanza];
    expect(by).toMatchObject({ name: 'presence', from: ghost, to: service, type: 'unavailable' });
    expect(addressesOf(by)).toEqual(bcc(user, room));
    expect(takes(copyOf(all))).toEqual({ isTaken: true, writes: [] });
    expect(send(said('one'), [user]).map(({ to }) => to)).toEqual([service]);
    for (const one of [copyOf(by), readdressed(said('one'), room)]) expect(takes(one).isTaken).toBe(true);
    expect(send(said('two'), [user])).toEqual([readdressed(said('two'), user)]);
  });

  it('what another room sends to this one is the room’s own business', () => {
    const { send, takes } = withService(infinite);
    send(said('to all'), users(40));
    const join = presence(jid('other@talk.denmark.lit/Ghost'), room, {});
    const own = message(ghost, room, { type: 'groupchat', id: 'never sent' }, body('x'));
    for (const stanza of [join, own]) expect(takes(stanza)).toEqual({ isTaken: false, writes: [] });
  });
});

describe('Nothing is lost', () => {
  const directly = (text: string, count: number) => users(count).map((to) => readdressed(said(text), to));

  it('§9: what the service refuses goes to each, and so does all from then on', () => {
    const { send, takes, log } = withService();
    const all = send(said('to all'), users(30));
    expect(all).toHaveLength(2);
    const refused = errorReply(all[0] as Stanza, stanzaError('modify', 'not-acceptable')) as Stanza;
    expect(takes(refused)).toEqual({ isTaken: true, writes: directly('to all', 19) });
    expect(log).toEqual([
      'multicast.denmark.lit has refused a stanza: not-acceptable: stanzas go to each user by themselves',
    ]);
    // The second part of it is still under way there.
    expect(takes(copyOf(all[1] as Stanza))).toEqual({ isTaken: true, writes: [] });
    expect(send(said('then'), users(30))).toEqual(directly('then', 30));
  });

  it('an error of somebody else is the room’s: a user is gone', () => {
    const { send, takes } = withService(infinite);
    send(said('to all'), users(30));
    const [user] = users(1) as [Jid];
    const bounce = make('message', user, ghost, { type: 'error', id: 'to all' }, [
      writeError(stanzaError('cancel', 'service-unavailable')),
    ]);
    expect(takes(bounce)).toEqual({ isTaken: false, writes: [] });
  });

  it('what has not come back when something later has is sent again', () => {
    const { send, takes, log } = withService(infinite);
    send(said('lost'), users(25));
    const [later] = send(said('later'), users(25)) as [Stanza];
    expect(takes(copyOf(later))).toEqual({ isTaken: true, writes: directly('lost', 25) });
    expect(log).toEqual(['multicast.denmark.lit has lost what it was given: stanzas go to each user by themselves']);
  });

  it('what has not come back after 30 s is sent again; on a stream that has ended nothing is', () => {
    const { send, late, log, timers } = withService(infinite);
    send(said('one'), users(25));
    send(said('two'), users(25));
    expect(late()).toEqual([...directly('one', 25), ...directly('two', 25)]);
    expect(log).toHaveLength(1);
    expect(timers.size).toBe(0);
    const other = withService(infinite);
    other.send(said('one'), users(25));
    other.multicast.stop();
    expect([other.late(), other.timers.size]).toEqual([[], 0]);
  });

  it('what comes back in time is not sent again, however much comes after it', () => {
    const { send, takes, late, timers } = withService(infinite);
    const [one] = send(said('one'), users(25)) as [Stanza];
    send(said('two'), users(25));
    const [timer] = timers;
    takes(copyOf(one));
    expect(timers.has(timer as () => void)).toBe(false);
    expect(timers.size).toBe(1);
    expect(late()).toEqual(directly('two', 25));
  });
});
