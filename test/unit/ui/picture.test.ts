import { describe, expect, it } from 'vitest';
import type { HopRecord, StatusRecord, TraceRecord } from '../../../src/core/node/trace.ts';
import type { Instant } from '../../../src/core/xmpp/time.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { modes } from '../../../src/sim/plan.ts';
import { leastMs } from '../../../src/ui/display-time.ts';
import { linkKey } from '../../../src/ui/fold/links.ts';
import type { Model } from '../../../src/ui/fold/model.ts';
import { type Flight, Picture } from '../../../src/ui/picture.ts';
import { RecordedSession } from '../../../src/ui/session/recorded.ts';
import type { SessionListener } from '../../../src/ui/session/session.ts';
import type { News } from '../../../src/ui/trace/records.ts';
import { bigCheeseSpeaks, people, wallopsStatus } from '../../support/fake-session.ts';
import { readAll, simulated } from '../../support/traces.ts';

const wallops = builtInScenario('wallops') as Scenario;
const primary = 'channel.avalon.irc';
const killrc = linkKey('avalon.irc', 'killrc.oulubox.irc');

/** A picture with a clock that is put on by hand, and everything that was seen moving in it. */
class Watched {
  readonly picture: Picture;
  now = 10_000;
  readonly spans = new Map<number, Flight>();

  constructor(picture = new Picture(wallops)) {
    this.picture = picture;
    this.picture.motion = 'moving';
  }

  tell(...news: readonly News[]): void {
    for (const one of news) this.picture.take(one, this.now);
    this.look();
  }

  look(): void {
    this.picture.advance(this.now);
    for (const flight of this.picture.flights(this.now, 0)) this.spans.set(flight.event.id, flight);
  }

  /** Looks every 10 ms, and has something checked each time. */
  run(ms: number, check: () => void = () => undefined): void {
    for (const end = this.now + ms; this.now < end; this.now += 10) {
      this.look();
      check();
    }
  }

  untilRest(check: () => void = () => undefined): void {
    for (let i = 0; i < 3_000 && !this.picture.isAtRest(this.now); i++) this.run(10, check);
    expect(this.picture.isAtRest(this.now)).toBe(true);
  }

  get seen(): Model {
    return this.picture.seen;
  }
}

/** All that the views show of a model. */
function shownOf({ events, network, costs, transcripts, people, lines, paused }: Model) {
  return structuredClone({
    events: events.list,
    links: network.links,
    nodes: network.nodes,
    // Copies of a message go side by side.
    messages: costs.messages.map((cost) => ({ ...cost, recipients: cost.recipients.toSorted() })),
    transcripts: transcripts.lines,
    occupants: people.all(),
    lines: lines.list,
    paused,
  });
}

const carried = ({ network }: Model) => [...network.links.values()].reduce((sum, { stanzas }) => sum + stanzas, 0);

