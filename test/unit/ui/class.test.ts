import { describe, expect, it } from 'vitest';
import { classIn, classLink, newCode } from '../../../src/ui/classroom/code.ts';
import { tally } from '../../../src/ui/classroom/tally.ts';

const given = (...answers: readonly (string | undefined)[]) =>
  answers.map((answer, n) => ({ n, nick: '', ...(answer === undefined ? {} : { answer }) }));

describe('the chart of a question', () => {
  it('has every choice, in its order, also one that nobody chose', () => {
    const question = { id: 'q', ask: 'Which?', choices: ['one', 'two', 'three'] };
    expect(tally(question, given('2', '0', '2', undefined))).toEqual([
      { answer: 'one', count: 1 },
      { answer: 'two', count: 0 },
      { answer: 'three', count: 2 },
    ]);
  });

  it('has the numbers that were given, in the order of numbers, with their unit', () => {
    const question = { id: 'q', ask: 'How many?', choices: [], unit: 'stanzas' };
    expect(tally(question, given('8', '10', '8', '-1'))).toEqual([
      { answer: '-1 stanzas', count: 1 },
      { answer: '8 stanzas', count: 2 },
      { answer: '10 stanzas', count: 1 },
    ]);
    expect(tally(question, given(undefined))).toEqual([]);
  });

  it('counts the rarest of many numbers together, so that it stays a chart', () => {
    const question = { id: 'q', ask: 'How many?', choices: [] };
    const bars = tally(question, given('4', '4', ...Array.from({ length: 40 }, (_, i) => String(100 + i))));
    expect(bars).toHaveLength(13);
    expect(bars[0]).toEqual({ answer: '4', count: 2 });
    expect(bars.at(-1)).toEqual({ answer: 'other numbers', count: 29 });
  });
});

describe('the link of a class', () => {
  it('has a code that can be read out: no letter that looks like a digit', () => {
    for (let i = 0; i < 200; i++) expect(newCode()).toMatch(/^[a-hjkmnp-z2-9]{6}$/);
  });

  it('is read as it is written, and as somebody types it', () => {
    const link = classLink({ origin: 'http://a.example', pathname: '/x/' }, 'k7m2qp');
    expect(link).toBe('http://a.example/x/?class=k7m2qp');
    expect(classIn(new URL(link).search)).toBe('k7m2qp');
    expect(classIn('?class=K7M2QP')).toBe('k7m2qp');
    for (const none of ['', '?class=', '?class=short', '?class=not-a-code', `?class=${'x'.repeat(13)}`])
      expect(classIn(none)).toBeUndefined();
  });
});
