import { afterEach, describe, expect, it, vi } from 'vitest';
import { modes } from '../../../src/sim/plan.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { RecordedSession } from '../../../src/ui/session/recorded.ts';
import { stateOf } from '../../../src/ui/words.ts';
import { readAll, simulated, small, written } from '../../support/traces.ts';

/** A recording as the page shows it: its model, and what was shown moving. */
class Shown {
  readonly session: RecordedSession;
  model: Model;
  moving: number[] = [];
  restarts = 0;

  constructor(text: string) {
    this.session = new RecordedSession(readAll(text));
    this.model = new Model(this.session.scenario, true);
    this.session.listen({
      records: (batch, past = false) => {
        const fresh = this.model.fold(batch);
        if (!past) this.moving.push(...fresh.map(({ id }) => id));
      },
      restart: () => {
        this.model = new Model(this.session.scenario, true);
        this.restarts++;
      },
      node: (progress) => this.model.network.progress(progress),
      moved: () => undefined,
      occupant: () => undefined,
      sent: () => undefined,
      trouble: () => undefined,
    });
  }

  /** All that the views show. */
  get picture() {
    const { events, network, costs, transcripts, people } = this.model;
    const { links, nodes } = network;
    return structuredClone({
      events: events.list,
      links,
      nodes,
      messages: costs.messages,
      transcripts: transcripts.lines,
      occupants: people.all(),
    });
  }
}

describe.each(modes)('The record of a run, mode %s', (mode) => {
  const text = simulated(4, mode);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

  it('has an event for every line, but for what the nodes became; each with the cause that the line names', () => {
    const { session, model } = new Shown(text);
    const events = lines.slice(1).filter(({ kind }) => kind !== 'status');
    expect(session.length).toBe(events.length);
    session.seek(session.length);
    expect(model.events.list.map(({ id, cause }) => [id, cause])).toEqual(events.map(({ seq, cause }) => [seq, cause]));
    expect(model.events.list.map(({ t }) => t)).toEqual(events.map(({ t }) => t));
  });

  it('shows at its end who is in which room, as the nodes said last', () => {
    const { session, model } = new Shown(text);
    session.seek(session.length);
    const last = new Map(lines.flatMap((line) => (line.kind === 'status' ? [[line.node, line.status]] : [])));
    expect(new Map([...model.network.nodes].map(([node, { status }]) => [node, status]))).toEqual(last);
    const inside = new Set(
      [...last.values()].flatMap(({ rooms }) =>
        rooms.flatMap((room: { occupants: { jid?: string; sessionJids?: string[] }[] }) =>
          room.occupants.flatMap(({ jid, sessionJids }) => sessionJids ?? jid ?? []),
        ),
      ),
    );
    const devices = model.people.all().flatMap((who) => who.devices);
    expect(new Set(devices.flatMap(({ jid, phase }) => (phase === 'joined' ? jid : [])))).toEqual(inside);
  });

  it('is the same at a place, whichever way leads there', () => {
    const forth = new Shown(text);
    const { session } = forth;
    const places = [0, 1, Math.floor(session.length / 3), Math.floor(session.length / 2), session.length];
    const there = places.map((place) => {
      session.seek(place);
      return forth.picture;
    });
    expect(forth.restarts).toBe(0);
    for (const [i, place] of [...places.entries()].reverse()) {
      session.seek(place);
      expect(forth.picture).toEqual(there[i]);
    }
    const steps = new Shown(text);
    for (let at = 0; at < (places[2] as number); at++) steps.session.seek(at + 1);
    expect(steps.picture).toEqual(there[2]);
    expect(steps.moving).toHaveLength(places[2] as number);
  });

  it('on a long way forward, too, tells no more than what is after the place that is kept', () => {
    const session = new RecordedSession(readAll(text));
    const told: number[] = [];
    const ignore = () => undefined;
    session.listen({
      records: (batch) => void told.push(batch.length),
      keptBefore: (place) => Math.min(place, 50),
      restart: () => 50,
      moved: ignore,
      node: ignore,
      occupant: ignore,
      sent: ignore,
      trouble: ignore,
    });
    const since = (from: number, to: number) => {
      told.length = 0;
      session.seek(to);
      const expected: number[] = [];
      session.tell({ records: (batch) => void expected.push(batch.length), node: ignore, occupant: ignore }, from, to);
      expect(told).toEqual(expected);
    };
    since(50, 60);
    since(60, 80);
    since(50, 55);
  });

  it('counts on each link what crossed it, and what was lost', () => {
    const { session, model } = new Shown(text);
    const links = lines[0].links.map(({ between: [a, b] }: { between: [string, string] }) =>
      model.network.linkBetween(a, b),
    );
    expect(links).toMatchObject(lines[0].links.map(({ between: _, ...settings }: { between: unknown }) => settings));
    session.seek(session.length);
    const crossings = lines.filter(({ leg }) => leg === 'link');
    const sum = (pick: 'stanzas' | 'dropped') =>
      [...model.network.links.values()].reduce((all, link) => all + link[pick], 0);
    expect(sum('stanzas') + sum('dropped')).toBe(crossings.length);
    expect(sum('dropped')).toBe(crossings.filter(({ outcome }) => outcome !== undefined).length);
  });
});

