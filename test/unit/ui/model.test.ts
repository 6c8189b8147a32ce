import { describe, expect, it } from 'vitest';
import type { HopRecord, LinkRecord, TraceRecord } from '../../../src/core/node/trace.ts';
import type { Sign } from '../../../src/core/turn/spec.ts';
import type { Instant } from '../../../src/core/xmpp/time.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { linkKey } from '../../../src/ui/fold/links.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { summarise } from '../../../src/ui/fold/summary.ts';
import { layOut } from '../../../src/ui/layout.ts';
import { bigCheeseSpeaks, FakeSession, people, wallopsStatus } from '../../support/fake-session.ts';
import { plainCost } from '../../support/plain-rooms.ts';
import { readAll, small, written } from '../../support/traces.ts';

const wallops = builtInScenario('wallops') as Scenario;
const wonderland = builtInScenario('wonderland') as Scenario;

function told(order: 'hops first' | 'steps first' | 'as it happens'): Model {
  const model = new Model(wallops);
  const { hops, steps } = bigCheeseSpeaks('a truly rotten time');
  model.fold([wallopsStatus()]);
  if (order === 'hops first') {
    model.fold(hops);
    model.fold(steps);
  } else if (order === 'steps first') {
    model.fold(steps);
    model.fold(hops);
  } else {
    const rest: TraceRecord[] = [...steps];
    for (const hop of hops) model.fold([hop, ...rest.splice(0, 1)]);
    model.fold(rest);
  }
  return model;
}

const deliveries = (model: Model) =>
  model.events.list.filter((event) => event.leg === 'out' && people.some(([jid]) => jid === event.to));

describe('Causes of a message that a primary and three replicas carry (XEP-0282 §5.2)', () => {
  for (const order of ['hops first', 'steps first', 'as it happens'] as const) {
    it(`every delivery leads back to what BigCheese did: ${order}`, () => {
      const model = told(order);
      expect(deliveries(model)).toHaveLength(7);
      for (const delivery of deliveries(model)) {
        const path = model.events.pathTo(delivery.id).map((id) => model.events.get(id));
        expect(path[0]).toMatchObject({ kind: 'act', text: 'BigCheese says' });
        expect(path.map((event) => event?.leg ?? event?.kind).join(' ')).toBe(
          'act in out in link out in link out in out',
        );
        expect(path.map((event) => event?.spec).filter(Boolean)).toEqual([
          '0045#7.4',
          '0282#4.8',
          '0282#4.9',
          '0282#4.9',
        ]);
      }
    });

    it(`all copies are one family, and 4 stanzas cross links: ${order}`, () => {
      const model = told(order);
      const delivery = deliveries(model)[0];
      expect(model.events.family(delivery?.id ?? 0).size).toBe(model.events.list.length);
      expect(model.costs.messages).toHaveLength(1);
      expect(model.costs.messages[0]).toMatchObject({
        crossed: 4,
        lost: 0,
        body: 'a truly rotten time',
        recipients: { length: 7 },
      });
    });
  }

  it('copies of one submission share a number and differ in a letter', () => {
    const model = told('as it happens');
    const copies = model.events.list.filter((event) => event.leg === 'link' && event.from === 'avalon.irc');
    expect(copies.map((event) => model.events.indexOf(event.id))).toEqual(['1a', '1b', '1c']);
    expect(model.events.indexOf(model.costs.messages[0]?.id ?? 0)).toBe('1');
  });

  it('a second message is another family, with numbers of its own', () => {
    const model = told('as it happens');
    const first = model.events.list[0]?.id ?? 0;
    model.events.indexOf(first);
    const more = bigCheeseSpeaks('again', 500, 5_000, 2);
    model.fold([...more.hops, ...more.steps]);
    expect(model.costs.messages.map(({ crossed, recipients }) => [crossed, recipients.length])).toEqual([
      [4, 7],
      [4, 7],
    ]);
    const second = model.costs.messages[1]?.id ?? 0;
    expect(model.events.family(second).has(model.costs.messages[0]?.id ?? 0)).toBe(false);
    expect(model.events.indexOf(second)).toBe('2');
  });

  it('a message that a cut link bounced did not cross it', () => {
    const model = new Model(wallops);
    const { hops, steps } = bigCheeseSpeaks('hello');
    const cut = hops.find((hop) => hop.leg === 'link' && hop.to === 'killrc.oulubox.irc');
    const reached = hops.filter((hop) => !hop.to.includes('killrc') && !hop.from.includes('killrc'));
    model.fold([wallopsStatus(), ...reached, { ...(cut as HopRecord), outcome: 'bounced' }, ...steps]);
    expect(model.costs.messages[0]).toMatchObject({ crossed: 3, lost: 1, recipients: { length: 4 } });
    expect(model.network.linkBetween('avalon.irc', 'killrc.oulubox.irc')).toMatchObject({ stanzas: 0, dropped: 1 });
  });
});

