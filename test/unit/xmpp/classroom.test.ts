import { describe, expect, it } from 'vitest';
import {
  type ClassState,
  classLimits,
  readClassState,
  readSpeech,
  writeClassState,
  writeSpeech,
} from '../../../src/core/xep/classroom.ts';

// What a class takes from the page of a lecturer, and from those of students: src/core/xep/classroom.ts.

const times = <T>(n: number, of: (i: number) => T) => Array.from({ length: n }, (_, i) => of(i));
const question = { id: 'lesson/1', ask: 'How many?', choices: ['one', 'two'] };
const seat = (n: number) => ({ who: `user${n}@lit/r`, nick: `nick${n}` });
const reads = (state: ClassState) => readClassState(writeClassState(state));

describe('The state of a class', () => {
  it.each<readonly [string, ClassState]>([
    ['no place', { place: '' }],
    ['a place as long as it may be', { place: `#${'x'.repeat(classLimits.place - 1)}` }],
    ['a lesson', { place: '?a', lesson: { id: 'split-2', step: 999 } }],
    ['as many choices as there may be', { place: '', question: { ...question, choices: times(8, (n) => `${n}`) } }],
    ['a number with a unit', { place: '', question: { ...question, choices: [], unit: 'stanzas' } }],
    ['as many people as there may be', { place: '', seats: times(classLimits.seats, seat) }],
    ['one who is played', { place: '', seats: [{ ...seat(1), taken: true, yours: true }] }],
  ])('%s: it is read as it was written', (_, state) => {
    expect(reads(state)).toEqual(state);
  });

  it.each<readonly [string, ClassState]>([
    ['a place that is longer', { place: `#${'x'.repeat(classLimits.place)}` }],
    ['a place whose bytes are more than its characters', { place: `#${'é'.repeat(classLimits.place / 2)}` }],
    ['a place that leads elsewhere', { place: 'https://evil.lit/' }],
    ['a lesson of another form', { place: '', lesson: { id: '../lesson', step: 1 } }],
    ['a step that is none', { place: '', lesson: { id: 'split', step: 1000 } }],
    ['a question without words', { place: '', question: { ...question, ask: '' } }],
    ['a question that is too long', { place: '', question: { ...question, ask: 'x'.repeat(classLimits.ask + 1) } }],
    ['a question whose id is of another form', { place: '', question: { ...question, id: 'a b' } }],
    ['one choice', { place: '', question: { ...question, choices: ['one'] } }],
    ['too many choices', { place: '', question: { ...question, choices: times(9, (n) => `${n}`) } }],
    ['an empty choice', { place: '', question: { ...question, choices: ['one', ''] } }],
    ['a long choice', { place: '', question: { ...question, choices: ['one', 'x'.repeat(classLimits.choice + 1)] } }],
    ['a long unit', { place: '', question: { ...question, unit: 'x'.repeat(classLimits.unit + 1) } }],
    ['too many people', { place: '', seats: times(classLimits.seats + 1, seat) }],
    ['somebody without an address', { place: '', seats: [{ ...seat(1), who: '@lit' }] }],
    ['somebody whose nick is none', { place: '', seats: [{ ...seat(1), nick: '' }] }],
  ])('%s: nothing of it is taken', (_, state) => {
    expect(reads(state)).toBeUndefined();
  });
});

describe('What a student says as somebody', () => {
  it.each([{ text: 'x'.repeat(classLimits.text) }, { to: 'Alice', text: ' hello ' }])('is read: %j', (speech) => {
    expect(readSpeech(writeSpeech(speech))).toEqual(speech);
  });

  it.each([{ text: 'x'.repeat(classLimits.text + 1) }, { text: ' ' }, { to: '', text: 'hello' }])(
    'is nothing: %j',
    (speech) => {
      expect(readSpeech(writeSpeech(speech))).toBeUndefined();
    },
  );
});
