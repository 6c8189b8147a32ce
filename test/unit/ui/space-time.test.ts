import { describe, expect, it } from 'vitest';
import type { HopRecord, TraceRecord } from '../../../src/core/node/trace.ts';
import type { Instant } from '../../../src/core/xmpp/time.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { placeColumns } from '../../../src/ui/spacetime/columns.ts';
import { participantsOf } from '../../../src/ui/spacetime/participants.ts';
import { arrowShape, barShapes } from '../../../src/ui/spacetime/shapes.ts';
import { type Arrow, Sheet } from '../../../src/ui/spacetime/sheet.ts';
import { distance, gapMs, lasted, rowHeight } from '../../../src/ui/spacetime/spacing.ts';
import { arrowInWords, barInWords } from '../../../src/ui/spacetime/words.ts';
import { bigCheeseSpeaks, people, wallopsStatus } from '../../support/fake-session.ts';
import { readAll, recordsOf, simulated } from '../../support/traces.ts';

const wallops = builtInScenario('wallops') as Scenario;
const [avalon, vesa, killrc, eris] = ['avalon.irc', 'vesa.yeggmaex.irc', 'killrc.oulubox.irc', 'eris.dclxvii.irc'];
const primary = 'channel.avalon.irc';
const none = { collapsed: new Set<string>(), hidden: new Set<string>() };
const seconds = (t: number) => `${t / 1_000} s`;

function sheetOf(model: Model, options: ConstructorParameters<typeof Sheet>[1] = none): Sheet {
  const sheet = new Sheet(model.network, options);
  sheet.take(model.events.list);
  return sheet;
}

function told(change: (hops: readonly HopRecord[]) => readonly TraceRecord[] = (hops) => hops): Model {
  const model = new Model(wallops);
  const { hops, steps } = bigCheeseSpeaks('Hello');
  model.fold([wallopsStatus(), ...change(hops), ...steps]);
  return model;
}

const runs = new Map<string, Model>();

/** A run of the simulator with faults, as the page folds it. */
function run(seed: number, mode: '0282' | '0289pp'): Model {
  const known = runs.get(mode);
  if (known) return known;
  const trace = readAll(simulated(seed, mode, 60));
  const model = new Model(trace.scenario, true);
  model.fold(recordsOf(trace));
  runs.set(mode, model);
  return model;
}

const columnsOf = (model: Model, collapsed: ReadonlySet<string> = new Set(), met = new Map<string, string>()) =>
  placeColumns(participantsOf(model, collapsed, met));
const ways = (arrows: readonly Arrow[]) => arrows.map(({ from, to, fate }) => `${from} > ${to} ${fate}`);

describe('Columns of the space-time diagram', () => {
  it('are the servers of the scenario, each with its node and its users, under their short names', () => {
    const { groups, byId, width } = columnsOf(told());
    expect(groups.map(({ server, columns }) => [server, ...columns.map(({ name }) => name)])).toEqual([
      [avalon, 'server', 'avalon'],
      [vesa, 'server', 'vesa', 'BigCheese', 'Efchen'],
      [killrc, 'server', 'killrc', 'Wumpus', 'Valdis', 'Phaedrus'],
      [eris, 'server', 'eris', 'WiZ', 'Troy'],
    ]);
    const places = [...byId.values()].map(({ x }) => x);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(width).toBeGreaterThan(places.at(-1) ?? 0);
  });

  it('a collapsed server is one column, and the others do not lose theirs', () => {
    const [, , one] = columnsOf(told(), new Set([killrc])).groups;
    expect(one).toMatchObject({ server: killrc, isCollapsed: true, size: 4, columns: [{ id: killrc }] });
    expect(columnsOf(told(), new Set([killrc])).byId.size).toBe(columnsOf(told()).byId.size - 4);
  });

  it('somebody of whom only their stanzas tell has a column at their server', () => {
    const guest = columnsOf(told(), new Set(), new Map([[`guest1@${eris}`, eris]])).byId.get(`guest1@${eris}`);
    expect(guest).toMatchObject({ server: eris, kind: 'user', name: 'guest1' });
  });

  it('grow where there is room, and never shrink', () => {
    const groups = participantsOf(told(), new Set(), new Map());
    expect(placeColumns(groups, 1_400).width).toBeGreaterThan(placeColumns(groups).width);
    expect(placeColumns(groups, 300).width).toBe(placeColumns(groups).width);
  });
});