describe('Counters of links', () => {
  const record: LinkRecord = {
    kind: 'link',
    seq: 50,
    t: 10 as Instant,
    server: ['avalon.irc', 'vesa.yeggmaex.irc'],
    state: 'up',
    latencyMs: 20,
    jitterMs: 0,
    bytesPerSecond: 0,
    stanzas: 10,
    bytes: 1_000,
    dropped: 2,
  };

  it('go on from what the server counted before the page came', () => {
    const model = new Model(wallops);
    const { hops, steps } = bigCheeseSpeaks('hello');
    model.fold([record, ...hops, ...steps]);
    expect(model.network.linkBetween('vesa.yeggmaex.irc', 'avalon.irc')).toMatchObject({
      stanzas: 12,
      dropped: 2,
      state: 'up',
    });
  });

  it('a link is named by its two domains in alphabetical order', () => {
    expect(linkKey('vesa.yeggmaex.irc', 'avalon.irc')).toBe('avalon.irc~vesa.yeggmaex.irc');
  });

  it('only a change of the link itself is an event', () => {
    const model = new Model(wallops);
    model.fold([record, { ...record, seq: 51, stanzas: 11 }, { ...record, seq: 52, state: 'bounce' }]);
    expect(model.events.list.map(({ kind, text }) => [kind, text])).toEqual([['link', 'cut: stanzas bounce']]);
  });
});

describe('Plain room to compare with', () => {
  it('XEP-0289: is the joined room with the occupants of all nodes', () => {
    const model = new Model(wonderland);
    const status = (
      node: string,
      server: string,
      room: string,
      occupants: readonly (readonly [string, string, string?])[],
    ): TraceRecord => ({
      kind: 'status',
      t: 0 as Instant,
      node,
      status: {
        address: node,
        server,
        rooms: [
          {
            room,
            role: 'fmuc',
            epoch: 1,
            historyLength: 0,
            subject: '',
            peers: [],
            occupants: occupants.map(([nick, jid, home]) => ({
              nick,
              jid,
              role: 'participant',
              affiliation: 'none',
              ...(home ? { home } : {}),
            })),
          },
        ],
      },
    });
    const alice = ['Alice', 'alice@wonderland.lit/priam-ubuntu-vm'] as const;
    const hamlet = ['Hamlet', 'hamlet@denmark.lit/priam-ubuntu-vm'] as const;
    const ophelia = ['Ophelia', 'ophelia@denmark.lit/priam-ubuntu-vm'] as const;
    const elsinore = 'elsinore@talk.denmark.lit';
    const rabbithole = 'rabbithole@rooms.wonderland.lit';
    model.fold([
      status('talk.denmark.lit', 'denmark.lit', elsinore, [hamlet, ophelia, [...alice, rabbithole]]),
      status('rooms.wonderland.lit', 'wonderland.lit', rabbithole, [
        alice,
        [...hamlet, elsinore],
        [...ophelia, elsinore],
      ]),
    ]);
    // From Denmark: one to the room in Wonderland, and back to both Danes. From Wonderland: to both Danes.
    expect(plainCost(wonderland, model, hamlet[1], elsinore)).toMatchObject({ crossed: 3, recipients: { length: 3 } });
    expect(plainCost(wonderland, model, alice[1], rabbithole)).toMatchObject({ crossed: 2, recipients: { length: 3 } });
    expect(
      model.people
        .all()
        .filter((who) => who.phase === 'joined')
        .map(({ nick, node }) => [nick, node]),
    ).toEqual([
      ['Alice', 'rooms.wonderland.lit'],
      ['Hamlet', 'talk.denmark.lit'],
      ['Ophelia', 'talk.denmark.lit'],
    ]);
  });
});

