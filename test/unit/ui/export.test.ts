import { describe, expect, it } from 'vitest';
import { builtIn, builtInScenario } from '../../../src/scenario/built-in.ts';
import { parseScenario } from '../../../src/scenario/load.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { bundleOf } from '../../../src/ui/export/bundle.ts';
import { mermaidOf } from '../../../src/ui/export/mermaid.ts';
import { ndjsonOf } from '../../../src/ui/export/ndjson.ts';
import { scenarioText } from '../../../src/ui/export/scenario.ts';
import { withoutPasswords } from '../../../src/ui/export/secrets.ts';
import { hostOf, shivizOf } from '../../../src/ui/export/shiviz.ts';
import { Model } from '../../../src/ui/fold/model.ts';
import { OwnIds } from '../../../src/ui/fold/own-ids.ts';
import { Recorder } from '../../../src/ui/session/recorder.ts';
import { loadFile } from '../../../src/ui/trace/load-trace.ts';
import type { News } from '../../../src/ui/trace/records.ts';
import type { Trace } from '../../../src/ui/trace/trace.ts';
import { isLong } from '../../support/long.ts';
import { liveNews, tell } from '../../support/recorded.ts';
import { readAll, simulated, small, written } from '../../support/traces.ts';

const wallops = builtInScenario('wallops') as Scenario;

function recorder(news: readonly News[], most?: number): Recorder {
  const made = new Recorder(wallops, most);
  const model = new Model(wallops, true, new OwnIds(), false);
  for (const one of news)
    made.take(
      one,
      tell(model, one).map(({ id }) => id),
    );
  return made;
}

function folded({ scenario, lines, firstOwn, isFixed }: Trace): Model {
  const model = new Model(scenario, true, new OwnIds(firstOwn), isFixed);
  for (const { record } of lines) tell(model, record);
  return model;
}

/** All that the views show of it. What led to an event and is not there is not shown. */
const shown = ({ events, lines, transcripts, costs, network, people, paused }: Model) =>
  structuredClone({
    events: events.list.map(({ cause, ...event }) => (events.get(cause ?? Number.NaN) ? { ...event, cause } : event)),
    lines: lines.list.map((line) => line.events.map(({ id }) => id)),
    transcripts: transcripts.lines,
    messages: costs.messages,
    nodes: network.nodes,
    links: network.links,
    people: people.all(),
    paused,
  });

const objects = (text: string): Record<string, never>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('A trace that was exported', () => {
  for (const [name, most] of [
    ['whole', undefined],
    ['cut at the beginning', 60_000],
  ] as const) {
    it(`shows the same when it is opened again, ${name}: events with their ids and times, transcripts, counters, states`, async () => {
      const { lines: _, ...trace } = recorder(liveNews(25), most).trace();
      const original = recorder(liveNews(25), most).trace();
      const opened = readAll(await ndjsonOf(original));
      expect(opened).toMatchObject({ ...trace, scenario: { id: 'wallops', servers: wallops.servers } });
      expect(shown(folded(opened))).toEqual(shown(folded(original)));
      expect(opened.lines.map(({ events }) => events)).toEqual(original.lines.map(({ events }) => events));
    });
  }

  it('is what every program reads that knows version 1: lines are numbered, times go forward, and causes are earlier lines', async () => {
    const [header, ...lines] = objects(await ndjsonOf(recorder(liveNews(10), 60_000).trace()));
    expect(header).toMatchObject({ format: 'netsplit-trace', version: 1, origin: 'live', mode: 'wallops' });
    let t = header?.['start'] as unknown as number;
    for (const [i, line] of lines.entries()) {
      expect(line['seq']).toBe(i + 1);
      expect(line['t']).toBeGreaterThanOrEqual(t);
      t = line['t'] as unknown as number;
      if (line['cause'] !== undefined) expect(line['cause']).toBeLessThan(i + 1);
    }
  });

  it('is the file again, where it was opened from one', async () => {
    const text = simulated(4, '0282');
    expect(await ndjsonOf(await loadFile(new Blob([text])))).toBe(text);
  });
});

