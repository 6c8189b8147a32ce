import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { builtIn, builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import schema from '../../../src/scenario/schema.json' with { type: 'json' };
import { type Action, type ActName, acts, mistakeIn } from '../../../src/ui/session/acts.ts';
import type { Kind, Known } from '../../../src/ui/session/kinds.ts';

const read = (file: string) => readFileSync(fileURLToPath(new URL(`../../../${file}`, import.meta.url)), 'utf8');

interface Told {
  readonly does: string;
  readonly needs: Readonly<Record<string, Kind<unknown>>>;
  readonly may?: Readonly<Record<string, Kind<unknown>>>;
  readonly example: Readonly<Record<string, unknown>>;
}
const all = Object.entries(acts) as [ActName, Told][];

/** What a page that has just begun lets an act name. */
function knownIn(scenario: Scenario): Known {
  return {
    people: scenario.occupants.map(({ jid }) => jid),
    guests: ['guest1@avalon.irc'],
    nodes: scenario.nodes.map(({ address }) => address),
    servers: scenario.servers.map(({ domain }) => domain),
    rooms: scenario.nodes.flatMap((node) => (node.kind === 'service' ? node.rooms.map(({ jid }) => jid) : [])),
  };
}
const wallops = knownIn(builtInScenario('wallops') as Scenario);
const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';

describe('The table of acts', () => {
  it.each(all)('%s: its example is one, in a scenario that is built in', (_, { example }) => {
    expect(builtIn.some((scenario) => mistakeIn(example, knownIn(scenario)) === undefined)).toBe(true);
  });

  it('is the one in src/ui/README.md', () => {
    const code = (name: string) => `\`${name}\``;
    const list = ({ needs, may = {} }: Told) =>
      [...Object.keys(needs).map(code), ...Object.keys(may).map((name) => `${code(name)}?`)].join(', ');
    const rows = all.map(
      ([name, act]) => `| ${code(name)} | ${list(act)} | ${act.does} | ${code(JSON.stringify(act.example))} |`,
    );
    const kinds = new Map<string, string>();
    for (const [, { needs, may = {} }] of all)
      for (const [name, { is }] of Object.entries({ ...needs, ...may })) {
        // A name means the same wherever it stands.
        expect(kinds.get(name) ?? is, name).toBe(is);
        kinds.set(name, is);
      }
    const fields = [...kinds].map(([name, is]) => `| ${code(name)} | ${is} |`);
    const text = read('src/ui/README.md');
    expect(text).toContain(['| act | fields | what it does | example |', '|---|---|---|---|', ...rows, ''].join('\n'));
    expect(text).toContain(['| field | has to be |', '|---|---|', ...fields, ''].join('\n'));
  });

  it('has what a script of a scenario does, with the same fields', () => {
    const { properties, required } = schema.$defs.act;
    for (const name of properties.act.enum) {
      const act = all.find(([one]) => one === name)?.[1];
      expect(['act', ...Object.keys(act?.needs ?? {})], name).toEqual(required);
      expect(Object.keys({ act, ...act?.needs, ...act?.may })).toEqual(expect.arrayContaining(Object.keys(properties)));
    }
    for (const scenario of builtIn)
      for (const step of scenario.script) expect(mistakeIn(step, knownIn(scenario)), scenario.id).toBeUndefined();
  });

  it('gives the types', () => {
    const say: Action = { act: 'say', who: 'x', text: 'y' };
    const cut: Action = { act: 'cut', link: ['a', 'b'], how: 'silent' };
    const join: Action = { act: 'join', who: 'x' };
    // @ts-expect-error it lacks a field
    const lacks: Action = { act: 'say', who: 'x' };
    // @ts-expect-error there is no such way to cut
    const loud: Action = { act: 'cut', link: ['a', 'b'], how: 'loud' };
    // @ts-expect-error there is no such act
    const flies: Action = { act: 'fly' };
    expect([say, cut, join, lacks, loud, flies]).toHaveLength(6);
  });
});

describe('What is no act', () => {
  const mistake = (act: unknown) => mistakeIn(act, wallops);

  it('is answered with the acts there are', () => {
    const names = Object.keys(acts).join(', ');
    expect(mistake({ act: 'shout' })).toBe(`there is no act "shout"; the acts are ${names}`);
    expect(mistake({})).toBe(`there is no act undefined; the acts are ${names}`);
    expect(mistake({ act: 'toString' })).toMatch(/^there is no act "toString"/);
    expect(mistake(null)).toMatch(/^an act is an object, for example \{"act":"say",/);
    expect(mistake('say')).toMatch(/^an act is an object/);
    expect(mistake({ act: 10n })).toMatch(/^there is no act 10;/);
  });

  it('is answered with the fields of the act, and an example', () => {
    const usage = `its fields are who: ${acts.say.needs.who.is}; text: text; for example ${JSON.stringify(acts.say.example)}`;
    expect(mistake({ act: 'say', who: BigCheese })).toBe(`say lacks text; ${usage}`);
    expect(mistake({ act: 'say', who: BigCheese, text: 7 })).toBe(`text of say is 7, and has to be text; ${usage}`);
    expect(mistake({ act: 'say', who: BigCheese, text: 'x', body: 'y' })).toBe(`say has no field body; ${usage}`);
    expect(mistake({ act: 'cut', link: ['avalon.irc', 'vesa.yeggmaex.irc'], how: 'loud' })).toMatch(
      /^how of cut is "loud", and has to be "bounce" or "silent"; its fields are link: /,
    );
    expect(
      mistake({
        act: 'slow',
        link: ['avalon.irc', 'vesa.yeggmaex.irc'],
        latencyMs: -1,
        jitterMs: 0,
        bytesPerSecond: 0,
      }),
    ).toMatch(/^latencyMs of slow is -1, and has to be milliseconds, from 0 to 60000; /);
    expect(mistake({ act: 'configure', room: 'wallops@channel.avalon.irc' })).toMatch(
      /^configure lacks split or distributed; its fields are room: .*; split \(optional\): some of policy /,
    );
    expect(mistake({ act: 'configure', room: 'wallops@channel.avalon.irc', split: { policy: 'thaw' } })).toMatch(
      /^split of configure is \{"policy":"thaw"\}, and has to be some of policy/,
    );
    expect(mistake({ act: 'join', who: BigCheese, room: 'wallops@channel.avalon.irc/x' })).toMatch(/^room of join is /);
    expect(mistake({ act: 'nick', who: BigCheese, nick: '' })).toMatch(/^nick of nick is "", and has to be a nick/);
    expect(mistake({ act: 'say', who: BigCheese, text: ['x'.repeat(200)] })).toMatch(
      /^text of say is \["x{70,80}…, and/,
    );
  });

  it('is answered with the people, nodes, servers, rooms and links there are, of many the first', () => {
    expect(mistake({ act: 'say', who: 'rubenro@vesa.yeggmaex.irc', text: 'x' })).toBe(
      `there is no person rubenro@vesa.yeggmaex.irc; there is ${wallops.people.join(', ')}`,
    );
    expect(mistake({ act: 'crash', node: 'vesa' })).toBe(`there is no node vesa; there is ${wallops.nodes.join(', ')}`);
    expect(mistake({ act: 'add-replica', server: 'x.lit' })).toBe(
      `there is no server x.lit; there is ${wallops.servers.join(', ')}`,
    );
    expect(mistake({ act: 'configure', room: 'x@y.lit', distributed: true })).toBe(
      'there is no room x@y.lit; there is wallops@channel.avalon.irc',
    );
    expect(mistake({ act: 'heal', link: ['avalon.irc', 'x.lit'] })).toMatch(
      /^there is no link avalon\.irc – x\.lit; there is avalon\.irc – vesa\.yeggmaex\.irc, /,
    );
    expect(mistake({ act: 'heal', link: ['avalon.irc', 'avalon.irc'] })).toMatch(/^link of heal is /);
    const many = { ...wallops, nodes: Array.from({ length: 11 }, (_, i) => `n${i}.lit`) };
    expect(mistakeIn({ act: 'crash', node: 'x.lit' }, many)).toMatch(/n6\.lit, n7\.lit and 3 more$/);
  });

  it('a further device of somebody, and a guest, may come in', () => {
    expect(mistake({ act: 'join', who: 'rubenro@vesa.yeggmaex.irc/laptop' })).toBeUndefined();
    expect(mistake({ act: 'say', who: 'rubenro@vesa.yeggmaex.irc/laptop', text: 'x' })).toMatch(/^there is no person/);
    expect(mistake({ act: 'join', who: 'guest1@avalon.irc' })).toBeUndefined();
    expect(mistake({ act: 'join', who: 'rubenro@vesa.yeggmaex.irc' })).toMatch(/^there is no person/);
  });
});