describe('People', () => {
  it('someone who is not of the scenario appears where they are, once a node has them', () => {
    const model = new Model(wallops);
    const status = wallopsStatus() as Extract<TraceRecord, { kind: 'status' }>;
    const room = status.status.rooms[0];
    if (!room) throw new Error('no room');
    const guest = {
      nick: 'Dent',
      jid: 'dent@eris.dclxvii.irc/gajim',
      role: 'participant',
      affiliation: 'none',
      home: 'replica@eris.dclxvii.irc',
    };
    model.fold([
      { ...status, status: { ...status.status, rooms: [{ ...room, occupants: [...room.occupants, guest] }] } },
    ]);
    expect(model.people.all().find((who) => who.nick === 'Dent')).toMatchObject({
      server: 'eris.dclxvii.irc',
      node: 'replica@eris.dclxvii.irc',
      phase: 'joined',
      character: false,
    });
  });

  describe('with several devices under one nick (XEP-0045 §7.2.8, decision #140)', () => {
    const bicycle = 'msa@vesa.yeggmaex.irc/bicycle';
    const phone = 'msa@vesa.yeggmaex.irc/phone';
    /** Efchen with more devices than one, as a node tells of them; the one that is shown comes first. */
    const efchenOn = (nick: string, jid: string, ...sessionJids: readonly string[]): TraceRecord => {
      const record = wallopsStatus() as Extract<TraceRecord, { kind: 'status' }>;
      const rooms = record.status.rooms.map((room) => ({
        ...room,
        occupants: room.occupants.map((one) =>
          one.nick !== 'Efchen'
            ? one
            : { ...one, nick, jid, ...(sessionJids.length > 1 ? { sessions: sessionJids.length, sessionJids } : {}) },
        ),
      }));
      return { ...record, status: { ...record.status, rooms } };
    };
    const ofEfchen = (model: Model) => model.people.all().filter(({ jid }) => jid.startsWith('msa@'));
    const inside = (model: Model) =>
      ofEfchen(model).map(({ jid, nick, devices }) => [
        jid,
        nick,
        devices.flatMap((device) => (device.phase === 'joined' ? device.jid : [])),
      ]);

    it('is one, whichever of them is shown', () => {
      const model = new Model(wallops);
      for (const shown of [phone, bicycle]) {
        model.fold([efchenOn('Efchen', shown, bicycle, phone)]);
        expect(inside(model)).toEqual([[bicycle, 'Efchen', [bicycle, phone]]]);
        expect(model.people.all()).toHaveLength(7);
      }
    });

    it('stays where they were when the one leaves with which they came, and is one device then', () => {
      const model = new Model(wallops);
      model.fold([efchenOn('Efchen', phone, bicycle, phone), efchenOn('Efchen', phone)]);
      expect(inside(model)).toEqual([[bicycle, 'Efchen', [phone]]]);
      expect(ofEfchen(model)[0]).toMatchObject({ phase: 'joined', role: 'participant' });
    });

    it('a stranger with two goes by the one that entered first', () => {
      const model = new Model({ ...wallops, occupants: [] });
      model.fold([efchenOn('Efchen', phone, bicycle, phone)]);
      expect(inside(model)).toEqual([[bicycle, 'Efchen', [bicycle, phone]]]);
      expect(ofEfchen(model)[0]).toMatchObject({ character: false, mine: false });
    });

    it('two of a scenario with one nick are one, and two under two nicks are two', () => {
      const [first] = wallops.occupants.filter(({ nick }) => nick === 'Efchen');
      if (!first) throw new Error('no Efchen');
      const model = new Model({ ...wallops, occupants: [...wallops.occupants, { ...first, jid: phone }] });
      expect(ofEfchen(model).map(({ jid, phase, devices }) => [jid, phase, devices.length])).toEqual([
        [bicycle, 'offline', 2],
      ]);
      model.fold([efchenOn('Efchen', bicycle, bicycle, phone)]);
      expect(inside(model)).toEqual([[bicycle, 'Efchen', [bicycle, phone]]]);
      model.people.progress({
        who: phone,
        phase: 'joined',
        nick: 'Eff',
        room: 'wallops@channel.avalon.irc',
        detail: '',
      });
      model.fold([efchenOn('Efchen', bicycle)]);
      expect(inside(model)).toEqual([
        [bicycle, 'Efchen', [bicycle]],
        [phone, 'Eff', [phone]],
      ]);
    });

    it('the page’s own devices are there before a node tells of them, and another is offered', () => {
      const model = new Model(wallops);
      const is = (who: string, phase: 'online' | 'joining' | 'joined') =>
        model.people.progress({ who, phase, nick: 'Efchen', room: 'wallops@channel.avalon.irc', detail: '' });
      const spare = () => ofEfchen(model).map((who) => model.people.spareDevice(who));
      is(bicycle, 'joined');
      expect(spare()).toEqual(['msa@vesa.yeggmaex.irc/laptop']);
      is('msa@vesa.yeggmaex.irc/laptop', 'joining');
      expect(inside(model)).toEqual([[bicycle, 'Efchen', [bicycle]]]);
      is('msa@vesa.yeggmaex.irc/laptop', 'joined');
      expect(inside(model)).toEqual([[bicycle, 'Efchen', [bicycle, 'msa@vesa.yeggmaex.irc/laptop']]]);
      expect(spare()).toEqual([phone]);
      is('msa@vesa.yeggmaex.irc/laptop', 'online');
      expect(spare()).toEqual(['msa@vesa.yeggmaex.irc/laptop']);
    });

    it('a plain room sends each of them a copy', () => {
      const model = new Model(wallops);
      const plain = () =>
        plainCost(wallops, model, 'squit@eris.dclxvii.irc/jupiter', 'wallops@channel.avalon.irc')?.crossed;
      model.fold([wallopsStatus()]);
      expect(plain()).toBe(8);
      model.fold([efchenOn('Efchen', phone, bicycle, phone)]);
      expect(plain()).toBe(9);
    });

    it('in the picture, what goes to each ends at the same disc, beside the other', () => {
      const model = new Model(wallops);
      model.fold([efchenOn('Efchen', phone, bicycle, phone)]);
      const { occupants, devices, radius } = layOut(model, 1_200, 700);
      const disc = occupants.get(bicycle);
      expect([occupants.has(phone), devices.get(phone)?.disc]).toEqual([false, disc]);
      const [left, right] = [bicycle, phone].map((jid) => (devices.get(jid)?.x ?? 0) - (disc?.x ?? 0));
      expect([left, right]).toEqual([expect.closeTo(-0.6 * radius), expect.closeTo(0.6 * radius)]);
    });

    it('a record of a run tells of them', () => {
      const trace = small();
      const status = trace.lines[1]?.['status'] as { rooms: { occupants: object[] }[] };
      const [first] = status.rooms[0]?.occupants ?? [];
      Object.assign(first as object, { sessions: 2, sessionJids: ['u@a.sim/r', 'u@a.sim/phone'] });
      expect(readAll(written(trace)).lines[1]?.record).toMatchObject({ status });
    });
  });

  it('each has a transcript of what they were handed', () => {
    const model = told('as it happens');
    for (const [jid] of people) {
      expect(model.transcripts.lines.get(jid)).toMatchObject([
        { nick: 'BigCheese', text: 'a truly rotten time', kind: 'message' },
      ]);
    }
    expect(model.transcripts.lines.has('replica@vesa.yeggmaex.irc')).toBe(false);
  });
});