describe('A scenario that was exported', () => {
  it.each(builtIn.map((scenario) => [scenario.id, scenario] as const))(
    '%s is one that npm start takes',
    (_, scenario) => {
      const parsed = parseScenario(scenarioText(scenario));
      expect(parsed).toEqual({ ok: true, scenario });
    },
  );

  it('can be taken after it was in a trace, too', async () => {
    const { scenario } = readAll(await ndjsonOf(recorder(liveNews(1)).trace()));
    expect(parseScenario(scenarioText(scenario))).toMatchObject({ ok: true });
  });
});

/** What Mermaid takes for a participant or an arrow, without a character that means something to it. */
const words = String.raw`(?:[\p{L}\p{N} .,@/_-]|#\d+;)+`;
const grammar = new RegExp(
  `^  (?:participant p\\d+ as ${words}|p\\d+(?:->>|-x)p\\d+: ${words}(?: \\((?:bounces|lost)\\))?)$`,
  'u',
);

describe('A sequence diagram', () => {
  it('has an arrow for each stanza that was delivered, from who sent it, and a cross for each that was lost', () => {
    for (const mode of ['0282', '0289pp', '0281'] as const) {
      const model = folded(readAll(simulated(4, mode)));
      const [first, ...lines] = mermaidOf(model).trimEnd().split('\n');
      expect(first).toBe('sequenceDiagram');
      for (const line of lines) expect(line).toMatch(grammar);
      const { list } = model.events;
      expect(lines.filter((line) => line.includes('->>'))).toHaveLength(list.filter(({ leg }) => leg === 'out').length);
      expect(lines.filter((line) => line.includes('-x'))).toHaveLength(
        list.filter(({ leg, outcome }) => leg === 'link' && outcome).length,
      );
    }
  });

  it('goes from BigCheese to the replica, to the primary, to the replicas, and from there to seven people', () => {
    const model = folded(recorder(liveNews(1)).trace());
    const lines = mermaidOf(model).split('\n');
    const name = (address: string) => lines.find((line) => line.endsWith(` as ${address}`))?.split(' ')[3];
    const arrows = lines.filter((line) => line.includes('->>')).map((line) => line.split(':')[0]?.trim());
    const [vesa, primary] = [name('replica@vesa.yeggmaex.irc'), name('channel.avalon.irc')];
    expect(arrows.slice(0, 2)).toEqual([
      `${name('rubenro@vesa.yeggmaex.irc/shaver')}->>${vesa}`,
      `${vesa}->>${primary}`,
    ]);
    expect(arrows.filter((arrow) => arrow?.startsWith(`${primary}->>`))).toHaveLength(3);
    expect(arrows).toHaveLength(1 + 1 + 3 + 7);
  });

  it('is not broken by whatever a nick or a message has in it', () => {
    const hostile = 'x\nend\n%%{init: {}}%%\nparticipant evil; A->>B: <script> "#59;" --x end';
    const trace = small();
    const hop = trace.lines[3] as { stanza: object };
    const xml = `<message><body>${hostile.replaceAll('<', '&lt;')}</body></message>`;
    trace.lines[3] = { ...hop, from: `u@a.sim/${hostile}`, stanza: { ...hop.stanza, xml } };
    const out = { ...trace.lines[3], leg: 'out', from: 'a.sim', to: `v@a.sim/${hostile}`, cause: 4 };
    const text = mermaidOf(folded(readAll(written({ ...trace, lines: [...trace.lines.slice(0, 4), out] }))));
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 2 + 1);
    for (const line of lines.slice(1)) expect(line).toMatch(grammar);
    expect(text).not.toMatch(/\bend\b/i);
  });
});

