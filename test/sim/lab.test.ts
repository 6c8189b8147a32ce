import { describe, expect, it } from 'vitest';
import { builtIn, builtInScenario } from '../../src/scenario/built-in.ts';
import { parseScenario } from '../../src/scenario/load.ts';
import type { Scenario } from '../../src/scenario/scenario.ts';
import type { LabAct } from '../../src/sim/lab.ts';
import { LabBranches } from '../../src/sim/lab-branches.ts';
import { isLong } from '../support/long.ts';

const scenarioOf = (id: string) => builtInScenario(id) as Scenario;
const open = (id: string, seed = 7) => new LabBranches(scenarioOf(id), seed);
const say = (who: string, text: string): LabAct => ({ kind: 'person', who: who as never, act: { act: 'say', text } });
const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const linesOf = (lab: LabBranches) => lab.news().lines.map((line) => JSON.parse(line));
const quiet = { quiet: true, mostMs: 60_000 } as const;

/** What the first person of a scenario may do, and what fate does to the first link. */
function play(lab: LabBranches, { occupants, servers }: Scenario): void {
  const who = occupants[0]?.jid ?? '';
  const between = servers.slice(0, 2).map(({ domain }) => domain) as unknown as [never, never];
  for (const act of [
    say(who, 'one'),
    { kind: 'link', between, settings: { state: 'silent' } } as const,
    say(who, 'two'),
    { kind: 'link', between, settings: { state: 'up' } } as const,
    say(who, 'three'),
  ]) {
    lab.act(act);
    lab.run({ ms: 5_000 });
  }
}