describe('A session', () => {
  it('fills the model through its listener, and is heard no more after the listener went', () => {
    const session = new FakeSession(wallops);
    const model = new Model(session.scenario);
    const off = session.listen({
      records: (batch) => model.fold(batch),
      restart: () => {},
      moved: () => {},
      node: (progress) => model.network.progress(progress),
      occupant: (progress) => model.people.progress(progress),
      sent: () => {},
      trouble: () => {},
    });
    const { hops } = bigCheeseSpeaks('hello');
    session.play(hops.slice(0, 3));
    off();
    session.play(hops.slice(3));
    expect(model.events.list).toHaveLength(3);
  });
});

describe('What is still to come', () => {
  const { hops, steps } = bigCheeseSpeaks('hello', 500, 5_000, 2);
  const before = bigCheeseSpeaks('before');
  const at = (model: Model, index: number) => model.fold([hops[index] as HopRecord]);
  const handed = hops.findIndex(({ leg, to }) => leg === 'out' && to.includes('replica@'));

  it('a node that was handed a stanza is busy until its step for it comes, or it has stuck for 10 s', () => {
    const model = new Model(wallops);
    model.fold([...before.hops, ...before.steps]);
    expect(model.waiting.busy(1_000)).toBe(0);
    at(model, handed);
    const { t } = hops[handed] as HopRecord;
    expect([model.waiting.busy(t), model.waiting.busy(t + 9_999), model.waiting.busy(t + 10_000)]).toEqual([1, 1, 0]);
    model.fold(steps);
    expect(model.waiting.busy(t)).toBe(0);
  });

  it('one that is gone, and one that never reports, is not waited for', () => {
    const model = new Model(wallops);
    const { t, stream = '' } = hops[handed] as HopRecord;
    at(model, handed);
    expect(model.waiting.busy(t)).toBe(0);
    model.fold(before.steps);
    expect(model.waiting.busy(t)).toBe(1);
    const server = 'vesa.yeggmaex.irc';
    const gone = { kind: 'session', up: false, address: `replica@${server}`, role: 'replica' } as const;
    model.fold([{ ...gone, seq: 900, t, server, stream }]);
    expect(model.waiting.busy(t)).toBe(0);
  });

  it('a mark is behind what the server and the nodes have told, and before what they tell later', () => {
    const model = new Model(wallops);
    const { t, stream = '' } = hops[0] as HopRecord;
    const since = (place: number) => model.events.list.filter(({ id }) => model.events.isSince(id, place)).length;
    const note = (what: string) =>
      model.fold([
        {
          kind: 'step',
          t,
          node: 'channel.avalon.irc',
          stream,
          tx: [],
          notes: [{ spec: '0282#4.8', what }],
          appended: 0,
        },
      ]);
    const marks = [model.events.mark()];
    at(model, 0);
    marks.push(model.events.mark());
    note('one');
    marks.push(model.events.mark());
    note('two');
    marks.push(model.events.mark());
    const all = model.events.list.length;
    at(model, hops.length - 1);
    const last = model.events.list.length - all;
    expect(last).toBeGreaterThan(0);
    expect(marks.map(since)).toEqual([model.events.list.length, 2 + last, 1 + last, last]);
    const link = hops.findIndex(({ leg }) => leg === 'link');
    const carried = (place?: number) =>
      model.linksSince(place).reduce((sum, { stanzas, dropped }) => sum + stanzas + dropped, 0);
    at(model, link);
    const later = model.events.mark();
    expect([carried(), carried(marks[0]), carried(later)]).toEqual([1, 1, 0]);
  });

  it('what a page sent is taken once the server has shown it', () => {
    const model = new Model(wallops);
    const { stream = '', n = 0 } = hops[0] as HopRecord;
    expect(model.taken({ stream, n })).toBeUndefined();
    at(model, 0);
    expect(model.taken({ stream, n })).toBe(hops[0]?.seq);
  });
});