describe('The clock of the picture', () => {
  for (const order of ['hops first', 'steps first', 'steps 150 ms later'] as const) {
    it(`a stanza counts when its token has arrived, each leg after its cause: ${order}`, () => {
      const watched = new Watched();
      watched.tell(wallopsStatus());
      watched.untilRest();
      const { hops, steps } = bigCheeseSpeaks('hello');
      watched.tell(...(order === 'steps first' ? [...steps, ...hops] : hops));
      if (order === 'steps 150 ms later') watched.run(150);
      if (order !== 'steps first') watched.tell(...steps);
      const { told, seen } = watched.picture;
      expect(carried(told)).toBe(4);
      expect(carried(seen)).toBe(0);
      expect(watched.picture.isAtRest(watched.now)).toBe(false);
      const counts = new Set<string>();
      watched.untilRest(() => {
        const arrived = [...watched.spans.values()].filter(({ end }) => end <= watched.now).map(({ event }) => event);
        const legs = (leg: string) => arrived.filter((event) => event.leg === leg).length;
        const toPeople = arrived.filter(({ leg, to }) => leg === 'out' && people.some(([jid]) => jid === to)).length;
        expect(carried(seen)).toBe(legs('link'));
        expect(seen.events.list.filter(({ kind }) => kind === 'hop')).toHaveLength(arrived.length);
        expect([...seen.transcripts.lines.values()].flat()).toHaveLength(toPeople);
        const [cost] = seen.costs.messages;
        expect([cost?.crossed ?? 0, cost?.recipients.length ?? 0]).toEqual([legs('link'), toPeople]);
        counts.add(`${cost?.crossed} ${cost?.recipients.length}`);
      });
      // There was something to see on the way.
      expect(counts.size).toBeGreaterThan(4);
      expect(watched.spans.size).toBe(hops.length);
      for (const [id, span] of watched.spans) {
        const cause = watched.spans.get(told.events.get(id)?.cause ?? 0);
        if (cause) expect(span.start).toBeGreaterThanOrEqual(cause.end);
      }
      expect(shownOf(seen)).toEqual(shownOf(told));
      watched.run(1_000);
      expect(watched.picture.idle).toBe(true);
      expect(watched.picture.next(watched.now)).toBeUndefined();
    });
  }

  it('an event has the same number in both models, though they are told in different orders', () => {
    const watched = new Watched();
    const note = (node: string, what: string, rx?: number): TraceRecord => ({
      kind: 'step',
      t: 1_000 as Instant,
      node,
      stream: `stream of ${node}`,
      ...(rx === undefined ? { input: 'timer keepalive' } : { rx }),
      tx: [],
      notes: [{ spec: '0282#4.9', what }],
      appended: 0,
    });
    const { hops } = bigCheeseSpeaks('hello');
    const [first, second] = hops as [HopRecord, HopRecord];
    watched.tell(first, second, note(second.to, 'on its arrival', second.n), note(primary, 'by itself'));
    watched.untilRest();
    const ids = ({ events }: Model) => new Map(events.list.map(({ id, text }) => [text, id]));
    expect(ids(watched.seen)).toEqual(ids(watched.picture.told));
    const { told } = watched.picture;
    expect(told.events.list.map(({ text }) => text)).toContain('on its arrival');
    expect(watched.seen.events.get(told.events.list.at(-1)?.id ?? 0)).toEqual(told.events.list.at(-1));
  });

  it('what a node became is shown when that which made it so has reached the node', () => {
    const watched = new Watched();
    const { hops, steps } = bigCheeseSpeaks('hello');
    const status = wallopsStatus(1_010) as StatusRecord;
    const reached = hops.find(({ leg, to }) => leg === 'out' && to === primary) as HopRecord;
    watched.tell(...hops, ...steps, status);
    const node = () => watched.seen.network.nodes.get(primary)?.status;
    watched.untilRest(() => {
      const span = watched.spans.get(reached.seq);
      expect(node() !== undefined).toBe(span !== undefined && span.end <= watched.now);
    });
    expect(node()).toBeDefined();
  });

  it('a link is shown cut when what crossed it before has arrived; what comes later finds it cut', () => {
    const watched = new Watched();
    const first = bigCheeseSpeaks('before');
    const server = ['avalon.irc', 'killrc.oulubox.irc'] as const;
    const settings = { latencyMs: 20, jitterMs: 0, bytesPerSecond: 0, stanzas: 1, bytes: 200, dropped: 0 };
    watched.tell(...first.hops, ...first.steps);
    watched.run(50);
    watched.tell({ kind: 'link', seq: 500, t: 1_050 as Instant, server, state: 'silent', ...settings });
    const said = { ...(first.hops[8] as HopRecord).stanza };
    const lost: HopRecord = {
      kind: 'hop',
      seq: 501,
      t: 1_051 as Instant,
      leg: 'link',
      from: server[0],
      to: server[1],
      server,
      stanza: said,
      outcome: 'dropped',
    };
    watched.tell(lost);
    const crossing = first.hops.find(({ leg, to }) => leg === 'link' && to === server[1]) as HopRecord;
    const link = () => watched.seen.network.links.get(killrc);
    expect(watched.picture.told.network.links.get(killrc)?.state).toBe('silent');
    watched.untilRest(() => {
      const before = watched.spans.get(crossing.seq);
      const after = watched.spans.get(lost.seq);
      expect(link()?.state).toBe(before !== undefined && before.end <= watched.now ? 'silent' : 'up');
      expect(link()?.dropped).toBe(after !== undefined && after.end <= watched.now ? 1 : 0);
      if (before && after) expect(after.start).toBeGreaterThanOrEqual(before.end);
    });
    expect(link()).toMatchObject({ state: 'silent', stanzas: 1, dropped: 1 });
  });

  it('a stanza waits for none that is ahead of it on the same link, whatever the server counts in between', () => {
    const watched = new Watched();
    const { hops } = bigCheeseSpeaks('hello');
    const first = hops.find(({ leg }) => leg === 'link') as HopRecord;
    const { cause: _, ...alone } = first;
    const settings = { state: 'up', latencyMs: 20, jitterMs: 0, bytesPerSecond: 0 } as const;
    const counted = { stanzas: 1, bytes: first.stanza.bytes, dropped: 0 };
    const server = [first.from, first.to] as const;
    watched.tell(alone);
    watched.run(100);
    watched.tell({ kind: 'link', seq: 800, t: (first.t + 100) as Instant, server, ...settings, ...counted });
    watched.tell({ ...alone, seq: 801, t: (first.t + 100) as Instant });
    watched.untilRest();
    const [one, two] = [first.seq, 801].map((seq) => watched.spans.get(seq) as Flight) as [Flight, Flight];
    expect(two.start - one.start).toBe(100);
    expect(carried(watched.seen)).toBe(2);
  });

  it('nothing overtakes on its way: who said what first is the same in every transcript', () => {
    const watched = new Watched();
    const { hops, steps } = bigCheeseSpeaks('the long way');
    // Handed to the same person later, but with a shorter way behind it.
    const given = hops.find(({ leg, to }) => leg === 'out' && to === people[0]?.[0]) as HopRecord;
    const short: HopRecord = {
      ...given,
      seq: 900,
      t: 1_100 as Instant,
      n: 2,
      stanza: { ...given.stanza, xml: given.stanza.xml.replace('the long way', 'the short way') },
    };
    const { cause: _, ...quick } = short;
    watched.tell(...hops, ...steps);
    watched.run(100);
    watched.tell(quick);
    watched.untilRest();
    expect(watched.seen.transcripts.lines.get(given.to)?.map(({ text }) => text)).toEqual([
      'the long way',
      'the short way',
    ]);
  });

  it('what the paused links hold stands in the middle, at rest, and counts once they are released', () => {
    const watched = new Watched();
    const { hops, steps } = bigCheeseSpeaks('hello');
    const at = hops.findIndex(({ leg }) => leg === 'link');
    watched.tell({ kind: 'pause', seq: 1, t: 990 as Instant, paused: true });
    expect(watched.seen.paused).toBe(true);
    watched.tell(...hops.slice(0, at + 1), ...steps.slice(0, 2));
    const held = hops[at] as HopRecord;
    watched.untilRest();
    // The server counts it when it is sent.
    const server = ['vesa.yeggmaex.irc', 'avalon.irc'] as const;
    const settings = { state: 'up', latencyMs: 20, jitterMs: 0, bytesPerSecond: 0 } as const;
    const counted = { stanzas: 1, bytes: held.stanza.bytes, dropped: 0 };
    watched.tell({ kind: 'link', seq: 800, t: 1_500 as Instant, server, ...settings, ...counted });
    watched.untilRest();
    watched.run(5_000, () => expect(carried(watched.seen)).toBe(0));
    expect(watched.picture.isAtRest(watched.now)).toBe(true);
    watched.tell({ kind: 'pause', seq: 900, t: 6_000 as Instant, paused: false });
    const released = watched.now;
    const { end } = watched.spans.get(held.seq) as Flight;
    expect(Math.abs(end - released - leastMs.link / 2)).toBeLessThan(20);
    watched.tell(...hops.slice(at + 1).map((hop) => ({ ...hop, t: (hop.t + 5_000) as Instant })), ...steps.slice(2));
    watched.run(leastMs.link / 2 - 40, () => expect(carried(watched.seen)).toBe(0));
    watched.untilRest();
    expect(carried(watched.seen)).toBe(4);
    expect(watched.seen.costs.messages).toMatchObject([{ crossed: 4, recipients: { length: 7 } }]);
  });

  it('somebody has entered when the room’s answer has reached them', () => {
    const watched = new Watched();
    const [who] = people[0] as readonly [string, string];
    const { hops } = bigCheeseSpeaks('hello');
    const given = hops.find(({ leg, to }) => leg === 'out' && to === who) as HopRecord;
    const { cause: _, ...answer } = { ...given, t: 1_000 as Instant };
    const progress = (phase: 'joining' | 'joined') =>
      ({ kind: 'occupant', progress: { who, phase, nick: 'Wumpus', room: '', detail: '' } }) as const;
    watched.tell(progress('joining'));
    watched.untilRest();
    // The session tells of it before the trace does.
    watched.tell(progress('joined'));
    watched.run(60);
    watched.tell(answer);
    const phase = () => watched.seen.people.progressOf(who)?.phase;
    watched.untilRest(() => {
      const span = watched.spans.get(answer.seq);
      expect(phase()).toBe(span !== undefined && span.end <= watched.now ? 'joined' : 'joining');
    });
    expect(phase()).toBe('joined');
  });
});