describe('Time in the space-time diagram', () => {
  it('an instant has at least the height of a row, more time takes more, and a gap no more than another', () => {
    const heights = [0, 1, 20, 100, 999, gapMs, 60_000].map(distance);
    expect(heights[0]).toBe(rowHeight);
    expect(heights).toEqual(heights.toSorted((a, b) => a - b));
    expect(distance(3_600_000)).toBe(distance(gapMs));
  });

  it('a gap says how long it was', () => {
    expect([1_500, 65_000, 7_260_000].map(lasted)).toEqual(['1.5 s', '1 min 5 s', '2 h 1 min']);
  });

  it('rows are in the order of time, and an arrow ends below where it begins, also if it took no time', () => {
    for (const model of [told(), run(3, '0282'), run(3, '0289pp')]) {
      const { rows, arrows } = sheetOf(model);
      const isBelow = (t: number, y: number, i: number) => t >= (rows[i]?.t ?? 0) && y - (rows[i]?.y ?? 0) >= rowHeight;
      expect(rows.slice(1).filter(({ t, y }, i) => !isBelow(t, y, i))).toEqual([]);
      expect(arrows.filter(({ start, end }) => end !== undefined && end <= start)).toEqual([]);
    }
  });

  it('copies that are sent in one instant begin in one row, and what several get in one instant ends in one', () => {
    const sameTime = told((hops) => hops.map((hop) => ({ ...hop, t: 1_000 as Instant })));
    const { arrows } = sheetOf(sameTime);
    const copies = arrows.filter(({ from }) => from === primary);
    expect(copies).toHaveLength(3);
    expect(new Set(copies.map(({ start }) => start)).size).toBe(1);
    expect(new Set(copies.map(({ end }) => end)).size).toBe(1);
  });
});