describe('Window of the trace', () => {
  it('keeps the newest 20,000 events at most, and says how many it forgot', () => {
    const model = new Model(wallops);
    const hop = bigCheeseSpeaks('hello').hops[0] as HopRecord;
    for (let i = 0; i < 21; i++) {
      model.fold(
        Array.from({ length: 1_000 }, (_, j) => ({
          ...hop,
          seq: 1 + i * 1_000 + j,
          t: (i * 1_000 + j) as Instant,
          n: 1 + i * 1_000 + j,
        })),
      );
    }
    expect(model.events.list.length).toBeLessThanOrEqual(20_000);
    expect(model.events.list.length + model.events.forgotten).toBe(21_000);
    expect(model.events.get(1)).toBeUndefined();
    expect(model.events.get(21_000)).toBeDefined();
  });

  it('a record that comes twice counts once', () => {
    const model = new Model(wallops);
    const { hops } = bigCheeseSpeaks('hello');
    model.fold(hops);
    model.fold(hops);
    expect(model.events.list).toHaveLength(hops.length);
  });
});

describe('Splits (XEP-0282 §4.11)', () => {
  const primary = 'channel.avalon.irc';
  const vesa = 'replica@vesa.yeggmaex.irc';
  const room = 'wallops@channel.avalon.irc';
  const note = (node: string, t: number, sign: Sign, peer: string, what: string): TraceRecord => ({
    kind: 'step',
    t: t as Instant,
    node,
    stream: `stream of ${node}`,
    input: 'timer keepalive',
    tx: [],
    notes: [{ spec: 'decision#3', what, peer, room, sign }],
    appended: 0,
  });

  it('how it was noticed and what the netjoin brought: the primary’s words count for the replica, too', () => {
    const model = new Model(wallops);
    model.fold([note(vesa, 1, 'silence', room, 'split'), note(primary, 2, 'bounce', vesa, 'is split')]);
    model.fold([note(primary, 3, 'netjoin', vesa, 'mode delta'), note(primary, 4, 'judged', vesa, 'judged: 2')]);
    expect(model.splits.signsOf(primary, vesa)).toMatchObject({
      noticed: { sign: 'bounce' },
      joined: { text: 'mode delta' },
    });
    expect(model.splits.signsOf(vesa, room)).toMatchObject({
      noticed: { sign: 'silence' },
      judged: { text: 'judged: 2' },
    });
    // The next split has a netjoin of its own.
    model.fold([note(vesa, 5, 'gap', room, 'something is missing')]);
    expect(Object.keys(model.splits.signsOf(vesa, room))).toEqual(['noticed']);
  });

  it('a node that does not accept another has noticed no split', () => {
    const model = new Model(wallops);
    model.fold([note(primary, 1, 'bounce', vesa, 'is split'), note(primary, 2, 'refused', vesa, 'is refused')]);
    expect(model.splits.signsOf(primary, vesa)).toMatchObject({ noticed: { sign: 'bounce' } });
  });

  for (const order of ['status first', 'presence first'] as const) {
    it(`who is cut off is told by the flags of the node's status: ${order}`, () => {
      const model = new Model(wallops);
      const viewer = 'rubenro@vesa.yeggmaex.irc/shaver';
      const domain = 'vesa.yeggmaex.irc';
      let seq = 0;
      const shows = (show: string, flags: { cutOff?: true }) => {
        const xml = `<presence><show>${show}</show><status>${seq}</status></presence>`;
        const stanza = { name: 'presence', from: `${room}/WiZ`, to: viewer, xml, bytes: 1 } as const;
        const hop = (leg: 'in' | 'out', from: string, to: string, cause?: number): HopRecord => ({
          kind: 'hop',
          seq: ++seq,
          t: seq as Instant,
          leg,
          from,
          to,
          stanza,
          ...(cause ? { cause } : {}),
        });
        const sent = hop('in', vesa, domain);
        const handed = hop('out', domain, viewer, sent.seq);
        const occupants = [
          { nick: 'BigCheese', jid: viewer, role: 'participant', affiliation: 'none' },
          { nick: 'WiZ', role: 'moderator', affiliation: 'admin', home: room, ...flags },
        ];
        const status: TraceRecord = {
          kind: 'status',
          t: seq as Instant,
          node: vesa,
          status: {
            address: vesa,
            server: domain,
            rooms: [{ room, role: 'replica', epoch: 1, historyLength: 0, subject: '', occupants, peers: [] }],
          },
        };
        model.fold(order === 'status first' ? [sent, status, handed] : [sent, handed, status]);
      };
      const marks = () => (model.transcripts.lines.get(viewer) ?? []).map(({ id, nick }) => [id, nick]);
      shows('away', {});
      expect(marks()).toEqual([]);
      shows('away', { cutOff: true });
      expect(marks()).toEqual([[4, 'WiZ']]);
      shows('xa', { cutOff: true });
      expect(marks()).toHaveLength(1);
      shows('away', {});
      expect(marks()).toEqual([
        [4, 'WiZ'],
        [8, 'WiZ'],
      ]);
    });
  }

  it('a mark that a replica passes on is told by the status of the primary, also where that comes last and others between', () => {
    const model = new Model(wallops);
    const viewer = 'rubenro@vesa.yeggmaex.irc/shaver';
    const domain = 'vesa.yeggmaex.irc';
    const primary = room.slice(room.indexOf('@') + 1);
    const stanza = { name: 'presence', from: `${room}/WiZ`, to: viewer, xml: '<presence/>', bytes: 1 } as const;
    const hop = (seq: number, leg: 'in' | 'out', from: string, to: string, cause?: number): HopRecord => ({
      kind: 'hop',
      seq,
      t: 5 as Instant,
      leg,
      from,
      to,
      stanza,
      ...(cause ? { cause } : {}),
    });
    const status = (
      node: string,
      role: 'primary' | 'replica',
      flags: { cutOff?: true; home?: string },
    ): TraceRecord => ({
      kind: 'status',
      t: 5 as Instant,
      node,
      status: {
        address: node,
        server: domain,
        rooms: [
          {
            room,
            role,
            epoch: 1,
            historyLength: 0,
            subject: '',
            occupants: [{ nick: 'WiZ', role: 'moderator', affiliation: 'admin', ...flags }],
            peers: [],
          },
        ],
      },
    });
    model.fold([status(vesa, 'replica', { home: room }), hop(1, 'in', vesa, domain), hop(2, 'out', domain, viewer, 1)]);
    model.fold([status(vesa, 'replica', { home: room }), status(primary, 'primary', {})]);
    expect(model.transcripts.lines.get(viewer) ?? []).toEqual([]);
    model.fold([status(primary, 'primary', { cutOff: true })]);
    expect((model.transcripts.lines.get(viewer) ?? []).map(({ id, nick }) => [id, nick])).toEqual([[2, 'WiZ']]);
  });

  it('a replica off the primary’s list leaves its place; on it again, it is there', () => {
    const model = new Model(wallops);
    const status = wallopsStatus() as Extract<TraceRecord, { kind: 'status' }>;
    const listing = (...replicas: string[]): TraceRecord => ({
      ...status,
      status: { ...status.status, rooms: status.status.rooms.map((one) => ({ ...one, replicas })) },
    });
    model.network.progress({ node: vesa, phase: 'elsewhere', detail: '' });
    model.fold([listing()]);
    expect(model.network.vacancies().map(({ server }) => server)).toEqual(['vesa.yeggmaex.irc']);
    expect(model.network.nodes.has(vesa)).toBe(false);
    expect(model.network.isNode(`${vesa}/x`)).toBe(true);
    model.fold([listing(vesa)]);
    expect(model.network.vacancies()).toEqual([]);
    // One that this page runs goes when its worker has ended.
    model.network.progress({ node: vesa, phase: 'ready', detail: '' });
    model.fold([listing()]);
    expect(model.network.nodes.has(vesa)).toBe(true);
    model.network.progress({ node: vesa, phase: 'gone', detail: '' });
    expect(model.network.nodes.has(vesa)).toBe(false);
  });
});

describe('A stanza in a few words', () => {
  const stanza = (xml: string, name: 'message' | 'presence' | 'iq', more = {}) => ({
    name,
    from: 'a@b/c',
    to: 'd@e',
    xml,
    bytes: xml.length,
    ...more,
  });
  it('shows text as text, whatever it looks like', () => {
    expect(summarise(stanza('<message><body>&lt;img src=x onerror=alert(1)&gt;</body></message>', 'message'))).toBe(
      '“<img src=x onerror=alert(1)>”',
    );
  });
  it('names what is not text', () => {
    expect(summarise(stanza('<iq><ping xmlns="urn:xmpp:ping"/></iq>', 'iq', { type: 'get' }))).toBe('iq get ping');
    expect(summarise(stanza('<presence/>', 'presence', { type: 'unavailable' }))).toBe('presence unavailable of c');
  });
});