describe('A picture that stands still', () => {
  for (const motion of ['none', 'standing'] as const) {
    it(`shows at once what it is told; tokens: ${motion}`, () => {
      const { picture } = new Watched();
      picture.motion = motion;
      const { hops, steps } = bigCheeseSpeaks('hello');
      for (const record of [...hops, ...steps]) {
        picture.take(record, 5_000);
        expect(shownOf(picture.seen)).toEqual(shownOf(picture.told));
      }
      expect(picture.isAtRest(5_000)).toBe(true);
      expect(picture.flights(5_000, 0)).toHaveLength(motion === 'standing' ? hops.length : 0);
      expect(picture.flights(5_000 + leastMs.link, 0)).toEqual([]);
    });
  }

  it('what the paused links hold stands until they are released', () => {
    const { picture } = new Watched();
    picture.motion = 'standing';
    const { hops, steps } = bigCheeseSpeaks('hello');
    const at = hops.findIndex(({ leg }) => leg === 'link');
    picture.take({ kind: 'pause', seq: 1, t: 990 as Instant, paused: true }, 5_000);
    for (const record of [...hops.slice(0, at + 1), ...steps.slice(0, 2)]) picture.take(record, 5_000);
    for (let now = 5_000; now < 60_000; now += 100)
      expect(picture.flights(now, 0).map(({ event }) => event.id)).toContain(hops[at]?.seq);
    picture.take({ kind: 'pause', seq: 900, t: 6_000 as Instant, paused: false }, 60_000);
    expect(picture.flights(60_000 + leastMs.link, 0)).toEqual([]);
  });

  it('as soon as it is told to: what was moving has arrived', () => {
    const watched = new Watched();
    const { hops, steps } = bigCheeseSpeaks('hello');
    watched.tell(...hops, ...steps);
    watched.run(700);
    expect(watched.picture.isAtRest(watched.now)).toBe(false);
    watched.picture.motion = 'none';
    expect(watched.picture.isAtRest(watched.now)).toBe(true);
    expect(shownOf(watched.seen)).toEqual(shownOf(watched.picture.told));
    expect(watched.picture.flights(watched.now, 900)).toEqual([]);
  });

  it('and what is over when the page is told is shown at once', () => {
    const watched = new Watched();
    const { hops, steps } = bigCheeseSpeaks('hello');
    watched.tell(...hops.slice(0, 3));
    for (const record of [...hops.slice(3), ...steps]) watched.picture.take(record, watched.now, true);
    expect(watched.picture.isAtRest(watched.now)).toBe(true);
    expect(shownOf(watched.seen)).toEqual(shownOf(watched.picture.told));
  });
});