describe('A log for ShiViz', () => {
  const expression = /(?<host>\S*) (?<clock>{.*})\n(?<event>.*)\n/g;

  it.each(isLong ? (['0282', '0289pr', '0281'] as const) : (['0281'] as const))(
    'says by its clocks what happened before what: causes, and the order at each participant; mode %s',
    (mode) => {
      const { events } = folded(readAll(simulated(5, mode, 6)));
      const text = shivizOf(events);
      const found = [...text.matchAll(expression)].map(({ groups }) => ({
        host: groups?.['host'] as string,
        clock: JSON.parse(groups?.['clock'] as string) as Record<string, number>,
      }));
      expect(found).toHaveLength(events.list.length);
      expect(text.replace(expression, '')).toBe('');
      // In a run of the simulator no clocks differ: events come in the order of the trace.
      const before = new Map<number, Set<number>>();
      const lastAt = new Map<string, number>();
      for (const event of events.list) {
        const host = hostOf(event);
        const led = [lastAt.get(host), event.cause].filter((id) => id !== undefined);
        before.set(event.id, new Set(led.flatMap((id) => [id, ...(before.get(id) ?? [])])));
        lastAt.set(host, event.id);
      }
      const lessOrEqual = (a: Record<string, number>, b: Record<string, number>) =>
        Object.entries(a).every(([host, count]) => count <= (b[host] ?? 0));
      for (const [i, a] of events.list.entries()) {
        expect(found[i]?.host).toBe(hostOf(a));
        for (const [j, b] of events.list.entries())
          if (i !== j) {
            const [first, second] = [found[i]?.clock ?? {}, found[j]?.clock ?? {}];
            if (lessOrEqual(first, second) !== before.get(b.id)?.has(a.id))
              expect([a.id, b.id, first, second]).toEqual([]);
          }
      }
    },
  );

  it('counts each host’s own events one by one, and names hosts without white space', () => {
    const text = shivizOf(folded(recorder(liveNews(5)).trace()).events);
    const counts = new Map<string, number>();
    for (const { groups } of text.matchAll(expression)) {
      const host = groups?.['host'] as string;
      counts.set(host, (counts.get(host) ?? 0) + 1);
      expect(JSON.parse(groups?.['clock'] as string)[host]).toBe(counts.get(host));
    }
    expect(hostOf({ leg: 'in', from: 'u@a.sim/my phone 100%', to: 'a.sim' })).toBe('u@a.sim/my%20phone%20100%25');
  });
});

describe('Passwords', () => {
  const secret = 'cauldron&amp;burn';
  const xml = [
    `<presence to="r@x/n"><x xmlns="http://jabber.org/protocol/muc"><password>${secret}</password></x></presence>`,
    `<message><x xmlns="jabber:x:conference" jid="r@x" password="${secret}"/></message>`,
    `<iq><x xmlns="jabber:x:data"><field type="text-private" var="muc#roomconfig_roomsecret"><value>${secret}</value></field><field var="b"><value>stays</value></field></x></iq>`,
  ];

  it('are in no export: neither in stanzas nor in what a room is made of', async () => {
    for (const one of xml) {
      for (const text of [one, JSON.stringify({ xml: one })]) {
        const left = withoutPasswords(text);
        expect(left).not.toContain('cauldron');
        expect(left.includes('stays')).toBe(one.includes('stays'));
        if (text !== one) JSON.parse(left);
      }
    }
    const [service, ...others] = wallops.nodes;
    if (service?.kind !== 'service') throw new Error('wallops begins with its service');
    const rooms = service.rooms.map((room) => ({ ...room, password: 'cauldron' }));
    const scenario = { ...wallops, nodes: [{ ...service, rooms }, ...others] };
    const kept = new Recorder(scenario);
    const [hop] = liveNews(1).filter(({ kind }) => kind === 'hop');
    if (hop?.kind !== 'hop') throw new Error('nobody spoke');
    kept.take({ ...hop, stanza: { ...hop.stanza, xml: xml[0] as string } }, [hop.seq]);
    const trace = await ndjsonOf(kept.trace());
    expect(trace).toContain('<password>');
    for (const text of [trace, scenarioText(scenario), bundleOf({} as never, scenario, trace)])
      expect(text).not.toContain('cauldron');
  });
});

