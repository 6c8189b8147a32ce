import { describe, expect, it } from 'vitest';
import { lessons } from '../../../src/lessons/built-in.ts';
import { builtInScenario } from '../../../src/scenario/built-in.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import type { LabAct } from '../../../src/sim/lab.ts';
import { readPlace, writePlace } from '../../../src/ui/address.ts';
import { askedOf } from '../../../src/ui/lesson/asked.ts';
import { isRight, phaseOf } from '../../../src/ui/lesson/phase.ts';
import { readProgress } from '../../../src/ui/lesson/progress.ts';
import { actInWords, checkInWords } from '../../../src/ui/lesson/words.ts';

const wallops = builtInScenario('wallops') as Scenario;
const BigCheese = 'rubenro@vesa.yeggmaex.irc/shaver';
const said = (text: string): LabAct => ({ kind: 'person', who: BigCheese as never, act: { act: 'say', text } });
const cut = (a: string, b: string): LabAct => ({
  kind: 'link',
  between: [a, b] as unknown as [never, never],
  settings: { state: 'bounce' },
});
const say = { act: 'say', who: BigCheese, text: 'Hello' };

describe('The acts that a step asks for', () => {
  const link = { act: 'cut', link: ['avalon.irc', 'killrc.oulubox.irc'], how: 'bounce' };
  it('are done in whatever words, and whichever end of a link is named first', () => {
    const { asked, besides } = askedOf(
      [say, link],
      [said('Good day'), cut('killrc.oulubox.irc', 'avalon.irc')],
      wallops,
    );
    expect(asked.map(({ done }) => done)).toEqual([true, true]);
    expect(besides).toEqual([]);
  });

  it('are done in their order; what else is done is besides', () => {
    const deeds = [cut('avalon.irc', 'killrc.oulubox.irc'), said('Hello'), said('Hello again')];
    const { asked, besides } = askedOf([say, link], deeds, wallops);
    expect(asked.map(({ done }) => done)).toEqual([true, false]);
    expect(besides).toEqual([deeds[0], deeds[2]]);
  });
});

describe('The phase of a step', () => {
  const step = {
    predict: { ask: 'How many?', unit: 'stanzas' },
    do: [{ act: say, hint: '' }],
    check: [{ crossed: 4 }],
  };
  const asked = (done: boolean) => [{ act: say, done }];
  const checked = (done: boolean) => [{ check: { crossed: 4 }, done }];
  it.each([
    ['a guess is asked for first', undefined, false, false, true, 'predict'],
    ['whoever leaves it open goes on', null, false, false, true, 'do'],
    ['what was done has to come to its end', 4, true, true, false, 'run'],
    ['it has come out', 4, true, true, true, 'revealed'],
    ['something else has', 4, true, false, true, 'amiss'],
  ] as const)('%s', (_, answer, done, isAsWanted, isOver, phase) => {
    expect(phaseOf(step, answer, asked(done), checked(isAsWanted), isOver)).toBe(phase);
  });

  it('a step without anything to do is read', () => {
    expect(phaseOf({}, undefined, [], [], true)).toBe('read');
  });

  it('a guess is right, wrong, or left open', () => {
    const whole = { title: '', text: '', ...step };
    expect([4, 5, null, undefined].map((answer) => isRight(whole, answer))).toEqual([
      true,
      false,
      undefined,
      undefined,
    ]);
  });
});

describe('What the browser keeps of lessons', () => {
  it('is read with care: anything may stand there', () => {
    const good = { step: 2, done: [1, 1, 'x', 99], answers: { 2: 5, 3: null, x: 1, 4: 'five' } };
    expect(readProgress(JSON.stringify({ netsplit: good, 'NO NAME': good, other: { step: 0 }, none: null }))).toEqual({
      netsplit: { step: 2, done: [1], answers: { 2: 5, 3: null } },
    });
    for (const text of ['', 'null', '[1]', '{"a":']) expect(readProgress(text)).toEqual({});
  });

  it('is bounded', () => {
    const one = { step: 1, done: [], answers: {} };
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`lesson-${i}`, one]));
    expect(Object.keys(readProgress(JSON.stringify(many)))).toHaveLength(40);
  });
});

describe('A lesson in the address', () => {
  it('is written as it is read', () => {
    const lab = { scenario: 'wallops', seed: 0, shared: undefined, lesson: { id: 'netsplit', step: 3, from: 221 } };
    const hash = writePlace({ lab });
    expect(hash).toBe('#lab=wallops&seed=0&lesson=netsplit&step=3&from=221');
    expect(readPlace(hash).lab).toEqual(lab);
  });

  it('alone it is enough; a step that is none is the first', () => {
    expect(readPlace('#lesson=netsplit').lab).toEqual({
      scenario: '',
      seed: undefined,
      shared: undefined,
      lesson: { id: 'netsplit', step: 1 },
    });
    expect(readPlace('#lesson=netsplit&step=-4&from=x').lab?.lesson).toEqual({ id: 'netsplit', step: 1 });
  });
});

describe('A lesson in words', () => {
  it('says every act and every check of the lessons', () => {
    for (const { steps, exercises, scenario } of lessons) {
      const known = typeof scenario === 'string' ? (builtInScenario(scenario) as Scenario) : scenario;
      for (const { act } of steps.flatMap((step) => step.do ?? [])) expect(actInWords(act, known)).not.toBe(act.act);
      for (const check of [...steps, ...exercises].flatMap((one) => one.check ?? []))
        expect(checkInWords(check, known)).not.toMatch(/undefined|\[object/);
    }
    expect(actInWords(say, wallops)).toBe('BigCheese says something');
    expect(checkInWords({ crossed: 4 }, wallops)).toBe('4 stanzas cross the links for the last message');
  });
});