describe.each(modes)('The picture of a recording, mode %s', (mode) => {
  const session = new RecordedSession(readAll(simulated(4, mode)));
  const watched = new Watched(new Picture(session.scenario, true));
  const told = new Map<number, number>();
  const listener = {
    records: (batch: readonly News[]) => {
      for (const one of batch) for (const { id } of watched.picture.take(one, watched.now)) told.set(id, watched.now);
      watched.look();
    },
    node: (progress: never) => watched.picture.take({ kind: 'node', progress }, watched.now),
    moved: () => undefined,
  };
  session.listen(listener as unknown as SessionListener);

  it('each leg moves after its cause, and waits for no slow link; at rest it shows what was told', () => {
    for (let at = 1; at <= session.length; at++) {
      session.seek(at);
      watched.run(at % 3 === 0 ? 150 : 20);
    }
    expect(watched.spans.size).toBeGreaterThan(50);
    for (const [id, { start, end }] of watched.spans) {
      const cause = watched.spans.get(watched.picture.told.events.get(id)?.cause ?? 0);
      expect(start).toBeGreaterThanOrEqual(Math.max(told.get(id) ?? 0, cause?.end ?? 0));
      expect(end - start).toBeLessThanOrEqual(1_501);
    }
    watched.untilRest();
    expect(shownOf(watched.seen)).toEqual(shownOf(watched.picture.told));
  });
});