describe('A place in a record', () => {
  const shown = () => new Shown(written(small()));

  it('is named by the line that has just been told, and by its time', () => {
    const { session } = shown();
    // Line 2 is a status: it belongs to the event before it.
    expect(session.length).toBe(10);
    for (const [seq, place] of [
      [1, 1],
      [2, 1],
      [3, 2],
      [11, 10],
    ] as const)
      expect(session.placeOf(seq)).toBe(place);
    expect(session.placeOf(99)).toBe(10);
    for (const [ms, place] of [
      [0, 1],
      [9, 1],
      [10, 4],
      [14, 9],
      [499, 9],
      [500, 10],
      [9_999, 10],
    ] as const)
      expect(session.placeAt(ms)).toBe(place);
    session.seek(4);
    expect([session.at, session.seq, session.ms]).toEqual([4, 5, 10]);
    session.seek(0);
    expect([session.at, session.seq, session.ms]).toEqual([0, undefined, 0]);
    for (const [to, at] of [
      [-3, 0],
      [1e9, 10],
      [Number.NaN, 0],
      [2.7, 2],
    ] as const) {
      session.seek(to);
      expect(session.at).toBe(at);
    }
  });

  it('shows a node down while it has no session, a link as fate left it, and how a split was noticed', () => {
    const it = shown();
    const stateAt = (place: number) => {
      it.session.seek(place);
      const node = it.model.network.nodes.get('rooms.a.sim');
      return node && stateOf(it.model, node).word;
    };
    expect([0, 1, 8, 9, 10, 8].map(stateAt)).toEqual(['waiting', 'live', 'live', 'down', 'down', 'live']);
    expect(it.model.network.linkBetween('a.sim', 'b.sim')).toMatchObject({ state: 'silent', latencyMs: 70 });
    expect(it.model.splits.signsOf('rooms.a.sim', 'replica@b.sim').noticed).toMatchObject({ id: 7, sign: 'bounce' });
    expect(it.model.events.pathTo(7)).toEqual([3, 4, 6, 7]);
    expect(it.model.network.vacancies()).toEqual([]);
  });

  it('can be looked at, and nothing else: an act is refused with the reason', async () => {
    const { session } = shown();
    expect(await session.act()).toEqual({ ok: false, error: expect.stringContaining('over') });
  });
});

describe('A record that plays', () => {
  afterEach(() => void vi.useRealTimers());

  it('shows what happens at once together, takes its time, waits for no silence, and stops at the end', () => {
    vi.useFakeTimers();
    const { session, moving } = new Shown(written(small()));
    const places: number[] = [];
    session.play();
    expect(session.playing).toBe(true);
    vi.advanceTimersByTime(0);
    const began = Date.now();
    while (session.playing) {
      places.push(session.at);
      vi.advanceTimersToNextTimer();
    }
    expect(places).toEqual([1, 4, 5, 6, 7, 9]);
    expect(session.at).toBe(10);
    expect(moving).toHaveLength(10);
    // Six instants 10 ms apart at most, and 486 ms of silence.
    expect(Date.now() - began).toBe(5 * 150 + 486);
  });

  it('is slower at a slower pace, begins again at its end, and stops when told, or when it is moved', () => {
    vi.useFakeTimers();
    const { session } = new Shown(written(small()));
    session.pace = 4;
    session.seek(session.length);
    session.play();
    expect(session.at).toBe(0);
    vi.advanceTimersByTime(1);
    expect(session.at).toBe(1);
    vi.advanceTimersByTime(590);
    expect(session.at).toBe(1);
    vi.advanceTimersByTime(10);
    expect(session.at).toBe(4);
    session.pause();
    expect(session.playing).toBe(false);
    session.play();
    session.seek(2);
    vi.advanceTimersByTime(10_000);
    expect([session.at, session.playing]).toEqual([2, false]);
  });
});
