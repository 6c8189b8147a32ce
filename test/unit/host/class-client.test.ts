import { describe, expect, it } from 'vitest';
import {
  type ClassSeat,
  writeClassState,
  writeSeats,
  writeSpeech,
  writeStudents,
} from '../../../src/core/xep/classroom.ts';
import { stanzaError } from '../../../src/core/xmpp/errors.ts';
import { type Jid, jid } from '../../../src/core/xmpp/jid.ts';
import { NS } from '../../../src/core/xmpp/namespaces.ts';
import { errorReply, iq, iqResult, message, type Stanza } from '../../../src/core/xmpp/stanza.ts';
import { el, serialize, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import type { LinkHandlers, StanzaLink } from '../../../src/host/stanza-link.ts';
import { ClassClient, type Role } from '../../../src/worker/class-client.ts';

const server = jid('avalon.irc');
const page = jid('guest@avalon.irc/class');
const teaches: Role = { kind: 'teach', code: 'k7m2qp', key: 'the-key-of-the-lecturer' };
const follows: Role = { kind: 'follow', code: 'k7m2qp', nick: 'Ann', secret: 'a-secret-of-the-student' };
const state = { place: '#lab=wallops' };

/** A page in a class, on a link whose server a test plays. */
function inClass(role: Role) {
  const sent: Stanza[] = [];
  const told: unknown[] = [];
  const timers = new Set<() => void>();
  let handlers: LinkHandlers | undefined;
  const link: StanzaLink & { address: Jid | undefined; readonly server: Jid } = {
    address: page,
    server,
    start(given) {
      handlers = given;
      return Promise.resolve();
    },
    send: (stanza) => sent.push(stanza),
    stop: () => Promise.resolve(),
  };
  let ids = 0;
  const client = new ClassClient(
    {
      link,
      newId: () => `id${++ids}`,
      setTimer(_, fn) {
        timers.add(fn);
        return () => timers.delete(fn);
      },
    },
    role,
    {
      phase: (phase) => told.push(phase),
      state: (shown) => told.push({ state: shown }),
      seats: (seats) => told.push({ seats }),
      said: (speech) => told.push({ speech }),
      students: (students, all) => told.push({ students, all }),
    },
  );
  const receive = (stanza: Stanza) => handlers?.stanza(server, stanza, { stream: 's', n: 0 });
  /** After what waits for an answer has heard of it. */
  const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
  return {
    client,
    told,
    sent,
    link,
    receive,
    up: () => handlers?.up(server, 's'),
    down: () => handlers?.down(server),
    fails: (detail: string) => handlers?.progress?.('failed', detail),
    requests: () => sent.map(({ payloads: [payload] }) => payload && serialize(payload)),
    async answers(...payloads: readonly XmlElement[]) {
      receive(iqResult(sent.at(-1) as Stanza, ...payloads));
      await settled();
    },
    async refuses(condition: 'item-not-found' | 'forbidden', text: string) {
      receive(errorReply(sent.at(-1) as Stanza, stanzaError('cancel', condition, text)) as Stanza);
      await settled();
    },
    headline: (payload: XmlElement, from: Jid = server) => receive(message(from, page, { type: 'headline' }, payload)),
    late() {
      for (const fn of [...timers]) fn();
      return settled();
    },
    timers,
    settled,
  };
}

describe('The session of a page in a class', () => {
  it('of a student: follows by its code, name and secret, and is shown what the lecturer shows', async () => {
    const { client, up, answers, requests, told } = inClass(follows);
    const started = client.start();
    up();
    expect(requests()).toEqual([
      `<follow xmlns="${NS.classroom}" code="k7m2qp" nick="Ann" secret="a-secret-of-the-student"/>`,
    ]);
    await answers(writeClassState(state));
    expect(await started).toEqual({ ok: true });
    expect(told).toEqual([{ state }, 'there']);
  });

  it('of the lecturer: opens it by its key, and learns who is there', async () => {
    const { client, up, answers, requests, told } = inClass(teaches);
    const started = client.start();
    up();
    expect(requests()).toEqual([`<open xmlns="${NS.classroom}" code="k7m2qp" key="the-key-of-the-lecturer"/>`]);
    const students = [{ n: 1, nick: 'Ann', answer: '4', seat: 'a@b.lit/x' }];
    await answers(writeStudents(students));
    expect(await started).toEqual({ ok: true });
    expect(told).toEqual([{ students, all: true }, 'there']);
  });

  it('where there is no such class it is over; where it is refused otherwise it is not', async () => {
    const gone = inClass(follows);
    const started = gone.client.start();
    gone.up();
    await gone.refuses('item-not-found', 'there is no class with this code');
    expect(await started).toEqual({ ok: false, error: 'there is no class with this code' });
    expect(gone.told).toEqual(['over']);
    const full = inClass(follows);
    const refused = full.client.start();
    full.up();
    await full.refuses('forbidden', 'only the operator teaches');
    expect(await refused).toEqual({ ok: false, error: 'only the operator teaches' });
    expect(full.told).toEqual([]);
  });

  it('after a loss it begins again by itself; the lecturer’s page tells again what it shows, and a student has the same secret', async () => {
    for (const role of [teaches, follows]) {
      const { client, up, down, answers, requests, told, settled } = inClass(role);
      void client.start();
      up();
      await answers();
      if (role === teaches) void client.show(state);
      down();
      await settled();
      expect(told.at(-1)).toBe('away');
      up();
      await answers();
      expect(told.at(-1)).toBe('there');
      const [first, ...rest] = requests();
      expect(rest).toContain(first);
      if (role === teaches) expect(rest.at(-1)).toContain('<place>#lab=wallops</place>');
    }
  });

  it('what is asked when the connection is lost is answered so, at once; so is what nobody answers, in the end', async () => {
    const { client, up, down, answers, late, timers, link } = inClass(follows);
    void client.start();
    up();
    await answers(writeClassState(state));
    const asked = client.answer('q', '4');
    down();
    expect(await asked).toEqual({ ok: false, error: 'the connection to the server is lost' });
    up();
    await answers(writeClassState(state));
    const unheard = client.answer('q', '5');
    await late();
    expect(await unheard).toEqual({ ok: false, error: 'the server did not answer' });
    expect(timers.size).toBe(0);
    link.address = undefined;
    expect(await client.play('a@b.lit/x')).toEqual({ ok: false, error: 'the connection to the server is lost' });
  });

  it('a session that fails for good says why', async () => {
    const { client, fails, told } = inClass(follows);
    const started = client.start();
    fails('not-authorized');
    expect(await started).toEqual({ ok: false, error: 'not-authorized' });
    expect(told).toEqual(['gone']);
  });

  it('asks what a person does, as the server takes it', async () => {
    const { client, up, answers, requests } = inClass(follows);
    void client.start();
    up();
    await answers(writeClassState(state));
    for (const ask of [
      () => client.answer('q', '4'),
      () => client.play('a@b.lit/x'),
      () => client.play(undefined),
      () => client.say('Hail & well met'),
      () => client.say('psst', 'Troy'),
      () => client.release('a@b.lit/x'),
    ]) {
      const asked = ask();
      await answers();
      expect(await asked).toEqual({ ok: true });
    }
    void client.end();
    expect(requests().slice(1)).toEqual(
      [
        '<answer question="q">4</answer>',
        '<take who="a@b.lit/x"/>',
        '<give/>',
        '<say>Hail &amp; well met</say>',
        '<say to="Troy">psst</say>',
        '<release who="a@b.lit/x"/>',
        '<leave/>',
      ].map((xml) => xml.replace(/^<(\w+)/, `<$1 xmlns="${NS.classroom}"`)),
    );
  });

  it('hears what the server tells, and nobody else; and is told that the class is over', async () => {
    const { client, up, answers, headline, told } = inClass(follows);
    void client.start();
    up();
    await answers(writeClassState(state));
    told.length = 0;
    const seats: readonly ClassSeat[] = [
      { who: 'a@b.lit/x', nick: 'A', taken: true, yours: true },
      { who: 'c@b.lit/x', nick: 'C' },
    ];
    const speech = { who: 'a@b.lit/x', to: 'C', text: 'psst' };
    for (const payload of [
      writeClassState({ place: '#other' }),
      writeSeats(seats),
      writeSpeech(speech),
      writeStudents([{ n: 2, nick: '', gone: true }]),
      el('over', NS.classroom),
    ]) {
      headline(payload, jid('mallory@avalon.irc/x'));
      headline(payload);
    }
    expect(told).toEqual([
      { state: { place: '#other' } },
      { seats },
      { speech },
      { students: [{ n: 2, nick: '', gone: true }], all: false },
      'over',
    ]);
  });

  it('takes nothing that is malformed, and answers pings', async () => {
    const { client, up, answers, headline, told, receive, sent } = inClass(follows);
    void client.start();
    up();
    await answers(writeClassState(state));
    told.length = 0;
    headline(writeClassState({ place: 'javascript:alert(1)' }));
    headline(writeSpeech({ who: 'a@b.lit/x', text: ' ' }));
    headline(writeSpeech({ text: 'whose?' }));
    headline(writeSeats([{ who: '@', nick: 'x' }]));
    expect(told).toEqual([{ seats: [] }]);
    receive(iq(server, page, { type: 'get', id: 'p' }, el('ping', NS.ping)));
    expect(sent.at(-1)).toMatchObject({ name: 'iq', type: 'result', id: 'p' });
  });
});