describe('A report of a bug', () => {
  const page = { build: 'index.js', mode: 'live', phase: 'quiet', userAgent: 'x', viewport: { width: 1, height: 2 } };
  const rest = { preferences: { pace: 1 }, shown: { tab: 'log' } };

  it('says what the page is and shows, and opens as the trace that is in it', async () => {
    const trace = await ndjsonOf(recorder(liveNews(2)).trace());
    const text = bundleOf({ ...page, ...rest }, wallops, trace);
    expect(JSON.parse(text)).toMatchObject({ format: 'netsplit-report', version: 1, ...page, ...rest, trace });
    const { source: _, ...opened } = await loadFile(new Blob([text]));
    expect(opened).toEqual(readAll(trace));
  });

  it.each([
    ['of another version', (text: string) => text.replace('"version":1', '"version":2'), 'It is a report of version 2'],
    ['of no version', (text: string) => text.replace('"version":1,', ''), '“version” is missing'],
    ['cut off', (text: string) => text.slice(0, -40), 'The report was cut off'],
    ['without a trace', (text: string) => text.replace('"trace":"', '"omen":"'), '“trace” is missing'],
    [
      'with something else for a trace',
      (text: string) => text.replace(/"trace":.*/, '"trace":[[[]]]}'),
      '“trace” is not text',
    ],
  ])('%s is refused with a sentence', async (_, spoil, why) => {
    const text = bundleOf({ ...page, ...rest }, wallops, await ndjsonOf(recorder(liveNews(1)).trace()));
    await expect(loadFile(new Blob([spoil(text)]))).rejects.toThrow(why);
  });
});

describe('The trace of a live session that may hold anything', () => {
  const spoilt = async (change: (lines: Record<string, never>[]) => void) => {
    const lines = objects(await ndjsonOf(recorder(liveNews(2)).trace()));
    change(lines);
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    return readAll(text.replace('"nested"', `${'['.repeat(100_000)}${']'.repeat(100_000)}`));
  };
  const header = (lines: Record<string, never>[]) => lines[0] as Record<string, unknown>;
  const scenario = (lines: Record<string, never>[]) => header(lines)['scenario'] as Record<string, unknown>;

  it.each([
    [
      'a scenario that is text',
      (lines: never[]) => Object.assign(header(lines), { scenario: 'x' }),
      '“scenario” is not an object',
    ],
    [
      'a place outside',
      (lines: never[]) => Object.assign(scenario(lines), { servers: [{ domain: 'a', at: [0, 7] }] }),
      '“scenario.servers[0].at” is not a pair of numbers',
    ],
    [
      'deep nesting',
      (lines: never[]) => Object.assign(scenario(lines), { nodes: 'nested' }),
      '“scenario.nodes[0]” is not an object',
    ],
    [
      'another format',
      (lines: never[]) => Object.assign(scenario(lines), { format: 'x' }),
      '“scenario.format” is not one of',
    ],
    [
      'another version',
      (lines: never[]) => Object.assign(scenario(lines), { version: 2 }),
      '“scenario.version” is not 1',
    ],
    [
      'a title without end',
      (lines: never[]) => Object.assign(scenario(lines), { title: 'x'.repeat(5_000) }),
      '“scenario.title” has 5000 characters',
    ],
    [
      'two servers of one name',
      (lines: never[]) =>
        (scenario(lines)['servers'] as object[]).push((scenario(lines)['servers'] as object[])[0] as object),
      '“scenario.servers” names something twice',
    ],
    [
      'ids that are none',
      (lines: never[]) => Object.assign(header(lines), { firstOwn: 3 }),
      '“firstOwn” is not a whole number below 0',
    ],
    [
      'progress that is none',
      (lines: never[]) => Object.assign(lines[1] as never, { progress: { node: 'x', phase: 'flying', detail: '' } }),
      '“progress.phase” is not one of',
    ],
  ] as const)('%s is refused with a sentence that names it', async (_, change, why) => {
    await expect(spoilt(change as never)).rejects.toThrow(why);
  });

  it('numbers, ids and times that make no sense leave a model that can be shown', async () => {
    const trace = await spoilt((lines) => {
      for (const [i, line] of lines.slice(1).entries())
        if (line['kind'] === 'hop') Object.assign(line, { id: i % 3 === 0 ? 1 : Number.MAX_SAFE_INTEGER - i, at: -i });
      Object.assign(header(lines), { base: 10_000, firstOwn: -Number.MAX_SAFE_INTEGER });
    });
    expect(folded(trace).events.list.length).toBeGreaterThan(0);
  });
});
