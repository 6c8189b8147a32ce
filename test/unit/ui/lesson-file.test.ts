import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lessons } from '../../../src/lessons/built-in.ts';
import { terms } from '../../../src/lessons/glossary.ts';
import type { Lesson } from '../../../src/lessons/lesson.ts';
import { parseLesson } from '../../../src/lessons/load.ts';
import { parseMarkdown, referencesIn } from '../../../src/lessons/markdown.ts';
import { ground } from '../../../src/ui/lesson/ground.ts';
import { knowsSpec } from '../../../src/ui/spec-index.ts';
import { LessonPlayer } from '../../support/lesson-player.ts';

const folder = new URL('../../../src/lessons/', import.meta.url);
const source = (id: string) => readFileSync(new URL(`${id}.json`, folder), 'utf8');
const replica = source('a-replica-spares-the-link');

function errorsOf(text: string) {
  const parsed = parseLesson(text, ground);
  return parsed.ok ? [] : parsed.errors;
}

/** The file with one place changed, which must be there; and the line of that place. */
function changed(from: string, to: string) {
  expect(replica).toContain(from);
  const text = replica.replace(from, () => to);
  return { text, line: text.slice(0, text.indexOf(to)).split('\n').length };
}

describe('The lessons that come with the product', () => {
  it.each(lessons.map(({ id }) => [id]))('%s is as the schema and the scenario want it', (id) => {
    expect(errorsOf(source(id))).toEqual([]);
  });

  it('are numbered in their order, and all files are there', () => {
    expect(lessons.map(({ number }) => number)).toEqual(lessons.map((_, i) => i + 1));
    const files = readdirSync(folder).filter(
      (name) => name.endsWith('.json') && !/^(schema|glossary|tsconfig)\./.test(name),
    );
    expect(files.sort()).toEqual(lessons.map(({ id }) => `${id}.json`).sort());
  });

  it('have four to eight steps, each with an idea, and two or three exercises', () => {
    for (const { id, steps, exercises } of lessons) {
      expect(steps.length, id).toBeGreaterThanOrEqual(4);
      expect(steps.length, id).toBeLessThanOrEqual(8);
      expect([2, 3], id).toContain(exercises.length);
    }
  });

  it('use every term of the glossary in the words of today', () => {
    expect(new Set(terms.map(({ id }) => id)).size).toBe(terms.length);
    for (const { section } of terms) if (section !== undefined) expect(knowsSpec(section), section).toBe(true);
    const texts = lessons.map((lesson) => JSON.stringify(lesson)).join();
    const old = terms.flatMap(({ was = [] }) => was).filter((word) => !terms.some(({ term }) => term === word));
    for (const word of old) expect(texts).not.toMatch(new RegExp(`\\b${word}\\b`));
  });
});

describe('A lesson in a file', () => {
  it.each([
    ['an unknown property', '"minutes": 12', '"minutes": 12, "hours": 1', 'unknown property "hours"'],
    ['a scenario that there is not', '"scenario": "wallops"', '"scenario": "wallop"', 'there is no scenario "wallop"'],
    ['an unknown term', '(term:primary)', '(term:boss)', 'the glossary has no term "boss"'],
    ['an unknown section', '"section": "0282#4.9"', '"section": "0282#4.99"', 'there is no section 0282#4.99'],
    ['somebody who is not there', '"person": "msa@', '"person": "msb@', /^no person msb@/],
    ['an act that there is not', '"act": {', '"act": { "loud": true,', /^say has no field loud/],
    ['a check of two kinds', '"deliveries": 7', '"deliveries": 7, "crossed": 4', /has no "deliveries"/],
    ['a check that is none', '{ "deliveries": 7 }', '{ "state": "live" }', /^is no check/],
    ['a choice that there is not', '"answer": 1', '"answer": 7', 'there is no such choice'],
    ['a key that is listed twice', '"minutes": 12', '"minutes": 12, "minutes": 13', /listed twice/],
  ])('%s is refused with its line', (_, from, to, message) => {
    const { text, line } = changed(from, to);
    expect(errorsOf(text)[0]).toMatchObject({
      line,
      message: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });

  it('the one that src/lessons/README.md shows is a whole lesson', () => {
    const readme = readFileSync(new URL('README.md', folder), 'utf8');
    const shown = /```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(errorsOf(shown)).toEqual([]);
    const player = new LessonPlayer(JSON.parse(shown));
    const [step] = (JSON.parse(shown) as Lesson).steps;
    player.step(step ?? { title: '', text: '' });
    expect(player.failing(step?.check)).toEqual([]);
  });

  it('a number cannot be predicted where nothing is counted', () => {
    const lesson = JSON.parse(replica);
    delete lesson.steps[1].check;
    expect(errorsOf(JSON.stringify(lesson))[0]?.message).toMatch(/^no check of the step counts/);
  });

  it('a scenario of its own is checked as a scenario is', () => {
    const lesson = JSON.parse(source('one-room-one-server'));
    lesson.scenario.occupants[0].room = 'nowhere@channel.avalon.irc';
    expect(errorsOf(JSON.stringify(lesson))[0]).toMatchObject({ path: '$.scenario.occupants[0].room' });
  });

  it('what is no JSON, and what is no lesson, is refused', () => {
    expect(errorsOf('{')[0]?.message).toMatch(/^not JSON/);
    expect(errorsOf('[]')).not.toEqual([]);
    expect(errorsOf(JSON.stringify({ ...JSON.parse(replica), format: 'netsplit-scenario' }))).not.toEqual([]);
  });
});

describe('The text of a lesson', () => {
  it('has paragraphs, lists, and marks within a line', () => {
    expect(parseMarkdown('One *two* **three**\nand `four`.\n\n- [a](term:room)\n- [b](xep:0045#1)')).toEqual([
      {
        kind: 'paragraph',
        inlines: [
          { kind: 'text', text: 'One ' },
          { kind: 'emphasis', text: 'two' },
          { kind: 'text', text: ' ' },
          { kind: 'strong', text: 'three' },
          { kind: 'text', text: ' and ' },
          { kind: 'code', text: 'four' },
          { kind: 'text', text: '.' },
        ],
      },
      {
        kind: 'list',
        items: [[{ kind: 'term', text: 'a', to: 'room' }], [{ kind: 'xep', text: 'b', to: '0045#1' }]],
      },
    ]);
  });

  it('is text wherever it is anything else: markup and links to elsewhere', () => {
    const text = '<script>x</script> [a](https://example.org) ![b](data:x)';
    expect(parseMarkdown(text)).toEqual([{ kind: 'paragraph', inlines: [{ kind: 'text', text }] }]);
    expect(referencesIn(text)).toEqual([]);
  });
});