describe('Arrows of the space-time diagram', () => {
  it('one message of BigCheese is an arrow to each node and to each of the seven who get it', () => {
    const { arrows } = sheetOf(told());
    const users = people.map(([jid]) => jid.split('/')[0]);
    expect(ways(arrows)).toEqual([
      `rubenro@${vesa} > replica@${vesa} got`,
      `replica@${vesa} > ${primary} got`,
      ...[killrc, eris, vesa].flatMap((server) => [
        `${primary} > replica@${server} got`,
        ...users.filter((user) => user?.endsWith(String(server))).map((user) => `replica@${server} > ${user} got`),
      ]),
    ]);
  });

  it('there is one for each delivery and one for each loss of a run with faults, and no other', () => {
    for (const model of [run(3, '0282'), run(3, '0289pp')]) {
      const { list } = model.events;
      const sheet = sheetOf(model);
      const { arrows } = sheet;
      const of = (...fates: Arrow['fate'][]) => arrows.filter(({ fate }) => fates.includes(fate));
      expect(of('got')).toHaveLength(list.filter(({ leg }) => leg === 'out').length);
      expect(of('lost', 'bounced')).toHaveLength(list.filter(({ outcome }) => outcome !== undefined).length);
      expect(of('lost', 'bounced').length).toBeGreaterThan(0);
      expect(of('open', 'taken')).toEqual([]);
      const columns = columnsOf(model, new Set(), sheet.met);
      expect(arrows.filter((arrow) => !arrowShape(arrow, sheet, columns))).toEqual([]);
    }
  });

  it('what a cut link bounces ends in a cross at the link, and an error comes back from there', () => {
    const model = told((hops) => {
      const crossing = hops.find(({ leg, to }) => leg === 'link' && to === killrc) as HopRecord;
      const before = hops.slice(0, hops.indexOf(crossing));
      const error = { ...crossing.stanza, type: 'error', to: primary, from: `replica@${killrc}` };
      const back = { ...crossing, seq: crossing.seq + 1, leg: 'out' as const, from: avalon as string, to: primary };
      return [...before, { ...crossing, outcome: 'bounced' }, { ...back, stanza: error, cause: crossing.seq }];
    });
    const sheet = sheetOf(model);
    const [lost, back] = sheet.arrows.slice(-2) as [Arrow, Arrow];
    expect(lost).toMatchObject({ from: primary, to: avalon, toward: killrc, fate: 'bounced' });
    expect(back).toMatchObject({ from: avalon, to: primary, fate: 'got', start: lost.end });
    const shape = arrowShape(lost, sheet, columnsOf(model));
    const error = arrowShape(back, sheet, columnsOf(model));
    expect(shape).toMatchObject({ kind: 'message', head: undefined, cross: shape?.line[1] });
    expect(error).toMatchObject({ kind: 'error', cross: undefined });
    expect(error?.line[0]).toEqual(shape?.cross);
    expect(arrowInWords(model, sheet, lost, seconds)).toBe(
      `message “Hello” from ${primary} to ${killrc}, 1.005 s, bounced at the cut link`,
    );
  });

  it('what is under way points to the server that it goes to, and has no head', () => {
    const model = told((hops) => hops.slice(0, 4));
    const sheet = sheetOf(model);
    const open = sheet.arrows.at(-1) as Arrow;
    expect(open).toMatchObject({ from: `replica@${vesa}`, to: avalon, fate: 'open', end: undefined });
    expect(arrowShape(open, sheet, columnsOf(model))).toMatchObject({ head: undefined, cross: undefined });
    expect(sheet.reach(open)[1]).toBeGreaterThan(sheet.reach(open)[0]);
  });

  it('an arrow stands for its leg on the link, and each of its legs leads to it', () => {
    const model = told();
    const sheet = sheetOf(model);
    const crossing = model.events.list.find(({ leg, to }) => leg === 'link' && to === eris);
    const arrow = sheet.arrowOf(crossing?.id ?? 0) as Arrow;
    expect(arrowShape(arrow, sheet, columnsOf(model))?.event).toBe(crossing?.id);
    expect(arrow.hops.map(({ leg }) => leg)).toEqual(['in', 'link', 'out']);
    for (const { id } of arrow.hops) expect(sheet.arrowOf(id)).toBe(arrow);
  });

  it('kinds that are left out have none; a chosen stanza has one all the same', () => {
    const model = run(3, '0282');
    const kind = (arrow: Arrow) => arrow.hops[0]?.stanza?.name;
    const whole = sheetOf(model);
    const without = sheetOf(model, { ...none, hidden: new Set(['iq', 'presence']) });
    expect(without.arrows).toHaveLength(whole.arrows.filter((arrow) => kind(arrow) === 'message').length);
    const iq = whole.arrows.find((arrow) => kind(arrow) === 'iq') as Arrow;
    const keep = iq.hops[0]?.id;
    const kept = sheetOf(model, { ...none, hidden: new Set(['iq', 'presence']), keep });
    expect(kept.arrows).toHaveLength(without.arrows.length + 1);
  });

  it('pings and their answers are left out without other IQs', () => {
    const model = run(3, '0282');
    const iqs = (hidden: string[]) =>
      sheetOf(model, { ...none, hidden: new Set(hidden) }).arrows.filter(({ hops }) => hops[0]?.stanza?.name === 'iq');
    const isPing = ({ hops }: Arrow) => hops[0]?.stanza?.xml.includes('urn:xmpp:ping') ?? false;
    const left = iqs(['ping']);
    expect(iqs([]).filter(isPing).length).toBeGreaterThan(0);
    expect(left.filter(isPing)).toEqual([]);
    expect(left.length).toBeGreaterThan(0);
    const asked = (list: readonly Arrow[]) =>
      list.filter(({ hops }) => ['get', 'set'].includes(hops[0]?.stanza?.type ?? ''));
    expect(left.length - asked(left).length).toBeLessThan(iqs([]).length - asked(iqs([])).length);
  });

  it('of a collapsed server only what crosses its border is shown', () => {
    const { arrows } = sheetOf(told(), { ...none, collapsed: new Set([killrc as string]) });
    const at = arrows.filter(({ from, to }) => from.includes('killrc') || to.includes('killrc'));
    expect(ways(at)).toEqual([`${primary} > ${killrc} got`]);
  });
});