describe('The Lab: a scenario driven by a person', () => {
  it.each(builtIn.map((scenario) => [scenario.id, scenario] as const))(
    '%s: the same scenario, seed and acts are the same trace, byte for byte',
    (_, scenario) => {
      const traces = [1, 2].map(() => {
        const lab = new LabBranches(scenario, 7);
        play(lab, scenario);
        return lab.news().lines.join('');
      });
      expect(traces[0]).toBe(traces[1]);
      expect(traces[0]?.split('\n').length).toBeGreaterThan(20);
    },
  );

  it('opens with everybody in whom the script sends in, and nothing under way', () => {
    const lab = open('wallops');
    const { people, isQuiet, lines } = lab.news();
    const last = new Map(people.map(({ who, state }) => [who, state.phase]));
    expect([...last.values()]).toEqual(Array(7).fill('joined'));
    expect(isQuiet).toBe(true);
    expect(lines.length).toBe(lab.opening);
  });

  it('XEP-0282: one message crosses four links, and reaches all seven', () => {
    const lab = open('wallops');
    lab.news();
    expect(lab.act(say(BigCheese, 'Phaedrus, we are having a rotten time.'))).toBeUndefined();
    lab.run(quiet);
    const hops = linesOf(lab).filter(({ kind, stanza }) => kind === 'hop' && stanza.name === 'message');
    expect(hops.filter(({ leg }) => leg === 'link')).toHaveLength(4);
    const people = scenarioOf('wallops').occupants.map(({ jid }) => jid);
    expect(new Set(hops.filter(({ leg, to }) => leg === 'out' && people.includes(to)).map(({ to }) => to)).size).toBe(
      7,
    );
  });

  it('an act in the past begins a branch: what was before is the same, and the other branch is as it was', () => {
    const lab = open('wallops');
    const before = lab.news().lines.length;
    lab.act(say(BigCheese, 'one'));
    lab.run(quiet);
    lab.act(say(BigCheese, 'two'));
    lab.run(quiet);
    const first = lab.news();
    const place = before + 5;
    const { branch, lines } = lab.branch(place);
    expect([branch, lines >= place]).toEqual([1, true]);
    expect(lab.news().lines).toEqual([]);
    // What was under way goes on as it did.
    lab.run(quiet);
    expect(lab.news().lines.slice(0, 10)).toEqual(first.lines.slice(lines - before, lines - before + 10));
    lab.act(say(BigCheese, 'something else'));
    lab.run(quiet);
    expect(lab.news().lines.join('')).toContain('something else');
    lab.select(0);
    expect(lab.done.deeds).toHaveLength(2);
    lab.act(say(BigCheese, 'three'));
    lab.run(quiet);
    const [next] = linesOf(lab);
    expect(next.seq).toBe(before + first.lines.length + 1);
  });

  it('a branch may begin before everybody is in: they are not in there, and what follows is numbered on', () => {
    const lab = open('wallops');
    const first = lab.news().lines;
    const { lines } = lab.branch(100);
    expect([lines >= 100, lines < first.length]).toEqual([true, true]);
    expect(lab.done.opened).toBe(false);
    lab.run(quiet);
    const next = lab.news().lines;
    expect(next.slice(0, 3)).toEqual(first.slice(lines, lines + 3));
    expect(lab.act(say('troy@eris.dclxvii.irc/screwdriver', 'x'))).toMatch(/is not in the room$/);
  });

  it('a branch whose world was let go is played again when it is chosen', () => {
    const lab = open('wallops');
    const opening = lab.news().lines.length;
    lab.act(say(BigCheese, 'one'));
    lab.run(quiet);
    const { length } = lab.news().lines;
    for (let i = 0; i < 6; i++) lab.branch(opening);
    lab.select(0);
    lab.act(say(BigCheese, 'two'));
    expect(linesOf(lab)[0].seq).toBe(opening + length + 1);
    expect(() => lab.select(99)).toThrow('there is no branch 99');
    lab.remove(3);
    expect(() => lab.select(3)).toThrow('there is no branch 3');
  });

  it('what cannot be done is refused with the reason', () => {
    const lab = open('growing');
    const outside = scenarioOf('growing').occupants.at(-1)?.jid ?? '';
    expect(lab.act(say(outside, 'x'))).toMatch(/is not in the room$/);
    expect(lab.act(say('nobody@nowhere.lit/x', 'x'))).toBe('there is nobody nobody@nowhere.lit/x');
    expect(lab.act({ kind: 'crash', node: 'nowhere.lit' as never })).toBe('there is no node nowhere.lit');
    const between = ['a.lit', 'b.lit'] as unknown as [never, never];
    expect(lab.act({ kind: 'link', between, settings: { state: 'silent' } })).toBe(
      'there is no link between a.lit and b.lit',
    );
  });

  it('what a changed link says that cannot be done is left out when it is played', () => {
    const lab = open('wallops');
    const at = lab.place.t;
    const deed = (act: unknown) => ({ after: 0, at, act: act as LabAct });
    const deeds = [
      deed({ kind: 'crash', node: 'nowhere.lit' }),
      deed(say('nobody@nowhere.lit/x', 'x')),
      deed(say(BigCheese, 'a \u0000 character')),
      deed(say(BigCheese, 'a word')),
    ];
    lab.load({ deeds, opened: true }, { events: 0, t: at });
    lab.run(quiet);
    expect(lab.done.deeds).toHaveLength(1);
    expect(lab.news().lines.join('')).toContain('a word');
  });

  it('compared: what was done is done there once', () => {
    const lab = open('wallops');
    lab.compare('plain');
    expect(lab.news().comparison?.anew).toBe(true);
    lab.act(say(BigCheese, 'one'));
    lab.run(quiet);
    const { comparison } = lab.news();
    expect([comparison?.anew, comparison?.leftOut]).toEqual([false, []]);
  });

  it('a link takes its latency, and more where its bandwidth is small', () => {
    const lab = open('wallops');
    const between = ['vesa.yeggmaex.irc', 'avalon.irc'] as unknown as [never, never];
    lab.act({ kind: 'link', between, settings: { latencyMs: 200, bytesPerSecond: 1_200 } });
    lab.news();
    lab.act(say(BigCheese, 'slowly'));
    lab.run(quiet);
    const hop = linesOf(lab).find(({ kind, leg }) => kind === 'hop' && leg === 'link');
    expect(hop.arrives - hop.t).toBe(Math.ceil(200 + (hop.stanza.bytes * 1000) / 1_200));
  });

  it('a node that is crashed and restarted has what it had', () => {
    const lab = open('wallops');
    lab.act(say(BigCheese, 'remember'));
    lab.run(quiet);
    const replica = 'replica@vesa.yeggmaex.irc' as never;
    expect(lab.act({ kind: 'crash', node: replica })).toBeUndefined();
    expect(lab.act({ kind: 'crash', node: replica })).toMatch(/down already$/);
    lab.run({ ms: 1_000 });
    expect(lab.act({ kind: 'restart', node: replica })).toBeUndefined();
    lab.run(quiet);
    const statuses = linesOf(lab).filter(({ kind, node }) => kind === 'status' && node === replica);
    expect(statuses.at(-1).status.rooms[0].historyLength).toBe(1);
  });

  it('XEP-0282 §4.2: a replica that an owner adds runs, and one that is taken off the list ends', () => {
    const lab = open('growing');
    const room = 'hideout@rooms.neverland.pan' as never;
    const replica = 'replica@london.pan' as never;
    const sessions = () =>
      linesOf(lab)
        .filter(({ kind, address }) => kind === 'session' && address === replica)
        .map(({ up }) => up);
    lab.act({ kind: 'configure', room, list: { name: 'replicas', add: replica } });
    lab.run(quiet);
    expect(sessions()).toEqual([true]);
    lab.act({ kind: 'configure', room, list: { name: 'replicas', remove: replica } });
    lab.run({ ms: 10_000 });
    expect(sessions()).toEqual([false]);
  });

  it.runIf(isLong)('takes no more than 100,000 lines', () => {
    const lab = open('plain');
    lab.run({ lines: 200_000, mostMs: 60 * 60_000 });
    const [someone] = scenarioOf('plain').occupants;
    let why: string | undefined;
    for (let i = 0; i < 20_000 && why === undefined; i++) {
      why = lab.act(say(someone?.jid ?? '', 'x'));
      lab.run(quiet);
    }
    expect(why).toBe('this run has 100,000 events, and takes no more: go back, or start over');
    expect(lab.news().lines.length).toBeLessThan(100_100);
  });

  it.runIf(isLong)('a room with a hundred replicas: what one says crosses the link to each of them once', () => {
    const room = 'town@rooms.hub.lit';
    const domains = Array.from({ length: 100 }, (_, i) => `s${i}.lit`);
    const userOf = (domain: string) => `user@${domain}/x`;
    const replicas = domains.map((domain) => ({ jid: `replica@${domain}`, serves: [domain] }));
    const parsed = parseScenario(
      JSON.stringify({
        ...{ format: 'netsplit-scenario', version: 1, id: 'hundred', title: 'A hundred replicas', xep: '0282' },
        description: 'A town on a hundred and one servers.',
        servers: ['hub.lit', ...domains].map((domain, i) => ({ domain, at: [(i % 11) / 10, Math.floor(i / 11) / 10] })),
        nodes: [
          {
            ...{ kind: 'service', address: 'rooms.hub.lit', server: 'hub.lit' },
            rooms: [{ jid: room, name: 'town', distribution: { kind: 'primary', replicas } }],
          },
          ...replicas.map(({ jid, serves }) => ({
            ...{ kind: 'replica', address: jid, server: serves[0], replicaOf: room, serves },
          })),
        ],
        occupants: domains.map((domain, i) => ({ jid: userOf(domain), nick: `n${i}`, room })),
        script: domains.map((domain) => ({ act: 'join', who: userOf(domain) })),
      }),
    );
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors.slice(0, 3)));
    const lab = new LabBranches(parsed.scenario, 7);
    lab.run({ quiet: true, mostMs: 600_000 });
    lab.news();
    lab.act(say(userOf('s3.lit'), 'hello'));
    lab.run(quiet);
    const messages = linesOf(lab).filter(({ kind, stanza }) => kind === 'hop' && stanza.name === 'message');
    expect(messages.filter(({ leg }) => leg === 'link')).toHaveLength(101);
    const heard = messages.filter(({ leg, to }) => leg === 'out' && to.startsWith('user@'));
    expect(heard.map(({ to }) => to).sort()).toEqual(domains.map(userOf).sort());
  });
});