describe('Bars of the space-time diagram', () => {
  const link = (seq: number, t: number, state: 'up' | 'bounce'): TraceRecord => ({
    kind: 'link',
    seq,
    t: t as Instant,
    server: [avalon as string, killrc as string],
    state,
    latencyMs: 20,
    jitterMs: 0,
    bytesPerSecond: 0,
    stanzas: 0,
    bytes: 0,
    dropped: 0,
  });
  const session = (seq: number, t: number, up: boolean): TraceRecord => ({
    kind: 'session',
    seq,
    t: t as Instant,
    up,
    address: primary,
    server: avalon as string,
    stream: `${primary}#${seq}`,
    role: 'service',
  });
  const split = (t: number, state: 'split' | 'live'): TraceRecord => {
    const whole = wallopsStatus(t) as Extract<TraceRecord, { kind: 'status' }>;
    const [room] = whole.status.rooms;
    const peers = [{ peer: `replica@${killrc}`, state, since: t as Instant }];
    return { ...whole, status: { ...whole.status, rooms: room ? [{ ...room, peers }] : [] } };
  };
  const bars = (model: Model) => {
    const sheet = sheetOf(model);
    return { sheet, all: barShapes(model.spans.list, sheet, columnsOf(model)) };
  };

  it('a cut link is one at each of its two servers, for as long as it is cut', () => {
    const model = new Model(wallops);
    model.fold([session(1, 1_000, true), link(2, 2_000, 'bounce'), link(3, 5_000, 'up')]);
    const { sheet, all } = bars(model);
    expect(all.map(({ span, column, far }) => [span.kind, column.id, far])).toEqual([
      ['cut', avalon, killrc],
      ['cut', killrc, avalon],
    ]);
    for (const { top, bottom } of all) expect([top, bottom]).toEqual([sheet.yAt(2_000), sheet.yAt(5_000)]);
    expect(sheet.rows.map(({ t }) => t)).toEqual([1_000, 2_000, 5_000]);
    expect(all[0] && barInWords(model, all[0], seconds)).toBe(
      `Link ${avalon} – ${killrc} cut, stanzas bounce, from 2 s to 5 s`,
    );
  });

  it('a crashed node is down until its session is back; before its first one it is not', () => {
    const model = new Model(wallops);
    model.fold([session(1, 500, false), session(2, 1_000, true), session(3, 2_000, false)]);
    expect(bars(model).all).toMatchObject([{ span: { kind: 'down', from: 2_000 }, column: { id: primary } }]);
    expect(bars(model).all[0]?.bottom).toBe(bars(model).sheet.height);
    model.fold([session(4, 3_000, true)]);
    expect(model.spans.list).toMatchObject([{ from: 2_000, to: 3_000 }]);
  });

  it('a split is one at the replica, from when one of the two says so until none does', () => {
    const model = new Model(wallops);
    model.fold([session(1, 1_000, true), split(2_000, 'split'), split(3_000, 'split'), split(4_000, 'live')]);
    expect(bars(model).all).toMatchObject([
      { span: { kind: 'split', from: 2_000, to: 4_000 }, column: { id: `replica@${killrc}` } },
    ]);
  });
});

describe('A diagram that grows', () => {
  it('is the same as one that is laid out at once, in whatever order the stanzas are shown', () => {
    const trace = readAll(simulated(3, '0289pp', 30));
    const whole = new Model(trace.scenario, true);
    const records = recordsOf(trace);
    whole.fold(records);
    // Within a few records any order: as tokens arrive on the screen.
    const mixed = records.flatMap((_, i) => (i % 7 === 0 ? records.slice(i, i + 7).toReversed() : []));
    const model = new Model(trace.scenario, true);
    const sheet = new Sheet(model.network, none);
    for (const record of mixed) {
      model.fold([record]);
      sheet.take(model.events.list);
    }
    const once = sheetOf(whole);
    expect(sheet.rows).toEqual(once.rows);
    const plain = ({ arrows }: Sheet) =>
      arrows.map((arrow) => ({ ...arrow, hops: arrow.hops.map(({ id }) => id), answers: undefined }));
    expect(plain(sheet)).toEqual(plain(once));
  });

  it('goes on when the oldest events have fallen out of the window', () => {
    const model = told();
    const sheet = sheetOf(model);
    sheet.take(model.events.list.slice(5));
    const anew = new Sheet(model.network, none);
    anew.take(model.events.list.slice(5));
    expect(ways(sheet.arrows)).toEqual(ways(anew.arrows));
    expect(sheet.rows).toEqual(anew.rows);
  });
});
